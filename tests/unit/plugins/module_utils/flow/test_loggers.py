# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries say nothing, wherever the collection is entered and whatever they do to their loggers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.playbooks

ROOT = Path(__file__).resolve().parents[5]
PACKAGE = "ansible_collections.meshops.asm.plugins"
SDK = (
    "Tea.core", "darabonba.core", "alibabacloud_credentials.client", "alibabacloud_servicemesh20200111.client",
    "alibabacloud_cs20151215.client", "alibabacloud_tea_openapi.client", "kubernetes.config.kube_config", "urllib3",
    "requests", "apscheduler.executors.pool",
)  # fmt: skip
# What Ansible has loaded of itself by the time it enters.
ANSIBLE = (
    "ansible.module_utils.basic", "ansible.plugins.action", "ansible.plugins.inventory", "ansible.plugins.loader",
    "ansible.template",
)  # fmt: skip
# For each entry a child of a process that has the libraries already: each of their loggers speaks, at all levels.
SPEAK = """
import importlib, logging, os, sys
def load(names):
    for name in names:
        importlib.import_module(name)
def speak(entry):
    own = ("ansible", "asyncio", "concurrent")
    known = [name for name in logging.root.manager.loggerDict if not name.startswith(own)]
    assert "alibabacloud-tea" in known and "urllib3.connectionpool" in known and len(known) > 20, known
    for name in known:
        for level in (10, 20, 30, 40, 50):
            logging.getLogger(name).log(level, "%s speaks after %s", name, entry)
import ansible.utils.display
load({before!r})
for entry in {entries!r}:
    if os.fork() == 0:
        load([entry])
        load({after!r})
        speak(entry)
        print("tried", entry, flush=True)
        os._exit(0)
    os.wait()
"""


def entries() -> list[str]:
    """Where Ansible enters the collection: modules, action plugins, the inventory plugin."""
    folders = [ROOT / "plugins" / name for name in ("modules", "action", "inventory")]
    return [f"{PACKAGE}.{folder.name}.{file.stem}" for folder in folders for file in folder.glob("*.py")]


def said(names: list[str], *, before: tuple[str, ...] = (), after: tuple[str, ...] = (), log: Path) -> list[str]:
    """What libraries print and log, with a log of Ansible's, once the entries have been imported."""
    ended = subprocess.run(
        [sys.executable, "-c", SPEAK.format(before=before, entries=names, after=after)],
        env={**os.environ, "ANSIBLE_LOG_PATH": str(log), "ANSIBLE_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert ended.stdout.count("tried") == len(names), ended.stderr
    lines = [*ended.stdout.splitlines(), *ended.stderr.splitlines(), *log.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if "speaks" in line]


def test_libraries_are_silent_wherever_ansible_enters(tmp_path: Path) -> None:
    found = entries()
    assert len(found) > 20
    assert said(found, before=(*ANSIBLE, *SDK), log=tmp_path / "log") == []


def test_they_are_so_when_they_come_later(tmp_path: Path) -> None:
    assert said([f"{PACKAGE}.inventory.asm"], after=SDK, log=tmp_path / "log") == []


def test_they_would_speak_otherwise(tmp_path: Path) -> None:
    assert any("alibabacloud-tea speaks" in line for line in said(["json"], after=SDK, log=tmp_path / "log"))

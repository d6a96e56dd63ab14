# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several meshes of one file become hosts: by -e and in AWX's project, with templates in them, and never shown."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors

pytestmark = pytest.mark.playbooks

ROOT = Path(errors.__file__).resolve().parents[3]
KEY = "the-private-key-of-the-gateway"
MESHES: dict[str, Any] = {
    "asm_wait_timeout": 300,
    "asm_meshes": [
        {
            "asm_mesh": {"name": "shop", "region": "cn-hangzhou"},
            # Rendered once, and no template after that.
            "asm_workloads": [{"name": "a", "clusters": ["x"], "definition": "{{ '{{' }} .Values.x }}"}],
            "asm_gateway_secrets": [{"name": "tls", "private_key": "{{ tls_key }}", "gateway": "in"}],
        },
        {"asm_mesh": {"name": "north", "region": "cn-beijing"}},
    ],
}
SEEN = """
- name: Say what each mesh has
  hosts: asm_fleet
  gather_facts: false
  connection: local
  tags: [always]
  tasks:
    - name: Say it
      ansible.builtin.debug:
        msg: "{{ inventory_hostname }} {{ asm_mesh.region }} {{ asm_wait_timeout }} {{ asm_base_dir | default('-') }}
          {{ (asm_workloads | default([{'definition': '-'}]))[0].definition }}
          {{ (asm_gateway_secrets | default([{'private_key': '-'}]))[0].private_key == tls_key }}"
"""


def played(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A playbook of a folder that no account is asked for: with a tag that no task has, only the spec is read."""
    environment = {
        **{key: os.environ[key] for key in ("PATH", "PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH") if key in os.environ},
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
    }
    command = [sys.executable, "-m", "ansible", "playbook", *words, "--tags", "none", "-e", "@key.yml"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "awx" / "project", tmp_path, dirs_exist_ok=True)
    (tmp_path / "key.yml").write_text(f"tls_key: {KEY}\n", encoding="utf-8")
    (tmp_path / "meshes").mkdir()
    (tmp_path / "meshes" / "fleet.yml").write_text(yaml.safe_dump(MESHES), encoding="utf-8")
    for name, playbook in (("direct", "meshops.asm.site"), ("project", "site.yml")):
        text = f"- name: The flow\n  ansible.builtin.import_playbook: {playbook}\n{SEEN}"
        (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
    return tmp_path


def test_by_a_vars_file(folder: Path) -> None:
    done = played(folder, "direct.yml", "-e", "@meshes/fleet.yml", "-vvvv", "--diff")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "shop cn-hangzhou 300 - {{ .Values.x }} True" in done.stdout
    assert "north cn-beijing 300 - - False" in done.stdout
    assert KEY not in done.stdout


def test_by_the_project_of_awx(folder: Path) -> None:
    survey = '{"answer_asm_wait_timeout": "77", "answer_asm_clusters_purge": "as in the spec", "asm_only": "north"}'
    done = played(folder, "project.yml", "-e", "spec_file=meshes/fleet.yml", "-e", survey)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"north cn-beijing 77 {folder}/meshes - False" in " ".join(done.stdout.split())
    assert "[shop]" not in done.stdout


def test_what_cannot_be_meant_ends_it_before_any_mesh(folder: Path) -> None:
    done = played(folder, "direct.yml", "-e", "@meshes/fleet.yml", "-e", '{"asm_workloads": [], "asm_gateways": []}')
    assert done.returncode == 2
    assert "asm_workloads stands in it and beside asm_meshes" in done.stdout
    assert "asm_gateways stands" not in done.stdout
    assert "Say it" not in done.stdout
    assert KEY not in done.stdout

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX's execution nodes do: check out a project, read an inventory, run a job through ansible-runner.

Folders, files, arguments and environment are those that AWX gives; a pair of ``environments`` stands in for the image.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
#: A job that takes longer hangs; AWX itself has no limit of its own.
SECONDS = 240.0
_PATHS = "/runner/requirements_collections:~/.ansible/collections:/usr/share/ansible/collections"
# What AWX's own settings and ansible-runner add to every job.
_ALWAYS = {
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_UNSAFE_WRITES": "1",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    "MAX_EVENT_RES": "700000",
    "AWX_HOST": "https://towerhost",
    "INVENTORY_ID": "2",
    "PROJECT_REVISION": "0" * 40,
}


@dataclass
class Node:
    """Where jobs run: the programs of an image, its collections, and the environment that AWX's settings add."""

    programs: Path
    collections: Path
    #: Jobs have their folders below it.
    place: Path
    environment: dict[str, str] = field(default_factory=dict)
    #: What to do while a job runs, with the process of ansible-runner: see ``tests/awx/test_jobs.py``.
    meanwhile: Any = None


@dataclass
class Ran:
    """What AWX knows of a job afterwards."""

    status: str
    stdout: str
    artifacts: Json
    folder: Path

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks that were begun."""
        return [line[6 : line.index("]")] for line in self.stdout.splitlines() if line.startswith("TASK [")]


class _Unsafe(yaml.SafeDumper):
    """Every text as one that is never taken for a template."""

    def represent_data(self, data: Any) -> Any:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def check_out(url: str, branch: str, folder: Path) -> tuple[str, str]:
    """Status and output of a project's update; the branch of ``url`` is in ``folder`` then."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = ["git", "clone", "--quiet", "--depth", "1", "--branch", branch, url, str(partial)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "failed", done.stderr
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return "successful", done.stdout


def playbooks(folder: Path) -> list[str]:
    """The files that AWX offers as playbooks of a project."""
    found = []
    for file in sorted(folder.rglob("*.y*ml")):
        parts = file.relative_to(folder).parts
        hidden = any(part.startswith(".") or part in ("roles", "tasks", "group_vars", "host_vars") for part in parts)
        text = "" if hidden else file.read_text(encoding="utf-8")
        begins = ("- hosts:", "  hosts:", "  ansible.builtin.import_playbook:")
        if any(line.startswith(begins) for line in text.splitlines()):
            found.append("/".join(parts))
    return found


def read_inventory(node: Node, project: Path, source: str, environment: dict[str, str]) -> tuple[str, str, Json]:
    """Status, output and hosts of an inventory update: ``ansible-inventory`` with the source's file."""
    with tempfile.TemporaryDirectory(dir=node.place) as place:
        folder = Path(place)
        copied = folder / "project"
        shutil.copytree(project, copied, ignore=shutil.ignore_patterns(".git"))
        output = folder / "output.json"
        command = [node.programs / "ansible-inventory", "--list", "--export", "-i", copied / source, "--output", output]
        given = {
            **_base(node, folder),
            **environment,
            # Not the singular, which ansible-core 2.19 and newer read alone: they find what the image has.
            "ANSIBLE_COLLECTIONS_PATHS": _PATHS,
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_INVENTORY_EXPORT": "True",
            "ANSIBLE_VERBOSE_TO_STDERR": "True",
            "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
        }
        done = subprocess.run(
            [*command, "--playbook-dir", copied], env=given, cwd=copied, capture_output=True, text=True, check=False,
            timeout=SECONDS,
        )  # fmt: skip
        hosts = json.loads(output.read_text(encoding="utf-8")) if done.returncode == 0 else {}
        return ("failed" if done.returncode else "successful"), done.stdout + done.stderr, hosts


def run_job(node: Node, project: Path, job: Json, environment: dict[str, str]) -> Ran:
    """Runs a job ``{id, playbook, job_type, diff_mode, job_tags, extra_vars, hosts}`` to its end."""
    folder = Path(tempfile.mkdtemp(prefix=f"awx_{job['id']}_", dir=node.place))
    for name in ("env", "inventory", "cp"):
        (folder / name).mkdir(mode=0o700)
    shutil.copytree(project, folder / "project", ignore=shutil.ignore_patterns(".git"))
    words = ["--check"] if job["job_type"] == "check" else []
    words += ["-u", "root", *(["--diff"] if job["diff_mode"] else [])]
    words += ["-t", job["job_tags"]] if job["job_tags"] else []
    _write(folder / "env" / "cmdline", " ".join(words))
    meta = {f"{name}_{key}": job[key] for name in ("awx", "tower") for key in ("job_id", "job_launch_type")}
    extra = {**job["extra_vars"], **meta}
    _write(folder / "env" / "extravars", "".join(yaml.dump({key: extra[key]}, Dumper=_Unsafe) for key in extra))
    script = f"#! /usr/bin/env python3\nprint({json.dumps(job['hosts'])!r})\n"
    _write(folder / "inventory" / "hosts", script, mode=0o700)
    given = {
        **_ALWAYS,
        **environment,
        **node.environment,
        "AWX_PRIVATE_DATA_DIR": str(folder),
        "JOB_ID": str(job["id"]),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        "ANSIBLE_COLLECTIONS_PATHS": _PATHS,
        "ANSIBLE_COLLECTIONS_PATH": _PATHS,
    }
    _write(folder / "env" / "envvars", json.dumps(given))
    return _run(node, folder, job)


def _run(node: Node, folder: Path, job: Json) -> Ran:
    command = [node.programs / "ansible-runner", "run", folder, "-p", job["playbook"], "-i", str(job["id"]), "--quiet"]
    artifacts = folder / "artifacts" / str(job["id"])
    setpriv = shutil.which("setpriv")
    ended = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    with subprocess.Popen(
        [*ended, *command],
        env=_base(node, folder), cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            if node.meanwhile:
                node.meanwhile(process, folder)
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    status = artifacts / "status"
    stdout = artifacts / "stdout"
    kept = sorted(artifacts.glob("job_events/*.json"))
    data: Json = {}
    for file in kept:
        event = json.loads(file.read_text(encoding="utf-8"))
        data.update(event.get("event_data", {}).get("artifact_data") or {})
    return Ran(
        status.read_text(encoding="utf-8") if status.exists() else "error",
        re.sub(r"\x1b\[[^m]*m", "", stdout.read_text(encoding="utf-8", errors="replace")) if stdout.exists() else "",
        data,
        folder,
    )


def _base(node: Node, folder: Path) -> dict[str, str]:
    """The environment of a container: nothing of this process but where programs are."""
    home = folder / "home"
    own = home / ".ansible" / "collections"
    if not own.exists():
        own.parent.mkdir(parents=True)
        own.symlink_to(node.collections)
    return {
        "PATH": os.pathsep.join([str(node.programs), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
        **node.environment,
    }


def _write(file: Path, text: str, mode: int = 0o600) -> None:
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees while the lab's mesh takes its time, and at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from .labs import VPC, VSWITCH, Lab
from .runner import Runner

MESH = f"{{name: slow, vpc_id: {VPC}, vswitch_ids: [{VSWITCH}]}}"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
"""


@pytest.fixture
def slow(lab: Lab, run: Runner) -> Iterator[None]:
    """Changes of meshes take some seconds; the mesh ``slow`` is gone at the end."""
    lab.control.transitions(0.04)
    try:
        yield
    finally:
        lab.control.transitions(0)
        run("asm_mesh", name="slow", state="absent")


def test_a_wait_is_told_while_it_lasts(run: Runner, slow: None) -> None:
    play = run.folder / "slow.yml"
    play.write_text(f"{PLAY}    - meshops.asm.asm_mesh: {MESH}\n", encoding="utf-8")
    environment = {**run.environment, "ANSIBLE_CALLBACKS_ENABLED": "meshops.asm.summary"}
    with subprocess.Popen(
        ["ansible-playbook", str(play)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stdout is not None
        told = process.stderr.readline()
        still_running = process.poll() is None
        output = process.stdout.read()
        process.stderr.read()
    assert process.returncode == 0, output
    assert still_running
    assert told.startswith("[localhost] waiting for mesh 'slow' to be running (state initial): ")
    table = output.split("MESHES ***")[1]
    assert "mesh     slow  " in table
    assert "changed  asm_mesh" in table
    # The wait was the slowest task, and is named as such.
    assert table.split("time ", 1)[1].split()[2] == "asm_mesh"


def test_silence_on_request_and_when_nobody_listens(run: Runner, slow: None) -> None:
    task = f"    - meshops.asm.asm_mesh: {MESH}\n"
    quiet = run.ansible("ansible-playbook", _file(run, PLAY + task), env={"MESHOPS_ASM_PROGRESS": "false"}).ok()
    assert "waiting for" not in quiet.output + quiet.errors


def test_in_the_background(run: Runner, slow: None) -> None:
    task = f"    - meshops.asm.asm_mesh: {MESH}\n      async: 120\n      poll: 1\n      register: made\n"
    task += "    - ansible.builtin.assert: {that: [made is changed, made.mesh.state == 'running']}\n"
    # Ansible's two modules for this disagree about HOME when it is not the user's own.
    environment = {"ANSIBLE_ASYNC_DIR": str(run.folder / "async")}
    played = run.ansible("ansible-playbook", _file(run, PLAY + task), env=environment).ok()
    assert "waiting for mesh" not in played.output + played.errors


def _file(run: Runner, text: str) -> str:
    file = run.folder / "waits.yml"
    file.write_text(text, encoding="utf-8")
    return str(file)

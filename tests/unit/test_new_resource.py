# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new resource is its module, its row and its entry in meta/runtime.yml; all else follows from these.

``trial/asm_trial.py`` is added to a copy of the collection, ``tools/argument_specs.py`` writes what is written, and
Ansible runs what came out of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .account import MESH, MESH_ID, ROOT, Account, Ansible, serving

ROW = """    Section(
        variable="asm_trials",
        noun="trial",
        module="asm_trial",
        role="define",
        description=("The trials of the mesh, each as options of M(meshops.asm.asm_trial).",),
        making="Make the trials",
        removal="Remove the trials",
        kind="Trial",
        result="trial",
        results="trials",
    ),
"""
BY_HAND = {"meta/runtime.yml", "plugins/module_utils/spec/sections.py", "plugins/modules/asm_trial.py"}
WRITTEN = {
    "plugins/action/asm_trial.py",
    "plugins/doc_fragments/sections.py",
    "playbooks/plays/meshes.yml",
    "roles/spec/tasks/main.yml",
    *(
        f"roles/{role}/{file}"
        for role in ("preflight", "define", "remove")
        for file in ("README.md", "meta/argument_specs.yml", "tasks/main.yml")
    ),
}
PLAY = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "roles": ["meshops.asm.define"],
        # As the playbook drift, which does so with the results of all roles.
        "post_tasks": [
            {
                "copy": {
                    "content": "{{ lookup('file', drift_records) | meshops.asm.drift_report(mesh='shop') | to_json }}",
                    "dest": "{{ playbook_dir }}/drift.json",
                    "mode": "0600",
                },
                "when": "drift_records is defined",
                "check_mode": False,
            }
        ],
    }
]
# Looks at a mesh that is busy, until the wait for it has been long enough (3 s) to be told.
BUSY_LOOKS = 16

Json = dict[str, Any]


class Lanes:
    """Answers of the service about groups of swim lanes, whose every write keeps the mesh busy for a while."""

    def __init__(self, account: Account) -> None:
        self.groups: dict[str, Json] = {}
        self._account = account
        self._answer = account.answer
        self._busy = 0
        account.answer = self.answer  # type: ignore[method-assign]

    def answer(self, action: str) -> tuple[int, Any]:
        code, reply = self._answer(action)
        given = self._account.given
        if action == "GetSwimLaneGroupList":
            reply["SwimLaneGroupList"] = list(self.groups.values())
        elif action.endswith("SwimLaneGroup"):
            assert given["ServiceMeshId"] == MESH_ID
            self._busy = BUSY_LOOKS
            self._write(action, given)
        elif action == "DescribeServiceMeshDetail" and self._busy:
            self._busy -= 1
            reply["ServiceMesh"]["ServiceMeshInfo"]["State"] = "updating"
        return code, reply

    def _write(self, action: str, given: dict[str, str]) -> None:
        name = given["GroupName"]
        if action.startswith("Delete"):
            del self.groups[name]
            return
        group = self.groups.setdefault(name, {"GroupName": name, "IngressGatewayName": given.get("IngressGatewayName")})
        group["ServiceList"] = given["ServicesList"]


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the collection with the trial, in the folder that Ansible looks for collections in."""
    roots = tmp_path_factory.mktemp("collections")
    copy = roots / "ansible_collections/meshops/asm"
    for part in ("meta", "playbooks", "plugins", "roles", "tools"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "galaxy.yml", copy)
    module = (Path(__file__).with_name("trial") / "asm_trial.py").read_text(encoding="utf-8")
    (copy / "plugins/modules/asm_trial.py").write_text(f"#!/usr/bin/python\n{module}", encoding="utf-8")
    rows = copy / "plugins/module_utils/spec/sections.py"
    before, check, after = rows.read_text(encoding="utf-8").partition('    Section(\n        variable="asm_checks"')
    rows.write_text(f"{before}{ROW}{check}{after}", encoding="utf-8")
    runtime = copy / "meta/runtime.yml"
    before, after = "    - asm_swim_lane_info\n", "    - asm_trial\n"
    listed = runtime.read_text(encoding="utf-8").replace(before, before + after)
    runtime.write_text(listed, encoding="utf-8")
    subprocess.run([sys.executable, copy / "tools/argument_specs.py"], check=True, capture_output=True)
    return roots


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serving("text") as served:
        yield served


@pytest.fixture(scope="module")
def lanes(account: Account) -> Lanes:
    return Lanes(account)


@pytest.fixture(scope="module")
def ansible(overlay: Path, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    command = Ansible(tmp_path_factory.mktemp("play"), account)
    link = command.folder / "collections/ansible_collections/meshops/asm"
    link.unlink()
    link.symlink_to(overlay / "ansible_collections/meshops/asm")
    command.environment["ANSIBLE_CALLBACKS_ENABLED"] = "meshops.asm.summary"
    (command.folder / "play.yml").write_text(yaml.safe_dump(PLAY), encoding="utf-8")
    return command


@pytest.fixture
def spec(ansible: Ansible) -> Json:
    return {"asm_mesh": {"name": MESH}, "asm_trials": [{"name": "canary", "services": ["details", "reviews"]}]}


def play(ansible: Ansible, spec: Json, playbook: str, *more: str) -> subprocess.CompletedProcess[str]:
    (ansible.folder / "spec.yml").write_text(json.dumps(spec), encoding="utf-8")
    return ansible("ansible-playbook", playbook, "-e", "@spec.yml", *more)


def differing(copy: Path) -> set[str]:
    """The files of the copy that are not as they are in the collection."""
    files = {str(file.relative_to(copy)): file for file in copy.rglob("*") if "__pycache__" not in file.parts}
    return {
        name
        for name, file in files.items()
        if file.is_file() and (not (ROOT / name).exists() or (ROOT / name).read_bytes() != file.read_bytes())
    }


def test_three_files_are_touched_by_hand(overlay: Path) -> None:
    copy = overlay / "ansible_collections/meshops/asm"
    assert differing(copy) == BY_HAND | WRITTEN
    assert subprocess.run([sys.executable, copy / "tools/argument_specs.py", "--check"], check=False).returncode == 0


def test_its_role_takes_passes_and_documents_it(overlay: Path) -> None:
    roles = overlay / "ansible_collections/meshops/asm/roles"
    for role in ("preflight", "define"):
        text = (roles / role / "meta/argument_specs.yml").read_text(encoding="utf-8")
        option = yaml.safe_load(text)["argument_specs"]["main"]["options"]["asm_trials"]
        assert set(option["options"]) == {"name", "gateway", "services", "wait", "wait_timeout"}
        assert option["options"]["name"]["required"] is True
        assert "| `asm_trials` | `[]` | The trials of the mesh" in (roles / role / "README.md").read_text("utf-8")
    *_others, task = yaml.safe_load((roles / "define/tasks/main.yml").read_text("utf-8"))
    assert set(task["meshops.asm.asm_trial"]) == {*option["options"], "mesh", "region", "api_server_address"}


@pytest.mark.playbooks
def test_the_contracts_hold_for_it(overlay: Path) -> None:
    """Documentation and argument spec say the same, check mode, the action group, results, the vocabulary."""
    tests = [ROOT / "tests/unit" / name for name in ("test_collection_contract.py", "test_sections.py")]
    chosen = "asm_trial or action_group_holds or (test_sections and not found)"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(overlay), "ANSIBLE_COLLECTIONS_PATH": str(overlay)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(done.stdout.split(" passed")[0].split()[-1]) > 20


@pytest.mark.playbooks
def test_check_mode_shows_a_diff_and_sends_nothing(
    ansible: Ansible, lanes: Lanes, spec: Json, account: Account
) -> None:
    done = play(ansible, spec, "play.yml", "--check", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert '+    "name": "canary",' in done.stdout, done.stdout
    assert "changed=1 " in done.stdout
    assert (lanes.groups, account.written) == ({}, [])


@pytest.mark.playbooks
def test_it_is_made_waited_for_and_summed_up_once(ansible: Ansible, lanes: Lanes, spec: Json, account: Account) -> None:
    done = play(ansible, spec, "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(lanes.groups["canary"]["ServiceList"]) == ["details", "reviews"]
    assert "waiting for mesh 'shop' to be running (state updating)" in done.stderr
    assert "trial    canary  ready" in done.stdout, done.stdout
    assert "changed  define : Make the trials" in done.stdout
    written = list(account.written)
    again = play(ansible, spec, "play.yml")
    assert (again.returncode, account.written) == (0, written)
    assert "changed=0 " in again.stdout


@pytest.mark.playbooks
def test_drift_is_reported(ansible: Ansible, lanes: Lanes, spec: Json, account: Account) -> None:
    lanes.groups["canary"] = {"GroupName": "canary", "IngressGatewayName": "ingressgateway", "ServiceList": '["a"]'}
    records = ansible.folder / "records"
    records.touch()
    done = play(ansible, spec, "play.yml", "--check", "-e", f"drift_records={records}")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((ansible.folder / "drift.json").read_text(encoding="utf-8"))
    (found,) = report["objects"]
    assert (report["status"], found["change"]) == ("drift", "different"), report
    assert (found["kind"], found["name"], found["where"]) == ("Trial", "canary", MESH)
    assert {"-- a", "+- details"} <= {line.replace("  ", "") for line in found["diff"]}


@pytest.mark.playbooks
def test_preflight_and_removal_know_it(ansible: Ansible, lanes: Lanes, spec: Json) -> None:
    wrong = {"asm_mesh": {"name": MESH}, "asm_trials": [{"name": "canary"}, {"name": "canary"}]}
    done = play(ansible, wrong, "meshops.asm.site", "--tags", "preflight")
    assert "asm_trials has more than one item with the name 'canary'." in done.stdout
    lanes.groups.setdefault("canary", {"GroupName": "canary", "ServiceList": "[]"})
    done = play(ansible, spec, "meshops.asm.remove", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed  remove : Remove the trials" in done.stdout

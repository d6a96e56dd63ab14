# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody meets who has just installed the collection: its files, its output, its lint."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .account import CLUSTER, MESH, ROOT, Account, Ansible, serving

HERE = "~/.ansible/collections/ansible_collections/meshops/asm"
PAGES = ["README.md", "README.zh-CN.md", "docs/getting-started.rst", "docs/zh/getting-started.rst"]
# A playbook's output as JSON, which anything else would break.
JSON_CALLBACK = """
import json
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_VERSION = "stdout", "results_json", 2.0
    def v2_playbook_on_stats(self, stats):
        print(json.dumps({"ended": sorted(stats.processed)}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user who has installed the artifact."""
    folder = tmp_path_factory.mktemp("home")
    galaxy = [sys.executable, "-m", "ansible", "galaxy", "collection"]
    environment = {"PATH": str(Path(sys.executable).parent), "HOME": str(folder), "LANG": "C.UTF-8"}
    for command in (["build", str(ROOT), "--output-path", str(folder)], ["install", "--offline"]):
        made = [str(path) for path in folder.glob("*.tar.gz")]
        subprocess.run([*galaxy, *command, *made], cwd=folder, env=environment, capture_output=True, check=True)
    return folder


@pytest.mark.playbooks
@pytest.mark.parametrize("page", PAGES)
def test_what_is_installed_is_where_the_page_says(home: Path, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8").replace("$HERE", HERE)
    users = text[text.index("ansible-galaxy collection install") :]
    named = re.findall(rf"{HERE}/([\w./-]+)", users)
    assert {"requirements.txt", "examples/bookinfo"} <= set(named)
    assert [name for name in named if not Path(f"{HERE}/{name}".replace("~", str(home), 1)).exists()] == []
    # No command reads a file that only a clone of the repository has here.
    commands = [line for line in users.splitlines() if re.match(r" *\$ (pip|cp) ", line)]
    assert len(commands) == 2
    assert all(HERE in line for line in commands)


@pytest.mark.playbooks
def test_the_artifact_is_linted_by_what_is_in_it(home: Path) -> None:
    installed = Path(HERE.replace("~", str(home), 1))
    rules = yaml.safe_load((installed / ".yamllint").read_text(encoding="utf-8"))
    assert "ignore-from-file" not in rules
    folders = [line for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split() if line.endswith("/")]
    assert set(rules["ignore"]) == set(folders)


def importer(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("importer")


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("Loading role verify\n{done}", []),
        ("WARNING: ERROR    Failed to find meshops.asm.site playbook.\n{done}", []),
        ("WARNING: ERROR    Failed to find meshops.asm.sites playbook.\n{done}", ["WARNING: ERROR    Failed to find"]),
        ("WARNING: roles/a.yml:1:1: name[missing]: x\n{done}", ["WARNING: roles/a.yml:1:1: name[missing]: x"]),
        (
            "ERROR: Traceback (most recent call last):\n  File x\nFileNotFoundError: '.gitignore'\n{done}",
            ["ERROR: Traceback (most recent call last): FileNotFoundError: '.gitignore'"],
        ),
        ("Loading role verify\n", ["The importer broke off: Loading role verify"]),
    ],
)
def test_complaints_of_galaxys_importer(monkeypatch: pytest.MonkeyPatch, output: str, found: list[str]) -> None:
    tool = importer(monkeypatch)
    told = tool.findings(output.format(done="Importer processing completed successfully"))
    assert len(told) == len(found)
    assert all(line.startswith(start) for line, start in zip(told, found, strict=True))


@pytest.fixture
def account() -> Iterator[Account]:
    with serving("v1") as served:
        yield served


def verified(folder: Path, account: Account, **environment: str) -> subprocess.CompletedProcess[str]:
    spec = {"asm_mesh": {"name": MESH, "region": "cn-hangzhou"}, "asm_clusters": [{"name": CLUSTER}, {"name": "no"}]}
    (folder / "mesh.yml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    (folder / "callback_plugins").mkdir()
    (folder / "callback_plugins/results_json.py").write_text(JSON_CALLBACK, encoding="utf-8")
    where = {"ANSIBLE_CALLBACK_PLUGINS": str(folder / "callback_plugins")}
    play = Ansible(folder, account)
    return play("ansible-playbook", "meshops.asm.verify", "-e", "@mesh.yml", "--check", **where, **environment)


@pytest.mark.playbooks
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_table_is_printed_as_it_is(tmp_path: Path, account: Account, form: str) -> None:
    played = verified(tmp_path, account, ANSIBLE_CALLBACK_RESULT_FORMAT=form)
    assert played.returncode == 0, played.stdout + played.stderr
    lines = played.stdout.splitlines()
    start = lines.index("mesh")
    assert re.match(rf"  {MESH} +cn-hangzhou  running", lines[start + 1])
    assert re.fullmatch(r"  proxies +1 of 1 in sync", lines[start + 2])
    assert lines[start + 3] == "cluster"
    assert lines[start + 4].startswith(f"  {CLUSTER}  ")
    assert re.fullmatch(r"  no +not attached  <-- not as in the spec", lines[start + 5])
    assert max(map(len, lines[start : start + 6])) <= 80


@pytest.mark.playbooks
def test_output_for_programs_stays_what_it_is(tmp_path: Path, account: Account) -> None:
    played = verified(tmp_path, account, ANSIBLE_STDOUT_CALLBACK="results_json")
    assert played.returncode == 0, played.stdout + played.stderr
    assert yaml.safe_load(played.stdout) == {"ended": ["localhost"]}


WRONG = {
    "asm_gateways": [
        {"name": "first", "clusters": [CLUSTER], "ports": [80]},
        {"name": "second", "clusters": [CLUSTER], "port": [{"name": "http", "port": 80}]},
    ],
    "asm_namespaces": [{"name": "shop", "injection": True}],
}


def played(folder: Path, account: Account, spec: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "mesh.yml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return Ansible(folder, account)("ansible-playbook", "meshops.asm.site", "-e", "@mesh.yml", "--check", *words)


@pytest.mark.playbooks
def test_what_is_wrong_in_a_spec_is_named_by_its_item(tmp_path: Path, account: Account) -> None:
    mesh = {"name": MESH, "region": "cn-hangzhou"}
    done = played(tmp_path, account, {"asm_mesh": mesh, **WRONG})
    output = done.stdout + done.stderr
    assert done.returncode == 2
    for text in (
        "asm_gateways, 'first': ports[0] must be a mapping with name and port, it is a number.",
        "asm_gateways, 'second': it has no option 'port'. Did you mean ports?",
        "asm_namespaces, 'shop': injection must be one of enabled, disabled, unset; it is a boolean",
    ):
        assert text in output
    assert "_AnsibleTagged" not in output
    # Ansible's own validation prints the documentation of every option.
    assert len(output.splitlines()) < 40
    assert account.calls == []


@pytest.mark.playbooks
def test_a_spec_that_was_not_handed_over_is_told(tmp_path: Path, account: Account) -> None:
    done = played(tmp_path, account, {"mesh": {"name": MESH}})
    output = done.stdout + done.stderr
    assert done.returncode == 2
    assert (
        "asm_mesh is missing, which describes the mesh. A file with it is given with an @, as in -e @mesh.yml" in output
    )
    assert len(output.splitlines()) < 30
    assert account.calls == []


@pytest.mark.playbooks
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "asm_canary needs one of virtual_service and http_route"),
        ({"virtual_service": "a", "http_route": "b"}, "asm_canary needs one of virtual_service and http_route"),
        ({"virtual_service": "a", "prometheus": {}}, "asm_canary.prometheus needs service, or query with the largest"),
        ({"virtual_service": "a", "prometheus": {"query": "up"}}, "asm_canary.prometheus needs service, or query with"),
        (
            {"virtual_service": "a", "prometheus": {"service": "reviews", "query": "up"}},
            "asm_canary.prometheus needs service, or query with",
        ),
    ],
)
def test_a_release_that_lacks_something_does_not_begin(
    tmp_path: Path, account: Account, given: dict[str, Any], told: str
) -> None:
    if "prometheus" in given:
        given["prometheus"]["url"] = "http://192.0.2.1:9090"
    canary = {"namespace": "shop", "stable": "v1", "canary": "v2", "steps": [5, 100], **given}
    words = json.dumps({"asm_mesh": {"name": MESH}, "asm_canary": canary})
    done = Ansible(tmp_path, account)("ansible-playbook", "meshops.asm.canary", "-e", words)
    assert done.returncode == 2
    assert told in done.stdout + done.stderr
    assert account.calls == []


@pytest.mark.playbooks
def test_an_empty_account_takes_few_lines(tmp_path: Path, account: Account) -> None:
    """Clusters by plain names, the user's own variables beside them, and of what does not exist yet a line."""
    account.answers["DescribeServiceMeshes"] = (200, {"RequestId": "r", "ServiceMeshes": []})
    long = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "long"}, "data": {"key": "x" * 500}}
    route = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"}}
    spec = {
        "asm_mesh": {"name": "new", "region": "cn-hangzhou", "vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"]},
        "asm_clusters": [CLUSTER],
        "asm_cluster": CLUSTER,
        "asm_namespace": "shop",
        "asm_gateways": [{"name": "in", "clusters": [CLUSTER]}],
        "asm_namespaces": [{"name": "shop", "injection": "enabled"}],
        "asm_workloads": [{"name": "w", "clusters": [CLUSTER], "definition": long}],
        "asm_istio_resources": [{"name": "r", "definition": {**route, "spec": {"hosts": ["a" * 200]}}}],
    }
    done = played(tmp_path, account, spec, "--diff")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert output.count("Mesh 'new' does not exist yet.") == 1
    assert output.count("[WARNING]") == 1
    for name in ("ConfigMap default/long", "VirtualService default/a", "Namespace shop"):
        assert f'"{name}": "new: ' in output
    assert "x" * 100 not in output
    assert account.written == []

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of traffic say only what playbooks, roles and modules understand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.checks.running import read_checks
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import MESH
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes, make_items
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import PROBE_OPTIONS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
USES = ["lanes", "failover", "authz", "drain", "mirror", "canary", "inject", "strict"]
LOAD = set(PROBE_OPTIONS) - {"expect", "count", "retries", "retry_statuses", "wait_timeout", "method", "body"}


def load_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def variables(use: str) -> dict[str, Any]:
    """The example's variables as the playbook gets them: those of Bookinfo, and its own over them."""
    return {**load_yaml(EXAMPLES / "bookinfo/mesh.yml"), **load_yaml(EXAMPLES / use / f"{use}.yml")}


def errors_of(role: str, given: dict[str, Any]) -> list[str]:
    spec = load_yaml(ROOT / f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    known = {key: value for key, value in given.items() if key in spec}
    return list(ArgumentSpecValidator(spec).validate(known).error_messages)


@pytest.mark.parametrize("use", [*USES, "bookinfo", "before"])
def test_checks_can_be_carried_out(use: str) -> None:
    given = variables(use) if use in USES else load_yaml(EXAMPLES / "bookinfo/mesh.yml")
    if use == "before":
        given.update(load_yaml(EXAMPLES / "bookinfo/before.yml"))
    checks = given["asm_checks"]
    assert len(read_checks(checks, [gateway["name"] for gateway in given["asm_gateways"]])) == len(checks) > 0


@pytest.mark.parametrize("use", USES)
def test_variables_fit_the_roles(use: str) -> None:
    for role in ("verify", "define", *(["canary"] if use == "canary" else [])):
        assert errors_of(role, variables(use)) == [], role


@pytest.mark.parametrize("use", ["lanes", "failover", "authz", "mirror", "canary"])
def test_resources_belong_to_the_mesh(use: str) -> None:
    (resources,) = variables(use)["asm_istio_resources"]
    items = make_items(Wishes(MESH, documents.read(EXAMPLES / use / resources["src"]), resources["namespace"]), None)
    assert {item.namespace for item in items} == {"bookinfo"}


@pytest.mark.parametrize(
    "use",
    ["canary", "drain", "failover", "inject", "strict"],
)
def test_loads_use_what_the_playbooks_pass_on(use: str) -> None:
    assert set(variables(use)[f"asm_{use}"]["probe"]) <= LOAD


@pytest.mark.parametrize("use", ["drain", "inject", "strict"])
def test_a_variable_has_only_keys_that_the_playbook_reads(use: str) -> None:
    read = re.findall(rf"\basm_{use}\.(\w+)", (ROOT / f"playbooks/{use}.yml").read_text(encoding="utf-8"))
    assert set(variables(use)[f"asm_{use}"]) <= set(read)


@pytest.mark.parametrize("use", USES)
def test_every_use_has_a_playbook_on_the_controller(use: str) -> None:
    plays = load_yaml(ROOT / f"playbooks/{use}.yml")
    if imported := plays[0].get("ansible.builtin.import_playbook"):
        plays = load_yaml(ROOT / "playbooks" / imported)
    for one in plays:
        assert (one["hosts"], one["connection"], one["gather_facts"]) == ("localhost", "local", False)
        assert one["vars"]["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"


def test_failover_names_files_that_are_there() -> None:
    failover = variables("failover")["asm_failover"]
    assert all((EXAMPLES / "failover" / failover[name]).is_file() for name in ("cut", "restore"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"virtualservice": "x"}, "asm_canary.virtualservice"),
        ({"steps": ["all"]}, "steps"),
        ({"pause": "long"}, "pause"),
    ],
)
def test_wrong_keys_of_a_release_are_named(change: dict[str, Any], complaint: str) -> None:
    given = variables("canary")
    (error,) = errors_of("canary", {**given, "asm_canary": {**given["asm_canary"], **change}})
    assert complaint in error

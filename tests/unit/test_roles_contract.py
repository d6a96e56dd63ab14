# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, playbooks, examples and modules say the same: options, variables and the reference spec."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.options import wrong_variables
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER, MESH
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, Wishes, make_items
from ansible_collections.meshops.asm.plugins.module_utils.spec import consistency as spec_checks
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS, VARIABLES

ROOT = Path(__file__).resolve().parents[2]
FLOW = ["preflight", "create", "attach", "gateway", "deploy", "define", "verify"]
ROLES = [*FLOW, "upgrade", "remove"]
EXAMPLE = ROOT / "examples/bookinfo"

# Role -> module -> options that the role leaves to their defaults, with the reason why.
LEFT_OUT = {
    "create": {
        "asm_mesh": {
            "state",
            "new_name",
            "detach_clusters",
            "release_gateways",
            "retain_resources",
            "upgrade",
            "upgrade_gateways",
        }
    },
    "attach": {"asm_cluster": {"state", "wait"}},
    "gateway": {"asm_gateway": {"state"}},
    "deploy": {
        "asm_namespace": {"state", "kubeconfig", "context"},
        "asm_sidecar_config": {"state"},
        "asm_workload": {"state", "kubeconfig", "context"},
    },
    "define": {"istio_resource": {"state", "kubeconfig", "context"}},
}
CASES = [(role, module) for role, modules in LEFT_OUT.items() for module in modules]


@functools.cache
def load_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("argument_specs", ROOT / "tools/argument_specs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tasks_of(role: str) -> list[dict[str, Any]]:
    """All tasks of a role, those in blocks included."""
    found: list[dict[str, Any]] = []
    for task in load_yaml(ROOT / f"roles/{role}/tasks/main.yml"):
        found += task.get("block") or [task]
    return found


def argument_spec(role: str) -> dict[str, Any]:
    options: dict[str, Any] = load_yaml(ROOT / f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"][
        "options"
    ]
    return options


def errors_of(role: str, spec: dict[str, Any]) -> list[str]:
    return list(ArgumentSpecValidator(argument_spec(role)).validate(spec).error_messages)


def example_spec() -> dict[str, Any]:
    spec: dict[str, Any] = load_yaml(EXAMPLE / "mesh.yml")
    return {"asm_clusters": [], "asm_gateways": [], "asm_namespaces": [], "asm_workloads": [], **spec}


def example_objects(variable: str, target: str) -> dict[str, list[Item]]:
    return {
        item["name"]: make_items(Wishes(target, documents.read(EXAMPLE / item["src"]), item["namespace"]), None)
        for item in example_spec()[variable]
    }


def test_argument_specs_follow_the_modules(generator: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert generator.main(["--check"]) == 0, capsys.readouterr().out


def test_a_stale_argument_spec_is_found(generator: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "HEADER", "# another header\n")
    assert generator.main(["--check"]) == 1


def test_what_is_written_takes_the_place_of_what_was(generator: ModuleType) -> None:
    """Between marks that are there already, as deep as these are; at the end of a file without them."""
    marks = ["# Begin x, written by tools/argument_specs.py", "# End x"]
    text = f"a\n  {marks[0]}\n  old\n\n  {marks[1]}\nb\n"
    assert generator.marked(text, "x", ["new", "", "two"]) == f"a\n  {marks[0]}\n  new\n\n  two\n  {marks[1]}\nb\n"
    assert generator.marked("a\n", "x", ["new"]) == f"a\n\n{marks[0]}\nnew\n{marks[1]}\n"


def test_secrets_are_marked() -> None:
    for role in ("preflight", "create"):
        authority = argument_spec(role)["asm_mesh"]["options"]["ca"]["options"]
        assert authority["key"]["no_log"] is True
        assert authority["root_key"]["no_log"] is True
    assert argument_spec("attach")["asm_clusters"]["options"]["kubeconfig"]["no_log"] is True


def test_credentials_are_no_part_of_a_spec() -> None:
    for role in ROLES:
        assert not re.search(r"access_key|security_token", (ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())


@pytest.mark.parametrize(("role", "module"), CASES)
def test_a_role_passes_every_option_of_its_module(role: str, module: str, generator: ModuleType) -> None:
    wanted = set(generator.module_options(module)) - LEFT_OUT[role][module] | {"region", "api_server_address"}
    name = f"meshops.asm.{module}"
    passed = max((set(task[name]) for task in tasks_of(role) if name in task), key=len)
    assert passed == wanted


@pytest.mark.parametrize("role", ROLES)
def test_tasks_read_what_the_argument_spec_names(role: str) -> None:
    text = (ROOT / f"roles/{role}/tasks/main.yml").read_text(encoding="utf-8")
    text += "".join(path.read_text(encoding="utf-8") for path in (ROOT / f"roles/{role}").glob("templates/*"))
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    read = {name for name in re.findall(r"\basm_[a-z_]+\b", code) if name in VARIABLES}
    assert read <= set(argument_spec(role))
    never_read = {
        "preflight": {
            "asm_clusters_purge",
            "asm_reserve_namespace",
            "asm_release_gateways",
            "asm_wait_timeout",
        }
    }
    never_read["verify"] = {"asm_namespaces"}
    assert set(argument_spec(role)) - read == never_read.get(role, set())


# A variable with keys, and what it is for if not its value.
KEY = re.compile(r"\b(asm_[a-z_]+(?:\.[a-z_]+)+)\b(?!\()(\s*\|\s*default|\s+is\s+(?:not\s+)?defined)?")
# What the role asks for before anything else: one of both routes, and with a query the value that it is held to.
ASKED_FIRST = {"asm_canary.virtual_service", "asm_canary.http_route", "asm_canary.prometheus.max"}


def requirement(role: str, path: str) -> bool | None:
    """Whether an option of a role is always there; None where its specification does not list it."""
    node: dict[str, Any] | None = {"options": argument_spec(role)}
    for name in path.split("."):
        node = (node or {}).get("options", {}).get(name)
    return node and bool(node.get("required") or "default" in node)


def unguarded(role: str, tasks: list[dict[str, Any]], conditions: str, file: str) -> Iterator[str]:
    """Uses of options that may be left out, of which neither the expression nor a condition around it asks."""
    for task in tasks:
        around = f"{conditions} {task.get('when', '')}"
        for part in ("block", "rescue", "always"):
            yield from unguarded(role, task.get(part, []), around, file)
        own = {key: value for key, value in task.items() if key not in ("block", "rescue", "always")}
        texts = " ".join([*re.findall(r"{{.*?}}", str(own)), *(str(own.get(key)) for key in ("when", "until"))])
        for found in KEY.finditer(texts):
            asked = found[2] or found[1] in ASKED_FIRST or f"{found[1]} is defined" in f"{around} {texts}"
            if requirement(role, found[1]) is False and not asked:
                yield f"{file}, {task.get('name')}: {found[1]}"


@pytest.mark.parametrize("role", sorted(one.name for one in (ROOT / "roles").iterdir()))
def test_options_that_may_be_left_out_are_asked_for_before_they_are_used(role: str) -> None:
    """Messages, too: Ansible 2.19 and newer render that of an assertion which holds."""
    files = {one.name: load_yaml(one) for one in (ROOT / f"roles/{role}/tasks").glob("*.yml")}
    # A file that is included under a condition is read under it.
    conditions = {
        task["ansible.builtin.include_tasks"]: str(task.get("when", ""))
        for tasks in files.values()
        for task in tasks
        if isinstance(task.get("ansible.builtin.include_tasks"), str)
    }
    found = [line for name, tasks in files.items() for line in unguarded(role, tasks, conditions.get(name, ""), name)]
    assert found == []


def probes_of(node: Any) -> Iterator[dict[str, Any]]:
    """The options of every task that sends requests."""
    if isinstance(node, dict) and "meshops.asm.asm_probe" in node:
        yield node["meshops.asm.asm_probe"]
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from probes_of(part)


def test_whoever_sends_requests_passes_on_all_that_can_be_said_of_them(generator: ModuleType) -> None:
    """``asm_failover.probe``, ``asm_canary.probe`` and the like are options of the module."""
    said = set(generator.module_options("asm_probe")) - {*generator.OF_USE, "mesh"}
    assert {"address", "tls", "method", "body", "requests", "retries"} <= said
    files = [*(ROOT / "playbooks").glob("**/*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")]
    found = {path.name: list(probes_of(load_yaml(path))) for path in files}
    sending = {name: probes for name, probes in found.items() if probes}
    assert sorted(sending) == ["compare.yml", "failover.yml", "load_start.yml", "step.yml"]
    for name, (probe,) in sending.items():
        assert said <= set(probe), name


def test_every_variable_that_is_no_section_is_described(generator: ModuleType) -> None:
    described = set(load_yaml(generator.VARIABLES)["variables"])
    assert described == set(VARIABLES) - {one.variable for one in SECTIONS}
    assert set(VARIABLES) == {name for role in [*ROLES, "canary"] for name in argument_spec(role)}


@pytest.mark.parametrize("role", ROLES)
def test_a_readme_names_every_variable(role: str) -> None:
    readme = (ROOT / f"roles/{role}/README.md").read_text(encoding="utf-8")
    assert [name for name in argument_spec(role) if f"| `{name}` |" not in readme] == []


@pytest.mark.parametrize("role", ROLES)
def test_arguments_are_listed_one_by_one(role: str) -> None:
    for task in tasks_of(role):
        for name, arguments in task.items():
            assert not (name.startswith("meshops.asm.") and not isinstance(arguments, dict)), f"{role}: {task['name']}"
            assert name != "args"


@pytest.mark.parametrize("role", ROLES)
def test_loops_over_manifests_show_names_only(role: str) -> None:
    for task in tasks_of(role):
        loop = str(task.get("loop", ""))
        if "asm_workloads" in loop or "asm_istio_resources" in loop:
            assert "map(attribute='name')" in loop, f"{role}: {task['name']} would print the items"


def test_site_runs_the_flow_in_its_order() -> None:
    _hosts, play = load_yaml(ROOT / "playbooks/site.yml")
    assert [role["role"] for role in play["roles"]] == [f"meshops.asm.{role}" for role in FLOW]
    assert [role["tags"] for role in play["roles"]] == [[role] for role in FLOW]


@pytest.mark.parametrize("name", ["site", "verify", "drift", "upgrade", "remove"])
def test_playbooks_run_on_the_controller(name: str) -> None:
    """For one mesh or for several, which are hosts then."""
    hosts, play = load_yaml(ROOT / f"playbooks/{name}.yml")
    assert hosts["ansible.builtin.import_playbook"] == "plays/meshes.yml"
    assert play["hosts"] == "{{ 'asm_fleet' if 'asm_fleet' in groups else 'localhost' }}"
    assert (play["connection"], play["gather_facts"]) == ("local", False)
    assert play["vars"]["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"


def test_removal_goes_from_the_inside_out() -> None:
    order = [key for task in tasks_of("remove") for key in task if key.startswith("meshops.asm.")]
    steps = ["istio_resource", "asm_workload", "asm_gateway", "asm_cluster", "asm_mesh"]
    positions = [order.index(f"meshops.asm.{module}") for module in steps]
    assert positions == sorted(positions)


@pytest.mark.parametrize("role", ROLES)
def test_the_example_is_a_valid_spec_for_every_role(role: str) -> None:
    spec = {key: value for key, value in load_yaml(EXAMPLE / "mesh.yml").items() if key in argument_spec(role)}
    assert errors_of(role, spec) == []
    assert wrong_variables(spec, argument_spec(role)) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"asm_mesh": {"name": "shop", "vpc": "vpc-1"}}, "asm_mesh.vpc"),
        ({"asm_mesh": {"name": "shop", "pilot": {"sampling": 1}}}, "asm_mesh.pilot.sampling"),
        ({"asm_mesh": {}}, "name"),
        (
            {"asm_gateways": [{"name": "in", "ports": [{"name": "http", "port": 80, "number": 1}]}]},
            "asm_gateways.ports.number",
        ),
        ({"asm_gateways": [{"clusters": ["shop-1"]}]}, "name"),
        ({"asm_workloads": [{"name": "a", "clusters": ["shop-1"], "sidecar": True}]}, "asm_workloads.sidecar"),
        ({"asm_workloads": [{"name": "a"}]}, "clusters"),
        ({"asm_istio_resources": [{"name": "a", "prunes": True}]}, "asm_istio_resources.prunes"),
        ({"asm_namespaces": [{"name": "a", "injection": "on"}]}, "injection"),
    ],
)
def test_unknown_and_missing_keys_are_named(change: dict[str, Any], complaint: str) -> None:
    spec = {key: value for key, value in load_yaml(EXAMPLE / "mesh.yml").items() if key in argument_spec("preflight")}
    errors = errors_of("preflight", {**spec, **change})
    assert len(errors) == 1
    assert complaint in errors[0]


@pytest.mark.parametrize("role", [*FLOW, "upgrade", "remove"])
def test_a_spec_is_read_before_ansible_validates_it(role: str) -> None:
    """Ansible's own validation names neither item nor nearest option. Who removes a mesh needs no perfect spec."""
    depends = load_yaml(ROOT / f"roles/{role}/meta/main.yml")["dependencies"]
    assert depends == ([{"role": "meshops.asm.spec"}] if role in FLOW else [])


def test_the_role_spec_reads_every_variable_that_has_options() -> None:
    (task,) = load_yaml(ROOT / "roles/spec/tasks/main.yml")
    given = task["vars"]["spec_given"]
    assert set(given) == set(argument_spec("preflight"))
    assert all(text == f"{{{{ {name} | default('') }}}}" for name, text in given.items())
    assert task["tags"] == ["always"]


def test_the_example_passes_the_offline_checks() -> None:
    spec = example_spec()
    objects = example_objects("asm_istio_resources", MESH)
    workloads = example_objects("asm_workloads", CLUSTER)
    assert spec_checks.misspelt(spec) == []
    assert spec_checks.wrong_names(spec) == []
    assert spec_checks.wrong_sources(spec) == []
    assert spec_checks.wrong_gateways(spec) == []
    assert spec_checks.deaf_ports(spec, objects) == []
    assert spec_checks.unknown_gateways(spec, objects) == []
    assert spec_checks.unmade_namespaces(spec, "asm_istio_resources", objects) == []
    assert spec_checks.unmade_namespaces(spec, "asm_workloads", workloads) == []


def test_bookinfo_is_complete() -> None:
    (workloads,) = example_objects("asm_workloads", CLUSTER).values()
    deployments = {item.name: item.body or {} for item in workloads if item.kind.kind == "Deployment"}
    versions = ["details-v1", "productpage-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"]
    assert sorted(deployments) == versions
    services = {item.name for item in workloads if item.kind.kind == "Service"}
    accounts = {item.name for item in workloads if item.kind.kind == "ServiceAccount"}
    for name, body in deployments.items():
        pod = body["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        assert container["image"] == f"docker.io/istio/examples-bookinfo-{name}:1.20.3"
        assert pod["metadata"]["labels"] == body["spec"]["selector"]["matchLabels"]
        assert pod["metadata"]["labels"]["app"] in services
        assert pod["spec"]["serviceAccountName"] in accounts
        mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
        assert mounts == {volume["name"] for volume in pod["spec"].get("volumes", [])}


def test_subsets_of_the_example_are_versions_of_bookinfo() -> None:
    (resources,) = example_objects("asm_istio_resources", MESH).values()
    (workloads,) = example_objects("asm_workloads", CLUSTER).values()
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for item in [*resources, *workloads]:
        by_kind.setdefault(item.kind.kind, []).append(item.body or {})
    assert set(by_kind) >= {"Gateway", "VirtualService", "DestinationRule", "ServiceEntry"}
    pods = [body["spec"]["template"]["metadata"]["labels"] for body in by_kind["Deployment"]]
    (rule,) = by_kind["DestinationRule"]
    subsets = {subset["name"]: subset["labels"] for subset in rule["spec"]["subsets"]}
    for labels in subsets.values():
        assert {"app": rule["spec"]["host"], **labels} in pods
    for service in by_kind["VirtualService"]:
        for route in service["spec"]["http"]:
            weights = [destination.get("weight") for destination in route["route"]]
            assert len(weights) == 1 or sum(weights) == 100
            used = {one["destination"].get("subset") for one in route["route"]} - {None}
            assert used <= set(subsets)

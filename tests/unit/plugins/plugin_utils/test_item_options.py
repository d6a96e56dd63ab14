# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No option of any section can hold what its module would refuse: the section, the item and the option are named.

The cases are made from the documented options of all sections, so that a new section or option has its own.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS
from ansible_collections.meshops.asm.plugins.plugin_utils.item_options import wrong_items
from ansible_collections.meshops.asm.plugins.plugin_utils.vocabulary import vocabulary
from ansible_collections.meshops.asm.tests.unit.pem import pair

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[4]
# An item of each section that its module takes.
SOUND: dict[str, Json] = {
    "asm_mesh": {"name": "shop", "vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"]},
    "asm_clusters": {"name": "it"},
    "asm_user_permissions": {"name": "it", "user": "201234567890123456", "role": "istio-ops"},
    "asm_gateways": {"name": "it", "clusters": ["shop-1"], "ports": [{"name": "http", "port": 80}]},
    "asm_gateway_secrets": {"name": "it", "gateway": "in", **pair().options()},
    "asm_namespaces": {"name": "it", "injection": "enabled"},
    "asm_waypoints": {"name": "it", "cluster": "shop-1", "namespace": "bookinfo"},
    "asm_sidecar_configs": {"name": "it"},
    "asm_workloads": {"name": "it", "clusters": ["shop-1"], "src": ["nothing.yml"]},
    "asm_extension_providers": {"name": "httpextauth-it", "service": "it.shop.svc.cluster.local", "port": 80},
    "asm_istio_resources": {"name": "it", "src": ["nothing.yml"]},
    "asm_gateway_domains": {
        "name": "it",
        "gateway": "in",
        "namespace": "shop",
        "hosts": ["shop.example.com"],
        "port": 80,
        "protocol": "HTTP",
    },
    "asm_gateway_routes": {
        "name": "it",
        "gateway": "in",
        "hosts": ["shop.example.com"],
        "destinations": [{"host": "shop", "port": 80}],
    },
    "asm_swim_lane_groups": {"name": "it", "gateway": "in", "services": ["shop/cart"]},
    "asm_swim_lanes": {"name": "it", "group": "it", "label_value": "v1"},
    "asm_checks": {"name": "it", "address": ["127.0.0.1"]},
}
WRONG = {"int": "many", "float": "many", "bool": "maybe", "dict": 5, "list": {"a": 1}}
FILLED = {"str": "it", "int": 1, "float": 1.0, "bool": True, "list": [], "dict": {}, "raw": {}, "path": "it"}


def filled(name: str, kind: str) -> Any:
    return "it.shop.svc.cluster.local" if name == "host" else FILLED[kind]


def options_of(variable: str) -> Json:
    found: Json = vocabulary()[variable]["options"]
    return found


def walk(options: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Every option below these, with its path; what a list holds is on the path of the list."""
    for name, about in options.items():
        yield (*path, name), about
        yield from walk(about.get("options") or {}, (*path, name))


def spec_with(variable: str, path: tuple[str, ...], value: Any) -> Json:
    """A sound spec, but for the option at ``path`` of the one item of ``variable``; it has what it needs beside it."""
    item = copy.deepcopy(SOUND[variable])
    options, level = options_of(variable), item
    for name in path[:-1]:
        about = options[name]
        options = about["options"]
        inner = {key: filled(key, one.get("type") or "str") for key, one in options.items() if one.get("required")}
        if about["type"] == "list":
            level[name] = [inner]
        else:
            level[name] = {**inner, **(level.get(name) or {})}
        level = level[name][0] if about["type"] == "list" else level[name]
    level[path[-1]] = value
    # The module is told of a mesh.
    return {"asm_mesh": SOUND["asm_mesh"], variable: item if variable == "asm_mesh" else [item]}


CASES = [(one.variable, path, about) for one in SECTIONS for path, about in walk(options_of(one.variable))]


def cases(*kinds: str, having: str = "") -> list[Any]:
    found = [(variable, path, about) for variable, path, about in CASES if (about.get("type") or "str") in kinds]
    chosen = [one for one in found if not having or one[2].get(having)]
    return [pytest.param(*one, id=f"{one[0]}-{'.'.join(one[1])}") for one in chosen]


def told(spec: Json, variable: str, path: tuple[str, ...]) -> str:
    """The one sentence about the option, which names the section and the item."""
    problems = wrong_items(spec)
    name = spec["asm_mesh"]["name"] if variable == "asm_mesh" else spec[variable][0].get("name")
    about = [one for one in problems if re.search(rf"\b{path[-1]}\b", one)]
    assert about, problems
    title = "asm_mesh" if variable == "asm_mesh" else f"{variable}, '{name}'"
    assert all(one.startswith((title, f"{variable}[0]")) for one in problems), problems
    assert len(about) == 1
    return about[0]


def test_every_section_has_an_item_that_is_sound() -> None:
    assert sorted(SOUND) == sorted(one.variable for one in SECTIONS)
    spec = {key: item if key == "asm_mesh" else [item] for key, item in SOUND.items()}
    assert wrong_items(spec) == []


@pytest.mark.parametrize(("variable", "path", "about"), cases(*WRONG))
def test_a_value_of_another_type(variable: str, path: tuple[str, ...], about: Json) -> None:
    assert " must be " in told(spec_with(variable, path, WRONG[about["type"]]), variable, path)


@pytest.mark.parametrize(("variable", "path", "about"), cases("str", "int", having="choices"))
def test_a_value_that_is_no_choice(variable: str, path: tuple[str, ...], about: Json) -> None:
    sentence = told(spec_with(variable, path, "bob-of-nowhere"), variable, path)
    assert "must be one of " in sentence
    assert all(str(choice) in sentence for choice in about["choices"])


# Checks are read by who carries them out, see test_consistency.py; and what a section adds is no module's.
ADDED = {(one.variable, (name,)) for one in SECTIONS for name in one.options.get("add", {})}
NUMBERS = [one for one in cases("int", "float") if one.values[0] != "asm_checks" and one.values[:2] not in ADDED]


@pytest.mark.parametrize(("variable", "path", "about"), NUMBERS)
def test_a_number_that_cannot_be(variable: str, path: tuple[str, ...], about: Json) -> None:
    told(spec_with(variable, path, -1), variable, path)


@pytest.mark.parametrize(("variable", "path", "about"), [one for one in NUMBERS if one.values[1][-1].endswith("port")])
@pytest.mark.parametrize("number", [0, 99999])
def test_a_port_that_cannot_be(variable: str, path: tuple[str, ...], about: Json, number: int) -> None:
    told(spec_with(variable, path, number), variable, path)


@pytest.mark.parametrize("variable", sorted(SOUND))
def test_an_option_that_does_not_exist(variable: str) -> None:
    assert "has no option 'bob'" in told(spec_with(variable, ("bob",), 1), variable, ("bob",))


@pytest.mark.parametrize(
    ("variable", "name"),
    [(variable, name) for variable in SOUND for name, about in options_of(variable).items() if about.get("required")],
)
def test_what_an_item_needs(variable: str, name: str) -> None:
    item = {key: value for key, value in SOUND[variable].items() if key != name}
    (problem,) = wrong_items({variable: item if variable == "asm_mesh" else [item]})
    assert problem.endswith(f"needs {name}.")


@pytest.mark.parametrize(
    ("variable", "change", "words"),
    [
        ("asm_user_permissions", {"user": "bob"}, ("user is 'bob'", "numbers")),
        ("asm_gateways", {"namespace": "shop"}, ("from the namespace istio-system only",)),
        ("asm_gateways", {"name": "In"}, ("name 'In' is no name of a gateway",)),
        ("asm_gateways", {"ports": [{"name": "http", "port": 80}] * 2}, ("more than one port with the name http",)),
        ("asm_gateways", {"ports": [{"name": "a", "port": "80", "target_port": "80"}]}, ("proxy may not bind",)),
        (
            "asm_gateways",
            {"overrides": [{"cluster": "shop-1", "ports": [{"name": "a", "port": 70000}]}]},
            ("for shop-1: port 70000 is outside 1 to 65535",),
        ),
        ("asm_gateways", {"autoscaling": {"min_replicas": 3, "max_replicas": 2}}, ("min_replicas 3 is more than",)),
        ("asm_gateway_secrets", {"private_key": "x"}, ("private_key is no PEM text",)),
        ("asm_gateway_secrets", {"certificate": None}, ("missing: certificate",)),
        ("asm_namespaces", {"name": "It_"}, ("name 'It_' is no name of a namespace",)),
        ("asm_waypoints", {"resources": {"limits": {"cpu": "much"}}}, ("resources.limits.cpu", "quantity")),
        ("asm_sidecar_configs", {"exclude_inbound_ports": ["99999"]}, ("exclude_inbound_ports: '99999'",)),
        ("asm_mesh", {"exclude_outbound_ports": ["99999"]}, ("exclude_outbound_ports: '99999'",)),
        ("asm_mesh", {"pilot": {"trace_sampling": 101}}, ("pilot.trace_sampling: 101.0 is not from 0 to 100",)),
        ("asm_mesh", {"access_log": {"service_port": 99999}}, ("access_log.service_port: 99999",)),
        ("asm_mesh", {"resend": ["nothing"]}, ("resend: 'nothing'",)),
        ("asm_mesh", {"tags": ""}, ("tags must be a mapping",)),
        ("asm_extension_providers", {"name": "it"}, ("httpextauth-",)),
        ("asm_gateway_domains", {"hosts": ["*.*.com"]}, ("'*.*.com' is no host name",)),
        ("asm_gateway_domains", {"protocol": "HTTPS"}, ("needs credential",)),
        ("asm_gateway_routes", {"destinations": None}, ("either destinations, or redirect",)),
        ("asm_swim_lane_groups", {"services": ["cart"]}, ("services: 'cart'",)),
        ("asm_swim_lanes", {"ingress_weight": {"host": "a.b.svc", "weight": 101}}, ("weight must be from 0 to 100",)),
        ("asm_workloads", {"wait_timeout": -1}, ("wait_timeout must not be negative",)),
        ("asm_istio_resources", {"set": ""}, ("set: is empty",)),
        ("asm_istio_resources", {"prune": True}, ("prune", "set")),
        ("asm_workloads", {"prune": True}, ("prune", "set")),
    ],
)
def test_a_value_that_only_the_module_knows_to_be_wrong(variable: str, change: Json, words: tuple[str, ...]) -> None:
    item = {**SOUND[variable], **change}
    (problem,) = wrong_items({variable: item if variable == "asm_mesh" else [SOUND[variable], item]})
    assert problem.startswith("asm_mesh" if variable == "asm_mesh" else f"{variable}, '{item['name']}': ")
    assert all(word in problem for word in words), problem
    assert problem.count("Nothing was changed") == 0


EXAMPLES = sorted(file for file in ROOT.glob("examples/**/*.yml") if "\nasm_" in file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_example_has_an_item_that_is_refused(file: Path) -> None:
    variables = yaml.safe_load(file.read_text(encoding="utf-8"))
    if isinstance(variables, dict) and "{{" not in str(variables):
        assert wrong_items(variables) == []


def test_manifests_that_are_pruned_are_not_taken_for_none() -> None:
    pruned = {"prune": True, "set": "it"}
    for variable in ("asm_workloads", "asm_istio_resources"):
        assert wrong_items({variable: [{**SOUND[variable], **pruned}]}) == []


def test_clusters_may_be_plain_names_and_sections_may_be_missing() -> None:
    assert wrong_items({"asm_clusters": ["shop-1", 7], "asm_gateways": None}) == []
    assert wrong_items({}) == []


def test_secrets_are_not_told() -> None:
    key = "correct-horse-battery"
    texts = wrong_items(
        {
            "asm_mesh": {"name": "shop", "ca": {"type": "9", "key": key}},
            "asm_gateway_secrets": [{"name": "it", "gateway": "in", "certificate": key, "private_key": key}],
            "asm_extension_providers": [{"name": "httpextauth-it", "oidc": {"client_secret": key}}],
        }
    )
    assert len(texts) == 2
    assert key not in str(texts)


@pytest.mark.parametrize("variable", [one.variable for one in SECTIONS if one.target])
def test_an_item_with_prune_is_no_empty_list(variable: str) -> None:
    """Its manifests are read elsewhere."""
    assert wrong_items({variable: [{**SOUND[variable], "set": "shop", "prune": True}]}) == []
    (told,) = wrong_items({variable: [{**SOUND[variable], "prune": True}]})
    assert "prune needs the option set" in told

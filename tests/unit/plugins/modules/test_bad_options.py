# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input for every module: one clear message that names the option, and nobody is asked anything.

What can be wrong with types, names and combinations of options is made from the argument spec of each module, so that a
new module or option has its cases; values that only a module knows to be wrong are listed.
"""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from unittest import mock

import pytest
from ansible.module_utils import basic
from ansible_collections.meshops.asm.plugins import modules
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import CLOUD_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.module import resource
from ansible_collections.meshops.asm.plugins.module_utils.probe import rounds
from ansible_collections.meshops.asm.tests.unit.pem import pair

from .test_failures import ACCOUNT, MODULES, OPTIONS

Json = dict[str, Any]
Path = tuple[str, ...]
WRONG = {"int": "many", "float": "many", "bool": "maybe", "dict": 5, "list": {"a": 1}}
FILLED = {"str": "it", "int": 1, "float": 1.0, "bool": True, "list": ["it"], "dict": {"it": "it"}, "path": "it"}


class _Asked(Exception):
    """Carries what a module says of its options."""


@cache
def spec_of(name: str) -> Json:
    """Everything that a module tells Ansible of its options: ``argument_spec``, ``required_if``, ..."""

    def asked(**spec: Any) -> Any:
        raise _Asked(spec)

    module = importlib.import_module(f"{modules.__name__}.{name}")
    with mock.patch.object(resource, "AsmModule", asked), pytest.raises(_Asked) as caught:
        module.main()
    found: Json = caught.value.args[0]
    return found


def own_options(name: str) -> Json:
    """The options of a module but for credentials, those that only its action plugin fills, and that of debugging."""
    known = spec_of(name)["argument_spec"]
    return {
        key: one for key, one in known.items() if key not in CLOUD_OPTIONS and not key.startswith(("_", "meshops_"))
    }


def walk(options: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    for name, about in options.items():
        if not name.startswith("_"):
            yield (*path, name), about
            yield from walk(about.get("options") or {}, (*path, name))


def with_option(name: str, path: Path, value: Any) -> Json:
    """Sound options but for one, with what is required beside it."""
    options = own_options(name)
    other_names = options[path[0]].get("aliases", ()) if path[0] in options else ()
    given = {key: value for key, value in copy.deepcopy(OPTIONS[name]).items() if key not in other_names}
    level = given
    for key in path[:-1]:
        about = options[key]
        options = about["options"]
        needed = {one: FILLED[about["type"]] for one, about in options.items() if about.get("required")}
        level[key] = [needed] if about["type"] == "list" else needed
        level = level[key][0] if about["type"] == "list" else level[key]
    level[path[-1]] = value
    return given


Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs a module that has to refuse its options; gives its message."""

    def asks(*args: Any, **more: Any) -> Any:
        raise AssertionError("somebody was asked")

    for target, method in ((Cloud, "_call"), (Cloud, "_client"), (KubeClient, "__init__"), (rounds, "observe")):
        monkeypatch.setattr(target, method, asks)

    def call(name: str, given: Json, *words: str) -> str:
        module = importlib.import_module(f"{modules.__name__}.{name}")
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**ACCOUNT, **given}}).encode()
        arguments_of = mock.patch.multiple(basic, create=True, _ANSIBLE_ARGS=arguments, _ANSIBLE_PROFILE="legacy")
        with arguments_of, pytest.raises(SystemExit) as ended:
            module.main()
        lines = capsys.readouterr().out.strip().splitlines()
        result = json.loads(lines[-1])
        message = str(result.get("msg"))
        assert (len(lines), ended.value.code, result.get("failed"), result.get("changed")) == (1, 1, True, False), given
        assert result["error"]["code"] not in ("Unexpected", "Interrupted"), (given, message)
        assert result["error"]["message"] == message
        assert "\n" not in message.strip()
        assert [word for word in words if word not in message] == [], (given, message)
        return message

    return call


@pytest.mark.parametrize("name", MODULES)
def test_a_value_of_another_type(name: str, refused: Refused) -> None:
    for path, about in walk(own_options(name)):
        if about.get("type") in WRONG:
            refused(name, with_option(name, path, WRONG[about["type"]]), path[-1], " must be ")


@pytest.mark.parametrize("name", MODULES)
def test_a_value_that_is_no_choice(name: str, refused: Refused) -> None:
    for path, about in walk(own_options(name)):
        if about.get("choices"):
            value = ["of-nobody"] if about["type"] == "list" else "of-nobody"
            refused(name, with_option(name, path, value), path[-1], "must be one of", str(about["choices"][0]))


@pytest.mark.parametrize("name", MODULES)
def test_an_option_that_does_not_exist(name: str, refused: Refused) -> None:
    refused(name, {**OPTIONS[name], "bob": 1}, "bob")
    for path, about in walk(own_options(name)):
        if about.get("options"):
            refused(name, with_option(name, (*path, "bob"), 1), path[-1], "'bob'")


@pytest.mark.parametrize("name", MODULES)
def test_what_is_required(name: str, refused: Refused) -> None:
    for path, about in walk(own_options(name)):
        if about.get("required"):
            names = {path[-1], *about.get("aliases", ())}
            given = with_option(name, path, None)
            level: Any = given
            for key in path[:-1]:
                level = level[key][0] if isinstance(level[key], list) else level[key]
            for one in names & {*level}:
                del level[one]
            refused(name, given, path[-1])


def contradictions(name: str) -> Iterator[tuple[Json, tuple[str, ...]]]:
    """Options that do not go together, and what the message names."""
    rules, options, sound = spec_of(name), own_options(name), OPTIONS[name]

    def without(*names: str) -> Json:
        known = {alias: key for key, one in options.items() for alias in (key, *one.get("aliases", ()))}
        return {key: value for key, value in sound.items() if known.get(key) not in names}

    def some(*names: str) -> Json:
        return {one: FILLED.get(options[one]["type"], "it") for one in names if one in options}

    for several in rules.get("mutually_exclusive") or ():
        both = [one for one in several if one in options][:2]
        yield {**without(*both), **some(*both)}, tuple(both)
    for several in rules.get("required_one_of") or ():
        yield without(*several), tuple(one for one in several if not one.startswith("_"))
    for option, value, needed, *_any in rules.get("required_if") or ():
        given = {**without(option, *needed), **({} if options[option].get("default") == value else {option: value})}
        yield given, tuple(needed)
    for option, needed in (rules.get("required_by") or {}).items():
        others = {one for several in rules.get("mutually_exclusive") or () if option in several for one in several}
        yield {**without(*needed, *others), **some(option)}, tuple(needed)


@pytest.mark.parametrize("name", MODULES)
def test_options_that_do_not_go_together(name: str, refused: Refused) -> None:
    for given, words in contradictions(name):
        refused(name, given, *words)


TLS = pair()
LANE = {"mesh": "shop", "group": "features", "name": "gray", "label_value": "v2"}
DOMAIN = {"mesh": "shop", "name": "http", "namespace": "web", "hosts": ["a.org"], "port": 80, "protocol": "HTTP"}
ROUTE = {"mesh": "shop", "name": "page", "hosts": ["a.org"], "destinations": [{"host": "page", "port": 80}]}
GATEWAY = {"mesh": "shop", "name": "in", "clusters": ["shop-1"]}
HOST = OPTIONS["asm_host_config"]
COPY = {"clusters": [], "namespace": "a", "deployment": "b", "service": "c", "like": "d"}
SENTENCES: list[tuple[str, Json, tuple[str, ...]]] = [
    ("asm_baseline", COPY, ("clusters",)),
    ("asm_cluster", {"mesh": "shop", "clusters": [{"name": ""}]}, ("clusters.name", "empty")),
    ("asm_cluster", {"mesh": "shop", "clusters": [{"name": "a", "kubeconfig": "/it/no"}]}, ("'a'", "kubeconfig")),
    ("asm_extension_provider", {"mesh": "shop", "name": "ours"}, ("name", "httpextauth-")),
    ("asm_extension_provider", {"mesh": "shop", "name": "httpextauth-a", "service": "s", "port": 0}, ("port", "65535")),
    ("asm_gateway", {**GATEWAY, "name": "In_"}, ("name 'In_'",)),
    ("asm_gateway", {**GATEWAY, "namespace": "web"}, ("'web'", "istio-system")),
    ("asm_gateway", {**GATEWAY, "ports": [{"name": "a", "port": 99999}]}, ("port 99999", "65535")),
    ("asm_gateway", {**GATEWAY, "replicas": -1}, ("replicas", "-1")),
    ("asm_gateway_domain", {**DOMAIN, "hosts": ["a b"]}, ("hosts", "'a b'")),
    ("asm_gateway_domain", {**DOMAIN, "name": "A_"}, ("name 'A_'",)),
    ("asm_gateway_domain", {**DOMAIN, "port": 99999}, ("port", "65535")),
    ("asm_gateway_imported_services", {"mesh": "shop", "namespace": "a", "services": ["B_"]}, ("services 'B_'",)),
    ("asm_gateway_route", {**ROUTE, "name": "A_"}, ("name 'A_'",)),
    ("asm_gateway_route", {**ROUTE, "priority": -1}, ("priority", "-1")),
    ("asm_gateway_route", {**ROUTE, "redirect": {"uri": "/"}}, ("destinations", "redirect")),
    ("asm_gateway_secret", {"mesh": "shop", "name": "A_", **TLS.options()}, ("name 'A_'",)),
    ("asm_gateway_secret", {"mesh": "shop", "name": "a", "certificate": "x", "private_key": "y"}, ("certificate",)),
    ("asm_gateway_secret", {"mesh": "shop", "name": "a", "certificate": None, "private_key": "y"}, ("certificate",)),
    ("asm_gateway_secret_info", {"mesh": "shop", "within_days": -1}, ("within_days", "negative")),
    ("asm_host_config", {**HOST, "address": "stock"}, ("address 'stock'", "IP address")),
    ("asm_host_config", {**HOST, "address": "127.0.0.1"}, ("address '127.0.0.1'", "reach")),
    ("asm_host_config", {**HOST, "name": "A_"}, ("name 'A_'",)),
    ("asm_host_config", {**HOST, "namespace": "a.b"}, ("namespace 'a.b'",)),
    ("asm_host_config", {**HOST, "pilot_address": "192.0.2.1"}, ("pilot_address '192.0.2.1'", "port")),
    ("asm_host_config", {**HOST, "pilot_address": "192.0.2.1:0"}, ("pilot_address '192.0.2.1:0'", "port")),
    ("asm_host_config", {**HOST, "token_minutes": 9}, ("token_minutes", "10")),
    ("asm_kiali", {"mesh": "shop", "server": {"port": 99999}}, ("server.port", "65535")),
    ("asm_mesh", {"name": ""}, ("name", "empty")),
    ("asm_mesh", {"name": "shop", "pilot": {"trace_sampling": 101}}, ("pilot.trace_sampling", "100")),
    ("asm_mesh", {"name": "shop", "exclude_inbound_ports": ["99999"]}, ("exclude_inbound_ports", "65535")),
    ("asm_mesh", {"name": "shop", "wait_timeout": -1}, ("wait_timeout", "negative")),
    ("asm_mesh", {"name": "shop", "resend": ["telemetry"]}, ("resend", "'telemetry'")),
    ("asm_mesh_info", {"tags": {}}, ("tags", "empty")),
    ("asm_namespace", {"mesh": "shop", "name": "A_"}, ("name 'A_'",)),
    ("asm_namespace", {"mesh": "shop", "name": "istio-system", "state": "absent"}, ("istio-system", "mesh itself")),
    ("asm_probe", {"address": ["127.0.0.1"], "count": -1}, ("count", "-1")),
    ("asm_registry_info", {"mesh": "shop", "labels": {}}, ("labels", "empty")),
    ("asm_restart", {"mesh": "shop", "clusters": [], "namespace": "web"}, ("clusters",)),
    ("asm_sidecar_config", {"mesh": "shop", "name": "web", "concurrency": -1}, ("concurrency", "-1")),
    ("asm_swim_lane", {**LANE, "name": "A_"}, ("name: 'A_'",)),
    ("asm_swim_lane", {**LANE, "ingress_weight": {"host": "a.b.c", "weight": 101}}, ("ingress_weight", "101")),
    ("asm_swim_lane_group", {"mesh": "shop", "name": "A_"}, ("name: 'A_'",)),
    ("asm_swim_lane_group", {"mesh": "shop", "name": "a", "services": ["b"]}, ("services", "'b'")),
    ("asm_user_permission", {"mesh": "shop", "user": "bob", "role": "istio-ops"}, ("user", "'bob'")),
    ("asm_waypoint", {"mesh": "shop", "cluster": "shop-1", "namespace": "A_"}, ("namespace 'A_'",)),
    ("asm_waypoint", {"mesh": "shop", "cluster": "shop-1", "namespace": "a", "replicas": -1}, ("replicas", "-1")),
    ("asm_workload", {"clusters": ["a"], "definition": [], "concurrency": 0}, ("concurrency",)),
    ("istio_resource", {"mesh": "shop", "definition": [], "proxies_timeout": -1}, ("proxies_timeout", "negative")),
    ("istio_resource", {"mesh": "shop", "definition": {"kind": "Gateway"}}, ("definition", "apiVersion")),
]


@pytest.mark.parametrize(("name", "given", "words"), SENTENCES, ids=[f"{one[0]}-{one[2][0]}" for one in SENTENCES])
def test_a_value_that_cannot_be(name: str, given: Json, words: tuple[str, ...], refused: Refused) -> None:
    refused(name, given, *words)


def test_every_module_that_writes_has_a_value_that_cannot_be() -> None:
    writing = {name for name in MODULES if not name.endswith("_info")}
    # Of a spec, its items are what cannot be: see test_item_options.py.
    assert writing - {one[0] for one in SENTENCES} <= {"asm_kubeconfig", "asm_preflight", "asm_verify"}

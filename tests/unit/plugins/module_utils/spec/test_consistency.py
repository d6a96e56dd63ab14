# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found wrong in a spec without asking anybody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import MESH
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, Wishes, make_items
from ansible_collections.meshops.asm.plugins.module_utils.spec import consistency as spec_checks
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS, VARIABLES

HTTP = {"name": "http", "port": 80}


def spec(**lists: Any) -> dict[str, Any]:
    """A spec with the clusters shop-1 and shop-2 and what is given; the names are those of the variables."""
    empty = ("asm_gateways", "asm_namespaces", "asm_workloads", "asm_istio_resources")
    base: dict[str, Any] = {"asm_clusters": [{"name": "shop-1"}, {"name": "shop-2"}], **{name: [] for name in empty}}
    return {**base, **lists}


def objects(*bodies: dict[str, Any], namespace: str = "bookinfo") -> dict[str, list[Item]]:
    return {"routes": make_items(Wishes(MESH, documents.from_definition(list(bodies)), namespace), None)}


def gateway_object(*ports: int, selector: dict[str, str] | None = None, name: str = "entrance") -> dict[str, Any]:
    servers = [{"port": {"number": port, "name": f"p{port}", "protocol": "HTTP"}, "hosts": ["*"]} for port in ports]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name},
        "spec": {"selector": {"istio": "in"} if selector is None else selector, "servers": servers},
    }


@pytest.mark.parametrize(
    ("name", "meant", "value"),
    [
        ("asm_gatways", "asm_gateways", [{"name": "in"}]),
        ("asm_cluster", "asm_clusters", ["shop-1"]),
        ("asm_workload", "asm_workloads", []),
        ("asm_istio_resource", "asm_istio_resources", [{}]),
        ("asm_meshes", "asm_mesh", {"name": "shop"}),
        ("asm_clusters_purg", "asm_clusters_purge", True),
        ("asm_wait_timout", "asm_wait_timeout", 5),
        ("asm_wait_timout", "asm_wait_timeout", "5"),
        ("asm_basedir", "asm_base_dir", "files"),
        ("asm-istio-resources", "asm_istio_resources", []),
        ("asmIstioResources", "asm_istio_resources", []),
        ("ASM_GATEWAYS", "asm_gateways", []),
    ],
)
def test_a_misspelt_variable_is_named(name: str, meant: str, value: Any) -> None:
    (problem,) = spec_checks.misspelt({name: value, "asm_remove": "shop"})
    assert f"The variable {name} " in problem
    assert f"Did you mean {meant}?" in problem


@pytest.mark.parametrize("name", ["asm_cluster", "asm_namespace", "asm_meshes", "asm_check"])
def test_a_variable_beside_the_one_that_it_resembles_is_the_users_own(name: str) -> None:
    assert spec_checks.misspelt({name: [], **dict.fromkeys(VARIABLES)}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("asm_cluster", "shop-1"),
        ("asm_namespace", "shop"),
        ("asm_check", True),
        ("asm_gateway", {}),
        ("asm_meshes", []),
    ],
)
def test_a_variable_that_holds_something_else_is_the_users_own(name: str, value: Any) -> None:
    assert spec_checks.misspelt({name: value}) == []


def test_other_variables_are_nobody_else_s_business() -> None:
    mine = ("asm_my_own_thing", "asmara", "asm_team")
    assert spec_checks.misspelt({name: [] for name in (*VARIABLES, *mine)}) == []


@pytest.mark.parametrize("variable", [one.variable for one in SECTIONS])
def test_a_section_without_its_prefix_is_told(variable: str) -> None:
    name = variable.removeprefix("asm_")
    value = {"name": "shop"} if name == "mesh" else [{"name": "shop"}]
    (hint,) = spec_checks.unprefixed({name: value})
    assert f"The variable {name} is" in hint
    assert f"it is called {variable}." in hint
    assert spec_checks.unprefixed({name: value, variable: []}) == []
    # What holds something else is the user's own.
    for own in ("shop", ["a", "b"], [], {}, None, 7, [{"id": 1}]):
        assert spec_checks.unprefixed({name: own}) == []


def test_clusters_may_be_plain_names() -> None:
    found, problems = spec_checks.read({"asm_clusters": ["shop-1", {"name": "shop-2"}, 7]})
    assert problems == []
    assert found["asm_clusters"] == [{"name": "shop-1"}, {"name": "shop-2"}, {"name": "7"}]


def test_a_sound_spec_has_no_problem() -> None:
    sound = spec(
        asm_gateways=[{"name": "in", "clusters": ["shop-1"], "overrides": [{"cluster": "shop-1"}], "ports": [HTTP]}],
        asm_namespaces=[{"name": "a"}, {"name": "b", "clusters": ["shop-2"]}],
        asm_workloads=[{"name": "a", "clusters": ["shop-1", "shop-2"], "src": "a.yaml"}],
        asm_istio_resources=[{"name": "a", "definition": []}],
    )
    assert spec_checks.wrong_names(sound) == []
    assert spec_checks.wrong_sources(sound) == []
    assert spec_checks.wrong_gateways(sound) == []


@pytest.mark.parametrize("variable", ["asm_gateways", "asm_namespaces", "asm_workloads"])
def test_an_unlisted_cluster_is_named_with_the_listed_ones(variable: str) -> None:
    (problem,) = spec_checks.wrong_names(spec(**{variable: [{"name": "x", "clusters": ["shop-1", "shop-9"]}]}))
    assert problem == f"{variable}, 'x': the cluster 'shop-9' is not in asm_clusters (shop-1, shop-2)."


def test_without_any_cluster_the_message_says_so() -> None:
    (problem,) = spec_checks.wrong_names(
        spec(asm_clusters=[], asm_workloads=[{"name": "x", "clusters": ["shop-1", "shop-1"]}])
    )
    assert "(which is empty)" in problem


def test_overrides_name_clusters_of_their_gateway() -> None:
    stray = {"name": "in", "clusters": ["shop-1"], "overrides": [{"cluster": "shop-2"}, {"cluster": "shop-9"}]}
    unlisted, elsewhere = spec_checks.wrong_names(spec(asm_gateways=[stray]))
    assert "'shop-9' is not in asm_clusters" in unlisted
    assert "overrides names the cluster 'shop-2', where the gateway is not deployed" in elsewhere


@pytest.mark.parametrize(
    "variable", ["asm_clusters", "asm_gateways", "asm_namespaces", "asm_workloads", "asm_istio_resources"]
)
def test_a_name_given_twice(variable: str) -> None:
    (problem,) = spec_checks.wrong_names(spec(**{variable: [{"name": "x"}, {"name": "y"}, {"name": "x"}]}))
    assert problem == f"{variable} has more than one item with the name 'x'."


@pytest.mark.parametrize(
    ("item", "given"),
    [
        ({}, "none is given"),
        ({"src": "a", "template": "b"}, "src and template is given"),
        ({"src": None}, "none is given"),
    ],
)
@pytest.mark.parametrize("variable", ["asm_workloads", "asm_istio_resources"])
def test_objects_come_from_one_source(variable: str, item: dict[str, Any], given: str) -> None:
    (problem,) = spec_checks.wrong_sources(spec(**{variable: [{"name": "x", **item}]}))
    assert problem.startswith(f"{variable}, 'x': exactly one of definition, src, template is needed")
    assert given in problem


def test_an_empty_definition_is_a_source() -> None:
    assert spec_checks.wrong_sources(spec(asm_workloads=[{"name": "x", "definition": []}])) == []


def test_a_server_whose_port_the_gateway_does_not_open() -> None:
    gateways = [{"name": "in", "ports": [HTTP, {"name": "https", "port": "443"}]}]
    (problem,) = spec_checks.deaf_ports(spec(asm_gateways=gateways), objects(gateway_object(80, 443, 8080)))
    assert problem == (
        "Gateway bookinfo/entrance (definition, document 1): a server has port 8080, but nothing listens there: "
        "gateway 'in' opens 80, 443. Add the port to the gateway in asm_gateways, or change the server."
    )


def test_a_port_that_one_cluster_lacks() -> None:
    override = {"cluster": "shop-2", "ports": [{"name": "http", "port": 8000}]}
    gateways = [{"name": "in", "ports": [HTTP], "overrides": [override, {"cluster": "shop-1"}]}]
    (problem,) = spec_checks.deaf_ports(spec(asm_gateways=gateways), objects(gateway_object(80)))
    assert "gateway 'in' in shop-2 opens 8000" in problem


@pytest.mark.parametrize(
    "body",
    [
        gateway_object(8080, selector={"istio": "other"}),
        gateway_object(8080, selector={"app": "in"}),
        gateway_object(),
        {**gateway_object(), "spec": {"selector": "in", "servers": "all"}},
        {**gateway_object(), "spec": None},
        {**gateway_object(), "spec": {"selector": {"istio": "in"}, "servers": [{"port": 8080}, None]}},
        {**gateway_object(8080), "apiVersion": "gateway.networking.k8s.io/v1"},
        {**gateway_object(8080), "kind": "VirtualService"},
    ],
)
def test_what_says_nothing_about_the_ports_is_let_pass(body: dict[str, Any]) -> None:
    assert spec_checks.deaf_ports(spec(asm_gateways=[{"name": "in", "ports": [HTTP]}]), objects(body)) == []


def test_a_gateway_without_ports_in_the_spec_may_have_any() -> None:
    assert spec_checks.deaf_ports(spec(asm_gateways=[{"name": "in"}]), objects(gateway_object(8080))) == []


def test_a_namespace_that_nobody_makes_is_a_hint() -> None:
    found = objects(gateway_object(80), gateway_object(80, name="b"))
    (hint,) = spec_checks.unmade_namespaces(spec(), "asm_istio_resources", found)
    assert hint == (
        "asm_istio_resources, 'routes': the namespace 'bookinfo' is not in asm_namespaces, so it must exist already."
    )
    assert spec_checks.unmade_namespaces(spec(asm_namespaces=[{"name": "bookinfo"}]), "x", found) == []


@pytest.mark.parametrize("namespace", ["default", "istio-system"])
def test_namespaces_that_are_always_there(namespace: str) -> None:
    assert spec_checks.unmade_namespaces(spec(), "x", objects(gateway_object(80), namespace=namespace)) == []


def test_a_namespace_among_the_objects_counts() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bookinfo"}}
    assert spec_checks.unmade_namespaces(spec(), "x", objects(namespace, gateway_object(80))) == []


def test_a_selected_gateway_outside_of_the_spec_is_a_hint() -> None:
    found = objects(gateway_object(80), gateway_object(80, selector={"app": "x"}, name="b"))
    (hint,) = spec_checks.unknown_gateways(spec(), found)
    assert "selects the gateway 'in', which is not in asm_gateways" in hint
    assert spec_checks.unknown_gateways(spec(asm_gateways=[{"name": "in"}]), found) == []


CHECK = {"name": "page", "path": "/productpage"}
ONE_GATEWAY = [{"name": "in"}]


def test_checks_that_can_be_carried_out() -> None:
    split = {"name": "split", "by": {"header": "x-version"}, "expect": {"split": {"v1": 80, "v2": "20"}}}
    elsewhere = {"name": "elsewhere", "address": ["shop.example.com"], "count": "20"}
    assert spec_checks.wrong_checks([CHECK, split, elsewhere], ONE_GATEWAY) == []
    assert spec_checks.wrong_checks([elsewhere], []) == []
    assert spec_checks.wrong_checks([], []) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"by": {"header": "x"}, "expect": {"split": {"v1": 80, "v2": 30}}}, ("110", "100")),
        ({"by": {"regex": "reviews-("}}, ("by.regex", "unterminated")),
        ({"by": {"header": "x", "status": True}}, ("by",)),
        ({"expect": {"split": {"v1": 100}}}, ("by",)),
        ({"count": 3, "by": {"header": "x"}, "expect": {"split": {"v1": 50, "v2": 50}}}, ("count", "3")),
        ({"count": "many"}, ("count", "convert to int")),
        ({"paht": "/"}, ("paht",)),
        ({"path": "no-slash"}, ("path", "no-slash")),
        ({"retries": 11}, ("retries", "10")),
    ],
)
def test_a_check_that_could_never_be_carried_out(change: dict[str, Any], words: tuple[str, ...]) -> None:
    (problem,) = spec_checks.wrong_checks([{**CHECK, **change}, {**CHECK, "name": "good"}], ONE_GATEWAY)
    assert problem.startswith("asm_checks, 'page': ")
    assert [word for word in words if word not in problem] == [], problem


def test_every_wrong_check_is_told() -> None:
    nameless = {"path": "/", "count": -1}
    problems = spec_checks.wrong_checks([CHECK, nameless, {**CHECK, "rate": -1}, {"name": "lost"}], ONE_GATEWAY)
    assert problems[0] == "asm_checks, '2': a name is needed."
    assert problems[1].startswith("asm_checks, '2': ") and "count" in problems[1]
    assert problems[2].startswith("asm_checks, 'page': ") and "rate" in problems[2]
    assert problems[3:] == ["asm_checks has more than one item with the name 'page'."]


@pytest.mark.parametrize("gateways", [[], [{"name": "in"}, {"name": "out"}]])
def test_a_check_needs_to_know_its_gateway(gateways: list[dict[str, Any]]) -> None:
    (problem,) = spec_checks.wrong_checks([CHECK], gateways)
    assert "say which gateway" in problem
    assert all(one["name"] in problem for one in gateways)


def test_odd_types_in_a_spec_are_told_with_their_places() -> None:
    odd = spec(
        asm_clusters=[["shop-1"], {"name": 7}, {}],
        asm_gateways=[
            {"name": "in", "clusters": "7", "ports": [{"name": "http", "port": "many"}], "overrides": [None]}
        ],
        asm_namespaces={"name": "shop"},
        asm_workloads=5,
    )
    found, problems = spec_checks.read(odd)
    assert problems == [
        "asm_clusters[0] must be a mapping, it is a list.",
        "asm_gateways[0].clusters must be a list, it is text.",
        "asm_gateways[0].ports[0].port must be a whole number, it is text.",
        "asm_gateways[0].overrides[0] must be a mapping, it is null.",
        "asm_namespaces must be a list, it is a mapping.",
        "asm_workloads must be a list, it is a number.",
        "asm_clusters[2] has no name.",
    ]
    assert found["asm_clusters"] == [{"name": "7"}]
    assert spec_checks.wrong_names(odd) == spec_checks.wrong_sources(odd) == spec_checks.wrong_gateways(odd) == []


def test_a_spec_that_is_none_has_one_problem() -> None:
    assert spec_checks.read("x")[1] == ["What is given must be a mapping, it is text."]


def test_numbers_may_name_and_text_may_count() -> None:
    """As in options of modules."""
    numbered = spec(
        asm_clusters=[{"name": 1}],
        asm_gateways=[{"name": 2, "clusters": [1], "ports": [{"name": "a", "port": "70000"}]}],
    )
    assert spec_checks.wrong_names(numbered) == []
    assert spec_checks.wrong_gateways(numbered) == []


def test_odd_servers_of_a_gateway_open_no_port() -> None:
    body = gateway_object()
    for servers in ({}, ["x"], [{"port": 80}], [{"port": {"number": "80"}}], None):
        changed = {**body, "spec": {**body["spec"], "servers": servers}}
        assert spec_checks.deaf_ports(spec(asm_gateways=[{"name": "in", "ports": [HTTP]}]), objects(changed)) == []


def test_odd_checks_are_told() -> None:
    odd: Any = ["x"]
    assert spec_checks.wrong_checks(odd, [{"name": "in"}])[0] == "asm_checks[0] must be a mapping, it is text."
    nothing: Any = {"name": "x"}
    assert spec_checks.wrong_checks(nothing, nothing) == ["asm_checks must be a list, it is a mapping."]


def test_gateways_that_cannot_share_a_load_balancer() -> None:
    gateways = [{"name": "in", "clusters": ["a", "b"], "load_balancer": {"id": "lb-1"}}]
    (problem,) = spec_checks.wrong_gateways({"asm_gateways": gateways})
    assert "lb-1 is to serve 2 clusters" in problem

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The semantic checks, each with what it tells and what it lets pass."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import Hosts, full_host, overlap, services_domain
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import Finding, Mesh
from ansible_collections.meshops.asm.plugins.module_utils.istio.rules import RULES, findings, needed_kinds

Json = dict[str, Any]


def made(kind: str, name: str, namespace: str = "shop", **spec: Any) -> Json:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def routes(name: str, *targets: Json, namespace: str = "shop", **spec: Any) -> Json:
    """A VirtualService for the host of its name."""
    http = [{"route": list(targets)}]
    return made("VirtualService", name, namespace, **{"hosts": [name], "http": http, **spec})


def to(host: str, subset: str = "", weight: int | None = None) -> Json:
    destination = {"host": host, **({"subset": subset} if subset else {})}
    return {"destination": destination, **({} if weight is None else {"weight": weight})}


def subsets(host: str, *names: str, name: str = "rule", namespace: str = "shop") -> Json:
    return made("DestinationRule", name, namespace, host=host, subsets=[{"name": one} for one in names])


def mesh_of(*objects: Json, services: bool = False) -> Mesh:
    mesh = Mesh(services_known=services)
    for one in objects:
        mesh.put(one)
    return mesh


def told(*objects: Json, before: tuple[Json, ...] = (), services: bool = False) -> list[Finding]:
    """The findings of a task with ``objects`` on a mesh that holds ``before``."""
    old, after = mesh_of(*before, services=services), mesh_of(*before, *objects, services=services)
    return findings(
        old, after, {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in objects}
    )


def codes(*objects: Json, **more: Any) -> list[str]:
    return [one.code for one in told(*objects, **more)]


def test_hosts_are_read_with_the_cluster_domain_of_the_mesh() -> None:
    mesh = mesh_of(
        made("Service", "cart", ports=[{"port": 80}]),
        subsets("cart", "v1"),
        routes("a", to("cart.shop.svc.corp.test", "v1")),
        routes("b", to("cart", "v1")),
        routes("c", to("other.shop.svc.corp.test")),
        made("VirtualService", "d", hosts=["b.shop.svc.corp.test"], http=[]),
        services=True,
    )

    def judged(domain: str) -> list[tuple[str, str]]:
        mesh.domain = services_domain(domain)
        own = {("VirtualService", "shop", name) for name in "abcd"}
        return [(one.key[2], one.code) for one in findings(Mesh(), mesh, own)]

    assert judged("Corp.Test.") == [("b", "ASM004"), ("d", "ASM004"), ("c", "ASM005")]
    # Elsewhere these are hosts outside of the mesh.
    assert judged("") == [("a", "ASM002"), ("a", "ASM005"), ("c", "ASM005")]
    assert mesh.copy().domain == "svc.cluster.local"


def test_codes_are_unique_and_name_istios_message() -> None:
    assert [rule.code for rule in RULES] == [f"ASM{number:03}" for number in range(1, len(RULES) + 1)]
    assert [rule.istio for rule in RULES] == ["", "IST0101", "IST0101", "IST0109", "IST0101", *6 * [""]]


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [((90, 10), False), ((100, 0), False), ((None, 100), False), ((90, 20), True), ((None, None), True), ((1,), False)],
)
def test_weights(parts: tuple[int | None, ...], wrong: bool) -> None:
    found = told(routes("reviews", *(to("reviews", weight=part) for part in parts)))
    assert [one.code for one in found] == (["ASM001"] if wrong else [])


def test_weights_name_the_sum_and_the_place_also_in_tcp() -> None:
    tcp = [{"route": [to("a", weight=1), to("b", weight=1)]}]
    [found] = told(made("VirtualService", "db", hosts=["db"], tcp=[{"route": [to("a")]}, *tcp]))
    assert (found.place, found.severity) == ("spec.tcp[1].route", "error")
    assert "1 + 1 = 2" in found.message


def test_subsets_of_the_task_of_the_mesh_and_of_another_namespace() -> None:
    assert codes(routes("reviews", to("reviews", "v1")), subsets("reviews", "v1")) == []
    assert codes(routes("reviews", to("reviews", "v1")), before=(subsets("reviews", "v1"),)) == []
    full = subsets("reviews.shop.svc.cluster.local", "v1", namespace="istio-system")
    assert codes(routes("reviews", to("reviews", "v1")), before=(full,)) == []
    assert codes(routes("reviews", to("reviews", "v1")), before=(subsets("reviews", "v1", namespace="other"),)) == [
        "ASM002"
    ]


def test_a_missing_subset_names_those_that_are_there() -> None:
    [found] = told(routes("reviews", to("reviews", "v4")), before=(subsets("reviews", "v2", "v1"),))
    assert found.place == "spec.http[0].route[0]"
    assert "'v4' (it has: v1, v2)" in found.message
    [found] = told(routes("reviews", to("reviews", "v4")))
    assert "no DestinationRule is for the host 'reviews'" in found.message


def test_a_label_of_traffic_is_no_subset_that_has_to_be_there() -> None:
    """``$name`` is how routes of ASM lead each request to the version that its label names."""
    routed = routes("reviews", to("reviews", "$userdefinelabel1"))
    assert codes(routed) == []
    assert codes(routed, subsets("reviews", "v1")) == []


def test_mirrors_need_their_subset_too() -> None:
    http = [{"route": [to("reviews")], "mirror": {"host": "reviews", "subset": "v9"}, "mirrors": [to("reviews", "v8")]}]
    found = told(made("VirtualService", "reviews", hosts=["reviews"], http=http))
    assert [(one.code, one.place) for one in found] == [
        ("ASM002", "spec.http[0].mirror"),
        ("ASM002", "spec.http[0].mirrors[0]"),
    ]


def test_taking_a_subset_away_from_a_route_of_others_is_told() -> None:
    before = (routes("reviews", to("reviews", "v2")), subsets("reviews", "v1", "v2"))
    [found] = told(subsets("reviews", "v1"), before=before)
    assert (found.key, found.code) == (("VirtualService", "shop", "reviews"), "ASM002")
    assert codes(subsets("reviews", "v1", "v2", "v3"), before=before) == []


def test_removing_what_others_use_is_told() -> None:
    before = mesh_of(routes("a", to("a"), gateways=["gate"]), made("Gateway", "gate"))
    after = before.copy()
    after.remove(("Gateway", "shop", "gate"))
    assert [one.code for one in findings(before, after, set())] == ["ASM003"]
    assert before.spec(("Gateway", "shop", "gate")) is not None


def test_what_was_wrong_elsewhere_before_is_not_told() -> None:
    broken = routes("old", to("old", "v1"), gateways=["gone"])
    assert codes(routes("new", to("new")), before=(broken,)) == []


def test_gateways_of_the_same_and_of_another_namespace() -> None:
    there = (made("Gateway", "gate"), made("Gateway", "front", "istio-system"))
    names = ["mesh", "gate", "istio-system/front", "shop/gate", "./gate", "front.istio-system"]
    assert codes(routes("a", to("a"), gateways=names), before=there) == []
    found = told(routes("a", to("a"), gateways=["front", "istio-system/gate"]), before=there)
    assert [(one.code, one.place) for one in found] == [("ASM003", "spec.gateways[0]"), ("ASM003", "spec.gateways[1]")]
    assert "'front' in the namespace 'shop'" in found[0].message


def test_two_routes_of_one_host_within_the_mesh() -> None:
    one, two = routes("a", to("a"), hosts=["web"]), routes("b", to("a"), hosts=["web.shop.svc.cluster.local"])
    found = told(one, two)
    assert [(one.code, one.key[2]) for one in found] == [("ASM004", "a"), ("ASM004", "b")]
    assert "VirtualService shop/b" in found[0].message
    # The route of others is hidden by ours from now on.
    assert {one.key[2] for one in told(two, before=(one,))} == {"a", "b"}


def test_the_route_that_takes_effect_is_named() -> None:
    aged = made("VirtualService", "b", hosts=["web"])
    aged["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    new, old = routes("a", to("a"), hosts=["web"]), routes("b", to("a"), hosts=["web"])
    # What is in the mesh already is older than what is yet to be made, also where the task changes it.
    for given in ((new,), (new, old)):
        assert {one.message.rpartition("within the mesh ")[2] for one in told(*given, before=(aged,))} == {
            "only shop/b takes effect"
        }
    wide, private = routes("c", to("a"), hosts=["*.org"]), routes("d", to("a"), hosts=["x.org"], exportTo=["."])
    assert {one.message.rpartition("within the mesh ")[2] for one in told(wide, private)} == {
        "the more specific host takes effect"
    }


def test_routes_that_do_not_meet() -> None:
    one = routes("a", to("a"), hosts=["web"])
    assert codes(one, routes("b", to("a"), hosts=["web"], namespace="other")) == []
    gate = made("Gateway", "gate")
    assert codes(one, routes("b", to("a"), hosts=["web"], gateways=["gate"]), gate) == []
    both = [routes(name, to("a"), hosts=["x.org"], exportTo=["."], namespace=name) for name in ("left", "right")]
    assert codes(*both) == []
    hidden = [routes(name, to("a"), hosts=["x.org"], exportTo=["."]) for name in ("left", "right")]
    assert codes(*hidden) == ["ASM004", "ASM004"]
    assert codes(both[0], routes("star", to("a"), hosts=["*.org"])) == ["ASM004", "ASM004"]


def test_destinations_outside_need_a_service_entry() -> None:
    route = routes("a", to("api.example.com"))
    [found] = told(route)
    assert (found.code, found.severity) == ("ASM005", "warning")
    assert "no ServiceEntry is known for the host 'api.example.com'" in found.message
    assert codes(route, made("ServiceEntry", "api", hosts=["api.example.com"])) == []
    assert codes(route, before=(made("ServiceEntry", "api", hosts=["*.example.com"]),)) == []


def test_destinations_inside_are_judged_where_services_are_known() -> None:
    service = made("Service", "reviews")
    assert codes(routes("a", to("details"))) == []
    assert codes(routes("a", to("details")), before=(service,), services=True) == ["ASM005"]
    assert codes(routes("a", to("reviews")), before=(service,), services=True) == []


@pytest.mark.parametrize(
    ("entry", "route", "seen"),
    [
        ({}, {}, True),
        ({"exportTo": ["shop"]}, {}, True),
        ({"exportTo": ["."]}, {}, False),
        ({"exportTo": ["pay"]}, {}, False),
        ({"exportTo": ["pay"]}, {"exportTo": ["pay"]}, True),
        ({"exportTo": ["pay"]}, {"exportTo": ["*"]}, False),
    ],
)
def test_a_destination_has_to_be_exported_to_where_it_is_used(entry: Json, route: Json, seen: bool) -> None:
    known = made("ServiceEntry", "api", "other", hosts=["api.example.com"], **entry)
    found = told(routes("a", to("api.example.com"), **route), before=(known,))
    assert [one.message for one in found if "is not exported to where this VirtualService is" not in one.message] == []
    assert [one.code for one in found] == ([] if seen else ["ASM005"])


def test_services_are_exported_by_an_annotation() -> None:
    service = made("Service", "reviews", "pay")
    route = routes("a", to("reviews.pay.svc.cluster.local"))
    assert codes(route, before=(service,), services=True) == []
    for value, told_codes in ((".", ["ASM005"]), ("pay, shop", [])):
        service["metadata"]["annotations"] = {"networking.istio.io/exportTo": value}
        assert codes(route, before=(service,), services=True) == told_codes


@pytest.mark.parametrize(
    ("leaf", "why"),
    [
        (None, "is neither in the mesh nor in this task"),
        ({"hosts": ["web"]}, "has hosts of its own"),
        ({"exportTo": ["."]}, "is not exported to 'shop'"),
        ({"exportTo": ["shop"]}, None),
        ({}, None),
    ],
)
def test_a_rule_needs_the_virtual_service_to_which_it_delegates(leaf: Json | None, why: str | None) -> None:
    http = [{"route": [to("web")]}, {"delegate": {"name": "leaf", "namespace": "pay"}}]
    there = [] if leaf is None else [made("VirtualService", "leaf", "pay", http=[], **leaf)]
    found = told(made("VirtualService", "root", hosts=["web.org"], http=http), before=(*there,))
    assert [(one.code, one.place) for one in found] == ([("ASM007", "spec.http[1].delegate")] if why else [])
    assert [one.message for one in found if f"VirtualService pay/leaf {why}, so that" not in one.message] == []


def test_only_the_kinds_that_matter_are_read() -> None:
    assert needed_kinds({"VirtualService"}) == [
        "VirtualService",
        "DestinationRule",
        "Gateway",
        "ServiceEntry",
        "Service",
    ]
    assert needed_kinds({"DestinationRule"}) == ["VirtualService", "DestinationRule"]
    assert needed_kinds({"Sidecar"}) == []


def test_odd_types_are_findings_with_their_places() -> None:
    odd = made("VirtualService", "odd", hosts="web", gateways=[5], http=["x", {"route": [{"weight": "1"}, {}]}], tcp=7)
    rule = made("DestinationRule", "rule", host=None, subsets=["v1", {"name": 5}, {"name": "v2"}, None])
    entry = made("ServiceEntry", "entry", hosts=[None, "a.org"], exportTo={})
    bare = {"kind": "VirtualService", "metadata": {"name": "bare", "namespace": "shop"}, "spec": ["x"]}
    found = [(one.key[2], one.place, one.message) for one in told(odd, rule, entry, bare) if one.code == "ASM006"]
    assert found == [
        ("rule", "spec.subsets[0]", "this must be a mapping, it is text"),
        ("rule", "spec.subsets[1].name", "this must be text, it is a number"),
        ("rule", "spec.subsets[3]", "this must be a mapping, it is null"),
        ("entry", "spec.exportTo", "this must be a list, it is a mapping"),
        ("entry", "spec.hosts[0]", "this must be text, it is null"),
        ("bare", "spec", "this must be a mapping, it is a list"),
        ("odd", "spec.gateways[0]", "this must be text, it is a number"),
        ("odd", "spec.hosts", "this must be a list, it is text"),
        ("odd", "spec.http[0]", "this must be a mapping, it is text"),
        ("odd", "spec.http[1].route[0].weight", "this must be a whole number, it is text"),
        ("odd", "spec.tcp", "this must be a list, it is a number"),
    ]


def test_odd_types_are_no_longer_told_once_they_are_right() -> None:
    odd, right = made("DestinationRule", "rule", host=5), made("DestinationRule", "rule", host="web")
    mesh = mesh_of(odd, right)
    assert not mesh.odd
    assert codes(right, before=(odd,)) == []


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("*", "a", True),
        ("*.org", "x.org", True),
        ("*.org", "org", False),
        ("*.x.org", "*.org", True),
        ("a", "b", False),
    ],
)
def test_hosts_overlap(one: str, other: str, meet: bool) -> None:
    assert {overlap(*pair) for pair in ((one, other), (other, one))} == {meet}


def test_hosts() -> None:
    assert full_host("web", "shop") == "web.shop.svc.cluster.local"
    assert full_host("web.org", "shop") == "web.org"
    known = Hosts(["a", "*.org"])
    assert ["a" in known, "x.org" in known, "b" in known, 5 in known] == [True, True, False, False]


@pytest.mark.parametrize(
    ("spec", "known", "wrong"),
    [
        ({"action": "CUSTOM", "provider": {"name": "ours"}}, {"theirs"}, True),
        ({"action": "CUSTOM", "provider": {"name": "ours"}}, set(), True),
        ({"action": "CUSTOM", "provider": {"name": "ours"}}, {"ours"}, False),
        ({"action": "CUSTOM", "provider": {"name": "ours"}}, None, False),
        ({"action": "DENY", "provider": {"name": "ours"}}, set(), False),
        ({"action": "CUSTOM"}, set(), False),
    ],
)
def test_a_policy_with_a_provider_that_nobody_has(spec: Json, known: set[str] | None, wrong: bool) -> None:
    policy = made("AuthorizationPolicy", "orders", **spec)
    before, after = Mesh(), mesh_of(policy)
    before.providers = after.providers = None if known is None else frozenset(known)
    found = findings(before, after, {("AuthorizationPolicy", "shop", "orders")})
    assert [(one.code, one.place, one.severity) for one in found] == (
        [("ASM008", "spec.provider.name", "warning")] if wrong else []
    )
    there = ", ".join(sorted(known or ())) or "none"
    assert all(f"no extension provider 'ours' (it has: {there})" in one.message for one in found)


def host(name: str = "vm", namespace: str = "shop", own: Json | None = None, **spec: Any) -> Json:
    entry = made("WorkloadEntry", name, namespace, **{"address": "192.0.2.1", "serviceAccount": "vm", **spec})
    return {**entry, "metadata": {**entry["metadata"], "labels": own or {}}}


def selecting(namespace: str = "shop", **labels: str) -> Json:
    return made("ServiceEntry", "vms", namespace, hosts=["vm.example"], workloadSelector={"labels": labels})


@pytest.mark.parametrize(
    ("entry", "selector", "wrong"),
    [
        (host(labels={"app": "vm", "version": "v1"}), selecting(app="vm"), False),
        (host(labels={"app": "vm"}), selecting(app="vm", version="v1"), True),
        (host(labels={"app": "other"}, own={"app": "vm"}), selecting(app="vm"), False),
        (host(labels={"app": "vm"}, own={"app": "other"}), selecting(app="vm"), True),
        (host(labels={"app": "vm"}), selecting("elsewhere", app="vm"), True),
        (host(labels={"app": "vm"}), made("ServiceEntry", "vms", hosts=["vm.example"]), True),
        (host(), selecting(), True),
    ],
)
def test_a_host_that_no_service_entry_selects(entry: Json, selector: Json, wrong: bool) -> None:
    assert codes(entry, selector) == (["ASM010"] if wrong else [])


def test_taking_the_service_entry_of_a_host_away_is_told() -> None:
    (found,) = told(selecting(app="new"), before=(host(labels={"app": "vm"}), selecting(app="vm")))
    assert (found.code, found.key[2]) == ("ASM010", "vm")
    assert "no ServiceEntry of the namespace 'shop' selects its labels (app=vm)" in found.message


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [({}, False), ({"serviceAccount": ""}, True), ({"serviceAccount": None}, True)],
)
def test_a_host_without_an_identity(spec: Json, wrong: bool) -> None:
    labels = {"app": "vm"}
    assert codes(host(labels=labels, **spec), selecting(**labels)) == (["ASM011"] if wrong else [])
    said = {**labels, "security.istio.io/tlsMode": "istio"}
    assert codes(host(labels=said, **spec), selecting(**labels)) == []


def test_the_providers_stay_with_a_copy() -> None:
    mesh = Mesh(providers=frozenset({"ours"}))
    assert mesh.copy().providers == {"ours"}


def limiter(*names: Any) -> Json:
    configs = [{"match": {"vhost": {"name": "a", "port": 80, "route": {"name_match": name}}}} for name in names]
    return {**made("ASMLocalRateLimiter", "limits", configs=[*configs, {"limit": {}}, {"match": {"vhost": {}}}])}


@pytest.mark.parametrize("routes_known", [True, False])
def test_a_limit_for_a_route_that_nothing_has(routes_known: bool) -> None:
    route = made("VirtualService", "shop", hosts=["a"], http=[{"name": "cart"}, {}])
    before, after = mesh_of(route), mesh_of(route, limiter("cart", "cart.get", "card"))
    before.routes_known = after.routes_known = routes_known
    found = findings(before, after, {("ASMLocalRateLimiter", "shop", "limits")})
    place = "spec.configs[2].match.vhost.route.name_match"
    assert [(one.code, one.place, one.severity) for one in found] == [("ASM009", place, "warning")] * routes_known
    assert after.copy().routes_known is routes_known
    assert all("no VirtualService has an HTTP route with the name 'card'" in one.message for one in found)

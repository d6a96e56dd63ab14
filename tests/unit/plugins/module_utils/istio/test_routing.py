# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model of Istio knows; each of these is what istiod does, see tests/lab/tests/test_traffic_decisions.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.istio import routing
from ansible_collections.meshops.asm.plugins.module_utils.istio.conditions import Request, fits, merged
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import best, meeting
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import Mesh
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import Proxy, VirtualHost
from ansible_collections.meshops.asm.plugins.module_utils.istio.subsets import destination_rules, subsets

Json = dict[str, Any]
GATE = Proxy("istio-system", {"istio": "in"}, {80: 8080, 443: 8443})
SIDECAR = Proxy("shop", {"app": "page"})


def made(kind: str, name: str, namespace: str = "shop", created: str = "", **spec: Any) -> Json:
    metadata = {"name": name, "namespace": namespace, **({"creationTimestamp": created} if created else {})}
    return {"kind": kind, "metadata": metadata, "spec": spec}


def server(*hosts: str, number: int = 80, protocol: str = "HTTP", **tls: Any) -> Json:
    port = {"number": number, "name": "x", "protocol": protocol}
    return {"port": port, "hosts": list(hosts), **({"tls": tls} if tls else {})}


def gateway(*servers: Json, name: str = "front", **more: Any) -> Json:
    return made("Gateway", name, **{"selector": {"istio": "in"}, "servers": list(servers), **more})


def routes(name: str, *hosts: str, namespace: str = "shop", created: str = "", **spec: Any) -> Json:
    """A VirtualService that leads to the host of its name."""
    http = spec.pop("http", [{"route": [{"destination": {"host": name}}]}])
    return made("VirtualService", name, namespace, created, hosts=list(hosts), http=http, **spec)


def service(name: str, namespace: str = "shop", **ports: int) -> Json:
    listed = [{"name": kind, "port": number} for kind, number in (ports or {"http": 9080}).items()]
    return made("Service", name, namespace, ports=listed)


def mesh_of(*objects: Json) -> Mesh:
    mesh = Mesh()
    for one in objects:
        mesh.put(one)
    return mesh


def at_gateway(*objects: Json, port: int = 80, server_name: str | None = None) -> dict[str, list[str]] | None:
    found = routing.gateway_hosts(mesh_of(*objects), GATE, port, server_name)
    return None if found is None else names(found)


def in_mesh(*objects: Json, port: int = 9080) -> dict[str, list[str]]:
    return names(routing.sidecar_hosts(mesh_of(*objects), SIDECAR, port))


def names(hosts: dict[str, VirtualHost]) -> dict[str, list[str]]:
    """By domain: the names of the VirtualServices, or the host that gets requests as they are."""
    return {domain: [one.key[2] for one in host.routes] or [host.service] for domain, host in hosts.items()}


BOUND: Json = {"gateways": ["front"]}


def test_hosts_of_gateway_and_virtual_service_meet_in_the_narrower() -> None:
    assert meeting(["*.org", "a.net"], ["x.org", "*.net", "b.com"]) == ["x.org", "a.net"]
    assert meeting(["*"], ["*"]) == ["*"]
    assert at_gateway(gateway(server("a.org", "b.org")), routes("a", "*.org", **BOUND)) == {
        "a.org": ["a"],
        "b.org": ["a"],
    }
    assert at_gateway(gateway(server("*")), routes("a", "web", **BOUND)) == {"web.shop.svc.cluster.local": ["a"]}


def test_a_host_goes_to_the_narrowest_pattern() -> None:
    patterns = ["*", "*.org", "*.x.org", "a.x.org"]
    assert [best(patterns, host) for host in ("a.x.org", "b.x.org", "y.org", "com", "x.org")] == [
        *("a.x.org", "*.x.org", "*.org", "*", "*.org"),
    ]
    assert best(["*.x.org"], "x.org") is None
    hosts = {"x.org": VirtualHost(), "*": VirtualHost()}
    decided = routing.decide(hosts, Request("X.org:8080"))
    assert decided is not None
    assert decided[0] == "x.org"


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ("*", True),
        ("shop/*", True),
        ("./*", True),
        ("*/*", True),
        ("*/x.org", True),
        ("pay/*", False),
        ("pay/x.org", False),
    ],
)
def test_a_server_names_the_namespaces_that_may_use_it(host: str, seen: bool) -> None:
    assert at_gateway(gateway(server(host)), routes("a", "x.org", **BOUND)) == ({"x.org": ["a"]} if seen else {})


@pytest.mark.parametrize("name", ["front", "shop/front", "./front", "front.shop", "front.shop.svc.cluster.local"])
def test_the_names_of_a_gateway(name: str) -> None:
    assert at_gateway(gateway(server("*")), routes("a", "x.org", gateways=[name])) == {"x.org": ["a"]}
    assert routing.gateway_name("mesh", "shop") == "mesh"


def test_a_gateway_is_for_the_pods_that_it_selects() -> None:
    route = routes("a", "x.org", **BOUND)
    assert at_gateway(gateway(server("*"), selector={"istio": "other"}), route) is None
    assert at_gateway(gateway(server("*"), selector={}), route) == {"x.org": ["a"]}
    unknown = routing.gateway_hosts(mesh_of(gateway(server("*"), selector={"istio": "other"}), route), Proxy("any"), 80)
    assert unknown is not None


def test_a_port_of_the_service_and_the_port_behind_it_are_one() -> None:
    objects = [gateway(server("a.org"), server("b.org", number=8080)), routes("a", "*.org", **BOUND)]
    assert at_gateway(*objects) == {"a.org": ["a"], "b.org": ["a"]} == at_gateway(*objects, port=8080)
    assert at_gateway(*objects, port=81) is None


def test_virtual_services_of_one_host_are_merged_the_older_first_and_what_takes_everything_last() -> None:
    api = {"match": [{"uri": {"prefix": "/api"}}], "route": [{"destination": {"host": "api"}}]}
    old = routes("old", "x.org", created="2026-01-01T00:00:00Z", **BOUND)
    new = routes("new", "x.org", created="2026-01-02T00:00:00Z", http=[api], **BOUND)
    newer = routes("newer", "x.org", created="2026-01-03T00:00:00Z", **BOUND)
    assert at_gateway(gateway(server("*")), newer, new, old) == {"x.org": ["new", "old", "newer"]}


def test_those_that_only_the_gateways_namespace_sees_come_first() -> None:
    gate, age = gateway(server("*")), "2026-01-02T00:00:00Z"
    public = routes("a", "x.org", created="2026-01-01T00:00:00Z", gateways=["shop/front"])
    sent = routes("b", "x.org", "y.org", created=age, gateways=["shop/front"], exportTo=["istio-system"])
    own = routes("c", "x.org", namespace="istio-system", created=age, gateways=["shop/front"], exportTo=["."])
    hidden = routes("d", "x.org", gateways=["shop/front"], exportTo=["."])
    assert at_gateway(gate, public, sent, own, hidden) == {"x.org": ["c", "b", "a"], "y.org": ["b"]}


def test_a_gateway_that_a_virtual_service_calls_by_two_names_has_its_routes_twice() -> None:
    twice = routes("a", "x.org", gateways=["front", "shop/front"])
    assert at_gateway(gateway(server("*")), twice) == {"x.org": ["a", "a"]}
    hosts = routing.gateway_hosts(mesh_of(gateway(server("*")), twice), GATE, 80)
    decided = routing.decide(hosts or {}, Request("x.org"))
    assert decided is not None
    assert len(decided[2]) == 1
    # Which of two equal rules fits is the same where it is not known, too.
    unknown = {"match": [{"uri": {"regex": "/a+"}}], "route": []}
    mesh = mesh_of(gateway(server("*")), routes("a", "x.org", gateways=["front", "shop/front"], http=[unknown]))
    decided = routing.decide(routing.gateway_hosts(mesh, GATE, 80) or {}, Request("x.org", "/a"))
    assert decided is not None
    assert len(decided[2]) == 1
    # Within the mesh once is enough.
    assert in_mesh(service("cart"), routes("b", "cart", gateways=["mesh", "mesh"]))["cart"] == ["b"]


def test_rules_for_one_port_are_those_of_the_first_server_with_that_number() -> None:
    servers = [server("*"), server("*", number=8080)]
    target = {"route": [{"destination": {"host": "cart"}}]}

    def found(*numbers: int) -> list[int]:
        rules = [{"match": [{"port": number}], **target} for number in numbers]
        hosts = routing.gateway_hosts(mesh_of(gateway(*servers), routes("a", "x.org", http=rules, **BOUND)), GATE, 80)
        return [one.number for one in (hosts or {})["x.org"].routes]

    assert found(80) == [1, 1] == found(80, 8080)
    # A server at whose number there are none is passed over.
    assert found(8080) == [1]


def test_a_server_that_redirects_does_so_for_all_its_hosts() -> None:
    mesh = mesh_of(gateway(server("x.org", "y.org", httpsRedirect=True)), routes("a", "x.org", **BOUND))
    found = routing.gateway_hosts(mesh, GATE, 80)
    assert found is not None
    assert {host: one.to_https for host, one in found.items()} == {"x.org": True, "y.org": True}


def test_of_two_servers_that_redirect_a_host_the_newer_is_left_out() -> None:
    def found(*servers: Json) -> dict[str, list[str]] | None:
        return at_gateway(gateway(*servers), routes("a", "x.org", "y.org", **BOUND))

    redirecting = server("x.org", httpsRedirect=True)
    assert found(redirecting, server("x.org", "y.org", httpsRedirect=True)) == {"x.org": ["a"]}
    assert found(redirecting, server("./x.org", httpsRedirect=False)) == {"x.org": ["a", "a"]}
    assert found(redirecting, server("*/x.org", httpsRedirect=False)) == {"x.org": ["a"]}
    assert found(redirecting, server("x.org")) == {"x.org": ["a", "a"]}
    assert found(redirecting, server("y.org", httpsRedirect=True)) == {"x.org": ["a"], "y.org": ["a"]}
    # A server that is left out takes no host from others.
    third = server("y.org", httpsRedirect=True)
    assert found(redirecting, server("x.org", "y.org", httpsRedirect=True), third) == {"x.org": ["a"], "y.org": ["a"]}


def test_a_port_is_of_the_protocol_of_its_first_server() -> None:
    route, other = routes("a", "x.org", "y.org", **BOUND), server("y.org", protocol="TCP")
    assert at_gateway(gateway(server("x.org"), other), route) == {"x.org": ["a"]}
    assert at_gateway(gateway(other, server("x.org")), route) is None
    assert at_gateway(gateway(server("x.org"), server("y.org", protocol="GRPC")), route) == {
        "x.org": ["a"],
        "y.org": ["a"],
    }


def test_a_tls_connection_gets_the_server_of_its_name_alone() -> None:
    one = server("a.org", number=443, protocol="HTTPS", mode="SIMPLE")
    other = server("*.org", number=443, protocol="HTTPS", mode="SIMPLE")
    route = routes("a", "*.org", **BOUND)
    objects = [gateway(one, other), route]
    assert at_gateway(*objects, port=443, server_name="A.org") == {"a.org": ["a"]}
    assert at_gateway(*objects, port=443, server_name="b.org") == {"*.org": ["a"]}
    assert at_gateway(*objects, port=443, server_name="b.com") is None
    assert at_gateway(*objects, port=443) is None
    passing = server("a.org", number=443, protocol="HTTPS", mode="PASSTHROUGH")
    assert at_gateway(gateway(passing), route, port=443, server_name="a.org") is None
    # A port that begins with plain text stays so, and a host is of the first server.
    assert at_gateway(gateway(server("*", number=443), one), route, port=443, server_name="a.org") is None
    again = gateway(server("a.org", "b.org", number=443, protocol="HTTPS", mode="SIMPLE"), name="second")
    assert at_gateway(gateway(one), again, route, port=443, server_name="b.org") is None


def test_the_mesh_knows_a_service_by_all_its_names() -> None:
    cart, card = "cart.shop.svc.cluster.local", "card.pay.svc.cluster.local"
    own, other = service("cart"), service("card", "pay")
    assert in_mesh(own, other) == {
        **{name: [cart] for name in (cart, "cart.shop.svc", "cart.shop", "cart")},
        **{name: [card] for name in (card, "card.pay.svc", "card.pay")},
    }
    assert in_mesh(own, port=80) == {}


def test_names_of_services_end_with_the_cluster_domain() -> None:
    mesh = mesh_of(
        service("cart"), routes("a", "cart.shop.svc.corp.test", http=[{"route": [{"destination": {"host": "cart"}}]}])
    )
    mesh.domain = "svc.corp.test"
    mesh.put(rule("r", "cart.shop.svc.corp.test", "v1"))
    found = routing.sidecar_hosts(mesh, SIDECAR, 9080)
    full = "cart.shop.svc.corp.test"
    assert found.keys() == {full, "cart.shop.svc", "cart.shop", "cart"}
    assert routing.targets(found["cart"].routes[0].rule) == [(full, "", 100)]
    assert set(subsets(destination_rules(mesh, "pay", full))) == {"v1"}


def test_within_the_mesh_one_virtual_service_has_a_host() -> None:
    first = routes("a", "cart", created="2026-01-01T00:00:00Z")
    second = routes("b", "cart", created="2026-01-02T00:00:00Z")
    wide = routes("c", "*.shop.svc.cluster.local", created="2025-01-01T00:00:00Z")
    assert set(map(tuple, in_mesh(service("cart"), second, first).values())) == {("a",)}
    found = in_mesh(service("cart"), service("card"), wide, second)
    assert (found["cart"], found["card"]) == (["b"], ["c"])
    private = routes("d", "cart", created="2026-01-03T00:00:00Z", exportTo=["."])
    assert in_mesh(service("cart"), first, private)["cart"] == ["d"]
    elsewhere = routes("e", "cart.shop.svc.cluster.local", namespace="pay", exportTo=["."])
    assert in_mesh(service("cart"), elsewhere)["cart"] == ["cart.shop.svc.cluster.local"]
    assert in_mesh(service("cart"), routes("f", "cart", **BOUND))["cart"] == ["cart.shop.svc.cluster.local"]


def test_a_short_host_is_of_its_own_namespace_and_one_with_a_dot_is_no_service() -> None:
    own = routes("a", "cart", namespace="pay")
    assert in_mesh(service("cart"), own)["cart"] == ["cart.shop.svc.cluster.local"]
    half = routes("b", "cart.shop")
    assert in_mesh(service("cart"), half)["cart.shop"] == ["cart.shop.svc.cluster.local"]
    # But for the one port at which Istio takes hosts that it does not know.
    assert in_mesh(service("cart", http=80), half, port=80)["cart.shop"] == ["b"]
    assert in_mesh(service("cart", http=80), half, port=80)["cart"] == ["cart.shop.svc.cluster.local"]


def test_hosts_outside_need_a_service_entry_but_for_port_80() -> None:
    route = routes("a", "api.org")
    ports = [{"number": 9080, "name": "http", "protocol": "HTTP"}]
    entry = made("ServiceEntry", "api", hosts=["*.org"], ports=ports)
    assert in_mesh(route) == {}
    assert in_mesh(route, port=80) == {"api.org": ["a"]}
    assert in_mesh(entry) == {"*.org": ["*.org"]}
    # The entry's pattern stays, and the VirtualService's host is none of its services.
    assert in_mesh(entry, route) == {"*.org": ["*.org"]}
    exact = made("ServiceEntry", "api", hosts=["api.org"], ports=ports)
    assert in_mesh(exact, route) == {"api.org": ["a"]}
    assert in_mesh(exact, routes("a", "*.org")) == {"api.org": ["a"]}
    private = made("ServiceEntry", "api", "pay", hosts=["api.org"], ports=ports, exportTo=["."])
    assert in_mesh(private) == {}


def test_of_one_host_in_several_namespaces_one_counts() -> None:
    def entry(namespace: str, number: int, day: int, **more: Any) -> Json:
        ports = [{"number": number, "name": "http", "protocol": "HTTP"}]
        return made(
            "ServiceEntry", "api", namespace, f"2026-01-0{day}T00:00:00Z", hosts=["api.org"], ports=ports, **more
        )

    old, new = entry("a", 80, 1), entry("b", 9080, 2)
    assert (in_mesh(new, old, port=80), in_mesh(new, old)) == ({"api.org": ["api.org"]}, {})
    # What is exported to the client by name comes before what all see, and its own before all.
    assert in_mesh(old, entry("b", 9080, 2, exportTo=["shop"])) == {"api.org": ["api.org"]}
    assert in_mesh(old, entry("shop", 9080, 3)) == {"api.org": ["api.org"]}
    assert in_mesh(entry("b", 9080, 2, exportTo=["shop"]), entry("shop", 80, 3)) == {}
    # Of equal age it is the one whose namespace comes first, however the objects are called.
    first, second = entry("a", 80, 1), entry("b", 9080, 1)
    first["metadata"]["name"] = "later"
    assert (in_mesh(first, second, port=80), in_mesh(first, second)) == ({"api.org": ["api.org"]}, {})
    squatter = made("ServiceEntry", "x", "a", hosts=["cart.pay.svc.cluster.local"], ports=[{"number": 9080}])
    assert in_mesh(squatter, service("cart", "pay", http=80)) == {}


def test_a_client_is_given_what_its_virtual_services_lead_to_in_its_own_namespace_exported_or_not() -> None:
    def hidden(name: str, namespace: str = "shop", export: str = "~") -> Json:
        made_ = service(name, namespace, http=80, grpc=90)
        made_["metadata"]["annotations"] = {"networking.istio.io/exportTo": export}
        return made_

    def reached(*rules: Json, objects: tuple[Json, ...] = (), **spec: Any) -> set[str]:
        route = routes("a", "x.org", http=list(rules), **spec)
        return routing.reachable(mesh_of(hidden("cart"), hidden("card", "pay"), *objects, route), "shop")

    def to(host: str = "cart", port: int = 0, **more: Any) -> Json:
        return {"route": [{"destination": {"host": host, **({"port": {"number": port}} if port else {})}}], **more}

    cart, card = "cart.shop.svc.cluster.local", "card.pay.svc.cluster.local"
    assert reached(to()) == {cart} == reached(to(port=80)) == reached(to(port=70), to(port=90))
    assert reached(to("other")) == set() == reached(to(card)) == reached(to(port=70))
    mirrored = {"directResponse": {"status": 200}, "mirror": {"host": "cart"}}
    assert reached(mirrored) == {cart} == reached({"mirrors": [{"destination": {"host": "cart"}}]})
    assert reached(tls=[to(port=90)]) == {cart} == reached(tcp=[to(port=90)])
    # Rules for other clients are passed over, VirtualServices of gateways and of others are not looked at.
    assert reached(to(match=[{"sourceNamespace": "pay"}])) == set()
    assert reached(to(match=[{"sourceNamespace": "pay"}, {"sourceNamespace": "shop"}])) == {cart}
    assert reached(to(match=[{"uri": {"prefix": "/a"}}])) == {cart}
    assert reached(to(), **BOUND) == set() == reached(to(), exportTo=["pay"])
    mesh = mesh_of(hidden("cart", "istio-system"), routes("a", "x.org", namespace="istio-system", http=[to()]))
    assert routing.reachable(mesh, "istio-system") == set()
    assert reached(objects=(service("page"),)) == {"page.shop.svc.cluster.local"}


def test_rules_for_http_are_not_for_other_ports() -> None:
    assert in_mesh(service("cart", tcp=9080), routes("a", "cart")) == {}
    assert in_mesh(service("cart", other=9080), routes("a", "cart"))["cart"] == ["a"]


def test_conditions_that_can_never_be_met_there_are_left_out() -> None:
    target = {"route": [{"destination": {"host": "cart"}}]}

    def kept(**match: Any) -> bool:
        route = routes("a", "cart", gateways=["mesh", "front"], http=[{"match": [match], **target}])
        return in_mesh(service("cart"), route)["cart"] == ["a"]

    assert [kept(port=9080), kept(port=80)] == [True, False]
    assert [kept(gateways=["mesh"]), kept(gateways=["front"])] == [True, False]
    assert [kept(sourceLabels={"app": "page"}), kept(sourceLabels={"app": "other"})] == [True, False]
    assert [kept(sourceNamespace="shop"), kept(sourceNamespace="pay")] == [True, False]


def test_routes_end_with_the_first_that_takes_everything() -> None:
    target = {"route": [{"destination": {"host": "cart"}}]}
    for match in ({}, {"uri": {"prefix": "/"}}, {"uri": {"regex": ".*"}}):
        mesh = mesh_of(gateway(server("*")), routes("a", "x.org", http=[{"match": [match], **target}, target], **BOUND))
        hosts = routing.gateway_hosts(mesh, GATE, 80)
        assert hosts is not None
        assert [len(one.routes) for one in hosts.values()] == [1]


def test_a_delegate_has_no_hosts_and_is_seen_from_where_it_is_used() -> None:
    root: Json = {"delegate": {"name": "leaf", "namespace": "pay"}}

    def found(**spec: Any) -> Json:
        leaf = made("VirtualService", "leaf", "pay", http=[{"route": [{"destination": {"host": "card"}}]}], **spec)
        return in_mesh(service("cart"), routes("a", "cart", http=[root]), leaf)

    assert found()["cart"] == ["a"]
    assert found(exportTo=["shop"])["cart"] == ["a"]
    assert found(exportTo=["."])["cart"] == ["cart.shop.svc.cluster.local"]
    assert found(hosts=["card"])["cart"] == ["cart.shop.svc.cluster.local"]


def test_hosts_of_a_delegate_are_those_of_its_namespace() -> None:
    leaf = made("VirtualService", "leaf", "pay", http=[{"route": [{"destination": {"host": "card"}}]}])
    mesh = mesh_of(
        service("cart"), routes("a", "cart", http=[{"delegate": {"name": "leaf", "namespace": "pay"}}]), leaf
    )
    [route] = routing.sidecar_hosts(mesh, SIDECAR, 9080)["cart"].routes
    assert routing.targets(route.rule) == [("card.pay.svc.cluster.local", "", 100)]
    assert route.delegate == ("VirtualService", "pay", "leaf")


@pytest.mark.parametrize(
    ("root", "leaf", "both"),
    [
        ([], [{"uri": {"exact": "/a"}}], [{"uri": {"exact": "/a"}}]),
        ([{"uri": {"prefix": "/a"}}], [], [{"uri": {"prefix": "/a"}}]),
        ([{"uri": {"prefix": "/a"}}], [{"uri": {"prefix": "/a/b"}}], [{"uri": {"prefix": "/a/b"}, "name": ""}]),
        ([{"uri": {"prefix": "/a/b"}}], [{"uri": {"prefix": "/a"}}], None),
        ([{"uri": {"prefix": "/a"}}], [{"uri": {"regex": "/a/b"}}], None),
        ([{"uri": {"exact": "/a"}}], [{"uri": {"exact": "/a"}}], [{"uri": {"exact": "/a"}, "name": ""}]),
        ([{"headers": {"x": {}}}], [{"headers": {"x": {}}}], None),
        ([{"port": 80}], [{"port": 81}], None),
        ([{"ignoreUriCase": True}], [{"method": {"exact": "GET"}}], None),
        ([{"sourceNamespace": "a"}], [{"port": 80}], None),
        ([{"gateways": ["a/b"]}], [{"gateways": ["a/b", "a/c"]}], None),
    ],
)
def test_conditions_of_a_delegate_are_part_of_those_that_lead_to_it(
    root: list[Json], leaf: list[Json], both: list[Json] | None
) -> None:
    found = merged({"match": root}, {"match": leaf})
    assert (found and found["match"]) == both


def test_a_delegate_has_what_it_does_not_say_from_the_rule_that_leads_to_it() -> None:
    root = {"name": "r", "match": [{"name": "m", "headers": {"a": {}}}], "timeout": "1s", "retries": {}, "redirect": {}}
    leaf = {"name": "l", "match": [{"name": "n", "headers": {"b": {}}}], "timeout": "2s", "route": []}
    assert merged(root, leaf) == {
        "name": "r-l",
        "match": [{"name": "m-n", "headers": {"a": {}, "b": {}}}],
        "timeout": "2s",
        "retries": {},
        "route": [],
    }


@pytest.mark.parametrize(
    ("match", "fitting"),
    [
        ({}, True),
        ({"uri": {"prefix": "/a"}}, True),
        ({"uri": {"exact": "/a"}}, False),
        ({"uri": {"exact": "/A/B"}}, False),
        ({"uri": {"exact": "/A/B"}, "ignoreUriCase": True}, True),
        ({"uri": {"regex": "/a.*"}}, None),
        ({"uri": {"regex": "/a.*"}, "method": {"exact": "POST"}}, False),
        ({"headers": {"X-Who": {"exact": "anna"}}}, True),
        ({"headers": {"x-who": {}}}, True),
        ({"headers": {"other": {"regex": "*"}}}, False),
        ({"withoutHeaders": {"x-who": {"exact": "bob"}}}, True),
        ({"withoutHeaders": {"x-who": {}}}, False),
        ({"queryParams": {"q": {"exact": "1"}}}, True),
        ({"queryParams": {"p": {"exact": "1"}}}, False),
        ({"authority": {"prefix": "api."}, "method": {"exact": "GET"}, "scheme": {"exact": "https"}}, None),
    ],
)
def test_whether_a_request_meets_a_condition(match: Json, fitting: bool | None) -> None:
    assert fits(match, Request("api.org", "/a/b?q=1", "GET", headers={"x-who": "anna"})) is fitting


def test_what_is_not_known_may_fit() -> None:
    request = Request("api.org")
    for match in (
        {"uri": {"exact": "/"}},
        {"headers": {"x": {}}},
        {"withoutHeaders": {"x": {}}},
        {"queryParams": {"q": {}}},
    ):
        assert fits(match, request) is None
    assert fits({"uri": {"exact": "/"}, "authority": {"exact": "x.org"}}, request) is False


def rule(name: str, host: str, *declared: str, namespace: str = "shop", created: str = "", **spec: Any) -> Json:
    return made(
        "DestinationRule", name, namespace, created, host=host, subsets=[{"name": one} for one in declared], **spec
    )


def declared(*rules: Json, viewer: str = "shop", host: str = "cart.shop.svc.cluster.local") -> set[str]:
    return set(subsets(destination_rules(mesh_of(*rules), viewer, host)))


def test_destination_rules_of_the_client_come_before_those_of_the_service_and_these_before_the_roots() -> None:
    full = "cart.shop.svc.cluster.local"
    home, client = rule("a", "cart", "v1"), rule("b", full, "v2", namespace="pay")
    root = rule("c", full, "v3", namespace="istio-system")
    assert declared(home, client, root, viewer="pay") == {"v2"}
    assert declared(home, root, viewer="pay") == {"v1"} == declared(home, client, viewer="other")
    assert declared(root, viewer="pay") == {"v3"}
    # A proxy in the root namespace has those of the service first, unless they are its own alone.
    assert declared(home, root, viewer="istio-system") == {"v1"}
    assert declared(home, rule("c", full, "v4", namespace="istio-system", exportTo=["."]), viewer="istio-system") == {
        "v4"
    }
    assert declared(rule("a", "cart", "v1", exportTo=["."]), root, viewer="pay") == {"v3"}


def test_of_one_namespace_only_the_most_specific_host_counts() -> None:
    assert declared(rule("a", "*.cluster.local", "v1"), rule("b", "*.shop.svc.cluster.local", "v2")) == {"v2"}
    assert declared(rule("a", "*.cluster.local", "v1"), rule("b", "cart")) == set()


def test_rules_of_one_host_are_one_where_they_are_exported_alike() -> None:
    old, new = (
        rule("a", "cart", "v1", created="2026-01-01T00:00:00Z"),
        rule("b", "cart", "v2", created="2026-01-02T00:00:00Z"),
    )
    assert declared(new, old) == {"v1", "v2"}
    here = rule("c", "cart", "v3", created="2026-01-03T00:00:00Z", exportTo=["pay"])
    assert declared(old, here, viewer="pay") == {"v3"}
    assert declared(old, here, viewer="other") == {"v1"}
    assert declared(rule("d", "cart", "v4", workloadSelector={"matchLabels": {"app": "x"}})) == set()

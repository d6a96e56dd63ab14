# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of reference has an order: each case is a change that loses requests when its writes come otherwise."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Refused
from ansible_collections.meshops.asm.plugins.module_utils.istio.steps import Change, Step, plan, unordered

Json = dict[str, Any]
ISTIO, SECURITY, API = "networking.istio.io/v1", "security.istio.io/v1", "gateway.networking.k8s.io/v1"
_VERSIONS = {
    **dict.fromkeys(("PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy"), SECURITY),
    **dict.fromkeys(("HTTPRoute", "GRPCRoute", "TLSRoute", "ReferenceGrant"), API),
    "Secret": "v1",
}


def one(kind: str, name: str, spec: Json, namespace: str = "shop", version: str = "") -> Json:
    version = version or _VERSIONS.get(kind, ISTIO)
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": copy.deepcopy(spec),
    }


def change(old: Json | None, new: Json | None) -> Change:
    there: Json = new or old or {}
    metadata = there["metadata"]
    place = "" if metadata["namespace"] == "shop" else f"{metadata['namespace']}/"
    return Change(f"{there['kind']} {place}{metadata['name']}", old, new, new)


def ordered(*pairs: tuple[Json | None, Json | None]) -> list[list[str]]:
    """The titles of each step: + for an object with old and new, - for a deletion; whatever the order given."""
    found = []
    for turn in (pairs, tuple(reversed(pairs))):
        given = [change(*pair) for pair in turn]
        found.append([_told(step, given) for step in plan(given)])
    assert found[0] == found[1]
    return found[0]


def _told(step: Step, given: list[Change]) -> list[str]:
    return sorted(
        given[write.change].title + ("+" if not write.final else "-" if write.body is None else "")
        for write in step.writes
    )


def both(*pairs: tuple[Json | None, Json | None]) -> Json:
    """What is written first of the first object."""
    return next(write.body for write in plan([change(*pair) for pair in pairs])[0].writes if not write.final) or {}


def routes(name: str, hosts: list[str], to: str = "reviews", namespace: str = "shop", **more: Any) -> Json:
    rule = {"route": [{"destination": {"host": to}}]}
    return one("VirtualService", name, {"hosts": hosts, "gateways": ["gw"], "http": [rule], **more}, namespace)


def rule(*names: str, host: str = "reviews", mode: str = "", **more: Any) -> Json:
    policy = {"trafficPolicy": {"tls": {"mode": mode}}} if mode else {}
    return one("DestinationRule", "dr", {"host": host, "subsets": [{"name": name} for name in names], **policy, **more})


def entry(*hosts: str, name: str = "se", ports: tuple[int, ...] = (80,), **more: Any) -> Json:
    listed = [{"number": port, "name": f"http-{port}"} for port in ports]
    return one("ServiceEntry", name, {"hosts": list(hosts), "ports": listed, **more})


# Routes that move


def test_a_host_that_moves_from_one_route_to_another_is_in_both_meanwhile() -> None:
    """Nothing but routes changes: in one pass the object that loses the host could be written first."""
    given = (
        (routes("a", ["a.com", "x.com"]), routes("a", ["a.com"])),
        (routes("b", ["b.com"]), routes("b", ["b.com", "x.com"])),
    )
    assert ordered(*given) == [["VirtualService b"], ["VirtualService a"]]
    # A part of an object becomes one of its own.
    split = (given[0], (None, routes("c", ["x.com"])))
    assert ordered(*split) == [["VirtualService c"], ["VirtualService a"]]
    # What takes it over may be a pattern.
    wild = (given[0], (routes("b", ["b.org"]), routes("b", ["b.org", "*.com"])))
    assert ordered(*wild) == [["VirtualService b"], ["VirtualService a"]]
    # A new name alone is one pass: the old object is deleted after the new one was made.
    assert ordered((routes("a", ["a.com"]), None), (None, routes("b", ["a.com"]))) == []
    elsewhere = routes("a", ["a.com"], namespace="other", gateways=["shop/gw"])
    assert ordered((routes("a", ["a.com"]), None), (None, elsewhere)) == []


def test_hosts_that_two_routes_exchange_have_no_order() -> None:
    given = (
        (routes("a", ["a.com"]), routes("a", ["b.com"])),
        (routes("b", ["b.com"]), routes("b", ["a.com"])),
    )
    with pytest.raises(Refused, match=r"VirtualService a has to wait for VirtualService b \(the route of a.com\)"):
        ordered(*given)


def test_a_rule_that_moves_between_objects_for_one_host() -> None:
    """A gateway puts the rules of all of them together."""

    def several(name: str, *paths: str, **more: Any) -> Json:
        http = [
            {"match": [{"uri": {"prefix": path}}], "route": [{"destination": {"host": "reviews"}}]} for path in paths
        ]
        return routes(name, ["a.com"], http=http, **more)

    given = ((several("a", "/x", "/y"), several("a", "/x")), (several("b", "/z"), several("b", "/z", "/y")))
    assert ordered(*given) == [["VirtualService b"], ["VirtualService a"]]
    # Without a gateway the oldest object alone has the host, and nothing moves.
    inside = {"gateways": ["mesh"]}
    assert (
        ordered(
            (several("a", "/x", "/y", **inside), several("a", "/x", **inside)), (None, several("b", "/y", **inside))
        )
        == []
    )


def test_a_route_goes_when_another_one_has_its_entrance() -> None:
    """The other route was there before; what it gets is a gateway."""

    def gateway(name: str, *hosts: str) -> Json:
        server = {"port": {"number": 80, "name": "http"}, "hosts": list(hosts)}
        return one("Gateway", name, {"selector": {"istio": "ingressgateway"}, "servers": [server]})

    wide, narrow = routes("wide", ["*.com"], gateways=["side"]), routes("narrow", ["a.com"], gateways=["gw"])
    given = (
        (wide, None),
        (gateway("side", "*.com"), None),
        (gateway("gw", "b.com"), gateway("gw", "a.com")),
        (narrow, {**narrow, "metadata": {**narrow["metadata"], "labels": {"a": "b"}}}),
    )
    found = ordered(*given)
    assert found[0] == ["Gateway gw+"]
    assert [step for step, names in enumerate(found) if "VirtualService wide-" in names] > [0]


# Destinations


@pytest.mark.parametrize("protocol", ["http", "tls", "tcp"])
@pytest.mark.parametrize("place", ["route", "mirror", "mirrors"])
def test_destinations_of_every_protocol(protocol: str, place: str) -> None:
    def to(name: str) -> Json:
        target = {"host": "reviews", "subset": name}
        also = {"route": [{"destination": target}], "mirror": target, "mirrors": [{"destination": target}]}[place]
        return one("VirtualService", "vs", {"hosts": ["a.com"], "gateways": ["gw"], protocol: [{place: also}]})

    steps = [["DestinationRule dr+"], ["VirtualService vs"], ["DestinationRule dr"]]
    assert ordered((rule("v1"), rule("v2")), (to("v1"), to("v2"))) == steps


def test_a_delegate_in_another_namespace() -> None:
    def root(where: str) -> Json:
        return one(
            "VirtualService", "root", {"hosts": ["a.com"], "http": [{"delegate": {"name": "d", "namespace": where}}]}
        )

    part = {"http": [{"route": [{"destination": {"host": "reviews"}}]}]}
    old, new = (one("VirtualService", "d", part, where) for where in ("left", "right"))
    assert ordered((root("left"), root("right")), (old, None), (None, new)) == [
        ["VirtualService right/d"],
        ["VirtualService root"],
        ["VirtualService left/d-"],
    ]


def test_a_host_that_a_pattern_stands_for() -> None:
    given = (
        (entry("*.example.net"), entry("mail.example.org")),
        (routes("vs", ["a.com"], "pay.example.net"), routes("vs", ["a.com"], "mail.example.org")),
    )
    assert ordered(*given) == [["ServiceEntry se+"], ["VirtualService vs"], ["ServiceEntry se"]]
    gone = ((entry("*.example.net"), None), given[1], (None, entry("mail.example.org", name="other")))
    assert ordered(*gone) == [["ServiceEntry other"], ["VirtualService vs"], ["ServiceEntry se-"]]


def test_subsets_that_move_between_two_rules_of_a_host_and_another_version_of_the_api() -> None:
    def other(*names: str) -> Json:
        found = rule(*names)
        return {**found, "metadata": {**found["metadata"], "name": "other"}}

    assert ordered((rule("v1", "v2"), rule("v1")), (other("v3"), other("v3", "v2"))) == [
        ["DestinationRule other"],
        ["DestinationRule dr"],
    ]
    old = {**rule("v1"), "apiVersion": "networking.istio.io/v1beta1"}
    vs = [
        routes("vs", ["a.com"], http=[{"route": [{"destination": {"host": "reviews", "subset": name}}]}])
        for name in ("v1", "v2")
    ]
    assert ordered((old, rule("v2")), (vs[0], vs[1]))[0] == ["DestinationRule dr+"]


# For whom an object is


def test_what_is_exported_to_fewer_namespaces_waits_for_those_who_leave_it() -> None:
    left, right = (routes("vs", ["a.com"], host, "web") for host in ("a.net", "b.net"))
    narrower = (entry("a.net"), entry("a.net", exportTo=["."]))
    assert ordered(narrower, (left, right), (None, entry("b.net", name="other"))) == [
        ["ServiceEntry other"],
        ["VirtualService web/vs"],
        ["ServiceEntry se"],
    ]
    # What is for others and no more for these is for both meanwhile.
    moved = (entry("a.net", "b.net", exportTo=["web"]), entry("a.net", "b.net", exportTo=["."]))
    mine = (routes("mine", ["b.com"], "c.net"), routes("mine", ["b.com"], "a.net"))
    steps = ordered(moved, (left, routes("vs", ["a.com"], "c.net", "web")), mine)
    assert steps == [["ServiceEntry se+", "VirtualService web/vs"], ["ServiceEntry se", "VirtualService mine"]]
    assert both(moved, (left, routes("vs", ["a.com"], "c.net", "web")), mine)["spec"]["exportTo"] == [".", "web"]


def test_a_rule_for_some_workloads_only() -> None:
    chosen = {"workloadSelector": {"matchLabels": {"app": "a"}}}
    vs = [
        routes("vs", ["a.com"], http=[{"route": [{"destination": {"host": "reviews", "subset": name}}]}])
        for name in ("v1", "v2")
    ]
    pair = (rule("v1"), rule("v2", **chosen))
    assert ordered(pair, (vs[0], vs[1])) == [["DestinationRule dr+"], ["VirtualService vs"], ["DestinationRule dr"]]
    first = both(pair, (vs[0], vs[1]))["spec"]
    assert [one["name"] for one in first["subsets"]] == ["v2", "v1"] and "workloadSelector" not in first


# Mutual TLS, tokens, certificates


def peers(mode: str, name: str = "default", namespace: str = "shop", **more: Any) -> Json:
    return one("PeerAuthentication", name, {"mtls": {"mode": mode}, **more}, namespace)


def test_only_mutual_tls_is_taken_when_all_clients_send_it() -> None:
    sends = (rule(mode="DISABLE"), rule(mode="ISTIO_MUTUAL"))
    for policy in ((peers("PERMISSIVE"), peers("STRICT")), (None, peers("STRICT"))):
        assert ordered(sends, policy) == [["DestinationRule dr"], ["PeerAuthentication default"]]
    everywhere = (None, peers("STRICT", namespace="istio-system"))
    wide = (rule(mode="DISABLE", host="*.local"), rule(mode="ISTIO_MUTUAL", host="*.local"))
    for pair in (sends, wide):
        assert ordered(pair, everywhere) == [["DestinationRule dr"], ["PeerAuthentication istio-system/default"]]
    # And the other way round.
    back = (sends[1], sends[0])
    assert ordered(back, (peers("STRICT"), None)) == [["PeerAuthentication default-"], ["DestinationRule dr"]]
    assert ordered(back, (peers("STRICT"), peers("DISABLE"))) == [
        ["PeerAuthentication default+"],
        ["DestinationRule dr"],
        ["PeerAuthentication default"],
    ]
    assert both((peers("STRICT"), peers("DISABLE")), back)["spec"]["mtls"] == {"mode": "PERMISSIVE"}


@pytest.mark.parametrize(
    "spec",
    [
        {"trafficPolicy": {"portLevelSettings": [{"port": {"number": 80}, "tls": {"mode": "DISABLE"}}]}},
        {"subsets": [{"name": "v1", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}]},
    ],
)
def test_the_mode_of_a_port_or_subset_counts(spec: Json) -> None:
    pair = (
        one("DestinationRule", "dr", {"host": "reviews", "subsets": [{"name": "v1"}], **spec}),
        one("DestinationRule", "dr", {"host": "reviews", "subsets": [{"name": "v1"}]}),
    )
    assert ordered(pair, (None, peers("STRICT"))) == [["DestinationRule dr"], ["PeerAuthentication default"]]


def test_what_is_outside_of_the_mesh_has_nothing_to_do_with_it() -> None:
    outside = (rule(host="pay.example.net", mode="DISABLE"), rule(host="pay.example.net", mode="SIMPLE"))
    assert ordered(outside, (None, routes("vs", ["a.com"]))) == []


def issuers(*names: str, name: str = "jwt") -> Json:
    return one(
        "RequestAuthentication", name, {"jwtRules": [{"issuer": issuer, "jwksUri": "https://a"} for issuer in names]}
    )


def asks(*principals: str, key: str = "requestPrincipals", **more: Any) -> Json:
    rules = [{"from": [{"source": {key: list(principals)}}]}] if principals else []
    return one("AuthorizationPolicy", "ap", {"action": "ALLOW", "rules": rules, **more})


@pytest.mark.parametrize("key", ["requestPrincipals", "notRequestPrincipals"])
@pytest.mark.parametrize("who", ["*", "https://a.net/*"])
def test_tokens_are_read_before_they_are_asked_for(key: str, who: str) -> None:
    vs = (rule("v1", "v2"), rule("v1"))
    begin = ordered((None, issuers("https://a.net")), (asks(), asks(who, key=key)), vs)
    assert begin[0] == ["RequestAuthentication jwt"]
    assert "AuthorizationPolicy ap" in begin[1]
    end = ordered((issuers("https://a.net"), None), (asks(who, key=key), asks()))
    assert end == [["AuthorizationPolicy ap"], ["RequestAuthentication jwt-"]]


def test_a_rule_that_moves_to_another_policy_counts_all_the_time() -> None:
    def policy(name: str, *sources: str, action: str = "ALLOW", **more: Any) -> Json:
        rules = [{"from": [{"source": {"namespaces": [source]}}]} for source in sources]
        return one("AuthorizationPolicy", name, {"action": action, "rules": rules, **more})

    given = ((policy("a", "x", "y"), policy("a", "x")), (None, policy("b", "y")))
    assert ordered(*given) == [["AuthorizationPolicy b"], ["AuthorizationPolicy a"]]
    # For other workloads it is another rule; a new name is one pass.
    assert ordered(given[0], (None, policy("b", "y", selector={"matchLabels": {"app": "z"}}))) == []
    assert ordered((policy("a", "x"), None), (None, policy("b", "x"))) == []


def test_another_issuer_and_claims() -> None:
    pair = (issuers("https://a.net"), issuers("https://b.net"))
    steps = [["RequestAuthentication jwt+"], ["AuthorizationPolicy ap"], ["RequestAuthentication jwt"]]
    assert ordered(pair, (asks("https://a.net/x"), asks("https://b.net/x"))) == steps
    when = {"rules": [{"when": [{"key": "request.auth.claims[group]", "values": ["x"]}]}]}
    assert ordered((issuers("i"), None), (asks(**when), None)) == [
        ["AuthorizationPolicy ap-"],
        ["RequestAuthentication jwt-"],
    ]


@pytest.mark.parametrize(
    "names", [{"credentialName": "{}"}, {"credentialNames": ["{}"]}, {"credentialName": "kubernetes-gateway://shop/{}"}]
)
def test_a_certificate_is_there_before_a_gateway_names_it(names: Json) -> None:
    def gateway(secret: str) -> Json:
        tls = {
            key: [one.format(secret) for one in value] if isinstance(value, list) else value.format(secret)
            for key, value in names.items()
        }
        server = {"port": {"number": 443, "name": "https"}, "hosts": ["a.com"], "tls": {"mode": "SIMPLE", **tls}}
        return one("Gateway", "gw", {"servers": [server]})

    old, new = one("Secret", "old", {}, "istio-system"), one("Secret", "new", {}, "istio-system")
    assert ordered((gateway("old"), gateway("new")), (old, None), (None, new)) == [
        ["Secret istio-system/new"],
        ["Gateway gw"],
        ["Secret istio-system/old-"],
    ]


def test_a_host_that_goes_keeps_its_certificate_until_then() -> None:
    def server(host: str, secret: str, protocol: str = "HTTPS") -> Json:
        port = {"number": 443, "name": "https", "protocol": protocol}
        return {"port": port, "hosts": [host, "x.com"], "tls": {"mode": "SIMPLE", "credentialName": secret}}

    def gateway(*servers: Json) -> Json:
        return one("Gateway", "gw", {"servers": list(servers)})

    pair = (gateway(server("a.com", "old")), gateway(server("b.com", "new")))
    vs = (routes("vs", ["a.com", "x.com"]), routes("vs", ["b.com", "x.com"]))
    assert ordered(pair, vs) == [["Gateway gw+"], ["VirtualService vs"], ["Gateway gw"]]
    first = both(pair, vs)["spec"]["servers"]
    assert [(one["port"]["name"], one["hosts"], one["tls"]["credentialName"]) for one in first] == [
        ("https", ["b.com", "x.com"], "new"),
        ("https-before", ["a.com"], "old"),
    ]
    with pytest.raises(Refused):
        ordered((pair[0], gateway(server("b.com", "new", "TLS"))), vs)


# The Gateway API


def listeners(*names: str, ports: tuple[int, ...] = (80, 81, 82), **more: Any) -> Json:
    listed = [
        {"name": name, "port": port, "protocol": "HTTP", **more} for name, port in zip(names, ports, strict=False)
    ]
    return one("Gateway", "gw", {"listeners": listed}, version=API)


def http(parent: Json, kind: str = "HTTPRoute", **more: Any) -> Json:
    return one(kind, "route", {"parentRefs": [{"name": "gw", **parent}], "rules": [more]})


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TLSRoute"])
@pytest.mark.parametrize(("old", "new"), [({"sectionName": "a"}, {"sectionName": "b"}), ({"port": 80}, {"port": 81})])
def test_listeners_by_name_and_by_port(kind: str, old: Json, new: Json) -> None:
    pair = (listeners("a", ports=(80,)), listeners("b", ports=(81,)))
    assert ordered(pair, (http(old, kind), http(new, kind))) == [["Gateway gw+"], [f"{kind} route"], ["Gateway gw"]]


def test_two_listeners_for_one_place_cannot_be_there_at_a_time() -> None:
    pair = (listeners("a", ports=(80,)), listeners("b", ports=(80,)))
    with pytest.raises(Refused, match="No order"):
        ordered(pair, (http({"sectionName": "a"}), http({"sectionName": "b"})))


def test_backends_outside_and_in_other_namespaces() -> None:
    def outside(host: str, port: int) -> Json:
        return {"backendRefs": [{"group": "networking.istio.io", "kind": "Hostname", "name": host, "port": port}]}

    given = (
        (entry("a.net"), entry("a.net", ports=(81,))),
        (http({}, **outside("a.net", 80)), http({}, **outside("a.net", 81))),
    )
    assert ordered(*given) == [["ServiceEntry se+"], ["HTTPRoute route"], ["ServiceEntry se"]]

    def grant(name: str) -> Json:
        who = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}
        return one(
            "ReferenceGrant",
            "grant",
            {"from": [who], "to": [{"group": "", "kind": "Service", **({"name": name} if name else {})}]},
            "web",
        )

    def to(*names: str) -> Json:
        return {"backendRefs": [{"name": name, "namespace": "web", "port": 80} for name in names]}

    assert ordered((None, grant("a")), (http({}), http({}, **to("a"))), (rule("v1", "v2"), rule("v1")))[0] == [
        "ReferenceGrant web/grant"
    ]
    assert ordered((grant("a"), None), (http({}, **to("a")), http({}))) == [
        ["HTTPRoute route"],
        ["ReferenceGrant web/grant-"],
    ]
    mirror = {
        "filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "a", "namespace": "web"}}}]
    }
    assert ordered((grant("a"), None), (http({}, **mirror), http({}))) == [
        ["HTTPRoute route"],
        ["ReferenceGrant web/grant-"],
    ]
    steps = ordered((grant("a"), grant("b")), (http({}, **to("a")), http({}, **to("b"))))
    assert steps == [["ReferenceGrant web/grant+"], ["HTTPRoute route"], ["ReferenceGrant web/grant"]]


def test_certificates_of_listeners() -> None:
    def with_secret(name: str) -> Json:
        return listeners("a", tls={"certificateRefs": [{"name": name, "namespace": "certs"}]})

    who = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "shop"}
    grants = [
        one("ReferenceGrant", name, {"from": [who], "to": [{"group": "", "kind": "Secret", "name": name}]}, "certs")
        for name in ("old", "new")
    ]
    secrets = [one("Secret", name, {}, "certs") for name in ("old", "new")]
    given = (
        (with_secret("old"), with_secret("new")),
        (grants[0], None),
        (None, grants[1]),
        (secrets[0], None),
        (None, secrets[1]),
    )
    assert ordered(*given) == [
        ["ReferenceGrant certs/new", "Secret certs/new"],
        ["Gateway gw"],
        ["ReferenceGrant certs/old-", "Secret certs/old-"],
    ]


def test_rules_that_move_between_two_routes_of_a_gateway() -> None:
    def several(name: str, *paths: str) -> Json:
        rules = [
            {"matches": [{"path": {"value": path}}], "backendRefs": [{"name": "web", "port": 80}]} for path in paths
        ]
        return one("HTTPRoute", name, {"parentRefs": [{"name": "gw"}], "hostnames": ["a.com"], "rules": rules})

    given = ((several("a", "/x", "/y"), several("a", "/x")), (several("b", "/z"), several("b", "/y", "/z")))
    assert ordered(*given) == [["HTTPRoute b"], ["HTTPRoute a"]]


# What a Sidecar lets through


def view(egress: list[Json] | None, **more: Any) -> Json:
    return one("Sidecar", "sc", {**({"egress": egress} if egress is not None else {}), **more})


def test_a_sidecar_closes_when_all_else_is_there() -> None:
    """REGISTRY_ONLY in the object with both would close before the entry for the host is there."""
    every = [{"hosts": ["*/*"]}]
    closes = (view(every), view(every, outboundTrafficPolicy={"mode": "REGISTRY_ONLY"}))
    assert ordered(closes, (None, entry("a.net"))) == [["Sidecar sc+"], ["ServiceEntry se"], ["Sidecar sc"]]
    assert "outboundTrafficPolicy" not in both(closes, (None, entry("a.net")))["spec"]
    opens = (closes[1], view(every, outboundTrafficPolicy={"mode": "ALLOW_ANY"}))
    assert both(opens, (entry("a.net"), None))["spec"]["outboundTrafficPolicy"] == {"mode": "ALLOW_ANY"}


def test_a_sidecar_goes_before_routes_lead_to_what_it_hid() -> None:
    moved = (routes("vs", ["a.com"], "x.left.svc.cluster.local"), routes("vs", ["a.com"], "x.right.svc.cluster.local"))
    assert ordered((view([{"hosts": ["left/*"]}]), None), moved) == [["Sidecar sc-"], ["VirtualService vs"]]
    assert ordered((view([{"hosts": ["left/*"]}]), None)) == []


def test_a_sidecar_with_several_listeners_or_none() -> None:
    local = {"port": {"number": 9000}, "bind": "127.0.0.1", "hosts": ["./*"]}
    pair = (view([{"hosts": ["a/*"]}]), view([local, {"hosts": ["b/*"]}]))
    assert both(pair)["spec"]["egress"] == [local, {"hosts": ["b/*", "a/*"]}]
    wide = (view([{"hosts": ["a/*"]}]), view(None))
    assert "egress" not in both(wide)["spec"]
    assert ordered(wide, (None, routes("vs", ["a.com"])))[0] == ["Sidecar sc+"]


# What has no order


def test_the_only_port_that_becomes_another_is_told() -> None:
    (text,) = unordered([change(entry("a.net"), entry("a.net", ports=(81,)))])
    assert text.startswith("ServiceEntry se has port 81 in place of 80, its only one")
    for ports in ((80,), (80, 81)):
        assert unordered([change(entry("a.net"), entry("a.net", ports=ports))]) == []

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The explanation of a miss names what decides."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.checks.replies import hints
from ansible_collections.meshops.asm.plugins.module_utils.checks.surroundings import is_ready
from ansible_collections.meshops.asm.plugins.module_utils.istio.conditions import Request
from ansible_collections.meshops.asm.plugins.module_utils.istio.deciding import Entrance, Surroundings, explain
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import Proxy


def resource(kind: str, name: str, spec: dict[str, Any], namespace: str = "bookinfo", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec, **more}


def to(*targets: tuple[str, int], **more: Any) -> dict[str, Any]:
    return {
        "route": [{"destination": {"host": "reviews", "subset": one}, "weight": weight} for one, weight in targets],
        **more,
    }


JASON = {"match": [{"headers": {"end-user": {"exact": "jason"}}}]}
RULE = resource(
    "DestinationRule",
    "reviews",
    {
        "host": "reviews.bookinfo.svc.cluster.local",
        "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}},
        "subsets": [{"name": f"v{n}", "labels": {"version": f"v{n}"}} for n in (1, 2, 3)],
    },
)
PODS = {"one": [{"version": "v1"}, {"version": "v2"}], "two": [{"version": "v1"}]}


def around(*resources: dict[str, Any], pods: dict[str, list[dict[str, str]]] | None = None) -> Surroundings:
    found = Surroundings("reviews", "bookinfo", pods=PODS if pods is None else pods)
    for one in resources:
        found.mesh.put(one)
    return found


def test_the_rules_of_the_virtual_service_that_decides() -> None:
    service = resource(
        "VirtualService",
        "reviews",
        {"hosts": ["reviews"], "http": [{**JASON, **to(("v2", 100))}, to(("v1", 80), ("v3", 20))]},
    )
    other = resource("VirtualService", "ratings", {"hosts": ["ratings"]})
    elsewhere = resource("VirtualService", "reviews", {"hosts": ["reviews"]}, namespace="other")
    lines = explain(around(service, other, elsewhere, RULE))
    assert lines[0] == (
        "VirtualService bookinfo/reviews decides, the first rule that fits: "
        "1. header end-user exact 'jason' -> v2 100 %; 2. anything -> v1 80 %, v3 20 %."
    )
    assert not any("ratings" in line for line in lines)


def test_subsets_and_their_pods() -> None:
    service = resource("VirtualService", "reviews", {"hosts": ["reviews"], "http": [to(("v4", 100))]})
    text = "\n".join(explain(around(service, RULE)))
    assert "The subset v4 is used, but no DestinationRule of reviews.bookinfo declares it" in text
    assert "subset v1 of DestinationRule bookinfo/reviews (version=v1) has ready pods: 1 in one, 1 in two." in text
    assert "subset v3 of DestinationRule bookinfo/reviews (version=v3) has no ready pod in any cluster." in text
    assert "DestinationRule bookinfo/reviews balances by RANDOM." in text
    assert "reviews.bookinfo has no ready pod in one" in "\n".join(explain(around(RULE, pods={"one": []})))


def test_without_a_virtual_service() -> None:
    assert explain(around())[0].startswith("No VirtualService is about reviews.bookinfo inside the mesh")
    at_the_gateway = resource("VirtualService", "in", {"hosts": ["*"], "gateways": ["gate"], "http": []})
    assert explain(around(at_the_gateway))[0].startswith("No VirtualService is about")


@pytest.mark.parametrize("ages", [(1, 2), (2, 1)])
def test_the_most_specific_host_decides_whatever_its_age(ages: tuple[int, int]) -> None:
    exact = resource("VirtualService", "exact", {"hosts": ["reviews"], "http": [to(("v1", 100))]})
    wide = resource("VirtualService", "wide", {"hosts": ["*.bookinfo.svc.cluster.local"], "http": [to(("v2", 100))]})
    for one, day in zip((exact, wide), ages, strict=True):
        one["metadata"]["creationTimestamp"] = f"2026-01-0{day}T00:00:00Z"
    lines = explain(around(wide, exact))
    assert lines[0].startswith("VirtualService bookinfo/exact decides")
    assert lines[1].endswith("of equal ones the oldest. These do not: VirtualService bookinfo/wide.")


def test_of_equal_hosts_the_oldest_decides() -> None:
    new = resource("VirtualService", "a", {"hosts": ["reviews"], "http": [to(("v1", 100))]})
    old = resource("VirtualService", "b", {"hosts": ["reviews.bookinfo.svc.cluster.local"], "http": [to(("v2", 100))]})
    old["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    new["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z"
    assert explain(around(new, old))[0].startswith("VirtualService bookinfo/b decides")


def test_a_host_that_is_no_name_of_the_service_to_istio() -> None:
    service = resource("VirtualService", "wrong", {"hosts": ["reviews.bookinfo"], "http": [to(("v1", 100))]})
    known = resource("Service", "reviews", {"ports": [{"port": 9080, "name": "http"}]})
    lines = explain(around(service, known))
    assert lines[0] == (
        "VirtualService bookinfo/wrong has the host 'reviews.bookinfo', which is not the service to Istio: "
        "'reviews.bookinfo.svc.cluster.local' is."
    )
    assert lines[1].startswith("No VirtualService is about reviews.bookinfo")


def test_a_destination_that_the_client_is_not_told_of() -> None:
    leading_on = {"route": [{"destination": {"host": "ratings.pay.svc.cluster.local"}}]}
    service = resource("VirtualService", "reviews", {"hosts": ["reviews"], "http": [leading_on]})
    hidden = resource("Service", "ratings", {"ports": [{"port": 9080, "name": "http"}]}, namespace="pay")
    line = "ratings.pay is not exported to bookinfo, from where it is asked: requests to it fail."
    assert line not in explain(around(service, hidden))
    hidden["metadata"]["annotations"] = {"networking.istio.io/exportTo": "."}
    assert line in explain(around(service, hidden))
    # Of what the clusters have nothing may be known.
    assert not any("exported" in one for one in explain(around(service)))


# Through a gateway.

GATE = resource(
    "Gateway",
    "gate",
    {
        "selector": {"istio": "in"},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    },
)
IN = Entrance(Proxy("istio-system", {"istio": "in"}, {80: 8080}), 80)


def leading(name: str, *rules: dict[str, Any], hosts: tuple[str, ...] = ("*",), **more: Any) -> dict[str, Any]:
    return resource("VirtualService", name, {"hosts": list(hosts), "gateways": ["gate"], "http": list(rules), **more})


def through(*resources: dict[str, Any], path: str = "/", host: str = "shop.example", **headers: str) -> list[str]:
    request = Request(host, path, "GET", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return explain(around(*resources), IN, [request])


def test_the_virtual_service_of_the_gateway_decides_and_not_the_mesh() -> None:
    inside = resource("VirtualService", "reviews", {"hosts": ["reviews"], "http": [to(("v3", 100))]})
    lines = through(GATE, RULE, inside, leading("in", {**JASON, **to(("v2", 100))}, to(("v1", 100))))
    assert lines[0] == (
        "At the gateway VirtualService bookinfo/in decides about GET shop.example/, by the host '*': "
        "2. anything -> v1 100 %."
    )
    assert not any("inside the mesh" in line or "bookinfo/reviews decides" in line for line in lines)
    assert any("subset v1 of DestinationRule bookinfo/reviews" in line for line in lines)
    [first, *_more] = through(GATE, leading("in", {**JASON, **to(("v2", 100))}), end_user="jason")
    assert first.endswith("1. header end-user exact 'jason' -> v2 100 %.")


def test_beyond_the_gateway_the_mesh_decides() -> None:
    page = {"route": [{"destination": {"host": "productpage"}}]}
    inside = resource("VirtualService", "reviews", {"hosts": ["reviews"], "http": [to(("v3", 100))], "exportTo": ["."]})
    lines = through(GATE, inside, leading("in", page))
    assert lines[0].endswith("-> productpage.bookinfo 100 %.")
    assert lines[1].startswith("VirtualService bookinfo/reviews decides, the first rule that fits: 1. anything -> v3")
    far = {"route": [{"destination": {"host": "page.shop.svc.cluster.local"}}]}
    assert through(GATE, inside, leading("in", far))[1].startswith("No VirtualService is about reviews.bookinfo")


def test_what_the_gateway_does_not_know() -> None:
    assert through()[0] == "No Gateway has an HTTP server at port 80 of this gateway."
    lines = through(GATE, leading("in", to(("v1", 100)), hosts=("other.example",)))
    assert lines == [
        "At the gateway no VirtualService is for the host 'shop.example', those there are: other.example.",
    ]
    assert through(GATE)[0].endswith("for the host 'shop.example', there is none.")


def test_a_wider_host_is_not_asked() -> None:
    api = {"match": [{"uri": {"prefix": "/api"}}], **to(("v1", 100))}
    lines = through(GATE, leading("all", to(("v2", 100))), leading("shop", api, hosts=("shop.example",)))
    assert lines == [
        "At the gateway no rule for the host 'shop.example' (VirtualService bookinfo/shop) fits GET shop.example/, and "
        "those for * are not asked, because the host is wider."
    ]


def test_a_rule_of_a_delegate() -> None:
    root = {"match": [{"uri": {"prefix": "/api"}}], "delegate": {"name": "api", "namespace": "teams"}}
    leaf = resource("VirtualService", "api", {"http": [{"route": [{"destination": {"host": "api"}}]}]}, "teams")
    lines = through(GATE, leaf, leading("in", root), path="/api/1")
    assert lines[0].endswith("1. uri prefix '/api' -> api.teams 100 % of VirtualService teams/api.")


def test_an_expression_leaves_two_answers() -> None:
    some = {"match": [{"uri": {"regex": "/a+"}}], **to(("v1", 100))}
    lines = through(GATE, leading("in", some, to(("v2", 100))))
    assert lines[0].endswith("1. uri regex '/a+' -> v1 100 %; 2. anything -> v2 100 %.")


def test_a_redirect_to_https() -> None:
    secured = {
        **GATE,
        "spec": {**GATE["spec"], "servers": [{**GATE["spec"]["servers"][0], "tls": {"httpsRedirect": True}}]},
    }
    lines = through(secured, leading("in", to(("v1", 100))))
    assert lines == ["At the gateway GET shop.example/ is redirected to HTTPS (tls.httpsRedirect of the Gateway)."]


def test_a_subset_that_counts_elsewhere_only() -> None:
    private = {**RULE, "spec": {**RULE["spec"], "exportTo": ["."]}}
    lines = through(GATE, private, leading("in", to(("v1", 100))))
    assert (
        "The subset v1 is used, but no DestinationRule of reviews.bookinfo declares it that counts for requests from "
        "istio-system (DestinationRule bookinfo/reviews does not): requests to it fail."
    ) in lines


def test_faults_and_mirrors() -> None:
    rule = to(
        ("v1", 100),
        fault={"abort": {"httpStatus": 503, "percentage": {"value": 50}}, "delay": {"fixedDelay": "2s"}},
        mirror={"host": "reviews", "subset": "v2"},
    )
    (line, *_more) = explain(around(resource("VirtualService", "reviews", {"hosts": ["reviews"], "http": [rule]})))
    assert "v1 100 % and abort 503 for 50 % and delay 2s for 100 % and mirrored to v2" in line


def test_policies_that_apply() -> None:
    deny = resource("AuthorizationPolicy", "deny", {"action": "DENY", "selector": {"matchLabels": {"version": "v2"}}})
    other = resource("AuthorizationPolicy", "other", {"selector": {"matchLabels": {"version": "v9"}}})
    strict = resource("PeerAuthentication", "default", {"mtls": {"mode": "STRICT"}}, namespace="istio-system")
    lines = explain(around(deny, other, strict))
    assert "AuthorizationPolicy bookinfo/deny applies (DENY)." in lines
    assert "PeerAuthentication istio-system/default applies (STRICT)." in lines
    assert not any("other" in line for line in lines)


def test_what_istiod_says() -> None:
    status = {
        "validationMessages": [
            {"type": {"name": "ReferencedResourceNotFound"}, "documentationUrl": "https://istio.io/x"}
        ],
        "conditions": [{"type": "Reconciled", "status": "False", "message": "1/3 proxies"}],
    }
    service = resource("VirtualService", "reviews", {"hosts": ["reviews"], "http": [to(("v1", 100))]}, status=status)
    lines = explain(around(service))
    assert "istiod says of VirtualService bookinfo/reviews: ReferencedResourceNotFound https://istio.io/x" in lines
    assert "istiod says of VirtualService bookinfo/reviews: Reconciled is False, 1/3 proxies" in lines


def test_what_could_not_be_read_is_said() -> None:
    blind = around()
    blind.unreadable.append("The control plane could not be asked.")
    assert explain(blind)[-1] == "The control plane could not be asked."


def test_the_proxys_own_answers_are_understood() -> None:
    def said(excerpts: dict[str, str], errors: dict[str, int] | None = None) -> str:
        return " ".join(hints({"excerpts": excerpts, "errors": errors or {}, "answered": 0}))

    assert "no ready pod" in said({"503": "no healthy upstream"})
    assert "AuthorizationPolicy" in said({"403": "RBAC: access denied"})
    assert "fault.abort" in said({"503": "fault filter abort"})
    assert "no VirtualService of the gateway" in said({"404": ""})
    assert said({"404": "the application's own page"}) == ""
    for error in ("nothing listens on 192.0.2.1:81: connection refused", "192.0.2.1:81 reset the connection"):
        assert "no Gateway resource" in said({}, {error: 20})
    assert hints({"excerpts": {}, "errors": {"192.0.2.1:80 reset the connection": 1}, "answered": 9}) == []


def test_readiness_of_pods() -> None:
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}, "metadata": {}}
    assert is_ready(ready)
    assert not is_ready({**ready, "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    assert not is_ready({"metadata": {}, "status": {}})


def test_odd_parts_of_resources_are_passed_over() -> None:
    route = [{"destination": {"subset": ["v1"]}, "weight": "90"}, "x", *to(("v1", 100))["route"]]
    fault = {"abort": {"percentage": {"value": 10**400}, "httpStatus": 500}, "delay": "x"}
    service = resource(
        "VirtualService", "reviews", {"hosts": [None, "reviews"], "http": [{"route": route, "fault": fault}, "x"]}
    )
    rule = resource("DestinationRule", "reviews", {"host": "reviews", "subsets": ["v1", {"name": "v1", "labels": 5}]})
    policy = resource("AuthorizationPolicy", "any", {"selector": {"matchLabels": ["x"]}, "action": 5})
    lines = explain(around(service, rule, policy, {**rule, "status": {"conditions": {}, "validationMessages": [5]}}))
    assert lines[0].startswith("VirtualService bookinfo/reviews decides, the first rule that fits: 1. anything -> ")
    assert "abort 500 for 100 %" in lines[0]
    assert "AuthorizationPolicy bookinfo/any applies (ALLOW)." in lines


def test_odd_pods_get_no_requests() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    assert is_ready({"metadata": {}, "status": ready})
    for pod in ({}, {"metadata": []}, {"metadata": {}, "status": {"conditions": {}}}, {"metadata": {}, "status": [1]}):
        assert not is_ready(pod)

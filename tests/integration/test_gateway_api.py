# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains and routes of a gateway by the service's API, and the requests that follow them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .labs import Lab
from .traffic import GATEWAY, NAMESPACE, PATIENCE, Bookinfo

HOST = "api.example.com"
ABOUT = {"mesh": "bookinfo", "gateway": GATEWAY}
DOMAIN: dict[str, Any] = {**ABOUT, "name": "it-http", "hosts": [HOST], "port": 80, "protocol": "HTTP"}
PAGE = {"host": f"productpage.{NAMESPACE}.svc.cluster.local", "port": 9080}
ROUTE: dict[str, Any] = {
    **ABOUT,
    "name": "it-page",
    "hosts": [HOST],
    "path": {"mode": "exact", "value": "/productpage"},
    "destinations": [PAGE],
    "timeout": "10s",
    "priority": 10,
}
AWAY: dict[str, Any] = {
    **ABOUT,
    "name": "it-away",
    "hosts": [HOST],
    "path": {"value": "/"},
    "redirect": {"uri": "/elsewhere", "code": 302},
    "priority": 20,
}


@pytest.fixture(scope="module")
def site(book: Bookinfo) -> Iterator[Bookinfo]:
    """The tests of this file come in the order of the life of a domain and its routes."""
    try:
        yield book
    finally:
        book.lab.control.setting("existing_gateway_domain", "refuse")
        for route in (ROUTE, AWAY):
            book.run("asm_gateway_route", **ABOUT, name=route["name"], state="absent")
        book.run("asm_gateway_domain", **ABOUT, name=DOMAIN["name"], state="absent")


def sees(book: Bookinfo, path: str, *statuses: int, host: str = HOST) -> None:
    book.holds(path=path, host=host, count=4, expect={"status": list(statuses)}, wait_timeout=PATIENCE)


def test_a_domain_and_a_route_lead_to_the_page(site: Bookinfo, lab: Lab) -> None:
    since = lab.mark()
    domain = site.run.converge("asm_gateway_domain", **DOMAIN)["gateway_domain"]
    assert (domain["hosts"], domain["port"], domain["force_https"]) == ([HOST], 80, False)
    route = site.run.converge("asm_gateway_route", **ROUTE)["gateway_route"]
    assert (route["status"], route["priority"]) == ("online", 10)
    assert [entry["action"] for entry in lab.writes(since)] == ["CreateIstioGatewayDomains", "CreateIstioGatewayRoutes"]
    sees(site, "/productpage", 200)
    sees(site, "/other", 404)


def test_the_smaller_priority_is_tried_first(site: Bookinfo, lab: Lab) -> None:
    site.run.converge("asm_gateway_route", **AWAY)
    sees(site, "/productpage", 200)
    sees(site, "/other", 302)
    since = lab.mark()
    site.run.converge("asm_gateway_route", **{**AWAY, "priority": 1})
    assert [entry["action"] for entry in lab.writes(since)] == ["UpdateIstioRouteAdditionalStatus"]
    sees(site, "/productpage", 302)
    listed = site.run("asm_gateway_route_info", **ABOUT)["gateway_routes"]
    assert [one["name"] for one in listed] == ["it-away", "it-page"]


def test_a_route_goes_offline_and_stays(site: Bookinfo, lab: Lab) -> None:
    since = lab.mark()
    done = site.run.converge("asm_gateway_route", **AWAY, enabled=False)
    assert done["gateway_route"]["status"] == "offline"
    assert [entry["action"] for entry in lab.writes(since)] == ["UpdateIstioRouteAdditionalStatus"]
    sees(site, "/productpage", 200)
    site.run.settled("asm_gateway_route", **AWAY)
    (found,) = site.run("asm_gateway_route_info", **ABOUT, name="it-away")["gateway_routes"]
    assert found["route"]["redirect"] == {"uri": "/elsewhere", "code": 302}


def test_a_changed_route_is_replaced_as_a_whole(site: Bookinfo, lab: Lab) -> None:
    since = lab.mark()
    changed = {key: value for key, value in ROUTE.items() if key not in ("timeout", "priority")}
    done = site.run.converge("asm_gateway_route", **{**changed, "headers": [{"name": "x-it", "value": "yes"}]})
    assert [entry["action"] for entry in lab.writes(since)] == ["UpdateIstioGatewayRoutes"]
    assert "timeout" not in done["gateway_route"]["route"]
    assert done["gateway_route"]["priority"] == 10
    sees(site, "/productpage", 404)
    site.holds(path="/productpage", host=HOST, headers={"x-it": "yes"}, count=4, expect={"status": [200]})
    site.run.converge("asm_gateway_route", **ROUTE)


@pytest.mark.parametrize("answer", ["refuse", "add", "replace"])
def test_hosts_come_and_go_whatever_the_service_does_with_a_domain_that_is_there(
    site: Bookinfo, lab: Lab, answer: str
) -> None:
    lab.control.setting("existing_gateway_domain", answer)
    more = {**DOMAIN, "hosts": [HOST, f"{answer}.example.com"]}
    assert site.run.converge("asm_gateway_domain", **more)["gateway_domain"]["hosts"] == sorted(more["hosts"])
    since = lab.mark()
    site.run.converge("asm_gateway_domain", **DOMAIN)
    assert [entry["parameters"].get("Hosts") for entry in lab.writes(since)] == [f"{answer}.example.com"]
    site.run.converge("asm_gateway_domain", **{**DOMAIN, "force_https": True})
    site.run.converge("asm_gateway_domain", **DOMAIN)
    (found,) = site.run("asm_gateway_domain_info", **ABOUT)["gateway_domains"]
    assert (found["hosts"], found["force_https"]) == ([HOST], False)


def test_bad_input_changes_nothing(site: Bookinfo) -> None:
    domains: list[tuple[str, dict[str, Any]]] = [
        ("is no host name", {"hosts": ["a b"]}),
        ("given more than once", {"hosts": [HOST, HOST]}),
        ("port must be from 1 to 65535", {"port": 0}),
        ("protocol=HTTPS needs credential", {"protocol": "HTTPS"}),
        ("credential means something for HTTPS and TLS only", {"credential": "x"}),
        ("force_https redirects", {"protocol": "HTTP2", "force_https": True}),
        ("no name that Kubernetes takes", {"namespace": "a/b"}),
        ("has no gateway 'it-nothing'", {"gateway": "it-nothing"}),
    ]
    for words, given in domains:
        site.run.refused("asm_gateway_domain", words, **{**DOMAIN, **given})
    two = [{**PAGE, "weight": 80}, {**PAGE, "subset": "v2", "weight": 30}]
    routes: list[tuple[str, dict[str, Any]]] = [
        ("either destinations, or redirect", {"destinations": None}),
        ("either destinations, or redirect", {"redirect": {"uri": "/x"}}),
        ("add up to 100", {"destinations": two}),
        ("priority must be from 0", {"priority": -1}),
        ("port must be from 1 to 65535", {"destinations": [{**PAGE, "port": 70000}]}),
        ("has no gateway 'it-nothing'", {"gateway": "it-nothing"}),
        ("hosts", {"hosts": None}),
    ]
    for words, given in routes:
        options = {key: value for key, value in {**ROUTE, **given}.items() if value is not None}
        site.run.refused("asm_gateway_route", words, **options)
    site.run.refused("asm_gateway_route_info", "has no gateway 'it-nothing'", mesh="bookinfo", gateway="it-nothing")


def test_imported_services(site: Bookinfo) -> None:
    about = {**ABOUT, "namespace": NAMESPACE}
    done = site.run.converge("asm_gateway_imported_services", **about, services=["productpage", "it-nothing"])
    assert done["imported_services"]["services"] == ["it-nothing", "productpage"]
    found = site.run("asm_gateway_imported_services_info", **about)["imported_services"]
    assert [(one["name"], one["clusters"]) for one in found] == [
        ("it-nothing", []),
        ("productpage", ["shop-1", "shop-2"]),
    ]
    assert found[1]["ports"][0]["port"] == 9080
    site.run.converge("asm_gateway_imported_services", **about, services=["productpage"], purge=True)
    site.run.refused("asm_gateway_imported_services", "is no name", **about, services=["a,b"])
    site.run.refused(
        "asm_gateway_imported_services",
        "has no gateway 'it-nothing'",
        **{**about, "gateway": "it-nothing"},
        services=["a"],
    )
    site.run.converge("asm_gateway_imported_services", **about, services=["productpage"], state="absent")
    assert site.run("asm_gateway_imported_services_info", **about)["imported_services"] == []


def test_they_go_by_their_names(site: Bookinfo, lab: Lab) -> None:
    for route in (ROUTE, AWAY):
        site.run.converge("asm_gateway_route", **ABOUT, name=route["name"], state="absent")
    site.run.converge("asm_gateway_domain", **ABOUT, name=DOMAIN["name"], state="absent")
    assert site.run("asm_gateway_route_info", **ABOUT)["gateway_routes"] == []
    assert site.run("asm_gateway_domain_info", **ABOUT)["gateway_domains"] == []
    kube = lab.kube(lab.mesh_id("bookinfo"))
    left = kube.list("/apis/networking.istio.io/v1/namespaces/istio-system/virtualservices")
    assert [one["metadata"]["name"] for one in left if one["metadata"]["name"].startswith("asm-")] == []

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains, routes and imported services of gateways: what they become in the control plane."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from conftest import plane_of, refused
from meshlab.asm.gatewaydomains import path_of
from test_openapi_gateways import Site, site

__all__ = ["site"]

GATEWAY = path_of("istio-system", "ingressgateway")
SERVICES = "/apis/networking.istio.io/v1/namespaces/istio-system/virtualservices"


def named(site: Site) -> dict[str, str]:
    return {"service_mesh_id": site.mesh_id, "istio_gateway_name": "ingressgateway"}


def add(site: Site, hosts: str, **more: Any) -> None:
    given = {"number": 80, "port_name": "web", "protocol": "HTTP", **more}
    site.asm.create_istio_gateway_domains(models.CreateIstioGatewayDomainsRequest(**named(site), hosts=hosts, **given))


def take(site: Site, hosts: str, port_name: str | None = "web") -> None:
    request = models.DeleteIstioGatewayDomainsRequest(**named(site), hosts=hosts, port_name=port_name)
    site.asm.delete_istio_gateway_domains(request)


def listed(site: Site) -> list[dict[str, Any]]:
    reply = site.asm.describe_istio_gateway_domains(models.DescribeIstioGatewayDomainsRequest(**named(site)))
    rows: list[dict[str, Any]] = reply.body.to_map().get("GatewaySecretDetails") or []
    return rows


def test_a_domain_is_a_server_of_one_gateway(site: Site) -> None:
    assert refused(lambda: add(site, "a.org")).code == "ErrorGatewayNotFound"
    site.apply()
    add(site, "a.org,b.org")
    add(site, "a.org", port_name="tls", number=443, protocol="HTTPS", credential="c")
    spec = site.api.find(GATEWAY)["spec"]
    assert spec["selector"] == {"istio": "ingressgateway"}
    assert [one["hosts"] for one in spec["servers"]] == [["a.org", "b.org"], ["a.org"]]
    assert spec["servers"][1]["tls"] == {"mode": "SIMPLE", "credentialName": "c"}
    assert [(one["PortName"], one["CredentialName"]) for one in listed(site)] == [("web", ""), ("tls", "c")]
    assert json.loads(listed(site)[0]["Detail"])["port"]["number"] == 80
    take(site, "a.org")
    take(site, "a.org,b.org", port_name=None)
    assert (site.api.find(GATEWAY), listed(site)) == (None, [])
    assert refused(lambda: add(site, "a.org", protocol="http")).code == "InvalidParameter"


@pytest.mark.parametrize(
    ("answer", "hosts"), [("add", ["a.org", "b.org"]), ("replace", ["b.org"]), ("refuse", ["a.org"])]
)
def test_a_domain_that_is_there(site: Site, answer: str, hosts: list[str]) -> None:
    site.apply()
    site.cloud.world.set_setting("existing_gateway_domain", answer)
    add(site, "a.org")
    if answer == "refuse":
        assert refused(lambda: add(site, "b.org")).code == "ErrorDomainExisted"
    else:
        add(site, "b.org")
    assert listed(site)[0]["Domains"] == hosts


def route(name: str, path: str = "/", **more: Any) -> dict[str, Any]:
    destination = {"Destination": {"Host": "page", "Port": {"Number": 9080}}}
    match = {"URI": {"MatchingMode": "prefix", "MatchingContent": path}}
    return {
        "RouteName": name,
        "Domains": ["a.org"],
        "MatchRequest": match,
        "RouteDestinations": [destination],
        **more,
    }


def send(site: Site, action: str, wire: dict[str, Any], **more: Any) -> None:
    request = getattr(models, f"{action}IstioGatewayRoutesRequest")
    wanted = request(**named(site), **more).to_map() | {"GatewayRoute": wire}
    method = {"Create": site.asm.create_istio_gateway_routes, "Update": site.asm.update_istio_gateway_routes}[action]
    method(request().from_map(wanted))


def rules(site: Site) -> list[list[str]]:
    return [[rule["name"] for rule in one["spec"]["http"]] for one in site.api.list(SERVICES)]


def test_routes_are_rules_by_their_priority(site: Site) -> None:
    site.apply()
    add(site, "a.org")
    options = {"Timeout": "5s", "HTTPRedirect": None}
    send(site, "Create", route("late", HTTPAdvancedOptions=options), priority=5)
    send(site, "Create", route("early", "/x"), priority=1, status=0)
    (service,) = site.api.list(SERVICES)
    assert (service["spec"]["hosts"], service["spec"]["gateways"]) == (["a.org"], ["istio-system/asm-ingressgateway"])
    assert rules(site) == [["early", "late"]]
    assert service["spec"]["http"][1]["timeout"] == "5s"
    assert service["spec"]["http"][0]["match"] == [{"uri": {"prefix": "/x"}}]
    assert refused(lambda: send(site, "Create", route("late"))).code == "ErrorRouteExisted"
    change = models.UpdateIstioRouteAdditionalStatusRequest(**named(site), route_name="early", priority=9)
    site.asm.update_istio_route_additional_status(change)
    assert rules(site) == [["late", "early"]]
    site.asm.update_istio_route_additional_status(
        models.UpdateIstioRouteAdditionalStatusRequest(**named(site), route_name="late", status=1)
    )
    assert rules(site) == [["early"]]
    send(site, "Update", route("early", Domains=["b.org"]))
    assert [one["spec"]["hosts"] for one in site.api.list(SERVICES)] == [["b.org"]]
    detail = site.asm.describe_istio_gateway_route_detail(
        models.DescribeIstioGatewayRouteDetailRequest(**named(site), route_name="early")
    ).body.to_map()
    assert (detail["Priority"], detail["Status"], detail["RouteDetail"]["Domains"]) == (9, 0, ["b.org"])
    rows = site.asm.describe_istio_gateway_routes(models.DescribeIstioGatewayRoutesRequest(**named(site))).body.to_map()
    assert [(one["RouteName"], one["Status"]) for one in rows["ManagementRoutes"]] == [("late", 1), ("early", 0)]
    for name in ("late", "early"):
        site.asm.delete_gateway_route(models.DeleteGatewayRouteRequest(**named(site), route_name=name))
    assert rules(site) == []
    missing = models.DeleteGatewayRouteRequest(**named(site), route_name="late")
    assert refused(lambda: site.asm.delete_gateway_route(missing)).code == "ErrorRouteNotFound"


def test_imported_services_are_set_as_a_whole(site: Site) -> None:
    site.apply()
    about = {"service_mesh_id": site.mesh_id, "asmgateway_name": "ingressgateway", "service_namespace": "shop"}
    service = {"metadata": {"name": "a", "labels": {"app": "a"}}, "spec": {"ports": [{"port": 80}]}}
    plane_of(site.cloud, site.clusters[0]).api.create("/api/v1/namespaces/shop/services", service)

    def update(names: str) -> list[str]:
        request = models.UpdateASMGatewayImportedServicesRequest(**about, service_names=names)
        site.asm.update_asmgateway_imported_services(request)
        reply = site.asm.describe_asmgateway_imported_services(
            models.DescribeASMGatewayImportedServicesRequest(**about)
        )
        return [one["ServiceName"] for one in reply.body.to_map().get("ImportedServices") or []]

    assert update("b,a") == ["a", "b"]
    detail = site.asm.describe_imported_services_detail(models.DescribeImportedServicesDetailRequest(**about))
    (found,) = detail.body.to_map()["Details"]
    assert (found["ServiceName"], found["ClusterIds"], found["Ports"][0]["Port"]) == ("a", site.clusters[:1], 80)
    assert update("") == []

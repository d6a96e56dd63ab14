# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes of gateways: kept as they were sent, and VirtualServices with those that are online, by their priority."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.asm.gateways import gateway_of
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.openapi.errors import ApiError, invalid_parameter

Json = dict[str, Any]

ONLINE, OFFLINE = 0, 1

#: Whose routes a VirtualService has; the label is the lab's own, as the product's mark is not known.
LABEL = "asm.alibabacloud.com/gateway-routes"

_SERVICES = "/apis/networking.istio.io/v1/namespaces/{}/virtualservices"


@action("CreateIstioGatewayRoutes", "ServiceMeshId", "IstioGatewayName", "GatewayRoute", write=True)
def create_istio_gateway_routes(call: Call) -> Json:
    """Add a route. Raises ApiError when there is one of this name."""
    route = _route(call)
    if route["RouteName"] in _routes(call, call.settled_mesh()):
        raise ApiError(400, "ErrorRouteExisted", f"The route {route['RouteName']} existed already.")
    _store(call, route, {"Priority": 0, "Status": ONLINE, "Description": ""})
    return {}


@action("UpdateIstioGatewayRoutes", "ServiceMeshId", "IstioGatewayName", "GatewayRoute", write=True)
def update_istio_gateway_routes(call: Call) -> Json:
    """Replace a route; priority, status and description stay where they are not sent."""
    route = _route(call)
    _store(call, route, _known(call, route["RouteName"]))
    return {}


@action("UpdateIstioRouteAdditionalStatus", "ServiceMeshId", "IstioGatewayName", "RouteName", write=True)
def update_istio_route_additional_status(call: Call) -> Json:
    """Change priority, status and description; what is not sent stays."""
    before = _known(call, call.get("RouteName"))
    _store(call, before["Route"], before)
    return {}


@action("DeleteGatewayRoute", "ServiceMeshId", "IstioGatewayName", "RouteName", write=True)
def delete_gateway_route(call: Call) -> Json:
    """Delete a route. Raises ApiError when there is none of this name."""
    gone = _known(call, call.get("RouteName"))
    mesh = call.settled_mesh()
    with call.world.lock:
        del _routes(call, mesh)[gone["Route"]["RouteName"]]
        call.world.save()
    _carry_out(call, mesh, gone["Route"]["Namespace"])
    return {}


@action("DescribeIstioGatewayRoutes", "ServiceMeshId", "IstioGatewayName")
def describe_istio_gateway_routes(call: Call) -> Json:
    """The routes of a gateway, briefly."""
    gateway_of(call)
    return {"ManagementRoutes": [_row(call, one) for one in _routes(call, call.mesh()).values()]}


@action("DescribeIstioGatewayRouteDetail", "ServiceMeshId", "IstioGatewayName", "RouteName")
def describe_istio_gateway_route_detail(call: Call) -> Json:
    """One route as it was sent."""
    gateway_of(call)
    found = _known(call, call.get("RouteName"))
    route = {key: value for key, value in found["Route"].items() if key != "Namespace"}
    detail = {**route, "HasUnsafeFeatures": False, "RawVSRoute": json.dumps(_http(found["Route"]))}
    return {
        "RouteDetail": detail,
        "Namespace": found["Route"]["Namespace"],
        **{key: found[key] for key in ("Description", "Priority", "Status")},
    }


def _row(call: Call, found: Json) -> Json:
    route = found["Route"]
    targets = [one.get("Destination") or {} for one in route.get("RouteDestinations") or []]
    return {
        "ASMGatewayName": call.get("IstioGatewayName"),
        "DestinationHost": [one.get("Host", "") for one in targets],
        "DestinationSubSet": [one.get("Subset", "") for one in targets],
        "Namespace": route["Namespace"],
        "RouteName": route["RouteName"],
        "RoutePath": ((route.get("MatchRequest") or {}).get("URI") or {}).get("MatchingContent", ""),
        **{key: found[key] for key in ("Description", "Priority", "Status")},
    }


def _routes(call: Call, mesh: Mesh) -> dict[str, Json]:
    """The routes of the gateway by their names."""
    every = mesh.hidden.setdefault("GatewayRoutes", {})
    found: dict[str, Json] = every.setdefault(call.get("IstioGatewayName"), {})
    return found


def _known(call: Call, name: str) -> Json:
    found = _routes(call, call.mesh()).get(name)
    if found is None:
        raise ApiError(404, "ErrorRouteNotFound", f"The route {name} does not exist.")
    return found


def _route(call: Call) -> Json:
    sent = call.get("GatewayRoute")
    route = json.loads(sent) if isinstance(sent, str) else sent
    if not isinstance(route, dict) or not route.get("RouteName"):
        raise invalid_parameter("GatewayRoute", "it has no RouteName")
    if route.get("RouteType", "HTTP") != "HTTP":
        raise invalid_parameter("GatewayRoute.RouteType", "the lab knows HTTP only")
    if not route.get("Domains"):
        raise invalid_parameter("GatewayRoute.Domains", "it is empty")
    return {"Namespace": "istio-system", "RouteType": "HTTP", **route}


def _store(call: Call, route: Json, before: Json) -> None:
    mesh = call.settled_mesh()
    gateway_of(call)
    entry = {"Route": route, **{key: call.get(key, before[key]) for key in ("Priority", "Status", "Description")}}
    if entry["Status"] not in (ONLINE, OFFLINE):
        raise invalid_parameter("Status", f"{entry['Status']} is not one of 0, 1")
    routes = _routes(call, mesh)
    kept = routes.get(route["RouteName"])
    with call.world.lock:
        routes[route["RouteName"]] = entry
    try:
        _carry_out(call, mesh, route["Namespace"])
    except ApiError:
        with call.world.lock:
            routes.pop(route["RouteName"])
            if kept:
                routes[route["RouteName"]] = kept
        raise
    if kept and kept["Route"]["Namespace"] != route["Namespace"]:
        _carry_out(call, mesh, kept["Route"]["Namespace"])
    call.world.save()


def _carry_out(call: Call, mesh: Mesh, namespace: str) -> None:
    """Make the VirtualServices of one namespace those of its routes: one for each set of domains."""
    gateway = call.get("IstioGatewayName")
    api = call.cloud.fleet.mesh(mesh.mesh_id).api
    online = [
        one
        for one in _routes(call, mesh).values()
        if one["Status"] == ONLINE and one["Route"]["Namespace"] == namespace
    ]
    groups: dict[tuple[str, ...], list[Json]] = {}
    for one in sorted(online, key=lambda one: one["Priority"]):
        groups.setdefault(tuple(sorted(one["Route"]["Domains"])), []).append(one["Route"])
    wanted = {
        f"asm-{gateway}-{_mark(hosts)}": _service(api, gateway, hosts, routes) for hosts, routes in groups.items()
    }
    collection = _SERVICES.format(namespace)
    try:
        for name, spec in wanted.items():
            metadata = {"name": name, "namespace": namespace, "labels": {LABEL: gateway}}
            body: Object = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata}
            api.apply(f"{collection}/{name}", {**body, "spec": spec})
    except KubeApiError as error:
        raise invalid_parameter("GatewayRoute", error.message) from None
    for found in api.list(collection, labelSelector=LABEL):
        if found["metadata"]["labels"][LABEL] == gateway and found["metadata"]["name"] not in wanted:
            api.delete(f"{collection}/{found['metadata']['name']}")


def _mark(domains: tuple[str, ...]) -> str:
    return hashlib.sha256(",".join(domains).encode()).hexdigest()[:8]


def _service(api: KubeApi, gateway: str, domains: tuple[str, ...], routes: list[Json]) -> Json:
    """The spec of a VirtualService at the Gateways with the gateway's domains, whatever their namespace."""
    listed = api.list("/apis/networking.istio.io/v1/gateways")
    bound = [f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in listed if _is_ours(one, gateway)]
    return {
        "hosts": list(domains),
        "gateways": sorted(bound) or [f"istio-system/asm-{gateway}"],
        "http": [_http(route) for route in routes],
    }


def _is_ours(gateway: Object, name: str) -> bool:
    return bool(gateway["metadata"]["name"] == f"asm-{name}")


def _http(route: Json) -> Json:
    rule: Json = {"name": route["RouteName"]}
    match = _match(route.get("MatchRequest") or {})
    if match:
        rule["match"] = [match]
    targets = [_target(one) for one in route.get("RouteDestinations") or []]
    if targets:
        rule["route"] = targets
    options = route.get("HTTPAdvancedOptions") or {}
    return rule | _options(options)


def _match(sent: Json) -> Json:
    match: Json = {}
    uri = sent.get("URI") or {}
    if uri:
        match["uri"] = {uri.get("MatchingMode", ""): uri.get("MatchingContent", "")}
    headers = sent.get("Headers") or []
    if headers:
        match["headers"] = {one["Name"]: {one["MatchingMode"]: one["MatchingContent"]} for one in headers}
    ports = sent.get("Ports") or []
    return match | ({"port": ports[0]} if ports else {})


def _target(sent: Json) -> Json:
    destination = sent.get("Destination") or {}
    target: Json = {"host": destination.get("Host", "")}
    if destination.get("Subset"):
        target["subset"] = destination["Subset"]
    if destination.get("Port"):
        target["port"] = {"number": destination["Port"]["Number"]}
    return {"destination": target, **({"weight": sent["Weight"]} if sent.get("Weight") is not None else {})}


def _options(sent: Json) -> Json:
    """HTTPAdvancedOptions in Istio's words."""
    plain = {"Timeout": "timeout", "Rewrite": "rewrite", "Retries": "retries", "Delegate": "delegate"}
    found: Json = {plain[key]: _lower(value) for key, value in sent.items() if key in plain and value}
    if sent.get("HTTPRedirect"):
        found["redirect"] = _lower(sent["HTTPRedirect"])
    if sent.get("Fault"):
        found["fault"] = _lower(sent["Fault"])
    if sent.get("Mirror"):
        found["mirror"] = _lower(sent["Mirror"])
    if sent.get("MirrorPercentage"):
        found["mirrorPercentage"] = _lower(sent["MirrorPercentage"])
    return found


def _lower(value: Any) -> Any:
    """Keys as Istio spells them: the same words with a small letter first."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _lower(one) for key, one in value.items() if one is not None}
    return value

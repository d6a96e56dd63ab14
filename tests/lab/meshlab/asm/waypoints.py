# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waypoints: Gateways of the class istio-waypoint in the control plane; no proxy is deployed for them."""

from __future__ import annotations

import json
from typing import Any

from meshlab.asm.actions import Call, action
from meshlab.asm.features import quantity
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.openapi.errors import ApiError, invalid_parameter

Json = dict[str, Any]

API = "/apis/gateway.networking.k8s.io/v1"
CLASS = "istio-waypoint"

#: What the waypoint is like in each cluster, JSON text; the annotation is the lab's own, as the product's is not known.
SETTINGS = "asm.alibabacloud.com/waypoint-settings"
#: Which ServiceAccount it is for, as Istio once had it.
ACCOUNT = "istio.io/for-service-account"

_WHOLE = ("Replicas", "HPAMaxReplicas", "HPAMinReplicas", "HPATargetCPU", "HPATargetMemory")
_AMOUNTS = ("LimitCPU", "LimitMemory", "RequestCPU", "RequestMemory")
_FLAGS = ("HPAEnabled", "PreferECI")
_DEFAULTS: Json = {
    "Replicas": 1, "HPAEnabled": False, "HPAMinReplicas": 1, "HPAMaxReplicas": 5, "HPATargetCPU": 80,
    "HPATargetMemory": 80, "LimitCPU": "2", "LimitMemory": "1Gi", "RequestCPU": "100m", "RequestMemory": "128Mi",
    "PreferECI": False,
}  # fmt: skip


@action("CreateWaypoint", "ServiceMeshId", "ClusterId", "Namespace", write=True)
def create_waypoint(call: Call) -> Json:
    """Make a Gateway, or add the cluster to the one that is there. Raises ApiError for one that the cluster has."""
    api, account = _control_plane(call), call.get("ServiceAccount", "")
    name = account or "namespace"
    path = f"{API}/namespaces/{call.get('Namespace')}/gateways/{name}"
    live = _find(api, path)
    settings = _settings(live)
    if call.get("ClusterId") in settings:
        raise ApiError(400, "ErrorWaypointExisted", f"The waypoint {call.get('Namespace')}/{name} existed already.")
    settings[call.get("ClusterId")] = _sent(call, _DEFAULTS)
    metadata = {
        "name": name,
        "namespace": call.get("Namespace"),
        "annotations": {SETTINGS: json.dumps(settings), **({ACCOUNT: account} if account else {})},
    }
    listener = {"name": "mesh", "port": 15008, "protocol": "HBONE"}
    spec = {"gatewayClassName": CLASS, "listeners": [listener]}
    body = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": metadata, "spec": spec}
    try:
        api.apply(path, body)
    except KubeApiError as error:
        raise ApiError(400, "ErrorWaypointNotCreated", error.message) from None
    return {}


@action("UpdateWaypoint", "ServiceMeshId", "ClusterId", "Namespace", "Name", write=True)
def update_waypoint(call: Call) -> Json:
    """Change the settings in one cluster; what is not sent stays."""
    api = _control_plane(call)
    path, settings = _known(call, api)
    settings[call.get("ClusterId")] = _sent(call, settings[call.get("ClusterId")])
    api.patch(path, {"metadata": {"annotations": {SETTINGS: json.dumps(settings)}}})
    return {}


@action("DeleteWaypoint", "ServiceMeshId", "ClusterId", "Namespace", "Name", write=True)
def delete_waypoint(call: Call) -> Json:
    """Take it out of one cluster; the Gateway goes with the last one."""
    api = _control_plane(call)
    path, settings = _known(call, api)
    del settings[call.get("ClusterId")]
    if settings:
        api.patch(path, {"metadata": {"annotations": {SETTINGS: json.dumps(settings)}}})
    else:
        api.delete(path)
    return {}


@action("ListWaypoints", "ServiceMeshId", "ClusterId")
def list_waypoints(call: Call) -> Json:
    """The waypoints of a cluster, page by page; every value is text."""
    api = _control_plane(call, change=False)
    rows = [row for one in _all(api) if (row := _row(call, one))]
    start, most = int(call.get("Continue", "0")), call.get("Limit", 50)
    more = str(start + most) if start + most < len(rows) else ""
    return {"Waypoints": rows[start : start + most], "Continue": more}


def _control_plane(call: Call, *, change: bool = True) -> KubeApi:
    mesh = call.settled_mesh() if change else call.mesh()
    if call.get("ClusterId") not in mesh.clusters:
        raise ApiError(404, "ErrorClusterNotFound", f"The cluster {call.get('ClusterId')} is not in the mesh.")
    if change and not (mesh.spec.get("K8sNewAPIsSupport") or {}).get("GatewayAPIEnabled"):
        raise ApiError(
            400, "ErrorGatewayAPINotEnabled", "Waypoints need the Gateway API, which the mesh has switched off."
        )
    return call.cloud.fleet.mesh(mesh.mesh_id).api


def _all(api: KubeApi) -> list[Object]:
    try:
        return api.list(f"{API}/gateways")
    except KubeApiError as error:
        # The kind is not served before the mesh has the Gateway API.
        if error.status == 404:
            return []
        raise


def _find(api: KubeApi, path: str) -> Object | None:
    live = api.find(path)
    if live and live["spec"].get("gatewayClassName") != CLASS:
        raise ApiError(400, "ErrorWaypointExisted", f"The Gateway {live['metadata']['name']} existed already.")
    return live


def _known(call: Call, api: KubeApi) -> tuple[str, Json]:
    path = f"{API}/namespaces/{call.get('Namespace')}/gateways/{call.get('Name')}"
    settings = _settings(_find(api, path))
    if call.get("ClusterId") not in settings:
        raise ApiError(404, "ErrorWaypointNotFound", f"The waypoint {call.get('Name')} does not exist.")
    return path, settings


def _settings(gateway: Object | None) -> Json:
    annotations = (gateway or {}).get("metadata", {}).get("annotations") or {}
    found: Json = json.loads(annotations.get(SETTINGS, "{}"))
    return found


def _sent(call: Call, before: Json) -> Json:
    after = {name: call.get(name, before[name]) for name in (*_WHOLE, *_AMOUNTS, *_FLAGS)}
    for name in _AMOUNTS:
        problem = quantity(after[name])
        if problem:
            raise invalid_parameter(name, problem)
    return after


def _row(call: Call, gateway: Object) -> Json | None:
    metadata = gateway["metadata"]
    settings = _settings(gateway).get(call.get("ClusterId"))
    if settings is None or gateway["spec"].get("gatewayClassName") != CLASS:
        return None
    if call.get("Namespace") not in (None, metadata["namespace"]) or call.get("Name") not in (None, metadata["name"]):
        return None
    account = (metadata.get("annotations") or {}).get(ACCOUNT, "")
    named = {"Name": metadata["name"], "Namespace": metadata["namespace"], "ServiceAccount": account}
    return named | {name: str(value).lower() if name in _FLAGS else str(value) for name, value in settings.items()}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mesh knows of services, accounts and deployments: asked of the API servers themselves."""

from __future__ import annotations

import base64
import json
from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.openapi.errors import ApiError, invalid_parameter, missing_parameter

_ENTRIES = "/apis/networking.istio.io/v1/serviceentries"
_SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
_TYPES = ("Kubernetes", "ServiceEntry")
_HIDDEN = ("kube-system", "kube-public", "kube-node-lease")


@action("GetRegisteredServiceNamespaces", "ServiceMeshId")
def get_registered_service_namespaces(call: Call) -> dict[str, Any]:
    """Namespaces with a Service in one of the clusters, or with a ServiceEntry."""
    mesh = call.mesh()
    services = [one for cluster in _running(mesh) for one in _api(call, cluster).list("/api/v1/services")]
    entries = _mesh_api(call, mesh).list(_ENTRIES)
    found = {one["metadata"]["namespace"] for one in [*services, *entries]}
    return {"Namespaces": sorted(found - {*_HIDDEN})}


@action("GetRegisteredServiceEndpoints", "ServiceMeshId")
def get_registered_service_endpoints(call: Call) -> dict[str, Any]:
    """Where a service is: pods of the clusters, or the addresses of a ServiceEntry."""
    mesh = call.mesh()
    for name in ("Name", "Namespace"):
        if not call.get(name):
            raise missing_parameter(name)
    kind = call.get("ServiceType", "Kubernetes")
    if kind not in _TYPES:
        raise invalid_parameter("ServiceType", f"{kind!r} is not one of {', '.join(_TYPES)}")
    name, namespace = call.get("Name"), call.get("Namespace")
    rows = _of_entry(call, mesh) if kind == "ServiceEntry" else _of_clusters(call, mesh)
    details = [{key: value for key, value in row.items() if key != "ClusterId"} for row in rows]
    internal = kind == "Kubernetes" or any(row.pop("Internal", False) for row in details)
    for row in details:
        row.pop("Internal", None)
    return {
        "EndPointSlice": {
            "EndpointsDetails": details,
            "Location": "MESH_INTERNAL" if internal else "MESH_EXTERNAL",
            "Namespace": namespace,
            "ServiceName": name,
        },
        "ServiceEndpoints": [{"Address": row["Address"], "ClusterId": row["ClusterId"]} for row in rows],
    }


@action("ListServiceAccounts", "ServiceMeshId", "ClusterId")
def list_service_accounts(call: Call) -> dict[str, Any]:
    """The ServiceAccounts of one cluster, or of a namespace of it."""
    mesh = call.mesh()
    api = _api(call, _cluster(mesh, call.get("ClusterId")))
    place = f"/namespaces/{call.get('Namespace')}" if call.get("Namespace") else ""
    found = api.list(f"/api/v1{place}/serviceaccounts")
    rows = [{"Name": one["metadata"]["name"], "Namespace": one["metadata"]["namespace"]} for one in found]
    return {"ServiceAccounts": sorted(rows, key=lambda row: (row["Namespace"], row["Name"]))}


@action("GetDeploymentBySelector", "ServiceMeshId", "GuestCluster")
def get_deployment_by_selector(call: Call) -> dict[str, Any]:
    """Names of Deployments whose labels have all that are asked for, in pages; the mark is where the next begins."""
    mesh = call.mesh()
    api = _api(call, _cluster(mesh, call.get("GuestCluster")))
    place = f"/namespaces/{call.get('NameSpace')}" if call.get("NameSpace") else ""
    wanted = call.get("LabelSelector", {}).items()
    found = [one["metadata"] for one in api.list(f"/apis/apps/v1{place}/deployments")]
    names = sorted(one["name"] for one in found if wanted <= one.get("labels", {}).items())
    begin, limit = _begin(call.get("Mark", "")), call.get("Limit", 0) or len(names) or 1
    page = names[begin : begin + limit]
    mark = _mark(begin + limit) if begin + limit < len(names) else ""
    if call.world.settings["deployment_names"] == "base64":
        page = [base64.b64encode(one.encode()).decode() for one in page]
    return {"DeploymentNameList": page, "Mark": mark}


def _of_clusters(call: Call, mesh: Mesh) -> list[dict[str, Any]]:
    asked = [one for one in call.get("ClusterIds", "").split(",") if one] or _running(mesh)
    name, namespace = call.get("Name"), call.get("Namespace")
    rows: list[dict[str, Any]] = []
    for cluster_id in asked:
        api = _api(call, _cluster(mesh, cluster_id))
        region = call.world.clusters[cluster_id].region_id
        pods = {one["metadata"]["name"]: one for one in api.list(f"/api/v1/namespaces/{namespace}/pods")}
        for part in api.list(_SLICES.format(namespace)):
            if part["metadata"].get("labels", {}).get("kubernetes.io/service-name") != name:
                continue
            ports = [port["port"] for port in part.get("ports") or []]
            for endpoint in part.get("endpoints") or []:
                pod = pods.get((endpoint.get("targetRef") or {}).get("name", ""), {})
                rows += [
                    _row(address, cluster_id, ports, region, endpoint.get("hostname", ""), pod)
                    for address in endpoint["addresses"]
                ]
    return rows


def _row(
    address: str, cluster_id: str, ports: list[int], region: str, hostname: str, pod: dict[str, Any]
) -> dict[str, Any]:
    containers = [one["name"] for one in pod.get("spec", {}).get("containers", [])]
    return {
        "Address": address,
        "ClusterId": cluster_id,
        "Hostname": hostname,
        "PodName": pod.get("metadata", {}).get("name", ""),
        "Ports": ports,
        "Region": region,
        "SidecarInjected": "istio-proxy" in containers,
    }


def _of_entry(call: Call, mesh: Mesh) -> list[dict[str, Any]]:
    """The endpoints of the ServiceEntry of this name, or without any its hosts."""
    path = f"/apis/networking.istio.io/v1/namespaces/{call.get('Namespace')}/serviceentries/{call.get('Name')}"
    entry = _mesh_api(call, mesh).find(path)
    if entry is None:
        return []
    spec = entry["spec"]
    ports = [one["number"] for one in spec.get("ports") or []]
    addresses = [one.get("address", "") for one in spec.get("endpoints") or []] or spec["hosts"]
    internal = spec.get("location") == "MESH_INTERNAL"
    host = spec["hosts"][0]
    return [{**_row(one, "", ports, "", host, {}), "Internal": internal} for one in addresses]


def _running(mesh: Mesh) -> list[str]:
    return [key for key, one in list(mesh.clusters.items()) if one.state == "running"]


def _cluster(mesh: Mesh, cluster_id: str) -> str:
    if cluster_id not in mesh.clusters:
        raise ApiError(404, "ERR404", f"Not found: the cluster {cluster_id} is not in the mesh.")
    return cluster_id


def _api(call: Call, cluster_id: str) -> Any:
    return call.cloud.fleet.cluster(cluster_id).api


def _mesh_api(call: Call, mesh: Mesh) -> Any:
    return call.cloud.fleet.mesh(mesh.mesh_id).api


def _mark(position: int) -> str:
    return base64.b64encode(json.dumps({"start": position}).encode()).decode()


def _begin(mark: str) -> int:
    try:
        return int(json.loads(base64.b64decode(mark))["start"]) if mark else 0
    except (ValueError, KeyError, TypeError):
        raise invalid_parameter("Mark", "it is none that a former reply gave") from None

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of a mesh: candidates, add, remove, list."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import yaml

from meshlab.account import Cluster, Mesh
from meshlab.asm import views
from meshlab.asm.actions import Call, action
from meshlab.asm.versions import istio_minor
from meshlab.openapi.errors import ApiError, invalid_parameter

#: ForbiddenFlag of DescribeServiceMeshClusters.
USABLE, NOT_ADMIN, NO_CONNECTION, CIDR_CONFLICT, HAS_ISTIO = range(5)

#: First version that takes clusters imported by kubeconfig.
_KUBECONFIG_SINCE = (1, 22)

_REASONS = {
    NOT_ADMIN: "you are not administrator of the cluster",
    NO_CONNECTION: "the cluster is in another VPC, no CEN connects the two, and its API server is not public",
    CIDR_CONFLICT: "address ranges overlap",
    HAS_ISTIO: "the cluster has a namespace istio-system already",
}


@action("DescribeClustersInServiceMesh", "ServiceMeshId")
def describe_clusters_in_service_mesh(call: Call) -> dict[str, Any]:
    """The clusters that are in the mesh, joining or leaving."""
    mesh = call.mesh()
    return {
        "Clusters": [
            views.attached_cluster(call.world.clusters[cluster_id], attachment)
            for cluster_id, attachment in list(mesh.clusters.items())
            if cluster_id in call.world.clusters
        ]
    }


@action("DescribeServiceMeshClusters")
def describe_service_mesh_clusters(call: Call) -> dict[str, Any]:
    """All clusters of ACK with what would forbid to add them; without a mesh only what the cluster itself forbids."""
    mesh = call.mesh() if call.get("ServiceMeshId") else None
    offset, limit = call.get("Offset", 0), call.get("Limit", 10)
    if offset < 0 or limit < 1:
        raise invalid_parameter("Offset" if offset < 0 else "Limit", "it is too small")
    clusters = [cluster for cluster in list(call.world.clusters.values()) if cluster.origin == "ack"]
    page = []
    for cluster in clusters[offset : offset + limit]:
        owner = call.world.mesh_of_cluster(cluster.cluster_id)
        flag, info = (USABLE, "") if owner is not None and owner is mesh else forbidden(call, mesh, cluster)
        page.append(views.candidate_cluster(cluster, owner.mesh_id if owner else "", flag, info))
    return {"Clusters": page, "NumberOfClusters": len(clusters)}


@action("AddClusterIntoServiceMesh", "ServiceMeshId", "ClusterId", write=True, methods=("POST",))
def add_cluster_into_service_mesh(call: Call) -> dict[str, Any]:
    """Starts to attach one cluster; its state is starting until it is running."""
    mesh = call.settled_mesh()
    cluster = _cluster_to_add(call, mesh)
    problem = _refusal(call, mesh, cluster)
    how = call.world.settings["add_refusal"]
    if problem is not None and how == "reply":
        raise problem
    if problem is not None and how == "body_code":
        return {"Code": _code(call, problem.status), "Message": f"{problem.code}: {problem.message}"}
    if problem is not None:
        call.cloud.lifecycle.refuse(mesh, cluster.cluster_id, f"{problem.code}: {problem.message}")
    else:
        call.cloud.lifecycle.attach(
            mesh,
            cluster.cluster_id,
            discovery_only=call.get("DiscoveryOnly", False),
            fault=call.transition_fault(),
        )
    return {"Code": _code(call, 200), "Message": "success"}


@action("RemoveClusterFromServiceMesh", "ServiceMeshId", "ClusterId", write=True, methods=("POST", "DELETE"))
def remove_cluster_from_service_mesh(call: Call) -> dict[str, Any]:
    """Starts to detach one cluster; it is in the list until it has left."""
    mesh = call.settled_mesh()
    cluster_id = call.get("ClusterId")
    attachment = mesh.clusters.get(cluster_id)
    if attachment is None:
        raise ApiError(
            404, "ErrorClusterNotFound", f"The cluster {cluster_id} is not in the service mesh {mesh.mesh_id}."
        )
    if attachment.state != "stopping":
        call.cloud.lifecycle.detach(
            mesh,
            cluster_id,
            reserve_namespace=call.get("ReserveNamespace", False),
            fault=call.transition_fault(),
        )
    return {"Code": _code(call, 200), "Message": "success"}


@action("UpdateGuestClusterConfig", "ServiceMeshId", write=True)
def update_guest_cluster_config(call: Call) -> dict[str, Any]:
    """The SMC switch of one cluster."""
    mesh = call.settled_mesh()
    attachment = mesh.clusters.get(call.get("GuestClusterId", ""))
    if attachment is None:
        raise ApiError(404, "ErrorClusterNotFound", f"The cluster {call.get('GuestClusterId')} is not in the mesh.")
    if "SMCEnabled" in call.parameters:
        attachment.smc = call.parameters["SMCEnabled"]
        call.world.save()
    return {}


@action("DescribeGuestClusterNamespaces", "ServiceMeshId", "GuestClusterID")
def describe_guest_cluster_namespaces(call: Call) -> dict[str, Any]:
    """The namespaces of an attached cluster, with their labels if asked for."""
    namespaces = _guest_api(call).list("/api/v1/namespaces")
    reply: dict[str, Any] = {"NsList": [one["metadata"]["name"] for one in namespaces]}
    if call.get("ShowNsLabels", False):
        reply["NsLabels"] = {one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in namespaces}
    return reply


@action("DescribeGuestClusterPods", "ServiceMeshId", "GuestClusterID", "Namespace")
def describe_guest_cluster_pods(call: Call) -> dict[str, Any]:
    """The names of the pods in a namespace of an attached cluster."""
    pods = _guest_api(call).list(f"/api/v1/namespaces/{call.get('Namespace')}/pods")
    return {"PodList": [one["metadata"]["name"] for one in pods]}


def forbidden(call: Call, mesh: Mesh | None, cluster: Cluster) -> tuple[int, str]:
    """ForbiddenFlag and ForbiddenInfo of a cluster for a mesh."""
    if not call.cloud.access.is_cluster_admin(cluster, call.user):
        return NOT_ADMIN, ""
    if mesh is not None:
        if not call.world.connected(mesh.vpc_id, cluster.vpc_id) and not cluster.public_api:
            return NO_CONNECTION, ""
        conflicts = _conflicts(call, mesh, cluster)
        if conflicts:
            return CIDR_CONFLICT, json.dumps(conflicts)
    if has_istio_system(call, cluster):
        return HAS_ISTIO, ""
    return USABLE, ""


def has_istio_system(call: Call, cluster: Cluster) -> bool:
    """Whether the namespace exists; asked of the cluster itself once it has started."""
    if call.world.mesh_of_cluster(cluster.cluster_id) is not None:
        return False
    if not cluster.started:
        return cluster.istio_system
    return call.cloud.fleet.cluster(cluster.cluster_id).api.find("/api/v1/namespaces/istio-system") is not None


def _refusal(call: Call, mesh: Mesh, cluster: Cluster) -> ApiError | None:
    """Why a cluster cannot be added now, or nothing."""
    cluster_id = cluster.cluster_id
    owner = call.world.mesh_of_cluster(cluster_id)
    attachment = mesh.clusters.get(cluster_id)
    if owner is mesh and attachment is not None and attachment.state != "failed":
        return ApiError(400, "ErrorPermitted.ClusterExists", f"The cluster {cluster_id} is in this mesh already.")
    if owner is not None and owner is not mesh:
        return ApiError(
            400,
            "ErrorPermitted.ClusterInAnotherMesh",
            f"The cluster {cluster_id} is in the service mesh {owner.mesh_id}; it can be in one mesh only.",
        )
    if cluster.state != "running":
        return ApiError(400, "InvalidActiveState.ACK", f"The cluster {cluster_id} is {cluster.state}, not running.")
    domain = mesh.spec["Proxy"]["ClusterDomain"]
    if cluster.cluster_domain != domain:
        return ApiError(
            400, "ErrorPermitted.ClusterDomain", f"The cluster domain {cluster.cluster_domain} is not {domain}."
        )
    flag, info = forbidden(call, mesh, cluster)
    if flag == HAS_ISTIO and call.get("IgnoreNamespaceCheck", False):
        return None
    if flag != USABLE:
        message = f"The cluster {cluster_id} cannot be added: {_REASONS[flag]}. {info}".strip()
        return ApiError(400, "ErrorPermitted.ClusterForbidden", message)
    return None


def _cluster_to_add(call: Call, mesh: Mesh) -> Cluster:
    cluster_id = call.get("ClusterId")
    kubeconfig = call.get("Kubeconfig")
    cluster: Cluster | None = call.world.clusters.get(cluster_id)
    if cluster is None or (cluster.origin != "ack" and not kubeconfig):
        raise ApiError(404, "ErrorClusterNotFound", f"The cluster {cluster_id} does not exist.")
    if kubeconfig:
        _check_kubeconfig(call, mesh, cluster, kubeconfig)
    return cluster


def _check_kubeconfig(call: Call, mesh: Mesh, cluster: Cluster, text: str) -> None:
    if istio_minor(mesh.version) < _KUBECONFIG_SINCE:
        raise invalid_parameter("Kubeconfig", "clusters are imported by kubeconfig from version 1.22 on")
    if "pilot" not in mesh.eips:
        raise invalid_parameter("Kubeconfig", "the control plane needs a public address: bind an EIP to the pilot")
    try:
        servers = [one["cluster"]["server"] for one in yaml.safe_load(text)["clusters"]]
    except (yaml.YAMLError, KeyError, TypeError):
        raise invalid_parameter("Kubeconfig", "it is not a kubeconfig") from None
    plane = call.cloud.fleet.cluster(cluster.cluster_id)
    public = call.cloud.access.cluster_public_address(cluster)
    if not set(servers) & {plane.private_url, f"https://{public}:6443"}:
        raise invalid_parameter("Kubeconfig", f"no API server answers at {', '.join(servers)}")


def _conflicts(call: Call, mesh: Mesh, cluster: Cluster) -> list[dict[str, str]]:
    """Rows {cluster, object, cidr} in pairs: whose range, and which range of the newcomer, overlap."""
    taken: list[tuple[str, str, str]] = []
    vpc = call.world.vpcs.get(mesh.vpc_id)
    if vpc is not None:
        taken.append(("", "VPC CIDR", vpc.cidr))
    for other_id in list(mesh.clusters):
        other = call.world.clusters.get(other_id)
        if other is not None and other_id != cluster.cluster_id:
            taken += [(other_id, "Pod", other.pod_cidr), (other_id, "Service", other.service_cidr)]
    rows = []
    for kind, cidr in (("Pod", cluster.pod_cidr), ("Service", cluster.service_cidr)):
        for owner, other_kind, other_cidr in taken:
            if ipaddress.ip_network(cidr).overlaps(ipaddress.ip_network(other_cidr)):
                rows.append({"cluster": cluster.cluster_id, "object": kind, "cidr": cidr})
                rows.append({"cluster": owner, "object": other_kind, "cidr": other_cidr})
    return rows


def _guest_api(call: Call) -> Any:
    mesh = call.mesh()
    cluster_id = call.get("GuestClusterID")
    if cluster_id not in mesh.clusters:
        raise ApiError(404, "ERR404", f"Not found: the cluster {cluster_id} is not in the mesh.")
    return call.cloud.fleet.cluster(cluster_id).api


def _code(call: Call, status: int) -> str | int:
    return status if call.world.settings["code_as_number"] else str(status)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh knows of services, accounts and deployments in its clusters.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.pages import marked, pages
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_name
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes

# Names that a page of deployments has at most.
_PAGE = 100

Json = dict[str, Any]


def namespaces(cloud: Cloud, mesh_id: str) -> list[str]:
    """Namespaces with registered services, sorted (action GetRegisteredServiceNamespaces)."""
    found = cloud.asm("GetRegisteredServiceNamespaces", ServiceMeshId=mesh_id).get("Namespaces") or []
    return sorted(set(found))


def endpoints(cloud: Cloud, mesh_id: str, service: Json, cluster_ids: list[str]) -> Json:
    """``{location, endpoints}`` of a service ``{name, namespace, type}`` (action GetRegisteredServiceEndpoints).

    The cluster of an endpoint is told in another list of the reply, by its address; one that is in several clusters has
    no single one.
    """
    reply = cloud.asm(
        "GetRegisteredServiceEndpoints",
        ServiceMeshId=mesh_id,
        Name=service["name"],
        Namespace=service["namespace"],
        ServiceType=service["type"],
        ClusterIds=",".join(cluster_ids) or None,
    )
    clusters: dict[str, set[str]] = {}
    for one in reply.get("ServiceEndpoints") or []:
        clusters.setdefault(str(one.get("Address")), set()).add(one.get("ClusterId") or "")
    part = reply.get("EndPointSlice") or {}
    details = part.get("EndpointsDetails") or [{"Address": address} for address in clusters]
    shown = [_endpoint(one, clusters.get(str(one.get("Address")), set())) for one in details]
    order = sorted(shown, key=lambda one: (one["cluster_id"], one["address"], one["ports"]))
    return {"location": part.get("Location") or "", "endpoints": order}


def _endpoint(detail: Json, clusters: set[str]) -> Json:
    return {
        "address": detail.get("Address") or "",
        "cluster_id": next(iter(clusters)) if len(clusters) == 1 else "",
        "hostname": detail.get("Hostname") or "",
        "pod": detail.get("PodName") or "",
        "ports": sorted(detail.get("Ports") or []),
        "region": detail.get("Region") or "",
        "sidecar_injected": bool(detail.get("SidecarInjected")),
    }


def service_accounts(cloud: Cloud, mesh_id: str, cluster_id: str, namespace: str | None) -> list[Json]:
    """``[{name, namespace}]`` of one cluster (action ListServiceAccounts)."""
    reply = cloud.asm("ListServiceAccounts", ServiceMeshId=mesh_id, ClusterId=cluster_id, Namespace=namespace)
    found = reply.get("ServiceAccounts") or []
    shown = [{"name": one.get("Name") or "", "namespace": one.get("Namespace") or namespace or ""} for one in found]
    return sorted(shown, key=lambda one: (one["namespace"], one["name"]))


def pods(cloud: Cloud, mesh_id: str, cluster_id: str, namespace: str) -> list[str]:
    """Names of the pods in a namespace of one cluster, sorted (action DescribeGuestClusterPods).

    Its parameter for the cluster has another case in its name than elsewhere.
    """
    reply = meshes.told(
        cloud, "DescribeGuestClusterPods", ServiceMeshId=mesh_id, GuestClusterID=cluster_id, Namespace=namespace
    )
    return sorted(reply.get("PodList") or [])


def deployments(
    cloud: Cloud, mesh_id: str, cluster_id: str, namespace: str | None, labels: dict[str, str]
) -> list[str]:
    """Names of the Deployments of one cluster with all labels, sorted (action GetDeploymentBySelector, paged)."""
    names: set[str] = set()
    mark, seen = None, set[str]()
    for _number in pages("GetDeploymentBySelector"):
        reply = cloud.asm(
            "GetDeploymentBySelector",
            ServiceMeshId=mesh_id,
            GuestCluster=cluster_id,
            NameSpace=namespace,
            LabelSelector=labels,
            Limit=_PAGE,
            Mark=mark,
        )
        names |= set(names_of(reply.get("DeploymentNameList") or []))
        before, mark = mark, reply.get("Mark") or None
        if mark == before or marked("GetDeploymentBySelector", seen, mark) is None:
            break
    return sorted(names)


def names_of(texts: list[str]) -> list[str]:
    """Names, which the models of the SDK have as bytes: as JSON these are Base64. Pure.

    A text in Base64 is hardly ever a name as Kubernetes has them, so that one which is none tells it of all.
    """
    if all(map(is_name, texts)):
        return texts
    decoded = [_decoded(text) for text in texts]
    return texts if None in decoded else [str(name) for name in decoded]


def _decoded(text: str) -> str | None:
    try:
        name = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return name if is_name(name) else None

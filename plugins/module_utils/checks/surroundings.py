# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what decides about a service: the mesh's Istio resources and gateway, and the service's pods in its clusters.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access, clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.istio.deciding import Surroundings
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import services_domain
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import (
    AUTHORIZATION_POLICY,
    DESTINATION_RULE,
    GATEWAY,
    PEER_AUTHENTICATION,
    SERVICE,
    SERVICE_ENTRY,
    VIRTUAL_SERVICE,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import Proxy
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import table_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import cluster_domain

_SERVICE: shapes.Shape = {"spec": {"selector": {...: TEXT}}}
_POD: shapes.Shape = {"metadata": {"labels": {...: TEXT}}, "status": {"conditions": [{}]}}
_KINDS = (VIRTUAL_SERVICE, DESTINATION_RULE, GATEWAY, SERVICE_ENTRY, AUTHORIZATION_POLICY, PEER_AUTHENTICATION)
_ISTIO_GATEWAY: shapes.Shape = {
    "metadata": {"name": TEXT},
    "spec": {"podLabels": {...: TEXT}, "ports": [{"port": NUMBER, "targetPort": NUMBER}]},
}

Json = dict[str, Any]


def look(cloud: Cloud, mesh_name: str, service: str, gateway: str | None) -> tuple[Surroundings, Proxy]:
    """What is known about ``<name>.<namespace>`` and a gateway; ``unreadable`` tells of clusters that cannot be read.

    Raises ``AsmError`` when the control plane cannot be asked.
    """
    name, _unused, rest = service.partition(".")
    around = Surroundings(name, rest.partition(".")[0] or "default")
    mesh = meshes.find_mesh(cloud, mesh_name)
    if mesh is None:
        raise NotFound(f"There is no mesh '{mesh_name}'.")
    try:
        detail = meshes.describe_mesh(cloud, meshes.mesh_id(mesh))
        around.mesh.domain = services_domain(cluster_domain(detail))
    except AsmError as error:
        around.unreadable.append(f"The cluster domain of the mesh could not be read: {error.message}")
    with closing(gateways.control_plane(cloud, mesh)) as kube:
        for kind in _KINDS:
            _list(kube, kind, around)
        found = kube.get(f"{gateways.COLLECTION}/{gateway}") if gateway else None
    _count(cloud, mesh, around)
    return around, proxy_of(found, gateway) if gateway else Proxy(ROOT_NAMESPACE)


def _count(cloud: Cloud, mesh: Json, around: Surroundings) -> None:
    """The pods of each cluster, as far as it can be asked."""
    try:
        attached = clusters.attached(cloud, meshes.mesh_id(mesh))
    except AsmError as error:
        around.unreadable.append(f"The clusters could not be listed: {error.message}")
        return
    for cluster in attached:
        try:
            around.pods[clusters.name(cluster)] = _pods(cloud, str(cluster["ClusterId"]), around)
        except AsmError as error:
            around.unreadable.append(f"The pods in {clusters.name(cluster)} could not be counted: {error.message}")


def proxy_of(found: Any, name: str) -> Proxy:
    """The Envoy of an IstioGateway, by the labels that the service gives its pods. Pure."""
    spec = shapes.fit(found, _ISTIO_GATEWAY)[0].get("spec", {})
    labels = {"app": f"istio-{name}", "istio": name, **spec.get("podLabels", {})}
    ports = {one["port"]: one.get("targetPort") or one["port"] for one in spec.get("ports", []) if "port" in one}
    return Proxy(ROOT_NAMESPACE, labels, ports)


def _list(kube: KubeClient, name: str, around: Surroundings) -> None:
    for one in kube.list(table_kind(name).path()):
        around.mesh.put({**one, "kind": name})


def _pods(cloud: Cloud, cluster: str, around: Surroundings) -> list[dict[str, str]]:
    """The labels of the ready pods behind the service in one cluster."""
    with closing(KubeClient(load(access.cluster_kubeconfig(cloud, cluster)), patience=5.0)) as kube:
        service = kube.get(f"/api/v1/namespaces/{around.namespace}/services/{around.name}")
        if service:
            around.mesh.put({**service, "kind": SERVICE})
        selector = shapes.fit(service, _SERVICE)[0].get("spec", {}).get("selector")
        if not selector:
            return []
        query = ",".join(f"{key}={value}" for key, value in selector.items())
        pods = kube.list(f"/api/v1/namespaces/{around.namespace}/pods", labelSelector=query)
    return [shapes.fit(pod, _POD)[0]["metadata"].get("labels", {}) for pod in pods if is_ready(pod)]


def is_ready(pod: Json) -> bool:
    """Whether a pod gets requests. Pure."""
    pod = shapes.fit(pod, _POD)[0]
    if "metadata" not in pod or pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)

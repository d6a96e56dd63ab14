# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what decides about a service: the Istio resources of the mesh, and the service's pods in its clusters.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access, clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import TEXT
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.istio.deciding import Surroundings
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import known_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes

_SERVICE: shapes.Shape = {"spec": {"selector": {...: TEXT}}}
_POD: shapes.Shape = {"metadata": {"labels": {...: TEXT}}, "status": {"conditions": [{}]}}
_KINDS = ("VirtualService", "DestinationRule", "AuthorizationPolicy", "PeerAuthentication")

Json = dict[str, Any]


def look(cloud: Cloud, mesh_name: str, service: str) -> Surroundings:
    """What is known about ``<name>.<namespace>``; what cannot be read is said in ``unreadable``."""
    name, _unused, rest = service.partition(".")
    around = Surroundings(name, rest.partition(".")[0] or "default")
    try:
        mesh = meshes.find_mesh(cloud, mesh_name)
        if mesh is None:
            raise NotFound(f"There is no mesh '{mesh_name}'.")
        kube = gateways.control_plane(cloud, mesh)
        try:
            around.resources = {kind: _listed(kube, kind) for kind in _KINDS}
        finally:
            kube.close()
        attached = clusters.attached(cloud, meshes.mesh_id(mesh))
    except AsmError as error:
        around.unreadable.append(f"The control plane could not be asked what decides: {error.message}")
        return around
    for cluster in attached:
        try:
            around.pods[clusters.name(cluster)] = _pods(cloud, str(cluster["ClusterId"]), around)
        except AsmError as error:
            around.unreadable.append(f"The pods in {clusters.name(cluster)} could not be counted: {error.message}")
    return around


def _listed(kube: KubeClient, name: str) -> list[Json]:
    kind = known_kind(name)
    if kind is None:
        raise AssertionError(f"{name} is no kind of Istio")
    return [{"kind": name, **one} for one in kube.list(kind.path())]


def _pods(cloud: Cloud, cluster: str, around: Surroundings) -> list[dict[str, str]]:
    """The labels of the ready pods behind the service in one cluster."""
    kube = KubeClient(load(access.cluster_kubeconfig(cloud, cluster)), patience=5.0)
    try:
        service = kube.get(f"/api/v1/namespaces/{around.namespace}/services/{around.name}")
        selector = shapes.fit(service, _SERVICE)[0].get("spec", {}).get("selector")
        if not selector:
            return []
        query = ",".join(f"{key}={value}" for key, value in selector.items())
        pods = kube.list(f"/api/v1/namespaces/{around.namespace}/pods", labelSelector=query)
    finally:
        kube.close()
    return [shapes.fit(pod, _POD)[0]["metadata"].get("labels", {}) for pod in pods if is_ready(pod)]


def is_ready(pod: Json) -> bool:
    """Whether a pod gets requests. Pure."""
    pod = shapes.fit(pod, _POD)[0]
    if "metadata" not in pod or pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)

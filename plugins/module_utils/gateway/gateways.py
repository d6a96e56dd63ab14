# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways as IstioGateway objects of a control plane: read, compared, judged, and seen as users see them.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, Progress, failed, waiting
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes

COLLECTION = f"/apis/istio.alibabacloud.com/v1beta1/namespaces/{ROOT_NAMESPACE}/istiogateways"

# How many looks in a row may show the same complaint of the service before the gateway counts as failed.
_PATIENCE = 12


def control_plane(cloud: Cloud, mesh: dict[str, Any]) -> KubeClient:
    """A client of the mesh's control plane; its address may be young."""
    return KubeClient(load(str(access.fetch_mesh_kubeconfig(cloud, mesh)["Kubeconfig"])), fresh=True)


def is_there(kube: KubeClient, name: str) -> bool:
    """Whether the mesh has a gateway of this name."""
    return kube.get(f"{COLLECTION}/{name}") is not None


def not_yet(name: str) -> str:
    """What a prediction says of a gateway that an earlier step would make."""
    return f"Gateway '{name}' does not exist yet."


def require_one(is_there: bool, name: str, mesh: str) -> None:
    """Raises ``NotFound`` where the gateway ``name`` of the mesh (both by name) is not there."""
    if not is_there:
        text = f"Mesh '{mesh}' has no gateway '{name}'. Make it first with meshops.asm.asm_gateway."
        raise NotFound(text, yet=not_yet(name))


@contextmanager
def required(cloud: Cloud, mesh: str, name: str) -> Iterator[tuple[KubeClient, str]]:
    """The control plane and the id of a mesh (by name or id) that has the gateway ``name``. Raises ``NotFound``."""
    found = meshes.require_mesh(cloud, mesh)
    with closing(control_plane(cloud, found)) as kube:
        require_one(is_there(kube, name), name, mesh)
        yield kube, meshes.mesh_id(found)


def listed(cloud: Cloud, mesh: dict[str, Any]) -> list[dict[str, Any]]:
    """The gateways of a mesh as the objects of its control plane."""
    with closing(control_plane(cloud, mesh)) as kube:
        return kube.list(COLLECTION)


def views(cloud: Cloud, mesh: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    """The gateways of a mesh, each as ``view``."""
    return [view(one, names) for one in listed(cloud, mesh)]


def clusters_of(gateway: dict[str, Any] | None) -> list[str]:
    """The ids of the clusters that the object of a gateway names."""
    return [str(one) for one in ((gateway or {}).get("spec") or {}).get("clusterIds") or []]


def essence(gateway: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a diff shows of a gateway: labels, annotations and spec."""
    if gateway is None:
        return None
    metadata = gateway.get("metadata") or {}
    return {
        "labels": metadata.get("labels") or {},
        "annotations": metadata.get("annotations") or {},
        "spec": gateway.get("spec") or {},
    }


def addresses(gateway: dict[str, Any]) -> dict[str, list[str]]:
    """``{cluster id: [address]}`` as the object's status has it."""
    found: dict[str, list[str]] = {}
    for entry in (gateway.get("status") or {}).get("ClusterIdGatewayAddressMap") or []:
        if entry.get("ipAddress"):
            found.setdefault(str(entry.get("clusterId")), []).append(str(entry["ipAddress"]))
    return found


def complaint(gateway: dict[str, Any] | None) -> str:
    """What the service complains of, as its status has it; empty for nothing."""
    return str(((gateway or {}).get("status") or {}).get("ErrorMessage") or "")


def view(gateway: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """A gateway in the keys of the modules' results; ``names`` maps cluster ids to names."""
    metadata = gateway.get("metadata") or {}
    status = gateway.get("status") or {}
    return {
        "name": metadata.get("name"),
        "namespace": metadata.get("namespace"),
        "clusters": sorted(names.get(one, one) for one in clusters_of(gateway)),
        "addresses": {names.get(key, key): value for key, value in sorted(addresses(gateway).items())},
        "status": status.get("Status") or "",
        "error_message": complaint(gateway),
        **(essence(gateway) or {}),
    }


def address_progress(gateway: dict[str, Any] | None, name: str, names: dict[str, str]) -> Progress:
    """Whether every cluster of the gateway has its address; only a Service of type LoadBalancer gets one. Pure."""
    if gateway is None:
        return waiting(f"gateway '{name}' to show up in the control plane")
    spec = gateway.get("spec") or {}
    if spec.get("serviceType", "LoadBalancer") != "LoadBalancer":
        return DONE
    have = addresses(gateway)
    missing = [names.get(one, one) for one in clusters_of(gateway) if not have.get(one)]
    if not missing:
        return DONE
    status = gateway.get("status") or {}
    said = complaint(gateway)
    why = f" (the service says: {said.rstrip('.')})" if said else ""
    return waiting(f"an address of gateway '{name}' in {', '.join(sorted(missing))}{why}", last=status or None)


class Complaints:
    """Turns a wait for a gateway into a failure once the service has said the same for a while.

    The states of an IstioGateway are not documented, and what its status complains of may pass.
    """

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, int]] = {}

    def judge(self, name: str, gateway: dict[str, Any] | None, progress: Progress) -> Progress:
        """``progress`` of the gateway ``name``, whose object is ``gateway``, or the failure that it comes down to."""
        status = (gateway or {}).get("status") or {}
        said = complaint(gateway)
        if progress.done or progress.failed or not said:
            self._said.pop(name, None)
            return progress
        before, count = self._said.get(name, ("", 0))
        self._said[name] = (said, count + 1 if said == before else 1)
        if self._said[name][1] < _PATIENCE:
            return progress
        return failed(f"Gateway '{name}' does not get on: {said.rstrip('.')}. Waited for {progress.what}.", last=status)


class ClusterClients:
    """Clients of clusters' API servers, by the ids of the clusters.

    A wait looks often, and each kubeconfig makes the service issue a certificate: the clients are kept for a while.
    """

    def __init__(self, cloud: Cloud, *, patience: float = 30.0) -> None:
        """``patience`` is that of the clients, in seconds."""
        self._cloud = cloud
        self._patience = patience
        self._clients: dict[str, tuple[float, KubeClient]] = {}

    def of(self, cluster_ids: list[str]) -> dict[str, tuple[str, KubeClient]]:
        """``{id: (name, client)}`` of those clusters that Container Service manages; others cannot be looked into."""
        return {key: (str(one.get("name")), self.client(one)) for key, one in self.listed(cluster_ids).items()}

    def listed(self, cluster_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Those of the clusters that Container Service manages, by their ids."""
        listed = access.list_clusters(self._cloud) if cluster_ids else []
        known = {str(cluster["cluster_id"]): cluster for cluster in listed}
        return {key: known[key] for key in cluster_ids if key in known}

    def client(self, cluster: dict[str, Any]) -> KubeClient:
        """The client of a listed cluster."""
        made, client = self._clients.get(str(cluster["cluster_id"]), (0.0, None))
        # Half of its time: the certificate must not end between two looks.
        if client is None or time.monotonic() - made > access.TEMPORARY_MINUTES * 60 / 2:
            client = KubeClient(load(access.temporary_kubeconfig(self._cloud, cluster)), patience=self._patience)
            self._clients[str(cluster["cluster_id"])] = time.monotonic(), client
        return client


class Departures:
    """Whether gateways' Services, and with them their load balancers, are gone from clusters."""

    def __init__(self, cloud: Cloud) -> None:
        self._clusters = ClusterClients(cloud)

    def progress(self, name: str, cluster_ids: list[str]) -> Progress:
        """Whether the Service of the gateway ``name`` is gone from these clusters (ids)."""
        left = self.left(name, cluster_ids)
        return waiting(f"the Service istio-{name} to be gone from {', '.join(left)}") if left else DONE

    def left(self, name: str, cluster_ids: list[str]) -> list[str]:
        """Names of the clusters that still have the gateway's Service.

        Clusters that Container Service does not manage cannot be looked into and are taken as clear.
        """
        path = f"/api/v1/namespaces/{ROOT_NAMESPACE}/services/istio-{name}"
        looked_into = self._clusters.of(cluster_ids).values()
        return [cluster for cluster, client in looked_into if client.get(path) is not None]

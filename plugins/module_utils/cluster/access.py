# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs of meshes and clusters, as text in memory; nothing here writes a file.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import threading
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes

# The collection's own use of a cluster is short; a temporary kubeconfig ends by itself (15 to 4320 minutes).
TEMPORARY_MINUTES = 60
# Where a mesh shows the addresses of its API server.
_PUBLIC, _PRIVATE = "PublicApiServerEndpoint", "IntranetApiServerEndpoint"


def mesh_kubeconfig(cloud: Cloud, mesh: str, *, private: bool | None = None) -> str:
    """The kubeconfig (YAML text) of the control plane of the mesh with this name or id."""
    found = meshes.require_mesh(cloud, mesh)
    return str(fetch_mesh_kubeconfig(cloud, found, private=private)["Kubeconfig"])


def fetch_mesh_kubeconfig(cloud: Cloud, mesh: dict[str, Any], *, private: bool | None = None) -> dict[str, Any]:
    """``{Kubeconfig, ExpireTime}`` by action DescribeServiceMeshKubeconfig.

    ``private`` chooses the address inside the VPC; unset means what the option ``api_server_address`` says, and without
    that the public one where the mesh has one.
    """
    endpoints = mesh.get("Endpoints") or {}
    private = cloud.private if private is None else private
    if private is None:
        private = not endpoints.get(_PUBLIC)
    shown = endpoints.get(_PRIVATE if private else _PUBLIC)
    try:
        reply = cloud.asm("DescribeServiceMeshKubeconfig", ServiceMeshId=meshes.mesh_id(mesh), PrivateIpAddress=private)
    except AsmError as error:
        # The service documents no code for an address that is not there.
        if not shown and endpoints and error.http_status not in (401, 403):
            error.message = f"{error.message} {_no_address(private)}"
        raise
    if not reply.get("Kubeconfig"):
        kind = "private" if private else "public"
        why = "" if shown else f" {_no_address(private)}"
        text = f"Mesh '{meshes.info(mesh).get('Name')}' gave no kubeconfig for its {kind} address."
        raise AsmError(f"{text}{why}", code="NoKubeconfig")
    return reply


def _no_address(private: bool) -> str:
    """What to do about an address that the mesh does not show. ``Endpoints`` may lack both while it is being made."""
    if private:
        return "It shows no private address: is the mesh still being created?"
    return (
        "It shows no public address: give its API server one with api_server_public_eip of asm_mesh, or choose "
        "api_server_address=private (address of asm_kubeconfig) from inside its VPC."
    )


def cluster_kubeconfig(cloud: Cloud, cluster: str, *, private: bool | None = None) -> str:
    """A short-lived kubeconfig (YAML text) of the ACK cluster with this name or id."""
    return temporary_kubeconfig(cloud, require_cluster(cloud, cluster), private=private)


def temporary_kubeconfig(cloud: Cloud, cluster: dict[str, Any], *, private: bool | None = None) -> str:
    """The same of a listed ACK cluster."""
    return str(fetch_cluster_kubeconfig(cloud, cluster, private=private, minutes=TEMPORARY_MINUTES)["config"])


class ClusterAccess:
    """Kubeconfigs of several clusters from one listing; safe for use by several threads."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._known: list[dict[str, Any]] | None = None

    def kubeconfig(self, name_or_id: str) -> str:
        """A short-lived kubeconfig (YAML text) of the cluster."""
        with self._lock:
            if self._known is None:
                self._known = list_clusters(self._cloud)
            return temporary_kubeconfig(self._cloud, pick_cluster(self._known, name_or_id))


def fetch_cluster_kubeconfig(
    cloud: Cloud, cluster: dict[str, Any], *, private: bool | None = None, minutes: int | None = None
) -> dict[str, Any]:
    """``{config, expiration}`` by action DescribeClusterUserKubeconfig; ``minutes`` unset means the service's own.

    ``private`` unset means the public address where the cluster has one.
    """
    if private is None:
        private = not _has_public_endpoint(cluster)
    reply = cloud.cs(
        "DescribeClusterUserKubeconfig",
        str(cluster["cluster_id"]),
        PrivateIpAddress=private,
        TemporaryDurationMinutes=minutes,
    )
    if not reply.get("config"):
        raise AsmError(f"Cluster '{cluster.get('name')}' gave no kubeconfig.", code="NoKubeconfig")
    return reply


def require_cluster(cloud: Cloud, name_or_id: str) -> dict[str, Any]:
    """The ACK cluster with this name or id (action DescribeClustersV1, paged); an unknown one raises ``NotFound``."""
    return pick_cluster(list_clusters(cloud), name_or_id)


def pick_cluster(known: list[dict[str, Any]], name_or_id: str) -> dict[str, Any]:
    """The one of the listed ACK clusters that has this name or id. Pure."""
    as_seen_by_meshes = [
        {"ClusterId": cluster["cluster_id"], "Name": cluster.get("name"), "RegionId": cluster.get("region_id")}
        for cluster in known
    ]
    chosen = clusters.require(as_seen_by_meshes, name_or_id)["ClusterId"]
    return next(cluster for cluster in known if cluster["cluster_id"] == chosen)


def list_clusters(cloud: Cloud) -> list[dict[str, Any]]:
    """The ACK clusters of the account (action DescribeClustersV1)."""

    def page(number: int, found: int) -> tuple[list[dict[str, Any]], int]:
        reply = cloud.cs("DescribeClustersV1", page_number=number, page_size=clusters.PAGE)
        return reply.get("clusters") or [], int((reply.get("page_info") or {}).get("total_count") or 0)

    return clusters.all_pages(page, "DescribeClustersV1", "cluster_id")


def _has_public_endpoint(cluster: dict[str, Any]) -> bool:
    """Whether ``master_url`` (JSON text in the API) names a public API server."""
    return '"api_server_endpoint":"https://' in str(cluster.get("master_url") or "").replace(" ", "")

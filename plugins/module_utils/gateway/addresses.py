# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the requests of a probe go: the addresses of a gateway, as the control plane of its mesh has them.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import NotFound
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes


def gateway_addresses(cloud: Cloud, mesh: str, gateway: str, cluster: str | None) -> list[str]:
    """The addresses of a gateway in one cluster or in all, in the order of the clusters' names.

    Raises ``NotFound`` when there is no such gateway, or none of its clusters has an address yet.
    """
    found = meshes.require_mesh(cloud, mesh)
    names = clusters.labels(clusters.attached(cloud, meshes.mesh_id(found)))
    return pick_addresses(gateways.views(cloud, found, names), gateway, names.get(cluster or "", cluster))


def pick_addresses(views: list[dict[str, Any]], gateway: str, cluster: str | None) -> list[str]:
    """The addresses among the views of all gateways. Pure."""
    known = {str(view["name"]): view for view in views}
    if gateway not in known:
        raise NotFound(f"There is no gateway '{gateway}'. Gateways of the mesh: {', '.join(sorted(known)) or 'none'}.")
    by_cluster: dict[str, list[str]] = known[gateway]["addresses"]
    if cluster is not None and cluster not in by_cluster:
        having = ", ".join(sorted(by_cluster)) or "none"
        raise NotFound(f"Gateway '{gateway}' has no address in cluster '{cluster}'. Clusters with one: {having}.")
    addresses = [one for name, listed in sorted(by_cluster.items()) if cluster in (None, name) for one in listed]
    if not addresses:
        raise NotFound(f"Gateway '{gateway}' has no address yet: its load balancer is not ready, or not of that type.")
    return addresses

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the inventory plugin shows: meshes, and of each its clusters and gateways. Nothing here is Ansible's.

PRIVATE: this code is for the inventory plugin of this collection only and may change without notice.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view

Json = dict[str, Any]

# Meshes that are read at the same time; the API throttles an account that asks for much more.
_AT_ONCE = 4
# A mesh in such a state has no control plane that could be asked.
_WITHOUT_CONTROL_PLANE = frozenset({"initial", "create_timeout", "failed", "deleting", "delete_failed"})


def fingerprint(options: Json) -> list[str]:
    """What says whose answer it is, without a secret; empty where nobody would be answered."""
    try:
        return Cloud(options).identity.fingerprint()
    except InvalidInput:
        return []


def read_account(
    options: Json, *, kinds: list[str], regions: list[str] | None, mesh_tags: dict[str, str] | None
) -> Json:
    """``{meshes: [{mesh, clusters, gateways}], warnings: [text]}``, sorted by name and id.

    Actions DescribeServiceMeshes, DescribeServiceMeshDetail, DescribeClustersInServiceMesh and, for gateways,
    DescribeServiceMeshKubeconfig. A mesh that is deleted meanwhile is left out; any other failure of the API raises
    ``AsmError``. A control plane that does not answer is a warning.
    """
    cloud = Cloud(options)
    wanted = regions or ([cloud.region] if cloud.region else None)
    listed = [
        mesh
        for mesh in meshes.list_meshes(cloud, mesh_tags)
        if wanted is None or meshes.info(mesh).get("RegionId") in wanted
    ]
    local = threading.local()

    def read(mesh: Json) -> tuple[Json | None, str]:
        # A client is for one thread: it keeps its last reply.
        if not hasattr(local, "cloud"):
            local.cloud = Cloud(options)
        return _read_mesh(local.cloud, mesh, kinds)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        results = list(pool.map(read, listed))
    found = [record for record, _warning in results if record is not None]
    return {
        "meshes": sorted(found, key=lambda record: (str(record["mesh"]["name"]), str(record["mesh"]["id"]))),
        "warnings": [warning for _record, warning in results if warning],
    }


def _read_mesh(cloud: Cloud, listed: Json, kinds: list[str]) -> tuple[Json | None, str]:
    """The record of one mesh, and a warning where a part of it could not be read."""
    identifier = meshes.mesh_id(listed)
    try:
        whole = mesh_view.whole(cloud, listed)
        attached = clusters.attached(cloud, identifier)
    except AsmError as error:
        if error.code == "ServiceMesh.NotFound":
            return None, ""
        raise
    record: Json = {
        "mesh": mesh_view.view(whole),
        "clusters": [clusters.as_user_sees(cluster) for cluster in attached],
        "gateways": [],
    }
    if "gateway" not in kinds or record["mesh"]["state"] in _WITHOUT_CONTROL_PLANE:
        return record, ""
    try:
        record["gateways"] = _gateways(cloud, whole["detail"], attached)
    except AsmError as error:
        return record, f"The gateways of mesh '{record['mesh']['name']}' cannot be read: {error.message}"
    return record, ""


def _gateways(cloud: Cloud, mesh: Json, attached: list[Json]) -> list[Json]:
    names = {str(cluster["ClusterId"]): clusters.name(cluster) for cluster in attached}
    kube = gateways.control_plane(cloud, mesh)
    try:
        return [gateways.view(item, names) for item in kube.list(gateways.COLLECTION)]
    finally:
        kube.close()

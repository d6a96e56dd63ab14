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


# The record of one mesh, a warning where a part of it could not be read, and the failure where nothing of it could.
Read = tuple["Json | None", str, "AsmError | None"]


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
    DescribeServiceMeshKubeconfig. A mesh that is deleted meanwhile is left out. What the service refuses to show of one
    mesh, and a control plane that does not answer, is a warning; so the rest is there. ``AsmError`` is raised where
    nothing can be shown, and where the service cannot be reached.
    """
    cloud = Cloud(options)
    wanted = regions or ([cloud.region] if cloud.region else None)
    listed = [
        mesh
        for mesh in meshes.list_meshes(cloud, mesh_tags)
        if wanted is None or meshes.info(mesh).get("RegionId") in wanted
    ]
    local = threading.local()

    def read(mesh: Json) -> Read:
        # A client is for one thread: it keeps its last reply.
        if not hasattr(local, "cloud"):
            local.cloud = Cloud(options)
        return _read_mesh(local.cloud, mesh, kinds)

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        results = list(pool.map(read, listed))
    found = [record for record, _warning, _failure in results if record is not None]
    failures = [failure for _record, _warning, failure in results if failure is not None]
    if failures and not found:
        raise failures[0]
    return {
        "meshes": sorted(found, key=lambda record: (str(record["mesh"]["name"]), str(record["mesh"]["id"]))),
        "warnings": [warning for _record, warning, _failure in results if warning],
    }


def _read_mesh(cloud: Cloud, listed: Json, kinds: list[str]) -> Read:
    try:
        whole = mesh_view.whole(cloud, listed)
        view = mesh_view.view(whole)
    except AsmError as error:
        if error.code == "ServiceMesh.NotFound":
            return None, "", None
        _pass_on_outage(error)
        return None, f"The mesh '{_name(listed)}' cannot be read and is left out: {error.message}", error
    record: Json = {"mesh": view, "clusters": [], "gateways": []}
    try:
        attached = clusters.attached(cloud, meshes.mesh_id(listed))
    except AsmError as error:
        if error.code == "ServiceMesh.NotFound":
            return None, "", None
        _pass_on_outage(error)
        said = f"The clusters of mesh '{_name(listed)}' cannot be read, they and its gateways are left out:"
        return record, f"{said} {error.message}", None
    record["clusters"] = [clusters.as_user_sees(cluster) for cluster in attached]
    if "gateway" not in kinds or view["state"] in _WITHOUT_CONTROL_PLANE:
        return record, "", None
    try:
        record["gateways"] = _gateways(cloud, whole["detail"], attached)
    except AsmError as error:
        return record, f"The gateways of mesh '{_name(listed)}' cannot be read: {error.message}", None
    return record, "", None


def _name(listed: Json) -> str:
    return str(meshes.info(listed).get("Name") or meshes.mesh_id(listed))


def _pass_on_outage(error: AsmError) -> None:
    """What the service has answered is about one mesh. No answer is about all, and an inventory that lacks hosts at
    random is worse than none."""
    if error.http_status is None and error.code != "UnexpectedReply":
        raise error


def _gateways(cloud: Cloud, mesh: Json, attached: list[Json]) -> list[Json]:
    return gateways.views(cloud, mesh, clusters.labels(attached))

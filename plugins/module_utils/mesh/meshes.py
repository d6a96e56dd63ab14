# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as the API shows them: found by name or id, their state judged.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, AsmError, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    Progress,
    failed,
    waiting,
)

# Failed states in which the mesh is alive.
_CHANGEABLE = frozenset({"updating_failed", "upgrading_failed", "delete_failed"})


def list_meshes(cloud: Cloud, tags: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """All meshes of the account that carry all of ``tags`` (action DescribeServiceMeshes; every region at once)."""
    wanted = [{"Key": key, "Value": value} for key, value in (tags or {}).items()] or None
    return cloud.asm("DescribeServiceMeshes", Tag=wanted).get("ServiceMeshes") or []


def info(mesh: dict[str, Any]) -> dict[str, Any]:
    """The part ``ServiceMeshInfo`` (id, name, region, state, ...) of a list entry or of a detail."""
    return mesh.get("ServiceMeshInfo") or {}


def mesh_id(mesh: dict[str, Any]) -> str:
    return str(info(mesh)["ServiceMeshId"])


def pick_mesh(meshes: list[dict[str, Any]], name_or_id: str, region: str | None) -> dict[str, Any] | None:
    """The mesh with this id, else the one with this name in ``region`` (any region when that is not given).

    Pure. A name that fits several meshes raises ``Ambiguous`` and lists them.
    """
    for mesh in meshes:
        if mesh_id(mesh) == name_or_id:
            return mesh
    named = [m for m in meshes if info(m).get("Name") == name_or_id and region in (None, info(m).get("RegionId"))]
    if len(named) > 1:
        candidates = ", ".join(f"{mesh_id(m)} ({info(m).get('RegionId')}, {info(m).get('State')})" for m in named)
        raise Ambiguous(
            f"{len(named)} meshes are named '{name_or_id}': {candidates}. Name the one you mean by its id"
            f"{'' if region else ' or set region'}."
        )
    return named[0] if named else None


def find_mesh(cloud: Cloud, name_or_id: str) -> dict[str, Any] | None:
    """The list entry of the mesh in the cloud's region, or ``None``; see ``pick_mesh``."""
    return pick_mesh(list_meshes(cloud), name_or_id, cloud.region)


def require_mesh(cloud: Cloud, name_or_id: str) -> dict[str, Any]:
    """As ``find_mesh``, but an absent mesh raises ``NotFound`` and names the meshes that exist."""
    meshes = list_meshes(cloud)
    mesh = pick_mesh(meshes, name_or_id, cloud.region)
    if mesh is None:
        names = ", ".join(sorted(f"{info(m).get('Name')} ({info(m).get('RegionId')})" for m in meshes)) or "none"
        where = f" in region {cloud.region}" if cloud.region else ""
        raise NotFound(
            f"No mesh with the name or id '{name_or_id}'{where}. Meshes of this account: {names}. "
            "The role create (module asm_mesh) makes a new one.",
            yet=not_yet(name_or_id),
        )
    return mesh


def not_yet(name: str) -> str:
    """What a prediction says of a mesh that an earlier step would make."""
    return f"Mesh '{name}' does not exist yet."


def describe_mesh(cloud: Cloud, identifier: str) -> dict[str, Any]:
    """The whole mesh (action DescribeServiceMeshDetail): ``{ServiceMeshInfo, Spec, Endpoints, Clusters, ...}``."""
    return cloud.asm("DescribeServiceMeshDetail", ServiceMeshId=identifier).get("ServiceMesh") or {}


def state_progress(mesh: dict[str, Any]) -> Progress:
    """The state rule: ``running`` is done; what ends in ``failed``, ``create_timeout`` and ``deleting`` are failures.

    Everything else, known or not, is a transition.
    """
    about = info(mesh)
    state = str(about.get("State") or "")
    name = about.get("Name") or about.get("ServiceMeshId")
    if state == "running":
        return DONE
    if state.endswith("failed") or state == "create_timeout":
        said = str(about.get("ErrorMessage") or "the service gave no reason").rstrip(".")
        return failed(f"Mesh '{name}' is in state {state}: {said}.", last=state)
    if state == "deleting":
        return failed(f"Mesh '{name}' is being deleted, by another run or in the console.", last=state)
    return waiting(f"mesh '{name}' to be running (state {state or 'unknown'})", last=state)


def settled(cloud: Cloud, identifier: str) -> Progress:
    """Whether the mesh can take a change: it takes one at a time.

    One whose last change, upgrade or deletion failed can take the next one; one whose creation failed cannot.
    """
    progress = state_progress(describe_mesh(cloud, identifier))
    return DONE if progress.failed and progress.last in _CHANGEABLE else progress


def listed(cloud: Cloud, identifier: str) -> dict[str, Any] | None:
    """The list entry of the mesh with this id, or ``None``."""
    return pick_mesh(list_meshes(cloud), identifier, None)


def deleted_meanwhile(name: str, listed: dict[str, Any] | None) -> str:
    """What to say when a mesh that a task works on is gone (or going, as ``listed`` shows) all of a sudden."""
    state = "is being deleted" if listed else "was deleted"
    return f"Mesh '{name}' {state} while this task was working on it, by another run or in the console."


def told(cloud: Cloud, action: str, **parameters: Any) -> dict[str, Any]:
    """The reply to an action that reads something of a mesh; empty where there is nothing, which is HTTP 404."""
    try:
        return cloud.asm(action, **parameters)
    except AsmError as error:
        if error.http_status != 404 or error.code == "ServiceMesh.NotFound":
            raise
        return {}


def is_gone(error: AsmError) -> bool:
    """Whether this failure of a call may mean that the mesh no longer exists; confirm it with the list."""
    return error.code in ("ServiceMesh.NotFound", "StatusForbidden", "403", "ERR404") or error.http_status in (403, 404)

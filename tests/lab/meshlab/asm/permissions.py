# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of RAM users inside meshes."""

from __future__ import annotations

import json
from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import BUSY, Call, action
from meshlab.openapi.errors import ApiError, invalid_parameter

ROLES = ("istio-admin", "istio-ops", "istio-readonly")

#: How IsRamRole is written, by the setting is_ram_role: of a user, of a role.
_IS_RAM_ROLE: dict[str, tuple[Any, Any]] = {"number": (0, 1), "text": ("false", "true"), "boolean": (False, True)}


@action("GrantUserPermissions", "Permissions", write=True)
def grant_user_permissions(call: Call) -> dict[str, Any]:
    """Sets the whole list of permissions of one or more users; what is not in the list is taken away."""
    uids = call.get("SubAccountUserIds") or [call.get("SubAccountUserId", "")]
    for uid in uids:
        if not uid:
            raise ApiError(400, "MissingSubAccountUserId", "SubAccountUserId is mandatory for this action.")
        if uid not in call.world.users:
            raise ApiError(404, "EntityNotExist.User", f"The RAM user {uid} does not exist.")
    wanted = _wanted(call, uids)
    changed: list[tuple[Mesh, str]] = []
    with call.world.lock:
        for uid in uids:
            for mesh in call.world.meshes.values():
                before, after = mesh.roles.get(uid), wanted.get(mesh.mesh_id)
                if before == after:
                    continue
                if after is None:
                    mesh.roles.pop(uid)
                else:
                    mesh.roles[uid] = after
                changed.append((mesh, uid))
        call.world.save()
    for mesh, uid in changed:
        if mesh.state not in ("initial", "deleting"):
            call.cloud.access.grant(mesh, uid)
    return {}


@action("DescribeUserPermissions", "SubAccountUserId")
def describe_user_permissions(call: Call) -> dict[str, Any]:
    """The permissions of one user, under other names than they were granted with."""
    uid = call.get("SubAccountUserId")
    is_role = _is_role(call, uid)
    return {
        "Permissions": [
            {
                "IsRamRole": _IS_RAM_ROLE[call.world.settings["is_ram_role"]][is_role],
                "ParentId": "0",
                "ResourceId": mesh.mesh_id,
                "ResourceType": "cluster",
                "RoleName": mesh.roles[uid],
                "RoleType": "custom",
            }
            for mesh in list(call.world.meshes.values())
            if uid in mesh.roles
        ]
    }


@action("DescribeUsersWithPermissions", "UserType")
def describe_users_with_permissions(call: Call) -> dict[str, Any]:
    """Ids of the RAM users or of the RAM roles that have a role in a mesh."""
    if call.get("UserType") not in ("SubUser", "RamRole"):
        raise invalid_parameter("UserType", f"{call.get('UserType')!r} is not one of SubUser, RamRole")
    roles = call.get("UserType") == "RamRole"
    known = {uid for mesh in list(call.world.meshes.values()) for uid in mesh.roles}
    return {"UIDs": sorted(uid for uid in known if _is_role(call, uid) == roles)}


def _is_role(call: Call, uid: str) -> bool:
    """Whether an id is that of a RAM role."""
    return uid in call.world.users and call.world.users[uid].kind == "role"


def _wanted(call: Call, uids: list[str]) -> dict[str, str]:
    """Mesh id -> role, from the JSON list. Raises ApiError for anything that cannot be granted."""
    try:
        items = json.loads(call.get("Permissions"))
    except ValueError as error:
        raise invalid_parameter("Permissions", f"it is not JSON ({error})") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid_parameter("Permissions", "it is not a JSON array of objects")
    wanted: dict[str, str] = {}
    for item in items:
        role, mesh_id = item.get("RoleName", ""), item.get("Cluster", "")
        if role not in ROLES:
            raise invalid_parameter("Permissions", f"RoleName {role!r} is not one of {', '.join(ROLES)}")
        if any(_is_role(call, uid) != item.get("IsRamRole", False) for uid in uids):
            raise invalid_parameter("Permissions", "IsRamRole is not what the id stands for")
        mesh = call.world.meshes.get(mesh_id)
        if mesh is None:
            raise ApiError(404, "ServiceMesh.NotFound", f"The specified service mesh {mesh_id} does not exist.")
        if mesh.state in BUSY:
            raise ApiError(
                400, "InvalidOperation.Grant.NotRunning", f"The service mesh {mesh_id} is {mesh.state}, not running."
            )
        wanted[mesh_id] = role
    return wanted

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles of RAM users and RAM roles in meshes: read, merged and written as the one list that the service keeps.

Of each user the service has a list with all meshes, which GrantUserPermissions replaces as a whole. It is written with
other names than it is read with, and whether IsRamRole means a role or a user in a reply the documents say both ways:
what it is, DescribeUsersWithPermissions tells.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, Refused

ROLES = ("istio-admin", "istio-ops", "istio-readonly")
# How DescribeUsersWithPermissions calls RAM users and RAM roles.
USERS, RAM_ROLES = "SubUser", "RamRole"
# What the service says of a user that it does not know, and of a list while one of its meshes is busy.
_NOBODY, _BUSY = "EntityNotExist", "Grant.NotRunning"
# What a row says that stands for a whole mesh; nothing stands for the same.
_WHOLE = {"ResourceType": ("cluster", ""), "ParentId": ("0", "")}


@dataclass(frozen=True)
class Grant:
    """One row of a user's list: the role in one mesh. ``odd`` says what it has that cannot be sent back."""

    mesh: str
    role: str
    kind: str = "custom"
    odd: str = ""

    def sent(self, ram_role: bool) -> dict[str, Any]:
        """The row as GrantUserPermissions takes it."""
        named = {"Cluster": self.mesh, "RoleName": self.role, "RoleType": self.kind}
        return {"IsCustom": True, **named, "IsRamRole": ram_role}


def grant_of(row: dict[str, Any]) -> Grant:
    """A row of DescribeUserPermissions. Pure."""
    shown = {key: str(row.get(key) or "") for key in (*_WHOLE, "ResourceId", "RoleName", "RoleType")}
    odd = [f"{key} {shown[key]}" for key, plain in _WHOLE.items() if shown[key] not in plain]
    return Grant(shown["ResourceId"], shown["RoleName"], shown["RoleType"] or "custom", ", ".join(odd))


def grants(cloud: Cloud, user: str) -> list[Grant]:
    """The list of a user (action DescribeUserPermissions); of one that does not exist it is empty."""
    try:
        rows = cloud.asm("DescribeUserPermissions", SubAccountUserId=user).get("Permissions") or []
    except AsmError as error:
        if _NOBODY not in error.code:
            raise
        return []
    return [grant_of(row) for row in rows]


def granted(cloud: Cloud, kind: str) -> list[str]:
    """Ids of all ``USERS`` or ``RAM_ROLES`` that have a role in any mesh (action DescribeUsersWithPermissions)."""
    return list(dict.fromkeys(cloud.asm("DescribeUsersWithPermissions", UserType=kind).get("UIDs") or []))


def is_ram_role(cloud: Cloud, user: str, found: list[Grant]) -> bool:
    """Whether an id is that of a RAM role; of one without permissions nobody can tell, and it counts as a user."""
    return bool(found) and user in granted(cloud, RAM_ROLES)


def roles_in(found: Iterable[Grant], mesh: str) -> list[str]:
    """The roles in a mesh; of one row a mesh there is one at most. Pure."""
    return [one.role for one in found if one.mesh == mesh and not one.odd]


def merged(found: list[Grant], mesh: str, role: str | None, *, exclusive: bool = False) -> list[Grant]:
    """The whole list with this role (None: none) in the mesh; ``exclusive``: and in no other one. Pure.

    Raises ``Refused`` where the list holds a row that cannot be sent back and would be lost.
    """
    own = [Grant(mesh, role)] if role else []
    if exclusive:
        return own
    odd = [f"{one.role} ({one.odd}, {one.mesh})" for one in found if one.odd]
    if odd:
        raise Refused(
            f"The user also has permissions that the service does not document and that would be lost, because the "
            f"whole list is replaced: {'; '.join(odd)}. Nothing was changed: change the role in the console, or give "
            "them up with exclusive=true."
        )
    return [one for one in found if one.mesh != mesh] + own


def grant(cloud: Cloud, user: str, wanted: list[Grant], ram_role: bool) -> str:
    """Replaces a user's list (action GrantUserPermissions).

    Returns what the service says where it cannot do so yet, as a mesh of the list has to be running, else nothing.
    """
    permissions = json.dumps([one.sent(ram_role) for one in wanted])
    try:
        cloud.asm("GrantUserPermissions", SubAccountUserId=user, Permissions=permissions)
    except AsmError as error:
        if _BUSY not in error.code:
            raise
        return error.message
    return ""


def without_gone(wanted: list[Grant], known: Iterable[str], keep: str) -> list[Grant]:
    """The list without rows of meshes that are not ``known``; that of the mesh ``keep`` stays in any case. Pure."""
    there = {*known, keep}
    return [one for one in wanted if one.mesh in there]

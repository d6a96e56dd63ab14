#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_user_permission
short_description: Manage the role of a RAM user or RAM role in a mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Says what a RAM user or RAM role may do with the API server of a mesh's control plane, that is with its Istio
    resources and gateways. On a new mesh only the account itself may do anything.
  - The service keeps one list a user, with all meshes, and replaces it as a whole. The module reads it right before it
    writes, and changes the row of O(mesh) alone. Two runs that change the same user at the same moment can undo each
    other; one after the other they cannot.
  - A role is for a whole mesh. The API has none for single namespaces or clusters of a mesh.
  - It is one of three things that are needed to work on a mesh. What the user may call of the API is said by RAM
    policies (as V(AliyunASMFullAccess)), what may be done in the data-plane clusters by the permissions of Container
    Service (ACK).
  - The service may take minutes until the role works. The user's kubeconfig may have to be fetched anew.
options:
  user:
    description:
      - Id of the RAM user or RAM role, a number. The RAM console shows it, and C(aliyun ram GetUser) or
        C(aliyun ram GetRole). The service takes no names here.
    type: str
    required: true
  role:
    description:
      - What the user may do. V(istio-admin) manages everything of the control plane, V(istio-ops) everything but
        gateways, V(istio-readonly) reads.
      - Needed with O(state=present).
    type: str
    choices: [istio-admin, istio-ops, istio-readonly]
  ram_role:
    description:
      - Whether O(user) is the id of a RAM role instead of a RAM user.
      - Not given, the service is asked. It knows those that have a role in some mesh; any other id counts as a user's.
    type: bool
  exclusive:
    description:
      - Takes away the roles that the user has in other meshes.
      - Only with O(state=present). The removal is always that of the role in O(mesh) alone.
    type: bool
    default: false
  state:
    description: Whether the user shall have the role, or none in this mesh.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.asm_user_permission_info
  - module: meshops.asm.asm_kubeconfig
"""

EXAMPLES = r"""
- name: Let a team manage the routes of a mesh
  meshops.asm.asm_user_permission:
    mesh: shop
    user: "{{ item }}"
    role: istio-ops
  loop: ["201234567890123456", "209876543210987654"]

- name: Let a pipeline's RAM role manage everything in the mesh
  meshops.asm.asm_user_permission:
    mesh: shop
    user: "300123456789012345"
    ram_role: true
    role: istio-admin

- name: Take the role in this mesh away, those in other meshes stay
  meshops.asm.asm_user_permission:
    mesh: shop
    user: "201234567890123456"
    state: absent
"""

RETURN = r"""
permission:
  description: The role of the user in the mesh; V(null) without one. In check mode as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Id of the user.
      type: str
      returned: always
    mesh:
      description: The mesh as it was named.
      type: str
      returned: always
    role:
      description: The role; several as the service may show them, with commas.
      type: str
      returned: always
    others:
      description: The roles in other meshes, by the id of the mesh.
      type: dict
      returned: always
    state:
      description: V(granted).
      type: str
      returned: always
  sample:
    name: "201234567890123456"
    mesh: shop
    role: istio-ops
    others: {c0123456789abcdef0123456789abcdef: istio-readonly}
    state: granted
account:
  description: Whose account it was, see RV(meshops.asm.asm_mesh#module:account).
  returned: when the service was asked
  type: dict
  sample:
    source: the profile shop of /home/user/.aliyun/config.json
    access_key_id: LTAI***x7Qe
    region: cn-hangzhou
    account_id: "1234567890123456"
"""

import re
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DELETE,
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    Steps,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, permissions
from ansible_collections.meshops.asm.plugins.module_utils.mesh.permissions import Grant
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

_ID = re.compile(r"[0-9]{1,32}")


class UserPermission(ResourceModule):
    """The row of one mesh in the list of one user."""

    result = "permission"
    options = {
        "mesh": {"type": "str", "required": True},
        "user": {"type": "str", "required": True},
        "role": {"type": "str", "choices": list(permissions.ROLES)},
        "ram_role": {"type": "bool"},
        "exclusive": {"type": "bool", "default": False},
    }
    rules = {"required_if": [("state", "present", ("role",))]}

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        self.user: str = params["user"]
        if not _ID.fullmatch(self.user):
            raise InvalidInput(
                f"user is '{self.user}', which is no id of a RAM user or RAM role: those are numbers. The RAM console "
                "shows them, and aliyun ram GetUser --UserName NAME."
            )
        self.role: str | None = None if self.wants_absence() else params["role"]
        self.exclusive = bool(params["exclusive"]) and not self.wants_absence()

    @property
    def mesh(self) -> str:
        """What the list calls the mesh; of one that is gone the user may know the id."""
        return self.id or str(self.params["mesh"])

    def find(self) -> list[Grant]:
        self.living_mesh()
        return permissions.grants(self.cloud, self.user)

    def plan(self, found: list[Grant]) -> Plan:
        after = self._merged(found) if self._differs(found) else found
        pictures = self._picture(found), self._picture(after)
        if after is found:
            return Plan(NONE, *pictures, predicted=self.view(found), warnings=self._no_mesh_yet())
        action = DELETE if self.wants_absence() else UPDATE
        return Plan(action, *pictures, predicted=self.view(after), warnings=self._no_mesh_yet())

    def apply(self, plan: Plan) -> Steps:
        if not self.wants_absence():
            meshes.require_mesh(self.cloud, self.params["mesh"])
            # One that has failed will never run, however long the grant is tried.
            yield self.settled
        # Any mesh of the list may be busy, not only this one.
        yield self._grant

    def progress(self, plan: Plan) -> Progress:
        if self._differs(permissions.grants(self.cloud, self.user)):
            return waiting(f"the service to show the permissions of {self.user} as they were granted")
        return DONE

    def view(self, found: list[Grant]) -> Any:
        roles = permissions.roles_in(found, self.mesh)
        if not roles:
            return None
        others = {one.mesh: one.role for one in found if one.mesh != self.mesh}
        role = ", ".join(roles)
        named = {"name": self.user, "mesh": self.params["mesh"], "role": role}
        return {**named, "others": others, "state": "granted"}

    def _differs(self, found: list[Grant]) -> bool:
        wanted = [self.role] if self.role else []
        more = self.exclusive and any(one.mesh != self.mesh or one.odd for one in found)
        return more or permissions.roles_in(found, self.mesh) != wanted

    def _merged(self, found: list[Grant]) -> list[Grant]:
        return permissions.merged(found, self.mesh, self.role, exclusive=self.exclusive)

    def _picture(self, found: list[Grant]) -> Any:
        """A side of the diff: what this task decides about."""
        others = {one.mesh: one.role for one in found if one.mesh != self.mesh} if self.exclusive else {}
        role = ", ".join(permissions.roles_in(found, self.mesh)) or None
        if role is None and not others:
            return None
        picture = {"name": self.user, "mesh": self.params["mesh"], "role": role}
        return {**picture, "others": others} if self.exclusive else picture

    def _no_mesh_yet(self) -> tuple[str, ...]:
        return () if self.wants_absence() else self.no_mesh_yet()

    def _grant(self) -> Progress:
        """Reads the list and writes it at once, so that what others have changed meanwhile is kept."""
        found = permissions.grants(self.cloud, self.user)
        if not self._differs(found):
            return DONE
        wanted = self._merged(found)
        ram_role = self.params["ram_role"]
        if ram_role is None:
            ram_role = permissions.is_ram_role(self.cloud, self.user, found)
        try:
            busy = permissions.grant(self.cloud, self.user, wanted, ram_role)
        except AsmError as error:
            rest = self._without_gone(error, wanted)
            if rest is None:
                raise
            busy = permissions.grant(self.cloud, self.user, rest, ram_role)
        return waiting(f"the meshes of {self.user} to be running: {busy}") if busy else DONE

    def _without_gone(self, error: AsmError, wanted: list[Grant]) -> list[Grant] | None:
        """What to send instead where a mesh of the list is gone; None where that is not what was refused."""
        if "ServiceMesh.NotFound" not in error.code:
            return None
        known = [meshes.mesh_id(one) for one in meshes.list_meshes(self.cloud)]
        # The caller may be shown some meshes only: what is not listed is gone once the service says so.
        known += [one.mesh for one in wanted if one.mesh not in known and not self._is_gone(one.mesh)]
        rest = permissions.without_gone(wanted, known, self.mesh)
        return rest if len(rest) < len(wanted) else None

    def _is_gone(self, mesh: str) -> bool:
        try:
            meshes.describe_mesh(self.cloud, mesh)
        except AsmError as error:
            return "ServiceMesh.NotFound" in error.code
        return False


def main() -> None:
    run_resource(UserPermission)


if __name__ == "__main__":
    main()

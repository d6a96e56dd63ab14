#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_user_permission_info
short_description: Read who has which role in which mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Lists the RAM users and RAM roles of the account that have a role in a mesh, with all their roles.
  - The account itself, which is administrator of each mesh, is not among them.
options:
  mesh:
    description: Name or id of the one mesh whose users are listed, with their role in it alone.
    type: str
  user:
    description: Id of the one RAM user or RAM role to read. It is listed without permissions, too.
    type: str
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.attributes.info
seealso:
  - module: meshops.asm.asm_user_permission
"""

EXAMPLES = r"""
- name: Who may do what in the mesh
  meshops.asm.asm_user_permission_info:
    mesh: shop
  register: found

- name: Take every role in the mesh away
  meshops.asm.asm_user_permission:
    mesh: shop
    user: "{{ item.name }}"
    state: absent
  loop: "{{ found.permissions }}"
"""

RETURN = r"""
permissions:
  description: The users, sorted by id.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Id of the RAM user or RAM role.
      type: str
      returned: always
    ram_role:
      description: Whether it is a RAM role. V(null) for a single user without permissions, of whom that is not known.
      type: bool
      returned: always
    roles:
      description: The roles by the name of the mesh, or by its id where two have the name or the account lists none.
      type: dict
      returned: always
  sample:
    - name: "201234567890123456"
      ram_role: false
      roles: {shop: istio-ops, test: istio-admin}
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

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, permissions
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {"mesh": {"type": "str"}, "user": {"type": "str"}}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    only = meshes.mesh_id(meshes.require_mesh(cloud, params["mesh"])) if params["mesh"] else None
    named = {meshes.mesh_id(one): str(meshes.info(one).get("Name")) for one in meshes.list_meshes(cloud)}
    # Two meshes may have one name, in different regions.
    names = {key: name for key, name in named.items() if [*named.values()].count(name) == 1}
    kinds = dict.fromkeys(permissions.granted(cloud, permissions.RAM_ROLES), True)
    kinds |= {user: False for user in permissions.granted(cloud, permissions.USERS) if user not in kinds}
    wanted = [params["user"]] if params["user"] else sorted(kinds)
    found = []
    for user in wanted:
        rows = [one for one in permissions.grants(cloud, user) if only in (None, one.mesh)]
        if rows or params["user"]:
            roles = {names.get(one.mesh, one.mesh): one.role for one in rows}
            found.append({"name": user, "ram_role": kinds.get(user), "roles": roles})
    return found


def main() -> None:
    run_info("permissions", OPTIONS, read)


if __name__ == "__main__":
    main()

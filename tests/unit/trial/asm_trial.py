# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_trial
short_description: Manage a group of swim lanes, as far as a trial of a new resource needs it
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Creates, changes and removes a group of swim lanes of a mesh.
options:
  mesh:
    description: Name or id of the mesh.
    type: str
    required: true
  name:
    description: Name of the group.
    type: str
    required: true
  state:
    description: Whether the group shall exist.
    type: str
    choices: [present, absent]
    default: present
  gateway:
    description: Name of the gateway by which requests come in. It cannot be changed.
    type: str
    default: ingressgateway
  services:
    description: The services of the group. Not given means that those that are there stay.
    type: list
    elements: str
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.wait
  - meshops.asm.attributes
"""

EXAMPLES = r"""
- name: Group two services
  meshops.asm.asm_trial:
    mesh: shop
    name: canary
    services: [details, reviews]
"""

RETURN = r"""
trial:
  description: The group; V(null) when it is gone. In check mode as it would be.
  returned: success
  type: dict
  sample: {name: canary, gateway: ingressgateway, services: [details, reviews], state: ready}
account:
  description: Whose account it was, see RV(meshops.asm.asm_mesh#module:account).
  returned: when the service was asked
  type: dict
  sample: {source: the environment, access_key_id: LTAI***x7Qe, region: cn-hangzhou, account_id: "1234567890123456"}
"""

import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    Steps,
)
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource


class Trial(ResourceModule):
    result = "trial"
    options = {
        "mesh": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "gateway": {"type": "str", "default": "ingressgateway"},
        "services": {"type": "list", "elements": "str"},
    }

    def find(self) -> Any:
        if self.living_mesh() is None:
            return None
        listed = self.cloud.asm("GetSwimLaneGroupList", ServiceMeshId=self.id).get("SwimLaneGroupList") or []
        return next((one for one in listed if one.get("GroupName") == self.params["name"]), None)

    def plan(self, found: Any) -> Plan:
        before = self.view(found)
        if self.params["state"] == "absent":
            return Plan(DELETE if found else NONE, before, None)
        wanted = {key: self.params[key] for key in ("name", "gateway", "services") if self.params[key] is not None}
        after = {"services": [], **(before or {}), **wanted, "state": "ready"}
        if before and before["gateway"] != after["gateway"]:
            raise InvalidInput(f"Trial '{wanted['name']}' is for the gateway '{before['gateway']}', which is fixed.")
        action = CREATE if before is None else NONE if before == after else UPDATE
        return Plan(action, before, after, after, warnings=self.no_mesh_yet())

    def apply(self, plan: Plan) -> Steps:
        meshes.require_mesh(self.cloud, self.params["mesh"])
        yield self.settled
        named = {"ServiceMeshId": self.id, "GroupName": self.params["name"]}
        if plan.action == DELETE:
            self.cloud.asm("DeleteSwimLaneGroup", **named)
            return
        services = json.dumps(plan.changes["services"])
        if plan.action == UPDATE:
            self.cloud.asm("UpdateSwimLaneGroup", **named, ServicesList=services)
            return
        entry = {"IngressType": "ASM", "IngressGatewayName": plan.changes["gateway"]}
        self.cloud.asm("CreateSwimLaneGroup", **named, **entry, ServicesList=services)

    def progress(self, plan: Plan) -> Progress:
        return meshes.state_progress(meshes.describe_mesh(self.cloud, self.id)) if self.id else DONE

    def view(self, found: Any) -> Any:
        if found is None:
            return None
        services = found.get("ServiceList") or []
        name, gateway = str(found["GroupName"]), str(found.get("IngressGatewayName"))
        return {"name": name, "gateway": gateway, "services": services, "state": "ready"}


def main() -> None:
    run_resource(Trial)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_imported_services
short_description: Manage the services that a mesh's gateway imports
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Says which services of a namespace a gateway of Alibaba Cloud Service Mesh (ASM) imports.
options:
  gateway:
    description: Name of the gateway.
    type: str
    default: ingressgateway
  namespace:
    description: Namespace of the services.
    type: str
    required: true
  services:
    description: Names of services.
    type: list
    elements: str
    required: true
  purge:
    description: With O(state=present), takes all services of the namespace away that are not in O(services).
    type: bool
    default: false
  state:
    description:
      - V(present) makes the gateway import O(services), besides those that it imports already.
      - V(absent) takes them away. Other services stay.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
notes:
  - The service has one action, which sets all services of a namespace. Two tasks at the same time may undo each other.
seealso:
  - module: meshops.asm.asm_gateway_imported_services_info
"""

EXAMPLES = r"""
- name: Import two services
  meshops.asm.asm_gateway_imported_services:
    mesh: shop
    namespace: bookinfo
    services: [productpage, reviews]
"""

RETURN = r"""
imported_services:
  description: All services of the namespace that the gateway imports. In check mode as they would be.
  returned: success
  type: dict
  sample:
    gateway: ingressgateway
    namespace: bookinfo
    services: [productpage, reviews]
account:
  description: Whose account it was, see RV(meshops.asm.asm_mesh#module:account).
  returned: when the service was asked
  type: dict
  sample:
    source: the profile shop of /home/user/.aliyun/config.json
    access_key_id: LTAI***x7Qe
    region: cn-hangzhou
    account_id: "1234567890123456"
error:
  description: What the service said, see RV(meshops.asm.asm_mesh#module:error).
  returned: failure
  type: dict
  sample:
    code: NotFound
    message: "Mesh 'shop' has no gateway 'ingressgateway'. Make it first with meshops.asm.asm_gateway."
    request_id: ""
    http_status: null
"""

from typing import Any, ClassVar

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    Steps,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.gateway import imported
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.module.of_gateway import OfGateway
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_resource


class ImportedServices(OfGateway):
    """The services of one namespace that a gateway imports."""

    result = "imported_services"
    nothing: ClassVar[list[str]] = []
    options = {
        "mesh": {"type": "str", "required": True},
        "gateway": {"type": "str", "default": "ingressgateway"},
        "namespace": {"type": "str", "required": True},
        "services": {"type": "list", "elements": "str", "required": True},
        "purge": {"type": "bool", "default": False},
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        refuse_names(params, "gateway", "namespace")
        for name in params["services"]:
            refuse_names({"services": name}, "services")
        if params["purge"] and params["state"] == "absent":
            raise InvalidInput("purge belongs to state=present.")

    def look(self) -> list[str]:
        """The names of the services."""
        return imported.names(self.cloud, self.id, self.params["gateway"], self.params["namespace"])

    def plan(self, found: Any) -> Plan:
        wanted = self._wanted(found)
        warnings = () if self.wants_absence() else self.not_yet()
        action = UPDATE if found != wanted else NONE
        return Plan(action, self.view(found), self.view(wanted), wanted, warnings=warnings)

    def _wanted(self, found: list[str]) -> list[str]:
        named = set(self.params["services"])
        if self.params["state"] == "absent":
            return sorted(set(found) - named)
        return sorted(named if self.params["purge"] else {*found, *named})

    def apply(self, plan: Plan) -> Steps:
        self.require_gateway()
        yield self.settled
        self.cloud.asm(
            "UpdateASMGatewayImportedServices",
            ServiceMeshId=self.id,
            ASMGatewayName=self.params["gateway"],
            ServiceNamespace=self.params["namespace"],
            ServiceNames=",".join(plan.changes),
        )

    def judged(self, there: list[str]) -> Progress:
        return DONE if there == self._wanted(there) else waiting("the imported services to be as asked for", last=there)

    def view(self, found: Any) -> Any:
        return {"gateway": self.params["gateway"], "namespace": self.params["namespace"], "services": found}


def main() -> None:
    run_resource(ImportedServices)


if __name__ == "__main__":
    main()

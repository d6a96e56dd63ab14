#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_route_info
short_description: Read the routes of a mesh's gateway
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Lists the routes of a gateway of Alibaba Cloud Service Mesh (ASM), in the order in which they are tried.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
options:
  gateway:
    description: Name of the gateway.
    type: str
    default: ingressgateway
  name:
    description: Name of the one route to return.
    type: str
seealso:
  - module: meshops.asm.asm_gateway_route
"""

EXAMPLES = r"""
- name: The routes of the gateway
  meshops.asm.asm_gateway_route_info:
    mesh: shop
  register: found
"""

RETURN = r"""
gateway_routes:
  description: The routes, each as RV(meshops.asm.asm_gateway_route#module:gateway_route).
  returned: success
  type: list
  elements: dict
  sample:
    - name: reviews
      gateway: ingressgateway
      namespace: istio-system
      priority: 10
      status: online
      description: ""
      route:
        hosts: [shop.example.com]
        destinations:
          - {host: reviews.bookinfo.svc.cluster.local}
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
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways, routes
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS = {
    "mesh": {"type": "str", "required": True},
    "gateway": {"type": "str", "default": "ingressgateway"},
    "name": {"type": "str"},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    refuse_names(params, "gateway", "name")
    gateway = params["gateway"]
    with gateways.required(cloud, params["mesh"], gateway) as (_kube, identifier):
        rows = [row for row in routes.rows_of(cloud, identifier, gateway) if params["name"] in (None, row["RouteName"])]
        found = [routes.read_row(cloud, identifier, gateway, row) for row in rows]
    return sorted(found, key=lambda one: (one["priority"], one["name"]))


def main() -> None:
    run_info("gateway_routes", OPTIONS, read)


if __name__ == "__main__":
    main()

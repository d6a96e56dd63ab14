#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_info
short_description: Read the gateways of a mesh
version_added: 0.1.0
description:
  - Lists the ingress and egress gateways of a mesh of Alibaba Cloud Service Mesh (ASM), with their addresses.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
options:
  name:
    description: Name of the one gateway to return.
    type: str
seealso:
  - module: meshops.asm.asm_gateway
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: All gateways of a mesh
  meshops.asm.asm_gateway_info:
    mesh: shop
  register: found

- name: Address of the gateway in the first cluster
  ansible.builtin.debug:
    msg: "{{ found.gateways[0].addresses['shop-1'][0] }}"
"""

RETURN = r"""
gateways:
  description: The gateways, sorted by name; each as RV(meshops.asm.asm_gateway#module:gateway).
  returned: success
  type: list
  elements: dict
  sample:
    - name: ingressgateway
      namespace: istio-system
      clusters: [shop-1, shop-2]
      addresses:
        shop-1: [203.0.113.10]
        shop-2: [203.0.113.11]
      status: Running
      error_message: ""
      labels: {asm-gateway-type: ingress}
      annotations: {}
      spec:
        gatewayType: ingress
        clusterIds: [c0123456789abcdef0123456789abcdef]
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
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS = {"mesh": {"type": "str", "required": True}, "name": {"type": "str"}}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    mesh = meshes.require_mesh(cloud, params["mesh"])
    names = clusters.labels(clusters.attached(cloud, meshes.mesh_id(mesh)))
    found = [one for one in gateways.views(cloud, mesh, names) if params["name"] in (None, one["name"])]
    return sorted(found, key=lambda one: str(one["name"]))


def main() -> None:
    run_info("gateways", OPTIONS, read)


if __name__ == "__main__":
    main()

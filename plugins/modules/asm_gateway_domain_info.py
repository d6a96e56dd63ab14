#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_domain_info
short_description: Read the domains that a mesh's gateways listen for
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Lists the domains of a gateway of Alibaba Cloud Service Mesh (ASM).
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
options:
  gateway:
    description: Name of the gateway.
    type: str
    default: ingressgateway
  namespace:
    description: Namespace of the control plane whose domains to return. Unset means all.
    type: str
seealso:
  - module: meshops.asm.asm_gateway_domain
"""

EXAMPLES = r"""
- name: The domains of the gateway
  meshops.asm.asm_gateway_domain_info:
    mesh: shop
  register: found
"""

RETURN = r"""
gateway_domains:
  description: The domains, each as RV(meshops.asm.asm_gateway_domain#module:gateway_domain).
  returned: success
  type: list
  elements: dict
  sample:
    - name: https-shop
      gateway: ingressgateway
      namespace: istio-system
      hosts: [shop.example.com]
      port: 443
      protocol: HTTPS
      credential: shop-tls
      force_https: false
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
from ansible_collections.meshops.asm.plugins.module_utils.gateway import domains, gateways
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS = {
    "mesh": {"type": "str", "required": True},
    "gateway": {"type": "str", "default": "ingressgateway"},
    "namespace": {"type": "str"},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    refuse_names(params, "gateway", "namespace")
    with gateways.required(cloud, params["mesh"], params["gateway"]) as (kube, identifier):
        return domains.listed(cloud, kube, identifier, params["gateway"], params["namespace"])


def main() -> None:
    run_info("gateway_domains", OPTIONS, read)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_imported_services_info
short_description: Read the services that a mesh's gateway imports
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Lists the services that a gateway of Alibaba Cloud Service Mesh (ASM) imports, with what the clusters have of them.
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
    description: Namespace whose services to return. Unset means all.
    type: str
seealso:
  - module: meshops.asm.asm_gateway_imported_services
"""

EXAMPLES = r"""
- name: The services that the gateway imports
  meshops.asm.asm_gateway_imported_services_info:
    mesh: shop
  register: found
"""

RETURN = r"""
imported_services:
  description: The services. C(clusters) is empty where no cluster has one of this name.
  returned: success
  type: list
  elements: dict
  sample:
    - namespace: bookinfo
      name: productpage
      type: ClusterIP
      clusters: [shop-1]
      labels: {app: productpage}
      ports:
        - {name: http, port: 9080, protocol: TCP}
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
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways, imported
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS = {
    "mesh": {"type": "str", "required": True},
    "gateway": {"type": "str", "default": "ingressgateway"},
    "namespace": {"type": "str"},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    refuse_names(params, "gateway", "namespace")
    with gateways.required(cloud, params["mesh"], params["gateway"]) as (_kube, identifier):
        names = clusters.labels(clusters.attached(cloud, identifier))
        return imported.details(cloud, identifier, params["gateway"], params["namespace"], names)


def main() -> None:
    run_info("imported_services", OPTIONS, read)


if __name__ == "__main__":
    main()

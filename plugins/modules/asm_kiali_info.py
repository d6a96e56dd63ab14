#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_kiali_info
short_description: Read how Kiali of a mesh is set up and where it is
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Reads the settings of Kiali, the topology view of a mesh, and its addresses, also while it is off.
  - Tokens for the login are not among them, the console shows those.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
seealso:
  - module: meshops.asm.asm_kiali
"""

EXAMPLES = r"""
- name: Where Kiali is
  meshops.asm.asm_kiali_info:
    mesh: shop
  register: found

- name: Show its addresses in the clusters
  ansible.builtin.debug:
    var: found.kiali.addresses.clusters
"""

RETURN = r"""
kiali:
  description: As RV(meshops.asm.asm_kiali#module:kiali).
  returned: success
  type: dict
  sample:
    name: shop
    enabled: true
    auth_strategy: token
    openid: {client_id: "", issuer_uri: "", scopes: []}
    ram_redirect_uris: ""
    server: {fqdn: "", port: 0, root: "", protocol: ""}
    public_load_balancer: false
    service_annotations: {}
    prometheus_url: ""
    addresses: {managed: "", gateway: "http://203.0.113.10:20001", clusters: {}}
    state: "on"
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
from ansible_collections.meshops.asm.plugins.module_utils.mesh import kiali, meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {"mesh": {"type": "str", "required": True}}


def read(params: dict[str, Any], cloud: Cloud) -> dict[str, Any]:
    mesh = meshes.require_mesh(cloud, params["mesh"])
    described = cloud.asm("DescribeKialiConfiguration", ServiceMeshId=meshes.mesh_id(mesh))
    return kiali.view(params["mesh"], described)


def main() -> None:
    run_info("kiali", OPTIONS, read)


if __name__ == "__main__":
    main()

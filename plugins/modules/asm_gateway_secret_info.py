#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_secret_info
short_description: Read the TLS certificates of a mesh's gateways, and when they end
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Lists the certificates that the service knows of the gateways of a mesh of Alibaba Cloud Service Mesh (ASM), with
    what each cluster has of them. Private keys are not returned.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
options:
  gateway:
    description: Name of the one gateway whose certificates to return. Unset means all gateways of the mesh.
    type: str
  name:
    description: Name of the one certificate to return, also where the service does not list it.
    type: str
  within_days:
    description: Returns only what ends within this many days, or cannot be read. V(0) leaves what has ended.
    type: int
seealso:
  - module: meshops.asm.asm_gateway_secret
"""

EXAMPLES = r"""
- name: Certificates that end within a month
  meshops.asm.asm_gateway_secret_info:
    mesh: shop
    within_days: 30
  register: ending

- name: Name them
  ansible.builtin.debug:
    msg: "{{ item.name }} of {{ item.gateway }} ends at {{ item.not_after }}"
  loop: "{{ ending.gateway_secrets }}"
"""

RETURN = r"""
gateway_secrets:
  description:
    - The certificates, sorted by gateway and name; each as RV(meshops.asm.asm_gateway_secret#module:gateway_secret).
  returned: success
  type: list
  elements: dict
  sample:
    - name: shop-tls
      gateway: ingressgateway
      status: normal
      message: ""
      not_after: "2027-01-31T12:00:00Z"
      days_left: 66
      clusters:
        shop-1:
          fingerprint: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
          not_before: "2026-11-02T12:00:00Z"
          not_after: "2027-01-31T12:00:00Z"
          days_left: 66
          hosts: [shop.example.com]
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

from datetime import datetime, timezone
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.gateway.gateway_secrets import Reader
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS = {
    "mesh": {"type": "str", "required": True},
    "gateway": {"type": "str"},
    "name": {"type": "str"},
    "within_days": {"type": "int"},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    refuse_names(params, "gateway", "name")
    within = params["within_days"]
    if within is not None and within < 0:
        raise InvalidInput("within_days must not be negative: give whole days from 0.")
    mesh = meshes.require_mesh(cloud, params["mesh"])
    names = clusters.labels(clusters.attached(cloud, meshes.mesh_id(mesh)))
    reader = Reader(cloud, mesh, names)
    now = datetime.now(timezone.utc)
    views = [seen.view(now) for seen in reader.all(params["gateway"], params["name"])]
    return [view for view in views if view and (within is None or _ends(view, within))]


def _ends(view: dict[str, Any], within: int) -> bool:
    unread = None in view["clusters"].values() or view["days_left"] is None
    return unread or view["days_left"] < within


def main() -> None:
    run_info("gateway_secrets", OPTIONS, read)


if __name__ == "__main__":
    main()

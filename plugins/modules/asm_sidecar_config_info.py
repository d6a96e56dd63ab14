#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_sidecar_config_info
short_description: Read how the sidecars of namespaces are configured
version_added: 0.2.0
author: The meshops.asm authors (@meshops)
description:
  - Reads what the sidecars of namespaces do otherwise than the mesh says for all.
options:
  names:
    description: Names of the namespaces.
    type: list
    elements: str
    required: true
    aliases: [namespaces]
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
seealso:
  - module: meshops.asm.asm_sidecar_config
"""

EXAMPLES = r"""
- name: Read what two namespaces set
  meshops.asm.asm_sidecar_config_info:
    mesh: shop
    names: [bookinfo, payment]
"""

RETURN = r"""
sidecar_configs:
  description:
    - One item for each namespace of O(names), in their order, as
      RV(meshops.asm.asm_sidecar_config#module:sidecar_config).
    - The C(settings) of one that sets nothing, or that is not there, are empty.
  returned: success
  type: list
  elements: dict
  sample:
    - name: bookinfo
      settings: {concurrency: 2}
    - name: payment
      settings: {}
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
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import nested
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, sidecar
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {
    "mesh": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str", "required": True, "aliases": ["namespaces"]},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    """Action DescribeNamespaceScopeSidecarConfig for each namespace."""
    mesh_id = meshes.mesh_id(meshes.require_mesh(cloud, params["mesh"]))
    return [
        {"name": name, "settings": nested(sidecar.settings(sidecar.describe(cloud, mesh_id, name)))}
        for name in params["names"]
    ]


def main() -> None:
    run_info("sidecar_configs", OPTIONS, read)


if __name__ == "__main__":
    main()

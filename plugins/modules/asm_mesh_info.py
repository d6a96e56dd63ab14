#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_mesh_info
short_description: Read the service meshes of the account
version_added: 0.1.0
description:
  - Lists the meshes of Alibaba Cloud Service Mesh (ASM) that fit the options, each with all its settings.
  - Meshes of all regions are listed unless O(region) (or its environment variable) is set.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.attributes.info
options:
  name:
    description:
      - Name or id of the mesh. An id is found in any region. Several meshes of one name are all returned.
      - No such mesh is not an error, the list is empty then.
    type: str
    aliases: [mesh]
  tags:
    description: Only meshes that carry all of these tags with these values.
    type: dict
  gather_subset:
    description:
      - What is to be read besides of each mesh, each under a key of its name and by a request more.
      - V(ca_cert) is its root certificate, V(logs) what has happened to it.
      - V(node_types) are the kinds of instances that its clusters run on, and which of them speed TLS up
        (O(meshops.asm.asm_mesh#module:multi_buffer)).
    type: list
    elements: str
    choices: [ca_cert, logs, node_types]
    default: []
    version_added: 0.2.0
  templates:
    description:
      - Kinds of Istio resources, such as V(VirtualService), of which the service's templates are read for the version
        of each mesh.
    type: list
    elements: str
    version_added: 0.2.0
seealso:
  - module: meshops.asm.asm_mesh
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: Read one mesh
  meshops.asm.asm_mesh_info:
    name: shop
    region: cn-hangzhou
  register: shop

- name: Fail unless it runs
  ansible.builtin.assert:
    that: shop.meshes | map(attribute="state") | list == ["running"]

- name: Read what a gateway and a route look like for the version of the mesh
  meshops.asm.asm_mesh_info:
    name: shop
    templates: [Gateway, VirtualService]

- name: Read the meshes of a team in all regions
  meshops.asm.asm_mesh_info:
    tags:
      team: shop
"""

RETURN = r"""
meshes:
  description:
    - The meshes that fit, sorted by name. Each has the keys of RV(meshops.asm.asm_mesh#module:mesh).
    - With O(gather_subset) containing V(ca_cert), C(ca_cert) is a certificate in PEM; containing V(logs), C(logs) is a
      list of C(time) and C(message).
    - With O(gather_subset) containing V(node_types), C(node_types) is a list of C(type), C(multi_buffer_supported) and
      the C(label) (C(key), C(value)) of nodes that have it.
    - With O(templates), C(templates) is a mapping from each kind to a list of C(name), C(chinese_name) and C(yaml).
  returned: success
  type: list
  elements: dict
  sample:
    - id: c0123456789abcdef0123456789abcdef
      name: shop
      region: cn-hangzhou
      state: running
      error_message: ""
      creation_time: "2026-03-02T09:14:06+08:00"
      operator_cluster: ""
      update_time: "2026-03-02T09:16:31+08:00"
      version: v1.22.6.109-g5ddeaef7-aliyun
      cluster_spec: enterprise
      vpc_id: vpc-bp1example
      vswitch_ids: [vsw-bp1example]
      security_group_id: sg-bp1example
      clusters: [c1111111111111111111111111111111a]
      endpoints:
        api_server_private: https://192.168.1.10:6443
        api_server_public: https://198.51.100.7:6443
        pilot_private: 192.168.1.11:15011
        pilot_public: ""
      load_balancers:
        api_server: lb-bp1apiserver
        pilot: lb-bp1pilot
      pilot:
        trace_sampling: 1.5
      tags:
        team: shop
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
  description: What went wrong, see RV(meshops.asm.asm_mesh#module:error).
  returned: failure
  type: dict
  sample:
    code: Forbidden.RAM
    message: "DescribeServiceMeshes was refused with Forbidden.RAM: the user is not authorized."
    request_id: 2E8A5B8C-0C4F-5B1C-9B0B-1F6F3C7F9A11
    http_status: 403
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.mesh import catalogue as mesh_catalogue
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "aliases": ["mesh"]},
    "tags": {"type": "dict"},
    "gather_subset": {"type": "list", "elements": "str", "choices": sorted(mesh_catalogue.READERS), "default": []},
    "templates": {"type": "list", "elements": "str"},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    """Every fitting mesh as ``asm_mesh`` returns it (actions DescribeServiceMeshes, DescribeServiceMeshDetail)."""
    if params["tags"] == {}:
        raise InvalidInput("tags is empty, which would be every mesh. Give it a value, or leave it out.")
    listed = [mesh for mesh in meshes.list_meshes(cloud, params["tags"]) if _fits(mesh, params["name"], cloud.region)]
    shown = [view for view in (_view(cloud, mesh, params) for mesh in listed) if view is not None]
    return sorted(shown, key=lambda mesh: (mesh["name"], mesh["id"]))


def _fits(mesh: dict[str, Any], name: str | None, region: str | None) -> bool:
    if name == meshes.mesh_id(mesh):
        return True
    about = meshes.info(mesh)
    return name in (None, about.get("Name")) and region in (None, about.get("RegionId"))


def _view(cloud: Cloud, listed: dict[str, Any], params: dict[str, Any]) -> dict[str, Any] | None:
    try:
        view = mesh_view.view(mesh_view.whole(cloud, listed))
        for subset in sorted(set(params["gather_subset"])):
            view[subset] = mesh_catalogue.READERS[subset](cloud, view["id"])
        if params["templates"]:
            view["templates"] = mesh_catalogue.templates(cloud, view["version"], params["templates"])
        return view
    except AsmError as error:
        # Deleted since the list was read, or the list lags behind.
        if error.code == "ServiceMesh.NotFound":
            return None
        raise


def main() -> None:
    run_info("meshes", OPTIONS, read)


if __name__ == "__main__":
    main()

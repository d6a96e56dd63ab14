#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_swim_lane_info
short_description: Read the swim lanes of a service mesh
version_added: 0.1.0
description:
  - Lists the groups of swim lanes of a mesh of Alibaba Cloud Service Mesh (ASM), each with its lanes.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
options:
  group:
    description: Name of the only group to read. None of that name gives an empty list.
    type: str
  lane:
    description:
      - Name of the only lane to read in O(group), which it needs. The service is asked about this lane alone, so that
        its message is of now. None of that name gives a group without lanes.
    type: str
    version_added: 0.2.0
seealso:
  - module: meshops.asm.asm_swim_lane
  - module: meshops.asm.asm_swim_lane_group
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: Read the lanes of a mesh
  meshops.asm.asm_swim_lane_info:
    mesh: shop
  register: shop

- name: Read one lane
  meshops.asm.asm_swim_lane_info:
    mesh: shop
    group: features
    lane: gray

- name: Show lanes that do not take effect
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.message }}"
  loop: "{{ shop.swim_lane_groups | map(attribute='lanes') | flatten | selectattr('message') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
swim_lane_groups:
  description: The groups, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the group.
      returned: always
      type: str
    gateway:
      description: The gateway through which requests come in.
      returned: always
      type: str
    permissive:
      description: Whether lanes may lack services.
      returned: always
      type: bool
    trace_header:
      description: The header that the requests of one call chain have in common.
      returned: always
      type: str
    route_header:
      description: The header whose value is the name of the lane.
      returned: always
      type: str
    services:
      description: Its services as C(CLUSTER/NAMESPACE/NAME), sorted.
      returned: always
      type: list
      elements: str
    ingress_routing:
      description: V(rule-based) or V(weighted).
      returned: always
      type: str
    weighted_rule:
      description: Which requests are divided by weights; V(null) with V(rule-based).
      returned: always
      type: dict
    baseline:
      description: The lane that has the services which other lanes lack.
      returned: always
      type: str
    service_baselines:
      description: For services that do not fall back to V(baseline), the lane by C(NAMESPACE/NAME).
      returned: always
      type: dict
    labels:
      description: Labels that pods of all its services have, with their values. Lanes can be told apart by these.
      returned: always
      type: dict
    lanes:
      description: Its lanes as in RV(meshops.asm.asm_swim_lane#module:swim_lane), sorted by name.
      returned: always
      type: list
      elements: dict
      contains:
        message:
          description: Why the service says that the lane does not take effect. Empty when it does.
          returned: always
          type: str
  sample:
    - name: features
      gateway: ingressgateway
      permissive: true
      trace_header: x-request-id
      route_header: x-asm-prefer-tag
      services: [shop-1/shop/cart, shop-1/shop/prices]
      ingress_routing: rule-based
      weighted_rule: null
      baseline: stable
      service_baselines: {}
      labels: {ASM_TRAFFIC_TAG: [cheaper, stable]}
      lanes:
        - name: stable
          group: features
          label_name: ASM_TRAFFIC_TAG
          label_value: stable
          services: [shop-1/shop/cart, shop-1/shop/prices]
          baseline: true
          baseline_for: []
          ingress_rules: []
          ingress_weight: null
          message: ""
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
from ansible_collections.meshops.asm.plugins.module_utils.lane import groups
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {
    "mesh": {"type": "str", "required": True},
    "group": {"type": "str"},
    "lane": {"type": "str"},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    mesh_id = meshes.mesh_id(meshes.require_mesh(cloud, params["mesh"]))
    found = []
    for row in groups.groups(cloud, mesh_id):
        if params["group"] in (None, row["GroupName"]):
            name, lane = row["GroupName"], params["lane"]
            lanes = groups.lanes_named(cloud, mesh_id, name, lane) if lane else groups.lanes(cloud, mesh_id, name)
            seen = [{**groups.lane_view(lane, row), "message": groups.problem(lane)} for lane in lanes]
            by_name = sorted(seen, key=lambda lane: lane["name"])
            found.append({**groups.group_view(row), "labels": groups.labels_of(row), "lanes": by_name})
    return sorted(found, key=lambda group: str(group["name"]))


def main() -> None:
    run_info("swim_lane_groups", OPTIONS, read, required_by={"lane": ("group",)})


if __name__ == "__main__":
    main()

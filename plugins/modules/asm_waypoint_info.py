#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_waypoint_info
short_description: Read the waypoint proxies of a mesh
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Lists the waypoint proxies of Alibaba Cloud Service Mesh (ASM) in the clusters of a mesh.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
options:
  cluster:
    description: Name or id of the one attached cluster to look into. Unset means all.
    type: str
  namespace:
    description: Namespace whose waypoints to return. Unset means all.
    type: str
seealso:
  - module: meshops.asm.asm_waypoint
"""

EXAMPLES = r"""
- name: All waypoints of a mesh
  meshops.asm.asm_waypoint_info:
    mesh: shop
  register: found
"""

RETURN = r"""
waypoints:
  description: The waypoints, each as RV(meshops.asm.asm_waypoint#module:waypoint).
  returned: success
  type: list
  elements: dict
  sample:
    - name: namespace
      namespace: bookinfo
      cluster: shop-1
      service_account: null
      replicas: 2
      autoscaling: {enabled: false, min_replicas: 1, max_replicas: 5, cpu_utilization: 80, memory_utilization: 80}
      resources:
        requests: {cpu: 100m, memory: 128Mi}
        limits: {cpu: "2", memory: 1Gi}
      prefer_eci: false
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
from ansible_collections.meshops.asm.plugins.module_utils.gateway import waypoints
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS = {"mesh": {"type": "str", "required": True}, "cluster": {"type": "str"}, "namespace": {"type": "str"}}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    refuse_names(params, "namespace")
    identifier = meshes.mesh_id(meshes.require_mesh(cloud, params["mesh"]))
    attached = clusters.attached(cloud, identifier)
    chosen = attached if params["cluster"] is None else [clusters.require(attached, params["cluster"])]
    found = [
        waypoints.view(row, clusters.name(cluster), "")
        for cluster in chosen
        for row in waypoints.listed(cloud, identifier, str(cluster["ClusterId"]), params["namespace"])
    ]
    return sorted(found, key=lambda one: (one["cluster"], one["namespace"], one["name"]))


def main() -> None:
    run_info("waypoints", OPTIONS, read)


if __name__ == "__main__":
    main()

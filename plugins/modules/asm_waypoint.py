#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_waypoint
short_description: Manage the waypoint proxies of a mesh in ambient mode
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Creates, changes and deletes a waypoint proxy of Alibaba Cloud Service Mesh (ASM) in a cluster, for a namespace or
    for a single service account.
  - Needs a mesh with ambient mode and the Gateway API.
options:
  cluster:
    description: Name or id of the attached cluster.
    type: str
    required: true
  namespace:
    description: Namespace whose requests go through it.
    type: str
    required: true
  service_account:
    description: The one service account that it is for. Unset means the whole namespace.
    type: str
  replicas:
    description: Number of pods.
    type: int
  autoscaling:
    description: Horizontal autoscaling of the pods.
    type: dict
    suboptions:
      enabled:
        description: Whether it is on.
        type: bool
      min_replicas:
        description: Least number of pods.
        type: int
      max_replicas:
        description: Largest number of pods.
        type: int
      cpu_utilization:
        description: Average use of the requested CPU to aim at, in percent.
        type: int
      memory_utilization:
        description: Average use of the requested memory to aim at, in percent.
        type: int
  resources:
    description: Resources of a pod, as Kubernetes quantities.
    type: dict
    suboptions:
      requests:
        description: What is reserved.
        type: dict
        suboptions:
          cpu:
            description: CPU, for example V(200m).
            type: str
          memory:
            description: Memory, for example V(256Mi).
            type: str
      limits:
        description: What is allowed at most.
        type: dict
        suboptions:
          cpu:
            description: CPU, for example V(2).
            type: str
          memory:
            description: Memory, for example V(2Gi).
            type: str
  prefer_eci:
    description: Whether pods preferably run on Elastic Container Instances.
    type: bool
  state:
    description: Whether the waypoint shall exist. Options that are not given stay as they are.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.asm_waypoint_info
  - module: meshops.asm.asm_namespace
"""

EXAMPLES = r"""
- name: A waypoint for a namespace
  meshops.asm.asm_waypoint:
    mesh: shop
    cluster: shop-1
    namespace: bookinfo
    replicas: 2

- name: Let it grow with its load
  meshops.asm.asm_waypoint:
    mesh: shop
    cluster: shop-1
    namespace: bookinfo
    autoscaling:
      enabled: true
      min_replicas: 2
      max_replicas: 6
"""

RETURN = r"""
waypoint:
  description:
    - The waypoint; V(null) when it is gone. In check mode as it would be, with V(null) for what the service decides.
  returned: success
  type: dict
  sample:
    name: namespace
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
error:
  description: What the service said, see RV(meshops.asm.asm_mesh#module:error).
  returned: failure
  type: dict
  sample:
    code: InvalidInput
    message: "autoscaling: min_replicas 3 is more than max_replicas 2."
    request_id: ""
    http_status: null
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    Steps,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.gateway import waypoints
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

_AMOUNTS = {"type": "dict", "options": {"cpu": {"type": "str"}, "memory": {"type": "str"}}}
_COUNTS = ("min_replicas", "max_replicas", "cpu_utilization", "memory_utilization")


class Waypoint(ResourceModule):
    """One waypoint in one cluster."""

    result = "waypoint"
    options = {
        "mesh": {"type": "str", "required": True},
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "service_account": {"type": "str"},
        "replicas": {"type": "int"},
        "autoscaling": {
            "type": "dict",
            "options": {"enabled": {"type": "bool"}, **{name: {"type": "int"} for name in _COUNTS}},
        },
        "resources": {"type": "dict", "options": {"requests": _AMOUNTS, "limits": _AMOUNTS}},
        "prefer_eci": {"type": "bool"},
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        refuse_names(params, "namespace", "service_account")
        self.wanted = waypoints.wanted(params)
        self.cluster: dict[str, Any] | None = None

    def find(self) -> Any:
        """The row of the waypoint in the list."""
        if self.living_mesh() is None:
            return None
        attached = clusters.attached(self.cloud, self.id)
        self.cluster = clusters.pick(attached, self.params["cluster"])
        if self.cluster is None:
            if self.wants_absence():
                return None
            raise NotFound(
                f"Cluster '{self.params['cluster']}' is not attached to mesh '{self.params['mesh']}' (attached: "
                f"{', '.join(clusters.names(attached)) or 'none'}). Attach it first with meshops.asm.asm_cluster.",
                yet=f"Cluster '{self.params['cluster']}' is not attached yet.",
            )
        return self._look()

    def _look(self) -> Any:
        identifier = str((self.cluster or {})["ClusterId"])
        account = self.params["service_account"] or ""
        rows = waypoints.listed(self.cloud, self.id, identifier, self.params["namespace"])
        return next((row for row in rows if (row.get("ServiceAccount") or "") == account), None)

    def plan(self, found: Any) -> Plan:
        before = self.view(found)
        if self.params["state"] == "absent":
            return Plan(DELETE if found else NONE, before, None, found)
        if found is not None and not waypoints.differs(found, self.wanted):
            return Plan(NONE, before, before, found)
        parameters = waypoints.merged(found or {}, self.wanted)
        name = self.params["service_account"] or "namespace"
        row = {"Name": name, "ServiceAccount": self.params["service_account"], **(found or {}), **parameters}
        action = CREATE if found is None else UPDATE
        return Plan(action, before, self.view(row), (found, parameters), warnings=self.no_mesh_yet())

    def apply(self, plan: Plan) -> Steps:
        meshes.require_mesh(self.cloud, self.params["mesh"])
        yield self.settled
        cluster = (self.cluster or {}).get("ClusterId")
        named = {"ServiceMeshId": self.id, "ClusterId": cluster, "Namespace": self.params["namespace"]}
        if plan.action == DELETE:
            self.cloud.asm("DeleteWaypoint", **named, Name=plan.changes["Name"])
            return
        found, parameters = plan.changes
        if found is None:
            account = self.params["service_account"]
            self.cloud.asm("CreateWaypoint", **named, **parameters, ServiceAccount=account)
            return
        self.cloud.asm("UpdateWaypoint", **named, **parameters, Name=found["Name"])

    def progress(self, plan: Plan) -> Progress:
        if self.cluster is None:
            return DONE
        row, what = self._look(), f"the waypoint of namespace '{self.params['namespace']}'"
        if self.params["state"] == "absent":
            return waiting(f"{what} to be gone") if row else DONE
        there = row is not None and not waypoints.differs(row, self.wanted)
        return DONE if there else waiting(f"{what} to be as asked for", last=row and row.get("Name"))

    def view(self, found: Any) -> Any:
        if found is None:
            return None
        cluster = clusters.name(self.cluster) if self.cluster else self.params["cluster"]
        return waypoints.view(found, cluster, self.params["namespace"])


def main() -> None:
    run_resource(Waypoint)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_cluster_info
short_description: Read the clusters of a service mesh, and those that could join it
version_added: 0.1.0
description:
  - Lists the clusters that are attached to a mesh of Alibaba Cloud Service Mesh (ASM).
  - With O(candidates=true) the other clusters of the account are listed as well, each with the reason why it cannot be
    attached, if there is one.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.attributes.info
options:
  mesh:
    description: Name or id of the mesh.
    type: str
    required: true
  dashboards:
    description:
      - Returns the addresses of the Grafana dashboards that show each attached cluster, one request for each.
      - They need C(telemetry=true) of M(meshops.asm.asm_mesh).
    type: bool
    default: false
  candidates:
    description: Lists the clusters that are not attached too.
    type: bool
    default: false
seealso:
  - module: meshops.asm.asm_cluster
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: Read the clusters of a mesh
  meshops.asm.asm_cluster_info:
    mesh: shop
  register: shop

- name: Read what could be attached
  meshops.asm.asm_cluster_info:
    mesh: shop
    candidates: true
  register: all

- name: Show why some clusters cannot
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.refusal }}"
  loop: "{{ all.clusters | selectattr('refusal') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
clusters:
  description: The attached clusters and, with O(candidates=true), the others. Sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the cluster.
      returned: always
      type: str
      sample: c1111111111111111111111111111111a
    name:
      description: Name of the cluster.
      returned: always
      type: str
      sample: shop-1
    state:
      description: State of the cluster in the mesh, or of the cluster itself when it is not attached.
      returned: always
      type: str
      sample: running
    error_message:
      description: What the service says about a state that is a failure.
      returned: always
      type: str
      sample: ""
    region:
      description: Region of the cluster.
      returned: always
      type: str
      sample: cn-hangzhou
    vpc_id:
      description: VPC of the cluster.
      returned: always
      type: str
      sample: vpc-bp1example
    type:
      description: Kind of the cluster, as C(ManagedKubernetes), C(Kubernetes) (dedicated) or C(ExternalKubernetes).
      returned: always
      type: str
      sample: ManagedKubernetes
    version:
      description: Kubernetes version of the cluster.
      returned: always
      type: str
      sample: 1.32.1-aliyun.1
    mesh_id:
      description: Id of the mesh that the cluster is attached to, this one or another. Empty when there is none.
      returned: always
      type: str
      sample: c0123456789abcdef0123456789abcdef
    attached:
      description: Whether the cluster is attached to O(mesh).
      returned: always
      type: bool
      sample: true
    refusal:
      description: Why the cluster cannot be attached, in words. V(null) when it can be, or is.
      returned: always
      type: str
      sample: null
    dashboards:
      description: Title and address of each Grafana dashboard; none where metrics are not collected.
      returned: with O(dashboards=true), of attached clusters
      type: list
      elements: dict
      sample: [{title: Istio mesh, url: "https://g.console.aliyun.com/d/mesh"}]
  sample:
    - id: c1111111111111111111111111111111a
      name: shop-1
      state: running
      error_message: ""
      region: cn-hangzhou
      vpc_id: vpc-bp1example
      type: ManagedKubernetes
      version: 1.32.1-aliyun.1
      mesh_id: c0123456789abcdef0123456789abcdef
      attached: true
      refusal: null
    - id: c2222222222222222222222222222222b
      name: warehouse
      state: running
      error_message: ""
      region: cn-hangzhou
      vpc_id: vpc-bp1example
      type: ManagedKubernetes
      version: 1.32.1-aliyun.1
      mesh_id: c9999999999999999999999999999999f
      attached: false
      refusal: >-
        it belongs to the mesh c9999999999999999999999999999999f: a cluster can be in one mesh only, detach it there
        first
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
    code: NotFound
    message: "No mesh with the name or id \"shop\". Meshes of this account: none. The role create (module
      asm_mesh) makes a new one."
    request_id: ""
    http_status: null
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {
    "mesh": {"type": "str", "required": True},
    "dashboards": {"type": "bool", "default": False},
    "candidates": {"type": "bool", "default": False},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    """Actions DescribeClustersInServiceMesh, DescribeClusterGrafana, and DescribeServiceMeshClusters for candidates."""
    mesh_id = meshes.mesh_id(meshes.require_mesh(cloud, params["mesh"]))
    attached = {str(cluster["ClusterId"]): cluster for cluster in clusters.attached(cloud, mesh_id)}
    shown = [_view(cluster, mesh_id, attached=True, refusal=None) for cluster in attached.values()]
    if params["dashboards"]:
        for one in shown:
            one["dashboards"] = clusters.dashboards(cloud, mesh_id, one["id"])
    if params["candidates"]:
        others = [cluster for cluster in clusters.candidates(cloud, mesh_id) if cluster["ClusterId"] not in attached]
        shown += [
            _view(cluster, cluster.get("ServiceMeshId"), attached=False, refusal=clusters.refusal(cluster, mesh_id))
            for cluster in others
        ]
    return sorted(shown, key=lambda cluster: (str(cluster["name"]), cluster["id"]))


def _view(cluster: dict[str, Any], mesh_id: str | None, *, attached: bool, refusal: str | None) -> dict[str, Any]:
    return {**clusters.as_user_sees(cluster), "mesh_id": mesh_id or "", "attached": attached, "refusal": refusal}


def main() -> None:
    run_info("clusters", OPTIONS, read)


if __name__ == "__main__":
    main()

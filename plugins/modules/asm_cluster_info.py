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
  - meshops.asm.mesh
  - meshops.asm.attributes.info
options:
  candidates:
    description: Lists the clusters that are not attached too.
    type: bool
    default: false
  gather_subset:
    description:
      - What is to be read besides of each attached cluster, each under a key of its name.
      - V(access_logs) are the dashboards of its access logs in Simple Log Service, V(prometheus) the address of its
        Prometheus, V(grafana) its dashboards in Grafana.
      - V(namespaces) are its namespaces with their labels, as the mesh sees them.
      - V(load_balancers) are those in its VPC that a gateway can take by
        O(meshops.asm.asm_gateway#module:load_balancer.id).
      - V(cen_missing) says whether the cluster is in another VPC than the rest, and no CEN connects the two, so that
        its pods and those of other clusters do not reach each other.
      - V(network) is its network among several clusters, V(cloud_controller) the version of its cloud controller
        manager (CCM), on which the load balancers of gateways depend.
      - Each is a request more for each cluster, but for V(network), V(cloud_controller) and V(cen_missing), which are
        one for the mesh, and V(load_balancers), which are four.
    type: list
    elements: str
    choices:
      - access_logs
      - cen_missing
      - cloud_controller
      - grafana
      - load_balancers
      - namespaces
      - network
      - prometheus
    default: []
    version_added: 0.2.0
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

- name: Read where the data of the clusters can be looked at
  meshops.asm.asm_cluster_info:
    mesh: shop
    gather_subset: [access_logs, grafana, prometheus]

- name: Read which load balancers a new gateway could take over
  meshops.asm.asm_cluster_info:
    mesh: shop
    gather_subset: [load_balancers]

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
    access_logs:
      description: Dashboards of the access logs, each with C(title) and C(url).
      returned: O(gather_subset) has V(access_logs), and the cluster is attached
      type: list
      elements: dict
      sample: [{title: Sidecar access logs, url: "https://sls.console.example/lognext/project/shop"}]
    prometheus:
      description: Address of the Prometheus of the cluster. V(null) when there is none.
      returned: O(gather_subset) has V(prometheus), and the cluster is attached
      type: str
      sample: https://prometheus.example:9090
    grafana:
      description: Dashboards in Grafana, each with C(title) and C(url).
      returned: O(gather_subset) has V(grafana), and the cluster is attached
      type: list
      elements: dict
      sample: [{title: Cloud ASM Istio Mesh, url: "https://grafana.example/d/mesh"}]
    namespaces:
      description: The labels of each namespace of the cluster, by the name of the namespace.
      returned: O(gather_subset) has V(namespaces), and the cluster is attached
      type: dict
      sample: {bookinfo: {istio-injection: enabled}}
    load_balancers:
      description: Load balancers that could be reused, each with C(id), C(name), C(kind) and C(address_type).
      returned: O(gather_subset) has V(load_balancers), and the cluster is attached
      type: list
      elements: dict
      sample: [{id: lb-bp1example, name: entrance, kind: clb, address_type: internet}]
    cen_missing:
      description: Whether no CEN connects its VPC with those of the other clusters.
      returned: O(gather_subset) has V(cen_missing), and the cluster is attached
      type: bool
      sample: false
    network:
      description:
        - C(name) of its network (empty is the default one), and C(gateway_enabled), C(gateway) and C(gateway_address)
          by which other networks reach it.
      returned: O(gather_subset) has V(network), and the cluster is attached
      type: dict
      sample: {name: network-1, gateway_enabled: true, gateway: cross-network, gateway_address: ""}
    cloud_controller:
      description:
        - C(version) of the cloud controller manager, C(graceful_drain_supported) for load balancers (CLB), and
          C(error_message) when the service could not ask it. V(null) when it tells nothing of the cluster.
      returned: O(gather_subset) has V(cloud_controller), and the cluster is attached
      type: dict
      sample: {version: v2.9.1, graceful_drain_supported: true, error_message: ""}
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
from ansible_collections.meshops.asm.plugins.module_utils.cluster.surroundings import SUBSETS, Surroundings
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {
    "mesh": {"type": "str", "required": True},
    "candidates": {"type": "bool", "default": False},
    "gather_subset": {"type": "list", "elements": "str", "choices": list(SUBSETS), "default": []},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    """Actions DescribeClustersInServiceMesh and, for candidates, DescribeServiceMeshClusters."""
    mesh_id = meshes.mesh_id(meshes.require_mesh(cloud, params["mesh"]))
    attached = {str(cluster["ClusterId"]): cluster for cluster in clusters.attached(cloud, mesh_id)}
    around = Surroundings(cloud, mesh_id, params["gather_subset"])
    shown = [
        {**_view(cluster, mesh_id, attached=True, refusal=None), **around.of(cluster)} for cluster in attached.values()
    ]
    if params["candidates"]:
        others = [cluster for cluster in clusters.candidates(cloud, mesh_id) if cluster["ClusterId"] not in attached]
        shown += [
            _view(cluster, cluster.get("ServiceMeshId"), attached=False, refusal=clusters.refusal(cluster, mesh_id))
            for cluster in others
        ]
    return sorted(shown, key=lambda cluster: (str(cluster["name"]), cluster["id"]))


def _view(cluster: dict[str, Any], mesh_id: str | None, *, attached: bool, refusal: str | None) -> dict[str, Any]:
    seen = clusters.as_user_sees(cluster)
    seen["error_message"] = seen["error_message"] or ""
    return {**seen, "mesh_id": mesh_id or "", "attached": attached, "refusal": refusal}


def main() -> None:
    run_info("clusters", OPTIONS, read)


if __name__ == "__main__":
    main()

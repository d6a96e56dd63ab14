#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_registry_info
short_description: Read which services a mesh knows, and where they are
version_added: 0.2.0
author: The meshops.asm authors (@meshops)
description:
  - Reads the namespaces in which a mesh knows services, the endpoints of a service, and from the clusters of the mesh
    the service accounts, the pods of a namespace and the deployments with some labels.
  - The service asks the clusters, so that no kubeconfig is needed.
options:
  clusters:
    description: Names or ids of the clusters that are looked at. Unset means all clusters of the mesh.
    type: list
    elements: str
  namespace:
    description:
      - The namespace of O(service). Service accounts and deployments are those of this namespace, or without it those
        of all.
    type: str
  service:
    description: Name of the service whose endpoints are read. It needs O(namespace).
    type: str
  service_type:
    description:
      - Whether O(service) is a Service of a cluster (V(Kubernetes)) or a ServiceEntry of the mesh (V(ServiceEntry)).
    type: str
    choices: [Kubernetes, ServiceEntry]
    default: Kubernetes
  service_accounts:
    description: Lists the service accounts of the clusters.
    type: bool
    default: false
  pods:
    description: Lists the pods of the clusters in O(namespace), which it needs.
    type: bool
    default: false
    version_added: 0.3.0
  labels:
    description: Lists the deployments of the clusters that have all of these labels. Values become text.
    type: dict
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
seealso:
  - module: meshops.asm.asm_cluster_info
"""

EXAMPLES = r"""
- name: Read where the service reviews is
  meshops.asm.asm_registry_info:
    mesh: shop
    namespace: bookinfo
    service: reviews
  register: reviews

- name: Fail unless all of its pods have a sidecar
  ansible.builtin.assert:
    that: reviews.registry.service.endpoints | map(attribute="sidecar_injected") is all

- name: Read accounts and deployments of one cluster
  meshops.asm.asm_registry_info:
    mesh: shop
    clusters: [shop-1]
    namespace: bookinfo
    service_accounts: true
    labels:
      app: reviews
"""

RETURN = r"""
registry:
  description: What was found. Keys are there as the options ask for them.
  returned: success
  type: dict
  contains:
    namespaces:
      description: Namespaces in which the mesh knows services.
      returned: always
      type: list
      elements: str
      sample: [bookinfo]
    service:
      description:
        - C(location) of O(service) as Istio words it, and its C(endpoints), each with C(address), C(cluster_id),
          C(pod), C(hostname), C(ports), C(region) and C(sidecar_injected).
        - C(cluster_id) is empty where an address does not tell the cluster.
      returned: O(service) is given
      type: dict
      sample:
        location: MESH_INTERNAL
        endpoints:
          - address: 10.0.1.7
            cluster_id: c1111111111111111111111111111111a
            hostname: ""
            pod: reviews-v1-5b5d6494f4-abcde
            ports: [9080]
            region: cn-hangzhou
            sidecar_injected: true
    service_accounts:
      description: For each cluster by its name the accounts, each with C(name) and C(namespace).
      returned: O(service_accounts=true)
      type: dict
      sample:
        shop-1: [{name: bookinfo-reviews, namespace: bookinfo}]
    pods:
      description: For each cluster by its name the names of the pods in O(namespace).
      returned: O(pods=true)
      type: dict
      sample:
        shop-1: [reviews-v1-5b5d6494f4-abcde]
    deployments:
      description: For each cluster by its name the names of the deployments.
      returned: O(labels) is given
      type: dict
      sample:
        shop-1: [reviews-v1, reviews-v2, reviews-v3]
  sample:
    namespaces: [bookinfo]
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
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters, registry
from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {
    "mesh": {"type": "str", "required": True},
    "clusters": {"type": "list", "elements": "str"},
    "namespace": {"type": "str"},
    "service": {"type": "str"},
    "service_type": {"type": "str", "choices": ["Kubernetes", "ServiceEntry"], "default": "Kubernetes"},
    "service_accounts": {"type": "bool", "default": False},
    "pods": {"type": "bool", "default": False},
    "labels": {"type": "dict"},
}

Json = dict[str, Any]


def read(params: Json, cloud: Cloud) -> Json:
    """What the options ask for; the namespaces always."""
    labels = _labels(params["labels"])
    mesh_id = meshes.mesh_id(meshes.require_mesh(cloud, params["mesh"]))
    chosen = _chosen(cloud, mesh_id, params)
    found: Json = {"namespaces": registry.namespaces(cloud, mesh_id)}
    if params["service"]:
        service = {"name": params["service"], "namespace": params["namespace"], "type": params["service_type"]}
        found["service"] = registry.endpoints(cloud, mesh_id, service, [*chosen] if params["clusters"] else [])
    if params["service_accounts"]:
        found["service_accounts"] = {
            name: registry.service_accounts(cloud, mesh_id, key, params["namespace"]) for key, name in chosen.items()
        }
    if params["pods"]:
        found["pods"] = {name: registry.pods(cloud, mesh_id, key, params["namespace"]) for key, name in chosen.items()}
    if labels is not None:
        found["deployments"] = {
            name: registry.deployments(cloud, mesh_id, key, params["namespace"], labels) for key, name in chosen.items()
        }
    return found


def _labels(given: Json | None) -> dict[str, str] | None:
    if given is None:
        return None
    if not given:
        raise InvalidInput("labels is empty, which would be every deployment. Give it a value, or leave it out.")
    found = {str(key): decoding.text(value) for key, value in given.items()}
    wrong = [key for key, value in found.items() if value is None]
    if wrong:
        raise InvalidInput(f"labels: {wrong[0]} has no plain value.")
    return {key: value or "" for key, value in found.items()}


def _chosen(cloud: Cloud, mesh_id: str, params: Json) -> dict[str, str]:
    """``{id: name}`` of the clusters to look at; none are asked for when no cluster matters."""
    if not (params["clusters"] or params["service_accounts"] or params["pods"] or params["labels"]):
        return {}
    attached = clusters.attached(cloud, mesh_id)
    labels = clusters.labels(attached)
    if params["clusters"] is None:
        return labels
    known = ", ".join(sorted(labels.values())) or "none"
    picked: dict[str, str] = {}
    for name in params["clusters"]:
        cluster = clusters.pick(attached, name)
        if cluster is None:
            raise NotFound(f"No cluster '{name}' in mesh '{params['mesh']}'. Its clusters are: {known}.")
        picked[str(cluster["ClusterId"])] = labels[str(cluster["ClusterId"])]
    return picked


def main() -> None:
    rules = {"required_by": {"service": ("namespace",)}, "required_if": [("pods", True, ("namespace",))]}
    run_info("registry", OPTIONS, read, **rules)


if __name__ == "__main__":
    main()

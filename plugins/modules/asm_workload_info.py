#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_workload_info
short_description: List the workloads of data-plane clusters and which of their pods have no sidecar
version_added: 0.2.0
author: The meshops.asm authors (@meshops)
description:
  - Lists the Deployments, StatefulSets and DaemonSets of namespaces with the number of their pods and those of them
    that have no sidecar of the mesh, and the pods that belong to none of these.
  - Asked before C(STRICT) mutual TLS. From then on a pod without a sidecar reaches no workload of the namespaces that
    are strict, because it cannot show a certificate.
options:
  clusters:
    description: Names or ids of the ACK clusters. A short-lived kubeconfig of each is kept in memory only.
    type: list
    elements: str
    required: true
    aliases: [cluster]
  namespaces:
    description: The namespaces to look into. One that a cluster does not have is passed over there.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.attributes.info
seealso:
  - module: meshops.asm.asm_restart
"""

EXAMPLES = r"""
- name: See who has no sidecar
  meshops.asm.asm_workload_info:
    clusters: [shop-1, shop-2]
    namespaces: [web, cron]
  register: seen

- name: Stop before anything becomes strict
  ansible.builtin.assert:
    that: without == []
    fail_msg: "{{ without }}"
  vars:
    without: "{{ seen.workloads | rejectattr('without_sidecar', 'equalto', []) }}"
"""

RETURN = r"""
workloads:
  description: The workloads by cluster, namespace, kind and name, and the pods that belong to none.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: The cluster, as O(clusters) names it.
      type: str
      returned: success
    namespace:
      description: The namespace.
      type: str
      returned: success
    kind:
      description: V(Deployment), V(StatefulSet), V(DaemonSet), or V(Pod) for a pod of none of them.
      type: str
      returned: success
    name:
      description: The name.
      type: str
      returned: success
    pods:
      description: How many pods it has, without those that have ended or are on their way out.
      type: int
      returned: success
    without_sidecar:
      description: Names of its pods without a sidecar.
      type: list
      elements: str
      returned: success
    exempt:
      description: Why its pods never get a sidecar; empty when they may.
      type: str
      returned: success
    risk:
      description: Why none of its pods may serve for a while when it is restarted; empty when some always do.
      type: str
      returned: success
  sample:
    - {cluster: shop-1, namespace: web, kind: Deployment, name: frontend, pods: 2,
       without_sidecar: [frontend-5d9c-x2x7k], exempt: "", risk: ""}
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

from contextlib import closing
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster.access import ClusterAccess
from ansible_collections.meshops.asm.plugins.module_utils.kube import restarting
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {
    "clusters": {"type": "list", "elements": "str", "required": True, "aliases": ["cluster"]},
    "namespaces": {"type": "list", "elements": "str", "required": True},
}


def read(params: dict[str, Any], cloud: Cloud) -> list[dict[str, Any]]:
    """A row for each workload and each pod by itself."""
    access = ClusterAccess(cloud)
    names = dict.fromkeys(params["clusters"])
    clients = {name: KubeClient(load(access.kubeconfig(name))) for name in names}
    return [row for name, client in clients.items() for row in _of(name, client, params["namespaces"])]


def _of(cluster: str, client: KubeClient, namespaces: list[str]) -> list[dict[str, Any]]:
    with closing(client):
        found = [one for namespace in dict.fromkeys(namespaces) for one in restarting.read(client, namespace)]
    return [
        {
            "cluster": cluster,
            "namespace": one.namespace,
            "kind": one.kind,
            "name": one.name,
            "pods": len(one.pods),
            "without_sidecar": one.lacking,
            "exempt": one.exempt,
            "risk": one.risk,
        }
        for one in found
    ]


def main() -> None:
    run_info("workloads", OPTIONS, read)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_workload
short_description: Manage applications in the data-plane clusters of a mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Applies any number of Kubernetes objects (Deployments, Services, ConfigMaps and all other kinds) to a data-plane
    cluster, or removes them, and waits for the rollout.
  - Deployments, StatefulSets, DaemonSets and Pods count as ready when the controllers have seen the latest change and
    all replicas of it are available; Jobs when they are complete; Services of type LoadBalancer when they have an
    address. A pod that will never start (image, configuration, repeated crash, quota) ends the wait with the events
    that explain it.
  - Istio resources do not belong here but in the control plane, see M(meshops.asm.istio_resource).
options:
  clusters:
    description:
      - Names or ids of the ACK clusters. They are handled at the same time, and nothing is written to any of them
        before all of them accept the objects.
      - A short-lived kubeconfig is fetched for each and kept in memory only.
      - One of O(clusters) and O(kubeconfig) is needed.
    type: list
    elements: str
    aliases: [cluster]
  require_sidecar:
    description:
      - Fail unless every pod of the Deployments, StatefulSets and DaemonSets has the mesh's sidecar (container
        C(istio-proxy)). Pods that decline it with C(sidecar.istio.io/inject) are exempt.
      - Looked at after the rollout, so it needs O(wait=true).
    type: bool
    default: false
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.kube_connection
  - meshops.asm.kube_objects
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.istio_resource
  - module: meshops.asm.asm_namespace
"""

EXAMPLES = r"""
- name: Deploy the application and insist on sidecars
  meshops.asm.asm_workload:
    cluster: shop-1
    namespace: bookinfo
    src: bookinfo/workloads.yml
    require_sidecar: true
    wait_timeout: 300

- name: Apply a template with a kubeconfig of one's own
  meshops.asm.asm_workload:
    kubeconfig: ~/.kube/shop-1
    template: reviews-v3.yml.j2

- name: Remove the application
  meshops.asm.asm_workload:
    cluster: shop-1
    namespace: bookinfo
    src: bookinfo/workloads.yml
    state: absent
"""

RETURN = r"""
resources:
  description:
    - Every object of the task with what became of it. In check mode, and after a failure of the validation, with what
      would become of it.
  returned: always
  type: list
  elements: dict
  contains:
    api_version:
      description: The group and version in which the object was applied.
      type: str
      returned: always
    kind:
      description: The kind.
      type: str
      returned: always
    name:
      description: The name.
      type: str
      returned: always
    namespace:
      description: The namespace; V(null) for a cluster-scoped object.
      type: str
      returned: always
    outcome:
      description: V(created), V(updated), V(unchanged), V(deleted), V(failed), or V(skipped) after a failure.
      type: str
      returned: always
    source:
      description: The file and document that holds it; V(null) for an object that was pruned.
      type: str
      returned: always
    error:
      description: Why it failed, in the server's words.
      type: str
      returned: when it failed
  sample:
    - api_version: apps/v1
      kind: Deployment
      name: reviews-v1
      namespace: bookinfo
      outcome: created
      source: bookinfo/workloads.yml, document 4
summary:
  description: How many objects had each outcome.
  returned: always
  type: dict
  sample: {created: 14, updated: 0, unchanged: 0, deleted: 0, failed: 0, skipped: 0}
unlisted:
  description:
    - The kinds among which O(prune) was not allowed to look, so that members of O(set) of these kinds stay.
    - A warning names those that somebody has added to the API server, and counts the built-in ones.
  returned: with O(prune=true)
  type: list
  elements: str
  sample: [APIService.apiregistration.k8s.io]
last_state:
  description: What was still waited for, or the problem of each pod, when the wait ended without success.
  returned: after a failed wait
  type: raw
  sample: {pods: {reviews-v1-5d9c-x2x7k: "pod reviews-v1-5d9c-x2x7k, container reviews: ImagePullBackOff: not found"}}
files:
  description: Which files O(src) and O(template) stand for.
  returned: always
  type: dict
  contains:
    read:
      description: How many files were read.
      type: int
      returned: always
    passed_over:
      description:
        - What lies in their folders and was not read, by path. Its name begins with a dot or has another ending.
      type: list
      elements: str
      returned: always
  sample:
    read: 12
    passed_over: [istio/README.md]
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

from collections.abc import Callable

from ansible_collections.meshops.asm.plugins.module_utils.cluster.access import ClusterAccess
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.module.connection import OBJECT_OPTIONS, concurrency_of
from ansible_collections.meshops.asm.plugins.module_utils.module.objects import ObjectsModule
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_resource


class AsmWorkload(ObjectsModule):
    """Objects in one or several data-plane clusters."""

    target = CLUSTER
    options = {
        "clusters": {"type": "list", "elements": "str", "aliases": ["cluster"]},
        "require_sidecar": {"type": "bool", "default": False},
        **OBJECT_OPTIONS,
    }
    rules = {
        "required_one_of": [("clusters", "kubeconfig"), ("definition", "src", "template", "_documents")],
        "mutually_exclusive": [("clusters", "kubeconfig")],
    }

    def servers(self) -> dict[str, Callable[[], KubeClient]]:
        names = self.params["clusters"]
        if not names:
            return super().servers()
        known = ClusterAccess(self.cloud)
        concurrency = concurrency_of(self.params)
        return {
            name: lambda name=name: KubeClient(load(known.kubeconfig(name)), concurrency=concurrency)
            for name in dict.fromkeys(names)
        }


def main() -> None:
    run_resource(AsmWorkload)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: istio_resource
short_description: Manage Istio resources in the control plane of a mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Applies any number of Istio resources (Gateway, VirtualService, DestinationRule, ServiceEntry and all other kinds)
    and resources of ASM's own kinds to the control plane of a mesh, or removes them.
  - Reads what is there with one list request per kind and namespace. What is as desired gets no further request.
  - Applications do not belong here but in a cluster, see M(meshops.asm.asm_workload).
options:
  mesh:
    description:
      - Name or id of the mesh. Its kubeconfig is fetched for the task and kept in memory only.
      - One of O(mesh) and O(kubeconfig) is needed.
    type: str
  lint:
    description:
      - Look for mistakes that the API server accepts and the mesh cannot follow, before anything is written. Costs one
        list request for each kind that the checks need to know.
      - Hosts are read with the cluster domain of the mesh; with O(kubeconfig), and where the account may not call
        C(DescribeServiceMeshDetail), with C(cluster.local). So are they for O(order).
      - V(ASM001), an error, tells weights of a route that do not add up to 100.
      - V(ASM002), an error, tells a subset that no DestinationRule has (C(istioctl analyze) calls it IST0101). One that
        begins with C($) stands for the value of a C(TrafficLabel).
      - V(ASM003), an error, tells a Gateway that is neither in the mesh nor in the task (IST0101).
      - V(ASM004), an error, tells VirtualServices for the same host within the mesh, of which one hides the other
        (IST0109).
      - V(ASM005), a warning, tells a destination without Service or ServiceEntry, or with one that is not exported to
        where the route is (IST0101). Services of the clusters are only judged where the kubeconfig of the mesh can read
        them.
      - V(ASM006), an error, tells a part of another type, like a weight that is text, which the checks cannot read.
      - V(ASM007), an error, tells a rule that Istio leaves out, because the VirtualService to which it delegates is not
        there, has hosts of its own, or is not exported to the namespace of the rule.
      - V(ASM008), a warning, tells an AuthorizationPolicy with C(action=CUSTOM) whose provider the mesh does not have,
        see M(meshops.asm.asm_extension_provider). Only with O(mesh), and where the account may list the providers.
      - V(ASM009), a warning, tells an ASMLocalRateLimiter, ASMGlobalRateLimiter or ASMCircuitBreaker for an HTTP route
        whose name no VirtualService has.
      - V(ASM010), a warning, tells a WorkloadEntry that no ServiceEntry of its namespace selects. A Service of a
        cluster may select it as well, which nobody can tell from the mesh.
      - V(ASM011), a warning, tells a WorkloadEntry without a service account, which is sent plain text.
      - Objects of others are told only for what the task breaks, for example by taking away a subset that they use.
      - Any error fails the task, and nothing is written.
    type: bool
    default: false
  order:
    description:
      - In which order objects are written when the task takes something away that others may use - a subset, a host or
        port of a ServiceEntry, a Gateway or one of its hosts, ports and listeners, a delegate, a Secret, an issuer of
        tokens, traffic without mutual TLS - when an object that is there begins to use something new, or when a host or
        rule moves from one route to another that stays.
      - With V(strict), what is new is written first, then what refers to it, and what nobody refers to any more goes
        last. An object that gets something new while it loses something else is written with both in between. Before
        each step but the first, the proxies of the mesh have to have what was written before, so that no request is
        sent to what is not there yet or is gone already, with O(wait=false), too. RV(steps) shows it, also in check
        mode.
      - Where no order does that, the task fails before anything is written and says which objects are in each other's
        way. Where one pass does, there is no wait and no further request. It does where all objects are new, so that
        those who have requests already get what their first routes lead to in a task before.
      - Only objects of the same task are put in order. Routes of others to what the task removes are found by O(lint).
      - V(fast) writes all in one pass, and requests may fail until the proxies have followed.
    type: str
    choices: [strict, fast]
    default: strict
    version_added: 0.2.0
  wait_proxies:
    description:
      - Wait for the proxies after the last write, too, so that the change is in force everywhere when the task is done.
      - Not done when nothing had to be written.
    type: bool
    default: false
    version_added: 0.2.0
  proxies_settle:
    description:
      - For how many seconds after a write what the service says of the proxies does not count. Until istiod has sent
        the change, every proxy is in sync with what was before; it collects changes for at most 10 seconds, and sends
        after a tenth of a second where there are no others.
      - Where nobody can be asked (the account may not, or O(kubeconfig) is given instead of O(mesh)), this is all that
        is waited, and a warning says so.
      - Also the environment variable E(MESHOPS_PROXIES_SETTLE).
    type: int
    default: 12
    version_added: 0.2.0
  proxies_timeout:
    description: For how many seconds after that the proxies may be behind.
    type: int
    default: 120
    version_added: 0.2.0
  proxies_behind:
    description:
      - What happens when proxies are behind then. V(fail) ends the task and names them; what they may still use is not
        removed, and running the task again goes on from there. V(go_on) warns and goes on without them.
    type: str
    choices: [fail, go_on]
    default: fail
    version_added: 0.2.0
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.kube_connection
  - meshops.asm.kube_objects
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.istio_resource_info
  - module: meshops.asm.asm_namespace
  - module: meshops.asm.asm_workload
"""

EXAMPLES = r"""
- name: Open the mesh for the application
  meshops.asm.istio_resource:
    mesh: demo
    namespace: bookinfo
    definition:
      apiVersion: networking.istio.io/v1
      kind: Gateway
      metadata:
        name: bookinfo-gateway
      spec:
        selector:
          istio: ingressgateway
        servers:
          - port: {number: 80, name: http, protocol: HTTP}
            hosts: ["*"]

- name: Apply every resource below a folder, and remove the ones that were taken out of it
  meshops.asm.istio_resource:
    mesh: demo
    src: istio/
    set: shop
    prune: true

- name: Refuse routes to subsets, gateways or hosts that are not there
  meshops.asm.istio_resource:
    mesh: demo
    src: istio/
    lint: true

- name: Replace a subset and the routes to it without a lost request
  meshops.asm.istio_resource:
    mesh: demo
    src: istio/
    wait_proxies: true

- name: Shift the traffic with a template
  meshops.asm.istio_resource:
    mesh: demo
    template: reviews.yml.j2
  vars:
    weight: 20

- name: Remove what a file lists
  meshops.asm.istio_resource:
    mesh: demo
    src: bookinfo.yml
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
    - api_version: networking.istio.io/v1
      kind: VirtualService
      name: reviews
      namespace: bookinfo
      outcome: updated
      source: istio/reviews.yml, document 2
unlisted:
  description:
    - The kinds among which O(prune) was not allowed to look, so that members of O(set) of these kinds stay.
    - A warning names those that somebody has added to the API server, and counts the built-in ones.
  returned: with O(prune=true)
  type: list
  elements: str
  sample: [APIService.apiregistration.k8s.io]
steps:
  description: The order of the writes as planned. Without it, one pass does.
  returned: when O(order=strict) has more than one step or has to wait before it
  type: list
  elements: dict
  contains:
    waits_for_proxies:
      description: Whether the proxies have to have what was written before.
      type: bool
      returned: always
    writes:
      description: What is written, in any order.
      type: list
      elements: str
      returned: always
  sample:
    - waits_for_proxies: false
      writes: ["update DestinationRule bookinfo/reviews, with the old beside the new"]
    - waits_for_proxies: true
      writes: [update VirtualService bookinfo/reviews]
    - waits_for_proxies: true
      writes: [update DestinationRule bookinfo/reviews]
findings:
  description: What O(lint) found, also when the task failed because of it.
  returned: with O(lint=true)
  type: list
  elements: dict
  contains:
    code:
      description: The code of the check.
      type: str
      returned: always
    severity:
      description: V(error) or V(warning).
      type: str
      returned: always
    object:
      description: Kind, namespace and name.
      type: str
      returned: always
    place:
      description: The path within the object.
      type: str
      returned: always
    message:
      description: What is wrong.
      type: str
      returned: always
    source:
      description: The file and document that holds the object; V(null) for one that the task does not list.
      type: str
      returned: always
  sample:
    - code: ASM002
      severity: error
      object: VirtualService bookinfo/reviews
      place: spec.http[0].route[1]
      message: "the DestinationRule of the host 'reviews' has no subset 'v4' (it has: v1, v2, v3)"
      source: istio/reviews.yml, document 2
summary:
  description: How many objects had each outcome.
  returned: always
  type: dict
  sample: {created: 0, updated: 1, unchanged: 11, deleted: 0, failed: 0, skipped: 0}
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
last_state:
  description: How many proxies there are, and for each that is behind what it lacks.
  returned: when proxies are behind
  type: raw
  sample: {proxies: 14, behind: {reviews-v2-6cd8-x2x7k.bookinfo: [routes]}}
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

from functools import cache
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Plan
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import MESH
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import cluster_domain
from ansible_collections.meshops.asm.plugins.module_utils.mesh.meshes import describe_mesh, mesh_id, require_mesh
from ansible_collections.meshops.asm.plugins.module_utils.mesh.providers import known_names
from ansible_collections.meshops.asm.plugins.module_utils.mesh.proxies import FAIL, GO_ON, Follower, look
from ansible_collections.meshops.asm.plugins.module_utils.module.connection import OBJECT_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.module.objects import ObjectsModule
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_resource


class IstioResource(ObjectsModule):
    """Objects in the control plane of a mesh."""

    target = MESH
    options = {
        "mesh": {"type": "str"},
        "lint": {"type": "bool", "default": False},
        "order": {"type": "str", "choices": ["strict", "fast"], "default": "strict"},
        "wait_proxies": {"type": "bool", "default": False},
        "proxies_timeout": {"type": "int", "default": 120},
        "proxies_settle": {
            "type": "int",
            "default": 12,
            "fallback": (env_fallback, ["MESHOPS_PROXIES_SETTLE"]),
        },
        "proxies_behind": {"type": "str", "choices": [FAIL, GO_ON], "default": FAIL},
        **OBJECT_OPTIONS,
    }
    rules = {
        "required_one_of": [("mesh", "kubeconfig"), ("definition", "src", "template", "_documents")],
        "mutually_exclusive": [("mesh", "kubeconfig")],
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        mesh = params["mesh"]
        self.identifier = identifier = cache(lambda: mesh_id(require_mesh(cloud, mesh)))
        self.provider_names = lambda: known_names(cloud, identifier())
        self.unknown: list[str] = []
        self.proxies = Follower(
            (lambda: look(cloud, identifier())) if mesh else None,
            settle=float(params["proxies_settle"]),
            timeout=float(params["proxies_timeout"]),
            on_behind=params["proxies_behind"],
            reason="" if mesh else "a kubeconfig alone does not say which mesh of which account it is of.",
        )
        self.detail = cache(lambda: describe_mesh(cloud, identifier()))
        super().__init__(params, cloud)

    def follower(self) -> Follower:
        return self.proxies

    def cluster_domain(self) -> str:
        if not self.params["mesh"]:
            return ""
        try:
            return cluster_domain(self.detail())
        except AsmError as error:
            if error.http_status != 403:
                raise
            self.unknown = [f"cluster.local is taken for the cluster domain of the mesh: {error.message}"]
            return ""

    def providers(self) -> list[str] | None:
        return self.provider_names() if self.params["mesh"] else None

    def apply(self, plan: Plan) -> None:
        super().apply(plan)
        if self.params["wait_proxies"]:
            self.proxies.wait()

    def warnings(self) -> list[str]:
        return [*self.unknown, *self.proxies.warnings]


def main() -> None:
    run_resource(IstioResource)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_baseline
short_description: Run a fresh copy of a version, to compare a new one with
version_added: 0.2.0
author: The meshops.asm authors (@meshops)
description:
  - A version that has run for weeks, with many pods, has warm caches and full pools, and a new one has not. To compare
    like with like, this module runs the old version once more, as fresh and with as many pods as the new one.
  - Makes a Deployment C(<deployment>-baseline) after the one that is there, and a Service C(<service>-baseline) before
    its pods. They have the label C(version) of the original with C(-baseline) behind it, so that subsets and metrics
    tell them apart.
  - The role C(canary) does all that with its option C(baseline).
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.wait
  - meshops.asm.attributes
options:
  clusters:
    description: Names or ids of the clusters that run both versions.
    type: list
    elements: str
    required: true
    aliases: [cluster]
  namespace:
    description: Namespace of both versions.
    type: str
    required: true
  deployment:
    description: Name of the Deployment to copy, that of the old version.
    type: str
    required: true
  service:
    description: Name of the Service to copy, by which requests reach the version. The copy has its ports and selector.
    type: str
    required: true
  like:
    description:
      - Name of the Deployment whose number of pods the copy gets, that of the new version; it gets at least one.
      - Needed with O(state=present).
    type: str
  state:
    description:
      - V(present) makes the copy, or follows what was changed in the original, and waits for its pods.
      - V(absent) removes what this module has made, and nothing else that has such a name.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: meshops.asm.asm_probe
  - module: meshops.asm.asm_workload
"""

EXAMPLES = r"""
- name: Run v1 once more, as fresh as v3
  meshops.asm.asm_baseline:
    clusters: [shop-1, shop-2]
    namespace: bookinfo
    deployment: reviews-v1
    service: reviews
    like: reviews-v3

- name: Remove it again
  meshops.asm.asm_baseline:
    clusters: [shop-1, shop-2]
    namespace: bookinfo
    deployment: reviews-v1
    service: reviews
    state: absent
"""

RETURN = r"""
baseline:
  description: The copies by cluster, in check mode as they are predicted; empty when they are absent.
  returned: success
  type: dict
  sample:
    shop-1: {deployment: reviews-v1-baseline, service: reviews-baseline, version: v1-baseline, pods: 2}
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
  description: What the service said, see M(meshops.asm.asm_mesh).
  returned: failure
  type: dict
  sample:
    code: NotFound
    message: "Cluster shop-1 has no Deployment..."
    request_id: ""
    http_status: null
"""

from dataclasses import replace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster.access import ClusterAccess
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import NONE, Plan, Progress
from ansible_collections.meshops.asm.plugins.module_utils.kube import baseline, documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.fleet import Fleet
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

_PLURALS = {"Deployment": "/apis/apps/v1/namespaces/{}/deployments/{}", "Service": "/api/v1/namespaces/{}/services/{}"}

Json = dict[str, Any]


class Baseline(ResourceModule):
    """The copies in all clusters; nothing is written anywhere unless every cluster could be planned."""

    result = "baseline"
    options = {
        "clusters": {"type": "list", "elements": "str", "required": True, "aliases": ["cluster"]},
        "namespace": {"type": "str", "required": True},
        "deployment": {"type": "str", "required": True},
        "service": {"type": "str", "required": True},
        "like": {"type": "str"},
    }
    rules = {"required_if": [("state", "present", ("like",))]}

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        if not params["clusters"]:
            raise InvalidInput("clusters must name at least one cluster.")
        self.shown: dict[str, Json] = {}
        self.before: dict[str, Json] = {}
        self.objects: Fleet | None = None

    def find(self) -> Any:
        return self._objects().find()

    def plan(self, found: Any) -> Plan:
        """What is copied may hold settings that nobody wants to see, so the diff says only what the copies are."""
        plan = self._objects().plan(found)
        after = {} if self.wants_absence() else self.shown
        if plan.action == NONE:
            return Plan(before=after, after=after, predicted=after, warnings=plan.warnings)
        return replace(plan, before=self.before, after=after, predicted=after)

    def apply(self, plan: Plan) -> None:
        self._objects().apply(plan)

    def progress(self, plan: Plan) -> Progress:
        return self._objects().progress()

    def view(self, found: Any) -> Any:
        return {} if self.wants_absence() else self.shown

    def wrote(self) -> bool:
        return (self.objects is not None and self.objects.wrote()) or super().wrote()

    def _objects(self) -> Fleet:
        """The copies in every cluster, of which each is looked into once."""
        if self.objects is None:
            access = ClusterAccess(self.cloud)
            names = dict.fromkeys(self.params["clusters"])
            self.objects = Fleet({name: self._set(name, KubeClient(load(access.kubeconfig(name)))) for name in names})
        return self.objects

    def _set(self, cluster: str, client: KubeClient) -> ObjectSet:
        p = self.params
        bodies = baseline.leftovers(p["deployment"], p["service"])
        live = [self._get(client, body["kind"], body["metadata"]["name"]) for body in bodies]
        for body, found in zip(bodies, live, strict=True):
            what = f"{body['kind']} {p['namespace']}/{body['metadata']['name']} of cluster {cluster}"
            baseline.refuse_others(found, p["deployment"], what)
        if live[0] is not None:
            self.before[cluster] = self._seen(live[0])
        if not self.wants_absence():
            bodies = self._copies(cluster, client)
            self.shown[cluster] = self._seen(bodies[0])
        wishes = Wishes(CLUSTER, documents.from_definition(bodies), p["namespace"], absent=self.wants_absence())
        # The fields of a copy are this module's, whoever scaled it in between.
        return ObjectSet(wishes, Manner(force_conflicts=True, patience=float(p["wait_timeout"])), lambda: client)

    def _copies(self, cluster: str, client: KubeClient) -> list[Json]:
        wanted = (("Deployment", "deployment"), ("Deployment", "like"), ("Service", "service"))
        found = {option: self._get(client, kind, self.params[option]) for kind, option in wanted}
        for kind, option in wanted:
            if found[option] is None:
                name = f"{self.params['namespace']}/{self.params[option]}"
                raise NotFound(f"Cluster {cluster} has no {kind} {name}, which {option} names.")
        pods = baseline.pods_of(found["like"] or {})
        return baseline.copies(found["deployment"] or {}, found["service"] or {}, pods)

    def _get(self, client: KubeClient, kind: str, name: str) -> Json | None:
        return client.get(_PLURALS[kind].format(self.params["namespace"], name))

    def _seen(self, deployment: Json) -> Json:
        return {
            "deployment": deployment["metadata"]["name"],
            "service": baseline.named(self.params["service"]),
            "version": baseline.version_of(deployment),
            "pods": baseline.pods_of(deployment),
        }


def main() -> None:
    run_resource(Baseline)


if __name__ == "__main__":
    main()

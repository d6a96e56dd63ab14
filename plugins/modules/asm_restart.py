#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_restart
short_description: Restart workloads one after the other, so that their pods get the sidecar of the mesh
version_added: 0.2.0
author: The meshops.asm authors (@meshops)
description:
  - Pods get their sidecar when they are made. After a namespace has been labelled for injection, or the mesh was
    upgraded, its workloads have to make new pods.
  - Restarts Deployments, StatefulSets and DaemonSets of a namespace as C(kubectl rollout restart) does, one after the
    other and one cluster after the other. Each is waited for before the next is begun, and one whose new pods do not
    become ready, or come without a sidecar, ends the task.
  - At the end every pod has to have its sidecar, and the service has to say that each of them is in sync
    (action C(DescribeServiceMeshProxyStatus)).
  - Kubernetes replaces pods without a gap where there are several, or may be one more for a while. Workloads for which
    it cannot are named in a warning. Whether the old pods finish what they have begun is up to the application, as with
    every rollout; where it ends at once, a C(preStop) hook that sleeps some seconds helps.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
attributes:
  idempotent:
    support: partial
    details:
      - With O(restart=always) each run restarts.
options:
  clusters:
    description: Names or ids of the clusters of the mesh, in the order in which they are handled.
    type: list
    elements: str
    required: true
    aliases: [cluster]
  namespace:
    description: Namespace of the workloads.
    type: str
    required: true
  workloads:
    description:
      - Which ones, in which order, each as C(Kind/name), like V(Deployment/reviews-v1).
      - Unset means all of the namespace, DaemonSets first, then StatefulSets, then Deployments, by name.
    type: list
    elements: str
  restart:
    description:
      - V(without_sidecar) restarts only workloads that have a pod without a sidecar. Pods that decline it with
        C(sidecar.istio.io/inject) or use the network of their node never get one and are no reason.
      - V(always) restarts each of them, for example to bring sidecars to the version of an upgraded mesh.
    type: str
    choices: [without_sidecar, always]
    default: without_sidecar
seealso:
  - module: meshops.asm.asm_namespace
  - module: meshops.asm.asm_workload_info
"""

EXAMPLES = r"""
- name: Ask for sidecars in a namespace that has applications already
  meshops.asm.asm_namespace:
    mesh: shop
    name: web
    injection: enabled

- name: Give its pods their sidecars, the caches first
  meshops.asm.asm_restart:
    mesh: shop
    clusters: [shop-1, shop-2]
    namespace: web
    workloads: [StatefulSet/cache, Deployment/frontend]

- name: Bring all sidecars of a namespace to the version of the mesh
  meshops.asm.asm_restart:
    mesh: shop
    clusters: [shop-1]
    namespace: web
    restart: always
"""

RETURN = r"""
workloads:
  description: The workloads, in the order in which they are restarted.
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
      description: The kind.
      type: str
      returned: success
    name:
      description: The name.
      type: str
      returned: success
    pods:
      description: How many pods it has.
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
    restarted:
      description: Whether it was restarted, or in check mode would be.
      type: bool
      returned: success
  sample:
    - {cluster: shop-1, namespace: web, kind: Deployment, name: frontend, pods: 2, without_sidecar: [], exempt: "",
       restarted: true}
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
  sample: {code: WaitFailed, message: "shop-1: Deployment web/frontend will not...", request_id: "", http_status: null}
"""

import datetime
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.cluster.access import ClusterAccess
from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    NONE,
    UPDATE,
    Clock,
    Plan,
    Progress,
    failed,
    wait_until_done,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import dig
from ansible_collections.meshops.asm.plugins.module_utils.kube import injected, restarting
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.kube.restarting import Place, Workload
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, proxies
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

_ALWAYS = "always"
# Where the description of a mesh says that namespaces without a label are injected, too.
_EVERYWHERE = "Spec.MeshConfig.SidecarInjector.EnableNamespacesByDefault"
# Seconds for the label of a namespace to come from the control plane to the clusters.
_LABEL = 60.0


class Restart(ResourceModule):
    """Workloads of one namespace in one or several clusters."""

    result = "workloads"
    removable = False
    options = {
        "mesh": {"type": "str", "required": True},
        "clusters": {"type": "list", "elements": "str", "required": True, "aliases": ["cluster"]},
        "namespace": {"type": "str", "required": True},
        "workloads": {"type": "list", "elements": "str"},
        "restart": {"type": "str", "choices": ["without_sidecar", _ALWAYS], "default": "without_sidecar"},
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        restarting.check_names(params["workloads"])
        if not params["clusters"]:
            raise InvalidInput("clusters must name at least one cluster.")
        self.clock = Clock()
        # Fixed for the run, so that a patch that is sent again restarts nothing again.
        self.stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.places: list[Place] = []
        self.everywhere = False
        self.done: set[str] = set()
        self.unasked = ""

    def find(self) -> list[Place]:
        if not self.places:
            self.places = self._connected()
        for place in self.places:
            place.look()
        return self.places

    def plan(self, found: list[Place]) -> Plan:
        before, after, warnings = {}, {}, []
        for place in found:
            chosen = self._chosen(place)
            restarting.refuse(place, chosen)
            for one in chosen:
                always = self.params["restart"] == _ALWAYS
                without = f"{len(one.lacking)} of {len(one.pods)} pods without a sidecar"
                before[place.title(one)] = "as it is" if always else without
                after[place.title(one)] = "restarted" if always else "every pod with a sidecar"
                warnings += [f"{place.title(one)}: {one.risk}."] if one.risk else []
        predicted = self._shown(dict.fromkeys(after, True))
        return Plan(UPDATE if after else NONE, before, after, predicted=predicted, warnings=tuple(warnings))

    def apply(self, plan: Plan) -> None:
        for place in self.places:
            for one in self._chosen(place):
                if place.title(one) in self.done:
                    continue
                self._wait_for_label(place, one)
                if self.params["wait"]:
                    place.roll(one, self.stamp, float(self.params["wait_timeout"]), self.clock)
                else:
                    place.restart(one, self.stamp)
                self.done.add(place.title(one))

    def progress(self, plan: Plan) -> Progress:
        for place in self.places:
            workloads = place.look()
            for one in workloads:
                state = place.progress(one)
                if not state.done:
                    return state
            lacking = restarting.sidecars(place, workloads)
            if lacking.failed:
                return lacking
        return self._in_sync([proxy for place in self.places for proxy in restarting.proxies_of(place.workloads)])

    def view(self, found: list[Place]) -> list[dict[str, Any]]:
        return self._shown(dict.fromkeys(self.done, True))

    def wrote(self) -> bool:
        return any(place.client.writes for place in self.places) or super().wrote()

    def warnings(self) -> list[str]:
        return [self.unasked] if self.unasked else []

    def _connected(self) -> list[Place]:
        """The clusters of the task; all of them have to be in the mesh."""
        mesh = meshes.require_mesh(self.cloud, self.params["mesh"])
        self.id = meshes.mesh_id(mesh)
        detail = meshes.describe_mesh(self.cloud, self.id)
        self.everywhere = bool(decoding.boolean(dig(detail, _EVERYWHERE)))
        attached = clusters.attached(self.cloud, self.id)
        names = list(dict.fromkeys(self.params["clusters"]))
        strange = [name for name in names if clusters.pick(attached, name) is None]
        if strange:
            raise NotFound(
                f"Not in mesh '{self.params['mesh']}': {', '.join(strange)} (attached: "
                f"{', '.join(clusters.names(attached)) or 'none'}). Attach clusters with meshops.asm.asm_cluster."
            )
        access = ClusterAccess(self.cloud)
        return [
            Place(KubeClient(load(access.kubeconfig(name))), name, self.params["namespace"], self.params["workloads"])
            for name in names
        ]

    def _chosen(self, place: Place) -> list[Workload]:
        """Those that are to be restarted."""
        always = self.params["restart"] == _ALWAYS
        return [one for one in place.workloads if (one.pods and always) or one.needs_restart]

    def _wait_for_label(self, place: Place, workload: Workload) -> None:
        """The label of the namespace comes from the control plane, a moment after it was set there."""
        if self.everywhere or workload.exempt or self.params["restart"] == _ALWAYS:
            return

        def look() -> Progress:
            if injected.asks_for_sidecars(place.labels(), workload.template):
                return DONE
            if self.clock.now() >= end:
                return failed(
                    f"The namespace '{place.namespace}' of cluster {place.cluster} does not ask for injection, so that "
                    "a restart would bring no sidecar. Set injection: enabled with meshops.asm.asm_namespace."
                )
            return waiting(f"the label of namespace '{place.namespace}' to reach cluster {place.cluster}")

        end = self.clock.now() + _LABEL
        wait_until_done(look, timeout=_LABEL * 2, clock=self.clock)

    def _in_sync(self, pods: list[str]) -> Progress:
        if not pods or self.unasked:
            return DONE
        try:
            seen = proxies.look(self.cloud, self.id)
        except AsmError as error:
            self.unasked = f"Nobody can say whether the sidecars are in sync: {error.message}"
            return DONE
        away = sorted(set(pods) - set(seen.names))
        behind = {name: parts for name, parts in seen.behind.items() if name in pods}
        if not away and not behind:
            return DONE
        who = proxies.named(behind) if behind else ", ".join(away[:5])
        return waiting(f"the proxies of {who} to be in sync with the control plane", last=seen.text)

    def _shown(self, restarted: dict[str, bool]) -> list[dict[str, Any]]:
        return [
            {
                "cluster": place.cluster,
                "namespace": one.namespace,
                "kind": one.kind,
                "name": one.name,
                "pods": len(one.pods),
                "without_sidecar": one.lacking,
                "exempt": one.exempt,
                "restarted": restarted.get(place.title(one), False),
            }
            for place in self.places
            for one in place.workloads
        ]


def main() -> None:
    run_resource(Restart)


if __name__ == "__main__":
    main()

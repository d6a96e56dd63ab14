# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the pods of a gateway are those that its object asks for, in every cluster.

The status of an IstioGateway says where the gateway is reached, and nothing of its pods. So the clusters are asked,
where the service keeps a Deployment and a Service ``istio-<name>`` for it. Between the object and those two is the
service's operator, which does not say how far it is. What was written has to show in them first, as far as it can be
told (number of pods, their labels and annotations, ports). Where pods change in any other way the Deployment has to be
another one; one that stays as it was for ``STALE_LOOKS`` is taken to be as the operator wants it. Then its rollout is
waited for.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding, shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, STALE_LOOKS, Progress, waiting
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT, WORD
from ansible_collections.meshops.asm.plugins.module_utils.gateway.gateways import ClusterClients, clusters_of
from ansible_collections.meshops.asm.plugins.module_utils.gateway.patches import in_cluster
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import Kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item
from ansible_collections.meshops.asm.plugins.module_utils.kube.readiness import Readiness

# Fields of the object that are no matter of pods, or not at once.
_OF_SERVICE = {
    *("serviceType", "serviceLabels", "serviceAnnotations"),
    *("loadBalancerClass", "loadBalancerIP", "externalTrafficPolicy"),
}
_OF_AUTOSCALER = {"minReplicas", "maxReplicas", "cpu", "memory"}
_OF_OBJECT = {"clusterIds", "overrides", "gatewayType"}
_NO_PODS = frozenset(_OF_SERVICE | _OF_AUTOSCALER | _OF_OBJECT)
# Seconds for a cluster that cannot be reached from here: it is only asked how far its pods are.
_PATIENCE = 5.0

_TEXTS: shapes.Shape = {...: TEXT}
_PORTS: shapes.Shape = [{"port": NUMBER, "targetPort": WORD, "protocol": TEXT}]
_SPEC: shapes.Shape = {"podLabels": _TEXTS, "podAnnotations": _TEXTS, "ports": _PORTS}
_DEPLOYMENT: shapes.Shape = {
    "metadata": {"generation": NUMBER},
    "spec": {"replicas": NUMBER, "template": {"metadata": {"labels": _TEXTS, "annotations": _TEXTS}}},
}
_SERVICE: shapes.Shape = {"spec": {"ports": _PORTS}}
_KIND = Kind("apps", "v1", "Deployment", "deployments")

Json = dict[str, Any]
Port = tuple[int, str]


class Rollout:
    """The wait for the pods of the gateway ``name``; ``names`` are those of the mesh's clusters, by id.

    Clusters that nobody may look into are passed over; ``warnings`` say so after a write.
    """

    def __init__(self, cloud: Cloud, name: str, names: dict[str, str]) -> None:
        self._name = name
        self._names = names
        self._clients = ClusterClients(cloud, patience=_PATIENCE)
        self._listed: dict[str, Json] | None = None
        # By the ids of clusters: what was there before the write, and who waits or need not wait any more.
        self._before: dict[str, Json] = {}
        self._generations: dict[str, int] = {}
        self._looks: dict[str, int] = {}
        self._readiness: dict[str, Readiness] = {}
        self._over: set[str] = set()
        self._unseen: dict[str, str] = {}
        self._wrote = False

    def note(self, gateway: Json | None) -> None:
        """To be called before a write: what there is of ``gateway``, the object as it is, in its clusters."""
        self._wrote = True
        self._over, self._readiness, self._looks = set(), {}, {}
        known = [one for one in clusters_of(gateway) if one in self._names]
        self._before = {one: in_cluster(gateway or {}, one) for one in known}
        for cluster in self._before:
            found = self._get(cluster, "/apis/apps/v1", "deployments")
            self._generations[cluster] = _generation(found) if found else 0

    def progress(self, gateway: Json) -> Progress:
        """How far the pods are that the object ``gateway`` asks for."""
        states = [self._progress(one, gateway) for one in clusters_of(gateway) if one in self._names]
        left = [state for state in states if not state.done]
        return next((state for state in left if state.failed), left[0] if left else DONE)

    def warnings(self) -> list[str]:
        """Which clusters could not be asked."""
        if not self._wrote:
            return []
        return [
            f"Nobody can say whether the pods of gateway '{self._name}' in {self._names[cluster]} follow: {why}"
            for cluster, why in sorted(self._unseen.items())
        ]

    def _progress(self, cluster: str, gateway: Json) -> Progress:
        if cluster in self._over or cluster in self._unseen:
            return DONE
        try:
            state = self._look(cluster, gateway)
        except AsmError as error:
            self._unseen[cluster] = error.message
            return DONE
        if state is None or state.done:
            self._over.add(cluster)
            return DONE
        return state

    def _look(self, cluster: str, gateway: Json) -> Progress | None:
        """``None`` for a cluster that cannot be looked into."""
        where = self._names[cluster]
        if cluster not in self._readiness:
            deployment = self._get(cluster, "/apis/apps/v1", "deployments")
            if cluster in self._unseen:
                return None
            missing = self._missing(cluster, gateway, deployment)
            if missing or deployment is None:
                return waiting(f"{missing} of gateway '{self._name}' in {where}")
            item = Item(_KIND, ROOT_NAMESPACE, f"istio-{self._name}", body=deployment, live=deployment)
            self._readiness[cluster] = Readiness(self._client(cluster), [item])
        state = self._readiness[cluster].look()
        if state.failed or state.done:
            return state
        return waiting(f"{state.what} of gateway '{self._name}' in {where}", state.percent, state.last)

    def _missing(self, cluster: str, gateway: Json, deployment: Json | None) -> str:
        """What the cluster has to show before the rollout counts, in words; empty for nothing."""
        if deployment is None:
            return f"the Deployment istio-{self._name}"
        if not self._wrote:
            return ""
        before, after = self._before.get(cluster), in_cluster(gateway, cluster)
        changed = {key for key in {**(before or {}), **after} if (before or {}).get(key) != after.get(key)}
        service = self._get(cluster, "/api/v1", "services") if "ports" in changed else None
        missing = lacking(changed, before or {}, after, deployment, service)
        if missing or not changed - _NO_PODS or self._generations.get(cluster, 0) != _generation(deployment):
            return missing
        self._looks[cluster] = self._looks.get(cluster, 0) + 1
        return "" if self._looks[cluster] > STALE_LOOKS else "other pods"

    def _get(self, cluster: str, api: str, plural: str) -> Json | None:
        """The object ``istio-<name>``; ``None`` also where nobody may look, which is noted."""
        if cluster in self._unseen:
            return None
        try:
            return self._client(cluster).get(f"{api}/namespaces/{ROOT_NAMESPACE}/{plural}/istio-{self._name}")
        except AsmError as error:
            self._unseen[cluster] = error.message
            return None

    def _client(self, cluster: str) -> KubeClient:
        if self._listed is None:
            self._listed = self._clients.listed(list(self._names))
        if cluster not in self._listed:
            raise AsmError("Container Service does not manage this cluster.", code="NotManaged")
        return self._clients.client(self._listed[cluster])


def lacking(changed: set[str], before: Json, after: Json, deployment: Json, service: Json | None) -> str:
    """What a Deployment and a Service do not show yet of the ``changed`` fields of a gateway's spec, in words. Pure."""
    spec, old = shapes.fit(after, _SPEC)[0], shapes.fit(before, _SPEC)[0]
    found = (shapes.fit(deployment, _DEPLOYMENT)[0] or {}).get("spec") or {}
    pods = decoding.whole(after.get("replicaCount"))
    if "replicaCount" in changed and pods and not after.get("autoscaleEnabled") and found.get("replicas") != pods:
        return f"the number of pods to be {pods}"
    metadata = (found.get("template") or {}).get("metadata") or {}
    for field, key in (("podLabels", "labels"), ("podAnnotations", "annotations")):
        shown = metadata.get(key) or {}
        if field in changed and any(shown.get(name) != value for name, value in (spec.get(field) or {}).items()):
            return f"the {key} of the pods"
    if "ports" in changed:
        have = _ports((shapes.fit(service, _SERVICE)[0] or {}).get("spec") or {})
        wanted = _ports(spec)
        gone = set(_ports(old)) - set(wanted)
        # Without a target of its own the service chooses one.
        if gone & set(have) or any(key not in have or target not in ("", have[key]) for key, target in wanted.items()):
            return "the ports"
    return ""


def _ports(spec: Json) -> dict[Port, str]:
    """``{(port, protocol): target}``; the target is empty where none is given."""
    return {
        (int(one.get("port") or 0), one.get("protocol") or "TCP"): one.get("targetPort") or ""
        for one in spec.get("ports") or []
    }


def _generation(deployment: Json) -> int:
    return int(((shapes.fit(deployment, _DEPLOYMENT)[0] or {}).get("metadata") or {}).get("generation") or 0)

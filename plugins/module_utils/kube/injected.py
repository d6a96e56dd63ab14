# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods of a namespace have the mesh's sidecar, and what a restart of their workloads means. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT
from ansible_collections.meshops.asm.plugins.module_utils.kube.namespaces import INJECTION, REVISION
from ansible_collections.meshops.asm.plugins.module_utils.kube.workloads import (
    declines_sidecar,
    has_sidecar,
    is_live,
    selects,
)

Json = dict[str, Any]

# The kinds that make new pods when their template changes, in the order in which they are restarted by default.
KINDS = {"DaemonSet": "daemonsets", "StatefulSet": "statefulsets", "Deployment": "deployments"}
POD = "Pod"
# What `kubectl rollout restart` writes into the template, and each pod has from it.
RESTARTED = "kubectl.kubernetes.io/restartedAt"

_MARKS: shapes.Shape = {"labels": {...: TEXT}, "annotations": {...: TEXT}}
_POD_SPEC: shapes.Shape = {"containers": [{}], "initContainers": [{}]}
_POD: shapes.Shape = {"metadata": _MARKS, "spec": _POD_SPEC, "status": {}}
_EXPRESSION: shapes.Shape = {"key": TEXT, "operator": TEXT, "values": [TEXT]}
_WORKLOAD: shapes.Shape = {
    "metadata": _MARKS,
    "spec": {
        "replicas": NUMBER,
        "selector": {"matchLabels": {...: TEXT}, "matchExpressions": [_EXPRESSION]},
        "strategy": {"rollingUpdate": {}},
        "updateStrategy": {"rollingUpdate": {}},
        "template": {"metadata": _MARKS, "spec": _POD_SPEC},
    },
}


@dataclass(frozen=True)
class Workload:
    """A workload with its pods that still count. A pod that no workload of ``KINDS`` has is one by itself."""

    namespace: str
    kind: str
    name: str
    body: Json
    pods: tuple[Json, ...]

    @property
    def short(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def path(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/{KINDS[self.kind]}/{self.name}"

    @property
    def template(self) -> Json:
        """What its pods are made from, in the form of a pod."""
        if self.kind == POD:
            return self.body
        template = (self.body.get("spec") or {}).get("template") or {}
        return {"metadata": template.get("metadata") or {}, "spec": template.get("spec") or {}}

    @property
    def exempt(self) -> str:
        """Why its pods never get a sidecar, as far as they say it themselves; empty when they may."""
        return exemption(self.template)

    @property
    def lacking(self) -> list[str]:
        """Names of its pods without a sidecar."""
        return [_name(pod) for pod in self.pods if not has_sidecar(pod)]

    @property
    def needs_restart(self) -> bool:
        """Whether pods of the latest restart lack a sidecar that they might have.

        Those of an earlier one go by themselves: a rollout is under way.
        """
        latest = _restart(self.template)
        current = [pod for pod in self.pods if _restart(pod) == latest]
        return not self.exempt and any(not has_sidecar(pod) for pod in current)

    @property
    def risk(self) -> str:
        """Why no pod may be there for a while when it is restarted; empty when Kubernetes keeps some."""
        return interruption(self.kind, self.body)

    @property
    def refusal(self) -> str:
        """Why a change of its template makes no new pods; empty when it does, and for a pod, which has none."""
        spec = self.body.get("spec") or {} if self.kind in KINDS else {}
        if spec.get("paused"):
            return "its rollout is paused (spec.paused)"
        if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
            return "it makes new pods only when somebody deletes the old ones (updateStrategy OnDelete)"
        return ""


def group(namespace: str, found: dict[str, list[Json]], pods: Iterable[Json]) -> list[Workload]:
    """The workloads of a namespace with their pods, in the order of a restart; pods of nobody come last.

    ``found`` is ``{kind: [objects]}``. Pods that have ended or are on their way out do not count.
    """
    live = [pod for pod in shapes.fit(list(pods), [_POD])[0] if is_live(pod)]
    fitted = {kind: _sorted(shapes.fit(found.get(kind), [_WORKLOAD])[0]) for kind in KINDS}
    workloads = [_with_pods(namespace, kind, body, live) for kind in KINDS for body in fitted[kind]]
    taken = {_name(pod) for one in workloads for pod in one.pods}
    alone = [pod for pod in _sorted(live) if _name(pod) not in taken]
    return [*workloads, *(Workload(namespace, POD, _name(pod), pod, (pod,)) for pod in alone)]


def exemption(pod: Json) -> str:
    """Why the injector leaves a pod alone (Istio, "Installing the Sidecar"); empty when the pod says nothing of it."""
    if (pod.get("spec") or {}).get("hostNetwork"):
        return "it uses the network of its node"
    return "it declines it (sidecar.istio.io/inject)" if declines_sidecar(pod) else ""


def interruption(kind: str, body: Json) -> str:
    """Why none of a workload's pods may serve for a while when they are replaced; empty when some always do."""
    spec = body.get("spec") or {}
    replicas = spec.get("replicas", 1)
    if kind == "Deployment":
        strategy = spec.get("strategy") or {}
        if strategy.get("type") == "Recreate":
            return "all of its pods end before there are new ones (strategy Recreate)"
        most = _share((strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%"), replicas)
        return f"all of its {replicas} pods may be away at once (maxUnavailable)" if 0 < replicas <= most else ""
    if kind == "StatefulSet":
        return "its only pod ends before there is a new one" if replicas == 1 else ""
    if kind == "DaemonSet":
        surge = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("maxSurge") or 0
        return "" if str(surge) not in ("0", "0%") else "on each node its pod ends before there is a new one"
    return ""


def asks_for_sidecars(labels: Json, template: Json) -> bool:
    """Whether a namespace with these labels, or the template itself, asks the injector for a sidecar.

    ``istio-injection`` wins over ``istio.io/rev`` (Istio, "Installing the Sidecar").
    """
    own = (template.get("metadata") or {}).get("labels") or {}
    if str(labels.get(INJECTION) or "") == "disabled":
        return False
    return labels.get(INJECTION) == "enabled" or bool(labels.get(REVISION)) or _is_true(own)


def _is_true(labels: Json) -> bool:
    return str(labels.get("sidecar.istio.io/inject", "")).lower() == "true" or bool(labels.get(REVISION))


def _with_pods(namespace: str, kind: str, body: Json, pods: list[Json]) -> Workload:
    selector = (body.get("spec") or {}).get("selector") or {}
    mine = [pod for pod in pods if selector and selects(selector, pod["metadata"].get("labels") or {})]
    return Workload(namespace, kind, _name(body), body, tuple(mine))


def _share(value: Any, whole: int) -> int:
    """A number or a percentage of ``whole``, rounded down as Kubernetes does for maxUnavailable; 0 for neither."""
    number, percent, _rest = str(value).partition("%")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return 0
    return whole * int(number) // 100 if percent else int(number)


def _restart(pod: Json) -> Any:
    return ((pod.get("metadata") or {}).get("annotations") or {}).get(RESTARTED)


def _sorted(objects: Iterable[Json]) -> list[Json]:
    return sorted(objects, key=_name)


def _name(found: Json) -> str:
    return str(found["metadata"].get("name") or "")

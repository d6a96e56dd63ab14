# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workloads of one namespace in one cluster: read, and restarted one after the other.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound, Refused, WaitFailed
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    Clock,
    Progress,
    failed,
    wait_until_done,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube import injected
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.injected import RESTARTED, Workload
from ansible_collections.meshops.asm.plugins.module_utils.kube.workloads import has_sidecar, pod_problem, state_of

Json = dict[str, Any]

_SHOWN = 5


def read(client: KubeClient, namespace: str) -> list[Workload]:
    """The workloads of a namespace with their pods, in the order of a restart, and the pods that belong to none."""
    kinds = injected.KINDS.items()
    found = {kind: client.list(f"/apis/apps/v1/namespaces/{namespace}/{plural}") for kind, plural in kinds}
    return injected.group(namespace, found, client.list(f"/api/v1/namespaces/{namespace}/pods"))


class Place:
    """One namespace in one cluster. ``chosen`` are workloads in their order, as ``Kind/name``; None for all."""

    def __init__(self, client: KubeClient, cluster: str, namespace: str, chosen: list[str] | None) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.client = client
        self._chosen = chosen
        self.workloads: list[Workload] = []

    def look(self) -> list[Workload]:
        """Reads the workloads anew; raises ``NotFound`` for a namespace or a workload that is not there."""
        self.labels()
        self.workloads = pick(read(self.client, self.namespace), self._chosen, f"{self.namespace} of {self.cluster}")
        return self.workloads

    def labels(self) -> Json:
        """Those of the namespace; raises ``NotFound`` when it is not there."""
        found = self.client.get(f"/api/v1/namespaces/{self.namespace}")
        if found is None:
            raise NotFound(f"Cluster {self.cluster} has no namespace '{self.namespace}'.")
        return dict(found["metadata"].get("labels") or {})

    def title(self, workload: Workload) -> str:
        return f"{self.cluster}: {workload.kind} {workload.namespace}/{workload.name}"

    def restart(self, workload: Workload, stamp: str) -> None:
        """What ``kubectl rollout restart`` does: a new template, by which the workload's controller makes new pods."""
        annotations = {RESTARTED: stamp}
        self.client.merge(workload.path, {"spec": {"template": {"metadata": {"annotations": annotations}}}})

    def progress(self, workload: Workload) -> Progress:
        """How far the rollout of one workload is; a pod that will not start makes it a failure."""
        found = self.client.get(workload.path)
        if found is None:
            return failed(f"{self.title(workload)} was removed meanwhile, by another run or by hand.")
        state = state_of(workload.kind, found)
        if state.done or state.failed:
            return state
        (now,) = pick(read(self.client, self.namespace), [workload.short], self.namespace)
        stuck = [text for pod in now.pods if (text := pod_problem(pod))]
        if stuck:
            return failed(f"{self.title(workload)} will not become ready: {'; '.join(stuck[:_SHOWN])}.")
        return waiting(f"{state.what} in cluster {self.cluster}", state.percent)

    def roll(self, workload: Workload, stamp: str, timeout: float, clock: Clock) -> None:
        """Restarts a workload and waits for it (seconds). One whose pods come back without a sidecar ends the run."""
        self.restart(workload, stamp)
        wait_until_done(lambda: self.progress(workload), timeout=timeout, clock=clock)
        (now,) = pick(read(self.client, self.namespace), [workload.short], self.namespace)
        if now.lacking and not now.exempt:
            raise WaitFailed(
                f"{self.title(workload)} was restarted, and its new pods have no sidecar either: "
                f"{', '.join(now.lacking[:_SHOWN])}. The injector was not asked or could not be reached; no other "
                "workload was restarted after it."
            )


def pick(found: list[Workload], chosen: list[str] | None, where: str) -> list[Workload]:
    """Those that are named, in that order; without names all that can be restarted. Pure.

    Raises ``NotFound`` with what is there instead.
    """
    known = {one.short: one for one in found if one.kind != injected.POD}
    missing = [name for name in chosen or [] if name not in known]
    if missing:
        raise NotFound(
            f"There is no {', no '.join(missing)} in {where}. There are: {', '.join(sorted(known)) or 'no workloads'}."
        )
    return list(known.values()) if chosen is None else [known[name] for name in dict.fromkeys(chosen)]


def check_names(chosen: list[str] | None) -> None:
    """Raises ``InvalidInput`` for names that are not ``Kind/name``."""
    for name in chosen or []:
        kind, slash, rest = name.partition("/")
        if not (slash and rest) or kind not in injected.KINDS:
            raise InvalidInput(
                f"workloads: '{name}' is not Kind/name with one of the kinds {', '.join(sorted(injected.KINDS))}."
            )


def refuse(place: Place, workloads: list[Workload]) -> None:
    """Raises ``Refused`` when one of them would make no new pods."""
    reasons = [f"{place.title(one)}: {one.refusal}" for one in workloads if one.refusal]
    if reasons:
        raise Refused(f"Nothing was restarted, because a restart would do nothing: {'; '.join(reasons)}.")


def proxies_of(workloads: list[Workload]) -> list[str]:
    """``pod.namespace`` of the pods with a sidecar, which is what istiod calls their proxies."""
    return [f"{pod['metadata']['name']}.{one.namespace}" for one in workloads for pod in one.pods if has_sidecar(pod)]


def sidecars(place: Place, workloads: list[Workload]) -> Progress:
    """Whether every pod that can have a sidecar has one."""
    for one in workloads:
        if one.lacking and not one.exempt:
            return failed(f"{place.title(one)}: without a sidecar are {', '.join(one.lacking[:_SHOWN])}.")
    return DONE

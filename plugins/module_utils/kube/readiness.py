# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a set of objects until they are ready or gone: one LIST per kind and namespace a look.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, Progress, failed, waiting
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import Kind, table_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, asked, by_place, listed
from ansible_collections.meshops.asm.plugins.module_utils.kube.workloads import (
    condition,
    declines_sidecar,
    has_rule,
    has_sidecar,
    is_live,
    pod_delay,
    pod_problem,
    selects,
    state_of,
)

WITH_PODS = frozenset({"DaemonSet", "Deployment", "Job", "StatefulSet"})
_INJECTED = frozenset({"DaemonSet", "Deployment", "StatefulSet"})
_SHOWN_EVENTS = 3
_LOOKS_BEFORE_EVENTS = 4
_REVISION = "deployment.kubernetes.io/revision"

Json = dict[str, Any]


class Readiness:
    """The wait for one set of objects; remembers which are done, so that each look asks for the rest only."""

    def __init__(self, client: KubeClient, items: list[Item], *, require_sidecar: bool = False) -> None:
        self._client = client
        self._looks = 0
        self._present = [item for item in items if item.body is not None and has_rule(item.kind.term)]
        self._going = [item for item in items if item.body is None and item.live is not None]
        self._injected = [item for item in self._present if item.kind.term in _INJECTED] if require_sidecar else []
        # The first look costs nothing: what was listed, or what the server answered to the write.
        self._latest = {item.key: state for item in self._present if (state := item.predicted or item.live)}

    def look(self) -> Progress:
        """How far the set is; a failure carries the events that explain it."""
        self._looks += 1
        latest, self._latest = self._latest, {}
        unseen = [item for item in [*self._present, *self._going] if item.key not in latest]
        latest.update(self._read(unseen))
        self._going = [item for item in self._going if _is_same(latest.get(item.key), item.live)]
        states: list[Progress] = []
        for item in list(self._present):
            found = latest.get(item.key)
            state = state_of(item.kind.term, found) if found else failed(f"{item.short} was deleted by someone else.")
            if state.done:
                self._present.remove(item)
                continue
            states.append(self._explained(item, found, state) if found else state)
        states += [waiting(f"{item.short} to be gone{_holders(latest[item.key])}") for item in self._going]
        if not states:
            return self._sidecars(latest)
        for state in states:
            if state.failed:
                return state
        percents = [state.percent for state in states if state.percent is not None]
        more = f" (and {len(states) - 1} more)" if len(states) > 1 else ""
        return waiting(states[0].what + more, min(percents) if percents else None, last=[one.what for one in states])

    def _read(self, items: list[Item]) -> dict[Any, Json]:
        groups = by_place(items)
        answers = self._client.all(lambda group: self._list(*group, **asked(groups[group])), groups)
        found = [(group, one) for group, answer in zip(groups, answers, strict=True) for one in answer]
        return {groups[group][one["metadata"]["name"]].key: one for group, one in found}

    def _list(self, kind: Kind, namespace: str, **query: Any) -> list[Json]:
        try:
            return listed(self._client, kind, namespace, **query)
        except KubeError as error:
            # The kind itself has gone, with all its objects.
            if error.http_status == 404:
                return []
            raise

    def _explained(self, item: Item, found: Json, state: Progress) -> Progress:
        """Adds what pods and events say to a state that is not ready; a stuck pod makes it a failure."""
        if item.kind.term not in WITH_PODS:
            return state
        pods = self._pods(item, found)
        problems = {pod["metadata"]["name"]: pod_problem(pod) for pod in pods}
        stuck = {name: text for name, text in problems.items() if text}
        if stuck:
            stuck = self._of_newest_revision(item, found, pods, stuck)
        if not stuck and not state.failed:
            delay = self._delay(item, found, pods)
            return replace(state, what=f"{state.what} ({delay})") if delay else state
        lines = [state.failed] if state.failed else [f"{item.title} will not become ready."]
        lines += list(stuck.values())[:_SHOWN_EVENTS]
        names = [*list(stuck)[:_SHOWN_EVENTS], *([] if stuck else [pod["metadata"]["name"] for pod in pods[:1]])]
        lines += self._events(item.namespace, [*names, item.name])
        return failed(" ".join(_sentence(line) for line in lines), last={"pods": problems})

    def _delay(self, item: Item, found: Json, pods: list[Json]) -> str:
        """What the first pod that is not ready waits for, so that a wait that ends in vain says it.

        Events cost a request, so they are read only once a pod has been waited for through several looks.
        """
        unready = [pod for pod in pods if condition(pod, "Ready").get("status") != "True"]
        told = {pod["metadata"]["name"]: text for pod in unready if (text := pod_delay(pod))}
        told = self._of_newest_revision(item, found, pods, told) if told else {}
        if told or not unready or self._looks < _LOOKS_BEFORE_EVENTS:
            return next(iter(told.values()), "").rstrip(".")
        name = unready[0]["metadata"]["name"]
        newest = self._events(item.namespace, [name])[:1]
        return f"pod {name}: {newest[0].rstrip('.')}" if newest else ""

    def _pods(self, item: Item, found: Json) -> list[Json]:
        selector = (found.get("spec") or {}).get("selector") or {}
        pods = self._list(table_kind("Pod"), item.namespace)
        return [pod for pod in pods if is_live(pod) and selects(selector, pod["metadata"].get("labels") or {})]

    def _of_newest_revision(self, item: Item, found: Json, pods: list[Json], stuck: dict[str, str]) -> dict[str, str]:
        """Only pods of the revision that is being rolled out say something about it."""
        if item.kind.term == "StatefulSet":
            newest, label = (found.get("status") or {}).get("updateRevision"), "controller-revision-hash"
        elif item.kind.term == "Deployment":
            label = "pod-template-hash"
            newest = self._newest_hash(item, found)
        else:
            return stuck
        labels = {pod["metadata"]["name"]: pod["metadata"].get("labels") or {} for pod in pods}
        return {name: text for name, text in stuck.items() if newest is None or labels[name].get(label) == newest}

    def _newest_hash(self, item: Item, found: Json) -> str | None:
        revision = (found["metadata"].get("annotations") or {}).get(_REVISION)
        for one in self._list(table_kind("ReplicaSet"), item.namespace):
            owners = [owner.get("uid") for owner in one["metadata"].get("ownerReferences") or []]
            if (
                found["metadata"]["uid"] in owners
                and (one["metadata"].get("annotations") or {}).get(_REVISION) == revision
            ):
                return str((one["metadata"].get("labels") or {}).get("pod-template-hash"))
        return None

    def _events(self, namespace: str, names: list[str]) -> list[str]:
        """What the warnings about these objects say, newest first, each text once."""
        kind = table_kind("Event")
        found: list[Json] = []
        for name in names:
            selector = f"involvedObject.name={name},type=Warning"
            try:
                found += self._client.list(kind.path(namespace), fieldSelector=selector)
            except KubeError as error:
                # Events only explain; without the right to read them the failure itself still stands.
                if error.http_status != 403:
                    raise
        found.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), reverse=True)
        texts = dict.fromkeys(f"Event {event.get('reason')}: {event.get('message')}" for event in found)
        return list(texts)[:_SHOWN_EVENTS]

    def _sidecars(self, latest: dict[Any, Json]) -> Progress:
        for item in self._injected:
            found = latest.get(item.key) or self._read([item]).get(item.key)
            if not found:
                return failed(f"{item.short} was deleted by someone else.")
            for pod in self._pods(item, found):
                if not has_sidecar(pod) and not declines_sidecar(pod):
                    return failed(self._no_sidecar(item, pod["metadata"]["name"]))
        return DONE

    def _no_sidecar(self, item: Item, pod: str) -> str:
        labels = ((self._client.get(f"/api/v1/namespaces/{item.namespace}") or {}).get("metadata") or {}).get("labels")
        labels = labels or {}
        start = f"{item.title}: its pod {pod} has no sidecar (container istio-proxy)."
        if labels.get("istio-injection") == "enabled" or labels.get("istio.io/rev"):
            return (
                f"{start} The namespace '{item.namespace}' asks for injection now, so the pod is older than that, or "
                "the injector could not be reached: restart the workload (kubectl rollout restart)."
            )
        return (
            f"{start} The namespace '{item.namespace}' of this cluster does not ask for injection: set injection: "
            "enabled with meshops.asm.asm_namespace, wait until the label istio-injection has reached the cluster, "
            "and restart the workload."
        )


def _is_same(found: Json | None, before: Json | None) -> bool:
    return bool(found and before and found["metadata"].get("uid") == before["metadata"].get("uid"))


def _holders(found: Json) -> str:
    finalizers = found["metadata"].get("finalizers") or []
    return f" (held by finalizers {', '.join(finalizers)})" if finalizers else ""


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."

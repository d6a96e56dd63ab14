# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod's status, computed from the states of its containers. Pure, so that every case can be tested by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshlab.kubeapi import Object


@dataclass
class ContainerState:
    """What a node knows about one container. ``state`` and ``last`` are ContainerState objects of the core API."""

    image: str
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "PodInitializing"}})
    last: Object = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    image_id: str = ""
    container_id: str = ""

    @property
    def exit_code(self) -> int | None:
        """The exit code of a container that has ended for good."""
        ended = self.state.get("terminated")
        return None if ended is None else ended["exitCode"]


def remembered(pod: Object, container: Object, group: str) -> ContainerState:
    """The state to start a container from; counts of an earlier start of the lab are kept."""
    known = {one["name"]: one for one in pod.get("status", {}).get(group, [])}.get(container["name"], {})
    return ContainerState(container["image"], restarts=known.get("restartCount", 0), last=known.get("lastState", {}))


def status(
    pod: Object,
    *,
    now: str,
    started: str,
    node_address: str,
    address: str | None,
    init: dict[str, ContainerState],
    main: dict[str, ContainerState],
) -> Object:
    """The pod's status (v1 PodStatus) at the time ``now``; conditions keep the time of their last change."""
    restartable = [one["name"] for one in pod["spec"].get("initContainers", []) if one.get("restartPolicy") == "Always"]
    initialized = all(state.started if name in restartable else state.exit_code == 0 for name, state in init.items())
    serving = [*main.values(), *(init[name] for name in restartable)]
    phase = _phase(pod["spec"].get("restartPolicy", "Always"), initialized, init, main)
    unready = [name for name, state in {**init, **main}.items() if state in serving and not state.ready]
    ready = initialized and not unready and phase == "Running"
    reason = "PodCompleted" if phase == "Succeeded" else "ContainersNotReady"
    message = "" if phase == "Succeeded" else f"containers with unready status: [{' '.join(unready)}]"
    uninitialized = [name for name, state in init.items() if state.exit_code != 0 and name not in restartable]
    conditions = _Conditions(pod, now)
    conditions.set("PodReadyToStartContainers", address is not None)
    conditions.set(
        "Initialized",
        initialized,
        "ContainersNotInitialized",
        f"containers with incomplete status: [{' '.join(uninitialized)}]",
    )
    conditions.set("ContainersReady", ready, reason, message)
    conditions.set("Ready", ready, reason, message)
    result: Object = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase,
        "hostIP": node_address,
        "hostIPs": [{"ip": node_address}],
        "startTime": started,
        "conditions": conditions.items,
        "containerStatuses": [_container(name, state) for name, state in main.items()],
    }
    if init:
        result["initContainerStatuses"] = [_container(name, state) for name, state in init.items()]
    if address:
        result |= {"podIP": address, "podIPs": [{"ip": address}]}
    return result


def _phase(policy: str, initialized: bool, init: dict[str, ContainerState], main: dict[str, ContainerState]) -> str:
    if policy == "Never" and any(state.exit_code for state in init.values()):
        return "Failed"
    if not initialized:
        return "Pending"
    codes = [state.exit_code for state in main.values()]
    if all(code is not None for code in codes):
        return "Failed" if any(codes) else "Succeeded"
    begun = any("running" in state.state or state.last or state.exit_code is not None for state in main.values())
    return "Running" if begun else "Pending"


def _container(name: str, state: ContainerState) -> Object:
    return {
        "name": name,
        "image": state.image,
        "imageID": state.image_id,
        "containerID": state.container_id,
        "state": state.state,
        "lastState": state.last,
        "ready": state.ready,
        "started": state.started,
        "restartCount": state.restarts,
    }


class _Conditions:
    """Conditions of a pod; those that others set (PodScheduled, readiness gates) stay."""

    def __init__(self, pod: Object, now: str) -> None:
        self.items: list[Object] = [dict(one) for one in pod.get("status", {}).get("conditions", [])]
        self._generation = pod["metadata"].get("generation", 1)
        self._now = now

    def set(self, kind: str, value: bool, reason: str = "", message: str = "") -> None:
        """Set one condition; reason and message only say why it is false."""
        wanted: Object = {"type": kind, "status": "True" if value else "False", "lastProbeTime": None}
        wanted["observedGeneration"] = self._generation
        if reason and (not value or reason == "PodCompleted"):
            wanted |= {"reason": reason, **({"message": message} if message else {})}
        before = next((one for one in self.items if one["type"] == kind), None)
        same = before is not None and before["status"] == wanted["status"]
        wanted["lastTransitionTime"] = before["lastTransitionTime"] if before and same else self._now
        self.items = [one for one in self.items if one["type"] != kind] + [wanted]

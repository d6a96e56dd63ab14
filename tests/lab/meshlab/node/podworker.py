# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of one pod on a node: images, init containers, restarts with back-off, probes, removal."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import urllib3

from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.node.events import Recorder
from meshlab.node.images import Catalogue, Image
from meshlab.node.podstatus import ContainerState, remembered, status
from meshlab.node.runtime import Container, Runtime, Sandbox

#: What a step raises for as long as the API server is away, or what the pod's containers run in.
AWAY = (RuntimeError, OSError, urllib3.exceptions.HTTPError)

#: Answers of an API server that has too much to do, or is only just starting.
_BUSY = frozenset({429, 500, 503, 504})


@dataclass(frozen=True)
class Timing:
    """Seconds. A kubelet's back-off starts at 10 s and ends at 300 s; the lab's is quicker, with the same steps."""

    backoff: float = 1.0
    backoff_limit: float = 30.0
    #: Changes within this time are sent as one.
    settle: float = 0.02


@dataclass(frozen=True)
class Host:
    """What a pod needs of its node."""

    api: KubeApi
    runtime: Runtime
    images: Catalogue
    events: Recorder
    address: str
    timing: Timing


class PodWorker:
    """Runs one pod until it is deleted. All methods belong to the node's event loop."""

    def __init__(self, pod: Object, host: Host) -> None:
        self._pod = pod
        self._host = host
        spec = pod["spec"]
        self._policy = spec.get("restartPolicy", "Always")
        self._init = {c["name"]: remembered(pod, c, "initContainerStatuses") for c in spec.get("initContainers", [])}
        self._main = {c["name"]: remembered(pod, c, "containerStatuses") for c in spec["containers"]}
        self._started = pod.get("status", {}).get("startTime") or now()
        self._sandbox: Sandbox | None = None
        self._running: dict[str, Container] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._sent: Object | None = None

    async def run(self) -> None:
        """Run the pod until all of its containers have ended for good; cancel to stop."""
        if self._pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            return
        publisher = asyncio.create_task(self._publish())
        try:
            preferred = self._pod.get("status", {}).get("podIP")
            self._sandbox = await self._host.runtime.create_sandbox(self._pod, preferred)
            for container in self._pod["spec"].get("initContainers", []):
                if container.get("restartPolicy") == "Always":
                    self._spawn(self._keep(container, self._init[container["name"]], "Always"))
                    await self._until_started(self._init[container["name"]])
                elif not await self._initialize(container):
                    break
            else:
                await self._run_main()
            self._update()
            await self._flushed()
        finally:
            for task in [*self._tasks, publisher]:
                task.cancel()
            await asyncio.gather(*self._tasks, publisher, return_exceptions=True)

    async def remove(self, grace: float) -> None:
        """Stop the containers of a pod whose run() has been cancelled, and its sandbox."""
        if self._sandbox:
            if grace > 0:
                await self._host.runtime.drain(self._sandbox)
            await asyncio.gather(*(one.stop(grace) for one in self._running.values()))
            await self._host.runtime.remove_sandbox(self._sandbox)
            self._sandbox = None

    async def _run_main(self) -> None:
        tasks = []
        # istiod moves such a proxy to the front for settings of the mesh and of the pod only, so it is done here.
        for container in sorted(self._pod["spec"]["containers"], key=lambda one: not _waits_for_itself(one)):
            tasks.append(self._spawn(self._keep(container, self._main[container["name"]], self._policy)))
            if _waits_for_itself(container):
                await self._until_ready(self._main[container["name"]])
        await asyncio.gather(*tasks)

    async def _initialize(self, container: Object) -> bool:
        """Run an init container until it succeeds; False when it failed and may not be tried again."""
        state = self._init[container["name"]]
        await self._keep(container, state, "Never" if self._policy == "Never" else "OnFailure")
        return state.exit_code == 0

    async def _until_ready(self, state: ContainerState) -> None:
        while not state.ready:
            await asyncio.sleep(self._host.timing.settle)

    async def _until_started(self, state: ContainerState) -> None:
        while not state.started:
            await asyncio.sleep(self._host.timing.settle)

    async def _keep(self, container: Object, state: ContainerState, policy: str) -> None:
        """Run a container, again and again as ``policy`` says."""
        image = await self._pull(container, state)
        delay = self._host.timing.backoff
        first = True
        while True:
            code = await self._run_once(container, state, image)
            if policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            ended = state.state
            if not first:  # the first restart is immediate
                message = f"back-off {delay:g}s restarting failed container={container['name']} pod={self._full_name}"
                self._set(state, {"waiting": {"reason": "CrashLoopBackOff", "message": message}}, last=ended)
                self._event(
                    "Warning",
                    "BackOff",
                    f"Back-off restarting failed container {container['name']} in pod {self._full_name}",
                    container,
                )
                await asyncio.sleep(delay)
                delay = min(2 * delay, self._host.timing.backoff_limit)
            first = False
            state.last = ended
            state.restarts += 1

    async def _start(self, container: Object, state: ContainerState, image: Image) -> Container:
        """Start a container, again until it succeeds."""
        assert self._sandbox is not None  # run() made it before
        while True:
            try:
                return await self._host.runtime.start_container(self._sandbox, container, image)
            except AWAY as error:
                self._set(state, {"waiting": {"reason": "CreateContainerError", "message": str(error)}})
            await asyncio.sleep(self._host.timing.backoff)

    async def _run_once(self, container: Object, state: ContainerState, image: Image) -> int:
        running = await self._start(container, state, image)
        self._running[container["name"]] = running
        begun = now()
        state.container_id, state.image_id = running.container_id, image.image_id
        probing = self._start_probes(container, state, running)
        self._set(state, {"running": {"startedAt": begun}})
        self._event("Normal", "Started", f"Container started: {container['name']}", container)
        try:
            code = await running.wait()
        finally:
            for task in probing:
                task.cancel()
        self._running.pop(container["name"], None)
        state.ready = state.started = False
        self._set(
            state,
            {
                "terminated": {
                    "exitCode": code,
                    "reason": "Error" if code else "Completed",
                    "startedAt": begun,
                    "finishedAt": now(),
                    "containerID": running.container_id,
                }
            },
        )
        return code

    async def _pull(self, container: Object, state: ContainerState) -> Image:
        """Find the image; wait with back-off for as long as there is none."""
        reference = container["image"]
        delay = self._host.timing.backoff
        while (image := self._host.images.find(reference)) is None:
            problem = f'failed to pull and unpack image "{reference}": failed to resolve reference: not found'
            self._set(state, {"waiting": {"reason": "ErrImagePull", "message": problem}})
            self._event("Warning", "Failed", f'Failed to pull image "{reference}": {problem}', container)
            self._event("Warning", "Failed", "Error: ErrImagePull", container)
            await asyncio.sleep(min(delay, 1.0))
            message = f'Back-off pulling image "{reference}": ErrImagePull: {problem}'
            self._set(state, {"waiting": {"reason": "ImagePullBackOff", "message": message}})
            self._event("Normal", "BackOff", f'Back-off pulling image "{reference}"', container)
            self._event("Warning", "Failed", "Error: ImagePullBackOff", container)
            await asyncio.sleep(delay)
            delay = min(2 * delay, self._host.timing.backoff_limit)
        return image

    def _start_probes(self, container: Object, state: ContainerState, running: Container) -> list[asyncio.Task[None]]:
        startup, readiness, liveness = (container.get(f"{one}Probe") for one in ("startup", "readiness", "liveness"))
        if not (startup or readiness or liveness):
            state.started = state.ready = True
            return []
        return [self._spawn(self._probe(container, state, running, startup, readiness, liveness))]

    async def _probe(
        self,
        container: Object,
        state: ContainerState,
        running: Container,
        startup: Object | None,
        readiness: Object | None,
        liveness: Object | None,
    ) -> None:
        if startup and not await self._pass(container, running, startup, "Startup"):
            await self._kill(container, running, "startup")
            return
        state.started = True
        state.ready = readiness is None
        self._update()
        loops = []
        if readiness:
            loops.append(self._watch_readiness(container, state, running, readiness))
        if liveness:
            loops.append(self._watch_liveness(container, running, liveness))
        await asyncio.gather(*loops)

    async def _watch_readiness(
        self, container: Object, state: ContainerState, running: Container, probe: Object
    ) -> None:
        while True:
            ready = await self._pass(container, running, probe, "Readiness", wanted=not state.ready)
            state.ready = ready
            self._update()

    async def _watch_liveness(self, container: Object, running: Container, probe: Object) -> None:
        if not await self._pass(container, running, probe, "Liveness", wanted=False):
            await self._kill(container, running, "liveness")

    async def _pass(
        self, container: Object, running: Container, probe: Object, kind: str, *, wanted: bool = True
    ) -> bool:
        """Probe until the verdict is ``wanted`` (for startup: or is a final failure); the verdict."""
        await asyncio.sleep(probe.get("initialDelaySeconds", 0) if wanted else probe.get("periodSeconds", 10))
        failures = successes = 0
        while True:
            problem = await running.probe(probe)
            failures, successes = (failures + 1, 0) if problem else (0, successes + 1)
            if problem:
                self._event("Warning", "Unhealthy", f"{kind} probe failed: {problem}", container)
            if wanted and successes >= probe.get("successThreshold", 1):
                return True
            if (not wanted or kind == "Startup") and failures >= probe.get("failureThreshold", 3):
                return False
            await asyncio.sleep(probe.get("periodSeconds", 10))

    async def _kill(self, container: Object, running: Container, probe: str) -> None:
        name = container["name"]
        self._event("Normal", "Killing", f"Container {name} failed {probe} probe, will be restarted", container)
        await running.stop(self._pod["spec"].get("terminationGracePeriodSeconds", 30))

    @property
    def _full_name(self) -> str:
        meta = self._pod["metadata"]
        return f"{meta['name']}_{meta['namespace']}({meta['uid']})"

    def _spawn(self, coroutine: Any) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _set(self, state: ContainerState, value: Object, *, last: Object | None = None) -> None:
        state.state = value
        if last is not None:
            state.last = last
        self._update()

    def _update(self) -> None:
        self._changed.set()

    def _status(self) -> Object:
        return status(
            self._pod,
            now=now(),
            started=self._started,
            node_address=self._host.address,
            address=self._sandbox.address if self._sandbox else None,
            init=self._init,
            main=self._main,
        )

    async def _publish(self) -> None:
        """Send the status whenever it has changed; several changes at about the same time are sent once."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._host.timing.settle)
            self._changed.clear()
            await self._send()

    async def _flushed(self) -> None:
        await self._send()

    async def _send(self) -> None:
        wanted = self._status()
        if wanted == self._sent:
            return
        meta = self._pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        body = {"metadata": {"uid": meta["uid"]}, "status": wanted}  # the uid guards a successor of the same name
        try:
            self._pod["status"] = (await in_thread(self._host.api.patch, path, body))["status"]
            self._sent = wanted
        except KubeApiError as error:
            if error.status in _BUSY:
                await self._again()
            elif error.status not in (404, 409):  # the pod is gone
                raise
        except urllib3.exceptions.HTTPError:  # the API server is away
            await self._again()

    async def _again(self) -> None:
        await asyncio.sleep(self._host.timing.backoff)
        self._update()

    def _event(self, kind: str, reason: str, message: str, container: Object) -> None:
        group = "initContainers" if container["name"] in self._init else "containers"
        field = f"spec.{group}{{{container['name']}}}"
        self._spawn(self._record(kind, reason, message, field))

    async def _record(self, kind: str, reason: str, message: str, field: str) -> None:
        with contextlib.suppress(urllib3.exceptions.HTTPError):  # events are told, not promised
            await in_thread(functools.partial(self._host.events, self._pod, kind, reason, message, now(), field=field))


def _waits_for_itself(container: Object) -> bool:
    """Whether the containers after it start once it is ready: the lab knows no other hook than Istio's for that."""
    hook = (container.get("lifecycle") or {}).get("postStart") or {}
    return (hook.get("exec") or {}).get("command", [])[:2] == ["pilot-agent", "wait"]


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run something that blocks without blocking the loop."""
    return await asyncio.get_running_loop().run_in_executor(None, functools.partial(function, *arguments))


def now() -> str:
    """The time as Kubernetes writes it: UTC, whole seconds."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

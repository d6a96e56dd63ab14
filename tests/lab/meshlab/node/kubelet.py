# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node of a cluster: registers itself, renews its lease, and gives every pod that is bound to it a worker."""

from __future__ import annotations

import asyncio
import datetime
import functools
import logging
from collections.abc import Awaitable, Callable

import urllib3

from meshlab.informer import Informer
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.loopthread import LoopThread
from meshlab.node.endpoint import ENDPOINT_ADDRESS, PORT
from meshlab.node.podworker import AWAY, Host, PodWorker, in_thread, now

log = logging.getLogger(__name__)

#: Seconds between two renewals of the lease, as a kubelet's.
_LEASE = 10

_VERSION = "v1.36.3"


class Kubelet:
    """The node ``name``. ``loop`` runs the pods' workers; the node's runtime is in ``host``.

    ``endpoint``: the address of the host at which the API server finds the node's endpoint, if there is one.
    """

    def __init__(
        self,
        name: str,
        *,
        region: str,
        zone: str,
        pod_cidr: str,
        host: Host,
        loop: LoopThread,
        endpoint: str = "",
    ) -> None:
        self._name = name
        self._labels = {"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": zone}
        self._pod_cidr = pod_cidr
        self._host = host
        self._api: KubeApi = host.api
        self._loop = loop
        self._endpoint = endpoint
        self._workers: dict[str, tuple[PodWorker, asyncio.Task[None]]] = {}
        self._removals: dict[str, asyncio.Task[None]] = {}
        self._lease: asyncio.Task[None] | None = None
        self._pods = Informer(host.api, "/api/v1/pods", self._pod_changed, fieldSelector=f"spec.nodeName={name}")

    def start(self) -> None:
        """Register the node and start to run pods; returns when the node is ready for pods."""
        self._register()
        self._renew_lease()
        self._loop.run(self._start_lease())
        self._pods.start()

    def stop(self) -> None:
        """Stop all pods of the node without deleting them; they start again with the next start()."""
        self._pods.stop()
        self._loop.run(self._stop_pods())

    def _register(self) -> None:
        path = f"/api/v1/nodes/{self._name}"
        labels = {
            "kubernetes.io/hostname": self._name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "node.kubernetes.io/instance-type": "ecs.g7.16xlarge",
            **self._labels,
        }
        node: Object = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self._name, "labels": labels},
            "spec": {"podCIDR": self._pod_cidr, "podCIDRs": [self._pod_cidr]},
        }
        if self._api.find(path) is None:
            self._api.create("/api/v1/nodes", node)
        status = _node_status(self._host.address, self._name, self._endpoint)
        self._api.patch(f"{path}/status", {"status": status})
        # A new node gets the not-ready taint, which the node-lifecycle controller would remove seconds later.
        self._api.patch(path, {"spec": {"taints": None}})

    def _renew_lease(self) -> None:
        time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._name, "leaseDurationSeconds": 40, "renewTime": time}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": "kube-node-lease"},
            "spec": spec,
        }
        self._api.apply(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self._name}", lease)

    async def _start_lease(self) -> None:
        self._lease = asyncio.create_task(self._keep_lease())

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(_LEASE)
            try:
                await in_thread(self._renew_lease)
            except (KubeApiError, urllib3.exceptions.HTTPError) as error:
                log.warning("node %s cannot renew its lease: %s", self._name, error)

    def _pod_changed(self, kind: str, pod: Object) -> None:
        """Called in the informer's thread."""
        self._loop.loop.call_soon_threadsafe(self._handle, kind, pod)

    def _handle(self, kind: str, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if kind == "DELETED" or "deletionTimestamp" in pod["metadata"]:
            if uid not in self._removals and (uid in self._workers or kind != "DELETED"):
                self._removals[uid] = asyncio.create_task(self._remove(pod, gone=kind == "DELETED"))
        elif uid not in self._workers:
            worker = PodWorker(pod, self._host)
            task = asyncio.create_task(worker.run())
            task.add_done_callback(lambda done: _log_failure(done, pod))
            self._workers[uid] = (worker, task)

    async def _remove(self, pod: Object, *, gone: bool) -> None:
        meta = pod["metadata"]
        grace = 0 if gone else meta.get("deletionGracePeriodSeconds", 30)
        worker, task = self._workers.pop(meta["uid"], (None, None))
        try:
            if worker and task:
                await _cancelled(task)
                await self._repeated(pod, functools.partial(worker.remove, grace))
            if not gone:
                await self._repeated(pod, functools.partial(in_thread, self._delete, pod))
        finally:
            self._removals.pop(meta["uid"], None)

    async def _repeated(self, pod: Object, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step of a pod's removal until it succeeds: nobody tells of this pod again, so it would stay for ever."""
        while True:
            try:
                return await step()
            except AWAY as error:
                meta = pod["metadata"]
                log.warning("pod %s/%s cannot be removed yet: %s", meta["namespace"], meta["name"], error)
            await asyncio.sleep(self._host.timing.backoff)

    def _delete(self, pod: Object) -> None:
        meta = pod["metadata"]
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": meta["uid"]},
        }
        try:
            self._api.delete(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", options)
        except KubeApiError as error:
            if error.status != 409:  # another pod of the same name by now
                raise

    async def _stop_pods(self) -> None:
        if self._lease:
            await _cancelled(self._lease)
        for task in list(self._removals.values()):
            await _cancelled(task)
        await asyncio.gather(*(_ended(worker, task) for worker, task in self._workers.values()))
        self._workers.clear()
        await self._host.runtime.close()


async def _ended(worker: PodWorker, task: asyncio.Task[None]) -> None:
    await _cancelled(task)
    await worker.remove(0)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _log_failure(task: asyncio.Task[None], pod: Object) -> None:
    if not task.cancelled() and (error := task.exception()):
        meta = pod["metadata"]
        log.error("the worker of pod %s/%s failed", meta["namespace"], meta["name"], exc_info=error)


def _node_status(address: str, name: str, endpoint: str) -> Object:
    size = {"cpu": "64", "memory": "256Gi", "pods": "1000", "ephemeral-storage": "500Gi"}
    time = now()
    # The pods' network is none of the API server's, so the node's endpoint is at an address of the host.
    reached = [{"type": ENDPOINT_ADDRESS, "address": endpoint}] if endpoint else []

    def condition(kind: str, value: str, reason: str) -> Object:
        return {
            "type": kind,
            "status": value,
            "reason": reason,
            "lastHeartbeatTime": time,
            "lastTransitionTime": time,
        }

    return {
        "capacity": size,
        "allocatable": size,
        "addresses": [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": name},
            *reached,
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": PORT}},
        "conditions": [
            condition("Ready", "True", "KubeletReady"),
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID"),
        ],
        "nodeInfo": {
            "kubeletVersion": _VERSION,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
            "osImage": "Linux",
            "kernelVersion": "",
            "containerRuntimeVersion": "containerd://2.1.4",
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
        },
    }

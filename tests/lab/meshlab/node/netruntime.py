# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A runtime whose pods have a network of their own, with proxies and stand-ins of applications that serve."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshlab.files import private_dir, write_private
from meshlab.kubeapi import KubeApi, Object
from meshlab.node.addresses import PodAddresses
from meshlab.node.images import Image
from meshlab.node.runtime import Container, Sandbox
from meshlab.node.statusruntime import StatusRuntime, expected
from meshlab.processes import Process, Processes
from meshlab.traffic import envoy, interception
from meshlab.traffic.dataplane import Dataplane, DataplaneError
from meshlab.traffic.namespaces import PROXY_GROUP, within
from meshlab.traffic.network import Node
from meshlab.traffic.standins import standin

log = logging.getLogger(__name__)

#: Who istiod's authority and its configuration service expect a token to be for.
_AUDIENCE = "istio-ca"
_YEAR = 365 * 24 * 3600

#: Seconds that a deleted pod goes on serving once it is no endpoint any more, until all clients have learned it;
#: and for how long it does so at most.
_DRAIN_PROXY, _DRAIN = 1.0, 0.5
_DRAIN_LIMIT = 8.0

#: Seconds in which a probe is tried again before it counts as failed, so that what starts at once is ready at once.
_PATIENCE = 2.0


@dataclass
class _Pod:
    """What the runtime knows of one sandbox."""

    netns: str
    path: str
    folder: Path
    address: str
    proxied: bool
    own_namespace: bool
    proxy: str = ""


class ServingContainer:
    """What proxies and applications have in common: probes that go over the pod's network."""

    def __init__(self, dataplane: Dataplane, pod: _Pod, spec: Object) -> None:
        self.container_id = f"containerd://{uuid.uuid4().hex}{uuid.uuid4().hex}"
        self._dataplane = dataplane
        self._pod = pod
        self._spec = spec

    async def probe(self, probe: Object) -> str | None:
        """HTTP and TCP for real, from within the pod, so that mTLS is not asked of them; exec succeeds."""
        check = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc")
        if check is None:
            return None
        port = self._port(check["port"])
        timeout = float(probe.get("timeoutSeconds", 1))
        request: dict[str, Any] = {"timeout": timeout, "until": max(timeout, _PATIENCE)}
        if "httpGet" in probe:
            headers = {one["name"]: one["value"] for one in check.get("httpHeaders") or []}
            path = check.get("path") or "/"
            request |= {"method": "GET", "url": f"http://{self._pod.address}:{port}{path}", "headers": headers}
        else:
            request["connect"] = f"{self._pod.address}:{port}"
        try:
            answer = await self._dataplane.acall("request", netns=self._pod.path, http=request)
        except DataplaneError as error:
            return str(error)
        if answer["error"]:
            return str(answer["error"])
        return f"HTTP probe failed with statuscode: {answer['status']}" if answer["status"] >= 400 else None

    def _port(self, port: int | str) -> int:
        if isinstance(port, int):
            return port
        named = {one.get("name"): one["containerPort"] for one in self._spec.get("ports") or []}
        return int(named.get(port, 0))


class AppContainer(ServingContainer):
    """A stand-in within the data-plane process."""

    def __init__(self, dataplane: Dataplane, pod: _Pod, spec: Object) -> None:
        super().__init__(dataplane, pod, spec)
        self._stopped = asyncio.Event()

    async def start(self, app: dict[str, Any]) -> None:
        """Start to serve."""
        await self._dataplane.acall("start", id=self.container_id, netns=self._pod.path, app=app)

    async def wait(self) -> int:
        """0 once it was stopped."""
        await self._stopped.wait()
        return 0

    async def stop(self, grace: float) -> None:
        """Answer what was asked, then end."""
        if not self._stopped.is_set():
            await self._dataplane.acall("stop", id=self.container_id)
            self._stopped.set()


class ProxyContainer(ServingContainer):
    """An Envoy process."""

    def __init__(self, dataplane: Dataplane, pod: _Pod, spec: Object, processes: Processes, process: Process) -> None:
        super().__init__(dataplane, pod, spec)
        self._processes = processes
        self._process = process
        self._ended = asyncio.get_running_loop().create_future()
        self._pidfd = os.pidfd_open(process.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        if not self._ended.done():
            self._ended.set_result(None)

    async def wait(self) -> int:
        """Envoy's exit code; 137 and the like when a signal ended it."""
        await asyncio.shield(self._ended)
        await _in_thread(self._processes.stop, self._process)
        code = self._process.code
        return 128 - code if code < 0 else code

    async def stop(self, grace: float) -> None:
        """End it."""
        await _in_thread(functools.partial(self._processes.stop, self._process, grace=min(max(grace, 0.5), 3.0)))


class NetRuntime(StatusRuntime):
    """Runs pods in network namespaces of their own. What no stand-in serves behaves as in StatusRuntime."""

    def __init__(self, addresses: PodAddresses, node: Node, *, api: KubeApi, processes: Processes, zone: str) -> None:
        super().__init__(addresses)
        self._node = node
        self._api = api
        self._processes = processes
        self._zone = zone
        self._pods: dict[str, _Pod] = {}

    async def create_sandbox(self, pod: Object, preferred: str | None) -> Sandbox:
        """Make the pod's network namespace; a pod in the host's network has the node's."""
        sandbox = await super().create_sandbox(pod, preferred)
        meta = pod["metadata"]
        own = not pod["spec"].get("hostNetwork")
        netns = self._node.pod_namespace(pod) if own else self._node.netns
        if own:
            await _in_thread(self._node.add_pod, netns, sandbox.address)
        path = str(self._node.network.namespaces.path(netns))
        proxied = any(_is_proxy(one) for one in pod["spec"]["containers"])
        folder = private_dir(self._node.folder / meta["uid"])
        self._pods[meta["uid"]] = _Pod(netns, path, folder, sandbox.address, proxied, own)
        return sandbox

    async def start_container(self, sandbox: Sandbox, container: Object, image: Image) -> Container:
        """Start a proxy, the interception of a pod's traffic, a stand-in, or what only has a status."""
        pod = self._pods[sandbox.pod["metadata"]["uid"]]
        arguments = container.get("args") or []
        if arguments[:1] == ["istio-iptables"]:
            rules = interception.rules(arguments[1:])
            await _in_thread(self._node.network.namespaces.restore, pod.netns, rules)
            return await super().start_container(sandbox, container, image)
        if _is_proxy(container):
            return await self._start_proxy(sandbox, pod, container, arguments[1])
        app = standin(sandbox.pod, container, image)
        if (
            image.entrypoint != "service"
            or not app["ports"]
            or expected(sandbox.pod, container, image).seconds is not None
        ):
            return await super().start_container(sandbox, container, image)
        served = AppContainer(self._node.dataplane, pod, container)
        namespace = sandbox.pod["metadata"]["namespace"]
        app |= {"cluster": self._node.cluster_name, "resolver": self._node.resolver(namespace), "proxied": pod.proxied}
        await served.start(app)
        return served

    async def drain(self, sandbox: Sandbox) -> None:
        """Tell clients that the pod goes, and serve on until they know and are answered."""
        pod = self._pods[sandbox.pod["metadata"]["uid"]]
        deadline = time.monotonic() + _DRAIN_LIMIT
        if pod.proxied:
            await self._admin(pod, "POST", "/healthcheck/fail")
        while self._node.serves(pod.address) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        await asyncio.sleep(_DRAIN_PROXY if pod.proxied else _DRAIN)
        while pod.proxied and await self._active(pod) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)

    async def remove_sandbox(self, sandbox: Sandbox) -> None:
        """Remove the namespace and what belongs to it."""
        pod = self._pods.pop(sandbox.pod["metadata"]["uid"], None)
        if pod:
            if pod.proxy:
                await self._quietly(self._node.dataplane.acall("forget", id=pod.proxy))
            if pod.own_namespace:
                await self._quietly(_in_thread(self._node.remove_pod, pod.netns))
            shutil.rmtree(pod.folder, ignore_errors=True)
        await super().remove_sandbox(sandbox)

    def log_file(self, namespace: str, pod: str, container: str) -> Path | None:
        """The log of a proxy."""
        file = self._processes.log_file(self._process_name(namespace, pod, container))
        return file if file.exists() else None

    def _process_name(self, namespace: str, pod: str, container: str) -> str:
        return f"{self._node.cluster_name}.{namespace}.{pod}.{container}"

    async def _active(self, pod: _Pod) -> int:
        """Requests that a pod's proxy is answering just now."""
        text = await self._admin(
            pod, "GET", "/stats?usedonly&filter=^http\\.(inbound|outbound)_.*downstream_rq_active$"
        )
        return sum(int(line.rpartition(": ")[2]) for line in text.splitlines() if ": " in line)

    async def _admin(self, pod: _Pod, method: str, path: str) -> str:
        request = {"method": method, "url": f"http://127.0.0.1:{envoy.ADMIN_PORT}{path}", "timeout": 1.0}
        answer = await self._node.dataplane.acall("request", netns=pod.path, http=request)
        return str(answer["body"])

    async def _start_proxy(self, sandbox: Sandbox, pod: _Pod, container: Object, kind: str) -> ProxyContainer:
        meta = sandbox.pod["metadata"]
        account = sandbox.pod["spec"].get("serviceAccountName", "default")
        token = write_private(pod.folder / "token", await _in_thread(self._token, sandbox.pod, account))
        socket = pod.folder / "xds"
        identity = {"socket": str(socket), "token": str(token), "namespace": meta["namespace"], "account": account}
        socket.unlink(missing_ok=True)
        pod.proxy = meta["uid"]
        await self._node.dataplane.acall("identify", id=pod.proxy, node=self._node.cluster_id, identity=identity)
        configuration = envoy.bootstrap(
            sandbox.pod,
            container,
            kind=kind,
            address=pod.address,
            cluster=self._node.cluster_id,
            socket=str(socket),
            zone=self._zone,
        )
        resolv_conf = write_private(pod.folder / "resolv.conf", self._node.resolv_conf(meta["namespace"]))
        file = write_private(pod.folder / "envoy.json", json.dumps(configuration))
        start = functools.partial(
            self._processes.start,
            self._process_name(meta["namespace"], meta["name"], container["name"]),
            envoy.command(str(self._node.network.envoy), str(file), container.get("args") or []),
            env={"TMPDIR": str(pod.folder)},
            cwd=pod.folder,
            within=within(pod.path, str(resolv_conf)),
            group=PROXY_GROUP,
        )
        return ProxyContainer(self._node.dataplane, pod, container, self._processes, await _in_thread(start))

    def _token(self, pod: Object, account: str) -> str:
        """A token of the pod's ServiceAccount, as its volume would hold it."""
        meta = pod["metadata"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        spec = {"audiences": [_AUDIENCE], "expirationSeconds": _YEAR, "boundObjectRef": bound}
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{account}/token"
        token: str = self._api.create(path, request)["status"]["token"]
        return token

    async def _quietly(self, step: Awaitable[Any]) -> None:
        """The rest of a pod goes, whatever one part of it does."""
        try:
            await step
        except RuntimeError as error:
            log.warning("%s: %s", self._node.cluster_name, error)


def _is_proxy(container: Object) -> bool:
    """Whether injection made it Istio's proxy."""
    arguments = container.get("args") or []
    return container["name"] == "istio-proxy" and arguments[:1] == ["proxy"] and len(arguments) > 1


async def _in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, functools.partial(function, *arguments))

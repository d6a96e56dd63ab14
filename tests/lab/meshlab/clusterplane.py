# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A data-plane cluster: API server, controller-manager, scheduler and one node."""

from __future__ import annotations

import time

from meshlab import controllers
from meshlab.apiserver import ApiServer
from meshlab.binaries import Binaries
from meshlab.loopthread import LoopThread
from meshlab.node.addresses import PodAddresses
from meshlab.node.endpoint import NodeEndpoint
from meshlab.node.events import PodEvents
from meshlab.node.images import Catalogue
from meshlab.node.kubelet import Kubelet
from meshlab.node.netruntime import NetRuntime
from meshlab.node.podworker import Host, Timing
from meshlab.node.runtime import Runtime
from meshlab.node.statusruntime import StatusRuntime
from meshlab.plane import Plane
from meshlab.processes import Processes
from meshlab.traffic.network import Network, Node, Pilot


class ClusterPlane(Plane):
    """A data-plane cluster."""

    roles = ("cluster-admin", "admin", "edit", "view")

    def __init__(
        self,
        plane_id: str,
        server: ApiServer,
        address: str,
        loop: LoopThread,
        *,
        binaries: Binaries,
        processes: Processes,
        region: str,
        zone: str,
        pod_cidr: str,
        service_cidr: str,
        name: str = "",
        network: Network | None = None,
    ) -> None:
        super().__init__(plane_id, server, address, loop)
        self.region = region
        self.zone = zone
        self.node_name = f"{zone}.{plane_id[:12]}"
        self._binaries = binaries
        self._processes = processes
        pods = PodAddresses(pod_cidr)
        self._node_api = server.client(f"system:node:{self.node_name}", ["system:nodes", "system:masters"])
        runtime: Runtime = StatusRuntime(pods)
        #: The node in the lab's network, where pods have one.
        self.node: Node | None = None
        if network:
            self.node = network.node(
                plane_id, name or plane_id, address=pods.node, services=service_cidr, api=self._node_api
            )
            runtime = NetRuntime(pods, self.node, api=self._node_api, processes=processes, zone=zone)
        host = Host(
            api=self._node_api,
            runtime=runtime,
            # Without istiod nothing replaces the placeholder image of gateways, so the node has to know it.
            images=Catalogue(placeholder=binaries.istiod is None),
            events=PodEvents(self._node_api, self.node_name),
            address=pods.node,
            timing=Timing(),
        )
        self._kubelet = Kubelet(
            self.node_name,
            region=region,
            zone=zone,
            pod_cidr=pod_cidr,
            host=host,
            loop=loop,
            endpoint=address,
        )
        self._endpoint = NodeEndpoint(address, server.authority, server.folder / "node", runtime)

    def start(self) -> None:
        """Start everything; returns when pods can be created."""
        self._server.start()
        self._server.wait_ready()
        self._controllers = [
            controllers.start_controller_manager(
                self.plane_id,
                self._server,
                binary=self._binaries.kube_controller_manager,
                processes=self._processes,
                controllers=controllers.CLUSTER_CONTROLLERS,
            ),
            controllers.start_scheduler(
                self.plane_id, self._server, binary=self._binaries.kube_scheduler, processes=self._processes
            ),
        ]
        if self.node:
            self.node.start()
        self._loop.run(self._endpoint.start())
        self._kubelet.start()
        self._wait_account()
        for controller in self._controllers:
            controller.watch()

    def stop_clients(self) -> None:
        """Stop the node, the scheduler and the controller-manager."""
        self._kubelet.stop()
        self._loop.run(self._endpoint.stop())
        if self.node:
            self.node.stop()
        for controller in reversed(self._controllers):
            controller.stop()
        self._node_api.close()

    def follow(self, pilot: Pilot | None) -> None:
        """Have the proxies of the cluster's pods follow an istiod, or none."""
        if self.node:
            self.node.follow(pilot)

    def _wait_account(self, *, seconds: float = 120.0) -> None:
        """Pods are refused until the controller-manager has made the namespace's ServiceAccount."""
        deadline = time.monotonic() + seconds
        while not self.api.find("/api/v1/namespaces/default/serviceaccounts/default"):
            for controller in self._controllers:
                controller.process.check()
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"the controllers of {self.plane_id} do nothing; {self._controllers[0].process.tail()}"
                )
            time.sleep(0.05)

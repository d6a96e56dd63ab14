# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controllers of clusters and meshes: started with their plane, told about clusters that join and leave."""

from __future__ import annotations

from meshlab.account import Cluster, Mesh
from meshlab.fleet import Fleet
from meshlab.gateways import GatewayOperator
from meshlab.inventory import Inventory
from meshlab.lanes import LaneOperator
from meshlab.lifecycle import Lifecycle
from meshlab.limits import LimitOperator
from meshlab.loadbalancers import LoadBalancerController
from meshlab.planes import ClusterPlane, MeshPlane
from meshlab.states import Transitions
from meshlab.world import World


class Operators:
    """A load-balancer controller for each cluster, operators of gateways, lanes and limits for each mesh."""

    def __init__(
        self, world: World, inventory: Inventory, transitions: Transitions, fleet: Fleet, lifecycle: Lifecycle
    ) -> None:
        self._world = world
        self._inventory = inventory
        self._transitions = transitions
        self._fleet = fleet
        self._balancers: dict[str, LoadBalancerController] = {}
        self._gateways: dict[str, GatewayOperator] = {}
        self._others: dict[str, list[LaneOperator | LimitOperator]] = {}
        fleet.on_cluster.append(self._cluster_started)
        fleet.on_mesh.append(self._mesh_started)
        fleet.on_gone.append(self._gone)
        lifecycle.after_attach.append(self._joined)
        lifecycle.before_detach.append(self._leaving)
        lifecycle.gateways_follow.append(self._follow)

    def stop(self) -> None:
        """Stop all of them."""
        for plane_id in [*self._gateways, *self._balancers]:  # meshes first: they need not learn of each cluster
            self._gone(plane_id)

    def idle(self, timeout: float) -> bool:
        """Wait until no controller has anything to do."""
        operators, controllers = list(self._gateways.values()), list(self._balancers.values())
        others = [one for several in list(self._others.values()) for one in several]
        return all(one.idle(timeout) for several in (operators, controllers, others) for one in several)

    def _cluster_started(self, cluster: Cluster, plane: ClusterPlane) -> None:
        controller = LoadBalancerController(
            self._world,
            self._inventory,
            self._transitions,
            cluster,
            plane.api,
            lambda key: self._balancer_changed(cluster.cluster_id, key),
        )
        self._balancers[cluster.cluster_id] = controller
        controller.start()

    def _mesh_started(self, mesh: Mesh, plane: MeshPlane) -> None:
        operator = GatewayOperator(mesh, plane.api, self._problem)
        self._gateways[mesh.mesh_id] = operator
        operator.start()
        self._others[mesh.mesh_id] = [LaneOperator(mesh, plane.api), LimitOperator(mesh, plane.api)]
        for one in self._others[mesh.mesh_id]:
            one.start()

    def _gone(self, plane_id: str) -> None:
        operator = self._gateways.pop(plane_id, None)
        if operator is not None:
            operator.stop()
        for one in self._others.pop(plane_id, []):
            one.stop()
        controller = self._balancers.pop(plane_id, None)
        if controller is not None:
            controller.stop()
            for other in list(self._gateways.values()):
                other.lost(plane_id)

    def _joined(self, mesh: Mesh, cluster_id: str) -> None:
        self._gateways[mesh.mesh_id].join(cluster_id, self._fleet.cluster(cluster_id).api)

    def _follow(self, mesh: Mesh, gateways: list[str]) -> None:
        self._fleet.mesh(mesh.mesh_id)
        self._gateways[mesh.mesh_id].follow(gateways)

    def _leaving(self, mesh: Mesh, plane: ClusterPlane) -> None:
        self._fleet.mesh(mesh.mesh_id)
        controller = self._balancers[plane.plane_id]

        def before_removal(key: str) -> None:
            if self._world.settings["orphan_clb_on_detach"]:
                controller.orphan(key)

        self._gateways[mesh.mesh_id].leave(plane.plane_id, before_removal)

    def _balancer_changed(self, cluster_id: str, key: str) -> None:
        mesh = self._world.mesh_of_cluster(cluster_id)
        operator = self._gateways.get(mesh.mesh_id) if mesh else None
        if operator is not None:
            operator.service_changed(key)

    def _problem(self, cluster_id: str, key: str) -> str:
        controller = self._balancers.get(cluster_id)
        return controller.problems.get(key, "") if controller else ""

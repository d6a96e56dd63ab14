# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to meshes: creation, changes, clusters coming and going, upgrade, deletion. Each takes time."""

from __future__ import annotations

import functools
from collections.abc import Callable

from meshlab.access import Access
from meshlab.account import Attachment, Eip, Mesh, timestamp
from meshlab.faults import Fault
from meshlab.fleet import Fleet
from meshlab.inventory import Inventory
from meshlab.meshconfig import configuration
from meshlab.planes import ClusterPlane
from meshlab.states import Transitions
from meshlab.world import World

#: States of a mesh that has servers.
_ALIVE = frozenset({"running", "updating", "upgrading", "updating_failed", "upgrading_failed", "delete_failed"})


class Lifecycle:
    """Starts the transitions that actions ask for; resume() starts those again that a restart interrupted.

    ``before_detach`` is called with the cluster's plane before a cluster loses its mesh, ``after_attach`` once one
    has joined, ``gateways_follow`` with the gateways that are of another version now.
    """

    def __init__(
        self, world: World, fleet: Fleet, access: Access, inventory: Inventory, transitions: Transitions
    ) -> None:
        self._world = world
        self._fleet = fleet
        self._access = access
        self._inventory = inventory
        self._transitions = transitions
        self.before_detach: list[Callable[[Mesh, ClusterPlane], None]] = []
        self.after_attach: list[Callable[[Mesh, str], None]] = []
        self.gateways_follow: list[Callable[[Mesh, list[str]], None]] = []

    def create(self, mesh: Mesh, fault: Fault | None = None) -> None:
        """Start the servers of a new mesh; state initial, then running."""

        def work() -> None:
            self._fleet.mesh(mesh.mesh_id)
            self._access.grant(mesh, self._world.main_user().uid)

        def done() -> None:
            if fault is not None:
                state = "create_timeout" if fault.kind == "create_timeout" else "failed"
                self._settle(mesh, state, fault.message or "creating the control plane did not end in time")
                return
            guest = mesh.operation_parameters.get("GuestCluster")
            self._settle(mesh)
            if guest:
                self.attach(mesh, guest)

        self._begin(mesh, "create_mesh", "initial")
        self._run("create_mesh", mesh, work, done, lambda problem: self._settle(mesh, "failed", problem))

    def update(self, mesh: Mesh, fault: Fault | None = None, kind: str = "update_mesh") -> None:
        """Let a change settle that is in the record already: state updating, then running."""

        def work() -> None:
            plane = self._fleet.running_mesh(mesh.mesh_id)
            if plane is not None:
                plane.configure(configuration(mesh.spec, mesh.hidden, mesh.sidecars))

        def done() -> None:
            if fault is not None:
                self._settle(mesh, "updating_failed", fault.message or "the change could not be applied")
            else:
                self._settle(mesh)

        self._begin(mesh, kind, "updating")
        self._run(kind, mesh, work, done, lambda problem: self._settle(mesh, "updating_failed", problem))

    def upgrade(self, mesh: Mesh, version: str, gateways: list[str], fault: Fault | None = None) -> None:
        """Move a mesh and the named gateways ("namespace:name") to a version: state upgrading, then running.

        Another istiod takes the place of the one that is there, and other pods that of the gateways' pods.
        """

        def work() -> None:
            plane = self._fleet.running_mesh(mesh.mesh_id)
            if plane is None or fault is not None:
                return
            if version != mesh.version:
                plane.replace_istiod()
            if gateways:
                with self._world.lock:
                    mesh.gateway_versions.update(dict.fromkeys(gateways, version))
                for hook in self.gateways_follow:
                    hook(mesh, gateways)

        def done() -> None:
            if fault is not None:
                self._settle(mesh, "upgrading_failed", fault.message or "the control plane could not be upgraded")
                return
            with self._world.lock:
                mesh.version = version
                mesh.gateway_versions.update(dict.fromkeys(gateways, version))
            self._settle(mesh)

        self._begin(mesh, "upgrade_mesh", "upgrading", {"version": version, "gateways": gateways})
        self._run("upgrade_mesh", mesh, work, done, lambda problem: self._settle(mesh, "upgrading_failed", problem))

    def delete(self, mesh: Mesh, retain: list[str], fault: Fault | None = None) -> None:
        """Stop the servers of a mesh and release what was made for it, but for the ids in ``retain``."""

        def work() -> None:
            self._fleet.drop(mesh.mesh_id)

        def done() -> None:
            if fault is not None:
                self._settle(mesh, "delete_failed", fault.message or "some resources could not be released")
                return
            with self._world.lock:
                self._inventory.release_mesh(mesh, retain)
                self._world.meshes.pop(mesh.mesh_id, None)
                self._world.deleted_meshes.append(mesh.mesh_id)
                self._world.save()

        self._begin(mesh, "delete_mesh", "deleting", {"retain": retain})
        self._run("delete_mesh", mesh, work, done, lambda problem: self._settle(mesh, "delete_failed", problem))

    def attach(self, mesh: Mesh, cluster_id: str, *, discovery_only: bool = False, fault: Fault | None = None) -> None:
        """Bring a cluster into a mesh: cluster state starting, then running; the mesh is updating meanwhile."""
        now = timestamp()
        with self._world.lock:
            created = mesh.clusters[cluster_id].created if cluster_id in mesh.clusters else now
            attachment = Attachment(cluster_id, "starting", created, now, discovery_only=discovery_only)
            mesh.clusters[cluster_id] = attachment
            mesh.state = "updating"
            self._world.save()

        def work() -> None:
            cluster = self._fleet.cluster(cluster_id)
            self._fleet.mesh(mesh.mesh_id).attach(cluster, discovery_only=discovery_only)
            for hook in self.after_attach:
                hook(mesh, cluster_id)

        def done() -> None:
            if fault is not None:
                self._settle_cluster(mesh, attachment, "failed", fault.message or "the cluster could not be reached")
            else:
                self._settle_cluster(mesh, attachment, "running")

        def failed(problem: str) -> None:
            self._settle_cluster(mesh, attachment, "failed", problem)

        self._run("attach_cluster", mesh, work, done, failed)

    def detach(self, mesh: Mesh, cluster_id: str, *, reserve_namespace: bool, fault: Fault | None = None) -> None:
        """Take a cluster out of a mesh: cluster state stopping, then it is gone from the mesh."""
        with self._world.lock:
            attachment = mesh.clusters[cluster_id]
            attachment.state = "stopping"
            attachment.updated = timestamp()
            attachment.reserve_namespace = reserve_namespace
            mesh.state = "updating"
            self._world.save()

        def work() -> None:
            if fault is not None:
                return
            cluster, plane = self._fleet.cluster(cluster_id), self._fleet.mesh(mesh.mesh_id)
            plane.stop_discovery(cluster)
            for hook in self.before_detach:
                hook(mesh, cluster)
            plane.detach(cluster, reserve_namespace=reserve_namespace)

        def done() -> None:
            if fault is not None:
                self._settle_cluster(mesh, attachment, "failed", fault.message or "the cluster could not be removed")
                return
            with self._world.lock:
                mesh.clusters.pop(cluster_id, None)
                mesh.networks.pop(cluster_id, None)
            self._settle(mesh, mesh.state if mesh.operation else "running")

        def failed(problem: str) -> None:
            self._settle_cluster(mesh, attachment, "failed", problem)

        self._run("detach_cluster", mesh, work, done, failed)

    def lose(self, cluster_id: str) -> None:
        """A cluster that is no more leaves its mesh at once; nothing is taken away in the cluster itself."""
        with self._world.lock:
            meshes = [mesh for mesh in self._world.meshes.values() if mesh.clusters.pop(cluster_id, None)]
            for mesh in meshes:
                mesh.networks.pop(cluster_id, None)
            self._world.save()
        for mesh in meshes:
            plane = self._fleet.running_mesh(mesh.mesh_id)
            if plane is not None:
                plane.forget(cluster_id)

    def refuse(self, mesh: Mesh, cluster_id: str, problem: str) -> None:
        """Note a cluster as failed to join, for the case that refusals do not show in the reply."""
        now = timestamp()
        with self._world.lock:
            mesh.clusters[cluster_id] = Attachment(cluster_id, "failed", now, now, error_message=problem)
            self._world.save()

    def bind_eip(self, mesh: Mesh, eip: Eip, role: str, fault: Fault | None = None) -> None:
        """Serve the API server at an EIP too (role api); the EIP is associating meanwhile, the mesh updating."""

        def work() -> None:
            if role == "api":
                self._fleet.mesh(mesh.mesh_id).publish(eip.address)

        def done() -> None:
            with self._world.lock:
                eip.status = "InUse"
            self._settle(mesh, "updating_failed" if fault else "running", fault.message if fault else "")

        self._begin(mesh, "bind_eip", "updating")
        self._run("bind_eip", mesh, work, done, lambda problem: self._settle(mesh, "updating_failed", problem))

    def unbind_eip(self, mesh: Mesh, eip: Eip, role: str) -> None:
        """The reverse of bind_eip."""

        def work() -> None:
            if role == "api":
                self._fleet.mesh(mesh.mesh_id).unpublish(eip.address)

        def done() -> None:
            with self._world.lock:
                self._inventory.unbind_eip(eip, mesh, role)
            self._settle(mesh)

        with self._world.lock:
            eip.status = "Unassociating"
        self._begin(mesh, "unbind_eip", "updating", {"role": role})
        self._run("bind_eip", mesh, work, done, lambda problem: self._settle(mesh, "updating_failed", problem))

    def resume(self) -> None:
        """Start again what was going on when the lab stopped, and the servers of all meshes that run."""
        with self._world.lock:
            meshes = list(self._world.meshes.values())
        for mesh in meshes:
            parameters = mesh.operation_parameters
            if mesh.operation == "create_mesh":
                self.create(mesh)
            elif mesh.operation == "delete_mesh":
                self.delete(mesh, parameters.get("retain", []))
            elif mesh.operation == "upgrade_mesh":
                self.upgrade(mesh, parameters["version"], parameters["gateways"])
            elif mesh.operation in ("bind_eip", "unbind_eip"):
                self._resume_eip(mesh)
            elif mesh.operation:
                self.update(mesh)
            if mesh.operation not in ("create_mesh", "delete_mesh") and mesh.state in _ALIVE and not mesh.cheap:
                restart = functools.partial(self._restart, mesh)
                self._transitions.start("start_mesh", mesh.mesh_id, restart, _nothing, _ignore)
            for attachment in list(mesh.clusters.values()):
                if attachment.state == "starting":
                    self.attach(mesh, attachment.cluster_id, discovery_only=attachment.discovery_only)
                elif attachment.state == "stopping":
                    self.detach(mesh, attachment.cluster_id, reserve_namespace=attachment.reserve_namespace)

    def _resume_eip(self, mesh: Mesh) -> None:
        role = mesh.operation_parameters.get("role", "")
        for bound, allocation_id in list(mesh.eips.items()):
            eip = self._world.eips[allocation_id]
            if mesh.operation == "unbind_eip" and bound == role:
                self.unbind_eip(mesh, eip, bound)
            elif eip.status == "Associating":
                self.bind_eip(mesh, eip, bound)

    def _restart(self, mesh: Mesh) -> None:
        plane = self._fleet.mesh(mesh.mesh_id)
        for attachment in list(mesh.clusters.values()):
            if attachment.state == "running":
                cluster = self._fleet.cluster(attachment.cluster_id)
                plane.attach(cluster, discovery_only=attachment.discovery_only)
                for hook in self.after_attach:
                    hook(mesh, attachment.cluster_id)

    def _begin(self, mesh: Mesh, operation: str, state: str, parameters: dict[str, object] | None = None) -> None:
        with self._world.lock:
            mesh.operation = operation
            mesh.state = state
            mesh.error_message = ""
            mesh.updated = timestamp()
            if parameters is not None:
                mesh.operation_parameters = parameters
            self._world.save()

    def _run(
        self, kind: str, mesh: Mesh, work: Callable[[], None], done: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        self._transitions.start(kind, mesh.mesh_id, work, done, failed)

    def _settle(self, mesh: Mesh, state: str = "running", problem: str = "") -> None:
        with self._world.lock:
            mesh.operation = ""
            mesh.operation_parameters = {}
            moving = any(one.state in ("starting", "stopping") for one in mesh.clusters.values())
            mesh.state = "updating" if moving and state == "running" else state
            mesh.error_message = problem
            mesh.updated = timestamp()
            self._world.save()

    def _settle_cluster(self, mesh: Mesh, attachment: Attachment, state: str, problem: str = "") -> None:
        with self._world.lock:
            attachment.state = state
            attachment.error_message = problem
            attachment.updated = timestamp()
            if not mesh.operation:
                self._settle(mesh)
            self._world.save()


def _nothing() -> None:
    """A step that has nothing to do."""


def _ignore(problem: str) -> None:
    """The transition has logged why; the servers are tried again at their next use."""

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers behind the account: starts the planes that records stand for, with the controllers of each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from meshlab.account import Cluster, Mesh
from meshlab.meshconfig import configuration
from meshlab.planes import ClusterPlane, MeshPlane, Planes
from meshlab.world import World

logger = logging.getLogger(__name__)


class Fleet:
    """Planes by the id of their record. Thread-safe; a plane that is starting holds up only those who want that one.

    ``on_cluster`` and ``on_mesh`` are called once for each plane that came up, before anybody else gets it;
    ``on_gone`` before a plane is dropped.
    """

    def __init__(self, world: World, planes: Planes) -> None:
        self._world = world
        self._planes = planes
        self._clusters: dict[str, ClusterPlane] = {}
        self._meshes: dict[str, MeshPlane] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.on_cluster: list[Callable[[Cluster, ClusterPlane], None]] = []
        self.on_mesh: list[Callable[[Mesh, MeshPlane], None]] = []
        self.on_gone: list[Callable[[str], None]] = []

    def cluster(self, cluster_id: str) -> ClusterPlane:
        """The plane of a cluster, started when it is not running. Raises KeyError for an unknown cluster."""
        record = self._world.clusters[cluster_id]
        with self._lock_of(cluster_id):
            if cluster_id not in self._clusters:
                plane = self._planes.cluster(
                    cluster_id,
                    region=record.region_id,
                    zone=record.zone_id,
                    service_cidr=record.service_cidr,
                    pod_cidr=record.pod_cidr,
                    name=record.name,
                )
                self._prepare(record, plane)
                for hook in self.on_cluster:
                    hook(record, plane)
                self._clusters[cluster_id] = plane
            return self._clusters[cluster_id]

    def mesh(self, mesh_id: str) -> MeshPlane:
        """The plane of a mesh, started when it is not running. Raises KeyError for an unknown mesh."""
        record = self._world.meshes[mesh_id]
        with self._lock_of(mesh_id):
            if mesh_id not in self._meshes:
                plane = self._planes.mesh(mesh_id, configuration(record.spec, record.hidden, record.sidecars))
                for address in self._eips(f"mesh/{mesh_id}/api"):
                    plane.publish(address)
                for hook in self.on_mesh:
                    hook(record, plane)
                self._meshes[mesh_id] = plane
            return self._meshes[mesh_id]

    def running_cluster(self, cluster_id: str) -> ClusterPlane | None:
        """The plane of a cluster if it runs already."""
        return self._clusters.get(cluster_id)

    def running_mesh(self, mesh_id: str) -> MeshPlane | None:
        """The plane of a mesh if it runs already."""
        return self._meshes.get(mesh_id)

    def running(self) -> list[str]:
        """Ids of all planes that run."""
        return sorted([*self._clusters, *self._meshes])

    def drop(self, plane_id: str) -> None:
        """Stop a plane and forget what it stored."""
        with self._lock_of(plane_id):
            for hook in self.on_gone:
                hook(plane_id)
            self._clusters.pop(plane_id, None)
            self._meshes.pop(plane_id, None)
            self._planes.drop(plane_id)

    def plane(self, plane_id: str) -> ClusterPlane | MeshPlane:
        """The running plane with this id. Raises ValueError when there is none."""
        plane = self._clusters.get(plane_id) or self._meshes.get(plane_id)
        if plane is None:
            raise ValueError(f"no plane {plane_id} is running; running are {', '.join(self.running()) or 'none'}")
        return plane

    def _prepare(self, record: Cluster, plane: ClusterPlane) -> None:
        for address in self._eips(f"cluster/{record.cluster_id}"):
            plane.publish(address)
        if record.istio_system and not record.started:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}}
            plane.api.apply("/api/v1/namespaces/istio-system", namespace)
        if not record.started:
            record.started = True
            self._world.save()

    def _eips(self, bound_to: str) -> list[str]:
        with self._world.lock:
            return [eip.address for eip in self._world.eips.values() if eip.bound_to == bound_to]

    def _lock_of(self, plane_id: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(plane_id, threading.Lock())

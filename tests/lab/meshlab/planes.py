# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes servers of one lab: a plane per data-plane cluster and per mesh control plane, one etcd for all."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from meshlab.addresses import Addresses
from meshlab.apiserver import ApiServer
from meshlab.binaries import Binaries
from meshlab.clusterplane import ClusterPlane
from meshlab.etcd import Etcd
from meshlab.files import private_dir
from meshlab.loopthread import LoopThread
from meshlab.meshplane import MeshPlane
from meshlab.plane import Plane
from meshlab.processes import Processes, end_leftovers
from meshlab.traffic.network import Network

__all__ = ["ClusterPlane", "MeshPlane", "Plane", "Planes"]

P = TypeVar("P", bound=Plane)

#: Services of a mesh's control plane: only the API server's own.
_MESH_SERVICES = "192.168.255.0/24"

#: No nodes and no pods, so no ServiceAccounts either: users come with certificates.
_MESH_FLAGS = ("--disable-admission-plugins=ServiceAccount",)


class Planes:
    """One etcd and all API servers of one lab. Every method may be called from any thread.

    State lies in ``workdir``: planes that were running before come back by the same calls of cluster() and mesh().
    With a ``network`` pods really serve; without one they only have a status. ``environment`` has the last word over
    that of every server.
    """

    def __init__(
        self,
        workdir: Path,
        binaries: Binaries,
        addresses: Addresses,
        network: Network | None = None,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._workdir = private_dir(workdir)
        self._binaries = binaries
        self._addresses = addresses
        self._network = network
        self._lock = threading.Lock()
        self._plane_locks: dict[str, threading.Lock] = {}
        self._planes: dict[str, Plane] = {}
        end_leftovers(self._workdir)
        self.processes = Processes(self._workdir, environment)
        self._loop = LoopThread("lab-loop")
        self._etcd = Etcd(self._workdir, binaries.etcd, self.processes)

    def start(self) -> None:
        """Start etcd and the network."""
        with ThreadPoolExecutor(2) as pool:
            steps = [pool.submit(self._etcd.start)]
            if self._network:
                steps.append(pool.submit(self._network.start, self.processes))
        for step in steps:
            step.result()

    def stop(self) -> None:
        """Stop everything in order; no process, thread or listener is left. State stays in the workdir."""
        with self._lock:
            planes = list(self._planes.values())
            self._planes.clear()
        # Meshes first, so that istiod does not watch its clusters die.
        for group in (MeshPlane, ClusterPlane):
            _together([one.stop_clients for one in planes if isinstance(one, group)])
        _together([one.stop_server for one in planes])
        self._etcd.stop()
        if self._network:
            self._network.stop()
        self.processes.close()
        self._loop.close()

    def cluster(
        self, cluster_id: str, *, region: str, zone: str, service_cidr: str, pod_cidr: str, name: str = ""
    ) -> ClusterPlane:
        """The plane of a data-plane cluster; started at the first call, ready on return. ``name`` is for people."""

        def make() -> ClusterPlane:
            server, address = self._server(cluster_id, service_cidr)
            return ClusterPlane(
                cluster_id,
                server,
                address,
                self._loop,
                binaries=self._binaries,
                processes=self.processes,
                region=region,
                zone=zone,
                pod_cidr=pod_cidr,
                service_cidr=service_cidr,
                name=name,
                network=self._network,
            )

        return self._plane(cluster_id, ClusterPlane, make)

    def mesh(self, mesh_id: str, configuration: dict[str, Any] | None = None) -> MeshPlane:
        """The plane of a mesh's control plane; started at the first call, ready on return.

        ``configuration``: what istiod begins with, see MeshPlane.configure().
        """

        def make() -> MeshPlane:
            server, address = self._server(mesh_id, _MESH_SERVICES, flags=_MESH_FLAGS)
            return MeshPlane(
                mesh_id,
                server,
                address,
                self._loop,
                binaries=self._binaries,
                processes=self.processes,
                pilot_address=self._addresses.pilot(mesh_id),
                configuration=configuration,
            )

        return self._plane(mesh_id, MeshPlane, make)

    def drop(self, plane_id: str) -> None:
        """Stop one plane and wipe all that it stored, also when it was not running."""
        with self._plane_lock(plane_id):
            plane = self._planes.pop(plane_id, None)
            if plane:
                plane.stop_clients()
                plane.stop_server()
            self._etcd.wipe(f"/{plane_id}")
            shutil.rmtree(self._folder(plane_id), ignore_errors=True)
            self._addresses.forget(plane_id)

    def _plane(self, plane_id: str, kind: type[P], make: Callable[[], P]) -> P:
        with self._plane_lock(plane_id):
            plane = self._planes.get(plane_id)
            if plane is None:
                plane = make()
                try:
                    plane.start()
                except BaseException:
                    plane.stop_clients()
                    plane.stop_server()
                    raise
                self._planes[plane_id] = plane
            if not isinstance(plane, kind):
                raise ValueError(f"{plane_id} is a {type(plane).__name__}, not a {kind.__name__}")
            return plane

    def _plane_lock(self, plane_id: str) -> threading.Lock:
        with self._lock:
            return self._plane_locks.setdefault(plane_id, threading.Lock())

    def _server(self, plane_id: str, service_cidr: str, *, flags: tuple[str, ...] = ()) -> tuple[ApiServer, str]:
        address = self._addresses.plane(plane_id)
        server = ApiServer(
            plane_id,
            folder=self._folder(plane_id),
            address=address,
            service_cidr=service_cidr,
            binary=self._binaries.kube_apiserver,
            processes=self.processes,
            store=self._etcd,
            flags=flags,
        )
        return server, address

    def _folder(self, plane_id: str) -> Path:
        return self._workdir / "planes" / plane_id


def _together(calls: list[Callable[[], None]]) -> None:
    """Run all at the same time; the first exception is raised once all have ended."""
    if calls:
        with ThreadPoolExecutor(len(calls)) as pool:
            jobs = [pool.submit(call) for call in calls]
        for job in jobs:
            job.result()

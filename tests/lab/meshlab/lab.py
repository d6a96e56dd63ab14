# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as a whole: builds its parts, starts them in order and stops them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from meshlab.access import Access
from meshlab.addresses import Addresses
from meshlab.binaries import Binaries
from meshlab.cloud import Cloud
from meshlab.control import LOG
from meshlab.faults import Faults
from meshlab.fleet import Fleet
from meshlab.inventory import Inventory
from meshlab.lifecycle import Lifecycle
from meshlab.openapi.gateway import Gateway
from meshlab.openapi.products import Ack, Asm
from meshlab.openapi.server import Server
from meshlab.operators import Operators
from meshlab.planes import Planes
from meshlab.requestlog import RequestLog
from meshlab.states import Transitions
from meshlab.traffic.network import Network, prefix
from meshlab.traffic.tools import obstacle
from meshlab.world import ACCOUNT, load_world

logger = logging.getLogger(__name__)

#: Ports of the products on the lab's endpoint address; fixed, so that a restarted lab is found where it was.
PORTS = {"servicemesh": 8080, "cs": 8081}

#: Region that `env` names.
DEFAULT_REGION = "cn-hangzhou"


class Lab:
    """One lab: all its parts, put together."""

    def __init__(
        self, workdir: Path, world_file: Path, binaries: Binaries, transitions: float, *, traffic: bool = True
    ) -> None:
        self.workdir = workdir
        self.binaries = binaries
        self.addresses = Addresses(workdir)
        self.world = load_world(workdir / ACCOUNT, world_file, self.addresses)
        #: Why pods have no network; empty when they have one.
        self.without_traffic = self._without_traffic(traffic)
        self.network = self._network()
        self.planes = Planes(workdir, binaries, self.addresses, self.network)
        self.transitions = Transitions(self.world.durations, transitions)
        self.faults = Faults()
        self.log = RequestLog(workdir / LOG)
        self.fleet = Fleet(self.world, self.planes)
        self.inventory = Inventory(self.world, self.addresses)
        self.access = Access(self.world, self.fleet)
        self.lifecycle = Lifecycle(self.world, self.fleet, self.access, self.inventory, self.transitions)
        self.operators = Operators(self.world, self.inventory, self.transitions, self.fleet, self.lifecycle)
        cloud = Cloud(self.fleet, self.access, self.inventory, self.lifecycle, self.addresses)
        gateway = Gateway(self.world, self.faults, self.log)
        self.server = Server(gateway, [Asm(cloud), Ack(cloud)])
        self.urls: dict[str, str] = {}

    def start(self, report: Callable[[str], None]) -> None:
        """Start everything; returns when the endpoints answer and the clusters that start with the lab are up."""
        self.planes.start()
        self.urls = self.server.start(self.addresses.endpoint, PORTS)
        report(f"endpoints: ASM {self.urls['servicemesh']}, ACK {self.urls['cs']}")
        names = {one.cluster_id: one.name for one in self.world.clusters.values() if one.start}
        self.lifecycle.resume()
        with ThreadPoolExecutor(max(len(names), 1), thread_name_prefix="start") as executor:
            for plane in executor.map(self.fleet.cluster, names):
                report(f"cluster {names[plane.plane_id]}: {plane.private_url}")
        for program, reason in self.binaries.missing.items():
            report(f"without {program}: {reason}")
        if self.without_traffic:
            report(f"without traffic: {self.without_traffic}")

    def stop(self) -> None:
        """Stop everything; what the account holds stays in the work directory."""
        steps: list[Callable[[], object]] = [
            self.server.stop,
            self.transitions.stop,
            self.operators.stop,
            self.planes.stop,
            self.world.save,
            self.addresses.close,
            self.log.close,
        ]
        for step in steps:
            try:
                step()
            except Exception:  # the rest must be stopped whatever one part does
                logger.exception("stopping: %s", step)

    def _without_traffic(self, wanted: bool) -> str:
        if not wanted:
            return "switched off by --no-traffic"
        if not self.world.settings.get("traffic", True):
            return "switched off by the setting traffic"
        return obstacle(self.binaries, f"{prefix(self.addresses.octet)}trial")

    def _network(self) -> Network | None:
        programs = self.binaries
        if self.without_traffic or programs.envoy is None or programs.dataplane is None:
            return None
        return Network(self.addresses.octet, envoy=programs.envoy, dataplane=programs.dataplane, binaries=programs)

    def environment(self) -> dict[str, str]:
        """What a user of the collection sets to reach the lab."""
        main = self.world.main_user()
        return {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": main.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": main.access_key_secret,
            "ALIBABA_CLOUD_REGION_ID": DEFAULT_REGION,
            "MESHOPS_ASM_ENDPOINT": self.urls["servicemesh"],
            "MESHOPS_CS_ENDPOINT": self.urls["cs"],
            # Its istiods have nothing else to do, so that they send a change after a tenth of a second.
            "MESHOPS_PROXIES_SETTLE": "2",
        }

    def status(self) -> dict[str, Any]:
        """What the lab holds, without secrets."""
        running = set(self.fleet.running())
        cut = self.network.cut() if self.network else []
        with self.world.lock:
            return {
                "workdir": str(self.workdir),
                "endpoints": self.urls,
                "transitions": self.transitions.scale,
                "missing": dict(self.binaries.missing),
                "restarts": self.planes.processes.restarts(),
                "ended": self.planes.processes.ended(),
                "traffic": {"available": self.network is not None, "reason": self.without_traffic},
                "clusters": [
                    {
                        "id": one.cluster_id,
                        "name": one.name,
                        "region_id": one.region_id,
                        "state": one.state,
                        "servers": one.cluster_id in running,
                        "cut": one.cluster_id in cut,
                        "mesh_id": mesh.mesh_id if (mesh := self.world.mesh_of_cluster(one.cluster_id)) else "",
                    }
                    for one in self.world.clusters.values()
                ],
                "meshes": [
                    {
                        "id": one.mesh_id,
                        "name": one.name,
                        "region_id": one.region_id,
                        "state": one.state,
                        "version": one.version,
                        "servers": one.mesh_id in running,
                        "clusters": list(one.clusters),
                    }
                    for one in self.world.meshes.values()
                ],
            }

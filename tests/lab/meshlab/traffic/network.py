# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network of one lab: the VPC, its nodes, outside hosts, and the process that serves in all of them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshlab.binaries import Binaries
from meshlab.files import private_dir
from meshlab.kubeapi import KubeApi, Object
from meshlab.processes import Processes
from meshlab.traffic import services as tables
from meshlab.traffic.dataplane import Dataplane
from meshlab.traffic.machines import Machine, Machines
from meshlab.traffic.namespaces import Namespaces
from meshlab.traffic.servicewatch import ServiceWatch

#: Where sockets and the files of running pods lie: a socket's path has 107 characters at most.
_RUN = Path("/run/meshops.asm")

#: Addresses of what is outside of the clusters are documentation ranges (RFC 5737).
_LOAD_BALANCERS = "198.51.100.1"
_OUTSIDE = "203.0.113.{}"

#: The first port at which something of the host is reached from the VPC.
_ADMITTED = 15012

#: Names that every cluster's DNS resolves to a machine outside of the mesh; it echoes what it is asked.
OUTSIDE_HOSTS = ("httpbin.org", "www.example.com")


@dataclass(frozen=True)
class Pilot:
    """The istiod of the mesh that a cluster is in; ``ca_file`` is the root of its certificates."""

    address: str
    ca_file: Path


class Network:
    """Everything between the pods of one lab. ``octet``: the lab's range 127.X. Thread-safe."""

    def __init__(self, octet: int, *, envoy: Path, dataplane: Path, binaries: Binaries) -> None:
        self.namespaces = Namespaces(prefix(octet))
        self.folder = run_folder(octet)
        self.envoy = envoy
        self._binary = dataplane
        self._binaries = binaries
        self._machines: Machines | None = None
        self._dataplane: Dataplane | None = None
        self._nodes: dict[str, Node] = {}
        self._hosts: dict[str, list[str]] = {}
        self._forwards: dict[str, dict[str, str]] = {}
        self._host_range = f"127.{octet}"
        self._lock = threading.Lock()

    @property
    def dataplane(self) -> Dataplane:
        """The process. RuntimeError before start()."""
        if self._dataplane is None:
            raise RuntimeError("the network has not been started")
        return self._dataplane

    def start(self, processes: Processes) -> None:
        """Make the VPC and start the process; what a killed lab left is removed first."""
        self.clean()
        private_dir(self.folder)
        self._dataplane = Dataplane(self._binary, self.folder, processes)
        self._dataplane.start()
        self._machines = Machines(self.folder / "machines", self._binaries, processes)
        self.namespaces.make_vpc(_LOAD_BALANCERS)
        for name in OUTSIDE_HOSTS:
            self.add_host(name)

    def stop(self) -> None:
        """Remove everything."""
        if self._machines:
            self._machines.stop()
            self._machines = None
        if self._dataplane:
            self._dataplane.stop()
            self._dataplane = None
        self.clean()

    def clean(self) -> None:
        """Remove namespaces and files of the lab, whoever made them."""
        self.namespaces.remove_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def node(self, cluster_id: str, cluster_name: str, *, address: str, services: str, api: KubeApi) -> Node:
        """The node of a cluster; it does not exist before its start()."""
        node = Node(self, cluster_id, cluster_name, address=address, services=services, api=api)
        with self._lock:
            self._nodes[cluster_id] = node
        return node

    def forget(self, node: Node) -> None:
        """Called by a node that has stopped."""
        with self._lock:
            if self._nodes.get(node.cluster_id) is node:
                del self._nodes[node.cluster_id]

    def connect(self, cluster_id: str, *, up: bool) -> None:
        """Connect the cluster with the rest, or cut it off. ValueError when it has no node."""
        with self._lock:
            node = self._nodes.get(cluster_id)
        if node is None:
            raise ValueError(f"the cluster {cluster_id} is not running")
        node.connect(up=up)

    def cut(self) -> list[str]:
        """Ids of the clusters that are cut off."""
        with self._lock:
            return sorted(key for key, node in self._nodes.items() if not node.connected)

    def add_host(self, name: str, ports: tuple[int, ...] = (80,)) -> str:
        """A host outside of the clusters that all of them know by ``name``; it echoes requests. Its address."""
        address, netns, new = self._host(name)
        if new:
            app = {"kind": "echo", "ports": list(ports), "pod": name, "namespace": "", "cluster": "outside"}
            self.dataplane.call("start", id=f"outside/{name}", netns=netns, app=app)
        return address

    def add_machine(self, name: str) -> Machine:
        """The machine outside of the clusters that all of them know by ``name``; nothing serves there yet.

        MachineError when it cannot be made.
        """
        if self._machines is None:
            raise RuntimeError("the network has not been started")
        known = self._machines.find(name)
        if known:
            return known
        address, netns, new = self._host(name)
        if not new:
            raise ValueError(f"{name} is a host that is no machine")
        return self._machines.start(name, netns, address=address, resolver=_LOAD_BALANCERS)

    def _host(self, name: str) -> tuple[str, str, bool]:
        """A host's address, the path of its namespace, and whether it has been made just now."""
        with self._lock:
            new = name not in self._hosts
            if new:
                address = _OUTSIDE.format(len(self._hosts) + 1)
                self.namespaces.make_host(self._host_netns(address), [address])
                self._hosts[name] = [address]
            address = self._hosts[name][0]
            nodes = list(self._nodes.values()) if new else []
        for node in nodes:
            node.refresh()
        return address, str(self.namespaces.path(self._host_netns(address))), new

    def _host_netns(self, address: str) -> str:
        return f"{self.namespaces.prefix}outside-{address.rpartition('.')[2]}"

    def expose(self, address: str, port: int) -> str:
        """Pass connections to an address of the host on to a pod's; "address:port" of the former."""
        vpc = str(self.namespaces.path(self.namespaces.vpc))
        with self._lock:
            target = f"{address}:{port}"
            number = sum(1 for one in self._forwards.values() if "from" not in one)
            listen = f"{self._host_range}.{210 + number // 250}.{number % 250 + 1}:{port}"
            return self._forward({"listen": listen, "netns": vpc, "target": target})

    def admit(self, target: str) -> str:
        """Pass connections to an address in the VPC on to one of the host, such as an istiod's; the former."""
        vpc = str(self.namespaces.path(self.namespaces.vpc))
        with self._lock:
            number = sum(1 for one in self._forwards.values() if "from" in one)
            listen = f"{_LOAD_BALANCERS}:{_ADMITTED + number}"
            return self._forward({"from": vpc, "listen": listen, "netns": "", "target": target})

    def _forward(self, wanted: dict[str, str]) -> str:
        entry = self._forwards.setdefault(wanted["target"], wanted)
        problems = self.dataplane.call("forward", node="", forwards=list(self._forwards.values()))
        if problems:
            raise RuntimeError("; ".join(problems.values()))
        return entry["listen"]

    def hosts(self) -> dict[str, list[str]]:
        """Outside names and their addresses."""
        with self._lock:
            return dict(self._hosts)


class Node:
    """One cluster's node in the network."""

    def __init__(
        self, network: Network, cluster_id: str, cluster_name: str, *, address: str, services: str, api: KubeApi
    ) -> None:
        self.cluster_id = cluster_id
        self.cluster_name = cluster_name
        self.address = address
        self.network = network
        self.netns = f"{network.namespaces.prefix}{cluster_id}"
        self.folder = network.folder / cluster_id
        self.connected = True
        self._services = services
        self._watch = ServiceWatch(api, self._apply)
        self._started = False
        self._serving: frozenset[str] = frozenset()
        self._applied: dict[str, Any] = {}

    @property
    def dataplane(self) -> Dataplane:
        """The process that serves in the node's namespaces."""
        return self.network.dataplane

    @property
    def path(self) -> str:
        """Where the node's namespace can be entered."""
        return str(self.network.namespaces.path(self.netns))

    def start(self) -> None:
        """Make the node and begin to follow the cluster's Services."""
        private_dir(self.folder)
        self.network.namespaces.make_node(self.netns, self.address)
        self._started = True
        self._resolve({})
        self._watch.start()

    def stop(self) -> None:
        """Remove the node with what is left of its pods."""
        if not self._started:
            return
        self._started = False
        self._watch.stop()
        self.dataplane.call("forward", node=self.cluster_id, forwards=[])
        self.dataplane.call("unresolve", node=self.cluster_id)
        self.follow(None)
        names = [one for one in self.network.namespaces.present() if one.split("--")[0] == self.netns]
        self.network.namespaces.remove_all(names)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.network.forget(self)

    def follow(self, pilot: Pilot | None) -> None:
        """Have the node's proxies take their configuration and certificates from an istiod, or from none."""
        spec = pilot and {"address": pilot.address, "cluster": self.cluster_id, "ca": str(pilot.ca_file)}
        self.dataplane.call("pilot", node=self.cluster_id, pilot=spec)

    def refresh(self) -> None:
        """Names outside of the cluster have changed."""
        self._watch.again()

    def connect(self, *, up: bool) -> None:
        """Connect the node with the VPC or cut it off."""
        self.network.namespaces.connect(self.netns, up=up)
        self.connected = up

    def pod_namespace(self, pod: Object) -> str:
        """The name of a pod's network namespace."""
        meta = pod["metadata"]
        return f"{self.netns}--{meta['namespace']}.{meta['name']}"

    def add_pod(self, name: str, address: str) -> None:
        """Make a pod's network namespace."""
        self.network.namespaces.make_pod(name, self.netns, address, node_address=self.address, services=self._services)

    def remove_pod(self, name: str) -> None:
        """Remove it."""
        self.network.namespaces.remove_pod(name, self.netns)

    def serves(self, address: str) -> bool:
        """Whether an address is a ready endpoint of one of the cluster's Services."""
        return address in self._serving

    def resolver(self, namespace: str) -> dict[str, Any]:
        """resolv.conf of a pod in a namespace, for the data-plane process."""
        search = [f"{namespace}.{tables.DOMAIN}", tables.DOMAIN, "cluster.local"]
        return {"server": self.address, "search": search}

    def resolv_conf(self, namespace: str) -> str:
        """The same as the text of a file."""
        names = self.resolver(namespace)
        return f"nameserver {names['server']}\nsearch {' '.join(names['search'])}\noptions ndots:5\n"

    def _apply(self, services: list[Object], slices: list[Object]) -> None:
        services = sorted(services, key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))
        endpoints = tables.gather(slices)
        self._serving = frozenset(address for one in endpoints.values() for address in one.addresses)
        vpc = str(self.network.namespaces.path(self.network.namespaces.vpc))
        self._change(
            "rules",
            tables.rules(services, endpoints, node_address=self.address),
            lambda text: self.network.namespaces.restore(self.netns, text),
        )
        self._change("records", tables.records(services, endpoints, self.network.hosts()), self._resolve)
        self._change("forwards", tables.forwards(services, netns=vpc, node_address=self.address), self._forward)

    def _change(self, what: str, wanted: Any, apply: Callable[[Any], None]) -> None:
        if self._applied.get(what) != wanted:
            apply(wanted)
            self._applied[what] = wanted

    def _resolve(self, records: dict[str, list[str]]) -> None:
        self.dataplane.call("resolve", node=self.cluster_id, netns=self.path, address=self.address, records=records)

    def _forward(self, forwards: list[dict[str, str]]) -> None:
        problems = self.dataplane.call("forward", node=self.cluster_id, forwards=forwards)
        if problems:
            raise RuntimeError("; ".join(f"load balancer {one}: {why}" for one, why in problems.items()))


def prefix(octet: int) -> str:
    """How the names of all network namespaces of a lab begin."""
    return f"lab{octet}-"


def run_folder(octet: int) -> Path:
    """Where a lab keeps sockets and the files of running pods."""
    return _RUN / f"lab{octet}"


def remove_leftovers(octet: int) -> bool:
    """Remove what a lab that is gone left behind; whether there was anything."""
    namespaces = Namespaces(prefix(octet))
    names = namespaces.present()
    namespaces.remove_all(names)
    folder = run_folder(octet)
    left = bool(names) or folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    return left

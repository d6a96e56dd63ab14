# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's control socket: what tests and the command line do to the lab, aside from the product's endpoints."""

from __future__ import annotations

import json
import logging
import os
import socketserver
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from meshlab.inventory import billed_resources
from meshlab.istiod import SECURE_PORT
from meshlab.kubeapi import Object
from meshlab.lab import Lab
from meshlab.processes import Process
from meshlab.traffic.network import Network, Node
from meshlab.world import COLLECTIONS, add_record

logger = logging.getLogger(__name__)


class ControlServer:
    """Listens on a unix socket in the work directory; a request and its reply are one line of JSON each."""

    def __init__(self, path: Path, lab: Lab, stop: Callable[[], None]) -> None:
        self._path = path
        self._path.unlink(missing_ok=True)
        operations = Operations(lab, stop)
        self._server = _Server(str(path), operations)
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="control", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and remove the socket."""
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


class Operations:
    """One method per operation; arguments and results are plain data. ValueError and KeyError go back as messages."""

    def __init__(self, lab: Lab, stop: Callable[[], None]) -> None:
        self._lab = lab
        self._stop = stop

    def status(self) -> dict[str, Any]:
        """What the lab holds."""
        return {"pid": os.getpid(), **self._lab.status()}

    def environment(self) -> dict[str, str]:
        """Credentials and endpoints."""
        return self._lab.environment()

    def users(self) -> dict[str, dict[str, str]]:
        """All users with their AccessKeys, by name."""
        return {user.name: asdict(user) for user in self._lab.world.users.values()}

    def resources(self) -> list[dict[str, Any]]:
        """All that is billed."""
        return billed_resources(self._lab.world)

    def fault_add(self, fault: dict[str, Any]) -> dict[str, Any]:
        """Add a fault."""
        return asdict(self._lab.faults.add(fault))

    def fault_list(self) -> list[dict[str, Any]]:
        """All faults."""
        return self._lab.faults.rows()

    def fault_clear(self) -> int:
        """Remove all faults."""
        return self._lab.faults.clear()

    def transitions(self, scale: float) -> float:
        """Change how long transitions take."""
        self._lab.transitions.scale = scale
        return scale

    def setting(self, name: str, value: Any) -> None:
        """Choose another assumption."""
        self._lab.world.set_setting(name, value)

    def world_get(self, collection: str) -> dict[str, Any]:
        """All records of a collection."""
        _check_collection(collection)
        records: dict[str, Any] = self._lab.world.dump()[collection]
        return records

    def world_add(self, collection: str, record: dict[str, Any]) -> str:
        """Add a record; returns its key."""
        return add_record(self._lab.world, collection, record, self._lab.addresses)

    def world_change(self, collection: str, key: str, changes: dict[str, Any]) -> None:
        """Change fields of a record."""
        _check_collection(collection)
        world = self._lab.world
        with world.lock:
            record = getattr(world, collection)[key]
            for name, value in changes.items():
                if not hasattr(record, name):
                    raise ValueError(f"{collection} have no field {name}")
                setattr(record, name, value)
            world.save()

    def world_remove(self, collection: str, key: str) -> None:
        """Take a record away, with its servers if it has any."""
        _check_collection(collection)
        world = self._lab.world
        if collection == "clusters":
            self._lab.lifecycle.lose(key)
        if collection in ("clusters", "meshes"):
            self._lab.fleet.drop(key)
        with world.lock:
            record = getattr(world, collection).pop(key)
            if collection in ("eips", "load_balancers"):
                self._lab.addresses.release(record.address)
            world.save()

    def namespace(self, cluster: str, name: str, labels: dict[str, str]) -> None:
        """Make a namespace in a cluster (id or unique name)."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        self._lab.fleet.cluster(self._cluster_id(cluster)).api.apply(f"/api/v1/namespaces/{name}", body)

    def kubeconfig(self, cluster: str) -> str:
        """The administrator's kubeconfig of a cluster (id or unique name), in ACK or not."""
        record = self._lab.world.clusters[self._cluster_id(cluster)]
        main = self._lab.world.main_user()
        return self._lab.access.cluster_kubeconfig(record, main, private=True).text

    def pause(self, plane: str) -> None:
        """Take the API server of a running cluster or mesh away."""
        self._lab.fleet.plane(plane).pause()

    def resume(self, plane: str) -> None:
        """Bring it back."""
        self._lab.fleet.plane(plane).resume()

    def kill(self, processes: str) -> list[str]:
        """Kill the lab's processes whose names match a shell pattern; their names."""
        found = self._processes(processes)
        for one in found:
            one.kill()
        return [one.name for one in found]

    def freeze(self, processes: str) -> list[str]:
        """Stop such processes where they are, without an end."""
        found = self._processes(processes)
        for one in found:
            one.freeze()
        return [one.name for one in found]

    def thaw(self, processes: str) -> list[str]:
        """Let them go on."""
        found = self._processes(processes)
        for one in found:
            one.thaw()
        return [one.name for one in found]

    def cut(self, cluster: str) -> None:
        """Cut a cluster (id or unique name) off from the others and from its load balancers."""
        self._network().connect(self._cluster_id(cluster), up=False)

    def join(self, cluster: str) -> None:
        """Connect it again."""
        self._network().connect(self._cluster_id(cluster), up=True)

    def outside(self, name: str, ports: list[int]) -> str:
        """A machine outside of the clusters."""
        return self._network().add_host(name, tuple(ports))

    def machine(self, name: str, mesh: str) -> dict[str, Any]:
        """A machine outside of the clusters that reaches a mesh's istiod."""
        network = self._network()
        pilot = network.admit(f"{self._lab.addresses.pilot(self._lab.world.meshes[mesh].mesh_id)}:{SECURE_PORT}")
        machine = network.add_machine(name)
        return {"address": machine.address, "pilot": pilot, "enter": machine.enter()}

    def place(self, cluster: str, namespace: str, pod: str) -> dict[str, str]:
        """Where a pod's network can be entered, and its resolv.conf."""
        node, path, _item = self._pod(cluster, namespace, pod)
        return {"netns": path, "resolv_conf": node.resolv_conf(namespace)}

    def request(
        self,
        cluster: str,
        namespace: str,
        pod: str,
        url: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: str = "",
        seconds: float = 10.0,
    ) -> dict[str, Any]:
        """Send an HTTP request from within a pod."""
        node, path, _item = self._pod(cluster, namespace, pod)
        spec = {"method": method, "url": url, "headers": headers or {}, "body": body, "timeout": seconds}
        answer: dict[str, Any] = node.dataplane.call(
            "request", seconds + 10, netns=path, http={**spec, "resolver": node.resolver(namespace)}
        )
        return answer

    def expose(self, cluster: str, namespace: str, pod: str, port: int) -> str:
        """Make a port of a pod reachable from the host."""
        _node, _path, item = self._pod(cluster, namespace, pod)
        return self._network().expose(item["status"]["podIP"], port)

    def audit(self, plane: str, since: float | None = None) -> list[dict[str, Any]]:
        """The requests that the API server of a cluster or mesh got."""
        return list(self._lab.fleet.plane(plane).audit(since))

    def idle(self, seconds: float) -> bool:
        """Wait until no transition is going on and no controller has anything to do."""
        return self._lab.transitions.idle(seconds) and self._lab.operators.idle(seconds)

    def shutdown(self) -> None:
        """Stop the lab."""
        self._stop()

    def _processes(self, pattern: str) -> list[Process]:
        known = self._lab.planes.processes
        found = known.running(pattern)
        if not found:
            names = ", ".join(sorted(one.name for one in known.running()))
            raise ValueError(f"no process matches {pattern}; there are {names}")
        return found

    def _network(self) -> Network:
        if self._lab.network is None:
            raise ValueError(f"this lab has no traffic: {self._lab.without_traffic}")
        return self._lab.network

    def _pod(self, cluster: str, namespace: str, name: str) -> tuple[Node, str, Object]:
        network = self._network()
        plane = self._lab.fleet.cluster(self._cluster_id(cluster))
        item = plane.api.find(f"/api/v1/namespaces/{namespace}/pods/{name}")
        if item is None or plane.node is None:
            raise ValueError(f"there is no pod {namespace}/{name} in {cluster}")
        return plane.node, str(network.namespaces.path(plane.node.pod_namespace(item))), item

    def _cluster_id(self, cluster: str) -> str:
        clusters = self._lab.world.clusters
        if cluster in clusters:
            return cluster
        found = [one.cluster_id for one in clusters.values() if one.name == cluster]
        if len(found) != 1:
            raise ValueError(f"{len(found)} clusters are named {cluster}" + (f": {', '.join(found)}" if found else ""))
        return found[0]


def _check_collection(collection: str) -> None:
    if collection not in COLLECTIONS:
        raise ValueError(f"no collection {collection}; there are {', '.join(COLLECTIONS)}")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, operations: Operations) -> None:
        self.operations = operations
        super().__init__(path, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        line = self.rfile.readline()
        if not line:
            return
        request = json.loads(line)
        name = request.get("operation", "")
        method = getattr(self.server.operations, name, None) if not name.startswith("_") else None
        try:
            if method is None:
                raise ValueError(f"no operation {name}")
            reply = {"result": method(**request.get("arguments", {}))}
        except (ValueError, TypeError) as error:
            reply = {"error": str(error)}
        except KeyError as error:
            reply = {"error": f"there is no {error}"}
        except Exception as error:  # the caller must learn of it, and the lab must go on
            logger.exception("control operation %s failed", name)
            reply = {"error": f"{type(error).__name__}: {error}"}
        self.wfile.write(json.dumps(reply).encode() + b"\n")

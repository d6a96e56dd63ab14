# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins for the Kubernetes planes, in memory: the cloud's API is tested without any server."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meshlab.addresses import Addresses
from meshlab.binaries import Binaries
from meshlab.kubeapi import KubeApiError, Object
from meshlab.processes import Processes

NO_BINARIES = Binaries(
    etcd=Path("etcd"),
    kube_apiserver=Path("kube-apiserver"),
    kube_controller_manager=Path("kube-controller-manager"),
    kube_scheduler=Path("kube-scheduler"),
    crds=None,
    istiod=None,
    envoy=None,
    dataplane=None,
    pilot_agent=None,
    sidecar=None,
    gateway_api=None,
    missing={},
)


class MemoryApi:
    """As meshlab.kubeapi.KubeApi, on a dict. Finalizers hold a deletion up, as a real API server does."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self._versions = itertools.count(1)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._events: list[tuple[int, str, str, Object]] = []
        self.apply("/api/v1/namespaces/istio-system", {"metadata": {"name": "istio-system"}})
        self.delete("/api/v1/namespaces/istio-system")

    def find(self, path: str) -> Object | None:
        with self._lock:
            return copy.deepcopy(self.objects.get(path))

    def get(self, path: str, **query: str) -> Object:
        with self._lock:
            if path in self.objects:
                return copy.deepcopy(self.objects[path])
            items = self.list(path, **query)
            return {"items": items, "metadata": {"resourceVersion": str(next(self._versions))}}

    def list(self, path: str, **query: str) -> list[Object]:
        with self._lock:
            selected = [item for key, item in self.objects.items() if _in(path, key)]
            label = query.get("labelSelector")
            return copy.deepcopy([one for one in selected if not label or label in one["metadata"].get("labels", {})])

    def create(self, path: str, body: Object, **query: str) -> Object:
        key = f"{path}/{body['metadata']['name']}"
        if key in self.objects:
            raise KubeApiError("POST", path, 409, "AlreadyExists", f"{key} already exists")
        return self._store(key, body, "ADDED")

    def replace(self, path: str, body: Object, **query: str) -> Object:
        return self._store(path, body, "MODIFIED")

    def apply(self, path: str, body: Object, *, manager: str = "asm-lab", force: bool = True) -> Object:
        with self._lock:
            current = self.objects.get(path)
            merged = _merge(copy.deepcopy(current or {}), body)
            if current is not None and merged == current:
                return copy.deepcopy(current)
            return self._store(path, merged, "MODIFIED" if current else "ADDED")

    def patch(self, path: str, body: Object, **query: str) -> Object:
        path = path.removesuffix("/status")
        with self._lock:
            if path not in self.objects:
                raise KubeApiError("PATCH", path, 404, "NotFound", f"{path} not found")
            return self._store(path, _merge(copy.deepcopy(self.objects[path]), body), "MODIFIED")

    def delete(self, path: str, body: Object | None = None, **query: str) -> bool:
        with self._lock:
            item = self.objects.get(path)
            if item is None:
                return False
            if item["metadata"].get("finalizers"):
                item["metadata"].setdefault("deletionTimestamp", "2026-01-01T00:00:00Z")
                self._store(path, item, "MODIFIED")
                return True
            del self.objects[path]
            self._note("DELETED", path, item)
            return True

    def watch(self, path: str, *, resource_version: str, **query: str) -> MemoryWatch:
        return MemoryWatch(self, path, int(resource_version), query.get("labelSelector", ""))

    def close(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _store(self, path: str, body: Object, kind: str) -> Object:
        with self._lock:
            item = copy.deepcopy(body)
            metadata = item.setdefault("metadata", {})
            metadata.setdefault("uid", f"uid-{next(self._versions)}")
            metadata["resourceVersion"] = str(next(self._versions))
            if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
                self.objects.pop(path, None)
                self._note("DELETED", path, item)
                return copy.deepcopy(item)
            self.objects[path] = item
            self._note(kind, path, item)
            return copy.deepcopy(item)

    def _note(self, kind: str, path: str, item: Object) -> None:
        self._events.append((next(self._versions), kind, path, copy.deepcopy(item)))
        self._changed.notify_all()


class MemoryWatch:
    """Events of a MemoryApi from a version on."""

    def __init__(self, api: MemoryApi, path: str, version: int, label: str) -> None:
        self._api, self._path, self._version, self._label = api, path, version, label
        self._closed = False

    def __iter__(self) -> Iterator[Object]:
        while not self._closed:
            with self._api._changed:
                fresh = [event for event in self._api._events if event[0] > self._version]
                if not fresh and not self._closed:
                    self._api._changed.wait(1.0)
            for version, kind, path, item in fresh:
                self._version = version
                if _in(self._path, path) and (not self._label or self._label in item["metadata"].get("labels", {})):
                    yield {"type": kind, "object": item}

    def close(self) -> None:
        self._closed = True
        self._api.close()


class MemoryPlane:
    """A plane of either kind that remembers what was done to it."""

    has_istiod = False

    def __init__(self, plane_id: str, address: str) -> None:
        self.plane_id = plane_id
        self.private_url = f"https://{address}:6443"
        self.ca_pem = "ca"
        self.api = MemoryApi()
        self.roles: dict[str, str] = {}
        self.published: set[str] = set()
        self.attached: dict[str, bool] = {}
        self.configuration: dict[str, Any] = {}
        self.steps: list[str] = []
        self.connected: list[dict[str, Any]] = []

    def kubeconfig(self, *, user: str, groups: list[str], server: str, hours: float) -> str:
        return f"clusters: [{{cluster: {{server: '{server}'}}}}]\nusers: [{{name: {user}, hours: {hours}}}]\n"

    def bind(self, user: str, role: str) -> None:
        self.roles[user] = role

    def unbind(self, user: str) -> None:
        self.roles.pop(user, None)

    def publish(self, address: str) -> None:
        self.published.add(address)

    def unpublish(self, address: str) -> None:
        self.published.discard(address)

    def configure(self, configuration: dict[str, Any]) -> None:
        self.configuration = configuration

    def stop_discovery(self, cluster: MemoryPlane) -> None:
        self.steps.append(f"stop discovery of {cluster.plane_id}")

    def replace_istiod(self) -> None:
        self.steps.append("another istiod")

    def proxies(self) -> list[dict[str, Any]]:
        """What istiod says of the connected proxies."""
        return self.connected

    def attach(self, cluster: MemoryPlane, *, discovery_only: bool = False) -> None:
        self.attached[cluster.plane_id] = discovery_only
        cluster.api.apply("/api/v1/namespaces/istio-system", {"metadata": {"name": "istio-system"}})

    def forget(self, cluster_id: str) -> None:
        self.attached.pop(cluster_id, None)

    def detach(self, cluster: MemoryPlane, *, reserve_namespace: bool = False) -> None:
        self.attached.pop(cluster.plane_id, None)
        if not reserve_namespace:
            cluster.api.delete("/api/v1/namespaces/istio-system")


class MemoryPlanes:
    """As meshlab.planes.Planes."""

    def __init__(self, workdir: Path, binaries: Binaries, addresses: Addresses, network: object = None) -> None:
        self._addresses = addresses
        self.processes = Processes(workdir)
        self.planes: dict[str, MemoryPlane] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Nothing runs."""

    def stop(self) -> None:
        """Nothing ran."""
        self.processes.close()

    def cluster(self, cluster_id: str, **network: str) -> MemoryPlane:
        return self._plane(cluster_id)

    def mesh(self, mesh_id: str, configuration: dict[str, Any] | None = None) -> MemoryPlane:
        plane = self._plane(mesh_id)
        plane.configure(configuration or {})
        return plane

    def drop(self, plane_id: str) -> None:
        self.planes.pop(plane_id, None)

    def _plane(self, plane_id: str) -> MemoryPlane:
        with self._lock:
            if plane_id not in self.planes:
                self.planes[plane_id] = MemoryPlane(plane_id, self._addresses.plane(plane_id))
            return self.planes[plane_id]


def _in(collection: str, path: str) -> bool:
    """Whether an object's path lies in a collection, that of all namespaces included."""
    if path.rpartition("/")[0] == collection:
        return True
    prefix, _unused, plural = collection.rpartition("/")
    parts = path.split("/")
    return path.startswith(f"{prefix}/namespaces/") and len(parts) >= 3 and parts[-2] == plural


def _merge(base: Any, over: Any) -> Any:
    for key, value in over.items():
        if value is None:
            base.pop(key, None)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = copy.deepcopy(value)
    return base

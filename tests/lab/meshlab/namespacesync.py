# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Injection labels of namespaces, synchronised from a mesh's control plane to its attached clusters."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import urllib3

from meshlab.informer import Informer
from meshlab.kubeapi import KubeApi, KubeApiError, Object

LABELS = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode")

_NAMESPACES = "/api/v1/namespaces"


@dataclass
class _Cluster:
    api: KubeApi
    informer: Informer | None = None
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


class NamespaceSync:
    """Keeps the injection labels of namespaces that exist on both sides equal to the control plane's.

    A label that the control plane's namespace never had is left as it is in the cluster; one that was taken away there
    is taken away here too. Namespaces are neither made nor removed.
    """

    def __init__(self, mesh: KubeApi) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[str, dict[str, str]] = {}
        self._clusters: dict[str, _Cluster] = {}
        self._informer = Informer(mesh, _NAMESPACES, self._mesh_changed)

    def start(self) -> None:
        """Start to follow the control plane."""
        self._informer.start()

    def stop(self) -> None:
        """Stop to follow anything."""
        self._informer.stop()
        for cluster_id in list(self._clusters):
            self.remove(cluster_id)

    def add(self, cluster_id: str, api: KubeApi) -> None:
        """Start to synchronise a cluster; nothing happens when it is synchronised already."""
        with self._lock:
            if cluster_id in self._clusters:
                return
            cluster = self._clusters[cluster_id] = _Cluster(api)
            cluster.informer = Informer(api, _NAMESPACES, lambda kind, item: self._cluster_changed(cluster, kind, item))
        cluster.informer.start()

    def remove(self, cluster_id: str) -> None:
        """Stop to synchronise a cluster; its labels stay."""
        with self._lock:
            cluster = self._clusters.pop(cluster_id, None)
        if cluster and cluster.informer:
            cluster.informer.stop()

    def _mesh_changed(self, kind: str, item: Object) -> None:
        name = item["metadata"]["name"]
        labels = {} if kind == "DELETED" else _labels(item)
        with self._lock:
            before = self._wanted.get(name, {})
            self._wanted[name] = labels
            # Deleting the control plane's namespace changes nothing in the clusters.
            removed = set() if kind == "DELETED" else before.keys() - labels.keys()
            clusters = [one for one in self._clusters.values() if name in one.labels]
        for cluster in clusters:
            _patch(cluster, name, {**dict.fromkeys(removed, None), **labels})

    def _cluster_changed(self, cluster: _Cluster, kind: str, item: Object) -> None:
        name = item["metadata"]["name"]
        with self._lock:
            if kind == "DELETED":
                cluster.labels.pop(name, None)
                return
            cluster.labels[name] = _labels(item)
            wanted = self._wanted.get(name, {})
        _patch(cluster, name, dict(wanted))


def _labels(item: Object) -> dict[str, str]:
    return {key: value for key, value in item["metadata"].get("labels", {}).items() if key in LABELS}


def _patch(cluster: _Cluster, name: str, wanted: dict[str, str | None]) -> None:
    current = cluster.labels.get(name, {})
    change = {key: value for key, value in wanted.items() if current.get(key) != value}
    if not change:
        return
    try:
        cluster.api.patch(f"{_NAMESPACES}/{name}", {"metadata": {"labels": change}})
    except (KubeApiError, urllib3.exceptions.HTTPError):
        return  # namespace or API server is gone; the informer of the cluster brings it up again when it is back

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events about pods, as a kubelet writes them: an event that happens again counts up instead of being written anew."""

from __future__ import annotations

import hashlib
from typing import Protocol

from meshlab.kubeapi import KubeApi, KubeApiError, Object


class Recorder(Protocol):
    """Writes one event about a pod."""

    def __call__(self, pod: Object, kind: str, reason: str, message: str, now: str, *, field: str = "") -> None: ...


class PodEvents:
    """Writes events of one node's pods. May be called from several threads."""

    def __init__(self, api: KubeApi, node: str) -> None:
        self._api = api
        self._node = node
        self._counts: dict[str, int] = {}

    def __call__(self, pod: Object, kind: str, reason: str, message: str, now: str, *, field: str = "") -> None:
        """Write an event of ``kind`` Normal or Warning; ``field`` is a fieldPath such as spec.containers{app}."""
        meta = pod["metadata"]
        digest = hashlib.sha256(f"{meta['uid']}{reason}{message}{field}".encode()).hexdigest()[:16]
        name = f"{meta['name'][:230]}.{digest}"
        collection = f"/api/v1/namespaces/{meta['namespace']}/events"
        count = self._counts[name] = self._counts.get(name, 0) + 1
        try:
            if count > 1:
                self._api.patch(f"{collection}/{name}", {"count": count, "lastTimestamp": now})
            else:
                self._api.create(collection, self._event(pod, name, kind, reason, message, now, field))
        except KubeApiError as error:
            # Events are told, not promised: the namespace may be going, or the event be there from before a restart.
            if error.status not in (403, 404, 409):
                raise

    def _event(self, pod: Object, name: str, kind: str, reason: str, message: str, now: str, field: str) -> Object:
        meta = pod["metadata"]
        about = {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "fieldPath": field,
        }
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": meta["namespace"]},
            "involvedObject": about,
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": "kubelet", "host": self._node},
            "reportingComponent": "kubelet",
            "reportingInstance": self._node,
        }

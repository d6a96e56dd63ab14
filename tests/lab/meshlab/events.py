# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events about Kubernetes objects, as controllers record them."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone

from meshlab.kubeapi import KubeApi, KubeApiError, Object


class Events:
    """Records events in one cluster in the name of ``component``."""

    def __init__(self, api: KubeApi, component: str) -> None:
        self._api = api
        self._component = component

    def emit(self, about: Object, kind: str, reason: str, message: str) -> None:
        """Record an event (``kind`` Normal or Warning) in the object's namespace; none when that is being deleted."""
        metadata = about["metadata"]
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{secrets.token_hex(8)}", "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": about.get("apiVersion", "v1"),
                "kind": about.get("kind", "Service"),
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": self._component},
        }
        try:
            self._api.create(f"/api/v1/namespaces/{metadata['namespace']}/events", body)
        except KubeApiError as error:
            if error.status not in (403, 404):
                raise

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follows a cluster's Services and keeps its node's rules, names and load balancers in step with them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from meshlab.informer import Informer
from meshlab.kubeapi import KubeApi, Object

log = logging.getLogger(__name__)

#: Seconds: changes that come together are applied together.
_SETTLE = 0.03

_RETRY = 1.0


class ServiceWatch:
    """Calls ``apply(services, slices)`` in a thread of its own whenever one of them has changed."""

    def __init__(self, api: KubeApi, apply: Callable[[list[Object], list[Object]], None]) -> None:
        self._apply = apply
        self._lock = threading.Lock()
        self._services: dict[str, Object] = {}
        self._slices: dict[str, Object] = {}
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._informers = [
            Informer(api, "/api/v1/services", self._handler(self._services)),
            Informer(api, "/apis/discovery.k8s.io/v1/endpointslices", self._handler(self._slices)),
        ]
        self._thread = threading.Thread(target=self._run, name="services", daemon=True)

    def start(self) -> None:
        """Start to follow."""
        for informer in self._informers:
            informer.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop; what was applied stays."""
        self._stopping.set()
        self._changed.set()
        for informer in self._informers:
            informer.stop()
        if self._thread.is_alive():
            self._thread.join()

    def again(self) -> None:
        """Apply once more, because something else has changed."""
        self._changed.set()

    def _handler(self, known: dict[str, Object]) -> Callable[[str, Object], None]:
        def handle(kind: str, item: Object) -> None:
            with self._lock:
                if kind == "DELETED":
                    known.pop(item["metadata"]["uid"], None)
                else:
                    known[item["metadata"]["uid"]] = item
            self._changed.set()

        return handle

    def _run(self) -> None:
        for informer in self._informers:
            while not informer.wait_listed(0.2):
                if self._stopping.is_set():
                    return
        while True:
            self._changed.wait()
            if self._stopping.wait(_SETTLE):
                return
            self._changed.clear()
            with self._lock:
                services, slices = list(self._services.values()), list(self._slices.values())
            try:
                self._apply(services, slices)
            except (RuntimeError, OSError) as error:
                log.warning("services cannot be applied, trying again: %s", error)
                if self._stopping.wait(_RETRY):
                    return
                self._changed.set()

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List-and-watch of one collection in a thread of its own, as Kubernetes controllers do it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import urllib3

from meshlab.kubeapi import KubeApi, KubeApiError, Object, Watch

#: Seconds before the next attempt when the API server does not answer.
_RETRY = 1.0

#: Receives "ADDED", "MODIFIED" or "DELETED" and the object as it is now (for DELETED: as it was last).
Handler = Callable[[str, Object], None]


class Informer:
    """Calls ``handler`` for every object that is there and every change; survives restarts of the API server.

    After a break only true differences are reported. The handler runs in the informer's thread and must not raise.
    """

    def __init__(self, api: KubeApi, path: str, handler: Handler, **query: str) -> None:
        self._api = api
        self._path = path
        self._query = query
        self._handler = handler
        self._known: dict[str, Object] = {}
        self._stopping = threading.Event()
        self._listed = threading.Event()
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name=f"informer {path}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wait_listed(self, seconds: float) -> bool:
        """Wait until everything that was there has been reported; False after ``seconds``."""
        return self._listed.wait(seconds)

    def stop(self) -> None:
        """End the watch and the thread."""
        self._stopping.set()
        with self._lock:
            if self._watch:
                self._watch.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                version = self._list()
                self._follow(version)
            except (KubeApiError, urllib3.exceptions.HTTPError, OSError):
                self._stopping.wait(_RETRY)  # the API server is away or refuses; list again later

    def _list(self) -> str:
        answer = self._api.get(self._path, **self._query)
        present = {item["metadata"]["uid"]: item for item in answer["items"]}
        for uid in self._known.keys() - present.keys():
            self._handler("DELETED", self._known.pop(uid))
        for uid, item in present.items():
            self._report("ADDED" if uid not in self._known else "MODIFIED", item)
        self._listed.set()
        version: str = answer["metadata"]["resourceVersion"]
        return version

    def _follow(self, version: str) -> None:
        watch = self._api.watch(self._path, resource_version=version, allowWatchBookmarks="true", **self._query)
        with self._lock:
            self._watch = watch
        if self._stopping.is_set():
            watch.close()
        for event in watch:
            if self._stopping.is_set() or event["type"] == "ERROR":  # 410 Gone: the version is too old
                return
            if event["type"] != "BOOKMARK":
                self._report(event["type"], event["object"])

    def _report(self, kind: str, item: Object) -> None:
        uid = item["metadata"]["uid"]
        before = self._known.pop(uid, None)
        if kind != "DELETED":
            self._known[uid] = item
        same = before and before["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]
        if kind == "DELETED" or not same:
            self._handler(kind, item)

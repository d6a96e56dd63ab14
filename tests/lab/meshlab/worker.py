# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A queue of names that need attention, worked off by one thread: each name is there once, failures come again."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

#: Seconds before a name that failed is tried again: the first time and at most.
_RETRY_FIRST, _RETRY_MOST = 0.5, 15.0


class Worker:
    """Calls ``reconcile(name)`` for every name that was added; whatever it raises is logged and tried again later."""

    def __init__(self, name: str, reconcile: Callable[[str], None]) -> None:
        self._reconcile = reconcile
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._failures: dict[str, int] = {}
        self._changed = threading.Condition()
        self._busy = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"worker {name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def add(self, name: str, delay: float = 0.0) -> None:
        """Have ``name`` looked at, now or after ``delay`` seconds; an earlier appointment stands."""
        due = time.monotonic() + delay
        with self._changed:
            if name not in self._due or due < self._due[name]:
                self._due[name] = due
                heapq.heappush(self._heap, (due, name))
                self._changed.notify_all()

    def idle(self, timeout: float) -> bool:
        """Wait until nothing is left to do; False when something still is after ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._busy, timeout)

    def stop(self) -> None:
        """End the thread after the name that it is working on."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while (name := self._next()) is not None:
            try:
                self._reconcile(name)
                self._failures.pop(name, None)
            except Exception as error:  # a controller goes on whatever happens to one object
                failures = self._failures[name] = self._failures.get(name, 0) + 1
                delay = min(_RETRY_FIRST * 2 ** (failures - 1), _RETRY_MOST)
                logger.warning("%s: %s: %s; again in %.1f s", self._thread.name, name, error, delay)
                self.add(name, delay)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> str | None:
        with self._changed:
            while not self._stopping:
                if self._heap:
                    due, name = self._heap[0]
                    if self._due.get(name) != due:
                        heapq.heappop(self._heap)
                        continue
                    left = due - time.monotonic()
                    if left <= 0:
                        heapq.heappop(self._heap)
                        del self._due[name]
                        self._busy = True
                        return name
                    self._changed.wait(left)
                else:
                    self._changed.wait()
        return None

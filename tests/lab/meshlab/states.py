# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that take time: work in the background, and a state that lasts at least as long as the product would take."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

Step = Callable[[], None]


class Transitions:
    """Runs transitions. ``durations``: seconds by kind at scale 1; ``scale`` may change while some are running."""

    def __init__(self, durations: Mapping[str, float], scale: float) -> None:
        self._durations = durations
        self._scale = scale
        self._stopping = False
        self._changed = threading.Condition()
        self._running: set[threading.Thread] = set()

    @property
    def scale(self) -> float:
        """Factor on all durations; 0 means no longer than the work itself."""
        return self._scale

    @scale.setter
    def scale(self, value: float) -> None:
        if value < 0:
            raise ValueError(f"transitions is a factor of 0 or more, not {value}")
        with self._changed:
            self._scale = value
            self._changed.notify_all()

    def seconds(self, kind: str) -> float:
        """How long a change of this kind takes now."""
        return self._durations.get(kind, 0.0) * self._scale

    def start(self, kind: str, name: str, work: Step, done: Step, failed: Callable[[str], None]) -> None:
        """Do ``work`` in the background, wait until the time of ``kind`` has passed, then call ``done``.

        When the work raises, ``failed`` gets the message at once. After stop() neither is called: whoever keeps the
        state starts the transition again at the next start of the lab.
        """
        thread = threading.Thread(target=self._run, args=(kind, work, done, failed), name=f"{kind} {name}", daemon=True)
        with self._changed:
            if self._stopping:
                return
            self._running.add(thread)
        thread.start()

    def idle(self, timeout: float) -> bool:
        """Wait until nothing is going on; False when something still is after ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout)

    def stop(self, timeout: float = 30.0) -> None:
        """Give up what only waits, and wait for work that is being done."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self.idle(timeout)

    def _run(self, kind: str, work: Step, done: Step, failed: Callable[[str], None]) -> None:
        begin = time.monotonic()
        try:
            try:
                work()
            except Exception as error:  # whatever the servers raise ends up in the state that the API shows
                logger.exception("%s failed", threading.current_thread().name)
                if not self._stopping:
                    failed(str(error))
                return
            if self._wait(begin, kind):
                done()
        finally:
            with self._changed:
                self._running.discard(threading.current_thread())
                self._changed.notify_all()

    def _wait(self, begin: float, kind: str) -> bool:
        with self._changed:
            while not self._stopping:
                left = begin + self.seconds(kind) - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)
        return False

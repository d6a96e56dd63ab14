# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps one of the lab's processes running: should it end, it is started again, as the product would do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from meshlab.processes import Process, ProcessError, Processes

log = logging.getLogger(__name__)

#: Seconds between two looks at whether the process still runs.
_LOOK = 0.25

#: Seconds until the next look after an attempt to start it again: one that ends at once must not be all that we do.
_PAUSE = 1.0


class Keeper:
    """``start`` starts the process, each time that it has to be.

    How often it had to be started again is counted in ``processes``, and why it cannot be is told there.
    """

    def __init__(self, processes: Processes, start: Callable[[], Process]) -> None:
        self._processes = processes
        self._start = start
        self._process: Process | None = None
        self._stopping = threading.Event()
        self._guard: threading.Thread | None = None

    def start(self) -> Process:
        """Start the process. Raises what ``start`` raises."""
        process = self._process = self._start()
        return process

    def renew(self) -> None:
        """End the process and start another one, which is watched."""
        self.stop()
        self.start()
        self.watch()

    @property
    def process(self) -> Process:
        """The process as it is now. ProcessError when it was not started or is stopped."""
        if self._process is None:
            raise ProcessError("the process was not started")
        return self._process

    def watch(self) -> None:
        """Begin to watch the process; to be called once it is known to be of any use."""
        self._stopping.clear()
        self._guard = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._guard.start()

    def stop(self) -> None:
        """Stop watching, and the process."""
        self._stopping.set()
        if self._guard:
            self._guard.join()
            self._guard = None
        if self._process:
            self._processes.stop(self._process)
            self._process = None

    @property
    def keeping(self) -> bool:
        """Whether a process that has ended will be started again."""
        return self._guard is not None and not self._stopping.is_set()

    def _keep(self) -> None:
        pause = _LOOK
        while not self._stopping.wait(pause):
            pause = _LOOK
            if self._process and not self._process.running:
                pause = _PAUSE
                try:
                    self._again(self._process)
                except ProcessError as error:
                    log.warning("%s", error)

    def _again(self, ended: Process) -> None:
        log.warning("%s ended with code %s and is started again", ended.name, ended.code)
        self._process = self._start()  # the one that ended stays on record until there is another
        self._processes.replaced(ended)

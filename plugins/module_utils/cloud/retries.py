# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a call is tried again: jittered exponential backoff under a deadline.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from ansible_collections.meshops.asm.plugins.module_utils.cloud.failures import CallFailed
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Clock

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


class Retries:
    """Repeats what failed for a passing reason for as long as ``budget`` (seconds) lasts.

    The budget is that of one call: the last failure is raised once the next pause would end after it.
    """

    def __init__(self, budget: float, clock: Clock | None = None, jitter: Callable[[], float] = random.random) -> None:
        self._budget = budget
        self._clock = clock or Clock()
        self._jitter = jitter

    def run(self, call: Callable[[], T]) -> T:
        deadline = self._clock.now() + self._budget
        pause = FIRST_PAUSE
        while True:
            try:
                return call()
            except CallFailed as failure:
                if not failure.retryable:
                    raise failure.final() from failure.__cause__
                # At least half of the pause, so that throttled callers spread out without hammering.
                delay = max(pause * (0.5 + self._jitter() / 2), failure.retry_after)
                if self._clock.now() + delay > deadline:
                    raise failure.final(gave_up_after=self._budget) from failure.__cause__
                self._clock.sleep(delay)
                pause = min(pause * 2, LONGEST_PAUSE)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every fuzz target is held to: no exception but the collection's own, no hang, bounded memory.

``pytest tests/fuzz`` (a part of ``make test``) tries the same few examples of each target every time. With
MESHOPS_FUZZ_SECONDS set (``make fuzz``) a target goes on with new seeds for so long.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError

#: Seconds that one example may take, and bytes that the process may ever have needed.
LONGEST = 5.0
MOST_MEMORY = 500 * 2**20
#: Examples of a short run, and of each round of a long one.
FEW, ROUND = 60, 300

Target = Callable[..., Any]


class Hang(BaseException):
    """An example took too long; no ``except Exception`` of the code under test can hide it."""


def fuzz(**strategies: Any) -> Callable[[Target], Callable[[], None]]:
    """Makes a test of ``target(**drawn)``, which passes when it returns or raises ``AsmError``.

    What else is right is for the target to assert.
    """

    def decorate(target: Target) -> Callable[[], None]:
        def once(**drawn: Any) -> None:
            with _watched():
                try:
                    target(**drawn)
                except AsmError as error:
                    assert error.message, "an error without a message"

        once.__name__ = target.__name__
        once.__qualname__ = target.__qualname__
        seconds = float(os.environ.get("MESHOPS_FUZZ_SECONDS") or 0)

        def test() -> None:
            if not seconds:
                _run(once, strategies, FEW, None)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                _run(once, strategies, ROUND, random.SystemRandom().getrandbits(32))

        test.__doc__ = target.__doc__
        return test

    return decorate


def _run(once: Target, strategies: dict[str, Any], examples: int, seed: int | None) -> None:
    rules = hypothesis.settings(
        max_examples=examples,
        derandomize=seed is None,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=True,
    )
    test = rules(hypothesis.given(**strategies)(once))
    if seed is not None:
        test = hypothesis.seed(seed)(test)
    test()


@contextmanager
def _watched() -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise Hang(f"not done after {LONGEST:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert most < MOST_MEMORY, f"{most / 2**20:.0f} MiB were needed"

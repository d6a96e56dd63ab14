# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for the time of a block, and what became of them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.integration.runner import Result, Runner

#: Seconds of load before the change, and after it.
BEFORE, AFTER = 1.0, 1.0
#: Seconds after which a load ends that nobody ends.
_LONGEST = 280
_NUMBERS = itertools.count()
#: Every second request has a connection of its own, so that what is new meets what was chosen for it just now.
_CONNECTIONS: tuple[dict[str, str], ...] = ({}, {"Connection": "close"})


@dataclass
class Seen:
    """What became of the requests, and how those that were lost ended."""

    requests: int = 0
    lost: int = 0
    seconds: float = 0.0
    how: dict[str, int] = field(default_factory=dict)


@contextmanager
def load(run: Runner, paths: list[str], *, rate: float, host: str = "", **where: Any) -> Iterator[Seen]:
    """GET requests for ``paths`` in turn, where the options ``where`` of asm_probe say; nobody repeats them."""
    stop = run.folder / f"stop-{next(_NUMBERS)}"
    named = {"host": host} if host else {}
    asked = [{"path": path, "headers": headers, **named} for path in paths for headers in _CONNECTIONS]
    options = {"requests": asked, "rate": rate, "concurrency": 16, "timeout": 10, "duration": _LONGEST, **where}
    probe = run.start("asm_probe", mesh="bookinfo", **options, stop_file=str(stop))
    seen = Seen()
    begun = 0.0
    try:
        # The process has to come up first.
        time.sleep(2 * BEFORE)
        begun = time.monotonic()
        yield seen
        seen.seconds = time.monotonic() - begun
        time.sleep(AFTER)
        assert not probe.ended, f"the load ended before the change did: {probe.result()}"
    finally:
        stop.touch()
        _count(seen, probe.result())
        stop.unlink()


def _count(seen: Seen, result: Result) -> None:
    assert result.get("requests"), result
    statuses = {str(status): int(count) for status, count in result["statuses"].items()}
    seen.requests = int(result["requests"])
    seen.lost = seen.requests - statuses.get("200", 0)
    seen.how = {**{f"HTTP {key}": count for key, count in statuses.items() if key != "200"}, **result["errors"]}

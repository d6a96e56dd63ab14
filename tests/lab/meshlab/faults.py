# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on demand: which requests go wrong, how, and how often."""

from __future__ import annotations

import fnmatch
import itertools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

#: kind -> what happens.
KINDS = {
    "throttle": "refused with Throttling.User; retry_after (milliseconds) adds the header x-acs-retry-after",
    "http_500": "refused with HTTP 500",
    "http_503": "refused with HTTP 503 ServiceUnavailable",
    "lost_request": "the connection is cut before anything was done",
    "lost_reply": "the action is carried out, then the connection is cut",
    "non_json": "HTTP 502 with a page of HTML",
    "bad_code_200": "HTTP 200 whose body has a Code that says it failed; nothing was done",
    "slow": "answered after `delay` seconds",
    "stale_read": "a reading action answers with the account as it was before the last writing action",
    "fail_transition": "accepted, but what it starts ends in a failed state with `message`",
    "create_timeout": "accepted, but the mesh ends in the state create_timeout",
    "deny": "refused with 403 Forbidden.RAM",
}

#: Kinds that the transition and not the request runs into.
OF_TRANSITIONS = frozenset({"fail_transition", "create_timeout"})

#: Kinds that leave the request alone until the action is carried out.
ALONGSIDE = frozenset({"slow", "stale_read"}) | OF_TRANSITIONS


@dataclass
class Fault:
    """One fault. ``action`` is a shell pattern; ``match`` names parameters and the values they must have.

    The first ``skip`` requests that match pass; then ``times`` requests are hit (-1: all of them).
    ``code``, ``status`` and ``message`` replace what the kind would answer.
    """

    action: str
    kind: str
    times: int = 1
    skip: int = 0
    match: dict[str, str] | None = None
    code: str = ""
    status: int = 0
    message: str = ""
    delay: float = 1.0
    retry_after: int = 0
    id: int = 0
    hits: int = 0


class Faults:
    """The faults that wait for their request. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, data: Mapping[str, Any]) -> Fault:
        """Add a fault from its plain form. Raises ValueError for an unknown kind or field."""
        allowed = {one.name for one in fields(Fault)} - {"id", "hits"}
        unknown = sorted(set(data) - allowed)
        if unknown:
            raise ValueError(f"a fault has no {', '.join(unknown)}; it has {', '.join(sorted(allowed))}")
        if not data.get("action") or not data.get("kind"):
            raise ValueError("a fault needs action and kind")
        if data["kind"] not in KINDS:
            raise ValueError(f"no fault of kind {data['kind']}; there are {', '.join(KINDS)}")
        fault = Fault(**data)
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
        return fault

    def clear(self) -> int:
        """Remove all faults; returns how many there were."""
        with self._lock:
            count = len(self._faults)
            self._faults.clear()
            return count

    def rows(self) -> list[dict[str, Any]]:
        """All faults with their hits, those that are used up included."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def take(self, action: str, parameters: Mapping[str, Any], *, write: bool) -> list[Fault]:
        """The faults that hit this request: any that go alongside, and at most one that refuses or cuts it."""
        hit: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if fault.times == 0 or not _matches(fault, action, parameters):
                    continue
                if fault.kind == "stale_read" and write:
                    continue
                if fault.kind not in ALONGSIDE and any(one.kind not in ALONGSIDE for one in hit):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                fault.times -= 1 if fault.times > 0 else 0
                hit.append(fault)
        return hit


def of_kind(faults: Iterable[Fault], *kinds: str) -> Fault | None:
    """The first fault that is of one of the kinds."""
    return next((fault for fault in faults if fault.kind in kinds), None)


def _matches(fault: Fault, action: str, parameters: Mapping[str, Any]) -> bool:
    if not fnmatch.fnmatchcase(action, fault.action):
        return False
    return all(str(parameters.get(name, "")) == str(value) for name, value in (fault.match or {}).items())

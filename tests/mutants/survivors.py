# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutants that no test notices, each with the reason why it may stay. ``make mutants`` reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol


class Change(Protocol):
    """A mutant: the function, and its changed lines."""

    @property
    def function(self) -> str: ...

    @property
    def after(self) -> str: ...


@dataclass(frozen=True)
class Survivor:
    """``line`` is a pattern of what the changed line has become. ``equivalent``: it behaves as the original."""

    module: str
    function: str
    line: str
    reason: str
    equivalent: bool = False

    def fits(self, change: Change) -> bool:
        return change.function == self.function and bool(re.search(self.line, change.after))


def _same(module: str, function: str, line: str, reason: str) -> Survivor:
    return Survivor(module, function, line, reason, equivalent=True)


_LENGTHS = "both lists have one length here, so nothing is left out"

SURVIVORS: tuple[Survivor, ...] = (
    Survivor("cloud/failures", "_from_the_way", r"201", "about so much of an address is shown"),
    _same("cloud/failures", "unanswered", r"answered=False, \)$", "the code of an error is the name of its class"),
    _same("cloud/failures", "clock_advice", r"XXXX", "neither is a date"),
    _same("cloud/failures", "clock_advice", r"off = 1\.0|off >= 0|off > 1", "a difference below a minute is none"),
    _same("flow/unexpected", "place", r"XXXX", "what has no blank says as little as an empty text"),
    _same("flow/columns", "columns", r"default=1", "texts of a column without a short one are longer than any padding"),
    _same("flow/columns", "columns", r"zip\(.*, (strict=\w+)?\)", _LENGTHS),
    _same("flow/columns", "_wrapped", r"=None,$", "None is as false as False where it is asked"),
    _same(
        "kube/ownership",
        "equal",
        r"json\.dumps",
        "the comparison as text is a shortcut; what it leaves open is compared",
    ),
    _same("flow/table", "_show", r"ensure_ascii=None", "None is as false as False where it is asked"),
    _same("kube/planning", "read_live", r"client\.all\(look, groups\), (strict=(None|False))?\)", _LENGTHS),
    _same("kube/planning", "missing_namespaces", r"client\.all\(gone, names\), (strict=(None|False))?\)", _LENGTHS),
    _same("kube/pruning", "members", r"kind, None, target", "no namespace is told, whether it is empty or None"),
    _same("flow/reconcile", "Before.still", r"_seen = None", "neither None nor an empty text is a failure"),
    Survivor("flow/reconcile", "Before.__init__", r"XXXX", "a failure of which the service says just that is none"),
    _same("kube/ownership", "_essence", r"(?i)(XX|\")managedfields", "both sides get the key, whatever it is called"),
    _same("flow/text", "_escaped", r"UNICODE_ESCAPE", "names of encodings have no case"),
    _same("probe/plan", "_request", r"x7E|LATIN", "hexadecimal digits and names of encodings have no case"),
    _same("probe/plan", "_split", r">= _SUM_SLACK", "no sum of shares is off by just that: it has a fourth digit"),
    _same("flow/reconcile", "_flow", r"^waited = None$", "None is as false as False where it is asked"),
    _same("flow/reconcile", "_apply", r"MOST_REAPPLIES \+ 2", "the last attempt raises before there is one more"),
    _same("flow/reconcile", "_apply", r"raise AssertionError", "never reached: it says so to who reads and to mypy"),
    Survivor("flow/reconcile", "reconcile", r"timeout: float = 601", "a default; every module says how long it waits"),
    _same("kube/ownership", "_alike", r"zip\(one, other, (strict=\w+)?\)", _LENGTHS),
    _same("kube/ownership", "_Comparison._keyed", r"zip\(keys, want, (strict=\w+)?\)", _LENGTHS),
)

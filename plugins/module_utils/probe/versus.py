# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two versions that answer at the same time, judged from their answers: by failures, and by how many come late. Pure.

The requests are looked at in the order in which they were begun, ``LOOK`` of them at a time, and only when all of
those have ended: a version that lets its callers wait must not look good until they have given up.

An answer is late when it took longer than the quantile of the stable version's answers in the earlier looks. The share
of late answers is compared as that of failed ones is, so that nothing is assumed of how latencies are distributed.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.probe import sequential, statistics
from ansible_collections.meshops.asm.plugins.module_utils.probe.sequential import GOOD, UNDECIDED, WORSE, Look, Rule

#: Requests of one look.
LOOK = 100
#: So many requests that fail without the canary are no accident.
_FEW_LOST = 20
LOST = "lost"
FAILURES = "failures"
QUANTILES = ("p50", "p90", "p95", "p99")

Json = dict[str, Any]


@dataclass(frozen=True)
class Compare:
    """The keys of both versions, their shares of the requests, and a rule for each thing that is counted.

    ``rules`` has ``FAILURES`` and the quantiles that are looked at; ``expected`` is the share of the stable version's
    answers that is thought to fail, from which only the number of requests is foretold. ``other`` is the share of
    ``stable``; unset it gets all that the canary does not get.
    """

    canary: str
    stable: str
    share: float
    rules: Mapping[str, Rule]
    expected: float = 0.001
    other: float | None = None

    def needed(self) -> int:
        """How many requests it usually takes to find a canary good. Raises ``InvalidInput`` when no number would do."""
        try:
            return max(
                sequential.needed(self.share, self._usual(name), rule, LOOK, self.other)
                for name, rule in self.rules.items()
            )
        except ValueError:
            raise InvalidInput(
                "compare: no number of requests decides this. Allow a larger margin, or give the canary a larger share."
            ) from None

    def _usual(self, name: str) -> float:
        return self.expected if name == FAILURES else 1 - float(name[1:]) / 100


def read(options: Json | None) -> Compare | None:
    """The comparison of the module's option. Raises ``InvalidInput`` with what is wrong and what would be right."""
    if options is None:
        return None
    canary, stable = str(options["canary"]), str(options["stable"])
    if canary == stable:
        raise InvalidInput(f"compare: canary and stable are both '{canary}': name the keys of two versions.")
    latency = {name: value for name, value in (options.get("latency") or {}).items() if value is not None}
    margins = {FAILURES: options["margin"], **latency}
    for name, value in margins.items():
        if not 0 < value < 50:
            raise InvalidInput(
                f"compare: the margin of {name} is in percentage points, more than 0 and less than 50, not {value:g}."
            )
    other = options.get("baseline")
    if other is not None and not 0 < other <= 100 - options["share"]:
        raise InvalidInput(
            f"compare.baseline is in percent, more than 0 and at most what share leaves, not {other:g}: it is the part "
            "of the requests that stable gets."
        )
    for name in ("share", "false_rollback", "false_promotion"):
        if not 0 < options[name] < 100:
            raise InvalidInput(f"compare.{name} is in percent, more than 0 and less than 100, not {options[name]:g}.")
    if not 0 <= options["expected"] < 50:
        raise InvalidInput(f"compare.expected is in percent, from 0 to less than 50, not {options['expected']:g}.")
    # Several things that are looked at are several chances to be wrong; to be promoted, all of them have to be good.
    rollback, promotion = options["false_rollback"] / 100 / len(margins), options["false_promotion"] / 100
    rules = {name: Rule(value / 100, rollback, promotion) for name, value in margins.items()}
    return Compare(canary, stable, options["share"] / 100, rules, options["expected"] / 100, other and other / 100)


@dataclass
class Count:
    """Of one version: answers, how many of them failed, and their seconds in ascending order."""

    answers: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)


class Versus:
    """Takes what became of each request, in any order, until the versions are told apart.

    ``verdict`` is ``GOOD``, ``WORSE``, ``UNDECIDED`` or ``LOST`` (too many requests fail without the canary); ``about``
    names what made the canary worse.
    """

    def __init__(self, compare: Compare, lost_share: float) -> None:
        self._compare = compare
        self._lost_share = lost_share
        self._waiting: dict[int, list[tuple[str | None, bool, float]]] = {}
        self._looked = 0
        self._tests = {name: sequential.Evidence() for name in compare.rules}
        self.canary, self.stable = Count(), Count()
        self.lost = 0
        self.requests = 0
        self.verdict = UNDECIDED
        self.about = ""

    def add(self, number: int, key: str | None, failed: bool, seconds: float) -> bool:
        """One request with its number from 0 on; whether the verdict is there."""
        self._waiting.setdefault(number // LOOK, []).append((key, failed, seconds))
        while self.verdict == UNDECIDED and len(self._waiting.get(self._looked, ())) == LOOK:
            self._look()
        return self.verdict != UNDECIDED

    def finish(self) -> None:
        """Looks at what is left, when no more requests come."""
        while self.verdict == UNDECIDED and self._waiting:
            self._looked = min(self._waiting)
            self._look()

    def _look(self) -> None:
        answers = self._waiting.pop(self._looked)
        self._looked += 1
        self.requests += len(answers)
        canary = [(failed, seconds) for key, failed, seconds in answers if key == self._compare.canary]
        stable = [(failed, seconds) for key, failed, seconds in answers if key == self._compare.stable]
        self.lost += sum(failed for key, failed, _seconds in answers if key != self._compare.canary)
        for name, rule in self._compare.rules.items():
            if sequential.verdict(self._tests[name], rule) == UNDECIDED:
                look = self._counted(name, canary, stable)
                self._tests[name] = sequential.add(self._tests[name], look, rule) if look else self._tests[name]
        _count(self.canary, canary)
        _count(self.stable, stable)
        self._decide()

    def _counted(self, name: str, canary: list[tuple[bool, float]], stable: list[tuple[bool, float]]) -> Look | None:
        """A look for one rule; ``None`` for a quantile that is not known yet."""
        if name == FAILURES:
            bad = [sum(failed for failed, _seconds in one) for one in (canary, stable)]
        else:
            if not self.stable.seconds:
                return None
            limit = statistics.percentile(self.stable.seconds, float(name[1:]))
            bad = [sum(seconds > limit for _failed, seconds in one) for one in (canary, stable)]
        return Look(len(canary), bad[0], len(stable), bad[1])

    def _decide(self) -> None:
        found = {name: sequential.verdict(self._tests[name], rule) for name, rule in self._compare.rules.items()}
        worse = [name for name, one in found.items() if one == WORSE]
        if worse:
            self.verdict, self.about = WORSE, worse[0]
        elif self.lost > max(_FEW_LOST, self._lost_share * self.requests):
            self.verdict = LOST
        elif all(one == GOOD for one in found.values()):
            self.verdict = GOOD

    def result(self) -> Json:
        """The result key ``compare``."""
        return {
            "verdict": self.verdict,
            "about": self.about,
            "requests": self.requests,
            "lost": self.lost,
            "canary": _shown(self._compare.canary, self.canary),
            "stable": _shown(self._compare.stable, self.stable),
        }

    def problem(self) -> str:
        """Why the canary is not good; empty when it is."""
        canary, stable = self._compare.canary, self._compare.stable
        failed = f"{_failures(canary, self.canary)}, {_failures(stable, self.stable)}"
        if self.verdict == WORSE and self.about == FAILURES:
            chance = self._compare.rules[FAILURES].false_rollback * 100
            return f"{canary} fails more than {stable}: {failed}; by chance in less than {chance:.2g} % of releases."
        if self.verdict == WORSE:
            own, other = (_quantile(one, self.about) for one in (self.canary, self.stable))
            return f"{canary} is slower than {stable}: its {self.about} is {own:g} s, that of {stable} {other:g} s."
        if self.verdict == LOST:
            return (
                f"{self.lost} of {self.requests} requests failed that {canary} did not answer: no time for a release."
            )
        if self.verdict == UNDECIDED and not (self.canary.answers and self.stable.answers):
            silent = [name for name, one in ((canary, self.canary), (stable, self.stable)) if not one.answers]
            return f"No answer came from {' and '.join(silent)}: see by and the weights, nothing can be compared."
        if self.verdict == UNDECIDED:
            return f"{self.requests} requests do not tell whether {canary} is as good as {stable}: {failed}."
        return ""


def _count(count: Count, answers: list[tuple[bool, float]]) -> None:
    for failed, seconds in answers:
        count.answers += 1
        count.failed += failed
        bisect.insort(count.seconds, seconds)


def _failures(name: str, count: Count) -> str:
    return f"{count.failed} of {count.answers} answers of {name} failed ({_percent(count):g} %)"


def _percent(count: Count) -> float:
    return round(100 * count.failed / count.answers, 2) if count.answers else 0.0


def _quantile(count: Count, name: str) -> float:
    return round(statistics.percentile(count.seconds, float(name[1:])), 4)


def _shown(key: str, count: Count) -> Json:
    figures = {name: _quantile(count, name) for name in QUANTILES}
    return {"key": key, "requests": count.answers, "failed": count.failed, "percent": _percent(count), **figures}


def most(needed: int) -> int:
    """After how many requests a comparison without a verdict ends."""
    return math.ceil(needed * sequential.PATIENCE)

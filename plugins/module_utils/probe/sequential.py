# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a new version worse than the one that runs beside it? A sequential test that may be looked at at any time. Pure.

Of both versions the same is counted in the same window: answers, and those of them that are bad. Two hypotheses about
the shares of bad answers, c of the canary and b of the stable version, are tested at the same time:

- c <= b. Where it is rejected the canary is WORSE.
- c >= b + margin. Where it is rejected the canary is GOOD.

Each is tested by an e-process: the product, over the looks, of the likelihood of what was seen under an alternative,
divided by that under the point of the hypothesis that is nearest to the alternative (in the Kullback-Leibler sense,
weighted by the two numbers of answers). For convex hypotheses about two proportions each factor has an expectation of
at most one under every point of the hypothesis, for any numbers of answers: R. Turner, A. Ly, P. Grünwald, "Generic
E-variables for exact sequential k-sample tests that allow for optional stopping", Journal of Statistical Planning and
Inference 230 (2024); for differences of proportions R. Turner, P. Grünwald, "Exact anytime-valid confidence intervals
for contingency tables and beyond", Statistics & Probability Letters 198 (2023). So the probability that the product
ever reaches 1/a is at most a (J. Ville, 1939), whenever and however often one looks, without any approximation, and
also when the shares of both versions change from look to look. The alternatives are a mixture, as in the mixture
sequential probability ratio test (H. Robbins, 1970), around what the stable version has shown in earlier looks.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

GOOD, WORSE, UNDECIDED = "good", "worse", "undecided"

#: What is thought of the stable version before its first answer: half a bad one of a hundred.
_BAD_BEFORE, _SEEN_BEFORE = 0.5, 100.0
#: How much worse the alternatives of the first test are, in margins; and those of the second one.
_WORSE_BY = (0.5, 1.5, 4.5, 13.5, 40.5)
_GOOD_BY = (0.0, 0.25)
_HALVINGS = 40
#: One that is as good as the stable version is found so, but for rare cases, within so many times the usual number.
PATIENCE = 4
_MOST_LOOKS = 2_000

Odds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Rule:
    """``margin``: how much larger the canary's share of bad answers may be; the two errors are probabilities."""

    margin: float
    false_rollback: float
    false_promotion: float


@dataclass(frozen=True)
class Look:
    """Answers of both versions in the same window, and how many of them were bad."""

    canary: float
    canary_bad: float
    stable: float
    stable_bad: float


@dataclass(frozen=True)
class Evidence:
    """What has been seen so far: the sums, and the logarithm of every alternative's product for both tests."""

    seen: Look = Look(0, 0, 0, 0)
    worse: tuple[float, ...] = field(default=(0.0,) * len(_WORSE_BY))
    good: tuple[float, ...] = field(default=(0.0,) * len(_GOOD_BY))


def add(evidence: Evidence, look: Look, rule: Rule) -> Evidence:
    """The evidence with one more look; one without answers of both versions tells nothing of their difference."""
    seen = evidence.seen
    total = Look(
        seen.canary + look.canary,
        seen.canary_bad + look.canary_bad,
        seen.stable + look.stable,
        seen.stable_bad + look.stable_bad,
    )
    if not look.canary or not look.stable:
        return replace(evidence, seen=total)
    # What is compared with must be known before the look: an alternative chosen after it would prove anything.
    base = (seen.stable_bad + _BAD_BEFORE) / (seen.stable + _SEEN_BEFORE)
    worse, good = _odds(base, look.canary, look.stable, rule.margin)
    return Evidence(
        total,
        tuple(before + gain(look, each) for before, each in zip(evidence.worse, worse, strict=True)),
        tuple(before + gain(look, each) for before, each in zip(evidence.good, good, strict=True)),
    )


def verdict(evidence: Evidence, rule: Rule) -> str:
    """``GOOD``, ``WORSE`` or ``UNDECIDED``."""
    if _reaches(evidence.worse, rule.false_rollback):
        return WORSE
    if _reaches(evidence.good, rule.false_promotion):
        return GOOD
    return UNDECIDED


def decide(looks: Iterable[Look], rule: Rule) -> tuple[str, Evidence, int]:
    """The first verdict in a series of looks, the evidence for it, and how many looks it took."""
    evidence, count = Evidence(), 0
    for look in looks:
        evidence, count = add(evidence, look, rule), count + 1
        found = verdict(evidence, rule)
        if found != UNDECIDED:
            return found, evidence, count
    return UNDECIDED, evidence, count


def needed(share: float, expected: float, rule: Rule, size: int, other: float | None = None) -> int:
    """How many requests it usually takes to find a canary good that is as good as the stable version.

    ``share`` is the canary's of all requests, ``other`` that of what it is compared with (unset: all others),
    ``expected`` that of bad answers, ``size`` the requests of one look: the number at which the test ends when all that
    is counted is what is to be expected. Raises ``ValueError`` when no number that anybody sends would do.
    """
    canary, stable = size * share, size * (1 - share if other is None else other)
    look = Look(canary, canary * expected, stable, stable * expected)
    found, _evidence, count = decide((look for _unused in range(_MOST_LOOKS)), rule)
    if found != GOOD:
        raise ValueError("no number of requests that anybody sends decides this")
    return count * size


def nearest(canary: float, stable: float, counts: tuple[float, float], margin: float) -> tuple[float, float]:
    """The point with c = b + margin that is nearest to an alternative, weighted by both numbers of answers."""
    if not margin:
        pooled = (counts[0] * canary + counts[1] * stable) / sum(counts)
        return pooled, pooled
    low, high = max(0.0, canary - margin), min(stable, 1 - margin)
    for _unused in range(_HALVINGS):
        middle = (low + high) / 2
        above = middle + margin
        slope = counts[0] * (above - canary) * middle * (1 - middle)
        slope += counts[1] * (middle - stable) * above * (1 - above)
        low, high = (low, middle) if slope > 0 else (middle, high)
    return high + margin, high


@functools.lru_cache(maxsize=4096)
def _odds(base: float, canary: float, stable: float, margin: float) -> tuple[tuple[Odds, ...], tuple[Odds, ...]]:
    """What an answer changes, for both tests and each of their alternatives."""
    counts = (canary, stable)
    shifted = {by: min(base + by * margin, (1 + base) / 2) for by in (*_WORSE_BY, *_GOOD_BY)}
    worse = tuple(odds(shifted[by], base, counts, 0.0) for by in _WORSE_BY)
    return worse, tuple(odds(shifted[by], base, counts, margin) for by in _GOOD_BY)


def odds(canary: float, stable: float, counts: tuple[float, float], margin: float) -> Odds:
    """What an answer adds to the logarithm of one alternative's product: a bad and a good one of each version."""
    null_canary, null_stable = nearest(canary, stable, counts, margin)
    return (
        math.log(canary / null_canary),
        math.log((1 - canary) / (1 - null_canary)),
        math.log(stable / null_stable),
        math.log((1 - stable) / (1 - null_stable)),
    )


def gain(look: Look, each: Odds) -> float:
    """The logarithm of one factor of an alternative's product."""
    bad, fine, stable_bad, stable_fine = each
    return (
        look.canary_bad * bad
        + (look.canary - look.canary_bad) * fine
        + look.stable_bad * stable_bad
        + (look.stable - look.stable_bad) * stable_fine
    )


def _reaches(logarithms: tuple[float, ...], probability: float) -> bool:
    """Whether the mean of the products is at least one divided by a probability."""
    limit, top = -math.log(probability), max(logarithms)
    return top >= limit and top + math.log(sum(math.exp(one - top) for one in logarithms) / len(logarithms)) >= limit

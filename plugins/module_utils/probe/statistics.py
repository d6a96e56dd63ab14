# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a verdict on shares needs, and the verdict's bounds. Pure.

The number of answers of one version among n independent requests is binomial. For declared shares p_i, a tolerance t
and a confidence 1 - a, the sample size is the smallest n (of a growing series) for which both kinds of mistake are
improbable, by exact binomial tails and with the error shared evenly among the k versions (Bonferroni), which covers
the multinomial case:

- a mesh that does as declared passes:      sum_i P(|X_i/n - p_i| > t | p_i) <= a
- a mesh that is off by 2t in a version fails:   max_i P(|X_i/n - p_i| <= t | p_i - 2t or p_i + 2t) <= a

A share that is declared as 0 or 100 percent has no tolerance: one other answer contradicts it. A share that really is
2t away from it goes unnoticed with (1 - 2t)^n <= a. Load balancing in turn spreads more evenly than independent
choice, so the bounds hold for it too.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist

#: The smallest sample that anything is said about.
SMALLEST_SAMPLE = 20
_LARGEST_SAMPLE = 10_000_000


def sample_size(shares: Iterable[float], tolerance: float, confidence: float) -> int:
    """The number of requests for a verdict on ``shares``; all are fractions of one, as is ``tolerance``.

    Raises ``ValueError`` when no sample up to ten million would do.
    """
    alpha = 1 - confidence
    wanted = [share for share in shares if 0 < share < 1]
    size = SMALLEST_SAMPLE
    if tolerance < 0.5:
        size = max(size, math.ceil(math.log(alpha) / math.log(1 - 2 * tolerance)))
    if not wanted:
        return size
    quantile = NormalDist().inv_cdf(1 - alpha / (2 * len(wanted)))
    widest = max(share * (1 - share) for share in wanted)
    size = max(size, math.ceil(0.7 * widest * (quantile / tolerance) ** 2))
    # What is too large is not tried first: that would take as long as the sample itself.
    while size <= _LARGEST_SAMPLE:
        if _decides(size, wanted, tolerance, alpha):
            return size
        size = math.ceil(size * 1.05)
    raise ValueError("no sample of a reasonable size decides this")


def smallest_tolerance(shares: Sequence[float], confidence: float, size: int) -> float:
    """The finest tolerance (a fraction, in steps of half a percent) that ``size`` requests can decide."""
    for steps in range(1, 100):
        if sample_size(shares, steps / 200, confidence) <= size:
            return steps / 200
    return 0.5


def _decides(size: int, shares: list[float], tolerance: float, alpha: float) -> bool:
    wrongly_failed = 0.0
    for share in shares:
        low, high = _accepted(size, share, tolerance)
        wrongly_failed += 1 - probability_between(size, share, low, high)
        if wrongly_failed > alpha:
            return False
        for other in (share - 2 * tolerance, share + 2 * tolerance):
            if 0 < other < 1 and probability_between(size, other, low, high) > alpha:
                return False
    return True


def _accepted(size: int, share: float, tolerance: float) -> tuple[int, int]:
    """The smallest and the largest count within the tolerance."""
    # A hair of rounding must not decide at the edge, neither here nor in the verdict.
    low = math.ceil((share - tolerance) * size - 1e-9)
    high = math.floor((share + tolerance) * size + 1e-9)
    return max(low, 0), min(high, size)


def within(count: int, size: int, share: float, tolerance: float) -> bool:
    """Whether a count is as declared."""
    if share in (0.0, 1.0):
        return count == size * share
    low, high = _accepted(size, share, tolerance)
    return low <= count <= high


def probability_between(size: int, share: float, low: int, high: int) -> float:
    """P(low <= X <= high) of a binomial X."""
    if low > high:
        return 0.0
    mode = min(max(int((size + 1) * share), low), high)
    top = math.exp(
        math.lgamma(size + 1)
        - math.lgamma(mode + 1)
        - math.lgamma(size - mode + 1)
        + mode * math.log(share)
        + (size - mode) * math.log1p(-share)
    )
    odds = share / (1 - share)
    total = term = top
    for count in range(mode + 1, high + 1):
        term *= (size - count + 1) / count * odds
        total += term
        if term < total * 1e-17:
            break
    term = top
    for count in range(mode - 1, low - 1, -1):
        term *= (count + 1) / (size - count) / odds
        total += term
        if term < total * 1e-17:
            break
    return min(total, 1.0)


def interval(count: int, size: int, confidence: float, versions: int = 1) -> tuple[float, float]:
    """Wilson's interval of a share (fractions), at a confidence that holds for all ``versions`` together."""
    if not size:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(1 - (1 - confidence) / (2 * max(versions, 1)))
    share = count / size
    middle = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    return max(0.0, middle - half), min(1.0, middle + half)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` percent of the ascending values do not exceed."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def dispersion(sequence: Sequence[str], window: int) -> float:
    """How unevenly the keys of a sequence fall into consecutive windows, relative to independent choice.

    The mean over the keys of Var(count in a window) / (w p (1 - p)): about 1 for independent choice, and near 0 for
    keys in turn, whatever the number of balancers that take turns. Needs two windows at least, and two keys.
    """
    windows = [sequence[start : start + window] for start in range(0, len(sequence) - window + 1, window)]
    used = [key for part in windows for key in part]
    keys = sorted(set(used))
    if len(windows) < 2 or len(keys) < 2:
        raise ValueError("a sequence needs two windows and two keys")
    ratios = []
    for key in keys:
        share = used.count(key) / len(used)
        counts = [list(part).count(key) for part in windows]
        mean = sum(counts) / len(counts)
        variance = sum((count - mean) ** 2 for count in counts) / (len(counts) - 1)
        ratios.append(variance / (window * share * (1 - share)))
    return sum(ratios) / len(ratios)

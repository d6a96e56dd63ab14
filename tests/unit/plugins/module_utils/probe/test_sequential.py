# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sequential test: its bounds by enumeration and by simulation, and its figures against other implementations."""

from __future__ import annotations

import importlib
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors
from ansible_collections.meshops.asm.plugins.module_utils.probe import sequential
from ansible_collections.meshops.asm.plugins.module_utils.probe.sequential import (
    GOOD,
    UNDECIDED,
    WORSE,
    Evidence,
    Look,
    Rule,
)

ROOT = Path(errors.__file__).resolve().parents[3]
RULE = Rule(margin=0.05, false_rollback=0.05, false_promotion=0.05)


@pytest.fixture(scope="module")
def simulated() -> tuple[Any, list[Any]]:
    """tools/canary_table.py and its rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        tool = importlib.import_module("canary_table")
    return tool, tool.simulate()


def test_a_thousand_releases_of_each_quality_stay_within_the_bounds(simulated: tuple[Any, list[Any]]) -> None:
    tool, rows = simulated
    assert [row.rate for row in rows] == [0, 0.001, 0.005, 0.01, 0.011, 0.05, 0.1]
    qualities = []
    for row in rows:
        qualities.append(tool.quality(row.rate))
        if qualities[-1] == "good":
            assert row.verdicts[GOOD] >= 1000 * (1 - RULE.false_rollback), row
        if qualities[-1] == "bad":
            assert row.verdicts[GOOD] <= 1000 * RULE.false_promotion, row
    assert qualities == ["good", "good", "in between", "in between", "bad", "bad", "bad"]


def bursts(dice: random.Random, share: float, own: bool) -> Iterator[Look]:
    """Answers of which a five-hundredth fails, in bursts: of both versions for a time, or five in a row of one."""
    left = [0, 0]
    for _look in range(150):
        counts = [0, 0, 0, 0]
        for _request in range(100):
            version = 0 if dice.random() < share else 1
            place, length = (version, 5) if own else (0, 50)
            if left[place] <= 0 and dice.random() < 0.002 / length:
                left[place] = length
            counts[2 * version] += 1
            counts[2 * version + 1] += left[place] > 0
            left[place] -= 1
        yield Look(*map(float, counts))


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_what_is_bad_for_both_at_a_time_is_no_difference(share: float) -> None:
    """As docs/canary.rst says: the bound holds for bursts of both versions, and not for those of one alone."""
    rule = Rule(margin=0.01, false_rollback=0.05 / 3, false_promotion=0.05)
    found = [
        sum(
            sequential.decide(bursts(random.Random(seed), share, own), rule)[0] == WORSE  # noqa: S311
            for seed in range(150)
        )
        for own in (False, True)
    ]
    assert found[0] <= 150 * rule.false_rollback
    assert 150 * 0.005 < found[1] <= 150 * 0.13


def test_what_is_clear_is_told_early(simulated: tuple[Any, list[Any]]) -> None:
    tool, rows = simulated
    middles = {row.rate: row.requests[500] for row in rows}
    assert middles[0.1] <= middles[0.05] < 2500
    assert middles[0.001] <= sequential.needed(tool.SHARE, tool.STABLE, tool.RULE, tool.SIZE) < 10_000


def test_the_table_of_the_page_is_that_of_the_simulation(simulated: tuple[Any, list[Any]]) -> None:
    tool, rows = simulated
    assert tool.table(rows) in tool.PAGE.read_text(encoding="utf-8"), "write it with python tools/canary_table.py"


def _probability(count: int, found: int, share: float) -> float:
    return math.comb(count, found) * share**found * (1 - share) ** (count - found)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("counts", [(3, 9), (5, 5), (7, 2)])
def test_no_factor_is_expected_to_exceed_one_where_its_hypothesis_holds(margin: float, counts: tuple[int, int]) -> None:
    """Over every outcome, at points of c <= b and of c >= b + margin: what makes the bounds of the errors exact."""
    canary, stable = (0.3, 0.1) if not margin else (0.1, 0.12)
    each = sequential.odds(canary, stable, (float(counts[0]), float(counts[1])), margin)
    grid = [place / 20 for place in range(21)]
    points = [(c, b) for c in grid for b in grid if (c >= b + margin if margin else c <= b)]
    assert len(points) > 100
    for c, b in points:
        expected = sum(
            _probability(counts[0], bad, c)
            * _probability(counts[1], stable_bad, b)
            * math.exp(sequential.gain(Look(counts[0], bad, counts[1], stable_bad), each))
            for bad in range(counts[0] + 1)
            for stable_bad in range(counts[1] + 1)
        )
        assert expected <= 1 + 1e-9, (c, b)


@pytest.mark.parametrize(
    ("canary", "stable", "counts", "margin", "expected"),
    [
        (0.005, 0.005, (5, 95), 0.01, 0.0048297955038),
        (0.02, 0.01, (25, 75), 0.05, 0.0081284181730),
        (0.1, 0.1, (50, 50), 0.05, 0.0802733786918),
        (0.3, 0.35, (10, 40), 0.1, 0.3225604666533),
        (0.001, 0.002, (1, 999), 0.005, 0.0019982768466),
    ],
)
def test_the_nearest_point_is_that_of_a_general_minimizer(
    canary: float, stable: float, counts: tuple[float, float], margin: float, expected: float
) -> None:
    """By scipy.optimize.minimize_scalar (SciPy 1.17, bounded, xatol 1e-13) of the weighted divergence (rel_entr)."""
    found = sequential.nearest(canary, stable, counts, margin)
    assert found[1] == pytest.approx(expected, rel=1e-6)
    assert found[0] - found[1] == pytest.approx(margin)


def test_a_factor_is_that_of_another_implementation() -> None:
    """The R package safestats, test-savi2x2Helpers.R: 2/3 against 1/3, one bad answer of one and none of one: 16/9."""
    each = sequential.odds(2 / 3, 1 / 3, (1, 1), 0.0)
    assert math.exp(sequential.gain(Look(1, 1, 1, 0), each)) == pytest.approx(16 / 9)
    assert sequential.nearest(3 / 4, 1 / 4, (1, 1), 0.0) == (1 / 2, 1 / 2)


def test_looks_without_one_of_the_versions_tell_nothing() -> None:
    looks = [Look(0, 0, 100, 3), Look(50, 50, 0, 0)]
    found, evidence, count = sequential.decide(looks, RULE)
    assert (found, count) == (UNDECIDED, 2)
    assert evidence.seen == Look(50, 50, 100, 3)
    assert evidence.worse == Evidence().worse


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 0.9])
def test_shares_that_rise_and_fall_for_both_are_no_difference(level: float) -> None:
    """The service behind both has good and bad times; in each of them they fail alike."""
    looks = [Look(50, 50 * share, 50, 50 * share) for share in [0.0, level, 0.0, level] * 50]
    assert sequential.decide(looks, RULE)[0] in ((GOOD,) if level < 0.6 else (GOOD, UNDECIDED))
    worse = [Look(50, 50 * min(1.0, share + 0.15), 50, 50 * share) for share in [0.0, level / 2] * 50]
    assert sequential.decide(worse, RULE)[0] == WORSE


def test_a_small_one_to_compare_with_takes_more_requests() -> None:
    rule = sequential.Rule(0.01, 0.05, 0.05)
    rest, small = (sequential.needed(0.05, 0.001, rule, 100, other) for other in (None, 0.05))
    assert rest == sequential.needed(0.05, 0.001, rule, 100, 0.95)
    assert small > rest


def test_what_is_needed_grows_with_what_is_asked() -> None:
    usual = sequential.needed(0.05, 0.001, Rule(0.01, 0.05, 0.05), 100)
    assert sequential.needed(0.25, 0.001, Rule(0.01, 0.05, 0.05), 100) < usual
    assert sequential.needed(0.05, 0.001, Rule(0.05, 0.05, 0.05), 100) < usual
    assert sequential.needed(0.05, 0.001, Rule(0.01, 0.05, 0.001), 100) > usual
    assert sequential.needed(0.05, 0.02, Rule(0.01, 0.05, 0.05), 100) > usual
    with pytest.raises(ValueError, match="decides"):
        sequential.needed(0.0001, 0.3, Rule(0.0001, 0.05, 0.05), 100)

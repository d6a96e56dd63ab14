# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample sizes hold what they promise: checked by simulation, not by the formula that made them."""

from __future__ import annotations

import math

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.probe import statistics

from .conftest import Chance


def simulated(shares: list[float], size: int, rng: Chance) -> list[int]:
    drawn = rng.choices(range(len(shares)), weights=shares, k=size)
    return [drawn.count(index) for index in range(len(shares))]


def fits(counts: list[int], declared: list[float], tolerance: float) -> bool:
    size = sum(counts)
    return all(statistics.within(count, size, share, tolerance) for count, share in zip(counts, declared, strict=True))


@pytest.mark.parametrize("declared", [[0.8, 0.2], [1 / 3, 1 / 3, 1 / 3], [0.95, 0.05]])
def test_right_meshes_pass_and_wrong_ones_fail_with_the_confidence(declared: list[float]) -> None:
    rng = Chance(7)
    tolerance, confidence, tries = 0.05, 0.95, 400
    size = statistics.sample_size(declared, tolerance, confidence)
    right = sum(fits(simulated(declared, size, rng), declared, tolerance) for _unused in range(tries))
    off = [declared[0] - 2 * tolerance, declared[1] + 2 * tolerance, *declared[2:]]
    wrong = sum(fits(simulated(off, size, rng), declared, tolerance) for _unused in range(tries))
    # 400 tries with an error of at most 5 % each: more than 35 errors happen once in ten thousand runs.
    assert tries - right <= 35
    assert wrong <= 35


def test_sample_size_is_not_wasteful() -> None:
    size = statistics.sample_size([0.8, 0.2], 0.05, 0.999)
    hoeffding = math.log(2 * 2 / 0.001) / (2 * 0.05**2)
    assert size < hoeffding * 0.6


def test_finer_verdicts_need_more_requests() -> None:
    sizes = [statistics.sample_size([0.5, 0.5], tolerance, 0.99) for tolerance in (0.1, 0.05, 0.02)]
    assert sizes == sorted(sizes)
    assert sizes[2] > 5 * sizes[1]
    assert statistics.sample_size([0.5, 0.5], 0.05, 0.9999) > sizes[1]


def test_everything_to_one_version_needs_few_requests_and_allows_no_exception() -> None:
    size = statistics.sample_size([1.0, 0.0], 0.05, 0.999)
    assert (1 - 0.1) ** size <= 0.001 * 1.0001
    assert size < 100
    assert statistics.within(size, size, 1.0, 0.05)
    assert not statistics.within(size - 1, size, 1.0, 0.05)
    assert not statistics.within(1, size, 0.0, 0.05)


@pytest.mark.parametrize(("size", "share"), [(10, 0.3), (57, 0.01), (200, 0.97)])
def test_binomial_probabilities(size: int, share: float) -> None:
    def exact(low: int, high: int) -> float:
        return sum(math.comb(size, k) * share**k * (1 - share) ** (size - k) for k in range(low, high + 1))

    for low, high in [(0, size), (0, size // 3), (size // 3, size), (2, 5), (5, 2)]:
        assert statistics.probability_between(size, share, low, high) == pytest.approx(exact(low, high), abs=1e-12)


def test_the_finest_tolerance_of_a_sample() -> None:
    tolerance = statistics.smallest_tolerance([0.8, 0.2], 0.999, 300)
    assert statistics.sample_size([0.8, 0.2], tolerance, 0.999) <= 300
    assert statistics.sample_size([0.8, 0.2], tolerance - 0.005, 0.999) > 300


def test_intervals() -> None:
    low, high = statistics.interval(80, 100, 0.95)
    assert (low, high) == pytest.approx((0.7112, 0.8666), abs=0.001)  # Wilson's interval of 80 of 100
    assert statistics.interval(0, 0, 0.95) == (0.0, 1.0)
    wider = statistics.interval(80, 100, 0.95, versions=3)
    assert wider[0] < low
    assert wider[1] > high


def test_percentiles_are_observed_values() -> None:
    assert [statistics.percentile([1, 2, 3, 4], percent) for percent in (0, 25, 50, 99, 100)] == [1, 1, 2, 4, 4]
    assert statistics.percentile([], 50) == 0


def test_turns_and_chance_have_different_dispersions() -> None:
    rng = Chance(3)
    turns = ["a", "b", "c"] * 800
    chance = rng.choices("abc", k=2400)
    balancers = [iter(["a", "b", "c"] * 2400), iter(["b", "c", "a"] * 2400), iter(["c", "a", "b"] * 2400)]
    several = [next(rng.choice(balancers)) for _unused in range(2400)]
    assert statistics.dispersion(turns, 60) < 0.05
    assert statistics.dispersion(several, 60) < 0.2
    assert 0.7 < statistics.dispersion(chance, 60) < 1.4
    for few in (["a"] * 200, ["a", "b"] * 10):
        with pytest.raises(ValueError, match="two"):
            statistics.dispersion(few, 60)

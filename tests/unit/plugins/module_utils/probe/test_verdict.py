# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about observations: both verdicts of each expectation, over real connections where it matters."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import progress
from ansible_collections.meshops.asm.plugins.module_utils.probe import engine, rounds, statistics, verdict
from ansible_collections.meshops.asm.plugins.module_utils.probe.engine import Observation, Sample
from ansible_collections.meshops.asm.tests.unit.conftest import FakeClock

from .conftest import Chance, LocalServer, plan_for, reply

Serve = Callable[..., LocalServer]
VERSION = {"regex": r"v\d"}


def observation(keys: Iterable[str | None], status: int = 200) -> Observation:
    samples = [Sample(number, 0, 0, 0.0, 0.01, status, key) for number, key in enumerate(keys)]
    return Observation(samples, seconds=1.0)


def judged(options: dict[str, Any], seen: Observation) -> dict[str, Any]:
    return verdict.summary(plan_for("127.0.0.1", **options), seen)


def test_a_split_as_declared_and_one_that_is_not(serve: Serve) -> None:
    rng = Chance(5)
    server = serve(lambda _number, _head: reply(rng.choices(["v1", "v2"], [80, 20])[0]))
    right = rounds.observe(plan_for(server.address, by=VERSION, expect={"split": {"v1": 80, "v2": 20}}))
    assert right["problems"] == []
    assert right["requests"] == 807
    first, second = right["distribution"]
    assert (first["key"], first["declared"], first["ok"], second["ok"]) == ("v1", 80, True, True)
    assert first["low"] < 80 < first["high"]
    assert rounds.table(right)[0].startswith("v1  declared 80 %  observed ")
    wrong = rounds.observe(plan_for(server.address, by=VERSION, expect={"split": {"v1": 50, "v2": 50}}))
    assert len(wrong["problems"]) == 2
    assert "50 % declared" in wrong["problems"][0]
    assert rounds.table(wrong)[0].endswith("<--")
    error = rounds.failure(wrong)
    assert error
    assert error.code == "ExpectationNotMet"


#: Newcombe, Statistics in Medicine 17 (1998) 857-872, table I: Wilson's interval at 95 %, as count, size, low, high.
PUBLISHED = [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0.0, 16.11), (1, 29, 0.61, 17.18)]


@pytest.mark.parametrize(("count", "size", "low", "high"), PUBLISHED)
def test_an_interval_is_wilsons(count: int, size: int, low: float, high: float) -> None:
    seen = observation(["v1"] * count + [None] * (size - count))
    options = {"by": VERSION, "expect": {"confidence": 95, "split": {"v1": 100}}}
    (row,) = judged(options, seen)["distribution"]
    assert (row["low"], row["high"]) == (low, high)


@pytest.mark.parametrize(("count", "size", "low", "high"), PUBLISHED[:2])
@pytest.mark.parametrize(("keys", "confidence"), [(2, 90), (5, 75)])
def test_intervals_hold_for_all_keys_together(
    count: int, size: int, low: float, high: float, keys: int, confidence: float
) -> None:
    """Bonferroni: with k keys each has a k-th of the error, so that each interval is wider than it would be alone."""
    others = [f"v{2 + number % (keys - 1)}" for number in range(size - count)]
    options = {"by": VERSION, "expect": {"confidence": confidence}}
    first, *rest = judged(options, observation(["v1"] * count + others))["distribution"]
    assert (first["key"], first["low"], first["high"], len(rest)) == ("v1", low, high, keys - 1)


def test_without_an_expectation_intervals_hold_at_999_per_mille() -> None:
    seen = observation(["v1"] * 50 + ["v2"] * 50)
    rows = judged({"by": VERSION}, seen)["distribution"]
    assert rows == judged({"by": VERSION, "expect": {"confidence": 99.9}}, seen)["distribution"]
    assert rows[0] == {
        "key": "v1",
        "count": 50,
        "percent": 50.0,
        "low": 33.56,
        "high": 66.44,
        "declared": None,
        "ok": True,
    }


def test_a_row_for_each_key_that_was_seen_or_declared() -> None:
    options = {"by": VERSION, "expect": {"split": {"v2": 66.6, "v1": 33.4}}}
    rows = judged(options, observation(["v3"] + ["v2"] * 1999))["distribution"]
    assert [(row["key"], row["count"], row["percent"], row["declared"], row["ok"]) for row in rows] == [
        ("v1", 0, 0.0, 33.4, False),
        ("v2", 1999, 99.95, 66.6, False),
        ("v3", 1, 0.05, 0.0, False),
    ]
    assert judged({"by": VERSION, "expect": {"split": {"v1": 100}}}, Observation())["distribution"] == [
        {"key": "v1", "count": 0, "percent": 0.0, "low": 0.0, "high": 100.0, "declared": 100.0, "ok": False}
    ]
    assert judged({}, observation([None] * 9))["distribution"] == []


def test_the_figures_of_a_probe() -> None:
    answered = [
        Sample(number, 0, 0, number / 10, seconds / 1000, status)
        for number, (seconds, status) in enumerate([(40, 200), (10, 503), (20, 200), (30, 200)])
    ]
    broken = [Sample(4, 0, 0, 0.5, 9.0, error="reset"), *[Sample(5, 0, 0, 0.6, 9.0, error="timed out")] * 2]
    seen = Observation([*answered, *broken], 1.23456, 3, 2, {503: "no healthy upstream", 404: "not here"})
    assert judged({}, seen) == {
        "requests": 7,
        "answered": 4,
        "failed": 4,
        "statuses": {"200": 3, "503": 1},
        "errors": {"timed out": 2, "reset": 1},
        "latency": {"min": 0.01, "max": 0.04, "mean": 0.025, "p50": 0.02, "p90": 0.04, "p95": 0.04, "p99": 0.04},
        "duration": 1.235,
        "throughput": 3.2,
        "retries": 3,
        "reconnects": 2,
        "distribution": [],
        "by_request": [],
        "by_address": [],
        "excerpts": {"404": "not here", "503": "no healthy upstream"},
        "outage": 9.5,
        "problems": [],
    }
    assert list(judged({}, seen)["errors"]) == ["timed out", "reset"]
    assert list(judged({}, seen)["excerpts"]) == ["404", "503"]


def test_a_probe_without_an_answer_has_figures_of_nothing() -> None:
    result = judged({}, Observation())
    assert (result["throughput"], result["outage"]) == (0.0, 0.0)
    assert result["latency"] == dict.fromkeys(("min", "max", "mean", "p50", "p90", "p95", "p99"), 0.0)
    assert result["problems"] == ["None of 0 requests was answered: nothing was sent."]


def test_times_are_told_as_exactly_as_they_are_of_use() -> None:
    """Latencies in microseconds, an outage in milliseconds."""
    result = judged({}, Observation([Sample(0, 0, 0, 1.0, 0.01234567, 503)], 1.0))
    assert set(result["latency"].values()) == {0.012346}
    assert result["outage"] == 0.012


def test_several_requests_and_addresses_have_figures_of_their_own() -> None:
    plan = plan_for("192.0.2.1", "192.0.2.2:81", by=VERSION, requests=[{"name": "a"}, {"name": "b"}])
    samples = [
        Sample(0, 0, 0, 0.0, 0.1, 503, "v2"),
        Sample(1, 1, 1, 0.0, 0.1, 200, "v2"),
        Sample(2, 0, 0, 0.0, 0.1, 200, "v1"),
        Sample(3, 1, 1, 0.0, 0.1, error="reset"),
        Sample(4, 1, 1, 0.0, 0.1, 200, None),
    ]
    result = verdict.summary(plan, Observation(samples, 1.0))
    first = {"requests": 2, "failed": 1, "statuses": {"200": 1, "503": 1}, "keys": {"v1": 1, "v2": 1}}
    second = {"requests": 3, "failed": 1, "statuses": {"200": 2}, "keys": {"v2": 1}}
    assert result["by_request"] == [{"name": "a", **first}, {"name": "b", **second}]
    assert result["by_address"] == [{"address": "192.0.2.1:80", **first}, {"address": "192.0.2.2:81", **second}]
    assert [list(row["statuses"]) for row in result["by_request"]] == [["200", "503"], ["200"]]
    assert list(result["by_request"][0]["keys"]) == ["v1", "v2"]


def test_what_counts_as_a_failure() -> None:
    def failures(options: dict[str, Any], *statuses: int) -> int:
        seen = Observation([Sample(0, 0, 0, 0.0, 0.1, status, str(status)) for status in statuses], 1.0)
        return int(judged(options, seen)["failed"])

    assert failures({}, 200, 399, 400, 500) == 2
    assert failures({"expect": {}}, 200, 399, 400, 500) == 2
    assert failures({"expect": {"status": [404, 200]}}, 200, 399, 404, 500) == 2
    by_status = {"by": {"status": True}}
    assert failures({**by_status, "expect": {"split": {"200": 50, "503": 50}}}, 200, 503, 404) == 0
    assert failures({**by_status, "expect": {"split": {"200": 100}, "status": [200]}}, 200, 503, 404) == 2
    assert failures({**by_status, "expect": {}}, 200, 503, 404) == 2
    assert failures(by_status, 200, 503) == 1
    assert failures({"by": {"header": "x"}, "expect": {"split": {"200": 100}}}, 200, 503) == 1


def test_a_version_that_is_not_declared_is_found() -> None:
    options = {"by": VERSION, "expect": {"split": {"v1": 100}}}
    assert judged(options, observation(["v1"] * 100))["problems"] == []
    (problem, other) = judged(options, observation(["v1"] * 99 + ["v3"]))["problems"]
    assert problem.startswith("v1: 99 % observed")
    assert other.startswith("v3: 1 % observed")
    assert problem == ("v1: 99 % observed (99 of 100, interval 87.48 to 99.93 % at 99.9 %), 100 % declared, exactly.")
    assert other == "v3: 1 % observed (1 of 100, interval 0.07 to 12.52 % at 99.9 %), 0 % declared, exactly."
    wide = {"by": VERSION, "expect": {"split": {"v1": 20, "v2": 80}, "tolerance": 10}}
    problems = judged(wide, observation(["v1"] * 500 + ["v2"] * 500))["problems"]
    assert problems == [
        "v1: 50 % observed (500 of 1000, interval 44.53 to 55.47 % at 99.9 %), 20 % declared, within 10 points.",
        "v2: 50 % observed (500 of 1000, interval 44.53 to 55.47 % at 99.9 %), 80 % declared, within 10 points.",
    ]


def test_every_version_that_is_not_as_declared_is_told() -> None:
    options = {"by": VERSION, "expect": {"split": {"v1": 50, "v2": 50}}}
    problems = judged(options, observation(["v1"] * 1000 + ["v2"] * 800 + ["v3"] * 200))["problems"]
    assert [problem.partition(" observed")[0] for problem in problems] == ["v2: 40 %", "v3: 10 %"]


def test_even_shares() -> None:
    options = {"by": VERSION, "expect": {"even": ["v1", "v2", "v3"]}}
    even = judged(options, observation(["v1", "v2", "v3"] * 500))
    assert even["problems"] == []
    assert [(row["percent"], row["declared"]) for row in even["distribution"]] == [(33.33, 33.33)] * 3
    assert judged(options, observation(["v1", "v2"] * 700))["problems"]


def test_a_key_that_matches_nothing() -> None:
    seen = observation([None] * 807)
    seen.unkeyed = "HTTP 200: <html>"
    (problem,) = judged({"by": VERSION, "expect": {"split": {"v1": 80, "v2": 20}}}, seen)["problems"]
    assert problem == "No answer has a key: regex v\\d matches nothing. An answer was HTTP 200: <html>"
    seen.unkeyed = ""
    (problem,) = judged({"by": VERSION, "expect": {"split": {"v1": 80, "v2": 20}}}, seen)["problems"]
    assert problem == "No answer has a key: regex v\\d matches nothing. An answer was not there"
    assert judged({"by": VERSION, "expect": {}}, seen)["problems"] == []


def test_answers_without_a_key_are_a_problem() -> None:
    seen = observation(["v1"] * 100 + [None])
    seen.unkeyed = "HTTP 200: odd"
    problems = judged({"by": VERSION, "expect": {"split": {"v1": 100}}}, seen)["problems"]
    assert problems[0] == "1 of 101 answers have no key (regex v\\d), like this one: HTTP 200: odd"


def test_statuses() -> None:
    plain: dict[str, Any] = {"expect": {}}
    assert judged(plain, observation([None] * 9, 302))["problems"] == []
    seen = observation([None] * 9, 403)
    seen.excerpts = {403: "RBAC: access denied"}
    (problem,) = judged(plain, seen)["problems"]
    assert "9 of 9 requests failed, none is expected. Seen: HTTP 403 9x" in problem
    assert problem.endswith("HTTP 403 says: RBAC: access denied")
    denied = {"expect": {"status": [403]}}
    assert judged(denied, seen)["problems"] == []
    (problem,) = judged(denied, observation([None] * 9, 200))["problems"]
    assert "HTTP 200 9x (expected 403)" in problem
    seen.excerpts = {403: ""}
    assert judged(plain, seen)["problems"] == [
        "9 of 9 requests failed, none is expected. Seen: HTTP 403 9x. HTTP 403 says: (an empty body)"
    ]
    assert judged(denied, observation([None] * 9, 200))["problems"] == [
        "9 of 9 requests failed, none is expected. Seen: HTTP 200 9x (expected 403)."
    ]
    several = {"expect": {"status": [404, 403]}}
    assert "HTTP 200 9x (expected 403, 404)" in judged(several, observation([None] * 9, 200))["problems"][0]
    assert judged({"expect": {"failed": 10}}, mixed(10, 1))["problems"] == []
    assert judged({"expect": {"failed": 9}}, mixed(10, 1))["problems"]


def test_the_commonest_unhappy_answer_is_the_one_that_is_quoted() -> None:
    def seen(*statuses: int) -> Observation:
        found = Observation([Sample(0, 0, 0, 0.0, 0.1, status) for status in statuses], 1.0)
        found.excerpts = {404: "not here", 503: "no healthy upstream", 200: "fine"}
        return found

    (problem,) = judged({"expect": {"status": [200]}}, seen(200, 200, 200, 404, 503, 503))["problems"]
    assert problem == (
        "3 of 6 requests failed, none is expected. Seen: HTTP 200 3x (expected 200); HTTP 404 1x (expected 200); HTTP "
        "503 2x (expected 200). HTTP 503 says: no healthy upstream"
    )
    (problem,) = judged({"expect": {"status": [200]}}, seen(200, 404, 404, 503))["problems"]
    assert problem.endswith(". HTTP 404 says: not here")


def test_failures_are_told_with_how_many_were_allowed_and_the_commonest_errors() -> None:
    errors = ["reset"] * 4 + ["timed out"] * 3 + ["refused"] * 2 + ["no TLS"]
    seen = observation([None] * 10)
    seen.samples += [Sample(0, 0, 0, 0.0, 0.1, error=error) for error in errors]
    assert judged({"expect": {"failed": 5}}, seen)["problems"] == [
        "10 of 20 requests failed, at most 5 % are expected. Seen: HTTP 200 10x; reset 4x; timed out 3x; refused 2x."
    ]
    nobody = Observation([Sample(0, 0, 0, 0.0, 0.1, error=error) for error in errors], 1.0)
    assert judged({"expect": {}}, nobody)["problems"] == [
        "None of 10 requests was answered: reset (4x); timed out (3x); refused (2x)."
    ]


def mixed(count: int, bad: int) -> Observation:
    seen = observation([None] * (count - bad))
    seen.samples += [Sample(count, 0, 0, 0.5, 0.1, error="reset") for _unused in range(bad)]
    return seen


def test_a_share_of_aborted_requests() -> None:
    options = {"by": {"status": True}, "expect": {"split": {"200": 50, "503": 50}}}
    seen = observation(["200", "503"] * 700)
    seen.samples = [Sample(s.number, 0, 0, 0, 0.01, int(s.key or 0), s.key) for s in seen.samples]
    assert judged(options, seen)["problems"] == []
    assert judged(options, observation(["200"] * 1400))["problems"]


def test_latency() -> None:
    options = {"expect": {"latency": {"p99": 0.02, "p50": 0.001}}}
    (problem,) = judged(options, observation([None] * 10))["problems"]
    assert problem == "Latency p50 was 0.01 s, expected at most 0.001 s."


def test_too_few_requests_in_time_are_no_verdict() -> None:
    options = {"by": VERSION, "expect": {"split": {"v1": 80, "v2": 20}}, "duration": 1}
    problems = judged(options, observation(["v1"] * 8 + ["v2"] * 2))["problems"]
    assert problems == [
        "Only 10 requests could be sent in time, too few for a verdict, which needs 807. Allow more duration, or a "
        "wider tolerance."
    ]


def test_as_many_requests_as_a_verdict_needs_are_enough() -> None:
    options = {"by": VERSION, "expect": {"split": {"v1": 100}}}
    plan = plan_for("127.0.0.1", **options)
    assert judged(options, observation(["v1"] * plan.count))["problems"] == []
    (problem,) = judged(options, observation(["v1"] * (plan.count - 1)))["problems"]
    assert problem.startswith(f"Only {plan.count - 1} requests could be sent in time, too few")


def test_a_latency_as_long_as_expected_is_as_expected() -> None:
    assert judged({"expect": {"latency": {"p50": 0.01, "max": 0.01}}}, observation([None] * 10))["problems"] == []


def test_without_versions_to_compare_no_answer_is_enough() -> None:
    plan = plan_for("127.0.0.1")
    assert verdict.enough(plan)(Sample(0, 0, 0, 0.0, 0.1, 200)) is False
    assert verdict.compared(plan, []) == {}


def test_nobody_answers() -> None:
    seen = Observation([Sample(n, 0, 0, 0.0, 0.0, error="nothing listens") for n in range(20)], 0.1, aborted=True)
    result = judged({}, seen)
    assert result["problems"] == ["None of 20 requests was answered: nothing listens (20x). It was given up early."]
    error = rounds.failure(result)
    assert error
    assert error.code == "NoAnswer"


def test_the_outage_is_the_time_between_the_failures() -> None:
    seen = observation([None] * 5)
    seen.samples += [Sample(5, 0, 0, 2.0, 0.1, error="reset"), Sample(6, 0, 0, 3.0, 0.5, status=503)]
    assert judged({}, seen)["outage"] == 1.5
    assert judged({}, observation([None] * 5))["outage"] == 0


# Load balancing


def sequences(policy: str) -> list[str]:
    if policy == "ROUND_ROBIN":
        return ["v1", "v2", "v3"] * 800
    return Chance(11).choices(["v1", "v2", "v3"], k=2400)


@pytest.mark.parametrize("is_", ["ROUND_ROBIN", "RANDOM"])
@pytest.mark.parametrize("declared", ["ROUND_ROBIN", "RANDOM"])
def test_turns_and_chance_are_told_apart(is_: str, declared: str) -> None:
    options = {"by": VERSION, "expect": {"balancing": {"policy": declared}}}
    problems = judged(options, observation(sequences(is_)))["problems"]
    assert (problems == []) is (is_ == declared), problems
    assert all(problem.startswith(f"{declared}: the instances") for problem in problems)


@pytest.mark.parametrize(
    ("declared", "slow_share", "right"),
    [("LEAST_REQUEST", 0.05, True), ("LEAST_REQUEST", 0.33, False), ("RANDOM", 0.33, True), ("RANDOM", 0.05, False)],
)
def test_a_slow_instance_tells_who_looks_at_the_load(declared: str, slow_share: float, right: bool) -> None:
    rest = (1 - slow_share) / 2
    keys = Chance(2).choices(["v1", "v2", "v3"], [rest, rest, slow_share], k=2400)
    options = {"by": VERSION, "expect": {"balancing": {"policy": declared, "slow": "v3"}}}
    problems = judged(options, observation(keys))["problems"]
    assert (problems == []) is right, problems
    assert right or "the slow instance v3 got" in problems[0]


def test_what_is_said_about_turns_and_chance() -> None:
    declared = {"by": VERSION, "expect": {"balancing": {"policy": "RANDOM"}}}
    assert judged(declared, observation(sequences("ROUND_ROBIN")))["problems"] == [
        "RANDOM: the instances take turns (dispersion 0.00; independent choice is near 1, turns stay below 0.4)."
    ]
    declared = {"by": VERSION, "expect": {"balancing": {"policy": "ROUND_ROBIN"}}}
    (problem,) = judged(declared, observation(["v1"] * 1200 + ["v2"] * 1200))["problems"]
    assert problem == (
        "ROUND_ROBIN: the instances do not take turns (dispersion 61.54, turns stay below 0.4, independent choice is "
        "near 1)."
    )


@pytest.mark.parametrize(
    ("dispersion", "is_"), [(verdict.EVEN_BELOW, "RANDOM"), (verdict.EVEN_BELOW - 0.001, "ROUND_ROBIN")]
)
@pytest.mark.parametrize("declared", ["ROUND_ROBIN", "RANDOM"])
def test_turns_are_below_their_bound_and_chance_is_not(
    monkeypatch: pytest.MonkeyPatch, dispersion: float, is_: str, declared: str
) -> None:
    monkeypatch.setattr(statistics, "dispersion", lambda _sequence, _window: dispersion)
    options = {"by": VERSION, "expect": {"balancing": {"policy": declared}}}
    assert (judged(options, observation(sequences(is_)))["problems"] == []) is (is_ == declared)


def test_turns_and_what_a_slow_instance_got_are_told_both() -> None:
    options = {"by": VERSION, "expect": {"balancing": {"policy": "RANDOM", "slow": "v9"}}}
    first, second = judged(options, observation(sequences("ROUND_ROBIN")))["problems"]
    assert first.startswith("RANDOM: the instances take turns")
    assert second == "RANDOM: no answer came from v9, only from v1, v2, v3."


def test_what_is_said_about_a_slow_instance() -> None:
    def said(policy: str, slow: int) -> list[str]:
        keys = ["v3"] * slow + ["v1", "v2"] * ((3000 - slow) // 2)
        Chance(3).shuffle(keys)
        options = {"by": VERSION, "expect": {"balancing": {"policy": policy, "slow": "v3"}}}
        return list(judged(options, observation(keys))["problems"])

    assert said("LEAST_REQUEST", 600) == [
        "LEAST_REQUEST: the slow instance v3 got 20.0 % of the requests, an even share is 33.3 %. A balancer that "
        "looks at the load would have spared it."
    ]
    assert said("LEAST_REQUEST", 598) == []
    # Of two instances, 30 % are exactly the part below which one counts as spared.
    pair = {"by": VERSION, "expect": {"balancing": {"policy": "LEAST_REQUEST", "slow": "v2"}}}
    assert judged(pair, observation((["v1"] * 7 + ["v2"] * 3) * 240))["problems"]
    assert said("RANDOM", 798) == [
        "RANDOM: the slow instance v3 got 26.6 % of the requests, an even share is 33.3 %. A balancer that does not "
        "look at the load would not have spared it."
    ]
    assert said("RANDOM", 800) == []


def test_most_answers_have_to_come_from_an_instance() -> None:
    options = {"by": VERSION, "expect": {"balancing": {"policy": "ROUND_ROBIN"}}}
    enough = observation([*(["v1", "v2"] * 1080), *[None] * 240])
    assert judged(options, enough)["problems"] == []
    fewer = observation([*(["v1", "v2"] * 1079), "v1", *[None] * 241])
    assert judged(options, fewer)["problems"] == ["ROUND_ROBIN cannot be seen: only 2159 of 2400 answers have a key."]
    nobody = observation([None] * 2400)
    nobody.unkeyed = "HTTP 200: <html>"
    assert judged(options, nobody)["problems"] == [
        "No answer has a key: regex v\\d matches nothing. An answer was HTTP 200: <html>",
        "ROUND_ROBIN cannot be seen: all answers came from nobody.",
    ]


def test_balancing_needs_several_instances() -> None:
    options = {"by": VERSION, "expect": {"balancing": {"policy": "RANDOM", "slow": "v9"}}}
    assert judged(options, observation(["v1"] * 2400))["problems"] == [
        "RANDOM cannot be seen: all answers came from v1."
    ]
    assert judged(options, observation(sequences("RANDOM")))["problems"] == [
        "RANDOM: no answer came from v9, only from v1, v2, v3."
    ]
    assert "have a key" in judged(options, observation([None, "v1", "v2"] * 800))["problems"][0]


# Rounds


def test_a_probe_is_repeated_until_the_mesh_has_converged(clock: FakeClock) -> None:
    plan = plan_for("127.0.0.1", by=VERSION, expect={"split": {"v2": 100}}, wait_timeout=30)
    seen = [observation(["v1"] * 70), observation(["v1", "v2"] * 35), observation(["v2"] * 70)]
    result = rounds.observe(plan, clock=clock, run=lambda _plan: seen.pop(0))
    assert (result["rounds"], result["problems"]) == (3, [])
    assert result["converged_after"] == pytest.approx(sum(clock.pauses))


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """What the controller has been told so far."""
    file = tmp_path / "waits"
    file.touch()
    monkeypatch.setenv(progress.VARIABLE, str(file))
    return lambda: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_wait_says_what_is_not_yet_as_declared(
    clock: FakeClock, reports: Callable[[], list[dict[str, Any]]]
) -> None:
    plan = plan_for("192.0.2.1", by=VERSION, expect={"split": {"v2": 100}}, wait_timeout=30)
    seen = [observation(["v1"] * 70), observation(["v1", "v2"] * 35), observation(["v2"] * 70)]
    rounds.observe(plan, about="check 'canary'", clock=clock, run=lambda _plan: seen.pop(0))
    told = reports()
    assert [one["what"] for one in told] == ["check 'canary' (not yet as declared: v1, v2)"] * 2
    assert [one["seconds"] for one in told] == [0.0, 0.3]
    rounds.observe(plan, clock=clock, run=lambda _plan: observation(["v1"] * 70 if len(reports()) < 3 else ["v2"] * 70))
    assert reports()[2]["what"] == "the answers of 192.0.2.1:80 (not yet as declared: v1, v2)"


def test_a_long_round_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, reports: Callable[[], list[dict[str, Any]]]
) -> None:
    monkeypatch.setattr(engine, "TELL_EVERY", 0)
    server = LocalServer(lambda _number, _head: reply())
    try:
        rounds.observe(plan_for(server.address, count=20, concurrency=1), about="check 'page'")
    finally:
        server.close()
    assert {one["what"] for one in reports()} == {"check 'page'"}
    assert reports()[0]["percent"] == 0


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"answered": 0}, "no answer yet"),
        ({"failed": 3, "statuses": {"200": 7, "503": 3}}, "answers with HTTP 503"),
        ({"distribution": [{"key": "v1", "ok": False}]}, "not yet as declared: v1"),
        ({"problems": ["p99 is 3 s"]}, "not yet as expected"),
    ],
)
def test_what_is_lacking(seen: dict[str, Any], said: str) -> None:
    result = {"answered": 10, "failed": 0, "statuses": {"200": 10}, "distribution": [], **seen}
    assert rounds.lacking(result) == said


def test_time_is_up(clock: FakeClock) -> None:
    plan = plan_for("127.0.0.1", by=VERSION, expect={"split": {"v2": 100}}, wait_timeout=3)
    result = rounds.observe(plan, clock=clock, run=lambda _plan: observation(["v1"] * 70))
    assert result["problems"]
    assert sum(clock.pauses) == pytest.approx(3)


def test_one_round_without_a_deadline(clock: FakeClock) -> None:
    plan = plan_for("127.0.0.1", by=VERSION, expect={"split": {"v2": 100}})
    assert rounds.observe(plan, clock=clock, run=lambda _plan: observation(["v1"]))["rounds"] == 1


def test_by_request_and_by_address(serve: Serve) -> None:
    one, two = serve(reply("v1")), serve(reply("v2", 500))
    plan = plan_for(one.address, two.address, count=8, by=VERSION, requests=[{"name": "a"}, {"name": "b"}])
    result = verdict.summary(plan, engine.run(plan))
    assert [row["keys"] for row in result["by_address"]] == [{"v1": 4}, {"v2": 4}]
    assert [(row["name"], row["failed"]) for row in result["by_request"]] == [("a", 2), ("b", 2)]


def test_no_thread_is_left(serve: Serve) -> None:
    before = threading.active_count()
    engine.run(plan_for(serve(reply()).address, count=4))
    assert threading.active_count() <= before + 1

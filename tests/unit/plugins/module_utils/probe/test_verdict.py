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
from ansible_collections.meshops.asm.plugins.module_utils.probe import engine, rounds, verdict
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


def test_a_version_that_is_not_declared_is_found() -> None:
    options = {"by": VERSION, "expect": {"split": {"v1": 100}}}
    assert judged(options, observation(["v1"] * 100))["problems"] == []
    (problem, other) = judged(options, observation(["v1"] * 99 + ["v3"]))["problems"]
    assert problem.startswith("v1: 99 % observed")
    assert other.startswith("v3: 1 % observed")


def test_even_shares() -> None:
    options = {"by": VERSION, "expect": {"even": ["v1", "v2", "v3"]}}
    assert judged(options, observation(["v1", "v2", "v3"] * 500))["problems"] == []
    assert judged(options, observation(["v1", "v2"] * 700))["problems"]


def test_a_key_that_matches_nothing() -> None:
    seen = observation([None] * 807)
    seen.unkeyed = "HTTP 200: <html>"
    (problem,) = judged({"by": VERSION, "expect": {"split": {"v1": 80, "v2": 20}}}, seen)["problems"]
    assert problem == "No answer has a key: regex v\\d matches nothing. An answer was HTTP 200: <html>"


def test_answers_without_a_key_are_a_problem() -> None:
    seen = observation(["v1"] * 100 + [None])
    seen.unkeyed = "HTTP 200: odd"
    problems = judged({"by": VERSION, "expect": {"split": {"v1": 100}}}, seen)["problems"]
    assert "1 of 101 answers have no key" in problems[0]


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
    assert judged({"expect": {"failed": 10}}, mixed(10, 1))["problems"] == []
    assert judged({"expect": {"failed": 9}}, mixed(10, 1))["problems"]


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


def test_balancing_needs_several_instances() -> None:
    options = {"by": VERSION, "expect": {"balancing": {"policy": "RANDOM", "slow": "v9"}}}
    assert "all answers came from v1" in judged(options, observation(["v1"] * 2400))["problems"][0]
    assert "no answer came from v9" in judged(options, observation(sequences("RANDOM")))["problems"][0]
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

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two versions that answer at the same time: what is said of them, and when the requests end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.probe import rounds, verdict, versus
from ansible_collections.meshops.asm.plugins.module_utils.probe.engine import Observation, Sample
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import COMPARE_OPTIONS, PROBE_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Plan, make_plan

from .conftest import Chance, LocalServer, reply

BY = {"header": "version"}
PAIR = {"canary": "v2", "stable": "v1", "share": 20.0, "margin": 5.0}
SPEC = {**PROBE_OPTIONS, "compare": {"type": "dict", "options": COMPARE_OPTIONS}}


def plan_for(address: str = "127.0.0.1:9", **options: Any) -> Plan:
    compare = {**PAIR, **options.pop("compare", {})}
    checked = ArgumentSpecValidator(SPEC).validate({"address": [address], "by": BY, "compare": compare, **options})
    assert not checked.error_messages, checked.error_messages
    return make_plan(dict(checked.validated_parameters), [address])


def samples(
    count: int,
    failing: dict[str | None, float],
    *,
    slow: dict[str, float] | None = None,
    share: float = 0.2,
    keyless: float = 0.0,
) -> list[Sample]:
    """Requests that fail with a probability that is their version's; None is that of requests without an answer."""
    rng = Chance(7)
    found = []
    for number in range(count):
        key = None if rng.random() < keyless else "v2" if rng.random() < share else "v1"
        failed = rng.random() < failing.get(key, 0.0)
        seconds = 0.01 + rng.random() * 0.01 + (slow or {}).get(str(key), 0.0) * (rng.random() < 0.5)
        if key is None and failed:
            found.append(Sample(number, 0, 0, number / 100, 3.0, error="no answer within 3 s"))
        else:
            found.append(Sample(number, 0, 0, number / 100, seconds, 500 if failed else 200, key))
    return found


def judged(plan: Plan, found: list[Sample]) -> tuple[dict[str, Any], list[str]]:
    result = verdict.summary(plan, Observation(found, seconds=1.0))
    return result["compare"], result["problems"]


def test_a_version_that_is_as_good_is_found_good_when_it_can_be_told() -> None:
    compared, problems = judged(plan_for(), samples(1200, {"v1": 0.01, "v2": 0.01}))
    assert (compared["verdict"], problems) == ("good", [])
    assert compared["requests"] < 1000
    assert compared["canary"]["requests"] + compared["stable"]["requests"] == compared["requests"]
    assert compared["after"] == pytest.approx(compared["requests"] / 100, abs=0.1)


def test_a_version_that_fails_more_is_found_whatever_the_other_does() -> None:
    compared, (problem,) = judged(plan_for(), samples(1200, {"v1": 0.01, "v2": 0.2}))
    assert (compared["verdict"], compared["about"]) == ("worse", "failures")
    assert compared["requests"] <= 300
    assert problem.startswith("v2 fails more than v1: ")
    assert f"{compared['canary']['failed']} of {compared['canary']['requests']} answers of v2 failed" in problem
    assert " by chance in less than 5 % of releases. It took " in problem
    both, nothing = judged(plan_for(expect={"failed": 50.0}), samples(5000, {"v1": 0.2, "v2": 0.2}))
    assert (both["verdict"], nothing) == ("good", [])


def test_failures_of_the_versions_are_told_by_their_comparison_alone() -> None:
    _compared, problems = judged(plan_for(expect={"status": [200]}), samples(1200, {"v1": 0.01, "v2": 0.2}))
    assert [problem.partition(":")[0] for problem in problems] == ["v2 fails more than v1"]


def test_a_comparison_took_until_the_last_answer_that_counted() -> None:
    found = [Sample(0, 0, 0, 1.0, 0.25049, 200, "v1"), Sample(1, 0, 0, 1.1, 0.01, 200, "v2")]
    assert verdict.compared(plan_for(), found)["after"] == 1.25
    assert verdict.compared(plan_for(), [])["after"] == 0.0


def test_a_version_that_is_slower_is_found_by_its_quantile() -> None:
    options = {"compare": {"latency": {"p90": 10.0}}}
    slow, (problem,) = judged(plan_for(**options), samples(2000, {}, slow={"v2": 0.1}))
    assert (slow["verdict"], slow["about"]) == ("worse", "p90")
    assert problem.startswith("v2 is slower than v1: its p90 is 0.1")
    alike, problems = judged(plan_for(**options), samples(4000, {}, slow={"v2": 0.1, "v1": 0.1}))
    assert (alike["verdict"], problems) == ("good", [])


def test_failures_without_the_canary_end_it_when_they_are_many() -> None:
    lost, (problem,) = judged(plan_for(), samples(2000, {None: 1.0}, keyless=0.3))
    assert lost["verdict"] == "lost"
    assert lost["requests"] <= 200
    assert "requests failed that v2 did not answer: no time for a release." in problem
    assert judged(plan_for(), samples(2000, {"v1": 0.1, "v2": 0.1}))[0]["verdict"] == "lost"
    few, problems = judged(plan_for(expect={"failed": 40.0}), samples(3000, {None: 1.0}, keyless=0.3))
    assert (few["verdict"], problems) == ("good", [])


def test_too_few_requests_and_silent_versions_are_said() -> None:
    assert judged(plan_for(), samples(120, {}))[1] == [
        "120 requests do not tell whether v2 is as good as v1: 0 of 29 answers of v2 failed (0 %), 0 of 91 answers of "
        "v1 failed (0 %). It took 120 requests in 1.2 s."
    ]
    (problem,) = judged(plan_for(), samples(500, {}, share=0.0))[1]
    assert problem.startswith("No answer came from v2: see by and the weights")


def test_a_version_that_hangs_does_not_look_good_meanwhile() -> None:
    """Its requests end last: nothing is judged before those that were begun with them."""
    enough = verdict.enough(plan_for())
    found = samples(1200, {"v2": 1.0})
    quick = [one for one in found if one.key == "v1"]
    assert not any(enough(one) for one in quick)
    late = [enough(one) for one in found if one.key == "v2"]
    assert any(late)


def test_the_order_in_which_answers_come_changes_nothing() -> None:
    found = samples(1200, {"v2": 0.1})
    shuffled = list(found)
    Chance(3).shuffle(shuffled)
    enough = verdict.enough(plan_for())
    assert any(enough(one) for one in shuffled)
    assert judged(plan_for(), found)[0]["verdict"] == "worse"


def test_requests_end_when_the_verdict_is_there(serve: Callable[..., LocalServer]) -> None:
    rng = Chance(5)

    def answer(_number: int, _head: bytes) -> bytes:
        version = "v2" if rng.random() < 0.2 else "v1"
        return reply("", 500 if version == "v2" and rng.random() < 0.5 else 200, f"version: {version}")

    server = serve(answer)
    plan = plan_for(server.address)
    result = rounds.observe(plan)
    assert result["compare"]["verdict"] == "worse"
    assert result["requests"] < plan.count / 4
    assert rounds.failure(result)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"by": None}, "compare needs the option by"),
        ({"compare": {"stable": "v2"}}, "canary and stable are both 'v2'"),
        ({"compare": {"margin": 0.0}}, "margin of failures is in percentage points.*not 0"),
        ({"compare": {"latency": {"p99": 60.0}}}, "margin of p99"),
        ({"compare": {"baseline": 80.5}}, "compare.baseline is in percent.*not 80.5"),
        ({"compare": {"baseline": 0.0}}, "compare.baseline is in percent.*not 0"),
        ({"compare": {"share": 100.0}}, "compare.share is in percent"),
        ({"compare": {"false_rollback": 0.0}}, "compare.false_rollback"),
        ({"compare": {"expected": 60.0}}, "compare.expected"),
        ({"compare": {"margin": 0.0001}}, "no number of requests decides this"),
        ({"count": 50}, "usually takes [0-9]+ requests at a share of 20 %, and at most 50"),
        ({"rate": 10.0, "duration": 2.0}, "at most 20 would be sent"),
        ({"wait_timeout": 5.0}, "neither with wait_timeout"),
        ({"expect": {"split": {"v1": 80, "v2": 20}}}, "nor with expect.split"),
    ],
)
def test_wrong_comparisons(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        plan_for(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"by": None},
            "compare needs the option by, which says how the answers of both versions are told apart.",
        ),
        *(
            (options, "compare goes neither with wait_timeout nor with expect.split, even or balancing.")
            for options in (
                {"wait_timeout": 5.0},
                {"expect": {"split": {"v1": 80, "v2": 20}}},
                {"expect": {"even": ["v1", "v2"]}},
                {"expect": {"balancing": {"policy": "RANDOM"}}},
            )
        ),
        (
            {"rate": 10.0, "duration": 2.0},
            "compare usually takes 400 requests at a share of 20 %, and at most 20 would be sent. Allow more of them "
            "(count, rate, duration), a larger margin or a larger share.",
        ),
    ],
)
def test_what_does_not_go_with_a_comparison(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_for(**options)
    assert refused.value.message == message


def test_a_comparison_ends_when_nothing_comes_of_it() -> None:
    compare = plan_for().compare
    assert compare
    needed = compare.needed()
    assert plan_for().count == versus.most(needed) > needed
    assert plan_for(count=needed).count == needed
    assert plan_for(rate=5.0).count == plan_for(duration=5.0).count == plan_for().count
    assert plan_for(rate=float(needed), duration=1.0, expect={"status": [200]}).count == plan_for().count
    assert plan_for(count=200_000).count == plan_for().count

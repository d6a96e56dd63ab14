# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud import retries
from ansible_collections.meshops.asm.plugins.module_utils.cloud.failures import CallFailed
from ansible_collections.meshops.asm.plugins.module_utils.cloud.retries import Retries
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, LostReply
from ansible_collections.meshops.asm.tests.unit.conftest import FakeClock


def calls(*outcomes: Any) -> Callable[[], Any]:
    """A call with these outcomes in turn; the last one stays."""
    left = list(outcomes)

    def call() -> Any:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return call


def passing(retry_after: float = 0.0) -> CallFailed:
    return CallFailed("It is busy.", retryable=True, code="Throttling", retry_after=retry_after)


def test_a_success_needs_no_pause(clock: FakeClock) -> None:
    assert Retries(60, clock).run(calls("done")) == "done"
    assert clock.pauses == []


def test_what_passes_is_repeated_until_it_succeeds(clock: FakeClock) -> None:
    assert Retries(60, clock).run(calls(passing(), passing(), passing(), "done")) == "done"
    assert len(clock.pauses) == 3


def test_pauses_double_up_to_the_longest(clock: FakeClock) -> None:
    with pytest.raises(AsmError):
        Retries(100, clock, jitter=lambda: 1.0).run(calls(passing()))
    assert clock.pauses[:7] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert max(clock.pauses) == retries.LONGEST_PAUSE


@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.5, 0.999])
def test_jitter_takes_away_at_most_half_of_a_pause(clock: FakeClock, jitter: float) -> None:
    Retries(60, clock, jitter=lambda: jitter).run(calls(passing(), passing(), "done"))
    for pause, full in zip(clock.pauses, [0.5, 1.0], strict=True):
        assert full / 2 <= pause <= full


def test_callers_spread_out_by_default() -> None:
    def first_pause() -> float:
        clock = FakeClock()
        Retries(60, clock).run(calls(passing(), "done"))
        return clock.pauses[0]

    assert len({first_pause() for _unused in range(20)}) > 10


def test_the_service_may_ask_for_a_longer_pause_but_not_for_a_shorter_one(clock: FakeClock) -> None:
    Retries(60, clock, jitter=lambda: 1.0).run(calls(passing(7.0), passing(0.1), "done"))
    assert clock.pauses == [7.0, 1.0]


@pytest.mark.parametrize("budget", [0, 0.4, 1, 5, 33, 60])
def test_the_budget_is_never_exceeded(clock: FakeClock, budget: float) -> None:
    with pytest.raises(AsmError, match=f"Tried again for {budget:.0f} s in vain"):
        Retries(budget, clock).run(calls(passing()))
    assert sum(clock.pauses) <= budget


def test_a_pause_that_would_outlast_the_budget_is_not_begun(clock: FakeClock) -> None:
    with pytest.raises(AsmError):
        Retries(60, clock).run(calls(passing(61.0)))
    assert clock.pauses == []


def test_a_pause_that_ends_with_the_budget_is_begun(clock: FakeClock) -> None:
    with pytest.raises(AsmError):
        Retries(1.5, clock, jitter=lambda: 1.0).run(calls(passing()))
    assert clock.pauses == [0.5, 1.0]


def test_the_budget_is_that_of_one_call(clock: FakeClock) -> None:
    several = Retries(10, clock, jitter=lambda: 1.0)
    for _unused in range(5):
        assert several.run(calls(passing(), passing(), passing(), "done")) == "done"
    assert sum(clock.pauses) == pytest.approx(5 * 3.5)


def test_what_does_not_pass_is_raised_at_once(clock: FakeClock) -> None:
    with pytest.raises(AsmError) as caught:
        Retries(60, clock).run(calls(CallFailed("No.", code="ERR404")))
    assert caught.value.__class__ is AsmError
    assert caught.value.message == "No."
    assert clock.pauses == []


def test_an_unknown_outcome_is_raised_at_once_as_a_lost_reply(clock: FakeClock) -> None:
    with pytest.raises(LostReply):
        Retries(60, clock).run(calls(CallFailed("No answer.", may_have_happened=True)))
    assert clock.pauses == []


def test_a_failure_in_between_that_stays_ends_the_attempts(clock: FakeClock) -> None:
    with pytest.raises(AsmError, match=r"^No\.$"):
        Retries(60, clock).run(calls(passing(), CallFailed("No."), "never reached"))
    assert len(clock.pauses) == 1


def test_other_exceptions_are_none_of_its_business(clock: FakeClock) -> None:
    with pytest.raises(KeyError):
        Retries(60, clock).run(calls(KeyError("mistake")))


def test_the_cause_is_kept_for_those_who_look_at_a_traceback(clock: FakeClock) -> None:
    failure = CallFailed("No.")
    failure.__cause__ = ConnectionResetError("reset")
    with pytest.raises(AsmError) as caught:
        Retries(60, clock).run(calls(failure))
    assert caught.value.__cause__ is failure.__cause__

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import progress
from ansible_collections.meshops.asm.plugins.module_utils.flow import reconcile as flow
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    Immutable,
    LostReply,
    NotFound,
    Outrun,
    WaitFailed,
    WaitTimeout,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    DONE,
    LOST_LOOKS,
    NONE,
    UPDATE,
    Deadline,
    Plan,
    Progress,
    Steps,
    failed,
    reconcile,
    removed_first,
    wait_until_done,
    waiting,
)
from ansible_collections.meshops.asm.tests.unit.conftest import FakeClock


class Service:
    """A resource whose whole remote state is one text; ``None`` is absent.

    ``faults`` are raised by the writes one after the other; a fault ``(error, True)`` happens after the write was
    carried out. ``lag`` is how many times ``find`` still shows what was before a write. ``steps`` is how many looks
    it takes after a write to be ready.
    """

    def __init__(
        self,
        remote: str | None = None,
        desired: str | None = "blue",
        faults: list[tuple[AsmError, bool] | None] | None = None,
        lag: int = 0,
        steps: int = 0,
    ) -> None:
        self.remote = self.visible = remote
        self.desired = desired
        self.faults = list(faults or [])
        self.lag = self.stale = lag
        self.steps = self.pending = steps
        self.log: list[str] = []

    def find(self) -> Any:
        self.log.append("find")
        if self.stale:
            self.stale -= 1
        else:
            self.visible = self.remote
        return self.visible

    def plan(self, found: Any) -> Plan:
        if found == self.desired:
            return Plan(before=found, after=found)
        action = CREATE if found is None else DELETE if self.desired is None else UPDATE
        return Plan(action, found, self.desired, changes=self.desired)

    def apply(self, plan: Plan) -> None:
        self.log.append(plan.action)
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or fault[1]:
            self.remote = plan.changes
            self.stale, self.pending = self.lag, self.steps
        if fault is not None:
            raise fault[0]

    def progress(self, plan: Plan) -> Progress:
        self.log.append("look")
        if self.pending:
            self.pending -= 1
            return waiting("it to be ready", last="updating")
        return DONE

    def view(self, found: Any) -> Any:
        return found

    def wrote(self) -> bool:
        return any(entry in (CREATE, UPDATE, DELETE) for entry in self.log)

    def writes(self) -> list[str]:
        return [entry for entry in self.log if entry in (CREATE, UPDATE, DELETE)]


SILENCE = LostReply("CreateServiceMesh got no usable answer: timed out.", code="ReplyLost")
ANSWERED = LostReply("CreateServiceMesh was refused with ERR500.", answered=True, code="ERR500", http_status=500)


# What is to be done


@pytest.mark.parametrize("remote", [None, "blue", "red"])
@pytest.mark.parametrize("desired", [None, "blue"])
def test_afterwards_it_is_as_desired_and_a_second_run_changes_nothing(
    remote: str | None, desired: str | None, clock: FakeClock
) -> None:
    service = Service(remote, desired)
    first = reconcile(service, clock=clock)
    assert (first.value, service.remote, first.changed) == (desired, desired, remote != desired)
    second = reconcile(service, clock=clock)
    assert (second.value, second.changed) == (desired, False)
    assert len(service.writes()) == (0 if remote == desired else 1)


@pytest.mark.parametrize("remote", [None, "blue", "red"])
@pytest.mark.parametrize("desired", [None, "blue"])
def test_check_mode_predicts_the_same_outcome_without_writing_or_waiting(
    remote: str | None, desired: str | None, clock: FakeClock
) -> None:
    service = Service(remote, desired, steps=3)
    predicted = reconcile(service, check=True, clock=clock)
    assert service.log == ["find"]
    assert clock.pauses == []
    real = reconcile(service, clock=clock)
    assert (predicted.changed, predicted.value) == (real.changed, real.value)
    assert (predicted.plan.before, predicted.plan.after) == (real.plan.before, real.plan.after)


def test_check_mode_prefers_the_prediction_that_the_plan_brings_along(clock: FakeClock) -> None:
    class Detailed(Service):
        def plan(self, found: Any) -> Plan:
            return Plan(UPDATE, before="red", after="blue", predicted={"id": "m-1", "colour": "blue"})

    assert reconcile(Detailed("red"), check=True, clock=clock).value == {"id": "m-1", "colour": "blue"}


def test_check_mode_predicts_that_nothing_is_left_of_what_would_be_deleted(clock: FakeClock) -> None:
    class Retaining(Service):
        def plan(self, found: Any) -> Plan:
            return Plan(DELETE, before="red", after={"kept": ["slb-1"]}, predicted={"kept": ["slb-1"]})

    outcome = reconcile(Retaining("red"), check=True, clock=clock)
    assert (outcome.changed, outcome.value, outcome.found) == (True, None, "red")
    assert outcome.plan.after == {"kept": ["slb-1"]}


def test_it_says_what_is_being_done_as_the_end_of_a_sentence(clock: FakeClock) -> None:
    said: list[str] = []
    reconcile(Service(), clock=clock, telling=said.append)
    assert said == [
        "reading what is there",
        "comparing what is there with the options",
        "carrying out the changes (create)",
        "waiting for it",
        "reading the result",
    ]
    said.clear()
    reconcile(Service("blue"), wait=False, clock=clock, telling=said.append)
    assert said == ["reading what is there", "comparing what is there with the options", "reading the result"]


def test_the_result_has_what_was_found_in_the_end(clock: FakeClock) -> None:
    class Wrapped(Service):
        def view(self, found: Any) -> Any:
            return {"colour": found}

    outcome = reconcile(Wrapped("red"), clock=clock)
    assert (outcome.found, outcome.value, outcome.plan.before) == ("blue", {"colour": "blue"}, "red")


def test_a_difference_that_is_not_allowed_stops_before_the_first_write(clock: FakeClock) -> None:
    class Fixed(Service):
        def plan(self, found: Any) -> Plan:
            raise Immutable("vpc_id is red, wanted blue.")

    service = Fixed("red")
    for check in (True, False):
        with pytest.raises(Immutable) as caught:
            reconcile(service, check=check, clock=clock)
        assert caught.value.changed is False
    assert service.writes() == []


def test_plan_tells_whether_it_changes_anything() -> None:
    assert [Plan(action).changed for action in (NONE, CREATE, UPDATE, DELETE)] == [False, True, True, True]


# Waiting


def test_without_wait_nobody_looks_at_the_progress(clock: FakeClock) -> None:
    service = Service(steps=5)
    reconcile(service, wait=False, clock=clock)
    assert "look" not in service.log


def test_an_unchanged_object_that_nobody_waits_for_is_read_once(clock: FakeClock) -> None:
    service = Service("blue")
    reconcile(service, wait=False, clock=clock)
    assert service.log == ["find"]


def test_the_progress_is_that_of_the_plan(clock: FakeClock) -> None:
    class Watched(Service):
        def progress(self, plan: Plan) -> Progress:
            self.log.append(f"look after {plan.action}")
            return DONE

    service = Watched("red")
    reconcile(service, clock=clock)
    assert service.log == ["find", UPDATE, "look after update", "find"]


def test_progress_is_done_or_waits_for_something_or_has_failed() -> None:
    assert waiting("the mesh", 5, last="initial") == Progress(False, "the mesh", 5, "", "initial")
    assert waiting("the mesh") == Progress(False, "the mesh", None, "", None)
    assert failed("No quota.", last="error") == Progress(False, "", None, "No quota.", "error")
    assert Progress(True) == DONE


def test_an_unchanged_object_is_waited_for_and_read_again_afterwards(clock: FakeClock) -> None:
    service = Service("blue", steps=2)
    service.pending = 2
    outcome = reconcile(service, clock=clock)
    assert outcome.changed is False
    assert service.log == ["find", "look", "look", "look", "find"]


def test_an_unchanged_object_that_is_ready_is_read_once(clock: FakeClock) -> None:
    service = Service("blue")
    reconcile(service, clock=clock)
    assert service.log == ["find", "look"]


def test_running_out_of_time_names_what_was_waited_for_and_the_last_state(clock: FakeClock) -> None:
    with pytest.raises(WaitTimeout, match="Gave up after 20 s of waiting for it to be ready") as caught:
        reconcile(Service(steps=10_000), timeout=20, clock=clock)
    assert caught.value.details == {"last_state": "updating"}
    assert caught.value.changed is True
    assert sum(clock.pauses) == pytest.approx(20, abs=0.1)


def test_running_out_of_time_without_a_write_says_unchanged(clock: FakeClock) -> None:
    service = Service("blue")
    service.pending = 10_000
    with pytest.raises(WaitTimeout) as caught:
        reconcile(service, timeout=5, clock=clock)
    assert caught.value.changed is False


def test_running_out_of_time_is_told_in_whole_sentences(clock: FakeClock) -> None:
    with pytest.raises(WaitTimeout) as caught:
        reconcile(Service(steps=10_000), timeout=20, clock=clock)
    assert caught.value.message == (
        "Gave up after 20 s of waiting for it to be ready. It may still get there: run again, or raise wait_timeout."
    )


def test_each_wait_reports_what_for_how_long_and_how_far(
    clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "waits"
    file.touch()
    monkeypatch.setenv(progress.VARIABLE, str(file))
    looks = [waiting("the mesh", percent=10), waiting("the mesh"), DONE]
    assert wait_until_done(lambda: looks.pop(0), timeout=600, clock=clock) is True
    assert [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] == [
        {"what": "the mesh", "seconds": 0.0, "percent": 10},
        {"what": "the mesh", "seconds": 0.2, "percent": None},
    ]


def test_what_is_done_at_the_first_look_was_not_waited_for(clock: FakeClock) -> None:
    assert wait_until_done(lambda: DONE, timeout=600, clock=clock) is False
    assert clock.pauses == []


def test_a_deadline_goes_down_to_nothing_and_then_says_what_was_waited_for(clock: FakeClock) -> None:
    deadline = flow.Deadline(10, clock)
    clock.sleep(4)
    deadline.check("the gateway", last="pending")
    assert deadline.rest() == 6
    clock.sleep(7)
    assert deadline.rest() == 0
    with pytest.raises(WaitTimeout, match=r"^Gave up after 10 s of waiting for the gateway\.") as caught:
        deadline.check("the gateway", last="pending")
    assert caught.value.details == {"last_state": "pending"}


def test_a_deadline_has_the_real_time_by_default() -> None:
    assert 59 < flow.Deadline(60).rest() <= 60


def test_a_failure_that_was_there_before_the_write_is_still_the_old_one_for_some_looks() -> None:
    before = flow.Before("failed: no quota")
    assert [before.still("failed: no quota") for _unused in range(flow.STALE_LOOKS + 2)] == [
        *[True] * flow.STALE_LOOKS,
        False,
        False,
    ]


def test_a_failure_after_anything_else_is_a_new_one() -> None:
    before = flow.Before("failed: no quota")
    assert before.still("failed: no quota")
    assert not before.still("upgrading")
    assert not before.still("failed: no quota")
    assert not flow.Before().still("")
    assert not flow.Before().still("failed: no quota")


def test_a_failed_state_ends_the_wait_at_once(clock: FakeClock) -> None:
    looks = [waiting("a"), failed("Mesh 'shop' is in state create_timeout: no quota.", last="create_timeout")]
    with pytest.raises(WaitFailed, match="no quota") as caught:
        wait_until_done(lambda: looks.pop(0), timeout=600, clock=clock)
    assert caught.value.details == {"last_state": "create_timeout"}
    assert len(clock.pauses) == 1


def test_pauses_start_short_grow_and_stay_below_ten_seconds(clock: FakeClock) -> None:
    with pytest.raises(WaitTimeout):
        wait_until_done(lambda: waiting("ever"), timeout=1200, clock=clock)
    *most, last = clock.pauses
    assert most[0] == pytest.approx(0.2)
    assert most == sorted(most)
    assert max(most) == pytest.approx(10.0)
    assert last <= 10.0
    passed = 0.0
    for pause in most:
        assert pause == pytest.approx(min(max(0.2, 0.15 * passed), 10.0))
        passed += pause
    # A mesh takes minutes: a look every 10 s at the end means far fewer requests than one a second.
    assert len(clock.pauses) < 160


@pytest.mark.parametrize("timeout", [0, 0.01, 1, 7.5, 59, 600])
def test_a_wait_never_ends_before_its_time_nor_much_later(timeout: float, clock: FakeClock) -> None:
    start, looks = clock.now(), 0

    def look() -> Progress:
        nonlocal looks
        looks += 1
        return waiting("ever")

    with pytest.raises(WaitTimeout):
        wait_until_done(look, timeout=timeout, clock=clock)
    assert timeout <= clock.now() - start <= timeout + 0.06
    assert looks == len(clock.pauses) + 1


def test_what_is_done_at_the_last_moment_counts(clock: FakeClock) -> None:
    wait_until_done(lambda: DONE if clock.now() >= 1005 else waiting("it"), timeout=5, clock=clock)
    assert clock.now() == pytest.approx(1005, abs=0.1)


def test_the_real_clock_moves_on() -> None:
    clock = flow.Clock()
    before = clock.now()
    clock.sleep(0.01)
    assert clock.now() - before >= 0.01


# Replies that got lost


def test_a_create_that_happened_although_its_reply_was_lost_is_not_repeated(clock: FakeClock) -> None:
    service = Service(faults=[(SILENCE, True)])
    outcome = reconcile(service, clock=clock)
    assert (outcome.changed, outcome.value) == (True, "blue")
    assert service.writes() == [CREATE]


def test_a_create_whose_effect_the_lists_show_late_is_not_repeated(clock: FakeClock) -> None:
    service = Service(faults=[(SILENCE, True)], lag=20)
    assert reconcile(service, clock=clock).value == "blue"
    assert service.writes() == [CREATE]
    assert 15 < sum(clock.pauses) <= flow.LOST_REPLY_GRACE


def test_a_create_without_any_answer_is_never_sent_a_second_time(clock: FakeClock) -> None:
    service = Service(faults=[(SILENCE, False)])
    with pytest.raises(LostReply, match="Run the task again") as caught:
        reconcile(service, clock=clock)
    assert service.writes() == [CREATE]
    assert caught.value.changed is True
    assert caught.value.code == "ReplyLost"
    assert sum(clock.pauses) >= flow.LOST_REPLY_GRACE


def test_a_create_that_was_answered_with_a_server_error_is_sent_again_once_it_is_not_there(clock: FakeClock) -> None:
    service = Service(faults=[(ANSWERED, False), (ANSWERED, False)])
    assert reconcile(service, clock=clock).value == "blue"
    assert service.writes() == [CREATE] * 3
    assert sum(clock.pauses) >= 2 * flow.ANSWERED_GRACE


def test_a_create_that_was_answered_with_a_server_error_but_happened_is_not_repeated(clock: FakeClock) -> None:
    service = Service(faults=[(ANSWERED, True)], lag=2)
    assert reconcile(service, clock=clock).value == "blue"
    assert service.writes() == [CREATE]


def test_silence_after_an_answered_error_still_forbids_a_further_create(clock: FakeClock) -> None:
    service = Service(faults=[(ANSWERED, False), (SILENCE, False)])
    with pytest.raises(LostReply):
        reconcile(service, clock=clock)
    assert service.writes() == [CREATE] * 2


@pytest.mark.parametrize(("remote", "desired", "action"), [("red", "blue", UPDATE), ("red", None, DELETE)])
@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("fault", [SILENCE, ANSWERED])
def test_a_lost_update_or_delete_is_repeated_only_when_it_did_not_happen(
    remote: str, desired: str | None, action: str, happened: bool, fault: LostReply, clock: FakeClock
) -> None:
    service = Service(remote, desired, faults=[(fault, happened)])
    outcome = reconcile(service, clock=clock)
    assert (outcome.changed, outcome.value) == (True, desired)
    assert service.writes() == [action] * (1 if happened else 2)


@pytest.mark.parametrize(("remote", "desired"), [("red", "blue"), ("red", None)])
def test_a_lost_update_or_delete_is_sent_again_soon_because_that_does_no_harm(
    remote: str, desired: str | None, clock: FakeClock
) -> None:
    reconcile(Service(remote, desired, faults=[(SILENCE, False)]), clock=clock)
    assert sum(clock.pauses) == flow.ANSWERED_GRACE


def test_the_effect_is_looked_for_once_a_second(clock: FakeClock) -> None:
    service = Service("red", faults=[(SILENCE, True)], lag=2)
    reconcile(service, wait=False, clock=clock)
    assert clock.pauses == [1.0, 1.0]
    assert service.log == ["find", UPDATE, "find", "find", "find", "find"]


# Writes that have to wait for one another


class Walk(Service):
    """Makes each of ``path`` from the last; all but the last have to be done before the next is sent."""

    path = ("one", "two", "blue")
    late: ClassVar[dict[str, list[Progress]]] = {}
    forgives = False

    def apply(self, plan: Plan) -> Steps:
        for stage in self.path:
            self.log.append(UPDATE)
            self.remote = stage
            if stage != "blue":
                looks = iter(self.late.get(stage, []))
                try:
                    yield lambda looks=looks: next(looks, DONE)
                except AsmError as error:
                    error.message += f" It was at {stage}."
                    if not self.forgives:
                        raise
                    return
            self.log.append(f"after {stage}")


def test_each_write_waits_for_what_the_last_one_has_begun(clock: FakeClock) -> None:
    walk = Walk("red")
    walk.late = {"one": [waiting("one to settle")] * 3}
    outcome = reconcile(walk, clock=clock, timeout=60)
    assert walk.log == ["find", UPDATE, "after one", UPDATE, "after two", UPDATE, "after blue", "look", "find"]
    assert (outcome.changed, outcome.value) == (True, "blue")
    assert len(clock.pauses) == 3


def test_check_mode_takes_no_step(clock: FakeClock) -> None:
    walk = Walk("red")
    assert reconcile(walk, check=True, clock=clock).changed
    assert walk.log == ["find"]


@pytest.mark.parametrize(
    ("stuck", "kind", "said"),
    [
        ([failed("It broke.")], WaitFailed, "It broke. It was at two."),
        ([waiting("two to settle")] * 999, WaitTimeout, "Gave up after 60 s of waiting for two to settle."),
    ],
)
def test_a_wait_that_fails_is_raised_where_it_was_asked_for(
    stuck: list[Progress], kind: type[AsmError], said: str, clock: FakeClock
) -> None:
    walk = Walk("red")
    walk.late = {"two": stuck}
    with pytest.raises(kind) as caught:
        reconcile(walk, clock=clock, timeout=60)
    assert caught.value.message.startswith(said)
    assert caught.value.message.endswith("It was at two.")
    assert caught.value.changed
    assert walk.remote == "two"


def test_a_wait_whose_failure_does_not_matter_ends_the_steps(clock: FakeClock) -> None:
    walk = Walk("red")
    walk.late, walk.forgives = {"one": [failed("It broke.")]}, True
    assert reconcile(walk, clock=clock).changed
    assert walk.writes() == [UPDATE]


def test_a_reply_that_is_lost_between_two_steps_plans_the_rest_anew(clock: FakeClock) -> None:
    class Loses(Walk):
        lost = False

        def plan(self, found: Any) -> Plan:
            self.path = Walk.path[1:] if found == "one" else Walk.path
            return super().plan(found)

        def apply(self, plan: Plan) -> Steps:
            for look in super().apply(plan):
                if not self.lost:
                    self.lost = True
                    raise SILENCE
                yield look

    service = Loses("red")
    assert reconcile(service, clock=clock).value == "blue"
    assert service.writes() == [UPDATE] * 3


def test_a_deadline_bounds_all_looks_together(clock: FakeClock) -> None:
    deadline = Deadline(5.0, clock)
    look = deadline.bound(lambda: waiting("it to move", last="old"))
    assert look() == waiting("it to move", last="old")
    clock.sleep(5.0)
    with pytest.raises(WaitTimeout, match="Gave up after 5 s of waiting for it to move") as caught:
        look()
    assert caught.value.details == {"last_state": "old"}
    assert deadline.bound(lambda: DONE)() == DONE
    assert deadline.bound(lambda: failed("No."))().failed == "No."


def test_a_mesh_that_came_after_a_lost_create_is_brought_to_what_is_wanted(clock: FakeClock) -> None:
    """It is there with other settings: that is an update, which is planned at once."""

    class Other(Service):
        def apply(self, plan: Plan) -> None:
            super().apply(plan)
            if plan.action == CREATE:
                self.remote = self.visible = "green"
                raise SILENCE

    service = Other()
    outcome = reconcile(service, clock=clock)
    assert (service.writes(), outcome.value) == ([CREATE, UPDATE], "blue")
    assert clock.pauses == []


def test_a_lost_create_without_effect_is_told_with_what_was_said_and_what_to_do(clock: FakeClock) -> None:
    lost = LostReply("It got no usable answer.", code="ReplyLost", request_id="r-1", http_status=502)
    with pytest.raises(LostReply) as caught:
        reconcile(Service(faults=[(lost, False)]), clock=clock)
    assert caught.value.message == (
        "It got no usable answer. Its effect did not show up within the 30 s after it either. Run the task again: it "
        "finds what the request did, if it went through after all."
    )
    kept = caught.value
    assert (kept.code, kept.request_id, kept.http_status, kept.answered) == ("ReplyLost", "r-1", 502, False)
    assert kept.__cause__ is lost


def test_giving_up_after_answered_errors_names_the_shorter_time_and_stays_an_answered_error(clock: FakeClock) -> None:
    with pytest.raises(LostReply, match="within the 3 s after it either") as caught:
        reconcile(Service("red", faults=[(ANSWERED, False)] * 50), clock=clock)
    assert caught.value.answered is True


def test_after_some_lost_replies_in_a_row_the_flow_gives_up_with_what_the_service_said(clock: FakeClock) -> None:
    service = Service("red", faults=[(ANSWERED, False)] * 50)
    with pytest.raises(LostReply) as caught:
        reconcile(service, clock=clock)
    assert len(service.writes()) == flow.MOST_REAPPLIES + 1
    assert (caught.value.code, caught.value.http_status, caught.value.changed) == ("ERR500", 500, True)


def test_an_interrupted_update_goes_on_with_what_is_left(clock: FakeClock) -> None:
    """Two settings, the reply to the first is lost: only the second is sent afterwards."""

    class Two:
        remote = {"a": 1, "b": 1}
        desired = {"a": 2, "b": 2}

        def __init__(self) -> None:
            self.sent: list[str] = []

        def find(self) -> Any:
            return dict(self.remote)

        def plan(self, found: Any) -> Plan:
            rest = {key: value for key, value in self.desired.items() if found[key] != value}
            return Plan(UPDATE if rest else NONE, found, self.desired, rest)

        def apply(self, plan: Plan) -> None:
            for key, value in plan.changes.items():
                self.sent.append(key)
                self.remote = {**self.remote, key: value}
                if self.sent == ["a"]:
                    raise SILENCE

        def progress(self, plan: Plan) -> Progress:
            return DONE

        def view(self, found: Any) -> Any:
            return found

        def wrote(self) -> bool:
            return bool(self.sent)

    two = Two()
    outcome = reconcile(two, clock=clock)
    assert two.sent == ["a", "b"]
    assert outcome.value == {"a": 2, "b": 2}
    assert (outcome.plan.before, outcome.plan.after) == ({"a": 1, "b": 1}, {"a": 2, "b": 2})


# What another run has done meanwhile

OUTRUN = Outrun("The cluster is being detached already.", code="ErrorClusterStatus")


def test_what_another_run_has_done_meanwhile_is_no_change_of_ours(clock: FakeClock) -> None:
    class Refused(Service):
        def wrote(self) -> bool:
            return False

    service = Refused("red", faults=[(OUTRUN, True)])
    outcome = reconcile(service, clock=clock)
    assert (outcome.changed, outcome.value, service.writes()) == (False, "blue", [UPDATE])


def test_what_was_written_before_another_run_came_first_is_a_change(clock: FakeClock) -> None:
    service = Service("red", faults=[(OUTRUN, True)])
    assert reconcile(service, clock=clock).changed is True


def test_what_another_run_has_left_is_planned_anew_and_sent(clock: FakeClock) -> None:
    class Halfway(Service):
        def apply(self, plan: Plan) -> None:
            super().apply(plan)
            if plan.action == CREATE:
                self.remote = self.visible = "green"
                raise OUTRUN

    service = Halfway()
    outcome = reconcile(service, clock=clock)
    assert (service.writes(), outcome.value, outcome.changed) == ([CREATE, UPDATE], "blue", True)
    assert clock.pauses == []


def test_a_service_that_always_says_another_run_was_first_is_believed_in_the_end(clock: FakeClock) -> None:
    service = Service("red", faults=[(OUTRUN, False)] * 50)
    with pytest.raises(Outrun) as caught:
        reconcile(service, clock=clock)
    assert len(service.writes()) == flow.MOST_REAPPLIES + 1
    assert caught.value.code == "ErrorClusterStatus"


# Errors that are none of these


def test_other_errors_pass_through_and_tell_whether_something_was_written(clock: FakeClock) -> None:
    service = Service(faults=[(NotFound("The vSwitch is not there."), False)])
    with pytest.raises(NotFound) as caught:
        reconcile(service, clock=clock)
    assert service.writes() == [CREATE]
    assert caught.value.changed is service.wrote()


def test_a_resource_that_cannot_say_whether_it_wrote_may_have(clock: FakeClock) -> None:
    class Silent(Service):
        def wrote(self) -> bool:
            raise RuntimeError

    with pytest.raises(NotFound) as caught:
        reconcile(Silent(faults=[(NotFound("The vSwitch is not there."), False)]), clock=clock)
    assert caught.value.changed is True


def test_an_error_while_reading_says_unchanged(clock: FakeClock) -> None:
    class Broken(Service):
        def find(self) -> Any:
            raise AsmError("No credentials.")

    with pytest.raises(AsmError) as caught:
        reconcile(Broken(), clock=clock)
    assert caught.value.changed is False


# What is removed to be made anew


class Removal:
    """Removes one thing; the replies of the first ``silent`` removals get lost, and it takes ``looks`` to be gone."""

    def __init__(self, silent: int, looks: int) -> None:
        self.silent, self.looks, self.sent = silent, looks, 0

    def remove(self) -> None:
        self.sent += 1
        if self.sent <= self.silent:
            raise SILENCE

    def left(self) -> str:
        self.looks -= 1
        return "certificate a" if self.looks >= 0 else ""


def test_a_removal_that_is_answered_is_not_waited_for() -> None:
    thing = Removal(silent=0, looks=9)
    assert list(removed_first(thing.remove, thing.left)) == []
    assert thing.sent == 1


def test_a_removal_without_an_answer_is_waited_for_and_not_sent_again_when_it_happens() -> None:
    thing = Removal(silent=1, looks=2)
    steps = removed_first(thing.remove, thing.left)
    look = next(steps)
    assert [look() for _time in range(3)] == [waiting("certificate a to be gone")] * 2 + [DONE]
    assert list(steps) == []
    assert thing.sent == 1


def test_a_removal_that_does_not_happen_is_sent_again_after_so_many_looks() -> None:
    thing = Removal(silent=1, looks=99)
    steps = removed_first(thing.remove, thing.left)
    look = next(steps)
    assert [look().done for _time in range(LOST_LOOKS + 1)] == [False] * LOST_LOOKS + [True]
    assert list(steps) == []
    assert thing.sent == 2


def test_steps_that_wait_for_nothing_are_done_at_once(clock: FakeClock) -> None:
    class Stepless(Walk):
        path = ("blue",)

    assert reconcile(Stepless("red"), clock=clock).changed

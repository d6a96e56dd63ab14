# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same objects on several servers: one plan, one result, every failure named."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    failed,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.fleet import Fleet


class FakeSet:
    """An ObjectSet with a fixed plan; ``error`` is raised by the step that it names."""

    def __init__(self, plan: Plan, progress: Progress = DONE, error: tuple[str, Exception] | None = None) -> None:
        self._plan = plan
        self._progress = progress
        self._error = error
        self.items: list[Any] = ["item"]
        self.applied = 0

    def _step(self, name: str) -> None:
        if self._error and self._error[0] == name:
            raise self._error[1]

    def find(self) -> list[Any]:
        self._step("find")
        return self.items

    def plan(self, found: list[Any]) -> Plan:
        assert found is self.items
        return self._plan

    def apply(self, plan: Plan) -> None:
        self._step("apply")
        assert plan is self._plan
        self.applied += 1

    def progress(self, plan: Plan) -> Progress:
        return self._progress

    def view(self, found: list[Any]) -> list[dict[str, Any]]:
        return [{"name": entry} for entry in found]

    def wrote(self) -> bool:
        return self.applied > 0


CHANGE = Plan(UPDATE, before={"a": 1}, after={"a": 2}, warnings=("careful",))
NOTHING = Plan(NONE, before={}, after={})


def fleet(**sets: Any) -> Fleet:
    return Fleet(sets)


def test_one_server_is_reported_as_if_alone() -> None:
    alone = fleet(one=FakeSet(CHANGE, waiting("a pod")))
    found = alone.find()
    assert alone.plan(found) is CHANGE
    assert alone.view(found) == [{"name": "item"}]
    assert alone.progress().what == "a pod"


def test_only_the_servers_that_change_are_written_and_shown() -> None:
    sets = {"one": FakeSet(CHANGE), "two": FakeSet(NOTHING)}
    both = fleet(**sets)
    found = both.find()
    plan = both.plan(found)
    assert plan.changed
    assert (plan.before, plan.after) == ({"one": {"a": 1}}, {"one": {"a": 2}})
    assert plan.warnings == ("Cluster one: careful",)
    assert plan.predicted == [{"cluster": "one", "name": "item"}, {"cluster": "two", "name": "item"}]
    both.apply(plan)
    assert (sets["one"].applied, sets["two"].applied) == (1, 0)
    assert both.wrote()


def test_what_several_servers_warn_of_is_one_line() -> None:
    other = Plan(NONE, warnings=("careful", "slow"))
    both = fleet(one=FakeSet(CHANGE), two=FakeSet(other))
    assert both.plan(both.find()).warnings == ("Clusters one, two: careful", "Cluster two: slow")


def test_nothing_to_do_anywhere_is_no_change() -> None:
    both = fleet(one=FakeSet(NOTHING), two=FakeSet(NOTHING))
    assert not both.plan(both.find()).changed
    assert not both.wrote()


def test_a_server_that_cannot_be_planned_stops_all_before_any_write() -> None:
    sets = {"one": FakeSet(CHANGE), "two": FakeSet(CHANGE, error=("find", AsmError("no such namespace")))}
    with pytest.raises(AsmError, match="Cluster two: no such namespace"):
        fleet(**sets).find()
    assert sets["one"].applied == 0


def test_every_failed_server_is_named_and_the_others_are_done() -> None:
    sets = {
        "one": FakeSet(CHANGE, error=("apply", AsmError("full", code="Quota"))),
        "two": FakeSet(CHANGE),
        "three": FakeSet(CHANGE, error=("apply", AsmError("away"))),
    }
    all_three = fleet(**sets)
    plan = all_three.plan(all_three.find())
    with pytest.raises(AsmError, match=r"Cluster one: full Cluster three: away") as caught:
        all_three.apply(plan)
    assert caught.value.code == "Quota"
    assert sets["two"].applied == 1


def test_an_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        fleet(one=FakeSet(CHANGE), two=FakeSet(CHANGE, error=("find", ZeroDivisionError()))).find()


@pytest.mark.parametrize(
    ("looks", "what", "why"),
    [
        ((DONE, DONE), "", ""),
        ((DONE, waiting("a pod")), "a pod in cluster two", ""),
        ((waiting("a pod"), failed("image is missing")), " in cluster two", "Cluster two: image is missing"),
    ],
)
def test_the_worst_look_counts(looks: tuple[Progress, Progress], what: str, why: str) -> None:
    both = fleet(one=FakeSet(NOTHING, looks[0]), two=FakeSet(NOTHING, looks[1]))
    both.plan(both.find())
    look = both.progress()
    assert (look.done, look.what, look.failed) == (not what, what, why)


def test_servers_are_handled_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=10)

    class Meeting(FakeSet):
        def find(self) -> list[Any]:
            together.wait()
            return self.items

    assert set(fleet(one=Meeting(NOTHING), two=Meeting(NOTHING)).find()) == {"one", "two"}

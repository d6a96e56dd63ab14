# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a task against an API server in memory: what is written when, and what a wait that fails leaves."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, Refused, WaitTimeout
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.istio import steps
from ansible_collections.meshops.asm.plugins.module_utils.kube.applying import phase_of
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import from_definition
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes

from .conftest import MemoryApi

Json = dict[str, Any]
ISTIO = "/apis/networking.istio.io/v1/namespaces/default"
RULE, ROUTE = f"{ISTIO}/destinationrules/reviews", f"{ISTIO}/virtualservices/reviews"


class Proxies:
    """Follow at once, or not at all from some wait on; notes what had been written when it was asked."""

    def __init__(self, api: MemoryApi, fails_at: int = 0) -> None:
        self.api, self.fails_at = api, fails_at
        self.prepared = 0
        self.waits: list[list[str]] = []

    def prepare(self) -> None:
        assert writes(self.api) == []
        self.prepared += 1

    def wait(self) -> None:
        self.waits.append(writes(self.api))
        if len(self.waits) == self.fails_at:
            raise WaitTimeout("1 of 2 proxies do not follow")


def writes(api: MemoryApi) -> list[str]:
    return [
        f"{method} {path.rsplit('/', 2)[1]}"
        for method, path, query, _unused in api.requests
        if method in ("PATCH", "DELETE") and "dryRun" not in query
    ]


def rule(*names: str) -> Json:
    subsets = [{"name": one, "labels": {"version": one}} for one in names]
    return _object("DestinationRule", {"host": "reviews", "subsets": subsets})


def route(*names: str, **more: Any) -> Json:
    targets = [{"destination": {"host": "reviews", "subset": one}} for one in names]
    return _object("VirtualService", {"hosts": ["reviews"], "http": [{"route": targets}], **more})


def _object(kind: str, spec: Json) -> Json:
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": {"name": "reviews"}, "spec": spec}


class Task:
    def __init__(self, api: MemoryApi, client: KubeClient) -> None:
        self.api, self.client = api, client

    def __call__(
        self, *bodies: Json, check: bool = False, absent: bool = False, fails_at: int = 0, **manner: Any
    ) -> Outcome:
        self.api.requests.clear()
        self.proxies = Proxies(self.api, fails_at)
        wishes = Wishes("mesh", from_definition(list(bodies)), absent=absent)
        how = Manner(**{"strict": True, **manner})
        self.objects = ObjectSet(wishes, how, lambda: self.client, self.proxies)
        return reconcile(self.objects, check=check, timeout=5)

    def fails(self, *bodies: Json, **options: Any) -> AsmError:
        with pytest.raises(AsmError) as caught:
            self(*bodies, **options)
        return caught.value

    def subsets(self) -> list[str]:
        return [one["name"] for one in self.api.objects[RULE]["spec"]["subsets"]]


@pytest.fixture
def task(api: MemoryApi, client: KubeClient) -> Task:
    done = Task(api, client)
    done(rule("v1", "v2"), route("v1", "v2"))
    assert done.proxies.waits == [] and done.proxies.prepared == 0, "nothing was taken away"
    return done


def test_make_before_break(task: Task) -> None:
    outcome = task(rule("v1", "v3"), route("v1", "v3"))
    assert task.proxies.prepared == 1
    assert task.proxies.waits == [
        ["PATCH destinationrules"],
        ["PATCH destinationrules", "PATCH virtualservices"],
    ]
    assert writes(task.api) == ["PATCH destinationrules", "PATCH virtualservices", "PATCH destinationrules"]
    assert task.subsets() == ["v1", "v3"]
    assert {one["outcome"] for one in outcome.value} == {"updated"}
    again = task(rule("v1", "v3"), route("v1", "v3"))
    assert not again.changed
    assert {method for method, *_unused in task.api.requests} == {"GET"}
    assert (task.proxies.prepared, len(task.api.requests)) == (0, 2)


def test_check_mode_and_diff_show_the_steps(task: Task) -> None:
    outcome = task(rule("v1", "v3"), route("v1", "v3"), check=True)
    assert writes(task.api) == []
    assert task.objects.steps_view() == [
        {
            "waits_for_proxies": False,
            "writes": ["update DestinationRule default/reviews, with the old beside the new"],
        },
        {"waits_for_proxies": True, "writes": ["update VirtualService default/reviews"]},
        {"waits_for_proxies": True, "writes": ["update DestinationRule default/reviews"]},
    ]
    assert outcome.plan.after["(steps)"] == task.objects.steps_view()
    assert task.subsets() == ["v1", "v2"]


def test_a_wait_that_fails_takes_nothing_away_and_the_next_run_goes_on(task: Task) -> None:
    error = task.fails(rule("v1", "v3"), route("v1", "v3"), fails_at=2)
    assert (str(error), error.changed) == ("1 of 2 proxies do not follow", True)
    assert task.subsets() == ["v1", "v3", "v2"]
    assert [item.outcome for item in task.objects.items] == ["skipped", "updated"]
    task(rule("v1", "v3"), route("v1", "v3"))
    assert task.proxies.waits == [[]], "only the removal is left, and proxies may still be behind"
    assert task.subsets() == ["v1", "v3"]


def test_an_object_that_fails_ends_the_steps(task: Task) -> None:
    error = task.fails(rule("v1", "v3"), route("v1", "v3", refuse="no"), validate=False)
    assert "spec.refuse" in error.message
    assert [item.outcome for item in task.objects.items] == ["skipped", "failed"]
    assert task.subsets() == ["v1", "v3", "v2"]


def test_what_is_written_in_between_is_tried_before_anything_is(task: Task) -> None:
    task.api.fail_next(200, task.api.objects[RULE], only=f"PATCH {RULE}")
    task.api.fail_next(200, task.api.objects[ROUTE], only=f"PATCH {ROUTE}")
    refusal = {"kind": "Status", "status": "Failure", "reason": "Invalid", "code": 422, "message": "too many"}
    task.api.fail_next(422, refusal, only=f"PATCH {RULE}")
    # The first answer of each says what the final object will be.
    task.api.answers[0] = (f"PATCH {RULE}", (200, {**task.api.objects[RULE], "spec": rule("v1", "v3")["spec"]}, {}))
    task.api.answers[1] = (f"PATCH {ROUTE}", (200, {**task.api.objects[ROUTE], "spec": route("v1", "v3")["spec"]}, {}))
    error = task.fails(rule("v1", "v3"), route("v1", "v3"))
    assert "too many" in error.message and error.message.endswith("Nothing was written.")
    assert writes(task.api) == []


def test_removals_wait_for_the_routes(task: Task) -> None:
    task(rule(), route(), absent=True)
    assert writes(task.api) == ["DELETE virtualservices", "DELETE destinationrules"]
    assert task.proxies.waits == [["DELETE virtualservices"]]


def test_fast_is_one_pass(task: Task) -> None:
    task(rule("v1", "v3"), route("v1", "v3"), strict=False)
    assert writes(task.api) == ["PATCH destinationrules", "PATCH virtualservices"]
    assert (task.proxies.waits, task.proxies.prepared, task.objects.steps_view()) == ([], 0, [])


def test_one_pass_is_what_the_order_takes_it_for() -> None:
    """In which phases objects are written is known to two files."""
    bases, routing = ({phase_of(kind) for kind in kinds} for kinds in (steps.BASES, steps.ROUTING))
    assert max(bases) < min(routing)


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_run_that_is_killed_between_two_steps_is_ended_by_the_next(task: Task, fails_at: int) -> None:
    """A subset is replaced, and a host moves from one route to another."""
    task(rule("v1", "v2"), route("v1", "v2"), other(["x"]))
    wanted = (rule("v3"), {**route("v3"), "spec": {**route("v3")["spec"], "hosts": ["reviews", "x"]}}, other(["y"]))
    killed = task.fails(*wanted, fails_at=fails_at) if fails_at < 3 else None
    task(*wanted)
    assert task.subsets() == ["v3"] and task.api.objects[ROUTE]["spec"]["hosts"] == ["reviews", "x"]
    assert task.api.objects[f"{ISTIO}/virtualservices/other"]["spec"]["hosts"] == ["y"]
    assert killed is None or killed.changed
    assert not task(*wanted).changed


def other(hosts: list[str]) -> Json:
    made = {**route("v1"), "metadata": {"name": "other"}}
    return {**made, "spec": {"hosts": hosts, "http": [{"route": [{"destination": {"host": "ratings"}}]}]}}


def test_what_has_no_order_is_refused_before_anything_is_written(task: Task) -> None:
    other = {**rule("v1"), "spec": {**rule("v1")["spec"], "host": "ratings"}}
    targets = [{"destination": {"host": "ratings", "subset": "v1"}}]
    moved = {**route(), "spec": {"hosts": ["reviews"], "http": [{"route": targets}]}}
    error = task.fails(other, moved)
    assert isinstance(error, Refused)
    assert writes(task.api) == []
    task(other, moved, strict=False)


def test_other_labels_under_the_same_name_are_told(task: Task) -> None:
    changed = rule("v1", "v2")
    changed["spec"]["subsets"][1]["labels"] = {"version": "blue"}
    outcome = task(changed, route("v1", "v2"))
    (warning,) = outcome.plan.warnings
    assert "gives other labels to the subset v2 under the same name" in warning
    assert writes(task.api) == ["PATCH destinationrules"]


def test_a_comparison_for_drift_knows_no_order(task: Task) -> None:
    task(rule("v1", "v3"), route("v1", "v3"), check=True, compare=True)
    assert (task.objects.steps_view(), task.proxies.prepared) == ([], 0)

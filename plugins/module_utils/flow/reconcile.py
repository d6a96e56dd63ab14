# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""find -> plan -> check-mode stop -> apply -> wait -> result: the only place with that flow.

A resource says what is particular to it in a handful of hooks (see ``Resource``); this file knows neither the
cloud's API nor Kubernetes'.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    LostReply,
    Outrun,
    WaitFailed,
    WaitTimeout,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.progress import tell

# How long (seconds) the effect of a write is looked for when its reply was lost; the service's lists may lag
# behind its writes. An answered error (HTTP 500) says more than silence, so less patience is needed there.
LOST_REPLY_GRACE = 30.0
ANSWERED_GRACE = 3.0
# How often an update or delete may be planned anew and sent again after lost replies.
MOST_REAPPLIES = 3
# For how many looks in a row (about ten seconds) what was there before may still be shown: reads lag behind writes.
STALE_LOOKS = 20
# For how many looks (about half a minute) a deletion without an answer may still be on its way.
LOST_LOOKS = 30

NONE, CREATE, UPDATE, DELETE = "none", "create", "update", "delete"


@dataclass(frozen=True)
class Plan:
    """What is to be done, decided without any request.

    ``before`` and ``after`` are what the user sees as diff, the same in check mode and for real; ``predicted`` is
    the result that check mode returns: ``after`` when not set, and nothing after a deletion, whose ``after`` shows what
    stays. ``changes`` is whatever ``Resource.apply`` needs.
    """

    action: str = NONE
    before: Any = None
    after: Any = None
    changes: Any = None
    predicted: Any = None
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.action != NONE


@dataclass(frozen=True)
class Progress:
    """How far an object is: done, failed for good, or waiting for ``what``."""

    done: bool
    what: str = ""
    percent: int | None = None
    failed: str = ""
    last: Any = None


DONE = Progress(done=True)


def waiting(what: str, percent: int | None = None, last: Any = None) -> Progress:
    """Not there yet; ``what`` continues the sentence 'waiting for ...'."""
    return Progress(done=False, what=what, percent=percent, last=last)


def failed(why: str, last: Any = None) -> Progress:
    """It will not become ready; ``why`` is a full sentence with what the service says about it."""
    return Progress(done=False, failed=why, last=last)


Look = Callable[[], Progress]
# The writes of a plan, one after the other; what is yielded has to be done before the next one is sent.
Steps = Generator[Look, None, None]


def removed_first(remove: Callable[[], None], left: Callable[[], str]) -> Steps:
    """Steps of an ``apply`` that remove what is then made anew, where the service has no action that changes it.

    A removal without an answer may still be on its way, and must not meet the new one: its effect is waited for, and
    only then is it sent again. ``left`` says what is still there, as in 'waiting for ... to be gone'; nothing once all
    is gone.
    """
    looks = itertools.count(1)

    def look() -> Progress:
        there = left()
        return waiting(f"{there} to be gone") if there and next(looks) <= LOST_LOOKS else DONE

    try:
        remove()
    except LostReply:
        yield look
        if left():
            remove()


class Resource(Protocol):
    """The hooks of one kind of object (or of a set of objects that is managed as one)."""

    def find(self) -> Any:
        """Reads what is there; ``None`` means absent. An ambiguous name is an error."""

    def plan(self, found: Any) -> Plan:
        """Compares ``found`` with what is desired. Pure; raises when the difference is not allowed."""

    def apply(self, plan: Plan) -> Steps | None:
        """Sends the writes of the plan; as a generator where one of them has to wait for something.

        It yields then what is to be looked at, and the flow goes on with it once that is done. A wait that fails is
        raised where it was yielded.
        """

    def progress(self, plan: Plan) -> Progress:
        """Looks once how far the object is on the way to what the plan asked for."""

    def view(self, found: Any) -> Any:
        """The object as the user sees it in the result; ``None`` for an absent one."""

    def wrote(self) -> bool:
        """Whether any write may have reached the service so far."""


class Before:
    """Tells a failure that is new from one that was there before: reads may lag behind the write that is to mend it.

    ``seen`` is what was shown before the write (a state and what the service said of it), empty for no failure.
    """

    def __init__(self, seen: str = "") -> None:
        self._seen = seen
        self._looks = 0

    def still(self, seen: str) -> bool:
        """Whether ``seen`` may be the old failure: it has been nothing else since, and not for long."""
        self._looks += 1
        if seen != self._seen or self._looks > STALE_LOOKS:
            self._seen = ""
        return bool(self._seen)


class Clock:
    """Time as the flow sees it, so that unit tests need not wait."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Deadline:
    """The end (seconds from now) of something that takes several waits."""

    def __init__(self, timeout: float, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._timeout = timeout
        self._end = self._clock.now() + timeout

    def rest(self) -> float:
        """The seconds that are left, at least 0."""
        return max(self._end - self._clock.now(), 0.0)

    def check(self, what: str, last: Any = None) -> None:
        """Raises ``WaitTimeout`` when none are."""
        if not self.rest():
            raise gave_up(self._timeout, what, last)

    def bound(self, look: Look) -> Look:
        """``look``, which raises ``WaitTimeout`` once the end has come and it is not done."""

        def bounded() -> Progress:
            progress = look()
            if not progress.done and not progress.failed:
                self.check(progress.what, progress.last)
            return progress

        return bounded


@dataclass
class Outcome:
    """The result of one reconciliation; ``value`` is the object afterwards (predicted in check mode)."""

    changed: bool
    value: Any
    found: Any
    plan: Plan


def reconcile(
    resource: Resource,
    *,
    check: bool = False,
    wait: bool = True,
    timeout: float = 600.0,
    clock: Clock | None = None,
    telling: Callable[[str], None] = lambda doing: None,
) -> Outcome:
    """Makes what exists match ``resource`` and says what that took.

    ``timeout`` (seconds) bounds each wait. With ``wait`` the readiness of an unchanged object is looked at
    too: an earlier run may have been interrupted while it waited. Raises ``AsmError``; its ``changed`` is true
    once a write may have happened. ``telling`` hears what is being done, as the end of 'while it was ...'.
    """
    clock = clock or Clock()
    try:
        return _flow(resource, check, wait, timeout, clock, telling)
    except AsmError as error:
        error.changed = may_have_written(resource)
        raise


def _flow(
    resource: Resource, check: bool, wait: bool, timeout: float, clock: Clock, telling: Callable[[str], None]
) -> Outcome:
    telling("reading what is there")
    found = resource.find()
    telling("comparing what is there with the options")
    plan = resource.plan(found)
    if check:
        predicted = plan.after if plan.predicted is None else plan.predicted
        if plan.action == DELETE:
            predicted = None
        return Outcome(plan.changed, predicted, found, plan)
    waited = False
    changed = plan.changed
    if plan.changed:
        telling(f"carrying out the changes ({plan.action})")
        changed = _apply(resource, plan, timeout, clock)
    if wait:
        telling("waiting for it")
        waited = wait_until_done(lambda: resource.progress(plan), timeout=timeout, clock=clock)
    telling("reading the result")
    if plan.changed or waited:
        found = resource.find()
    return Outcome(changed, resource.view(found), found, plan)


def may_have_written(resource: Resource) -> bool:
    """What the resource says; one that cannot say may have."""
    try:
        return resource.wrote()
    except Exception:
        return True


def _apply(resource: Resource, plan: Plan, timeout: float, clock: Clock) -> bool:
    """Applies the plan and says whether that changed anything.

    After a lost reply the object is looked for and the plan made anew. What already happened is not sent again. A
    create that got no answer at all is never repeated: it may still be under way, and no create of the service can be
    recognised as a repetition.
    """
    for attempt in range(MOST_REAPPLIES + 1):
        try:
            _carry_out(resource.apply(plan), timeout, clock)
            return True
        except LostReply as lost:
            rest = _look_for_effect(resource, plan, lost, clock)
            if not rest.changed:
                return True
            repeatable = lost.answered or rest.action != CREATE
            if not repeatable or attempt == MOST_REAPPLIES:
                raise LostReply(
                    f"{lost.message} Its effect did not show up within the {_grace(lost):.0f} s after it either. "
                    "Run the task again: it finds what the request did, if it went through after all.",
                    code=lost.code,
                    request_id=lost.request_id,
                    http_status=lost.http_status,
                    answered=lost.answered,
                ) from lost
            plan = rest
        except Outrun:
            # Another run did the same meanwhile. A change of its own is left then.
            rest = resource.plan(resource.find())
            if not rest.changed:
                return may_have_written(resource)
            if attempt == MOST_REAPPLIES:
                raise
            plan = rest
    raise AssertionError("every attempt returns or raises")


def _carry_out(steps: Steps | None, timeout: float, clock: Clock) -> None:
    """Sends the writes, and waits where they have to."""
    look = next(steps, None) if steps else None
    while steps and look:
        try:
            wait_until_done(look, timeout=timeout, clock=clock)
        except AsmError as error:
            try:
                look = steps.throw(error)
            except StopIteration:
                return
        else:
            look = next(steps, None)


def _grace(lost: LostReply) -> float:
    return ANSWERED_GRACE if lost.answered else LOST_REPLY_GRACE


def _look_for_effect(resource: Resource, plan: Plan, lost: LostReply, clock: Clock) -> Plan:
    """What is still to be done once the service has had time to show the effect of a write without a reply."""
    patience = _grace(lost) if plan.action == CREATE else ANSWERED_GRACE
    deadline = clock.now() + patience
    while True:
        rest = resource.plan(resource.find())
        if not rest.changed or (plan.action == CREATE and rest.action != CREATE) or clock.now() >= deadline:
            return rest
        clock.sleep(1.0)


def gave_up(timeout: float, what: str, last: Any) -> WaitTimeout:
    """The failure of a wait (seconds) for ``what``."""
    return WaitTimeout(
        f"Gave up after {timeout:.0f} s of waiting for {what}. It may still get there: run again, or raise "
        "wait_timeout.",
        details={"last_state": last},
    )


def wait_until_done(look: Look, *, timeout: float, clock: Clock | None = None) -> bool:
    """Calls ``look() -> Progress`` until it is done; the pauses grow from 0.2 s to 10 s with the time passed.

    Returns whether it took more than one look. Raises ``WaitFailed`` or ``WaitTimeout``, both with the last state
    seen in ``details['last_state']``.
    """
    clock = clock or Clock()
    start = clock.now()
    waited = False
    while True:
        progress = look()
        if progress.done:
            return waited
        if progress.failed:
            raise WaitFailed(progress.failed, details={"last_state": progress.last})
        elapsed = clock.now() - start
        if elapsed >= timeout:
            raise gave_up(timeout, progress.what, progress.last)
        waited = True
        tell(progress.what, elapsed, progress.percent)
        clock.sleep(min(max(0.2, elapsed * 0.15), 10.0, max(timeout - elapsed, 0.05)))

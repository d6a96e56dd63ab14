# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells of the table: one task of the flow, one of its requests, one way to break it.

A cell is: run the task with the fault, look; run it again, look; take it back. Run as
``python -m tests.faults.cells PART SHARE SHARES [EVERY]``; writes a line of JSON for each cell.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient

from tests.faults import planes
from tests.faults.beside import BESIDE, GROUND, NEEDS
from tests.faults.steps import FLOW, READS, Step
from tests.faults.world import HIDDEN, World, crashing

Json = dict[str, Any]
Task = tuple[str, Json]

#: A fault of the collection itself, before a request is sent and after it is answered.
CRASHES = ("crash_before", "crash_after")
# Seconds.
_TOLD = 0.2
API_KINDS = ("http_500", "throttle", "lost_request", "lost_reply", "non_json", "bad_code_200", "slow")
#: A cell's verdicts: the fault was got over at once; the task failed and the next run did the rest; neither. A task
#: that waits asks now more and now less often: then there was nothing to break.
ABSORBED, CONTINUED, BROKEN, UNREACHED = "absorbed", "continued", "broken", "unreached"


@dataclass
class Cell:
    """``request`` is the action, or the method and kind of object, that was broken; a broken cell has ``problems``."""

    part: str
    request: str
    number: int
    kind: str
    verdict: str
    problems: list[str]


@dataclass
class Part:
    """A task from the state that ``before`` tasks lead to; ``back`` are the tasks that take it back."""

    name: str
    before: list[Task]
    task: Task
    back: list[Task]
    reads: bool = False


def parts() -> list[Part]:
    """Everything that is broken: each task of the flow, its way back, the reads, and the removal of all at once."""
    found: list[Part] = []
    for place, step in enumerate(FLOW):
        earlier = [(one.module, one.done) for one in FLOW[:place]]
        done, undone = (step.module, step.done), (step.module, step.undone)
        found.append(Part(f"site {step.name}", earlier, done, [undone]))
        found.append(Part(f"remove {step.name}", [*earlier, done], undone, [done]))
    everything = [(step.module, step.done) for step in FLOW]
    found += [Part(f"read {module}", everything, (module, options), [], reads=True) for module, options in READS]
    whole = (FLOW[0].module, FLOW[0].undone)
    mesh: list[Step] = [step for step in FLOW if step.name in ("mesh", "clusters", "gateway")]
    made = [(step.module, step.done) for step in mesh]
    return [*found, Part("remove all at once", made, whole, made), *_beside()]


def _beside() -> Iterator[Part]:
    for step in BESIDE:
        before = [*GROUND, *NEEDS.get(step.name, ())]
        done, undone = (step.module, step.done), (step.module, step.undone)
        yield Part(f"make {step.name}", before, done, [undone])
        yield Part(f"take {step.name}", [*before, done], undone, [done])
        if step.changed:
            yield Part(f"change {step.name}", [*before, done], (step.module, step.changed), [done])


class Tried:
    """One part, in a lab of its own that is built anew when a cell leaves it in another state."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.world = World()
        self._build()
        self.start = self.world.what_there_is()
        self.api, self.kube = self._count()
        self.goal = self.world.what_there_is()
        assert not any("orphaned" in key for key in self.goal["billed"]), self.goal["billed"]
        assert part.name != "remove all at once" or self.goal["billed"] == {}, self.goal["billed"]
        self._back()

    def _build(self) -> None:
        for module, options in self.part.before:
            result = self.world.run(module, options)
            assert not result.get("failed"), f"{self.part.name}: building up: {result['msg']}"
        self.world.settle()

    def _count(self) -> tuple[list[str], list[str]]:
        """The requests of an undisturbed run, those to the API and those to API servers."""
        sent = len(self.world.requests())
        self.world.front.begin()
        result = self.world.run(*self.part.task)
        assert not result.get("failed"), f"{self.part.name}: undisturbed: {result['msg']}"
        api, kube = self.world.requests()[sent:], list(self.world.front.requests)
        self.world.settle()
        return api, kube

    def _back(self) -> None:
        self.world.front.begin()
        results = [self.world.run(*task) for task in self.part.back]
        self.world.settle()
        if any(result.get("failed") for result in results) or self.world.what_there_is() != self.start:
            self.world.close()
            self.world = World()
            self._build()

    def try_api(self, number: int, kind: str) -> Cell:
        """Breaks one request to the API."""
        if kind in CRASHES:
            return self._crash(Cloud, "_call", self.api[number], number, kind)
        with self.world.broken(number, kind):
            first = self._run()
            hit = any(row["hits"] for row in self.world.lab.faults.rows())
        return self._judge(self.api[number], number, kind, first, hit)

    def try_kube(self, number: int, kind: str) -> Cell:
        """Breaks one request to an API server."""
        if kind in CRASHES:
            return self._crash(KubeClient, "_request", self.kube[number], number, kind)
        self.world.front.begin((number, kind))
        first = self._run()
        hit = self.world.front.hit
        self.world.front.begin()
        return self._judge(self.kube[number], number, kind, first, hit)

    def _crash(self, target: Any, method: str, request: str, number: int, kind: str) -> Cell:
        with crashing(target, method, number, after=kind == "crash_after") as hits:
            first = self._run()
        return self._judge(request, number, kind, first, bool(hits[0]))

    def _run(self) -> Json:
        try:
            return self.world.run(*self.part.task)
        except AssertionError as error:
            return {"failed": True, "changed": None, "msg": str(error), "unclean": True}

    def _left(self) -> Json:
        """What there is once nothing goes on any more. On a busy machine operators may not have been told yet."""
        self.world.settle()
        if (after := self.world.what_there_is()) != self.goal:
            time.sleep(_TOLD)
            self.world.settle()
            after = self.world.what_there_is()
        return after

    def _judge(self, request: str, number: int, kind: str, first: Json, hit: bool) -> Cell:
        after = self._left()
        problems = list(self._untrue(first, after, kind))
        again = self._run()
        self.world.settle()
        if again.get("failed"):
            problems.append(f"the second run failed: {again['msg']}")
        elif not self.part.reads and again["changed"] is not (after != self.goal):
            rest = "some rest" if after != self.goal else "no rest"
            problems.append(f"the second run says changed={again['changed']}, and there was {rest}")
        if self.world.what_there_is() != self.goal:
            problems.append(f"in the end it is not as wanted: {_difference(self.goal, self.world.what_there_is())}")
        good = CONTINUED if first.get("failed") else ABSORBED if hit else UNREACHED
        verdict = BROKEN if problems else good
        self._back()
        return Cell(self.part.name, request, number, kind, verdict, problems)

    def _untrue(self, first: Json, after: Json, kind: str) -> Iterator[str]:
        """What the first result says that is not so."""
        if first.get("unclean"):
            yield f"no clean result: {first['msg']}"
            return
        moved = after != self.start
        if moved and not first["changed"]:
            yield f"something changed and it says changed=false: {first.get('msg', 'no failure')}"
        if not first.get("failed"):
            if after != self.goal:
                yield f"it succeeded and is not as wanted: {_difference(self.goal, after)}"
            if first["changed"] and not moved:
                yield "it says changed=true and nothing changed"
        elif (first["error"]["code"] == "Unexpected") is not (kind in CRASHES):
            yield f"another failure than expected: {first['msg']}"
        if HIDDEN in json.dumps(first):
            yield "it tells the text of an exception"


def _difference(wanted: Json, found: Json) -> str:
    return "; ".join(_leaves(wanted, found, ""))[:600]


def _leaves(wanted: Any, found: Any, path: str) -> Iterator[str]:
    """The places that differ, each with both values."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}):
            yield from _leaves(wanted.get(key), found.get(key), f"{path} {key}".strip())
    elif wanted != found:
        yield f"{path}: wanted {json.dumps(wanted)[:120]}, found {json.dumps(found)[:120]}"


def cells(tried: Tried, every: int) -> Iterator[Callable[[], Cell]]:
    """All cells of a part, or every so manyth."""
    api = [(tried.try_api, number, kind) for number in range(len(tried.api)) for kind in (*API_KINDS, *CRASHES)]
    kube = [(tried.try_kube, number, kind) for number in range(len(tried.kube)) for kind in (*planes.KINDS, *CRASHES)]
    for try_one, number, kind in [*api, *kube][:: every or 1]:
        yield lambda try_one=try_one, number=number, kind=kind: try_one(number, kind)


def main() -> None:
    name, every = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    (part,) = [one for one in parts() if one.name == name]
    tried = Tried(part)
    try:
        for cell in cells(tried, every):
            print(json.dumps(asdict(cell())), flush=True)
    finally:
        tried.world.close()


if __name__ == "__main__":
    main()

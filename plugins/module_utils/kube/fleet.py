# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same set of objects on several API servers, handled at the same time and reported by server.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, NONE, UPDATE, Plan, Progress
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item

T = TypeVar("T")
Found = dict[str, list[Item]]


class Fleet:
    """One ``ObjectSet`` for each server; ``sets`` is keyed by the names that the user gave the servers.

    A single server is reported as if it were alone. Nothing is written anywhere unless every server could be planned.
    """

    def __init__(self, sets: dict[str, ObjectSet]) -> None:
        self._sets = sets
        self._plans: dict[str, Plan] = {}

    def find(self) -> Found:
        return self._everywhere(lambda name: self._sets[name].find())

    def plan(self, found: Found) -> Plan:
        self._plans = {name: one.plan(found[name]) for name, one in self._sets.items()}
        plans = self._plans
        if len(plans) == 1:
            return next(iter(plans.values()))
        changed = {name: plan for name, plan in plans.items() if plan.changed}
        texts = {text: [name for name, one in plans.items() if text in one.warnings] for text in _warnings(plans)}
        return Plan(
            UPDATE if changed else NONE,
            before={name: plan.before for name, plan in changed.items()},
            after={name: plan.after for name, plan in changed.items()},
            predicted=self.view(found),
            warnings=tuple(f"{_places(names)}: {text}" for text, names in texts.items()),
        )

    def apply(self, plan: Plan) -> None:
        self._everywhere(lambda name: self._sets[name].apply(self._plans[name]) if self._plans[name].changed else None)

    def progress(self) -> Progress:
        """The first failure, else the first wait, else done."""
        looks = self._everywhere(lambda name: self._sets[name].progress(self._plans[name]))
        pending = [(name, look) for name, look in looks.items() if not look.done]
        if not pending:
            return DONE
        name, look = next((entry for entry in pending if entry[1].failed), pending[0])
        if len(looks) == 1:
            return look
        failed = f"Cluster {name}: {look.failed}" if look.failed else ""
        return Progress(False, f"{look.what} in cluster {name}", look.percent, failed, look.last)

    def view(self, found: Found) -> list[dict[str, Any]]:
        shown = [(name, entry) for name, items in found.items() for entry in self._sets[name].view(items)]
        return [entry if len(self._sets) == 1 else {"cluster": name, **entry} for name, entry in shown]

    def items(self) -> Found:
        """What is known of every object so far, also after a failure."""
        return {name: one.items for name, one in self._sets.items()}

    def findings(self) -> list[dict[str, Any]]:
        """What the semantic checks found on all servers; empty when none was asked for."""
        return [entry for one in self._sets.values() if one.lint for entry in one.lint.results()]

    def steps(self) -> list[dict[str, Any]]:
        """The order of the writes; only a single server, a control plane, has one."""
        return [step for one in self._sets.values() for step in one.steps_view()]

    def comparison(self) -> dict[str, dict[str, Any]]:
        """What ``ObjectSet.comparison`` says, by server."""
        return {name: one.comparison() for name, one in self._sets.items()}

    def unlisted(self) -> list[str]:
        """The kinds among which prune was not allowed to look, on any of the servers."""
        return sorted({term for one in self._sets.values() for term in one.unlisted()})

    def wrote(self) -> bool:
        return any(one.wrote() for one in self._sets.values())

    def _everywhere(self, work: Callable[[str], T]) -> dict[str, T]:
        """Does ``work`` for all servers at the same time; raises when all are through, naming each that failed."""
        names = list(self._sets)
        if len(names) == 1:
            return {names[0]: work(names[0])}
        with ThreadPoolExecutor(max_workers=len(names) or 1) as threads:
            futures = {name: threads.submit(work, name) for name in names}
        results: dict[str, T] = {}
        errors: dict[str, AsmError] = {}
        for name, future in futures.items():
            try:
                results[name] = future.result()
            except AsmError as error:
                errors[name] = error
        if errors:
            raise _combined(errors)
        return results


def _warnings(plans: dict[str, Plan]) -> list[str]:
    """Each warning once, in their order."""
    return list(dict.fromkeys(text for plan in plans.values() for text in plan.warnings))


def _places(names: list[str]) -> str:
    return f"Cluster{'' if len(names) == 1 else 's'} {', '.join(names)}"


def _combined(errors: dict[str, AsmError]) -> AsmError:
    """One error out of those of several servers; code and details are those of the first."""
    first = next(iter(errors.values()))
    first.message = " ".join(f"Cluster {name}: {error.message}" for name, error in errors.items())
    return first

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The items of a task in the steps by which traffic survives them (``istio/steps.py``).

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.istio import steps
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import services_domain
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import CREATED, DELETED, UPDATED, Item

Json = dict[str, Any]

_VERBS = {CREATED: "create", UPDATED: "update", DELETED: "delete"}


@dataclass(frozen=True)
class OrderedStep:
    """Items with what is written of each: itself, or a copy that has the old beside the new."""

    parts: tuple[tuple[Item, Item], ...]
    waits: bool

    def as_result(self) -> Json:
        """The entry of the result list ``steps``."""
        return {"waits_for_proxies": self.waits, "writes": [_told(item, written) for item, written in self.parts]}


def in_steps(items: list[Item], cluster_domain: Callable[[], str] = str) -> list[OrderedStep]:
    """The steps of the items that change; empty where one pass does. Raises ``Refused``, see ``steps.plan``.

    ``cluster_domain`` (of the mesh, empty for the usual one) is asked when hosts are read.
    """
    changing = [item for item in items if item.outcome in _VERBS]
    changes = [_change(item) for item in changing]
    domain = services_domain(cluster_domain() if steps.reads_hosts(changes) else "")
    return [
        OrderedStep(
            tuple((changing[one.change], _written(changing[one.change], one)) for one in step.writes), step.waits
        )
        for step in steps.plan(changes, domain)
    ]


def notes(items: list[Item]) -> list[str]:
    """What of the items has no order, in sentences."""
    return steps.unordered([_change(item) for item in items if item.outcome == UPDATED])


def between(ordered: list[OrderedStep]) -> list[Item]:
    """What is written in between and not for good, for a dry run."""
    return [written for step in ordered for item, written in step.parts if written is not item]


def _change(item: Item) -> steps.Change:
    new = None if item.outcome == DELETED else item.predicted or item.body
    return steps.Change(item.title, None if item.terminating else item.live, new, item.body)


def _written(item: Item, write: steps.Write) -> Item:
    return item if write.final else replace(item, body=write.body, predicted=None)


def _told(item: Item, written: Item) -> str:
    return f"{_VERBS[item.outcome]} {item.short}{'' if written is item else ', with the old beside the new'}"

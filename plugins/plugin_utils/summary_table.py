# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the callback plugin prints, from the results of the collection's modules. Pure.

PRIVATE: this code is for the callback plugin of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS

Json = dict[str, Any]

_OURS = "meshops.asm."
# Every object that a module has looked at has one of them.
_STATE = {"state", "status"}


class Summary:
    """Collects results and times, and puts them into a table."""

    def __init__(self) -> None:
        # By host and name: of several meshes each is a host.
        self._known: dict[str, dict[tuple[str, str], Json]] = {one.noun: {} for one in SECTIONS}
        self._changed: list[tuple[str, str]] = []
        self._hosts: set[str] = set()
        self._times: list[tuple[float, str]] = []
        self._ours = False

    def took(self, task: str, seconds: float) -> None:
        """A task has ended."""
        self._times.append((seconds, task))

    def heard(self, action: str, task: str, result: Json, host: str = "localhost") -> None:
        """The result of a task on a host; that of a loop has its items in ``results``."""
        if not action.startswith(_OURS):
            return
        self._ours = True
        self._hosts.add(host)
        if result.get("changed") and (host, task) not in self._changed:
            self._changed.append((host, task))
        for item in result.get("results") or [result]:
            self._remember(action.removeprefix(_OURS), item, host)

    def _remember(self, module: str, result: Json, host: str) -> None:
        for one in (one for one in SECTIONS if one.module == module.removesuffix("_info")):
            _put(self._known[one.noun], host, result.get(one.result), result.get(one.results))
        if module == "asm_cluster":
            for name in result.get("detached") or []:
                self._known["cluster"].pop((host, name), None)
        elif module == "asm_verify":
            self._verified(result.get("rows") or [], host)

    def _verified(self, rows: list[Json], host: str) -> None:
        """What verify has seen itself is the last word about addresses."""
        for row in rows:
            if row.get("what") == "gateway" and row.get("ok"):
                gateway = self._known["gateway"].setdefault((host, str(row["name"])), {})
                gateway.setdefault("addresses", {})[str(row["where"])] = [str(row["state"])]

    def lines(self, slowest: int) -> list[str]:
        """The table; empty when no module of this collection ran."""
        if not self._ours:
            return []
        told = [*self._rows(), *self._changes(), *self._slowest(slowest)]
        rows = [(title, one_line(text)) for title, text in told]
        width = max(len(title) for title, _text in rows)
        return ["", "MESHES ".ljust(80, "*"), *(f"{title:<{width}}  {text}".rstrip() for title, text in rows)]

    def _rows(self) -> Iterator[tuple[str, str]]:
        for noun, known in self._known.items():
            for (host, name), entry in sorted(known.items(), key=lambda item: item[0]):
                if entry.get("attached", True):
                    yield noun, "  ".join([self._of(host, name), *_SHOWN.get(noun, _state)(entry)])

    def _changes(self) -> Iterator[tuple[str, str]]:
        if not self._changed:
            yield "changed", "nothing"
        for host, task in self._changed:
            yield "changed", self._of(host, task)

    def _of(self, host: str, what: str) -> str:
        return f"{host}: {what}" if len(self._hosts) > 1 else what

    def _slowest(self, count: int) -> Iterator[tuple[str, str]]:
        for seconds, task in sorted(self._times, reverse=True)[:count]:
            yield "time", f"{seconds:7.1f} s  {task}"


def _put(known: dict[tuple[str, str], Json], host: str, one: Any, many: Any) -> None:
    """Remembers objects by name; an absent one (empty or null) changes nothing here.

    In a loop Ansible puts the loop's variable over a result of the same name: what the user wrote has no state.
    """
    for entry in [one, *(many or [])]:
        if isinstance(entry, dict) and entry.get("name") and _STATE & set(entry):
            known[host, str(entry["name"])] = entry


def _mesh(mesh: Json) -> list[str]:
    return [str(mesh[key]) for key in ("id", "region", "version", "state") if mesh.get(key)]


def _gateway(gateway: Json) -> list[str]:
    found = gateway.get("addresses") or {}
    return ["; ".join(f"{', '.join(values)} ({cluster})" for cluster, values in sorted(found.items())) or "no address"]


def _state(entry: Json) -> list[str]:
    return [str(entry.get("state") or entry.get("status") or "")]


_SHOWN = {"mesh": _mesh, "gateway": _gateway}

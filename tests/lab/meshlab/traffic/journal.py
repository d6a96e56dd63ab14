# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the data-plane process was told and still has to know: by it a new process takes the place of one that died."""

from __future__ import annotations

import threading
from typing import Any

#: Operations that something lasts of -> the field that names it.
_LASTING = {"pilot": "node", "identify": "id", "resolve": "node", "forward": "node", "start": "id"}

#: Operations that end it.
_ENDING = {"forget": "identify", "stop": "start", "unresolve": "resolve"}


class Journal:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lasting: dict[str, dict[str, dict[str, Any]]] = {op: {} for op in _LASTING}

    def note(self, op: str, fields: dict[str, Any]) -> None:
        """An operation has been carried out."""
        begun = _ENDING.get(op)
        with self._lock:
            if begun:
                self._lasting[begun].pop(fields[_LASTING[begun]], None)
            elif op in _LASTING:
                self._lasting[op][fields[_LASTING[op]]] = fields

    def operations(self) -> list[tuple[str, dict[str, Any]]]:
        """The operations that lead to the same state, in an order that is possible."""
        with self._lock:
            return [(op, fields) for op in _LASTING for fields in self._lasting[op].values()]


def repeatable(op: str) -> bool:
    """Whether an operation may be asked for again without knowing if it was carried out."""
    return op in _LASTING or op in _ENDING

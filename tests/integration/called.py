# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which actions of the service the collection has called in a run, as the lab's log of requests says."""

from __future__ import annotations

from pathlib import Path

import pytest

from .labs import Lab

HERE = Path(__file__).parent


class Called:
    """Actions that were answered while tests ran that ask by the collection alone."""

    def __init__(self) -> None:
        self.actions: set[str] = set()
        self._lab: Lab | None = None
        self._least = 0

    def follow(self, lab: Lab) -> None:
        """From now on; what others asked of a lab that ran before does not count."""
        self._lab, self._least = lab, lab.log_size()

    def size(self) -> int:
        return self._lab.log_size() if self._lab else 0

    def note(self, begin: int) -> None:
        """What was logged since the log had this size."""
        entries = self._lab.logged(max(begin, self._least)) if self._lab else []
        self.actions |= {
            entry["action"] for entry in entries if entry["product"] == "servicemesh" and entry["status"] == 200
        }


CALLED = pytest.StashKey[Called]()


def asks_itself(item: pytest.Item) -> bool:
    """Whether a test may ask by clients that are not the collection."""
    return hasattr(getattr(item, "module", None), "foreign_client")


def partial(session: pytest.Session) -> str:
    """Why the run says nothing about actions that were not called; empty when it was all of this folder."""
    options = session.config.option
    missing = {path.name for path in HERE.glob("test_*.py")} - {item.path.name for item in session.items}
    if missing or options.keyword or options.markexpr or any("::" in one for one in session.config.args):
        return "only a part of the tests was chosen"
    stats = getattr(session.config.pluginmanager.get_plugin("terminalreporter"), "stats", {})
    missed = [kind for kind in ("failed", "error", "skipped", "deselected") if stats.get(kind)]
    return f"there are tests that were {' and '.join(missed)}" if missed else ""

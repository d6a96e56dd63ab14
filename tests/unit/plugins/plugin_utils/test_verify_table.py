# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of asm_verify, printed from a task's own process."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.action import asm_verify


class Wrapped:
    """A display as ansible-runner before 2.4.2 wraps it: marks around each text, in whatever process it is called."""

    def __init__(self, queue: Any) -> None:
        self._final_q = queue
        self.lines: list[str] = []

    def display(self, text: str) -> None:
        sys.stdout.write("\x1b[K")
        self.lines.append(text)
        if self._final_q is None:
            print(text)


@pytest.mark.parametrize(("queue", "told"), [(object(), ""), (None, "\x1b[Kone\ntwo\n")])
def test_a_task_hands_its_lines_on_and_writes_nothing_itself(
    queue: Any, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    display = Wrapped(queue)
    monkeypatch.setattr(asm_verify, "Display", lambda: display)
    asm_verify._show("one\ntwo")
    assert display.lines == ["one\ntwo"]
    assert capsys.readouterr().out == told

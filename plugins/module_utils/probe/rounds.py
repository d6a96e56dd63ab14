# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repeats a probe until what is observed is what is expected, or time is up.

A mesh needs a moment to converge after a change. Every round is a whole sample of its own, so each verdict has the
full confidence; a mesh that never does as declared passes one of r rounds by mistake with at most r times the
probability of error of one.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.progress import tell
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Clock
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line
from ansible_collections.meshops.asm.plugins.module_utils.probe import engine, verdict
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Plan

_FIRST_PAUSE, _LONGEST_PAUSE = 0.3, 5.0


class ExpectationNotMet(AsmError):
    """Answers came, but not as expected."""


class NoAnswer(AsmError):
    """Nobody answered at all."""


def observe(
    plan: Plan,
    *,
    about: str = "",
    clock: Clock | None = None,
    run: Callable[[Plan], engine.Observation] | None = None,
) -> dict[str, Any]:
    """The summary of the last round, with ``rounds`` and ``converged_after`` (seconds until the last round began).

    Who waits is told so: for ``about`` (unset means the addresses), and what is not yet as expected.
    """
    clock = clock or Clock()
    begin = clock.now()
    pause = _FIRST_PAUSE
    rounds = 0
    awaited = about = about or f"the answers of {', '.join(f'{host}:{port}' for host, port in plan.addresses)}"

    def told(percent: int | None) -> None:
        tell(awaited, clock.now() - begin, percent)

    while True:
        started = clock.now()
        seen = run(plan) if run else engine.run(plan, told, verdict.enough(plan))
        result = verdict.summary(plan, seen)
        rounds += 1
        result["rounds"] = rounds
        result["converged_after"] = round(started - begin, 3)
        left = plan.wait_timeout - (clock.now() - begin)
        if not result["problems"] or left <= 0 or engine.stopped(plan):
            return result
        awaited = f"{about} ({lacking(result)})"
        told(None)
        clock.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def failure(result: dict[str, Any]) -> AsmError | None:
    """The error of a summary that is not as expected."""
    if not result["problems"]:
        return None
    kind = ExpectationNotMet if result["answered"] else NoAnswer
    return kind("\n".join(result["problems"]))


def lacking(result: dict[str, Any]) -> str:
    """What is not as expected, without figures, which differ from round to round. Pure."""
    off = [row["key"] for row in result["distribution"] if not row["ok"]]
    if not result["answered"]:
        return "no answer yet"
    if off:
        return f"not yet as declared: {', '.join(off)}"
    bad = [f"HTTP {status}" for status in result["statuses"] if int(status) >= 400]
    if result["failed"] and bad:
        return f"answers with {', '.join(bad)}"
    return "not yet as expected"


def table(result: dict[str, Any]) -> list[str]:
    """Declared against observed as aligned lines; without keys, the statuses. Pure."""
    lines = [
        [
            row["key"],
            "" if row["declared"] is None else f"declared {row['declared']:g} %",
            f"observed {row['percent']:g} %",
            f"({row['low']:g} to {row['high']:g} %)",
            "" if row["ok"] else "<--",
        ]
        for row in result["distribution"]
    ]
    lines = lines or [[f"HTTP {status}", f"{count}x"] for status, count in result["statuses"].items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)] if lines else []
    return [one_line("  ".join(_padded(line, widths)).rstrip()) for line in lines]


def _padded(line: list[str], widths: list[int]) -> list[str]:
    """The texts of a line, without the columns in which no line has any."""
    return [text.ljust(width) for text, width in zip(line, widths, strict=True) if width]

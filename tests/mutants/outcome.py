# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the mutants of a set, and the table of it in the documentation."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import describe_machine
from tests.mutants.survivors import SURVIVORS, Survivor
from tests.mutants.workspace import Workspace

BEGIN, END = ".. begin of the table", ".. end of the table"
#: Exit codes of a mutant's tests that say nobody noticed: they pass, or there are none.
_UNNOTICED = (0, 33)


@dataclass(frozen=True)
class Change:
    """A mutant that was not noticed: a function (``Class.method``), and its changed lines without indentation."""

    function: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.function}: {self.before!r} may be {self.after!r}"


@dataclass(frozen=True)
class Outcome:
    """``excused`` are the survivors that are named, ``vain`` names without a survivor."""

    module: str
    mutants: int
    untried: int
    excused: list[Survivor]
    unnamed: list[Change]
    vain: list[Survivor]

    @property
    def equivalent(self) -> int:
        return sum(one.equivalent for one in self.excused)

    @property
    def left(self) -> int:
        """How many behave otherwise, and no test noticed."""
        return len(self.excused) + len(self.unnamed) - self.equivalent

    @property
    def tried(self) -> bool:
        return self.mutants > 0 and not self.untried

    @property
    def noticed(self) -> int:
        return self.mutants - self.untried - len(self.excused) - len(self.unnamed)

    @property
    def rate(self) -> float:
        """Percent noticed of those that behave otherwise than the original."""
        return 100 * self.noticed / max(self.mutants - self.equivalent, 1)

    def line(self) -> str:
        return (
            f"{self.module}: {self.mutants} mutants, {self.noticed} noticed, {self.equivalent} equivalent, {self.left} "
            f"not noticed, {self.rate:.1f} %"
        )


def outcome_of(workspace: Workspace) -> Outcome:
    """What earlier runs found out about a set."""
    results = workspace.results()
    changes = [_change(workspace, name) for name, code in results.items() if code in _UNNOTICED]
    named = [one for one in SURVIVORS if one.module == workspace.module]
    excused = [next((one for one in named if one.fits(change)), None) for change in changes]
    return Outcome(
        module=workspace.module,
        mutants=len(results),
        untried=sum(code is None for code in results.values()),
        excused=[one for one in excused if one],
        unnamed=[change for change, one in zip(changes, excused, strict=True) if not one],
        vain=[one for one in named if one not in excused],
    )


def write_page(page: Path, outcomes: list[Outcome]) -> None:
    """Puts the table, and the survivors with their reasons, between the markers of the page."""
    head, rest = page.read_text(encoding="utf-8").split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    page.write_text(f"{head}{BEGIN}\n\n{_table(outcomes)}\n{_reasons(outcomes)}\n{END}{tail}", encoding="utf-8")


def _table(outcomes: list[Outcome]) -> str:
    tried = [one for one in outcomes if one.tried]
    sums = [sum(getattr(one, name) for one in tried) for name in ("mutants", "noticed", "equivalent", "left")]
    rows = [
        [f"``{one.module}``", one.mutants, one.noticed, one.equivalent, one.left, f"{one.rate:.1f} %"]
        if one.tried
        else [f"``{one.module}``", *[""] * 4, "not tried yet"]
        for one in outcomes
    ]
    rows.append(["**all**", *sums, f"{100 * sums[1] / max(sums[0] - sums[2], 1):.1f} %"])
    lines = [
        f"Tried on {describe_machine()}.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "   :widths: 4 1 1 1 1 1",
        "",
    ]
    for row in [["Module", "Mutants", "Noticed", "Equivalent", "Not noticed", "Rate"], *rows]:
        lines += [f"   {'* -' if number == 0 else '  -'} {cell}".rstrip() for number, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def _reasons(outcomes: list[Outcome]) -> str:
    lines = []
    for outcome in outcomes:
        for one in dict.fromkeys(outcome.excused):
            kind = "equivalent" if one.equivalent else "not noticed"
            count = outcome.excused.count(one)
            lines.append(f"- ``{one.module}``, {one.function} ({count} {kind}): {one.reason}.")
    return "\n".join(lines) + "\n"


def _change(workspace: Workspace, name: str) -> Change:
    """The mutant as its difference to the function; mutmut puts both into the mutated file."""
    mangled = name.rpartition(".")[2]
    head = mangled.partition("__mutmut_")[0]
    before, after = (workspace.lines_of(one) for one in (f"{head}__mutmut_orig", mangled))
    lines = [line for line in difflib.ndiff(before, after) if line.startswith(("- ", "+ "))]
    old, new = (" ".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return Change(".".join(head.split("ǁ")[1:]) or head.removeprefix("x_"), old, new)

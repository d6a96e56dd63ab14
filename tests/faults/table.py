# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells as a table of the documentation, between two markers of its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench.machine import describe_machine

Json = dict[str, Any]

BEGIN, END = ".. begin of the table", ".. end of the table"
COLUMNS = {
    "http_500": "HTTP 500",
    "http_503": "HTTP 503",
    "throttle": "throttled",
    "lost_request": "request cut",
    "lost_reply": "reply cut",
    "non_json": "no JSON",
    "bad_code_200": "bad Code",
    "slow": "too late",
    "crash_before": "crash before",
    "crash_after": "crash after",
}


def write_page(page: Path, rows: list[Json], seconds: float) -> None:
    """Puts the table into the page."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    page.write_text(f"{head}{BEGIN}\n\n{table(rows, seconds)}\n{END}{tail}", encoding="utf-8")


def table(rows: list[Json], seconds: float) -> str:
    """A list-table: a row for each request, with ``absorbed + continued`` (and ``! broken``) for each kind. Pure."""
    reached = [row for row in rows if row["verdict"] != "unreached"]
    requests = sorted({row["request"] for row in reached}, key=lambda name: (" " in name, name))
    counts = [_count(reached, request) for request in requests]
    total = ["**all**", *(f"**{cell}**" if cell else "" for cell in _cells(reached))]
    lines = [
        f"{_verdicts(reached)}. {seconds / len(reached or [0]):.1f} s for each, on {describe_machine()}.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        f"   :widths: 4 {' '.join('1' for _unused in COLUMNS)}",
        "",
    ]
    for row in [["Request", *COLUMNS.values()], *counts, total]:
        lines += [f"   {'* -' if number == 0 else '  -'} {cell}".rstrip() for number, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def _count(rows: list[Json], request: str) -> list[str]:
    return [f"``{request}``", *_cells([row for row in rows if row["request"] == request])]


def _cells(rows: list[Json]) -> list[str]:
    return [_cell([row["verdict"] for row in rows if row["kind"] == kind]) for kind in COLUMNS]


def _cell(verdicts: list[str]) -> str:
    if not verdicts:
        return ""
    continued, broken = verdicts.count("continued"), verdicts.count("broken")
    text = str(verdicts.count("absorbed"))
    return text + (f" + {continued}" if continued else "") + (f" ! {broken}" if broken else "")


def _verdicts(rows: list[Json]) -> str:
    verdicts = [row["verdict"] for row in rows]
    return (
        f"{len(rows)} cells: {verdicts.count('absorbed')} got over by the task itself, {verdicts.count('continued')} "
        f"left to the next run, {verdicts.count('broken')} broken"
    )

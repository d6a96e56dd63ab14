# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the apply benchmark, with what was aimed at. Pure."""

from __future__ import annotations

from typing import Any

from tests.bench.apply_peers import ENGINE, OURS, OWN

Row = dict[str, Any]

# The largest part of the fastest peer's time that is allowed: case -> (near, far).
GOALS = {"first": (1 / 3, 1 / 12), "first_validated": (1 / 2, 1 / 6), "unchanged": (1 / 5, 1 / 25)}
ENGINE_GOAL = 1 / 20
MOST_MEMORY_MB = 200


def printed(rows: list[Row]) -> str:
    """One line per row; the ratio is the fastest peer's time divided by this one's."""
    head = (
        f"{'objects':>7} {'rtt':>4}  {'case':<16}{'peer':<20}{'seconds':>9}{'requests':>9}{'MB sent':>9}{'peak MB':>8}"
    )
    lines = [f"{head}{'faster':>9}  goal"]
    for row in sorted(rows, key=lambda one: (one["objects"], one["rtt_ms"], one["case"])):
        lines.append(_line(row, rows))
    return "\n".join(lines)


def markdown(rows: list[Row], machine: str, measured: str) -> str:
    """The same as a Markdown table, with what it was measured on."""
    lines = [f"Measured {measured} on {machine}.", ""]
    names = ("Objects", "Round trip", "Case", "Tool", "Seconds", "Requests", "MB sent", "Peak MB", "Than the best peer")
    lines.append("| " + " | ".join(names) + " |")
    lines.append("|---:|---:|---|---|---:|---:|---:|---:|---|")
    for row in sorted(rows, key=lambda one: (one["objects"], one["rtt_ms"], one["case"])):
        found, wanted = ratio(row, rows), goal(row)
        text = f"{found:.1f}x" if found and row["peer"] in OWN else ""
        text += f" (goal {wanted:.0f}x)" if wanted and found else ""
        cells = [row["objects"], f"{row['rtt_ms']} ms", row["case"], row["peer"], f"{row['seconds']:.2f}"]
        cells += [row["requests"], f"{row['bytes'] / 1e6:.2f}", row["peak_mb"], text]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def ratio(row: Row, rows: list[Row]) -> float | None:
    """How many times faster a row is than the fastest peer in the same case; None without one."""
    case = "first" if row["case"] == "first_validated" else row["case"]
    same = [one for one in rows if (one["objects"], one["rtt_ms"]) == (row["objects"], row["rtt_ms"])]
    peers = [one["seconds"] for one in same if one["case"] == case and one["peer"] not in OWN]
    return min(peers) / row["seconds"] if peers and row["seconds"] else None


def goal(row: Row) -> float | None:
    """How many times faster a row has to be; None where nothing was promised."""
    if row["peer"] == ENGINE:
        return 1 / ENGINE_GOAL if row["case"] == "unchanged" and not row["rtt_ms"] else None
    if row["peer"] != OURS or row["case"] not in GOALS:
        return None
    return 1 / GOALS[row["case"]][1 if row["rtt_ms"] else 0]


def _line(row: Row, rows: list[Row]) -> str:
    text = f"{row['objects']:>7} {row['rtt_ms']:>4}  {row['case']:<16}{row['peer']:<20}{row['seconds']:>9.2f}"
    text += f"{row['requests']:>9}{row['bytes'] / 1e6:>9.2f}{row['peak_mb']:>8}"
    found, wanted = ratio(row, rows), goal(row)
    text += f"{found:>8.1f}x" if found else f"{'':>9}"
    if wanted is None:
        return text
    verdict = "no peer" if found is None else ("met" if found >= wanted else "MISSED")
    memory = "" if row["peak_mb"] <= MOST_MEMORY_MB or row["peer"] != OURS else ", too much memory"
    return f"{text}  {wanted:.0f}x {verdict}{memory}"

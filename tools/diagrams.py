# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the diagrams of the documentation as SVG: boxes in rows, arrows between them."""

from __future__ import annotations

from html import escape
from pathlib import Path

_WIDTH, _HEIGHT, _GAP = 150, 64, 34
_STYLE = (
    "text{font:14px sans-serif;fill:#1c2430;text-anchor:middle}.s{font-size:11px;fill:#5b6675}"
    "rect{fill:#eef3fa;stroke:#4a77b4;stroke-width:1.5;rx:8}.a{stroke:#4a77b4;stroke-width:1.5;fill:none;"
    "marker-end:url(#m)}"
)
_HEAD = (
    '<defs><marker id="m" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#4a77b4"/></marker></defs>'
)

# Rows of boxes; a box is its title and what stands below it in small letters.
DIAGRAMS: dict[str, list[list[tuple[str, str]]]] = {
    "flow": [
        [("preflight", "checks the spec"), ("create", "mesh runs"), ("attach", "clusters join")],
        [("gateway", "addresses are there"), ("deploy", "workloads ready"), ("define", "Istio resources")],
        [("verify", "all as in the spec")],
    ],
    "removal": [
        [("Istio resources", "control plane"), ("gateways", "load balancers freed"), ("clusters", "leave the mesh")],
        [("mesh", "what may remain is told")],
    ],
    "places": [
        [("mesh.yml", "the spec"), ("Ansible", "meshops.asm"), ("ASM API", "mesh, clusters")],
        [("applications", "to the clusters"), ("Istio resources", "to the control plane")],
    ],
}


def svg(rows: list[list[tuple[str, str]]]) -> str:
    """The picture of one diagram; the boxes follow each other like words on lines."""
    columns = max(len(row) for row in rows)
    width = columns * _WIDTH + (columns - 1) * _GAP + 4
    height = len(rows) * _HEIGHT + (len(rows) - 1) * _GAP + 4
    parts = [f"<style>{_STYLE}</style>", _HEAD]
    before: tuple[int, int] | None = None
    for line, row in enumerate(rows):
        for column, (title, text) in enumerate(row):
            x, y = 2 + column * (_WIDTH + _GAP), 2 + line * (_HEIGHT + _GAP)
            if before is not None:
                parts.append(_arrow(before, (x, y)))
            parts.append(f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}"/>')
            parts.append(f'<text x="{x + _WIDTH // 2}" y="{y + 28}">{escape(title)}</text>')
            parts.append(f'<text class="s" x="{x + _WIDTH // 2}" y="{y + 47}">{escape(text)}</text>')
            before = (x, y)
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">\n{body}\n</svg>\n'


def _arrow(begin: tuple[int, int], end: tuple[int, int]) -> str:
    """From box to box: sideways within a row, around the corner to the next one."""
    if begin[1] == end[1]:
        y = begin[1] + _HEIGHT // 2
        return f'<path class="a" d="M{begin[0] + _WIDTH} {y}H{end[0] - 1}"/>'
    middle = begin[1] + _HEIGHT + _GAP // 2
    x = begin[0] + _WIDTH // 2
    return f'<path class="a" d="M{x} {begin[1] + _HEIGHT}V{middle}H{end[0] + _WIDTH // 2}V{end[1] - 1}"/>'


def draw(folder: Path) -> None:
    """Writes every diagram as NAME.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in DIAGRAMS.items():
        (folder / f"{name}.svg").write_text(svg(rows), encoding="utf-8")

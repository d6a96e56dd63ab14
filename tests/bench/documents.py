# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the figures of a run go in the documentation."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def put(name: str, text: str) -> None:
    """Replaces what stands between ``<!-- name: begin -->`` and ``<!-- name: end -->``."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, found, rest = DOCS.read_text(encoding="utf-8").partition(begin)
    _old, found_end, tail = rest.partition(end)
    if not (found and found_end):
        raise ValueError(f"{DOCS.name} has no place for {name}")
    DOCS.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")

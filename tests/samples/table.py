# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of docs/samples.rst, made from what the code says of each sample."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.samples.reading import SAMPLES, read_kubeconfigs, read_manifests

PAGE = Path(__file__).resolve().parents[2] / "docs" / "samples.rst"
BEGIN = ".. begin of the tables\n"

Json = dict[str, Any]


def tables() -> str:
    """The tables as reStructuredText."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        manifests = [(one["shape"], *_row(read_manifests(one, base / f"m{n}"))) for n, one in _each("manifests")]
        kubeconfigs = [(one["shape"], *_row(read_kubeconfigs(one, base / f"k{n}"))) for n, one in _each("kubeconfigs")]
    owners = [(one["shape"], "refused" if "refused" in one else "accepted", one["says"]) for _n, one in _each("owners")]
    parts = [("Manifests", manifests), ("Objects that somebody else wrote", owners), ("Kubeconfigs", kubeconfigs)]
    return "\n".join(_table(title, rows) for title, rows in parts)


def page(written: str) -> str:
    """The page with the tables of now."""
    return f"{written.partition(BEGIN)[0]}{BEGIN}\n{tables()}"


def _each(section: str) -> Iterator[tuple[int, Json]]:
    yield from enumerate(SAMPLES[section])


def _row(verdict: Any) -> tuple[str, str]:
    return "accepted" if verdict.accepted else "refused", f"``{verdict.says}``" if verdict.accepted else verdict.says


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [title, "-" * len(title), "", ".. list-table::", "   :header-rows: 1", "   :widths: 30 10 60", ""]
    for shape, verdict, says in [("What people have", "", "What comes of it, or what the message says"), *rows]:
        lines += [f"   * - {shape}", f"     - {verdict}".rstrip(), f"     - {_plain(says)}"]
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    """Text in which nothing is markup, unless all of it is a literal."""
    return text if text.startswith("``") else text.replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`")

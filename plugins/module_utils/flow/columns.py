# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of text as lines that read well in a terminal of 80 columns.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import textwrap

WIDTH = 80
# A text longer than this does not push the columns of the other rows to the right.
_WIDEST = 36
# With less room than this beside the other columns, the last one begins on a line of its own.
_ROOM = 30


def columns(rows: list[list[str]], *, indent: str = "", width: int = WIDTH) -> list[str]:
    """The rows with aligned columns and nothing behind ``width`` but words that are longer. Pure.

    Every row has as many texts, each a single line. Where a row is too long, its last text goes on below.
    """
    sizes = [
        max((len(text) for text in column if len(text) <= _WIDEST), default=0) for column in zip(*rows, strict=True)
    ]
    lines: list[str] = []
    for row in rows:
        padded = [text.ljust(size) for text, size in zip(row[:-1], sizes[:-1], strict=True)]
        head = indent + "".join(f"{text}  " for text in padded if text)
        if len(head + row[-1]) <= width:
            lines.append((head + row[-1]).rstrip())
        elif width - len(head) >= _ROOM:
            lines += _wrapped(row[-1], head, " " * len(head), width)
        else:
            lines += _wrapped("  ".join(filter(None, row[:-1])), indent, indent, width)
            lines += _wrapped(row[-1], f"{indent}  ", f"{indent}  ", width)
    return lines


def _wrapped(text: str, first: str, further: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from outside as a terminal, a log or a report may show it.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re

# What a terminal obeys or does not show: the control characters of ASCII and Latin 1 (escape sequences begin with one),
# separators of lines, marks and overrides of the direction of writing, the byte order mark, halves of a pair.
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LINES = re.compile(r"[\t\n]")
# What stands before the last @ of a URL's host: a user and a password, or a token alone.
_LOGIN = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://(?:[^\s/?#:@]*:)?)[^\s/?#]*@")
# The most characters of a message: one that lists a hundred objects has fewer.
MOST_MESSAGE = 30_000


def printable(text: str) -> str:
    r"""``text`` with everything that would not be seen written as in Python (``\x1b``); line breaks and tabs stay."""
    return _HIDDEN.sub(_escaped, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    r"""The same for a place that holds one line: a line break is ``\n``, so that no text can add lines of its own."""
    return _LINES.sub(_escaped, printable(text))


def without_password(text: str) -> str:
    """``text`` with ``***`` in the place of each password, or token without a user, that stands in a URL."""
    return _LOGIN.sub(r"\1***@", text)


def cut(text: str, most: int = MOST_MESSAGE) -> str:
    """A text of at most ``most`` characters, and how many there were more."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()

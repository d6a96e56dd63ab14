# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the collection's reader differs from sigs.k8s.io/yaml on purpose, each with its reason.

Apart from the limits of ``bounds``, which generated texts do not reach.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What sigs.k8s.io/yaml says of a text. ``strict``: only its strict reading refuses it."""

    value: Any = None
    error: str = ""
    strict: bool = False

    @staticmethod
    def of(line: dict[str, Any]) -> Answer:
        return Answer(line.get("value"), line.get("error", ""), line.get("strict", False))


@dataclass(frozen=True)
class Refused:
    """What is refused although the library reads it; ``part`` is how our message says it, as a pattern."""

    reason: str
    part: str

    def fits(self, text: str, problem: str, theirs: Answer) -> bool:
        return not theirs.error and bool(re.search(self.part, problem))


@dataclass(frozen=True)
class Taken:
    """What is read although the library refuses it.

    ``part`` is how its message says it, ``holds`` a pattern of the text.
    """

    reason: str
    part: str
    holds: str

    def fits(self, text: str, problem: str, theirs: Answer) -> bool:
        return not problem and self.part in theirs.error and bool(re.search(self.holds, text))


WANTED: tuple[Refused | Taken, ...] = (
    Refused(
        "a key given twice: one of the two values would be lost, and which is chance", "is given twice|a key is null"
    ),
    Refused("a key with a fraction: the library cuts it to 32 bits, so that 3.10 becomes 3.1", "a key is a number"),
    Refused("a tag that Kubernetes ignores: whoever wrote it expects something of it", "means nothing here"),
    Refused("!vault: the ciphertext would be stored", "is not decrypted"),
    Refused("!!binary that is no text: JSON cannot say it, and the library puts other characters", "Base64 of text"),
    Refused(
        "NaN, or too large a number, in a text that begins as JSON: it would become text", "a number cannot be read"
    ),
    Refused("a key that is no finite number: it would become text", "one without end"),
    Refused("what follows a flow in its line: the library drops it", "a key must be plain text"),
    Refused("a tag of characters that none may have", "did not find expected (whitespace|tag URI)"),
    Refused(
        "a colon at the end of plain text in a flow, which is mostly one that lacks its blank", "found unexpected ':'"
    ),
    Refused("a byte order mark within the text: an invisible part of a key", "byte order mark"),
    Refused(
        "what follows the first document, which the library does not look at", "a character that YAML does not allow"
    ),
    Refused("an escape that no version of YAML has", "unknown escape character"),
    Taken("JSON's escape of a slash, which YAML has since 1.2", "found unknown escape character", r"\\/"),
    Taken("a question mark within plain text in a flow, which YAML has since 1.2", "", r"(?s)[\[{].*\S\?"),
    Taken("line breaks of JSON where YAML wants none", "did not find expected ',' or", "[\r\x85\u2028]"),
)

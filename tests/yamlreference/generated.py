# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts to be read: some written by a grammar of YAML, some made of real manifests with a few things changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_SINGLE = """
    y Y n N yes No on off ON true False TRUE null Null ~ a b name v1 1.22.6 100m 1Gi 1e3Mi << = -
    12:30 2026-01-02 2026-01-02T03:04:05Z NaN Infinity -Infinity .inf -.INF +.inf .nan a#b é \u4e2d \U0001f680
    0 -0 007 08 0o17 0O7 0x10 0XfF 0b101 0b_ 0b 0x -0b11 0b-1 +5 1_000 _1 1__0_ 80.0 -1.0
    1e3 1E+3 1e-7 1e21 1e400 -1e9999 .5 5. +.5e1 .e1 1.5 3.10 0.1 1e-6 1e-5 1.0e+20 .7_8
    9223372036854775807 9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616
"""
_LONG = ("123456789012345678901234567890", "9" * 400, "7" * 5000, "0x" + "f" * 16, "0x" + "f" * 17, "0" + "7" * 30)
_WORDS = (*_SINGLE.split(), *_LONG, "", "a b", "a: b", "x" * 130)
_TAGS = (
    "!!str ",
    "!!int ",
    "!!float ",
    "!!bool ",
    "!!null ",
    "!!binary ",
    "! ",
    "!!map ",
    "!!seq ",
    "!own ",
    "!vault ",
    "!!set ",
)
_ESCAPES = (
    "\\n",
    "\\t",
    "\\x41",
    "\\u00e9",
    "\\U0001f680",
    "\\\\",
    '\\"',
    "\\/",
    "\\0",
    "\\e",
    "\\q",
    "\\'",
    "\\u12",
    "\\ud83d",
)
_SIGNS = ": - # &a *a ! !!str | > ' \" { } [ ] , % @ ` ? <<: \\ *b"
_PARTS = (": ", "- ", " #", "&a ", "? ", "!!str ", "<<: *a", "&a {b: 1}", "{{ x }}")
_BREAKS = ("%YAML 1.1\n---\n", "\n---\n", "\n...\n", "\n", "\r", "\r\n", "\u2028", "\x85")
_SPLICES = (*_SIGNS.split(), *_PARTS, *_BREAKS, "\t", " ", "  ", "\ufeff", "\x00", "\x07")
_NUMBER_SIGNS = "00112789_+-.eExXoObBaf"


class Dice(random.Random):
    """Chance that is the same in every run."""


class Texts:
    """The same texts for the same ``seed``."""

    def __init__(self, seed: int) -> None:
        self._dice = Dice(seed)
        self._pieces = pieces()

    def one(self) -> str:
        made = self._dice.choices((self._written, self._manifest, self._plain), (5, 4, 2))[0]
        text = made()
        return self._spliced(text) if self._happens(0.25) else text

    def _plain(self) -> str:
        """A scalar alone, as value or as key."""
        word = self._word()
        json = f'{{"a": {word}}}' if self._happens(0.9) else f'{{"a"\r: {word}}}'
        if self._happens(0.02):
            return f"{{}}{word}: a"
        return self._dice.choice((f"a: {word}", f"{word}: a", word, f"- {word}", f"{{a: {word}}}", json))

    def _word(self) -> str:
        if self._happens(0.35):
            return "".join(self._dice.choices(_NUMBER_SIGNS, k=self._dice.randint(1, 9)))
        return self._dice.choice(_WORDS)

    def _written(self) -> str:
        lines = self._block(0, 0)
        return "\n".join(lines) + self._dice.choice(("", "\n", "\n\n"))

    def _block(self, indent: int, depth: int) -> list[str]:
        """The lines of a mapping, a sequence or a scalar."""
        pad = " " * indent
        lines = []
        mapping = self._happens(0.65)
        for _number in range(self._dice.randint(1, 4)):
            start = f"{pad}{self._key()}:" if mapping else f"{pad}-"
            if depth < 3 and self._happens(0.4):
                inner = indent + self._dice.choice((1, 2, 4)) if not mapping or self._happens(0.8) else indent
                mark = self._dice.choice(("", "", "", " &a", " !!map", " &b"))
                lines += [f"{start}{mark}", *self._block(inner, depth + 1)]
            elif self._happens(0.1):
                header = self._dice.choice(("|", ">", "|-", ">+", "|2", "|1-"))
                lines += [f"{start} {header}", *(f"{pad}  {self._word()}" for _line in range(self._dice.randint(0, 3)))]
            else:
                comment = "  # text" if self._happens(0.05) else ""
                lines.append(f"{start} {self._flow(depth)}{comment}")
        return lines

    def _key(self) -> str:
        if self._happens(0.06):
            return "<<"
        if self._happens(0.6):
            return self._dice.choice(("a", "b", "c", "d", "e", "kind", "metadata", "spec"))
        return self._quoted() if self._happens(0.3) else self._word()

    def _flow(self, depth: int) -> str:
        mark = self._dice.choice(("&a ", "&b ", *_TAGS)) if self._happens(0.08) else ""
        return (
            mark
            + self._dice.choices((self._word, self._quoted, self._alias, lambda: self._flows(depth)), (6, 3, 1, 2))[0]()
        )

    def _alias(self) -> str:
        return self._dice.choice(("*a", "*b"))

    def _flows(self, depth: int) -> str:
        if depth > 4:
            return "[]"
        parts = [self._flow(depth + 1) for _number in range(self._dice.randint(0, 3))]
        if self._happens(0.5):
            return f"[{', '.join(parts)}]"
        colon = self._dice.choice((": ", ": ", ":"))
        return "{" + ", ".join(f"{self._key()}{colon}{part}" for part in parts) + "}"

    def _quoted(self) -> str:
        word = self._word()
        if self._happens(0.5):
            return "'" + word.replace("'", "''") + "'"
        return '"' + word + (self._dice.choice(_ESCAPES) if self._happens(0.3) else "") + '"'

    def _manifest(self) -> str:
        """Some lines of a real manifest, a few of their values replaced."""
        lines = self._dice.choice(self._pieces).split("\n")
        start = self._dice.randrange(len(lines)) if self._happens(0.3) else 0
        lines = lines[start : start + self._dice.randint(3, 40)]
        for _number in range(self._dice.randint(0, 3)):
            place = self._dice.randrange(len(lines))
            lines[place] = self._changed(lines[place])
        return "\n".join(lines)

    def _changed(self, line: str) -> str:
        key, colon, _value = line.partition(": ")
        changes: list[Callable[[], str]] = [
            lambda: f"{key}{colon}{self._flow(3)}",
            lambda: " " * self._dice.randint(0, 6) + line.lstrip(),
            lambda: f"{line}\n{line}",
            lambda: "",
            lambda: f"{' ' * (len(line) - len(line.lstrip()))}{self._key()}: {self._flow(2)}",
        ]
        return self._dice.choice(changes)()

    def _spliced(self, text: str) -> str:
        """Up to three places where something is put in, taken out or said twice."""
        for _number in range(self._dice.randint(1, 3)):
            place = self._dice.randint(0, len(text))
            length = self._dice.choice((0, 0, 1, 2, 8))
            put = self._dice.choice((*_SPLICES, text[place : place + 20]))
            text = text[:place] + put + text[place + length :]
        return text

    def _happens(self, chance: float) -> bool:
        return self._dice.random() < chance


def pieces() -> list[str]:
    """The documents of the files that the project's own examples and playbooks consist of."""
    files = sorted(file for folder in ("examples", "playbooks") for file in (_ROOT / folder).rglob("*.y*ml"))
    return [piece for file in files for piece in file.read_text(encoding="utf-8").split("\n---\n") if piece.strip()]

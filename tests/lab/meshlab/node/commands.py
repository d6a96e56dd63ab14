# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a container's command would do, told from its words. Nothing is executed."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_SHELLS = {"sh", "bash", "ash", "dash"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOOP = re.compile(r"\b(while|until)\s+(true|:|false|\[ 1 \]|sleep)")


@dataclass(frozen=True)
class Outcome:
    """Ends after ``seconds`` (None = never by itself) with exit code ``code``."""

    seconds: float | None
    code: int


def outcome(words: list[str], *, endless: bool) -> Outcome:
    """The outcome of a command. ``endless``: programs that are not known here run until they are stopped."""
    if not words:
        return Outcome(0.0, 0)  # a shell without a terminal reads the end of its input and leaves
    program, *arguments = words
    name = program.rpartition("/")[2]
    if name in _SHELLS:
        return _shell(arguments, endless)
    if name == "sleep":
        return _sleep(arguments)
    if name == "tail" and "-f" in arguments:
        return Outcome(None, 0)
    if name == "false":
        return Outcome(0.0, 1)
    if name in ("true", ":", "echo", "printf", "date", "cat", "env", "set", "export", "cd", "mkdir", "touch"):
        return Outcome(0.0, 0)
    return Outcome(None if endless else 0.0, 0)


def _shell(arguments: list[str], endless: bool) -> Outcome:
    script = next((one for one in arguments if not one.startswith("-")), "")
    if _LOOP.search(script):
        return Outcome(None, 0)
    try:
        commands = _commands(script)
    except ValueError:  # an open quotation
        return Outcome(0.0, 2)
    errexit = ["set", "-e"] in [words[:2] for _operator, words in commands] or any(
        re.fullmatch(r"-\w*e\w*", one) for one in arguments
    )
    seconds = 0.0
    code = 0
    for operator, words in commands:
        if (operator == "&&" and code) or (operator == "||" and not code):
            continue
        if words[0] == "exit":
            return Outcome(seconds, int(words[1]) % 256 if words[1:] else code)
        result = outcome(words[1:] if words[0] == "exec" else words, endless=endless)
        if result.seconds is None:
            return result
        seconds += result.seconds
        code = result.code
        if words[0] == "exec" or (code and errexit):
            break
    return Outcome(seconds, code)


def _commands(script: str) -> list[tuple[str, list[str]]]:
    """The simple commands of a script, each with the operator before it. ValueError for an open quotation."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=";&|\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    commands: list[tuple[str, list[str]]] = []
    operator, words = ";", []
    for token in [*lexer, ";"]:
        if token.strip(";&|\n"):
            words.append(token)
            continue
        if words:
            commands.append((operator, words))
        operator, words = token.strip("\n") or ";", []
    return commands


def _sleep(arguments: list[str]) -> Outcome:
    seconds = 0.0
    for one in arguments:
        if one in ("infinity", "inf"):
            return Outcome(None, 0)
        number, unit = (one[:-1], one[-1]) if one[-1:] in _UNITS else (one, "s")
        try:
            seconds += float(number) * _UNITS[unit]
        except ValueError:
            return Outcome(0.0, 1)
    return Outcome(seconds, 0)

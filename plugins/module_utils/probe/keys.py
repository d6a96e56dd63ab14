# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells answers apart: a header, a part of the body, the status, or whether they came fast.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import library
from ansible_collections.meshops.asm.plugins.module_utils.probe.http1 import Answer

#: The keys of ``by.slower_than``.
SLOWER, FASTER = "slower", "faster"


@dataclass(frozen=True)
class Key:
    """``of(answer, seconds)`` gives the key of an answer, or None when it has none."""

    kind: str
    text: str
    of: Callable[[Answer, float], str | None]

    @property
    def title(self) -> str:
        return self.kind if self.kind == "status" else f"{self.kind} {self.text}"


def make_key(options: dict[str, Any] | None) -> Key | None:
    """The key of the option ``by``: one of header, regex, jmespath, status, slower_than."""
    given = {name: value for name, value in (options or {}).items() if value is not None and value is not False}
    if not given:
        if options:
            raise InvalidInput("by needs one of header, regex, jmespath, status and slower_than.")
        return None
    if len(given) > 1:
        raise InvalidInput(f"by takes one of header, regex, jmespath, status and slower_than, not {', '.join(given)}.")
    ((kind, value),) = given.items()
    return Key(kind, str(value), _KINDS[kind](value))


def _by_header(name: Any) -> Callable[[Answer, float], str | None]:
    lower = str(name).lower()
    return lambda answer, _seconds: answer.headers.get(lower)


def _by_regex(expression: Any) -> Callable[[Answer, float], str | None]:
    try:
        pattern = re.compile(str(expression))
    except re.error as error:
        raise InvalidInput(f"by.regex is not a regular expression: {error}.") from error
    if pattern.groups > 1:
        raise InvalidInput(f"by.regex has {pattern.groups} groups. The key is its only group, or the whole match.")

    def key(answer: Answer, _seconds: float) -> str | None:
        found = pattern.search(answer.body.decode("utf-8", errors="replace"))
        return found[pattern.groups] if found else None

    return key


def _by_jmespath(expression: Any) -> Callable[[Answer, float], str | None]:
    jmespath = library("jmespath", "jmespath")
    try:
        compiled = jmespath.compile(str(expression))
    except jmespath.exceptions.JMESPathError as error:
        raise InvalidInput(f"by.jmespath is not valid JMESPath: {error}") from error

    def key(answer: Answer, _seconds: float) -> str | None:
        try:
            found = compiled.search(json.loads(answer.body))
        except (ValueError, jmespath.exceptions.JMESPathError):
            return None
        if found is None or isinstance(found, str):
            return found
        return json.dumps(found, sort_keys=True)

    return key


def _by_status(_value: Any) -> Callable[[Answer, float], str | None]:
    return lambda answer, _seconds: str(answer.status)


def _by_time(limit: Any) -> Callable[[Answer, float], str | None]:
    return lambda _answer, seconds: SLOWER if seconds > float(limit) else FASTER


_KINDS: dict[str, Callable[[Any], Callable[[Answer, float], str | None]]] = {
    "header": _by_header,
    "regex": _by_regex,
    "jmespath": _by_jmespath,
    "status": _by_status,
    "slower_than": _by_time,
}

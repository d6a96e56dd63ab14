# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one reader of every text that comes from outside as YAML or JSON: manifests, kubeconfigs.

Both mean the same as to kubectl and the API server, within the limits of ``bounds``.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import scalars, yamltext
from ansible_collections.meshops.asm.plugins.module_utils.kube.bounds import TextProblem, check_levels, check_size

_BYTE_ORDER_MARK = "\ufeff"
# Files that were joined: each document may begin with the mark of its own.
_LATER_MARK = re.compile(r"^(---[ \t]*(?:#.*)?\r?\n)\ufeff", re.MULTILINE)
_BLANKS = re.compile(r"[ \t\r\n]*")


class _NotJson(ValueError):
    """JSON in form, and something in it that the YAML reader has to name with its line."""


def load_all(text: str, file: str, *, keys: bool = True) -> Iterator[Any]:
    """The documents of a text; ``file`` is how messages call it. Raises ``InvalidInput`` with the line.

    Messages hold nothing of the text but the names of ``keys``, if wanted: what cannot be read may be a secret.
    """
    try:
        check_size(text)
        text.encode()
        text = text.removeprefix(_BYTE_ORDER_MARK)
        if _BYTE_ORDER_MARK in text:
            text = _LATER_MARK.sub(r"\1", text)
        if text.lstrip()[:1] in ("{", "["):
            try:
                values = _json(text)
            except (ValueError, RecursionError):
                yield from yamltext.load_all(text, like_json=True)
            else:
                check_levels(values, text)
                yield from values
        else:
            yield from yamltext.load_all(text)
    except TextProblem as problem:
        where = f"{file}, line {problem.line}" if problem.line else file
        why = f": {problem}" if keys else ""
        raise InvalidInput(f"{where}: this is not valid YAML or JSON{why}.") from None
    except UnicodeEncodeError:
        raise InvalidInput(f"{file}: this is not text in UTF-8.") from None


def load(text: str, file: str, *, keys: bool = True) -> Any:
    """The first document of a text, None for an empty one."""
    return next(load_all(text, file, keys=keys), None)


def _json(text: str) -> list[Any]:
    """The values of a text of JSON, which may follow each other with nothing but blanks between them."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_mapping, parse_int=_number, parse_float=_number, parse_constant=_number
    )
    values: list[Any] = []
    place = _after_blanks(text, 0)
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        if not isinstance(value, (dict, list)):
            raise _NotJson
        values.append(value)
        place = _after_blanks(text, place)
    if "\\ud" in text or "\\uD" in text:
        # Half a pair of UTF-16 is no character.
        json.dumps(values, ensure_ascii=False).encode()
    return values


def _after_blanks(text: str, place: int) -> int:
    blanks = _BLANKS.match(text, place)
    return blanks.end() if blanks else place


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _NotJson
    return made


def _number(text: str) -> Any:
    value = scalars.plain(text)
    if isinstance(value, str):
        raise _NotJson
    return value

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other spellings of a reply: the same values as text, as JSON text, as null, or left out."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

ABSENT = object()

Path = tuple[Any, ...]


def spellings(value: Any, *, commas: bool = False) -> list[Any]:
    """How a service may write the value as well; ``ABSENT`` for leaving it out. ``commas``: of a list as one text."""
    if isinstance(value, bool):
        return [str(value).lower(), str(value), int(value), *(() if value else ("", None, ABSENT))]
    if isinstance(value, (int, float)):
        return [str(value), float(value), *(() if value else ("", None, ABSENT))]
    if isinstance(value, str):
        numbers = [int(value)] if value.isdigit() and str(int(value)) == value else []
        parts = [value.split(","), json.dumps(value.split(","))] if commas and value else []
        return [*numbers, *parts, *(() if value else (None, ABSENT))]
    if isinstance(value, list):
        text = json.dumps(value)
        plain = all(isinstance(item, str) and not {*"[{,"} & {*item} for item in value)
        joined = [",".join(value)] if value and plain else []
        pairs = [{item["from"]: item["to"] for item in value}] if value and _pairs(value) else []
        return [text, [text], *joined, *pairs, *(() if value else ("", None, ABSENT, "null", [""], [None]))]
    if isinstance(value, dict):
        return [json.dumps(value), *(() if value else ("", None, ABSENT, "null"))]
    return []


def _pairs(value: list[Any]) -> bool:
    return all(isinstance(item, dict) and set(item) == {"from", "to"} for item in value)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a value, what holds others after them."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from paths(part, (*path, key))
    if path:
        yield path


def respelled(reply: Any, choose: Callable[[Path, int], int | None], commas: frozenset[Path] = frozenset()) -> Any:
    """The reply, in which ``choose(path, number of spellings)`` picks one for each place, or None to leave it."""
    found = copy.deepcopy(reply)
    for path in paths(reply):
        *above, last = path
        place = found
        for key in above:
            place = place[key]
        options = spellings(place[last], commas=path in commas)
        chosen = choose(path, len(options)) if options else None
        if chosen is None:
            continue
        if options[chosen] is not ABSENT:
            place[last] = options[chosen]
        elif isinstance(place, dict):
            del place[last]
    return found

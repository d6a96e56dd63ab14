# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value of a reply as what it means, in whichever spelling it comes. Pure.

The documents and samples of the service contradict each other: numbers and booleans are text at times, structures are
JSON text, the ids of a list are one JSON text within a list, and what is empty is null, empty text or not there.

Each function gives the value in its type, and None for what is no value of it in any spelling.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.jsontext import parsed

# More digits than that are no number that a service counts.
_MOST = 10**18
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}(\.0{0,18})?\Z")
_DECIMAL = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][-+]?[0-9]{1,2})?\Z")
_WORDS = {"true": True, "1": True, "false": False, "0": False, "": False}


def text(value: Any) -> str | None:
    """A text; of a number and a boolean the JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _MOST else None
    return "" if value is None else value if isinstance(value, str) else None


def json_text(value: Any) -> str | None:
    """A text that is JSON, also where the structure itself stands in its place."""
    return json.dumps(value) if isinstance(value, (dict, list)) else text(value)


def whole(value: Any) -> int | None:
    """A whole number of at most 18 digits; 0 for nothing."""
    if isinstance(value, str):
        bare = value.strip()
        if bare and not _WHOLE.match(bare):
            return None
        value = int(bare.partition(".")[0]) if bare else 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        return 0
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST else None


def decimal(value: Any) -> int | float | None:
    """A finite number; 0 for nothing."""
    if isinstance(value, str):
        bare = value.strip()
        if bare and not _DECIMAL.match(bare):
            return None
        value = float(bare) if bare else 0.0
    if value is None:
        return 0.0
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) and abs(value) < 1e300 else None


def boolean(value: Any) -> bool | None:
    """A boolean; false for nothing."""
    if value is None or isinstance(value, bool):
        return bool(value)
    found = text(value)
    return None if found is None else _WORDS.get(found.strip().lower().removesuffix(".0"))


def listed(value: Any) -> list[Any] | None:
    """A list; one that is JSON text or text with commas, and one in which such a JSON text stands for its items.

    One that holds nothing but one empty item is what becomes of an empty text that is split at commas.
    """
    if _is_nothing(value):
        return []
    if isinstance(value, str):
        inner = _inner(value, "[")
        if inner is None and value.strip()[:1] not in ("[", "{"):
            return [part.strip() for part in value.split(",") if part.strip()]
        value = inner
    if not isinstance(value, list):
        return None
    found: list[Any] = []
    for item in value:
        inner = _inner(item, "[")
        found += [item] if inner is None else inner
    return [] if len(found) == 1 and _is_nothing(found[0]) else found


def texts(value: Any) -> list[str] | None:
    """A list of texts."""
    items = listed(value)
    found = [one for one in map(text, items or []) if one is not None]
    return None if items is None or len(found) < len(items) else found


def mapping(value: Any) -> dict[str, Any] | None:
    """A mapping, also as JSON text; an empty one for nothing."""
    if _is_nothing(value):
        return {}
    if isinstance(value, str):
        value = _inner(value, "{")
    return value if isinstance(value, dict) else None


def _is_nothing(value: Any) -> bool:
    """Whether there is no list and no mapping; what makes JSON of one that is not there writes null."""
    return value is None or (isinstance(value, str) and value.strip() in ("", "null"))


def _inner(value: Any, begin: str) -> Any:
    """What a text is as JSON that begins with this sign; None for anything else."""
    if not isinstance(value, str) or not value.lstrip().startswith(begin):
        return None
    try:
        return parsed(value.strip().encode("utf-8", "replace"))
    except ValueError:
        return None

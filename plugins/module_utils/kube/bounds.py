# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of everything that is read: size, depth, number of values, what aliases repeat.

Far above any set of manifests, and low enough for a refusal to come within seconds and a few hundred MiB.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

#: Characters of one text. The API server takes 3 MiB a request, etcd 1.5 MiB an object.
MOST_TEXT = 16 * 2**20
#: Values (scalars, sequences and mappings) of one text.
MOST_VALUES = 2_000_000
#: Sequences and mappings within each other. The deepest definitions of kinds have about 50.
MOST_LEVELS = 100
#: Characters and values that the aliases of one document may repeat.
MOST_REPEATED = 2**20

_HOLDERS = (dict, list)


class TextProblem(Exception):
    """What cannot be read, and why; never any of its values. ``line`` counts from 1, 0 where there are no lines."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def check_size(text: str) -> None:
    if len(text) > MOST_TEXT:
        raise TextProblem(f"it is longer than {MOST_TEXT >> 20} MiB, split it")


def too_deep(line: int = 0) -> TextProblem:
    return TextProblem(f"it has more than {MOST_LEVELS} levels within each other", line)


def too_many(line: int = 0) -> TextProblem:
    return TextProblem(f"it has more than {MOST_VALUES:,} values, split it", line)


def check_levels(value: Any, text: str) -> None:
    """Whether what was read of JSON keeps the limits; its text tells the number of values, no deeper look is needed."""
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise too_many()
    level = [value]
    for _depth in range(MOST_LEVELS):
        level = [
            part for one in level for part in (one.values() if isinstance(one, dict) else one) if type(part) in _HOLDERS
        ]
        if not level:
            return
    raise too_deep()


def check_value(value: Any) -> None:
    """Whether a value that is there already keeps the limits; one that holds itself has levels without end."""
    level, values, characters = [value], 1, 0
    for _depth in range(MOST_LEVELS + 1):
        characters += sum(len(one) for one in level if isinstance(one, str))
        holders = [one for one in level if isinstance(one, (Mapping, list, tuple))]
        values += sum(map(len, holders))
        if values > MOST_VALUES:
            raise too_many()
        if characters > MOST_TEXT:
            raise TextProblem(f"its texts are longer than {MOST_TEXT >> 20} MiB, split it")
        if not holders:
            return
        level = [part for one in holders for part in (one.values() if isinstance(one, Mapping) else one)]
    raise too_deep()


def plain(value: Any) -> Any:
    """A value that Ansible has made, in JSON's types; within the limits. Raises ``TextProblem`` with the path.

    Ansible's reader makes dates of what is text to Kubernetes, and its values may be those of a vault.
    """
    check_value(value)
    return _plain(value, "")


def _plain(value: Any, path: str) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return _whole(value, path)
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, float):
        return _number(value, path)
    if isinstance(value, Mapping):
        made: dict[str, Any] = {}
        for key, item in value.items():
            name = _key(key, path)
            if name in made:
                raise TextProblem(f"the key '{name}' is given twice in {path or 'it'}")
            made[name] = _plain(item, f"{path}.{name}" if path else name)
        return made
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{path}[{number}]") for number, item in enumerate(value)]
    # A value of a vault, whichever its class, is decrypted when it is made text.
    if isinstance(value, (datetime.date, bytes)) or hasattr(value, "_ciphertext"):
        return _text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value), path)
    raise TextProblem(f"{path or 'it'} is of the type {type(value).__name__}, which Kubernetes does not know")


def _whole(value: Any, path: str) -> Any:
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise TextProblem(f"the number {path} has more than 64 bits, quote it".replace("  ", " "))
    return value


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TextProblem(f"{path or 'it'} is not text in UTF-8") from None
    return value


def _number(value: float, path: str) -> int | float:
    if not math.isfinite(value):
        raise TextProblem(f"{path or 'it'} is no finite number, which Kubernetes does not know")
    return whole(value)


def _key(key: Any, path: str) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, (str, int)):
        return _text(str(key), path)
    raise TextProblem(f"a key in {path or 'it'} is of the type {type(key).__name__}, quote it")


def whole(number: float) -> int | float:
    """A number without fraction is an integer in Kubernetes' JSON: ``80.0`` is the port 80."""
    return int(number) if number.is_integer() and abs(number) < 2.0**63 else number

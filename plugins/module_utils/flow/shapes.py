# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a value from outside has to look like, so that those who read it need not look at types. Pure.

A shape is a scalar of this file, ``[shape]`` for a list, or ``{key: shape}`` for a mapping, with ``...`` for any other
key; keys that a shape does not name stay as they are.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Union

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

_LONGEST_NAME = 63


@dataclass(frozen=True)
class Scalar:
    """``name`` is what messages call it; ``convert`` gives the value, or None for another type."""

    name: str
    convert: Callable[[Any], Any]


Shape = Union[Scalar, "list[Shape]", "dict[str | EllipsisType, Shape]"]


@dataclass(frozen=True, order=True)
class Odd:
    """A part of another type than its shape, by its path."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place or 'What is given'} {self.message}"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | float | None:
    """A number of at most 64 bits."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and _number(value) is not None else None


def _word(value: Any) -> str | None:
    """A name, as Ansible takes one."""
    return _text(value if _number(value) is None else str(value))


def _count(value: Any) -> int | None:
    """A whole number, also as a template gives it."""
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10
    return int(value) if is_number else _whole(value)


TEXT = Scalar("text", _text)
NUMBER = Scalar("a whole number", _whole)
DECIMAL = Scalar("a number", _number)
WORD = Scalar("a name", _word)
COUNT = Scalar("a whole number", _count)


def fit(value: Any, shape: Shape, place: str = "") -> tuple[Any, list[Odd]]:
    """``value`` as its shape says, without the parts that do not fit; and those, in order.

    What is null or not there is missing in a mapping, and empty as a whole. Of a list, mappings keep their positions.
    What fits already is given back as it is.
    """
    odd: list[Odd] = []
    return (value if _fits(value, shape) else _fitted(value, shape, place, odd)), odd


def _fits(value: Any, shape: Shape) -> bool:
    """Whether nothing has to change; nearly always so, and much quicker than making it anew."""
    if isinstance(shape, Scalar):
        return value is not None and shape.convert(value) is value
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    if not isinstance(value, dict):
        return False
    if ... in shape:
        return all(isinstance(key, str) and _fits(item, shape.get(key) or shape[...]) for key, item in value.items())
    return all(_fits(value[key], inner) for key, inner in shape.items() if key in value)


def of_options(options: Mapping[str, Any]) -> dict[str | EllipsisType, Shape]:
    """The shape of parameters by their argument spec, as far as Ansible's own validation takes it for granted.

    It stops at a list where an option with options of its own should be.
    """
    shape: dict[str | EllipsisType, Shape] = {}
    for name, option in options.items():
        if "options" in option:
            inner = of_options(option["options"])
            shape[name] = [inner] if option["type"] == "list" else inner
    return shape


def require(value: Any, shape: Shape, place: str = "") -> Any:
    """``value`` as its shape says. Raises ``InvalidInput`` that names every part of another type."""
    found, odd = fit(value, shape, place)
    if odd:
        raise InvalidInput(" ".join(f"{one}." for one in odd))
    return found


def _fitted(value: Any, shape: Shape, place: str, odd: list[Odd]) -> Any:
    if isinstance(shape, Scalar):
        found = shape.convert(value)
        if found is None and value is not None:
            odd.append(_wrong(place, shape.name, value))
        return found
    if isinstance(shape, list):
        return _fitted_list(value, shape[0], place, odd)
    return _fitted_mapping(value, shape, place, odd)


def _fitted_list(value: Any, inner: Shape, place: str, odd: list[Odd]) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        if value is not None:
            odd.append(_wrong(place, "a list", value))
        return []
    found = []
    for number, item in enumerate(value):
        where = f"{place}[{number}]"
        fitted = _fitted(item, inner, where, odd)
        if item is None:
            odd.append(_wrong(where, _name(inner), None))
        if fitted is not None:
            found.append(fitted)
    return found


def _fitted_mapping(value: Any, shape: dict[str | EllipsisType, Shape], place: str, odd: list[Odd]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        if value is not None:
            odd.append(_wrong(place, "a mapping", value))
        return {}
    found: dict[str, Any] = {}
    for key, item in value.items():
        inner = shape.get(key) if isinstance(key, str) and key in shape else shape.get(...)
        if inner is not None:
            # What does not fit is not there.
            item, before = _fitted(item, inner, f"{place}.{key}" if place else str(key), odd), item
            if item is None or (not item and not isinstance(before, type(item))):
                continue
        found[str(key)] = item
    return found


def _name(shape: Shape) -> str:
    if isinstance(shape, Scalar):
        return shape.name
    return "a list" if isinstance(shape, list) else "a mapping"


def _wrong(place: str, name: str, value: Any) -> Odd:
    return Odd(place, f"must be {name}, it is {type_name(value)}")


def named(items: Any) -> Any:
    """A list whose plain names have become mappings with that name; anything else as it is.

    What cannot be a name (of a cluster: 63 characters) is left alone: it may be a secret, and names are repeated.
    """
    if not isinstance(items, (list, tuple)):
        return items
    return [{"name": str(item)} if _is_name(_word(item) or "") else item for item in items]


def _is_name(word: str) -> bool:
    return 0 < len(word) <= _LONGEST_NAME and word.isprintable() and " " not in word


def type_name(value: Any) -> str:
    """The type of a value as users of YAML call it."""
    if value is None:
        return "null"
    if isinstance(value, (bool, int, float)):
        return "a boolean" if isinstance(value, bool) else "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (Mapping, list, tuple)):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    return f"of the type {type(value).__name__}"

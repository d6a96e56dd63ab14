# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects made up from the schema of a kind, and small changes to them; the same for the same seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]

_WORDS = ("alpha", "beta", "reviews", "v1", "v2", "*", "a.example", "prod", "http", "80")
_FORMATS = {"duration": "5s", "date-time": "2026-01-02T03:04:05Z", "byte": "aGk="}


def value_of(schema: Json, chance: random.Random, depth: int = 0) -> Any:
    """A value that fits the types of an OpenAPI v3 schema; its CEL rules may still refuse it."""
    if schema.get("x-kubernetes-int-or-string"):
        return chance.choice([80, "80"])
    if schema.get("enum"):
        return chance.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, chance, depth)
    if kind == "array":
        return _array(schema, chance, depth)
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "integer":
        return chance.choice([1, 2, 50, 80, 443])
    if kind == "number":
        return chance.choice([1, 0.5, 50.0, 99.9])
    if kind == "string":
        if any("duration" in rule.get("rule", "") for rule in schema.get("x-kubernetes-validations") or []):
            return chance.choice(["5s", "1m", "100ms"])
        return _FORMATS.get(schema.get("format", ""), chance.choice(_WORDS))
    return {"free": [1, {"b": chance.random() < 0.5}], "deep": {"x": chance.choice(_WORDS), "empty": {}}}


def _object(schema: Json, chance: random.Random, depth: int) -> Json:
    if isinstance(schema.get("additionalProperties"), dict):
        names = chance.sample(["app", "version", "tier.example/x"], chance.randint(1, 2))
        return {name: value_of(schema["additionalProperties"], chance, depth + 1) for name in names}
    if schema.get("x-kubernetes-preserve-unknown-fields") and not schema.get("properties"):
        return dict(value_of({}, chance, depth))
    required = set(schema.get("required") or [])
    likely = 0.75 if depth < 1 else 0.45 / depth
    return {
        name: value_of(part, chance, depth + 1)
        for name, part in (schema.get("properties") or {}).items()
        if name in required or chance.random() < likely
    }


def _array(schema: Json, chance: random.Random, depth: int) -> list[Any]:
    items = [value_of(schema["items"], chance, depth + 1) for _unused in range(chance.randint(1, 3))]
    keys = schema.get("x-kubernetes-list-map-keys") or []
    for number, item in enumerate(items):
        for key in keys:
            integer = schema["items"]["properties"][key].get("type") == "integer"
            item[key] = 8000 + number if integer else f"key-{number}"
    return items


def changes_of(body: Json, chance: random.Random) -> Iterator[tuple[str, Json]]:
    """Named variations of an object: some mean the same to the server, most do not."""
    yield "as it was", copy.deepcopy(body)
    for name, change in _CHANGES.items():
        other = copy.deepcopy(body)
        places = [place for place in _places(other) if change(place, chance, try_only=True)]
        if places:
            change(chance.choice(places), chance)
            yield name, other


class _Place:
    """One value within an object, and the container that holds it."""

    def __init__(self, holder: Any, key: Any) -> None:
        self.holder, self.key = holder, key

    @property
    def value(self) -> Any:
        return self.holder[self.key]


def _places(body: Json) -> list[_Place]:
    found: list[_Place] = []

    def walk(holder: Any) -> None:
        pairs = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in pairs:
            found.append(_Place(holder, key))
            if isinstance(value, (dict, list)):
                walk(value)

    for part in ("spec", "metadata"):
        for key, value in body.get(part, {}).items():
            if key not in ("name", "namespace"):
                found.append(_Place(body[part], key))
                if isinstance(value, (dict, list)):
                    walk(value)
    return found


def _remove(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    if try_only:
        return True
    del place.holder[place.key]
    return True


def _alter(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    value = place.value
    if isinstance(value, (dict, list)) or value is None:
        return False
    if not try_only:
        place.holder[place.key] = (
            (not value) if isinstance(value, bool) else (f"{value}x" if isinstance(value, str) else value + 1)
        )
    return True


def _reverse(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    if not isinstance(place.value, list) or len(place.value) < 2:
        return False
    if not try_only:
        place.value.reverse()
    return True


def _append(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    if not isinstance(place.value, list) or not place.value:
        return False
    if not try_only:
        place.value.append(copy.deepcopy(place.value[0]))
    return True


def _empty(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    if not isinstance(place.value, (dict, list)) or not place.value:
        return False
    if not try_only:
        place.value.clear()
    return True


def _null(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    if not try_only:
        place.holder[place.key] = None
    return True


def _respell(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    value = place.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if not try_only:
        place.holder[place.key] = float(value) if isinstance(value, int) else int(value)
    return True


def _retype(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    value = place.value
    if isinstance(value, (dict, list)) or value is None:
        return False
    if not try_only:
        place.holder[place.key] = str(value) if not isinstance(value, str) else 80
    return True


def _label(place: _Place, chance: random.Random, try_only: bool = False) -> bool:
    if place.key != "labels" or not isinstance(place.value, dict):
        return False
    if not try_only:
        place.value[f"new-{chance.randint(1, 9)}"] = "x"
    return True


_CHANGES: dict[str, Callable[..., bool]] = {
    "a value removed": _remove,
    "another value removed": _remove,
    "a value altered": _alter,
    "another value altered": _alter,
    "a list reversed": _reverse,
    "an element repeated": _append,
    "a container emptied": _empty,
    "a null": _null,
    "a number respelled": _respell,
    "a type changed": _retype,
    "a label added": _label,
}

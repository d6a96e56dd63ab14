# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Would a server-side apply change this object? Decided here, without a request, and never wrongly "no".

The server records for each field manager which fields it applied (``metadata.managedFields``). An apply changes
nothing when the fields that we would apply are exactly those on record, and the object holds our value in each. The
record also tells, where we own something, how the server sees a list:

- ``f:name`` is a field. With nothing below it, it is a scalar, an atomic list or map, or an empty one: compared whole.
- ``k:{...}`` is an element of a list that is merged by these keys: elements are matched by key, in our order.
- ``v:...`` is an element of a set.

Some differences are only in spelling, and only the server knows all of them. Equal are here: numbers of equal value;
in the server's own kinds quantities of one family (``0.5`` and ``500m``), the protocol that a port's key gets when it
names none, and the version that a field reference gets. Whatever else differs inside an atomic value, or in the
server's own kinds, is ``UNSURE``: a dry run decides.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.quantities import same_stored
from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import MANAGER

SAME, DIFFERENT, UNSURE = "same", "different", "unsure"

# Keys of merged lists that the server fills in before it matches elements (core/v1 ports of containers and services).
KEY_DEFAULTS = {"protocol": "TCP"}
# Fields that the server fills in within atomic values (core/v1 EnvVarSource).
_ATOMIC_DEFAULTS = {"fieldRef": {"apiVersion": "v1"}, "resourceFieldRef": {"divisor": "0"}}
_QUANTITY_MAPS = frozenset({"limits", "requests", "hard", "capacity"})

Json = dict[str, Any]
_ABSENT = object()


def verdict(want: Json, have: Json, *, builtin: bool) -> str:
    """``SAME``, ``DIFFERENT`` or ``UNSURE`` for the object ``want`` as we would apply it and ``have`` as it is stored.

    ``builtin`` says that the server itself defines the kind and so may store a value in another spelling.
    """
    if want["apiVersion"] != have.get("apiVersion", want["apiVersion"]):
        return DIFFERENT
    wanted = _owned_part(want)
    entries = [entry for entry in have["metadata"].get("managedFields") or [] if _is_ours(entry)]
    if not entries:
        # The server keeps no record for an object that was applied without any field of its own.
        return DIFFERENT if wanted else SAME
    if len(entries) > 1:
        return UNSURE
    if entries[0].get("apiVersion") != want["apiVersion"]:
        return DIFFERENT
    return _Comparison(builtin).maps(wanted, have, entries[0].get("fieldsV1") or {})


def owns_label(have: Json, label: str) -> bool:
    """Whether our manager has applied this label to the object."""
    for entry in have["metadata"].get("managedFields") or []:
        if _is_ours(entry):
            labels = (entry.get("fieldsV1") or {}).get("f:metadata", {}).get("f:labels", {})
            if f"f:{label}" in labels:
                return True
    return False


def same_content(one: Json, other: Json) -> bool:
    """Whether two states of an object are one to us: what others say of it (status, their records) is no content."""
    return _essence(one) == _essence(other)


class _Comparison:
    """Walks desired object, stored object and record side by side."""

    def __init__(self, builtin: bool) -> None:
        self.builtin = builtin

    def maps(self, want: Json, have: Json, owned: Json, *, quantities: bool = False) -> str:
        names = {name[2:] for name in owned if name.startswith("f:")}
        if names != want.keys():
            return DIFFERENT
        worst = SAME
        for name, value in want.items():
            below = owned[f"f:{name}"]
            found = self.values(name, value, have.get(name, _ABSENT), below, quantities=quantities)
            if found == DIFFERENT:
                return DIFFERENT
            worst = UNSURE if found == UNSURE else worst
        return worst

    def values(self, name: str, want: Any, have: Any, owned: Json, *, quantities: bool) -> str:
        below = [key for key in owned if key != "."]
        if not below:
            return self._leaf(name, want, have, quantities)
        if isinstance(want, dict) and isinstance(have, dict):
            return self.maps(want, have, owned, quantities=self.builtin and name in _QUANTITY_MAPS)
        if isinstance(want, list) and isinstance(have, list):
            if all(key.startswith("k:") for key in below):
                return self._keyed(want, have, {key: owned[key] for key in below})
            if all(key.startswith("v:") for key in below):
                return self._set(want, have, {json.dumps(json.loads(key[2:])) for key in below})
        return UNSURE

    def _leaf(self, name: str, want: Any, have: Any, quantities: bool) -> str:
        if have is not _ABSENT and equal(want, have):
            return SAME
        if quantities and same_stored(want, have):
            return SAME
        if isinstance(want, dict) and isinstance(have, dict) and self.builtin and name in _ATOMIC_DEFAULTS:
            return SAME if equal({**_ATOMIC_DEFAULTS[name], **want}, have) else UNSURE
        plain = not isinstance(want, (dict, list)) and want is not None
        return DIFFERENT if plain and not self.builtin else UNSURE

    def _keyed(self, want: list[Any], have: list[Any], owned: Json) -> str:
        """A list that is merged by keys: same elements on record, each equal, in our order."""
        records = {key: json.loads(key[2:]) for key in owned}
        fields = sorted(next(iter(records.values())))
        if any(sorted(record) != fields for record in records.values()):
            return UNSURE
        by_key = {_key_of(record, fields): owned[key] for key, record in records.items()}
        stored = {_key_of(item, fields): (place, item) for place, item in enumerate(have) if isinstance(item, dict)}
        if not all(isinstance(item, dict) for item in want):
            return UNSURE
        keys = [_key_of(item, fields) for item in want]
        if len(set(keys)) != len(keys) or set(keys) != set(by_key):
            # A key that the server completes in a way that is not known here looks like another element.
            complete = all(field in item for item in want for field in fields)
            return DIFFERENT if complete and not self.builtin else UNSURE
        if not set(keys) <= set(stored):
            return UNSURE
        places = [stored[key][0] for key in keys]
        if places != sorted(places):
            return UNSURE
        found = [self._element(item, stored[key][1], by_key[key]) for key, item in zip(keys, want, strict=True)]
        return DIFFERENT if DIFFERENT in found else UNSURE if UNSURE in found else SAME

    def _element(self, want: Json, have: Json, owned: Json) -> str:
        if not [key for key in owned if key != "."]:
            return SAME if equal(want, have) else UNSURE
        return self.maps(want, have, owned)

    def _set(self, want: list[Any], have: list[Any], owned: set[str]) -> str:
        ours = [json.dumps(item) for item in want]
        stored = [json.dumps(item) for item in have]
        if set(ours) != owned or len(set(ours)) != len(ours):
            return DIFFERENT if not self.builtin else UNSURE
        return SAME if [item for item in stored if item in owned] == ours else UNSURE


def _owned_part(want: Json) -> Json:
    """What an apply of ``want`` lays claim to: everything but its identity."""
    metadata = {key: value for key, value in want["metadata"].items() if key not in ("name", "namespace")}
    rest = {key: value for key, value in want.items() if key not in ("apiVersion", "kind", "metadata")}
    return {**rest, "metadata": metadata} if metadata else rest


def _is_ours(entry: Json) -> bool:
    return entry.get("manager") == MANAGER and entry.get("operation") == "Apply" and not entry.get("subresource")


def equal(one: Any, other: Any) -> bool:
    """JSON equality: ``1`` and ``1.0`` are one number, ``1`` and ``true`` are not."""
    if one != other:
        return False
    if not isinstance(one, (dict, list)):
        return isinstance(one, bool) is isinstance(other, bool)
    # Python takes true for 1 at any depth. The same text settles nearly all cases, and much faster than looking at all.
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True) or _alike(one, other)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return all(_alike(left, right) for left, right in zip(one, other, strict=True))
    return isinstance(one, bool) is isinstance(other, bool)


def _key_of(item: Json, fields: list[str]) -> str:
    return json.dumps([item.get(field, KEY_DEFAULTS.get(field)) for field in fields])


def _essence(item: Json) -> Json:
    metadata = {
        key: value
        for key, value in item["metadata"].items()
        if key not in ("resourceVersion", "generation", "managedFields") and value not in ({}, None)
    }
    entries = [entry for entry in item["metadata"].get("managedFields") or [] if _is_ours(entry)]
    fields = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    content = {key: value for key, value in item.items() if key != "status"}
    return {**content, "metadata": metadata, "managedFields": fields}

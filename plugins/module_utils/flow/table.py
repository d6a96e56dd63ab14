# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources with many attributes as a table: one row is one option, from which everything else is derived.

The argument spec, the comparison, the requests of each kind and the view of an existing object come from the same
rows; none of the functions here sends anything.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, Immutable, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.quantities import same_amount
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import without_password

# The kinds of rows, by the type that the option has: Ansible type, value of a field that the service leaves out, and
# how a value that it shows is read.
_TYPES: dict[str, tuple[str, Any, Callable[[Any], Any]]] = {
    "bool": ("bool", False, decoding.boolean),
    "int": ("int", 0, decoding.whole),
    "float": ("float", 0.0, decoding.decimal),
    "str": ("str", "", decoding.text),
    "url": ("str", "", decoding.text),
    "quantity": ("str", "", decoding.text),
    "csv": ("list", [], decoding.texts),
    "list": ("list", [], decoding.texts),
    "json": ("dict", {}, decoding.mapping),
    "objects": ("list", [], decoding.listed),
}


@dataclass(frozen=True)
class Attribute:
    """One row: a dotted ``option`` and what it is called in the API.

    ``type`` is one of ``_TYPES`` (``csv``: a list that travels as one comma-separated string; ``list``, ``json`` and
    ``objects``, which is a list of mappings: JSON text; ``quantity``: a Kubernetes quantity, so that ``1`` equals
    ``1000m``; ``url``: text in which a password may stand, that is not shown). ``create`` is the parameter of the
    create action, ``change`` is ``Action.Parameter``, ``read`` the dotted path in the object that the service
    describes. Without ``change`` a difference is refused, with ``advice``; without ``read`` the service does not show
    the value: it is sent at creation and never compared (see ``unseen_changes``). ``decode`` turns what is read into
    the option's form where the two differ by more than their type, ``same`` says whether what is wanted is what is
    there where that is more than to be equal, ``check`` what is wrong with a value that is wanted.
    """

    option: str
    type: str
    create: str | None = None
    change: str | None = None
    read: str | None = None
    choices: tuple[str, ...] = ()
    no_log: bool = False
    advice: str = ""
    decode: Callable[[Any], Any] | None = None
    same: Callable[[Any, Any], bool] | None = None
    check: Callable[[Any], str] | None = None

    def desired(self, params: dict[str, Any]) -> Any:
        """The value in the module's options; ``None`` means unset: leave the remote value alone."""
        return dig(params, self.option)

    def empty(self) -> Any:
        """What a field stands for that the service leaves out; a new object each time."""
        return copy.copy(_TYPES[self.type][1])

    def current(self, described: dict[str, Any]) -> Any:
        """The remote value in the option's own type."""
        if self.read is None:
            return None
        # What is no mapping at all is told with the place of the value.
        value = shown(described, self.read, ...)
        if self.decode is None and value is None:
            return self.empty()
        try:
            found = _TYPES[self.type][2](value if self.decode is None else self.decode(value))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            found = None
        if found is None:
            raise AsmError(
                f"The service's description is not what it documents: {self.read} is no value of the option "
                f"{self.option} (type {self.type}).",
                code="UnexpectedReply",
            )
        return found

    def encode(self, value: Any) -> Any:
        """The value as the API's parameter."""
        if self.type == "csv":
            return ",".join(str(item) for item in value)
        if self.type in ("list", "json", "objects"):
            return json.dumps(value, sort_keys=True)
        return value

    def shown(self, value: Any) -> Any:
        """The value as results and messages have it."""
        return without_password(value) if self.type == "url" else value

    def looks_like(self, desired: Any, current: Any) -> bool:
        """Whether two values are alike as they are shown: of a URL only the password may be another one."""
        return bool(self.shown(desired) == self.shown(current))

    def differs(self, desired: Any, current: Any) -> bool:
        if self.same is not None:
            return not self.same(desired, current)
        if self.type == "quantity":
            return not same_amount(str(desired).strip(), str(current).strip())
        if self.type in ("csv", "list"):
            return sorted(map(str, desired)) != sorted(map(str, current))
        if self.type == "float":
            return float(desired) != float(current)
        return bool(desired != current)


@dataclass
class Changes:
    """``{action: {parameter: value}}`` in the order of the table, and the options that they stand for."""

    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.calls)

    def add(self, others: Changes) -> None:
        """Puts the parameters of other changes into the same calls."""
        for action, parameters in others.calls.items():
            self.calls.setdefault(action, {}).update(parameters)
        self.options.update(others.options)


def argument_spec(rows: Iterable[Attribute]) -> dict[str, Any]:
    """Ansible's argument spec; dotted options become nested ``dict`` options."""
    spec: dict[str, Any] = {}
    for row in rows:
        *groups, leaf = row.option.split(".")
        level = spec
        for group in groups:
            level = level.setdefault(group, {"type": "dict", "options": {}})["options"]
        ansible_type = _TYPES[row.type][0]
        level[leaf] = {"type": ansible_type, "no_log": row.no_log}
        if ansible_type == "list":
            level[leaf]["elements"] = "dict" if row.type == "objects" else "str"
        if row.choices:
            level[leaf]["choices"] = list(row.choices)
    return spec


def refuse_wrong(rows: Iterable[Attribute], params: dict[str, Any]) -> None:
    """Raises ``InvalidInput`` that names every set option whose value cannot be. An empty one takes a setting away."""
    wrong = []
    for row in rows:
        desired = row.desired(params)
        problem = row.check(desired) if row.check and desired not in (None, "", [], {}) else ""
        if problem:
            wrong.append(f"{row.option}: {problem}.")
    if wrong:
        raise InvalidInput(f"{' '.join(wrong)} Nothing was changed.")


def create_parameters(rows: Iterable[Attribute], params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of the create action for the options that are set."""
    return {
        row.create: row.encode(row.desired(params)) for row in rows if row.create and row.desired(params) is not None
    }


def changes_between(rows: Iterable[Attribute], params: dict[str, Any], described: dict[str, Any], what: str) -> Changes:
    """What has to be sent so that ``described`` matches the set options; ``what`` names the object in errors.

    Raises ``Immutable`` naming every option that differs and cannot be changed in place, with both values.
    """
    changes = Changes()
    refused: list[str] = []
    for row in rows:
        desired = row.desired(params)
        if desired is None or row.read is None:
            continue
        current = row.current(described)
        if not row.differs(desired, current):
            continue
        if row.change is None:
            both = (_show(row.shown(value)) for value in (current, desired))
            refused.append(f"{row.option} is {', wanted '.join(both)}. {row.advice}".strip())
            continue
        action, parameter = row.change.split(".")
        changes.calls.setdefault(action, {})[parameter] = row.encode(desired)
        changes.options[row.option] = desired
    if refused:
        raise Immutable(
            f"{what} exists with values that cannot be changed in place: {' '.join(refused)} "
            "Nothing was changed: correct the option, or remove the object first if it is to be made anew."
        )
    return changes


def unseen_changes(rows: Iterable[Attribute], params: dict[str, Any]) -> Changes:
    """What has to be sent so that the set options are in force that the service never shows."""
    changes = Changes()
    for row in rows:
        desired = row.desired(params)
        if row.change and row.read is None and desired is not None:
            action, parameter = row.change.split(".")
            changes.calls.setdefault(action, {})[parameter] = row.encode(desired)
            changes.options[row.option] = desired
    return changes


def view(rows: Iterable[Attribute], described: dict[str, Any]) -> dict[str, Any]:
    """The readable options of an existing object, nested as the options are; secrets are never among them."""
    told = [row for row in rows if row.read is not None and not row.no_log]
    return nested({row.option: row.shown(row.current(described)) for row in told})


def differences(rows: Iterable[Attribute], params: dict[str, Any], described: dict[str, Any]) -> list[str]:
    """``port: 80 is there, 81 is described``, for each set option that differs; secrets are never compared."""
    told = []
    for row in rows:
        desired = None if row.no_log or row.read is None else row.desired(params)
        current = None if desired is None else row.current(described)
        if desired is not None and row.differs(desired, current):
            told.append(f"{row.option}: {_both(row, current, desired)}")
    return told


def _both(row: Attribute, current: Any, desired: Any) -> str:
    if row.looks_like(desired, current):
        return f"another password than in {json.dumps(row.shown(current))} is described"
    return f"{json.dumps(row.shown(current))} is there, {json.dumps(row.shown(desired))} is described"


def overlay(rows: Iterable[Attribute], shown: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """``shown`` as it will be once the set options are in force: the predicted object."""
    predicted = json.loads(json.dumps(shown))
    for row in rows:
        desired = row.desired(params)
        if desired is None or row.no_log:
            continue
        if row.read is None or row.differs(desired, dig(predicted, row.option) or row.empty()):
            put(predicted, row.option, row.shown(desired))
    return predicted


def dig(tree: Any, path: str) -> Any:
    """``dig({"a": {"b": 1}}, "a.b") == 1``; ``None`` where the path ends early."""
    for key in path.split("."):
        if not isinstance(tree, dict):
            return None
        tree = tree.get(key)
    return tree


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Sets the value at a dotted path, making the levels in between."""
    *groups, leaf = path.split(".")
    for group in groups:
        tree = tree.setdefault(group, {})
    tree[leaf] = value


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """``{"a.b": 1}`` -> ``{"a": {"b": 1}}``."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        put(tree, path, value)
    return tree


def shown(described: Any, path: str, odd: Any = None) -> Any:
    """As ``dig``, in a description whose parts may be JSON text; ``odd`` where one of them is no mapping at all."""
    for key in path.split("."):
        level = decoding.mapping(described)
        described = level.get(key) if level is not None else odd
    return described


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

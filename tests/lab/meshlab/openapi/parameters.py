# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which parameters an action has and how they lie on the wire: read from the models of the official SDK."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from meshlab.openapi.errors import invalid_parameter, unknown_parameter

SDK = "alibabacloud_servicemesh20200111"

#: Parameters of every RPC request, in query or form; they are not the action's.
COMMON = frozenset(
    [
        "Action",
        "Version",
        "Format",
        "Timestamp",
        "SignatureNonce",
        "SignatureMethod",
        "SignatureVersion",
        "SignatureType",
        "AccessKeyId",
        "Signature",
        "SecurityToken",
        "RegionId",
    ]
)

#: Parameters of older SDK releases that the installed one no longer has; accepted, as old clients still send them.
OLDER = {
    "CreateServiceMesh": {"PilotPublicEip": "bool", "StrictMTLS": "bool", "ControlPlaneLogTTLInDay": "int"},
    "DescribeServiceMeshes": {},
}

#: Actions that the SDK does not have and that others call (Terraform's provider), with their parameters.
UNLISTED: dict[str, dict[str, str]] = {
    "DescribeKialiConfiguration": {"ServiceMeshId": "str"},
    "UpdateKialiConfiguration": {
        "ServiceMeshId": "str",
        "Enabled": "bool",
        "AuthStrategy": "str",
        "CustomPrometheusUrl": "str",
        "IntegrateCLB": "bool",
        "KialiArmsAuthTokens": "str",
        "KialiServiceAnnotations": "str",
        "OpenIdConfig": "str",
        "RAMOAuthConfig": "str",
        "ServerConfig": "str",
    },
    "CreateExtensionProvider": {"ServiceMeshId": "str", "Type": "str", "Name": "str", "Config": "str"},
    "UpdateExtensionProvider": {"ServiceMeshId": "str", "Type": "str", "Name": "str", "Config": "str"},
    "DescribeExtensionProvider": {"ServiceMeshId": "str", "Type": "str"},
    "DeleteExtensionProvider": {"ServiceMeshId": "str", "Type": "str", "Name": "str"},
}

#: Is told the name of a parameter that the action does not have: raises, or notes it.
Unknown = Callable[[str], None]


@dataclass(frozen=True)
class Field:
    """One parameter: ``kind`` is str, int, float, bool, list, map or object; lists and maps say what they hold."""

    kind: str
    item: Field | None = None
    members: Mapping[str, Field] = field(default_factory=dict)


class Parameters:
    """The parameter tables of all actions of one SDK package."""

    def __init__(self, package: str = SDK) -> None:
        models = importlib.import_module(f"{package}.models")
        self.actions = sorted(_actions(importlib.import_module(f"{package}.client")))
        self._tables = {action: _table(action, getattr(models, f"{action}Request", None)) for action in self.actions}
        if package == SDK:
            for action, kinds in UNLISTED.items():
                self._tables[action] = {name: Field(kind) for name, kind in kinds.items()}

    def of(self, action: str) -> Mapping[str, Field]:
        """Wire name -> field. An action without a request model has no parameters."""
        return self._tables[action]

    def parse(self, action: str, sent: Iterable[tuple[str, str]], ignored: list[str] | None = None) -> dict[str, Any]:
        """Typed parameters from the merged query and form. Raises ApiError for wrong values, and for unknown names.

        With a list ``ignored``, unknown names are noted there instead, and left out.
        """
        table = self.of(action)

        def unknown(name: str) -> None:
            if ignored is None:
                raise unknown_parameter(action, name)
            ignored.append(name)

        values: dict[str, Any] = {}
        flat: dict[str, dict[str, str]] = {}
        for key, text in sent:
            name, _unused, rest = key.partition(".")
            if name in COMMON and name not in table:
                continue
            if name not in table:
                unknown(key)
            elif rest:
                flat.setdefault(name, {})[rest] = text
            else:
                values[name] = _parse_text(table[name], name, text, unknown)
        for name, parts in flat.items():
            rows = _parse_flat(table[name], name, parts, unknown)
            if rows:
                values[name] = rows
        return values


@cache
def parameters_of(package: str) -> Parameters:
    """The tables of a package, read once in a process."""
    return Parameters(package)


def _table(action: str, model: type | None) -> dict[str, Field]:
    table = _members(model) if model else {}
    for name, kind in OLDER.get(action, {}).items():
        table.setdefault(name, Field(kind))
    return table


def _actions(client: ModuleType) -> list[str]:
    """Action names: each ``x_with_options`` method of the client states its own."""
    source = Path(str(client.__file__)).read_text(encoding="utf-8")
    return list(dict.fromkeys(re.findall(r"action\s*=\s*['\"]([A-Za-z0-9]+)['\"]", source)))


def _members(model: type) -> dict[str, Field]:
    """Wire name -> field of one model, found by setting each attribute alone and looking at what is sent."""
    base = model().to_map()
    table: dict[str, Field] = {}
    for attribute, hint in typing.get_type_hints(vars(model)["__init__"]).items():
        annotation = _without_none(hint)
        sent = model(**{attribute: _sample(annotation)}).to_map()
        names = [name for name, value in sent.items() if name not in base or base[name] != value]
        table[names[0]] = _field(annotation)
    return table


def _without_none(annotation: Any) -> Any:
    """``X | None`` is X: some releases of Python add the None where the default is None."""
    arguments = [one for one in typing.get_args(annotation) if one is not type(None)]
    return arguments[0] if typing.get_origin(annotation) is typing.Union and len(arguments) == 1 else annotation


def _is_model(annotation: Any) -> bool:
    return inspect.isclass(annotation) and hasattr(annotation, "to_map")


def _sample(annotation: Any) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return [_sample(arguments[0])]
    if origin is dict:
        return {"key": _sample(arguments[1])}
    return annotation() if _is_model(annotation) else "sample"


def _field(annotation: Any) -> Field:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return Field("list", item=_field(arguments[0]))
    if origin is dict:
        return Field("map", item=_field(arguments[1]))
    if _is_model(annotation):
        return Field("object", members=_members(annotation))
    return Field(annotation.__name__ if annotation in (str, int, float, bool) else "any")


def _parse_text(spec: Field, name: str, text: str, unknown: Unknown) -> Any:
    if spec.kind == "bool":
        if text.lower() not in ("true", "false"):
            raise invalid_parameter(name, f"{text!r} is not true or false")
        return text.lower() == "true"
    if spec.kind in ("int", "float"):
        try:
            return int(text) if spec.kind == "int" else float(text)
        except ValueError:
            raise invalid_parameter(name, f"{text!r} is not a number") from None
    if spec.kind in ("list", "map", "object"):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise invalid_parameter(name, f"it is not JSON ({error})") from None
        _check_shape(spec, name, value, unknown)
        return value
    return text


def _parse_flat(spec: Field, name: str, parts: dict[str, str], unknown: Unknown) -> list[Any]:
    """Lists on the wire are Name.1, Name.2 or Name.1.Member; the numbers need not be without gaps."""
    rows: dict[int, Any] = {}
    for rest, text in parts.items():
        number, _unused, member = rest.partition(".")
        if spec.kind != "list" or spec.item is None or not number.isdigit() or int(number) < 1:
            unknown(f"{name}.{rest}")
        elif not member:
            rows[int(number)] = _parse_text(spec.item, f"{name}.{rest}", text, unknown)
        elif member in spec.item.members:
            row = rows.setdefault(int(number), {})
            row[member] = _parse_text(spec.item.members[member], f"{name}.{rest}", text, unknown)
        else:
            unknown(f"{name}.{rest}")
    return [rows[number] for number in sorted(rows)]


def _check_shape(spec: Field, name: str, value: Any, unknown: Unknown) -> None:
    """JSON parameters: right container, no unknown members; those that pass are taken out of ``value``."""
    right = isinstance(value, list) if spec.kind == "list" else isinstance(value, dict)
    if not right:
        raise invalid_parameter(name, f"it must be a JSON {'array' if spec.kind == 'list' else 'object'}")
    if spec.kind == "object":
        for member, inner in list(value.items()):
            if member not in spec.members:
                unknown(f"{name}.{member}")
                del value[member]
            elif spec.members[member].kind in ("list", "map", "object"):
                _check_shape(spec.members[member], f"{name}.{member}", inner, unknown)
    elif spec.item is not None and spec.item.kind in ("list", "map", "object"):
        rows: list[Any] = list(value) if spec.kind == "list" else list(value.values())
        for inner in rows:
            _check_shape(spec.item, name, inner, unknown)

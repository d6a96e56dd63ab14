# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules by which a gateway leads requests into swim lanes: as options, in objects, and as the API writes them. Pure.

The option of a match is ``{uri: {exact | prefix | regex: text}, headers: [{name, exact | prefix | regex}]}``. An object
has the headers by their names, the API has ``{URI: {MatchingMode, MatchingContent}, Headers: [{Name, ...}]}``.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding, shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import DECIMAL, TEXT, Scalar, Shape

Json = dict[str, Any]

MODES = ("exact", "prefix", "regex")
# A header's name as HTTP has it; routes compare in small letters.
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")

_TEST: Json = {mode: {"type": "str"} for mode in MODES}
MATCH_OPTIONS: Json = {
    "uri": {"type": "dict", "options": _TEST},
    "headers": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True}, **_TEST},
    },
}
RULE_OPTIONS: Json = {
    "name": {"type": "str", "required": True},
    "hosts": {"type": "list", "elements": "str", "default": ["*"]},
    **MATCH_OPTIONS,
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "online": {"type": "bool", "default": True},
}
WEIGHT_OPTIONS: Json = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "weight": {"type": "int", "required": True},
}
WEIGHTED_RULE_OPTIONS: Json = {
    "hosts": {"type": "list", "elements": "str", "default": ["*"]},
    "matches": {"type": "list", "elements": "dict", "options": MATCH_OPTIONS},
}

_FLAG = Scalar("a boolean", lambda value: value if isinstance(value, bool) else None)
_OBJECT_TEST: Shape = dict.fromkeys(MODES, TEXT)
_OBJECT_MATCH: Shape = {"uri": _OBJECT_TEST, "headers": {...: _OBJECT_TEST}}
_DESTINATION: Shape = {"host": TEXT, "portNum": DECIMAL}
LANE_SPEC: Shape = {
    "ingressRules": [
        {
            "name": TEXT,
            "hosts": [TEXT],
            "match": _OBJECT_MATCH,
            "route": {"destination": _DESTINATION},
            "online": _FLAG,
        }
    ],
    "ingressWeight": {"destination": _DESTINATION, "weight": DECIMAL},
}
_ROW_TEST: Shape = {"MatchingMode": TEXT, "MatchingContent": TEXT}
_ROW_MATCH: Shape = {"URI": _ROW_TEST, "Headers": [{"Name": TEXT, "MatchingMode": TEXT, "MatchingContent": TEXT}]}
_ROW_DESTINATION: Shape = {"Host": TEXT, "Port": DECIMAL}
_GROUP_ROW: Shape = {"Domains": [TEXT], "MatchRequests": [_ROW_MATCH]}
_RULE_ROWS: Shape = [
    {
        "Domains": [TEXT],
        "RouteName": TEXT,
        "MatchRequest": _ROW_MATCH,
        "RouteDestinations": [{"Destination": _ROW_DESTINATION}],
    }
]
_WEIGHT_ROW: Shape = {"RouteDestination": _ROW_DESTINATION, "Weight": DECIMAL}


def check_match(where: str, given: Json) -> None:
    """Raises ``InvalidInput`` for a test without exactly one text, a header twice, or one that HTTP does not have."""
    if given.get("uri"):
        _check_test(f"{where}: uri", given["uri"])
    names = [str(one["name"]) for one in given.get("headers") or []]
    for one in given.get("headers") or []:
        check_header(where, one["name"])
        _check_test(f"{where}: the header {one['name']}", one)
    for name in (name for name in names if [one.lower() for one in names].count(name.lower()) > 1):
        raise InvalidInput(f"{where} names the header {name} twice.")


def check_header(where: str, name: str) -> None:
    if not _HEADER.match(name):
        raise InvalidInput(f"{where}: '{name}' is no name of a header.")


def _check_test(where: str, test: Json) -> None:
    if len([mode for mode in MODES if test.get(mode) is not None]) != 1:
        raise InvalidInput(f"{where} needs exactly one of {', '.join(MODES)}.")


def check_rules(rules: list[Json]) -> None:
    """Raises ``InvalidInput`` for rules of one lane that cannot be meant."""
    names = [one["name"] for one in rules]
    for one in rules:
        where = f"ingress_rules, '{one['name']}'"
        if names.count(one["name"]) > 1:
            raise InvalidInput(f"ingress_rules has more than one rule with the name '{one['name']}'.")
        check_match(where, one)
        check_destination(where, one)


def check_destination(where: str, given: Json) -> None:
    """``host`` is a full host name: a gateway's namespace says nothing about that of a service."""
    if len(given["host"].split(".")) < 3:
        raise InvalidInput(f"{where}: '{given['host']}' is no full host name, as reviews.shop.svc.cluster.local is.")
    if given.get("port") is not None and not 0 < given["port"] < 65536:
        raise InvalidInput(f"{where}: port {given['port']} is no port from 1 to 65535.")


def plain(given: Any) -> Any:
    """An option without what was not given."""
    if isinstance(given, dict):
        return {key: plain(value) for key, value in given.items() if value is not None}
    return [plain(one) for one in given] if isinstance(given, list) else given


def rules_of_spec(spec: Any) -> list[Json]:
    """The rules in a lane's object, as the option has them."""
    found = shapes.fit(spec, LANE_SPEC)[0].get("ingressRules") or []
    return [
        {
            "name": one.get("name", ""),
            "hosts": one.get("hosts") or ["*"],
            **_match_of_object(one.get("match") or {}),
            **_destination(one.get("route", {}).get("destination", {}), "host", "portNum"),
            "online": bool(one.get("online")),
        }
        for one in found
        if one
    ]


def weight_of_spec(spec: Any) -> Json | None:
    """The weight in a lane's object, as the option has it."""
    found = shapes.fit(spec, LANE_SPEC)[0].get("ingressWeight")
    if not found:
        return None
    place = _destination(found.get("destination", {}), "host", "portNum")
    return {**place, "weight": int(found.get("weight", 0))}


def rules_as_spec(rules: Iterable[Json]) -> list[Json]:
    """The reverse of ``rules_of_spec``."""
    return [
        {
            "name": one["name"],
            "hosts": one["hosts"],
            "match": _match_as_object(one),
            "route": {"destination": _as_destination(one)},
            "online": one["online"],
        }
        for one in rules
    ]


def weight_as_spec(weight: Json) -> Json:
    return {"destination": _as_destination(weight), "weight": weight["weight"]}


def rules_of_row(text: Any) -> list[Json]:
    """The rules of a lane as the API shows them (IngressRule); it does not say which of them are online."""
    found: Any = shapes.fit(decoding.listed(text), _RULE_ROWS)[0] or []
    return [
        {
            "name": one.get("RouteName", ""),
            "hosts": one.get("Domains") or ["*"],
            **_match_of_row(one.get("MatchRequest") or {}),
            **_destination(next(iter(one.get("RouteDestinations") or [{}])).get("Destination") or {}, "Host", "Port"),
        }
        for one in found
        if one
    ]


def weight_of_row(text: Any) -> Json | None:
    """The weight of a lane as the API shows it (WeightedIngressDestination)."""
    found = shapes.fit(decoding.mapping(text), _WEIGHT_ROW)[0]
    if not found:
        return None
    return {**_destination(found.get("RouteDestination", {}), "Host", "Port"), "weight": int(found.get("Weight", 0))}


def weighted_rule_of_row(text: Any) -> Json | None:
    """The rule of a whole group (WeightedIngressRule), as the option has it."""
    found = shapes.fit(decoding.mapping(text), _GROUP_ROW)[0]
    if not found:
        return None
    matches = [_match_of_row(one) for one in found.get("MatchRequests") or []]
    return {"hosts": found.get("Domains") or ["*"], "matches": matches}


def weighted_rule_as_row(rule: Json) -> str:
    """The reverse, as JSON text."""
    matches = [_match_as_row(one) for one in rule.get("matches") or []]
    return json.dumps({"Domains": rule["hosts"], "MatchRequests": matches})


def _match_of_object(match: Json) -> Json:
    headers = [{"name": name, **test} for name, test in sorted((match.get("headers") or {}).items())]
    return _match(match.get("uri"), headers)


def _match_as_object(given: Json) -> Json:
    headers = {one["name"]: {mode: one[mode] for mode in MODES if mode in one} for one in given.get("headers") or []}
    return {key: value for key, value in (("uri", given.get("uri")), ("headers", headers)) if value}


def _match_of_row(match: Json) -> Json:
    headers = [{"name": one.get("Name", ""), **_test_of_row(one)} for one in match.get("Headers") or []]
    return _match(_test_of_row(match.get("URI") or {}), headers)


def _match_as_row(given: Json) -> Json:
    headers = [{"Name": one["name"], **_test_as_row(one)} for one in given.get("headers") or []]
    uri = {"URI": _test_as_row(given["uri"])} if given.get("uri") else {}
    return {**uri, "Headers": headers}


def _match(uri: Json | None, headers: list[Json]) -> Json:
    return {key: value for key, value in (("uri", uri), ("headers", in_order(headers))) if value}


def in_order(headers: list[Json]) -> list[Json]:
    """Headers in one order: theirs has no meaning."""
    return sorted(headers, key=lambda one: str(one.get("name")))


def _test_of_row(row: Json) -> Json:
    mode = str(row.get("MatchingMode", "")).lower()
    return {mode: row.get("MatchingContent", "")} if mode in MODES else {}


def _test_as_row(test: Json) -> Json:
    mode = next(mode for mode in MODES if mode in test)
    return {"MatchingMode": mode, "MatchingContent": test[mode]}


def _destination(found: Json, host: str, port: str) -> Json:
    return {"host": found.get(host, ""), **({"port": int(found[port])} if found.get(port) else {})}


def _as_destination(given: Json) -> Json:
    return {"host": given["host"], **({"portNum": given["port"]} if given.get("port") else {})}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules by which a gateway leads requests into swim lanes, as the API writes them (JSON text) and as objects have them.

The API: ``{"Domains": [], "MatchRequests": [{"URI": {"MatchingMode": "exact", "MatchingContent": "/"}}]}``.
The objects: ``{"hosts": [], "requestMatches": [{"uri": {"exact": "/"}, "headers": {}}]}``.
"""

from __future__ import annotations

import json
from typing import Any

from meshlab.openapi.errors import invalid_parameter

Json = dict[str, Any]

_MODES = ("exact", "prefix", "regex")
_RULE = "WeightedIngressRule"


def texts(parameter: str, text: str) -> list[str]:
    """A parameter that is a list of texts in JSON. Raises ApiError."""
    found = _parsed(parameter, text)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise invalid_parameter(parameter, "it is no JSON array of strings")
    return found


def mapping(parameter: str, text: str) -> Json:
    """A parameter that is an object in JSON. Raises ApiError."""
    found = _parsed(parameter, text)
    if not isinstance(found, dict):
        raise invalid_parameter(parameter, "it is no JSON object")
    return found


def weighted_object(rule: Json) -> Json:
    """A rule for a whole group as the object has it. Raises ApiError for what is not in the API's shape."""
    unknown = rule.keys() - {"Domains", "MatchRequests"}
    if unknown:
        raise invalid_parameter(_RULE, f"it has the unknown field {sorted(unknown)[0]}")
    matches = [
        {
            "uri": _condition(one.get("URI")),
            "headers": {str(header.get("Name")): _condition(header) for header in one.get("Headers") or []},
        }
        for one in rule.get("MatchRequests") or []
    ]
    return {"hosts": rule.get("Domains") or ["*"], "requestMatches": matches}


def weighted_row(rule: Json) -> Json:
    """The reverse."""
    matches = [_match_row(one) for one in rule.get("requestMatches") or []]
    return {"Domains": rule.get("hosts") or [], "MatchRequests": matches}


def rule_rows(rules: list[Json], lane: str) -> list[Json]:
    """The rules of one lane."""
    return [
        {
            "Domains": rule.get("hosts") or [],
            "RouteName": rule.get("name", ""),
            "MatchRequest": _match_row(rule.get("match") or {}),
            "RouteDestinations": [{"Destination": _destination(rule.get("route") or {}, lane)}],
        }
        for rule in rules
    ]


def weight_row(weight: Json, lane: str) -> Json:
    """The share of one lane."""
    return {"RouteDestination": _destination(weight, lane), "Weight": weight.get("weight", 0)}


def _destination(holder: Json, lane: str) -> Json:
    return {"Host": (holder.get("destination") or {}).get("host", ""), "Subset": lane}


def _match_row(match: Json) -> Json:
    row: Json = {"Headers": [{"Name": key, **_test_row(one)} for key, one in (match.get("headers") or {}).items()]}
    return {**row, "URI": _test_row(match["uri"])} if match.get("uri") else row


def _test_row(test: Json) -> Json:
    mode = next((one for one in _MODES if test.get(one)), "exact")
    return {"MatchingMode": mode, "MatchingContent": test.get(mode, "")}


def _condition(test: Json | None) -> Json:
    if not test:
        return {}
    if test.get("MatchingMode") not in _MODES:
        raise invalid_parameter(_RULE, f"MatchingMode {test.get('MatchingMode')!r} is not one of {', '.join(_MODES)}")
    return {test["MatchingMode"]: test.get("MatchingContent", "")}


def _parsed(parameter: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise invalid_parameter(parameter, f"it is not JSON ({error})") from None

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of a gateway: from options to the wire's GatewayRoute and back, by one table.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.decoding import decimal, listed, mapping, text, whole
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import dig, nested, shown
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE

ONLINE, OFFLINE, BROKEN = 0, 1, 2
_STATES = {ONLINE: "online", OFFLINE: "offline", BROKEN: "error"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """An option, its path on the wire, and how its value is read; ``inner`` are those of a list's items."""

    option: str
    path: str
    read: Callable[[Any], Any] = text
    inner: tuple[Field, ...] = ()


_MATCHING = (Field("mode", "MatchingMode"), Field("value", "MatchingContent"))
_DESTINATION = (
    Field("host", "Destination.Host"),
    Field("subset", "Destination.Subset"),
    Field("port", "Destination.Port.Number", whole),
    Field("weight", "Weight", whole),
)
# What the route is; its options are dotted where they have options of their own.
FIELDS = (
    Field("path.mode", "MatchRequest.URI.MatchingMode"),
    Field("path.value", "MatchRequest.URI.MatchingContent"),
    Field("headers", "MatchRequest.Headers", inner=(Field("name", "Name"), *_MATCHING)),
    Field("destinations", "RouteDestinations", inner=_DESTINATION),
    Field("timeout", "HTTPAdvancedOptions.Timeout"),
    Field("retries.attempts", "HTTPAdvancedOptions.Retries.Attempts", whole),
    Field("retries.per_try_timeout", "HTTPAdvancedOptions.Retries.PerTryTimeout"),
    Field("retries.retry_on", "HTTPAdvancedOptions.Retries.RetryOn"),
    Field("rewrite.uri", "HTTPAdvancedOptions.Rewrite.Uri"),
    Field("rewrite.authority", "HTTPAdvancedOptions.Rewrite.Authority"),
    Field("redirect.uri", "HTTPAdvancedOptions.HTTPRedirect.Uri"),
    Field("redirect.authority", "HTTPAdvancedOptions.HTTPRedirect.Authority"),
    Field("redirect.code", "HTTPAdvancedOptions.HTTPRedirect.RedirectCode", whole),
    Field("mirror.host", "HTTPAdvancedOptions.Mirror.Host"),
    Field("mirror.subset", "HTTPAdvancedOptions.Mirror.Subset"),
    Field("mirror.percentage", "HTTPAdvancedOptions.MirrorPercentage.Value", decimal),
    Field("fault.abort_status", "HTTPAdvancedOptions.Fault.Abort.HttpStatus", whole),
    Field("fault.abort_percentage", "HTTPAdvancedOptions.Fault.Abort.Percentage.Value", decimal),
    Field("fault.delay", "HTTPAdvancedOptions.Fault.Delay.FixedDelay"),
    Field("fault.delay_percentage", "HTTPAdvancedOptions.Fault.Delay.Percentage.Value", decimal),
)
# Of numbers: the least and the most.
_BOUNDS = {
    "retries.attempts": (0, 2**31 - 1),
    "redirect.code": (300, 399),
    "mirror.percentage": (0, 100),
    "fault.abort_status": (200, 599),
    "fault.abort_percentage": (0, 100),
    "fault.delay_percentage": (0, 100),
}


def check(params: Json) -> None:
    """Raises ``InvalidInput`` for a route that cannot be one."""
    if params["state"] == "absent":
        return
    for place, value, (least, most) in _numbers(params):
        if value is not None and not least <= value <= most:
            raise InvalidInput(f"{place} must be from {least} to {most}, it is {value}.")
    targets = params["destinations"] or []
    if bool(targets) is bool(params["redirect"]):
        raise InvalidInput("A route needs either destinations, or redirect.")
    if len(targets) > 1:
        weights = [one["weight"] for one in targets]
        if None in weights or sum(weights) != 100 or min(weights) < 0:
            raise InvalidInput("The weights of several destinations must be given, and add up to 100.")
    if params["priority"] is not None and params["priority"] < 0:
        raise InvalidInput(f"priority must be from 0 (first) on, it is {params['priority']}.")


def _numbers(params: Json) -> Iterator[tuple[str, Any, tuple[int, int]]]:
    """``(place, value, (least, most))`` of each number of a route."""
    for one in params["destinations"] or []:
        yield "destinations: port", one["port"], (1, 65535)
        yield "destinations: weight", one["weight"], (0, 100)
    for option, bounds in _BOUNDS.items():
        yield option, dig(params, option), bounds


def wanted(params: Json) -> Json:
    """The route that the options ask for, in the keys of the modules' results, with nothing that is unset."""
    body = _nested((field.option, _bare(dig(params, field.option))) for field in FIELDS)
    return {"hosts": sorted(params["hosts"] or []), **_without_idle_weight(body)}


def sent(name: str, namespace: str, route: Json) -> Json:
    """A route as the wire's ``GatewayRoute``."""
    named = {"RouteName": name, "RouteType": "HTTP", "Namespace": namespace, "Domains": route["hosts"]}
    return {**named, **_nested((field.path, _sent_value(field, dig(route, field.option))) for field in FIELDS)}


def found(detail: Json) -> Json:
    """A route of DescribeIstioGatewayRouteDetail's ``RouteDetail``, as ``wanted`` has it."""
    body = _nested((field.option, _found_value(field, shown(detail, field.path))) for field in FIELDS)
    hosts = [one for one in map(text, listed(detail.get("Domains")) or []) if one]
    return {"hosts": sorted(hosts), **_without_idle_weight(body)}


def read_one(cloud: Cloud, mesh_id: str, gateway: str, name: str) -> Json | None:
    """A route in the keys of the modules' results (actions DescribeIstioGatewayRoutes and ...RouteDetail)."""
    rows = [row for row in rows_of(cloud, mesh_id, gateway) if row.get("RouteName") == name]
    return read_row(cloud, mesh_id, gateway, rows[0]) if rows else None


def rows_of(cloud: Cloud, mesh_id: str, gateway: str) -> list[Json]:
    """The rows of the routes of a gateway (action DescribeIstioGatewayRoutes)."""
    reply = cloud.asm("DescribeIstioGatewayRoutes", ServiceMeshId=mesh_id, IstioGatewayName=gateway)
    return [row for row in reply.get("ManagementRoutes") or [] if row.get("RouteName")]


def read_row(cloud: Cloud, mesh_id: str, gateway: str, row: Json) -> Json:
    """The route of a row (action DescribeIstioGatewayRouteDetail)."""
    named = {"ServiceMeshId": mesh_id, "IstioGatewayName": gateway, "RouteName": row["RouteName"]}
    detail = cloud.asm("DescribeIstioGatewayRouteDetail", **named)
    both = {**row, **{key: value for key, value in detail.items() if value not in (None, "")}}
    return {
        "name": row["RouteName"],
        "gateway": gateway,
        "namespace": both.get("Namespace") or ROOT_NAMESPACE,
        "priority": both.get("Priority") or 0,
        "status": state_of(both.get("Status")),
        "description": both.get("Description") or "",
        "route": found(detail.get("RouteDetail") or {}),
    }


def state_of(value: Any) -> str:
    """``Status`` in words."""
    known = whole(value)
    return _STATES.get(known or 0, f"unknown ({known})") if known is not None else "unknown"


def _sent_value(field: Field, value: Any) -> Any:
    if value is None or not field.inner:
        return value
    return [_nested((inner.path, one.get(inner.option)) for inner in field.inner) for one in value]


def _found_value(field: Field, value: Any) -> Any:
    """None for what the service shows as empty, which nobody has asked for."""
    if not field.inner:
        return (field.read(value) or None) if value is not None else None
    items = [one for one in map(mapping, listed(value) or []) if one]
    read = [{inner.option: _found_value(inner, shown(one, inner.path)) for inner in field.inner} for one in items]
    return [_bare(one) for one in read] or None


def _bare(value: Any) -> Any:
    """Without what is unset or means nothing."""
    if isinstance(value, list):
        return [_bare(one) for one in value] or None
    if isinstance(value, dict):
        return {key: one for key, one in value.items() if one not in (None, "", 0)}
    return value or None


def _without_idle_weight(route: Json) -> Json:
    """The weight of a single destination means nothing, and may be added."""
    targets = route.get("destinations") or []
    if len(targets) == 1:
        route["destinations"] = [{key: value for key, value in targets[0].items() if key != "weight"}]
    return route


def _nested(values: Iterable[tuple[str, Any]]) -> Json:
    """Values by their dotted paths as a tree, without what is None."""
    return nested({path: value for path, value in values if value is not None})

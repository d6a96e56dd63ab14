# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes of ACK: a ROA style product, where method and path name the action."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meshlab.account import Cluster, User
from meshlab.cloud import Cloud
from meshlab.openapi.errors import ApiError
from meshlab.openapi.parameters import Field
from meshlab.world import World

#: Parameters that older clients send with every request; they are not the action's.
COMMON = frozenset({"RegionId"})


@dataclass
class AckCall:
    """One request: ids from the path, typed parameters from query and JSON body."""

    action: str
    path: dict[str, str]
    parameters: dict[str, Any]
    user: User
    world: World
    cloud: Cloud

    def cluster(self) -> Cluster:
        """The cluster that the path names. Raises ApiError when ACK has none of this id."""
        cluster: Cluster | None = self.world.clusters.get(self.path["cluster_id"])
        if cluster is None or cluster.origin != "ack":
            raise ApiError(404, "ErrorClusterNotFound", f"cluster ({self.path['cluster_id']}) not found in database")
        return cluster


Handler = Callable[[AckCall], Any]


@dataclass(frozen=True)
class Route:
    """One action. ``write``: it may change something."""

    action: str
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    write: bool


ROUTES: list[Route] = []


def route(action: str, method: str, path: str, *, write: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler; {name} in ``path`` stands for an id."""
    pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "$")

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(action, method, pattern, handler, write))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a request and the ids in its path."""
    for one in ROUTES:
        match = one.pattern.match(path)
        if match and one.method == method:
            return one, match.groupdict()
    return None


def parse(
    fields: Mapping[str, Field], query: list[tuple[str, str]], body: bytes, ignored: list[str] | None = None
) -> dict[str, Any]:
    """Typed parameters by the SDK's model. Raises ApiError for wrong values, and for unknown names.

    With a list ``ignored``, unknown names are noted there instead, and left out.
    """
    values: dict[str, Any] = {}
    if body:
        try:
            sent = json.loads(body)
        except ValueError:
            raise _invalid("the body is not JSON") from None
        values = {"body": sent} if isinstance(sent, list) else dict(sent)
    for name, text in query:
        if name in fields or name not in COMMON:
            values[name] = _value(fields.get(name), name, text)
    unknown = [name for name in values if name not in fields]
    if unknown and ignored is None:
        raise _invalid(f"there is no parameter {unknown[0]}")
    if ignored is not None:
        ignored += unknown
    return {name: value for name, value in values.items() if name in fields}


def _value(spec: Field | None, name: str, text: str) -> Any:
    if spec is None:
        return text
    if spec.kind == "bool":
        if text.lower() not in ("true", "false"):
            raise _invalid(f"{name} is {text!r}, not true or false")
        return text.lower() == "true"
    if spec.kind == "int":
        if not text.lstrip("-").isdigit():
            raise _invalid(f"{name} is {text!r}, not a number")
        return int(text)
    if spec.kind in ("list", "map", "object"):
        try:
            return json.loads(text)
        except ValueError:
            raise _invalid(f"{name} is not JSON") from None
    return text


def _invalid(problem: str) -> ApiError:
    return ApiError(400, "InvalidParameter", f"invalid request: {problem}")

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waypoints of a cluster, as options and on the wire.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.pages import marked, pages
from ansible_collections.meshops.asm.plugins.module_utils.flow.decoding import boolean, text, whole
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.quantities import read as quantity
from ansible_collections.meshops.asm.plugins.module_utils.flow.quantities import same_amount
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import dig, nested

Json = dict[str, Any]

_PAGE = 50

# Option, parameter of CreateWaypoint and UpdateWaypoint and field of ListWaypoints, and how it is read.
FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("replicas", "Replicas", whole),
    ("autoscaling.enabled", "HPAEnabled", boolean),
    ("autoscaling.min_replicas", "HPAMinReplicas", whole),
    ("autoscaling.max_replicas", "HPAMaxReplicas", whole),
    ("autoscaling.cpu_utilization", "HPATargetCPU", whole),
    ("autoscaling.memory_utilization", "HPATargetMemory", whole),
    ("resources.requests.cpu", "RequestCPU", text),
    ("resources.requests.memory", "RequestMemory", text),
    ("resources.limits.cpu", "LimitCPU", text),
    ("resources.limits.memory", "LimitMemory", text),
    ("prefer_eci", "PreferECI", boolean),
)
_AMOUNTS = tuple(option for option, _parameter, read in FIELDS if read is text)


def wanted(params: Json) -> Json:
    """``{parameter: value}`` of the options that are given. Raises ``InvalidInput`` for values that mean nothing."""
    given = {option: dig(params, option) for option, _parameter, _read in FIELDS}
    for option in _AMOUNTS:
        if given[option] is not None and quantity(given[option]) is None:
            raise InvalidInput(f"{option} is no quantity of Kubernetes: write it as 500m or 1Gi.")
    numbers = {option: value for option, value in given.items() if isinstance(value, int) and value is not True}
    wrong = [option for option, value in numbers.items() if value < 0]
    if wrong:
        raise InvalidInput(f"{wrong[0]} must not be negative, it is {numbers[wrong[0]]}.")
    least, most = given["autoscaling.min_replicas"], given["autoscaling.max_replicas"]
    if least is not None and most is not None and least > most:
        raise InvalidInput(f"autoscaling: min_replicas {least} is more than max_replicas {most}.")
    return {parameter: given[option] for option, parameter, _read in FIELDS if given[option] is not None}


def differs(row: Json, parameters: Json) -> bool:
    """Whether a listed waypoint is not as these parameters say."""
    return any(not _same(_decoded(row)[name], value) for name, value in parameters.items())


def merged(row: Json, parameters: Json) -> Json:
    """All parameters of a waypoint after a change: the service may take what is not sent for a reset."""
    kept = {name: value for name, value in _decoded(row).items() if value not in (None, "")}
    return {**kept, **{name: value for name, value in parameters.items() if not _same(kept.get(name), value)}}


def view(row: Json, cluster: str, namespace: str) -> Json:
    """A listed waypoint (or one that is yet to be made) in the keys of the modules' results."""
    values = _decoded(row)
    return {
        "name": row.get("Name") or "",
        "namespace": row.get("Namespace") or namespace,
        "cluster": cluster,
        "service_account": row.get("ServiceAccount") or None,
        **nested({option: values[parameter] for option, parameter, _read in FIELDS}),
    }


def listed(cloud: Cloud, mesh_id: str, cluster_id: str, namespace: str | None) -> list[Json]:
    """The waypoints of a cluster, of one namespace or all (action ListWaypoints, paged)."""
    asked = {"ServiceMeshId": mesh_id, "ClusterId": cluster_id, "Namespace": namespace, "Limit": _PAGE}
    found: list[Json] = []
    mark, seen = None, set[str]()
    for _page in pages("ListWaypoints"):
        reply = cloud.asm("ListWaypoints", **asked, Continue=mark)
        found += [row for row in reply.get("Waypoints") or [] if namespace in (None, row.get("Namespace"))]
        mark = marked("ListWaypoints", seen, reply.get("Continue"))
        if mark is None:
            break
    return found


def _decoded(row: Json) -> Json:
    """What is shown as nothing is None."""
    return {
        parameter: read(row[parameter]) if row.get(parameter) not in (None, "") else None
        for _option, parameter, read in FIELDS
    }


def _same(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, str) and isinstance(other, str) and same_amount(one, other))

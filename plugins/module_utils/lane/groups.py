# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of swim lanes and their lanes, as the API shows and changes them.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_label
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import cut, one_line
from ansible_collections.meshops.asm.plugins.module_utils.lane import rules, services

WEIGHTED, RULES = "weighted", "rule-based"
# Of a message that is a list of entries with a level, those that keep a lane from taking effect.
_LEVEL = "error"
# The most characters of what the service says of a lane.
_MOST_SAID = 2000
# What the details of a lane call otherwise than the list, and what no lane is without.
_DETAILED = {"ServicesList": "ServiceList", "WeightedIngressDestination": "WeightedIngressDestinatin"}
_TELLING = ("LabelSelectorKey", "LabelSelectorValue", "ServiceList")

Json = dict[str, Any]


def check_name(option: str, name: str) -> None:
    """Groups and lanes are objects of the control plane. Raises ``InvalidInput``."""
    if not is_label(name):
        raise InvalidInput(
            f"{option}: '{name}' cannot be the name of a swim lane or of a group. It is an object of the control "
            "plane, so up to 63 small letters, digits and '-' can be in its name."
        )


def groups(cloud: Cloud, mesh_id: str) -> list[Json]:
    """The groups of a mesh (action GetSwimLaneGroupList)."""
    return cloud.asm("GetSwimLaneGroupList", ServiceMeshId=mesh_id).get("SwimLaneGroupList") or []


def find_group(cloud: Cloud, mesh_id: str, name: str) -> Json | None:
    return next((one for one in groups(cloud, mesh_id) if one["GroupName"] == name), None)


def require_group(cloud: Cloud, mesh_id: str, name: str) -> Json:
    """As ``find_group``, but an absent group raises ``NotFound`` and names those that exist."""
    known = groups(cloud, mesh_id)
    for one in known:
        if one["GroupName"] == name:
            return one
    names = ", ".join(sorted(one["GroupName"] for one in known)) or "none"
    raise NotFound(
        f"No swim lane group with the name '{name}'. Groups of this mesh: {names}. The module "
        "asm_swim_lane_group makes a new one.",
        yet=group_not_yet(name),
    )


def group_not_yet(name: str) -> str:
    """What a prediction says of a group that an earlier task would make."""
    return f"Swim lane group '{name}' does not exist yet."


def lanes(cloud: Cloud, mesh_id: str, group: str) -> list[Json]:
    """The lanes of a group (action GetSwimLaneList)."""
    listed = cloud.asm("GetSwimLaneList", ServiceMeshId=mesh_id, GroupName=group).get("SwimLaneList") or []
    # A reply may hold those of other groups as well.
    return [one for one in listed if one.get("GroupName") in (None, "", group)]


def lanes_named(cloud: Cloud, mesh_id: str, group: str, name: str) -> list[Json]:
    """The lane with this name in a list (action GetSwimLaneDetail), which is empty when there is none.

    The reply does not repeat the names, and calls some fields otherwise than the list of lanes.
    """
    try:
        found = cloud.asm("GetSwimLaneDetail", ServiceMeshId=mesh_id, GroupName=group, SwimLaneName=name)
    except AsmError as error:
        # No document says how a lane that is not there is told.
        if error.http_status not in (400, 404) or name in {one["Name"] for one in lanes(cloud, mesh_id, group)}:
            raise
        return []
    renamed = {_DETAILED.get(key, key): value for key, value in found.items()}
    return [{**renamed, "Name": name, "GroupName": group}] if any(renamed.get(key) for key in _TELLING) else []


def group_view(row: Json) -> Json:
    """A group in the keys of results."""
    weighted = row.get("IngressRoutingStrategy") == WEIGHTED
    return {
        "name": row["GroupName"],
        "gateway": row.get("IngressGatewayName") or "",
        "permissive": bool(row.get("IsPermissive")),
        "trace_header": row.get("TraceHeader") or "",
        "route_header": row.get("RouteHeader") or "",
        "services": [one.text for one in services.listed(row.get("ServiceList"))],
        "ingress_routing": WEIGHTED if weighted else RULES,
        "weighted_rule": rules.weighted_rule_of_row(row.get("WeightedIngressRule")) if weighted else None,
        "baseline": row.get("FallbackTarget") or "",
        "service_baselines": dict(sorted(baselines(row).items())),
    }


def labels_of(row: Json) -> dict[str, list[str]]:
    """Labels by which lanes can be told apart, with the values that pods of all services have (SwimLaneLabels)."""
    found = decoding.mapping(row.get("SwimLaneLabels")) or {}
    return {str(key): decoding.texts(value) or [] for key, value in found.items()}


def lane_view(row: Json, group: Json) -> Json:
    """A lane in the keys of results, with its rules as the API shows them."""
    name = row["Name"]
    return {
        "name": name,
        "group": group["GroupName"],
        "label_name": row.get("LabelSelectorKey") or "",
        "label_value": row.get("LabelSelectorValue") or "",
        "services": [one.text for one in services.listed(row.get("ServiceList"))],
        "baseline": group.get("FallbackTarget") == name,
        "baseline_for": sorted(service for service, lane in baselines(group).items() if lane == name),
        "ingress_rules": rules.rules_of_row(row.get("IngressRule")),
        "ingress_weight": rules.weight_of_row(row.get("WeightedIngressDestinatin")),
    }


def baselines(row: Json) -> dict[str, str]:
    """``{namespace/service: lane}`` of the services that do not fall back to the group's baseline."""
    found = decoding.mapping(row.get("ServiceLevelFallbackTarget")) or {}
    return {str(key): str(value) for key, value in found.items() if isinstance(value, str) and value}


def problem(row: Json) -> str:
    """Why the service says that a lane does not take effect (ValidationMessage); empty when it does."""
    return one_line(cut(_complaint(row.get("ValidationMessage") or ""), _MOST_SAID))


def _complaint(said: str) -> str:
    if said.strip() in ("", "null", "[]", "{}"):
        return ""
    if not said.lstrip().startswith("["):
        return said
    entries = decoding.listed(said) or []
    levels = [one for one in entries if not isinstance(one, dict) or str(one.get("level", _LEVEL)).lower() == _LEVEL]
    return ", ".join(str(one.get("message") or one) if isinstance(one, dict) else str(one) for one in levels)


def update_group(cloud: Cloud, mesh_id: str, row: Json, **change: Any) -> None:
    """Changes a group (action UpdateSwimLaneGroup).

    All that the group has is sent along with the ``change``: no document says what becomes of what is not sent. What
    names a lane that is gone is not.
    """
    special, fallback = baselines(row), row.get("FallbackTarget")
    if special or fallback:
        known = {one["Name"] for one in lanes(cloud, mesh_id, row["GroupName"])}
        special = {service: lane for service, lane in special.items() if lane in known}
        fallback = fallback if fallback in known else None
    kept = {
        "ServicesList": json.dumps([one.wire for one in services.listed(row.get("ServiceList"))]),
        "IngressRoutingStrategy": row.get("IngressRoutingStrategy") or None,
        "WeightedIngressRule": decoding.json_text(row.get("WeightedIngressRule")) or None,
        "FallbackTarget": fallback or None,
        "ServiceLevelFallbackTarget": json.dumps(special) if special else None,
    }
    sent = {**kept, **change}
    if sent["IngressRoutingStrategy"] != WEIGHTED:
        sent["WeightedIngressRule"] = None
    cloud.asm("UpdateSwimLaneGroup", ServiceMeshId=mesh_id, GroupName=row["GroupName"], **sent)

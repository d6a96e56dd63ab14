# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deleted mesh leaves on the bill, from what the service said before and after. Pure.

Before the deletion DescribeServiceMeshAdditionalStatus tells what is shared with others and what exists, afterwards
DescribeEipResources lists the EIPs. No action of ASM lists load balancers, security groups or log projects once their
mesh is gone: such an entry says so.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_ASK = "ASM cannot be asked for it: look in the console"
# Path of the setting, key of the status, what it is.
_BALANCERS = (
    ("api_server", "ApiServerLoadBalancerStatus", "load balancer of the API server"),
    ("pilot", "PilotLoadBalancerStatus", "load balancer of the control plane"),
)
_EIPS = (("api_server_eip_id", "EIP of the API server"), ("pilot_eip_id", "EIP of the control plane"))
_PROJECTS = (
    ("access_log", "AccessLogProjectStatus", "log project of the access log"),
    ("audit", "AuditProjectStatus", "log project of the audit log"),
    ("control_plane_log", "ControlPlaneProjectStatus", "log project of the control plane"),
)


def remains(
    settings: Json,
    status: Json,
    live: list[Json] | None,
    names: dict[str, str],
    retained: list[str],
    eips: dict[str, str] | None,
) -> list[Json]:
    """``[{kind, id, note, exists, retained}]``: ``exists`` is true when it was seen afterwards, None when nobody knows.

    ``settings`` are those of the mesh, ``status`` is its AdditionalStatus, ``live`` are its gateways (None: not looked
    for), ``names`` its clusters by id, and ``eips`` the account's EIPs afterwards (None: not asked).
    """
    found = [
        *_balancers(settings, status, retained),
        *_addresses(settings, eips),
        *_of_gateways(live, names),
        *_projects(settings, status),
        *_security_group(settings, status, retained),
    ]
    return [
        {"kind": kind, "id": identifier, "note": note, "exists": exists, "retained": identifier in retained}
        for kind, identifier, note, exists in found
    ]


def stay(entries: list[Json]) -> Json:
    """What a diff shows as left behind: ``{"stay": {kind id: note}}``, empty for nothing."""
    return {"stay": {f"{entry['kind']} {entry['id']}": entry["note"] for entry in entries}} if entries else {}


Row = tuple[str, str, str, "bool | None"]


def _balancers(settings: Json, status: Json, retained: list[str]) -> list[Row]:
    rows: list[Row] = []
    for role, key, what in _BALANCERS:
        identifier = (settings.get("load_balancers") or {}).get(role)
        said = status.get(key) or {}
        if not identifier or (said.get("SLBExistStatus") == "not_exist"):
            continue
        if identifier in retained:
            rows.append(("load_balancer", identifier, f"{what}, kept by retain_resources", None))
        elif said.get("Reused"):
            rows.append(("load_balancer", identifier, f"{what}, which others use too: it is not released", None))
        elif not said:
            rows.append(("load_balancer", identifier, f"{what}; the service did not say whether it goes. {_ASK}", None))
    return rows


def _addresses(settings: Json, eips: dict[str, str] | None) -> list[Row]:
    rows: list[Row] = []
    for option, what in _EIPS:
        identifier = settings.get(option)
        if not identifier:
            continue
        if eips is None:
            rows.append(("eip", identifier, f"{what}: one that was bound later is not released with the mesh", None))
        elif identifier in eips:
            rows.append(("eip", identifier, f"{what}, not released with the mesh (now {eips[identifier]})", True))
    return rows


def _of_gateways(live: list[Json] | None, names: dict[str, str]) -> list[Row]:
    if live is None:
        note = "load balancers of gateways in cluster '{}': the gateways were not looked at"
        return [("cluster", key, note.format(name), None) for key, name in sorted(names.items())]
    rows: list[Row] = []
    for gateway in live:
        spec = gateway.get("spec") or {}
        parts = [spec, *(spec.get("overrides") or {}).values()]
        texts = [part.get("serviceAnnotations") or {} for part in parts if isinstance(part, dict)]
        reused = {str(value) for text in texts for key, value in text.items() if key.endswith("loadbalancer-id")}
        name = gateway["metadata"]["name"]
        rows += [("load_balancer", one, f"was lent to gateway '{name}' and stays", None) for one in sorted(reused)]
    return rows


def _projects(settings: Json, status: Json) -> list[Row]:
    rows: list[Row] = []
    for option, key, what in _PROJECTS:
        identifier = (settings.get(option) or {}).get("project")
        said = str(status.get(key) or "")
        if identifier and "not" not in said:
            was = "was there before and is not released with the mesh" if said else _ASK
            rows.append(("log_project", identifier, f"{what}: {was}", None))
    return rows


def _security_group(settings: Json, status: Json, retained: list[str]) -> list[Row]:
    identifier = settings.get("security_group_id")
    said = str(status.get("SgStatus") or "")
    if not identifier:
        return []
    if identifier in retained:
        return [("security_group", identifier, "security group of the mesh, kept by retain_resources", None)]
    if not said:
        return [("security_group", identifier, f"security group of the mesh. {_ASK}", None)]
    if said == "reused":
        return [("security_group", identifier, "security group of the mesh, which others use too", None)]
    return []

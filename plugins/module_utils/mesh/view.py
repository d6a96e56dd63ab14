# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as its users see it, and the parts of a mesh that a table of attributes cannot say.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud import tags
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.decoding import boolean, mapping
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Attribute, Changes, dig, unseen_changes
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import view as view_of_rows
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, operators
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES

_LOAD_BALANCER = "Spec.LoadBalancer."


def whole(cloud: Cloud, listed: dict[str, Any]) -> dict[str, Any]:
    """``{detail, tags, unfinished}``: the described mesh, and the tags that only the list knows.

    ``unfinished`` is whether its creation ended before the settings were sent that the service never shows.
    """
    detail = meshes.describe_mesh(cloud, meshes.mesh_id(listed))
    known = tags.from_list(listed.get("Tag"))
    unfinished = known.pop(tags.UNFINISHED, None) is not None
    return {"detail": detail, "tags": known, "unfinished": unfinished}


def settings(found: dict[str, Any]) -> dict[str, Any]:
    """What a user can set, as it is: the ``before`` of a diff."""
    detail = found["detail"]
    about = meshes.info(detail)
    return {
        "name": about.get("Name"),
        "region": about.get("RegionId"),
        "tags": found["tags"],
        "api_server_public_eip": bool(dig(detail, _LOAD_BALANCER + "ApiServerPublicEip")),
        "api_server_eip_id": dig(detail, _LOAD_BALANCER + "ApiServerPublicEipId") or "",
        "pilot_eip_id": dig(detail, _LOAD_BALANCER + "PilotPublicEipId") or "",
        "load_balancers": {
            "api_server": dig(detail, _LOAD_BALANCER + "ApiServerLoadbalancerId") or "",
            "pilot": dig(detail, _LOAD_BALANCER + "PilotPublicLoadbalancerId") or "",
        },
        "security_group_id": dig(detail, "Spec.Network.SecurityGroupId") or "",
        **view_of_rows(MESH_ATTRIBUTES, detail),
    }


def view(found: dict[str, Any]) -> dict[str, Any]:
    """The whole result: settings, identity, state, addresses and clusters."""
    detail = found["detail"]
    about = meshes.info(detail)
    endpoints = detail.get("Endpoints") or {}
    return {
        "id": about.get("ServiceMeshId"),
        "state": about.get("State"),
        "error_message": about.get("ErrorMessage") or "",
        "creation_time": about.get("CreationTime"),
        "operator_cluster": operators.operator_cluster(about.get("Name")),
        "update_time": about.get("UpdateTime"),
        "clusters": sorted(detail.get("Clusters") or []),
        "endpoints": {
            "api_server_private": endpoints.get("IntranetApiServerEndpoint") or "",
            "api_server_public": endpoints.get("PublicApiServerEndpoint") or "",
            "pilot_private": endpoints.get("IntranetPilotEndpoint") or "",
            "pilot_public": endpoints.get("PublicPilotEndpoint") or "",
        },
        **settings(found),
    }


def lacks_audit_project(params: dict[str, Any], detail: dict[str, Any]) -> bool:
    """Whether the audit log is asked for and on, but somebody has deleted the project that takes it."""
    wanted = (params["audit"] or {}).get("enabled")
    audit = mapping(dig(detail, "Spec.MeshConfig.Audit")) or {}
    said = str(audit.get("AuditProjectStatus") or "").replace(" ", "_")
    return bool(wanted and boolean(audit.get("Enabled")) and said == "audit_project_not_exist")


def wanted_addresses(params: dict[str, Any]) -> dict[str, Any]:
    """The options about public addresses that are set."""
    names = ("api_server_public_eip", "api_server_eip_id", "pilot_eip_id")
    return {name: params[name] for name in names if params[name] is not None}


def refuse_contradictions(params: dict[str, Any]) -> None:
    """Raises ``InvalidInput`` where the options about the address of the API server exclude each other."""
    public, eip = params["api_server_public_eip"], params["api_server_eip_id"]
    if None not in (public, eip) and public != bool(eip):
        asked = f"binds the EIP {eip}" if eip else "(empty) unbinds the address"
        raise InvalidInput(
            f"api_server_public_eip is {str(public).lower()}, but api_server_eip_id {asked}. Leave one of the two out."
        )


def plan_addresses(params: dict[str, Any], detail: dict[str, Any], changes: Changes) -> None:
    """Adds the binding and unbinding of EIPs to ``changes`` (ModifyApiServerEipResource, ModifyPilotEipResource).

    An EIP is named by its id, an empty id unbinds. ``api_server_public_eip`` alone can only take an address away:
    the API has no action that makes an EIP for an existing mesh.
    """
    refuse_contradictions(params)
    bound = dig(detail, _LOAD_BALANCER + "ApiServerPublicEipId") or ""
    public = bool(dig(detail, _LOAD_BALANCER + "ApiServerPublicEip") or bound)
    wanted = params["api_server_eip_id"]
    if wanted is None and params["api_server_public_eip"] is False:
        wanted = ""
    if wanted is None and params["api_server_public_eip"] and not public:
        raise InvalidInput(
            f"Mesh '{params['name']}' has no public API server, and an existing mesh gets one only by binding an EIP: "
            "set api_server_eip_id to the EIP's id (eip-...)."
        )
    if wanted == "" and public and not bound:
        raise Refused(
            f"Mesh '{params['name']}' has a public API server, but the service does not show the id of its EIP, and so "
            "it cannot be unbound. Unbind it in the console, or leave api_server_public_eip and api_server_eip_id out."
        )
    _bind(changes, "ModifyApiServerEipResource", "ApiServerEipId", bound, wanted)
    _bind(
        changes,
        "ModifyPilotEipResource",
        "EipId",
        dig(detail, _LOAD_BALANCER + "PilotPublicEipId") or "",
        params["pilot_eip_id"],
    )


def _bind(changes: Changes, action: str, parameter: str, bound: str, wanted: str | None) -> None:
    if wanted is None or wanted == bound:
        return
    if bound and wanted:
        raise InvalidInput(
            f"The EIP {bound} is bound already, {wanted} was asked for. Unbind it first with an empty id, so that "
            "clients notice the change of address at a time of your choice."
        )
    changes.calls[action] = {parameter: wanted or bound, "Operation": "BindEip" if wanted else "UnBindEip"}


def resent(params: dict[str, Any]) -> list[Attribute]:
    """The options that the service never shows and that ``resend`` names, by themselves or by their group.

    Raises ``InvalidInput`` for a name that stands for none of them, or for none that is set.
    """
    unseen = [row for row in MESH_ATTRIBUTES if row.change and row.read is None]
    chosen: dict[str, Attribute] = {}
    for name in params["resend"] or []:
        named = {row.option: row for row in unseen if f"{row.option}.".startswith(f"{name}.")}
        given = {option: row for option, row in named.items() if row.desired(params) is not None}
        if not named:
            known = ", ".join(sorted(row.option for row in unseen))
            raise InvalidInput(f"resend: '{name}' is no option that the service never shows. These are {known}.")
        if not given:
            raise InvalidInput(f"resend: {name} is not set, so that there is nothing to send.")
        chosen.update(given)
    return list(chosen.values())


def needs_second_step(params: dict[str, Any]) -> bool:
    """Whether options are set that CreateServiceMesh does not know."""
    late = [row for row in MESH_ATTRIBUTES if row.create is None and row.desired(params) is not None]
    return bool(late or params["api_server_eip_id"] or params["pilot_eip_id"])


def unseen(params: dict[str, Any]) -> Changes:
    """The options that the service never shows, and that creation does not know: what an interruption would lose."""
    return unseen_changes([row for row in MESH_ATTRIBUTES if row.create is None], params)

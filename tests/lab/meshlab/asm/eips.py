# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EIPs of the API server and of the pilot."""

from __future__ import annotations

from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.openapi.errors import ApiError, invalid_parameter


@action("ModifyApiServerEipResource", "ServiceMeshId", "Operation", write=True)
def modify_api_server_eip_resource(call: Call) -> dict[str, Any]:
    """Bind an EIP to the API server, or take it away."""
    return _modify(call, "api", call.get("ApiServerEipId", ""))


@action("ModifyPilotEipResource", "ServiceMeshId", "Operation", write=True)
def modify_pilot_eip_resource(call: Call) -> dict[str, Any]:
    """Bind an EIP to the pilot, or take it away."""
    if call.get("IsCanary", False):
        raise invalid_parameter("IsCanary", "the mesh has no canary control plane")
    return _modify(call, "pilot", call.get("EipId", ""))


@action("DescribeEipResources")
def describe_eip_resources(call: Call) -> dict[str, Any]:
    """The EIPs of the mesh's region (of all regions without a mesh), page by page."""
    mesh = call.mesh() if call.get("ServiceMeshId") else None
    number, size = call.get("PageNum", 1), call.get("PageSize", 10)
    if number < 1 or size < 1:
        raise invalid_parameter("PageNum" if number < 1 else "PageSize", "it must be at least 1")
    eips = [eip for eip in list(call.world.eips.values()) if mesh is None or eip.region_id == mesh.region_id]
    page = eips[(number - 1) * size : number * size]
    return {
        "EipList": [
            {
                "AllocationId": eip.allocation_id,
                "InstanceType": "SlbInstance" if eip.bound_to else "",
                "IpAddress": eip.address,
                "Status": eip.status,
            }
            for eip in page
        ],
        "PageResult": {"PageNumber": number, "PageSize": size, "TotalCount": len(eips)},
    }


def _modify(call: Call, role: str, allocation_id: str) -> dict[str, Any]:
    mesh = call.settled_mesh()
    operation = call.get("Operation")
    if operation == "BindEip":
        _bind(call, mesh, role, allocation_id)
    elif operation == "UnBindEip":
        _unbind(call, mesh, role, allocation_id)
    else:
        raise invalid_parameter("Operation", f"{operation!r} is not one of BindEip, UnBindEip")
    return {}


def _bind(call: Call, mesh: Mesh, role: str, allocation_id: str) -> None:
    world, cloud = call.world, call.cloud
    if role in mesh.eips:
        raise ApiError(
            400, "InvalidOperation.EipBound", f"The EIP {mesh.eips[role]} is bound already; unbind it first."
        )
    with world.lock:
        if allocation_id:
            eip = world.eips.get(allocation_id)
            if eip is None or eip.region_id != mesh.region_id:
                raise ApiError(404, "InvalidAllocationId.NotFound", f"The EIP {allocation_id} does not exist.")
            if eip.bound_to:
                raise ApiError(400, "IncorrectEipStatus", f"The EIP {allocation_id} is in use by {eip.bound_to}.")
        else:
            eip = cloud.inventory.allocate_eip(mesh.region_id)
        cloud.inventory.bind_eip(eip, mesh, role)
    cloud.lifecycle.bind_eip(mesh, eip, role, call.transition_fault())


def _unbind(call: Call, mesh: Mesh, role: str, allocation_id: str) -> None:
    bound = mesh.eips.get(role, "")
    if not bound or (allocation_id and allocation_id != bound):
        raise ApiError(400, "IncorrectEipStatus", f"The EIP {allocation_id or '(none named)'} is not bound here.")
    eip = call.world.eips[bound]
    if eip.made_for == f"mesh/{mesh.mesh_id}":
        eip.made_for = ""  # from now on the user's own, and the user's to release
    call.cloud.lifecycle.unbind_eip(mesh, eip, role)

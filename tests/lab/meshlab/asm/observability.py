# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs and the state of what a mesh uses."""

from __future__ import annotations

from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.asm.features import apply_features
from meshlab.openapi.errors import invalid_parameter

#: Dashboards by title, and the ends of their addresses.


@action("UpdateControlPlaneLogConfig", "ServiceMeshId", "Enabled", write=True)
def update_control_plane_log_config(call: Call) -> dict[str, Any]:
    """Whether the logs of the control plane are collected, where, and for how many days."""
    mesh = call.settled_mesh()
    days = call.get("LogTTLInDay", mesh.spec["ControlPlaneLogInfo"]["LogTTL"])
    if not 1 <= days <= 3650:
        raise invalid_parameter("LogTTLInDay", f"{days} is not between 1 and 3650")
    project = call.get("Project", mesh.spec["ControlPlaneLogInfo"]["Project"] or f"mesh-log-{mesh.mesh_id}")
    enabled = call.parameters["Enabled"]
    with call.world.lock:
        changes = {"ControlPlaneLogEnabled": enabled, "ControlPlaneLogTTLInDay": days}
        if enabled:
            changes["ControlPlaneLogProject"] = project
            call.cloud.inventory.log_project(project, mesh)
        apply_features(mesh.spec, mesh.hidden, changes)
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}


@action("ReActivateAudit", "ServiceMeshId", write=True)
def re_activate_audit(call: Call) -> dict[str, Any]:
    """Make the audit project again, and switch auditing on or off."""
    mesh = call.settled_mesh()
    project = mesh.spec["Audit"]["Project"] or f"mesh-log-{mesh.mesh_id}"
    with call.world.lock:
        changes = {"AuditProject": project, "EnableAudit": call.get("EnableAudit", True)}
        apply_features(mesh.spec, mesh.hidden, changes)
        call.cloud.inventory.log_project(project, mesh)
        call.world.save()
    return {"Data": project}


@action("DescribeServiceMeshAdditionalStatus", "ServiceMeshId")
def describe_service_mesh_additional_status(call: Call) -> dict[str, Any]:
    """Whether what a mesh uses is still there; CheckMode full looks at more than normal."""
    mesh = call.mesh()
    mode = call.get("CheckMode", "normal")
    if mode not in ("normal", "full"):
        raise invalid_parameter("CheckMode", f"{mode!r} is not one of normal, full")
    status: dict[str, Any] = {
        "ApiServerLoadBalancerStatus": _balancer(call, mesh, "api"),
        "PilotLoadBalancerStatus": _balancer(call, mesh, "pilot"),
        "AuditProjectStatus": _project(call, mesh, "Audit").replace("_", " "),
        "LogtailStatusRecord": {one: {"LogtailStatus": "not_exist"} for one in list(mesh.clusters)},
    }
    if mode == "full":
        status |= {
            "AccessLogProjectStatus": _project(call, mesh, "AccessLog"),
            "ControlPlaneProjectStatus": _project(call, mesh, "ControlPlaneLogInfo"),
            "ApiServerEIPStatus": _eip(call, mesh, "api"),
            "PilotEIPStatus": _eip(call, mesh, "pilot"),
            "SgStatus": "not_reused" if mesh.security_group_id in call.world.security_groups else "failed",
            "RAMApplicationStatus": "not_exist",
        }
    return {"ClusterStatus": status}


@action("DescribeServiceMeshLogs", "ServiceMeshId")
def describe_service_mesh_logs(call: Call) -> dict[str, Any]:
    """What happened to the mesh: its creation, and the last error."""
    mesh = call.mesh()
    rows = [{"CreationTime": mesh.created, "Log": "creation started", "ServiceMeshId": mesh.mesh_id}]
    if mesh.error_message:
        rows.append({"CreationTime": mesh.updated, "Log": mesh.error_message, "ServiceMeshId": mesh.mesh_id})
    return {"Logs": rows}


def _balancer(call: Call, mesh: Mesh, role: str) -> dict[str, Any]:
    balancer = call.world.load_balancers.get(mesh.load_balancers.get(role, ""))
    if balancer is None:
        return {"SLBExistStatus": "not_exist"}
    return {
        "Locked": False,
        "PayType": balancer.pay_type,
        "Reused": not balancer.made_for,
        "SLBBackEndServerNumStatus": "num_exact",
        "SLBExistStatus": "exist",
    }


def _project(call: Call, mesh: Mesh, section: str) -> str:
    part = mesh.spec[section]
    project = part["Project"] or (f"mesh-log-{mesh.mesh_id}" if part["Enabled"] else "")
    return "exist" if project in call.world.log_projects else "not_exist"


def _eip(call: Call, mesh: Mesh, role: str) -> str:
    if role not in mesh.eips:
        return "not_in_use"
    return "exist" if mesh.eips[role] in call.world.eips else "not_exist"

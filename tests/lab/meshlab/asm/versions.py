# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions and upgrades."""

from __future__ import annotations

import re
from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.asm.views import upgrade_target
from meshlab.openapi.errors import ApiError, invalid_parameter

_VERSION = re.compile(r"^v(\d+)\.(\d+)\.")

#: Kubernetes versions of data-plane clusters that every offered ASM version works with.
KUBERNETES_VERSIONS = "1.28 - 1.36"


def istio_minor(version: str) -> tuple[int, int]:
    """(1, 22) of v1.22.6.109-g...-aliyun."""
    match = _VERSION.match(version)
    if match is None:
        raise ValueError(f"{version!r} is not an ASM version")
    return int(match.group(1)), int(match.group(2))


@action("DescribeVersions")
def describe_versions(call: Call) -> dict[str, Any]:
    """Versions per edition that a new mesh can have."""
    return {
        "VersionInfo": [
            {"Edition": edition, "Versions": list(versions)} for edition, versions in call.world.versions.items()
        ]
    }


@action("DescribeUpgradeVersion", "ServiceMeshId")
def describe_upgrade_version(call: Call) -> dict[str, Any]:
    """The version that a mesh can move to; empty fields when there is none."""
    target = upgrade_target(call.world, call.mesh())
    return {
        "Version": {
            "IstioOperatorVersion": target,
            "IstioVersion": target,
            "KubernetesVersion": KUBERNETES_VERSIONS if target else "",
        }
    }


@action("DescribeMetadata")
def describe_metadata(call: Call) -> dict[str, Any]:
    """Regions and versions."""
    standard, pro = call.world.versions["Default"], call.world.versions["Pro"]
    return {
        "MetaData": {
            "CompatibilityInfoList": [{"IstioVersion": one, "KubernetesVersion": KUBERNETES_VERSIONS} for one in pro],
            "CurrentVersion": standard[-1],
            "PlaygroundScene": {"observability": [], "other": [], "security": [], "trafficManagement": ["ewmaLb"]},
            "ProEdition": {
                "CurrentVersion": pro[-1],
                "VersionCrds": [],
                "VersionRegistry": [_registry(one) for one in pro],
                "Versions": list(pro),
            },
            "Regions": list(call.world.regions),
            "VersionCrds": [],
            "VersionRegistry": [_registry(one) for one in standard],
            "Versions": list(standard),
        }
    }


@action("UpgradeMeshVersion", "ServiceMeshId", write=True)
def upgrade_mesh_version(call: Call) -> dict[str, Any]:
    """Move the control plane to the next version, or only check whether that could be done."""
    mesh = call.settled_mesh()
    target = upgrade_target(call.world, mesh)
    if not target:
        raise ApiError(
            400, "InvalidOperation.NoUpgrade", f"There is no version to upgrade {mesh.mesh_id} to from {mesh.version}."
        )
    if not call.get("PreCheck", False):
        _note_versions(mesh, _gateway_names(call, mesh))
        call.cloud.lifecycle.upgrade(mesh, target, [], call.transition_fault())
    return {}


@action("UpgradeMeshEditionPartially", "ServiceMeshId", write=True)
def upgrade_mesh_edition_partially(call: Call) -> dict[str, Any]:
    """Upgrade the control plane by one step, to the Pro edition if asked for, or let gateways follow it."""
    mesh = call.settled_mesh()
    to_pro, gateways_follow = call.get("SwitchToPro", False), call.get("ASMGatewayContinue", False)
    target = upgrade_target(call.world, mesh)
    goal = mesh.version if gateways_follow or not target else target
    expected = call.get("ExpectedVersion", goal)
    if expected != goal:
        raise ApiError(400, "UpgradedVersion.NotExpected", f"The upgrade would go to {goal}, not to {expected}.")
    known = _gateway_names(call, mesh)
    gateways = [name for name in call.get("UpgradeGatewayRecords", "").split(",") if name] or known
    for name in gateways:
        if name not in known:
            raise invalid_parameter("UpgradeGatewayRecords", f"there is no gateway {name}")
    if goal == mesh.version and not gateways_follow and not to_pro:
        raise ApiError(
            400, "InvalidOperation.NoUpgrade", f"There is no version to upgrade {mesh.mesh_id} to from {mesh.version}."
        )
    if call.get("PreCheck", False):
        return {}
    if to_pro and mesh.cluster_spec == "standard":
        mesh.cluster_spec = "enterprise"
    _note_versions(mesh, known)
    call.cloud.lifecycle.upgrade(mesh, goal, gateways if gateways_follow else [], call.transition_fault())
    return {}


def _note_versions(mesh: Mesh, known: list[str]) -> None:
    """Gateways that never followed an upgrade have the mesh's version: kept before the mesh gets another one."""
    mesh.gateway_versions = {name: mesh.gateway_versions.get(name, mesh.version) for name in known}


@action("DescribeServiceMeshUpgradeStatus", "ServiceMeshId")
def describe_service_mesh_upgrade_status(call: Call) -> dict[str, Any]:
    """How far control plane and gateways ("namespace:name") are."""
    mesh = call.mesh()
    asked = [name for name in call.get("AllIstioGatewayFullNames", "").split(",") if name]
    names = asked or _gateway_names(call, mesh)
    moving = mesh.operation_parameters.get("gateways", []) if mesh.state == "upgrading" else []
    record = {}
    for name in names:
        version = mesh.gateway_versions.get(name, mesh.version)
        status = "upgrading" if name in moving else "finished" if version == mesh.version else "notStart"
        record[name] = {"Status": status, "Message": "", "Version": version}
    finished = sum(1 for one in record.values() if one["Status"] == "finished")
    status = mesh.state if mesh.state in ("upgrading", "upgrading_failed") else "running"
    return {
        "UpgradeDetail": {
            "FinishedGatewaysNum": finished,
            "GatewayStatusRecord": record,
            "MeshStatus": status,
            "TotalGatewaysNum": len(names),
        }
    }


def _gateway_names(call: Call, mesh: Mesh) -> list[str]:
    plane = call.cloud.fleet.running_mesh(mesh.mesh_id)
    if plane is None:
        return []
    path = "/apis/istio.alibabacloud.com/v1beta1/namespaces/istio-system/istiogateways"
    return [f"istio-system:{one['metadata']['name']}" for one in plane.api.list(path)]


def _registry(version: str) -> dict[str, str]:
    major, minor = istio_minor(version)
    return {"AsmVersion": version, "IstioVersion": f"{major}.{minor}"}

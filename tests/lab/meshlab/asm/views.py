# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Meshes and clusters as replies show them. Pure functions."""

from __future__ import annotations

import copy
from typing import Any

from meshlab.account import Attachment, Cluster, Mesh
from meshlab.addresses import Addresses
from meshlab.world import World

#: Parts of MeshConfig that the list shows; the detail shows all.
_LISTED = ("OutboundTrafficPolicy", "Telemetry", "Tracing")


def mesh_detail(world: World, addresses: Addresses, mesh: Mesh) -> dict[str, Any]:
    """ServiceMesh of DescribeServiceMeshDetail."""
    config = copy.deepcopy(mesh.spec)
    _hide_unasked(world, config)
    project = config["Audit"]["Project"]
    config["Audit"]["AuditProjectStatus"] = (
        "audit_project_exist" if project in world.log_projects else "audit_project_not_exist"
    )
    edition = mesh.profile
    config["Edition"] = {"Name": edition, "IstiodImageTag": mesh.version, "ProxyImageTag": mesh.version}
    if config["Kiali"]["Enabled"]:
        config["Kiali"]["Url"] = mesh.kiali_url
    eips = mesh.eips
    endpoints = _endpoints(world, addresses, mesh)
    return {
        "ClusterSpec": mesh.cluster_spec,
        "Clusters": list(mesh.clusters),
        "Endpoints": {
            **endpoints,
            "IntranetCanaryPilotEndpoint": "",
            "PublicCanaryPilotEndpoint": "",
        },
        "OwnerId": world.main_user().uid,
        "OwnerType": "",
        "ServiceMeshInfo": _info(mesh),
        "Spec": {
            "LoadBalancer": {
                "ApiServerLoadbalancerId": mesh.load_balancers.get("api", ""),
                "ApiServerPublicEip": "api" in eips,
                "ApiServerPublicEipId": eips.get("api", ""),
                "CanaryPilotLoadBalancerId": "",
                "CanaryPilotPublicEipId": "",
                "PilotPublicEip": "pilot" in eips,
                "PilotPublicEipId": eips.get("pilot", ""),
                "PilotPublicLoadbalancerId": mesh.load_balancers.get("pilot", ""),
            },
            "MeshConfig": config,
            "Network": _network(mesh),
        },
    }


def mesh_summary(world: World, addresses: Addresses, mesh: Mesh) -> dict[str, Any]:
    """One entry of DescribeServiceMeshes."""
    config = {name: mesh.spec[name] for name in _LISTED}
    pilot, injector = mesh.spec["Pilot"], mesh.spec["SidecarInjector"]
    config["Pilot"] = {"Http10Enabled": pilot["Http10Enabled"], "TraceSampling": pilot["TraceSampling"]}
    config["SidecarInjector"] = {
        name: copy.deepcopy(injector[name])
        for name in ("AutoInjectionPolicyEnabled", "EnableNamespacesByDefault", "InitCNIConfiguration")
    }
    if "Playground" in mesh.spec["ExtraConfiguration"]:
        config["ExtraConfiguration"] = {"Playground": mesh.spec["ExtraConfiguration"]["Playground"]}
    return {
        "ClusterSpec": mesh.cluster_spec,
        "Clusters": list(mesh.clusters),
        "Endpoints": _endpoints(world, addresses, mesh),
        "OwnerId": world.main_user().uid,
        "OwnerType": "",
        "ServiceMeshInfo": _info(mesh),
        "Spec": {
            "LoadBalancer": {
                "ApiServerLoadbalancerId": mesh.load_balancers.get("api", ""),
                "ApiServerPublicEip": "api" in mesh.eips,
                "PilotPublicEip": "pilot" in mesh.eips,
                "PilotPublicLoadbalancerId": mesh.load_balancers.get("pilot", ""),
            },
            "MeshConfig": config,
            "Network": _network(mesh),
        },
        "Tag": [{"Key": key, "Value": value} for key, value in mesh.tags.items()],
        "Upgradable": upgrade_target(world, mesh) != "",
    }


def attached_cluster(cluster: Cluster, attachment: Attachment) -> dict[str, Any]:
    """One entry of DescribeClustersInServiceMesh."""
    return {
        "AccessLogDashboards": [],
        "ClusterDomain": cluster.cluster_domain,
        "ClusterId": cluster.cluster_id,
        "ClusterType": cluster.cluster_type,
        "CreationTime": attachment.created,
        "ErrorMessage": attachment.error_message,
        "GuestClusterConfig": {"SMC": {"Enabled": attachment.smc}},
        "LogtailInstalledState": "logtail_uninstalled",
        "Name": cluster.name,
        "RegionId": cluster.region_id,
        "SgId": cluster.security_group_id,
        "State": attachment.state,
        "UpdateTime": attachment.updated,
        "Version": cluster.version,
        "VpcId": cluster.vpc_id,
    }


def candidate_cluster(cluster: Cluster, mesh_id: str, flag: int, info: str) -> dict[str, Any]:
    """One entry of DescribeServiceMeshClusters; ``mesh_id`` is the mesh that the cluster is in, or nothing."""
    return {
        "ClusterDomain": cluster.cluster_domain,
        "ClusterId": cluster.cluster_id,
        "ClusterType": cluster.cluster_type,
        "CreationTime": cluster.created,
        "ErrorMessage": "",
        "ForbiddenFlag": flag,
        "ForbiddenInfo": info,
        "Name": cluster.name,
        "RegionId": cluster.region_id,
        "ServiceMeshId": mesh_id,
        "SgId": cluster.security_group_id,
        "State": cluster.state,
        "UpdateTime": cluster.updated,
        "Version": cluster.version,
        "VpcId": cluster.vpc_id,
    }


def upgrade_target(world: World, mesh: Mesh) -> str:
    """The version that the mesh can move to: the next one that its edition offers, or nothing."""
    offered = world.versions[mesh.profile]
    if mesh.version not in offered:
        return ""
    later = offered[offered.index(mesh.version) + 1 :]
    return later[0] if later else ""


def _hide_unasked(world: World, config: dict[str, Any]) -> None:
    """Take out of MeshConfig what nobody asked for, as far as the lab's settings say that it is not shown."""
    if world.settings["access_log_project"] == "as_given" and not config["AccessLog"]["Project"]:
        del config["AccessLog"]["Project"]
    logs = config["ControlPlaneLogInfo"]
    # Switching on is what gives these logs a project, which they keep.
    if world.settings["control_plane_log_info"] == "once_enabled" and not logs["Enabled"] and not logs["Project"]:
        del config["ControlPlaneLogInfo"]


def _endpoints(world: World, addresses: Addresses, mesh: Mesh) -> dict[str, str]:
    """Empty until the mesh has run for the first time; the public ones as long as no EIP is bound."""
    names = ("IntranetApiServerEndpoint", "IntranetPilotEndpoint", "PublicApiServerEndpoint", "PublicPilotEndpoint")
    if mesh.state in ("initial", "failed", "create_timeout"):
        return dict.fromkeys(names, "")
    public = {role: world.eips[key].address for role, key in mesh.eips.items() if key in world.eips}
    return {
        "IntranetApiServerEndpoint": f"https://{addresses.plane(mesh.mesh_id)}:6443",
        "IntranetPilotEndpoint": f"{addresses.pilot(mesh.mesh_id)}:15011",
        "PublicApiServerEndpoint": f"https://{public['api']}:6443" if "api" in public else "",
        "PublicPilotEndpoint": f"{public['pilot']}:15011" if "pilot" in public else "",
    }


def _info(mesh: Mesh) -> dict[str, Any]:
    return {
        "CreationTime": mesh.created,
        "ErrorMessage": mesh.error_message,
        "Name": mesh.name,
        "Profile": mesh.profile,
        "RegionId": mesh.region_id,
        "ServiceMeshId": mesh.mesh_id,
        "State": mesh.state,
        "UpdateTime": mesh.updated,
        "Version": mesh.version,
    }


def _network(mesh: Mesh) -> dict[str, Any]:
    return {"SecurityGroupId": mesh.security_group_id, "VSwitches": list(mesh.vswitches), "VpcId": mesh.vpc_id}

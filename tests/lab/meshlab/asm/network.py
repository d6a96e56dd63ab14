# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks around meshes: VPCs, vSwitches, CEN, load balancers to reuse, networks of several clusters."""

from __future__ import annotations

from typing import Any

from meshlab.asm.actions import Call, action
from meshlab.openapi.errors import ApiError, invalid_parameter


@action("DescribeVpcs", "RegionId")
def describe_vpcs(call: Call) -> dict[str, Any]:
    """The VPCs of a region, on one page."""
    rows = [
        {"IsDefault": vpc.is_default, "Status": vpc.status, "VpcId": vpc.vpc_id, "VpcName": vpc.name}
        for vpc in list(call.world.vpcs.values())
        if vpc.region_id == call.get("RegionId")
    ]
    return {"MaxResults": len(rows), "NextToken": "", "TotalCount": len(rows), "Vpcs": rows}


@action("DescribeVSwitches", "RegionId", "VpcId")
def describe_vswitches(call: Call) -> dict[str, Any]:
    """The vSwitches of a VPC, on one page."""
    vpc = call.world.vpcs.get(call.get("VpcId"))
    rows = [
        {
            "IsDefault": one.is_default,
            "Status": one.status,
            "VSwitchId": one.vswitch_id,
            "VSwitchName": one.name,
            "VpcId": one.vpc_id,
            "ZoneId": one.zone_id,
        }
        for one in list(call.world.vswitches.values())
        if vpc is not None and vpc.region_id == call.get("RegionId") and one.vpc_id == vpc.vpc_id
    ]
    return {"MaxResults": len(rows), "NextToken": "", "TotalCount": len(rows), "VSwitches": rows}


@action("DescribeCens")
def describe_cens(call: Call) -> dict[str, Any]:
    """Clusters of the mesh that are in another VPC than the mesh with no CEN between them."""
    if not call.get("ServiceMeshId"):
        return {"Clusters": []}
    mesh = call.mesh()
    clusters = [call.world.clusters[one] for one in list(mesh.clusters) if one in call.world.clusters]
    return {"Clusters": [one.cluster_id for one in clusters if not call.world.connected(mesh.vpc_id, one.vpc_id)]}


@action("DescribeReusableSlb", "NetworkType")
def describe_reusable_slb(call: Call) -> dict[str, Any]:
    """Load balancers that the user made in the VPC of a cluster or a mesh; none that Kubernetes or ASM made."""
    cluster_id, mesh_id = call.get("K8sClusterId"), call.get("ServiceMeshId")
    if bool(cluster_id) == bool(mesh_id):
        raise invalid_parameter("K8sClusterId", "exactly one of K8sClusterId and ServiceMeshId is to be given")
    if call.get("NetworkType") not in ("internet", "intranet"):
        raise invalid_parameter("NetworkType", f"{call.get('NetworkType')!r} is not one of internet, intranet")
    if call.get("LbType", "clb") not in ("clb", "nlb"):
        raise invalid_parameter("LbType", f"{call.get('LbType')!r} is not one of clb, nlb")
    if cluster_id and cluster_id not in call.world.clusters:
        raise ApiError(404, "ErrorClusterNotFound", f"The cluster {cluster_id} does not exist.")
    vpc_id = call.world.clusters[cluster_id].vpc_id if cluster_id else call.mesh().vpc_id
    return {
        "ReusableSlbList": [
            {"LoadBalancerId": one.load_balancer_id, "LoadBalancerName": one.name}
            for one in list(call.world.load_balancers.values())
            if one.vpc_id == vpc_id
            and not one.made_for
            and one.address_type == call.get("NetworkType")
            and one.kind == call.get("LbType", "clb")
        ]
    }


@action("DescribeMeshMultiClusterNetwork", "ServiceMeshId")
def describe_mesh_multi_cluster_network(call: Call) -> dict[str, Any]:
    """The network of each cluster; those never set are in the default network."""
    mesh = call.mesh()
    default = {"Network": "", "EnableGateway": False, "CustomGatewayAddress": "", "GatewayName": ""}
    return {"MultiClusterNetworks": {one: {**default, **mesh.networks.get(one, {})} for one in list(mesh.clusters)}}


@action("UpdateMeshMultiClusterNetwork", "ServiceMeshId", write=True)
def update_mesh_multi_cluster_network(call: Call) -> dict[str, Any]:
    """Set the networks of the clusters that are named; the others stay."""
    mesh = call.settled_mesh()
    networks: dict[str, dict[str, Any]] = call.get("MultiClusterNetworks", {})
    for cluster_id in networks:
        if cluster_id not in mesh.clusters:
            raise ApiError(404, "ERR404", f"Not found: the cluster {cluster_id} is not in the mesh.")
    with call.world.lock:
        mesh.networks |= networks
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Meshes: create, list, describe, change, delete."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from meshlab.account import Mesh, new_mesh_id, timestamp
from meshlab.asm import views
from meshlab.asm.actions import Call, action
from meshlab.asm.features import (
    CLUSTER_SPECS,
    LOAD_BALANCER_SPECS,
    apply_features,
    check_features,
    initial_spec,
)
from meshlab.asm.tags import check_tags
from meshlab.openapi.errors import ApiError, invalid_parameter

_EDITIONS = {"Default": "standard", "Pro": "enterprise"}

_CA_PARAMETERS = ("ExistingCaCert", "ExistingCaKey", "ExistingRootCaCert", "ExistingRootCaKey", "CertChain")


@action("CreateServiceMesh", "RegionId", "VpcId", "VSwitches", write=True)
def create_service_mesh(call: Call) -> dict[str, Any]:
    """A new mesh in state initial; what was chosen shows in its detail at once."""
    world, cloud = call.world, call.cloud
    vswitches = _vswitches(call)
    cluster_spec = _cluster_spec(call)
    version = _version(call, cluster_spec)
    _check_charge(call)
    check_features(call.parameters)
    check_kiali(call.parameters, {})
    _check_ca(call)
    tags = check_tags(call.get("Tag", []))
    mesh_id = new_mesh_id()
    mesh = Mesh(
        mesh_id=mesh_id,
        name=call.get("Name", mesh_id),
        region_id=call.get("RegionId"),
        vpc_id=call.get("VpcId"),
        vswitches=vswitches,
        version=version,
        cluster_spec=cluster_spec,
        state="initial",
        created=timestamp(),
        updated=timestamp(),
        spec=initial_spec(CniExcludeNamespaces=world.settings["cni_exclude_namespaces"]),
        charge_type=call.get("ChargeType", "PayOnDemand"),
        tags=tags,
    )
    _check_name(call, mesh.name, mesh.region_id)
    guest = call.get("GuestCluster")
    if guest:
        _check_guest(call, guest)
        mesh.operation_parameters = {"GuestCluster": guest}
    apply_features(mesh.spec, mesh.hidden, call.parameters)
    mesh.hidden |= {
        name: call.parameters[name] for name in ("Period", "AutoRenew", "AutoRenewPeriod") if name in call.parameters
    }
    api_spec = call.get("ApiServerLoadBalancerSpec", "slb.s1.small")
    pilot_spec = call.get("PilotLoadBalancerSpec", "slb.s1.small")
    with world.lock:
        _name_projects(call, mesh)
        cloud.inventory.equip_mesh(mesh, api_spec, pilot_spec, call.get("ApiServerPublicEip", False))
        world.meshes[mesh_id] = mesh
    cloud.lifecycle.create(mesh, call.transition_fault())
    return {"ServiceMeshId": mesh_id}


@action("DescribeServiceMeshes", methods=("GET", "POST"))
def describe_service_meshes(call: Call) -> dict[str, Any]:
    """All meshes of all regions, or those that carry all the tags asked for."""
    wanted = call.get("Tag", [])
    meshes = [mesh for mesh in list(call.world.meshes.values()) if _has_tags(mesh, wanted)]
    return {"ServiceMeshes": [views.mesh_summary(call.world, call.cloud.addresses, mesh) for mesh in meshes]}


@action("DescribeServiceMeshDetail", "ServiceMeshId")
def describe_service_mesh_detail(call: Call) -> dict[str, Any]:
    """Everything about one mesh but its tags."""
    return {"ServiceMesh": views.mesh_detail(call.world, call.cloud.addresses, call.mesh())}


@action("ModifyServiceMeshName", "ServiceMeshId", "Name", write=True)
def modify_service_mesh_name(call: Call) -> dict[str, Any]:
    """Another name; no state is passed through."""
    mesh = call.settled_mesh()
    name = call.get("Name")
    if name != mesh.name:
        _check_name(call, name, mesh.region_id)
        mesh.name = name
        mesh.updated = timestamp()
        call.world.save()
    return {}


@action("UpdateMeshFeature", "ServiceMeshId", write=True)
def update_mesh_feature(call: Call) -> dict[str, Any]:
    """Partial change: what is not sent stays."""
    mesh = call.settled_mesh()
    check_features(call.parameters)
    check_kiali(call.parameters, mesh.spec)
    cluster_spec = call.get("ClusterSpec")
    if cluster_spec:
        if cluster_spec not in CLUSTER_SPECS:
            raise invalid_parameter("ClusterSpec", f"{cluster_spec!r} is not one of {', '.join(CLUSTER_SPECS)}")
        mesh.cluster_spec = cluster_spec
    with call.world.lock:
        apply_features(mesh.spec, mesh.hidden, call.parameters)
        _name_projects(call, mesh)
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}


@action("UpdateMeshCRAggregation", "ServiceMeshId", write=True)
def update_mesh_cr_aggregation(call: Call) -> dict[str, Any]:
    """Whether Istio resources may be read and written through the clusters' API servers."""
    mesh = call.settled_mesh()
    sent = {name: value for name, value in call.parameters.items() if name != "ServiceMeshId"}
    for name in ("CPULimit", "CPURequirement", "MemoryLimit", "MemoryRequirement"):
        if call.get(name):
            check_features({"ProxyLimitCPU": sent[name]})
    if sent.get("Enabled") and mesh.cluster_spec == "standard":
        raise invalid_parameter("Enabled", "the standard edition has no Kubernetes API access for the data plane")
    with call.world.lock:
        if "Enabled" in sent:
            apply_features(mesh.spec, mesh.hidden, {"CRAggregationEnabled": sent["Enabled"]})
        mesh.hidden.setdefault("CRAggregation", {}).update(sent)
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}


@action("DeleteServiceMesh", "ServiceMeshId", write=True)
def delete_service_mesh(call: Call) -> dict[str, Any]:
    """Only without clusters, whatever Force says."""
    mesh = call.mesh()
    retain = _json_list("RetainResources", call.get("RetainResources", "[]"))
    if mesh.state == "deleting":
        return {}
    if mesh.state in ("initial", "updating", "upgrading"):
        raise ApiError(400, "StillInitializing", f"The service mesh {mesh.mesh_id} is still {mesh.state}; try later.")
    if mesh.clusters:
        raise ApiError(
            400,
            "ErrorPermitted.ClustersNotEmpty",
            f"The clusters {', '.join(mesh.clusters)} must be removed from the service mesh before it can be deleted.",
        )
    shared = [
        balancer.load_balancer_id
        for balancer in list(call.world.load_balancers.values())
        if balancer.load_balancer_id in mesh.load_balancers.values()
        and balancer.load_balancer_id not in retain
        and any(not user.startswith(f"mesh/{mesh.mesh_id}/") for user in balancer.used_by)
    ]
    if shared:
        raise ApiError(
            400, "RelatedResourceReused", f"The load balancers {', '.join(shared)} are used elsewhere; retain them."
        )
    call.cloud.lifecycle.delete(mesh, retain, call.transition_fault())
    return {}


@action("GetCaCert", "ServiceMeshId")
def get_ca_cert(call: Call) -> dict[str, Any]:
    """The root certificate of the mesh: the one given at creation, else that of its API server."""
    mesh = call.mesh()
    given = mesh.hidden.get("ExistingRootCaCert") or mesh.hidden.get("ExistingCaCert")
    if given:
        return {"CaCert": base64.b64decode(given).decode()}
    return {"CaCert": call.cloud.fleet.mesh(mesh.mesh_id).ca_pem}


def _vswitches(call: Call) -> list[str]:
    region = call.get("RegionId")
    if region not in call.world.regions:
        raise ApiError(404, "InvalidRegionId.NotFound", f"The specified region {region} does not exist.")
    vpc = call.world.vpcs.get(call.get("VpcId"))
    if vpc is None or vpc.region_id != region:
        raise ApiError(404, "InvalidVpcId.NotFound", f"The VPC {call.get('VpcId')} does not exist in {region}.")
    vswitches = _json_list("VSwitches", call.get("VSwitches"))
    if not vswitches:
        raise invalid_parameter("VSwitches", "it names no vSwitch")
    for vswitch_id in vswitches:
        vswitch = call.world.vswitches.get(vswitch_id)
        if vswitch is None or vswitch.vpc_id != vpc.vpc_id:
            raise ApiError(
                404, "InvalidVSwitchId.NotFound", f"The vSwitch {vswitch_id} does not exist in the VPC {vpc.vpc_id}."
            )
    return vswitches


def _json_list(name: str, text: str) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise invalid_parameter(name, f"it is not JSON ({error})") from None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid_parameter(name, "it is not a JSON array of ids")
    return value


def _cluster_spec(call: Call) -> str:
    edition = call.get("Edition")
    if edition and edition not in _EDITIONS:
        raise invalid_parameter("Edition", f"{edition!r} is not one of {', '.join(_EDITIONS)}")
    cluster_spec: str = call.get("ClusterSpec", _EDITIONS.get(edition, "standard"))
    if cluster_spec not in CLUSTER_SPECS:
        raise invalid_parameter("ClusterSpec", f"{cluster_spec!r} is not one of {', '.join(CLUSTER_SPECS)}")
    return cluster_spec


def _version(call: Call, cluster_spec: str) -> str:
    offered = call.world.versions["Default" if cluster_spec == "standard" else "Pro"]
    version: str = call.get("IstioVersion", offered[-1])
    if version not in offered:
        raise invalid_parameter("IstioVersion", f"{version!r} is not offered; there are {', '.join(offered)}")
    return version


def _check_charge(call: Call) -> None:
    charge_type = call.get("ChargeType", "PayOnDemand")
    if charge_type not in ("PayOnDemand", "PrePay"):
        raise invalid_parameter("ChargeType", f"{charge_type!r} is not one of PayOnDemand, PrePay")
    if charge_type == "PrePay" and not call.get("Period"):
        raise invalid_parameter("Period", "a subscription (PrePay) needs a number of months")
    for name in ("ApiServerLoadBalancerSpec", "PilotLoadBalancerSpec"):
        spec = call.get(name, "slb.s1.small")
        if spec not in LOAD_BALANCER_SPECS:
            raise invalid_parameter(name, f"{spec!r} is not one of {', '.join(LOAD_BALANCER_SPECS)}")


def check_kiali(changes: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    """Raises ApiError when features among ``changes`` would leave a mesh with ``spec`` with Kiali and no telemetry."""
    kiali = changes.get("KialiEnabled", spec.get("Kiali", {}).get("Enabled", False))
    if kiali and not changes.get("Telemetry", spec.get("Telemetry", False)):
        raise invalid_parameter("KialiEnabled", "mesh topology needs Telemetry")


def _check_ca(call: Call) -> None:
    if not call.get("UseExistingCA", False):
        return
    kind = call.get("ExistingCaType", "1")
    pair = ("ExistingCaCert", "ExistingCaKey") if kind == "1" else ("ExistingRootCaCert", "ExistingRootCaKey")
    for name in pair:
        if not call.get(name):
            raise invalid_parameter(name, f"an existing CA of type {kind} needs it")
    for name in _CA_PARAMETERS:
        if call.get(name):
            _check_pem(name, call.get(name))


def _check_pem(name: str, text: str) -> None:
    try:
        pem = base64.b64decode(text, validate=True)
        if name.endswith("Key"):
            serialization.load_pem_private_key(pem, None)
        else:
            x509.load_pem_x509_certificates(pem)
    except (binascii.Error, ValueError, TypeError):
        raise invalid_parameter(name, "it is not PEM in Base64") from None


def _check_name(call: Call, name: str, region_id: str) -> None:
    scope = call.world.settings["unique_names"]
    for mesh in list(call.world.meshes.values()):
        if mesh.name == name and (scope == "account" or (scope == "region" and mesh.region_id == region_id)):
            raise ApiError(400, "NameAlreadyExist", f"The name {name} is used by the service mesh {mesh.mesh_id}.")


def _check_guest(call: Call, cluster_id: str) -> None:
    cluster = call.world.clusters.get(cluster_id)
    if cluster is None:
        raise ApiError(404, "ErrorClusterNotFound", f"The cluster {cluster_id} does not exist.")
    if cluster.state != "running":
        raise ApiError(400, "InvalidActiveState.ACK", f"The cluster {cluster_id} is {cluster.state}, not running.")
    vswitches = _vswitches(call)
    if cluster.vpc_id != call.get("VpcId") or not set(vswitches) & set(cluster.vswitch_ids):
        raise invalid_parameter("GuestCluster", "the cluster is not in the VPC and vSwitch of the mesh")
    if cluster.cluster_domain != call.get("ClusterDomain", "cluster.local"):
        raise invalid_parameter("GuestCluster", "the cluster has another cluster domain than the mesh")


def _has_tags(mesh: Mesh, wanted: list[dict[str, str]]) -> bool:
    for tag in wanted:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if key not in mesh.tags or (value and mesh.tags[key] != value):
            return False
    return True


def _name_projects(call: Call, mesh: Mesh) -> None:
    """Logs that are switched on have a project; without a name it is mesh-log-<id>."""
    for section in ("AccessLog", "Audit", "ControlPlaneLogInfo"):
        part = mesh.spec[section]
        if part["Enabled"]:
            project = part["Project"] or f"mesh-log-{mesh.mesh_id}"
            call.cloud.inventory.log_project(project, mesh)
            if section != "AccessLog" or call.world.settings["access_log_project"] == "named":
                part["Project"] = project

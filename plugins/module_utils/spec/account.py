# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the account says about a spec: the mesh that it names, the network of a new one, and the clusters.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access, clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import WORD
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import argument_spec, changes_between
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, versions
from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES

Json = dict[str, Any]

# The options of a mesh that these checks read, apart from those of the table.
_MORE_OPTIONS = {
    "name": {"type": "str", "required": True},
    "api_server_public_eip": {"type": "bool"},
    "api_server_eip_id": {"type": "str"},
    "pilot_eip_id": {"type": "str"},
}

_GATEWAYS: shapes.Shape = [
    {
        "name": WORD,
        "clusters": [WORD],
        "ports": [{"port": WORD}],
        "load_balancer": {"id": WORD, "address_type": WORD},
        "service_type": WORD,
    }
]
_SHAPE: shapes.Shape = {"mesh": {}, "clusters": [{"name": WORD}], "gateways": _GATEWAYS}


@dataclass
class Findings:
    """Sentences: what is wrong, what might be, and what creating the mesh brings along.

    ``unread`` is what is of another type: then the account was not asked.
    """

    unread: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    creates: list[str] = field(default_factory=list)


def check(cloud: Cloud, params: Json) -> Findings:
    """Compares ``{mesh, clusters, gateways}`` with the account. Raises ``AsmError`` when it cannot be asked at all."""
    findings = Findings()
    params, mesh = _read(params, findings)
    if findings.unread:
        return findings
    listed = meshes.list_meshes(cloud)
    try:
        found = meshes.pick_mesh(listed, mesh["name"], cloud.region)
    except AsmError as error:
        findings.errors.append(error.message)
        return findings
    if found is None:
        findings.warnings += _namesakes(mesh["name"], str(cloud.region), listed)
        _check_new_mesh(cloud, mesh, findings)
        _check_known_clusters(cloud, mesh, params["clusters"], listed, findings)
        findings.creates += what_is_created(mesh, str(cloud.region), params["gateways"])
    else:
        _check_region(cloud, mesh, found, params["clusters"], findings)
        _check_existing_mesh(cloud, mesh, found, findings)
        _check_candidates(cloud, meshes.mesh_id(found), params["clusters"], findings)
    return findings


def _read(params: Any, findings: Findings) -> tuple[Json, Json]:
    """The parameters and the options of the mesh in their types; what is of another is ``unread``."""
    fitted, odd = shapes.fit(params, _SHAPE)
    found = {"clusters": [], "gateways": [], **fitted}
    findings.unread += [f"asm_{one}." for one in odd]
    for option in ("clusters", "gateways"):
        items = found[option]
        findings.unread += [f"asm_{option}[{n}] has no name." for n, item in enumerate(items) if "name" not in item]
    mesh, problems = _options(found.get("mesh", {}))
    findings.unread += [f"asm_mesh: {problem}." for problem in problems]
    return found, mesh


def _options(mesh: Json) -> tuple[Json, list[str]]:
    """The options of the mesh in their types, unset ones as None, as the module asm_mesh has them; what is wrong."""
    spec = {**argument_spec(MESH_ATTRIBUTES), **_MORE_OPTIONS}
    known, odd = shapes.fit({key: mesh[key] for key in mesh if key in spec}, shapes.of_options(spec))
    validated = ArgumentSpecValidator(spec).validate(known)
    return dict(validated.validated_parameters), [*map(str, odd), *validated.error_messages]


def _check_region(cloud: Cloud, mesh: Json, found: Json, clusters: list[Json], findings: Findings) -> None:
    """A mesh is found without a region; the kubeconfigs of its clusters come from the service of one region."""
    if not cloud.region and any(not one.get("by_kubeconfig") for one in clusters):
        findings.errors.append(
            "asm_mesh: region is missing. It is needed to reach the clusters through Container Service (ACK). Mesh "
            f"'{mesh['name']}' is in {meshes.info(found).get('RegionId')}."
        )


def _check_existing_mesh(cloud: Cloud, mesh: Json, found: Json, findings: Findings) -> None:
    detail = meshes.describe_mesh(cloud, meshes.mesh_id(found))
    progress = meshes.state_progress(detail)
    if meshes.info(detail).get("State") == "deleting":
        findings.errors.append(f"Mesh '{mesh['name']}' is being deleted: run again once it is gone.")
    elif progress.failed:
        findings.errors.append(f"{progress.failed} Remove the mesh and create it anew, or ask the service's support.")
    try:
        changes = changes_between(MESH_ATTRIBUTES, mesh, detail, f"Mesh '{mesh['name']}'")
        mesh_view.plan_addresses(mesh, detail, changes)
    except AsmError as error:
        findings.errors.append(error.message)


def _namesakes(name: str, region: str, listed: list[Json]) -> list[str]:
    """A warning about meshes of the same name in other regions: a wrong region would make a second mesh."""
    there = [f"{info.get('RegionId')} ({info.get('ServiceMeshId')})" for info in map(meshes.info, listed)
             if info.get("Name") == name]  # fmt: skip
    if not there:
        return []
    return [
        f"asm_mesh: there is no mesh '{name}' in {region}, but in {', '.join(there)}. If that is the one you mean, "
        "correct the region; else a second mesh of this name is made."
    ]


def _check_new_mesh(cloud: Cloud, mesh: Json, findings: Findings) -> None:
    try:
        mesh_view.refuse_contradictions(mesh)
    except AsmError as error:
        findings.errors.append(f"asm_mesh: {error.message}")
    missing = [name for name in ("vpc_id", "vswitch_ids") if not mesh[name]]
    if not cloud.region:
        missing.insert(0, "region")
    if missing:
        findings.errors.append(
            f"Mesh '{mesh['name']}' does not exist, and creating it needs {', '.join(missing)} in asm_mesh. If it "
            "should exist, check its name and region."
        )
    offered = versions.offered(versions.offers(cloud))
    if mesh["version"] and versions.newest(offered, mesh["version"]) is None:
        findings.errors.append(
            f"asm_mesh: version {mesh['version']} is not offered. On offer: {', '.join(offered)}. Leave version unset "
            "for the newest."
        )
    if not missing and _is_served(cloud, findings):
        _check_network(cloud, mesh, findings)


def _is_served(cloud: Cloud, findings: Findings) -> bool:
    """Whether the service is in the region of a new mesh (action DescribeMetadata); who may not ask is not told."""
    try:
        regions = (cloud.asm("DescribeMetadata").get("MetaData") or {}).get("Regions") or []
    except AsmError as error:
        if error.http_status != 403:
            raise
        return True
    region = str(cloud.region)
    if not regions or region in regions:
        return True
    near = difflib.get_close_matches(region, regions, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"It is in {', '.join(sorted(regions))}."
    findings.errors.append(f"asm_mesh: the service is not in the region {region}. {hint}")
    return False


def _check_network(cloud: Cloud, mesh: Json, findings: Findings) -> None:
    """Whether the VPC and the vSwitches are there (actions DescribeVpcs, DescribeVSwitches)."""
    try:
        vpcs = cloud.asm("DescribeVpcs", RegionId=cloud.region)
        known = [str(vpc.get("VpcId")) for vpc in vpcs.get("Vpcs") or []]
        # A long list is cut off by the service, and these actions take no token to go on with.
        if mesh["vpc_id"] not in known and not vpcs.get("NextToken"):
            findings.errors.append(
                f"asm_mesh: no VPC {mesh['vpc_id']} in {cloud.region}. VPCs there: {', '.join(known) or 'none'}."
            )
            return
        switches = cloud.asm("DescribeVSwitches", RegionId=cloud.region, VpcId=mesh["vpc_id"])
    except AsmError as error:
        if error.http_status != 403:
            raise
        findings.warnings.append(f"VPC and vSwitches could not be checked: {error.message}")
        return
    there = [str(switch.get("VSwitchId")) for switch in switches.get("VSwitches") or []]
    strays = [switch for switch in mesh["vswitch_ids"] if switch not in there]
    if strays and not switches.get("NextToken"):
        findings.errors.append(
            f"asm_mesh: no vSwitch {', '.join(strays)} in VPC {mesh['vpc_id']}. "
            f"vSwitches there: {', '.join(there) or 'none'}."
        )


def _check_candidates(cloud: Cloud, mesh_id: str, wanted: list[Json], findings: Findings) -> None:
    """As an existing mesh sees them, clusters are either attached or candidates, with the service's own objections."""
    attached = clusters.attached(cloud, mesh_id)
    try:
        new = [item for item in wanted if clusters.pick(attached, item["name"]) is None]
        candidates = clusters.candidates(cloud, mesh_id) if new else []
    except AsmError as error:
        findings.errors.append(f"asm_clusters: {error.message}")
        return
    for item in new:
        try:
            if item.get("by_kubeconfig") and clusters.pick(candidates, item["name"]) is None:
                continue
            candidate = clusters.require(candidates, item["name"])
        except AsmError as error:
            findings.errors.append(f"asm_clusters: {error.message}")
            continue
        ignore = bool(item.get("ignore_namespace_check"))
        reason = clusters.refusal(candidate, mesh_id, ignore_namespace=ignore)
        if reason:
            findings.errors.append(f"asm_clusters: cluster '{item['name']}' cannot be attached: {reason}.")


def _check_known_clusters(cloud: Cloud, mesh: Json, wanted: list[Json], listed: list[Json], findings: Findings) -> None:
    """Before there is a mesh, ACK says what clusters there are (action DescribeClustersV1)."""
    if not wanted or not cloud.region:
        return
    known = access.list_clusters(cloud)
    owners = {str(key): meshes.info(owner) for owner in listed for key in owner.get("Clusters") or []}
    for item in wanted:
        try:
            cluster = access.pick_cluster(known, item["name"])
        except AsmError as error:
            # One with a kubeconfig of its own need not be known to Container Service.
            if not (item.get("by_kubeconfig") and isinstance(error, NotFound)):
                findings.errors.append(f"asm_clusters: {error.message}")
            continue
        owner = owners.get(str(cluster["cluster_id"]))
        state = cluster.get("state") or "running"
        if owner:
            findings.errors.append(
                f"asm_clusters: cluster '{item['name']}' belongs to the mesh '{owner.get('Name')}' "
                f"({owner.get('ServiceMeshId')}): a cluster can be in one mesh only, detach it there first."
            )
        elif state != "running":
            findings.errors.append(
                f"asm_clusters: cluster '{item['name']}' is {state}: only a running one can be attached."
            )
        elif mesh["vpc_id"] and cluster.get("vpc_id") not in (None, "", mesh["vpc_id"]):
            findings.warnings.append(
                f"asm_clusters: cluster '{item['name']}' is in VPC {cluster['vpc_id']}, the mesh will be in "
                f"{mesh['vpc_id']}. Attaching it is refused unless CEN connects the two, or mesh and cluster have "
                "public addresses."
            )


def what_is_created(mesh: Json, region: str, gateways: list[Json]) -> list[str]:
    """What a new mesh and its gateways create, expose and cost, for the user to know before it happens. Pure."""
    sizes = {name: mesh[f"{name}_load_balancer_spec"] for name in ("api_server", "pilot")}
    shown = {name: f" ({size})" if size else "" for name, size in sizes.items()}
    lines = [
        f"Mesh '{mesh['name']}' does not exist yet: it will be created in {region}, which takes 2 to 3 minutes.",
        "Besides the mesh this creates, in your account and partly on your bill:",
        f"- a security group, route entries in VPC {mesh['vpc_id']} and a RAM role with its policies",
        f"- a load balancer{shown['api_server']} that exposes the API server on port 6443",
        f"- a load balancer{shown['pilot']} that exposes the control plane (pilot) on port 15011",
    ]
    if mesh["api_server_public_eip"]:
        lines.append("- an EIP: the API server's port 6443 is then open to the internet")
    lines += [_gateway_line(gateway) for gateway in shapes.fit(gateways, _GATEWAYS)[0]]
    lines.append("The service collects the logs of the hosted control plane.")
    return lines


def _gateway_line(gateway: Json) -> str:
    name, balancer = gateway.get("name", ""), gateway.get("load_balancer", {})
    ports = ", ".join(port["port"] for port in gateway.get("ports", []) if "port" in port)
    ports = ports or "the service's default ones"
    where = ", ".join(gateway.get("clusters", [])) or "its clusters"
    if gateway.get("service_type") not in (None, "LoadBalancer"):
        return f"- gateway '{name}' in {where}, without a load balancer"
    if balancer.get("id"):
        return f"- gateway '{name}' in {where} on the existing load balancer {balancer['id']}, ports {ports}"
    reach = {"internet": "public ", "intranet": "internal "}.get(balancer.get("address_type", ""), "")
    return f"- gateway '{name}': a {reach}load balancer in each of {where}, ports {ports}"

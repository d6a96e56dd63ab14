# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_mesh and asm_mesh_info: a mesh of its own through its whole life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .labs import NORTH_MESH, REGION, VPC, VSWITCH, Lab
from .runner import Runner

NAME = "it-mesh"
VERSION = "v1.24.6.64-g0b8a1cd2-aliyun"
OPTIONS: dict[str, Any] = {
    "name": NAME,
    "vpc_id": VPC,
    "vswitch_ids": [VSWITCH],
    "version": VERSION,
    "cluster_spec": "enterprise",
    "api_server_public_eip": True,
    "api_server_load_balancer_spec": "slb.s2.small",
    "pilot": {"trace_sampling": 12.5},
    "access_log": {"enabled": True, "project": "it-access"},
    "exclude_ip_ranges": ["10.9.0.0/16", "10.8.0.0/16"],
    "proxy": {"limits": {"memory": "512Mi"}},
    # Unknown to CreateServiceMesh: set by a second request.
    "outbound_traffic_policy": "REGISTRY_ONLY",
    "tags": {"team": "it", "stage": "test"},
}


@pytest.fixture(scope="module")
def mesh(lab: Lab, run: Runner) -> Iterator[dict[str, Any]]:
    """The mesh, created; the tests of this file come in the order of its life."""
    since = lab.mark()
    try:
        created = run.converge("asm_mesh", **OPTIONS)
        yield {**created, "requests": lab.writes(since)}
    finally:
        run("asm_mesh", name=NAME, state="absent")


def test_create_sends_what_is_set_and_nothing_else(mesh: dict[str, Any], lab: Lab) -> None:
    creation, second = mesh["requests"]
    assert creation["action"] == "CreateServiceMesh"
    assert creation["parameters"] == {
        "RegionId": REGION,
        "Name": NAME,
        "VpcId": VPC,
        "VSwitches": f'["{VSWITCH}"]',
        "IstioVersion": VERSION,
        "ClusterSpec": "enterprise",
        "ApiServerPublicEip": True,
        "ApiServerLoadBalancerSpec": "slb.s2.small",
        "TraceSampling": 12.5,
        "AccessLogEnabled": True,
        "AccessLogProject": "it-access",
        "ExcludeIPRanges": "10.9.0.0/16,10.8.0.0/16",
        "ProxyLimitMemory": "512Mi",
        "Tag": [{"Key": "team", "Value": "it"}, {"Key": "stage", "Value": "test"}],
    }
    assert second["action"] == "UpdateMeshFeature"
    assert second["parameters"] == {"ServiceMeshId": lab.mesh_id(NAME), "OutboundTrafficPolicy": "REGISTRY_ONLY"}


def test_create_returns_the_mesh(mesh: dict[str, Any], lab: Lab) -> None:
    made = mesh["mesh"]
    assert made["id"] == lab.mesh_id(NAME)
    assert made["state"] == "running"
    assert made["version"] == VERSION
    assert made["pilot"]["trace_sampling"] == 12.5
    assert made["outbound_traffic_policy"] == "REGISTRY_ONLY"
    assert made["tags"] == {"team": "it", "stage": "test"}
    assert made["endpoints"]["api_server_public"].startswith("https://127.")
    assert mesh["diff"]["before"] == {}
    assert mesh["diff"]["after"]["proxy"] == {"limits": {"memory": "512Mi"}}


def test_equal_values_written_differently_are_no_change(mesh: dict[str, Any], run: Runner) -> None:
    run.settled(
        "asm_mesh",
        name=mesh["mesh"]["id"],
        exclude_ip_ranges=["10.8.0.0/16", "10.9.0.0/16"],
        proxy={"limits": {"memory": "0.5Gi"}},
        access_log={"project": "it-access"},
    )


def test_a_change_sends_only_what_differs(mesh: dict[str, Any], lab: Lab, run: Runner) -> None:
    since = lab.mark()
    changed = run.converge("asm_mesh", **{**OPTIONS, "pilot": {"trace_sampling": 50}, "telemetry": True})
    (request,) = lab.writes(since)
    assert request["action"] == "UpdateMeshFeature"
    assert request["parameters"] == {"ServiceMeshId": lab.mesh_id(NAME), "TraceSampling": 50.0, "Telemetry": True}
    assert changed["mesh"]["pilot"]["trace_sampling"] == 50
    before, after = changed["diff"]["before"], changed["diff"]["after"]
    assert {key for key in after if after[key] != before[key]} == {"pilot", "telemetry"}


def test_a_list_can_become_empty(mesh: dict[str, Any], lab: Lab, run: Runner) -> None:
    since = lab.mark()
    changed = run.converge("asm_mesh", name=NAME, exclude_ip_ranges=[])
    assert lab.sent(since, "UpdateMeshFeature") == [{"ServiceMeshId": lab.mesh_id(NAME), "ExcludeIPRanges": ""}]
    assert changed["mesh"]["exclude_ip_ranges"] == []


def test_control_plane_log_has_an_action_of_its_own(mesh: dict[str, Any], lab: Lab, run: Runner) -> None:
    since = lab.mark()
    run.converge("asm_mesh", name=NAME, control_plane_log={"enabled": True, "project": "it-control", "ttl_days": 7})
    (request,) = lab.writes(since)
    assert request["action"] == "UpdateControlPlaneLogConfig"
    assert request["parameters"] == {
        "ServiceMeshId": lab.mesh_id(NAME),
        "Enabled": True,
        "Project": "it-control",
        "LogTTLInDay": 7,
    }


def test_tags_are_set_and_purged_alone(mesh: dict[str, Any], lab: Lab, run: Runner) -> None:
    since = lab.mark()
    kept = run.converge("asm_mesh", name=NAME, tags={"owner": "me"}, purge_tags=False)
    assert kept["mesh"]["tags"] == {"team": "it", "stage": "test", "owner": "me"}
    purged = run.converge("asm_mesh", name=NAME, tags={"team": "it2"})
    assert purged["mesh"]["tags"] == {"team": "it2"}
    assert [entry["action"] for entry in lab.writes(since)] == ["TagResources", "UntagResources", "TagResources"]
    assert sorted(lab.sent(since, "UntagResources")[0]["TagKey"]) == ["owner", "stage"]


def test_eips_are_bound_and_unbound(mesh: dict[str, Any], lab: Lab, run: Runner) -> None:
    since = lab.mark()
    bound = run.converge("asm_mesh", name=NAME, pilot_eip_id="eip-lab-1")
    assert bound["mesh"]["endpoints"]["pilot_public"].startswith("127.")
    freed = run.converge("asm_mesh", name=NAME, pilot_eip_id="")
    assert freed["mesh"]["endpoints"]["pilot_public"] == ""
    operations = [(entry["EipId"], entry["Operation"]) for entry in lab.sent(since, "ModifyPilotEipResource")]
    assert operations == [("eip-lab-1", "BindEip"), ("eip-lab-1", "UnBindEip")]


def test_access_to_istio_resources_by_the_clusters_has_an_action_of_its_own(
    mesh: dict[str, Any], lab: Lab, run: Runner
) -> None:
    since = lab.mark()
    for wanted in (True, False):
        done = run.converge("asm_mesh", name=NAME, cr_aggregation_enabled=wanted)
        assert done["mesh"]["cr_aggregation_enabled"] is wanted
    assert [entry["Enabled"] for entry in lab.sent(since, "UpdateMeshCRAggregation")] == [True, False]


def test_a_mesh_gets_another_name(mesh: dict[str, Any], lab: Lab, run: Runner) -> None:
    identifier = mesh["mesh"]["id"]
    since = lab.mark()
    renamed = run.converge("asm_mesh", name=NAME, new_name="it-renamed")
    assert renamed["mesh"]["name"] == "it-renamed"
    assert lab.sent(since, "ModifyServiceMeshName") == [{"ServiceMeshId": identifier, "Name": "it-renamed"}]
    run.converge("asm_mesh", name=identifier, new_name=NAME)


def test_info_reads_by_name_id_tag_and_region(mesh: dict[str, Any], lab: Lab, run: Runner) -> None:
    with lab.unwritten():
        by_name = run("asm_mesh_info", name=NAME)
        by_id = run("asm_mesh_info", name=NORTH_MESH)
        by_tag = run("asm_mesh_info", tags={"team": "north"}, region="cn-beijing")
        nothing = run("asm_mesh_info", name="it-nothing")
    (found,) = by_name["meshes"]
    assert found == run("asm_mesh", name=NAME)["mesh"]
    assert [one["name"] for one in by_id["meshes"]] == ["north"]
    assert [one["id"] for one in by_tag["meshes"]] == [NORTH_MESH]
    assert nothing["meshes"] == []


def test_an_upgrade_goes_step_by_step_and_takes_the_gateways_along(lab: Lab, run: Runner) -> None:
    first, second, third = (
        f"v1.{number}-aliyun" for number in ("22.6.109-g6e8b7f4c", "24.6.64-g0b8a1cd2", "25.6.41-g9d2f5e71")
    )
    name, target = "it-upgrade", {"version": third, "upgrade": True, "upgrade_gateways": ["in"]}
    gateway = {"mesh": name, "name": "in", "clusters": ["shop-3"], "ports": [{"name": "http", "port": 80}]}
    try:
        run("asm_mesh", name=name, vpc_id=VPC, vswitch_ids=[VSWITCH], version=first, api_server_public_eip=True)
        run("asm_cluster", mesh=name, clusters=[{"name": "shop-3"}])
        run("asm_gateway", **gateway)
        with lab.unwritten():
            run.refused("asm_mesh", "upgrade to true", name=name, version=third)
            run.refused("asm_mesh", f"Set version to {second}", name=name, version="v1.23.1.1-aliyun", upgrade=True)
        identifier, since = lab.mesh_id(name), lab.mark()
        upgraded = run.converge("asm_mesh", name=name, **target)
        assert upgraded["mesh"]["version"] == third
        assert upgraded["diff"]["before"]["gateway_versions"] == {"istio-system:in": first}
        sent = lab.sent(since, "UpgradeMeshEditionPartially")
        # The service's own check comes first: in check mode, and before the writes.
        assert [one["ExpectedVersion"] for one in sent if one.get("PreCheck")] == [second, second]
        assert [one for one in sent if not one.get("PreCheck")] == [
            {"ServiceMeshId": identifier, "ExpectedVersion": second},
            {"ServiceMeshId": identifier, "ExpectedVersion": third},
            {
                "ServiceMeshId": identifier,
                "ExpectedVersion": third,
                "ASMGatewayContinue": True,
                "UpgradeGatewayRecords": "istio-system:in",
            },
        ]
        with lab.unwritten():
            run.refused("asm_mesh", "cannot go back", name=name, version=second, upgrade=True)
    finally:
        run("asm_gateway", mesh=name, name="in", state="absent")
        run("asm_mesh", name=name, state="absent")


def test_a_failed_upgrade_says_so_and_is_repeated_by_the_next_run(lab: Lab, run: Runner) -> None:
    options = {"name": "it-retried", "version": "v1.24.6.64-g0b8a1cd2-aliyun", "upgrade": True}
    step = {"action": "UpgradeMeshEditionPartially", "match": {"PreCheck": ""}}
    try:
        run("asm_mesh", name="it-retried", vpc_id=VPC, vswitch_ids=[VSWITCH], version="v1.22.6.109-g6e8b7f4c-aliyun")
        with lab.faults({"action": step["action"], "kind": "deny"}), lab.unwritten():
            run.failing("asm_mesh", "check before an upgrade", **options)
        with lab.faults({**step, "kind": "fail_transition"}):
            failed = run.failing("asm_mesh", "upgrading_failed", **options)
        assert failed["changed"] is True
        since = lab.mark()
        with lab.faults({**step, "kind": "lost_reply"}):
            assert run.converge("asm_mesh", **options)["mesh"]["version"] == options["version"]
        sent = lab.sent(since, "UpgradeMeshEditionPartially")
        assert len([one for one in sent if not one.get("PreCheck")]) == 1
    finally:
        run("asm_mesh", name="it-retried", state="absent")


def test_removal_detaches_first_and_says_what_may_remain(mesh: dict[str, Any], lab: Lab, run: Runner) -> None:
    identifier = mesh["mesh"]["id"]
    run("asm_cluster", mesh=NAME, clusters=[{"name": "shop-3"}])
    attached = lab.cluster_id("shop-3")
    run.refused("asm_mesh", attached, "detach_clusters", name=NAME, state="absent", detach_clusters=False)
    api_balancer = run("asm_mesh", name=NAME)["mesh"]["load_balancers"]["api_server"]
    since = lab.mark()
    removed = run.converge("asm_mesh", name=NAME, state="absent", retain_resources=[api_balancer])
    assert [entry["action"] for entry in lab.writes(since)] == ["RemoveClusterFromServiceMesh", "DeleteServiceMesh"]
    assert lab.meshes(NAME) == []
    assert removed["mesh"] is None
    assert f"load_balancer {api_balancer}" in removed["diff"]["after"]["stay"]
    assert removed["diff"]["before"]["clusters"] == ["shop-3"]
    remaining = {entry["id"]: entry for entry in removed["may_remain"]}
    assert remaining[api_balancer]["retained"] is True
    assert {entry["kind"] for entry in removed["may_remain"]} >= {"load_balancer", "log_project"}
    everything = lab.billed("load_balancer", "eip", "log_project", "security_group")
    assert set(remaining) <= {row["id"] for row in everything}
    still_billed = [row["id"] for row in lab.billed("load_balancer", "eip") if identifier in row["made_for"]]
    assert still_billed == [api_balancer]
    lab.control.remove("load_balancers", api_balancer)

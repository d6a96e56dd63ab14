# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the account says about a spec, and what a new mesh brings along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.spec import account as account_checks

VERSIONS = {
    "VersionInfo": [{"Edition": "Default", "Versions": ["v1.22"]}, {"Edition": "Pro", "Versions": ["v1.22", "v1.25"]}]
}
NEW_MESH = {"name": "shop", "vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"]}
CLUSTER = {"cluster_id": "k1", "name": "shop-1", "region_id": "cn-hangzhou", "state": "running", "vpc_id": "vpc-1"}


def listed(name: str = "shop", identifier: str = "c1", clusters: tuple[str, ...] = (), state: str = "running") -> Any:
    about = {"Name": name, "ServiceMeshId": identifier, "RegionId": "cn-hangzhou", "State": state}
    network = {"VpcId": "vpc-1", "VSwitches": ["vsw-1"]}
    return {"ServiceMeshInfo": about, "Clusters": list(clusters), "Spec": {"Network": network, "LoadBalancer": {}}}


def account(
    fake_cloud: Callable[..., Any], *meshes: Any, clusters: tuple[Any, ...] = (CLUSTER,), **answers: Any
) -> Any:
    region = answers.pop("region", "cn-hangzhou")
    known: dict[str, Any] = {
        "DescribeServiceMeshes": {"ServiceMeshes": list(meshes)},
        "DescribeServiceMeshDetail": {"ServiceMesh": meshes[0] if meshes else {}},
        "DescribeVersions": VERSIONS,
        "DescribeMetadata": {"MetaData": {"Regions": ["cn-hangzhou", "eu-central-1"]}},
        "DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}]},
        "DescribeVSwitches": {"VSwitches": [{"VSwitchId": "vsw-1"}]},
        "DescribeClustersV1": {"clusters": list(clusters), "page_info": {"total_count": len(clusters)}},
        "DescribeClustersInServiceMesh": {"Clusters": []},
        "DescribeServiceMeshClusters": {"Clusters": [], "NumberOfClusters": 0},
    }
    return fake_cloud(region, **{**known, **answers})


def check(
    cloud: Any, mesh: dict[str, Any] | None = None, *clusters: Any, gateways: Any = ()
) -> account_checks.Findings:
    wanted = [{"name": one} if isinstance(one, str) else one for one in clusters]
    return account_checks.check(cloud, {"mesh": mesh or NEW_MESH, "clusters": wanted, "gateways": list(gateways)})


def test_a_sound_new_mesh(fake_cloud: Callable[..., Any]) -> None:
    cloud = account(fake_cloud)
    findings = check(cloud, {**NEW_MESH, "version": "v1.25"}, "shop-1")
    assert (findings.errors, findings.warnings) == ([], [])
    assert findings.creates[0].startswith("Mesh 'shop' does not exist yet: it will be created in cn-hangzhou")
    assert cloud.written() == []
    assert cloud.sent("DescribeVSwitches") == [{"RegionId": "cn-hangzhou", "VpcId": "vpc-1"}]


def test_a_wrong_region_would_make_a_second_mesh(fake_cloud: Callable[..., Any]) -> None:
    network = {"DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}]}}
    (warning,) = check(account(fake_cloud, listed(), listed("other", "c2"), region="cn-beijing", **network)).warnings
    assert warning.startswith("asm_mesh: there is no mesh 'shop' in cn-beijing, but in cn-hangzhou (c1). If that is")
    assert check(account(fake_cloud, listed("other", "c2"), region="cn-beijing", **network)).warnings == []


def test_a_region_without_the_service_is_told_before_its_networks_are_looked_for(
    fake_cloud: Callable[..., Any],
) -> None:
    cloud = account(fake_cloud, region="cn-hangzou")
    assert check(cloud).errors == ["asm_mesh: the service is not in the region cn-hangzou. Did you mean cn-hangzhou?"]
    assert cloud.sent("DescribeVpcs") == []
    (problem,) = check(account(fake_cloud, region="mars")).errors
    assert problem.endswith("It is in cn-hangzhou, eu-central-1.")


@pytest.mark.parametrize(
    "answer", [{}, {"MetaData": {"Regions": None}}, AsmError("No.", code="Forbidden.RAM", http_status=403)]
)
def test_who_is_not_told_the_regions_is_not_held_up(fake_cloud: Callable[..., Any], answer: Any) -> None:
    assert check(account(fake_cloud, region="cn-x", DescribeMetadata=answer)).errors == []


def test_an_account_that_does_not_answer_is_one_error(fake_cloud: Callable[..., Any]) -> None:
    cloud = account(fake_cloud, DescribeServiceMeshes=AsmError("No usable credentials", code="MissingCredentials"))
    with pytest.raises(AsmError, match="No usable credentials"):
        check(cloud)


def test_all_errors_come_at_once(fake_cloud: Callable[..., Any]) -> None:
    mesh = {"name": "shop", "vpc_id": "vpc-9", "vswitch_ids": ["vsw-1"], "version": "v1.4"}
    errors = check(account(fake_cloud), mesh, "shop-9").errors
    assert errors[0] == (
        "asm_mesh: version v1.4 is not offered. On offer: v1.22, v1.25. Leave version unset for the newest."
    )
    assert errors[1] == "asm_mesh: no VPC vpc-9 in cn-hangzhou. VPCs there: vpc-1, vpc-2."
    assert errors[2].startswith("asm_clusters: No cluster with the name or id 'shop-9'")
    assert len(errors) == 3


@pytest.mark.parametrize(("by_kubeconfig", "count"), [(False, 1), (True, 0)])
def test_an_existing_mesh_needs_a_region_for_its_clusters(
    fake_cloud: Callable[..., Any], by_kubeconfig: bool, count: int
) -> None:
    cluster = {"name": "shop-1", "by_kubeconfig": by_kubeconfig}
    errors = check(account(fake_cloud, listed(), region=None), {"name": "shop"}, cluster).errors
    missing = [one for one in errors if one.startswith("asm_mesh: region is missing.")]
    assert len(missing) == count
    assert all(one.endswith("Mesh 'shop' is in cn-hangzhou.") for one in missing)
    assert not [
        one for one in check(account(fake_cloud, listed()), {"name": "shop"}, cluster).errors if "region" in one
    ]


def test_what_a_new_mesh_needs(fake_cloud: Callable[..., Any]) -> None:
    errors = check(account(fake_cloud, region=None), {"name": "shop"}).errors
    assert errors == [
        "Mesh 'shop' does not exist, and creating it needs region, vpc_id, vswitch_ids in asm_mesh. If it "
        "should exist, check its name and region."
    ]


def test_a_vswitch_of_another_vpc(fake_cloud: Callable[..., Any]) -> None:
    errors = check(account(fake_cloud), {**NEW_MESH, "vswitch_ids": ["vsw-1", "vsw-2"]}).errors
    assert errors == ["asm_mesh: no vSwitch vsw-2 in VPC vpc-1. vSwitches there: vsw-1."]


def test_lists_that_are_cut_off_prove_nothing(fake_cloud: Callable[..., Any]) -> None:
    cloud = account(
        fake_cloud,
        DescribeVpcs={"Vpcs": [], "NextToken": "more"},
        DescribeVSwitches={"VSwitches": [], "NextToken": "more"},
    )
    assert check(cloud).errors == []


def test_without_the_right_to_see_the_network_there_is_a_warning(fake_cloud: Callable[..., Any]) -> None:
    refused = AsmError("DescribeVpcs was refused.", code="Forbidden.RAM", http_status=403)
    findings = check(account(fake_cloud, DescribeVpcs=refused))
    assert findings.errors == []
    assert findings.warnings == ["VPC and vSwitches could not be checked: DescribeVpcs was refused."]


def test_other_failures_of_the_network_are_failures(fake_cloud: Callable[..., Any]) -> None:
    with pytest.raises(AsmError, match="away"):
        check(account(fake_cloud, DescribeVpcs=AsmError("away", http_status=503)))


@pytest.mark.parametrize(
    ("cluster", "complaint"),
    [
        ({**CLUSTER, "state": "unavailable"}, "cluster 'shop-1' is unavailable: only a running one can be attached."),
        ({**CLUSTER, "cluster_id": "k7"}, "belongs to the mesh 'other' (c7): a cluster can be in one mesh only"),
    ],
)
def test_a_cluster_that_a_new_mesh_cannot_have(
    fake_cloud: Callable[..., Any], cluster: dict[str, Any], complaint: str
) -> None:
    cloud = account(fake_cloud, listed("other", "c7", ("k7",)), clusters=(cluster,))
    (error,) = check(cloud, NEW_MESH, "shop-1").errors
    assert complaint in error


def test_an_ambiguous_cluster(fake_cloud: Callable[..., Any]) -> None:
    cloud = account(fake_cloud, clusters=(CLUSTER, {**CLUSTER, "cluster_id": "k2"}))
    (error,) = check(cloud, NEW_MESH, "shop-1").errors
    assert "2 clusters are named 'shop-1'" in error


def test_a_cluster_in_another_vpc_may_still_be_connected(fake_cloud: Callable[..., Any]) -> None:
    findings = check(account(fake_cloud, clusters=({**CLUSTER, "vpc_id": "vpc-2"},)), NEW_MESH, "shop-1")
    assert findings.errors == []
    (warning,) = findings.warnings
    assert "is in VPC vpc-2, the mesh will be in vpc-1" in warning


def test_a_cluster_with_its_own_kubeconfig_need_not_be_known(fake_cloud: Callable[..., Any]) -> None:
    garage = {"name": "garage", "by_kubeconfig": True}
    assert check(account(fake_cloud), NEW_MESH, garage).errors == []
    assert check(account(fake_cloud, listed()), NEW_MESH, garage).errors == []


def test_a_sound_existing_mesh(fake_cloud: Callable[..., Any]) -> None:
    cloud = account(
        fake_cloud,
        listed(clusters=("k1",)),
        DescribeClustersInServiceMesh={"Clusters": [{"ClusterId": "k1", "Name": "shop-1", "State": "running"}]},
    )
    findings = check(cloud, NEW_MESH, "shop-1")
    assert findings == account_checks.Findings()
    assert "DescribeServiceMeshClusters" not in [action for action, _unused in cloud.calls]


def test_an_immutable_option_names_both_values(fake_cloud: Callable[..., Any]) -> None:
    (error,) = check(account(fake_cloud, listed()), {**NEW_MESH, "vpc_id": "vpc-2"}).errors
    assert 'vpc_id is "vpc-1", wanted "vpc-2"' in error


def test_options_are_compared_in_their_types(fake_cloud: Callable[..., Any]) -> None:
    mesh = listed()
    mesh["Spec"]["MeshConfig"] = {"Pilot": {"TraceSampling": 1.5}}
    found = check(account(fake_cloud, mesh), {**NEW_MESH, "pilot": {"trace_sampling": "1.5"}, "vswitch_ids": "vsw-1"})
    assert found.errors == []


@pytest.mark.parametrize(
    ("state", "complaint"), [("deleting", "is being deleted"), ("create_timeout", "is in state create_timeout")]
)
def test_a_mesh_that_cannot_be_worked_on(fake_cloud: Callable[..., Any], state: str, complaint: str) -> None:
    (error,) = check(account(fake_cloud, listed(state=state))).errors
    assert complaint in error


def test_an_ambiguous_mesh_ends_the_checks(fake_cloud: Callable[..., Any]) -> None:
    (error,) = check(account(fake_cloud, listed(), listed(identifier="c2")), NEW_MESH, "shop-9").errors
    assert "2 meshes are named 'shop'" in error


def test_candidates_are_judged_by_the_service(fake_cloud: Callable[..., Any]) -> None:
    candidates = [
        {"ClusterId": "k1", "Name": "shop-1", "State": "running", "ForbiddenFlag": 2},
        {"ClusterId": "k2", "Name": "legacy", "State": "running", "ForbiddenFlag": 4},
    ]
    cloud = account(
        fake_cloud, listed(), DescribeServiceMeshClusters={"Clusters": candidates, "NumberOfClusters": len(candidates)}
    )
    taken_over = {"name": "legacy", "ignore_namespace_check": True}
    errors = check(cloud, NEW_MESH, "shop-1", taken_over, "shop-9").errors
    assert "cluster 'shop-1' cannot be attached: the cluster is in another VPC" in errors[0]
    assert "No cluster with the name or id 'shop-9'" in errors[1]
    assert len(errors) == 2


def test_what_creation_exposes() -> None:
    mesh = {
        "name": "shop",
        "vpc_id": "vpc-1",
        "api_server_load_balancer_spec": "slb.s1.small",
        "pilot_load_balancer_spec": None,
        "api_server_public_eip": True,
    }
    gateways = [
        {"name": "in", "clusters": ["shop-1"], "ports": [{"port": 80}], "load_balancer": {"address_type": "internet"}},
        {"name": "shared", "load_balancer": {"id": "lb-1"}},
        {"name": "plain", "service_type": "ClusterIP", "clusters": ["shop-1"]},
    ]
    lines = "\n".join(account_checks.what_is_created(mesh, "cn-hangzhou", gateways))
    for part in (
        "a security group, route entries in VPC vpc-1 and a RAM role",
        "a load balancer (slb.s1.small) that exposes the API server on port 6443",
        "a load balancer that exposes the control plane (pilot) on port 15011",
        "an EIP: the API server's port 6443 is then open to the internet",
        "gateway 'in': a public load balancer in each of shop-1, ports 80",
        "gateway 'shared' in its clusters on the existing load balancer lb-1, ports the service's default ones",
        "gateway 'plain' in shop-1, without a load balancer",
        "logs of the hosted control plane",
    ):
        assert part in lines
    assert "EIP" not in "\n".join(account_checks.what_is_created({**mesh, "api_server_public_eip": None}, "r", []))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"mesh": []}, "asm_mesh must be a mapping, it is a list."),
        ({"mesh": {}}, "asm_mesh: missing required arguments: name."),
        ({"mesh": {**NEW_MESH, "vswitch_ids": {"a": 1}}}, "asm_mesh: "),
        ({"mesh": {**NEW_MESH, "pilot": [True]}}, "asm_mesh: pilot must be a mapping, it is a list."),
        ({"clusters": ["shop-1", {}]}, "asm_clusters[0] must be a mapping, it is text."),
        ({"clusters": [{}]}, "asm_clusters[0] has no name."),
        ({"gateways": [{"name": "a", "ports": 5}]}, "asm_gateways[0].ports must be a list, it is a number."),
    ],
)
def test_odd_types_are_told_before_anything_is_asked(
    fake_cloud: Callable[..., Any], params: dict[str, Any], message: str
) -> None:
    cloud = account(fake_cloud)
    findings = account_checks.check(cloud, {"mesh": NEW_MESH, "clusters": [], "gateways": [], **params})
    assert any(message in one for one in findings.unread), findings.unread
    assert findings.errors == []
    assert cloud.sent("DescribeServiceMeshes") == []

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters through the official SDK: candidates and their refusals, joining, leaving, networks, EIPs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import (
    attach,
    attached,
    cluster_id,
    config,
    create_mesh,
    plane_of,
    refused,
    user_named,
    wait_for,
    wait_state,
)
from meshlab.lab import Lab


@pytest.fixture
def mesh_id(asm: AsmClient) -> str:
    """A running mesh."""
    made = create_mesh(asm)
    wait_state(asm, made)
    return made


def _candidates(asm: AsmClient, **more: Any) -> dict[str, Any]:
    request = models.DescribeServiceMeshClustersRequest(limit=50, **more)
    rows = asm.describe_service_mesh_clusters(request).body.to_map()["Clusters"]
    return {row["ClusterId"]: row for row in rows}


def _detach(asm: AsmClient, mesh_id: str, cluster: str, **more: Any) -> Any:
    request = models.RemoveClusterFromServiceMeshRequest(service_mesh_id=mesh_id, cluster_id=cluster, **more)
    return asm.remove_cluster_from_service_mesh(request).body.to_map()


def test_joining_takes_the_cluster_from_starting_to_running(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    shop = cluster_id(cloud, "shop-1")
    cloud.transitions.scale = 1
    assert attach(asm, mesh_id, shop)["Code"] == "200"
    assert attached(asm, mesh_id)[shop]["State"] == "starting"
    assert cloud.world.meshes[mesh_id].state == "updating"
    cloud.transitions.scale = 0
    detail = wait_state(asm, mesh_id)
    assert (attached(asm, mesh_id)[shop]["State"], detail["Clusters"]) == ("running", [shop])
    assert plane_of(cloud, mesh_id).attached == {shop: False}


def test_leaving_takes_the_cluster_off_the_list(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    shop = cluster_id(cloud, "shop-1")
    attach(asm, mesh_id, shop, discovery_only=True)
    wait_state(asm, mesh_id)
    assert plane_of(cloud, mesh_id).attached == {shop: True}
    cloud.transitions.scale = 1
    assert _detach(asm, mesh_id, shop)["Message"] == "success"
    assert attached(asm, mesh_id)[shop]["State"] == "stopping"
    cloud.transitions.scale = 0
    wait_state(asm, mesh_id)
    assert attached(asm, mesh_id) == {}
    assert plane_of(cloud, mesh_id).attached == {}
    assert refused(lambda: _detach(asm, mesh_id, shop)).code == "ErrorClusterNotFound"


def test_a_reserved_namespace_forbids_to_come_back(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    shop = cluster_id(cloud, "shop-1")
    attach(asm, mesh_id, shop)
    wait_state(asm, mesh_id)
    _detach(asm, mesh_id, shop, reserve_namespace=True)
    wait_state(asm, mesh_id)
    assert _candidates(asm, service_mesh_id=mesh_id)[shop]["ForbiddenFlag"] == 4
    assert "istio-system" in refused(lambda: attach(asm, mesh_id, shop)).message
    attach(asm, mesh_id, shop, ignore_namespace_check=True)
    wait_for(lambda: attached(asm, mesh_id)[shop]["State"] == "running")


@pytest.mark.parametrize(
    ("name", "flag", "code"),
    [
        ("shop-not-admin", 1, "ErrorPermitted.ClusterForbidden"),
        ("island-no-cen", 2, "ErrorPermitted.ClusterForbidden"),
        ("shop-cidr-conflict", 3, "ErrorPermitted.ClusterForbidden"),
        ("shop-has-istio", 4, "ErrorPermitted.ClusterForbidden"),
        ("shop-stopped", 0, "InvalidActiveState.ACK"),
        ("north-in-other-mesh", 0, "ErrorPermitted.ClusterInAnotherMesh"),
    ],
)
def test_refusals_are_announced(asm: AsmClient, cloud: Lab, mesh_id: str, name: str, flag: int, code: str) -> None:
    refused_id = cluster_id(cloud, name)
    assert _candidates(asm, service_mesh_id=mesh_id)[refused_id]["ForbiddenFlag"] == flag
    error = refused(lambda: attach(asm, mesh_id, refused_id))
    assert (error.code, refused_id in error.message) == (code, True)
    assert attached(asm, mesh_id) == {}


@pytest.mark.parametrize("name", ["shop-3", "branch-1", "shop-serverless", "shop-registered"])
def test_clusters_of_all_kinds_can_join(asm: AsmClient, cloud: Lab, mesh_id: str, name: str) -> None:
    joining = cluster_id(cloud, name)
    assert _candidates(asm, service_mesh_id=mesh_id)[joining]["ForbiddenFlag"] == 0
    attach(asm, mesh_id, joining)
    wait_state(asm, mesh_id)
    assert attached(asm, mesh_id)[joining]["State"] == "running"


def test_ranges_conflict_with_clusters_that_are_there(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    shop, other = cluster_id(cloud, "shop-1"), cluster_id(cloud, "shop-2")
    cloud.world.clusters[other].service_cidr = cloud.world.clusters[shop].service_cidr
    assert _candidates(asm, service_mesh_id=mesh_id)[other]["ForbiddenFlag"] == 0
    attach(asm, mesh_id, shop)
    wait_state(asm, mesh_id)
    row = _candidates(asm, service_mesh_id=mesh_id)[other]
    assert row["ForbiddenFlag"] == 3
    assert json.loads(row["ForbiddenInfo"]) == [
        {"cluster": other, "object": "Service", "cidr": "172.21.0.0/20"},
        {"cluster": shop, "object": "Service", "cidr": "172.21.0.0/20"},
    ]


def test_candidates_come_in_pages_with_their_mesh(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    request = models.DescribeServiceMeshClustersRequest(service_mesh_id=mesh_id, offset=2, limit=3)
    body = asm.describe_service_mesh_clusters(request).body
    everything = list(_candidates(asm, service_mesh_id=mesh_id))
    assert [one.cluster_id for one in body.clusters] == everything[2:5]
    assert body.number_of_clusters == len(everything)
    assert cluster_id(cloud, "garage") not in everything
    north = next(mesh.mesh_id for mesh in cloud.world.meshes.values() if mesh.name == "north")
    assert _candidates(asm)[cluster_id(cloud, "north-in-other-mesh")]["ServiceMeshId"] == north


def test_a_user_without_rights_in_the_cluster_cannot_add_it(cloud: Lab, mesh_id: str) -> None:
    operator = AsmClient(config(cloud, "servicemesh", user_named(cloud, "operator")))
    assert "administrator" in refused(lambda: attach(operator, mesh_id, cluster_id(cloud, "shop-1"))).message


def test_twice_and_unknown(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    assert refused(lambda: attach(asm, mesh_id, "cnone")).code == "ErrorClusterNotFound"
    shop = cluster_id(cloud, "shop-1")
    attach(asm, mesh_id, shop)
    wait_state(asm, mesh_id)
    assert refused(lambda: attach(asm, mesh_id, shop)).code == "ErrorPermitted.ClusterExists"


def test_one_change_at_a_time_unless_the_setting_says_otherwise(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    first, second = cluster_id(cloud, "shop-1"), cluster_id(cloud, "shop-2")
    cloud.transitions.scale = 1
    attach(asm, mesh_id, first)
    assert refused(lambda: attach(asm, mesh_id, second)).code == "InvalidOperation.NotRunning"
    cloud.world.set_setting("refuse_while_updating", False)
    attach(asm, mesh_id, second)
    cloud.transitions.scale = 0
    wait_state(asm, mesh_id)
    assert {row["State"] for row in attached(asm, mesh_id).values()} == {"running"}


def test_refusals_in_the_other_ways_that_are_possible(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    wrong = cluster_id(cloud, "island-no-cen")
    cloud.world.set_setting("add_refusal", "body_code")
    reply = attach(asm, mesh_id, wrong)
    assert (reply["Code"], "ClusterForbidden" in reply["Message"]) == ("400", True)
    assert attached(asm, mesh_id) == {}
    cloud.world.set_setting("add_refusal", "state")
    assert attach(asm, mesh_id, wrong)["Code"] == "200"
    row = attached(asm, mesh_id)[wrong]
    assert (row["State"], "CEN" in row["ErrorMessage"]) == ("failed", True)
    _detach(asm, mesh_id, wrong)
    wait_for(lambda: not attached(asm, mesh_id))


def test_a_self_built_cluster_comes_by_its_kubeconfig(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    garage = cluster_id(cloud, "garage")
    plane = plane_of(cloud, garage)
    kubeconfig = plane.kubeconfig(user="admin", groups=[], server=plane.private_url, hours=1)
    assert refused(lambda: attach(asm, mesh_id, garage)).code == "ErrorClusterNotFound"
    assert "public address" in refused(lambda: attach(asm, mesh_id, garage, kubeconfig=kubeconfig)).message
    bind = {"service_mesh_id": mesh_id, "eip_id": "eip-lab-1", "operation": "BindEip"}
    asm.modify_pilot_eip_resource(models.ModifyPilotEipResourceRequest(**bind))
    wait_state(asm, mesh_id)
    wrong = plane.kubeconfig(user="admin", groups=[], server="https://127.0.0.9:6443", hours=1)
    assert "127.0.0.9" in refused(lambda: attach(asm, mesh_id, garage, kubeconfig=wrong)).message
    attach(asm, mesh_id, garage, kubeconfig=kubeconfig)
    wait_state(asm, mesh_id)
    assert attached(asm, mesh_id)[garage]["State"] == "running"
    assert "admin" not in cloud.log.file.read_text()


def test_networks_of_several_clusters(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    shop = cluster_id(cloud, "shop-1")
    attach(asm, mesh_id, shop)
    wait_state(asm, mesh_id)
    value = models.MultiClusterNetworksValue(network="net-1", enable_gateway=True, gateway_name="eastwest")
    networks = {shop: value}
    asm.update_mesh_multi_cluster_network(
        models.UpdateMeshMultiClusterNetworkRequest(service_mesh_id=mesh_id, multi_cluster_networks=networks)
    )
    wait_state(asm, mesh_id)
    request = models.DescribeMeshMultiClusterNetworkRequest(service_mesh_id=mesh_id)
    shown = asm.describe_mesh_multi_cluster_network(request).body.to_map()["MultiClusterNetworks"]
    assert shown[shop]["Network"] == "net-1"
    other = models.UpdateMeshMultiClusterNetworkRequest(
        service_mesh_id=mesh_id, multi_cluster_networks={"cnone": value}
    )
    assert refused(lambda: asm.update_mesh_multi_cluster_network(other)).code == "ERR404"


def test_eips_of_the_api_server(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    def modify(operation: str, eip: str = "eip-lab-1") -> None:
        request = models.ModifyApiServerEipResourceRequest(
            service_mesh_id=mesh_id, operation=operation, api_server_eip_id=eip
        )
        asm.modify_api_server_eip_resource(request)

    def eips() -> dict[str, str]:
        request = models.DescribeEipResourcesRequest(service_mesh_id=mesh_id, page_size=50)
        return {row.allocation_id: row.status for row in asm.describe_eip_resources(request).body.eip_list}

    address = cloud.world.eips["eip-lab-1"].address
    assert eips()["eip-lab-1"] == "Available"
    modify("BindEip")
    endpoints = wait_state(asm, mesh_id)["Endpoints"]
    assert (eips()["eip-lab-1"], endpoints["PublicApiServerEndpoint"]) == ("InUse", f"https://{address}:6443")
    assert plane_of(cloud, mesh_id).published == {address}
    assert refused(lambda: modify("BindEip", "eip-lab-2")).code == "InvalidOperation.EipBound"
    modify("UnBindEip")
    assert wait_state(asm, mesh_id)["Endpoints"]["PublicApiServerEndpoint"] == ""
    assert plane_of(cloud, mesh_id).published == set()
    assert refused(lambda: modify("UnBindEip")).code == "IncorrectEipStatus"
    assert refused(lambda: modify("BindEip", "eip-none")).code == "InvalidAllocationId.NotFound"
    assert refused(lambda: modify("Move")).code == "InvalidParameter"
    modify("BindEip")
    wait_state(asm, mesh_id)
    asm.delete_service_mesh(models.DeleteServiceMeshRequest(service_mesh_id=mesh_id))
    wait_for(lambda: mesh_id not in cloud.world.meshes)
    assert cloud.world.eips["eip-lab-1"].status == "Available"


def test_vpcs_vswitches_cens_and_reusable_load_balancers(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    vpcs = asm.describe_vpcs(models.DescribeVpcsRequest(region_id="cn-hangzhou")).body
    assert {one.vpc_id for one in vpcs.vpcs} == {"vpc-lab-shop", "vpc-lab-branch", "vpc-lab-island"}
    where = models.DescribeVSwitchesRequest(region_id="cn-hangzhou", vpc_id="vpc-lab-shop")
    vswitches = asm.describe_vswitches(where).body.v_switches
    assert {one.v_switch_id: one.zone_id for one in vswitches} == {
        "vsw-lab-shop-h": "cn-hangzhou-h",
        "vsw-lab-shop-i": "cn-hangzhou-i",
    }
    island = cluster_id(cloud, "island-no-cen")
    cloud.world.clusters[island].public_api = True
    attach(asm, mesh_id, island)
    wait_state(asm, mesh_id)
    assert asm.describe_cens(models.DescribeCensRequest(service_mesh_id=mesh_id)).body.clusters == [island]
    request = models.DescribeReusableSlbRequest(service_mesh_id=mesh_id, network_type="internet")
    reusable = asm.describe_reusable_slb(request).body.reusable_slb_list
    assert [one.load_balancer_id for one in reusable] == ["lb-lab-shared"]
    both = models.DescribeReusableSlbRequest(service_mesh_id=mesh_id, k_8s_cluster_id=island, network_type="internet")
    assert refused(lambda: asm.describe_reusable_slb(both)).code == "InvalidParameter"


def test_namespaces_and_pods_of_a_cluster(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    shop = cluster_id(cloud, "shop-1")
    namespaces = models.DescribeGuestClusterNamespacesRequest(
        service_mesh_id=mesh_id, guest_cluster_id=shop, show_ns_labels=True
    )
    assert refused(lambda: asm.describe_guest_cluster_namespaces(namespaces)).code == "ERR404"
    attach(asm, mesh_id, shop)
    wait_state(asm, mesh_id)
    api = plane_of(cloud, shop).api
    api.apply("/api/v1/namespaces/a", {"metadata": {"name": "a", "labels": {"x": "y"}}})
    api.apply("/api/v1/namespaces/a/pods/p", {"metadata": {"name": "p", "namespace": "a"}})
    body = asm.describe_guest_cluster_namespaces(namespaces).body
    assert (set(body.ns_list), body.ns_labels["a"]) == ({"istio-system", "a"}, {"x": "y"})
    pods = models.DescribeGuestClusterPodsRequest(service_mesh_id=mesh_id, guest_cluster_id=shop, namespace="a")
    assert asm.describe_guest_cluster_pods(pods).body.pod_list == ["p"]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What asm_cluster_info and asm_mesh_info read besides, and only when they are asked to."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cluster.surroundings import SUBSETS
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.modules import asm_cluster_info, asm_mesh_info

from .conftest import FakeAsm

NOTHING = AsmError("Not found.", code="ERR404", http_status=404)


@pytest.fixture
def shop(asm: FakeAsm) -> FakeAsm:
    asm.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")
    members = [{"ClusterId": key, "Name": f"shop-{key}", "State": "running", "RegionId": "r"} for key in ("k1", "k2")]
    asm.meshes["c1"]["Members"] = members
    asm.candidates = [*members, {"ClusterId": "k3", "Name": "other", "State": "running"}]
    asm.answers.update(
        DescribeGuestClusterAccessLogDashboards=lambda K8sClusterId: {
            "Dashboards": [{"Title": K8sClusterId, "Url": "https://a"}]
        },
        DescribeGuestClusterNamespaces={"NsList": ["b", "a"], "NsLabels": {"a": {"x": "y"}}},
        DescribeServiceMeshLogs={"Logs": [{"CreationTime": "t", "Log": "made", "ServiceMeshId": "c1"}]},
        GetCaCert={"CaCert": "PEM"},
        DescribeClusterPrometheus={"Prometheus": "https://p"},
        DescribeClusterGrafana={
            "Dashboards": [{"Title": "Mesh", "Url": None}, {"Title": "Service", "Url": "https://s"}]
        },
        GetGrafanaDashboardUrl={"Dashboards": [{"Title": "Mesh", "Url": "https://m"}]},
        DescribeMeshMultiClusterNetwork={
            "MultiClusterNetworks": {"k1": {"Network": "one", "EnableGateway": True, "GatewayName": "g"}}
        },
        DescribeCCMVersion={
            "CCMVersions": {
                "k1": {"Version": "v2", "SLBGracefulDrainSupport": True, "QueryState": "", "Message": "fine"},
                "k2": {"QueryState": "time_out"},
            }
        },
        DescribeCens={"Clusters": ["k2"]},
        DescribeReusableSlb=lambda K8sClusterId, NetworkType, LbType: (
            {"ReusableSlbList": [{"LoadBalancerId": f"{LbType}-{NetworkType}", "LoadBalancerName": None}]}
            if K8sClusterId == "k1"
            else {}
        ),
        DescribeNodesInstanceType={
            "InstanceTypes": [{"NodeType": "ecs.g7.large", "MultiBufferEnabled": True, "Key": "k"}]
        },
        DescribeCrTemplates={"Templates": [{"EnglishName": "one", "Yaml": "a: 1"}]},
    )
    return asm


def clusters(asm: FakeAsm, *subsets: str, candidates: bool = False) -> dict[str, Any]:
    params = {"mesh": "shop", "candidates": candidates, "gather_subset": list(subsets)}
    return {one["id"]: one for one in asm_cluster_info.read(params, asm)}  # type: ignore[arg-type]


def meshes(asm: FakeAsm, subsets: tuple[str, ...] = (), templates: list[str] | None = None) -> Any:
    params = {"name": "shop", "tags": None, "gather_subset": subsets, "templates": templates}
    return asm_mesh_info.read(params, asm)  # type: ignore[arg-type]


def test_every_subset_is_told_of_attached_clusters_alone(shop: FakeAsm) -> None:
    found = clusters(shop, *SUBSETS, candidates=True)
    assert found["k1"]["access_logs"] == [{"title": "k1", "url": "https://a"}]
    assert found["k1"]["prometheus"] == "https://p"
    assert found["k1"]["grafana"] == [{"title": "Mesh", "url": "https://m"}, {"title": "Service", "url": "https://s"}]
    assert found["k1"]["namespaces"] == {"a": {"x": "y"}, "b": {}}
    network = {"name": "one", "gateway_enabled": True, "gateway": "g", "gateway_address": ""}
    assert found["k1"]["network"] == network
    assert found["k2"]["network"] == {"name": "", "gateway_enabled": False, "gateway": "", "gateway_address": ""}
    told = {"version": "v2", "graceful_drain_supported": True, "error_message": ""}
    assert found["k1"]["cloud_controller"] == told
    assert found["k2"]["cloud_controller"]["error_message"] == "time_out"
    assert (found["k1"]["cen_missing"], found["k2"]["cen_missing"]) == (False, True)
    assert [one["id"] for one in found["k1"]["load_balancers"]] == [
        *("clb-internet", "clb-intranet", "nlb-internet", "nlb-intranet")
    ]
    shown = {"id": "clb-internet", "name": "", "kind": "clb", "address_type": "internet"}
    assert found["k1"]["load_balancers"][0] == shown
    assert found["k2"]["load_balancers"] == []
    assert not {*SUBSETS} & {*found["k3"]}
    assert shop.written() == []


@pytest.mark.parametrize(
    ("subset", "action", "times"),
    [
        ("access_logs", "DescribeGuestClusterAccessLogDashboards", 2),
        ("prometheus", "DescribeClusterPrometheus", 2),
        ("grafana", "DescribeClusterGrafana", 2),
        ("namespaces", "DescribeGuestClusterNamespaces", 2),
        ("network", "DescribeMeshMultiClusterNetwork", 1),
        ("cloud_controller", "DescribeCCMVersion", 1),
        ("cen_missing", "DescribeCens", 1),
        ("load_balancers", "DescribeReusableSlb", 8),
    ],
)
def test_only_what_is_chosen_is_asked_for(shop: FakeAsm, subset: str, action: str, times: int) -> None:
    found = clusters(shop, subset)
    assert {*SUBSETS} & {*found["k1"]} == {subset}
    asked = [
        name
        for name, _parameters in shop.calls
        if name not in ("DescribeServiceMeshes", "DescribeClustersInServiceMesh")
    ]
    assert asked.count(action) == times
    assert {*asked} <= {action, "GetGrafanaDashboardUrl"}


def test_where_there_is_nothing_it_says_so(shop: FakeAsm) -> None:
    for action in ("DescribeGuestClusterAccessLogDashboards", "DescribeClusterPrometheus", "DescribeClusterGrafana"):
        shop.answers[action] = NOTHING
    shop.answers["DescribeCCMVersion"] = {"CCMVersions": None}
    found = clusters(shop, *SUBSETS)["k1"]
    assert (found["access_logs"], found["prometheus"], found["grafana"]) == ([], None, [])
    assert found["cloud_controller"] is None


def test_a_missing_permission_is_an_error(shop: FakeAsm) -> None:
    shop.answers["DescribeClusterPrometheus"] = AsmError("No.", code="Forbidden.RAM", http_status=403)
    with pytest.raises(AsmError) as caught:
        clusters(shop, "prometheus")
    assert caught.value.code == "Forbidden.RAM"


def test_nodes_and_templates_of_a_mesh(shop: FakeAsm) -> None:
    (plain,) = meshes(shop)
    assert "node_types" not in plain and "templates" not in plain
    (found,) = meshes(shop, ("node_types", "logs", "ca_cert"), ["Gateway", "Gateway", "VirtualService"])
    label = {"key": "k", "value": ""}
    assert found["node_types"] == [{"type": "ecs.g7.large", "multi_buffer_supported": True, "label": label}]
    assert (found["ca_cert"], found["logs"]) == ("PEM", [{"time": "t", "message": "made"}])
    assert {*found["templates"]} == {"Gateway", "VirtualService"}
    assert found["templates"]["Gateway"] == [{"name": "one", "chinese_name": "", "yaml": "a: 1"}]
    assert len(shop.sent("DescribeCrTemplates")) == 2


def test_a_kind_without_templates_is_named(shop: FakeAsm) -> None:
    shop.answers["DescribeCrTemplates"] = NOTHING
    with pytest.raises(InvalidInput, match="templates: the service has none of the kind 'Pod'"):
        meshes(shop, templates=["Pod"])

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cluster import registry
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.modules import asm_registry_info

from .conftest import FakeAsm

NAMES = [f"web-{number:03}" for number in range(250)]


def coded(names: list[str]) -> list[str]:
    return [base64.b64encode(name.encode()).decode() for name in names]


class Registry(FakeAsm):
    """A mesh with two clusters; ``code`` is how the names of deployments are written."""

    def __init__(self) -> None:
        super().__init__()
        self.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")
        members = [{"ClusterId": key, "Name": f"shop-{key}", "State": "running"} for key in ("k1", "k2")]
        self.meshes["c1"]["Members"] = members
        self.code = list[str]

    def GetRegisteredServiceNamespaces(self, ServiceMeshId: str) -> Any:
        return {"Namespaces": ["shop", "default", "shop"]}

    def GetRegisteredServiceEndpoints(self, **asked: Any) -> Any:
        details = [
            {"Address": "10.0.0.2", "PodName": "a", "Ports": [90, 80], "SidecarInjected": True, "Region": "r"},
            {"Address": "10.0.0.1", "PodName": None, "Ports": None},
        ]
        both = [{"Address": "10.0.0.1", "ClusterId": "k1"}, {"Address": "10.0.0.1", "ClusterId": "k2"}]
        slice_ = {"EndpointsDetails": details, "Location": "MESH_INTERNAL"}
        return {"EndPointSlice": slice_, "ServiceEndpoints": [{"Address": "10.0.0.2", "ClusterId": "k2"}, *both]}

    def ListServiceAccounts(self, ServiceMeshId: str, ClusterId: str, Namespace: str = "") -> Any:
        return {"ServiceAccounts": [{"Name": "b", "Namespace": "z"}, {"Name": "c", "Namespace": "y"}]}

    def GetDeploymentBySelector(self, Limit: int, Mark: str = "0", **asked: Any) -> Any:
        begin = int(Mark)
        rest = begin + Limit < len(NAMES)
        page = self.code(NAMES[begin : begin + Limit])
        return {"DeploymentNameList": page, "Mark": str(begin + Limit) if rest else ""}


@pytest.fixture
def asm() -> Registry:
    return Registry()


def read(asm: Registry, **options: Any) -> Any:
    defaults = {name: about.get("default") for name, about in asm_registry_info.OPTIONS.items()}
    return asm_registry_info.read({**defaults, "mesh": "shop", **options}, asm)  # type: ignore[arg-type]


def test_pods_of_a_namespace_in_every_cluster(asm: Registry) -> None:
    answers: dict[str, Any] = {"k1": {"PodList": ["b", "a"]}, "k2": AsmError("No.", code="ERR404", http_status=404)}

    def pods(ServiceMeshId: str, GuestClusterID: str, Namespace: str) -> Any:
        if isinstance(answers[GuestClusterID], Exception):
            raise answers[GuestClusterID]
        return answers[GuestClusterID]

    asm.answers["DescribeGuestClusterPods"] = pods
    assert read(asm, pods=True, namespace="shop")["pods"] == {"shop-k1": ["a", "b"], "shop-k2": []}
    assert {one["Namespace"] for one in asm.sent("DescribeGuestClusterPods")} == {"shop"}


def test_namespaces_are_read_alone_unless_more_is_asked_for(asm: Registry) -> None:
    assert read(asm) == {"namespaces": ["default", "shop"]}
    assert asm.sent("DescribeClustersInServiceMesh") == []


def test_endpoints_name_their_cluster_where_one_is_told(asm: Registry) -> None:
    found = read(asm, service="web", namespace="shop", service_type="Kubernetes")["service"]
    assert found["location"] == "MESH_INTERNAL"
    assert [(one["address"], one["cluster_id"], one["ports"]) for one in found["endpoints"]] == [
        ("10.0.0.1", "", []),
        ("10.0.0.2", "k2", [80, 90]),
    ]
    assert found["endpoints"][1]["sidecar_injected"] is True and found["endpoints"][0]["pod"] == ""
    (asked,) = asm.sent("GetRegisteredServiceEndpoints")
    assert "ClusterIds" not in asked
    read(asm, service="web", namespace="shop", clusters=["shop-k2", "k1"])
    assert asm.sent("GetRegisteredServiceEndpoints")[-1]["ClusterIds"] == "k2,k1"


def test_addresses_alone_are_endpoints_too(asm: Registry) -> None:
    asm.answers["GetRegisteredServiceEndpoints"] = {"ServiceEndpoints": [{"Address": "a.org", "ClusterId": ""}]}
    (found,) = read(asm, service="web", namespace="shop")["service"]["endpoints"]
    assert (found["address"], found["cluster_id"], found["sidecar_injected"]) == ("a.org", "", False)


def test_accounts_are_sorted_by_cluster_and_namespace(asm: Registry) -> None:
    found = read(asm, service_accounts=True)["service_accounts"]
    assert list(found) == ["shop-k1", "shop-k2"]
    assert found["shop-k1"] == [{"name": "c", "namespace": "y"}, {"name": "b", "namespace": "z"}]
    read(asm, service_accounts=True, namespace="z", clusters=["k2"])
    assert asm.sent("ListServiceAccounts")[-1] == {"ServiceMeshId": "c1", "ClusterId": "k2", "Namespace": "z"}


@pytest.mark.parametrize("code", [list, coded])
def test_deployments_of_all_pages_whatever_their_names_are_written_in(asm: Registry, code: Any) -> None:
    asm.code = code
    found = read(asm, labels={"app": "web", "on": True}, clusters=["shop-k1"])
    assert found["deployments"] == {"shop-k1": NAMES}
    sent = asm.sent("GetDeploymentBySelector")
    assert len(sent) == 3
    assert sent[0]["LabelSelector"] == {"app": "web", "on": "true"}


def test_a_list_without_end_is_an_error(asm: Registry) -> None:
    marks = iter(range(10_000))
    asm.answers["GetDeploymentBySelector"] = lambda **asked: {"DeploymentNameList": ["a"], "Mark": str(next(marks))}
    with pytest.raises(AsmError, match="the list goes on"):
        read(asm, labels={"app": "web"}, clusters=["k1"])


def test_a_mark_that_stays_is_an_end(asm: Registry) -> None:
    asm.answers["GetDeploymentBySelector"] = {"DeploymentNameList": ["a"], "Mark": "same"}
    assert read(asm, labels={"app": "web"}, clusters=["k1"])["deployments"] == {"shop-k1": ["a"]}


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["web", "abcd"], ["web", "abcd"]),
        (coded(["web", "abcd"]), ["web", "abcd"]),
        ([*coded(["web"]), "Not_A_Name"], [*coded(["web"]), "Not_A_Name"]),
        ([], []),
    ],
)
def test_names_in_base64_are_told_from_plain_ones(texts: list[str], names: list[str]) -> None:
    assert registry.names_of(texts) == names


def test_bad_input_is_told_before_anything_is_read(asm: Registry) -> None:
    with pytest.raises(InvalidInput, match="labels is empty"):
        read(asm, labels={})
    with pytest.raises(InvalidInput, match="labels: app has no plain value"):
        read(asm, labels={"app": ["a"]})
    assert asm.calls == []
    with pytest.raises(NotFound, match=r"No cluster 'shop-9' in mesh 'shop'\. Its clusters are: shop-k1, shop-k2"):
        read(asm, clusters=["shop-9"])
    with pytest.raises(NotFound, match="No mesh"):
        read(asm, mesh="store")


def test_reading_writes_nothing(asm: Registry) -> None:
    read(asm, service="web", namespace="shop", service_accounts=True, labels={"a": "b"})
    assert asm.written() == []

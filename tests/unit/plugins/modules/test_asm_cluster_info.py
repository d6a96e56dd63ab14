# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import NotFound
from ansible_collections.meshops.asm.plugins.modules import asm_cluster_info

from .conftest import FakeAsm


@pytest.fixture
def shop(asm: FakeAsm) -> FakeAsm:
    """A mesh with the cluster k2; k1 could join, k3 is in another mesh, k4 has an Istio of its own."""
    asm.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")

    def cluster(key: str, **more: Any) -> dict[str, Any]:
        about = {"ClusterId": key, "Name": f"shop-{key}", "State": "running", "RegionId": "cn-hangzhou"}
        return {**about, "VpcId": "vpc-1", "ClusterType": "ManagedKubernetes", "Version": "1.32.1-aliyun.1", **more}

    asm.meshes["c1"]["Members"] = [cluster("k2")]
    asm.candidates = [
        cluster("k4", ForbiddenFlag=4),
        cluster("k3", ServiceMeshId="c9"),
        cluster("k2", ServiceMeshId="c1"),
        cluster("k1"),
    ]
    return asm


def read(asm: FakeAsm, mesh: str = "shop", candidates: bool = False) -> list[dict[str, Any]]:
    return asm_cluster_info.read({"mesh": mesh, "candidates": candidates, "gather_subset": []}, asm)  # type: ignore[arg-type]


@pytest.mark.parametrize("mesh", ["shop", "c1"])
def test_attached_clusters_are_described_in_full(shop: FakeAsm, mesh: str) -> None:
    assert read(shop, mesh) == [
        {
            "id": "k2",
            "name": "shop-k2",
            "state": "running",
            "region": "cn-hangzhou",
            "vpc_id": "vpc-1",
            "type": "ManagedKubernetes",
            "version": "1.32.1-aliyun.1",
            "error_message": "",
            "mesh_id": "c1",
            "attached": True,
            "refusal": None,
        }
    ]


def test_candidates_are_asked_for_only_when_wanted(shop: FakeAsm) -> None:
    read(shop)
    assert shop.sent("DescribeServiceMeshClusters") == []


def test_candidates_come_with_the_reason_why_they_cannot_join(shop: FakeAsm) -> None:
    found = {cluster["id"]: cluster for cluster in read(shop, candidates=True)}
    assert list(found) == ["k1", "k2", "k3", "k4"]
    assert [cluster["attached"] for cluster in found.values()] == [False, True, False, False]
    assert [cluster["mesh_id"] for cluster in found.values()] == ["", "c1", "c9", ""]
    assert found["k1"]["refusal"] is found["k2"]["refusal"] is None
    assert "belongs to the mesh c9" in found["k3"]["refusal"]
    assert "istio-system" in found["k4"]["refusal"]


def test_an_attached_cluster_is_listed_once_with_its_state_in_the_mesh(shop: FakeAsm) -> None:
    shop.meshes["c1"]["Members"][0].update(State="failed", ErrorMessage="No route.")
    (cluster,) = [cluster for cluster in read(shop, candidates=True) if cluster["attached"]]
    assert (cluster["state"], cluster["error_message"]) == ("failed", "No route.")


def test_a_mesh_without_clusters_is_an_empty_list(shop: FakeAsm) -> None:
    shop.meshes["c1"]["Members"] = []
    assert read(shop) == []


def test_an_unknown_mesh_is_an_error(shop: FakeAsm) -> None:
    with pytest.raises(NotFound, match=r"'store'.*shop \(cn-hangzhou\)"):
        read(shop, "store")


def test_reading_writes_nothing(shop: FakeAsm) -> None:
    read(shop, candidates=True)
    assert shop.written() == []

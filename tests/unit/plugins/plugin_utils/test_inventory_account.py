# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory asks of the account, and what it does when parts of it do not answer."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.plugin_utils import inventory_account
from ansible_collections.meshops.asm.tests.unit.conftest import FakeCloud

GATEWAY = {
    "metadata": {"name": "ingressgateway", "namespace": "istio-system"},
    "spec": {"clusterIds": ["k1"]},
    "status": {"ClusterIdGatewayAddressMap": [{"clusterId": "k1", "ipAddress": "203.0.113.10"}]},
}
READ: dict[str, Any] = {"kinds": ["mesh", "cluster", "gateway"], "regions": None, "mesh_tags": None}


class FakeKube:
    closed = 0

    def list(self, path: str) -> list[dict[str, Any]]:
        return [GATEWAY]

    def close(self) -> None:
        FakeKube.closed += 1


def about(name: str, region: str, state: str = "running") -> dict[str, Any]:
    return {"ServiceMeshInfo": {"ServiceMeshId": f"id-{name}", "Name": name, "RegionId": region, "State": state}}


def detail(**parameters: str) -> dict[str, Any]:
    name = parameters["ServiceMeshId"].removeprefix("id-")
    if name == "gone":
        raise AsmError("No such mesh.", code="ServiceMesh.NotFound")
    return {"ServiceMesh": about(name, "cn-hangzhou", "initial" if name == "young" else "running")}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """An account with meshes in two regions, of which one is being made and one has just been deleted."""
    listed = [about("shop", "cn-hangzhou"), about("north", "cn-beijing"), about("young", "cn-hangzhou")]
    fake = FakeCloud(
        DescribeServiceMeshes={"ServiceMeshes": [*listed, about("gone", "cn-hangzhou")]},
        DescribeServiceMeshDetail=detail,
        DescribeClustersInServiceMesh={"Clusters": [{"ClusterId": "k1", "Name": "shop-1", "State": "running"}]},
    )

    def with_options(options: dict[str, Any]) -> FakeCloud:
        fake.region = options.get("region")
        return fake

    monkeypatch.setattr(inventory_account, "Cloud", with_options)
    monkeypatch.setattr(inventory_account.gateways, "control_plane", lambda cloud, mesh: FakeKube())
    return fake


def read(options: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return inventory_account.read_account(options or {}, **{**READ, **more})


def mesh_names(records: dict[str, Any]) -> list[str]:
    return [record["mesh"]["name"] for record in records["meshes"]]


def test_every_mesh_with_its_clusters_and_gateways(cloud: FakeCloud) -> None:
    records = read()
    assert mesh_names(records) == ["north", "shop", "young"]
    assert records["warnings"] == []
    shop = records["meshes"][1]
    assert [cluster["name"] for cluster in shop["clusters"]] == ["shop-1"]
    assert shop["gateways"][0]["addresses"] == {"shop-1": ["203.0.113.10"]}


def test_a_mesh_that_is_being_made_has_no_control_plane_to_ask(cloud: FakeCloud) -> None:
    assert read()["meshes"][2]["gateways"] == []


def test_control_planes_are_left_alone_unless_gateways_are_wanted(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_account.gateways, "control_plane", lambda cloud, mesh: pytest.fail("asked"))
    assert mesh_names(read(kinds=["mesh", "cluster"])) == ["north", "shop", "young"]


@pytest.mark.parametrize(
    ("options", "regions", "names"),
    [
        ({"region": "cn-beijing"}, None, ["north"]),
        ({"region": "cn-beijing"}, ["cn-hangzhou"], ["shop", "young"]),
        ({}, ["cn-shanghai"], []),
    ],
)
def test_regions(cloud: FakeCloud, options: dict[str, Any], regions: list[str] | None, names: list[str]) -> None:
    assert mesh_names(read(options, regions=regions)) == names


def test_tags_are_left_to_the_service(cloud: FakeCloud) -> None:
    read(mesh_tags={"team": "shop"})
    assert cloud.calls[0] == ("DescribeServiceMeshes", {"Tag": [{"Key": "team", "Value": "shop"}]})


def test_a_silent_control_plane_is_a_warning(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(cloud: Any, mesh: Any) -> Any:
        raise AsmError("It does not answer.", code="Unreachable")

    monkeypatch.setattr(inventory_account.gateways, "control_plane", silent)
    records = read(regions=["cn-beijing"])
    assert mesh_names(records) == ["north"]
    assert records["warnings"] == ["The gateways of mesh 'north' cannot be read: It does not answer."]


def test_connections_to_control_planes_are_closed(cloud: FakeCloud) -> None:
    FakeKube.closed = 0
    read()
    assert FakeKube.closed == 2


def test_a_refusal_of_the_api_is_a_failure(cloud: FakeCloud) -> None:
    cloud.answers["DescribeClustersInServiceMesh"] = AsmError("Not for you.", code="Forbidden.RAM")
    with pytest.raises(AsmError, match="Not for you"):
        read()


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("DescribeServiceMeshDetail", "The mesh 'north' cannot be read and is left out: Not for you."),
        (
            "DescribeClustersInServiceMesh",
            "The clusters of mesh 'north' cannot be read, they and its gateways are left out: Not for you.",
        ),
    ],
)
def test_of_one_mesh_that_may_not_be_read_the_rest_is_there(cloud: FakeCloud, action: str, said: str) -> None:
    good = cloud.answers[action]

    def refusing(**parameters: str) -> dict[str, Any]:
        if parameters["ServiceMeshId"] == "id-north":
            raise AsmError("Not for you.", code="Forbidden.RAM", http_status=403)
        return dict(good(**parameters) if callable(good) else good)

    cloud.answers[action] = refusing
    records = read()
    assert mesh_names(records) == (["shop", "young"] if action.endswith("Detail") else ["north", "shop", "young"])
    assert records["warnings"] == [said]
    shop = next(record for record in records["meshes"] if record["mesh"]["name"] == "shop")
    assert shop["clusters"] and shop["gateways"]


def test_a_mesh_that_the_service_describes_as_nothing_known_is_one_warning(cloud: FakeCloud) -> None:
    def odd(**parameters: str) -> dict[str, Any]:
        found = detail(**parameters)
        if parameters["ServiceMeshId"] == "id-north":
            found["ServiceMesh"]["Spec"] = {"Network": {"VSwitches": 7}}
        return found

    cloud.answers["DescribeServiceMeshDetail"] = odd
    records = read()
    assert mesh_names(records) == ["shop", "young"]
    assert "The mesh 'north' cannot be read" in records["warnings"][0] and "VSwitches" in records["warnings"][0]


def test_where_nothing_can_be_shown_it_is_a_failure(cloud: FakeCloud) -> None:
    cloud.answers["DescribeServiceMeshDetail"] = AsmError("Not for you.", code="Forbidden.RAM", http_status=403)
    with pytest.raises(AsmError, match="Not for you"):
        read()


def test_an_outage_is_no_inventory_with_gaps(cloud: FakeCloud) -> None:
    def away(**parameters: str) -> dict[str, Any]:
        if parameters["ServiceMeshId"] == "id-north":
            raise AsmError("No answer.", code="ConnectionFailed")
        return detail(**parameters)

    cloud.answers["DescribeServiceMeshDetail"] = away
    with pytest.raises(AsmError, match="No answer"):
        read()


def test_two_clusters_of_one_name_keep_an_address_each(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    twins = [{"ClusterId": key, "Name": "twin", "State": "running"} for key in ("k1", "k2")]
    cloud.answers["DescribeClustersInServiceMesh"] = {"Clusters": twins}
    both = [{"clusterId": key, "ipAddress": f"203.0.113.{key[1]}"} for key in ("k1", "k2")]
    gateway = {**GATEWAY, "spec": {"clusterIds": ["k1", "k2"]}, "status": {"ClusterIdGatewayAddressMap": both}}
    monkeypatch.setattr(FakeKube, "list", lambda _self, _path: [gateway])
    shown = read(regions=["cn-beijing"])["meshes"][0]["gateways"][0]
    assert shown["addresses"] == {"k1": ["203.0.113.1"], "k2": ["203.0.113.2"]}
    assert shown["clusters"] == ["k1", "k2"]

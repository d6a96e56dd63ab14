# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, AsmError, NotFound
from ansible_collections.meshops.asm.tests.unit.conftest import FakeCloud

PUBLIC = '{"api_server_endpoint": "https://203.0.113.9:6443", "intranet_api_server_endpoint": "https://10.0.0.9:6443"}'
PRIVATE = '{"api_server_endpoint": "", "intranet_api_server_endpoint": "https://10.0.0.9:6443"}'


def mesh(public: str = "") -> dict[str, Any]:
    return {
        "ServiceMeshInfo": {"ServiceMeshId": "c1", "Name": "shop", "RegionId": "cn-hangzhou"},
        "Endpoints": {"IntranetApiServerEndpoint": "https://192.168.1.10:6443", "PublicApiServerEndpoint": public},
    }


def cluster(identifier: str, name: str, master_url: str | None = PUBLIC) -> dict[str, Any]:
    return {"cluster_id": identifier, "name": name, "region_id": "cn-hangzhou", "master_url": master_url}


def pages(*clusters: dict[str, Any], size: int = 100) -> Callable[..., dict[str, Any]]:
    """DescribeClustersV1 of an account with these clusters."""

    def page(page_number: int, page_size: int) -> dict[str, Any]:
        assert page_size == size
        start = (page_number - 1) * page_size
        return {"clusters": list(clusters[start : start + page_size]), "page_info": {"total_count": len(clusters)}}

    return page


# The control plane


@pytest.mark.parametrize(
    ("public", "wish", "private"),
    [
        ("https://198.51.100.7:6443", None, False),
        ("", None, True),
        ("https://198.51.100.7:6443", True, True),
        ("", False, False),
    ],
)
def test_the_public_address_is_used_where_there_is_one_unless_told_otherwise(
    fake_cloud: Callable[..., FakeCloud], public: str, wish: bool | None, private: bool
) -> None:
    cloud = fake_cloud(
        DescribeServiceMeshes={"ServiceMeshes": [mesh(public)]},
        DescribeServiceMeshKubeconfig={"Kubeconfig": "kind: Config", "ExpireTime": "2029-03-02 09:14:06"},
    )
    assert access.mesh_kubeconfig(cloud, "shop", private=wish) == "kind: Config"
    assert cloud.sent("DescribeServiceMeshKubeconfig") == [{"ServiceMeshId": "c1", "PrivateIpAddress": private}]


@pytest.mark.parametrize(
    ("chosen", "public", "private"),
    [
        ("private", "https://198.51.100.7:6443", True),
        ("public", "https://198.51.100.7:6443", False),
        ("auto", "https://198.51.100.7:6443", False),
        ("auto", "", True),
        (None, "", True),
    ],
)
def test_one_option_chooses_the_address_for_all_modules(chosen: str | None, public: str, private: bool) -> None:
    fake = FakeCloud(DescribeServiceMeshKubeconfig={"Kubeconfig": "kind: Config"})
    fake.private = Cloud({"api_server_address": chosen}).private
    access.fetch_mesh_kubeconfig(fake, mesh(public))  # type: ignore[arg-type]
    assert fake.sent("DescribeServiceMeshKubeconfig")[0]["PrivateIpAddress"] is private
    # What a task says of itself goes first.
    access.fetch_mesh_kubeconfig(fake, mesh(public), private=not private)  # type: ignore[arg-type]
    assert fake.sent("DescribeServiceMeshKubeconfig")[1]["PrivateIpAddress"] is not private


@pytest.mark.parametrize("reply", [{"Kubeconfig": ""}, AsmError("The service said no.", code="ERR404")])
def test_a_chosen_address_that_is_not_there_is_told(fake_cloud: Callable[..., FakeCloud], reply: Any) -> None:
    cloud = fake_cloud(DescribeServiceMeshKubeconfig=reply)
    cloud.private = False
    with pytest.raises(
        AsmError, match=r"shows no public address.* api_server_public_eip .* api_server_address=private"
    ):
        access.fetch_mesh_kubeconfig(cloud, mesh())  # type: ignore[arg-type]


def test_a_refusal_for_another_reason_stays_as_it_is(fake_cloud: Callable[..., FakeCloud]) -> None:
    denied = AsmError("No.", code="Forbidden", http_status=403)
    for found, reply in ((mesh(), denied), (mesh("https://198.51.100.7:6443"), AsmError("No.", code="ERR404"))):
        with pytest.raises(AsmError) as caught:
            cloud = fake_cloud(DescribeServiceMeshKubeconfig=reply)
            access.fetch_mesh_kubeconfig(cloud, found, private=False)  # type: ignore[arg-type]
        assert caught.value.message == "No."


def test_a_mesh_without_endpoints_is_reached_privately(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeServiceMeshKubeconfig={"Kubeconfig": "kind: Config"})
    access.fetch_mesh_kubeconfig(cloud, {**mesh(), "Endpoints": None})
    assert cloud.sent("DescribeServiceMeshKubeconfig")[0]["PrivateIpAddress"] is True


@pytest.mark.parametrize(("private", "kind"), [(True, "private"), (False, "public")])
def test_an_empty_kubeconfig_is_an_error_that_names_the_address(
    fake_cloud: Callable[..., FakeCloud], private: bool, kind: str
) -> None:
    cloud = fake_cloud(DescribeServiceMeshKubeconfig={"Kubeconfig": ""})
    with pytest.raises(AsmError, match=f"Mesh 'shop' gave no kubeconfig for its {kind} address") as caught:
        access.fetch_mesh_kubeconfig(cloud, mesh(), private=private)
    assert caught.value.code == "NoKubeconfig"


def test_an_unknown_mesh_has_no_kubeconfig(fake_cloud: Callable[..., FakeCloud]) -> None:
    with pytest.raises(NotFound, match="'store'"):
        access.mesh_kubeconfig(fake_cloud(DescribeServiceMeshes={"ServiceMeshes": [mesh()]}), "store")


# Clusters


@pytest.mark.parametrize(
    ("master_url", "wish", "private"),
    [
        (PUBLIC, None, False),
        (PUBLIC.replace(" ", ""), None, False),
        (PRIVATE, None, True),
        ("", None, True),
        (None, None, True),
        (PUBLIC, True, True),
        (PRIVATE, False, False),
    ],
)
def test_a_cluster_is_reached_publicly_where_it_can_be(
    fake_cloud: Callable[..., FakeCloud], master_url: str | None, wish: bool | None, private: bool
) -> None:
    cloud = fake_cloud(
        DescribeClustersV1=pages(cluster("k1", "shop-1", master_url)),
        DescribeClusterUserKubeconfig={"config": "kind: Config"},
    )
    assert access.cluster_kubeconfig(cloud, "shop-1", private=wish) == "kind: Config"
    (sent,) = cloud.sent("DescribeClusterUserKubeconfig")
    assert sent == {"path": ["k1"], "PrivateIpAddress": private, "TemporaryDurationMinutes": access.TEMPORARY_MINUTES}


def test_the_collections_own_kubeconfigs_end_within_the_bounds_of_the_api() -> None:
    assert 15 <= access.TEMPORARY_MINUTES <= 4320


def test_without_a_duration_the_service_decides(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeClusterUserKubeconfig={"config": "kind: Config", "expiration": "2029-01-01T00:00:00Z"})
    reply = access.fetch_cluster_kubeconfig(cloud, cluster("k1", "shop-1"))
    assert reply["expiration"] == "2029-01-01T00:00:00Z"
    assert "TemporaryDurationMinutes" not in cloud.sent("DescribeClusterUserKubeconfig")[0]


def test_a_cluster_that_gives_no_kubeconfig_is_an_error(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeClusterUserKubeconfig={})
    with pytest.raises(AsmError, match="Cluster 'shop-1' gave no kubeconfig") as caught:
        access.fetch_cluster_kubeconfig(cloud, cluster("k1", "shop-1"))
    assert caught.value.code == "NoKubeconfig"


@pytest.mark.parametrize("total", [0, 1, 100, 101, 230])
def test_all_pages_of_clusters_are_read(fake_cloud: Callable[..., FakeCloud], total: int) -> None:
    everything = [cluster(f"k{number}", f"shop-{number}") for number in range(total)]
    cloud = fake_cloud(DescribeClustersV1=pages(*everything))
    assert access.list_clusters(cloud) == everything
    assert len(cloud.calls) == max(1, -(-total // 100))


@pytest.mark.parametrize("name_or_id", ["k150", "shop-150"])
def test_a_cluster_on_a_later_page_is_found(fake_cloud: Callable[..., FakeCloud], name_or_id: str) -> None:
    everything = [cluster(f"k{number}", f"shop-{number}") for number in range(200)]
    found = access.require_cluster(fake_cloud(DescribeClustersV1=pages(*everything)), name_or_id)
    assert found == everything[150]


def test_unknown_and_ambiguous_clusters_are_errors(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeClustersV1=pages(cluster("k1", "twin"), cluster("k2", "twin")))
    with pytest.raises(NotFound, match="'shop-9'"):
        access.require_cluster(cloud, "shop-9")
    with pytest.raises(Ambiguous, match=r"k1.*k2"):
        access.require_cluster(cloud, "twin")

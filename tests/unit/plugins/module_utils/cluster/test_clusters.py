# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, AsmError, NotFound
from ansible_collections.meshops.asm.tests.unit.conftest import FakeCloud


def cluster(identifier: str, name: str | None = None, state: str = "running", **more: Any) -> dict[str, Any]:
    return {"ClusterId": identifier, "Name": name or identifier, "State": state, "RegionId": "cn-hangzhou", **more}


KNOWN = [cluster("k1", "shop-1"), cluster("k2", "shop-2"), cluster("k3", "twin"), cluster("k4", "twin")]


# Finding a cluster


@pytest.mark.parametrize(("name_or_id", "expected"), [("k1", "k1"), ("shop-2", "k2"), ("k3", "k3"), ("none", None)])
def test_a_cluster_is_picked_by_id_or_name(name_or_id: str, expected: str | None) -> None:
    picked = clusters.pick(KNOWN, name_or_id)
    assert (picked and picked["ClusterId"]) == expected
    assert clusters.pick(iter(KNOWN), name_or_id) == picked


def test_an_id_wins_over_a_name() -> None:
    assert clusters.pick([cluster("k8", "k9"), cluster("k9", "other")], "k9") == cluster("k9", "other")


def test_an_ambiguous_name_lists_the_candidates() -> None:
    with pytest.raises(Ambiguous, match=r"2 clusters are named 'twin': k3 \(cn-hangzhou\), k4 \(cn-hangzhou\)"):
        clusters.pick(KNOWN, "twin")


def test_the_same_cluster_listed_twice_is_one_cluster() -> None:
    assert clusters.pick([KNOWN[0], KNOWN[0]], "shop-1") == KNOWN[0]


def test_an_unknown_cluster_is_an_error_that_names_the_known_ones() -> None:
    assert clusters.require(KNOWN, "shop-1") == KNOWN[0]
    with pytest.raises(NotFound, match="No cluster with the name or id 'shop-9'") as caught:
        clusters.require(KNOWN, "shop-9")
    assert "shop-1, shop-2, twin" in caught.value.message
    with pytest.raises(NotFound, match="sees: none"):
        clusters.require([], "shop-9")


def test_a_cluster_without_a_name_is_called_by_its_id() -> None:
    assert clusters.name({"ClusterId": "k1", "Name": ""}) == "k1"
    assert clusters.names([KNOWN[1], {"ClusterId": "k0"}, KNOWN[0]]) == ["k0", "shop-1", "shop-2"]


def test_users_see_their_own_words() -> None:
    seen = clusters.as_user_sees(
        cluster("k1", "shop-1", VpcId="vpc-1", ClusterType="ManagedKubernetes", Version="1.32")
    )
    assert seen == {
        "id": "k1",
        "name": "shop-1",
        "state": "running",
        "region": "cn-hangzhou",
        "vpc_id": "vpc-1",
        "type": "ManagedKubernetes",
        "version": "1.32",
        "error_message": "",
    }


# Asking the service


def test_attached_clusters_are_asked_for_by_mesh(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeClustersInServiceMesh=[{"Clusters": KNOWN}, {}])
    assert clusters.attached(cloud, "c1") == KNOWN
    assert clusters.attached(cloud, "c1") == []
    assert cloud.calls == [("DescribeClustersInServiceMesh", {"ServiceMeshId": "c1"})] * 2


@pytest.mark.parametrize("total", [0, 1, 99, 100, 101, 250])
def test_all_pages_of_candidates_are_read(fake_cloud: Callable[..., FakeCloud], total: int) -> None:
    everything = [cluster(f"k{number}") for number in range(total)]

    def page(ServiceMeshId: str, Limit: int, Offset: int) -> dict[str, Any]:
        return {"Clusters": everything[Offset : Offset + Limit], "NumberOfClusters": total}

    cloud = fake_cloud(DescribeServiceMeshClusters=page)
    assert clusters.candidates(cloud, "c1") == everything
    assert len(cloud.calls) == max(1, -(-total // 100))


def test_a_total_that_is_wrong_does_not_make_an_endless_loop(fake_cloud: Callable[..., FakeCloud]) -> None:
    pages = [{"Clusters": KNOWN, "NumberOfClusters": 999}, {"Clusters": [], "NumberOfClusters": 999}]
    assert clusters.candidates(fake_cloud(DescribeServiceMeshClusters=pages), "c1") == KNOWN


def test_a_removal_is_one_call(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(RemoveClusterFromServiceMesh={"Code": "200"})
    clusters.detach(cloud, "c1", "k1")
    clusters.detach(cloud, "c1", "k2", reserve_namespace=True)
    assert cloud.sent("RemoveClusterFromServiceMesh") == [
        {"ServiceMeshId": "c1", "ClusterId": "k1", "ReserveNamespace": False},
        {"ServiceMeshId": "c1", "ClusterId": "k2", "ReserveNamespace": True},
    ]


# Why a cluster is refused


@pytest.mark.parametrize(
    "candidate", [cluster("k1"), cluster("k1", ForbiddenFlag=0), cluster("k1", ServiceMeshId="c1")]
)
def test_a_usable_cluster_is_not_refused(candidate: dict[str, Any]) -> None:
    assert clusters.refusal(candidate, "c1") is None


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        (1, ["not an administrator", "cluster-admin"]),
        (2, ["another VPC", "CEN"]),
        (3, ["address ranges overlap"]),
        (4, ["istio-system exists", "ignore_namespace_check"]),
        (9, ["flag 9"]),
    ],
)
def test_each_reason_says_what_is_wrong_and_what_to_do(flag: int, words: list[str]) -> None:
    reason = clusters.refusal(cluster("k1", ForbiddenFlag=flag), "c1")
    assert reason is not None
    assert all(word in reason for word in words)


def test_only_the_namespace_can_be_ignored() -> None:
    assert clusters.refusal(cluster("k1", ForbiddenFlag=4), "c1", ignore_namespace=True) is None
    for flag in (1, 2, 3):
        assert clusters.refusal(cluster("k1", ForbiddenFlag=flag), "c1", ignore_namespace=True) is not None


def test_a_cluster_of_another_mesh_is_refused_before_all_else() -> None:
    reason = clusters.refusal(cluster("k1", ServiceMeshId="c2", ForbiddenFlag=4), "c1", ignore_namespace=True)
    assert reason is not None
    assert "belongs to the mesh c2" in reason


@pytest.mark.parametrize("state", ["initial", "failed", "deleting", "stopped"])
def test_only_a_running_cluster_can_be_added(state: str) -> None:
    assert f"its state is {state}" in str(clusters.refusal(cluster("k1", state=state), "c1"))


@pytest.mark.parametrize(
    ("info", "shown"),
    [
        ('["10.0.0.0/8 overlaps"]', "(10.0.0.0/8 overlaps)"),
        ('["a", "b"]', "(a; b)"),
        ('[{"cidr": "10.0.0.0/8"}]', '({"cidr": "10.0.0.0/8"})'),
        ('"just text"', "(just text)"),
        ("not json", "(not json)"),
        (["a"], "(a)"),
    ],
)
def test_details_of_the_service_are_added_in_a_readable_form(info: Any, shown: str) -> None:
    reason = clusters.refusal(cluster("k1", ForbiddenFlag=3, ForbiddenInfo=info), "c1")
    assert str(reason).endswith(shown)


@pytest.mark.parametrize("info", [None, "", []])
def test_without_details_there_are_no_brackets(info: Any) -> None:
    assert "(" not in str(clusters.refusal(cluster("k1", ForbiddenFlag=1, ForbiddenInfo=info), "c1"))


# Progress


@pytest.mark.parametrize(
    ("listed", "wanted", "unwanted"),
    [
        ([], [], []),
        ([cluster("k1")], ["k1"], []),
        ([cluster("k1")], [], ["k2"]),
        ([cluster("k1"), cluster("k2", state="stopping")], ["k1"], []),
    ],
)
def test_as_wanted_is_done(listed: list[dict[str, Any]], wanted: list[str], unwanted: list[str]) -> None:
    assert clusters.state_progress(listed, wanted, unwanted).done is True


@pytest.mark.parametrize("state", ["starting", "initial", "updating", ""])
def test_a_cluster_that_is_on_its_way_is_waited_for(state: str) -> None:
    progress = clusters.state_progress([cluster("k1", "shop-1", state)], ["k1"])
    assert (progress.done, progress.failed, progress.last) == (False, "", state)
    assert "cluster 'shop-1' to be running" in progress.what


def test_a_cluster_that_is_not_listed_yet_is_waited_for() -> None:
    progress = clusters.state_progress([], ["k1"])
    assert progress.done is False
    assert "not listed yet" in progress.what


@pytest.mark.parametrize("state", ["failed", "stopped", "add_failed"])
def test_a_failed_cluster_ends_the_wait_with_the_reason(state: str) -> None:
    progress = clusters.state_progress([cluster("k1", "shop-1", state, ErrorMessage="No route.")], ["k1"])
    assert progress.failed.startswith(f"Cluster 'shop-1' is in state {state} in the mesh: No route.")
    assert ("adds the cluster again" in progress.failed) is (state != "stopped")


@pytest.mark.parametrize("state", ["failed", "remove_failed"])
def test_a_cluster_that_cannot_leave_ends_the_wait_with_the_reason(state: str) -> None:
    listed = [cluster("k1", "shop-1", state, ErrorMessage="istio-system is still there.")]
    progress = clusters.state_progress(listed, [], ["k1"])
    assert progress.failed.startswith(f"Cluster 'shop-1' could not leave the mesh, its state is {state}: istio-system")


def test_a_cluster_that_is_to_leave_is_waited_for() -> None:
    for state in ("running", "stopping"):
        progress = clusters.state_progress([cluster("k1", "shop-1", state)], [], ["k1"])
        assert (progress.done, progress.failed) == (False, "")
        assert "cluster 'shop-1' to leave the mesh" in progress.what


def mesh(state: str) -> dict[str, Any]:
    return {"ServiceMesh": {"ServiceMeshInfo": {"ServiceMeshId": "c1", "Name": "shop", "State": state}}}


def test_the_mesh_is_looked_at_once_the_clusters_are_as_wanted(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(
        DescribeClustersInServiceMesh=[{"Clusters": [cluster("k1", state="starting")]}, {"Clusters": [cluster("k1")]}],
        DescribeServiceMeshDetail=[mesh("updating"), mesh("running")],
    )
    membership = clusters.Membership(cloud, "c1", ["k1"], [])
    looks = [membership.look() for _unused in range(3)]
    assert [look.done for look in looks] == [False, False, True]
    assert "cluster" in looks[0].what
    assert "mesh 'shop'" in looks[1].what
    assert len(cloud.sent("DescribeServiceMeshDetail")) == 2


def test_a_mesh_that_fails_over_a_cluster_is_a_failure(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeClustersInServiceMesh={}, DescribeServiceMeshDetail=mesh("updating_failed"))
    assert "updating_failed" in clusters.Membership(cloud, "c1", [], ["k1"]).look().failed


# Lists page by page


def test_a_list_that_always_goes_on_is_given_up(fake_cloud: Callable[..., FakeCloud]) -> None:
    def page(Offset: int, **more: Any) -> dict[str, Any]:
        return {"Clusters": [cluster(f"k{Offset}")], "NumberOfClusters": 10**9}

    cloud = fake_cloud(DescribeServiceMeshClusters=page)
    with pytest.raises(AsmError, match="DescribeServiceMeshClusters is not what it documents: the list goes on"):
        clusters.candidates(cloud, "c1")
    assert len(cloud.calls) == 200


def test_a_page_that_brings_nothing_new_is_the_last(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeServiceMeshClusters={"Clusters": [cluster("k1")], "NumberOfClusters": 50})
    assert clusters.candidates(cloud, "c1") == [cluster("k1")]
    assert len(cloud.calls) == 2


def test_pages_may_be_smaller_than_asked_for(fake_cloud: Callable[..., FakeCloud]) -> None:
    every = [cluster(f"k{number}") for number in range(25)]

    def page(number: int, taken: int) -> tuple[list[dict[str, Any]], int]:
        return every[(number - 1) * 10 : number * 10], 25

    assert clusters.all_pages(page, "DescribeClustersV1", "ClusterId") == every


def test_labels_are_names_and_ids_where_several_share_one() -> None:
    known = [{"ClusterId": "k1", "Name": "a"}, {"ClusterId": "k2", "Name": "twin"}, {"ClusterId": "k3", "Name": "twin"}]
    assert clusters.labels([*known, {"ClusterId": "k4"}]) == {"k1": "a", "k2": "k2", "k3": "k3", "k4": "k4"}

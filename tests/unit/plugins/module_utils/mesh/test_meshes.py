# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, AsmError, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.tests.unit.conftest import FakeCloud


def mesh(identifier: str, name: str, region: str = "cn-hangzhou", state: str = "running") -> dict[str, Any]:
    return {"ServiceMeshInfo": {"ServiceMeshId": identifier, "Name": name, "RegionId": region, "State": state}}


LISTED = [
    mesh("c1", "shop"),
    mesh("c2", "shop", "cn-beijing"),
    mesh("c3", "store"),
    mesh("c4", "twin"),
    mesh("c5", "twin", state="deleting"),
    mesh("c6", "c3", "cn-beijing"),
]


# Finding a mesh


@pytest.mark.parametrize(
    ("name_or_id", "region", "expected"),
    [
        ("c1", None, "c1"),
        ("c2", "cn-hangzhou", "c2"),
        ("store", None, "c3"),
        ("store", "cn-hangzhou", "c3"),
        ("shop", "cn-hangzhou", "c1"),
        ("shop", "cn-beijing", "c2"),
        ("c3", "cn-beijing", "c3"),
    ],
)
def test_an_id_is_found_anywhere_and_a_name_in_its_region(name_or_id: str, region: str | None, expected: str) -> None:
    picked = meshes.pick_mesh(LISTED, name_or_id, region)
    assert picked is not None
    assert meshes.mesh_id(picked) == expected


@pytest.mark.parametrize(("name_or_id", "region"), [("store", "cn-beijing"), ("nowhere", None), ("SHOP", None)])
def test_what_is_not_there_is_none(name_or_id: str, region: str | None) -> None:
    assert meshes.pick_mesh(LISTED, name_or_id, region) is None
    assert meshes.pick_mesh([], name_or_id, region) is None


def test_an_ambiguous_name_lists_the_candidates_and_says_what_to_do() -> None:
    with pytest.raises(Ambiguous) as caught:
        meshes.pick_mesh(LISTED, "shop", None)
    for part in ("2 meshes are named 'shop'", "c1 (cn-hangzhou, running)", "c2 (cn-beijing, running)", "set region"):
        assert part in caught.value.message


def test_a_region_does_not_help_where_the_twins_are_in_the_same_one() -> None:
    with pytest.raises(Ambiguous) as caught:
        meshes.pick_mesh(LISTED, "twin", "cn-hangzhou")
    assert "c5 (cn-hangzhou, deleting)" in caught.value.message
    assert "set region" not in caught.value.message


def test_the_region_of_the_cloud_is_the_one_that_counts(fake_cloud: Callable[..., FakeCloud]) -> None:
    for region, expected in (("cn-hangzhou", "c1"), ("cn-beijing", "c2")):
        found = meshes.find_mesh(fake_cloud(region, DescribeServiceMeshes={"ServiceMeshes": LISTED}), "shop")
        assert found is not None
        assert meshes.mesh_id(found) == expected


def test_a_mesh_that_must_exist_is_returned_or_named_among_the_existing_ones(
    fake_cloud: Callable[..., FakeCloud],
) -> None:
    cloud = fake_cloud(DescribeServiceMeshes={"ServiceMeshes": LISTED[:3]})
    assert meshes.require_mesh(cloud, "store") == LISTED[2]
    with pytest.raises(NotFound) as caught:
        meshes.require_mesh(cloud, "stor")
    assert "No mesh with the name or id 'stor' in region cn-hangzhou" in caught.value.message
    assert "shop (cn-beijing), shop (cn-hangzhou), store (cn-hangzhou)" in caught.value.message


def test_an_account_without_meshes_is_said_to_have_none(fake_cloud: Callable[..., FakeCloud]) -> None:
    with pytest.raises(NotFound, match=r"'shop'\. Meshes of this account: none\. The role create .* makes a new one\."):
        meshes.require_mesh(fake_cloud(None, DescribeServiceMeshes={}), "shop")


def test_the_list_is_filtered_by_tags_in_the_service(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeServiceMeshes={"ServiceMeshes": []})
    meshes.list_meshes(cloud)
    meshes.list_meshes(cloud, {})
    meshes.list_meshes(cloud, {"team": "shop", "env": "dev"})
    assert cloud.sent("DescribeServiceMeshes") == [
        {},
        {},
        {"Tag": [{"Key": "team", "Value": "shop"}, {"Key": "env", "Value": "dev"}]},
    ]


@pytest.mark.parametrize("reply", [{}, {"ServiceMeshes": None}, {"ServiceMeshes": []}])
def test_an_empty_list_has_several_forms(fake_cloud: Callable[..., FakeCloud], reply: dict[str, Any]) -> None:
    assert meshes.list_meshes(fake_cloud(DescribeServiceMeshes=reply)) == []


def test_one_mesh_is_described_by_its_id(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeServiceMeshDetail={"ServiceMesh": LISTED[0]})
    assert meshes.describe_mesh(cloud, "c1") == LISTED[0]
    assert cloud.calls == [("DescribeServiceMeshDetail", {"ServiceMeshId": "c1"})]


# The state rule


def test_running_is_the_only_state_that_is_done() -> None:
    assert meshes.state_progress(mesh("c1", "shop")).done is True


@pytest.mark.parametrize("state", ["failed", "updating_failed", "upgrading_failed", "delete_failed", "create_timeout"])
def test_failed_states_are_final_and_show_what_the_service_says(state: str) -> None:
    described = mesh("c1", "shop", state=state)
    described["ServiceMeshInfo"]["ErrorMessage"] = "The vSwitch has no free address."
    progress = meshes.state_progress(described)
    assert progress.done is False
    assert progress.failed == f"Mesh 'shop' is in state {state}: The vSwitch has no free address."
    assert progress.last == state


def test_a_failed_state_without_a_reason_says_so() -> None:
    assert "gave no reason" in meshes.state_progress(mesh("c1", "shop", state="failed")).failed


@pytest.mark.parametrize("state", ["initial", "updating", "upgrading", "success", "something_new", "failed_over", ""])
def test_any_other_state_known_or_not_is_waited_on(state: str) -> None:
    progress = meshes.state_progress(mesh("c1", "shop", state=state))
    assert (progress.done, progress.failed) == (False, "")
    assert "mesh 'shop' to be running" in progress.what
    assert (state or "unknown") in progress.what


def test_a_mesh_on_its_way_out_does_not_become_ready() -> None:
    progress = meshes.state_progress(mesh("c1", "shop", state="deleting"))
    assert progress.failed == "Mesh 'shop' is being deleted, by another run or in the console."


def test_a_mesh_of_which_nothing_is_known_is_waited_on() -> None:
    assert meshes.state_progress({}).done is False


def test_a_mesh_without_a_name_is_called_by_its_id() -> None:
    assert "mesh 'c1'" in meshes.state_progress({"ServiceMeshInfo": {"ServiceMeshId": "c1"}}).what


# Gone


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (AsmError("x", code="ServiceMesh.NotFound", http_status=400), True),
        (AsmError("x", code="StatusForbidden", http_status=403), True),
        (AsmError("x", code="403"), True),
        (AsmError("x", code="ERR404", http_status=404), True),
        (AsmError("x", code="Whatever", http_status=404), True),
        (AsmError("x", code="ERR500", http_status=500), False),
        (AsmError("x", code="Throttling", http_status=400), False),
        (AsmError("x"), False),
    ],
)
def test_some_failures_may_mean_that_the_mesh_is_gone(error: AsmError, gone: bool) -> None:
    assert meshes.is_gone(error) is gone

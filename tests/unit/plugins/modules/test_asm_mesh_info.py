# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import reconcile
from ansible_collections.meshops.asm.plugins.modules import asm_mesh_info
from ansible_collections.meshops.asm.plugins.modules.asm_mesh import Mesh

from .conftest import FakeAsm

PLAIN = {"gather_subset": [], "templates": None}


@pytest.fixture
def meshes(asm: FakeAsm) -> FakeAsm:
    for name, region, team in (
        ("shop", "cn-hangzhou", "a"),
        ("shop", "cn-beijing", "b"),
        ("store", "cn-hangzhou", "a"),
        ("bakery", "cn-hangzhou", "b"),
    ):
        asm.CreateServiceMesh(RegionId=region, Name=name, Tag=[{"Key": "team", "Value": team}])
    return asm


def read(asm: FakeAsm, name: str | None = None, tags: dict[str, str] | None = None) -> list[tuple[str, str]]:
    found = asm_mesh_info.read({"name": name, "tags": tags, **PLAIN}, asm)  # type: ignore[arg-type]
    return [(mesh["name"], mesh["id"]) for mesh in found]


@pytest.mark.parametrize(
    ("region", "name", "expected"),
    [
        (None, None, ["c4", "c1", "c2", "c3"]),
        ("cn-hangzhou", None, ["c4", "c1", "c3"]),
        ("cn-beijing", None, ["c2"]),
        ("cn-hangzhou", "shop", ["c1"]),
        (None, "shop", ["c1", "c2"]),
        ("cn-beijing", "c3", ["c3"]),
        ("cn-beijing", "store", []),
        (None, "nowhere", []),
    ],
)
def test_meshes_are_chosen_by_name_id_and_region_and_sorted(
    meshes: FakeAsm, region: str | None, name: str | None, expected: list[str]
) -> None:
    meshes.region = region
    assert [identifier for _unused, identifier in read(meshes, name)] == expected


def test_only_the_chosen_meshes_are_described(meshes: FakeAsm) -> None:
    read(meshes, "store")
    assert meshes.sent("DescribeServiceMeshDetail") == [{"ServiceMeshId": "c3"}]


def test_tags_are_filtered_by_the_service(meshes: FakeAsm) -> None:
    meshes.region = None
    assert read(meshes, tags={"team": "b"}) == [("bakery", "c4"), ("shop", "c2")]
    assert meshes.sent("DescribeServiceMeshes") == [{"Tag": [{"Key": "team", "Value": "b"}]}]


def test_an_account_without_meshes_is_an_empty_list(asm: FakeAsm) -> None:
    assert read(asm) == []


def test_a_mesh_looks_as_the_mesh_module_returns_it(
    asm: FakeAsm, task: Callable[..., dict[str, Any]], no_waiting: Any
) -> None:
    options = {"name": "shop", "region": "cn-hangzhou", "vpc_id": "v", "vswitch_ids": ["s"], "tags": {"team": "a"}}
    made = reconcile(Mesh(task(Mesh, **options), asm)).value  # type: ignore[arg-type]
    assert asm_mesh_info.read({"name": "shop", "tags": None, **PLAIN}, asm) == [made]  # type: ignore[arg-type]


def test_a_mesh_that_is_deleted_while_the_list_is_worked_off_is_left_out(meshes: FakeAsm) -> None:
    gone = AsmError("The mesh is not there.", code="ServiceMesh.NotFound", http_status=400)
    meshes.faults["DescribeServiceMeshDetail"] = [(gone, False)]
    assert [identifier for _unused, identifier in read(meshes)] == ["c4", "c3"]


def test_a_mesh_that_may_not_be_read_is_an_error(meshes: FakeAsm) -> None:
    meshes.faults["DescribeServiceMeshDetail"] = [(AsmError("No.", code="Forbidden.RAM", http_status=403), False)]
    with pytest.raises(AsmError) as caught:
        read(meshes)
    assert caught.value.code == "Forbidden.RAM"


def test_reading_writes_nothing(meshes: FakeAsm) -> None:
    meshes.region = None
    read(meshes)
    assert meshes.written() == []

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS
from ansible_collections.meshops.asm.plugins.plugin_utils import fleet as fleet_module
from ansible_collections.meshops.asm.plugins.plugin_utils.fleet import fleet
from ansible_collections.meshops.asm.plugins.plugin_utils.vocabulary import vocabulary

ROOT = Path(fleet_module.__file__).resolve().parents[2]
GATEWAY = {"name": "in", "clusters": ["a"]}

Json = dict[str, Any]


def mesh(name: str, region: str = "", **more: Any) -> Json:
    return {"asm_mesh": {"name": name, **({"region": region} if region else {})}, **more}


def hosts(meshes: Any, shared: Json | None = None, only: Any = None) -> dict[str, Json]:
    read = fleet(meshes, shared or {}, only, vocabulary())
    assert read["problems"] == []
    return {one["name"]: one["variables"] for one in read["hosts"]}


def problems(meshes: Any, shared: Json | None = None, only: Any = None) -> list[str]:
    read = fleet(meshes, shared or {}, only, vocabulary())
    assert read["hosts"] == []
    return list(read["problems"])


def test_each_mesh_is_a_host_with_its_variables() -> None:
    meshes = [mesh("shop", asm_gateways=[GATEWAY]), mesh("north", "cn-beijing")]
    assert hosts(meshes) == {"shop": meshes[0], "north": meshes[1]}


def test_what_stands_beside_them_is_for_all() -> None:
    shared = {"asm_gateways": [GATEWAY], "asm_wait_timeout": "60", "asm_checks": None, "asm_base_dir": ""}
    found = hosts([mesh("shop", asm_wait_timeout=5, asm_base_dir="shop"), mesh("north")], shared)
    kept = {"asm_gateways": [GATEWAY], "asm_wait_timeout": "60"}
    assert found["shop"] == {**mesh("shop"), "asm_base_dir": "shop", **kept}
    assert found["north"] == {**mesh("north"), **kept}


def test_variables_that_are_no_part_of_a_spec_are_handed_on() -> None:
    assert hosts([mesh("shop")], {"asm_remove": "shop"})["shop"]["asm_remove"] == "shop"


@pytest.mark.parametrize("name", sorted(one.variable for one in SECTIONS if one.variable != "asm_mesh"))
def test_a_section_is_in_one_place(name: str) -> None:
    (problem,) = problems([mesh("shop", **{name: []}), mesh("north")], {name: []})
    assert problem.startswith(f"asm_meshes, 'shop': {name} stands in it and beside asm_meshes")


def test_two_meshes_of_one_name_are_told_apart_by_their_regions() -> None:
    meshes = [mesh("shop", "cn-hangzhou"), mesh("shop", "cn-beijing"), mesh("north", "cn-beijing")]
    assert list(hosts(meshes)) == ["shop.cn-hangzhou", "shop.cn-beijing", "north"]
    assert list(hosts(meshes, only="shop.cn-beijing")) == ["shop.cn-beijing"]
    assert list(hosts(meshes, only="shop")) == ["shop.cn-hangzhou", "shop.cn-beijing"]
    # What belongs to no mesh runs on this host.
    assert list(hosts([mesh("localhost", "cn-hangzhou")])) == ["localhost.cn-hangzhou"]


@pytest.mark.parametrize("only", ["", " ", ",", [], [""], ["  "]])
def test_names_that_are_empty_are_not_all_of_them(only: Any) -> None:
    (problem,) = problems([mesh("shop"), mesh("north")], only=only)
    assert problem == "asm_only is empty: that would be every mesh. Give it names, or leave it out."


@pytest.mark.parametrize("only", ["north, shop", ["shop", "north"], ("north", "shop"), "shop,,north,"])
def test_only_some_of_them(only: Any) -> None:
    assert list(hosts([mesh("shop"), mesh("east"), mesh("north")], only=only)) == ["shop", "north"]


def test_without_names_all_are_meant() -> None:
    assert list(hosts([mesh("shop"), mesh("north")])) == ["shop", "north"]


@pytest.mark.parametrize(
    ("meshes", "shared", "only", "words"),
    [
        ("shop", {}, None, ["asm_meshes must be a list, it is text."]),
        ({"shop": {}}, {}, None, ["asm_meshes must be a list, it is a mapping."]),
        ([], {}, None, ["asm_meshes has no item."]),
        (["shop"], {}, None, ["asm_meshes[0] must be a mapping with asm_mesh, it is text."]),
        ([None], {}, None, ["asm_meshes[0] must be a mapping with asm_mesh, it is null."]),
        ([{"asm_gateways": []}], {}, None, ["asm_meshes[0]: it needs asm_mesh."]),
        ([{"asm_mesh": {}}], {}, None, ["asm_meshes[0]: it needs asm_mesh.", "asm_meshes[0]: asm_mesh needs name."]),
        ([{"asm_mesh": {"region": "r"}}], {}, None, ["asm_meshes[0]: asm_mesh needs name."]),
        ([{"asm_mesh": "shop"}], {}, None, ["asm_meshes[0]: asm_mesh must be a mapping with name, it is text."]),
        (
            [mesh("shop", asm_gatways=[])],
            {},
            None,
            ["asm_meshes, 'shop': a mesh has no variable 'asm_gatways'. Did you mean asm_gateways?"],
        ),
        (
            [mesh("shop", gateways=[])],
            {},
            None,
            ["asm_meshes, 'shop': a mesh has no variable 'gateways'. Did you mean asm_gateways?"],
        ),
        (
            # It would confirm a removal before anybody asked for it.
            [mesh("shop", asm_remove="shop")],
            {},
            None,
            ["asm_meshes, 'shop': a mesh has no variable 'asm_remove'."],
        ),
        (
            [mesh("shop", asm_gateways=[{"name": "in", "port": 80}])],
            {},
            None,
            ["asm_meshes, 'shop': asm_gateways, 'in': it has no option 'port'. Did you mean ports?"],
        ),
        ([mesh("shop")], {"asm_gateways": "in"}, None, ["asm_gateways must be a list, it is text."]),
        ([mesh("shop")], mesh("other"), None, ["asm_mesh stands beside asm_meshes: it belongs into an item of it."]),
        ([mesh("shop"), mesh("shop")], {}, None, ["asm_meshes describes 'shop' 2 times."]),
        ([mesh("shop", "r"), mesh("shop", "r")], {}, None, ["asm_meshes describes 'shop' in r 2 times."]),
        (
            [mesh("shop", "r"), mesh("shop")],
            {},
            None,
            ["asm_meshes describes 'shop' several times, so each of them needs its region."],
        ),
        ([mesh("shop"), mesh("b")], {}, "shop,c", ["No mesh of asm_meshes is called 'c'. They are shop, b."]),
    ],
)
def test_what_cannot_be_meant(meshes: Any, shared: Json, only: Any, words: list[str]) -> None:
    found = problems(meshes, shared, only)
    assert len(found) == len(words), found
    assert all(one.startswith(wanted) for one, wanted in zip(found, words, strict=True)), found


def test_the_example() -> None:
    text = (ROOT / "examples/fleet/fleet.yml").read_text(encoding="utf-8")
    given = yaml.safe_load(text)
    found = hosts(given.pop("asm_meshes"), given)
    assert {name: one["asm_mesh"]["region"] for name, one in found.items()} == {
        "web": "cn-hangzhou",
        "orders": "cn-hangzhou",
        "archive": "cn-beijing",
    }

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects behind a spec's items, of whatever types the items are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.meshops.asm.plugins.action import asm_preflight
from ansible_collections.meshops.asm.plugins.action.asm_preflight import ActionModule as Preflight
from ansible_collections.meshops.asm.plugins.plugin_utils.spec import SpecAction

from .test_manifests import FakeTask

ROUTES = {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "a"}}


def action(folder: Path, plugin: Any = SpecAction, **args: Any) -> Any:
    loader = DataLoader()
    loader.set_basedir(str(folder))
    return plugin(
        task=FakeTask(folder, args),
        connection=SimpleNamespace(transport="ssh", become=None),
        play_context=None,
        loader=loader,
        templar=Templar(loader=loader, variables={}),
        shared_loader_obj=None,
    )


def test_objects_by_the_names_of_their_items(tmp_path: Path) -> None:
    found, problems = action(tmp_path, istio_resources=[{"name": 1, "definition": ROUTES}]).objects_of(
        "istio_resources", {}
    )
    assert ([one.short for one in found["1"]], problems) == (["Gateway default/a"], [])


def test_odd_items_are_problems(tmp_path: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    items = ["x", {}, {"name": "a", "definition": 5}, {"name": "b", "definition": {**ROUTES, "spec": loop}}]
    given = action(tmp_path, istio_resources=items)
    found, problems = given.objects_of("istio_resources", {})
    assert found == {}
    assert problems == [
        "asm_istio_resources[0] must be a mapping, it is text.",
        "asm_istio_resources[1] has no name.",
        "asm_istio_resources, 'a': definition, document 1: an object must be a mapping, this is a number.",
        "asm_istio_resources, 'b': definition: it has more than 100 levels within each other.",
    ]
    assert [item["name"] for item in given.items_of("istio_resources")] == ["a", "b"]
    assert action(tmp_path, workloads={"name": "a"}).objects_of("workloads", {}) == (
        {},
        ["asm_workloads must be a list, it is a mapping."],
    )


def test_preflight_names_one_object_in_two_places(tmp_path: Path) -> None:
    files = {"a.yml": "routes: {}", "b.yml": "more: {}"}
    for name, spec in files.items():
        head = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: a}\n"
        (tmp_path / name).write_text(f"{head}spec: {{{spec}}}\n", encoding="utf-8")
    items = [{"name": name[0], "src": str(tmp_path / name)} for name in files]
    problems, _hints = action(tmp_path, Preflight, istio_resources=items)._offline({})
    (problem,) = problems
    assert problem.startswith("Gateway default/a is described twice, in asm_istio_resources, 'a' (")
    assert "a.yml, document 1) and in asm_istio_resources, 'b' (" in problem
    assert "b.yml, document 1), and not alike (spec.more, spec.routes)" in problem


@pytest.mark.parametrize(
    ("variable", "items", "told"),
    [
        # Each part once, in the better words, and no part is lost behind another of the same list.
        ("gateways", ["in"], ["asm_gateways[0] must be a mapping with name, it is text."]),
        (
            "gateways",
            [{"name": "in", "clusters": "shop-1", "port": [80]}],
            [
                "asm_gateways[0].clusters must be a list, it is text.",
                "asm_gateways, 'in': it has no option 'port'. Did you mean ports?",
            ],
        ),
        (
            "gateways",
            [{"name": "in", "ports": [{"name": True, "port": 80}]}, {"name": "out", "ports": [80]}],
            [
                "asm_gateways[0].ports[0].name must be a name, it is a boolean.",
                "asm_gateways, 'out': ports[0] must be a mapping with name and port, it is a number.",
            ],
        ),
        ("clusters", [None], ["asm_clusters[0] must be a name or a mapping with name, it is null."]),
        ("clusters", [{"name": True}, {}], ["asm_clusters[0].name must be a name, it is a boolean.", "needs name."]),
    ],
)
def test_a_wrong_part_is_told_once_and_none_is_lost(
    tmp_path: Path, variable: str, items: list[Any], told: list[str]
) -> None:
    problems, _hints = action(tmp_path, Preflight, mesh={"name": "shop"}, **{variable: items})._offline({})
    assert len(problems) == len(told), problems
    assert all(words in one for words, one in zip(told, problems, strict=True)), problems


@pytest.mark.parametrize("unread", [["asm_mesh: pilot must be a mapping, it is text."], []])
@pytest.mark.parametrize("pilot", ["x", {}])
def test_what_the_module_cannot_read_is_told_where_nothing_was_told_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unread: list[str], pilot: Any
) -> None:
    found = {"errors": ["asm_checks, 'a': no."], "unread": unread, "creates": []}
    monkeypatch.setattr(asm_preflight, "run_module", lambda *_args: dict(found))
    result = action(tmp_path, Preflight, mesh={"name": "shop", "pilot": pilot}).run(task_vars={})
    mine = ["asm_mesh.pilot must be a mapping, it is text."] if pilot else []
    assert result["errors"] == [*mine, *([] if mine else unread), "asm_checks, 'a': no."]
    assert "unread" not in result

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects behind a spec's items, of whatever types the items are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
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
        "asm_istio_resources[0] has no name.",
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

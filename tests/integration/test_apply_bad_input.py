# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users get wrong in large sets of objects: told before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Shop
from .labs import Lab
from .runner import Runner
from .test_resources import path, route, rule

Json = dict[str, Any]


def test_a_kind_that_is_misspelt_names_the_near_one(run: Runner, shop: Shop) -> None:
    wrong = {**route("it"), "kind": "VirtualServise"}
    words = ("definition, document 2", "no kind 'VirtualServise'", "Did you mean VirtualService?")
    run.refused("istio_resource", *words, mesh=shop.name, definition=[rule("it"), wrong])


def test_a_group_that_is_misspelt_names_the_near_kind(run: Runner, shop: Shop) -> None:
    wrong = {**route("it"), "apiVersion": "network.istio.io/v1"}
    words = ("no API group 'network.istio.io'", "networking.istio.io")
    run.refused("istio_resource", *words, mesh=shop.name, definition=[rule("it"), wrong])


def test_a_version_that_the_mesh_does_not_serve_names_those_it_does(run: Runner, shop: Shop) -> None:
    wrong = {**route("it"), "apiVersion": "networking.istio.io/v2"}
    words = ("networking.istio.io", "v1beta1", "not as v2", "document 2")
    run.refused("istio_resource", *words, mesh=shop.name, definition=[rule("it"), wrong])


@pytest.mark.parametrize("validate", [True, False])
def test_an_object_too_large_stops_the_whole_set(run: Runner, shop: Shop, validate: bool) -> None:
    large = route("large")
    large["metadata"]["annotations"] = {"text": "x" * 1_600_000}
    words = ("VirtualService default/large", "document 2", "1,500,000", "Split it")
    options: Json = {"mesh": shop.name, "definition": [rule("it"), large], "validate": validate}
    run.refused("istio_resource", *words, **options)


def test_a_field_that_does_not_exist_is_named(run: Runner, shop: Shop) -> None:
    wrong = route("it")
    wrong["spec"]["htpp"] = wrong["spec"].pop("http")
    run.refused("istio_resource", "htpp", "document 2", mesh=shop.name, definition=[rule("it"), wrong])


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - meshops.asm.istio_resource:
        mesh: {mesh}
        src: good.yml
        template: bad.yml.j2
"""


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("kind: {{ nothing_of_this_name }}\n", ("bad.yml.j2", "nothing_of_this_name")),
        ("kind: {% if %}\n", ("bad.yml.j2", "cannot be rendered")),
        ("a: b\nc: d\n  e: f\n", ("bad.yml.j2, line 3", "not valid YAML")),
    ],
)
def test_a_template_that_fails_stops_the_whole_set(
    lab: Lab, run: Runner, shop: Shop, tmp_path: Path, template: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "good.yml").write_text(
        "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: it-good}, spec: {host: a}}",
        encoding="utf-8",
    )
    (tmp_path / "bad.yml.j2").write_text(template, encoding="utf-8")
    play = tmp_path / "play.yml"
    play.write_text(PLAY.replace("{mesh}", shop.name), encoding="utf-8")
    with lab.unwritten():
        done = run.ansible("ansible-playbook", str(play), cwd=tmp_path)
    assert done.code == 2
    said = " ".join((done.output + done.errors).split())
    assert [word for word in words if word not in said] == []
    assert lab.kube(shop.id).find(path("destinationrules", "it-good", "default")) is None

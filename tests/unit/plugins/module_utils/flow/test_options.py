# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong options are told by item, option and nearest name, and without any value."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.filter.spec_problems import FilterModule
from ansible_collections.meshops.asm.plugins.module_utils.flow.options import (
    title_of,
    without_nulls,
    wrong_options,
    wrong_variables,
)
from ansible_collections.meshops.asm.plugins.plugin_utils.vocabulary import vocabulary

PORT = {"name": "http", "port": 80}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"asm_gateways": [{"name": "a"}, {"name": "in", "port": [PORT]}]},
            "'in': it has no option 'port'. Did you mean ports?",
        ),
        (
            {"asm_gateways": [{"name": "in", "ports": [80]}]},
            "'in': ports[0] must be a mapping with name and port, it is a number.",
        ),
        (
            {"asm_gateways": [{"name": "in", "ports": [PORT, {"name": "x"}]}]},
            "asm_gateways, 'in': ports[1] needs port.",
        ),
        ({"asm_gateways": [{"name": "in", "load_balancer": {"ids": "x"}}]}, "load_balancer has no option 'ids'."),
        ({"asm_gateways": [{"clusters": ["a"]}]}, "asm_gateways[0] needs name."),
        ({"asm_gateways": [5]}, "asm_gateways[0] must be a mapping with name, it is a number."),
        ({"asm_gateways": [None]}, "asm_gateways[0] must be a mapping with name, it is null."),
        ({"asm_gateways": {"name": "in"}}, "asm_gateways must be a list, it is a mapping."),
        *(
            (
                {"asm_gateways": [{"name": "in", "ports": value}]},
                f"asm_gateways, 'in': ports must be a list, each item a mapping with name and port; it is {what}.",
            )
            for value, what in ((80, "a number"), (True, "a boolean"), ("80:8080", "text"), ({"http": 80}, "a mapping"))
        ),
        ({"asm_clusters": "shop-1"}, "asm_clusters must be a list, it is text."),
        ({"asm_clusters": [["shop-1"]]}, "asm_clusters[0] must be a name or a mapping with name, it is a list."),
        (
            {"asm_clusters": [{"name": "shop-1", "purge": True}]},
            "asm_clusters, 'shop-1': it has no option 'purge'. It takes",
        ),
        ({"asm_mesh": {"name": "shop", "vpc": "vpc-1"}}, "asm_mesh has no option 'vpc'. Did you mean vpc_id?"),
        ({"asm_mesh": {"name": "shop", "pilot": {"sampling": 1}}}, "asm_mesh.pilot has no option 'sampling'."),
        ({"asm_mesh": {"name": "shop", "cluster_spec": "entreprise"}}, "ultimate. Did you mean enterprise?"),
        (
            {"asm_mesh": {"name": "shop", "ambient_enabled": "maybe"}},
            "asm_mesh.ambient_enabled must be true or false, it is text.",
        ),
        ({"asm_mesh": {}}, "asm_mesh needs name."),
        ({"asm_mesh": "shop"}, "asm_mesh must be a mapping with name, it is text."),
        ({"asm_namespaces": [{"name": "a", "injection": True}]}, "it is a boolean, as every on, off, yes and no"),
        ({"asm_workloads": [{"name": "a"}]}, "asm_workloads, 'a': it needs clusters."),
        ({"asm_wait_timeout": "soon"}, "asm_wait_timeout must be a whole number, it is text."),
    ],
)
def test_a_variable_of_a_spec(given: dict[str, Any], told: str) -> None:
    (text,) = wrong_variables(given, vocabulary())
    assert told in text


@pytest.mark.parametrize(
    "given",
    [
        {"asm_clusters": ["shop-1", {"name": "shop-2"}, 7], "asm_wait_timeout": "600", "other": 1},
        {"asm_mesh": {"name": "shop", "region": None, "tags": {"a": 1}, "ambient_enabled": "yes"}},
        {"asm_workloads": [{"name": "a", "clusters": ["x"], "src": "apps", "definition": {"kind": "List"}}]},
        {"asm_gateways": [{"name": 7, "ports": [{"name": "http", "port": "80"}], "replicas": "2"}], "asm_checks": None},
    ],
)
def test_what_ansible_takes_is_not_refused(given: dict[str, Any]) -> None:
    assert wrong_variables(given, vocabulary()) == []


def test_options_of_a_task() -> None:
    spec = {
        "name": {"type": "str", "required": True, "aliases": ["id"]},
        "_own": {"type": "str"},
        "ports": {"type": "list", "elements": "dict", "options": {"port": {"type": "int", "required": True}}},
    }
    assert wrong_options({"id": "a", "ports": [{"port": 1}]}, spec) == []
    assert wrong_options({"prots": 1}, spec) == [
        "The task has no option 'prots'. Did you mean ports?",
        "The task needs name.",
    ]
    assert wrong_options({"name": "a", "zzz": 1, "ports": [{"name": "http", "port": "x"}]}, spec) == [
        "The task has no option 'zzz'. It takes name, ports.",
        "ports, 'http': it has no option 'name'. It takes port.",
        "ports, 'http': port must be a whole number, it is text.",
    ]


def test_no_value_is_repeated_and_no_key_that_cannot_be_one() -> None:
    astray = "-----BEGIN PRIVATE KEY-----\nMIIE\n"
    given = {
        "asm_clusters": [astray, [astray], {"name": astray, "kubeconfg": astray}],
        "asm_mesh": {astray: 1, "name": [astray], "ambient_enabled": astray, "cluster_spec": astray, "ca": astray},
    }
    texts = wrong_variables(given, vocabulary())
    assert len(texts) >= 5
    assert "MIIE" not in " ".join(texts)


def test_what_is_null_is_not_given_at_any_depth() -> None:
    ports = {"type": "list", "options": {"port": {"type": "int"}, "name": {"type": "str"}}}
    spec = {"name": {"type": "str", "aliases": ["id"]}, "ports": ports, "labels": {"type": "dict"}}
    given = {"id": None, "ports": [{"port": 1, "name": None}, None, "x"], "labels": {"a": None}, "odd": None}
    # What has no options of its own is the user's, and null may mean something in it.
    found = {"ports": [{"port": 1}, None, "x"], "labels": {"a": None}}
    # An option that does not exist is still told.
    assert without_nulls(given, spec) == {**found, "odd": None}
    assert without_nulls("x", spec) == "x"


def test_an_item_is_called_by_its_name_where_that_can_be_one() -> None:
    assert title_of("asm_gateways", 0, {"name": "in"}) == "asm_gateways, 'in'"
    for item in ({}, {"name": "a\nb"}, {"name": "a" * 99}, {"name": ["in"]}, "in"):
        assert title_of("asm_gateways", 3, item) == "asm_gateways[3]"


def test_a_section_without_anything_in_it_is_named() -> None:
    """All of its items are commented out, say."""
    problems = FilterModule().filters()["spec_problems"]
    given = {
        "asm_mesh": {"name": "shop"},
        "asm_workloads": None,
        "asm_gateways": [],
        "asm_checks": "",
        "asm_base_dir": None,
    }
    assert problems(given) == ["asm_workloads is empty. Give it a value, or leave it out."]


def test_a_spec_that_did_not_arrive_is_told_with_how_it_is_given() -> None:
    problems = FilterModule().filters()["spec_problems"]
    (told,) = problems({"asm_mesh": "", "asm_clusters": ""})
    assert "asm_mesh is missing" in told
    assert "-e @mesh.yml" in told
    assert problems({"asm_gateways": []}) == []


@pytest.mark.parametrize("text", ["shop-1", "shop-1,shop-2", "{name", ""])
def test_text_in_the_place_of_a_list_of_mappings(text: str) -> None:
    spec = {"clusters": {"type": "list", "elements": "dict", "options": {"name": {"type": "str", "required": True}}}}
    (told,) = wrong_options({"clusters": text}, spec)
    assert told == "clusters must be a list, each item a mapping with name; it is text."
    # What Ansible reads as one.
    for fine in ("name=shop-1", '{"name": "shop-1"}', "name=a,name=b"):
        assert wrong_options({"clusters": fine}, spec) == []


class Rendered(dict[str, Any]):
    """A mapping as a playbook has it: a copy would take along every variable of its host."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise AssertionError("it was copied")


def test_a_mapping_of_a_playbook_is_looked_at_where_it_is() -> None:
    spec = {
        "metrics": {"type": "dict"},
        "clusters": {"type": "list", "elements": "dict", "options": {"labels": {"type": "dict"}}},
        "definition": {"type": "raw"},
    }
    given = Rendered(
        metrics=Rendered(),
        clusters=[Rendered(labels=Rendered(a="b"))],
        definition=Rendered(kind="Service"),
    )
    assert wrong_options(given, spec) == []
    (told,) = wrong_options(Rendered(clusters=[Rendered(labels="b")]), spec)
    assert told == "clusters[0].labels must be a mapping, it is text."

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects from definitions, texts, files and folders."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import SET_LABEL, clean, from_definition, parse

from .conftest import virtual_service

TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def test_a_definition_is_an_object_a_list_or_text() -> None:
    body = virtual_service()
    assert [one.body for one in from_definition(body)] == [body]
    assert [str(one.source) for one in from_definition([body, body])] == [
        "definition, document 1",
        "definition, document 2",
    ]
    assert from_definition(TEXT % "a")[0].body["metadata"]["name"] == "a"


def test_documents_are_numbered_as_in_the_file() -> None:
    found = parse("---\n" + TEXT % "a" + "---\n# empty\n---\n" + TEXT % "b", "x.yml")
    assert [(one.body["metadata"]["name"], one.source.document) for one in found] == [("a", 1), ("b", 3)]
    assert found[1].title == "ConfigMap b (x.yml, document 3)"


def test_lists_stand_for_their_items() -> None:
    item = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "NAME"}}'
    items = ", ".join(item.replace("NAME", name) for name in "ab")
    text = '{"apiVersion": "v1", "kind": "List", "items": [ITEMS]}'.replace("ITEMS", items)
    assert [one.body["metadata"]["name"] for one in parse(text, "x.json")] == ["a", "b"]


def test_yaml_in_flow_style_is_not_taken_for_json() -> None:
    assert parse("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", "x")[0].body["kind"] == "ConfigMap"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "x.yml, line 1: this is not valid YAML"),
        ("just text", "x.yml, document 1: an object must be a mapping, this is str: 'just text'"),
        ("- 5", "x.yml, document 1: an object must be a mapping, this is int"),
        ("kind: A\nmetadata: {name: a}", "x.yml, document 1: the object has no apiVersion"),
        ("apiVersion: v1\nmetadata: {name: a}", "has no kind"),
        ("apiVersion: v1\nkind: A", "the A has no metadata"),
        ("apiVersion: v1\nkind: A\nmetadata: {}", "the A has no metadata.name"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: 5}", "metadata.name of the A must be text, it is 5. Quote it."),
        ("apiVersion: v1\nkind: A\nmetadata: {generateName: a}", "would be a new one at every run"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: a, labels: [x]}", "metadata.labels of the A must be a mapping"),
    ],
)
def test_bad_objects_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text, "x.yml")
    assert message in caught.value.message


def test_a_folder_is_read_in_order_and_in_depth(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b.yml", "a.yaml", "sub/c.json", "notes.txt", ".hidden/d.yml", ".e.yml"):
        (tmp_path / name).write_text(TEXT % name.replace("/", "-").strip("."))
    (tmp_path / "sub/c.json").write_text('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}')
    found = documents.read(tmp_path)
    assert [one.body["metadata"]["name"] for one in found] == ["a.yaml", "b.yml", "c"]
    assert found[2].source.file == str(tmp_path / "sub/c.json")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Cannot read .*nowhere\.yml: No such file"):
        documents.read(tmp_path / "nowhere.yml")
    with pytest.raises(InvalidInput, match="holds no file that ends in"):
        documents.read(tmp_path)
    (tmp_path / "image.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="is not text"):
        documents.read(tmp_path)


def test_cleaning_leaves_what_a_user_may_write() -> None:
    body = virtual_service()
    body["status"] = {"x": 1}
    body["metadata"].update(uid="u", resourceVersion="1", managedFields=[], creationTimestamp=None, generation=3)
    body["metadata"].update(labels={}, annotations={"a": "b"}, finalizers=["x/y"])
    metadata = {"name": "reviews", "namespace": "default", "annotations": {"a": "b"}, "finalizers": ["x/y"]}
    assert clean(body) == {**virtual_service(), "metadata": metadata}


def test_cleaning_does_not_touch_the_original() -> None:
    body: dict[str, Any] = {**virtual_service(), "kind": "Secret", "stringData": {"a": "b"}}
    before = repr(body)
    clean(body, set_name="shop")
    assert repr(body) == before


def test_the_set_is_a_label() -> None:
    assert clean(virtual_service(), set_name="shop")["metadata"]["labels"] == {SET_LABEL: "shop"}


def test_string_data_of_a_secret_becomes_data() -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    coded = base64.b64encode(b"new").decode()
    assert clean({**body, "data": {"a": "b2xk", "b": "eA=="}, "stringData": {"a": "new"}}) == {
        **body,
        "data": {"a": coded, "b": "eA=="},
    }

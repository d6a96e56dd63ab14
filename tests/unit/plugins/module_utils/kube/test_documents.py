# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects from definitions, texts, files and folders."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import SET_LABEL, clean, from_definition, parse

from .conftest import virtual_service

TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


HEAD = "apiVersion: v1\nkind: %s\nmetadata: {name: a}\n"
OPAQUE, CONFIG = HEAD % "Secret", HEAD % "ConfigMap"


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
        ("just text", "x.yml, document 1: an object must be a mapping, this is text."),
        ("- 5", "x.yml, document 1: an object must be a mapping, this is a number."),
        ("kind: A\nmetadata: {name: a}", "x.yml, document 1: the object has no apiVersion"),
        ("apiVersion: v1\nmetadata: {name: a}", "has no kind"),
        ("apiVersion: v1\nkind: A", "the A has no metadata"),
        ("apiVersion: v1\nkind: A\nmetadata: {}", "the A has no metadata.name"),
        (
            "apiVersion: v1\nkind: A\nmetadata: {name: 5}",
            "metadata.name of the A must be text, it is a number. Quote it.",
        ),
        ("apiVersion: v1\nkind: A\nmetadata: {generateName: a}", "would be a new one at every run"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: a, labels: [x]}", "metadata.labels of the A a must be a mapping"),
        (f"{OPAQUE}data: [secret]", "data of the Secret a must be a mapping, it is a list."),
        (f"{OPAQUE}stringData: secret", "stringData of the Secret a must be a mapping, it is text."),
        (f"{OPAQUE}data: {{p: 12345678}}", "'p' in data of the Secret a must be text, it is a number. Quote it."),
        (f"{OPAQUE}data: {{p: [secret]}}", "'p' in data of the Secret a must be text, it is a list."),
        (
            f"{OPAQUE}data: {{p: secret!}}",
            "'p' in data of the Secret a is not Base64. Encode it, or give it as text in stringData.",
        ),
        (f"{OPAQUE}data: {{p: é}}", "'p' in data of the Secret a is not Base64."),
        (f"{OPAQUE}data: [x]\nstringData: {{a: b}}", "data of the Secret a must be a mapping, it is a list."),
        (f"{OPAQUE}stringData: {{p: true}}", "'p' in stringData of the Secret a must be text, it is a boolean."),
        (f"{OPAQUE}data: {{p: null}}", "'p' in data of the Secret a must be text, it is null."),
        (f"{OPAQUE}stringData: {{p: null}}", "'p' in stringData of the Secret a must be text, it is null."),
        (f"{CONFIG}data: {{p: {{a: 1}}}}", "'p' in data of the ConfigMap a must be text, it is a mapping."),
        (
            f"{CONFIG}binaryData: {{p: '?'}}",
            "'p' in binaryData of the ConfigMap a is not Base64. Encode it, or give it as text in data.",
        ),
        (
            "apiVersion: v1\nkind: A\nmetadata: {name: a, labels: {v: 1.5}}",
            "'v' in metadata.labels of the A a must be text",
        ),
        (
            "apiVersion: v1\nkind: A\nmetadata: {name: a, annotations: {v: no}}",
            "'v' in metadata.annotations of the A a must be",
        ),
        ('{"a": 1, "a": 2}', "x.yml, line 1: this is not valid YAML or JSON: the key 'a' is given twice."),
        ('{\n"a": NaN}', "x.yml, line 2: this is not valid YAML or JSON: a number cannot be read"),
        ('{"a": -Infinity}', "a number cannot be read"),
        ('{"a": 1e9999}', "a number cannot be read"),
        ('{"a": ' + "9" * 5000 + "}", "a number cannot be read"),
        ('{"a": "\\ud800"}', "x.yml, line 1: this is not valid YAML or JSON"),
        ('{"a": "\ud800"}', "x.yml: this is not text in UTF-8."),
        ("[" * 100_000, "more than 100 levels"),
        ('{"a":' * 101 + "1" + "}" * 101, "more than 100 levels"),
        ("[" + "1," * 2_000_000 + "1]", "more than 2,000,000 values"),
        (" " * (2**24 + 1), "longer than 16 MiB"),
    ],
)
def test_bad_objects_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text, "x.yml")
    assert message in caught.value.message
    assert "secret!" not in caught.value.message and "12345678" not in caught.value.message


def test_json_is_read_as_yaml_is() -> None:
    head = '\ufeff{"apiVersion": "v1", "kind": "A", "metadata": {"name": "\\ud83d\\ude80"}'
    spec = parse(f'{head}, "spec": [80.0, 1e3, -0, 0.5, 18446744073709551616]}}', "x.json")[0].body["spec"]
    assert spec == [80, 1000, 0, 0.5, 2.0**64]
    assert [type(one) for one in spec] == [int, int, int, float, float]


def _around(value: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": value}


def test_a_definition_is_made_of_json_types() -> None:
    given = _around((datetime.date(2026, 1, 2), b"text", {7: 2.0, True: None}))
    assert from_definition(given)[0].body["spec"] == ["2026-01-02", "text", {"7": 2, "true": None}]


def _endless() -> list[Any]:
    value: list[Any] = []
    value += [value] * 1000
    return value


def _multiplied() -> list[Any]:
    value: list[Any] = ["x"]
    for _level in range(7):
        value = [value] * 9
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [float("nan")]}, "definition: spec.a[0] is no finite number"),
        ({"a": {"b"}}, "definition: spec.a is of the type set"),
        ({None: 1}, "a key in spec is of the type NoneType"),
        ({1: 1, "1": 2}, "the key '1' is given twice in spec"),
        ({"a": 10**5000}, "the number spec.a has more than 64 bits"),
        ("\ud800", "spec is not text in UTF-8"),
        (_endless(), "more than"),
        (_multiplied(), "more than 2,000,000 values"),
        ([["x" * 2**20] * 20], "longer than 16 MiB"),
    ],
)
def test_definitions_that_kubernetes_cannot_hold(value: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_definition(_around(value))
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
    with pytest.raises(InvalidInput, match="/dev/zero is longer than 16 MiB"):
        documents.read_text(Path("/dev/zero"))


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


def test_null_is_empty_text_as_to_the_server() -> None:
    [document] = parse(
        f"{HEAD % 'ConfigMap'}data: {{d: ~}}".replace("name: a", "name: a, labels: {b: }, annotations: {c: null}"), "x"
    )
    cleaned = clean(document.body)
    assert cleaned["metadata"] == {"name": "a", "labels": {"b": ""}, "annotations": {"c": ""}}
    assert cleaned["data"] == {"d": ""}


# Shapes


def _names(text: str) -> list[str]:
    return [one.body["metadata"]["name"] for one in parse(text, "x")]


CONFIG_JSON = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}}'


@pytest.mark.parametrize("items", ["null", "[]", "~", ""])
def test_an_empty_list_has_no_objects(items: str) -> None:
    assert parse(f"apiVersion: v1\nkind: List\nitems: {items}\n", "x") == []


def test_lists_may_hold_lists() -> None:
    inner = '{"apiVersion": "v1", "kind": "List", "items": [%s]}'
    text = inner % f"{CONFIG_JSON % 'a'}, {inner % (inner % (CONFIG_JSON % 'b'))}, {CONFIG_JSON % 'c'}"
    assert _names(text) == ["a", "b", "c"]


def test_items_of_a_list_of_one_kind_need_not_repeat_it() -> None:
    [document] = parse("apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}]", "x")
    assert document.body == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{apiVersion: v1, kind: List}", "x, document 1: the List has no items."),
        (
            "{apiVersion: v1, kind: List, items: {}}",
            "x, document 1: the items of the List must be a list, they are a map",
        ),
        ("{apiVersion: v1, kind: PodList, items: text}", "the items of the PodList must be a list, they are text."),
        ("{apiVersion: v1, kind: PodList, items: [{apiVersion: v1}]}", "the object has no kind"),
        ("{apiVersion: v1, kind: List, items: [null]}", "x, document 1: an object must be a mapping, this is null."),
        ("{apiVersion: v1, kind: List, items: [{metadata: {name: a}}]}", "the object has no apiVersion"),
    ],
)
def test_lists_that_are_none_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text, "x")
    assert message in caught.value.message


@pytest.mark.parametrize("between", ["", "\n", "\r\n\t ", "\n---\n"])
@pytest.mark.parametrize("before", ["", "\ufeff", "\n  "])
def test_objects_of_json_may_follow_each_other(before: str, between: str) -> None:
    assert _names(before + between.join(CONFIG_JSON % name for name in "abc") + "\n") == ["a", "b", "c"]


def test_each_document_may_begin_with_a_byte_order_mark() -> None:
    assert _names("\ufeff---\n\ufeff" + "--- # next\r\n\ufeff".join(TEXT % name for name in "abc")) == ["a", "b", "c"]


def test_a_byte_order_mark_within_a_document_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"x, line 2: .*byte order mark"):
        parse("a: b\n\ufeffc: d\n", "x")


@pytest.mark.parametrize("text", ['{"a": 1}, {"b": 2}', '{"a": 1} 5', '{"a": 1} x', '{"a": 1}]'])
def test_what_follows_json_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not valid YAML or JSON"):
        parse(text, "x")


def test_fields_that_are_null_are_not_there() -> None:
    spec = "{exportTo: , hosts: [a], http: [{match: ~, route: [{weight: null, x: {y: ~}}], z: [null, 1]}], tls: null}"
    [document] = parse(f"{HEAD % 'VirtualService'}spec: {spec}\nother: null\n", "x")
    before = repr(document.body)
    cleaned = clean(document.body)
    assert cleaned["spec"] == {"hosts": ["a"], "http": [{"route": [{"x": {}}], "z": [None, 1]}]}
    assert "other" not in cleaned
    assert repr(document.body) == before


@pytest.mark.parametrize(
    "key", ["nodeSelector", "matchLabels", "selector", "labels", "limits", "pluginConfig", "value"]
)
def test_null_is_a_value_in_maps_of_text_and_in_what_is_free_in_form(key: str) -> None:
    body = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": {key: {"x": None}}}
    assert clean(body)["spec"] == {key: {"x": None}}


def test_what_has_no_null_is_not_copied() -> None:
    body = _around({"a": [{"b": 1}]})
    assert clean(body)["spec"] is body["spec"]


# Of other tools


@pytest.mark.parametrize("name", ["kustomization.yaml", "k/kustomization.yml", "Kustomization"])
@pytest.mark.parametrize("text", ["resources: [a.yaml]", "kind: Kustomization", "a: b: c"])
def test_a_kustomization_is_named_as_what_it_is(name: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{name}: this is a kustomization.*kubectl kustomize"):
        parse(text, name)


def test_a_kustomization_of_any_name() -> None:
    text = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nmetadata: {name: a}"
    with pytest.raises(InvalidInput, match=r"^x\.yml, document 1: this is a kustomization"):
        parse(text, "x.yml")


def test_the_object_of_flux_is_an_object_whatever_its_file_is_called() -> None:
    text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}"
    assert parse(text, "kustomization.yaml")[0].body["kind"] == "Kustomization"


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("name: a", "name: {{ .Release.Name }}") % "Service",
        HEAD.replace("name: a", 'name: "{{ .Values.name }}"') % "Service",
        "{{- if .Values.on }}\n" + TEXT % "a" + "{{- end }}\n",
        '{{ include "chart.all" . }}\n',
        '{{- define "chart.name" -}}\n{{ end }}',
    ],
)
def test_a_template_of_helm_is_named_as_what_it_is(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^chart/x\.yaml, .*templates of Helm.*helm template"):
        parse(text, "chart/x.yaml")


@pytest.mark.parametrize("line", ["a: {{ app }}", "  a: {{args.on}}", "- {{ app }}", "{{ app }}", "a: {{- app -}}"])
def test_a_template_that_nobody_rendered_is_named_as_one(line: str) -> None:
    with pytest.raises(InvalidInput, match=r"^x, line .* has \{\{ \}\} outside of quotes.* the option template"):
        parse(f"{line}\nb: c: d\n", "x")


@pytest.mark.parametrize(
    "line", ["a: '{{ app }}'", 'a: "{{ app }}"', "# a: {{ app }}", "a: x {{ app }}", "a: {b: {c: d}}"]
)
def test_braces_in_text_are_no_reason(line: str) -> None:
    with pytest.raises(InvalidInput) as told:
        parse(f"{line}\nb: c: d\n", "x")
    assert "{{" not in told.value.message


def test_an_installation_of_istio_is_no_object_of_a_server() -> None:
    for metadata in ("", "metadata: {}\n"):
        with pytest.raises(InvalidInput, match=r"the IstioOperator has no metadata.* istioctl .*asm_mesh"):
            parse(f"apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\n{metadata}spec: {{}}\n", "x")


def test_an_address_of_ipv6_in_brackets_needs_quotes() -> None:
    with pytest.raises(InvalidInput, match=r"line 1: .*an IPv6 address may, needs quotes"):
        parse("a: [1.2.3.4, 2001:db8::]\n", "x")


def test_a_chart_is_named_as_what_it_is() -> None:
    with pytest.raises(InvalidInput, match=r"^c/Chart\.yaml: this is part of a Helm chart"):
        parse("apiVersion: v2\nname: a\nversion: 1.0.0\n", "c/Chart.yaml")


def test_templates_within_an_object_are_its_content() -> None:
    [document] = parse(f"{CONFIG}data: {{t: '{{{{ .Values.x }}}}'}}", "x")
    assert document.body["data"] == {"t": "{{ .Values.x }}"}


def test_a_template_of_jinja_that_nobody_rendered() -> None:
    with pytest.raises(
        InvalidInput, match=r"metadata\.name of the A is a template .* in the option template, not in src"
    ):
        parse((HEAD % "A").replace("name: a", 'name: "{{ app }}"'), "x")

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a Secret names and places are told, never values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import comparison, differ, secrets
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import from_definition
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes

from .conftest import MemoryApi, status

MARKER = "12345678"
PATH = "/api/v1/namespaces/default/secrets/login"
# What API servers and webhooks really say.
WORDS = [
    (500, "", f".data.p: expected string, got &value.valueUnstructured{{Value:{MARKER}}}", "data.p"),
    (500, "InternalError", f'admission webhook "x" denied the request: {MARKER}', ""),
    (400, "BadRequest", f'Secret in version "v1" cannot be handled as a Secret: illegal base64 "{MARKER}"', ""),
    (422, "Invalid", f'Secret "login" is invalid: data[p]: Invalid value: "{MARKER}": too long', "data[p]"),
    (403, "Forbidden", f'admission webhook "x" denied the request: password {MARKER} is weak', ""),
    (403, "Forbidden", f'secrets "login" is forbidden: the value {MARKER} is known', ""),
    (409, "Conflict", f"the object has been modified: {MARKER}", ""),
    (418, "Unknown", MARKER, ""),
]


def secret(**parts: Any) -> dict[str, Any]:
    metadata = {"name": "login", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **parts}


def objects(client: KubeClient, body: dict[str, Any], **manner: Any) -> ObjectSet:
    return ObjectSet(Wishes(CLUSTER, from_definition(body)), Manner(**manner), lambda: client)


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"data": {"p": int(MARKER)}}, "'p' in data of the Secret login must be text, it is a number"),
        ({"data": {"z": [MARKER]}}, "'z' in data of the Secret login must be text"),
        ({"data": {"a": "YQ==", "p": {"q": MARKER}, "t": True}}, "'p' in data of the Secret login must be text"),
        ({"data": [MARKER]}, "data of the Secret login must be a mapping"),
        ({"data": MARKER}, "data of the Secret login must be a mapping"),
        ({"stringData": {"p": float(MARKER)}}, "'p' in stringData of the Secret login must be text"),
        ({"stringData": [MARKER], "data": {"p": "YQ=="}}, "stringData of the Secret login must be a mapping"),
    ],
)
def test_values_that_are_no_text_are_refused_by_their_place(
    api: MemoryApi, client: KubeClient, parts: dict[str, Any], place: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        objects(client, secret(**parts)).find()
    assert place in caught.value.message
    assert caught.value.message.startswith("definition, document 1: ")
    assert MARKER not in caught.value.message
    assert api.requests == []


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize(("code", "reason", "message", "place"), WORDS)
def test_the_servers_words_are_not_repeated(
    api: MemoryApi, client: KubeClient, code: int, reason: str, message: str, place: str, dry: bool
) -> None:
    api.fail_next(*status(code, reason, message), times=99, only="PATCH")
    one = objects(client, secret(data={"p": "YQ=="}), validate=dry)
    with pytest.raises(AsmError) as caught:
        one.apply(one.plan(one.find()))
    told = json.dumps([caught.value.as_result(), str(caught.value), one.view(one.items), one._warnings()])
    assert MARKER not in told
    assert "Secret default/login" in caught.value.message and place in caught.value.message
    assert str(code) in caught.value.message


@pytest.mark.parametrize(
    "message",
    [
        'secrets "login" is forbidden: User "jane" cannot patch resource "secrets" in API group ""',
        'secrets "login" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1',
    ],
)
def test_refusals_that_hold_names_only_are_told(message: str) -> None:
    assert secrets.refusal(KubeError(message, code="Forbidden", http_status=403)) == message


def test_the_causes_of_a_refusal_tell_the_places() -> None:
    causes = ({"field": "data[p]", "message": f"Invalid value: {MARKER}"}, {"field": "type", "message": "immutable"})
    told = secrets.refusal(KubeError(f"no: {MARKER}", code="Invalid", http_status=422, causes=causes))
    assert "at data[p], type" in told and MARKER not in told


def test_who_owns_a_field_is_told(api: MemoryApi, client: KubeClient) -> None:
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".data.p"}
    api.fail_next(*status(409, "Conflict", f"Apply failed: {MARKER}", causes=[cause]), only="PATCH")
    with pytest.raises(AsmError, match=r"field \.data\.p is managed by \"kubectl\"") as caught:
        objects(client, secret(data={"p": "YQ=="})).find()
    assert MARKER not in caught.value.message


def test_warnings_about_a_secret_are_not_repeated(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(200, secret(), headers={"Warning": f'299 - "the password {MARKER} is weak"'}, only="PATCH")
    one = objects(client, secret(data={"p": "YQ=="}))
    one.find()
    (warning,) = one._warnings()
    assert "The API server warns of a Secret" in warning and MARKER not in warning


def test_warnings_about_others_are(api: MemoryApi, client: KubeClient) -> None:
    stores = "/apis/x.io/v1/namespaces/default/secretstores/a"
    api.put(stores, {"apiVersion": "x.io/v1", "kind": "SecretStore", "metadata": {"name": "a"}})
    api.fail_next(200, {}, headers={"Warning": '299 - "soon gone"'}, only="secretstores")
    client.get(stores)
    assert client.warnings == ["soon gone"]


@pytest.mark.parametrize(
    "parts", [{"data": {"p": MARKER}}, {"stringData": MARKER}, {"data": [MARKER]}, {"strngData": {"p": MARKER}}]
)
def test_a_diff_shows_no_value(parts: dict[str, Any]) -> None:
    seen = differ.visible(secret(type="Opaque", **parts))
    assert MARKER not in str(seen)
    assert seen is not None and seen["type"] == "Opaque" and seen["metadata"]["name"] == "login"


@pytest.mark.parametrize(
    ("kind", "version", "spec"),
    [
        ("ASMCredential", "v1", {"type": "tls", "cert": "c", "key": MARKER}),
        ("LLMProvider", "v1beta1", {"configs": {"defaultConfig": {"openAIConfig": {"apiKey": MARKER}}}}),
    ],
)
def test_credentials_in_kinds_of_asm_are_hidden_as_those_of_a_secret(kind: str, version: str, spec: Any) -> None:
    metadata = {"name": "x", "namespace": "istio-system", "labels": {"a": "b"}}
    body = {"apiVersion": f"istio.alibabacloud.com/{version}", "kind": kind, "metadata": metadata, "spec": spec}
    shown = differ.visible(body)
    assert shown
    assert (shown["metadata"], MARKER in json.dumps(shown)) == (metadata, False)
    assert shown["spec"] != differ.visible({**body, "spec": {**spec, "more": 1}})["spec"]  # type: ignore[index]
    live = {**body, "spec": {**spec, "host": f"not {MARKER}"}}
    assert MARKER not in str(comparison.compare(body, live, builtin=False))
    named = comparison.without_values(body)
    assert MARKER not in json.dumps(named)
    assert comparison.compare(named, live, builtin=False) == []
    refusal = KubeError(f'spec.key: Invalid value: "{MARKER}"', code="Invalid", http_status=422)
    said = secrets.refusal(refusal, kind)
    assert f"refuses this {kind} at spec.key (Invalid, HTTP 422)" in said
    assert MARKER not in said
    assert not secrets.is_secret({**body, "apiVersion": "acme.example/v1"})
    assert not secrets.is_secret({"kind": ["LLMProvider"], "apiVersion": 7})

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of an API server of any shape, as they come from the connection."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import find_kind, known_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import Endpoint
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import deletion
from hypothesis import strategies as st

from .harness import fuzz
from .values import anything, nearly

_KEYS = ("kind", "metadata", "items", "details", "causes", "message", "reason", "code", "continue", "name", "labels")
_METADATA = {"name": "a", "namespace": "default", "uid": "u", "labels": {"a": "b"}, "managedFields": [{"a": 1}]}
_PAGE = {"metadata": {"continue": ""}, "items": [{"metadata": _METADATA, "spec": {}}, {"metadata": {"name": "b"}}]}
_CAUSE = {"reason": "FieldValueInvalid", "message": "no", "field": "spec.x"}
_STATUS = {
    "kind": "Status",
    "message": "bad",
    "reason": "Invalid",
    "code": 422,
    "details": {"causes": [_CAUSE], "retryAfterSeconds": 0},
}
_RESOURCE = {"name": "widgets", "kind": "Widget", "namespaced": True}
_DISCOVERY = {"resources": [_RESOURCE], "versions": [{"version": "v1"}]}
_HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Warning", "Audit-Id", "Location", "Content-Encoding"]),
    st.one_of(st.text(max_size=30), st.sampled_from(['299 - "a"', "9" * 400, "-1", "identity", "gzip"])),
)


def shaped(sample: Any) -> Any:
    return st.composite(lambda draw: nearly(sample, draw))().map(json.dumps)


def client_of(status: int, headers: dict[str, str], body: Any) -> KubeClient:
    """A client whose every request gets this answer."""
    data = body if isinstance(body, bytes) else body.encode()
    client = KubeClient(Endpoint("http://127.0.0.1:9"), concurrency=1, patience=0.0)
    found = {name: value for name, value in headers.items() if name != "Content-Encoding"}
    answer = SimpleNamespace(
        status=status,
        headers=found,
        stream=lambda size, decode_content: iter([data]),
        close=lambda: None,
        release_conn=lambda: None,
    )
    client._pool = SimpleNamespace(request=lambda *args, **more: answer, close=lambda: None)
    return client


@fuzz(
    status=st.integers(100, 999),
    headers=_HEADERS,
    body=st.one_of(st.binary(max_size=60), anything(_KEYS).map(json.dumps), shaped(_STATUS), shaped(_PAGE)),
)
def test_any_answer(status: int, headers: dict[str, str], body: Any) -> None:
    """Status, headers and body of any kind, for every kind of request."""
    client = client_of(status, headers, body)
    try:
        for ask in (
            lambda: client.get("/api/v1/namespaces/x"),
            lambda: client.list("/api/v1/pods"),
            lambda: client.apply("/api/v1/namespaces/x", {"metadata": {"name": "x"}}),
            lambda: client.create("/api/v1/namespaces", {"metadata": {"name": "x"}}),
            lambda: client.delete("/api/v1/namespaces/x", uid="u"),
        ):
            (outcome,) = client.each(lambda one: one(), [ask])
            if isinstance(outcome, KubeError):
                assert outcome.message.isprintable()
                assert outcome.retry_after >= 0
                json.dumps([outcome.as_result(), outcome.causes], allow_nan=False)
    finally:
        client.close()


@fuzz(body=shaped(_PAGE))
def test_pages(body: str) -> None:
    """Pages of a list that are nearly right: what is taken can be used as objects."""
    client = client_of(200, {}, body)
    kind = known_kind("Pod")
    assert kind
    try:
        for item in client.list("/api/v1/pods"):
            deletion(kind, item)
            kind.path(item["metadata"].get("namespace") or "", item["metadata"]["name"]).encode("ascii")
    finally:
        client.close()


@fuzz(body=shaped(_DISCOVERY), kind=st.sampled_from(["Widget", "Widgit", "x"]))
def test_discovery(body: str, kind: str) -> None:
    """Documents about the kinds that a server has."""
    client = client_of(200, {}, body)
    try:
        find_kind("example.com/v1", kind, client.get)
    finally:
        client.close()

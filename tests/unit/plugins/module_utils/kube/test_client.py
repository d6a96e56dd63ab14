# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests, retries and errors, over real connections on loopback."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError, Unreachable, encoded
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import Endpoint

from .conftest import MemoryApi, virtual_service

COLLECTION = "/apis/networking.istio.io/v1/namespaces/default/virtualservices"


def fill(api: MemoryApi, count: int) -> None:
    for number in range(count):
        api.put(f"{COLLECTION}/vs{number}", virtual_service(f"vs{number}"))


def test_a_missing_object_is_none(client: KubeClient) -> None:
    assert client.get(f"{COLLECTION}/nothing") is None


def test_lists_are_read_page_by_page(api: MemoryApi, client: KubeClient) -> None:
    fill(api, 5)
    assert [one["metadata"]["name"] for one in client.list(COLLECTION)] == ["vs0", "vs1", "vs2", "vs3", "vs4"]
    assert len(api.sent("GET")) == 3
    kept = client.list(COLLECTION, keep=lambda one: one["metadata"]["name"] == "vs3")
    assert [one["metadata"]["name"] for one in kept] == ["vs3"]


def test_an_expired_listing_starts_again(api: MemoryApi, client: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, 3)
    real = api.handle
    expired = [True]

    def handle(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if "continue" in query and expired:
            expired.clear()
            return 410, {"kind": "Status", "reason": "Expired", "message": "too old"}, {}
        return real(method, path, query, body)

    monkeypatch.setattr(api, "handle", handle)
    assert len(client.list(COLLECTION)) == 3


def test_apply_is_strict_and_counted_and_a_dry_run_is_neither_write_nor_stored(
    api: MemoryApi, client: KubeClient
) -> None:
    client.apply(f"{COLLECTION}/reviews", virtual_service(), dry_run=True)
    assert (client.writes, f"{COLLECTION}/reviews" in api.objects) == (0, False)
    client.apply(f"{COLLECTION}/reviews", virtual_service(), force=True)
    assert (client.writes, f"{COLLECTION}/reviews" in api.objects) == (1, True)
    _unused, _unused, query, body = api.requests[-1]
    assert query == {"fieldManager": "meshops.asm", "fieldValidation": "Strict", "force": "true"}
    assert body == virtual_service()


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_passing_failures_are_retried(api: MemoryApi, client: KubeClient, code: int) -> None:
    api.fail_next(code, b"overloaded", times=2)
    assert client.get("/api/v1/namespaces/default") is not None
    assert len(api.requests) == 3


def test_an_internal_error_is_retried_but_a_decoders_refusal_is_not(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(500, {"kind": "Status", "reason": "InternalError", "message": "etcd"})
    client.apply(f"{COLLECTION}/reviews", virtual_service())
    assert len(api.sent("PATCH")) == 2
    api.fail_next(500, {"kind": "Status", "message": "failed to create typed patch object: .spec.x"}, times=5)
    with pytest.raises(KubeError) as caught:
        client.apply(f"{COLLECTION}/reviews", virtual_service())
    assert (caught.value.code, len(api.sent("PATCH"))) == ("Invalid", 3)


def test_retry_after_is_honoured(api: MemoryApi) -> None:
    client = KubeClient(Endpoint(api.url), patience=5.0)
    api.fail_next(429, {"kind": "Status", "reason": "TooManyRequests"}, headers={"Retry-After": "1"})
    start = time.monotonic()
    client.get("/api/v1/namespaces/default")
    client.close()
    assert time.monotonic() - start >= 1.0


def test_a_connection_that_breaks_is_retried(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(0, None, only="PATCH")
    assert client.apply(f"{COLLECTION}/reviews", virtual_service())["metadata"]["name"] == "reviews"
    assert client.writes == 1


def test_a_refusal_right_after_a_broken_connection_is_doubted(api: MemoryApi, client: KubeClient) -> None:
    """As of an API server that has started a moment ago; at any other time it is final."""
    refusal = {"kind": "Status", "reason": "Forbidden", "message": "may not"}
    api.fail_next(0, None)
    api.fail_next(403, refusal)
    assert client.get("/api/v1/namespaces/default") is not None
    client._broken_at -= 60.0
    api.fail_next(403, refusal)
    with pytest.raises(KubeError, match="may not"):
        client.get("/api/v1/namespaces/default")


def test_patience_ends(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(503, b"", times=100)
    with pytest.raises(KubeError) as caught:
        client.get("/api/v1/namespaces/default")
    assert caught.value.http_status == 503
    assert 3 <= len(api.requests) <= 10


def test_a_server_that_is_away_is_waited_for_once() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        client = KubeClient(Endpoint(f"http://127.0.0.1:{holder.getsockname()[1]}"), concurrency=2, patience=0.5)
        start = time.monotonic()
        found = client.each(lambda number: client.get(f"/api/v1/namespaces/{number}"), range(50))
        client.close()
    assert all(isinstance(one, Unreachable) for one in found)
    assert time.monotonic() - start < 2.0
    assert "does not answer" in str(found[0])


def test_refusals_carry_reason_and_causes(api: MemoryApi, client: KubeClient) -> None:
    causes = [{"reason": "FieldValueInvalid", "message": "no", "field": "spec.x"}]
    body = {"kind": "Status", "reason": "Invalid", "message": "bad spec", "details": {"causes": causes}}
    api.fail_next(422, body, headers={"Audit-Id": "a-1"})
    with pytest.raises(KubeError) as caught:
        client.apply(f"{COLLECTION}/reviews", virtual_service())
    error = caught.value
    assert client.writes == 0
    assert error.as_result() == {"code": "Invalid", "message": "bad spec", "request_id": "a-1", "http_status": 422}
    assert error.causes == tuple(causes)


def test_an_expired_certificate_is_named(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(401, {"kind": "Status", "reason": "Unauthorized", "message": "Unauthorized"})
    with pytest.raises(KubeError, match="does not accept the kubeconfig's certificate or token"):
        client.get("/api/v1/namespaces/default")


def test_warnings_are_kept_once(api: MemoryApi, client: KubeClient) -> None:
    warning = {"Warning": '299 - "v1beta1 is old, say \\"v1\\"", 299 - "second"'}
    for _unused in range(2):
        api.fail_next(200, {}, headers=warning)
        client.get("/api/v1/namespaces/default")
    assert client.warnings == ['v1beta1 is old, say "v1"', "second"]


def test_deleting_what_is_gone_or_replaced_is_no_error(api: MemoryApi, client: KubeClient) -> None:
    client.delete(f"{COLLECTION}/nothing", uid="x")
    fill(api, 1)
    client.delete(f"{COLLECTION}/vs0", uid="another")
    assert f"{COLLECTION}/vs0" in api.objects
    client.delete(f"{COLLECTION}/vs0", uid=api.objects[f"{COLLECTION}/vs0"]["metadata"]["uid"])
    assert f"{COLLECTION}/vs0" not in api.objects


def test_creating_what_is_there_returns_it(api: MemoryApi, client: KubeClient) -> None:
    fill(api, 1)
    assert client.create(COLLECTION, virtual_service("vs0"))["metadata"]["uid"] == "uid-3"
    assert client.create(COLLECTION, virtual_service("new"))["metadata"]["name"] == "new"


def test_each_keeps_order_and_errors_apart(client: KubeClient) -> None:
    def work(number: int) -> int:
        if number == 2:
            raise InvalidInput("two")
        time.sleep(0.01 * (3 - number))
        return number

    found = client.each(work, [0, 1, 2, 3])
    assert [found[0], found[1], found[3]] == [0, 1, 3]
    assert isinstance(found[2], AsmError)


@pytest.mark.parametrize("fresh", [False, True])
def test_tls_errors_are_final_unless_the_address_is_fresh(api: MemoryApi, fresh: bool) -> None:
    client = KubeClient(Endpoint(api.url.replace("http://", "https://")), patience=0.5, fresh=fresh)
    attempts: list[str] = []
    request = client._pool.request
    client._pool.request = lambda *args, **more: (attempts.append("one"), request(*args, **more))[1]
    with pytest.raises(Unreachable, match="No trusted TLS connection"):
        client.get("/api")
    client.close()
    assert (len(attempts) > 1) is fresh


def test_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="must be an http"):
        KubeClient(Endpoint("https://api.example", proxy_url="socks5://p:1"))
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    for server, proxy in (("https://api.example:6443", "http://proxy:3128"), ("https://inside.example:6443", "None")):
        client = KubeClient(Endpoint(server))
        assert str(client._pool.proxy) == proxy
        client.close()


def test_a_proxy_is_used(api: MemoryApi) -> None:
    client = KubeClient(Endpoint("http://api.invalid", proxy_url=api.url), patience=1.0)
    assert client.get("/api/v1/namespaces/default") is not None
    client.close()


@pytest.mark.parametrize(
    "text",
    [
        "launch \U0001f680",
        "\u4f60\u597d",
        "\U0010ffff",
        "caf\u00e9",
        "a\u2028b\u2029c\x85d",
        "\ufeff",
        "\x7f\x01",
        '"\\/',
    ],
)
def test_what_is_sent_is_the_same_as_json_and_as_yaml(text: str) -> None:
    """An apply is read as YAML, which knows no pair of surrogates."""
    body = {"metadata": {"annotations": {text: text}}, "data": [text]}
    sent = encoded(body)
    assert json.loads(sent) == body
    assert yaml.safe_load(sent) == body
    assert b"\\ud8" not in sent

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that answer what no API server answers: one clear error, in bounded time and memory."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import ssl
import tracemalloc
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube import client as client_module
from ansible_collections.meshops.asm.plugins.module_utils.kube.answers import BadReply
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError, Unreachable
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import Endpoint
from ansible_collections.meshops.asm.plugins.module_utils.wire import bounded as bounded_http
from ansible_collections.meshops.asm.tests.unit.certificates import Authority
from ansible_collections.meshops.asm.tests.unit.hostile import (
    HostileServer,
    Script,
    bomb,
    drip,
    endless,
    endless_chunks,
    head,
    http,
    interim,
)

PATH = "/api/v1/namespaces"
Play = Callable[..., "tuple[HostileServer, KubeClient]"]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    """Starts a server that plays a script, and a client of it; both are small so that bounds are soon reached."""
    monkeypatch.setattr(bounded_http, "MOST_BYTES", 4 * 2**20)
    monkeypatch.setattr(client_module, "_ATTEMPT", 0.5)
    started: list[Any] = []

    def start(script: Script, *, patience: float = 0.3, **more: Any) -> tuple[HostileServer, KubeClient]:
        server = HostileServer(script)
        client = KubeClient(Endpoint(server.url(), **more), concurrency=2, patience=patience)
        started.extend((client, server))
        return server, client

    yield start
    for one in started:
        one.close()


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 60 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html>welcome</html>", "not JSON"),
        ("", "not JSON"),
        ('{"a": NaN}', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("null", "null instead of an object"),
        ("[]", "a list instead of an object"),
        ('"text"', "a text instead of an object"),
        ("5", "a number instead of an object"),
        ({"metadata": []}, "metadata is a list"),
        ({"metadata": {"name": ["a"]}}, "metadata.name is a list"),
        ({"metadata": {"name": "../../nodes/x"}}, "metadata.name is no name"),
        ({"metadata": {"labels": {"a": 1}}}, "metadata.labels"),
        ({"metadata": {"managedFields": {}, "finalizers": "x"}}, "metadata.finalizers"),
    ],
)
def test_a_success_that_is_none(play: Play, body: Any, said: str) -> None:
    server, client = play(lambda request: http(200, body))
    with pytest.raises(BadReply, match=f"not what Kubernetes documents: .*{said}.*Is this the address of an API"):
        client.get(PATH)
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", ["<html>", "null", {}, {"metadata": None}, {"metadata": {"name": ""}}])
def test_a_write_whose_answer_is_none_may_have_happened(play: Play, body: Any) -> None:
    _server, client = play(lambda request: http(200, body))
    with pytest.raises(BadReply):
        client.apply(f"{PATH}/x", {"metadata": {"name": "x"}})
    assert client.writes == 1


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ({"items": {}}, "items is an object instead of a list"),
        ({"items": [None]}, r"items\[0\]: is null"),
        ({"items": [{"metadata": {"name": "a"}}, {}]}, r"items\[1\]: it has no metadata.name"),
        ({"items": [], "metadata": {"continue": 5}}, "continue is no token"),
        ({"items": [], "metadata": {"continue": "\ud800"}}, "continue is no token"),
        ({"items": [], "metadata": [5]}, "metadata is a list"),
    ],
)
def test_a_page_that_is_none(play: Play, page: Any, said: str) -> None:
    _server, client = play(lambda request: http(200, page))
    with pytest.raises(BadReply, match=said):
        client.list(PATH)


def test_a_list_without_items_is_empty(play: Play) -> None:
    _server, client = play(lambda request: http(200, {"items": None}))
    assert client.list(PATH) == []


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(lambda request: endless(), id="body"),
        pytest.param(lambda request: endless_chunks(), id="chunks"),
        pytest.param(lambda request: bomb(), id="gzip"),
        pytest.param(lambda request: interim(), id="interim"),
    ],
)
def test_a_reply_without_end_is_given_up(play: Play, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_ATTEMPT", 15.0)
    server, client = play(script)
    with little_memory(), pytest.raises(BadReply, match="larger than 4 MiB"):
        client.get(PATH)
    assert server.sent < 100 * 2**20


def test_the_length_of_a_chunk_is_bounded(play: Play) -> None:
    """By us, or by urllib3 itself in its newer releases."""
    server, client = play(lambda request: iter([head("Transfer-Encoding: chunked"), *[b"1" * 2**20] * 99]))
    with little_memory(), pytest.raises(AsmError, match=r"larger than 4 MiB|size line exceeded"):
        client.get(PATH)
    assert server.sent < 50 * 2**20


def test_layers_of_compression_are_not_unpacked(play: Play) -> None:
    _server, client = play(lambda request: bomb(3))
    with little_memory(), pytest.raises(AsmError, match="packed as gzip, gzip, gzip, which was not asked for"):
        client.get(PATH)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-", id="header"),
        pytest.param(head("Content-Length: 100000"), id="body"),
        pytest.param(head("Transfer-Encoding: chunked"), id="chunk length"),
        pytest.param(head(), id="body without length"),
    ],
)
def test_a_drip_ends_with_the_time_of_one_attempt(play: Play, start: bytes) -> None:
    server, client = play(lambda request: drip(start, b"1"))
    with pytest.raises(Unreachable, match=r"the reply was not complete after 0 s|the reply was not complete after 1 s"):
        client.get(PATH)
    assert 5 < server.sent < 1000


def test_a_reply_of_many_pieces_within_the_time_is_read(play: Play) -> None:
    text = json.dumps({"metadata": {"name": "x"}})
    _server, client = play(
        lambda request: iter([head(f"Content-Length: {len(text)}"), *[one.encode() for one in text]])
    )
    for _unused in range(3):
        assert client.get(PATH) == {"metadata": {"name": "x"}}


def test_too_many_headers_are_no_answer(play: Play) -> None:
    _server, client = play(lambda request: http(200, {}, *[f"X-{number}: 1" for number in range(500)]))
    with pytest.raises(Unreachable, match="got more than 100 headers"):
        client.get(PATH)


def test_odd_headers_do_no_harm(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    odd = ("no header at all", "X-\x01: \x1b[31m", 'Warning: 299 - "a\x1b[31m"', "Retry-After: ²")
    _server, client = play(lambda request: http(200, {"kind": "x"}, *odd))
    assert client.get(PATH) == {"kind": "x"}
    assert caplog.records == []
    assert all("\x1b" not in warning for warning in client.warnings)


def test_warnings_are_bounded(play: Play) -> None:
    numbers = iter(range(1000))
    _server, client = play(lambda request: http(200, {}, f'Warning: 299 - "{next(numbers)} {"x" * 5000}"'))
    for _unused in range(120):
        client.get(PATH)
    assert len(client.warnings) == 100
    assert max(map(len, client.warnings)) < 2100


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(play: Play, status: int) -> None:
    other, _unused = play(lambda request: http(200, {}))
    server, client = play(lambda request: http(status, "", f"Location: {other.url()}/x"), authorization="Bearer t")
    with pytest.raises(KubeError, match=r"points to 127\.0\.0\.1:\d+, which is not followed"):
        client.get(PATH)
    assert (len(server.requests), other.requests) == (1, [])


# Lists


def test_a_list_that_has_always_just_expired(play: Play) -> None:
    expired = {"kind": "Status", "reason": "Expired", "message": "too old"}
    server, client = play(lambda request: http(410, expired))
    with pytest.raises(KubeError, match="too old"):
        client.list(PATH)
    assert len(server.requests) == 3


@pytest.mark.parametrize("token", [lambda number: "same", lambda number: f"t{number}"])
def test_a_list_that_always_goes_on(play: Play, monkeypatch: pytest.MonkeyPatch, token: Callable[[int], str]) -> None:
    monkeypatch.setattr(client_module, "_MOST_PAGES", 20)
    numbers = iter(range(1000))
    server, client = play(lambda request: http(200, {"items": [], "metadata": {"continue": token(next(numbers))}}))
    with pytest.raises(BadReply, match="the list does not end"):
        client.list(PATH)
    assert len(server.requests) < 30


def test_a_listing_has_a_deadline(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_LISTING", 0.0)
    server, client = play(lambda request: http(200, {"items": [], "metadata": {"continue": str(len(server.requests))}}))
    with pytest.raises(BadReply, match="the list does not end"):
        client.list(PATH)
    assert len(server.requests) < 3


# Errors


@pytest.mark.parametrize(
    "odd",
    [
        {"code": "text", "details": [1, 2]},
        {"details": {"causes": None, "retryAfterSeconds": -5}},
        {"details": {"causes": "x", "retryAfterSeconds": "soon"}},
        {"details": {"causes": [1, None, {"field": ["x"], "message": {"a": 1}}]}},
        {"details": {"retryAfterSeconds": True}},
        {"reason": ["Invalid"], "message": {"a": 1}},
        {"reason": 5, "message": None},
        {"message": "x" * 1_000_000, "reason": "y" * 1_000_000},
        {"message": "\x1b[31mred\r\n\x00"},
    ],
)
def test_a_status_of_odd_types_is_an_error_of_bounded_length(play: Play, odd: Any) -> None:
    _server, client = play(lambda request: http(422, {"kind": "Status", **odd}, 'Audit-Id: "a"'))
    with pytest.raises(KubeError) as caught:
        client.get(PATH)
    error = caught.value
    assert error.http_status == 422
    assert 0 < len(error.message) < 2100
    assert len(error.code) <= 101
    assert error.message.isprintable()
    assert error.retry_after == 0
    assert all(set(cause) == {"reason", "message", "field"} for cause in error.causes)


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("9" * 400, {}),
        ("1e400", {}),
        ("-1", {}),
        ("²", {}),
        ("nonsense", {}),
        ("Wed, 99 Nov 2026 99:99:99 GMT", {}),
        (format_datetime(datetime.datetime(9999, 1, 1, tzinfo=datetime.timezone.utc), usegmt=True), {}),
        ("", {"details": {"retryAfterSeconds": 10**400}}),
        ("", {"details": {"retryAfterSeconds": 1e300}}),
    ],
)
def test_odd_times_to_wait_neither_break_nor_bind_the_client(play: Play, header: str, body: Any) -> None:
    _server, client = play(lambda request: http(503, {"kind": "Status", **body}, f"Retry-After: {header}"))
    with pytest.raises(KubeError) as caught:
        client.get(PATH)
    assert caught.value.http_status == 503


def test_a_date_to_wait_for_is_understood(play: Play) -> None:
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=500)
    _server, client = play(lambda request: http(503, "", f"Retry-After: {format_datetime(moment, usegmt=True)}"))
    with pytest.raises(KubeError) as caught:
        client.get(PATH)
    assert 400 < caught.value.retry_after <= 500


def test_credentials_that_make_an_anonymous_user_are_refused_ones(play: Play) -> None:
    said = 'deployments.apps is forbidden: User "system:anonymous" cannot list resource "deployments"'
    _server, client = play(lambda request: http(403, {"kind": "Status", "reason": "Forbidden", "message": said}))
    with pytest.raises(KubeError, match=r"does not accept the kubeconfig's certificate.*asm_kubeconfig") as caught:
        client.get(PATH)
    assert (caught.value.code, caught.value.http_status) == ("Unauthorized", 401)


# Connections


def test_a_proxy_that_refuses_is_asked_once(play: Play) -> None:
    server, _unused = play(lambda request: http(403, "no"))
    client = KubeClient(Endpoint("https://api.example", proxy_url=server.url()), patience=60.0)
    with pytest.raises(Unreachable, match="the proxy refuses the connection with HTTP 403"):
        client.get(PATH)
    client.close()
    assert len(server.requests) == 1


def test_a_name_that_does_not_exist_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def lookup(*args: Any, **more: Any) -> Any:
        asked.append(args[0])
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    client = KubeClient(Endpoint("http://no-such-host.example"), patience=60.0)
    with pytest.raises(Unreachable, match="there is no host of that name"):
        client.get(PATH)
    client.close()
    assert len(asked) == 1


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_tls_connection_that_is_cut_is_tried_again(authority: Authority) -> None:
    server = HostileServer(lambda request: http(200, {}), authority.context("127.0.0.1"), cut=2)
    client = KubeClient(Endpoint(server.url(), ca_pem=authority.pem), patience=10.0)
    try:
        assert client.get(PATH) == {}
    finally:
        client.close()
        server.close()
    assert server.cut == 0


@pytest.mark.parametrize("after", [0, 5])
def test_a_tls_reply_that_is_cut_is_tried_again(authority: Authority, after: int) -> None:
    """Without the closing message of TLS, as a connection ends that a load balancer drops."""
    bodies = iter([None, None])

    def script(request: str) -> Iterator[bytes]:
        if next(bodies, True) is None:
            yield head("Content-Length: 100")[: None if after else 5]
            yield b"x" * after
            raise ConnectionResetError
        yield from http(200, {"metadata": {"name": "x"}})

    server = HostileServer(script, authority.context("127.0.0.1"))
    client = KubeClient(Endpoint(server.url(), ca_pem=authority.pem), patience=10.0)
    try:
        assert client.get(PATH) == {"metadata": {"name": "x"}}
    finally:
        client.close()
        server.close()
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ({"name": "127.0.0.1", "days": (-20, -10)}, "expired .the clock of this machine says 20"),
        ({"name": "127.0.0.1", "days": (10, 20)}, "not yet valid .the clock of this machine says 20"),
        ({"name": "192.0.2.1"}, "IP address mismatch"),
        ({"name": "127.0.0.1", "server_name": "api.example"}, "doesn't match"),
    ],
)
def test_a_wrong_certificate_is_final_and_a_wrong_clock_is_named(
    authority: Authority, certificate: dict[str, Any], said: str
) -> None:
    server = HostileServer(
        lambda request: http(200, {}), authority.context(certificate["name"], certificate.get("days", (-1, 1)))
    )
    name = certificate.get("server_name", "")
    client = KubeClient(Endpoint(server.url(), ca_pem=authority.pem, tls_server_name=name), patience=60.0)
    try:
        with pytest.raises(Unreachable, match=f"No trusted TLS connection.*{said}"):
            client.get(PATH)
    finally:
        client.close()
        server.close()
    assert server.requests == []


def test_a_client_certificate_that_the_server_refuses_is_final(authority: Authority) -> None:
    context = authority.context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    server = HostileServer(lambda request: http(200, {}), context)
    client = KubeClient(Endpoint(server.url(), ca_pem=authority.pem), patience=60.0)
    try:
        with pytest.raises(Unreachable, match="the server refuses the client's certificate"):
            client.get(PATH)
    finally:
        client.close()
        server.close()

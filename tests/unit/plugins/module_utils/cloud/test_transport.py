# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real SDK with our transport against servers that answer anything, and everything at once."""

from __future__ import annotations

import contextlib
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud import client as client_module
from ansible_collections.meshops.asm.plugins.module_utils.cloud import transport
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.retries import Retries
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, LostReply
from ansible_collections.meshops.asm.plugins.module_utils.wire import bounded as bounded_http
from ansible_collections.meshops.asm.tests.unit.conftest import FakeClock
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

from . import old_sdk
from .conftest import ApiServer, Reply

READ, WRITE = "DescribeServiceMeshes", "CreateServiceMesh"
Play = Callable[[Script], HostileServer]


@pytest.fixture
def play() -> Iterator[Play]:
    started: list[HostileServer] = []

    def start(script: Script) -> HostileServer:
        started.append(HostileServer(script))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def connect(options: dict[str, Any], clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cloud at an address, whose bounds are soon reached and whose retries take no time."""
    monkeypatch.setattr(bounded_http, "MOST_BYTES", 4 * 2**20)
    monkeypatch.setattr(transport, "ATTEMPT", 0.5)
    started: list[Cloud] = []

    def start(endpoint: str, **more: Any) -> Cloud:
        params = {**options, "asm_endpoint": endpoint, **more}
        started.append(Cloud(params, Retries(2, clock, jitter=lambda: 1.0)))
        return started[-1]

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
    "script",
    [
        pytest.param(lambda request: endless(), id="body"),
        pytest.param(lambda request: endless_chunks(), id="chunks"),
        pytest.param(lambda request: bomb(), id="gzip"),
        pytest.param(lambda request: bomb(3), id="layers"),
        pytest.param(lambda request: interim(), id="interim"),
    ],
)
@pytest.mark.parametrize("action", [READ, WRITE])
def test_a_reply_without_end_is_given_up(play: Play, connect: Any, action: str, script: Script) -> None:
    server = play(script)
    with (
        little_memory(),
        pytest.raises(AsmError, match=r"larger than 4 MiB|not asked for|not complete after|not what it doc") as caught,
    ):
        connect(server.url()).asm(action)
    assert isinstance(caught.value, LostReply) is (action == WRITE)
    assert server.sent < 100 * 2**20


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-", head("Content-Length: 100000"), head()])
def test_a_drip_ends_with_the_time_of_one_attempt(play: Play, connect: Any, start: bytes) -> None:
    server = play(lambda request: drip(start, b"1"))
    with pytest.raises(LostReply, match="the reply was not complete after"):
        connect(server.url()).asm(WRITE)
    assert len(server.requests) == 1
    assert server.sent < 1000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("action", [READ, WRITE])
def test_a_redirect_is_never_followed(play: Play, connect: Any, action: str, status: int) -> None:
    other = play(lambda request: http(200, {}))
    server = play(lambda request: http(status, "", f"Location: {other.url()}/"))
    temporary = {"security_token": "the-token"}
    with pytest.raises(AsmError, match=r"redirect to 127\.0\.0\.1:\d+, which is not followed") as caught:
        connect(server.url(), **temporary).asm(action)
    assert not isinstance(caught.value, LostReply)
    assert (len(server.requests), other.requests) == (1, [])


@pytest.mark.parametrize("location", ["http://[", "\x1b[31m", "http://a b/", "//", "http://x:port/"])
def test_a_redirect_to_nowhere_does_no_harm(play: Play, connect: Any, location: str) -> None:
    server = play(lambda request: http(302, "", f"Location: {location}"))
    with pytest.raises(AsmError, match="HTTP 302"):
        connect(server.url()).asm(READ)


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "5", '{"ServiceMeshes": {}}', '{"ServiceMeshes": ["a"]}'])
def test_a_reply_of_another_shape_is_asked_for_once(play: Play, connect: Any, body: str) -> None:
    server = play(lambda request: http(200, body))
    cloud = connect(server.url())
    with pytest.raises(AsmError, match="service's reply to DescribeServiceMeshes is not what it documents") as caught:
        cloud.asm(READ)
    assert caught.value.code == "UnexpectedReply"
    assert len(server.requests) == 1
    with pytest.raises(LostReply):
        cloud.asm(WRITE)
    assert cloud.writes == 1


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(lambda request: http(403, "<html>Forbidden</html>"), id="html"),
        pytest.param(lambda request: http(403, {"Code": "Forbidden.RAM", "Message": "no"}), id="service"),
        pytest.param(lambda request: http(407, ""), id="login"),
        pytest.param(lambda request: http(404, "{}"), id="not found"),
        pytest.param(lambda request: http(403, "<a/>", "Content-Type: text/xml;charset=utf-8"), id="xml"),
    ],
)
@pytest.mark.parametrize("action", [READ, WRITE])
def test_a_refusal_is_asked_for_once(play: Play, connect: Any, action: str, script: Script) -> None:
    server = play(script)
    cloud = connect(server.url())
    with pytest.raises(AsmError) as caught:
        cloud.asm(action)
    assert not isinstance(caught.value, LostReply)
    assert (len(server.requests), cloud.writes) == (1, 0)


@pytest.mark.parametrize("action", [READ, WRITE])
def test_a_proxy_that_refuses_is_asked_once(
    play: Play, connect: Any, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    server = play(lambda request: http(403, "no"))
    monkeypatch.setenv("https_proxy", server.url())
    with pytest.raises(AsmError, match="could not be sent: the proxy refuses the connection with HTTP 403") as caught:
        connect("https://asm.example").asm(action)
    assert not isinstance(caught.value, LostReply)
    assert server.requests[0].startswith("CONNECT asm.example:443")
    assert len(server.requests) == 1


def test_an_internal_error_in_http_200_is_tried_again_for_reads_and_lost_for_writes(play: Play, connect: Any) -> None:
    bad = {"Code": "InternalError", "Message": "oops"}
    good = {"ServiceMeshes": []}
    server = play(lambda request: http(200, bad if len(server.requests) < 3 else good))
    assert connect(server.url()).asm(READ) == good
    assert len(server.requests) == 3
    server = play(lambda request: http(200, bad))
    with pytest.raises(LostReply) as caught:
        connect(server.url()).asm(WRITE)
    assert caught.value.answered
    assert len(server.requests) == 1


def test_too_many_headers_are_no_answer(play: Play, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = play(lambda request: http(200, {}, *[f"X-{number}: 1" for number in range(500)]))
    with pytest.raises(LostReply, match="got more than 100 headers"):
        connect(server.url()).asm(WRITE)
    server = play(lambda request: http(200, {"ServiceMeshes": []}, "no header", "X-\x01: \x1b[31m"))
    assert connect(server.url()).asm(READ) == {"ServiceMeshes": []}
    assert [record for record in caplog.records if record.name.startswith("urllib3") and record.levelno > 20] == []


def test_a_connection_serves_several_calls(play: Play, connect: Any) -> None:
    server = play(lambda request: http(200, {"ServiceMeshes": []}))
    cloud = connect(server.url())
    for _unused in range(5):
        cloud.asm(READ)
    assert len(server.requests) == 5
    assert len(server._threads) == 2


def test_calls_of_several_threads_keep_their_replies_apart(play: Play, connect: Any) -> None:
    def script(request: str) -> Iterator[bytes]:
        [asked] = [line for line in request.split("\r\n") if line.lower().startswith("x-acs-action")]
        yield from http(200, {"Asked": asked.partition(": ")[2]})

    cloud = connect(play(script).url())
    cloud.asm("DescribeVersions")
    found: list[tuple[str, str]] = []

    def ask(action: str) -> None:
        for _unused in range(20):
            found.append((action, cloud.asm(action)["Asked"]))

    threads = [threading.Thread(target=ask, args=(action,)) for action in (READ, "DescribeVersions", "DescribeVpcs")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 60
    assert all(action == asked for action, asked in found)


@pytest.mark.parametrize(("no_proxy", "proxied"), [("", True), ("127.0.0.1", False)])
def test_proxies_follow_the_rules_of_requests(
    api: ApiServer, play: Play, connect: Any, monkeypatch: pytest.MonkeyPatch, no_proxy: str, proxied: bool
) -> None:
    proxy = play(lambda request: http(200, {"ServiceMeshes": [], "By": "proxy"}))
    api.replies = [Reply({"ServiceMeshes": []})]
    monkeypatch.setenv("http_proxy", proxy.url())
    monkeypatch.setenv("no_proxy", no_proxy)
    assert ("By" in connect(api.endpoint).asm(READ)) is proxied


# Other releases of the SDK


class OtherSdk:
    """A client that sends its requests in a way that nobody foresaw."""

    def __init__(self, config: Any) -> None:
        pass

    def do_request(self) -> int:
        return 200


def test_the_generation_of_the_sdk_before_uses_our_transport_too(play: Play) -> None:
    server = play(lambda request: http(201, {"a": 1}))
    client = transport.transported(old_sdk.Client)(f"127.0.0.1:{server.port}")
    reply = client.ask("describe_with_options", "a=b")
    client.close()
    assert (reply.status, json.loads(reply.body)) == (201, {"a": 1})
    assert server.requests[0].startswith("POST / HTTP/1.1")


def test_an_sdk_that_sends_in_another_way_is_refused() -> None:
    with pytest.raises(AsmError, match="Install alibabacloud-tea-openapi") as caught:
        transport.transported(OtherSdk)(None)
    assert caught.value.code == "UnknownSdk"


def test_an_sdk_that_goes_around_our_transport_is_refused() -> None:
    client = transport.transported(old_sdk.Client)("127.0.0.1:1")
    client.do_request = lambda body: 200
    with pytest.raises(AsmError, match="Install alibabacloud-tea-openapi"):
        client.ask("describe_with_options", "a=b")
    client.close()


def test_the_sdk_itself_is_left_as_it_is(connect: Any, api: ApiServer) -> None:
    from alibabacloud_tea_openapi import client as sdk_client
    from darabonba.core import DaraCore

    connect(api.endpoint).asm("DescribeVersions")
    assert sdk_client.DaraCore is DaraCore
    assert sdk_client.Client.do_request.__globals__["DaraCore"] is DaraCore
    assert client_module.transported is transport.transported

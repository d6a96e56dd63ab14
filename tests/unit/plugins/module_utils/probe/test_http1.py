# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are meant to harm. A server here is a list of pieces, sent for as long as the client listens."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import libraries
from ansible_collections.meshops.asm.plugins.module_utils.probe import engine, http1
from ansible_collections.meshops.asm.plugins.module_utils.probe.http1 import Answer, Connection, ExchangeError, Held

from .conftest import plan_for

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


async def _exchanged(pieces: Iterable[bytes], *, timeout: float, bodiless: bool, closes: bool) -> Answer:
    loop = asyncio.get_running_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if not closes:
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _transport, connection = await loop.create_connection(lambda: Connection(loop), "127.0.0.1", port)
        try:
            return await connection.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", timeout=timeout, bodiless=bodiless)
        finally:
            connection.close()


def exchanged(pieces: Iterable[bytes], *, timeout: float = 20, bodiless: bool = False, closes: bool = False) -> Answer:
    return asyncio.run(_exchanged(pieces, timeout=timeout, bodiless=bodiless, closes=closes))


# Without end


def slowly(begin: bytes, piece: bytes) -> Iterator[bytes]:
    """Pieces without end, few enough that no limit on bytes ends them."""
    return itertools.chain([begin], itertools.islice(itertools.repeat(piece), 20_000), iter(lambda: b"", 0))


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(b"", b"", id="silence"),
        pytest.param(OK, b"a", id="a header name without end"),
        pytest.param(OK + b"content-length: 3000000\r\n\r\n", b"x", id="a body that drips"),
        pytest.param(CHUNKED, b"1\r\nx\r\n", id="chunks that drip"),
        pytest.param(CHUNKED + b"5;", b"x", id="an extension that drips"),
        pytest.param(CHUNKED + b"0\r\n", b"a: b\r\n", id="trailers that drip"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="interim answers that drip"),
        pytest.param(OK + b"connection: close\r\n\r\n", b"x", id="a body to the end that drips"),
    ],
)
def test_the_deadline_holds_for_all_of_an_exchange(begin: bytes, piece: bytes) -> None:
    async def drip() -> Answer:
        loop = asyncio.get_running_loop()
        connection = Connection(loop)
        transport = _Transport()
        connection.connection_made(transport)

        def feed(pieces: Iterator[bytes]) -> None:
            data = next(pieces)
            if connection.open:
                if data:
                    connection.data_received(data)
                loop.call_soon(feed, pieces)

        loop.call_soon(feed, slowly(begin, piece))
        return await connection.exchange(b"GET / HTTP/1.1\r\n\r\n", timeout=0.2)

    # Trailers and names reach the limit of a head before the time is over, which is as good.
    with pytest.raises((TimeoutError, ExchangeError)):
        asyncio.run(drip())


class _Transport(asyncio.Transport):
    def write(self, data: Any) -> None:
        """Nobody reads it."""

    def abort(self) -> None:
        """Nothing to end."""


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 400, id="interim answers"),
        pytest.param(OK, b"a: b\r\n" * 2000, id="headers"),
        pytest.param(OK + b"a:", b"b" * 10_000, id="a long header"),
        pytest.param(b"", b"x" * 10_000, id="no end of a line"),
        pytest.param(CHUNKED, b"1\r\nx\r\n" * 2000, id="small chunks"),
        pytest.param(CHUNKED, b"1;" + b"x" * 10_000 + b"\r\nx\r\n", id="extensions of chunks"),
        pytest.param(CHUNKED + b"5;", b"x" * 10_000, id="one extension"),
        pytest.param(CHUNKED, b"0" * 10_000, id="one size"),
        pytest.param(CHUNKED + b"0\r\n", b"a: b\r\n" * 2000, id="trailers"),
        pytest.param(OK + b"connection: close\r\n\r\n", b"x" * 10_000, id="a body to the end"),
        pytest.param(OK + b"content-length: 99999999999\r\n\r\n", b"x" * 10_000, id="a long body"),
        pytest.param(CHUNKED + b"fffffffffff\r\n", b"x" * 10_000, id="a long chunk"),
    ],
)
def test_no_answer_is_taken_without_end(begin: bytes, piece: bytes) -> None:
    with pytest.raises(ExchangeError, match=r"longer than 4194304 bytes|more than 20000 pieces|not HTTP/1\.1"):
        exchanged(itertools.chain([begin], itertools.repeat(piece)))


def test_all_answers_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "LARGEST_TOGETHER", 1000)

    async def both() -> list[Any]:
        loop = asyncio.get_running_loop()
        held = Held()
        connections = [Connection(loop, held) for _number in range(2)]
        asked = []
        for connection in connections:
            connection.connection_made(_Transport())
            asked.append(asyncio.ensure_future(connection.exchange(b"GET / HTTP/1.1\r\n\r\n", timeout=5)))
        await asyncio.sleep(0)
        for connection in connections:
            connection.data_received(OK + b"content-length: 9000\r\n\r\n" + b"x" * 600)
        connections[0].data_received(b"x")
        for connection in connections:
            connection.connection_lost(None)
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert held.bytes == 0
        return results

    results = asyncio.run(both())
    assert any("longer than 1000 bytes together" in str(result) for result in results)


# What RFC 9112 does not allow


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nabc", id="lengths that differ"),
        pytest.param(OK + b"content-length: 2, 3\r\n\r\nabc", id="lengths that differ in one line"),
        pytest.param(OK + b"content-length: -1\r\n\r\n", id="a negative length"),
        pytest.param(OK + b"content-length: +2\r\n\r\nab", id="a signed length"),
        pytest.param(OK + b"content-length: 0x2\r\n\r\nab", id="a length in hex"),
        pytest.param(OK + b"content-length: 1_0\r\n\r\n0123456789", id="a length with an underscore"),
        pytest.param(OK + "content-length: ²\r\n\r\nab".encode(), id="a superscript length"),
        pytest.param(OK + b"content-length: " + b"9" * 5000 + b"\r\n\r\nab", id="a length of 5000 digits"),
        pytest.param(OK + b"content-length: \r\n\r\nab", id="an empty length"),
        pytest.param(OK + b"transfer-encoding: gzip\r\n\r\nab", id="another coding"),
        pytest.param(OK + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", id="a coding that ends in chunked"),
        pytest.param(OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="two codings"),
        pytest.param(OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="twice"),
        pytest.param(CHUNKED + b"-1\r\n\r\n", id="a negative chunk"),
        pytest.param(CHUNKED + b"+1\r\nx\r\n0\r\n\r\n", id="a signed chunk"),
        pytest.param(CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n", id="a prefixed chunk"),
        pytest.param(CHUNKED + b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n", id="an underscore in a chunk's size"),
        pytest.param(CHUNKED + b" 1\r\nx\r\n0\r\n\r\n", id="a space before a size"),
        pytest.param(CHUNKED + b"\r\n", id="no size"),
        pytest.param(CHUNKED + b"g\r\n", id="no hex"),
        pytest.param(CHUNKED + b"1\r\nxyz0\r\n\r\n", id="a chunk that is longer than it says"),
        pytest.param(CHUNKED + b"f" * 25 + b"\r\n", id="a size of 25 digits"),
        pytest.param(OK + b"a : b\r\ncontent-length: 0\r\n\r\n", id="a space before the colon"),
        pytest.param(OK + b": b\r\ncontent-length: 0\r\n\r\n", id="no name"),
        pytest.param(OK + b" a: b\r\ncontent-length: 0\r\n\r\n", id="a first line that is folded"),
        pytest.param(OK + b"a: b\x00c\r\ncontent-length: 0\r\n\r\n", id="NUL in a value"),
        pytest.param(OK + b"a: b\rc\r\ncontent-length: 0\r\n\r\n", id="a bare CR"),
        pytest.param(OK + b"content-length 0\r\n\r\n", id="no colon"),
        pytest.param(b"HTTP/2.0 200 OK\r\n\r\n", id="another version"),
        pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", id="two digits"),
        pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", id="four digits"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="no digits"),
        pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", id="another protocol that nobody wanted"),
        pytest.param(b"http/1.1 200 OK\r\n\r\n", id="lower case"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="TLS"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_the_rfc_does_not_allow_is_refused(raw: bytes) -> None:
    with pytest.raises(ExchangeError):
        exchanged([raw], closes=True)


@pytest.mark.parametrize(
    ("raw", "bodiless", "status", "body"),
    [
        pytest.param(OK + b"content-length: 2\r\ncontent-length: 2\r\n\r\nab", False, 200, b"ab", id="the same twice"),
        pytest.param(b"HTTP/1.1 304 X\r\ncontent-length: 9\r\n\r\n", False, 304, b"", id="304 with a length"),
        pytest.param(b"HTTP/1.1 204 X\r\n\r\n", False, 204, b"", id="204"),
        pytest.param(CHUNKED, True, 200, b"", id="HEAD, chunked"),
        pytest.param(OK + b"content-length: 5\r\n\r\n", True, 200, b"", id="HEAD, with a length"),
        pytest.param(OK + b"\r\nall of it", False, 200, b"all of it", id="to the end"),
        pytest.param(OK + b"\r\n", False, 200, b"", id="nothing to the end"),
        pytest.param(OK + b"a: b\r\n c\r\ncontent-length: 0\r\n\r\n", False, 200, b"", id="a folded header"),
        pytest.param(b"HTTP/1.0 200\r\ncontent-length: 1\r\n\r\nx", False, 200, b"x", id="no reason"),
        pytest.param(
            CHUNKED + b"A;a=b\r\n0123456789\r\n0;z\r\nt: u\r\n\r\n", False, 200, b"0123456789", id="extensions"
        ),
        pytest.param(
            b"HTTP/1.1 103 X\r\na: b\r\n\r\n" * 3 + OK + b"content-length: 0\r\n\r\n", False, 200, b"", id="103"
        ),
    ],
)
def test_what_the_rfc_allows_is_taken(raw: bytes, bodiless: bool, status: int, body: bytes) -> None:
    for pieces in ([raw], [raw[number : number + 1] for number in range(len(raw))]):
        answer = exchanged(pieces, bodiless=bodiless, closes=True)
        assert (answer.status, answer.body) == (status, body)


def test_an_answer_that_is_cut_is_none() -> None:
    whole = CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"
    for cut in range(len(whole)):
        with pytest.raises(ExchangeError, match="closed the connection"):
            exchanged([whole[:cut]], closes=True)


# One after the other


def test_bytes_that_nobody_asked_for_are_no_answer_to_the_next_request() -> None:
    async def two(extra: bytes, *, later: bool) -> tuple[bytes, bool]:
        loop = asyncio.get_running_loop()
        connection = Connection(loop)
        connection.connection_made(_Transport())
        asked = asyncio.ensure_future(connection.exchange(b"GET / HTTP/1.1\r\n\r\n", timeout=5))
        await asyncio.sleep(0)
        good = OK + b"content-length: 2\r\n\r\nab"
        connection.data_received(good if later else good + extra)
        answer = await asked
        if later:
            connection.data_received(extra)
        return answer.body, connection.open

    smuggled = OK + b"content-length: 4\r\n\r\nevil"
    for extra, later in ((smuggled, False), (smuggled, True), (b"x", False), (b"\r\n", True)):
        assert asyncio.run(two(extra, later=later)) == (b"ab", False)
    assert asyncio.run(two(b"", later=False)) == (b"ab", True)


def test_connecting_and_answering_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of the time after connecting is what the answer may take."""
    times: list[float] = []
    now = itertools.count(0.0, 4.0)

    async def connect(self: Any, loop: Any, where: int, name: str, timeout: float) -> Any:
        times.append(timeout)

        class Stub:
            open = True

            async def exchange(self, wire: bytes, *, timeout: float, bodiless: bool) -> Answer:
                times.append(timeout)
                return Answer(200)

        return Stub()

    class Clock:
        def time(self) -> float:
            return next(now)

    monkeypatch.setattr(engine._Run, "_connect", connect)
    plan = plan_for("127.0.0.1:9", count=1, timeout=10)
    clock: Any = Clock()
    asyncio.run(engine._Run(plan)._exchange(clock, {}, 0, plan.requests[0]))
    assert times == [6.0, 2.0]


def test_a_host_without_h11_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(libraries.importlib, "import_module", gone)
    with pytest.raises(libraries.MissingLibrary, match="h11"):
        engine.run(plan_for("127.0.0.1:9", count=1))


def test_a_release_of_h11_that_takes_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("h11.__version__", "0.14.0")
    with pytest.raises(libraries.MissingLibrary, match=r"h11 is 0\.14\.0, and 0\.16"):
        engine.run(plan_for("127.0.0.1:9", count=1))

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to a probe's requests: nearly right ones, and rubbish, in pieces of any size."""

from __future__ import annotations

import asyncio
import http.client
import io
import itertools
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.probe.http1 import Connection, ExchangeError
from hypothesis import strategies as st

from .harness import fuzz

_LINES = (
    b"HTTP/1.1 200 OK", b"HTTP/1.1 100 Continue", b"HTTP/1.1 204 X", b"HTTP/1.1 304 X", b"HTTP/1.0 200",
    b"HTTP/1.1 101 X", b"HTTP/2 200 OK", b"HTTP/1.1 500 \xff", b"content-length: 5", b"content-length: 0",
    b"content-length: 6, 6", b"Content-Length: -1", b"content-length: 99999999999999999999",
    b"transfer-encoding: chunked", b"no colon", b"transfer-encoding: gzip, chunked", b"Transfer-Encoding: CHUNKED",
    b"connection: close", b"hello", b"x: \x1b[31m", b" folded", b"\tfolded", b": no name", b"name : x", b"", b"",
    b"", b"connection: keep-alive", b"5", b"a;b=c", b"0", b"0;x", b"00", b"ffffffffffffffff", b"-1", b"0x5", b"5 ",
    b"5\t", b"trailer: x",
)  # fmt: skip
_BREAKS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"", b"\r\n\r\n", b"\n\n", b"\x00")

_text = st.lists(
    st.tuples(st.one_of(st.sampled_from(_LINES), st.binary(max_size=12)), st.sampled_from(_BREAKS)), max_size=14
).map(lambda parts: b"".join(line + end for line, end in parts))
# Half of them begin as an answer does, so that the rest is looked at.
answers = st.one_of(
    _text,
    st.builds(
        bytes.__add__,
        st.sampled_from(
            (
                b"HTTP/1.1 200 OK\r\n",
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n",
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            )
        ),
        _text,
    ),
)


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.ended = False

    def write(self, data: Any) -> None:
        """Nobody reads it."""

    def abort(self) -> None:
        self.ended = True


def exchanged(pieces: list[bytes], bodiless: bool) -> tuple[int, dict[str, str], bytes] | str:
    """What a request gives when a server sends these pieces and closes the connection."""

    async def exchange() -> tuple[int, dict[str, str], bytes] | str:
        connection = Connection(asyncio.get_running_loop())
        connection.connection_made(_Transport())
        asked = asyncio.ensure_future(connection.exchange(b"", timeout=60, bodiless=bodiless))
        await asyncio.sleep(0)
        for piece in pieces:
            if connection.open:
                connection.data_received(piece)
        connection.connection_lost(None)
        try:
            answer = await asked
        except ExchangeError as error:
            assert str(error).isprintable(), str(error)
            assert len(str(error)) < 400, len(str(error))
            return "refused"
        return answer.status, answer.headers, answer.body

    return asyncio.run(exchange())


def by_http_client(raw: bytes, bodiless: bool) -> tuple[int, bytes] | None:
    """The same answer as the standard library reads it, which is less strict; None for none."""

    class Socket:
        def makefile(self, *_mode: Any) -> io.BytesIO:
            return io.BytesIO(raw)

    socket: Any = Socket()
    answer = http.client.HTTPResponse(socket, method="HEAD" if bodiless else "GET")
    try:
        answer.begin()
        return answer.status, answer.read()
    except (http.client.HTTPException, ValueError):
        return None


@fuzz(raw=answers, cuts=st.lists(st.integers(0, 200), max_size=6), bodiless=st.booleans())
def test_answer(raw: bytes, cuts: list[int], bodiless: bool) -> None:
    """However an answer is cut into pieces, it is the same; and what is taken is what the standard library reads."""
    places = sorted({0, *(cut for cut in cuts if cut < len(raw)), len(raw)})
    pieces = [raw[start:end] for start, end in itertools.pairwise(places) if start < end]
    whole = exchanged([raw] if raw else [], bodiless)
    assert exchanged(pieces, bodiless) == whole
    assert exchanged([raw[number : number + 1] for number in range(len(raw))], bodiless) == whole
    if whole != "refused" and b"HTTP/1.1 1" not in raw:
        assert by_http_client(raw, bodiless) == (whole[0], whole[2])

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One kept-alive HTTP/1.1 connection as an asyncio protocol.

The probe has to run on any host of an inventory, so it needs nothing besides Python; and it has to send several
thousand requests a second from one process, which the standard library's blocking client cannot.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import cast

#: The most of one answer (bytes) that is accepted.
LARGEST_ANSWER = 4 * 1024 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |$)")
_BODILESS = frozenset({204, 304})


class ExchangeError(Exception):
    """No valid answer came. ``clean`` says that the server closed a reused connection without a byte of an answer."""

    def __init__(self, message: str, *, clean: bool = False) -> None:
        super().__init__(message)
        self.clean = clean


@dataclass
class Answer:
    """Status, headers (lower-case names, repeated ones joined by commas) and body of one answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    keeps: bool = True


class Connection(asyncio.Protocol):
    """One exchange at a time: ``exchange`` sends a request and gives its answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._buffer = bytearray()
        self._answer: Answer | None = None
        self._bodiless = False
        self._left: int | None = None
        self._chunks: list[bytes] | None = None
        self._size = 0
        self._exchanges = 0
        self.open = False

    async def exchange(self, request: bytes, *, timeout: float, bodiless: bool = False) -> Answer:
        """Sends the bytes of a request; ``bodiless`` for HEAD. Raises ``ExchangeError`` or ``TimeoutError``."""
        if not self.open or self._transport is None:
            raise ExchangeError("the server closed the connection", clean=self._exchanges > 0)
        self._bodiless = bodiless
        self._waiter = waiter = self._loop.create_future()
        timer = self._loop.call_later(timeout, self._expire)
        self._transport.write(request)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None
            self._exchanges += 1

    def close(self) -> None:
        """Ends the connection at once."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > LARGEST_ANSWER:
            self._fail(f"the answer is longer than {LARGEST_ANSWER} bytes")
            return
        try:
            self._parse()
        except ValueError as error:
            self._fail(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._waiter is None or self._waiter.done():
            return
        if self._answer is not None and self._left is None and self._chunks is None and exc is None:
            # An answer without a length ends with its connection.
            self._answer.body = bytes(self._buffer)
            self._finish()
            return
        nothing = self._answer is None and not self._buffer
        what = "before it answered" if nothing else "in the middle of an answer"
        why = f" ({exc})" if exc else ""
        self._fail(f"the server closed the connection {what}{why}", clean=nothing and self._exchanges > 0)

    def _parse(self) -> None:
        """Takes from the buffer what is complete, until the answer is, or more has to come."""
        while self._answer is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end])
            del self._buffer[: end + 4]
            answer = parse_head(head)
            if answer.status >= 200:
                self._begin(answer)
        if self._answer is not None and self._chunks is not None:
            self._take_chunks(self._answer, self._chunks)
        elif self._left is not None and len(self._buffer) >= self._left:
            self._answer.body = bytes(self._buffer[: self._left])
            del self._buffer[: self._left]
            self._finish()

    def _begin(self, answer: Answer) -> None:
        """Finds out how long the body is (RFC 9112, section 6.3)."""
        self._answer = answer
        self._chunks = None
        self._size = 0
        if self._bodiless or answer.status in _BODILESS:
            self._left = 0
        elif answer.headers.get("transfer-encoding", "").lower().endswith("chunked"):
            self._chunks = []
            self._left = None
        elif "content-length" in answer.headers:
            length = answer.headers["content-length"].split(",")[0].strip()
            if not length.isdigit():
                raise ValueError(f"the answer has the content-length '{length}'")
            self._left = int(length)
        else:
            self._left = None
            answer.keeps = False

    def _take_chunks(self, answer: Answer, chunks: list[bytes]) -> None:
        while True:
            end = self._buffer.find(b"\r\n")
            if end < 0:
                return
            text = bytes(self._buffer[:end]).split(b";")[0].strip()
            try:
                size = int(text, 16)
            except ValueError:
                raise ValueError(f"the answer has a chunk of the size {text[:20]!r}") from None
            if size == 0:
                # Trailers, if any, end like a head does.
                rest = self._buffer[end:].find(b"\r\n\r\n")
                if rest < 0:
                    return
                del self._buffer[: end + rest + 4]
                answer.body = b"".join(chunks)
                self._finish()
                return
            if len(self._buffer) < end + 2 + size + 2:
                return
            chunks.append(bytes(self._buffer[end + 2 : end + 2 + size]))
            self._size += size
            if self._size > LARGEST_ANSWER:
                raise ValueError(f"the answer is longer than {LARGEST_ANSWER} bytes")
            del self._buffer[: end + 2 + size + 2]

    def _finish(self) -> None:
        answer, self._answer = self._answer, None
        self._chunks = None
        self._left = None
        if answer is None:
            return
        if not answer.keeps and self._transport is not None:
            self.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(answer)

    def _fail(self, message: str, *, clean: bool = False) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ExchangeError(message, clean=clean))
        self.close()

    def _expire(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())
        self.close()


def parse_head(head: bytes) -> Answer:
    """Status line and headers, without the empty line. Raises ``ValueError`` for what is not HTTP/1. Pure."""
    first, *lines = head.split(b"\r\n")
    found = _STATUS_LINE.match(first)
    if not found:
        raise ValueError(f"what came back is not HTTP/1: {first[:60]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError(f"the answer has a header without a value: {line[:60]!r}")
        key = name.decode("latin-1").strip().lower()
        text = value.decode("latin-1").strip()
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    connection = headers.get("connection", "").lower()
    keeps = "close" not in connection and (first.startswith(b"HTTP/1.1") or "keep-alive" in connection)
    return Answer(int(found[1]), headers, keeps=keeps)

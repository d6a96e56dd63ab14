# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One kept-alive HTTP/1.1 connection as an asyncio protocol; what arrives is read by the library h11.

Answers come from anywhere and may be meant to harm. h11 takes what RFC 9112 allows and bounds a head; here are the
bounds on time (``timeout`` for all of an exchange, whatever arrives) and on the bytes of an answer as they came, heads
of interim answers, sizes of chunks and trailers included.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import MissingLibrary, library

#: The most (bytes) that is taken of one answer, and of all that a probe has under way.
LARGEST_ANSWER = 4 * 1024 * 1024
LARGEST_TOGETHER = 128 * 1024 * 1024
#: The most (bytes) of a head or of a line between chunks; Envoy's own limit for a head is 60 KiB.
_LARGEST_HEAD = 64 * 1024
#: The most pieces (interim answers, chunks) of an answer: reading small ones costs far more than their bytes.
_MOST_PIECES = 20_000
_MOST_WORDS = 200


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


def parser() -> Any:
    """The library h11. Raises ``MissingLibrary``, also for releases that take chunks without their end."""
    h11 = library("h11", "h11")
    if tuple(int(part) for part in h11.__version__.split(".")[:2]) < (0, 16):
        raise MissingLibrary(f"The Python library h11 is {h11.__version__}, and 0.16 or newer is needed: upgrade it.")
    return h11


@dataclass
class Held:
    """How many bytes the answers of several connections hold that are under way."""

    bytes: int = 0


class Connection(asyncio.Protocol):
    """One exchange at a time: ``exchange`` sends a request and gives its answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, held: Held | None = None) -> None:
        self._h11 = parser()
        self._state = self._h11.Connection(self._h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        self._loop = loop
        self._held = held or Held()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._answer: Answer | None = None
        self._body = bytearray()
        self._size = 0
        self._pieces = 0
        self._exchanges = 0
        self.open = False

    async def exchange(self, request: bytes, *, timeout: float, bodiless: bool = False) -> Answer:
        """Sends the bytes of a request; ``bodiless`` for HEAD. Raises ``ExchangeError`` or ``TimeoutError``."""
        if not self.open or self._transport is None:
            raise ExchangeError("the server closed the connection", clean=self._exchanges > 0)
        self._waiter = waiter = self._loop.create_future()
        self._answer, self._size, self._pieces = None, 0, 0
        self._body.clear()
        # The request is bytes already: h11 only has to know what kind of an answer it gets.
        self._state.send(_request(self._h11, bodiless))
        self._state.send(self._h11.EndOfMessage())
        timer = self._loop.call_later(timeout, self._expire)
        self._transport.write(request)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None
            self._exchanges += 1
            self._held.bytes -= self._size

    def close(self) -> None:
        """Ends the connection at once."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        if self._waiter is None or self._waiter.done():
            # Nobody has asked: the next request must not take it for its answer.
            self.close()
            return
        self._size += len(data)
        self._held.bytes += len(data)
        if self._size > LARGEST_ANSWER:
            self._fail(f"the answer is longer than {LARGEST_ANSWER} bytes")
        elif self._held.bytes > LARGEST_TOGETHER:
            self._fail(f"the answers that are under way are longer than {LARGEST_TOGETHER} bytes together")
        else:
            self._read(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._waiter is None or self._waiter.done():
            return
        if self._size and exc is None:
            # An answer without a length ends with its connection.
            self._read(b"")
        if not self._waiter.done():
            what = "in the middle of an answer" if self._size else "before it answered"
            why = f" ({exc})" if exc else ""
            self._fail(f"the server closed the connection {what}{why}", clean=not self._size and self._exchanges > 0)

    def _read(self, data: bytes) -> None:
        """Hands on what arrived (nothing means the end of the connection), and takes what is complete."""
        h11 = self._h11
        try:
            self._state.receive_data(data)
            while (event := self._state.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                kind = type(event)
                self._pieces += 1
                if self._pieces > _MOST_PIECES:
                    self._fail(f"the answer comes in more than {_MOST_PIECES} pieces")
                    return
                if kind is h11.Data:
                    self._body += event.data
                elif kind is h11.Response:
                    if event.http_version not in (b"1.0", b"1.1"):
                        raise h11.RemoteProtocolError("another version of HTTP")
                    self._answer = Answer(event.status_code, _headers(event.headers))
                elif kind is h11.EndOfMessage:
                    self._finish()
                    return
                elif kind is h11.ConnectionClosed:
                    return
        except h11.RemoteProtocolError as error:
            # At the end of the connection, its loss says more.
            if data:
                self._fail(f"what came back is not HTTP/1.1: {str(error)[:_MOST_WORDS]}")

    def _finish(self) -> None:
        answer, state = self._answer, self._state
        if answer is None or self._waiter is None:
            return
        answer.body = bytes(self._body)
        self._waiter.set_result(answer)
        # More than the answer, or the end of the connection: neither belongs to a next request.
        again = state.our_state is self._h11.DONE and state.their_state is self._h11.DONE
        if again and not state.trailing_data[0]:
            state.start_next_cycle()
        else:
            self.close()

    def _fail(self, message: str, *, clean: bool = False) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ExchangeError(message, clean=clean))
        self.close()

    def _expire(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())
        self.close()


_REQUESTS: dict[bool, Any] = {}


def _request(h11: Any, bodiless: bool) -> Any:
    if bodiless not in _REQUESTS:
        method = "HEAD" if bodiless else "GET"
        _REQUESTS[bodiless] = h11.Request(method=method, target="/", headers=[("host", "any")])
    return _REQUESTS[bodiless]


def _headers(pairs: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds on what servers answer, the same for the OpenAPI and for Kubernetes: time, size, depth, length of a text.

urllib3's time-outs are those of one read from a socket and its sizes have no limit, so a server can keep a client
busy for ever with a byte now and then, or fill its memory. Here a connection has one deadline for a request as a
whole (``longest`` seconds from the first attempt to connect to the last byte of the reply) and ``MOST_BYTES`` for a
reply, on the wire as well as unpacked.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import functools
import http.client
import io
import time
from typing import Any

# The most that is read of one reply. Kubernetes sends up to 500 objects a page; etcd takes none over 1.5 MiB, and real
# pages have a few MiB. Replies of the OpenAPI are smaller still.
MOST_BYTES = 128 * 2**20
# The most characters of a server's text that a message repeats.
MOST_TEXT = 2000
_CHUNK = 64 * 2**10


class OutOfBounds(OSError):
    """A reply that was given up. ``slow`` tells one that took too long from one that is too large or unreadable."""

    def __init__(self, message: str, *, slow: bool = False) -> None:
        super().__init__(message)
        self.slow = slow


class _Wire(io.RawIOBase):
    """The bytes of one reply as they come in; reading ends with ``OutOfBounds`` at the deadline or the limit."""

    def __init__(self, raw: Any, sock: Any, longest: float, until: float) -> None:
        super().__init__()
        self._raw, self._sock, self._longest, self._until = raw, sock, longest, until
        self._rest = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._slow()
        allowed = self._sock.gettimeout()
        if allowed is None or left < allowed:
            self._sock.settimeout(left)
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError:
            if time.monotonic() < self._until:
                raise
            raise self._slow() from None
        self._rest -= count or 0
        if self._rest < 0:
            raise too_large()
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()

    def _slow(self) -> OutOfBounds:
        return OutOfBounds(f"the reply was not complete after {self._longest:.0f} s", slow=True)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, longest: float, until: float, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_Wire(self.fp.detach(), sock, longest, until))

    def begin(self) -> None:
        super().begin()
        # Lines that are no headers mean nothing; urllib3 would log each with a traceback.
        self.msg.defects = []
        self.msg.set_payload("")


def _bounded(base: Any, longest: float) -> Any:
    """A connection class of urllib3, bounded. What fails before a request can be sent is marked ``never_sent``."""

    class Connection(base):
        until = 0.0

        @property
        def response_class(self) -> Any:
            return functools.partial(_Response, longest=longest, until=self.until)

        def connect(self) -> None:
            self.until = time.monotonic() + longest
            try:
                super().connect()
            except Exception as error:
                vars(error)["never_sent"] = True
                raise

        def request(self, *args: Any, **more: Any) -> None:
            self.until = time.monotonic() + longest
            if self.sock is not None:
                # The deadline of the reply before may have shortened it.
                self.sock.settimeout(self.timeout)
            super().request(*args, **more)

    return Connection


@functools.cache
def pool_classes(longest: float) -> dict[str, Any]:
    """``pool_classes_by_scheme`` for a ``PoolManager`` of urllib3 whose requests take at most ``longest`` seconds."""
    from urllib3 import connection, connectionpool

    found = {}
    for scheme, connection_class, pool_class in (
        ("http", connection.HTTPConnection, connectionpool.HTTPConnectionPool),
        ("https", connection.HTTPSConnection, connectionpool.HTTPSConnectionPool),
    ):
        kept = {"ConnectionCls": _bounded(connection_class, longest)}
        found[scheme] = type(f"Bounded{pool_class.__name__}", (pool_class,), kept)
    return found


def read_body(answer: Any) -> bytes:
    """The whole unpacked body of a response of urllib3 that was not read yet; its connection goes back to the pool."""
    packed = str(answer.headers.get("Content-Encoding") or "identity").strip().lower()
    parts, size = [], 0
    try:
        # Others were not asked for. Several one over the other multiply what a few bytes unpack to.
        if packed not in ("identity", "gzip"):
            raise OutOfBounds(f"the reply is packed as {quoted(packed, 40)}, which was not asked for")
        for part in answer.stream(_CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise too_large()
    except BaseException:
        answer.close()
        raise
    finally:
        answer.release_conn()
    return b"".join(parts)


def too_large() -> OutOfBounds:
    return OutOfBounds(f"the reply is larger than {MOST_BYTES / 2**20:.0f} MiB")


def quoted(text: Any, most: int = MOST_TEXT) -> str:
    """A server's text as part of a message: one line of at most ``most`` characters, without control characters."""
    if isinstance(text, (dict, list)):
        return kind_of(text)
    whole = str(text)
    line = " ".join(whole[: most + 1].split())
    line = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)
    return f"{line[:most]}…" if len(whole) > most else line


def kind_of(value: Any) -> str:
    """What a decoded JSON value is called."""
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "something else")

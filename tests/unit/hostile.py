# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that answers with whatever bytes it is told to, over HTTP or TLS.

It sends no more than ``MOST`` bytes and takes no longer than ``LONGEST`` seconds for an answer, whatever is played.
"""

from __future__ import annotations

import gzip
import json
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

MOST, LONGEST = 400 * 2**20, 20.0

# The pieces of one answer. An empty piece waits a moment, for answers that come slowly.
Answer = Iterator[bytes]
Script = Callable[[str], Answer]


def http(status: int, body: bytes | str | Any, *headers: str, length: int | None = None) -> Answer:
    """An answer with a body of bytes, of text, or of anything as JSON; ``length`` is what it claims to be."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Played", f"Content-Length: {len(data) if length is None else length}", *headers]
    yield "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data


def head(*headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""]).encode("latin-1")


def endless(piece: bytes = b"x" * 2**20, *headers: str) -> Answer:
    """A body that ends with the connection, which does not end."""
    yield head(*headers)
    while True:
        yield piece


def endless_chunks() -> Answer:
    yield head("Transfer-Encoding: chunked")
    while True:
        yield b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


def interim() -> Answer:
    """Answers that announce another one, for ever."""
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 9999


def bomb(layers: int = 1) -> Answer:
    """640 MB as gzip, one over the other."""
    data = gzip.compress(b" " * (8 * 2**20), 1) * 80
    for _unused in range(layers - 1):
        data = gzip.compress(data)
    encoding = ", ".join(["gzip"] * layers)
    return http(200, data, f"Content-Encoding: {encoding}")


def drip(start: bytes = b"", piece: bytes = b" ") -> Answer:
    """``start`` at once, and then a byte now and then."""
    yield start
    while True:
        yield b""
        yield piece


class HostileServer:
    """``script(request head) -> pieces`` plays each request; ``requests`` are the heads that arrived.

    With ``cut`` a TLS connection is closed in its handshake for so many connections.
    """

    def __init__(self, script: Script, context: ssl.SSLContext | None = None, cut: int = 0) -> None:
        self.script, self.context, self.cut = script, context, cut
        self.requests: list[str] = []
        self.sent = 0
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                thread = threading.Thread(target=self._converse, args=(self._listener.accept()[0],))
                thread.start()
                self._threads.append(thread)

    def _converse(self, connection: socket.socket) -> None:
        connection.settimeout(LONGEST)
        try:
            if self.context:
                if self.cut > 0:
                    self.cut -= 1
                    connection.recv(100)
                    return
                connection = self.context.wrap_socket(connection, server_side=True)
            while not self._stopped.is_set() and self._answer(connection):
                pass
        except (OSError, ssl.SSLError):
            return  # the client gave up
        finally:
            connection.close()

    def _answer(self, connection: socket.socket) -> bool:
        """Reads one request and answers it; false when the connection is to end."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not _readable(connection, self._stopped):
                return False
            piece = connection.recv(65536)
            if not piece:
                return False
            data += piece
        request = data.partition(b"\r\n\r\n")[0].decode("latin-1")
        self.requests.append(request)
        deadline, sent = time.monotonic() + LONGEST, 0
        for piece in self.script(request):
            if self._stopped.wait(0 if piece else 0.02) or time.monotonic() > deadline or sent > MOST:
                return False
            connection.sendall(piece)
            sent += len(piece)
            self.sent += len(piece)
        return "\r\nContent-Length:" in request or not request.startswith(("POST", "PATCH"))


def _readable(connection: socket.socket, stopped: threading.Event) -> bool:
    pending = getattr(connection, "pending", lambda: 0)
    while not stopped.is_set():
        if pending() or select.select([connection], [], [], 0.02)[0]:
            return True
    return False

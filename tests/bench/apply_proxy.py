# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy on loopback that makes every byte late, as a distant server would, and counts the bytes.

A process of its own, and as little work as possible: it shares the processors with what is measured. Prints its port;
for each line on its input it prints how many bytes have passed since the last one. Ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections import deque
from typing import Any

# What may be under way in one direction of one connection: as the window of a real line, bounded.
_MOST_UNDER_WAY = 4 << 20


class Side(asyncio.Protocol):
    """One end of a connection. What it receives leaves at its ``other`` end, ``delay`` seconds later and in order.

    What comes before there is another end waits for it.
    """

    other: Side

    def __init__(self, count: list[int], delay: float) -> None:
        self._count = count
        self._delay = delay
        self._late: deque[tuple[float, bytes]] = deque()
        self._under_way = 0
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._count[0] += len(data)
        self._under_way += len(data)
        if self._under_way > _MOST_UNDER_WAY:
            self.transport.pause_reading()
        self._send_late(data)

    def eof_received(self) -> bool:
        self._send_late(b"")
        return True  # the other direction stays open

    def connection_lost(self, exc: Exception | None) -> None:
        if exc and self.other.transport:
            self.other.transport.abort()

    def _send_late(self, data: bytes) -> None:
        """Keeps data for its time; none means the end. One timer for each direction, so that the order stays."""
        waiting = bool(self._late) or not self.other.transport
        self._late.append((self._loop.time() + self._delay, data))
        if waiting:
            return
        if not self._delay:
            self._send()
        else:
            self._loop.call_later(self._delay, self._send)

    def _send(self) -> None:
        """Sends on what is due, and comes back for the rest."""
        now = self._loop.time()
        while self._late and self._late[0][0] <= now:
            _due, data = self._late.popleft()
            self._under_way -= len(data)
            if data:
                self.other.transport.write(data)
            else:
                self._end()
        if self._late:
            self._loop.call_at(self._late[0][0], self._send)
        elif not self.transport.is_closing():
            self.transport.resume_reading()

    def _end(self) -> None:
        self._ended = True
        if self.other._ended:
            self.transport.close()
            self.other.transport.close()
        elif not self.other.transport.is_closing():
            self.other.transport.write_eof()


class Near(Side):
    """The end of a client: opens the far one."""

    def __init__(self, count: list[int], delay: float, host: str, port: int) -> None:
        super().__init__(count, delay)
        self._server = (host, port)
        self.other = Side(count, delay)
        self.other.other = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._task = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            await self._loop.create_connection(lambda: self.other, *self._server)
        except OSError:
            self.transport.abort()
        else:
            self._send()


async def serve(host: str, port: int, delay: float) -> None:
    """Listens on a free port of 127.0.0.1 until standard input ends. ``delay`` is that of one way."""
    count = [0]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Near(count, delay, host, port), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(count[0], flush=True)
        count[0] = 0
    # Connections that clients have left open are of no interest, and end with the process.
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("rtt", type=float, help="round trip in milliseconds")
    given = parser.parse_args()
    asyncio.run(serve(given.host, given.port, given.rtt / 2000))


if __name__ == "__main__":
    main()

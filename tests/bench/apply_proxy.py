# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy on loopback that makes every byte late, as a distant server would, and counts the bytes.

A process of its own, so that it takes no time from what is measured. Prints its port; for each line on its input it
prints how many bytes have passed since the last one. Ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections import deque

_CHUNK = 1 << 16
# What may be under way in one direction of one connection: as the window of a real line, bounded.
_MOST_UNDER_WAY = 4 << 20


class Direction:
    """Passes on what ``reader`` gives to ``writer``, ``delay`` seconds later and in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        self.bytes = 0
        self._reader = reader
        self._writer = writer
        self._delay = delay
        self._late: deque[tuple[float, bytes]] = deque()
        self._under_way = 0
        self._moved = asyncio.Event()

    async def run(self, count: list[int]) -> None:
        """Until either side closes. ``count[0]`` grows by every byte."""
        loop = asyncio.get_running_loop()
        sender = asyncio.create_task(self._send()) if self._delay else None
        with contextlib.suppress(OSError):
            while data := await self._reader.read(_CHUNK):
                count[0] += len(data)
                if not sender:
                    self._writer.write(data)
                    await self._writer.drain()
                    continue
                self._late.append((loop.time() + self._delay, data))
                self._under_way += len(data)
                self._moved.set()
                while self._under_way > _MOST_UNDER_WAY:
                    await asyncio.sleep(self._delay / 10)
        if sender:
            self._late.append((loop.time() + self._delay, b""))
            self._moved.set()
            await sender
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                while not self._late:
                    self._moved.clear()
                    await self._moved.wait()
                due, data = self._late.popleft()
                if (rest := due - loop.time()) > 0:
                    await asyncio.sleep(rest)
                if not data:
                    return
                self._under_way -= len(data)
                self._writer.write(data)
                await self._writer.drain()


async def serve(host: str, port: int, delay: float) -> None:
    """Listens on a free port of 127.0.0.1 until standard input ends. ``delay`` is that of one way."""
    count = [0]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        there, back = Direction(reader, far_writer, delay), Direction(far_reader, writer, delay)
        try:
            await asyncio.gather(there.run(count), back.run(count))
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
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

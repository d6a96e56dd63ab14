# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slow line of the apply benchmark: late, complete, in order, and counted."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.bench.apply_proxy import Near

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets, and ends when its client does."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(client: socket.socket) -> None:
        with client:
            while data := client.recv(1 << 16):
                client.sendall(data)

    def accept() -> None:
        while True:
            try:
                client = server.accept()[0]
            except OSError:
                return
            threading.Thread(target=answer, args=(client,)).start()

    thread = threading.Thread(target=accept)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


@contextmanager
def line(port: int, rtt: float) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "tests.bench.apply_proxy", "127.0.0.1", str(port), str(rtt)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        yield process, int(process.stdout.readline())


def passed(process: subprocess.Popen[str]) -> int:
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@pytest.mark.parametrize("rtt", [0, 80])
def test_everything_arrives_in_order_late_and_counted(echo: int, rtt: int) -> None:
    sent = os.urandom(3_000_000)
    with line(echo, rtt) as (process, port):
        began = time.monotonic()
        client = socket.create_connection(("127.0.0.1", port))

        def send() -> None:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        got = client.recv(1)
        assert time.monotonic() - began >= rtt / 1000
        while data := client.recv(1 << 20):
            got += data
        sender.join()
        assert got == sent
        assert passed(process) == 2 * len(sent)
        assert passed(process) == 0
        client.close()


def test_a_server_that_refuses_ends_the_connection() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with line(port, 0) as (_process, near):
        client = socket.create_connection(("127.0.0.1", near), timeout=10)
        assert client.recv(1) == b""
        client.close()


class Taken(asyncio.Transport):
    """The client's end of a connection that has been taken."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """What has been read before this is still handed over, so this holds nothing back."""

    def resume_reading(self) -> None:
        pass


@pytest.mark.parametrize("rtt", [0, 80])
def test_what_comes_before_the_server_is_reached_waits_for_it(echo: int, rtt: int) -> None:
    async def early() -> bytes:
        client = Taken()
        near = Near([0], rtt / 2000, "127.0.0.1", echo)
        near.connection_made(client)
        near.data_received(b"early ")
        near.data_received(b"bird")
        for _attempt in range(1000):
            if len(client.written) == len(b"early bird"):
                break
            await asyncio.sleep(0.01)
        near.other.transport.close()
        return client.written

    assert asyncio.run(early()) == b"early bird"

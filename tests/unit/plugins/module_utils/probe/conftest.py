# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real HTTP servers on loopback, and plans for them."""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import PROBE_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Plan, make_plan

#: ``answer(number, head)`` gives the bytes of an answer; None closes the connection without one.
Answerer = Callable[[int, bytes], "bytes | None"]


def reply(body: str = "", status: int = 200, *headers: str) -> bytes:
    """An answer with a length."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body.encode())}", *headers, "", body]
    return "\r\n".join(lines).encode()


class LocalServer:
    """Answers each request as told; ``heads`` are the requests as they came. A delay (seconds) is per request."""

    def __init__(self, answer: Answerer, context: ssl.SSLContext | None = None, delay: Any = None) -> None:
        self.heads: list[bytes] = []
        self.connections = 0
        self._answer = answer
        self._context = context
        self._delay = delay or (lambda number: 0)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop: asyncio.Event
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()], daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._client, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                number = len(self.heads)
                self.heads.append(head)
                await asyncio.sleep(self._delay(number))
                answer = self._answer(number, head)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
                if b"connection: close" in answer.lower():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[..., LocalServer]]:
    """Starts servers that end with the test."""
    running: list[LocalServer] = []

    def start(answer: Answerer | bytes, **more: Any) -> LocalServer:
        fixed = answer if not isinstance(answer, bytes) else (lambda _number, _head: answer)
        running.append(LocalServer(fixed, **more))
        return running[-1]

    yield start
    for server in running:
        server.close()


def plan_for(*addresses: str, stop_file: str | None = None, **options: Any) -> Plan:
    """A plan as the module makes it from its options."""
    checked = ArgumentSpecValidator(PROBE_OPTIONS).validate({"address": list(addresses), **options})
    assert not checked.error_messages, checked.error_messages
    return make_plan({**checked.validated_parameters, "stop_file": stop_file}, list(addresses))


class Chance(random.Random):
    """Draws that are the same in every run."""

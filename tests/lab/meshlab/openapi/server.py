# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP endpoints of the cloud, one address and port a product, in an event loop of their own thread."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from meshlab.openapi.gateway import Gateway, Product, Reply, decode
from meshlab.openapi.signature import Request

#: Requests that are worked on at the same time; those that start servers may take seconds.
_THREADS = 16


class Endpoint:
    """Serves one product at http://ADDRESS:PORT; port 0 takes a free one."""

    def __init__(self, gateway: Gateway, product: Product, executor: ThreadPoolExecutor) -> None:
        self._gateway = gateway
        self._product = product
        self._executor = executor
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, address: str, port: int) -> None:
        """Begin to listen."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        await web.SockSite(self._runner, listener).start()
        self.url = f"http://{address}:{listener.getsockname()[1]}"

    async def stop(self) -> None:
        """Close all connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        body = await http.read()
        form = body.decode(errors="replace") if http.content_type == "application/x-www-form-urlencoded" else ""
        request = Request(
            method=http.method,
            path=http.rel_url.raw_path,
            query=decode(http.rel_url.raw_query_string),
            form=decode(form),
            headers={name.lower(): value for name, value in http.headers.items()},
            body=body,
        )
        loop = asyncio.get_running_loop()
        reply: Reply = await loop.run_in_executor(self._executor, self._gateway.handle, self._product, request)
        if reply.cut:
            if http.transport is not None:
                http.transport.abort()
            return web.Response(status=500)
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        return web.Response(
            status=reply.status, text=text, content_type=reply.content_type, charset="utf-8", headers=reply.headers
        )


class Server:
    """All endpoints, and a thread that runs them."""

    def __init__(self, gateway: Gateway, products: list[Product]) -> None:
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")
        self._endpoints = {product.name: Endpoint(gateway, product, self._executor) for product in products}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoints", daemon=True)

    def start(self, address: str, ports: dict[str, int]) -> dict[str, str]:
        """Listen; ``ports`` by product, 0 or none for a free one. Returns the URL of each product."""
        self._thread.start()
        for name, endpoint in self._endpoints.items():
            self._wait(endpoint.start(address, ports.get(name, 0)))
        return {name: endpoint.url for name, endpoint in self._endpoints.items()}

    def stop(self) -> None:
        """Stop listening and end the thread."""
        for endpoint in self._endpoints.values():
            self._wait(endpoint.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._executor.shutdown(cancel_futures=True)

    def _wait(self, coroutine: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

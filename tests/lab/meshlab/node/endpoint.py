# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's own HTTPS endpoint, which the API server asks for logs, exec and port-forward."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from aiohttp import web

from meshlab import pki
from meshlab.files import private_dir, write_private
from meshlab.node.runtime import Runtime

#: A kubelet's.
PORT = 10250

#: Type of the address among those of a node, by which the API server finds this endpoint.
ENDPOINT_ADDRESS = "InternalDNS"

#: Seconds between two looks at a log that is followed.
_EVERY = 0.2

_WHY = {
    "exec": "nothing is executed in the lab's containers; `python -m meshlab exec` runs a program in a pod's network",
    "attach": "the lab's containers are stand-ins: there is nothing to attach to",
    "portForward": "the lab forwards no ports; Control().expose() gives a pod's port an address of the host",
}


class NodeEndpoint:
    """Serves https://ADDRESS:10250 to clients with a certificate of the cluster's authority."""

    def __init__(self, address: str, authority: pki.Authority, folder: Path, runtime: Runtime) -> None:
        self.address = address
        self._runtime = runtime
        key = private_dir(folder) / "kubelet.key"
        certificate = authority.server("kubelet", dns=[], addresses=[address], key=pki.stored_key(key))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate_file))
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_cert_chain(write_private(folder / "kubelet.crt", certificate), key)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to listen."""
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        app.router.add_route("*", "/{path:.*}", _not_implemented)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.address, PORT, ssl_context=self._context, reuse_address=True).start()

    async def stop(self) -> None:
        """Stop listening; who follows a log is cut off."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        """The log of a proxy; query parameters follow, tailLines and limitBytes."""
        place = request.match_info
        file = self._runtime.log_file(place["namespace"], place["pod"], place["container"])
        if file is None or request.query.get("previous") == "true":
            which = "what ran before" if file else "stand-ins"
            return _refused(f"the lab keeps no log of {which}; proxies have one")
        sent = await asyncio.to_thread(file.read_bytes)
        offset = len(sent)
        if "tailLines" in request.query:
            lines = sent.splitlines(keepends=True)
            sent = b"".join(lines[max(len(lines) - int(request.query["tailLines"]), 0) :])
        sent = sent[: int(request.query.get("limitBytes", offset))]
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await response.write(sent)
        while request.query.get("follow") == "true":
            await asyncio.sleep(_EVERY)
            more = await asyncio.to_thread(_after, file, offset)
            offset += len(more)
            await response.write(more)
        return response


def _after(file: Path, offset: int) -> bytes:
    with file.open("rb") as stream:
        stream.seek(offset)
        return stream.read()


async def _not_implemented(request: web.Request) -> web.Response:
    return _refused(_WHY.get(request.match_info["path"].partition("/")[0], "the lab's nodes do not have this"))


def _refused(why: str) -> web.Response:
    return web.Response(status=501, text=why)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of AWX as a server on loopback."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .server import Awx

VERSION = "24.6.1"


class Server(ThreadingHTTPServer):
    """Serves one AWX to whoever has ``token``; a context manager, listening on ``url`` within it."""

    def __init__(self, awx: Awx, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.awx, self.token = awx, token
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or "{}")
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            status, answer = 401, {"detail": "Authentication credentials were not provided."}
        elif not self.path.startswith("/api/v2/"):
            status, answer = 404, {"detail": "Not found."}
        else:
            status, answer = self.server.awx.answer(self.command, self.path, body)
        payload = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal: requests are in ``Awx.requests``."""

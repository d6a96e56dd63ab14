# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP server on loopback that answers as told, so that the real SDK can be watched and disturbed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from alibabacloud_credentials.utils import auth_util
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import CLOUD_OPTIONS

DROP, HANG, CUT = "drop", "hang", "cut"


@dataclass
class Request:
    """What arrived; query and form are merged, as the API does."""

    method: str
    path: str
    headers: dict[str, str]
    parameters: dict[str, str]
    body: str

    @property
    def action(self) -> str:
        return self.headers["x-acs-action"]


@dataclass
class Reply:
    """``body`` is sent as JSON, or as it is when it is a text. ``fault`` disturbs the connection instead.

    ``DROP`` closes it without an answer, ``HANG`` keeps it open in silence, ``CUT`` ends in the middle of the body.
    """

    body: Any = field(default_factory=lambda: {"RequestId": "r-1"})
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""


class ApiServer(ThreadingHTTPServer):
    """Gives one reply of ``replies`` after the other; the last one stays. ``requests`` is what arrived."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = [Reply()]
        self.requests: list[Request] = []
        self.stopped = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        url = urlsplit(self.path)
        pairs = {**parse_qs(url.query, keep_blank_values=True), **parse_qs(body, keep_blank_values=True)}
        parameters = {key: values[0] for key, values in pairs.items()}
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.requests.append(Request(self.command, url.path, headers, parameters, body))
        replies = self.server.replies
        self._answer(replies.pop(0) if len(replies) > 1 else replies[0])

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def _answer(self, reply: Reply) -> None:
        if reply.fault == HANG:
            self.server.stopped.wait(5)
        if reply.fault in (HANG, DROP):
            self.close_connection = True
            return
        data = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data) + (100 if reply.fault == CUT else 0)))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """The server is quiet."""


@pytest.fixture
def api() -> Iterator[ApiServer]:
    server = ApiServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.stopped.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def options(api: ApiServer) -> dict[str, Any]:
    """The options of a task whose cloud is ``api``."""
    unset: dict[str, Any] = dict.fromkeys(CLOUD_OPTIONS)
    return {
        **unset,
        "access_key_id": "AKTEST",
        "access_key_secret": "hidden-secret",
        "region": "cn-hangzhou",
        "role_session_name": "meshops-asm",
        "asm_endpoint": api.endpoint,
        "cs_endpoint": api.endpoint,
        "api_timeout": 60,
    }


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No credentials, proxies or metadata service of the machine that the tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    # The SDK reads its environment once, when it is imported.
    for name in ("access_key_id", "access_key_secret", "security_token", "credentials_file", "credentials_uri"):
        monkeypatch.setattr(auth_util, f"environment_{name}", None)
    monkeypatch.setattr(auth_util, "environment_profile_name", None)
    monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "true")
    home = str(tmp_path_factory.mktemp("home"))
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr("alibabacloud_credentials.utils.auth_constant.HOME", home)

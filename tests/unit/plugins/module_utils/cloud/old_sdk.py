# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client as those of the SDK's releases before 0.4 are: what sends its requests has another name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class TeaCore:
    @staticmethod
    def compose_url(request: Any) -> str:
        return f"http://{request.headers['host']}/"

    @staticmethod
    def do_action(request: Any, options: Any) -> Any:
        raise AssertionError("the SDK's own transport")


class Client:
    def __init__(self, config: str) -> None:
        self.host = config

    def do_request(self, body: str) -> int:
        request = SimpleNamespace(method="POST", headers={"host": self.host}, body=body)
        reply = TeaCore.do_action(request, {"connectTimeout": 1000, "readTimeout": 1000})
        return int(reply.status_code)

    def describe_with_options(self, body: str) -> int:
        return self.do_request(body)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second run against a service that spells the values of its replies in other ways: the lab sees no write."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES
from ansible_collections.meshops.asm.tests.unit.spellings import Path, respelled

from .conftest import Shop
from .labs import VPC, VSWITCH, Lab
from .runner import Runner

_CSV = frozenset(("ServiceMesh", *str(row.read).split(".")) for row in MESH_ATTRIBUTES if row.type == "csv")
_FAILOVER = [{"from": "cn-hangzhou", "to": "cn-beijing"}]

Choose = Callable[[Path, int], "int | None"]


class Dice(random.Random):
    """Chance that is the same for a seed."""


class Proxy:
    """Between the collection and the lab; ``choose`` decides on the spelling of each value of a reply."""

    def __init__(self, target: str) -> None:
        self.choose: Choose = lambda _path, _count: None
        proxy, server = self, urlsplit(target)

        class Handler(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                connection = http.client.HTTPConnection(str(server.hostname), server.port, timeout=60)
                connection.request(self.command, self.path, body, dict(self.headers.items()))
                answer = connection.getresponse()
                data = answer.read()
                connection.close()
                if answer.status == 200:
                    data = json.dumps(respelled(json.loads(data), proxy.choose, _CSV)).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = _pass_on

            def log_message(self, format: str, *args: Any) -> None:
                """The lab has a log."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def proxy(run: Runner) -> Iterator[Proxy]:
    made = Proxy(run.environment["MESHOPS_ASM_ENDPOINT"])
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


def test_a_second_run_writes_nothing_in_any_spelling(lab: Lab, run: Runner, shop: Shop, proxy: Proxy) -> None:
    options: dict[str, dict[str, Any]] = {
        "asm_mesh": {
            "name": shop.name,
            "vpc_id": VPC,
            "vswitch_ids": [VSWITCH],
            "cluster_domain": "cluster.local",
            "locality_lb": {"enabled": True, "config": {"failover": _FAILOVER}},
            "access_log": {"enabled": False},
            "api_server_public_eip": True,
        },
        "asm_cluster": {"mesh": shop.name, "clusters": [{"name": "shop-1"}, {"name": "shop-2"}], "purge": True},
    }
    spelled: dict[str, str | None] = {"MESHOPS_ASM_ENDPOINT": proxy.url, "MESHOPS_CS_ENDPOINT": proxy.url}
    before = run("asm_mesh_info", name=shop.name)["meshes"][0]
    options["asm_mesh"]["api_server_public_eip"] = before["api_server_public_eip"]
    try:
        first = {module: run(module, **args) for module, args in options.items()}
        for number in range(4):
            dice = Dice(number)
            proxy.choose = lambda _path, count, number=number, dice=dice: (  # type: ignore[misc]
                number % count if number < 2 else dice.randrange(count)
            )
            for module, args in options.items():
                with lab.unwritten():
                    again = run(module, env=spelled, **args)
                assert again["changed"] is False, (number, again["diff"])
                for key in ("mesh", "clusters"):
                    assert again.get(key) == first[module].get(key)
    finally:
        run("asm_mesh", name=shop.name, locality_lb=before["locality_lb"])

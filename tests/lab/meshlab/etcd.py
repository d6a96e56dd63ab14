# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one etcd of a lab. It listens on a socket file in a private folder, closed to other users."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

from meshlab.files import private_dir
from meshlab.keeper import Keeper
from meshlab.processes import Process, Processes

#: How API servers that run in ``Etcd.folder`` name the server. Relative, as socket paths may only have 107 characters.
SERVER = "unix://client.sock"


class Etcd:
    """Start, stop, wipe."""

    def __init__(self, workdir: Path, binary: Path, processes: Processes) -> None:
        self.folder = workdir / "etcd"
        self._binary = binary
        self._processes = processes
        self._keeper = Keeper(processes, self._spawn)

    def start(self) -> None:
        """Start the server on what it stored before; returns when it answers. Should it end, it is started again."""
        private_dir(self.folder)
        self._keeper.start().wait_ready(self._healthy, seconds=60)
        self._keeper.watch()

    def _spawn(self) -> Process:
        for stale in self.folder.glob("*.sock"):
            stale.unlink()
        argv = [
            str(self._binary),
            "--data-dir=data",
            "--listen-client-urls=" + SERVER,
            "--listen-peer-urls=unix://peer.sock",
            # Nobody else joins: these two only have to be well-formed.
            "--advertise-client-urls=http://localhost:2379",
            "--initial-advertise-peer-urls=http://localhost:2380",
            "--initial-cluster=default=http://localhost:2380",
            "--unsafe-no-fsync",
            "--log-level=error",
        ]
        return self._processes.start("etcd", argv, env={"GOGC": "50"}, cwd=self.folder)

    def stop(self) -> None:
        """Stop the server; what it stored stays."""
        self._keeper.stop()

    def wipe(self, prefix: str) -> None:
        """Delete every key below ``prefix``/."""
        self._post("/v3/kv/deleterange", _below(prefix))

    def export(self, prefix: str) -> dict[str, str]:
        """What lies below ``prefix``/: values (base64) by the rest of their keys."""
        answer = self._post("/v3/kv/range", _below(prefix))
        skip = len(prefix) + 1
        return {base64.b64decode(one["key"]).decode()[skip:]: one["value"] for one in answer.get("kvs", [])}

    def seed(self, prefix: str, values: dict[str, str]) -> None:
        """Put back what export() gave, below another prefix."""
        for key, value in values.items():
            self._post("/v3/kv/put", {"key": _base64(f"{prefix}/{key}".encode()), "value": value})

    def _healthy(self) -> bool:
        try:
            return self._request("GET", "/health", None).get("health") == "true"
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._request("POST", path, json.dumps(body))

    def _request(self, method: str, path: str, body: str | None) -> dict[str, Any]:
        connection = _SocketConnection(self.folder / "client.sock")
        try:
            connection.request(method, path, body=body)
            answer = connection.getresponse()
            data = answer.read()
            if answer.status != http.client.OK:
                raise http.client.HTTPException(f"etcd answers {method} {path} with {answer.status}: {data!r}")
            decoded: dict[str, Any] = json.loads(data)
            return decoded
        finally:
            connection.close()


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        folder = os.open(self._path.parent, os.O_DIRECTORY | os.O_RDONLY)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")  # however long the folder's path is
        finally:
            os.close(folder)


def _below(prefix: str) -> dict[str, str]:
    start = f"{prefix}/".encode()
    return {"key": _base64(start), "range_end": _base64(start[:-1] + bytes([start[-1] + 1]))}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

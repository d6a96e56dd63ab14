# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client of the lab's data-plane process (tests/lab/servers/dataplane)."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

from meshlab.processes import Process, Processes


class DataplaneError(RuntimeError):
    """The data-plane process refused an operation, or is not there; the message is its own."""


class Dataplane:
    """The process and its operations; main.go names them. Thread-safe."""

    def __init__(self, binary: Path, folder: Path, processes: Processes) -> None:
        self._binary = binary
        self._socket = folder / "dataplane.sock"
        self._processes = processes
        self._process: Process | None = None

    def start(self) -> None:
        """Start the process; returns when it answers."""
        environment = {"GOGC": "50", "PATH": os.environ.get("PATH", "")}
        argv = [str(self._binary), "-socket", str(self._socket)]
        self._process = self._processes.start("dataplane", argv, env=environment)
        self._process.wait_ready(self._answers, seconds=30)

    def stop(self) -> None:
        """Stop the process."""
        if self._process:
            self._processes.stop(self._process)
            self._process = None

    def call(self, op: str, timeout: float = 30.0, **fields: Any) -> Any:
        """One operation. DataplaneError when it is refused."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout)
                connection.connect(str(self._socket))
                connection.sendall(_line(op, fields))
                return _result(connection.makefile("rb").readline())
        except OSError as error:
            raise DataplaneError(f"the data plane does not answer: {error}") from error

    async def acall(self, op: str, **fields: Any) -> Any:
        """As call(), without blocking the event loop."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=1 << 24)
        except OSError as error:
            raise DataplaneError(f"the data plane does not answer: {error}") from error
        try:
            writer.write(_line(op, fields))
            return _result(await reader.readline())
        except OSError as error:
            raise DataplaneError(f"the data plane does not answer: {error}") from error
        finally:
            writer.close()

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(str(self._socket))
        except OSError:
            return False
        return True


def _line(op: str, fields: dict[str, Any]) -> bytes:
    return json.dumps({"op": op, **fields}).encode() + b"\n"


def _result(line: bytes) -> Any:
    if not line:
        raise DataplaneError("the data plane ended while it was asked")
    reply = json.loads(line)
    if reply.get("error"):
        raise DataplaneError(reply["error"])
    return reply["result"]

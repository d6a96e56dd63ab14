# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client of the lab's data-plane process (tests/lab/servers/dataplane)."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

from meshlab.keeper import Keeper
from meshlab.processes import Process, ProcessError, Processes
from meshlab.traffic.journal import Journal, repeatable

log = logging.getLogger(__name__)

#: Seconds that a call waits for a process that is being started again, and between two attempts.
_RETURN = 10.0
_RETRY = 0.1


class DataplaneError(RuntimeError):
    """The data-plane process refused an operation, or is not there; the message is its own."""


class _AwayError(DataplaneError):
    """It is not there. ``unasked``: it has not got the request."""

    def __init__(self, message: str, *, unasked: bool) -> None:
        super().__init__(message)
        self.unasked = unasked


class Dataplane:
    """The process and its operations; main.go names them. Thread-safe.

    A process that dies is replaced by one that knows the same; what is asked in between waits for it.
    """

    def __init__(self, binary: Path, folder: Path, processes: Processes) -> None:
        self._binary = binary
        self._socket = folder / "dataplane.sock"
        self._processes = processes
        self._journal = Journal()
        self._keeper = Keeper(processes, self._spawn)
        self._complete = threading.Event()

    def start(self) -> None:
        """Start the process; returns when it answers."""
        self._keeper.start()
        self._keeper.watch()

    def stop(self) -> None:
        """Stop the process."""
        self._keeper.stop()

    def call(self, op: str, timeout: float = 30.0, **fields: Any) -> Any:
        """One operation. DataplaneError when it is refused."""
        deadline = time.monotonic() + _RETURN
        while True:
            try:
                self._check_complete()
                result = self._exchange(op, timeout, fields)
            except _AwayError as error:
                self._check_return(op, error, deadline)
                time.sleep(_RETRY)
            else:
                self._journal.note(op, fields)
                return result

    async def acall(self, op: str, **fields: Any) -> Any:
        """As call(), without blocking the event loop."""
        deadline = time.monotonic() + _RETURN
        while True:
            try:
                self._check_complete()
                result = await self._aexchange(op, fields)
            except _AwayError as error:
                self._check_return(op, error, deadline)
                await asyncio.sleep(_RETRY)
            else:
                self._journal.note(op, fields)
                return result

    def _check_complete(self) -> None:
        if not self._complete.is_set():
            raise _AwayError("the data plane is being started", unasked=True)

    def _check_return(self, op: str, error: _AwayError, deadline: float) -> None:
        """Raises the error where it makes no sense to try again."""
        if not self._keeper.keeping or time.monotonic() > deadline or not (error.unasked or repeatable(op)):
            raise error

    def _exchange(self, op: str, timeout: float, fields: dict[str, Any]) -> Any:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            try:
                connection.connect(str(self._socket))
            except OSError as error:
                raise _AwayError(f"the data plane does not answer: {error}", unasked=True) from error
            try:
                connection.sendall(_line(op, fields))
                return _result(connection.makefile("rb").readline())
            except OSError as error:
                raise _AwayError(f"the data plane does not answer: {error}", unasked=False) from error

    async def _aexchange(self, op: str, fields: dict[str, Any]) -> Any:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=1 << 24)
        except OSError as error:
            raise _AwayError(f"the data plane does not answer: {error}", unasked=True) from error
        try:
            writer.write(_line(op, fields))
            return _result(await reader.readline())
        except OSError as error:
            raise _AwayError(f"the data plane does not answer: {error}", unasked=False) from error
        finally:
            writer.close()

    def _spawn(self) -> Process:
        """A process that answers and knows what its predecessor knew."""
        self._complete.clear()
        environment = {"GOGC": "50", "PATH": os.environ.get("PATH", "")}
        process = self._processes.start("dataplane", [str(self._binary), "-socket", str(self._socket)], env=environment)
        try:
            process.wait_ready(self._answers, seconds=30)
        except ProcessError:
            self._processes.stop(process)
            raise
        for op, fields in self._journal.operations():
            self._tell_again(op, fields)
        self._complete.set()
        return process

    def _tell_again(self, op: str, fields: dict[str, Any]) -> None:
        if op == "identify":
            Path(fields["identity"]["socket"]).unlink(missing_ok=True)  # of the process that died
        try:
            self._exchange(op, 30.0, fields)
        except DataplaneError as error:  # what it was for may have gone in the meantime
            log.warning("the data plane cannot %s again: %s", op, error)

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
        raise _AwayError("the data plane ended while it was asked", unasked=False)
    reply = json.loads(line)
    if reply.get("error"):
        raise DataplaneError(reply["error"])
    return reply["result"]

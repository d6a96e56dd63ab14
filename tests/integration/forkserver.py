# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules in processes of their own without the second that loading the cloud's SDK takes each time.

A server process that has the libraries loaded, but nothing of the collection, forks one child for each module. The
child's standard streams are files, and it holds the write end of a pipe whose end tells that the child has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import NoReturn

_PRELOADED = (
    "alibabacloud_cs20151215.client",
    "alibabacloud_servicemesh20200111.client",
    "alibabacloud_tea_util.models",
    "ansible.module_utils.basic",
    "urllib3",
    "yaml",
)
#: Reads the environment when it is loaded, so every child loads it anew.
_CREDENTIALS = "alibabacloud_credentials"


class Child:
    """One forked process."""

    def __init__(self, pid: int, alive: int, output: Path, errors: Path) -> None:
        self.pid = pid
        self._alive = alive
        self._output = output
        self._errors = errors

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, at the latest after ``seconds``."""
        return bool(select.select([self._alive], [], [], seconds)[0])

    def kill(self) -> None:
        """SIGKILL, as a machine that goes down would."""
        if not self.wait(0):
            os.kill(self.pid, signal.SIGKILL)
            self.wait(10)

    def read(self) -> tuple[str, str]:
        """What it has printed: standard output and standard error. To be called once, after its end."""
        os.close(self._alive)
        return self._output.read_text(encoding="utf-8"), self._errors.read_text(encoding="utf-8")


class ForkServer:
    """The client's side; ``environment`` is that of the server itself."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._count = 0
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=folder,
                pass_fds=[theirs.fileno()],
            )

    def start(self, module: str, stdin: str, environment: dict[str, str]) -> Child:
        """Starts ``python -m module`` with this input and environment."""
        self._count += 1
        files = [self._folder / f"{self._count}.{name}" for name in ("in", "out", "err")]
        files[0].write_text(stdin, encoding="utf-8")
        descriptors = [os.open(files[0], os.O_RDONLY)]
        descriptors += [os.open(file, os.O_WRONLY | os.O_CREAT, 0o600) for file in files[1:]]
        alive, held = os.pipe()
        descriptors.append(held)
        request = json.dumps({"module": module, "environment": environment}).encode()
        socket.send_fds(self._socket, [request], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        pid = int(self._socket.recv(100))
        return Child(pid, alive, files[1], files[2])

    def close(self) -> None:
        """Ends the server; children that still run go on to their own end."""
        self._socket.close()
        self._process.wait(30)


def serve(descriptor: int) -> None:
    """The server's side: until the client has gone."""
    for name in _PRELOADED:
        importlib.import_module(name)
    for name in [name for name in sys.modules if name.split(".")[0] == _CREDENTIALS]:
        del sys.modules[name]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children are of no interest here
    with socket.socket(fileno=descriptor) as requests:
        while True:
            message, descriptors, _unused, _unused = socket.recv_fds(requests, 1 << 20, 4)
            if not message:
                return
            pid = os.fork()
            if pid == 0:
                requests.detach()
                os.close(descriptor)
                _run(json.loads(message), descriptors)
            for one in descriptors:
                os.close(one)
            requests.send(str(pid).encode())


def _run(request: dict[str, dict[str, str]], descriptors: list[int]) -> NoReturn:
    """In the child: become the module."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, one in enumerate(descriptors[:3]):
            os.dup2(one, number)
            os.close(one)
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = [str(request["module"])]
        runpy.run_module(str(request["module"]), run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(int(sys.argv[1]))

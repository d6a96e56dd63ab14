# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as a background process: started, found again by its pid file, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from meshlab.addresses import ADDRESSES, Addresses, AddressesError
from meshlab.binaries import BinariesError, ensure_binaries
from meshlab.control import Control, LabError
from meshlab.files import private_dir
from meshlab.processes import end_leftovers, started
from meshlab.traffic.namespaces import NamespaceError
from meshlab.traffic.network import remove_leftovers
from meshlab.traffic.tools import install_tools

PID_FILE = "lab.pid"
LOG_FILE = "lab.log"
READY = "ready"

#: Before every line that the lab says to whoever starts it.
PREFIX = "lab: "
ERROR = "error: "

#: Seconds in which the kernel takes a killed process's sockets away.
_RELEASE = 3.0

#: Seconds that starting may take once the binaries are there, and that stopping may take.
_START, _STOP = 180.0, 60.0


def up(workdir: Path, world: Path, transitions: float, report: Callable[[str], None], *, traffic: bool = True) -> bool:
    """Start a lab in the background and wait until it is ready; False when it was running. Raises LabError."""
    private_dir(workdir)
    if Control(workdir).running():
        return False
    if alive(workdir):
        raise LabError(f"a lab is starting or stopping in {workdir}; see {workdir / LOG_FILE}")
    try:
        ensure_binaries(report)
    except BinariesError as error:
        raise LabError(str(error)) from None
    if traffic:
        install_tools(report)
    command = [sys.executable, "-m", "meshlab", "up", "--foreground"]
    command += ["--workdir", str(workdir), "--world", str(world), "--transitions", str(transitions)]
    command += [] if traffic else ["--no-traffic"]
    package = str(Path(__file__).parent.parent)
    log = os.open(workdir / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])},
            start_new_session=True,
        )
    finally:
        os.close(log)
    _wait_ready(workdir, process, report)
    return True


def down(workdir: Path) -> bool:
    """Stop the lab and wait until it is gone; False when none was running. Raises LabError."""
    pid = alive(workdir)
    if pid is None:
        ended = bool(end_leftovers(workdir))
        return _remove_network(workdir) or ended
    moment = started(pid)
    try:
        Control(workdir).shutdown()
    except LabError:
        os.kill(pid, signal.SIGTERM)  # it is starting, or does not answer any more
    deadline = time.monotonic() + _STOP
    while started(pid) == moment:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)  # its children die with it
            (workdir / PID_FILE).unlink(missing_ok=True)
            raise LabError(f"the lab (process {pid}) did not stop within {_STOP:.0f} s and was killed; see {LOG_FILE}")
        time.sleep(0.05)
    return True


def _remove_network(workdir: Path) -> bool:
    """Remove namespaces and files of a lab that was killed; whether there were any. Raises LabError."""
    if not (workdir / ADDRESSES).exists():
        return False
    deadline = time.monotonic() + _RELEASE
    while True:
        try:
            addresses = Addresses(workdir)
            break
        except AddressesError:
            if time.monotonic() > deadline:
                return False  # another lab has the range by now, and cleaned up when it began
            time.sleep(0.05)
    try:
        return remove_leftovers(addresses.octet)
    except NamespaceError as error:
        raise LabError(f"what a lab left behind cannot be removed: {error}") from None
    finally:
        addresses.close()


def _wait_ready(workdir: Path, process: subprocess.Popen[bytes], report: Callable[[str], None]) -> None:
    """Pass on what the lab says of its start until it is ready. Raises LabError."""
    deadline = time.monotonic() + _START
    with (workdir / LOG_FILE).open(encoding="utf-8", errors="replace") as stream:
        rest = ""
        while time.monotonic() < deadline:
            rest += stream.read()
            *lines, rest = rest.split("\n")
            for line in lines:
                if line == f"{PREFIX}{READY}":
                    return
                if line.startswith(f"{PREFIX}{ERROR}"):
                    raise LabError(f"{line.removeprefix(PREFIX + ERROR)} (see {workdir / LOG_FILE})")
                if line.startswith(PREFIX):
                    report(line.removeprefix(PREFIX))
            if process.poll() is not None and not lines:
                raise LabError(f"the lab ended with code {process.returncode}; see {workdir / LOG_FILE}")
            time.sleep(0.05)
    process.terminate()
    raise LabError(f"the lab is not ready after {_START:.0f} s; see {workdir / LOG_FILE}")


def alive(workdir: Path) -> int | None:
    """The process id of this work directory's lab, if that very process still runs."""
    try:
        pid, since = (workdir / PID_FILE).read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return None
    return int(pid) if started(int(pid)) == since else None

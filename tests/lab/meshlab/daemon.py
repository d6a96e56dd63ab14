# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab as a process: started in the background, found again by its pid file, ended by name of its work directory."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from meshlab.addresses import AddressesError
from meshlab.binaries import BinariesError, ensure_binaries
from meshlab.control import SOCKET, Control, LabError
from meshlab.controlserver import ControlServer
from meshlab.files import private_dir, write_private
from meshlab.lab import Lab
from meshlab.processes import ProcessError, end_leftovers

PID_FILE = "lab.pid"
LOG_FILE = "lab.log"
READY = "ready"

#: Seconds that starting may take once the binaries are there, and that stopping may take.
_START, _STOP = 180.0, 60.0


def up(workdir: Path, world: Path, transitions: float, report: Callable[[str], None]) -> bool:
    """Start a lab in the background and wait until it is ready; False when it was running. Raises LabError."""
    private_dir(workdir)
    if Control(workdir).running():
        return False
    if _alive(workdir):
        raise LabError(f"a lab is starting or stopping in {workdir}; see {workdir / LOG_FILE}")
    try:
        ensure_binaries(report)
    except BinariesError as error:
        raise LabError(str(error)) from None
    command = [sys.executable, "-m", "meshlab", "up", "--foreground"]
    command += ["--workdir", str(workdir), "--world", str(world), "--transitions", str(transitions)]
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


def run(workdir: Path, world: Path, transitions: float) -> int:
    """Run a lab in this process until it is told to stop; returns the exit code."""
    private_dir(workdir)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    write_private(workdir / PID_FILE, f"{os.getpid()} {_started(os.getpid())}")
    try:
        lab = Lab(workdir, world, ensure_binaries(_say), transitions)
    except (BinariesError, AddressesError, ProcessError, ValueError, OSError) as error:
        _say(f"error: {error}")
        (workdir / PID_FILE).unlink(missing_ok=True)
        return 1
    control = None
    try:
        lab.start(_say)
        control = ControlServer(workdir / SOCKET, lab, stopping.set)
        control.start()
        _say(READY)
        stopping.wait()
    except Exception as error:  # whatever fails at the start must be said, and everything stopped again
        logging.getLogger(__name__).exception("starting failed")
        _say(f"error: {error}")
        return 1
    finally:
        if control is not None:
            control.stop()
        lab.stop()
        (workdir / PID_FILE).unlink(missing_ok=True)
    return 0


def down(workdir: Path) -> bool:
    """Stop the lab and wait until it is gone; False when none was running. Raises LabError."""
    pid = _alive(workdir)
    if pid is None:
        return bool(end_leftovers(workdir))
    try:
        Control(workdir).shutdown()
    except LabError:
        os.kill(pid, signal.SIGTERM)  # it is starting, or does not answer any more
    deadline = time.monotonic() + _STOP
    while _alive(workdir) is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)  # its children die with it
            (workdir / PID_FILE).unlink(missing_ok=True)
            raise LabError(f"the lab (process {pid}) did not stop within {_STOP:.0f} s and was killed; see {LOG_FILE}")
        time.sleep(0.05)
    return True


def _wait_ready(workdir: Path, process: subprocess.Popen[bytes], report: Callable[[str], None]) -> None:
    """Pass on what the lab says of its start until it is ready. Raises LabError."""
    deadline = time.monotonic() + _START
    with (workdir / LOG_FILE).open(encoding="utf-8", errors="replace") as stream:
        rest = ""
        while time.monotonic() < deadline:
            rest += stream.read()
            *lines, rest = rest.split("\n")
            for line in lines:
                if line == f"lab: {READY}":
                    return
                if line.startswith("lab: error: "):
                    raise LabError(f"{line.removeprefix('lab: error: ')} (see {workdir / LOG_FILE})")
                if line.startswith("lab: "):
                    report(line.removeprefix("lab: "))
            if process.poll() is not None and not lines:
                raise LabError(f"the lab ended with code {process.returncode}; see {workdir / LOG_FILE}")
            time.sleep(0.05)
    process.terminate()
    raise LabError(f"the lab is not ready after {_START:.0f} s; see {workdir / LOG_FILE}")


def _say(line: str) -> None:
    print(f"lab: {line}", flush=True)


def _alive(workdir: Path) -> int | None:
    """The process id of this work directory's lab, if that very process still runs."""
    try:
        pid, started = (workdir / PID_FILE).read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return None
    return int(pid) if _started(int(pid)) == started else None


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot; empty when there is none, or only a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]

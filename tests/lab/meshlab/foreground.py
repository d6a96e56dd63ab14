# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab in this process, until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from meshlab.addresses import AddressesError
from meshlab.binaries import BinariesError, ensure_binaries
from meshlab.control import SOCKET
from meshlab.controlserver import ControlServer
from meshlab.daemon import ERROR, PID_FILE, PREFIX, READY
from meshlab.files import private_dir, write_private
from meshlab.lab import Lab
from meshlab.processes import ProcessError, started


def run(workdir: Path, world: Path, transitions: float, *, traffic: bool = True) -> int:
    """Run a lab in this process until it is told to stop; returns the exit code."""
    private_dir(workdir)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    write_private(workdir / PID_FILE, f"{os.getpid()} {started(os.getpid())}")
    try:
        lab = Lab(workdir, world, ensure_binaries(_say), transitions, traffic=traffic)
    except (BinariesError, AddressesError, ProcessError, ValueError, OSError) as error:
        _say(f"{ERROR}{error}")
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
        _say(f"{ERROR}{error}")
        return 1
    finally:
        if control is not None:
            control.stop()
        lab.stop()
        (workdir / PID_FILE).unlink(missing_ok=True)
    return 0


def _say(line: str) -> None:
    print(f"{PREFIX}{line}", flush=True)

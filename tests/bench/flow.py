# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the main flow on this machine: lab up, first and second run of the site playbook, memory of it all.

Run by ``make bench``; the lab is one of its own, in a temporary folder. Writes ``tests/bench/results/flow.json``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meshlab.control import Control

from tests.bench.machine import describe_machine, proportional_memory

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "bookinfo"
RESULTS = ROOT / "tests" / "bench" / "results" / "flow.json"
GOALS = {"lab_up_s": 15.0, "first_s": 30.0, "second_s": 15.0, "peak_mb": 2560.0}


class Memory(threading.Thread):
    """Samples the proportional set size (MiB) of this process' descendants and of the lab's, and keeps the peak."""

    def __init__(self, workdir: Path) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0
        self._workdir = str(workdir)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.5):
            self.peak = max(self.peak, proportional_memory(os.getpid(), self._workdir))

    def stop(self) -> None:
        self._over.set()
        self.join()


def lab(workdir: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "meshlab", *arguments, "--workdir", str(workdir)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def lab_with_traffic(given: str | None) -> Iterator[tuple[Path, Path]]:
    """The work directory of a lab, the one that is ``given`` or one for this block, and a folder for files.

    Ends the program where the lab has no traffic.
    """
    with tempfile.TemporaryDirectory(prefix="meshops-bench-") as name:
        folder = Path(name)
        workdir = Path(given or folder / "lab")
        if not given:
            lab(workdir, "up", "--transitions", "0")
        try:
            traffic = Control(workdir).status()["traffic"]
            if not traffic["available"]:
                sys.exit(f"no traffic to measure: {traffic['reason']}")
            yield workdir, folder
        finally:
            if not given:
                lab(workdir, "down")


def lab_environment(workdir: Path) -> dict[str, str]:
    """The variables that ``meshlab env`` prints as shell exports."""
    pairs = re.findall(r"^export (\w+)=['\"]?([^'\"\n]*)", lab(workdir, "env"), flags=re.MULTILINE)
    return {**os.environ, **dict(pairs)}


def site(environment: dict[str, str]) -> tuple[float, str]:
    """Seconds of one whole ansible-playbook process, and what it printed."""
    start = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", "meshops.asm.site", "-e", "@mesh.yml"],
        cwd=EXAMPLE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"the site playbook failed:\n{done.stdout[-4000:]}")
    return time.monotonic() - start, done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="meshops-bench-") as folder:
        workdir = Path(folder) / "lab"
        memory = Memory(workdir)
        memory.start()
        try:
            start = time.monotonic()
            lab(workdir, "up", "--transitions", "0")
            figures = {"lab_up_s": time.monotonic() - start}
            environment = lab_environment(workdir)
            figures["first_s"], _unused = site(environment)
            figures["second_s"], output = site(environment)
            if not re.search(r"changed=0\b", output):
                sys.exit("the second run changed something:\n" + output[-4000:])
        finally:
            lab(workdir, "down")
            memory.stop()
        figures["peak_mb"] = memory.peak
    rows = {name: round(value, 1) for name, value in figures.items()}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({**rows, "machine": describe_machine()}, indent=2) + "\n", encoding="utf-8")
    print(f"{describe_machine()}\n{'figure':<12}{'measured':>10}{'goal':>10}")
    for name, value in rows.items():
        print(f"{name:<12}{value:>10.1f}{GOALS[name]:>10.0f}")


if __name__ == "__main__":
    main()

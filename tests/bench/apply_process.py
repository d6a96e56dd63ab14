# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command with its time and the peak memory of all its processes together."""

from __future__ import annotations

import re
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# Often enough for memory that stays for seconds; looking takes time from what is looked at.
_EVERY = 0.25


@dataclass(frozen=True)
class Watched:
    """``peak_mb`` is the largest sum of the processes' proportional set sizes (MiB) that was seen."""

    code: int
    seconds: float
    peak_mb: float
    output: str


def watched_run(command: list[str], *, env: dict[str, str], cwd: Path) -> Watched:
    """Runs a command to its end; its output is kept in a file, as a pipe would slow it down."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        start = time.monotonic()
        process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        peak = [0.0]
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, peak, over))
        watcher.start()
        code = process.wait()
        seconds = time.monotonic() - start
        over.set()
        watcher.join()
        output.seek(0)
        return Watched(code, seconds, peak[0], output.read())


def _watch(pid: int, peak: list[float], over: threading.Event) -> None:
    while not over.wait(_EVERY):
        peak[0] = max(peak[0], sum(_pss(one) for one in _family(pid)) / 1024)


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*"):
            try:
                found += [int(word) for word in (task / "children").read_text("utf-8").split()]
            except OSError:
                continue
    return found


def _pss(pid: int) -> int:
    """KiB; 0 for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", text, flags=re.MULTILINE)
    return int(found.group(1)) if found else 0

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark says of the machine, and how much memory a family of processes uses."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def describe_machine() -> str:
    """Processor, cores, memory, kernel and Python in one line."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.+)$", cpuinfo, flags=re.MULTILINE)
    meminfo = Path("/proc/meminfo").read_text(encoding="utf-8")
    total = re.search(r"^MemTotal:\s+(\d+)", meminfo, flags=re.MULTILINE)
    memory = int(total.group(1)) // 1024**2 + 1 if total else 0
    name = model.group(1) if model else platform.machine()
    cores = len(os.sched_getaffinity(0))
    return f"{name}, {cores} cores, {memory} GiB, Linux {platform.release()}, Python {platform.python_version()}"


def proportional_memory(root: int, marker: str) -> float:
    """MiB (PSS) of the descendants of ``root`` and of all processes whose command line or folder has ``marker``."""
    parents: dict[int, int] = {}
    marked: set[int] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            stat = (entry / "stat").read_text(encoding="utf-8")
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            folder = str((entry / "cwd").readlink())
        except OSError:
            continue
        parents[pid] = int(stat.rpartition(")")[2].split()[1])
        if marker in command or marker in folder:
            marked.add(pid)
    marked.add(root)
    family = {pid for pid in parents if _descends(pid, parents, marked)} - {root}
    return sum(_pss(pid) for pid in family) / 1024


def _descends(pid: int, parents: dict[int, int], roots: set[int]) -> bool:
    while pid > 1:
        if pid in roots:
            return True
        pid = parents.get(pid, 0)
    return False


def _pss(pid: int) -> int:
    """KiB; 0 for a process that has ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", rollup, flags=re.MULTILINE)
    return int(found.group(1)) if found else 0

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module ends with the playbook that runs it, however that ends: nothing is sent behind its user's back.

The processes of the playbook (the task's worker and ansible-playbook itself) are named in the environment, and a thread
of the module waits for the end of any of them. PR_SET_PDEATHSIG would not do: it knows the parent only, which outlives
a kill -9 of ansible-playbook, and it fires when the thread that forked ends.

PRIVATE: this code is for this collection only and may change without notice.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# ``pid:start`` of each process, separated by commas. The time of its start tells it from a later one with its id.
VARIABLE = "MESHOPS_ASM_CALLERS"
# Seconds between two looks where the kernel (before Linux 5.3) cannot wake the thread.
_LOOK = 0.1


class CallerGone(Exception):
    """The playbook of this task has ended."""


def callers() -> str:
    """This process, and the one that forked it when it is a worker of Ansible, as the variable's value.

    Raises ``CallerGone`` when that has ended already. Empty where processes cannot be told apart (no ``/proc``).
    """
    pids = [os.getpid()]
    above = multiprocessing.parent_process()
    if above is not None and above.pid is not None:
        if os.getppid() != above.pid:
            raise CallerGone("The playbook of this task has ended.")
        pids.append(above.pid)
    named = [(pid, _start(pid)) for pid in pids]
    return ",".join(f"{pid}:{start}" for pid, start in named if start)


@contextmanager
def announced() -> Iterator[None]:
    """Names this process to the modules that are started inside the block."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = callers()
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def follow() -> None:
    """Ends this process at once when a process that the environment names ends, or has ended already.

    Without the variable (a module that Ansible runs elsewhere, or a task with ``async``) nothing happens.
    """
    named = [entry.partition(":") for entry in os.environ.get(VARIABLE, "").split(",") if ":" in entry]
    known = [(int(pid), start) for pid, _unused, start in named if pid.isdigit()]
    if not known:
        return
    watched = [(_descriptor(pid), pid, start) for pid, start in known]
    # Looked at after the descriptors were opened: until then an id may have gone to another process.
    if any(_start(pid) != start for _unused, pid, start in watched):
        os._exit(1)
    threading.Thread(target=_end_with, args=(watched,), daemon=True, name="lifeline").start()


def _end_with(watched: list[tuple[int | None, int, str]]) -> None:
    ends = select.poll()
    for descriptor, _unused, _unused_too in watched:
        if descriptor is not None:
            ends.register(descriptor, select.POLLIN)
    if all(descriptor is not None for descriptor, _unused, _unused_too in watched):
        ends.poll()
    else:
        while all(_start(pid) == start for _unused, pid, start in watched):
            time.sleep(_LOOK)
    os._exit(1)


def _descriptor(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _start(pid: int) -> str:
    """When the process started, in clock ticks since the system did; empty for one that has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The second field, the name in parentheses, may hold anything.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]

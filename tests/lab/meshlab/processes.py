# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes of one lab: they die with the lab, and what a killed lab left behind is found again and ended."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from meshlab.files import private_dir, write_private


class ProcessError(RuntimeError):
    """A process ended when it should not, or did not become ready; the message holds the end of its log."""


@dataclass(frozen=True)
class Identity:
    """What tells a process from a later one with the same id: boot, start time (clock ticks since boot), executable."""

    name: str
    pid: int
    boot: str
    started: str
    executable: str


class Process:
    """One running child. ``log`` collects what it prints."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.pid = popen.pid
        self.log = log
        self._popen = popen

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._popen.poll() is None

    def check(self) -> None:
        """ProcessError when it has ended."""
        if not self.running:
            raise ProcessError(f"{self.name} ended with code {self._popen.returncode}; {self.tail()}")

    @property
    def code(self) -> int:
        """The exit code of one that has ended; negative for a signal."""
        return self._popen.wait()

    def tail(self, lines: int = 5) -> str:
        """The end of the log, for messages."""
        text = self.log.read_text(errors="replace").strip().splitlines()
        return f"the end of {self.log}:\n" + "\n".join(text[-lines:])

    def wait_ready(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until ``ready()``; ProcessError when the process ends first or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} is not ready after {seconds:.0f} s; {self.tail()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash would."""
        self._popen.kill()

    def freeze(self) -> None:
        """Stop it where it is: its connections stay open, and nobody answers on them."""
        self._popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._popen.send_signal(signal.SIGCONT)

    def stop(self, *, grace: float) -> None:
        """Ask it to end, and kill it after ``grace`` seconds."""
        if self.running:
            self.thaw()
            self._popen.terminate()
            try:
                self._popen.wait(grace)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()


class Processes:
    """Starts and knows the children of one lab; ``workdir``/processes.json lists them. Thread-safe.

    ``environment`` has the last word over that of every child.
    """

    def __init__(self, workdir: Path, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._file = workdir / "processes.json"
        self._logs = workdir / "logs"
        self._lock = threading.Lock()
        self._running: dict[int, tuple[Process, Identity]] = {}
        self._restarts: Counter[str] = Counter()
        self._setpriv = shutil.which("setpriv")
        if self._setpriv is None:
            raise ProcessError("the program setpriv was not found; install the package util-linux")
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # The kernel sends the parent-death signal when the *thread* that started a child ends, so one thread that
        # lives as long as the lab starts all of them.
        self._starter = threading.Thread(target=self._serve, name="process-starter", daemon=True)
        self._starter.start()

    def log_file(self, name: str) -> Path:
        """Where the output of a process of this name goes, or would go."""
        return self._logs / f"{name}.log"

    def start(
        self,
        name: str,
        argv: list[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        within: Sequence[str] = (),
        group: int | None = None,
    ) -> Process:
        """Start a child named ``name``. It gets no environment but ``env``, and is killed when the lab dies.

        ``within``: a command that executes what follows it, such as nsenter. ``group``: run it with this group and
        without any privilege.
        """
        command = self._command(argv, within, group)
        private_dir(self._logs)
        log = self.log_file(name)
        result: queue.SimpleQueue[Process | OSError] = queue.SimpleQueue()

        def job() -> None:
            try:
                result.put(self._spawn(name, command, argv[0], {**env, **self._environment}, cwd, log))
            except OSError as error:
                result.put(error)

        self._jobs.put(job)
        process = result.get()
        if isinstance(process, OSError):
            raise ProcessError(f"{name} cannot be started: {process}") from process
        return process

    def stop(self, process: Process, *, grace: float = 3.0) -> None:
        """End a child and forget it."""
        process.stop(grace=grace)
        with self._lock:
            if self._running.pop(process.pid, None):
                self._save()

    def replaced(self, process: Process) -> None:
        """Forget a child that has ended, and for which another one of the same name has been started."""
        with self._lock:
            self._restarts[process.name] += 1
            self._running.pop(process.pid, None)
            self._save()

    def running(self, pattern: str = "*") -> list[Process]:
        """The children that run and whose name matches a shell pattern."""
        with self._lock:
            known = [process for process, _identity in self._running.values()]
        return [one for one in known if one.running and fnmatchcase(one.name, pattern)]

    def restarts(self) -> dict[str, int]:
        """How often children that ended by themselves have been started again, by name."""
        with self._lock:
            return dict(sorted(self._restarts.items()))

    def ended(self) -> list[str]:
        """A sentence for each child that has ended although nobody stopped it, and that nothing has replaced."""
        with self._lock:
            known = [process for process, _identity in self._running.values()]
        return [f"{one.name} has ended with code {one.code}, see {one.log}" for one in known if not one.running]

    def close(self) -> None:
        """End all children that are left and the starter thread."""
        with self._lock:
            left = [process for process, _identity in self._running.values()]
        for process in left:
            self.stop(process)
        self._jobs.put(None)
        self._starter.join()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _command(self, argv: list[str], within: Sequence[str], group: int | None) -> list[str]:
        bounds = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        lower = [f"--regid={group}", *bounds] if group is not None else []
        # The last of them, because a change of identity takes the parent-death signal back.
        return [*within, str(self._setpriv), *lower, "--pdeathsig", "KILL", "--", *argv]

    def _spawn(
        self, name: str, command: list[str], program: str, env: Mapping[str, str], cwd: Path | None, log: Path
    ) -> Process:
        log.touch(mode=0o600)
        with log.open("ab") as stream:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,  # Ctrl-C in a terminal is for the lab, which ends them in order
            )
        process = Process(name, popen, log)
        identity = Identity(name, popen.pid, _boot_id(), started(popen.pid), os.path.realpath(program))
        with self._lock:
            self._running[popen.pid] = (process, identity)
            self._save()
        return process

    def _save(self) -> None:
        entries = [asdict(identity) for _process, identity in self._running.values()]
        write_private(self._file, json.dumps(entries, indent=1))


def end_leftovers(workdir: Path) -> list[str]:
    """End the processes that a killed lab of ``workdir`` left behind; their names. Others are never touched.

    A process counts as left behind only when its id, start time and executable are those that the lab recorded.
    """
    file = workdir / "processes.json"
    if not file.exists():
        return []
    left = [one for entry in json.loads(file.read_text()) if _is_there(one := Identity(**entry))]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for one in left:
            if _is_there(one):
                os.kill(one.pid, number)
        deadline = time.monotonic() + 3.0
        while time.monotonic() < deadline and any(_is_there(one) for one in left):
            time.sleep(0.05)
    file.unlink()
    return [one.name for one in left]


def _is_there(identity: Identity) -> bool:
    """Whether anything is left of a process: until its last thread has ended, it keeps its sockets."""
    moment = started(identity.pid)
    if not moment or (identity.boot, identity.started) != (_boot_id(), moment):
        return False
    try:
        executable = str(Path(f"/proc/{identity.pid}/exe").readlink())
    except FileNotFoundError:
        return True  # it is ending
    except OSError:
        return False
    return executable.removesuffix(" (deleted)") == identity.executable


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def started(pid: int) -> str:
    """Start time of a process in clock ticks since boot; empty when nothing is left of it but its entry.

    Field 22 of /proc/PID/stat; the fields before the command name's closing bracket may hold spaces. The first thread
    of a process may end before the others.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" and threads == 1 else fields[19]

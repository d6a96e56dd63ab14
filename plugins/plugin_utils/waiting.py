# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what a module waits for, while it waits.

The module adds lines to a file (module_utils/flow/progress.py), and a thread of the task's process prints them. They go
to the standard error, so that they are seen in a terminal and in AWX and stay out of output that a program reads; not
through Ansible's display, see ``plugin_utils/terminal.py``.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.meshops.asm.plugins.module_utils.flow.progress import VARIABLE
from ansible_collections.meshops.asm.plugins.plugin_utils.clean_failure import clean_action
from ansible_collections.meshops.asm.plugins.plugin_utils.drift_record import record
from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import run_module
from ansible_collections.meshops.asm.plugins.plugin_utils.own_kubeconfig import module_args
from ansible_collections.meshops.asm.plugins.plugin_utils.terminal import TERMINAL

# Switches the lines off; they are on without it.
SWITCH = "MESHOPS_ASM_PROGRESS"
# Seconds: shorter waits say nothing, news come no closer than this, and a wait without news is told again then.
QUIET_AT_FIRST = 3.0
BETWEEN = 2.0
REPEAT = 30.0
_LOOK = 0.5

Json = dict[str, Any]


class WaitingAction(ActionBase):
    """Runs the module of the same name, shows what it waits for, and keeps its result for the report of drift."""

    _supports_async = True
    _supports_check_mode = True
    _supports_diff = True

    @clean_action
    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        args = self._module_args(task_vars)
        with showing_waits(self, task_vars):
            result = self._completed(run_module(self, task_vars, args))
        record(self, task_vars, result)
        return self._shown(task_vars, result)

    def _module_args(self, task_vars: Json) -> Json:
        """The options of the task as its module gets them, with the text of the kubeconfig."""
        return module_args(self)

    def _completed(self, result: Json) -> Json:
        """The module's result with what only the controller knows."""
        return result

    def _shown(self, task_vars: Json, result: Json) -> Json:
        """What is shown of a result that the report of drift has."""
        return result


class Teller:
    """Decides which reports become lines. Pure, but for ``say``."""

    def __init__(self, host: str, say: Callable[[str], None]) -> None:
        self._host = host
        self._say = say
        self._forget()

    def _forget(self) -> None:
        self._what, self._heard, self._said = "", 0.0, -REPEAT

    def hear(self, report: Json) -> None:
        """``report`` is one of ``progress.tell``."""
        what, seconds = str(report["what"]), float(report["seconds"])
        if seconds < self._heard:
            # Another wait of the same task.
            self._forget()
        self._heard = seconds
        pause = REPEAT if what == self._what else BETWEEN
        if seconds < QUIET_AT_FIRST or seconds - self._said < pause:
            return
        self._what, self._said = what, seconds
        percent = "" if report.get("percent") is None else f", {report['percent']} %"
        self._say(f"[{self._host}] waiting for {what}: {seconds:.0f} s{percent}")


@contextmanager
def showing_waits(action: ActionBase, task_vars: Json) -> Iterator[None]:
    """Shows the waits of the module that ``action`` runs inside the block.

    Nothing is shown for a task with ``async`` (it is another process that waits then), with ``no_log`` or with
    ``MESHOPS_ASM_PROGRESS=false``, and for a module that runs on another host.
    """
    task = action._task
    wanted = boolean(os.environ.get(SWITCH, "true"), strict=False)
    if not wanted or task.async_val or task.no_log or action._connection.transport != "local":
        yield
        return
    teller = Teller(str(task_vars.get("inventory_hostname", "localhost")), TERMINAL.say)
    over = threading.Event()
    before = os.environ.get(VARIABLE)
    with tempfile.NamedTemporaryFile("r", prefix="meshops-waits-", dir=C.DEFAULT_LOCAL_TMP, encoding="utf-8") as file:
        reader = threading.Thread(target=_follow, args=(file, teller, over), daemon=True)
        os.environ[VARIABLE] = file.name
        reader.start()
        try:
            yield
        finally:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before
            over.set()
            reader.join()


def _follow(file: IO[str], teller: Teller, over: threading.Event) -> None:
    """Hands each line of the growing file to ``teller`` until it is over."""
    rest = ""
    while not over.wait(_LOOK):
        rest += file.read()
        *lines, rest = rest.split("\n")
        for line in lines:
            teller.hear(json.loads(line))

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: A table at the end of a play about meshes
version_added: 0.1.0
description:
  - Prints at the end what a play has done to meshes, as told by the results of this collection's modules. It shows the
    meshes with their states, their clusters, the gateways with their addresses, the tasks that changed something, and
    the slowest tasks.
  - Prints nothing for plays that use no module of this collection.
  - It is on when its name is in C(callbacks_enabled) of C(ansible.cfg) or in C(ANSIBLE_CALLBACKS_ENABLED).
author:
  - The meshops.asm authors (@meshops)
options:
  slowest:
    description: How many of the slowest tasks are shown; with V(0) none.
    type: int
    default: 5
    env:
      - name: MESHOPS_ASM_SUMMARY_SLOWEST
    ini:
      - section: callback_meshops_asm
        key: slowest
"""

EXAMPLES = r"""
example: >
  Switch it on in ansible.cfg

  [defaults]

  callbacks_enabled = meshops.asm.summary
"""

import time
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.meshops.asm.plugins.plugin_utils.summary_table import Summary


class CallbackModule(CallbackBase):
    """Hands results and times to ``Summary``, which knows what they mean."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "meshops.asm.summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._summary = Summary()
        self._started = 0.0
        self._task = ""

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._task_ended()
        self._task, self._started = task.get_name().removeprefix("meshops.asm."), time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        self._heard(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._heard(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._task_ended()
        for line in self._summary.lines(self.get_option("slowest")):
            self._display.display(line)

    def _task_ended(self) -> None:
        if self._task:
            self._summary.took(self._task, time.monotonic() - self._started)
        self._task = ""

    def _heard(self, result: Any) -> None:
        task = result._task
        if not task.no_log and not result._result.get("_ansible_no_log"):
            name = task.get_name().removeprefix("meshops.asm.")
            self._summary.heard(task.action, name, result._result, result._host.get_name())

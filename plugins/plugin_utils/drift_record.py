# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the results of a run's tasks in a file, for the playbook meshops.asm.drift: roles register none of them.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.action import ActionBase

# The variable that names the file; without it nothing is kept.
VARIABLE = "drift_records"
_KEPT = ("changed", "failed", "msg", "diff", "error", "comparison")

Json = dict[str, Any]


def is_wanted(action: ActionBase, task_vars: Json) -> bool:
    """Whether this run is one whose results are kept, and changes nothing."""
    return bool(action._task.check_mode and _file(action, task_vars))


def record(action: ActionBase, task_vars: Json, result: Json) -> None:
    """Adds ``{module, name, where, result}`` as a line to the file; its owner alone can read it."""
    path = _file(action, task_vars)
    if not path:
        return
    args = action._task.args
    line: Json = {
        "module": action._task.action.rpartition(".")[2],
        "name": args.get("name") or args.get("user"),
        "where": args.get("clusters") or args.get("cluster") or args.get("mesh"),
        "result": {key: result[key] for key in _KEPT if key in result},
    }
    complaint = (result.get("gateway") or {}).get("error_message")
    if complaint:
        line["result"]["complaint"] = complaint
    descriptor = os.open(str(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, (json.dumps(line, default=str) + "\n").encode())
    finally:
        os.close(descriptor)


def _file(action: ActionBase, task_vars: Json) -> Any:
    return action._templar.template(task_vars.get(VARIABLE) or "")

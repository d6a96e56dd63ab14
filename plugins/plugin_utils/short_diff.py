# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not exist yet is one line of a diff: its manifest has all of it, and -v shows it whole.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.meshops.asm.plugins.plugin_utils import drift_record

# With the name before it, a line of a terminal, or not much more.
_SHOWN = 60
# What the line says already, or everything has.
_SAID = ("apiVersion", "kind", "name", "namespace")

Json = dict[str, Any]


def shortened(action: ActionBase, task_vars: Json, result: Json) -> Json:
    """The result of a task that applies objects, as it is shown without -v; a report of drift gets it whole."""
    diff = result.get("diff")
    if (
        not isinstance(diff, dict)
        or not diff.get("after")
        or Display().verbosity
        or drift_record.is_wanted(action, task_vars)
    ):
        return result
    return {**result, "diff": {**diff, "after": _short(diff.get("before"), diff.get("after"))}}


def _short(before: Any, after: Any) -> Any:
    """``after`` with a line for each object (``Kind name``) that is not in ``before``, on each server. Pure."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    return {
        key: value if key in before and _is_object(key) else _line(before, key, value) for key, value in after.items()
    }


def _line(before: Json, key: str, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if not _is_object(key):
        return _short(before.get(key), value)
    # Sorted: a prediction has the order of the file, what was applied that of the server.
    text = json.dumps(_content(value), ensure_ascii=False, sort_keys=True)
    return f"new: {text}" if len(text) <= _SHOWN else f"new: {text[:_SHOWN]}... (-v shows it)"


def _is_object(key: str) -> bool:
    return " " in key


def _content(body: Json) -> Json:
    metadata = {key: value for key, value in (body.get("metadata") or {}).items() if key not in _SAID}
    return {**metadata, **{key: value for key, value in body.items() if key not in (*_SAID, "metadata")}}

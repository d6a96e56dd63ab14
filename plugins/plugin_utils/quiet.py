# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of modules that need nothing of the controller: their arguments stay out of Ansible's debugging.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import run_module


class QuietAction(ActionBase):
    """Runs the module of the same name."""

    _supports_async = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        return run_module(self, task_vars or {})

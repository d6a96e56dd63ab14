# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the kubeconfig of meshops.asm.istio_resource_info on the controller."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load, run_module
from ansible_collections.meshops.asm.plugins.plugin_utils.own_kubeconfig import module_args

load("istio_resource_info", sdk=False)


class ActionModule(ActionBase):
    """Runs the module with the text of the kubeconfig."""

    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        result: dict[str, Any] = run_module(self, task_vars or {}, module_args(self))
        return result

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the kubeconfig of meshops.asm.asm_namespace on the controller, and shows what the module waits for."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load
from ansible_collections.meshops.asm.plugins.plugin_utils.own_kubeconfig import module_args
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import WaitingAction

load("asm_namespace")


class ActionModule(WaitingAction):
    """See ``WaitingAction``."""

    def module_args(self) -> dict[str, Any]:
        return module_args(self)

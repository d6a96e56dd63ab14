# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what meshops.asm.asm_kubeconfig waits for; its arguments stay out of Ansible's debugging."""

from __future__ import annotations

from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import WaitingAction

load("asm_kubeconfig")


class ActionModule(WaitingAction):
    """See ``WaitingAction``."""

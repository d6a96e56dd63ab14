# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name."""

from __future__ import annotations

from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import WaitingAction

load(__name__)


class ActionModule(WaitingAction):
    """See ``WaitingAction``."""

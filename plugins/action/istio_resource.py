# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and renders the files of meshops.asm.istio_resource on the controller, and shows what the module waits for."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.plugin_utils.clean_failure import clean_action
from ansible_collections.meshops.asm.plugins.plugin_utils.drift_record import record
from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load
from ansible_collections.meshops.asm.plugins.plugin_utils.manifests import ManifestsAction
from ansible_collections.meshops.asm.plugins.plugin_utils.short_diff import shortened
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import showing_waits

load("istio_resource", sdk=False)


class ActionModule(ManifestsAction):
    """See ``ManifestsAction`` and ``showing_waits``."""

    applies = True

    @clean_action
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        with showing_waits(self, task_vars or {}):
            result = super().run(tmp, task_vars)
        record(self, task_vars or {}, result)
        return shortened(self, task_vars or {}, result)

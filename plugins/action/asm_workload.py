# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and renders the files of meshops.asm.asm_workload on the controller."""

from __future__ import annotations

from ansible_collections.meshops.asm.plugins.plugin_utils.manifests import ManifestsAction


class ActionModule(ManifestsAction):
    """See ``ManifestsAction``."""

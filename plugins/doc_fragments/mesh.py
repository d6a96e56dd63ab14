# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option of every module that is about something in one mesh."""

    DOCUMENTATION = r"""
options:
  mesh:
    description: Name or id of the mesh.
    type: str
    required: true
"""

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options about waiting that run_resource (module_utils/module/resource.py) gives to every resource module."""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Waits until the service reports the wanted state. An object that needs no change is waited for as well, because
        an earlier run may have ended in the middle.
      - With V(false) the module returns as soon as the last request is accepted.
    type: bool
    default: true
  wait_timeout:
    description: For how many seconds a single wait may last. Running into it is a failure that names the last state.
    type: int
    default: 600
"""

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of the modules: the plain ones for those that change something, INFO for those that only read."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the predicted state without changing anything.
    support: full
  diff_mode:
    description: Returns what has changed, or in C(check_mode) what would change, with C(diff).
    support: full
  idempotent:
    description: A second run with the same options changes nothing, and sends no write.
    support: full
  platform:
    description: The operating systems that the module runs on.
    platforms: posix
    support: full
  action_group:
    description: Takes its shared options from C(module_defaults) for C(group/meshops.asm.asm).
    support: full
    membership:
      - meshops.asm.asm
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the predicted state without changing anything.
    support: full
    details:
      - The module only reads, so C(check_mode) makes no difference.
  diff_mode:
    description: Returns what has changed, or in C(check_mode) what would change, with C(diff).
    support: N/A
    details:
      - The module changes nothing.
  idempotent:
    description: A second run with the same options changes nothing, and sends no write.
    support: full
  platform:
    description: The operating systems that the module runs on.
    platforms: posix
    support: full
  action_group:
    description: Takes its shared options from C(module_defaults) for C(group/meshops.asm.asm).
    support: full
    membership:
      - meshops.asm.asm
"""

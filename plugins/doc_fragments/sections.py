# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import LISTS


class ModuleDocFragment:
    """The options of asm_preflight: the sections of a spec, as the roles describe their variables."""

    DOCUMENTATION = json.dumps(
        {
            "options": {
                one.option: {"description": one.description[0], "type": "list", "elements": "dict", "default": []}
                for one in LISTS
            }
        }
    )

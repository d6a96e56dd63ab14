# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as a spec describes it, beside the one that is there. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud import tags
from ansible_collections.meshops.asm.plugins.module_utils.flow import options, table
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES

_MORE: dict[str, Any] = {"tags": {"type": "dict"}, "purge_tags": {"type": "bool", "default": True}}

Json = dict[str, Any]


def differences(item: Any, found: Json) -> list[str]:
    """``telemetry: false is there, true is described``, for each option that asm_mesh would change or refuse.

    ``item`` is ``asm_mesh`` of a spec, of whatever types; ``found`` is the mesh as ``mesh_view.whole`` gives it.
    Secrets are never compared.
    """
    spec = {**table.argument_spec(MESH_ATTRIBUTES), **_MORE}
    params = options.accepted(item, spec)
    if params is None:
        return []
    told = table.differences(MESH_ATTRIBUTES, params, found["detail"])
    if found.get("unfinished"):
        told.append("its creation was interrupted before all settings were sent: run the role create again")
    return told + _tags(params, found["tags"])


def _tags(params: Json, there: dict[str, str]) -> list[str]:
    try:
        to_set, to_remove = tags.compare(params["tags"], there, params["purge_tags"])
    except AsmError:
        # The module says what is wrong with them.
        return []
    return [
        *(
            f"tags.{key}: {json.dumps(there.get(key))} is there, {json.dumps(to_set[key])} is described"
            for key in to_set
        ),
        *(f"tags.{key}: {json.dumps(there[key])} is there, and not described" for key in to_remove),
    ]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway as a spec describes it, beside the object of the control plane. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import options
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.gateway import manifest

_MOST_SHOWN = 60

Json = dict[str, Any]


def differences(item: Any, live: Json, names: dict[str, str]) -> list[str]:
    """``spec.replicaCount: 3 is there, 2 is described``, for each field that the module would change.

    ``item`` is one of ``asm_gateways``, of whatever types; what the module would refuse has no differences. ``names``
    are those of the attached clusters by id.
    """
    params = options.accepted(item, manifest.OPTIONS, name=live["metadata"]["name"])
    if params is None:
        return []
    ids = {name: key for key, name in names.items()} | {key: key for key in names}
    named = [*(params["clusters"] or []), *(one["cluster"] for one in params["overrides"] or [])]
    if any(name not in ids for name in named):
        return []
    try:
        wanted = manifest.manifest(params, [ids[name] for name in params["clusters"] or []], ids)
        patch = manifest.changes(live, wanted, params)
    except (AsmError, TypeError, AttributeError, ValueError, RecursionError):
        return []
    if not item or item.get("type") is None:
        patch.get("spec", {}).pop("gatewayType", None)
    return list(_told(patch, {"metadata": live.get("metadata"), "spec": live.get("spec")}, ""))


def _told(patch: Json, live: Any, path: str) -> Iterator[str]:
    for key, value in patch.items():
        place = f"{path}.{key}" if path else key
        have = live.get(key) if isinstance(live, dict) else None
        if isinstance(value, dict) and isinstance(have, dict):
            yield from _told(value, have, place)
        elif value is None:
            yield f"{place}: {_short(have)} is there, and not described"
        elif have is None:
            yield f"{place}: {_short(value)} is described, and not there"
        else:
            yield f"{place}: {_short(have)} is there, {_short(value)} is described"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of sidecars by namespace: what is there, what is wanted, and what has to be sent.

Pure but for ``describe``.

What a namespace does not set comes from the mesh, so that a setting that is not there differs from each value.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Attribute, put, shown
from ansible_collections.meshops.asm.plugins.module_utils.mesh import equality, meshes
from ansible_collections.meshops.asm.plugins.module_utils.mesh.sidecar_attributes import SIDECAR_ATTRIBUTES

# Parameters that are JSON text, whose members are options of their own.
_JSON_GROUPS = ("ProxyStatsMatcher", "Tracing")

Json = dict[str, Any]


def describe(cloud: Cloud, mesh_id: str, namespace: str) -> Json:
    """``ConfigPatches`` of a namespace (action DescribeNamespaceScopeSidecarConfig); a namespace that is not there has
    none."""
    reply = meshes.told(cloud, "DescribeNamespaceScopeSidecarConfig", ServiceMeshId=mesh_id, Namespace=namespace)
    return reply.get("ConfigPatches") or {}


def settings(patches: Json) -> Json:
    """``{dotted option: value}`` of what a namespace sets. What is shown as null, empty, or not at all is not set.

    Nor is a zero or false, where the reply writes what is not set like that: no probe has a period of 0, so that one
    which is shown tells it.
    """
    zeros = decoding.whole(patches.get("ReadinessPeriodSeconds", 1)) == 0
    zeros = zeros and patches.get("ReadinessPeriodSeconds") not in (None, "")
    found = {}
    for row in SIDECAR_ATTRIBUTES:
        raw = shown(patches, str(row.read))
        raw = raw if row.decode is None else row.decode(raw)
        if raw in (None, "", "null", [], {}):
            continue
        value = row.current(patches)
        if value in ("", [], {}) or (zeros and not value):
            continue
        found[row.option] = value
    return found


def wanted(params: Json) -> Json:
    """``{dotted option: value}`` of the options that are given, empty ones included."""
    given = {row.option: (row, row.desired(params)) for row in SIDECAR_ATTRIBUTES}
    return {option: _typed(row, value) for option, (row, value) in given.items() if value is not None}


def _typed(row: Attribute, value: Any) -> Any:
    """Variables of an environment are text, however they are written."""
    return {key: decoding.text(part) for key, part in value.items()} if row.same is equality.texts else value


def target(there: Json, given: Json, *, purge: bool) -> Json:
    """What is to be set in the end: what is there (unless it is purged) with what is given over it.

    A value that is there and means the same stays as it is written. An empty text, list or mapping takes a setting
    away.
    """
    rows = {row.option: row for row in SIDECAR_ATTRIBUTES}
    kept = {} if purge else dict(there)
    for option, value in given.items():
        same = option in there and not rows[option].differs(value, there[option])
        kept[option] = there[option] if same else value
    return {
        row.option: kept[row.option] for row in SIDECAR_ATTRIBUTES if kept.get(row.option) not in (None, "", [], {})
    }


def different(there: Json, target: Json) -> bool:
    rows = {row.option: row for row in SIDECAR_ATTRIBUTES}
    return there.keys() != target.keys() or any(rows[key].differs(value, there[key]) for key, value in target.items())


def parameters(target: Json, cleared: tuple[str, ...] = ()) -> Json:
    """The parameters that set these options; ``cleared`` are sent empty, as far as a parameter can be empty."""
    sent: Json = {}
    for row in SIDECAR_ATTRIBUTES:
        parameter = str(row.change).partition(".")[2]
        if row.option in target:
            value = target[row.option]
            put(sent, parameter, value if "." in parameter else row.encode(value))
        elif row.option in cleared and "." in parameter:
            sent.setdefault(parameter.partition(".")[0], {})
        elif row.option in cleared and row.type not in ("bool", "int", "float"):
            sent[parameter] = "{}" if row.type == "json" else ""
    return {key: json.dumps(value, sort_keys=True) if key in _JSON_GROUPS else value for key, value in sent.items()}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that ``kubectl apply`` or a tool like it has made without ``--server-side``: what it owned becomes ours.

The server records such an apply as an update, and an update gives nothing up: a field that only the earlier tool knew
would stay for ever. So its entries in ``managedFields`` are turned into ours before the first apply, as kubectl itself
does when it goes over to ``--server-side`` (client-go's package csaupgrade). As for kubectl, such a tool is known by
the annotation in which it notes what it applied: kubernetes.core, ``kubectl create --save-config`` and others have
names of their own. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from typing import Any

# The field manager of all that this collection applies.
MANAGER = "meshops.asm"
_KUBECTL = "kubectl-client-side-apply"
# Managers of kubectl's client-side apply. The second is the server's name for all that an object had when it was first
# applied and nobody was known to own any of it: by a kubectl of old where that left its annotation, else what the
# server itself had filled in, as in a Namespace of which nothing but the name was declared.
EARLIER = frozenset({_KUBECTL, "before-first-apply"})
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

Json = dict[str, Any]


def is_earlier(entry: Json) -> bool:
    """Whether an entry of ``managedFields`` is one of a client-side apply."""
    if entry.get("operation") != "Update" or entry.get("subresource"):
        return False
    fields = entry.get("fieldsV1") or {}
    annotations = (fields.get("f:metadata") or {}).get("f:annotations") or {}
    return entry.get("manager") == _KUBECTL or f"f:{LAST_APPLIED}" in annotations


def earlier_managers(live: Json | None) -> set[str]:
    """The names under which an object was applied by the client."""
    entries = ((live or {}).get("metadata") or {}).get("managedFields") or []
    return {str(entry.get("manager")) for entry in entries if is_earlier(entry)}


def to_take_over(live: Json | None) -> bool:
    """Whether an object still has such an entry."""
    return bool(earlier_managers(live))


def patch(live: Json, manager: str) -> list[Json]:
    """The JSON patch that makes the earlier tool's fields those of ``manager``; it is for this revision only."""
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": taken_over(live, manager)},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
    ]


def taken_over(live: Json, manager: str) -> list[Json]:
    """The object's ``managedFields`` with the earlier tool's entries merged into that of ``manager``."""
    entries = live["metadata"].get("managedFields") or []
    earlier = [entry for entry in entries if is_earlier(entry)]
    ours = next((entry for entry in entries if _is_of(entry, manager)), None)
    fields: Json = dict((ours or {}).get("fieldsV1") or {})
    for entry in earlier:
        fields = _union(fields, entry.get("fieldsV1") or {})
    merged = {**(ours or earlier[-1]), "manager": manager, "operation": "Apply", "fieldsV1": fields}
    rest = [entry for entry in entries if entry is not ours and not is_earlier(entry)]
    return [merged, *rest]


def given_up(live: Json, predicted: Json) -> Json:
    """``predicted``, the answer to a dry run of our apply, without what the earlier tool alone still holds in it.

    A dry run cannot take over first, so its answer still has these fields. What the tool owns without having declared
    it (in the annotation that it leaves) are the server's defaults, which come back.
    """
    annotations = live["metadata"].get("annotations") or {}
    try:
        declared = json.loads(annotations[LAST_APPLIED])
    except (KeyError, ValueError):
        declared = live
    if isinstance(declared, dict) and isinstance(declared.get("metadata"), dict):
        # The annotation does not tell of itself, and goes as well.
        named = {**(declared["metadata"].get("annotations") or {}), LAST_APPLIED: ""}
        declared = {**declared, "metadata": {**declared["metadata"], "annotations": named}}
    entries = predicted["metadata"].get("managedFields") or []
    kept: Json = {}
    for entry in entries:
        if not is_earlier(entry):
            kept = _union(kept, entry.get("fieldsV1") or {})
    gone: Json = {}
    for entry in live["metadata"].get("managedFields") or []:
        if is_earlier(entry):
            gone = _union(gone, entry.get("fieldsV1") or {})
    without = _without(predicted, gone, kept, declared)
    return dict(without) if isinstance(without, dict) else predicted


def _is_of(entry: Json, manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def _union(one: Json, other: Json) -> Json:
    merged = dict(one)
    for key, below in other.items():
        merged[key] = _union(merged.get(key) or {}, below or {})
    return merged


def _without(value: Any, gone: Json, kept: Json, declared: Any) -> Any:
    """``value`` without what ``gone`` and ``declared`` name and ``kept`` does not."""
    if isinstance(value, dict):
        result = {}
        for key, item in value.items():
            path = f"f:{key}"
            if path not in gone or not (isinstance(declared, dict) and key in declared):
                result[key] = item
            elif path in kept or not _is_leaf(gone[path]):
                below = _without(item, gone[path], kept.get(path) or {}, declared[key])
                if path in kept or below not in ({}, []):
                    result[key] = below
        return result
    if isinstance(value, list) and any(key.startswith("k:") for key in gone):
        left = [item for item in value if _key(item, kept) or not _key(item, gone)]
        return [_without(item, *_below(item, gone, kept), _fellow(item, gone, declared)) for item in left]
    return value


def _fellow(item: Any, gone: Json, declared: Any) -> Any:
    """The element of the declared list that has the keys of ``item``, as far as they were declared."""
    keys = json.loads((_key(item, gone) or "k:{}")[2:])
    several = [one for one in declared if isinstance(one, dict)] if isinstance(declared, list) else []
    return next((one for one in several if all(one.get(name, value) == value for name, value in keys.items())), None)


def _is_leaf(tree: Json) -> bool:
    return not [key for key in tree if key != "."]


def _key(item: Any, tree: Json) -> str:
    """The ``k:{...}`` of ``tree`` that names the list's element ``item``; empty when there is none."""
    names = [key for key in tree if key.startswith("k:")] if isinstance(item, dict) else []
    fit = (key for key in names if all(item.get(name) == value for name, value in json.loads(key[2:]).items()))
    return next(fit, "")


def _below(item: Any, gone: Json, kept: Json) -> tuple[Json, Json]:
    return gone.get(_key(item, gone)) or {}, kept.get(_key(item, kept)) or {}

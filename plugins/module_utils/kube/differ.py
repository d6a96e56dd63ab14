# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees of objects: results, counts and diffs, without the server's noise and without secrets.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube import secrets
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import (
    CREATED,
    DELETED,
    FAILED,
    SKIPPED,
    UNCHANGED,
    UPDATED,
    Item,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import (
    EARLIER,
    LAST_APPLIED,
    earlier_managers,
    to_take_over,
)

# Sorts before every kind, so that it is what a reader of the diff sees first.
SUMMARY = "(summary)"
# The order in which the objects are written, where one pass does not do.
STEPS = "(steps)"

_NOISE = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
# New in every run: shows that a hidden value has changed, and is of no use for guessing it.
_HASH_KEY = os.urandom(16)

Json = dict[str, Any]


def visible(found: Json | None) -> Json | None:
    """An object without what only the server writes, its status, and the values of a Secret."""
    if found is None:
        return None
    metadata = {key: value for key, value in found["metadata"].items() if key not in _NOISE}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    shown = {key: value for key, value in found.items() if key != "status"}
    shown["metadata"] = metadata
    return secrets.hidden(shown, _hidden) if secrets.is_secret(shown) else shown


def result_of(item: Item) -> Json:
    """The entry of the result list ``resources``."""
    entry: Json = {
        "api_version": item.kind.api_version,
        "kind": item.kind.kind,
        "name": item.name,
        "namespace": item.namespace or None,
        "outcome": item.outcome,
        "source": str(item.source) if item.source else None,
    }
    if item.error:
        entry["error"] = item.error.message
    return entry


def summary_of(items: Iterable[Item]) -> dict[str, int]:
    """How many objects had each outcome; every outcome is a key."""
    counts = Counter(item.outcome for item in items)
    return {outcome: counts[outcome] for outcome in (CREATED, UPDATED, UNCHANGED, DELETED, FAILED, SKIPPED)}


def diff_of(items: Iterable[Item]) -> dict[str, Json]:
    """``{before, after}``: the objects that change, keyed by kind and name, and first of all how many there are."""
    items = list(items)
    before: Json = {}
    after: Json = {}
    for item in items:
        if item.outcome in (UPDATED, DELETED):
            before[item.short] = visible(item.live)
        if item.outcome in (CREATED, UPDATED):
            after[item.short] = visible(item.predicted or item.body)
        if item.outcome == UPDATED and to_take_over(item.live):
            after[item.short] = {**(after[item.short] or {}), "(note)": f"what {_tools(item.live)} owned becomes ours"}
        elif item.outcome == UPDATED and before[item.short] == after[item.short]:
            after[item.short] = {**(after[item.short] or {}), "(note)": "same content; our field manager takes it over"}
    if len(before.keys() | after.keys()) > 1:
        counts = summary_of(items)
        after[SUMMARY] = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    return {"before": before, "after": after}


def _tools(live: Json | None) -> str:
    names = earlier_managers(live)
    return ", ".join([*(["kubectl apply"] if names & EARLIER else []), *sorted(names - EARLIER)])


def _hidden(value: Any) -> str:
    digest = hmac.new(_HASH_KEY, str(value).encode(), hashlib.sha256).hexdigest()
    return f"(hidden, {digest[:12]})"

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzing the comparison of a description with what is stored: what is stored as described differs in nothing."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube.comparison import compare, without_values
from hypothesis import strategies as st

from .harness import fuzz

NAMES = st.sampled_from(["name", "data", "port", "a.b/c", "caBundle", "é"])
PLAIN = st.none() | st.booleans() | st.integers(-1, 9) | st.sampled_from(["", "x", "1Gi", "500m"])
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
KINDS = st.sampled_from(["Secret", "ConfigMap", "Pod"])


def body(kind: str, spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec, "data": {"key": "dmFsdWU="}}


def record(value: Any) -> Any:
    """A manager's record of all fields of a value."""
    if isinstance(value, dict):
        return {f"f:{key}": record(item) for key, item in value.items()}
    return {}


@fuzz(kind=KINDS, spec=VALUES, manager=st.sampled_from(["meshops.asm", "kubectl"]))
def test_same(kind: str, spec: Any, manager: str) -> None:
    want = body(kind, spec)
    live = copy.deepcopy(want)
    fields = record({"spec": spec, "data": want["data"]})
    live["metadata"]["managedFields"] = [{"manager": manager, "operation": "Update", "fieldsV1": fields}]
    for builtin in (True, False):
        assert compare(want, live, builtin=builtin) == []
        assert compare(want, live, builtin=builtin, predicted=want) == []
        assert compare(without_values(want), live, builtin=builtin) == []


@fuzz(kind=KINDS, spec=VALUES, other=VALUES)
def test_any(kind: str, spec: Any, other: Any) -> None:
    want, live = body(kind, spec), body(kind, other)
    entry = {"manager": "kubectl", "operation": "Update", "fieldsV1": record({"spec": other})}
    live["metadata"]["managedFields"] = [entry]
    for predicted in (None, want):
        found = compare(want, live, builtin=False, predicted=predicted)
        assert all(one.kind in ("changed", "missing", "added") for one in found)
        if kind == "Secret":
            assert all(value in (None, "(hidden)") for one in found for value in (one.described, one.found))

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are the same although they are written in another way, and others that are not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.mesh import equality, values

REQUEST = {"path": "/quit", "port": 15000, "scheme": "HTTP"}


LISTED = {"preStop": {"exec": {"command": "a,b"}}}


def hook(**request: Any) -> dict[str, Any]:
    return {"preStop": {"httpGet": request}}


@pytest.mark.parametrize(
    ("compare", "wanted", "there", "same"),
    [
        (equality.amounts, "2", "2000 m", True),
        (equality.amounts, "50Mi", "50 Mi", True),
        (equality.amounts, "50Mi", "50M", False),
        (equality.durations, "90s", "1m30s", True),
        (equality.durations, "5", "5s", True),
        (equality.durations, "500ms", "0.5s", True),
        (equality.durations, "5s", "6s", False),
        (equality.durations, "5s", "", False),
        (equality.durations, "soon", " soon", True),
        (equality.texts, {"A": 1, "B": True, "C": ""}, {"A": "1", "B": "true", "C": ""}, True),
        (equality.texts, {"A": "1"}, '{"A": 1}', True),
        (equality.texts, {"A": "1"}, {"A": "1", "B": ""}, False),
        (equality.texts, {"A": "1"}, "A", False),
        (equality.mappings, {"t": {"header": {"name": "x", "value": ""}}}, {"t": {"header": {"name": "x"}}}, True),
        (equality.mappings, {"t": {"literal": {"value": 1}}}, {"t": '{"literal": {"value": "1"}}'}, True),
        (equality.mappings, {"t": {"literal": {"value": "1"}}}, {"t": {"literal": {"value": "2"}}}, False),
        (equality.hooks, hook(**REQUEST), hook(port="15000", path="/quit"), True),
        (equality.hooks, hook(**REQUEST), hook(port="15000", path="/stop"), False),
        (equality.hooks, hook(**REQUEST), hook(port="15000"), True),
        (equality.hooks, hook(**REQUEST), hook(port="15001"), False),
        (equality.hooks, hook(port=1, scheme="https"), hook(port=1, scheme="HTTPS"), True),
        (equality.hooks, hook(port=1, scheme="https"), hook(port=1), False),
        (equality.hooks, {"preStop": {"exec": {"command": ["a"]}}}, {"PreStop": {"Exec": {"command": ["a"]}}}, True),
        (equality.hooks, {"preStop": {"exec": {"command": ["a"]}}}, {"postStart": {"exec": {"command": ["a"]}}}, False),
        (equality.hooks, {"preStop": {"exec": {"command": ["a", "b"]}}}, LISTED, True),
        (equality.hooks, {}, {"preStop": None, "postStart": {}}, True),
        (equality.documents, '{"replicaCount": 2, "a": [1]}', "a:\n- 1\nreplicaCount: 2\n", True),
        (equality.documents, "a: 1\n", "a: 1", True),
        (equality.documents, "a: 1", "a: 2", False),
        (equality.documents, "a: [1", "a: [2", False),
        (equality.documents, "", "a: 2", False),
    ],
)  # fmt: skip
def test_two_values(compare: Any, wanted: Any, there: Any, same: bool) -> None:
    assert compare(wanted, there) is same
    assert compare(there, wanted) is same


IN = {"key": "team", "operator": "In", "values": ["b", "a"]}
EXISTS = {"key": "asm-discovery", "operator": "Exists"}


@pytest.mark.parametrize(
    ("wanted", "there", "same"),
    [
        ([{"matchLabels": {"a": "b"}}, {"matchExpressions": [EXISTS, IN]}],
         [{"MatchExpressions": [{**IN, "values": ["a", "b"]}, {**EXISTS, "values": None}], "matchLabels": {}},
          {"matchLabels": {"a": "b"}}], True),
        ([{"matchLabels": {"a": 1}}], '[{"matchLabels": {"a": "1"}}]', True),
        ([], None, True),
        ([], "", True),
        ([{}], [], False),
        ([{"matchLabels": {"a": "b"}}], [{"matchLabels": {"a": "c"}}], False),
        ([{"matchExpressions": [EXISTS]}], [{"matchExpressions": [{**EXISTS, "operator": "DoesNotExist"}]}], False),
        ([{"matchLabels": {"a": "b"}}], [{"matchLabels": {"a": "b"}}, {"matchExpressions": [EXISTS]}], False),
    ],
)  # fmt: skip
def test_selectors(wanted: Any, there: Any, same: bool) -> None:
    assert equality.selectors(wanted, there) is same


@pytest.mark.parametrize(
    ("selectors", "words"),
    [
        ([{"matchLabels": {"a": "b"}}, {"matchExpressions": [EXISTS, IN]}, {}], ""),
        (["team=shop"], "item 1 is no label selector"),
        ([{"labels": {}}], "item 1 is no label selector"),
        ([{}, {"matchLabels": ["a"]}], "item 2 has matchLabels"),
        ([{"matchExpressions": {"a": "b"}}], "no list"),
        ([{"matchExpressions": [{"operator": "Exists"}]}], "without a key"),
        ([{"matchExpressions": [{**EXISTS, "operator": "Is"}]}], "none of In, NotIn"),
        ([{"matchExpressions": [{**EXISTS, "values": ["a"]}]}], "Exists and values do not fit"),
        ([{"matchExpressions": [{**IN, "values": []}]}], "In and values do not fit"),
        ([{"matchExpressions": [{**IN, "values": "a"}]}], "values are no list"),
    ],
)
def test_wrong_selectors_are_told(selectors: Any, words: str) -> None:
    problem = values.selectors(selectors)
    assert words in problem and bool(problem) is bool(words)

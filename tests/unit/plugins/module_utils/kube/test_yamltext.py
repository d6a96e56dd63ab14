# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the server reads it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube.yamltext import YamlProblem, load_all


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-02", "2026-01-02"),
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        ("1.5", 1.5),
        ("5.", 5.0),
        ("-7", -7),
        ("0644", 420),
        ("08", 8.0),
        ("0x1F", 31),
        ("1_000", 1000),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        ('"yes"', "yes"),
        ("'80'", "80"),
        ("!!str 80", "80"),
        ("1.22.6", "1.22.6"),
        (".inf", ".inf"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_values(text: str, value: Any) -> None:
    [found] = load_all(f"key: {text}")
    assert found["key"] == value
    assert type(found["key"]) is type(value)


def test_keys_are_text() -> None:
    assert list(load_all("80: a\ntrue: b")) == [{"80": "a", "true": "b"}]


def test_documents_and_empty_ones() -> None:
    assert list(load_all("---\na: 1\n---\n---\nb: 2\n")) == [{"a": 1}, None, {"b": 2}]
    assert list(load_all("# nothing\n")) == []


def test_anchors_and_merge_keys() -> None:
    [found] = load_all("base: &base {a: 1, b: 2}\nuse:\n  <<: *base\n  b: 3\nmany:\n  <<: [{x: 1}, {x: 2, y: 3}]\n")
    assert found["use"] == {"a": 1, "b": 3}
    assert found["many"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: [1\n", 3, "expected"),
        ("a:\n  b: 1\n  b: 2\n", 3, "'b' is given twice"),
        ("a: 1\n---\nb: : c\n", 3, "mapping values"),
        ("{[1, 2]: a}", 1, "plain text"),
        ("<<: 5", 1, "needs a mapping"),
        ("a: *nowhere", 1, "undefined alias"),
    ],
)
def test_problems_name_the_line(text: str, line: int, part: str) -> None:
    with pytest.raises(YamlProblem) as caught:
        list(load_all(text))
    assert caught.value.line == line
    assert part in str(caught.value)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the server reads it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube.bounds import TextProblem
from ansible_collections.meshops.asm.plugins.module_utils.kube.yamltext import load_all


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-02", "2026-01-02"),
        ("12:30", "12:30"),
        ("1e3", 1000),
        ("1.5", 1.5),
        ("5.", 5),
        ("-7", -7),
        ("0644", 420),
        ("08", 8),
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
        ("y", True),
        ("N", False),
        ("80.0", 80),
        ("1e21", 1e21),
        ("1e9999", "1e9999"),
        ("-1e400", "-1e400"),
        ("9" * 5000, "9" * 5000),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
        ("0b_", "0b_"),
        ("0b-1", -1),
        ("0O17", 15),
        ("0x1_0", 16),
        (".7_8", 0.78),
        ("._78", "._78"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("-9223372036854775809", -9223372036854775808.0),
        ("!!float 1", 1),
        ("!!float 9223372036854775807", 9223372036854775808.0),
        ("!!int 0x10", 16),
        ("!!bool y", True),
        ("!!null ''", None),
        ("!!binary aGk=", "hi"),
        ("! 5", "5"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_values(text: str, value: Any) -> None:
    [found] = load_all(f"key: {text}")
    assert found["key"] == value
    assert type(found["key"]) is type(value)


@pytest.mark.parametrize(
    ("text", "key"),
    [("80", "80"), ("on", "true"), ("n", "false"), ("0x10", "16"), ("'on'", "on"), ("010", "8"), ("-0", "0")],
)
def test_keys_are_text(text: str, key: str) -> None:
    assert list(load_all(f"{text}: a")) == [{key: "a"}]


def test_documents_and_empty_ones() -> None:
    assert list(load_all("---\na: 1\n---\n---\nb: 2\n")) == [{"a": 1}, None, {"b": 2}]
    assert list(load_all("# nothing\n")) == []


def test_anchors_and_merge_keys() -> None:
    [found] = load_all("base: &base {a: 1, b: 2}\nuse:\n  <<: *base\n  b: 3\nmany:\n  <<: [{x: 1}, {x: 2, y: 3}]\n")
    assert found["use"] == {"a": 1, "b": 3}
    assert found["many"] == {"x": 1, "true": 3}


def test_a_merge_wins_over_what_stands_before_it() -> None:
    """Not by YAML's page of ``<<``, but to kubectl."""
    assert list(load_all("a: 1\n<<: {a: 2, b: 2}\nb: 3")) == [{"a": 2, "b": 3}]


def test_an_anchor_is_the_last_of_its_name() -> None:
    [found] = load_all("a: &x [1, &x 2]\nb: *x\nc: &x 3\nd: *x")
    assert found == {"a": [1, 2], "b": 2, "c": 3, "d": 3}


def test_every_use_of_an_alias_is_a_value_of_its_own() -> None:
    [found] = load_all("a: &x {b: [1]}\nc: *x")
    found["c"]["b"].append(2)
    assert found["a"] == {"b": [1]}


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: [1\n", 3, "expected"),
        ("a:\n  b: 1\n  b: 2\n", 3, "'b' is given twice"),
        ("a: 1\n---\nb: : c\n", 3, "mapping values"),
        ("{[1, 2]: a}", 1, "plain text"),
        ("<<: 5", 1, "needs a mapping"),
        ("a: *nowhere", 1, "no anchor"),
        ("a: 1\nb: &x [*x]", 2, "no end"),
        ("a: &x {<<: *x}", 1, "no end"),
        ("a: &x {*x : 1}", 1, "no end"),
        ("a: 1\ntrue: b\non: c", 3, "'true' is given twice"),
        ("~: a", 1, "null"),
        ("3.10: a", 1, "fraction"),
        ("18446744073709551615: a", 1, "fraction"),
        ("a: .inf", 1, "no number, or one without end"),
        ("a: !!float -.inf", 1, "no number, or one without end"),
        (".nan: a", 1, "no number, or one without end"),
        ("a: !!int x", 1, "'!!int'"),
        ("a: !!timestamp 2026-01-02", 1, "'!!timestamp'"),
        ("a: !!binary é", 1, "Base64"),
        ("a: !!binary /w==", 1, "UTF-8"),
        ("a: !own b", 1, "'!own'"),
        ("a: !!set {b}", 1, "'!!set'"),
        ("a: 1\nb: !vault x", 2, "Vault"),
        ("a: 1\n\ufeffb: 2", 2, "byte order mark"),
        ("a: 1\nb: \x07", 2, "does not allow"),
        ("a: " + "\u4e2d" * 50 + "\nb: \x07\n\n", 2, "does not allow"),
        ("a:\n" + "[" * 5000, 2, "more than 100 levels"),
        ("\n".join(" " * depth + "a:" for depth in range(5000)), 101, "more than 100 levels"),
        ("a: &x " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 50 + "*x" + "]" * 50, 2, "more than 100 levels"),
        (
            "x: &a [1]\n"
            + "".join(f"{two}: &{two} [{','.join([f'*{one}'] * 9)}]\n" for one, two in pairwise("abcdefghij")),
            7,
            "aliases",
        ),
        ("a: &x " + "b" * 2**19 + "\nc: [*x, *x, *x]", 2, "aliases"),
    ],
)
def test_problems_name_the_line(text: str, line: int, part: str) -> None:
    with pytest.raises(TextProblem) as caught:
        list(load_all(text))
    assert caught.value.line == line
    assert part in str(caught.value)


def test_what_is_too_large_is_refused_before_it_is_there() -> None:
    with pytest.raises(TextProblem, match="longer than 16 MiB"):
        next(load_all("a" * (2**24 + 1)))
    with pytest.raises(TextProblem, match="more than 2,000,000 values"):
        next(load_all("[" + "a," * 2_000_001 + "]"))


def test_messages_hold_nothing_of_the_values() -> None:
    for text in (
        "&secret [*secret]",
        "- secret\nsecret",
        "a: !!int secret",
        "a: *secret",
        "a: 'secret",
        "{secret: [1}",
    ):
        with pytest.raises(TextProblem) as caught:
            list(load_all(text))
        assert "secret" not in str(caught.value)

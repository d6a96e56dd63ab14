# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One value in every spelling that replies were seen or documented to have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding

SPELLINGS: list[tuple[Callable[[Any], Any], Any, list[Any]]] = [
    (decoding.text, "vsw-1", ["vsw-1"]),
    (decoding.text, "7", ["7", 7]),
    (decoding.text, "1.5", ["1.5", 1.5]),
    (decoding.text, "true", ["true", True]),
    (decoding.text, "", ["", None]),
    (decoding.whole, 7, [7, 7.0, "7", " 7 ", "7.0", "+7", "07"]),
    (decoding.whole, -3, [-3, "-3"]),
    (decoding.whole, 0, [0, "0", "", None, "  "]),
    (decoding.decimal, 1.5, [1.5, "1.5", " 1.50", "15e-1"]),
    (decoding.decimal, 100, [100, 100.0, "100", "100.0", "1e2"]),
    (decoding.decimal, 0, [0, "", None]),
    (decoding.boolean, True, [True, "true", "True", " TRUE", 1, "1", 1.0]),
    (decoding.boolean, False, [False, "false", "False", 0, "0", "", None]),
    (decoding.texts, ["a", "b"], [["a", "b"], '["a", "b"]', ['["a","b"]'], "a,b", " a , b,", ["a", '["b"]']]),
    (decoding.texts, ["vsw-1"], [["vsw-1"], '["vsw-1"]', ['["vsw-1"]'], "vsw-1"]),
    (decoding.texts, ["80", "443"], [["80", "443"], [80, 443], "80,443", "[80, 443]"]),
    (decoding.texts, [], [[], None, "", "[]", ["[]"], " ", "null", [""], [None], ["null"]]),
    (decoding.texts, ["a", ""], [["a", ""], '["a", ""]']),
    (decoding.listed, [], [None, "null", [None], "[null]", [""]]),
    (decoding.listed, [{"a": 1}], [[{"a": 1}], '[{"a": 1}]', ['[{"a": 1}]']]),
    (decoding.mapping, {"a": [1]}, [{"a": [1]}, '{"a": [1]}', ' {"a":[1]} ']),
    (decoding.mapping, {}, [{}, None, "", "{}", "null", " null "]),
    (decoding.json_text, '{"a": 1}', ['{"a": 1}', {"a": 1}]),
]


@pytest.mark.parametrize(
    ("decode", "value", "shown"),
    [(decode, value, one) for decode, value, spellings in SPELLINGS for one in spellings],
)
def test_every_spelling_of_a_value_is_that_value(decode: Callable[[Any], Any], value: Any, shown: Any) -> None:
    found = decode(shown)
    assert found == value
    assert isinstance(found, bool) is isinstance(value, bool)


@pytest.mark.parametrize(
    ("decode", "shown"),
    [
        *((decoding.text, one) for one in ([], {}, 10**18)),
        *(
            (decoding.whole, one)
            for one in ("seven", "7.5", 7.5, True, [], "1" * 19, 10**18, "0x7", "\u0667", float("inf"))
        ),
        *((decoding.decimal, one) for one in ("x", "1e999", "nan", float("nan"), float("inf"), True, {}, "1" * 40)),
        *((decoding.boolean, one) for one in ("yes?", 2, -1, [], {}, "null")),
        *((decoding.texts, one) for one in ("[", "[1", '{"a": 1}', 7, {}, [{}], [[1]], "[" * 100_000, '["a", {}]')),
        *((decoding.mapping, one) for one in ("{", "[]", "x", 7, [], '{"a": NaN}', '{"a":' * 100_000)),
    ],
)
def test_what_is_no_value_in_any_spelling_is_none(decode: Callable[[Any], Any], shown: Any) -> None:
    assert decode(shown) is None


def test_halves_of_surrogate_pairs_do_not_come_in_by_json_text() -> None:
    assert decoding.texts(r'["a\ud800"]') == ["a\ufffd"]

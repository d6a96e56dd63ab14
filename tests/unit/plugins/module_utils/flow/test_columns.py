# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows as lines of at most so many columns."""

from __future__ import annotations

from ansible_collections.meshops.asm.plugins.module_utils.flow.columns import columns
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = st.lists(st.text("abc-,", min_size=1, max_size=12), max_size=12).map(" ".join)


def test_columns_are_aligned() -> None:
    assert columns([["a", "", "one"], ["bcd", "", "two"]]) == ["a    one", "bcd  two"]
    assert columns([]) == []


def test_a_long_text_goes_on_where_it_began() -> None:
    assert columns([["a", "one two three four five six seven"]], indent="  ", width=36) == [
        "  a  one two three four five six",
        "     seven",
    ]


def test_a_long_text_without_room_begins_below() -> None:
    assert columns([["the name of it", "here", "one two three"], ["b", "c", "d"]], indent=" ", width=30) == [
        " the name of it  here",
        "   one two three",
        " b               c     d",
    ]


def test_a_very_long_name_does_not_push_the_others_away() -> None:
    long = "the longest name that anybody has ever given to a check"
    assert columns([[long, "fine"], ["short", "fine"]])[1] == "short  fine"


def test_a_line_as_wide_as_the_terminal_stays_one() -> None:
    assert columns([["a", "b" * 35 + " " + "c" * 35]], width=74) == [f"a  {'b' * 35} {'c' * 35}"]
    assert columns([["a", "b" * 35 + " " + "c" * 35]], width=73) == [f"a  {'b' * 35}", f"   {'c' * 35}"]


def test_so_does_one_with_little_room_for_its_last_text() -> None:
    assert columns([["a" * 35, "b" * 5 + " " + "c" * 4]], width=47) == [f"{'a' * 35}  {'b' * 5} {'c' * 4}"]


def test_lines_before_a_long_text_stay() -> None:
    assert columns([["a", "one"], ["b", "one two three four five six seven"]], width=34) == [
        "a  one",
        "b  one two three four five six",
        "   seven",
    ]


def test_a_text_goes_on_below_where_thirty_columns_are_left_for_it() -> None:
    assert columns([["ab", "one two three four five six seven"]], width=34) == [
        "ab  one two three four five six",
        "    seven",
    ]
    assert columns([["abc", "one two three four five six seven"]], width=34) == [
        "abc",
        "  one two three four five six",
        "  seven",
    ]


def test_texts_of_up_to_36_letters_are_aligned() -> None:
    assert columns([["a" * 36, "x"], ["b", "y"]]) == [f"{'a' * 36}  x", f"b{' ' * 35}  y"]
    assert columns([["a" * 37, "x"], ["b", "y"]]) == [f"{'a' * 37}  x", "b  y"]
    assert columns([["a" * 37, "b" * 37, "x"]]) == [f"{'a' * 37}  {'b' * 37}  x"]


def test_words_are_never_cut() -> None:
    long = "registry.example/team-a/" + "image-" * 4 + "end"
    assert columns([["a", f"from {long} on"]], width=34) == ["a  from", f"   {long}", "   on"]
    assert columns([["a" * 20, long, long]], width=30) == [f"{'a' * 20}", long, f"  {long}"]


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(st.lists(WORDS, min_size=3, max_size=3), max_size=6))
def test_no_word_is_lost_and_no_line_too_long(rows: list[list[str]]) -> None:
    lines = columns(rows, indent="  ", width=40)
    assert " ".join(lines).split() == " ".join(" ".join(row) for row in rows).split()
    assert all(len(line) <= 40 for line in lines)

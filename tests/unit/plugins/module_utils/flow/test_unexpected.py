# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody foresaw is told without any of its text."""

from __future__ import annotations

import json
import platform
import re
from types import FunctionType
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import unexpected
from ansible_collections.meshops.asm.plugins.module_utils.flow.columns import columns
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes

HIDDEN = "-----BEGIN PRIVATE KEY-----"


def caught(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as raised:
        return raised


def deep() -> BaseException:
    try:
        meshes.mesh_id({"ServiceMeshInfo": {HIDDEN: HIDDEN}})
    except KeyError as error:
        try:
            raise ValueError(HIDDEN) from error
        except ValueError as outer:
            return outer
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError(HIDDEN), "Unexpected"),
        (SystemExit(HIDDEN), "Unexpected"),
        (RecursionError(HIDDEN), "Unexpected"),
        (MemoryError(HIDDEN), "OutOfMemory"),
        (KeyboardInterrupt(HIDDEN), "Interrupted"),
        (unexpected.Terminated(HIDDEN), "Interrupted"),
    ],
)
def test_it_says_what_was_done_and_nothing_of_the_text(error: BaseException, code: str) -> None:
    told = unexpected.explain(caught(error), "reading (mesh 'shop')")
    assert told.code == code
    assert "while it was reading (mesh 'shop')" in told.message
    assert HIDDEN not in told.message
    if code == "Unexpected":
        assert type(error).__name__ in told.message
        assert "meshops_debug=true" in told.message


def test_what_is_said_of_each_sort() -> None:
    def said(error: BaseException) -> str:
        return unexpected.explain(error, "reading").message

    assert said(KeyboardInterrupt()) == "Interrupted while it was reading. Run the task again to go on."
    assert said(MemoryError()) == (
        "The memory was not enough while it was reading. Run the task again with more, or with less at a time."
    )
    assert said(ValueError(HIDDEN)) == (
        "It stopped unexpectedly while it was reading: ValueError. This is a fault of meshops.asm, not of your "
        "playbook. Run the task again, it goes on from what is there. If it comes back, run it with meshops_debug=true "
        "and report what it then returns as 'debug', without any of your values, to "
        "https://github.com/meshops/asm/issues."
    )
    place = unexpected.place(deep())
    assert f"reading: ValueError at {place}. This is" in said(deep())


def test_of_files_of_others_no_more_is_said_than_which_they_are() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        assert re.fullmatch(r"[^/]+/json/decoder\.py:\d+", unexpected.place(_without_first(error)))


def _without_first(error: BaseException) -> BaseException:
    """As if the library had called itself."""
    assert error.__traceback__
    return error.with_traceback(error.__traceback__.tb_next)


def test_the_place_is_the_innermost_of_our_own() -> None:
    assert unexpected.place(deep().__cause__ or ValueError()).startswith("plugins/module_utils/mesh/meshes.py:")
    assert unexpected.place(ValueError()) == ""


def test_what_a_library_raises_is_placed_where_we_called_it() -> None:
    with pytest.raises(ValueError, match="width") as raised:
        columns([["a", "b"]], width=0)
    assert unexpected.place(raised.value).startswith("plugins/module_utils/flow/columns.py:")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("/opt/lib/a/b/c.py", "a/b/c.py:1"),
        ("/opt/my lib/b c.py", "opt/my lib/b c.py:1"),
        ("/X.py", "X.py:1"),
        ("/src/ansible_collections/meshops/asm/.cache/ansible_collections/meshops/asm/plugins/x.py", "plugins/x.py:1"),
    ],
)
def test_files_are_told_by_their_last_folders_or_within_the_collection(file: str, told: str) -> None:
    with pytest.raises(ValueError) as raised:
        FunctionType(compile("raise ValueError", file, "exec"), {})()
    assert unexpected.place(_without_first(raised.value)) == told


def test_debug_has_types_and_places_of_the_whole_chain_and_no_text() -> None:
    debug = unexpected.debug_of(deep())
    assert [one["type"] for one in debug["exceptions"]] == ["ValueError", "KeyError"]
    assert debug["exceptions"][1]["frames"][-1].endswith(" mesh_id")
    assert HIDDEN not in json.dumps(debug)
    assert (debug["python"], debug["system"]) == (platform.python_version(), platform.system())
    assert all(re.fullmatch(r"\S+:\d+ \w+", frame) for one in debug["exceptions"] for frame in one["frames"])
    assert not any(frame.startswith("/") for one in debug["exceptions"] for frame in one["frames"])


def test_an_exception_within_a_handler_is_told_with_the_one_before_it() -> None:
    try:
        try:
            raise KeyError(HIDDEN)
        except KeyError:
            raise ValueError(HIDDEN)  # noqa: B904
    except ValueError as error:
        assert [one["type"] for one in unexpected.debug_of(error)["exceptions"]] == ["ValueError", "KeyError"]


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert len(unexpected.debug_of(first)["exceptions"]) == 2


def test_a_recursion_is_cut_short() -> None:
    def fall(depth: int) -> Any:
        return fall(depth + 1)

    try:
        fall(0)
    except RecursionError as error:
        assert len(unexpected.debug_of(error)["exceptions"][0]["frames"]) == 40

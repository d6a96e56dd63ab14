# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module says what it waits for: lines in a file that the controller has made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import progress


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is named to the module but not there."""
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "waits"))
    return tmp_path / "waits"


def test_each_look_is_a_line_of_its_own(file: Path) -> None:
    file.write_text("before\n", encoding="utf-8")
    progress.tell("the mesh", 12.3456, 40)
    progress.tell("the gateway\nof 杭州", 0.04, None)
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    assert head == "before"
    assert [json.loads(line) for line in lines] == [
        {"what": "the mesh", "seconds": 12.3, "percent": 40},
        {"what": "the gateway\\nof 杭州", "seconds": 0.0, "percent": None},
    ]


def test_a_file_that_is_gone_stays_gone(file: Path) -> None:
    progress.tell("the mesh", 1, None)
    assert not file.exists()


def test_a_link_in_place_of_the_file_is_not_followed(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept", encoding="utf-8")
    file.symlink_to(target)
    progress.tell("the mesh", 1, None)
    assert target.read_text(encoding="utf-8") == "kept"


def test_without_a_reader_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for value in (None, ""):
        monkeypatch.delenv(progress.VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(progress.VARIABLE, value)
        progress.tell("the mesh", 1, None)
    assert list(tmp_path.iterdir()) == []


def test_a_module_that_waits_long_keeps_no_file_open(file: Path) -> None:
    file.touch()
    before = sorted(Path("/proc/self/fd").iterdir())
    progress.tell("the mesh", 1, None)
    assert sorted(Path("/proc/self/fd").iterdir()) == before

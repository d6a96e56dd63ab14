# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a folder stands for: with prune on, what is left out is deleted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube.files import Files, files_of, read_text


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kind: A\n", encoding="utf-8")


def names(found: Files, folder: Path) -> tuple[list[str], list[str]]:
    read, passed = ([str(path.relative_to(folder)) for path in paths] for paths in (found.read, found.passed_over))
    return read, passed


def test_a_folder_that_is_a_link_is_read_by_the_name_of_the_link(tmp_path: Path) -> None:
    make(tmp_path, "shared/deep/x.yml", "real/a.yml")
    (tmp_path / "real" / "common").symlink_to("../shared")
    assert names(files_of(tmp_path / "real"), tmp_path / "real") == (["a.yml", "common/deep/x.yml"], [])


def test_a_file_that_is_a_link_is_read(tmp_path: Path) -> None:
    """As in a volume of Kubernetes, whose files are links into a hidden folder."""
    make(tmp_path, "..2026/a.yml")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "a.yml").symlink_to("..data/a.yml")
    assert names(files_of(tmp_path), tmp_path) == (["a.yml"], ["..2026", "..data"])


@pytest.mark.parametrize("target", ["..", ".", "../..", "../sub"])
def test_links_in_a_circle_end(tmp_path: Path, target: str) -> None:
    make(tmp_path, "set/sub/a.yml", "set/b.yml")
    (tmp_path / "set" / "sub" / "again").symlink_to(target)
    read, passed = names(files_of(tmp_path / "set"), tmp_path / "set")
    assert (read, passed) == (["b.yml", "sub/a.yml"], [])


def test_what_two_links_reach_is_read_once(tmp_path: Path) -> None:
    make(tmp_path, "shared/x.yml")
    for name in ("one", "two"):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / name).symlink_to("../shared")
    (tmp_path / "set" / "x.yml").symlink_to("one/x.yml")
    assert names(files_of(tmp_path / "set"), tmp_path / "set")[0] == ["one/x.yml"]


@pytest.mark.parametrize("name", ["gone", "gone.yml", "sub/gone", "self"])
def test_a_link_to_nothing_is_refused_by_name(tmp_path: Path, name: str) -> None:
    make(tmp_path, "a.yml", "sub/b.yml")
    (tmp_path / name).symlink_to("self" if name == "self" else "nowhere")
    with pytest.raises(InvalidInput, match=f"{tmp_path / name} is a link to what is not there"):
        files_of(tmp_path)


def test_endings_count_in_any_case(tmp_path: Path) -> None:
    make(tmp_path, "a.YAML", "b.Yml", "c.Json", "d.JSON", "e.txt")
    assert names(files_of(tmp_path), tmp_path) == (["a.YAML", "b.Yml", "c.Json", "d.JSON"], ["e.txt"])


def test_what_is_passed_over_is_told_and_what_may_have_been_meant_is_doubtful(tmp_path: Path) -> None:
    make(tmp_path, "a.yml", "b.yml.j2", ".c.yml", ".git/config", "README.md", "d.yml.bak", "sub/.e.JSON")
    os.mkfifo(tmp_path / "pipe.yml")
    found = files_of(tmp_path)
    assert names(found, tmp_path) == (
        ["a.yml"],
        [".c.yml", ".git", "README.md", "b.yml.j2", "d.yml.bak", "pipe.yml", "sub/.e.JSON"],
    )
    assert [path.name for path in found.doubtful()] == [".c.yml", "b.yml.j2", "pipe.yml", ".e.JSON"]


def test_a_file_that_is_named_is_read_whatever_its_ending(tmp_path: Path) -> None:
    assert files_of(tmp_path / "x.txt").read == [tmp_path / "x.txt"]


def test_a_kustomization_without_ending_is_not_overlooked(tmp_path: Path) -> None:
    make(tmp_path, "Kustomization", "a.yml", "sub/Kustomize")
    assert names(files_of(tmp_path), tmp_path) == (["Kustomization", "a.yml"], ["sub/Kustomize"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_as_windows_writes_it(tmp_path: Path, encoding: str) -> None:
    """PowerShell writes what a program prints in UTF-16, with its mark, and kubectl reads it."""
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    (tmp_path / "a.yml").write_bytes(f"{mark}note: \U0001f680 é\r\nb: c\r\n".encode(encoding))
    assert read_text(tmp_path / "a.yml").lstrip("\ufeff") == "note: \U0001f680 é\nb: c\n"


@pytest.mark.parametrize("data", ["é".encode("latin-1"), b"\xff\xfea", b"\xfe\xff\xd8\x00"])
def test_bytes_that_are_no_text(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.yml").write_bytes(data)
    with pytest.raises(InvalidInput, match="not text in UTF-8"):
        read_text(tmp_path / "a.yml")

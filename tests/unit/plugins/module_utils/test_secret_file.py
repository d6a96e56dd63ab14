# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.plugins.module_utils import secret_file
from ansible_collections.meshops.asm.plugins.module_utils.errors import InvalidInput


def test_written_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    old = os.umask(0)
    try:
        secret_file.write(str(path), "secret")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_file.read(str(path)) == "secret"
    assert secret_file.is_private(str(path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["kubeconfig"]


def test_replacing_an_open_file_makes_it_private(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    assert not secret_file.is_private(str(path))
    secret_file.write(str(path), "new")
    assert secret_file.is_private(str(path))
    assert path.read_text() == "new"


def test_missing_file_is_nothing(tmp_path: Path) -> None:
    assert secret_file.read(str(tmp_path / "none")) is None
    secret_file.remove(str(tmp_path / "none"))


def test_removed_file_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("x")
    secret_file.remove(str(path))
    assert not path.exists()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"folder .*/nowhere .*does not exist"):
        secret_file.write(str(tmp_path / "nowhere" / "kubeconfig"), "x")


def test_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a folder"):
        secret_file.write(str(tmp_path), "x")
    with pytest.raises(InvalidInput, match="cannot be read"):
        secret_file.read(str(tmp_path))


def test_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="cannot be read"):
        secret_file.read(str(path))

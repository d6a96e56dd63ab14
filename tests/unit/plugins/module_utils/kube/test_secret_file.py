# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import secret_file


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


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match="name a file"):
        secret_file.read(str(tmp_path / "pipe"))


@pytest.mark.parametrize("path", ["/\0", "/" + "x" * 5000, "loop"])
def test_what_is_no_path_is_an_error(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with pytest.raises(InvalidInput, match="cannot be read"):
        secret_file.read(path)


def test_file_without_end_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(InvalidInput, match="more than 16 MiB"):
        secret_file.read(str(path))


def test_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="cannot be read"):
        secret_file.read(str(path))


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("real/file")
    secret_file.write(str(tmp_path / "one"), "x")
    assert (tmp_path / "one").is_symlink()
    assert (tmp_path / "two").is_symlink()
    assert (tmp_path / "real" / "file").read_text() == "x"
    assert [entry.name for entry in (tmp_path / "real").iterdir()] == ["file"]


@pytest.mark.parametrize(("before", "after"), [(0o400, "0400"), (0o640, "0600"), (0o000, "0600"), (0o777, "0600")])
def test_rights_of_the_owner_stay(tmp_path: Path, before: int, after: str) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(before)
    assert secret_file.private_mode(str(path)) == after
    secret_file.write(str(path), "new")
    assert secret_file.mode(str(path)) == after


def test_owner_stays_or_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    given: list[tuple[int, int]] = []
    real = os.stat_result
    monkeypatch.setattr(os, "chown", lambda _path, uid, gid: given.append((uid, gid)))
    owner = path.stat()
    foreign = real((*owner[:4], owner.st_uid + 1, owner.st_gid, *owner[6:]))
    stat_of = Path.stat
    monkeypatch.setattr(Path, "stat", lambda self, **more: foreign if self == path else stat_of(self, **more))
    secret_file.write(str(path), "new")
    assert given == [(owner.st_uid + 1, owner.st_gid)]

    def refuse(*_unused: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    with pytest.raises(InvalidInput, match="cannot be written: Operation not permitted"):
        secret_file.write(str(path), "newer")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match="No space left"):
        secret_file.write(str(path), "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_two_writers_come_one_after_the_other(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    child = os.fork()
    if child == 0:
        for _unused in range(50):
            with secret_file.locked(path):
                secret_file.write(path, (secret_file.read(path) or "") + "c")
        os._exit(0)
    for _unused in range(50):
        with secret_file.locked(path):
            secret_file.write(path, (secret_file.read(path) or "") + "p")
    assert os.waitpid(child, 0)[1] == 0
    assert sorted(secret_file.read(path) or "") == ["c"] * 50 + ["p"] * 50


def test_a_copy_is_as_private_as_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert secret_file.backup(str(path)) is None
    path.write_text("old")
    path.chmod(0o644)
    copy = Path(secret_file.backup(str(path)) or "")
    assert copy.read_text() == "old"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600

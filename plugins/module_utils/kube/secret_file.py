# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets: never readable by others, never half written, and links to them stay links.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

# Bytes. A kubeconfig of a thousand clusters has some five million.
_LARGEST = 16 * 1024 * 1024


def read(path: str) -> str | None:
    """The text of the file, or ``None`` where there is none; also at the end of a link that leads nowhere."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise InvalidInput(f"{path} cannot be read: it is a folder or a device, name a file.", code="NotAFile")
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise InvalidInput(f"{path} cannot be read: it has more than {_LARGEST >> 20} MiB.", code="UnreadableFile")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} cannot be read: it is no text in UTF-8.", code="UnreadableFile") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no path"
        raise InvalidInput(f"{path} cannot be read: {reason}.", code="UnreadableFile") from error


def is_private(path: str) -> bool:
    """Whether only the owner can read and write the existing file."""
    return stat.S_IMODE(Path(path).stat().st_mode) & 0o077 == 0


def mode(path: str) -> str:
    """The permissions of the existing file, as in ``0600``."""
    return f"{stat.S_IMODE(Path(path).stat().st_mode):04o}"


def private_mode(path: str) -> str:
    """The permissions that ``write`` gives: what the owner has, 0600 for a new file."""
    try:
        return f"{stat.S_IMODE(Path(path).stat().st_mode) & 0o600 or 0o600:04o}"
    except OSError:
        return "0600"


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Keeps other tasks from writing in the same folder, so that none undoes what the other has merged in."""
    folder = _folder(path)
    with contextlib.ExitStack() as stack:
        # Some folders cannot be opened, and some network file systems know no locks: it is then as without this.
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def write(path: str, text: str) -> None:
    """Replaces the file, or the one that a link leads to, in one step and for good; no other user can read it.

    Owner, group and extended attributes (SELinux) stay; where the owner cannot stay, nothing is written.
    """
    target = os.path.realpath(path)
    folder = _folder(path)
    if Path(target).is_dir():
        raise InvalidInput(f"{path} is a folder: name a file.", code="NotAFile")
    permissions = int(private_mode(target), 8)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".kubeconfig-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            _take_over(target, temporary)
            Path(temporary).chmod(permissions)
            file.write(text)
            file.flush()
            os.fsync(handle)
        Path(temporary).replace(target)
        _sync(folder)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", code="UnwritableFile") from error


def backup(path: str) -> str | None:
    """Copies the file beside itself under Ansible's name for that; no file, no copy."""
    text = read(path)
    if text is None:
        return None
    copy = f"{path}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S~')}"
    write(copy, text)
    return copy


def remove(path: str) -> None:
    """Removes the file; an absent one is fine."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be removed: {error.strerror}.", code="UnwritableFile") from error


def _folder(path: str) -> str:
    """The folder in which the file is or is to be, links followed."""
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise InvalidInput(f"The folder {folder} of {path} does not exist: make it first.", code="MissingFolder")
    return str(folder)


def _take_over(source: str, temporary: str) -> None:
    """Owner and attributes of the file that is replaced; it is still empty, so nobody can read too much."""
    try:
        old = Path(source).stat()
    except FileNotFoundError:
        return
    shutil.copystat(source, temporary)
    new = Path(temporary).stat()
    if old.st_uid != new.st_uid:
        os.chown(temporary, old.st_uid, old.st_gid)
    elif old.st_gid != new.st_gid:
        # A group that the caller is not in has no rights in the file anyway.
        with contextlib.suppress(OSError):
            os.chown(temporary, -1, old.st_gid)


def _sync(folder: str) -> None:
    """Makes the new name last, too, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

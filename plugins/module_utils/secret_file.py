# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets: never readable by others, never half written.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from ansible_collections.meshops.asm.plugins.module_utils.errors import InvalidInput


def read(path: str) -> str | None:
    """The text of the file, or ``None`` where there is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", code="UnreadableFile") from error


def is_private(path: str) -> bool:
    """Whether only the owner can read and write the existing file."""
    return stat.S_IMODE(Path(path).stat().st_mode) & 0o077 == 0


def mode(path: str) -> str:
    """The permissions of the existing file, as in ``0600``."""
    return f"{stat.S_IMODE(Path(path).stat().st_mode):04o}"


def write(path: str, text: str) -> None:
    """Replaces the file in one step; it has mode 0600 from the first moment on."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise InvalidInput(f"The folder {folder} of {path} does not exist: make it first.", code="MissingFolder")
    if Path(path).is_dir():
        raise InvalidInput(f"{path} is a folder: name a file.", code="NotAFile")
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".kubeconfig-")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error}.", code="UnwritableFile") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink()
        raise InvalidInput(f"{path} cannot be written: {error}.", code="UnwritableFile") from error


def remove(path: str) -> None:
    """Removes the file; an absent one is fine."""
    Path(path).unlink(missing_ok=True)

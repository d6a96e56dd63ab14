# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a named file or folder stands for. Nothing in a folder is left out without being named.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube.bounds import MOST_TEXT

SUFFIXES = (".yml", ".yaml", ".json")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A manifest by its name although it has no ending: kustomize takes it.
_KUSTOMIZATION = "Kustomization"


@dataclass
class Files:
    """The files to read, in order, and what lies beside them: files that are none of these, hidden ones and folders."""

    read: list[Path] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)

    def doubtful(self) -> list[Path]:
        """Those passed over that somebody may have meant: hidden manifests, templates where none are rendered."""
        return [path for path in self.passed_over if _ends(path.name.lower().removesuffix(".j2"), SUFFIXES)]


def files_of(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Files:
    """``path`` itself, or the files in and below that folder with one of the suffixes, in any case, sorted by path.

    Links are followed; what can be reached in several ways, as by a link to a folder above, is read once. Raises
    ``InvalidInput`` for a link to nothing, a folder that may not be read, and a folder without any such file.
    """
    if not path.is_dir():
        return Files([path])
    found = Files()
    _look_into(path, suffixes, found, set())
    if not found.read:
        raise InvalidInput(f"The folder {path} holds no file that ends in {', '.join(suffixes)}.")
    return found


def read_text(file: Path) -> str:
    """The text of a file; raises ``InvalidInput`` when there is none, or more than the limit.

    It is UTF-8, or UTF-16 behind its byte order mark, as PowerShell writes the output of kubectl.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_TEXT + 1)
    except OSError as error:
        raise InvalidInput(f"Cannot read {file}: {error.strerror}.") from error
    if len(data) > MOST_TEXT:
        raise InvalidInput(f"{file} is longer than {MOST_TEXT >> 20} MiB: split it.")
    try:
        text = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not text in UTF-8.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _look_into(folder: Path, suffixes: tuple[str, ...], found: Files, seen: set[str]) -> None:
    """``seen`` are the real paths of the folders and files so far."""
    seen.add(os.path.realpath(folder))
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise InvalidInput(f"Cannot read the folder {folder}: {error.strerror}.") from error
    for path in inside:
        if path.name.startswith("."):
            found.passed_over.append(path)
            continue
        _check_link(path)
        real = os.path.realpath(path)
        if real in seen:
            continue
        if path.is_dir():
            _look_into(path, suffixes, found, seen)
        elif path.is_file() and (_ends(path.name, suffixes) or path.name == _KUSTOMIZATION):
            seen.add(real)
            found.read.append(path)
        else:
            found.passed_over.append(path)


def _check_link(path: Path) -> None:
    try:
        path.stat()
    except OSError as error:
        what = "is a link to what is not there" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise InvalidInput(f"{path} {what}. Mend it or take it away, because objects may be missing.") from error


def _ends(name: str, suffixes: tuple[str, ...]) -> bool:
    return name.lower().endswith(suffixes)

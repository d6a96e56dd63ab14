# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images exist, from data/images.yml."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

_FILE = Path(__file__).parent.parent / "data" / "images.yml"


@dataclass(frozen=True)
class Image:
    """An image that exists. ``entrypoint``: service (runs until it is stopped) or shell (runs its command and ends).

    ``kind``: the stand-in that serves for it where pods have a network, on ``ports`` unless the container names others.
    """

    reference: str
    entrypoint: str
    kind: str = ""
    ports: tuple[int, ...] = ()

    @property
    def image_id(self) -> str:
        """What a kubelet shows as imageID."""
        return f"{_split(self.reference)[0]}@sha256:{hashlib.sha256(self.reference.encode()).hexdigest()}"


@dataclass(frozen=True)
class _Entry:
    repository: str
    tags: tuple[str, ...]
    entrypoint: str
    kind: str = ""
    ports: tuple[int, ...] = ()


class Catalogue:
    """The images that can be pulled.

    ``placeholder``: accept the image "auto" of gateways, which injection replaces where istiod runs.
    """

    def __init__(self, *, placeholder: bool = False, file: Path = _FILE) -> None:
        self._entries = [
            _Entry(
                one["repository"],
                tuple(one["tags"]),
                one["entrypoint"],
                one.get("serves", ""),
                tuple(one.get("ports", ())),
            )
            for one in yaml.safe_load(file.read_text())
        ]
        if placeholder:
            self._entries.append(_Entry("auto", ("latest",), "service"))

    def find(self, reference: str) -> Image | None:
        """The image of that name, or None when there is no such image."""
        repository, tag = _split(reference)
        last = repository.rpartition("/")[2]
        for entry in self._entries:
            named = fnmatchcase(repository, entry.repository) or fnmatchcase(last, entry.repository)
            if named and any(fnmatchcase(tag, pattern) for pattern in entry.tags):
                return Image(reference, entry.entrypoint, entry.kind, entry.ports)
        return None


def _split(reference: str) -> tuple[str, str]:
    """Name and tag; a digest does not matter, and a colon before the last slash belongs to a registry's port."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    short, _colon, tag = last.partition(":")
    return f"{head}{slash}{short}", tag or "latest"

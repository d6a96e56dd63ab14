# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option kubeconfig takes a path or a text; which of the two a value is. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
from pathlib import Path

# A kubeconfig in Base64 is longer, a path that somebody writes is not: characters, and bytes of one name in it.
_LONGEST_PATH, _LONGEST_NAME = 1024, 255


def text_of(value: str) -> str | None:
    """The kubeconfig that a value holds as YAML, as JSON or in Base64 (as CI keeps it), else ``None``."""
    decoded = _decoded(value)
    if decoded is not None:
        return decoded
    return value if "\n" in value.strip() or value.lstrip().startswith("{") else None


def path_of(value: str) -> Path | None:
    """The path that a value can be; ``None`` for what no file can be called, which may be a secret that went astray."""
    if not value.strip() or len(value) > _LONGEST_PATH or not value.isprintable():
        return None
    if any(len(name.encode()) > _LONGEST_NAME for name in value.split("/")):
        return None
    try:
        return Path(value).expanduser().absolute()
    except (RuntimeError, OSError):
        return None


def _decoded(value: str) -> str | None:
    try:
        text = base64.b64decode("".join(value.split()), validate=True).decode("utf-8-sig")
    except ValueError:
        return None
    # A path such as ``home/user`` is Base64 too, but of no kubeconfig.
    return text if "clusters" in text else None

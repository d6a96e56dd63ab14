# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets among settings that the service may show, mask or leave out, and that nobody else may see. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# Words of the diff for what must not be in it.
_THERE = "those that are there"
_OF_TASK = "those of the task"


def is_hidden(value: Any) -> bool:
    """Whether a secret that the service shows is none: left out, or masked."""
    return value is None or not str(value).strip("* ")


def pictures(before: Json | None, after: Json, *, another: bool) -> tuple[Json | None, Json]:
    """Both sides of a diff; with ``another`` they say that secrets change, which are not in them."""
    if not another:
        return before, after
    return {**before, "secrets": _THERE} if before else None, {**after, "secrets": _OF_TASK}

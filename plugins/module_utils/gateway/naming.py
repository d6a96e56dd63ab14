# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of objects as Kubernetes takes them: they become a part of a path. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_name
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line


def refuse_names(params: Mapping[str, Any], *options: str) -> None:
    """Raises ``InvalidInput`` for the first of these options whose value is no name of a Kubernetes object."""
    for option in options:
        value = params.get(option)
        if value is not None and not is_name(value):
            raise InvalidInput(
                f"{option} '{one_line(value)[:60]}' is no name that Kubernetes takes: give small letters, digits, '-' "
                "and '.', with a letter or a digit at both ends."
            )

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the collection as Ansible takes them from a filter.

PRIVATE: this code is for the filter plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a filter: an ``AsmError`` is an ``AnsibleFilterError`` with its message alone."""

    @functools.wraps(function)
    def filtered(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except AsmError as error:
            raise AnsibleFilterError(error.message) from None

    return filtered

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No public function that takes values from outside is left out of the targets."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from .takers import OTHERS, TABLES


def public(module: ModuleType) -> set[str]:
    """The names of the functions that a file defines for others."""
    found = inspect.getmembers(module, inspect.isfunction)
    return {name for name, function in found if not name.startswith("_") and function.__module__ == module.__name__}


@pytest.mark.parametrize("module", OTHERS, ids=lambda module: module.__name__.rpartition("module_utils.")[2])
def test_every_public_function_is_tried_or_takes_no_values(module: ModuleType) -> None:
    tried = {function.__name__ for table in TABLES for function in table if function.__module__ == module.__name__}
    assert tried | OTHERS[module] == public(module)
    assert not tried & OTHERS[module]

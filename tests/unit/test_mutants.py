# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make mutants`` reads names things that exist, and every survivor has a reason."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.mutants.sets import SETS
from tests.mutants.survivors import SURVIVORS, Survivor

ROOT = Path(__file__).resolve().parents[2]


def functions(module: str) -> set[str]:
    """The functions of a module, those of classes as ``Class.function``."""
    tree = ast.parse((ROOT / "plugins" / "module_utils" / f"{module}.py").read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} | {
        f"{one.name}.{node.name}" for one in classes for node in one.body if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("module", SETS)
def test_a_set_is_a_module_and_its_tests(module: str) -> None:
    assert functions(module)
    assert SETS[module]
    for test in SETS[module]:
        assert (ROOT / "tests" / "unit" / "plugins" / test).is_file(), test


@pytest.mark.parametrize("one", SURVIVORS, ids=lambda one: f"{one.module}.{one.function}")
def test_a_survivor_is_in_a_function_of_a_set_and_says_why(one: Survivor) -> None:
    assert one.function in functions(one.module)
    assert one.module in SETS
    assert re.compile(one.line)
    assert len(one.reason) > 10
    assert not one.reason.endswith(".")

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CONTRIBUTING.md says how many files and lines each room and each resource has, and no resource needs many."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Of CONTRIBUTING's eight files of a resource those below plugins: its module, its twin, and what it may need besides.
MOST = 8


@pytest.fixture(scope="module")
def sizes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("resource_sizes", ROOT / "tools/resource_sizes.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_up_to_date(sizes: ModuleType) -> None:
    text = sizes.PAGE.read_text(encoding="utf-8")
    assert sizes.page(text) == text, "run tools/resource_sizes.py"


def test_a_stale_table_is_found_and_mended(sizes: ModuleType) -> None:
    text = sizes.PAGE.read_text(encoding="utf-8")
    for table in (sizes.rows(), sizes.room_rows()):
        row = list(table)[-1]
        assert text.count(row) == 1
        stale = text.replace(row, f"{row[:-2]}1 |")
        assert sizes.page(stale) == text != stale


def test_every_room_is_counted(sizes: ModuleType) -> None:
    rooms = re.findall(r"^\| `(\w+)` ", "\n".join(sizes.room_rows()), re.MULTILINE)
    assert rooms == sorted({path.parent.name for path in sizes.ROOMS.glob("*/*.py")})
    assert len(list(sizes.ROOMS.glob("*.py"))) == 0


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", 0),
        ('"""Of a file.\n\nTwo parts.\n"""\n\n# Why.\n\nx = 1  # So.\n', 1),
        ('def f():\n    """Of a function."""\n\n    return """a\n\nb"""\n', 4),
        ('class A:\n    """Of a class."""\n\n    b = (\n        1,\n    )\n', 4),
    ],
)
def test_lines_of_code_are_neither_blank_nor_said(sizes: ModuleType, text: str, lines: int) -> None:
    assert sizes.code_of(text) == lines


def test_every_module_is_in_it_once(sizes: ModuleType) -> None:
    listed = [path for several in sizes.resources().values() for path in several]
    assert sorted(listed) == sorted(path for path in sizes.MODULES.glob("*.py") if path.stem != "__init__")
    assert [path.stem for path in sizes.resources()["asm_gateway"]] == ["asm_gateway", "asm_gateway_info"]
    assert "asm_registry_info" in sizes.resources()


def test_what_others_need_as_well_is_nobodys_own(sizes: ModuleType) -> None:
    permissions = ROOT / "plugins/module_utils/mesh/permissions.py"
    meshes = ROOT / "plugins/module_utils/mesh/meshes.py"
    behind = sizes.behind(sizes.resources()["asm_user_permission"])
    assert {permissions, meshes} <= behind
    assert meshes in sizes.behind(sizes.resources()["asm_gateway"])


def test_lines_of_documentation_are_no_code(sizes: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "asm_x.py"
    file.write_text('DOCUMENTATION = r"""\na\n"""\n\nx = 1\n', encoding="utf-8")
    assert sizes.lines_of(file) == (5, 3)


def test_no_resource_that_changes_something_needs_many_files(sizes: ModuleType) -> None:
    counts = {name: int(files) for name, files in re.findall(r"^\| `(\w+)` \| (\d+) ", "\n".join(sizes.rows()), re.M)}
    readers = ("asm_preflight", "asm_verify", "asm_probe", "istio_resource")
    assert {name: count for name, count in counts.items() if count > MOST and name not in readers} == {}

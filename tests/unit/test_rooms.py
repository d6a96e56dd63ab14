# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which room may import which: the table of CONTRIBUTING.md holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
PACKAGE = "ansible_collections.meshops.asm.plugins."

Imports = dict[str, set[str]]


def allowed(page: str) -> Imports:
    """``{room: rooms that it may import}`` from the table of the page."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", page, re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", others)) for room, others in rows}


def room_of(module: str) -> str:
    """``module_utils.kube.client`` is in the room kube, ``modules.asm_mesh`` in modules."""
    first, *rest = module.split(".")
    return rest[0] if first == "module_utils" and rest else first


def imports_of(text: str) -> set[str]:
    """The collection's own modules that a source file imports, anywhere in it, without the common prefix."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            found.add("a relative import, which Ansible cannot pack")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            module = str(node.module).removeprefix(PACKAGE)
            for name in node.names:
                is_file = (PLUGINS / Path(*module.split(".")) / f"{name.name}.py").exists()
                found.add(f"{module}.{name.name}" if is_file else module)
        elif isinstance(node, ast.Import):
            found |= {one.name.removeprefix(PACKAGE) for one in node.names if one.name.startswith(PACKAGE)}
    return found


def sources() -> Imports:
    """``{module: modules that it imports}`` of all plugins."""
    return {
        ".".join(file.relative_to(PLUGINS).with_suffix("").parts): imports_of(file.read_text(encoding="utf-8"))
        for file in PLUGINS.rglob("*.py")
        if file.name != "__init__.py"
    }


def forbidden(imports: Imports, table: Imports) -> list[str]:
    """A line for each import that the table does not allow."""
    return sorted(
        f"{importer} imports {imported}"
        for importer, several in imports.items()
        for imported in several
        if room_of(imported) not in {room_of(importer), *table.get(room_of(importer), set())}
    )


def circle(imports: Imports) -> list[str]:
    """Modules that import each other in a circle, if there are any."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return []
        for other in sorted(imports.get(module, set())):
            if found := visit(other, [*path, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(imports) if (found := visit(module, []))), [])


TABLE = allowed((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def test_every_room_is_in_the_table() -> None:
    assert {room_of(module) for module in sources()} == set(TABLE)


def test_imports_are_those_of_the_table() -> None:
    assert not forbidden(sources(), TABLE)


def test_no_allowance_is_unused() -> None:
    used = {(room_of(one), room_of(other)) for one, several in sources().items() for other in several}
    assert {(room, other) for room, others in TABLE.items() for other in others} <= used


def test_nothing_imports_in_a_circle() -> None:
    assert not circle(sources())


def test_a_forbidden_import_is_found() -> None:
    source = f"def late():\n    from {PACKAGE}module_utils.cloud import client\n"
    imports = {**sources(), "module_utils.kube.client": imports_of(source)}
    assert forbidden(imports, TABLE) == ["module_utils.kube.client imports module_utils.cloud.client"]
    assert forbidden({"module_utils.new.thing": {"module_utils.flow.errors"}}, TABLE)
    assert forbidden({"modules.asm_x": imports_of("from . import asm_mesh\n")}, TABLE)


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]


@pytest.mark.parametrize("room", ["flow", "wire", "istio", "kube", "probe"])
def test_a_room_works_without_anything_of_alibaba(room: str) -> None:
    names = [
        f"{PACKAGE}module_utils.{room}.{file.stem}" for file in sorted((PLUGINS / "module_utils" / room).glob("*.py"))
    ]
    assert names
    program = f"""
import importlib, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0].lower().startswith(("alibaba", "tea", "darabonba")):
            raise ImportError(f"{{name}} is not installed")
sys.meta_path.insert(0, Missing())
for name in {names!r}:
    importlib.import_module(name)
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)


def long_functions(source: str) -> list[str]:
    """Those of more than 40 lines, from ``def`` to the end: docstring, comments and what is blank count as well."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, functions))
    return [node.name for node in found if (node.end_lineno or 0) - node.lineno >= 40]


def test_functions_are_short() -> None:
    """A function of more than 40 lines does more than one thing."""
    long = {file.relative_to(PLUGINS): long_functions(file.read_text("utf-8")) for file in PLUGINS.rglob("*.py")}
    assert not {file: names for file, names in long.items() if names}


def test_a_long_function_is_found() -> None:
    line = "        pass\n"
    assert long_functions(f"class A:\n    async def f(self):\n        '''Why.\n\n        '''\n{line * 36}") == []
    assert long_functions(f"class A:\n    async def f(self):\n        '''Why.\n\n        '''\n{line * 37}") == ["f"]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes into CONTRIBUTING.md how many files and lines each room has, and each resource of its own.

A file is a resource's own when its modules alone import it, directly or through others. Lines are rounded to 50, those
of rooms to 100, so that a table changes when a room or a resource does. With ``--check`` nothing is written, and the
exit code is 1 when a table is stale.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
MODULES = ROOT / "plugins" / "modules"
ROOMS = ROOT / "plugins" / "module_utils"
_DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
_NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


@cache
def _code() -> ModuleType:
    """The tool that knows which files a file imports."""
    spec = importlib.util.spec_from_file_location("ram_policies", ROOT / "tools" / "ram_policies.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def resources() -> dict[str, list[Path]]:
    """``{module: it and its twin that only reads}``; a twin without one stands for itself."""
    found: dict[str, list[Path]] = {}
    for path in sorted(MODULES.glob("*.py")):
        if path.stem != "__init__":
            managed = path.stem.removesuffix("_info")
            found.setdefault(managed if (MODULES / f"{managed}.py").exists() else path.stem, []).append(path)
    return found


def behind(files: list[Path]) -> set[Path]:
    """The files of module_utils that some files need, at any depth."""
    seen: set[Path] = set()
    waiting = list(files)
    while waiting:
        new = set(_code().imported(waiting.pop())) - seen
        seen |= new
        waiting += new
    return seen


def lines_of(path: Path) -> tuple[int, int]:
    """``(lines, those of them that document a module)``."""
    text = path.read_text(encoding="utf-8")
    assigned = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    documenting = [node for node in assigned if getattr(node.targets[0], "id", "") in _DOCUMENTATION]
    return len(text.splitlines()), sum((node.end_lineno or 0) - node.lineno + 1 for node in documenting)


def code_of(text: str) -> int:
    """The lines of a Python file that are code: neither blank nor comments nor docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = {line for one in tokens if one.type not in _NO_CODE for line in range(one.start[0], one.end[0] + 1)}
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(code)


def room_rows() -> Iterator[str]:
    """How large the rooms of module_utils are."""
    yield "| room | files | lines | lines of code |"
    yield "|---|---|---|---|"
    whole = Counter[str]()
    for room in sorted({file.parent for file in ROOMS.glob("*/*.py")}):
        texts = [file.read_text(encoding="utf-8") for file in room.glob("*.py") if file.stem != "__init__"]
        size = Counter(
            files=len(texts), lines=sum(len(text.splitlines()) for text in texts), code=sum(map(code_of, texts))
        )
        whole += size
        yield f"| `{room.name}` | {size['files']} | {_rounded(size['lines'], 100)} | {_rounded(size['code'], 100)} |"
    yield f"| all of them | {whole['files']} | {_rounded(whole['lines'], 100)} | {_rounded(whole['code'], 100)} |"


def rows() -> list[str]:
    known = resources()
    needed = {name: behind(files) for name, files in known.items()}
    users = Counter(file for several in needed.values() for file in several)
    table = ["| resource | files of its own | lines of code | lines of documentation |", "|---|---|---|---|"]
    for name, modules in known.items():
        own = sorted(file for file in needed[name] if users[file] == 1)
        counted = [lines_of(path) for path in (*modules, *own)]
        documentation = sum(one for _all, one in counted)
        code = sum(every for every, _one in counted) - documentation
        table.append(f"| `{name}` | {len(counted)} | {_rounded(code)} | {_rounded(documentation)} |")
    return table


def _rounded(lines: int, step: int = 50) -> int:
    return max(step, round(lines / step) * step)


def page(text: str) -> str:
    """The page with the tables between their marks."""
    for name, table in (("rooms", room_rows()), ("sizes", rows())):
        begin, end = f"<!-- Begin {name}, written by tools/resource_sizes.py -->", f"<!-- End {name} -->"
        text = re.sub(f"{begin}.*?{end}", "\n".join([begin, *table, end]), text, flags=re.DOTALL)
    return text


def main(arguments: list[str]) -> int:
    text = PAGE.read_text(encoding="utf-8")
    stale = page(text) != text
    if stale and "--check" not in arguments:
        PAGE.write_text(page(text), encoding="utf-8")
    if stale:
        print(f"{PAGE.name}: {'stale, run tools/resource_sizes.py' if '--check' in arguments else 'written'}")
    return int(stale and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes into CONTRIBUTING.md how many files and lines each resource has of its own.

A file is a resource's own when its modules alone import it, directly or through others. Lines are rounded to 50, so
that the table changes when a resource does. With ``--check`` nothing is written, and the exit code is 1 when it is
stale.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
MODULES = ROOT / "plugins" / "modules"
BEGIN, END = "<!-- Begin sizes, written by tools/resource_sizes.py -->", "<!-- End sizes -->"
_DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
_STEP = 50


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


def _rounded(lines: int) -> int:
    return max(_STEP, round(lines / _STEP) * _STEP)


def page(text: str) -> str:
    """The page with the table between its marks."""
    body = "\n".join([BEGIN, *rows(), END])
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _found: body, text, flags=re.DOTALL)


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

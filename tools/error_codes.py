# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the codes of failures that the collection itself gives, from the code, for the page about troubleshooting."""

from __future__ import annotations

import ast
import re
from pathlib import Path

_OTHER = "(the message of what failed)"
ROOT = Path(__file__).resolve().parent.parent


def classes() -> dict[str, str]:
    """``{code: what it means}`` of the family of failures; a failure's code is its class unless it has one."""
    tree = ast.parse((ROOT / "plugins/module_utils/flow/errors.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name != "AsmError"]
    return {node.name: (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ") for node in found}


def special_codes() -> dict[str, str]:
    """``{code: beginning of its message}`` of every failure that is raised with a code of its own."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                for keyword in node.keywords:
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant) and keyword.value.value:
                        found.setdefault(str(keyword.value.value), _text(node.args[0]))
    return found


def _text(node: ast.expr) -> str:
    """A message as in the code, with what is filled in at run time as ..."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
        return text if text.strip(".") else _OTHER
    return _OTHER


def table() -> str:
    """Both lists as reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 25 75", "", "   * - Code", "     - Meaning"]
    for code, meaning in classes().items():
        lines += [f"   * - ``{code}``", f"     - {_escaped(meaning)}"]
    for code, message in sorted(special_codes().items()):
        lines += [f"   * - ``{code}``", f"     - {_escaped(message)}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Plain text as reStructuredText; literals in it stay literals."""
    parts = " ".join(text.split()).split("``")
    parts[::2] = [re.sub(r"([*`_|\\\\])", r"\\\1", part) for part in parts[::2]]
    return "``".join(parts)

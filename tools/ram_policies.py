# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API actions that a playbook calls, found in the code, and the least RAM policy that allows them.

A playbook names roles, roles name modules. From a module's file the names of functions, classes and constants are
followed into module_utils, and every text on the way that is the name of an action counts. ``tool PLAYBOOK`` prints
the policy of one playbook, without an argument those of all.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
UTILS = ROOT / "plugins" / "module_utils"
# The names of the actions that the SDK does not have; naming them calls none.
UNLISTED = UTILS / "cloud" / "unlisted.py"
# Prefix of RAM's actions, and the client of the SDK from which the names are known.
PRODUCTS = {"servicemesh": "alibabacloud_servicemesh20200111.client", "cs": "alibabacloud_cs20151215.client"}
_IMPORT = "ansible_collections.meshops.asm.plugins.module_utils"
_READS = re.compile(r"\w+:(Describe|List|Get)")
_REMOVES = re.compile(r"\w+:(Describe|List|Get|Delete|Remove)")


@cache
def known_actions() -> dict[str, str]:
    """``{action in small letters: product}`` of both SDKs; ASM's come first where both have one."""
    found: dict[str, str] = {}
    for product, name in PRODUCTS.items():
        methods = [key for key in dir(importlib.import_module(name).Client) if key.endswith("with_options")]
        for method in methods:
            found.setdefault(method.replace("_", "").removesuffix("withoptions"), product)
    # Those that the SDK has no methods for.
    texts = [part.value for part in ast.walk(symbols(UNLISTED)["UNLISTED"][0]) if isinstance(part, ast.Constant)]
    return {**found, **{str(text).lower(): "servicemesh" for text in texts}}


def as_ram_action(text: str) -> str | None:
    """``product:Action`` when ``text`` is the name of an action, alone or with a parameter (Action.Parameter)."""
    action = text.split(".")[0]
    product = known_actions().get(action.lower()) if re.fullmatch(r"[A-Z][A-Za-z0-9]+", action) else None
    return f"{product}:{action}" if product else None


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def symbols(path: Path) -> dict[str, tuple[ast.AST, ...]]:
    """What a file defines at its top, by name."""
    found: dict[str, tuple[ast.AST, ...]] = {}
    for node in parsed(path).body:
        names: list[str] = []
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        for name in names:
            found[name] = (*found.get(name, ()), node)
    return found


@cache
def imported(path: Path) -> tuple[Path, ...]:
    """Files of module_utils that a file imports from."""
    found: list[Path] = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_IMPORT):
            base = UTILS.joinpath(*str(node.module).removeprefix(_IMPORT).strip(".").split("."))
            places = [base.with_suffix(".py"), *(base / f"{alias.name}.py" for alias in node.names)]
            found += [place for place in places if place.is_file()]
    return tuple(dict.fromkeys(found))


def actions_of_module(module: str) -> set[str]:
    """``product:Action`` of every action that the module may call."""
    start = ROOT / "plugins" / "modules" / f"{module}.py"
    found: set[str] = set()
    # Those of the tables of attributes, which a module that only compares reads as well.
    of_tables: set[str] = set()
    writes = False
    seen: set[int] = set()
    waiting: list[tuple[Path, ast.AST]] = [(start, node) for nodes in symbols(start).values() for node in nodes]
    waiting = [(path, node) for path, node in waiting if not _is_documentation(node)]
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen or path == UNLISTED:
            continue
        seen.add(id(node))
        names, actions = _said(node)
        (of_tables if _is_table(path) else found).update(actions)
        writes = writes or "changes_between" in names
        for place in (path, *imported(path)):
            known = symbols(place)
            waiting += [(place, target) for name in names for target in known.get(name, ())]
    return found | of_tables if writes else found


@cache
def _said(node: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
    """``(names, actions)`` that stand anywhere in a definition, which several modules may use."""
    names: set[str] = set()
    actions: set[str | None] = set()
    # A table about actions (what their replies look like) calls none of them.
    keys = {id(key) for part in ast.walk(node) if isinstance(part, ast.Dict) for key in part.keys}
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            names.add(part.id)
        elif isinstance(part, ast.Attribute):
            names.add(part.attr)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in keys:
            actions.add(as_ram_action(part.value))
    return frozenset(names), frozenset(action for action in actions if action)


@cache
def _is_table(path: Path) -> bool:
    return any(name.endswith("_ATTRIBUTES") for name in symbols(path))


def _is_documentation(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id in ("DOCUMENTATION", "EXAMPLES", "RETURN") for target in node.targets
    )


def tasks_of_playbook(playbook: str) -> list[tuple[str, dict[str, Any]]]:
    """``(module, its options)`` of every task with a module of this collection, those of the roles included."""
    plays = _plays(playbook)
    roles = sorted(set(re.findall(r'"(?:role|name)": "meshops\.asm\.(\w+)', json.dumps(plays))))
    files = [file for role in roles for file in sorted((ROOT / "roles" / role).glob("*/*.yml"))]
    trees = [plays, *(yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)]
    return [task for tree in trees for task in _tasks(tree)]


def _plays(playbook: str) -> list[dict[str, Any]]:
    """The plays of a playbook and of those that it imports, in their order."""
    found: list[dict[str, Any]] = []
    for play in yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8")):
        other = play.get("ansible.builtin.import_playbook")
        found += _plays(other.removesuffix(".yml")) if other else [play]
    return found


def _tasks(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tasks anywhere in a document."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            module = str(key).removeprefix("meshops.asm.")
            if str(key).startswith("meshops.asm.") and (ROOT / "plugins" / "modules" / f"{module}.py").exists():
                yield module, value or {}
            else:
                yield from _tasks(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _tasks(item)


def modules_of_playbook(playbook: str) -> set[str]:
    """The modules of this collection that a playbook's tasks and roles use."""
    return {module for module, _options in tasks_of_playbook(playbook)}


def playbooks() -> list[str]:
    """The playbooks that use modules of this collection."""
    names = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
    return [name for name in names if modules_of_playbook(name)]


def policy(playbook: str) -> dict[str, Any]:
    """The RAM policy that allows what a playbook calls, and nothing else. Pure but for reading the code."""
    actions = set().union(*(actions_of_module(module) for module in modules_of_playbook(playbook)))
    if _only_reads(playbook):
        actions = {action for action in actions if _READS.match(action)}
    elif _only_removes(playbook):
        actions = {action for action in actions if _REMOVES.match(action)}
    elif not _deletes(playbook):
        actions = {action for action in actions if ":Delete" not in action}
    if not any(options.get("upgrade") for _module, options in tasks_of_playbook(playbook)):
        actions = {action for action in actions if "Upgrade" not in action}
    return {"Version": "1", "Statement": [{"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}]}


def _only_reads(playbook: str) -> bool:
    """Whether every play runs in check mode, in which no module writes."""
    plays = [play for play in _plays(playbook) if re.search(r'"meshops\.asm\.\w+"', json.dumps(play))]
    return all(play.get("check_mode") is True for play in plays)


def _only_removes(playbook: str) -> bool:
    """Whether each task takes something away, or cannot do more than read."""
    return all(
        module.endswith("_info") or options.get("state") == "absent" or options.get("purge") is True
        for module, options in tasks_of_playbook(playbook)
    )


def _deletes(playbook: str) -> bool:
    return any(options.get("state") == "absent" for _module, options in tasks_of_playbook(playbook))


if __name__ == "__main__":
    wanted = sys.argv[1:] or playbooks()
    print(json.dumps({name: policy(name) for name in wanted} if len(wanted) > 1 else policy(wanted[0]), indent=2))

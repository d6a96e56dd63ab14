# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from a survey or from -e key=value is text: no condition takes the text "false" for true.

Before ansible-core 2.19 any text is true in a condition, and since then it is an error. So every boolean and number of
the roles' argument specs that decides something in a role or playbook is converted first. Modules convert themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors
from jinja2 import nodes

ROOT = Path(errors.__file__).resolve().parents[3]
FILES = sorted(
    file
    for folder in ("roles", "playbooks", "awx/project")
    for file in (ROOT / folder).rglob("*")
    if file.suffix in (".yml", ".j2") and file.name != "argument_specs.yml"
)
#: Keys of a task whose value is an expression without braces.
CONDITIONS = ("when", "that", "until", "failed_when", "changed_when")
CONVERTING = ("bool", "int", "float", "string")
#: What looks only at the thing itself, not at its value.
EXISTING = ("defined", "undefined", "none", "string", "mapping")
PARSER = jinja2.Environment(autoescape=True)


def converted_options(options: dict[str, Any]) -> Iterator[str]:
    """Names of the booleans and numbers, at any depth."""
    for name, option in options.items():
        if option.get("type") in ("bool", "int", "float"):
            yield name
        yield from converted_options(option.get("options") or {})


def role_specs() -> Iterator[dict[str, Any]]:
    for file in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        yield yaml.safe_load(file.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]


def _plain(text: str) -> Any:
    return _Loader(text).get_single_data()


class _Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as what they hold."""


_Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))


def results(value: Any) -> Iterator[str]:
    """Names of what tasks register or make facts of: no part of a spec."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield from (str(name) for name in one.get("ansible.builtin.set_fact") or {})
            yield str(one.get("register", ""))
            for inner in one.values():
                yield from results(inner)


RESULTS = frozenset(
    name for file in FILES if file.suffix == ".yml" for name in results(_plain(file.read_text("utf-8")))
)
#: Those of playbooks that are no role's.
PLAYED = (
    "concurrency",
    "duration",
    "failed",
    "hold",
    "load_failed",
    "load_hold",
    "proxies_settle",
    "rate",
    "reserve_namespace",
)
TYPED = frozenset(PLAYED).union(name for options in role_specs() for name in converted_options(options))


def undecided(text: str, *, condition: bool) -> list[str]:
    """The booleans and numbers in an expression (or a text with some in braces) that decide as they came."""
    tree = PARSER.parse(f"{{{{ {text} }}}}" if condition else text)
    return list(_undecided(tree, judged=condition))


def _undecided(node: nodes.Node, *, judged: bool) -> Iterator[str]:
    """``judged`` says that the value of ``node`` decides something."""
    if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
        name = _name(node)
        if judged and name in TYPED and _root(node) not in RESULTS:
            yield name
        return
    if isinstance(node, nodes.Filter):
        inner = False if node.name in CONVERTING else judged and node.name in ("default", "d")
        for child in node.iter_child_nodes():
            yield from _undecided(child, judged=inner and child is node.node)
        return
    if isinstance(node, nodes.Test) and node.name in EXISTING:
        return
    if isinstance(node, (nodes.CondExpr, nodes.If)):
        yield from _undecided(node.test, judged=True)
        for child in node.iter_child_nodes():
            if child is not node.test:
                yield from _undecided(child, judged=judged)
        return
    deciding = (nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Test, nodes.BinExpr, nodes.UnaryExpr)
    # What an expression of a condition is made of decides with it.
    inner = isinstance(node, deciding) or (judged and not isinstance(node, nodes.Call))
    for child in node.iter_child_nodes():
        yield from _undecided(child, judged=inner)


def _name(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem):
        return str(node.arg.value) if isinstance(node.arg, nodes.Const) else ""
    assert isinstance(node, nodes.Name)
    return node.name


def _root(node: nodes.Node) -> str:
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return node.name if isinstance(node, nodes.Name) else ""


def expressions(value: Any, key: str = "") -> Iterator[tuple[str, bool]]:
    """Every text of a file that Ansible evaluates, and whether it is one without braces."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from expressions(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner, key)
    elif isinstance(value, str):
        bare = key in CONDITIONS and "{{" not in value
        if bare or "{{" in value or "{%" in value:
            yield value, bare


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_decides_by_a_text(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    found = [(text, False)] if file.suffix == ".j2" else list(expressions(_plain(text)))
    wrong = {one: names for one, bare in found if (names := undecided(one, condition=bare))}
    assert wrong == {}, "convert it first, as in: when: asm_clusters_purge | default(false) | bool"


def test_booleans_and_numbers_of_the_roles_are_known() -> None:
    assert {"asm_clusters_purge", "asm_remove_workloads", "asm_wait_timeout", "prune", "pause"} <= TYPED


@pytest.mark.parametrize(
    ("text", "condition", "found"),
    [
        ("asm_remove_workloads | default(false)", True, ["asm_remove_workloads"]),
        ("asm_clusters | length > 0 or asm_clusters_purge | default(false)", True, ["asm_clusters_purge"]),
        ("not asm_clusters_purge", True, ["asm_clusters_purge"]),
        ("asm_canary.pause > 5", True, ["pause"]),
        ("asm_canary['pause'] > 5", True, ["pause"]),
        ("asm_remove_workloads is truthy", True, ["asm_remove_workloads"]),
        ("seen.failed_requests | int <= load_failed / 100", True, ["load_failed"]),
        ("not asm_drain.reserve_namespace | default(true)", True, ["reserve_namespace"]),
        ("asm_remove_workloads | default(false) | bool", True, []),
        ("asm_wait_timeout is defined and asm_wait_timeout | int > 5", True, []),
        ("{{ 1 if asm_clusters_purge else 2 }}", False, ["asm_clusters_purge"]),
        ("{% if resources.prune %}x{% endif %}", False, ["prune"]),
        ("{{ 100 - asm_wait_timeout }}", False, ["asm_wait_timeout"]),
        ("{{ asm_wait_timeout | default(omit) }}", False, []),
        ("{{ asm_clusters_purge }}", False, []),
    ],
)
def test_the_test_itself(text: str, condition: bool, found: list[str]) -> None:
    assert undecided(text, condition=condition) == found

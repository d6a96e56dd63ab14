# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML edited as the nodes of its graph: what is not touched comes out as it went in, whatever its types mean. Pure.

Nodes are never changed in place, because an alias may show the same one elsewhere.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import library

# Readers of YAML recurse and expand aliases.
_DEEPEST, _MOST_NODES = 50, 500_000
_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")

Node = Any


class Unreadable(Exception):
    """Text that is not one document of YAML; says why without quoting it."""


def compose(text: str) -> Node:
    """The root node, or ``None`` for text without content; bounded in depth before anything recurses."""
    yaml = library("yaml", "PyYAML")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise Unreadable(f"it is nested more than {_DEEPEST} levels deep")
        return yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        # The parser's own words quote the text, which may hold keys.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Unreadable(f"it is not one document of YAML{where}") from None


def serialize(root: Node) -> str:
    """YAML with the types and quotes of the nodes; a mapping in the style of JSON stays one."""
    yaml = library("yaml", "PyYAML")
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    if root.flow_style:
        _quote(root, set())
    return str(yaml.serialize(root, Dumper=dumper, allow_unicode=True, width=2**31 - 1))


def _quote(node: Node, seen: set[int]) -> None:
    """Text in quotes and nulls in full, which says the same and is JSON."""
    if id(node) in seen or node is None:
        return
    seen.add(id(node))
    if not isinstance(node.value, str):
        for one in node.value:
            for inner in one if isinstance(one, tuple) else (one,):
                _quote(inner, seen)
    elif node.tag == _STR:
        node.style = '"'
    elif node.tag.endswith(":null"):
        node.value = "null"


def value_of(node: Node) -> Any:
    """A node as a value that can be compared; scalars of rare types are their text. Raises ``InvalidInput``."""
    left = _MOST_NODES

    def build(one: Node, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > _DEEPEST:
            raise InvalidInput("The YAML repeats or nests its parts beyond all measure.", code="TooComplex")
        if isinstance(one.value, str):
            return _scalar(one)
        if (one.value and isinstance(one.value[0], tuple)) or one.tag == _MAP:
            return {text_of(key): build(value, depth + 1) for key, value in one.value}
        return [build(item, depth + 1) for item in one.value]

    return build(node, 0)


def _scalar(node: Node) -> Any:
    kind = str(node.tag).rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() in ("true", "yes", "on")
    return int(node.value) if kind == "int" and _INTEGER.fullmatch(node.value) else str(node.value)


def text_of(node: Node) -> str:
    """The text of a scalar; empty for anything else."""
    empty = node is None or not isinstance(node.value, str) or str(node.tag).endswith(":null")
    return "" if empty else str(node.value)


def is_null(node: Node) -> bool:
    return node is None or str(node.tag).endswith(":null")


def is_mapping(node: Node) -> bool:
    return isinstance(node, library("yaml", "PyYAML").MappingNode)


def is_sequence(node: Node) -> bool:
    return isinstance(node, library("yaml", "PyYAML").SequenceNode)


def pairs_of(node: Node) -> list[tuple[Node, Node]]:
    """The keys and values of a mapping; none for anything else."""
    return list(node.value) if is_mapping(node) else []


def items_of(node: Node) -> list[Node]:
    """The items of a sequence; none for anything else."""
    return list(node.value) if is_sequence(node) else []


def get(mapping: Node, key: str) -> Node:
    """The value of a key as a node; ``None`` where there is none."""
    return next((value for known, value in pairs_of(mapping) if text_of(known) == key), None)


def put(mapping: Node, key: str, value: Node, *, first: bool = False) -> Node:
    """The mapping with that key, in its old place or as the last (or first) one."""
    pairs = pairs_of(mapping)
    if get(mapping, key) is not None:
        return made_mapping([(known, value if text_of(known) == key else old) for known, old in pairs], mapping)
    added = [(word(key), value)]
    return made_mapping([*added, *pairs] if first else [*pairs, *added], mapping)


def word(text: str) -> Node:
    """Text that nobody takes for a number or a truth: the names of keys."""
    return library("yaml", "PyYAML").ScalarNode(_STR, text)


def string(text: str) -> Node:
    """Any text, in quotes."""
    return library("yaml", "PyYAML").ScalarNode(_STR, text, style='"')


def made_mapping(pairs: list[tuple[Node, Node]], like: Node = None) -> Node:
    return library("yaml", "PyYAML").MappingNode(_MAP, pairs, flow_style=_is_flow(like))


def made_sequence(items: list[Node], like: Node = None) -> Node:
    return library("yaml", "PyYAML").SequenceNode(_SEQ, items, flow_style=_is_flow(like))


def _is_flow(like: Node) -> bool:
    """An empty ``{}`` or ``[]`` has no style of its own."""
    return bool(like is not None and not isinstance(like.value, str) and like.value and like.flow_style)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in the text of a manifest or of a file of variables, changed in place: all else stays letter by letter. Pure.

PRIVATE: this code is for the filter plugins of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import yamlnodes as nodes
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_PLACES = {"VirtualService": ("http", "route"), "HTTPRoute": ("rules", "backendRefs")}
# Other groups have kinds of these names, too.
_GROUPS = {"VirtualService": "networking.istio.io", "HTTPRoute": "gateway.networking.k8s.io"}


@dataclass(frozen=True)
class Route:
    """Which route it is, and its rule when that has a name."""

    kind: str
    namespace: str
    name: str
    rule: str | None = None

    @property
    def title(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def written_back(text: str, route: Route, weights: Mapping[str, int]) -> str:
    """The text with these weights in the rule that leads to all of them; its other targets get none.

    The route may be a document of its own or anywhere within one, and need not name its namespace. Raises
    ``InvalidInput`` when the text has no such rule, or more than one.
    """
    targets = _targets(text, route, weights)
    before = _others(text, route)
    edits = []
    for target in targets:
        weight, value = nodes.get(target, "weight"), weights.get(_name(target), 0)
        if weight is not None:
            edits.append((weight.start_mark.index, weight.end_mark.index, str(value)))
        elif value or route.kind == "HTTPRoute" or len(targets) > 1:
            edits.append((*_beginning(target), _pair(target, value)))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    found = {_name(target): nodes.get(target, "weight") for target in _targets(text, route, weights)}
    missed = any(not isinstance(found[name], ScalarNode) or found[name].value != str(weights[name]) for name in weights)
    # By an anchor others may have a part of what was changed.
    if missed or _others(text, route) != before:
        raise InvalidInput(f"The weights of {route.title} cannot be changed in this text: change them by hand.")
    return text


def _targets(text: str, route: Route, weights: Mapping[str, int]) -> list[MappingNode]:
    rules, targets = _PLACES[route.kind]
    found = []
    for one in _mappings(text):
        if _is(one, route):
            for rule in nodes.items_of(nodes.get(nodes.get(one, "spec"), rules)):
                listed = list(filter(nodes.is_mapping, nodes.items_of(nodes.get(rule, targets))))
                if set(weights) <= set(map(_name, listed)) and (not route.rule or _text(rule, "name") == route.rule):
                    found.append(listed)
    if len(found) != 1:
        how = "no rule" if not found else f"{len(found)} rules"
        raise InvalidInput(f"The text has {how} of {route.title} for {' and '.join(weights)}, and one is needed.")
    return found[0]


def _others(text: str, route: Route) -> list[str]:
    """All other rules of the text with targets, each as text."""
    rules, targets = _PLACES[route.kind]
    found = []
    for one in _mappings(text):
        for rule in nodes.items_of(nodes.get(nodes.get(one, "spec"), rules)):
            own = _is(one, route) and (not route.rule or _text(rule, "name") == route.rule)
            found += [] if own else [yaml.serialize(node) for node in [nodes.get(rule, targets)] if node]
    return found


def _is(one: MappingNode, route: Route) -> bool:
    metadata = nodes.get(one, "metadata")
    named = (_text(one, "kind"), _text(metadata, "name")) == (route.kind, route.name)
    group = _text(one, "apiVersion").rpartition("/")[0]
    return named and group in ("", _GROUPS[route.kind]) and _text(metadata, "namespace") in ("", route.namespace)


def _mappings(text: str) -> Iterator[MappingNode]:
    """Every mapping of the text, once."""
    if text.startswith("$ANSIBLE_VAULT"):
        raise InvalidInput("The file is encrypted by Ansible Vault: change the weights in it by hand.")
    try:
        left = [one for one in yaml.compose_all(text, Loader=yaml.SafeLoader) if one]
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InvalidInput("The file is no YAML: change the weights in it by hand.") from None
    seen: set[int] = set()
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            yield node
            left += [value for _key, value in node.value]
        elif isinstance(node, SequenceNode):
            left += node.value


def _name(target: Node) -> str:
    destination = nodes.get(target, "destination")
    return _text(destination, "subset") or _text(destination, "host") or _text(target, "name")


def _text(node: Node | None, key: str) -> str:
    return nodes.text_of(nodes.get(node, key))


def _beginning(target: MappingNode) -> tuple[int, int]:
    place = target.value[0][0].start_mark.index
    return place, place


def _pair(target: MappingNode, weight: int) -> str:
    """What goes in front of the first key of a target, in the style of its mapping."""
    first = target.value[0][0]
    key = '"weight"' if first.style == '"' else "weight"
    return f"{key}: {weight}, " if target.flow_style else f"{key}: {weight}\n{' ' * first.start_mark.column}"

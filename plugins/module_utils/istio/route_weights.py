# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of one rule of a VirtualService or HTTPRoute: read, and replaced in an object that can be applied. Pure.

PRIVATE: this code is for the plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import COUNT, NUMBER, TEXT, WORD

Json = dict[str, Any]
_METADATA: shapes.Shape = {"name": TEXT, "namespace": TEXT, "labels": {...: TEXT}, "annotations": {...: TEXT}}
# What only the server or another tool's bookkeeping writes.
_NOT_APPLIED = ("kubectl.kubernetes.io/last-applied-configuration",)


@dataclass(frozen=True)
class Words:
    """How a kind of route says it: its rules, their targets, the weight of a target without any, and its shape."""

    kind: str
    place: str
    rules: str
    targets: str
    weight: int
    version: str
    spec: shapes.Shape

    def name_of(self, target: Json) -> str:
        """The subset, or the host without one; of an HTTPRoute the Service."""
        destination = target.get("destination", {})
        return destination.get("subset") or destination.get("host") or target.get("name") or ""

    def weight_of(self, target: Json) -> int:
        return int(target.get("weight", self.weight))


VIRTUAL_SERVICE = Words(
    "VirtualService",
    "virtual_service",
    "http",
    "route",
    0,
    "networking.istio.io/v1",
    {
        "http": [
            {
                "name": TEXT,
                "match": [{"headers": {}}],
                "route": [
                    {
                        "destination": {"host": TEXT, "subset": TEXT},
                        "weight": NUMBER,
                        "headers": {"response": {"set": {...: TEXT}}},
                    }
                ],
            }
        ]
    },
)
HTTP_ROUTE = Words(
    "HTTPRoute",
    "http_route",
    "rules",
    "backendRefs",
    1,
    "gateway.networking.k8s.io/v1",
    {
        "rules": [
            {
                "name": TEXT,
                "matches": [{"headers": [{}]}],
                "filters": [{"type": TEXT}],
                "backendRefs": [{"name": TEXT, "weight": NUMBER, "filters": [{}]}],
            }
        ]
    },
)


def words_of(route: Any) -> Words:
    """Those of an object's kind; of anything but an HTTPRoute those of a VirtualService."""
    return HTTP_ROUTE if isinstance(route, dict) and route.get("kind") == HTTP_ROUTE.kind else VIRTUAL_SERVICE


def weights_of(route: Json, subsets: list[str], name: str | None = None) -> dict[str, int]:
    """``{subset: weight}`` of the rule that leads to all of ``subsets``; of an HTTPRoute ``{Service: weight}``.

    Raises ``InvalidInput`` when there is no such rule, or more than one and ``name`` names none.
    """
    words = words_of(route)
    rule = rule_of(read(route), names(subsets), name)
    return {words.name_of(target): words.weight_of(target) for target in rule[words.targets]}


def with_weights(route: Json, weights: Mapping[str, int], name: str | None = None) -> Json:
    """The object to apply: as it is but for these weights; all other targets of the rule get none.

    Raises ``InvalidInput`` like ``weights_of``, and for weights that do not sum to 100.
    """
    numbers = _numbers(weights)
    changed = applicable(read(route))
    set_weights(changed, rule_of(changed, list(numbers), name), numbers)
    return changed


def set_weights(route: Json, rule: Json, numbers: Mapping[str, int]) -> None:
    """Changes the weights of a rule in place."""
    words = words_of(route)
    for target in rule[words.targets]:
        target["weight"] = numbers.get(words.name_of(target), 0)


def read(route: Any) -> Json:
    """The object, with what is read of it in the right types."""
    words = words_of(route)
    shape: shapes.Shape = {"apiVersion": TEXT, "metadata": _METADATA, "spec": words.spec}
    found = shapes.require(route, shape, words.place)
    if "name" not in found.get("metadata", {}):
        raise InvalidInput(f"The {words.kind} has no metadata.name. Give an object as istio_resource_info returns it.")
    return dict(found)


def names(subsets: Any) -> list[str]:
    found: list[str] = shapes.require(subsets, [WORD], "subsets")
    if not found:
        raise InvalidInput("subsets is empty: name those that the rule leads to.")
    return found


def _numbers(weights: Any) -> dict[str, int]:
    found: dict[str, int] = shapes.require(weights, {...: COUNT}, "weights")
    if sum(found.values()) != 100 or min(found.values()) < 0:
        raise InvalidInput(f"Weights must sum to 100, these do not: {found}.")
    return found


def rule_of(route: Json, subsets: list[str], name: str | None) -> Json:
    """The rule of a ``read`` object that leads to all of ``subsets``; see ``weights_of``."""
    words = words_of(route)
    title = f"{words.kind} {route['metadata'].get('namespace')}/{route['metadata']['name']}"
    rules: list[Json] = [rule for rule in route.get("spec", {}).get(words.rules, []) if rule.get(words.targets)]
    if name:
        rules = [rule for rule in rules if rule.get("name") == name]
        if not rules:
            raise InvalidInput(f"{title} has no http rule with the name '{name}'.")
    fitting = [rule for rule in rules if set(subsets) <= set(map(words.name_of, rule[words.targets]))]
    if not fitting:
        raise InvalidInput(
            f"{title} has no http rule that leads to {' and '.join(subsets)}. List both as targets of one rule, the "
            "new one with weight 0."
        )
    if len(fitting) > 1:
        raise InvalidInput(f"{title} has {len(fitting)} http rules that lead to {' and '.join(subsets)}: name one.")
    return fitting[0]


def applicable(route: Json) -> Json:
    """What a user would have written: no status, nothing that the server adds."""
    words, metadata = words_of(route), route["metadata"]
    kept: Json = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    if metadata.get("labels"):
        kept["labels"] = dict(metadata["labels"])
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key not in _NOT_APPLIED}
    if annotations:
        kept["annotations"] = annotations
    return {
        "apiVersion": route.get("apiVersion") or words.version,
        "kind": words.kind,
        "metadata": kept,
        "spec": copied(route.get("spec", {})),
    }


def copied(value: Json) -> Json:
    """A copy in which nothing is shared, as it is where YAML has an alias."""
    found: Json = json.loads(json.dumps(value))
    return found

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of one rule of a VirtualService: read, and replaced in an object that can be applied. Pure.

PRIVATE: this code is for the plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import COUNT, NUMBER, TEXT, WORD

Json = dict[str, Any]
_TARGET: shapes.Shape = {"destination": {"host": TEXT, "subset": TEXT}, "weight": NUMBER}
_SHAPE: shapes.Shape = {
    "apiVersion": TEXT,
    "metadata": {"name": TEXT, "namespace": TEXT, "labels": {...: TEXT}, "annotations": {...: TEXT}},
    "spec": {"http": [{"name": TEXT, "route": [_TARGET]}]},
}
# What only the server or another tool's bookkeeping writes.
_NOT_APPLIED = ("kubectl.kubernetes.io/last-applied-configuration",)


def weights_of(virtual_service: Json, subsets: list[str], route: str | None = None) -> dict[str, int]:
    """``{subset: weight}`` of the rule that sends requests to all of ``subsets``.

    Raises ``InvalidInput`` when there is no such rule, or more than one and ``route`` names none.
    """
    rule = _rule(_read(virtual_service), _names(subsets), route)
    return {_subset(target): target.get("weight", 0) for target in rule["route"]}


def with_weights(virtual_service: Json, weights: Mapping[str, int], route: str | None = None) -> Json:
    """The object to apply: as it is but for these weights; all other targets of the rule get none.

    Raises ``InvalidInput`` like ``weights_of``, and for weights that do not sum to 100.
    """
    numbers = _numbers(weights)
    changed = _applicable(_read(virtual_service))
    for target in _rule(changed, list(numbers), route)["route"]:
        target["weight"] = numbers.get(_subset(target), 0)
    return changed


def _read(virtual_service: Any) -> Json:
    """The VirtualService, with what is read of it in the right types."""
    found = shapes.require(virtual_service, _SHAPE, "virtual_service")
    if "name" not in found.get("metadata", {}):
        raise InvalidInput("The VirtualService has no metadata.name. Give an object as istio_resource_info returns it.")
    return dict(found)


def _names(subsets: Any) -> list[str]:
    found: list[str] = shapes.require(subsets, [WORD], "subsets")
    if not found:
        raise InvalidInput("subsets is empty: name those that the rule leads to.")
    return found


def _numbers(weights: Any) -> dict[str, int]:
    found: dict[str, int] = shapes.require(weights, {...: COUNT}, "weights")
    if sum(found.values()) != 100 or min(found.values()) < 0:
        raise InvalidInput(f"Weights must sum to 100, these do not: {found}.")
    return found


def _rule(virtual_service: Json, subsets: list[str], route: str | None) -> Json:
    title = f"VirtualService {virtual_service['metadata'].get('namespace')}/{virtual_service['metadata']['name']}"
    rules: list[Json] = [rule for rule in virtual_service.get("spec", {}).get("http", []) if rule.get("route")]
    if route:
        rules = [rule for rule in rules if rule.get("name") == route]
        if not rules:
            raise InvalidInput(f"{title} has no http rule with the name '{route}'.")
    fitting = [rule for rule in rules if set(subsets) <= {_subset(target) for target in rule["route"]}]
    if not fitting:
        raise InvalidInput(
            f"{title} has no http rule that leads to {' and '.join(subsets)}. List both as targets of one rule, the "
            "new one with weight 0."
        )
    if len(fitting) > 1:
        raise InvalidInput(f"{title} has {len(fitting)} http rules that lead to {' and '.join(subsets)}: name one.")
    return fitting[0]


def _subset(target: Json) -> str:
    destination = target.get("destination", {})
    return destination.get("subset") or destination.get("host") or ""


def _applicable(virtual_service: Json) -> Json:
    """What a user would have written: no status, nothing that the server adds."""
    metadata = virtual_service["metadata"]
    kept: Json = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    if metadata.get("labels"):
        kept["labels"] = dict(metadata["labels"])
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key not in _NOT_APPLIED}
    if annotations:
        kept["annotations"] = annotations
    return {
        "apiVersion": virtual_service.get("apiVersion") or "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": kept,
        "spec": copy.deepcopy(virtual_service.get("spec", {})),
    }

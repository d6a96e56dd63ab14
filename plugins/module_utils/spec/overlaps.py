# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One object that a spec describes in two places: each run would change it twice, once to each description. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.kube import comparison, namespaces
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import clean
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, Key

_SHOWN_FIELDS = 5

Json = dict[str, Any]

# The kinds that sections with modules of their own make: the section, and the namespace of the objects.
_MADE = {
    "IstioGateway": ("asm_gateways", ROOT_NAMESPACE),
    "ASMSwimLaneGroup": ("asm_swim_lane_groups", ""),
    "ASMSwimLane": ("asm_swim_lanes", ""),
    "Secret": ("asm_gateway_secrets", ROOT_NAMESPACE),
}


@dataclass(frozen=True)
class _Place:
    """Where an object is described, on which servers, and how; ``merged``: only its labels, into what is there."""

    where: str
    servers: tuple[str, ...]
    title: str
    body: Json
    merged: bool = False


def twice(spec: Json, workloads: dict[str, list[Item]], resources: dict[str, list[Item]]) -> list[str]:
    """A sentence for each pair of places that describe one object differently.

    ``spec`` is one that ``consistency.read`` has read; the others map the names of ``asm_workloads`` and
    ``asm_istio_resources`` to their objects. Places that say the same are one.
    """
    sentences = [*_of_sections(spec, "asm_istio_resources", resources), *_of_sections(spec, "asm_workloads", workloads)]
    for target, found in (("mesh", _in_mesh(spec, resources)), ("cluster", _in_clusters(spec, workloads))):
        places: dict[Key, list[_Place]] = {}
        for key, place in found:
            places.setdefault(key, []).append(place)
        for one, other in (pair for several in places.values() for pair in combinations(several, 2)):
            common = [name for name in one.servers if name in other.servers]
            fields = _fields(one, other) if common else []
            if fields:
                where = "in the mesh" if target == "mesh" else f"in {', '.join(common)}"
                shown = ", ".join(fields[:_SHOWN_FIELDS]) + (", ..." if len(fields) > _SHOWN_FIELDS else "")
                sentences.append(
                    f"{one.title} is described twice, in {one.where} and in {other.where}, and not alike ({shown}): "
                    f"{where}, every run would change it to one and then to the other. Describe it in one place."
                )
    return sentences


def _of_sections(spec: Json, variable: str, objects: dict[str, list[Item]]) -> Iterator[str]:
    """Objects that a module of its own makes from another section: the two write it each in a way of its own."""
    names = {section: {item["name"] for item in spec.get(section) or []} for section, _namespace in _MADE.values()}
    for item in spec.get(variable) or []:
        for one in objects.get(item["name"], []):
            section, namespace = _MADE.get(one.kind.term, ("", ""))
            if section and one.name in names[section] and one.namespace == namespace:
                source = f" ({one.source})" if one.source else ""
                yield (
                    f"{one.short} is described twice, in {section}, '{one.name}' and in {variable}, "
                    f"'{item['name']}'{source}: every run would change it to one and then to the other. Describe it in "
                    "one place."
                )


def _in_mesh(spec: Json, resources: dict[str, list[Item]]) -> Iterator[tuple[Key, _Place]]:
    for item in spec.get("asm_namespaces") or []:
        yield _of_namespace(item, ("mesh",), merged=True)
    yield from _of_items(spec, "asm_istio_resources", resources)


def _in_clusters(spec: Json, workloads: dict[str, list[Item]]) -> Iterator[tuple[Key, _Place]]:
    everywhere = [cluster["name"] for cluster in spec.get("asm_clusters") or []]
    for item in spec.get("asm_namespaces") or []:
        clusters = item.get("clusters")
        yield _of_namespace(item, tuple(everywhere if clusters is None else clusters))
    yield from _of_items(spec, "asm_workloads", workloads)


def _of_namespace(item: Json, servers: tuple[str, ...], *, merged: bool = False) -> tuple[Key, _Place]:
    try:
        labels = namespaces.wanted_labels(item)
    except (AsmError, AttributeError):
        # The module says what is wrong with them.
        labels = {}
    if not merged:
        labels = {key: value for key, value in labels.items() if value is not None}
    name = item["name"]
    metadata = {"name": name, **({"labels": labels} if labels else {})}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    place = _Place(f"asm_namespaces, '{name}'", servers, f"Namespace {name}", body, merged)
    return ("", "Namespace", "", name), place


def _of_items(spec: Json, variable: str, objects: dict[str, list[Item]]) -> Iterator[tuple[Key, _Place]]:
    for item in spec.get(variable) or []:
        servers = tuple(item.get("clusters") or []) if variable == "asm_workloads" else ("mesh",)
        set_name = item.get("set")
        for one in objects.get(item["name"], []):
            body = clean(one.body or {}, set_name=str(set_name) if set_name else None)
            source = f" ({one.source})" if one.source else ""
            yield one.key, _Place(f"{variable}, '{item['name']}'{source}", servers, one.short, body)


def _fields(one: _Place, other: _Place) -> list[str]:
    """Where the two are not alike; places of a Secret, never its values."""
    if one.merged:
        labels = other.body["metadata"].get("labels") or {}
        wanted = one.body["metadata"].get("labels") or {}
        return [f"metadata.labels[{key}]" for key, value in wanted.items() if key in labels and labels[key] != value]
    if one.body == other.body:
        return []
    found = comparison.compare(one.body, other.body, builtin=False, predicted=one.body)
    return [field.field for field in found] or ["apiVersion"]

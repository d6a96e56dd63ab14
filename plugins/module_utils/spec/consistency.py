# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong in a spec as it stands: names that refer to nothing, ports without listener. Pure.

A spec is ``{variable: value}`` with the variables of the roles (asm_gateways, asm_workloads, ...). Every function
returns sentences, none raises for a wrong spec, of whatever types: ``read`` tells those.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from types import EllipsisType
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.checks import running
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.options import Sentence
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import COUNT, NUMBER, TEXT, WORD
from ansible_collections.meshops.asm.plugins.module_utils.gateway import balancers
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import GIVEN_NAMESPACES, NETWORKING
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import NAMED, SECTIONS, VARIABLES

SOURCES = ("definition", "src", "template")

Json = dict[str, Any]

_PORTS: shapes.Shape = [{"name": WORD, "port": COUNT, "target_port": COUNT}]
_ITEM: dict[str | EllipsisType, shapes.Shape] = {
    "name": WORD,
    "clusters": [WORD],
    "namespace": WORD,
    "overrides": [{"cluster": WORD}],
}
_GATEWAY: shapes.Shape = {**_ITEM, "ports": _PORTS, "overrides": [{"cluster": WORD, "ports": _PORTS}]}
_SHAPE: shapes.Shape = {
    **{one.variable: [_ITEM] for one in NAMED},
    "asm_clusters": [{"name": WORD}],
    "asm_gateways": [_GATEWAY],
}
# What has to be in items of these lists, below the variables.
_NEEDED = {"overrides": ("cluster",), "ports": ("name", "port")}


def read(spec: Any) -> tuple[Json, list[Sentence]]:
    """A spec in which the checks find the types that they expect, and a sentence for each part that was of another.

    Items without a name are left out, and told.
    """
    fitted, odd = shapes.fit(_with_named_clusters(spec), _SHAPE)
    found, problems = dict(fitted), [Sentence(f"{one}.", one.place) for one in odd]
    # Of these it is told what they are instead.
    told = {one.place for one in odd}
    for variable in (one.variable for one in NAMED):
        items = found.get(variable, [])
        found[variable] = [_complete(item) for item in items if "name" in item]
        nameless = [f"{variable}[{number}]" for number, item in enumerate(items) if "name" not in item]
        problems += [Sentence(f"{one} has no name.", one) for one in nameless if not told & {one, f"{one}.name"}]
    return found, problems


def _with_named_clusters(spec: Any) -> Any:
    """Clusters may be plain names."""
    known = isinstance(spec, dict) and "asm_clusters" in spec
    return {**spec, "asm_clusters": shapes.named(spec["asm_clusters"])} if known else spec


def _complete(item: Json) -> Json:
    """An item without the parts that lack what they have to say; the module that gets the item tells those."""
    complete = dict(item)
    for name in (name for name in _NEEDED if name in item):
        complete[name] = [_complete(one) for one in item[name] if all(key in one for key in _NEEDED[name])]
    return complete


def _read(spec: Any) -> Json:
    return read(spec)[0]


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Variables that are no lists.
_OTHERS: dict[str, tuple[type, ...]] = {
    "asm_mesh": (dict,),
    "asm_canary": (dict,),
    "asm_base_dir": (str,),
    "asm_remove": (str,),
    "asm_wait_timeout": (int, str),
    **{name: (bool, str) for one in SECTIONS for name in one.settings},
    "asm_remove_workloads": (bool, str),
}


def resembled(name: str) -> str:
    """The variable of the spec that a name is almost, but not quite; empty for none."""
    # asmIstioResources and ASM_GATEWAYS, too.
    usual = _CAMEL.sub("_", name).lower().replace("-", "_")
    near = [] if name in VARIABLES else difflib.get_close_matches(usual, VARIABLES, n=1, cutoff=0.85)
    return near[0] if near else ""


def misspelt(given: Mapping[str, Any]) -> list[str]:
    """Variables that are almost, but not quite, one of the spec's, and hold what that one would hold.

    With that one given as well, or with a value of another type, they are the user's own: ``asm_cluster: shop-1``.
    """
    found = []
    for name in sorted(map(str, given)):
        near = resembled(name)
        if near and near not in given and isinstance(given[name], _OTHERS.get(near, (list, tuple))):
            found.append(f"The variable {name} means nothing to the roles. Did you mean {near}?")
    return found


def unprefixed(given: Mapping[str, Any]) -> list[str]:
    """Variables that hold what a section would hold and have its name without ``asm_``, where there is no such section.

    They may be the user's own, so this is no more than worth a warning.
    """
    found = []
    for variable in (one.variable for one in SECTIONS):
        name = variable.removeprefix("asm_")
        if variable not in given and _holds_items(given.get(name)):
            found.append(
                f"The variable {name} is none of the roles'. If it is meant for them, it is called {variable}."
            )
    return found


def _holds_items(value: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) and value else [value]
    return all(isinstance(one, Mapping) and "name" in one for one in items)


def wrong_names(spec: Json) -> list[str]:
    """Names given twice, and clusters that are not among asm_clusters."""
    spec = _read(spec)
    problems = []
    for variable in (one.variable for one in NAMED):
        problems += _given_twice(variable, [item["name"] for item in spec[variable]])
    clusters = [item["name"] for item in spec["asm_clusters"]]
    for variable in (one.variable for one in NAMED if one.in_clusters):
        for item in spec[variable]:
            named = [*(item.get("clusters") or []), *(one["cluster"] for one in item.get("overrides") or [])]
            for name in dict.fromkeys(name for name in named if name not in clusters):
                problems.append(
                    f"{variable}, '{item['name']}': the cluster '{name}' is not in asm_clusters"
                    f" ({', '.join(clusters) or 'which is empty'})."
                )
    for gateway in spec["asm_gateways"]:
        strays = [one["cluster"] for one in gateway.get("overrides") or [] if one["cluster"] in clusters]
        for name in (name for name in strays if gateway.get("clusters") and name not in gateway["clusters"]):
            problems.append(
                f"asm_gateways, '{gateway['name']}': overrides names the cluster '{name}', where the gateway is not "
                "deployed: add it to the gateway's clusters, or remove the override."
            )
    return problems


def _given_twice(variable: str, names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    return [f"{variable} has more than one item with the name '{name}'." for name in twice]


def wrong_checks(checks: list[Json], gateways: list[Json]) -> list[str]:
    """Items of asm_checks that could never be carried out: one sentence an item, as asm_verify would say it."""
    items, odd = shapes.fit(checks, [{"name": WORD}], "asm_checks")
    problems = [f"{one}." for one in odd]
    names = [gateway["name"] for gateway in _read({"asm_gateways": gateways})["asm_gateways"]]
    for number, item in enumerate(items, 1):
        if not item.get("name"):
            problems.append(f"asm_checks, '{number}': a name is needed.")
        try:
            running.read_checks([{**item, "name": item.get("name") or str(number)}], names)
        except AsmError as error:
            problems.append(error.message)
    return [*problems, *_given_twice("asm_checks", [item["name"] for item in items if item.get("name")])]


def wrong_sources(spec: Json) -> list[str]:
    """Items that do not say where their objects come from, or say it twice."""
    spec = _read(spec)
    problems = []
    for variable in (one.variable for one in NAMED if one.target):
        for item in spec[variable]:
            given = [name for name in SOURCES if item.get(name) is not None]
            if len(given) != 1:
                problems.append(
                    f"{variable}, '{item['name']}': exactly one of {', '.join(SOURCES)} is needed, "
                    f"{' and '.join(given) if given else 'none'} is given."
                )
    return problems


def wrong_gateways(spec: Json) -> list[str]:
    """Load balancers that gateways cannot share. What is wrong with one gateway alone is said by its module."""
    return balancers.clashes(_read(spec)["asm_gateways"])


def deaf_ports(spec: Json, objects: dict[str, list[Item]]) -> list[str]:
    """Servers of Istio Gateways whose port the selected gateway of the spec does not open: nothing listens there.

    ``objects`` maps the names of ``asm_istio_resources`` to their objects.
    """
    gateways = {gateway["name"]: gateway for gateway in _read(spec)["asm_gateways"]}
    problems = []
    for item in (item for items in objects.values() for item in items):
        gateway = gateways.get(_selected(item))
        for place, ports in _opened(gateway) if gateway else []:
            for number in (number for number in _server_ports(item) if number not in ports):
                problems.append(
                    f"{item.title}: a server has port {number}, but nothing listens there: gateway "
                    f"'{_selected(item)}'{place} opens {', '.join(map(str, ports))}. Add the port to the gateway in "
                    "asm_gateways, or change the server."
                )
    return problems


_ISTIO_GATEWAY: shapes.Shape = {
    "spec": {"selector": {"istio": TEXT}, "servers": [{"port": {"number": NUMBER}}]},
}


def _istio_gateway(item: Item) -> Json:
    """The ``spec`` of an Istio Gateway; empty for any other object."""
    if item.kind.kind != "Gateway" or item.kind.group != NETWORKING:
        return {}
    found: Json = shapes.fit(item.body, _ISTIO_GATEWAY)[0].get("spec", {})
    return found


def _selected(item: Item) -> str:
    """The gateway that an Istio Gateway selects by the label ``istio``; empty for any other object."""
    return str(_istio_gateway(item).get("selector", {}).get("istio", ""))


def _server_ports(item: Item) -> list[int]:
    ports = [server.get("port", {}) for server in _istio_gateway(item).get("servers", [])]
    return [port["number"] for port in ports if "number" in port]


def _opened(gateway: Json) -> list[tuple[str, list[int]]]:
    """The ports of a gateway, as a whole and per cluster where they differ; only those that the spec names."""
    holders = [("", gateway), *((f" in {one['cluster']}", one) for one in gateway.get("overrides", []))]
    return [(place, [port["port"] for port in holder["ports"]]) for place, holder in holders if holder.get("ports")]


def unmade_namespaces(spec: Json, variable: str, objects: dict[str, list[Item]]) -> list[str]:
    """Namespaces that objects are in and the spec does not make; they have to be there already."""
    made = {namespace["name"] for namespace in _read(spec)["asm_namespaces"]}
    made |= {item.name for items in objects.values() for item in items if item.kind.term == "Namespace"}
    hints = []
    for name, items in objects.items():
        for namespace in sorted({item.namespace for item in items} - made - GIVEN_NAMESPACES - {""}):
            hints.append(
                f"{variable}, '{name}': the namespace '{namespace}' is not in asm_namespaces, so it must exist already."
            )
    return hints


def unknown_gateways(spec: Json, objects: dict[str, list[Item]]) -> list[str]:
    """Istio Gateways that select a gateway which is not of this spec."""
    names = {gateway["name"] for gateway in _read(spec)["asm_gateways"]}
    selections = [(item, _selected(item)) for items in objects.values() for item in items]
    return [
        f"{item.title} selects the gateway '{name}', which is not in asm_gateways, so it must exist already."
        for item, name in selections
        if name and name not in names
    ]

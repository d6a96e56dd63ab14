# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several meshes in one file: what is wrong with it, and the host that each of them becomes. Pure.

PRIVATE: this code is for the filter plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.options import wrong_variables
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import type_name
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS

MESH, MESHES = "asm_mesh", "asm_meshes"
# What is merged by nobody, so that it stands in one place only. Of the other variables the one for all meshes counts.
_SECTIONS = frozenset(one.variable for one in SECTIONS)
# Where Ansible runs what belongs to no mesh.
_TAKEN = "localhost"

Json = dict[str, Any]


def fleet(meshes: Any, shared: Mapping[str, Any], only: Any, vocabulary: Mapping[str, Any]) -> Json:
    """``{problems: [sentence], hosts: [{name, variables}]}`` of the variable ``asm_meshes``.

    ``shared`` are the variables beside it, which are for every mesh, ``only`` names of meshes (a list, or text with
    commas; None means all), and ``vocabulary`` has the argument spec of each variable of a spec. Where there are
    problems there are no hosts.
    """
    shared = {name: value for name, value in shared.items() if value is not None and value != ""}
    if not isinstance(meshes, (list, tuple)):
        return _refused([f"{MESHES} must be a list, it is {type_name(meshes)}."])
    problems = [*wrong_variables(shared, vocabulary), *_of_items(meshes, shared, vocabulary)]
    if MESH in shared:
        problems.append(f"{MESH} stands beside {MESHES}: it belongs into an item of it.")
    if problems:
        return _refused(problems)
    names = _host_names(meshes)
    wanted = _names(only)
    problems = [*_repeated(meshes), *_unknown(wanted, meshes, names)]
    if only is not None and not wanted:
        problems.append("asm_only is empty: that would be every mesh. Give it names, or leave it out.")
    if problems:
        return _refused(problems)
    hosts = [
        {"name": name, "variables": {**item, **shared}}
        for name, item in zip(names, meshes, strict=True)
        if not wanted or name in wanted or _name(item) in wanted
    ]
    return {"problems": [], "hosts": hosts}


def _refused(problems: list[str]) -> Json:
    return {"problems": problems, "hosts": []}


def _of_items(meshes: Any, shared: Mapping[str, Any], vocabulary: Mapping[str, Any]) -> Iterator[str]:
    if not meshes:
        yield f"{MESHES} has no item."
    for number, item in enumerate(meshes):
        title = _title(number, item)
        if not isinstance(item, Mapping):
            yield f"{title} must be a mapping with {MESH}, it is {type_name(item)}."
            continue
        if not item.get(MESH):
            yield f"{title}: it needs {MESH}."
        for name in item:
            if name not in vocabulary:
                yield _unknown_variable(title, str(name), vocabulary)
            elif name in _SECTIONS and name in shared and name != MESH:
                yield f"{title}: {name} stands in it and beside {MESHES}. They are not merged: say it in one place."
        yield from (f"{title}: {problem}" for problem in wrong_variables(item, vocabulary))


def _title(number: int, item: Any) -> str:
    mesh = item.get(MESH) if isinstance(item, Mapping) else None
    name = mesh.get("name") if isinstance(mesh, Mapping) else None
    return f"{MESHES}, '{name}'" if isinstance(name, str) and name.isprintable() else f"{MESHES}[{number}]"


def _unknown_variable(title: str, name: str, vocabulary: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, [*vocabulary, *(one.removeprefix("asm_") for one in vocabulary)], n=1)
    meant = near[0] if near else ""
    hint = f"Did you mean {meant if meant in vocabulary else f'asm_{meant}'}?" if meant else "It is no part of a spec."
    return f"{title}: a mesh has no variable '{name}'. {hint}"


def _name(item: Mapping[str, Any]) -> str:
    return str(item[MESH]["name"])


def _region(item: Mapping[str, Any]) -> str:
    return str(item[MESH].get("region") or "")


def _host_names(meshes: Any) -> list[str]:
    """The meshes' names, with the region where that is needed to tell them apart."""
    counted = Counter([_TAKEN, *(_name(item) for item in meshes)])
    named = [(_name(item), _region(item)) for item in meshes]
    return [f"{name}.{region}" if counted[name] > 1 and region else name for name, region in named]


def _repeated(meshes: Any) -> Iterator[str]:
    counted = Counter((_name(item), _region(item)) for item in meshes)
    for (name, region), times in counted.items():
        if times > 1:
            yield f"{MESHES} describes '{name}'{f' in {region}' if region else ''} {times} times."
    alone = {name for name, region in counted if not region}
    for name in sorted({name for name, region in counted if region} & alone):
        yield f"{MESHES} describes '{name}' several times, so each of them needs its region."


def _names(only: Any) -> set[str]:
    listed = only if isinstance(only, (list, tuple)) else str(only or "").split(",")
    return {str(one).strip() for one in listed} - {""}


def _unknown(wanted: set[str], meshes: Any, names: list[str]) -> Iterator[str]:
    known = {*names, *(_name(item) for item in meshes)}
    for name in sorted(wanted - known):
        yield f"No mesh of {MESHES} is called '{name}'. They are {', '.join(names)}."

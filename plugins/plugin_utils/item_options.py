# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the options of a spec's items, found by the modules that get them, before anything is written.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.options import (
    Sentence,
    title_of,
    wrong_variables,
)
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, refusal
from ansible_collections.meshops.asm.plugins.module_utils.spec.consistency import SOURCES
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS, Section
from ansible_collections.meshops.asm.plugins.plugin_utils.vocabulary import vocabulary

_MODULES = "ansible_collections.meshops.asm.plugins.modules"

# Said once, of the whole spec.
_SAID_ONCE = " Nothing was changed."
# What is read from a file, where it is read in the end.
_FILES = (*SOURCES, "kubeconfig")

# In the place of the manifests of an item: an object that may be on an API server of this kind.
_SOMETHING = {
    target: json.dumps([{"text": json.dumps({**kind, "metadata": {"name": "a"}}), "file": "a"}])
    for target, kind in (
        ("cluster", {"apiVersion": "v1", "kind": "ConfigMap"}),
        ("mesh", {"apiVersion": "networking.istio.io/v1", "kind": "Gateway"}),
    )
}

Json = dict[str, Any]


def wrong_items(spec: Json) -> list[Sentence]:
    """A sentence for each option of ``{variable: value}`` that its module would refuse. Asks nobody.

    Names and types come first: only an item without such a mistake is shown to its module, without its manifests, which
    others read. So are checks.
    """
    found = wrong_types(spec)
    for section in SECTIONS:
        resource = resource_of(section.module)
        if resource is not None:
            found += _refused(section, resource, spec.get(section.variable), str(_mesh_name(spec)))
    return found


def wrong_types(spec: Json) -> list[Sentence]:
    """Options that do not exist, are missing, are of another type, or none of the choices."""
    given = {one.variable: spec[one.variable] for one in SECTIONS if spec.get(one.variable) is not None}
    return wrong_variables(given, vocabulary())


@functools.cache
def resource_of(module: str) -> type[ResourceModule] | None:
    """The resource in a module's file; None for a module that has none."""
    try:
        names = vars(importlib.import_module(f"{_MODULES}.{module}"))
    except ImportError:
        # What this machine lacks need not be missing where the module will run.
        return None
    own = [one for one in names.values() if isinstance(one, type) and one.__module__ == names["__name__"]]
    return next((one for one in own if issubclass(one, ResourceModule)), None)


def _refused(section: Section, resource: type[ResourceModule], value: Any, mesh: str) -> Iterator[Sentence]:
    if section is SECTIONS[0]:
        items = [(section.variable, section.variable, value)]
    else:
        named = shapes.named(value) if section.options.get("elements") == "raw" else value
        listed = named if isinstance(named, (list, tuple)) else []
        items = [
            (title_of(section.variable, number, item), f"{section.variable}[{number}]", item)
            for number, item in enumerate(listed)
        ]
    for title, place, item in items:
        if isinstance(item, dict) and not wrong_types({section.variable: item if item is value else [item]}):
            problem = refusal(resource, _as_given(section, resource, item, mesh))
            if problem:
                yield Sentence(f"{title}: {problem.removesuffix(_SAID_ONCE).rstrip('.')}.", place)


def _as_given(section: Section, resource: type[ResourceModule], item: Json, mesh: str) -> Json:
    """The options that a role passes on to the module of an item."""
    inner = section.options.get("suboptions_of")
    own = resource.options[inner]["options"] if inner else resource.options
    names = {name for option, about in own.items() for name in (option, *about.get("aliases", ()))}
    kept = {key: value for key, value in item.items() if key in names or (key == "wait_timeout" and resource.waits)}
    kept = {key: value for key, value in kept.items() if key not in _FILES}
    if section.target:
        kept["_documents"] = _SOMETHING[section.target]
    options = {inner: [kept]} if inner else kept
    return {**options, "mesh": mesh} if "mesh" in resource.options else options


def _mesh_name(spec: Json) -> Any:
    mesh = spec.get("asm_mesh")
    return mesh.get("name") or "mesh" if isinstance(mesh, dict) else "mesh"

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of the modules that look at a whole spec: its manifests are found, rendered and parsed here.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.meshops.asm.plugins.module_utils.flow.emptiness import paths_below
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, Wishes, make_items
from ansible_collections.meshops.asm.plugins.module_utils.spec import consistency as spec_checks
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS
from ansible_collections.meshops.asm.plugins.plugin_utils.manifests import ManifestsAction

Json = dict[str, Any]

# Which API server the objects of a list are for.
_TARGETS = {one.option: one.target for one in SECTIONS if one.target}


class SpecAction(ManifestsAction):
    """Reads the objects behind the items of sections with manifests."""

    def items_of(self, option: str) -> list[Json]:
        """The items of one of these lists, each a mapping with a name; others are left out."""
        return self._items_of(option)[0]

    def objects_of(self, option: str, task_vars: Json) -> tuple[dict[str, list[Item]], list[str]]:
        """``{name of the item: its objects}``, and a sentence for each item whose objects cannot be had."""
        found: dict[str, list[Item]] = {}
        items, problems = self._items_of(option)
        for item in items:
            try:
                found[item["name"]] = self._objects(item, _TARGETS[option], task_vars)
            except AsmError as error:
                problems.append(f"asm_{option}, '{item['name']}': {error.message}")
            except AnsibleError as error:
                problems.append(f"asm_{option}, '{item['name']}': {error}")
        return found, problems

    def _items_of(self, option: str) -> tuple[list[Json], list[str]]:
        spec, problems = spec_checks.read({f"asm_{option}": self._task.args.get(option)})
        return spec[f"asm_{option}"], [*problems]

    def _objects(self, item: Json, target: str, task_vars: Json) -> list[Item]:
        located = {"definition": item.get("definition")}
        base_dir = self._task.args.get("base_dir")
        for option in ("src", "template"):
            if item.get(option) is not None:
                located[option] = paths_below("." if base_dir is None else base_dir, item[option])
        texts = self._texts(located, task_vars)
        parsed = [document for entry in texts for document in documents.parse(entry["text"], entry["file"])]
        return make_items(Wishes(target, parsed, namespace=str(item.get("namespace") or "default")), None)

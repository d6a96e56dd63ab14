# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces the manifests of a spec by their objects, lets the module look for these, and shows what it finds."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.kube.comparison import without_values
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item
from ansible_collections.meshops.asm.plugins.module_utils.spec.inspection import public_providers
from ansible_collections.meshops.asm.plugins.plugin_utils.clean_failure import clean_action
from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load, run_module
from ansible_collections.meshops.asm.plugins.plugin_utils.spec import SpecAction
from ansible_collections.meshops.asm.plugins.plugin_utils.untrusted import untrusted
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import showing_waits

Json = dict[str, Any]

load(__name__)


class ActionModule(SpecAction):
    """Objects travel in an option that is never logged, and without the values of Secrets."""

    @clean_action
    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        task_vars = task_vars or {}
        args = self._task.args
        workloads, unreadable = self.objects_of("workloads", task_vars)
        resources, unreadable_too = self.objects_of("istio_resources", task_vars)
        if unreadable or unreadable_too:
            raise AnsibleActionFail(untrusted(" ".join([*unreadable, *unreadable_too])))
        module_args = {key: value for key, value in args.items() if key not in ("base_dir", "show")}
        mesh = shapes.fit(args.get("mesh_options"), {})[0]
        module_args["mesh_options"] = {key: value for key, value in mesh.items() if key != "ca"} or None
        module_args["workloads"] = [
            {
                "name": item["name"],
                "clusters": item.get("clusters") or [],
                "require_sidecar": bool(item.get("require_sidecar")),
            }
            for item in self.items_of("workloads")
        ]
        module_args["istio_resources"] = [{"name": item["name"]} for item in self.items_of("istio_resources")]
        # Private keys stay on the controller.
        module_args["gateway_secrets"] = [
            {key: item[key] for key in ("name", "gateway", "min_days", "certificate") if item.get(key) is not None}
            for item in self.items_of("gateway_secrets")
        ]
        module_args["extension_providers"] = public_providers(self.items_of("extension_providers"))
        module_args["_objects"] = json.dumps({"workloads": _bodies(workloads), "istio_resources": _bodies(resources)})
        with showing_waits(self, task_vars):
            result: Json = run_module(self, task_vars, module_args)
        if boolean(args.get("show") or False, strict=False) and not self._task.no_log and not _read_by_programs():
            _show("\n".join(str(line) for line in result.get("table") or []))
        return result


def _show(table: str) -> None:
    """Prints a table from the task's own process: Ansible hands it to the one that prints, in AWX as well.

    At once, so that the tables of several hosts are not mixed. What ansible-runner before 2.4.2 writes beside it, in
    this process, is none of the output, and ansible-core complains of it from 2.19 on.
    """
    display = Display()
    handed_on = getattr(display, "_final_q", None) is not None
    with contextlib.redirect_stdout(io.StringIO()) if handed_on else contextlib.nullcontext():
        display.display(table)


def _read_by_programs() -> bool:
    """Whether the standard output is to be JSON."""
    return "json" in str(C.DEFAULT_STDOUT_CALLBACK)


def _bodies(objects: dict[str, list[Item]]) -> dict[str, list[Json]]:
    return {name: [without_values(one.body or {}) for one in items] for name, items in objects.items()}

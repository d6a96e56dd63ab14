# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the parts of a spec that need no account, on the controller; the module asm_preflight checks the others."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.options import Sentence
from ansible_collections.meshops.asm.plugins.module_utils.spec import consistency as spec_checks
from ansible_collections.meshops.asm.plugins.module_utils.spec import overlaps
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import NAMED, SECTIONS
from ansible_collections.meshops.asm.plugins.plugin_utils import item_options
from ansible_collections.meshops.asm.plugins.plugin_utils.clean_failure import clean_action
from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load, run_module
from ansible_collections.meshops.asm.plugins.plugin_utils.spec import SpecAction

load(__name__)

# What the module does not get: manifests stay on the controller.
_OWN = ("base_dir", *(one.option for one in SECTIONS if not one.in_account))

Json = dict[str, Any]


class ActionModule(SpecAction):
    """Fails with every problem of the spec and of the account in one message."""

    @clean_action
    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        task_vars = task_vars or {}
        args = self._task.args
        problems, hints = self._offline(task_vars)
        module_args = {key: value for key, value in args.items() if key not in _OWN}
        mesh = shapes.fit(args.get("mesh"), {"name": shapes.WORD})[0]
        module_args["mesh"] = {key: value for key, value in mesh.items() if key != "ca"}
        module_args["clusters"] = [
            _without_secrets(one) for one in shapes.fit(shapes.named(args.get("clusters")), [{}])[0]
        ]
        result: Json = run_module(self, task_vars, module_args)
        if result.get("failed") and "errors" not in result:
            problems.append(str(result.get("msg")))
        # What cannot be read there was told here, in other words.
        told_here = any(isinstance(one, Sentence) for one in problems)
        unread = result.pop("unread", None) or []
        problems += [*([] if told_here else unread), *(result.get("errors") or [])]
        problems = list(dict.fromkeys(map(str, problems)))
        result["errors"] = problems
        result["warnings"] = [*(result.get("warnings") or []), *hints]
        if problems:
            result["failed"] = True
            result["msg"] = _message(mesh.get("name", ""), problems)
        return result

    def _offline(self, task_vars: Json) -> tuple[list[str], list[str]]:
        """What is wrong, and what is worth a warning, without asking anybody."""
        spec, odd = spec_checks.read({one.variable: self._task.args.get(one.option) for one in NAMED})
        workloads, unreadable = self.objects_of("workloads", task_vars)
        resources, unreadable_too = self.objects_of("istio_resources", task_vars)
        whole = {one.variable: self._task.args.get(one.option) for one in SECTIONS if one.module != "asm_probe"}
        wrong = item_options.wrong_items(whole)
        told = {one.place for one in wrong}
        problems = [
            *(one for one in odd if one.place not in told),
            *wrong,
            *spec_checks.misspelt(self._own_variables(task_vars)),
            *spec_checks.wrong_names(spec),
            *spec_checks.wrong_sources(spec),
            *spec_checks.wrong_gateways(spec),
            *unreadable,
            *unreadable_too,
            *spec_checks.deaf_ports(spec, resources),
            *overlaps.twice(spec, workloads, resources),
        ]
        hints = [
            *spec_checks.unprefixed(self._sections(task_vars)),
            *spec_checks.unmade_namespaces(spec, "asm_workloads", workloads),
            *spec_checks.unmade_namespaces(spec, "asm_istio_resources", resources),
            *spec_checks.unknown_gateways(spec, resources),
        ]
        return problems, hints

    def _own_variables(self, task_vars: Json) -> Json:
        """Those that may be meant for the roles. Only where a name may be misspelt its value matters, and is rendered.

        One that cannot be had is as good as text.
        """
        own = {str(name): value for name, value in task_vars.items() if str(name).lower().startswith("asm")}
        return {name: self._value(value) if spec_checks.resembled(name) else None for name, value in own.items()}

    def _sections(self, task_vars: Json) -> Json:
        """The sections that are given, and what has the name of another without ``asm_``."""
        names = [one.variable for one in SECTIONS]
        given = {name: None for name in names if name in task_vars}
        short = [name.removeprefix("asm_") for name in names if name not in given]
        return {**given, **{name: self._value(task_vars[name]) for name in short if name in task_vars}}

    def _value(self, given: Any) -> Any:
        try:
            return self._templar.template(given)
        except AnsibleError:
            return ""


def _without_secrets(cluster: Json) -> Json:
    public = {key: value for key, value in cluster.items() if key != "kubeconfig"}
    return {**public, "by_kubeconfig": bool(cluster.get("kubeconfig"))}


def _message(mesh: str, problems: list[str]) -> str:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = "\n".join(f"- {problem}" for problem in problems)
    return f"The spec of mesh '{mesh}' has {count}. Nothing was changed.\n{lines}"

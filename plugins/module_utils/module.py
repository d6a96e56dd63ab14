# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a resource class to an Ansible module: argument spec, flow, result keys, failures.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ansible_collections.meshops.asm.plugins.module_utils import emptiness
from ansible_collections.meshops.asm.plugins.module_utils.arguments import AsmModule
from ansible_collections.meshops.asm.plugins.module_utils.cloud.account import told
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import CLOUD_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.reconcile import DONE, Plan, Progress, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.text import printable


class ResourceModule:
    """Base of every module that makes something match its options: data, and the hooks of ``reconcile.Resource``.

    ``options`` is the argument spec besides the shared options, ``rules`` further arguments of ``AnsibleModule``
    (``required_if``, ``mutually_exclusive``, ...), ``result`` the key under which the object is returned. A resource
    that is there at once says ``waits = False``.
    """

    result: ClassVar[str]
    options: ClassVar[dict[str, Any]]
    rules: ClassVar[dict[str, Any]] = {}
    waits: ClassVar[bool] = True
    wait_timeout: ClassVar[int] = 600

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        self.params = params
        self.cloud = cloud

    def find(self) -> Any:
        raise NotImplementedError

    def plan(self, found: Any) -> Plan:
        raise NotImplementedError

    def apply(self, plan: Plan) -> None:
        raise NotImplementedError

    def progress(self, plan: Plan) -> Progress:
        return DONE

    def view(self, found: Any) -> Any:
        raise NotImplementedError

    def wrote(self) -> bool:
        return self.cloud.writes > 0

    def extra(self, plan: Plan) -> dict[str, Any]:
        """Result keys besides ``result``, ``changed`` and ``diff``; also asked after a failure, with an empty plan."""
        return {}


def run_resource(resource_class: type[ResourceModule]) -> None:
    """The ``main`` of a module that manages a resource."""
    waiting = {
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": resource_class.wait_timeout},
    }
    spec = {
        **CLOUD_OPTIONS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **(waiting if resource_class.waits else {}),
        **resource_class.options,
    }
    module = AsmModule(argument_spec=spec, supports_check_mode=True, **resource_class.rules)
    refuse_empty(module)
    cloud = Cloud(module.params)

    def work() -> dict[str, Any]:
        resource = resource_class(module.params, cloud)
        try:
            outcome = reconcile(
                resource,
                check=module.check_mode,
                wait=resource_class.waits and module.params["wait"],
                timeout=float(module.params.get("wait_timeout") or 0),
            )
        except AsmError as error:
            error.details = {**resource.extra(Plan()), **error.details}
            raise
        for warning in outcome.plan.warnings:
            module.warn(printable(warning))
        # Thousands of objects on both sides are much for Ansible to take apart, so only who asks for them gets them.
        shown = module._diff or module.check_mode
        diff = {"diff": as_diff(outcome.plan.before, outcome.plan.after)} if shown else {}
        return {
            "changed": outcome.changed,
            resource_class.result: outcome.value,
            **diff,
            **resource.extra(outcome.plan),
        }

    _finish(module, cloud, work)


def run_info(result: str, options: dict[str, Any], read: Callable[[dict[str, Any], Cloud], Any], **rules: Any) -> None:
    """The ``main`` of an ``_info`` module: ``read(params, cloud)`` gives the value of the key ``result``."""
    module = AsmModule(argument_spec={**CLOUD_OPTIONS, **options}, supports_check_mode=True, **rules)
    refuse_empty(module)
    cloud = Cloud(module.params)
    _finish(module, cloud, lambda: {"changed": False, result: read(module.params, cloud)})


def refuse_empty(module: AsmModule) -> None:
    """Fails for options that are given but empty, before anything is asked or sent."""
    try:
        emptiness.refuse(module.params, module.argument_spec)
    except AsmError as error:
        module.fail_json(msg=error.message, changed=False, error=error.as_result())


def as_diff(before: Any, after: Any) -> dict[str, Any]:
    """Ansible's structure of a diff; an absent side is an empty mapping."""
    return {"before": {} if before is None else before, "after": {} if after is None else after}


def _finish(module: AsmModule, cloud: Cloud, work: Callable[[], dict[str, Any]]) -> None:
    try:
        result = work()
    except AsmError as error:
        module.fail_json(
            msg=error.message, changed=error.changed, error=error.as_result(), **told(module, cloud), **error.details
        )
    else:
        module.exit_json(**result, **told(module, cloud))
    finally:
        cloud.close()

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody foresaw on the controller, in one sentence without its text; module.py does the same for modules.

PRIVATE: this code is for the plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ansible.errors import AnsibleActionFail, AnsibleError, AnsibleParserError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.meshops.asm.plugins.module_utils.flow import unexpected
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.plugin_utils.untrusted import untrusted

Json = dict[str, Any]
Run = TypeVar("Run", bound=Callable[..., Any])


def clean_action(run: Run) -> Run:
    """For ``ActionModule.run``: a failure is a result of the usual form.

    What the module returned, or may have done when it returned nothing, decides about ``changed``.
    """

    @functools.wraps(run)
    def cleanly(action: Any, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        try:
            return dict(run(action, tmp, task_vars))
        except AnsibleActionFail as error:
            # As a result: before ansible-core 2.19 a raised one comes with a traceback at -vvv.
            return {"failed": True, "changed": may_have_changed(action), "msg": untrusted(str(error.message))}
        except Exception as error:
            if _is_ansibles(error):
                raise
            failure = unexpected.explain(error, f"running the task's plugin ({action._task.action})")
            debug = unexpected.debug_of(error) if _wants_debug(action._task.args) else None
        return {
            "failed": True,
            "msg": untrusted(failure.message),
            "changed": may_have_changed(action),
            "error": failure.as_result(),
            **({"debug": debug} if debug else {}),
        }

    return cast(Run, cleanly)


def clean_parse(parse: Run) -> Run:
    """For ``InventoryModule.parse``."""

    @functools.wraps(parse)
    def cleanly(*args: Any, **more: Any) -> None:
        try:
            parse(*args, **more)
            return
        except AsmError as error:
            message = f"{error.message} ({error.code})"
        except Exception as error:
            if _is_ansibles(error):
                raise
            message = unexpected.explain(error, "reading the account for the inventory").message
            if _wants_debug({}):
                message += f" debug: {unexpected.debug_of(error)}"
        # Outside of the handler: Ansible shows the texts of all that an error was raised from.
        raise AnsibleParserError(untrusted(message))

    return cast(Run, cleanly)


def started(action: Any) -> None:
    """Notes that the module of this task is being run."""
    action._meshops_result = None


def ended(action: Any, result: Json) -> Json:
    """Notes what it returned, and gives it back."""
    action._meshops_result = result
    return result


def may_have_changed(action: Any) -> bool:
    """Whether the module of this task changed something, or may have."""
    if not hasattr(action, "_meshops_result") or getattr(action._task, "check_mode", False):
        return False
    result = action._meshops_result
    return True if result is None else bool(result.get("changed"))


def _is_ansibles(error: Exception) -> bool:
    """What Ansible raises it also explains; its timeout was no AnsibleError before ansible-core 2.19."""
    return isinstance(error, AnsibleError) or type(error).__module__.partition(".")[0] == "ansible"


def _wants_debug(args: Json) -> bool:
    return bool(boolean(args.get("meshops_debug") or os.environ.get("MESHOPS_DEBUG") or False, strict=False))

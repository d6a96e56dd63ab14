# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection in a child of the controller's own process, where that is the same as elsewhere.

Ansible packs a module and all its utilities for every task, and starts another Python for them. For a task on the
controller itself, as the same user and with the same Python, that is most of the time of a task that finds nothing to
do. Here the module gets its arguments as JSON on standard input and answers on standard output, as every module can.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import json
import os
import signal
import sys
import tempfile
from typing import IO, Any, NoReturn

from ansible.plugins.action import ActionBase
from ansible_collections.meshops.asm.plugins.module_utils.flow import lifeline, unexpected
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.plugin_utils import clean_failure

_MODULES = "ansible_collections.meshops.asm.plugins.modules"
# What modules need that speak to an API server, and those that ask the service anything: it takes long to import.
_LIBRARIES = ("urllib3", "yaml")
_SDK = (
    "alibabacloud_credentials.client",
    "alibabacloud_tea_openapi.client",
    "alibabacloud_servicemesh20200111.client",
)


class Unshown(dict[str, Any]):
    """Arguments of a module that Ansible, which prints them when it is debugged (ANSIBLE_DEBUG), can only count."""

    def __repr__(self) -> str:
        return f"<{len(self)} arguments>"

    __str__ = __repr__


def load(name: str, *, sdk: bool = True) -> None:
    """Loads a module and what it needs, with or without the service's SDK, once for all children of this process.

    The module is that of the action plugin ``name``, which may be given by its whole name.

    Ansible loads action plugins in its main process, forks for each task, and runs all items of a loop in one fork;
    and it compiles a collection's files whenever they are imported. So plugins call this when they are loaded
    themselves; those whose module does not always ask the service leave out the SDK.
    """
    module = f"{_MODULES}.{name.rpartition('.')[2]}"
    for needed in (module, *_LIBRARIES, *(_SDK if sdk else ())):
        # A controller that runs no module itself needs none of them, and a module says what it lacks.
        with contextlib.suppress(ImportError):
            importlib.import_module(needed)
    # What is loaded stays: no collection of garbage has to look at it any more, nor copy its pages in each fork.
    gc.freeze()


def run_module(
    action: ActionBase, task_vars: dict[str, Any], module_args: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The result of the module of ``action``'s name, run here where that is the same, else as Ansible does."""
    task = action._task
    clean_failure.started(action)
    if task.async_val:
        # It is to outlive the playbook.
        return clean_failure.ended(action, _elsewhere(action, task_vars, module_args))
    with lifeline.announced():
        if not can_run_here(action, task_vars):
            return clean_failure.ended(action, _elsewhere(action, task_vars, module_args))
        args = dict(task.args if module_args is None else module_args)
        module = task.action.rpartition(".")[2]
        if args.get("kubeconfig") is None:
            load(module)
        action._update_module_args(task.action, args, task_vars)
        return clean_failure.ended(action, run_here(action, module, args))


def _elsewhere(action: ActionBase, task_vars: dict[str, Any], module_args: dict[str, Any] | None) -> dict[str, Any]:
    task = action._task
    given = Unshown(task.args if module_args is None else module_args)
    result: dict[str, Any] = action._execute_module(module_args=given, task_vars=task_vars, wrap_async=task.async_val)
    return result


def can_run_here(action: ActionBase, task_vars: dict[str, Any]) -> bool:
    """Whether nothing about the task asks for another host, user, Python, environment or lifetime."""
    task, connection = action._task, action._connection
    interpreter = action._templar.template(task_vars.get("ansible_python_interpreter") or "")
    return (
        sys.platform == "linux"
        and connection.transport == "local"
        and not getattr(connection, "become", None)
        and not task.async_val
        and not any(task.environment or [])
        and str(interpreter) == sys.executable
    )


def run_here(action: ActionBase, module: str, args: dict[str, Any]) -> dict[str, Any]:
    """The result of the module ``module`` (its short name) with ``args``, internal ones included.

    Output that is no result is that of a module that was killed, and it may have changed something by then.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(json.dumps({"ANSIBLE_MODULE_ARGS": args}, default=str).encode())
        given.seek(0)
        pid = os.fork()
        if pid == 0:
            _become(module, [given, output, errors])
        try:
            _unused, status = os.waitpid(pid, 0)
        except BaseException:
            # The task's own timeout, or the user: nothing goes on behind their backs.
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        ended = {"stdout": _text(output), "stderr": _text(errors), "rc": os.waitstatus_to_exitcode(status)}
    parse = action._parse_returned_data
    # Since ansible-core 2.19 output has a profile; this is that of arguments on standard input.
    parsed = parse(ended, "legacy") if len(inspect.signature(parse).parameters) > 1 else parse(ended)
    # Since ansible-core 2.21 a result is an object until an action hands it over.
    if hasattr(parsed, "as_result_dict"):
        complete, result = parsed.ansible_parsed, parsed.as_result_dict(for_round_trip=True)
    else:
        complete, result = parsed.get("_ansible_parsed"), dict(parsed)
    return result if complete else _cut_off(module, ended["rc"], args)


def _cut_off(module: str, code: int, args: dict[str, Any]) -> dict[str, Any]:
    """The result in the place of the one that is missing; of its output nothing is shown, as nobody masked it."""
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    message = (
        f"{module} {how} before it could say what it has done. Run the task again, it goes on from what is there. "
        "Signal 9 usually means that the memory of this machine was not enough."
    )
    error = {"code": "CutOff", "message": message, "request_id": "", "http_status": None}
    changed = not args.get("_ansible_check_mode")
    return {"failed": True, "changed": changed, "msg": message, "error": error, "rc": code}


def _become(module: str, streams: list[IO[bytes]]) -> NoReturn:
    """In the child: be the module, and end as it does."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream.fileno(), number)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(0)
        sys.argv = [module]
        _leave_controller()
        importlib.import_module(f"{_MODULES}.{module}").main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:
        # Before or after all that a module does; within, it says so itself.
        _say_instead(unexpected.explain(error, f"starting {module}"))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _say_instead(failure: AsmError) -> None:
    """The result of the module is this failure; what it may have printed before is none."""
    result = {"failed": True, "changed": False, "msg": failure.message, "error": failure.as_result()}
    sys.stdout.flush()
    os.ftruncate(1, 0)
    os.lseek(1, 0, os.SEEK_SET)
    sys.stdout.write(json.dumps(result) + "\n")


def _leave_controller() -> None:
    """Since ansible-core 2.19 warnings of a module would go to the controller's display, of which this is a copy."""
    internal = sys.modules.get("ansible.module_utils._internal")
    if hasattr(internal, "is_controller"):
        internal.__dict__["is_controller"] = False


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a resource class to an Ansible module: argument spec, flow, result keys, failures.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.cloud.account import told
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import CLOUD_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.flow import emptiness, lifeline, unexpected
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    InvalidInput,
    LostReply,
    NotFound,
    Refused,
    WaitFailed,
    WaitTimeout,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.options import without_nulls
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    Outcome,
    Plan,
    Progress,
    Steps,
    reconcile,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import printable
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.arguments import AsmModule

# Documented in the fragment meshops.asm.cloud.
DEBUG_OPTION = {
    "meshops_debug": {"type": "bool", "default": False, "fallback": (env_fallback, ["MESHOPS_DEBUG"])},
}
_SECONDS = ("wait_timeout", "api_timeout", "proxies_timeout", "proxies_settle")
_Result = TypeVar("_Result")
# Options that name what a task is about; none of them may hold a secret.
_NAMES = ("name", "mesh", "gateway", "cluster")


class ResourceModule:
    """Base of every module that makes something match its options: data, and the hooks of ``reconcile.Resource``.

    ``options`` is the argument spec besides the shared options, ``rules`` further arguments of ``AnsibleModule``
    (``required_if``, ``mutually_exclusive``, ...), ``result`` the key under which the object is returned. A resource
    that is there at once says ``waits = False``, one that cannot be taken away ``removable = False``.
    """

    result: ClassVar[str]
    options: ClassVar[dict[str, Any]]
    rules: ClassVar[dict[str, Any]] = {}
    waits: ClassVar[bool] = True
    removable: ClassVar[bool] = True
    wait_timeout: ClassVar[int] = 600

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        self.params = params
        self.cloud = cloud
        # Id of the mesh that the task is about, once it is known.
        self.id = ""
        # Says so once the mesh, and all that was in it, went away while the task ran.
        self.gone = ""

    def find(self) -> Any:
        raise NotImplementedError

    def plan(self, found: Any) -> Plan:
        raise NotImplementedError

    def apply(self, plan: Plan) -> Steps | None:
        raise NotImplementedError

    def progress(self, plan: Plan) -> Progress:
        return DONE

    def view(self, found: Any) -> Any:
        raise NotImplementedError

    def wrote(self) -> bool:
        return self.cloud.writes > 0

    def living_mesh(self) -> dict[str, Any] | None:
        """The mesh that the option ``mesh`` names; one on its way out counts as gone, and nothing is added to it."""
        name = self.params["mesh"]
        mesh = None if self.gone else meshes.find_mesh(self.cloud, name)
        if mesh is None or meshes.info(mesh).get("State") != "deleting":
            self.id = meshes.mesh_id(mesh) if mesh else self.id
            return mesh
        if not self.wants_absence():
            raise Refused(f"Mesh '{name}' is being deleted: run again once there is another one.")
        return None

    def no_mesh_yet(self) -> tuple[str, ...]:
        """The warning of a plan for a mesh that is yet to be made, as in check mode; none once the mesh is known."""
        return () if self.id else (meshes.not_yet(self.params["mesh"]),)

    def settled(self) -> Progress:
        """Whether the mesh can take the next change."""
        return meshes.settled(self.cloud, self.id)

    def wants_absence(self) -> bool:
        return bool(self.params.get("state") == "absent")

    def vanished(self, error: AsmError) -> str:
        """Whether the mesh that the option ``mesh`` names was deleted under the task, which only the list can tell."""
        name = self.params.get("mesh")
        if self.gone or not name or not self._may_mean_gone(error):
            return ""
        try:
            mesh = meshes.find_mesh(self.cloud, name)
        except AsmError:
            return ""
        if mesh is not None and meshes.info(mesh).get("State") != "deleting":
            return ""
        self.gone = meshes.deleted_meanwhile(name, mesh)
        return self.gone

    def _may_mean_gone(self, error: AsmError) -> bool:
        if isinstance(error, NotFound):
            # Of a mesh that was never there the message says more.
            return self.wants_absence()
        waited = isinstance(error, (WaitFailed, WaitTimeout, LostReply))
        return waited or meshes.is_gone(error) or error.code == "Unreachable" or error.http_status == 401

    def warnings(self) -> list[str]:
        """What came up while it was applied, besides the warnings of the plan."""
        return []

    def extra(self, plan: Plan) -> dict[str, Any]:
        """Result keys besides ``result``, ``changed`` and ``diff``; also asked after a failure, with an empty plan."""
        return {}


class Task:
    """One run of a module: its options and its cloud, what it is doing, and whether it may have written."""

    def __init__(self, module: AsmModule) -> None:
        self.module = module
        self.params: dict[str, Any] = module.params
        self.cloud = Cloud(module.params)
        self.wrote: Callable[[], bool] = lambda: self.cloud.writes > 0
        self.doing = ""
        self.tell("starting")

    def tell(self, doing: str) -> None:
        """Says what is being done from now on, as the end of the sentence 'It stopped while it was ...'."""
        named = [f"{name} '{self.params[name]}'" for name in _NAMES if isinstance(self.params.get(name), str)]
        self.doing = f"{doing} ({', '.join(named)})" if named else doing

    def sending(self, requests: Callable[[], _Result], untried: Callable[[], _Result]) -> _Result:
        """What comes of ``requests``, or in check mode, in which none is sent, what ``untried`` says instead."""
        return untried() if self.module.check_mode else requests()

    def may_have_written(self) -> bool:
        try:
            return self.wrote()
        except Exception:
            return True


def run_task(spec: dict[str, Any], work: Callable[[Task], dict[str, Any]], **rules: Any) -> None:
    """The ``main`` of every module: the result of ``work``, or one failure whatever happens in it.

    A failure's ``changed`` is true once a write may have happened.
    """
    arguments = {**CLOUD_OPTIONS, **DEBUG_OPTION, **spec}
    module = AsmModule(argument_spec=arguments, supports_check_mode=True, **rules)
    with _interruptible():
        lifeline.follow()
        task: Task | None = None
        result: dict[str, Any] = {}
        problem: BaseException | None = None
        try:
            _refuse_values(module.params, module.argument_spec)
            task = Task(module)
            result = {**work(task), **told(module, task.cloud)}
        # Whatever it is: what comes out of here instead would hide from Ansible that a write was made.
        except BaseException as error:
            problem = error
        finally:
            if task:
                _close(task)
        if problem is None:
            try:
                module.exit_json(**result)
            except Exception as error:
                problem = error
        # Outside of the handlers: within one, Ansible adds the traceback with all texts.
        if problem is not None:
            _fail(module, task, problem)


def _refuse_values(params: dict[str, Any], spec: dict[str, Any]) -> None:
    """What no module takes, whatever the option says."""
    emptiness.refuse(params, spec)
    _refuse_negative(params)


def _refuse_negative(params: dict[str, Any]) -> None:
    """No time is negative. 0 is one: a wait then looks once."""
    negative = [name for name in _SECONDS if (params.get(name) or 0) < 0]
    if negative:
        raise InvalidInput(f"{' and '.join(negative)} must not be negative: give seconds from 0.")


def _fail(module: AsmModule, task: Task | None, problem: BaseException) -> None:
    error = problem
    if not isinstance(error, AsmError):
        error = unexpected.explain(problem, task.doing if task else "starting")
    changed = task is not None and task.may_have_written()
    debug = {"debug": unexpected.debug_of(problem)} if module.params.get("meshops_debug") else {}
    account = told(module, task.cloud) if task else {}
    about = {"msg": error.message, "changed": changed, "error": error.as_result()}
    module.fail_json(**{**error.details, **account, **about, **debug})


def _close(task: Task) -> None:
    # What was done counts, not how the connections end.
    with contextlib.suppress(Exception):
        task.cloud.close()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Makes SIGTERM an exception, so that a module that is asked to end can still say what it has changed."""

    def terminate(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise unexpected.Terminated

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:
        # Only the main thread can; a module runs in one but for tests.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_resource(resource_class: type[ResourceModule]) -> None:
    """The ``main`` of a module that manages a resource."""

    def work(task: Task) -> dict[str, Any]:
        module = task.module
        task.tell("reading the options")
        resource = resource_class(task.params, task.cloud)
        task.wrote = resource.wrote
        try:
            outcome = converge(
                resource,
                check=module.check_mode,
                wait=resource_class.waits and task.params["wait"],
                timeout=float(task.params.get("wait_timeout") or 0),
                telling=task.tell,
            )
        except AsmError as error:
            error.details = {**_extra_of(resource), **error.details}
            raise
        task.tell("putting the result together")
        for warning in (*outcome.plan.warnings, *resource.warnings()):
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

    run_task(_spec_of(resource_class), work, **resource_class.rules)


def _spec_of(resource_class: type[ResourceModule]) -> dict[str, Any]:
    waiting = {
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": resource_class.wait_timeout},
    }
    state = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
    return {
        **(state if resource_class.removable else {}),
        **(waiting if resource_class.waits else {}),
        **resource_class.options,
    }


def refusal(resource_class: type[ResourceModule], given: dict[str, Any]) -> str:
    """Why a module would refuse options of the right types, in its own words; empty where it takes them.

    A module looks at its options when it is made, before it asks anybody; only what comes later needs the account.
    """
    spec = _spec_of(resource_class)
    validated = ArgumentSpecValidator(spec, **resource_class.rules).validate(without_nulls(given, spec))
    if validated.error_messages:
        return ". ".join(validated.error_messages)
    params = dict(validated.validated_parameters)
    try:
        _refuse_values(params, spec)
        resource_class(params, Cloud(params))
    except (InvalidInput, Refused) as error:
        return error.message
    except AsmError:
        # What this machine lacks need not be missing where the module will run.
        return ""
    return ""


def converge(resource: ResourceModule, *, telling: Callable[[str], None] = lambda doing: None, **how: Any) -> Outcome:
    """``reconcile``, beside other runs: what went with its mesh is gone as wanted, or the failure says so.

    ``how`` are further arguments of ``reconcile``.
    """
    try:
        return reconcile(resource, telling=telling, **how)
    except AsmError as error:
        telling("looking whether the mesh is still there")
        gone = resource.vanished(error)
        if not gone:
            raise
        if not resource.wants_absence():
            raise _without_mesh(error, gone) from error
    telling("reading what is left")
    found = resource.find()
    # What somebody else removed is no change of ours.
    return Outcome(resource.wrote(), resource.view(found), found, resource.plan(found))


def _without_mesh(error: AsmError, gone: str) -> NotFound:
    """``error`` as what it comes down to."""
    kept: dict[str, Any] = {"request_id": error.request_id, "http_status": error.http_status}
    return NotFound(gone, code="Vanished", changed=error.changed, details=error.details, **kept)


def _extra_of(resource: ResourceModule) -> dict[str, Any]:
    try:
        return resource.extra(Plan())
    except Exception:
        # The failure itself is what is to be told.
        return {}


def run_info(result: str, options: dict[str, Any], read: Callable[[dict[str, Any], Cloud], Any], **rules: Any) -> None:
    """The ``main`` of an ``_info`` module: ``read(params, cloud)`` gives the value of the key ``result``."""

    def work(task: Task) -> dict[str, Any]:
        task.tell("reading")
        return {"changed": False, result: read(task.params, task.cloud)}

    run_task(options, work, **rules)


def as_diff(before: Any, after: Any) -> dict[str, Any]:
    """Ansible's structure of a diff; an absent side is an empty mapping."""
    return {"before": {} if before is None else before, "after": {} if after is None else after}

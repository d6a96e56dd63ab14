# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody foresaw in a plugin on the controller is one failure, and tells what the module did."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError, AnsibleParserError
from ansible_collections.meshops.asm.plugins.action import asm_mesh, asm_preflight, asm_verify, asm_workload
from ansible_collections.meshops.asm.plugins.action import istio_resource as istio_resource_action
from ansible_collections.meshops.asm.plugins.inventory import asm as inventory
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.plugin_utils import clean_failure

HIDDEN = "the-private-key"


def action(*, check: bool = False, **args: Any) -> Any:
    return SimpleNamespace(_task=SimpleNamespace(action="meshops.asm.asm_mesh", args=args, check_mode=check))


def broken_after(*results: Any) -> Any:
    """A run whose module is started and, with a result, ended before it breaks."""

    @clean_failure.clean_action
    def run(self: Any, tmp: Any = None, task_vars: Any = None) -> Any:
        if results:
            clean_failure.started(self)
        for result in results:
            if result is not None:
                clean_failure.ended(self, result)
        raise KeyError(HIDDEN)

    return run


@pytest.mark.parametrize(
    ("results", "check", "changed"),
    [
        ((), False, False),
        ((None,), False, True),
        ((None,), True, False),
        (({"changed": True},), False, True),
        (({"changed": False},), False, False),
    ],
)
def test_a_plugin_that_breaks_tells_what_its_module_did(results: Any, check: bool, changed: bool) -> None:
    result = broken_after(*results)(action(check=check))
    assert (result["failed"], result["changed"], result["error"]["code"]) == (True, changed, "Unexpected")
    assert "KeyError" in result["msg"]
    assert HIDDEN not in str(result)


def test_debug_is_there_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "debug" not in broken_after()(action())
    assert broken_after()(action(meshops_debug="yes"))["debug"]["exceptions"][0]["type"] == "KeyError"
    monkeypatch.setenv("MESHOPS_DEBUG", "1")
    assert "debug" in broken_after()(action())


def test_what_ansible_raises_passes() -> None:
    @clean_failure.clean_action
    def run(self: Any, tmp: Any = None, task_vars: Any = None) -> Any:
        raise AnsibleError("as it is")

    with pytest.raises(AnsibleError, match="as it is"):
        run(action())


def test_a_failure_of_the_plugin_is_a_result_without_a_traceback() -> None:
    @clean_failure.clean_action
    def run(self: Any, tmp: Any = None, task_vars: Any = None) -> Any:
        raise AnsibleActionFail("there is no such file")

    assert run(action()) == {"failed": True, "changed": False, "msg": "there is no such file"}


@pytest.mark.parametrize(
    "plugin",
    [
        asm_mesh.ActionModule.run,
        asm_preflight.ActionModule.run,
        asm_verify.ActionModule.run,
        asm_workload.ActionModule.run,
        istio_resource_action.ActionModule.run,
        inventory.InventoryModule.parse,
    ],
)
def test_every_plugin_is_wrapped(plugin: Any) -> None:
    assert hasattr(plugin, "__wrapped__")


@pytest.mark.parametrize(
    ("error", "words"),
    [(KeyError(HIDDEN), "KeyError"), (InvalidInput("Not so."), r"Not so\. \(InvalidInput\)")],
)
def test_an_inventory_that_breaks_is_one_sentence(error: Exception, words: str) -> None:
    @clean_failure.clean_parse
    def parse(self: Any) -> None:
        raise error

    with pytest.raises(AnsibleParserError, match=words) as caught:
        parse(None)
    assert HIDDEN not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_an_inventory_error_of_ansible_passes() -> None:
    @clean_failure.clean_parse
    def parse(self: Any) -> None:
        raise AnsibleError("as it is")

    with pytest.raises(AnsibleError, match="as it is"):
        parse(None)

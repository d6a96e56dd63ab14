# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that run in a child of the controller's process: when they may, and what comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.plugins.action import ActionBase
from ansible_collections.meshops.asm.plugins.plugin_utils import local_run

HERE: dict[str, Any] = {"ansible_python_interpreter": sys.executable}


def action(**changes: Any) -> Any:
    """An action plugin on the controller; ``changes`` are of its task or, with ``connection_``, of its connection."""
    connection = {key[11:]: value for key, value in changes.items() if key.startswith("connection_")}
    task = {key: value for key, value in changes.items() if not key.startswith("connection_")}
    return SimpleNamespace(
        _task=SimpleNamespace(**{"async_val": 0, "environment": None, **task}),
        _connection=SimpleNamespace(**{"transport": "local", "become": None, **connection}),
        _templar=SimpleNamespace(template=lambda value: value),
        _parse_returned_data=partial(ActionBase._parse_returned_data, SimpleNamespace(_used_interpreter=None)),
    )


def test_a_task_on_the_controller_runs_here() -> None:
    assert local_run.can_run_here(action(), HERE)
    assert local_run.can_run_here(action(environment=[{}, None]), HERE)


@pytest.mark.parametrize(
    ("changes", "variables"),
    [
        ({"connection_transport": "ssh"}, HERE),
        ({"connection_become": object()}, HERE),
        ({"async_val": 10}, HERE),
        ({"environment": [{"HTTPS_PROXY": "http://127.0.0.1:1"}]}, HERE),
        ({}, {}),
        ({}, {"ansible_python_interpreter": "/usr/bin/another-python"}),
    ],
)
def test_anything_else_goes_ansibles_own_way(changes: dict[str, Any], variables: dict[str, Any]) -> None:
    assert not local_run.can_run_here(action(**changes), variables)


def test_other_systems_go_ansibles_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not local_run.can_run_here(action(), HERE)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], None]], str]]:
    """Puts a function in the place of a module's main; gives the name to run."""

    def make(main: Callable[[], None]) -> str:
        made = ModuleType("stand_in")
        made.__dict__["main"] = main
        monkeypatch.setitem(sys.modules, f"{local_run._MODULES}.stand_in", made)
        return "stand_in"

    yield make


def test_arguments_go_in_and_the_result_comes_back(module: Any) -> None:
    def main() -> None:
        given = json.load(sys.stdin)
        print(json.dumps({"changed": True, "given": given["ANSIBLE_MODULE_ARGS"], "pid": os.getpid()}))
        sys.exit(0)

    result = local_run.run_here(action(), module(main), {"a": 1, "path": Path("x")})
    assert result.pop("pid") != os.getpid()
    assert (result["changed"], result["given"]) == (True, {"a": 1, "path": "x"})


@pytest.mark.parametrize("whole", [True, False])
def test_a_result_that_is_an_object(module: Any, whole: bool) -> None:
    """As ansible-core 2.21 has it, where the dictionary does not say whether there was a result."""
    parsed = SimpleNamespace(as_result_dict=lambda **_how: {"changed": False, "a": 1}, ansible_parsed=whole)
    one = action()
    one._parse_returned_data = lambda _ended: parsed
    result = local_run.run_here(one, module(lambda: None), {})
    assert (result.get("a"), "error" in result) == ((1, False) if whole else (None, True))


def test_warnings_come_back(module: Any) -> None:
    def main() -> None:
        made = AnsibleModule(argument_spec={}, supports_check_mode=True)
        made.warn("look out")
        made.exit_json(changed=False)

    result = local_run.run_here(action(), module(main), {})
    assert "look out" in str(result["warnings"])
    # What says so since ansible-core 2.19 holds for the child only.
    assert getattr(sys.modules.get("ansible.module_utils._internal"), "is_controller", True)


def test_a_crash_is_a_failure_without_any_text_of_it(module: Any) -> None:
    def main() -> None:
        print("half a sen")
        raise ValueError("broken")

    result = local_run.run_here(action(), module(main), {})
    assert (result["failed"], result["changed"], result["error"]["code"]) == (True, False, "Unexpected")
    assert "ValueError" in result["msg"]
    assert "half a sen" not in str(result)
    assert "broken" not in str(result)


@pytest.mark.parametrize("check", [False, True])
def test_a_killed_module_is_a_failure_that_may_have_changed_something(module: Any, check: bool) -> None:
    def main() -> None:
        print("half a sen", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    result = local_run.run_here(action(), module(main), {"_ansible_check_mode": check})
    assert (result["failed"], result["rc"], result["changed"]) == (True, -signal.SIGKILL, not check)
    assert "signal 9" in result["msg"]
    assert "half a sen" not in str(result)


def test_a_task_that_is_broken_off_takes_its_module_along(module: Any, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def main() -> None:
        pid_file.write_text(str(os.getpid()))
        time.sleep(60)

    class BrokenOff(Exception):
        pass

    def alarm(*unused: object) -> None:
        raise BrokenOff

    def watch() -> None:
        while not (pid_file.exists() and pid_file.read_text()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, alarm)
    watcher = threading.Thread(target=watch)
    try:
        watcher.start()
        with pytest.raises(BrokenOff):
            local_run.run_here(action(), module(main), {})
    finally:
        signal.signal(signal.SIGUSR1, before)
        watcher.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_real_module_says_what_it_is_missing() -> None:
    result = local_run.run_here(action(), "istio_resource", {"state": "present"})
    assert result["failed"]
    assert "one of the following is required: mesh, kubeconfig" in result["msg"]


_PLUGINS = Path(__file__).resolve().parents[4] / "plugins" / "action"
# For each plugin a child of a process that has of Ansible what it loads before any plugin. Last is printed whether what
# was loaded is kept out of the collection of garbage.
_LOADED = """
import gc, importlib, os, sys
import ansible.module_utils.basic, ansible.plugins.action, ansible.plugins.loader
base = "ansible_collections.meshops.asm.plugins"
for plugin in sys.argv[1:]:
    if os.fork() == 0:
        wanted = f"{base}.modules.{plugin}", "urllib3", "alibabacloud_servicemesh20200111.client"
        before = [name in sys.modules for name in wanted]
        importlib.import_module(f"{base}.action.{plugin}")
        print(plugin, before, [name in sys.modules for name in wanted], gc.get_freeze_count() > 9999, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.playbooks
def test_what_a_module_needs_is_loaded_with_its_plugin_before_ansible_forks() -> None:
    plugins = sorted(file.stem for file in _PLUGINS.glob("*.py"))
    told = subprocess.run([sys.executable, "-c", _LOADED, *plugins], capture_output=True, text=True, check=True)
    without_sdk = ("asm_probe", "istio_resource", "istio_resource_info", "asm_workload")
    expected = [f"{plugin} {[False] * 3} {[True, True, plugin not in without_sdk]} True" for plugin in plugins]
    assert told.stdout.splitlines() == expected, told.stderr

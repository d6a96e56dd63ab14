# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which actions of the service's API some module calls: all that live, but for a list that may only become shorter.

The list is ``not_reached.txt``: an action and the reason on a line, sorted. Take a line away when a module reaches it.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from alibabacloud_servicemesh20200111 import client

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("not_reached.txt")
# The service deprecates virtual machines by these actions; ServiceEntry and WorkloadEntry took their place.
DEPRECATED = frozenset(
    {
        "AddVMIntoServiceMesh",
        "DescribeServiceMeshVMs",
        "DescribeVMsInServiceMesh",
        "GetVmAppMeshInfo",
        "GetVmMeta",
        "RemoveVMFromServiceMesh",
    }
)
# It never grows.
MOST = 5


@pytest.fixture(scope="module")
def policies() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ram_policies", ROOT / "tools/ram_policies.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reached(policies: ModuleType) -> set[str]:
    """The actions of ASM that at least one module may call."""
    modules = [path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__"]
    actions = {action for module in modules for action in policies.actions_of_module(module)}
    return {action.removeprefix("servicemesh:") for action in actions if action.startswith("servicemesh:")}


@cache
def actions() -> set[str]:
    """All actions of the installed SDK: each method of its client names its own."""
    source = Path(str(client.__file__)).read_text(encoding="utf-8")
    return set(re.findall(r"action\s*=\s*['\"]([A-Za-z0-9]+)['\"]", source))


@pytest.fixture(scope="module")
def live() -> set[str]:
    return actions() - DEPRECATED


def listed() -> dict[str, str]:
    """``{action: why no module reaches it}``."""
    lines = [line.partition(": ") for line in LIST.read_text(encoding="utf-8").splitlines()]
    return {action: reason for action, _colon, reason in lines}


def test_the_sdk_has_the_actions_that_are_known(live: set[str]) -> None:
    assert actions() >= DEPRECATED
    assert len(live) >= 88


def test_every_live_action_is_reached_or_listed(live: set[str], reached: set[str]) -> None:
    assert sorted(live - reached - set(listed())) == []


def test_what_is_listed_lives_and_is_not_reached(live: set[str], reached: set[str]) -> None:
    assert sorted(set(listed()) & reached) == [], "take these lines out of not_reached.txt"
    assert sorted(set(listed()) - live) == []


def test_the_list_is_sorted_has_reasons_and_never_grows() -> None:
    lines = LIST.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines)
    assert len(lines) == len(listed()) <= MOST
    assert all(reason.endswith(".") and len(reason) > 15 for reason in listed().values())


def test_an_action_is_reached_by_the_call_of_a_module(reached: set[str]) -> None:
    assert {"DescribeNamespaceScopeSidecarConfig", "UpdateNamespaceScopeSidecarConfig"} <= reached
    assert not reached & DEPRECATED

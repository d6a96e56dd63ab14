# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action that some module may call has been called by now: this comes after all other tests of the folder."""

from __future__ import annotations

import importlib.util

import pytest

from .called import CALLED, partial
from .runner import ROOT


def reachable() -> set[str]:
    """The actions of the service that the code of some module leads to."""
    spec = importlib.util.spec_from_file_location("ram_policies", ROOT / "tools/ram_policies.py")
    assert spec and spec.loader
    policies = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(policies)
    modules = [path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__"]
    found = {action for module in modules for action in policies.actions_of_module(module)}
    return {action.partition(":")[2] for action in found if action.startswith("servicemesh:")}


def test_every_action_that_a_module_reaches_was_called(request: pytest.FixtureRequest) -> None:
    why = partial(request.session)
    if why:
        pytest.skip(f"says nothing: {why}")
    called = request.session.stash[CALLED].actions
    assert sorted(reachable() - called) == [], "no integration test makes a module call these"

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks really call is what their documented policies allow."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from .labs import Lab
from .playing import EXAMPLE, SPEC
from .runner import ROOT, Runner


@pytest.mark.parametrize("playbook", ["site", "verify", "drift"])
def test_a_playbook_calls_nothing_that_its_policy_does_not_allow(
    lab: Lab, run: Runner, monkeypatch: pytest.MonkeyPatch, playbook: str
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    policies: Any = importlib.import_module("ram_policies")
    (statement,) = policies.policy(playbook)["Statement"]
    allowed = {action.split(":")[1] for action in statement["Action"]}
    since = lab.mark()
    run.play(f"meshops.asm.{playbook}", *SPEC, cwd=EXAMPLE)
    called = {entry["action"] for entry in lab.requests(since)}
    assert "DescribeServiceMeshes" in called
    assert called <= allowed

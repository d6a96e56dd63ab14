# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module from its options to its result, over a real connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import PROBE_OPTIONS
from ansible_collections.meshops.asm.plugins.modules import asm_probe
from ansible_collections.meshops.asm.tests.unit.plugins.module_utils.probe.conftest import LocalServer, reply


def probe(options: dict[str, Any], *, check: bool) -> tuple[dict[str, Any], AsmError | None]:
    plan = asm_probe.planned(Cloud(options), options)
    return asm_probe.untried(plan) if check else asm_probe.observed(plan)


def params(**options: Any) -> dict[str, Any]:
    spec = {"mesh": {"type": "str"}, "region": {"type": "str"}, **PROBE_OPTIONS, "stop_file": {"type": "path"}}
    checked = ArgumentSpecValidator(spec).validate(options)
    assert not checked.error_messages
    return dict(checked.validated_parameters)


@pytest.fixture
def server() -> Any:
    started = LocalServer(lambda _number, _head: reply("v1"))
    yield started
    started.close()


def test_a_probe_without_credentials(server: LocalServer) -> None:
    result, problem = probe(params(address=[server.address], by={"regex": "v1"}), check=False)
    assert problem is None
    assert result["requests"] == result["answered"] == 100
    assert result["failed_requests"] == 0
    assert "failed" not in result
    assert result["table"] == ["v1  observed 100 %  (90.23 to 100 %)"]


def test_a_difference_is_a_failure_with_all_figures(server: LocalServer) -> None:
    options = params(address=[server.address], by={"regex": r"v\d"}, expect={"split": {"v2": 100}})
    result, problem = probe(options, check=False)
    assert problem
    assert "v2: 0 % observed" in problem.message
    assert result["distribution"][0]["key"] == "v1"


def test_check_mode_sends_nothing(server: LocalServer) -> None:
    options = params(address=[server.address], by={"status": True}, expect={"split": {"200": 100}})
    result, problem = probe(options, check=True)
    assert (result, problem) == ({"requests": 66}, None)
    assert server.heads == []


def test_wrong_options_are_found_in_check_mode_too(server: LocalServer) -> None:
    with pytest.raises(InvalidInput, match="sum to 100"):
        probe(params(address=[server.address], by={"status": True}, expect={"split": {"200": 90}}), check=True)


def test_the_gateway_of_a_mesh(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def addresses(_cloud: Any, *arguments: Any) -> list[str]:
        asked.append(arguments)
        return [server.address]

    monkeypatch.setattr(asm_probe, "gateway_addresses", addresses)
    result, _problem = probe(params(mesh="shop", gateway="in", cluster="one"), check=False)
    assert asked == [("shop", "in", "one")]
    assert result["statuses"] == {"200": 100}


def test_a_file_ends_a_probe_and_its_rounds(tmp_path: Path) -> None:
    """Neither the rest of the requests nor another round is waited for; the verdict is on what was seen."""
    stop = tmp_path / "stop"

    def answer(number: int, _head: bytes) -> bytes:
        if number == 29:
            stop.touch()
        return reply("v1")

    server = LocalServer(answer)
    given = {"address": [server.address], "count": 5000, "concurrency": 1, "wait_timeout": 600.0}
    options = params(**given, by={"regex": r"v\d"}, expect={"split": {"v2": 100}}, stop_file=str(stop))
    try:
        result, problem = probe(options, check=False)
    finally:
        server.close()
    assert problem
    assert "v2: 0 % observed" in problem.message
    assert (result["requests"], result["rounds"]) == (30, 1)


@pytest.mark.parametrize("check", [True, False])
def test_a_file_that_would_end_the_probe_at_once_is_refused(server: LocalServer, tmp_path: Path, check: bool) -> None:
    (tmp_path / "stop").touch()
    with pytest.raises(InvalidInput, match=r"stop exists already.*Remove it"):
        probe(params(address=[server.address], stop_file=str(tmp_path / "stop")), check=check)
    assert server.heads == []

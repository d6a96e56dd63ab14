# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told while a module waits, and how it gets from the module to the screen."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import progress
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, wait_until_done, waiting
from ansible_collections.meshops.asm.plugins.plugin_utils import waiting as shown
from ansible_collections.meshops.asm.tests.unit.conftest import FakeClock

from .test_manifests import FakeTask


def heard(*reports: tuple[str, float]) -> list[str]:
    lines: list[str] = []
    teller = shown.Teller("localhost", lines.append)
    for what, seconds in reports:
        teller.hear({"what": what, "seconds": seconds, "percent": None})
    return lines


def test_short_waits_say_nothing() -> None:
    assert heard(("a mesh", 0.0), ("a mesh", 2.9)) == []


def test_a_wait_is_told_once_and_then_after_a_while() -> None:
    reports = [("a mesh", float(second)) for second in range(70)]
    assert heard(*reports) == [f"[localhost] waiting for a mesh: {second} s" for second in (3, 33, 63)]


def test_news_are_told_soon_but_not_at_any_rate() -> None:
    lines = heard(("1 of 3", 4.0), ("2 of 3", 4.5), ("2 of 3", 5.0), ("2 of 3", 6.0), ("3 of 3", 6.1))
    assert lines == ["[localhost] waiting for 1 of 3: 4 s", "[localhost] waiting for 2 of 3: 6 s"]


def test_a_second_wait_of_a_task_begins_anew() -> None:
    assert len(heard(("a mesh", 50.0), ("a mesh", 0.0), ("a mesh", 2.0), ("a mesh", 3.5))) == 2


def test_percent_is_shown_where_it_is_known() -> None:
    lines: list[str] = []
    shown.Teller("north", lines.append).hear({"what": "an upgrade", "seconds": 12.4, "percent": 40})
    assert lines == ["[north] waiting for an upgrade: 12 s, 40 %"]


def test_the_flow_tells_each_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "waits"
    file.touch()
    monkeypatch.setenv(progress.VARIABLE, str(file))
    looks = iter([waiting("a mesh", percent=10), waiting("a mesh"), DONE])
    wait_until_done(lambda: next(looks), timeout=60, clock=FakeClock())
    first, second = file.read_text().splitlines()
    assert first == '{"what": "a mesh", "seconds": 0.0, "percent": 10}'
    assert '"percent": null' in second


def test_a_file_that_is_gone_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "gone"))
    progress.tell("a mesh", 5.0, None)
    assert list(tmp_path.iterdir()) == []


def action(**differs: Any) -> Any:
    about = {"async_val": 0, "no_log": False, "transport": "local", **differs}
    task = SimpleNamespace(async_val=about["async_val"], no_log=about["no_log"])
    return SimpleNamespace(_task=task, _connection=SimpleNamespace(transport=about["transport"]))


@pytest.fixture
def screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines on the screen."""
    lines: list[str] = []
    monkeypatch.setattr(shown, "TERMINAL", SimpleNamespace(say=lines.append))
    monkeypatch.setattr(shown.C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    monkeypatch.setattr(shown, "_LOOK", 0.01)
    monkeypatch.delenv(shown.SWITCH, raising=False)
    monkeypatch.delenv(progress.VARIABLE, raising=False)
    return lines


def test_what_the_module_tells_is_on_the_screen_while_it_runs(screen: list[str], tmp_path: Path) -> None:
    with shown.showing_waits(action(), {"inventory_hostname": "north"}):
        assert Path(os.environ[progress.VARIABLE]).stat().st_mode & 0o077 == 0
        progress.tell("a mesh", 5.0, None)
        for _look in range(500):
            if screen:
                break
            shown.threading.Event().wait(0.01)
        assert screen == ["[north] waiting for a mesh: 5 s"]
    assert progress.VARIABLE not in os.environ
    assert list(tmp_path.iterdir()) == []


def test_a_failing_module_leaves_nothing_behind(screen: list[str], tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), shown.showing_waits(action(), {}):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    assert progress.VARIABLE not in os.environ


@pytest.mark.parametrize("differs", [{"async_val": 60}, {"no_log": True}, {"transport": "ssh"}])
def test_tasks_that_stay_silent(screen: list[str], differs: dict[str, Any]) -> None:
    with shown.showing_waits(action(**differs), {}):
        assert progress.VARIABLE not in os.environ


def test_a_display_whose_lock_a_fork_has_orphaned_holds_nothing_up(
    screen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ansible-runner 2.4.0 and 2.4.1 have it: the lock is held by a thread that the fork does not have."""

    def never(*_words: Any, **_named: Any) -> None:
        raise AssertionError("a task's thread may not use the display: it would wait for ever")

    monkeypatch.setattr("ansible.utils.display.Display.display", never)
    with shown.showing_waits(action(), {}):
        progress.tell("a mesh", 5.0, None)
        for _look in range(500):
            if screen:
                break
            shown.threading.Event().wait(0.01)
    assert screen == ["[localhost] waiting for a mesh: 5 s"]


@pytest.mark.parametrize("name", ["asm_probe", "asm_verify"])
def test_actions_of_probes_show_what_they_wait_for(
    screen: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plugin = importlib.import_module(f"ansible_collections.meshops.asm.plugins.action.{name}")

    def run_module(*_action: Any) -> dict[str, Any]:
        progress.tell("check 'canary'", 5.0, 40)
        for _look in range(500):
            if screen:
                break
            shown.threading.Event().wait(0.01)
        return {"changed": False}

    monkeypatch.setattr(plugin if hasattr(plugin, "run_module") else shown, "run_module", run_module)
    connection = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir=None))
    templar = SimpleNamespace(template=lambda value: value)
    context: dict[str, Any] = {"play_context": None, "loader": None, "templar": templar, "shared_loader_obj": None}
    one = plugin.ActionModule(task=FakeTask(tmp_path, {"mesh": "shop"}), connection=connection, **context)
    assert one.run(None, {"inventory_hostname": "north"})["changed"] is False
    assert screen == ["[north] waiting for check 'canary': 5 s, 40 %"]


def test_the_switch(screen: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(shown.SWITCH, "false")
    with shown.showing_waits(action(), {}):
        assert progress.VARIABLE not in os.environ

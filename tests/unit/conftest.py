# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit tests share: time that does not pass by itself, and a cloud that records what it is asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import reconcile

_READ = re.compile(r"(Describe|List|Get)[A-Z]")


class FakeClock(reconcile.Clock):
    """Time that moves only when somebody sleeps; ``pauses`` are the seconds slept."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


class FakeCloud:
    """Stands in for ``cloud.client.Cloud``.

    ``answers`` maps an action to its reply: a value, an exception to raise, a function of the parameters, or a list
    of these that is used up from the front (the last one stays). An action without an answer fails the test.
    """

    def __init__(self, region: str | None = "cn-hangzhou", **answers: Any) -> None:
        self.region = region
        self.private: bool | None = None
        self.answers: dict[str, Any] = dict(answers)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.writes = 0

    def asm(self, action: str, **parameters: Any) -> Any:
        return self._answer(action, {key: value for key, value in parameters.items() if value is not None})

    def cs(self, action: str, *path: str, **parameters: Any) -> Any:
        sent = {key: value for key, value in parameters.items() if value is not None}
        return self._answer(action, {"path": list(path), **sent} if path else sent)

    def _answer(self, action: str, parameters: dict[str, Any]) -> Any:
        self.calls.append((action, parameters))
        assert len(self.calls) < 20_000, "an endless loop"
        self.writes += 0 if _READ.match(action) else 1
        assert action in self.answers, f"unexpected call of {action} with {parameters}"
        answer = self.answers[action]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(**parameters) if callable(answer) else answer

    def sent(self, action: str) -> list[dict[str, Any]]:
        """The parameters of every call of ``action``, in order."""
        return [parameters for name, parameters in self.calls if name == action]

    def written(self) -> list[str]:
        """The actions that write, in order; one that is only asked to check writes nothing."""
        return [name for name, sent in self.calls if not _READ.match(name) and not sent.get("PreCheck")]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def fake_cloud() -> Callable[..., FakeCloud]:
    """Makes a ``FakeCloud`` from its answers."""
    return FakeCloud


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Code that makes its own clock gets this one, so that no test really waits."""
    shared = FakeClock()
    monkeypatch.setattr(reconcile.Clock, "now", lambda self: shared.now())
    monkeypatch.setattr(reconcile.Clock, "sleep", lambda self, seconds: shared.sleep(seconds))
    return shared

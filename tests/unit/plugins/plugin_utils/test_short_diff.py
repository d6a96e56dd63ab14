# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff shows of objects that are not there yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.plugin_utils import short_diff

NEW = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}}}
LONG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"key": "x" * 200}}
DIFF = {
    "before": {"VirtualService shop/b": {"spec": {"hosts": ["b"]}}, "Service shop/c": {}},
    "after": {"(summary)": "2 created", "Namespace shop": NEW, "VirtualService shop/b": LONG, "ConfigMap shop/a": LONG},
}
AFTER = {
    "(summary)": "2 created",
    "Namespace shop": 'new: {"labels": {"istio-injection": "enabled"}}',
    "VirtualService shop/b": LONG,
    "ConfigMap shop/a": 'new: {"data": {"key": "' + "x" * 42 + "... (-v shows it)",
}


@pytest.fixture
def action() -> Any:
    templar = SimpleNamespace(template=lambda value: value)
    return SimpleNamespace(_task=SimpleNamespace(check_mode=True, args={}), _templar=templar)


def shown(action: Any, diff: Any, **variables: Any) -> Any:
    return short_diff.shortened(action, variables, {"changed": True, "diff": diff})["diff"]


def test_a_new_object_is_one_line(action: Any) -> None:
    assert shown(action, DIFF) == {"before": DIFF["before"], "after": AFTER}
    assert DIFF["after"]["ConfigMap shop/a"] is LONG


def test_so_it_is_on_each_of_several_servers(action: Any) -> None:
    several = {
        "before": {"one": DIFF["before"], "two": {}},
        "after": {"one": DIFF["after"], "two": {"Namespace shop": NEW}},
    }
    assert shown(action, several)["after"] == {"one": AFTER, "two": {"Namespace shop": AFTER["Namespace shop"]}}


def test_it_is_whole_with_v_and_in_a_report_of_drift(action: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(action, DIFF, **{short_diff.drift_record.VARIABLE: "/records"}) is DIFF
    monkeypatch.setattr(short_diff, "Display", lambda: SimpleNamespace(verbosity=1))
    assert shown(action, DIFF) is DIFF


@pytest.mark.parametrize("diff", [None, "text", {}, {"before": None, "after": None}, {"before": {}, "after": "x"}])
def test_what_has_no_objects_stays(action: Any, diff: Any) -> None:
    assert shown(action, diff) == diff

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users see of objects."""

from __future__ import annotations

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import differ
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import Source
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import known_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item

from .conftest import managed, virtual_service

KIND = known_kind("VirtualService")
assert KIND


def item(name: str = "reviews", outcome: str = "unchanged", **more: object) -> Item:
    return Item(KIND, "default", name, outcome=outcome, **more)  # type: ignore[arg-type]


def test_noise_is_removed() -> None:
    live = {**virtual_service(), "status": {"x": 1}}
    live["metadata"].update(uid="u", resourceVersion="1", generation=2, managedFields=managed(live))
    live["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "x"}
    shown = virtual_service()
    shown["metadata"]["annotations"] = {"mine": "x"}
    assert differ.visible(live) == shown
    assert "status" in live
    assert differ.visible(None) is None


def test_secrets_are_hidden_but_changes_show() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "b2xk", "b": "eA=="}}
    before = differ.visible(secret)
    after = differ.visible({**secret, "data": {"a": "bmV3", "b": "eA=="}})
    assert before and after
    assert "b2xk" not in str(before)
    assert before["data"]["a"] != after["data"]["a"]
    assert before["data"]["b"] == after["data"]["b"]


def test_a_diff_holds_what_changes_and_counts_first() -> None:
    old, new = virtual_service("b"), virtual_service("b", http=[])
    items = [
        item("a", "created", body=virtual_service("a")),
        item("b", "updated", live=old, body=new, predicted={**new, "status": {}}),
        item("c", live=virtual_service("c")),
        item("d", "deleted", live=virtual_service("d")),
    ]
    diff = differ.diff_of(items)
    assert diff["before"] == {"VirtualService default/b": old, "VirtualService default/d": virtual_service("d")}
    assert diff["after"] == {
        "(summary)": "1 created, 1 updated, 1 unchanged, 1 deleted",
        "VirtualService default/a": virtual_service("a"),
        "VirtualService default/b": new,
    }
    assert min(diff["after"]) == differ.SUMMARY


def test_one_change_needs_no_count() -> None:
    assert differ.diff_of([item("a", "created", body=virtual_service("a")), item("b")])["after"].keys() == {
        "VirtualService default/a"
    }
    assert differ.diff_of([item()]) == {"before": {}, "after": {}}


def test_taking_over_fields_shows() -> None:
    same = virtual_service()
    diff = differ.diff_of([item(outcome="updated", live=same, body=same)])
    assert "takes it over" in diff["after"]["VirtualService default/reviews"]["(note)"]


def test_results_and_summary() -> None:
    failed = item("a", "failed", source=Source("x.yml", 2), error=InvalidInput("because"))
    assert differ.result_of(failed) == {
        "api_version": "networking.istio.io/v1",
        "kind": "VirtualService",
        "name": "a",
        "namespace": "default",
        "outcome": "failed",
        "source": "x.yml, document 2",
        "error": "because",
    }
    assert differ.summary_of([failed, item(), item()]) == {
        "created": 0,
        "updated": 0,
        "unchanged": 2,
        "deleted": 0,
        "failed": 1,
        "skipped": 0,
    }

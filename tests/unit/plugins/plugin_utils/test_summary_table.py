# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table at the end of a play."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.plugin_utils.summary_table import Summary

MESH = {"name": "shop", "id": "c1", "region": "cn-hangzhou", "version": "v1.25", "state": "running"}


def table(*heard: tuple[str, dict[str, Any]], slowest: int = 0) -> list[str]:
    summary = Summary()
    for module, result in heard:
        summary.heard(f"meshops.asm.{module}", f"role : {module}", result)
    summary.took("slow one", 12.34)
    summary.took("quick one", 0.2)
    return [" ".join(line.split()) for line in summary.lines(slowest)[2:]]


def test_plays_without_meshes_get_no_table() -> None:
    summary = Summary()
    summary.heard("ansible.builtin.copy", "Copy", {"changed": True, "mesh": MESH})
    assert summary.lines(5) == []


def test_meshes_clusters_and_gateways() -> None:
    gateway = {"name": "in", "status": "running", "addresses": {"b": ["203.0.113.2"], "a": ["203.0.113.1"]}}
    lines = table(
        ("asm_mesh", {"changed": True, "mesh": MESH}),
        ("asm_cluster", {"clusters": [{"name": "b", "state": "running"}, {"name": "a", "state": "running"}]}),
        ("asm_gateway", {"results": [{"gateway": gateway}]}),
    )
    assert lines == [
        "mesh shop c1 cn-hangzhou v1.25 running",
        "cluster a running",
        "cluster b running",
        "gateway in 203.0.113.1 (a); 203.0.113.2 (b)",
        "changed role : asm_mesh",
    ]


def test_of_several_hosts_each_has_its_own() -> None:
    summary = Summary()
    for host in ("web", "archive"):
        gateway = {"name": "in", "status": "running", "addresses": {"a": [f"address of {host}"]}}
        summary.heard("meshops.asm.asm_gateway", "Deploy", {"gateway": gateway, "changed": host == "web"}, host)
    rows = [{"what": "gateway", "name": "in", "where": "a", "state": "seen", "ok": True}]
    summary.heard("meshops.asm.asm_verify", "Compare", {"rows": rows}, "web")
    summary.heard("meshops.asm.asm_mesh", "Make", {"changed": True}, "archive")
    assert [" ".join(line.split()) for line in summary.lines(0)[2:]] == [
        "gateway archive: in address of archive (a)",
        "gateway web: in seen (a)",
        "changed web: Deploy",
        "changed archive: Make",
    ]


def test_what_left_the_mesh_is_not_listed() -> None:
    lines = table(
        ("asm_cluster_info", {"clusters": [{"name": "a", "state": "running", "attached": False}]}),
        ("asm_cluster", {"clusters": [{"name": "b", "state": "running"}]}),
        ("asm_cluster", {"clusters": [], "detached": ["b"]}),
        ("asm_mesh", {"mesh": None}),
    )
    assert lines == ["changed nothing"]


def test_a_loop_variable_over_the_result_is_not_taken_for_it() -> None:
    asked = {"name": "in", "clusters": ["a"]}
    rows = [{"what": "gateway", "name": "in", "where": "a", "state": "203.0.113.1", "ok": True}]
    lines = table(("asm_gateway", {"results": [{"gateway": asked}]}), ("asm_verify", {"rows": rows}))
    assert lines == ["gateway in 203.0.113.1 (a)", "changed nothing"]


def test_the_slowest_tasks_come_last() -> None:
    assert table(("asm_mesh", {}), slowest=1) == ["changed nothing", "time 12.3 s slow one"]

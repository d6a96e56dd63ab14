# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of what differs from a spec."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.plugin_utils.drift_report import drift_report

POD = {"kind": "Deployment", "spec": {"replicas": 1}}


def report(*entries: dict[str, Any], failure: str = "") -> dict[str, Any]:
    return drift_report("\n".join(json.dumps(entry) for entry in entries), "shop", failure)


def entry(module: str, before: Any, after: Any, **more: Any) -> dict[str, Any]:
    result = {"changed": before != after, "diff": {"before": before, "after": after}, **more.pop("result", {})}
    return {"module": module, "name": None, "where": None, "result": result, **more}


def found(*entries: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(one["change"], one["kind"], one["name"], one["where"]) for one in report(*entries)["objects"]]


def test_nothing_differs() -> None:
    said = report(entry("asm_mesh", {"a": 1}, {"a": 1}, name="shop"))
    assert (said["status"], said["checked"], said["objects"]) == ("match", 1, [])
    assert said["table"] == ["Mesh shop: everything is as in the spec"]


def test_a_release_is_told_and_is_no_drift() -> None:
    said = "VirtualService n/a: v2 has 100 %, described 0 %, by canary of 2026-01-01T00:00:00Z."
    compared = {"comparison": {"shop": {"fields": {}, "failures": [], "releases": [said]}}}
    found = report(entry("istio_resource", {}, {}, where="shop", result=compared))
    assert (found["status"], found["releases"]) == ("match", [said])
    assert found["table"][1:] == [f"  released: {said}"]


def test_a_changed_mesh_with_its_diff() -> None:
    (one,) = report(entry("asm_mesh", {"a": 1, "b": 2}, {"a": 1, "b": 3}, name="shop"))["objects"]
    assert (one["change"], one["kind"], one["name"]) == ("different", "Mesh", "shop")
    assert one["diff"] == ["--- there", "+++ spec", "@@ -1,2 +1,2 @@", " a: 1", "-b: 2", "+b: 3"]


def test_clusters_one_by_one() -> None:
    clusters = entry("asm_cluster", {"clusters": ["a", "b"]}, {"clusters": ["b", "c"]})
    assert found(clusters) == [("unwanted", "Cluster", "a", "shop"), ("missing", "Cluster", "c", "shop")]


@pytest.mark.parametrize(("module", "kind"), [("asm_gateway", "IstioGateway"), ("asm_namespace", "Namespace")])
def test_objects_of_the_control_plane(module: str, kind: str) -> None:
    assert found(entry(module, {}, {"spec": {}}, name="in")) == [("missing", kind, "in", "shop")]


def test_kubernetes_objects_one_by_one() -> None:
    before = {"VirtualService n/a": {"x": 1}, "VirtualService n/b": {"x": 1}}
    after = {"VirtualService n/a": {"x": 2}, "Gateway n/c": {"x": 1}, "(summary)": "1 created"}
    assert found(entry("istio_resource", before, after, where="shop")) == [
        ("missing", "Gateway", "n/c", "shop"),
        ("different", "VirtualService", "n/a", "shop"),
        ("unwanted", "VirtualService", "n/b", "shop"),
    ]


def test_objects_of_several_clusters() -> None:
    several = entry("asm_workload", {"a": {"Deployment n/x": POD}, "b": {}}, {"a": {}, "b": {"Deployment n/x": POD}})
    assert found(several) == [("unwanted", "Deployment", "n/x", "a"), ("missing", "Deployment", "n/x", "b")]


def test_objects_of_one_cluster() -> None:
    one = entry("asm_workload", {}, {"Deployment n/x": POD}, where=["a"])
    assert found(one) == [("missing", "Deployment", "n/x", "a")]


def test_a_failure_is_neither_match_nor_drift() -> None:
    failed = {"changed": False, "failed": True, "msg": "It does not answer."}
    said = report(entry("asm_mesh", {}, {}), entry("asm_cluster", {}, {}, result=failed), failure="It does not answer.")
    assert said["status"] == "incomplete"
    assert said["failures"] == ["It does not answer."]
    assert said["table"][-1] == "  failed: It does not answer."


def test_a_failure_before_the_first_step() -> None:
    assert report(failure="The spec has 1 problem.")["status"] == "incomplete"


WEIGHT = {
    "field": "spec.http[0].route[0].weight",
    "kind": "changed",
    "described": 80,
    "found": 50,
    "manager": "kubectl-patch",
    "time": "2026-02-02T00:00:00Z",
}
LABEL = {
    "field": "metadata.labels.team",
    "kind": "added",
    "described": None,
    "found": "a\x1b",
    "manager": "k",
    "time": "",
}


def compared(server: str, key: str, *fields: Any, failures: Any = ()) -> dict[str, Any]:
    return {"comparison": {server: {"fields": {key: list(fields)}, "failures": list(failures)}}}


def test_an_object_comes_with_its_fields() -> None:
    before, after = {"VirtualService n/a": {"x": 1}}, {"VirtualService n/a": {"x": 2}}
    said = report(
        entry("istio_resource", before, after, where="shop", result=compared("shop", "VirtualService n/a", WEIGHT))
    )
    (one,) = said["objects"]
    assert (one["change"], one["fields"]) == ("different", [WEIGHT])
    assert said["table"][1:] == [
        "  different  VirtualService  n/a  shop",
        "    spec.http[0].route[0].weight: 50 is there, 80 is described (kubectl-patch, 2026-02-02T00:00:00Z)",
        "  site refuses to overwrite, unless the item has force_conflicts: true, what is held by: kubectl-patch",
    ]


def test_what_others_added_is_a_kind_of_its_own() -> None:
    same = entry("asm_workload", {}, {}, where=["c1"], result=compared("c1", "Deployment n/a", LABEL))
    assert found(same) == [("added", "Deployment", "n/a", "c1")]
    said = report(same)
    assert said["status"] == "drift"
    assert said["table"][-1] == r"    metadata.labels.team: a\x1b is there, and not described (k)"


def test_fields_of_several_clusters() -> None:
    before, after = {"c1": {"Deployment n/a": {"x": 1}}}, {"c1": {"Deployment n/a": {"x": 2}}}
    told = {
        **compared("c1", "Deployment n/a", WEIGHT)["comparison"],
        **compared("c2", "Deployment n/a", LABEL)["comparison"],
    }
    objects = report(entry("asm_workload", before, after, where=["c1", "c2"], result={"comparison": told}))["objects"]
    assert [(one["change"], one["where"], len(one["fields"])) for one in objects] == [
        ("different", "c1", 1),
        ("added", "c2", 1),
    ]


def test_a_refusal_of_one_object_hides_no_other() -> None:
    result = compared("shop", "VirtualService n/a", WEIGHT, failures=["Gateway n/b: refused."])
    said = report(entry("istio_resource", {"VirtualService n/a": {}}, {"VirtualService n/a": {"x": 1}}, result=result))
    assert (said["status"], said["failures"], len(said["objects"])) == ("incomplete", ["Gateway n/b: refused."], 1)


def test_what_is_missing_in_an_object() -> None:
    field = {**WEIGHT, "kind": "missing", "described": "x" * 100, "found": None, "manager": "", "time": ""}
    said = report(entry("istio_resource", {}, {}, where="shop", result=compared("shop", "Gateway n/b", field)))
    assert said["table"][-1] == f"    {field['field']}: {'x' * 60}... is described, and not there"


def test_what_the_service_says_of_a_gateway() -> None:
    said = report(entry("asm_gateway", {}, {}, name="in", result={"complaint": "address-type cannot be changed"}))
    assert said["status"] == "drift"
    assert said["table"][-1] == ('    status.ErrorMessage: address-type cannot be changed is there, "" is described')


def test_no_text_within_a_value_reaches_a_terminal_as_it_is() -> None:
    field = {**LABEL, "found": {"a\x1b": ["b\x1b"]}}
    (one,) = report(entry("asm_workload", {}, {}, where=["c"], result=compared("c", "Pod n/a", field)))["objects"]
    assert one["fields"][0]["found"] == {r"a\x1b": [r"b\x1b"]}


def test_the_server_of_a_kubeconfig_is_called_as_the_mesh() -> None:
    before, after = {"VirtualService n/a": {"x": 1}}, {"VirtualService n/a": {"x": 2}}
    (one,) = report(entry("istio_resource", before, after, result=compared("", "VirtualService n/a", WEIGHT)))[
        "objects"
    ]
    assert (one["where"], one["change"], one["fields"]) == ("shop", "different", [WEIGHT])


def test_it_is_said_what_site_would_not_overwrite() -> None:
    def field(kind: str, manager: str) -> dict[str, Any]:
        return {"field": "spec.a", "kind": kind, "described": 1, "found": 2, "manager": manager, "time": ""}

    def said(*fields: dict[str, Any]) -> dict[str, Any]:
        compared = {"comparison": {"shop": {"fields": {"Deployment n/a": list(fields)}, "failures": []}}}
        before, after = {"Deployment n/a": {"a": 2}}, {"Deployment n/a": {"a": 1}}
        return report(entry("asm_workload", before, after, where=["shop"], result=compared))

    found = said(field("changed", "kubectl-patch"), field("changed", "kubectl-edit"))
    assert found["held"] == ["kubectl-edit", "kubectl-patch"]
    assert found["table"][-1].endswith("force_conflicts: true, what is held by: kubectl-edit, kubectl-patch")
    # What is gone, what was added, what an earlier apply of our own left, and what is taken over, is in nobody's way.
    ours = [field("changed", name) for name in ("meshops.asm", "kubectl-client-side-apply")]
    free = said(field("missing", ""), field("added", "kubectl-label"), *ours)
    assert free["held"] == []
    assert "refuses" not in " ".join(free["table"])

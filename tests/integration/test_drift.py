# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook drift, before and after somebody has changed things by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .labs import Lab
from .playing import EXAMPLE, SPEC
from .runner import Played, Runner

PATH = "/apis/networking.istio.io/v1/namespaces/bookinfo"


@pytest.fixture(scope="module")
def bookinfo(lab: Lab, run: Runner) -> str:
    """Id of the example's mesh, as its spec wants it."""
    run.play("meshops.asm.site", *SPEC, cwd=EXAMPLE).ok()
    return lab.mesh_id("bookinfo")


def drift(lab: Lab, run: Runner, folder: Path, *words: str) -> tuple[Played, dict[str, Any], str]:
    """The play, its JSON and its page; asserts that it writes nothing and leaves nothing behind."""
    with lab.unwritten():
        played = run.play("meshops.asm.drift", *SPEC, "-e", f"drift_dir={folder}", *words, cwd=EXAMPLE)
    page = (folder / "drift.html").read_text(encoding="utf-8")
    report = (folder / "drift.json").read_text(encoding="utf-8")
    for secret in run.secrets:
        assert secret not in played.output + played.errors + page + report
    return played, json.loads(report), page


def test_nothing_differs_after_the_flow(lab: Lab, run: Runner, bookinfo: str, tmp_path: Path) -> None:
    played, report, page = drift(lab, run, tmp_path)
    assert played.code == 0, played.output
    assert (report["status"], report["objects"], report["failures"]) == ("match", [], [])
    assert "everything is as in the spec" in page


def test_what_was_changed_by_hand_is_named(lab: Lab, run: Runner, bookinfo: str, tmp_path: Path) -> None:
    kube = lab.kube(bookinfo)
    rule = kube.get(f"{PATH}/destinationrules/reviews")
    rule["spec"]["trafficPolicy"]["loadBalancer"]["simple"] = "RANDOM"
    body = {
        "apiVersion": rule["apiVersion"],
        "kind": rule["kind"],
        "metadata": {"name": "reviews"},
        "spec": rule["spec"],
    }
    kube.apply(f"{PATH}/destinationrules/reviews", body, manager="meshops.asm")
    kube.delete(f"{PATH}/serviceentries/books-api")
    lab.kube(lab.cluster_id("shop-2")).delete("/apis/apps/v1/namespaces/bookinfo/deployments/ratings-v1")
    try:
        played, report, page = drift(lab, run, tmp_path)
    finally:
        run.play("meshops.asm.site", *SPEC, cwd=EXAMPLE).ok()
    assert played.code == 2
    assert report["status"] == "drift"
    assert {(one["change"], one["kind"], one["name"], one["where"]) for one in report["objects"]} == {
        ("missing", "Deployment", "bookinfo/ratings-v1", "shop-2"),
        ("missing", "ServiceEntry", "bookinfo/books-api", "bookinfo"),
        ("different", "DestinationRule", "bookinfo/reviews", "bookinfo"),
    }
    (changed,) = [one for one in report["objects"] if one["kind"] == "DestinationRule"]
    assert [line.split() for line in changed["diff"] if "simple" in line] == [
        ["-", "simple:", "RANDOM"],
        ["+", "simple:", "ROUND_ROBIN"],
    ]
    assert "3 of its objects differ" in page
    assert "bookinfo/ratings-v1" in page
    assert "bookinfo/ratings-v1  shop-2" in played.output


def test_what_kubectl_did_is_named_with_field_values_and_writer(
    lab: Lab, run: Runner, bookinfo: str, tmp_path: Path
) -> None:
    kube = lab.kube(bookinfo)
    route = kube.get(f"{PATH}/virtualservices/reviews")
    for rule, weight in zip(route["spec"]["http"][1]["route"], (50, 30, 20), strict=True):
        rule["weight"] = weight
    patched = {"spec": {"http": route["spec"]["http"]}}
    kube.patch(f"{PATH}/virtualservices/reviews", patched, fieldManager="kubectl-patch")
    kube.delete(f"{PATH}/serviceentries/books-api")
    deployments = "/apis/apps/v1/namespaces/bookinfo/deployments"
    cluster = lab.kube(lab.cluster_id("shop-2"))
    label = {"metadata": {"labels": {"team": "a"}}}
    cluster.patch(f"{deployments}/ratings-v1", label, fieldManager="kubectl-label")
    try:
        played, report, page = drift(lab, run, tmp_path)
        verified = run.play("meshops.asm.verify", *SPEC, "-e", '{"asm_checks": []}', cwd=EXAMPLE)
    finally:
        cluster.patch(f"{deployments}/ratings-v1", {"metadata": {"labels": {"team": None}}})
        kube.delete(f"{PATH}/virtualservices/reviews")
        run.play("meshops.asm.site", *SPEC, cwd=EXAMPLE).ok()
    assert (played.code, report["status"], report["failures"]) == (2, "drift", [])
    assert {(one["change"], one["kind"], one["name"], one["where"]) for one in report["objects"]} == {
        ("different", "VirtualService", "bookinfo/reviews", "bookinfo"),
        ("missing", "ServiceEntry", "bookinfo/books-api", "bookinfo"),
        ("added", "Deployment", "bookinfo/ratings-v1", "shop-2"),
    }
    fields = {one["kind"]: one["fields"] for one in report["objects"]}
    weights = [(one["field"], one["found"], one["described"]) for one in fields["VirtualService"]]
    assert weights == [("spec.http[1].route[0].weight", 50, 60), ("spec.http[1].route[1].weight", 30, 20)]
    assert {(one["kind"], one["manager"], bool(one["time"])) for one in fields["VirtualService"]} == {
        ("changed", "kubectl-patch", True)
    }
    (team,) = fields["Deployment"]
    assert (team["field"], team["kind"], team["found"]) == ("metadata.labels.team", "added", "a")
    assert "kubectl-label" in page
    assert verified.code == 2
    # The table breaks long lines.
    told = " ".join(verified.output.split())
    assert "not as described: spec.http[1].route[0].weight (kubectl-patch" in told
    assert "added by others: metadata.labels.team (kubectl-label" in told


def test_what_cannot_be_looked_at_is_no_match(lab: Lab, run: Runner, bookinfo: str, tmp_path: Path) -> None:
    wrong = '{"asm_clusters": [{"name": "shop-1"}, {"name": "no-such-cluster"}]}'
    played, report, page = drift(lab, run, tmp_path, "-e", wrong)
    assert played.code == 2
    assert report["status"] == "incomplete"
    assert "no-such-cluster" in report["failures"][0]
    assert "no-such-cluster" in page

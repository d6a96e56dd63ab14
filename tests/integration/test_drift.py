# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook drift, before and after somebody has changed things by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from alibabacloud_servicemesh20200111 import models
from meshlab.kubeapi import KubeApi

from .foreign import foreign_client
from .labs import Lab
from .playing import EXAMPLE, SPEC
from .runner import Played, Runner

PATH = "/apis/networking.istio.io/v1/namespaces/bookinfo"
DEPLOYMENTS = "/apis/apps/v1/namespaces/bookinfo/deployments"


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


def by_patch(lab: Lab, kube: KubeApi) -> None:
    """``kubectl patch``."""
    route = kube.get(f"{PATH}/virtualservices/reviews")
    for rule, weight in zip(route["spec"]["http"][1]["route"], (50, 30, 20), strict=True):
        rule["weight"] = weight
    patched = {"spec": {"http": route["spec"]["http"]}}
    kube.patch(f"{PATH}/virtualservices/reviews", patched, fieldManager="kubectl-patch")


def by_delete(lab: Lab, kube: KubeApi) -> None:
    """``kubectl delete``."""
    kube.delete(f"{PATH}/serviceentries/books-api")


def by_apply(lab: Lab, kube: KubeApi) -> None:
    """``kubectl apply`` of a manifest of somebody's own over ours."""
    rule = kube.get(f"{PATH}/destinationrules/reviews")
    rule["spec"]["trafficPolicy"] = {"loadBalancer": {"simple": "LEAST_REQUEST"}}
    body = {"apiVersion": rule["apiVersion"], "kind": rule["kind"], "spec": rule["spec"]}
    body["metadata"] = {"name": "reviews", "namespace": "bookinfo"}
    noted = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(body)}}
    sent = {"metadata": noted, "spec": body["spec"]}
    kube.patch(f"{PATH}/destinationrules/reviews", sent, fieldManager="kubectl-client-side-apply")


def by_controller(lab: Lab, kube: KubeApi) -> None:
    """What a HorizontalPodAutoscaler has done to a Deployment."""
    cluster = lab.kube(lab.cluster_id("shop-2"))
    scale = cluster.get(f"{DEPLOYMENTS}/ratings-v1/scale")
    scale["spec"]["replicas"] = 2
    cluster.replace(f"{DEPLOYMENTS}/ratings-v1/scale", scale, fieldManager="kube-controller-manager")


def by_label(lab: Lab, kube: KubeApi, team: str | None = "a") -> None:
    """``kubectl label``, about which the spec says nothing: it stays."""
    cluster = lab.kube(lab.cluster_id("shop-1"))
    cluster.patch(f"{DEPLOYMENTS}/details-v1", {"metadata": {"labels": {"team": team}}}, fieldManager="kubectl-label")


def by_person(lab: Lab, kube: KubeApi) -> None:
    """A change in the console, which asks the same API."""
    request = models.UpdateMeshFeatureRequest(service_mesh_id=lab.mesh_id("bookinfo"), trace_sampling=50.0)
    foreign_client(lab).update_mesh_feature(request)


@dataclass(frozen=True)
class Deed:
    """What somebody did, and what is to be said of it."""

    do: Callable[[Lab, KubeApi], None]
    change: str
    kind: str
    name: str
    where: str = "bookinfo"
    #: Each field that differs, with the value that is there and the described one.
    fields: tuple[tuple[str, Any, Any], ...] = ()
    writer: str = ""
    #: What verify says of it.
    verified: str = ""


BALANCER = "spec.trafficPolicy.loadBalancer.simple"
WEIGHTS = ("spec.http[1].route[0].weight", 50, 60), ("spec.http[1].route[1].weight", 30, 20)
DEEDS = (
    Deed(
        by_patch, "different", "VirtualService", "bookinfo/reviews", fields=WEIGHTS, writer="kubectl-patch",
        verified="not as described: spec.http[1].route[0].weight (kubectl-patch",
    ),
    Deed(by_delete, "missing", "ServiceEntry", "bookinfo/books-api", verified="not there"),
    Deed(
        by_apply, "different", "DestinationRule", "bookinfo/reviews",
        fields=((BALANCER, "LEAST_REQUEST", "ROUND_ROBIN"),), writer="kubectl-client-side-apply",
        verified=f"not as described: {BALANCER} (kubectl-client-side-apply",
    ),
    Deed(
        by_controller, "different", "Deployment", "bookinfo/ratings-v1", "shop-2",
        fields=(("spec.replicas", 2, 1),), writer="kube-controller-manager",
        verified="not as described: spec.replicas (kube-controller-manager",
    ),
    Deed(
        by_label, "added", "Deployment", "bookinfo/details-v1", "shop-1",
        fields=(("metadata.labels.team", "a", None),), writer="kubectl-label",
        verified="added by others: metadata.labels.team (kubectl-label",
    ),
    Deed(by_person, "different", "Mesh", "bookinfo", "", verified="trace_sampling"),
)  # fmt: skip
#: A field that somebody else holds is taken over only where the spec says so.
FORCED = ("asm_workloads", "asm_istio_resources")


def test_what_others_did_is_named_repaired_and_stays_repaired(
    lab: Lab, run: Runner, bookinfo: str, tmp_path: Path
) -> None:
    kube, spec = lab.kube(bookinfo), yaml.safe_load((EXAMPLE / "mesh.yml").read_text(encoding="utf-8"))
    for deed in DEEDS:
        deed.do(lab, kube)
    forced = json.dumps({name: [{**one, "force_conflicts": True} for one in spec[name]] for name in FORCED})
    quiet = ("-e", '{"asm_checks": []}')
    try:
        played, report, page = drift(lab, run, tmp_path)
        with lab.unwritten():
            verified = run.play("meshops.asm.verify", *SPEC, *quiet, cwd=EXAMPLE)
        refused = run.play("meshops.asm.site", *SPEC, *quiet, cwd=EXAMPLE)
    finally:
        repaired = run.play("meshops.asm.site", *SPEC, *quiet, "-e", forced, cwd=EXAMPLE).ok()
    with lab.unwritten():
        again = run.play("meshops.asm.site", *SPEC, *quiet, cwd=EXAMPLE).ok()
    by_label(lab, kube, None)
    assert (played.code, report["status"], report["failures"]) == (2, "drift", [])
    assert verified.code == 2
    assert report["held"] == ["kube-controller-manager", "kubectl-patch"]
    # What is in conflict ends the run before anything of the same item is written, and the message says what to do.
    assert refused.code == 2
    reason = " ".join(refused.output.split())
    assert "Deployment bookinfo/ratings-v1" in reason
    assert "kube-controller-manager" in reason
    assert "Set force_conflicts: true (in a spec at the item)" in reason
    assert repaired.recap["changed"] > 0
    assert again.recap["changed"] == 0
    found = {(one["kind"], one["name"], one["where"]): one for one in report["objects"]}
    assert found.keys() == {(deed.kind, deed.name, deed.where) for deed in DEEDS}
    # The table breaks long lines.
    told = " ".join(verified.output.split())
    for deed in DEEDS:
        one = found[deed.kind, deed.name, deed.where]
        assert one["change"] == deed.change
        assert [(field["field"], field["found"], field["described"]) for field in one["fields"]] == [*deed.fields]
        # Of what was written through the subresource scale the API server keeps no time.
        timed = deed.do is not by_controller
        assert {(field["manager"], bool(field["time"])) for field in one["fields"]} <= {(deed.writer, timed)}
        assert deed.writer in page
        assert deed.verified in told
    # The service does not say who asked it for something, nor a field of the mesh as an object's.
    lines = [line.split() for line in found["Mesh", "bookinfo", ""]["diff"] if "trace_sampling" in line]
    assert lines == [["-", "trace_sampling:", "50.0"], ["+", "trace_sampling:", "1.0"]]


def test_what_cannot_be_looked_at_is_no_match(lab: Lab, run: Runner, bookinfo: str, tmp_path: Path) -> None:
    wrong = '{"asm_clusters": [{"name": "shop-1"}, {"name": "no-such-cluster"}]}'
    played, report, page = drift(lab, run, tmp_path, "-e", wrong)
    assert played.code == 2
    assert report["status"] == "incomplete"
    assert "no-such-cluster" in report["failures"][0]
    assert "no-such-cluster" in page

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook site with the example: from an account without meshes to Bookinfo. Sorted first by conftest.py."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from .labs import Lab
from .playing import EXAMPLE, SPEC, changing, tasks, texts
from .runner import Played, Runner

#: Every step of the flow that has something to do when there is nothing.
STEPS = [
    "create : Create or change the mesh",
    "attach : Attach the clusters",
    "gateway : Deploy the gateways",
    "deploy : Make the namespaces in the control plane",
    "deploy : Make the namespaces in the clusters",
    "deploy : Apply the workloads",
    "define : Apply the Istio resources",
]
DEPLOYMENTS = {"details-v1", "productpage-v1", "ratings-v1", "reviews-v1", "reviews-v2", "reviews-v3"}


def site(run: Runner, *words: str) -> Played:
    return run.play("meshops.asm.site", *SPEC, *words, cwd=EXAMPLE)


@pytest.fixture(scope="module")
def predicted(lab: Lab, run: Runner) -> Played:
    """The flow in check mode, on an account in which nothing of the example is there yet."""
    assert lab.meshes("bookinfo") == []
    with lab.unwritten():
        played = site(run, "--check", "--diff")
    assert lab.meshes("bookinfo") == []
    return played.ok()


@pytest.fixture(scope="module")
def done(lab: Lab, run: Runner, predicted: Played) -> Played:
    """The flow, carried out."""
    since = lab.mark()
    played = site(run, "--diff").ok()
    actions = [entry["action"] for entry in lab.writes(since)]
    assert actions == ["CreateServiceMesh", "AddClusterIntoServiceMesh", "AddClusterIntoServiceMesh"]
    return played


def test_check_mode_predicts_every_step_on_an_empty_account(predicted: Played) -> None:
    assert changing(predicted.output) == STEPS
    assert predicted.recap["failed"] == predicted.recap["unreachable"] == 0
    shown = texts(predicted.output)
    # What the diff of each step names is what will be made.
    for step, words in {
        STEPS[0]: ("bookinfo", "vpc-lab-shop", "enterprise", "trace_sampling"),
        STEPS[1]: ("shop-1", "shop-2"),
        STEPS[2]: ("shop-2", "internet", "8443"),
        STEPS[3]: ("istio-injection", "enabled"),
        STEPS[4]: ("Namespace", "istio-injection"),
        STEPS[5]: tuple(f"Deployment bookinfo/{name}" for name in sorted(DEPLOYMENTS)),
        STEPS[6]: ("VirtualService bookinfo/reviews", "Gateway bookinfo/bookinfo-gateway", "ServiceEntry"),
    }.items():
        missing = [word for word in words if word not in shown[step]]
        assert not missing, f"the diff of '{step}' does not show {missing}:\n{shown[step][:3000]}"
    assert "will be created in cn-hangzhou" in shown["preflight : Tell what will be created"]
    account = shown["preflight : Tell which account it is"]
    assert "region cn-hangzhou, by ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET" in account


def test_the_flow_does_exactly_what_was_predicted(predicted: Played, done: Played) -> None:
    assert changing(done.output) == STEPS
    before, after = tasks(predicted.output), tasks(done.output)
    assert {step: before[step] for step in STEPS} == {step: after[step] for step in STEPS}


def test_the_diff_of_applications_and_istio_resources_was_right(predicted: Played, done: Played) -> None:
    """Steps that name nothing which gets its id by the run itself show the same diff before and during it."""
    before, after = texts(predicted.output), texts(done.output)
    for step in (STEPS[0], STEPS[1], STEPS[5], STEPS[6]):
        assert _diff(after[step]) == _diff(before[step])


def _diff(text: str) -> list[str]:
    """The lines of a diff, without what surrounds it and without colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return [line for line in plain.splitlines() if line[:1] in ("+", "-", "@") and line[:3] not in ("+++", "---")]


def test_what_the_flow_made(lab: Lab, run: Runner, done: Played) -> None:
    (mesh,) = lab.meshes("bookinfo")
    assert mesh["state"] == "running"
    assert lab.attached("bookinfo") == {"shop-1", "shop-2"}
    control_plane = lab.kube(mesh["mesh_id"])
    for plural, names in {
        "gateways": {"bookinfo-gateway"},
        "virtualservices": {"bookinfo", "reviews"},
        "destinationrules": {"reviews"},
        "serviceentries": {"books-api"},
    }.items():
        found = control_plane.list(f"/apis/networking.istio.io/v1/namespaces/bookinfo/{plural}")
        assert {one["metadata"]["name"] for one in found} == names
    for name in ("shop-1", "shop-2"):
        cluster = lab.kube(lab.cluster_id(name))
        deployments = cluster.list("/apis/apps/v1/namespaces/bookinfo/deployments")
        assert {one["metadata"]["name"] for one in deployments if one["status"].get("availableReplicas")} == DEPLOYMENTS
        pods = cluster.list("/api/v1/namespaces/bookinfo/pods")
        for pod in (one for one in pods if "deletionTimestamp" not in one["metadata"]):
            containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
            assert "istio-proxy" in {container["name"] for container in containers}
        service = cluster.get("/api/v1/namespaces/istio-system/services/istio-ingressgateway")
        (entry,) = service["status"]["loadBalancer"]["ingress"]
        assert entry["ip"] in {row["address"] for row in lab.billed("load_balancer")}
        assert entry["ip"] in texts(done.output)["verify : Compare the spec with what is there"]


def test_the_flow_again_changes_nothing(lab: Lab, run: Runner, done: Played) -> None:
    with lab.unwritten():
        again = site(run).ok()
    assert again.recap["changed"] == 0
    assert again.recap["failed"] == 0


def test_check_mode_predicts_nothing_any_more(lab: Lab, run: Runner, done: Played) -> None:
    with lab.unwritten():
        again = site(run, "--check", "--diff").ok()
    assert again.recap["changed"] == 0
    assert _diff(again.output) == []


def test_a_third_cluster_in_the_spec_is_one_add_and_no_remove(lab: Lab, run: Runner, done: Played) -> None:
    more = json.dumps({"asm_clusters": [{"name": "shop-1"}, {"name": "shop-2"}, {"name": "shop-3"}]})
    since = lab.mark()
    played = site(run, "-e", more, "--tags", "attach").ok()
    assert changing(played.output) == ["attach : Attach the clusters"]
    (request,) = lab.writes(since)
    assert request["action"] == "AddClusterIntoServiceMesh"
    assert request["parameters"]["ClusterId"] == lab.cluster_id("shop-3")
    # Taken out of the spec again, it leaves only because the spec says that it is the whole truth.
    since = lab.mark()
    site(run, "--tags", "attach", "-e", '{"asm_clusters_purge": true}').ok()
    assert [entry["action"] for entry in lab.writes(since)] == ["RemoveClusterFromServiceMesh"]
    assert lab.attached("bookinfo") == {"shop-1", "shop-2"}


def test_what_somebody_changed_by_hand_is_put_right_alone(lab: Lab, run: Runner, done: Played) -> None:
    mesh_id = lab.mesh_id("bookinfo")
    kube = lab.kube(mesh_id)
    path = "/apis/networking.istio.io/v1/namespaces/bookinfo"
    rule = kube.get(f"{path}/destinationrules/reviews")
    rule["spec"]["trafficPolicy"]["loadBalancer"]["simple"] = "RANDOM"
    body = {key: rule[key] for key in ("apiVersion", "kind", "spec")}
    kube.apply(f"{path}/destinationrules/reviews", {**body, "metadata": {"name": "reviews"}}, manager="meshops.asm")
    kube.delete(f"{path}/serviceentries/books-api")
    since = lab.mark()
    played = site(run, "--tags", "define").ok()
    assert changing(played.output) == ["define : Apply the Istio resources"]
    assert lab.writes(since) == []
    written = lab.kube_writes(since)
    assert sorted(line.split("?")[0].rsplit("/", 2)[-2] for line in written) == ["destinationrules", "serviceentries"]
    wanted = yaml.safe_load((EXAMPLE / "networking" / "destination-rule-reviews.yaml").read_text(encoding="utf-8"))
    assert kube.get(f"{path}/destinationrules/reviews")["spec"] == wanted["spec"]


def test_verify_names_what_is_missing(lab: Lab, run: Runner, done: Played) -> None:
    more = json.dumps({"asm_clusters": [{"name": "shop-1"}, {"name": "shop-2"}, {"name": "branch-1"}]})
    with lab.unwritten():
        played = run.play("meshops.asm.verify", *SPEC, "-e", more, cwd=EXAMPLE)
    assert played.code == 2
    assert "Not everything is as in the spec" in played.output
    assert "branch-1" in played.output.split("Not everything is as in the spec")[1]

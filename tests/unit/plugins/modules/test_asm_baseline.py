# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fresh copy of a version: what it is like, that it follows, and that nobody else's object is touched."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import NotFound, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.kube.baseline import MARK
from ansible_collections.meshops.asm.plugins.modules.asm_baseline import Baseline

from ..module_utils.kube.conftest import MemoryApi, api, kubeconfig

__all__ = ["api"]

SPACE = "/namespaces/default"
DEPLOYMENTS, SERVICES = f"/apis/apps/v1{SPACE}/deployments", f"/api/v1{SPACE}/services"
OPTIONS = {"clusters": ["shop-1"], "namespace": "default", "deployment": "reviews-v1", "service": "reviews"}
Json = dict[str, Any]
Run = Callable[..., Outcome]


def deployment(version: str, pods: int) -> Json:
    labels = {"app": "reviews", "version": version}
    container = {"name": "app", "image": f"reviews:{version}", "env": [{"name": "PASSWORD", "value": "of-nobody"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"reviews-{version}", "namespace": "default", "labels": labels},
        "spec": {
            "replicas": pods,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "creationTimestamp": None},
                "spec": {"containers": [container]},
            },
        },
        "status": {"observedGeneration": 4, "availableReplicas": pods},
    }


@pytest.fixture
def run(api: MemoryApi, fake_cloud: Callable[..., Any], task: Callable[..., Any], clock: Any) -> Run:
    """``run(**options)`` runs the module against a cluster with v1 (9 pods), v3 (2 pods) and their Service."""
    for version, pods in (("v1", 9), ("v3", 2)):
        api.put(f"{DEPLOYMENTS}/reviews-{version}", deployment(version, pods))
    ports = [{"name": "http", "port": 9080, "protocol": "TCP", "targetPort": 9080, "nodePort": 31234}]
    spec = {"selector": {"app": "reviews"}, "ports": ports, "clusterIP": "10.0.0.7", "type": "NodePort"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "reviews", "namespace": "default"}}
    api.put(f"{SERVICES}/reviews", {**service, "spec": spec})

    def play(check: bool = False, wait: bool = False, **given: Any) -> Outcome:
        listed = {"clusters": [{"cluster_id": "k1", "name": "shop-1"}], "page_info": {"total_count": 1}}
        cloud = fake_cloud(DescribeClustersV1=listed, DescribeClusterUserKubeconfig={"config": kubeconfig(api.url)})
        resource = Baseline(task(Baseline, **{**OPTIONS, "like": "reviews-v3", **given}), cloud)
        return reconcile(resource, check=check, wait=wait, clock=clock)

    return play


def test_the_copy_is_as_the_old_version_and_has_the_pods_of_the_new_one(api: MemoryApi, run: Run) -> None:
    wanted = {"deployment": "reviews-v1-baseline", "service": "reviews-baseline", "version": "v1-baseline", "pods": 2}
    predicted = run(check=True)
    assert predicted.value == {"shop-1": wanted}
    assert api.sent("PATCH") == [] or all("dry run" in one for one in api.sent("PATCH"))
    done = run()
    assert done.changed and done.value == {"shop-1": wanted}
    assert (done.plan.before, done.plan.after) == ({}, {"shop-1": wanted})
    labels = {"app": "reviews", "version": "v1-baseline"}
    made = api.objects[f"{DEPLOYMENTS}/reviews-v1-baseline"]
    assert made["metadata"]["labels"] == {**labels, MARK: "reviews-v1"}
    spec = made["spec"]
    assert (spec["replicas"], spec["selector"]["matchLabels"], spec["template"]["metadata"]) == (
        2,
        labels,
        {"labels": labels},
    )
    assert spec["template"]["spec"] == deployment("v1", 9)["spec"]["template"]["spec"]
    front = api.objects[f"{SERVICES}/reviews-baseline"]["spec"]
    assert front["selector"] == labels
    assert front["ports"] == [{"name": "http", "port": 9080, "protocol": "TCP", "targetPort": 9080}]
    assert "clusterIP" not in front and "type" not in front


def test_a_second_run_writes_nothing_and_another_image_is_followed(api: MemoryApi, run: Run) -> None:
    run()
    written = len(api.sent("PATCH"))
    assert not run().changed
    assert len(api.sent("PATCH")) == written
    changed = copy.deepcopy(deployment("v1", 9))
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "reviews:v1.1"
    api.put(f"{DEPLOYMENTS}/reviews-v1", changed)
    assert run().changed
    made = api.objects[f"{DEPLOYMENTS}/reviews-v1-baseline"]
    assert made["spec"]["template"]["spec"]["containers"][0]["image"] == "reviews:v1.1"


def test_what_was_copied_is_not_shown(run: Run) -> None:
    outcome = run(check=True)
    assert "of-nobody" not in str((outcome.value, outcome.plan.before, outcome.plan.after, outcome.plan.predicted))


def test_it_goes_by_its_names(api: MemoryApi, run: Run) -> None:
    run()
    gone = run(state="absent", like=None)
    assert gone.changed and gone.value == {}
    assert f"{DEPLOYMENTS}/reviews-v1-baseline" not in api.objects
    assert f"{SERVICES}/reviews-baseline" not in api.objects
    assert f"{DEPLOYMENTS}/reviews-v1" in api.objects and f"{SERVICES}/reviews" in api.objects
    assert not run(state="absent", like=None).changed


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_object_of_somebody_else_stays(api: MemoryApi, run: Run, state: str) -> None:
    other = deployment("v1", 1)
    other["metadata"]["name"] = "reviews-v1-baseline"
    api.put(f"{DEPLOYMENTS}/reviews-v1-baseline", other)
    with pytest.raises(Refused, match="Deployment default/reviews-v1-baseline of cluster shop-1 is no copy"):
        run(state=state)
    assert api.sent("PATCH") == api.sent("DELETE") == []


@pytest.mark.parametrize("option", ["deployment", "like", "service"])
def test_what_is_not_there_is_named(run: Run, option: str) -> None:
    with pytest.raises(NotFound, match=f"has no (Deployment|Service) default/nothing, which {option} names"):
        run(**{option: "nothing"})

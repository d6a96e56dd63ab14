# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods have a sidecar, which workloads a restart would help, and for which it means a gap."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube import injected
from ansible_collections.meshops.asm.plugins.module_utils.kube.injected import RESTARTED, Workload

Json = dict[str, Any]
DECLINES = {"sidecar.istio.io/inject": "false"}


def pod(name: str, app: str = "web", *, sidecar: bool = False, at: str = "", **more: Any) -> Json:
    containers = [{"name": "app"}, *([{"name": "istio-proxy"}] if sidecar else [])]
    annotations = {RESTARTED: at} if at else {}
    metadata = {"name": name, "labels": {"app": app}, "annotations": annotations}
    return {"metadata": metadata, "spec": {"containers": containers}, "status": {"phase": "Running"}, **more}


def workload(name: str = "web", at: str = "", labels: Any = None, **spec: Any) -> Json:
    template = {"metadata": {"labels": labels or {}, "annotations": {RESTARTED: at} if at else {}}, "spec": {}}
    selector = {"matchLabels": {"app": name}}
    return {"metadata": {"name": name}, "spec": {"selector": selector, "template": template, **spec}}


def one(body: Json, *pods: Json, kind: str = "Deployment") -> Workload:
    (found,) = injected.group("shop", {kind: [body]}, pods)
    return found


def test_the_order_of_a_restart_and_pods_of_nobody() -> None:
    found = {
        "Deployment": [workload("b"), workload("a")],
        "StatefulSet": [workload("cache")],
        "DaemonSet": [workload("z")],
    }
    pods = [pod("b-1", "b"), pod("job-1", "job"), pod("cache-0", "cache")]
    grouped = injected.group("shop", found, pods)
    assert [one.short for one in grouped] == [
        *("DaemonSet/z", "StatefulSet/cache", "Deployment/a", "Deployment/b"),
        "Pod/job-1",
    ]
    assert [one.lacking for one in grouped] == [[], ["cache-0"], [], ["b-1"], ["job-1"]]


def test_what_has_ended_or_is_on_its_way_out_does_not_count() -> None:
    going = pod("web-2")
    going["metadata"]["deletionTimestamp"] = "now"
    found = one(workload(), pod("web-1", sidecar=True), going, pod("web-3", status={"phase": "Succeeded"}))
    assert (found.lacking, found.needs_restart) == ([], False)


def test_a_native_sidecar_is_one() -> None:
    native = pod("web-1")
    native["spec"]["initContainers"] = [{"name": "istio-proxy", "restartPolicy": "Always"}]
    assert one(workload(), native).lacking == []


@pytest.mark.parametrize("spec", [{"updateStrategy": 1}, {"updateStrategy": {"type": "OnDelete"}}, {"paused": True}])
def test_nothing_of_a_workload_is_read_from_a_pod(spec: Json) -> None:
    """A field that somebody has put into a pod of nobody, whatever its type."""
    (alone,) = injected.group("shop", {}, [{"metadata": {"name": "web"}, "spec": spec}])
    assert (alone.short, alone.refusal, alone.risk) == ("Pod/web", "", "")


@pytest.mark.parametrize(
    ("body", "pods", "needed"),
    [
        (workload(), [pod("web-1")], True),
        (workload(), [pod("web-1"), pod("web-2", sidecar=True)], True),
        (workload(), [pod("web-1", sidecar=True)], False),
        (workload(), [], False),
        # The pods of an earlier restart go by themselves.
        (workload(at="2"), [pod("web-1", at="1"), pod("web-2", at="2", sidecar=True)], False),
        (workload(at="2"), [pod("web-1", at="2")], True),
        # These never get one.
        (workload(labels=DECLINES), [pod("web-1")], False),
    ],
)
def test_who_needs_a_restart(body: Json, pods: list[Json], needed: bool) -> None:
    assert one(body, *pods).needs_restart is needed


def test_the_network_of_the_node_has_no_sidecar() -> None:
    body = workload()
    body["spec"]["template"]["spec"]["hostNetwork"] = True
    found = one(body, pod("web-1"))
    assert (found.exempt, found.needs_restart) == ("it uses the network of its node", False)


@pytest.mark.parametrize(
    ("kind", "spec", "risk"),
    [
        ("Deployment", {}, ""),
        ("Deployment", {"replicas": 0}, ""),
        ("Deployment", {"strategy": {"type": "Recreate"}}, "strategy Recreate"),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}, "all of its 1 pods"),
        ("Deployment", {"replicas": 2, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}, ""),
        ("Deployment", {"replicas": 3, "strategy": {"rollingUpdate": {"maxUnavailable": "100%"}}}, "all of its 3 pods"),
        ("Deployment", {"replicas": 3, "strategy": {"rollingUpdate": {"maxUnavailable": "99%"}}}, ""),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxUnavailable": "many"}}}, ""),
        ("StatefulSet", {}, "its only pod"),
        ("StatefulSet", {"replicas": 2}, ""),
        ("DaemonSet", {}, "on each node"),
        ("DaemonSet", {"updateStrategy": {"rollingUpdate": {"maxSurge": "25%"}}}, ""),
    ],
)
def test_for_whom_a_restart_is_a_gap(kind: str, spec: Json, risk: str) -> None:
    found = one(workload(**spec), kind=kind).risk
    assert risk in found
    assert bool(risk) is bool(found)


@pytest.mark.parametrize(
    ("spec", "word"),
    [({}, ""), ({"paused": True}, "paused"), ({"updateStrategy": {"type": "OnDelete"}}, "OnDelete")],
)
def test_who_makes_no_new_pods(spec: Json, word: str) -> None:
    found = one(workload(**spec)).refusal
    assert word in found
    assert bool(word) is bool(found)


@pytest.mark.parametrize(
    ("labels", "own", "asked"),
    [
        ({}, {}, False),
        ({"istio-injection": "enabled"}, {}, True),
        ({"istio.io/rev": "v1"}, {}, True),
        ({"istio-injection": "disabled", "istio.io/rev": "v1"}, {"sidecar.istio.io/inject": "true"}, False),
        ({}, {"sidecar.istio.io/inject": "true"}, True),
        ({}, {"istio.io/rev": "v1"}, True),
    ],
)
def test_who_asks_for_sidecars(labels: Json, own: Json, asked: bool) -> None:
    assert injected.asks_for_sidecars(labels, {"metadata": {"labels": own}}) is asked

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readiness of one object, per kind."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube import workloads
from ansible_collections.meshops.asm.plugins.module_utils.kube.workloads import state_of

Json = dict[str, Any]


def thing(kind: str, spec: Json | None = None, status: Json | None = None, generation: int = 2) -> Json:
    metadata = {"name": "x", "namespace": "n", "generation": generation}
    return {"kind": kind, "metadata": metadata, "spec": spec or {}, "status": status or {}}


def conditions(*ones: tuple[str, str, str, str]) -> list[Json]:
    return [dict(zip(("type", "status", "reason", "message"), one, strict=True)) for one in ones]


READY = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ({**READY, "observedGeneration": 1}, "Deployment n/x to be noticed"),
        ({**READY, "updatedReplicas": 1}, "Deployment n/x: 1 of 2 updated"),
        ({**READY, "availableReplicas": 1}, "Deployment n/x: 1 of 2 available"),
        ({**READY, "replicas": 3}, "Deployment n/x: 1 old pods to end"),
        ({}, "Deployment n/x to be noticed"),
        (
            {**READY, "conditions": conditions(("ReplicaFailure", "True", "FailedCreate", "webhook is down"))},
            "Deployment n/x: pods are refused so far: webhook is down",
        ),
    ],
)
def test_a_deployment_waits(status: Json, what: str) -> None:
    state = state_of("Deployment", thing("Deployment", {"replicas": 2}, status))
    assert (state.done, state.failed, state.what) == (False, "", what)


def test_a_deployment_is_ready() -> None:
    assert state_of("Deployment", thing("Deployment", {"replicas": 2}, READY)).done
    assert state_of("Deployment", thing("Deployment", {"replicas": 2, "paused": True}, {})).done
    assert state_of("Deployment", thing("Deployment", {"replicas": 0}, {"observedGeneration": 2})).done


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        (("Progressing", "False", "ProgressDeadlineExceeded", "timed out"), "made no progress within its deadline"),
        (("ReplicaFailure", "True", "FailedCreate", 'exceeded quota: "q"'), "cannot be created: exceeded quota"),
    ],
)
def test_a_deployment_fails(condition: tuple[str, str, str, str], part: str) -> None:
    status = {**READY, "availableReplicas": 0, "conditions": conditions(condition)}
    assert part in state_of("Deployment", thing("Deployment", {"replicas": 2}, status)).failed


@pytest.mark.parametrize(
    ("spec", "status", "what"),
    [
        ({}, {"updateRevision": "b", "currentRevision": "a", "readyReplicas": 2}, "StatefulSet n/x: 0 of 2 updated"),
        ({}, {"updateRevision": "a", "currentRevision": "a", "readyReplicas": 1}, "StatefulSet n/x: 1 of 2 ready"),
        ({"updateStrategy": {"type": "OnDelete"}}, {"updateRevision": "b", "readyReplicas": 2}, ""),
        (
            {"updateStrategy": {"rollingUpdate": {"partition": 1}}},
            {"updateRevision": "b", "currentRevision": "a", "updatedReplicas": 1, "readyReplicas": 2},
            "",
        ),
    ],
)
def test_a_stateful_set(spec: Json, status: Json, what: str) -> None:
    found = thing("StatefulSet", {"replicas": 2, **spec}, {"observedGeneration": 2, **status})
    state = state_of("StatefulSet", found)
    assert (state.what, state.done) == (what, not what)


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ({"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}, "DaemonSet n/x: 1 of 2 updated"),
        (
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1},
            "DaemonSet n/x: 1 of 2 available",
        ),
        ({"desiredNumberScheduled": 0}, ""),
    ],
)
def test_a_daemon_set(status: Json, what: str) -> None:
    state = state_of("DaemonSet", thing("DaemonSet", {}, {"observedGeneration": 2, **status}))
    assert (state.what, state.done) == (what, not what)


def test_a_job() -> None:
    assert state_of("Job", thing("Job", {"completions": 2}, {"succeeded": 1})).what == "Job n/x: 1 of 2 completed"
    assert state_of("Job", thing("Job", {}, {"conditions": conditions(("Complete", "True", "", ""))})).done
    failed = conditions(("Failed", "True", "BackoffLimitExceeded", "too many"))
    assert state_of("Job", thing("Job", {}, {"conditions": failed})).failed == "Job n/x failed: too many"


def test_a_pod() -> None:
    assert state_of("Pod", thing("Pod", {}, {"conditions": conditions(("Ready", "True", "", ""))})).done
    assert state_of("Pod", thing("Pod", {}, {"phase": "Succeeded"})).done
    assert state_of("Pod", thing("Pod", {}, {"phase": "Pending"})).what == "Pod n/x (phase Pending)"
    assert "evicted" in state_of("Pod", thing("Pod", {}, {"phase": "Failed", "message": "evicted"})).failed


def test_services_namespaces_and_definitions() -> None:
    assert state_of("Service", thing("Service")).done
    balanced = thing("Service", {"type": "LoadBalancer"})
    assert state_of("Service", balanced).what == "the address of Service n/x"
    balanced["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    assert state_of("Service", balanced).done
    assert state_of("Namespace", thing("Namespace", {}, {"phase": "Active"})).done
    assert not state_of("Namespace", thing("Namespace", {}, {"phase": "Terminating"})).done
    name = "CustomResourceDefinition"
    assert state_of(name, thing(name, {}, {"conditions": conditions(("Established", "True", "", ""))})).done
    refused = conditions(("NamesAccepted", "False", "", "taken"))
    assert state_of(name, thing(name, {}, {"conditions": refused})).failed


def test_kinds_without_a_rule_are_ready() -> None:
    assert state_of("ConfigMap", thing("ConfigMap")).done
    assert not workloads.has_rule("VirtualService")


def pod(state: Json, restarts: int = 0, last: Json | None = None) -> Json:
    status = {"name": "app", "image": "img:1", "state": state, "restartCount": restarts, "lastState": last or {}}
    return {"metadata": {"name": "p"}, "status": {"containerStatuses": [status]}}


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            pod({"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}),
            "pod p, container app: ImagePullBackOff: not found (image img:1)",
        ),
        (pod({"waiting": {"reason": "ContainerCreating"}}), ""),
        (pod({"waiting": {"reason": "ErrImagePull"}}), ""),
        (pod({"waiting": {"reason": "CrashLoopBackOff"}}, 1), ""),
        (
            pod({"waiting": {"reason": "CrashLoopBackOff"}}, 3, {"terminated": {"exitCode": 1, "reason": "Error"}}),
            "pod p, container app: CrashLoopBackOff after 3 restarts (exit code 1, Error)",
        ),
        (pod({"running": {}}), ""),
    ],
)
def test_what_a_pod_will_not_get_over(found: Json, text: str) -> None:
    assert workloads.pod_problem(found) == text


def test_sidecars() -> None:
    plain = {"metadata": {}, "spec": {"containers": [{"name": "app"}]}}
    assert not workloads.has_sidecar(plain)
    assert workloads.has_sidecar({"spec": {"containers": [{"name": "app"}, {"name": "istio-proxy"}]}})
    assert workloads.has_sidecar({"spec": {"containers": [], "initContainers": [{"name": "istio-proxy"}]}})
    assert not workloads.declines_sidecar(plain)
    assert workloads.declines_sidecar({"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}})
    assert workloads.declines_sidecar({"metadata": {"annotations": {"sidecar.istio.io/inject": "False"}}})


def test_pods_that_count() -> None:
    assert workloads.is_live({"metadata": {}, "status": {"phase": "Running"}})
    assert not workloads.is_live({"metadata": {}, "status": {"phase": "Failed"}})
    assert not workloads.is_live({"metadata": {"deletionTimestamp": "now"}, "status": {"phase": "Running"}})


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Odd"}]}, False),
    ],
)
def test_selectors(selector: Json, fits: bool) -> None:
    assert workloads.selects(selector, {"a": "1"}) is fits

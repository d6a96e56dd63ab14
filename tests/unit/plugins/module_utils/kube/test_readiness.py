# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for workloads: what is asked, and what a failure says."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import Source
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import known_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item
from ansible_collections.meshops.asm.plugins.module_utils.kube.readiness import Readiness

from .conftest import MemoryApi

Json = dict[str, Any]
APPS = "/apis/apps/v1/namespaces/default"
KIND = known_kind("Deployment")
assert KIND


def deployment(ready: int = 1, name: str = "app") -> Json:
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": ready}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": "default",
            "generation": 1,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}},
        "status": status,
    }


def add_pod(api: MemoryApi, name: str, template: str = "new", *, reason: str = "", sidecar: bool = True) -> Json:
    containers = [{"name": "app"}, *([{"name": "istio-proxy"}] if sidecar else [])]
    state = {"waiting": {"reason": reason, "message": "no such image"}} if reason else {"running": {}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "app", "pod-template-hash": template}},
        "spec": {"containers": containers},
        "status": {"phase": "Running", "containerStatuses": [{"name": "app", "image": "img:1", "state": state}]},
    }
    return api.put(f"/api/v1/namespaces/default/pods/{name}", pod)


def add_replica_set(api: MemoryApi, owner: Json, template: str, revision: str) -> None:
    body = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"app-{template}",
            "namespace": "default",
            "labels": {"pod-template-hash": template},
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [{"uid": owner["metadata"]["uid"]}],
        },
    }
    api.put(f"{APPS}/replicasets/app-{template}", body)


def add_event(api: MemoryApi, name: str, about: str, message: str, when: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "default"},
        "involvedObject": {"name": about},
        "reason": "Failed",
        "message": message,
        "lastTimestamp": when,
    }
    api.put(f"/api/v1/namespaces/default/events/{name}", body)


def item_for(api: MemoryApi, live: Json | None, *, outcome: str = "unchanged", body: bool = True) -> Item:
    made = Item(KIND, "default", "app", Source("app.yml", 3), outcome=outcome, live=live)  # type: ignore[arg-type]
    made.body = {"kind": "Deployment"} if body else None
    return made


@pytest.fixture
def live(api: MemoryApi) -> Json:
    return api.put(f"{APPS}/deployments/app", deployment())


def test_what_was_listed_as_ready_needs_no_request(api: MemoryApi, client: KubeClient, live: Json) -> None:
    assert Readiness(client, [item_for(api, live)]).look().done
    assert not api.requests


def test_a_look_is_one_list_per_kind_and_namespace(api: MemoryApi, client: KubeClient, live: Json) -> None:
    items = []
    for name in ("app", "b", "c"):
        stored = api.put(f"{APPS}/deployments/{name}", deployment(0, name))
        item = item_for(api, stored)
        item.name = name
        items.append(item)
    readiness = Readiness(client, items)
    readiness.look()
    api.requests.clear()
    state = readiness.look()
    assert state.what == "Deployment default/app: 0 of 1 available (and 2 more)"
    assert state.percent == 0
    lists = {path for path in api.sent("GET") if not path.endswith("/pods")}
    assert lists == {f"{APPS}/deployments"}
    for name in ("app", "b", "c"):
        api.objects[f"{APPS}/deployments/{name}"]["status"]["availableReplicas"] = 1
    assert readiness.look().done


def test_the_answer_to_a_write_is_the_first_look(api: MemoryApi, client: KubeClient, live: Json) -> None:
    item = item_for(api, None, outcome="created")
    item.predicted = copy.deepcopy(live)
    item.predicted["metadata"]["generation"] = 2
    readiness = Readiness(client, [item])
    assert readiness.look().what == "Deployment default/app to be noticed"
    assert readiness.look().done


def test_a_stuck_pod_ends_the_wait_with_its_events(api: MemoryApi, client: KubeClient, live: Json) -> None:
    live["status"]["availableReplicas"] = 0
    add_replica_set(api, live, "new", "2")
    add_pod(api, "app-new-1", reason="ImagePullBackOff")
    add_event(api, "e1", "app-new-1", "pull refused", "2026-01-01T00:00:01Z")
    add_event(api, "e2", "app-new-1", "back-off pulling", "2026-01-01T00:00:02Z")
    add_event(api, "e3", "unrelated", "something else", "2026-01-01T00:00:03Z")
    state = Readiness(client, [item_for(api, live)]).look()
    assert state.failed == (
        "Deployment default/app (app.yml, document 3) will not become ready. "
        "pod app-new-1, container app: ImagePullBackOff: no such image (image img:1). "
        "Event Failed: back-off pulling. Event Failed: pull refused."
    )


def test_pods_of_an_older_revision_do_not_count(api: MemoryApi, client: KubeClient, live: Json) -> None:
    live["status"]["availableReplicas"] = 0
    add_replica_set(api, live, "old", "1")
    add_replica_set(api, live, "new", "2")
    add_pod(api, "app-old-1", "old", reason="ImagePullBackOff")
    add_pod(api, "app-new-1", "new")
    state = Readiness(client, [item_for(api, live)]).look()
    assert (state.failed, state.what) == ("", "Deployment default/app: 0 of 1 available")


def test_a_deadline_is_explained_too(api: MemoryApi, client: KubeClient, live: Json) -> None:
    live["status"]["conditions"] = [{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "slow"}]
    add_pod(api, "app-new-1")
    add_event(api, "e1", "app-new-1", "readiness probe failed", "2026-01-01T00:00:01Z")
    failed = Readiness(client, [item_for(api, live)]).look().failed
    assert "made no progress within its deadline: slow. Event Failed: readiness probe failed." in failed


def test_a_pod_that_cannot_be_scheduled_is_part_of_what_is_waited_for(
    api: MemoryApi, client: KubeClient, live: Json
) -> None:
    live["status"]["availableReplicas"] = 0
    why = "0/2 nodes are available: 2 Insufficient cpu."
    pending = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
    add_pod(api, "app-new-1")["status"] = {"phase": "Pending", "conditions": [pending]}
    state = Readiness(client, [item_for(api, live)]).look()
    assert (state.done, state.failed) == (False, "")
    assert state.what == f"Deployment default/app: 0 of 1 available (pod app-new-1 cannot be scheduled: {why[:-1]})"


def test_what_a_container_says_while_it_may_still_start(api: MemoryApi, client: KubeClient, live: Json) -> None:
    live["status"]["availableReplicas"] = 0
    add_pod(api, "app-new-1", reason="ErrImagePull")
    assert "(pod app-new-1, container app: ErrImagePull: " in Readiness(client, [item_for(api, live)]).look().what


def test_the_newest_warning_is_asked_for_when_a_pod_says_nothing(
    api: MemoryApi, client: KubeClient, live: Json
) -> None:
    live["status"]["availableReplicas"] = 0
    add_pod(api, "app-new-1")
    add_event(api, "e1", "app-new-1", "no such volume", "2026-01-01T00:00:01Z")
    add_event(api, "e2", "app-new-1", "mount failed.", "2026-01-01T00:00:02Z")
    readiness = Readiness(client, [item_for(api, live)])
    told = [readiness.look().what for _look in range(4)]
    assert told[:3] == ["Deployment default/app: 0 of 1 available"] * 3
    assert told[3] == "Deployment default/app: 0 of 1 available (pod app-new-1: Event Failed: mount failed)"
    # A pod that is ready is not what the others wait for.
    ready = {"type": "Ready", "status": "True"}
    api.objects["/api/v1/namespaces/default/pods/app-new-1"]["status"] = {"conditions": [ready]}
    assert readiness.look().what == "Deployment default/app: 0 of 1 available"


def test_events_that_may_not_be_read_are_left_out(api: MemoryApi, client: KubeClient, live: Json) -> None:
    live["status"]["availableReplicas"] = 0
    add_pod(api, "app-new-1", reason="ImagePullBackOff")
    api.fail_next(403, {"kind": "Status", "reason": "Forbidden", "message": "no"}, times=4, only="/events")
    assert "ImagePullBackOff" in Readiness(client, [item_for(api, live)]).look().failed


def test_an_object_that_someone_deletes(api: MemoryApi, client: KubeClient, live: Json) -> None:
    live["status"]["availableReplicas"] = 0
    readiness = Readiness(client, [item_for(api, live)])
    readiness.look()
    del api.objects[f"{APPS}/deployments/app"]
    assert readiness.look().failed == "Deployment default/app was deleted by someone else."


def test_going_is_over_when_the_uid_is_gone(api: MemoryApi, client: KubeClient, live: Json) -> None:
    readiness = Readiness(client, [item_for(api, copy.deepcopy(live), outcome="deleted", body=False)])
    assert readiness.look().what == "Deployment default/app to be gone"
    live["metadata"]["uid"] = "another"
    assert readiness.look().done


class TestSidecars:
    """require_sidecar: judged once the rollout is over."""

    @staticmethod
    def look(api: MemoryApi, client: KubeClient, live: Json) -> Any:
        return Readiness(client, [item_for(api, live)], require_sidecar=True).look()

    def test_all_have_one(self, api: MemoryApi, client: KubeClient, live: Json) -> None:
        add_pod(api, "app-1")
        assert self.look(api, client, live).done

    def test_the_namespace_does_not_ask_for_it(self, api: MemoryApi, client: KubeClient, live: Json) -> None:
        add_pod(api, "app-1")
        add_pod(api, "app-2", sidecar=False)
        failed = self.look(api, client, live).failed
        assert "its pod app-2 has no sidecar (container istio-proxy)" in failed
        assert "does not ask for injection: set injection: enabled with meshops.asm.asm_namespace" in failed

    def test_the_pod_is_older_than_the_label(self, api: MemoryApi, client: KubeClient, live: Json) -> None:
        api.objects["/api/v1/namespaces/default"]["metadata"]["labels"] = {"istio-injection": "enabled"}
        add_pod(api, "app-1", sidecar=False)
        assert "kubectl rollout restart" in self.look(api, client, live).failed

    def test_exempt_are_those_that_decline_and_those_that_end(
        self, api: MemoryApi, client: KubeClient, live: Json
    ) -> None:
        add_pod(api, "app-1", sidecar=False)["metadata"]["labels"]["sidecar.istio.io/inject"] = "false"
        add_pod(api, "app-2", sidecar=False)["metadata"]["deletionTimestamp"] = "now"
        assert self.look(api, client, live).done

    def test_not_before_the_rollout_is_over(self, api: MemoryApi, client: KubeClient, live: Json) -> None:
        live["status"]["availableReplicas"] = 0
        add_pod(api, "app-1", sidecar=False)
        state = self.look(api, client, live)
        assert (state.done, state.failed) == (False, "")

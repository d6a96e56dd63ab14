# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart module: who is restarted, in which order, what is waited for, and what ends it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    InvalidInput,
    NotFound,
    Refused,
    WaitFailed,
    WaitTimeout,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.kube.injected import KINDS, RESTARTED
from ansible_collections.meshops.asm.plugins.modules import asm_restart, asm_workload_info
from ansible_collections.meshops.asm.plugins.modules.asm_restart import Restart

Json = dict[str, Any]
MESH = {"ServiceMeshInfo": {"ServiceMeshId": "cm", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}}
CLUSTERS = [{"ClusterId": "k1", "Name": "shop-1"}, {"ClusterId": "k2", "Name": "shop-2"}]
SYNCED = dict.fromkeys(("ClusterSynced", "ListenerSynced", "RouteSynced", "EndpointSynced"), "SYNCED")


class FakeCluster:
    """Workloads of the namespace web, each with two pods; a change of a template makes new ones in two looks."""

    def __init__(self, **labels: str) -> None:
        self.labels = labels
        self.objects: dict[str, Json] = {}
        self.pods: dict[str, Json] = {}
        self.sent: list[tuple[str, str]] = []
        self.injector = True
        self.late = 0
        self._looks = 0

    @property
    def writes(self) -> int:
        return len(self.sent)

    def put(self, name: str, *, kind: str = "Deployment", sidecar: bool = False, **spec: Any) -> str:
        path = f"/apis/apps/v1/namespaces/web/{KINDS[kind]}/{name}"
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app"}]}}
        selector = {"matchLabels": {"app": name}}
        self.objects[path] = {
            "metadata": {"name": name, "generation": 1},
            "spec": {"replicas": 2, "selector": selector, "template": template, **spec},
            "status": _rolled(1),
        }
        self._make_pods(name, "old", sidecar, None)
        return path

    def get(self, path: str, **_query: Any) -> Json | None:
        if path == "/api/v1/namespaces/web":
            self.late -= 1
            labels = {} if self.late > 0 else self.labels
            return {"metadata": {"name": "web", "labels": labels}}
        found = self.objects.get(path)
        if found and found["status"]["observedGeneration"] != found["metadata"]["generation"]:
            self._looks += 1
            if self._looks % 3 == 0:
                self._roll(found)
        return copy.deepcopy(found)

    def list(self, path: str) -> list[Json]:
        if path.endswith("/pods"):
            return copy.deepcopy(list(self.pods.values()))
        return [copy.deepcopy(one) for key, one in self.objects.items() if key.startswith(f"{path}/")]

    def merge(self, path: str, patch: Json) -> None:
        found = self.objects[path]
        stamp = patch["spec"]["template"]["metadata"]["annotations"][RESTARTED]
        self.sent.append((found["metadata"]["name"], stamp))
        found["spec"]["template"]["metadata"]["annotations"] = {RESTARTED: stamp}
        found["metadata"]["generation"] += 1

    def close(self) -> None:
        """Nothing is open."""

    def _roll(self, found: Json) -> None:
        found["status"] = _rolled(found["metadata"]["generation"])
        annotations = found["spec"]["template"]["metadata"]["annotations"]
        self._make_pods(found["metadata"]["name"], "new", self.injector, annotations)

    def _make_pods(self, app: str, age: str, sidecar: bool, annotations: Json | None) -> None:
        self.pods = {name: pod for name, pod in self.pods.items() if pod["metadata"]["labels"]["app"] != app}
        containers = [{"name": "app"}, *([{"name": "istio-proxy"}] if sidecar else [])]
        for number in range(2):
            name = f"{app}-{age}-{number}"
            metadata = {"name": name, "labels": {"app": app}, "annotations": annotations}
            self.pods[name] = {"metadata": metadata, "spec": {"containers": containers}, "status": {"phase": "Running"}}


def _rolled(generation: int) -> Json:
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), 2)
    return {"observedGeneration": generation, "updateRevision": "r", "currentRevision": "r", **counts}


Run = Callable[..., Outcome]


@pytest.fixture
def sides(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeCluster]:
    """The clusters shop-1 and shop-2, whose namespaces ask for sidecars."""
    found = {name: FakeCluster(**{"istio-injection": "enabled"}) for name in ("shop-1", "shop-2")}
    for module in (asm_restart, asm_workload_info):
        monkeypatch.setattr(module.ClusterAccess, "kubeconfig", lambda _self, name: name)
        monkeypatch.setattr(module, "load", lambda name: name)
        monkeypatch.setattr(module, "KubeClient", lambda name: found[name])
    return found


@pytest.fixture
def restart(sides: dict[str, FakeCluster], fake_cloud: Callable[..., Any], task: Callable[..., Any], clock: Any) -> Run:
    """``restart(**options)`` runs the module; every pod with a sidecar is in sync unless ``proxies`` says otherwise."""

    def proxies(**_given: Any) -> Json:
        pods = [pod for side in sides.values() for pod in side.pods.values() if len(pod["spec"]["containers"]) > 1]
        return {"ProxyStatus": [{"ProxyId": f"{pod['metadata']['name']}.web", **SYNCED} for pod in pods]}

    def run(
        check: bool = False, timeout: float = 600, said: Any = proxies, everywhere: Any = None, **given: Any
    ) -> Outcome:
        injector = {"MeshConfig": {"SidecarInjector": {"EnableNamespacesByDefault": everywhere}}}
        cloud = fake_cloud(
            DescribeServiceMeshes={"ServiceMeshes": [MESH]},
            DescribeServiceMeshDetail={"ServiceMesh": {**MESH, "Spec": injector}},
            DescribeClustersInServiceMesh={"Clusters": CLUSTERS},
            DescribeServiceMeshProxyStatus=said,
        )
        wanted = {"mesh": "shop", "clusters": ["shop-1"], "namespace": "web", **given}
        params = task(Restart, **wanted)
        resource = Restart({**params, "wait": True, "wait_timeout": timeout}, cloud)
        resource.clock = clock
        outcome = reconcile(resource, check=check, timeout=timeout, clock=clock)
        outcome.plan = type(outcome.plan)(
            **{**vars(outcome.plan), "warnings": (*outcome.plan.warnings, *resource.warnings())}
        )
        return outcome

    return run


def rows(outcome: Outcome) -> dict[str, bool]:
    return {f"{row['cluster']} {row['name']}": row["restarted"] for row in outcome.value}


def test_only_who_has_no_sidecar_is_restarted_and_the_second_run_sends_nothing(
    sides: dict[str, FakeCluster], restart: Run
) -> None:
    sides["shop-1"].put("b")
    sides["shop-1"].put("a")
    sides["shop-1"].put("done", sidecar=True)
    predicted = restart(check=True)
    assert (predicted.changed, sides["shop-1"].writes) == (True, 0)
    done = restart()
    assert [name for name, _stamp in sides["shop-1"].sent] == ["a", "b"]
    assert rows(done) == rows(predicted) == {"shop-1 a": True, "shop-1 b": True, "shop-1 done": False}
    assert (done.plan.before, done.plan.after) == (predicted.plan.before, predicted.plan.after)
    assert all(row["without_sidecar"] == [] for row in done.value)
    again = restart()
    assert (again.changed, sides["shop-1"].writes) == (False, 2)


def test_the_order_is_that_of_the_option_and_each_is_waited_for(sides: dict[str, FakeCluster], restart: Run) -> None:
    for side in sides.values():
        side.put("cache", kind="StatefulSet")
        side.put("front")
    restart(clusters=["shop-2", "shop-1"], workloads=["Deployment/front", "StatefulSet/cache"])
    assert [name for name, _stamp in sides["shop-2"].sent] == ["front", "cache"]
    assert [name for name, _stamp in sides["shop-1"].sent] == ["front", "cache"]
    stamps = {stamp for side in sides.values() for _name, stamp in side.sent}
    assert len(stamps) == 1


def test_always_restarts_each_time(sides: dict[str, FakeCluster], restart: Run) -> None:
    sides["shop-1"].put("a", sidecar=True)
    assert restart(restart="always").changed
    assert restart(restart="always").changed
    assert len({stamp for _name, stamp in sides["shop-1"].sent}) == 2


def test_without_an_injector_no_other_workload_is_touched(sides: dict[str, FakeCluster], restart: Run) -> None:
    sides["shop-1"].put("a")
    sides["shop-1"].put("b")
    sides["shop-1"].injector = False
    with pytest.raises(WaitFailed, match="new pods have no sidecar either: a-new-0, a-new-1") as caught:
        restart()
    assert caught.value.changed
    assert [name for name, _stamp in sides["shop-1"].sent] == ["a"]


def test_the_label_is_waited_for_and_without_it_nothing_is_restarted(
    sides: dict[str, FakeCluster], restart: Run
) -> None:
    sides["shop-1"].put("a")
    sides["shop-1"].late = 5
    assert restart().changed
    sides["shop-1"].put("b")
    sides["shop-1"].labels = {}
    with pytest.raises(WaitFailed, match="does not ask for injection"):
        restart()
    assert [name for name, _stamp in sides["shop-1"].sent] == ["a"]


@pytest.mark.parametrize("everywhere", [True, "true"])
def test_a_mesh_that_injects_everywhere_needs_no_label(
    sides: dict[str, FakeCluster], restart: Run, everywhere: Any
) -> None:
    sides["shop-1"].put("a")
    sides["shop-1"].labels = {}
    assert restart(everywhere=everywhere).changed


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"clusters": ["shop-9"]}, NotFound, r"Not in mesh 'shop': shop-9 \(attached: shop-1, shop-2\)"),
        ({"workloads": ["Deployment/x"]}, NotFound, "no Deployment/x in web of shop-1. There are: Deployment/a"),
        ({"workloads": ["Pod/x"]}, InvalidInput, "'Pod/x' is not Kind/name"),
        ({"workloads": ["a"]}, InvalidInput, "'a' is not Kind/name"),
        ({"clusters": []}, InvalidInput, "at least one cluster"),
    ],
)
def test_bad_input_restarts_nothing(
    sides: dict[str, FakeCluster], restart: Run, given: Json, kind: type[AsmError], words: str
) -> None:
    sides["shop-1"].put("a")
    with pytest.raises(kind, match=words):
        restart(**given)
    assert sides["shop-1"].writes == 0


def test_one_that_cannot_be_restarted_holds_up_all(sides: dict[str, FakeCluster], restart: Run) -> None:
    sides["shop-1"].put("a")
    sides["shop-2"].put("b", paused=True)
    with pytest.raises(Refused, match=r"shop-2: Deployment web/b: its rollout is paused"):
        restart(clusters=["shop-1", "shop-2"])
    assert sides["shop-1"].writes == 0


def test_a_gap_is_warned_of(sides: dict[str, FakeCluster], restart: Run) -> None:
    sides["shop-1"].put("a", strategy={"type": "Recreate"})
    assert "shop-1: Deployment web/a: all of its pods end before" in str(restart().plan.warnings)


def test_proxies_that_are_behind_or_away_are_waited_for(sides: dict[str, FakeCluster], restart: Run) -> None:
    sides["shop-1"].put("a", sidecar=True)
    there = {"ProxyId": "a-old-0.web", **SYNCED}
    late = {"ProxyId": "a-old-1.web", **SYNCED, "RouteSynced": "STALE"}
    with pytest.raises(WaitTimeout, match=r"the proxies of a-old-1\.web to be in sync"):
        restart(timeout=5, said={"ProxyStatus": [there]})
    with pytest.raises(WaitTimeout, match=r"the proxies of a-old-1.web \(routes\) to be in sync"):
        restart(timeout=5, said={"ProxyStatus": [there, late]})
    answers = [{"ProxyStatus": []}, {"ProxyStatus": [there, late]}, {"ProxyStatus": [there, {**late, **SYNCED}]}]
    assert not restart(said=answers).changed


def test_who_may_not_ask_for_the_proxies_is_told(sides: dict[str, FakeCluster], restart: Run) -> None:
    sides["shop-1"].put("a", sidecar=True)
    outcome = restart(said=AsmError("You may not.", code="Forbidden.RAM", http_status=403))
    assert "Nobody can say whether the sidecars are in sync: You may not." in outcome.plan.warnings


def test_info_names_everyone_without_a_sidecar(sides: dict[str, FakeCluster], fake_cloud: Callable[..., Any]) -> None:
    sides["shop-1"].put("a")
    sides["shop-2"].put("a", sidecar=True)
    del sides["shop-1"].objects["/apis/apps/v1/namespaces/web/deployments/a"]
    found = asm_workload_info.read({"clusters": ["shop-1", "shop-2"], "namespaces": ["web"]}, fake_cloud())
    assert [(row["cluster"], row["kind"], row["name"], row["without_sidecar"]) for row in found] == [
        ("shop-1", "Pod", "a-old-0", ["a-old-0"]),
        ("shop-1", "Pod", "a-old-1", ["a-old-1"]),
        ("shop-2", "Deployment", "a", []),
    ]

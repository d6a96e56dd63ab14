# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for a gateway's pods, held to what a cluster shows of them one moment after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import STALE_LOOKS
from ansible_collections.meshops.asm.plugins.module_utils.gateway import rollout

from ..kube.conftest import MemoryApi, api, kubeconfig

__all__ = ["api"]

ROOT = "/namespaces/istio-system"
DEPLOYMENT = f"/apis/apps/v1{ROOT}/deployments/istio-front"
SERVICE = f"/api/v1{ROOT}/services/istio-front"
NAMES = {"c1": "shop-1", "c9": "elsewhere"}
Json = dict[str, Any]


def gateway(**spec: Any) -> Json:
    return {"metadata": {"name": "front"}, "spec": {"clusterIds": ["c1"], "replicaCount": 1, **spec}}


def deployed(api: MemoryApi, generation: int = 1, *, ready: bool = True, pods: int = 1, **metadata: Any) -> None:
    seen = {"observedGeneration": generation, "replicas": pods, "updatedReplicas": pods}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "istio-front", "namespace": "istio-system"},
        "spec": {"replicas": pods, "selector": {}, "template": {"metadata": metadata}},
        "status": {**seen, "availableReplicas": pods if ready else 0, "readyReplicas": pods if ready else 0},
    }
    api.put(DEPLOYMENT, body, generation=generation)


def served(api: MemoryApi, *ports: tuple[int, Any]) -> None:
    listed = [{"port": port, "targetPort": target, "protocol": "TCP"} for port, target in ports]
    metadata = {"name": "istio-front", "namespace": "istio-system"}
    api.put(SERVICE, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": listed}})


@pytest.fixture
def cloud(api: MemoryApi, fake_cloud: Callable[..., Any]) -> Any:
    return fake_cloud(
        DescribeClustersV1={"clusters": [{"cluster_id": "c1", "name": "shop-1"}], "page_info": {"total_count": 1}},
        DescribeClusterUserKubeconfig={"config": kubeconfig(api.url)},
    )


@pytest.fixture
def wait(cloud: Any) -> rollout.Rollout:
    return rollout.Rollout(cloud, "front", NAMES)


def test_an_unchanged_gateway_is_ready_when_its_pods_are(api: MemoryApi, cloud: Any) -> None:
    deployed(api, ready=False)
    wait = rollout.Rollout(cloud, "front", NAMES)
    look = wait.progress(gateway())
    assert not look.done
    assert look.what.endswith("of gateway 'front' in shop-1")
    # Whether they are as many as the object asks for is the operator's business as long as nobody writes.
    deployed(api, pods=3)
    assert wait.progress(gateway()).done
    asked = len(api.requests)
    assert wait.progress(gateway()).done
    assert len(api.requests) == asked
    assert wait.warnings() == []
    assert len(cloud.sent("DescribeClustersV1")) == len(cloud.sent("DescribeClusterUserKubeconfig")) == 1


@pytest.mark.parametrize(
    ("spec", "missing", "shows"),
    [
        ({"replicaCount": 3}, "the number of pods to be 3", {"pods": 3}),
        ({"replicaCount": "3"}, "the number of pods to be 3", {"pods": 3}),
        ({"podLabels": {"tier": "edge"}}, "the labels of the pods", {"labels": {"tier": "edge", "istio": "front"}}),
        ({"podAnnotations": {"a": "1"}}, "the annotations of the pods", {"annotations": {"a": "1"}}),
    ],
)
def test_what_was_written_has_to_show_first(
    api: MemoryApi, wait: rollout.Rollout, spec: Json, missing: str, shows: Json
) -> None:
    deployed(api)
    wait.note(gateway())
    for _look in range(2 * STALE_LOOKS):
        # The operator has not even begun: the old pods are all ready.
        assert wait.progress(gateway(**spec)).what == f"{missing} of gateway 'front' in shop-1"
    deployed(api, 2, ready=False, **shows)
    assert "available" in wait.progress(gateway(**spec)).what
    deployed(api, 2, **shows)
    assert wait.progress(gateway(**spec)).done


def test_ports_have_to_show_in_the_service(api: MemoryApi, wait: rollout.Rollout) -> None:
    old, new = ({"port": 80, "targetPort": 8080}, {"port": 81, "targetPort": 8081})
    deployed(api)
    served(api, (80, 8080))
    wait.note(gateway(ports=[old]))
    wanted = gateway(ports=[new, {"port": 443}])
    for ports in ([(80, 8080)], [(80, 8080), (81, 8081), (443, 8443)], [(81, 8080), (443, 8443)], [(81, 8081)]):
        served(api, *ports)
        assert wait.progress(wanted).what == "the ports of gateway 'front' in shop-1"
    served(api, (81, 8081), (443, 8443))
    deployed(api, 2)
    assert wait.progress(wanted).done


def test_pods_that_change_in_another_way_are_other_pods(api: MemoryApi, wait: rollout.Rollout) -> None:
    deployed(api, 4)
    wait.note(gateway())
    wanted = gateway(resources={"limits": {"cpu": "1"}})
    assert wait.progress(wanted).what == "other pods of gateway 'front' in shop-1"
    deployed(api, 5)
    assert wait.progress(wanted).done


def test_an_operator_that_changes_nothing_is_not_waited_for_for_ever(api: MemoryApi, wait: rollout.Rollout) -> None:
    deployed(api, 4)
    wait.note(gateway())
    wanted = gateway(kernel={"enabled": True})
    assert [wait.progress(wanted).done for _look in range(STALE_LOOKS + 1)] == [False] * STALE_LOOKS + [True]


@pytest.mark.parametrize("spec", [{"serviceAnnotations": {"a": "1"}}, {"autoscaleEnabled": True, "maxReplicas": 5}])
def test_what_is_no_matter_of_pods_is_not_looked_for(api: MemoryApi, wait: rollout.Rollout, spec: Json) -> None:
    deployed(api)
    wait.note(gateway(autoscaleEnabled=True))
    assert wait.progress(gateway(**{"autoscaleEnabled": True, **spec})).done


def test_a_new_gateway_needs_its_deployment(api: MemoryApi, wait: rollout.Rollout) -> None:
    wait.note(None)
    assert wait.progress(gateway()).what == "the Deployment istio-front of gateway 'front' in shop-1"
    deployed(api)
    assert wait.progress(gateway()).done


def test_what_one_cluster_has_of_its_own_counts_there(api: MemoryApi, wait: rollout.Rollout) -> None:
    deployed(api)
    wait.note(gateway())
    wanted = gateway(overrides={"c1": {"replicaCount": 2}})
    assert "the number of pods to be 2" in wait.progress(wanted).what
    deployed(api, 2, pods=2)
    assert wait.progress(wanted).done


def test_pods_that_will_not_start_end_the_wait(api: MemoryApi, wait: rollout.Rollout) -> None:
    deployed(api, ready=False)
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    statuses = [{"name": "istio-proxy", "image": "proxy:0", "state": state}]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "front-1", "namespace": "istio-system"}}
    api.put(f"/api/v1{ROOT}/pods/front-1", {**pod, "status": {"containerStatuses": statuses}})
    wait.progress(gateway())
    assert "ImagePullBackOff: no such image" in wait.progress(gateway()).failed


def test_clusters_that_nobody_may_look_into_are_said_after_a_write(api: MemoryApi, cloud: Any) -> None:
    spec = {"clusterIds": ["c1", "c9"]}
    cloud.answers["DescribeClusterUserKubeconfig"] = AsmError("You may not.", http_status=403)
    for wrote in (False, True):
        wait = rollout.Rollout(cloud, "front", NAMES)
        if wrote:
            wait.note(gateway(**spec))
        assert wait.progress(gateway(**spec)).done
        start = "Nobody can say whether the pods of gateway 'front' in"
        said = [f"{start} shop-1 follow: You may not.", f"{start} elsewhere follow: Container Service does not manage"]
        assert [bool(one) for one in wait.warnings()] == [wrote] * (2 if wrote else 0)
        for text, found in zip(said, wait.warnings(), strict=False):
            assert found.startswith(text)
    assert api.requests == []


def test_a_cluster_that_refuses_is_said_as_well(api: MemoryApi, wait: rollout.Rollout) -> None:
    deployed(api)
    api.fail_next(403, {"kind": "Status", "reason": "Forbidden", "message": "deployments is forbidden"}, times=9)
    wait.note(gateway())
    assert wait.progress(gateway(replicaCount=2)).done
    assert wait.warnings() == [
        "Nobody can say whether the pods of gateway 'front' in shop-1 follow: deployments is forbidden"
    ]

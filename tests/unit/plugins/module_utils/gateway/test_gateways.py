# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways as they are compared, judged and shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways, patches

from ..kube.conftest import MemoryApi, api, kubeconfig

__all__ = ["api"]

LIVE: dict[str, Any] = {
    "metadata": {"name": "ingressgateway", "namespace": "istio-system", "labels": {"asm-gateway-type": "ingress"}},
    "spec": {"clusterIds": ["c1", "c2"], "replicaCount": 1, "podLabels": {"a": "1", "b": "2"}},
    "status": {
        "Status": "Running",
        "ClusterIdGatewayAddressMap": [
            {"clusterId": "c1", "ipAddress": "192.0.2.1"},
            {"clusterId": "c2", "ipAddress": "192.0.2.2"},
        ],
    },
}
NAMES = {"c1": "shop-1", "c2": "shop-2"}


@pytest.mark.parametrize(
    ("live", "wanted", "patch"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3}}),
        ({"a": [1, 2]}, {"a": [2]}, {"a": [2]}),
        ({"podLabels": {"a": "1", "b": "2"}}, {"podLabels": {"a": "1"}}, {"podLabels": {"b": None}}),
        ({"serviceAnnotations": {"a": "1", "b": "2"}}, {"serviceAnnotations": {"a": "1"}}, {}),
        (
            {"overrides": {"c1": {"replicaCount": 1, "ports": []}, "c2": {}}},
            {"overrides": {"c1": {"replicaCount": 2}}},
            {"overrides": {"c1": {"replicaCount": 2, "ports": None}, "c2": None}},
        ),
    ],
)
def test_merge_patch(live: dict[str, Any], wanted: dict[str, Any], patch: dict[str, Any]) -> None:
    assert patches.merge_patch(live, wanted) == patch
    result = patches.merged(live, patch)
    assert patches.merge_patch(result, wanted) == {}


def test_merged_leaves_its_input_alone() -> None:
    live = {"a": {"b": 1}}
    assert patches.merged(live, {"a": {"b": None, "c": [1]}}) == {"a": {"c": [1]}}
    assert live == {"a": {"b": 1}}


def test_view_has_names_and_addresses() -> None:
    shown = gateways.view(LIVE, NAMES)
    assert shown["clusters"] == ["shop-1", "shop-2"]
    assert shown["addresses"] == {"shop-1": ["192.0.2.1"], "shop-2": ["192.0.2.2"]}
    assert (shown["status"], shown["error_message"]) == ("Running", "")
    assert shown["labels"] == {"asm-gateway-type": "ingress"}
    assert shown["spec"] == LIVE["spec"]


def test_view_of_a_cluster_that_left_the_mesh_has_its_id() -> None:
    assert gateways.view(LIVE, {"c1": "shop-1"})["clusters"] == ["c2", "shop-1"]


def test_essence_of_nothing_is_nothing() -> None:
    assert gateways.essence(None) is None


def progress(**changed: Any) -> Any:
    return gateways.address_progress({**LIVE, **changed}, "ingressgateway", NAMES)


def test_done_when_every_cluster_has_an_address() -> None:
    assert progress().done


def test_waiting_for_the_object_itself() -> None:
    assert "show up" in gateways.address_progress(None, "ingressgateway", NAMES).what


@pytest.mark.parametrize("entries", [[], [{"clusterId": "c1", "ipAddress": ""}], None])
def test_waiting_for_addresses(entries: Any) -> None:
    look = progress(status={"ClusterIdGatewayAddressMap": entries})
    assert not look.done
    assert "shop-1, shop-2" in look.what


def test_waiting_tells_what_the_service_says() -> None:
    look = progress(status={"ErrorMessage": "load balancer lb-1 does not exist."})
    assert "the service says: load balancer lb-1 does not exist)" in look.what
    assert not look.failed


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_only_load_balancers_have_addresses(kind: str) -> None:
    assert progress(spec={**LIVE["spec"], "serviceType": kind}, status={}).done


def test_departures_are_looked_for_with_one_kubeconfig_for_each_cluster(
    api: MemoryApi, fake_cloud: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = fake_cloud(
        DescribeClustersV1={"clusters": [{"cluster_id": "c1", "name": "shop-1"}], "page_info": {"total_count": 1}},
        DescribeClusterUserKubeconfig={"config": kubeconfig(api.url)},
    )
    path = "/api/v1/namespaces/istio-system/services/istio-front"
    api.objects[path] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "istio-front"}}
    departures = gateways.Departures(cloud)
    for _look in range(3):
        # Container Service knows nothing of c2.
        assert departures.left("front", ["c1", "c2"]) == ["shop-1"]
    assert departures.progress("front", ["c1"]).what == "the Service istio-front to be gone from shop-1"
    del api.objects[path]
    assert departures.progress("front", ["c1"]).done
    assert len(cloud.sent("DescribeClusterUserKubeconfig")) == 1
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 45 * 60)
    assert departures.left("front", ["c1"]) == []
    assert len(cloud.sent("DescribeClusterUserKubeconfig")) == 2


def test_nothing_is_asked_where_a_gateway_leaves_no_cluster(fake_cloud: Callable[..., Any]) -> None:
    cloud = fake_cloud()
    assert gateways.Departures(cloud).progress("front", []).done

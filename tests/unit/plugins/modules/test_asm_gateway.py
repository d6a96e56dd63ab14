# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway module: plan, writes, waiting."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    Immutable,
    InvalidInput,
    NotFound,
    WaitFailed,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import reconcile
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways, patches
from ansible_collections.meshops.asm.plugins.modules.asm_gateway import Gateway

MESH = {"ServiceMeshInfo": {"ServiceMeshId": "cm", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}}
CLUSTERS = [{"ClusterId": "c1", "Name": "shop-1"}, {"ClusterId": "c2", "Name": "shop-2"}]


class FakeKube:
    """One IstioGateway behind the calls that the module makes; ``status`` is what the operator would write."""

    def __init__(self, live: dict[str, Any] | None = None, status: dict[str, Any] | None = None) -> None:
        self.live = live
        self.status = status
        self.sent: list[tuple[str, Any]] = []

    @property
    def writes(self) -> int:
        return len(self.sent)

    def get(self, path: str) -> dict[str, Any] | None:
        assert path.endswith("/namespaces/istio-system/istiogateways/ingressgateway")
        return copy.deepcopy(self.live)

    def _store(self, body: dict[str, Any]) -> None:
        metadata = {"uid": "u1", **body["metadata"]}
        status = self.status
        if status is None:
            entries = [{"clusterId": c, "ipAddress": f"192.0.2.{c[1:]}"} for c in body["spec"].get("clusterIds", [])]
            status = {"Status": "Running", "ClusterIdGatewayAddressMap": entries}
        self.live = {**body, "metadata": metadata, "status": status}

    def apply(self, path: str, body: dict[str, Any]) -> None:
        self.sent.append(("apply", body))
        self._store(copy.deepcopy(body))

    def merge(self, path: str, patch: dict[str, Any]) -> None:
        self.sent.append(("merge", patch))
        self._store(patches.merged(self.live, patch))

    def delete(self, path: str, *, uid: str) -> None:
        self.sent.append(("delete", uid))
        self.live = None


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, fake_cloud: Callable[..., Any]) -> Callable[..., Gateway]:
    def build(kube: FakeKube, meshes: list[Any] | None = None, **given: Any) -> Gateway:
        spec = {**Gateway.options, "state": {"default": "present"}}
        checked = ArgumentSpecValidator(spec).validate({"mesh": "shop", **given})
        assert not checked.error_messages
        cloud = fake_cloud(
            DescribeServiceMeshes={"ServiceMeshes": [MESH] if meshes is None else meshes},
            DescribeClustersInServiceMesh={"Clusters": CLUSTERS},
            # Container Service manages none of them: test_rollout.py has those that it does.
            DescribeClustersV1={"clusters": [], "page_info": {"total_count": 0}},
        )
        monkeypatch.setattr(gateways, "control_plane", lambda *_arguments: kube)
        return Gateway(checked.validated_parameters, cloud)

    return build


def created(make: Callable[..., Gateway], clock: Any, **given: Any) -> FakeKube:
    kube = FakeKube()
    reconcile(make(kube, **given), clock=clock)
    kube.sent.clear()
    return kube


def test_new_gateway_is_applied_with_the_ids_of_its_clusters(make: Callable[..., Gateway], clock: Any) -> None:
    kube = FakeKube()
    outcome = reconcile(make(kube, clusters=["shop-2", "c1"], replicas=2), clock=clock)
    ((verb, body),) = kube.sent
    assert verb == "apply"
    assert body["spec"] == {"gatewayType": "ingress", "clusterIds": ["c1", "c2"], "replicaCount": 2}
    assert outcome.changed
    assert outcome.value["addresses"] == {"shop-1": ["192.0.2.1"], "shop-2": ["192.0.2.2"]}


def test_check_mode_predicts_and_sends_nothing(make: Callable[..., Gateway], clock: Any) -> None:
    kube = FakeKube()
    outcome = reconcile(make(kube, clusters=["shop-1"]), check=True, clock=clock)
    assert outcome.changed
    assert outcome.value["clusters"] == ["shop-1"]
    assert outcome.plan.before is None
    assert kube.sent == []


def test_second_run_sends_nothing(make: Callable[..., Gateway], clock: Any) -> None:
    kube = created(make, clock, clusters=["shop-1"], replicas=2)
    outcome = reconcile(make(kube, clusters=["shop-1"], replicas=2), clock=clock)
    assert not outcome.changed
    assert outcome.plan.before == outcome.plan.after
    assert kube.sent == []


def test_only_what_differs_is_sent(make: Callable[..., Gateway], clock: Any) -> None:
    kube = created(make, clock, clusters=["shop-1"], replicas=2)
    outcome = reconcile(make(kube, clusters=["shop-1", "shop-2"], replicas=2), clock=clock)
    assert kube.sent == [("merge", {"spec": {"clusterIds": ["c1", "c2"]}})]
    assert outcome.plan.after["spec"]["clusterIds"] == ["c1", "c2"]
    assert outcome.plan.after["spec"]["replicaCount"] == 2


def test_unset_options_leave_the_gateway_as_it_is(make: Callable[..., Gateway], clock: Any) -> None:
    kube = created(make, clock, clusters=["shop-1"], replicas=2)
    assert not reconcile(make(kube), clock=clock).changed


def test_removal_waits_for_the_services(
    make: Callable[..., Gateway], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube = created(make, clock, clusters=["shop-1"])
    looks = [["shop-1"], []]
    asked: list[list[str]] = []

    def left(_self: Any, name: str, cluster_ids: list[str]) -> list[str]:
        assert name == "ingressgateway"
        asked.append(cluster_ids)
        return looks.pop(0)

    monkeypatch.setattr(gateways.Departures, "left", left)
    outcome = reconcile(make(kube, state="absent"), clock=clock)
    assert outcome.changed
    assert outcome.value is None
    assert kube.sent == [("delete", "u1")]
    assert asked == [["c1"], ["c1"]]


def test_leaving_a_cluster_waits_for_its_service(
    make: Callable[..., Gateway], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube = created(make, clock, clusters=["shop-1", "shop-2"])
    looks = [["shop-2"], []]
    asked: list[list[str]] = []

    def left(_self: Any, _name: str, cluster_ids: list[str]) -> list[str]:
        asked.append(cluster_ids)
        return looks.pop(0)

    monkeypatch.setattr(gateways.Departures, "left", left)
    assert reconcile(make(kube, clusters=["shop-1"]), clock=clock).changed
    assert asked == [["c2"], ["c2"]]


def test_absent_gateway_is_left_alone(
    make: Callable[..., Gateway], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube = FakeKube()
    monkeypatch.setattr(gateways.Departures, "left", lambda *_arguments: [])
    outcome = reconcile(make(kube, state="absent"), clock=clock)
    assert not outcome.changed
    assert kube.sent == []


def test_absent_mesh_has_no_gateway(make: Callable[..., Gateway], clock: Any) -> None:
    outcome = reconcile(make(FakeKube(), meshes=[], state="absent"), clock=clock)
    assert not outcome.changed


def test_absent_mesh_is_predicted_in_check_mode_only(make: Callable[..., Gateway], clock: Any) -> None:
    outcome = reconcile(make(FakeKube(), meshes=[], clusters=["shop-1"]), check=True, clock=clock)
    assert outcome.value["clusters"] == ["shop-1"]
    assert "does not exist yet" in outcome.plan.warnings[0]
    with pytest.raises(NotFound, match="No mesh"):
        reconcile(make(FakeKube(), meshes=[], clusters=["shop-1"]), clock=clock)


def test_cluster_outside_the_mesh_is_refused(make: Callable[..., Gateway], clock: Any) -> None:
    kube = FakeKube()
    with pytest.raises(NotFound, match=r"'shop-3', which is not attached to mesh 'shop' \(attached: shop-1, shop-2\)"):
        reconcile(make(kube, clusters=["shop-3"]), clock=clock)
    assert kube.sent == []


def test_new_gateway_needs_clusters(make: Callable[..., Gateway], clock: Any) -> None:
    with pytest.raises(InvalidInput, match="needs clusters"):
        reconcile(make(FakeKube()), clock=clock)


def test_a_gateway_on_its_way_out_is_not_changed(make: Callable[..., Gateway], clock: Any) -> None:
    kube = created(make, clock, clusters=["shop-1"])
    assert kube.live is not None
    kube.live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(InvalidInput, match="being deleted"):
        reconcile(make(kube, replicas=3), clock=clock)


def test_lasting_complaint_of_the_service_ends_the_wait(make: Callable[..., Gateway], clock: Any) -> None:
    kube = FakeKube(status={"Status": "Failed", "ErrorMessage": "load balancer lb-9 does not exist"})
    with pytest.raises(WaitFailed, match="lb-9 does not exist") as caught:
        reconcile(make(kube, clusters=["shop-1"]), clock=clock)
    assert caught.value.changed
    assert caught.value.details["last_state"]["Status"] == "Failed"
    assert sum(clock.pauses) < 60


def test_a_load_balancer_of_another_kind_is_refused_before_anything_is_sent(
    make: Callable[..., Gateway], clock: Any
) -> None:
    kube = created(make, clock, clusters=["shop-1"], load_balancer={"kind": "nlb"})
    with pytest.raises(Immutable, match="kind is nlb, wanted clb in shop-1"):
        reconcile(make(kube, clusters=["shop-1"], load_balancer={"kind": "clb"}), clock=clock)
    with pytest.raises(Immutable, match="wanted clb"):
        reconcile(make(kube, clusters=["shop-1"], load_balancer={"kind": "clb"}), check=True, clock=clock)
    assert kube.sent == []


def test_another_address_type_is_refused_before_anything_is_sent(make: Callable[..., Gateway], clock: Any) -> None:
    kube = created(make, clock, clusters=["shop-1"], load_balancer={"address_type": "internet"})
    with pytest.raises(Immutable, match="address_type is internet, wanted intranet in shop-1"):
        reconcile(make(kube, load_balancer={"address_type": "intranet"}), clock=clock)
    assert kube.sent == []


def test_a_gateway_without_load_balancer_may_change_its_kind(make: Callable[..., Gateway], clock: Any) -> None:
    kube = created(make, clock, clusters=["shop-1"], service_type="ClusterIP", load_balancer={"kind": "nlb"})
    reconcile(make(kube, load_balancer={"kind": "clb"}), clock=clock)
    assert kube.sent == [("merge", {"spec": {"loadBalancerClass": None}})]
    assert not reconcile(make(kube, load_balancer={"kind": "clb"}), clock=clock).changed


def test_a_load_balancer_that_is_no_longer_named_stays_and_that_is_said(
    make: Callable[..., Gateway], clock: Any
) -> None:
    kube = created(make, clock, clusters=["shop-1"], load_balancer={"id": "lb-1"})
    (said,) = reconcile(make(kube, load_balancer={"address_type": "internet"}), check=True, clock=clock).plan.warnings
    assert "uses the load balancer lb-1" in said
    for options in ({}, {"load_balancer": {"id": "lb-1"}}):
        assert reconcile(make(kube, **options), clock=clock).plan.warnings == ()


def test_what_the_service_says_of_an_unchanged_gateway_is_a_warning(make: Callable[..., Gateway], clock: Any) -> None:
    kube = created(make, clock, clusters=["shop-1"])
    assert kube.live is not None
    kube.live["status"]["ErrorMessage"] = "address-type cannot be changed"
    (said,) = reconcile(make(kube, clusters=["shop-1"]), clock=clock).plan.warnings
    assert "is as asked for, but the service says: address-type cannot be changed" in said


def test_two_clusters_of_one_name_keep_an_address_each(make: Callable[..., Gateway], clock: Any) -> None:
    kube = FakeKube()
    twins = [{"ClusterId": "c1", "Name": "twin"}, {"ClusterId": "c2", "Name": "twin"}]
    gateway = make(kube, clusters=["c1", "c2"])
    gateway.cloud.answers["DescribeClustersInServiceMesh"] = {"Clusters": twins}  # type: ignore[attr-defined]
    outcome = reconcile(gateway, clock=clock)
    assert outcome.value["addresses"] == {"c1": ["192.0.2.1"], "c2": ["192.0.2.2"]}
    assert outcome.value["clusters"] == ["c1", "c2"]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What asm_cluster sets of clusters that are in the mesh: networks and switches, for those that join as well."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import converge
from ansible_collections.meshops.asm.plugins.modules.asm_cluster import Clusters

from .conftest import CLUSTERS as NAMES
from .conftest import FakeAsm, FakeGateways

SMC, NETWORK = "UpdateGuestClusterConfig", "UpdateMeshMultiClusterNetwork"
NORTH = {"name": "north", "gateway_enabled": True, "gateway": "cross"}
SENT = {"Network": "north", "EnableGateway": True, "GatewayName": "cross", "CustomGatewayAddress": ""}
DEFAULT = {"Network": "", "EnableGateway": False, "GatewayName": "", "CustomGatewayAddress": ""}


class Networks(FakeAsm):
    """Networks are kept as they were sent: all of them, or only those that were sent, as ``replaces`` says."""

    def __init__(self, replaces: bool) -> None:
        super().__init__(looks=1)
        self.replaces = replaces
        self.networks: dict[str, Any] = {}
        self.candidates = [{"ClusterId": key, "Name": name, "State": "running"} for key, name in NAMES.items()]
        self.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")
        self.meshes["c1"]["Clusters"] = ["k1", "k2"]
        self.meshes["c1"]["Members"] = copy.deepcopy(self.candidates[:2])

    def DescribeMeshMultiClusterNetwork(self, ServiceMeshId: str) -> Any:
        shown = {key: {**DEFAULT, **self.networks.get(key, {})} for key in self.meshes["c1"]["Clusters"]}
        return {"MultiClusterNetworks": shown}

    def UpdateMeshMultiClusterNetwork(self, ServiceMeshId: str, MultiClusterNetworks: dict[str, Any]) -> Any:
        mesh = self._running(ServiceMeshId)
        assert {*MultiClusterNetworks} <= {*mesh["Clusters"]}
        self.networks = {**({} if self.replaces else self.networks), **MultiClusterNetworks}
        return self._begin(mesh)

    def UpdateGuestClusterConfig(self, ServiceMeshId: str, GuestClusterId: str, SMCEnabled: bool) -> Any:
        mesh = self._running(ServiceMeshId)
        (cluster,) = [one for one in mesh["Members"] if one["ClusterId"] == GuestClusterId]
        cluster["GuestClusterConfig"] = {"SMC": {"Enabled": SMCEnabled}}
        return {}


@pytest.fixture(params=[True, False], ids=["replaced", "merged"])
def service(request: pytest.FixtureRequest) -> Networks:
    return Networks(request.param)


@pytest.fixture
def run(
    service: Networks, plane: FakeGateways, task: Callable[..., dict[str, Any]], no_waiting: Any
) -> Callable[..., Outcome]:
    def call(*items: dict[str, Any], check: bool = False, **options: Any) -> Outcome:
        params = task(Clusters, mesh="shop", clusters=list(items), **options)
        return converge(Clusters(params, service), check=check, wait=True, timeout=60)  # type: ignore[arg-type]

    return call


def test_networks_and_switches_are_set_once_and_the_others_stay(run: Callable[..., Outcome], service: Networks) -> None:
    service.networks = {"k2": {**DEFAULT, "Network": "south"}}
    item = {"name": "shop-1", "network": NORTH, "smc_enabled": True}
    predicted = run(item, check=True)
    assert service.written() == []
    done = run(item)
    goal = {"smc_enabled": True, "network": {**NORTH, "gateway_address": ""}}
    assert predicted.plan.after["features"] == done.plan.after["features"] == {"shop-1": goal}
    assert done.plan.before["features"]["shop-1"]["network"]["name"] == ""
    assert service.sent(SMC) == [{"ServiceMeshId": "c1", "GuestClusterId": "k1", "SMCEnabled": True}]
    assert service.networks["k1"] == SENT
    assert service.networks["k2"]["Network"] == "south"
    writes = service.writes
    assert run(item).changed is False
    assert run({"name": "shop-1"}, {"name": "shop-2", "network": {"name": "south"}}).changed is False
    assert service.writes == writes


def test_one_part_changes_alone(run: Callable[..., Outcome], service: Networks) -> None:
    service.networks = {"k1": SENT}
    done = run({"name": "shop-1", "network": {"gateway": ""}})
    assert service.networks["k1"] == {**SENT, "GatewayName": ""}
    assert done.plan.before["features"]["shop-1"] == {"network": {**NORTH, "gateway_address": ""}}


def test_a_cluster_that_joins_gets_them_after_it_has_joined(run: Callable[..., Outcome], service: Networks) -> None:
    items = [{"name": "shop-1"}, {"name": "shop-3", "network": NORTH, "smc_enabled": True}]
    assert run(*items, purge=True).changed
    assert service.written() == ["RemoveClusterFromServiceMesh", "AddClusterIntoServiceMesh", SMC, NETWORK]
    assert {*service.networks} == {"k1", "k3"}
    assert run(*items, purge=True).changed is False


def test_nothing_is_asked_for_unless_networks_are_set(run: Callable[..., Outcome], service: Networks) -> None:
    run({"name": "shop-1", "smc_enabled": False})
    assert service.sent("DescribeMeshMultiClusterNetwork") == []
    run({"name": "shop-1", "network": NORTH}, state="absent")
    assert service.sent("DescribeMeshMultiClusterNetwork") == []
    assert service.written() == ["RemoveClusterFromServiceMesh"]

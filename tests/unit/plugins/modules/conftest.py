# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ASM with its meshes and clusters in memory, behind the calls that the modules make."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Attribute, dig, put
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways, patches
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule
from ansible_collections.meshops.asm.tests.unit.conftest import FakeCloud

CLUSTERS = {"k1": "shop-1", "k2": "shop-2", "k3": "shop-3"}
OFFERED = ["v1.22.6.109-aliyun", "v1.21.6.103-aliyun"]


class FakeAsm(FakeCloud):
    """Every change takes ``looks`` descriptions until the mesh runs again, and is refused before that.

    ``faults`` maps an action to errors that its next calls raise; with ``(error, True)`` the call is carried out
    before. ``candidates`` are the clusters of the account.
    """

    def __init__(self, region: str | None = "cn-hangzhou", looks: int = 2) -> None:
        super().__init__(region)
        self.looks = looks
        self.meshes: dict[str, dict[str, Any]] = {}
        self.candidates: list[dict[str, Any]] = []
        self.faults: dict[str, list[Any]] = {}
        self.eips: list[str] = []
        self.path = ["v1.22.6.109-aliyun", "v1.24.6.64-aliyun", "v1.25.6.41-aliyun"]
        self.gateways: dict[str, dict[str, str]] = {}
        self._pending: dict[str, int] = {}

    def _answer(self, action: str, parameters: dict[str, Any]) -> Any:
        if action not in self.answers:
            self.answers[action] = getattr(self, action)
        fault = [] if parameters.get("PreCheck") else self.faults.get(action, [])
        if fault:
            error, happens = fault.pop(0)
            if happens:
                super()._answer(action, parameters)
            else:
                self.calls.append((action, parameters))
            raise error
        return copy.deepcopy(super()._answer(action, parameters))

    # Reading

    def DescribeServiceMeshes(self, Tag: list[dict[str, str]] | None = None) -> Any:
        for identifier in [key for key, mesh in self.meshes.items() if self._state(mesh) == "deleting"]:
            if self._arrived(identifier):
                del self.meshes[identifier]
        listed = [mesh for mesh in self.meshes.values() if all(tag in mesh["Tag"] for tag in Tag or [])]
        return {"ServiceMeshes": listed}

    def DescribeServiceMeshDetail(self, ServiceMeshId: str) -> Any:
        mesh = self._mesh(ServiceMeshId)
        if self._state(mesh) in ("initial", "updating", "upgrading") and self._arrived(ServiceMeshId):
            self._set_state(mesh, "running")
            put(mesh, "ServiceMeshInfo.Version", mesh.pop("Goal", mesh["ServiceMeshInfo"]["Version"]))
        return {"ServiceMesh": {key: value for key, value in mesh.items() if key not in ("Tag", "Members")}}

    def DescribeVersions(self) -> Any:
        return {
            "VersionInfo": [{"Edition": "Default", "Versions": OFFERED[:1]}, {"Edition": "Pro", "Versions": OFFERED}]
        }

    def DescribeUpgradeVersion(self, ServiceMeshId: str) -> Any:
        """``path`` is the order of the versions; a step leads from one to the next."""
        now = self._mesh(ServiceMeshId)["ServiceMeshInfo"]["Version"]
        later = self.path[self.path.index(now) + 1 :] if now in self.path else []
        return {"Version": {"IstioVersion": later[0] if later else ""}}

    def DescribeServiceMeshUpgradeStatus(self, ServiceMeshId: str, AllIstioGatewayFullNames: str) -> Any:
        """``gateways`` is what each gateway shows; one that is upgraded has arrived at the second look."""
        shown = {name: dict(self.gateways[name]) for name in AllIstioGatewayFullNames.split(",")}
        for name, state in shown.items():
            if state["Status"] == "upgrading":
                self.gateways[name].update(
                    Status="finished", Version=self._mesh(ServiceMeshId)["ServiceMeshInfo"]["Version"]
                )
        return {"UpgradeDetail": {"GatewayStatusRecord": shown}}

    def DescribeClustersInServiceMesh(self, ServiceMeshId: str) -> Any:
        return {"Clusters": self._mesh(ServiceMeshId)["Members"]}

    def DescribeServiceMeshClusters(self, ServiceMeshId: str, Limit: int, Offset: int) -> Any:
        return {"Clusters": self.candidates[Offset : Offset + Limit], "NumberOfClusters": len(self.candidates)}

    def DescribeServiceMeshAdditionalStatus(self, ServiceMeshId: str, CheckMode: str) -> Any:
        self._mesh(ServiceMeshId)
        balancer = {"SLBExistStatus": "exist", "Reused": False}
        return {
            "ClusterStatus": {
                "ApiServerLoadBalancerStatus": balancer,
                "PilotLoadBalancerStatus": balancer,
                "AuditProjectStatus": "not exist",
                "AccessLogProjectStatus": "exist",
                "SgStatus": "not_reused",
            }
        }

    def DescribeEipResources(self, PageNum: int, PageSize: int) -> Any:
        page = self.eips[(PageNum - 1) * PageSize : PageNum * PageSize]
        listed = [{"AllocationId": eip, "Status": "Available"} for eip in page]
        return {"EipList": listed, "PageResult": {"TotalCount": len(self.eips)}}

    # Writing

    def CreateServiceMesh(self, RegionId: str, Name: str, Tag: Any = None, **parameters: Any) -> Any:
        identifier = f"c{len(self.meshes) + 1}"
        info = {"ServiceMeshId": identifier, "Name": Name, "RegionId": RegionId, "State": "initial"}
        mesh: dict[str, Any] = {"ServiceMeshInfo": info, "Clusters": [], "Members": [], "Tag": Tag or []}
        put(mesh, "ServiceMeshInfo.Version", OFFERED[0])
        public = parameters.pop("ApiServerPublicEip", False)
        put(mesh, "Spec.LoadBalancer.ApiServerPublicEip", public)
        put(mesh, "Spec.LoadBalancer.ApiServerPublicEipId", "eip-made" if public else "")
        put(mesh, "Spec.LoadBalancer.ApiServerLoadbalancerId", f"lb-{identifier}")
        put(mesh, "Spec.Network.SecurityGroupId", f"sg-{identifier}")
        for row in MESH_ATTRIBUTES:
            if row.create in parameters and row.read:
                self._store(mesh, row, parameters[row.create])
        self.meshes[identifier] = mesh
        self._pending[identifier] = self.looks
        return {"ServiceMeshId": identifier}

    def _change(self, action: str, ServiceMeshId: str, **parameters: Any) -> Any:
        mesh = self._running(ServiceMeshId)
        for row in MESH_ATTRIBUTES:
            changed_by, _unused, parameter = (row.change or "").partition(".")
            if changed_by == action and parameter in parameters and row.read:
                self._store(mesh, row, parameters[parameter])
        return self._begin(mesh)

    def UpdateMeshFeature(self, **parameters: Any) -> Any:
        return self._change("UpdateMeshFeature", **parameters)

    def UpdateControlPlaneLogConfig(self, Enabled: bool, **parameters: Any) -> Any:
        return self._change("UpdateControlPlaneLogConfig", Enabled=Enabled, **parameters)

    def UpdateMeshCRAggregation(self, **parameters: Any) -> Any:
        return self._change("UpdateMeshCRAggregation", **parameters)

    def UpgradeMeshEditionPartially(
        self,
        ServiceMeshId: str,
        ExpectedVersion: str,
        ASMGatewayContinue: bool = False,
        UpgradeGatewayRecords: str = "",
        PreCheck: bool = False,
    ) -> Any:
        mesh = self._running(ServiceMeshId)
        if ASMGatewayContinue:
            assert ExpectedVersion == mesh["ServiceMeshInfo"]["Version"]
            for name in UpgradeGatewayRecords.split(","):
                self.gateways[name]["Status"] = "upgrading"
            return {}
        assert ExpectedVersion == self.DescribeUpgradeVersion(ServiceMeshId)["Version"]["IstioVersion"]
        if PreCheck:
            return {}
        self._begin(mesh)
        self._set_state(mesh, "upgrading")
        mesh["Goal"] = ExpectedVersion
        for state in self.gateways.values():
            state["Status"] = "notStart"
        return {}

    def ModifyServiceMeshName(self, ServiceMeshId: str, Name: str) -> Any:
        put(self._mesh(ServiceMeshId), "ServiceMeshInfo.Name", Name)
        return {}

    def ModifyApiServerEipResource(self, ServiceMeshId: str, ApiServerEipId: str, Operation: str) -> Any:
        mesh, bound = self._running(ServiceMeshId), Operation == "BindEip"
        put(mesh, "Spec.LoadBalancer.ApiServerPublicEip", bound)
        put(mesh, "Spec.LoadBalancer.ApiServerPublicEipId", ApiServerEipId if bound else "")
        return self._begin(mesh)

    def TagResources(self, RegionId: str, ResourceId: list[str], ResourceType: str, Tag: list[dict[str, str]]) -> Any:
        mesh = self._tagged(RegionId, ResourceId, ResourceType)
        new = {tag["Key"] for tag in Tag}
        mesh["Tag"] = [tag for tag in mesh["Tag"] if tag["Key"] not in new] + Tag
        return {}

    def UntagResources(
        self, RegionId: str, ResourceId: list[str], ResourceType: str, TagKey: list[str], All: bool
    ) -> Any:
        mesh = self._tagged(RegionId, ResourceId, ResourceType)
        mesh["Tag"] = [tag for tag in mesh["Tag"] if tag["Key"] not in TagKey and not All]
        return {}

    def AddClusterIntoServiceMesh(self, ServiceMeshId: str, ClusterId: str, **more: Any) -> Any:
        mesh = self._running(ServiceMeshId)
        known = {cluster["ClusterId"]: cluster for cluster in self.candidates}
        others = [cluster for cluster in mesh["Members"] if cluster["ClusterId"] != ClusterId]
        mesh["Members"] = [*others, {**known.get(ClusterId, {"ClusterId": ClusterId}), "State": "running"}]
        mesh["Clusters"] = [cluster["ClusterId"] for cluster in mesh["Members"]]
        return self._begin(mesh)

    def RemoveClusterFromServiceMesh(self, ServiceMeshId: str, ClusterId: str, ReserveNamespace: bool) -> Any:
        mesh = self._running(ServiceMeshId)
        if ClusterId not in mesh["Clusters"]:
            raise AsmError("It is not in the mesh.", code="ErrorClusterNotFound", http_status=404)
        mesh["Members"] = [cluster for cluster in mesh["Members"] if cluster["ClusterId"] != ClusterId]
        mesh["Clusters"].remove(ClusterId)
        return self._begin(mesh)

    def DeleteServiceMesh(self, ServiceMeshId: str, RetainResources: str | None = None) -> Any:
        mesh = self._mesh(ServiceMeshId)
        if mesh["Clusters"]:
            raise AsmError("The mesh has clusters.", code="ErrorPermitted.ClustersNotEmpty", http_status=400)
        self._set_state(mesh, "deleting")
        self._pending[ServiceMeshId] = self.looks
        return {}

    # Inside

    @staticmethod
    def _store(mesh: dict[str, Any], row: Attribute, value: Any) -> None:
        """Parameters that are JSON text are shown as structures; the one of locality shares its place with a switch."""
        if row.type in ("list", "objects"):
            value = json.loads(value)
        if row.type == "json" and row.option != "locality_lb.config":
            value = json.loads(value)
        elif row.type == "json":
            switch = {"Enabled": (dig(mesh, str(row.read)) or {}).get("Enabled", False)}
            value = {**switch, **{key[0].upper() + key[1:]: part for key, part in json.loads(value).items()}}
        put(mesh, str(row.read), value)

    @staticmethod
    def _state(mesh: dict[str, Any]) -> str:
        return str(mesh["ServiceMeshInfo"]["State"])

    @staticmethod
    def _set_state(mesh: dict[str, Any], state: str) -> None:
        mesh["ServiceMeshInfo"]["State"] = state

    def _mesh(self, identifier: str) -> dict[str, Any]:
        if identifier not in self.meshes:
            raise AsmError("The mesh is not there.", code="ServiceMesh.NotFound", http_status=400)
        return self.meshes[identifier]

    def _running(self, identifier: str) -> dict[str, Any]:
        mesh = self._mesh(identifier)
        if self._state(mesh) not in ("running", "updating_failed", "upgrading_failed"):
            raise AsmError(f"The mesh is {self._state(mesh)}.", code="InvalidOperation.NotRunning", http_status=400)
        return mesh

    def _tagged(self, region: str, identifiers: list[str], kind: str) -> dict[str, Any]:
        mesh = self._mesh(identifiers[0])
        if (region, kind) != (mesh["ServiceMeshInfo"]["RegionId"], "servicemesh"):
            raise AsmError(f"No such resource in region '{region}'.", code="InvalidRegionId", http_status=400)
        return mesh

    def _begin(self, mesh: dict[str, Any]) -> Any:
        self._set_state(mesh, "updating")
        self._pending[mesh["ServiceMeshInfo"]["ServiceMeshId"]] = self.looks
        return {"Code": "200"}

    def _arrived(self, identifier: str) -> bool:
        self._pending[identifier] = self._pending.get(identifier, 0) - 1
        return self._pending[identifier] < 0


class FakeGateways:
    """The IstioGateway objects of the control plane; one that leaves keeps its Services for ``looks`` looks."""

    def __init__(self) -> None:
        self.live: dict[str, dict[str, Any]] = {}
        self.log: list[Any] = []
        self.looks = 2
        self.reads = 0

    def deploy(self, name: str, *cluster_ids: str, **spec: Any) -> None:
        metadata = {"name": name, "uid": f"uid-{name}"}
        self.live[name] = {"metadata": metadata, "spec": {"clusterIds": list(cluster_ids), **spec}}

    @property
    def writes(self) -> int:
        return len([entry for entry in self.log if entry[0] in ("merge", "delete")])

    def list(self, path: str) -> Any:
        assert path == gateways.COLLECTION
        self.reads += 1
        return list(self.live.values())

    def get(self, path: str) -> Any:
        return self.live.get(path.rpartition("/")[2])

    def delete(self, path: str, *, uid: str) -> None:
        name = path.rpartition("/")[2]
        assert uid == self.live[name]["metadata"]["uid"]
        self.log.append(("delete", name))
        del self.live[name]

    def merge(self, path: str, patch: dict[str, Any]) -> None:
        name = path.rpartition("/")[2]
        self.log.append(("merge", name, patch))
        self.live[name] = patches.merged(self.live[name], patch)

    def services_left(self, name: str, cluster_ids: Any) -> Any:
        self.looks -= 1
        left = [CLUSTERS[key] for key in cluster_ids] if self.looks > 0 else []
        self.log.append(("left", name, left))
        return left


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> FakeGateways:
    """Stands in for the control plane of every mesh, and for the API servers of its clusters."""
    fake = FakeGateways()
    monkeypatch.setattr(gateways, "control_plane", lambda *_arguments: fake)
    monkeypatch.setattr(gateways.Departures, "left", lambda _self, *which: fake.services_left(*which))
    return fake


@pytest.fixture
def asm() -> FakeAsm:
    return FakeAsm()


@pytest.fixture
def task() -> Callable[..., dict[str, Any]]:
    """``task(resource_class, **options)``: the parameters as Ansible gives them to the module."""

    def parameters(resource_class: type[ResourceModule], **options: Any) -> dict[str, Any]:
        spec = {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "wait_timeout": {"type": "int", "default": resource_class.wait_timeout},
            "region": {"type": "str"},
            **resource_class.options,
        }
        result = ArgumentSpecValidator(spec).validate(options)
        assert not result.error_messages
        return dict(result.validated_parameters)

    return parameters

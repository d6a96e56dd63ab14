# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a spec's things are found, and the table that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.filter.canary_stages import FilterModule
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.mesh import proxies
from ansible_collections.meshops.asm.plugins.module_utils.spec import inspection
from ansible_collections.meshops.asm.plugins.module_utils.spec.inspection import Row
from ansible_collections.meshops.asm.tests.unit.pem import pair

ATTACHED = ({"ClusterId": "k1", "Name": "shop-1", "State": "running", "RegionId": "cn-hangzhou"},)
MESH = {
    "ServiceMeshInfo": {
        "Name": "shop",
        "ServiceMeshId": "c1",
        "RegionId": "cn-hangzhou",
        "State": "running",
        "Version": "v1.25",
    }
}
GATEWAY = {
    "metadata": {"name": "in", "namespace": "istio-system"},
    "spec": {"clusterIds": ["k1", "k2"]},
    "status": {"ClusterIdGatewayAddressMap": [{"clusterId": "k1", "ipAddress": "192.0.2.1"}]},
}


class FakeKube:
    """An API server that holds ``objects`` by the end of their collection's path."""

    def __init__(self, objects: dict[str, list[Any]]) -> None:
        self.objects = objects
        self.closed = False

    def list(self, path: str, *, keep: Callable[[Any], bool] | None = None, **_query: Any) -> list[Any]:
        plural = path.rsplit("/", 1)[-1]
        return [one for one in self.objects.get(plural, []) if keep is None or keep(one)]

    def all(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [work(item) for item in items]

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def planes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """API servers by name, ``mesh`` for the control plane; an exception stands for one that does not answer."""
    servers: dict[str, Any] = {}

    def server(name: str) -> Any:
        if isinstance(servers[name], Exception):
            raise servers[name]
        return servers[name]

    monkeypatch.setattr(inspection.gateways, "control_plane", lambda cloud, mesh: server("mesh"))
    monkeypatch.setattr(inspection.access, "cluster_kubeconfig", lambda cloud, name: name)
    monkeypatch.setattr(inspection, "load", lambda text: text)
    monkeypatch.setattr(inspection, "KubeClient", server)
    return servers


def inspect(
    fake_cloud: Callable[..., Any],
    *,
    meshes: Any = (MESH,),
    attached: Any = ATTACHED,
    connected: Any = None,
    answers: dict[str, Any] | None = None,
    **params: Any,
) -> list[Row]:
    lists = ("clusters", "gateways", "workloads", "istio_resources")
    cloud = fake_cloud(
        DescribeServiceMeshes={"ServiceMeshes": list(meshes)},
        DescribeClustersInServiceMesh={"Clusters": list(attached)},
        DescribeServiceMeshProxyStatus={"ProxyStatus": []} if connected is None else connected,
        **(answers or {}),
    )
    rows = inspection.inspect(cloud, {"mesh": "shop", **{name: [] for name in lists}, **params})
    assert cloud.written() == []
    return rows


def deployment(name: str, ready: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "bookinfo", "generation": 2},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}},
        "status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": ready},
    }


def pod(app: str, *containers: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{app}-x", "namespace": "bookinfo", "labels": {"app": app, **labels}},
        "spec": {"containers": [{"name": name} for name in (app, *containers)]},
        "status": {"phase": "Running"},
    }


def identity(kind: str, name: str, api_version: str = "apps/v1") -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "bookinfo"}}


def workload(*objects: dict[str, Any], sidecar: bool = True, cluster: str = "shop-1") -> list[dict[str, Any]]:
    return [{"name": "bookinfo", "clusters": [cluster], "require_sidecar": sidecar, "objects": list(objects)}]


def test_a_mesh_that_runs(fake_cloud: Callable[..., Any]) -> None:
    (row,) = inspect(fake_cloud)
    assert row == Row("mesh", "shop", "cn-hangzhou", "running, v1.25, c1", True)


def test_a_mesh_that_failed_says_why(fake_cloud: Callable[..., Any]) -> None:
    failed = {"ServiceMeshInfo": {**MESH["ServiceMeshInfo"], "State": "create_timeout", "ErrorMessage": "no quota"}}
    (row,) = inspect(fake_cloud, meshes=[failed])
    assert not row.ok
    assert "no quota" in row.state


def test_proxies(fake_cloud: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "_PATIENCE", 0)
    good = {"ProxyId": "in-1.istio-system", "ClusterSynced": "SYNCED", "RouteSynced": "NOT SENT"}
    stale = {"ProxyId": "details-1.shop", "ClusterSynced": "SYNCED", "RouteSynced": "STALE"}
    rows = inspect(fake_cloud, connected={"ProxyStatus": [good, good]})
    assert rows[1] == Row("mesh", "proxies", "", "2 of 2 in sync", True)
    row = inspect(fake_cloud, connected={"ProxyStatus": [good, stale]})[1]
    assert (row.state, row.ok) == ("1 of 2 in sync; behind: details-1.shop (routes)", False)
    row = inspect(fake_cloud, connected={"ProxyStatus": [{**good, "ProxyVersion": "1.24.6"}]})[1]
    assert row.state == "1 of 1 in sync; older than the mesh until their pods restart: in-1.istio-system (1.24.6)"
    assert row.ok, "a restart is the owner's to choose"
    denied = AsmError("no", code="Forbidden.RAM", http_status=403)
    assert inspect(fake_cloud, connected=denied)[1] == Row("mesh", "proxies", "", "not known (Forbidden.RAM)", True)


def test_without_a_mesh_everything_in_it_is_not_there(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    planes["shop-1"] = FakeKube({"deployments": [deployment("details")], "pods": [pod("details", "istio-proxy")]})
    rows = inspect(
        fake_cloud,
        meshes=[],
        clusters=["shop-1"],
        gateways=[{"name": "in"}],
        istio_resources=[{"name": "routes", "objects": [identity("Gateway", "a", "networking.istio.io/v1")]}],
        workloads=workload(identity("Deployment", "details")),
    )
    assert [(row.what, row.ok) for row in rows] == [
        ("mesh", False),
        ("cluster", False),
        ("gateway", False),
        ("workload", True),
        ("istio", False),
    ]


def test_clusters(fake_cloud: Callable[..., Any]) -> None:
    attached = [*ATTACHED, {"ClusterId": "k2", "Name": "shop-2", "State": "failed", "ErrorMessage": "unreachable"}]
    rows = inspect(fake_cloud, attached=attached, clusters=["k1", "shop-2", "shop-3"])
    assert [row.ok for row in rows] == [True, True, False, False]
    assert "unreachable" in rows[2].state
    assert rows[3].state == "not attached"


def test_gateways(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    planes["mesh"] = FakeKube({"istiogateways": [GATEWAY]})
    attached = [*ATTACHED, {"ClusterId": "k2", "Name": "shop-2", "State": "running"}]
    wanted = [{"name": "in", "clusters": ["k1", "shop-2", "shop-3"]}, {"name": "out"}]
    rows = inspect(fake_cloud, attached=attached, gateways=wanted)[1:]
    assert rows == [
        Row("gateway", "in", "shop-1", "192.0.2.1", True),
        Row("gateway", "in", "shop-2", "no address yet", False),
        Row("gateway", "in", "shop-3", "not deployed there", False),
        Row("gateway", "out", "", "not there", False),
    ]
    assert planes["mesh"].closed


def test_a_gateway_without_a_load_balancer_needs_no_address(
    fake_cloud: Callable[..., Any], planes: dict[str, Any]
) -> None:
    inner = {**GATEWAY, "spec": {"clusterIds": ["k1"], "serviceType": "ClusterIP"}, "status": {}}
    planes["mesh"] = FakeKube({"istiogateways": [inner]})
    assert inspect(fake_cloud, gateways=[{"name": "in"}])[1] == Row("gateway", "in", "shop-1", "deployed", True)


def test_istio_resources(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    api = "networking.istio.io/v1"
    planes["mesh"] = FakeKube({"virtualservices": [{"metadata": {"name": "reviews", "namespace": "bookinfo"}}]})
    objects = [identity("VirtualService", "reviews", api), identity("VirtualService", "ratings", api)]
    rows = inspect(fake_cloud, istio_resources=[{"name": "routes", "objects": objects}])[1:]
    assert rows == [
        Row("istio", "VirtualService bookinfo/reviews", "routes", "present", True),
        Row("istio", "VirtualService bookinfo/ratings", "routes", "not there", False),
    ]


def test_a_control_plane_that_does_not_answer(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    planes["mesh"] = AsmError("The API server does not answer.")
    objects = [identity("VirtualService", "reviews", "networking.istio.io/v1")]
    rows = inspect(fake_cloud, gateways=[{"name": "in"}], istio_resources=[{"name": "routes", "objects": objects}])[1:]
    assert [(row.what, row.state, row.ok) for row in rows] == [
        ("gateway", "The API server does not answer.", False),
        ("istio", "The API server does not answer.", False),
    ]


@pytest.mark.parametrize(
    ("pods", "sidecar", "state", "ok"),
    [
        ([pod("details", "istio-proxy")], True, "ready, 1 pod, 1 with sidecar", True),
        ([pod("details")], True, "ready, but 1 of 1 pods have no sidecar", False),
        ([pod("details")], False, "ready, 1 pod", True),
        ([pod("details", **{"sidecar.istio.io/inject": "false"})], True, "ready, 1 pod", True),
        ([pod("details", "istio-proxy"), pod("ratings")], True, "ready, 1 pod, 1 with sidecar", True),
    ],
)
def test_workloads(
    fake_cloud: Callable[..., Any], planes: dict[str, Any], pods: list[Any], sidecar: bool, state: str, ok: bool
) -> None:
    planes["shop-1"] = FakeKube({"deployments": [deployment("details")], "pods": pods})
    rows = inspect(fake_cloud, workloads=workload(identity("Deployment", "details"), sidecar=sidecar))[1:]
    assert rows == [Row("workload", "Deployment bookinfo/details", "shop-1", state, ok)]
    assert planes["shop-1"].closed


def test_a_workload_that_is_not_ready(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    planes["shop-1"] = FakeKube({"deployments": [deployment("details", ready=0)]})
    (row,) = inspect(fake_cloud, workloads=workload(identity("Deployment", "details")))[1:]
    assert not row.ok
    assert "0 of 1 available" in row.state


def test_other_objects_are_shown_only_when_they_are_missing(
    fake_cloud: Callable[..., Any], planes: dict[str, Any]
) -> None:
    planes["shop-1"] = FakeKube({"services": [{"metadata": {"name": "details", "namespace": "bookinfo"}}]})
    objects = [identity("Service", "details", "v1"), identity("Service", "ratings", "v1")]
    rows = inspect(fake_cloud, workloads=workload(*objects))[1:]
    assert rows == [Row("workload", "Service bookinfo/ratings", "shop-1", "not there", False)]


def test_a_cluster_that_does_not_answer(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    planes["shop-1"] = AsmError("refused")
    planes["shop-2"] = FakeKube({"deployments": [deployment("details")], "pods": []})
    both = workload(identity("Deployment", "details"), sidecar=False)
    both[0]["clusters"] = ["shop-1", "shop-2"]
    rows = inspect(fake_cloud, workloads=both)[1:]
    assert [(row.where, row.state, row.ok) for row in rows] == [
        ("shop-1", "refused", False),
        ("shop-2", "ready, 0 pods", True),
    ]


def test_the_table_joins_what_is_alike() -> None:
    rows = [
        Row("mesh", "shop", "cn-hangzhou", "running", True),
        Row("workload", "Deployment a/b", "shop-1", "ready", True),
        Row("workload", "Deployment a/b", "shop-2", "ready", True),
        Row("workload", "Deployment a/c", "shop-1", "ready", True),
        Row("workload", "Deployment a/c", "shop-2", "not there", False),
    ]
    assert inspection.table(rows) == [
        "mesh",
        "  shop  cn-hangzhou  running",
        "workload",
        "  Deployment a/b  shop-1, shop-2  ready",
        "  Deployment a/c  shop-1          ready",
        "  Deployment a/c  shop-2          not there  <-- not as in the spec",
    ]
    assert inspection.problems(rows) == ["workload Deployment a/c (shop-2): not there"]


def test_the_table_fits_into_eighty_columns() -> None:
    share = "50 % (declared 50, interval 45.12 to 54.88)"
    state = f"reviews-v1 {share}, reviews-v2 {share}; 807 requests"
    rows = [
        Row("mesh", "bookinfo", "cn-hangzhou", "running, v1.25.6.35, c3f2ae8a1c59e4b1f9f0d9a5c1f2b3a4", True),
        Row("workload", "Deployment bookinfo/productpage-v1", "bookinfo-1", "ready, 1 pod, 1 with sidecar", True),
        Row("workload", "StatefulSet databases/ratings-store", "bookinfo-with-a-long-name", "not there", False),
        Row("check", "the reviews that readers get are shared out as declared", "ingressgateway", state, False),
    ]
    table = inspection.table(rows)
    assert [line for line in table if len(line) > 80] == []
    assert "  Deployment bookinfo/productpage-v1   bookinfo-1                 ready, 1 pod, 1 with sidecar" not in table
    words = " ".join(table).split()
    for row in rows:
        assert all(word in words for word in f"{row.what} {row.name} {row.where} {row.state}".split())
    # The mark stays in one piece, so that it can be searched for.
    assert sum(line.endswith("<-- not as in the spec") for line in table) == 2


def test_a_problem_without_a_place() -> None:
    assert inspection.problems([Row("gateway", "in", "", "not there", False)]) == ["gateway in: not there"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"gateways": ["in"]}, "gateways[0] must be a mapping, it is text."),
        ({"workloads": [{}]}, "workloads[0] has no name."),
        ({"clusters": {}}, "clusters must be a list, it is a mapping."),
        ({"istio_resources": [{"name": "a", "clusters": [[]]}]}, "istio_resources[0].clusters[0] must be a name"),
        ({"mesh": ""}, "mesh is needed"),
    ],
)
def test_odd_parameters_are_errors(fake_cloud: Callable[..., Any], params: dict[str, Any], message: str) -> None:
    with pytest.raises(AsmError) as caught:
        inspect(fake_cloud, **params)
    assert message in caught.value.message


ROUTE = {**identity("VirtualService", "reviews", "networking.istio.io/v1"), "spec": {"hosts": ["reviews"]}}


def described(*objects: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "routes", "clusters": ["shop-1"], "objects": list(objects), "described": True}]


def written(body: dict[str, Any], manager: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "time": "then", "fieldsV1": fields}
    return {**body, **more, "metadata": {**body["metadata"], "managedFields": [entry]}}


def test_content_of_istio_resources(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    patched = written(ROUTE, "kubectl-patch", {"f:spec": {"f:hosts": {}}}, spec={"hosts": ["other"]})
    planes["mesh"] = FakeKube({"virtualservices": [patched]})
    (row,) = inspect(fake_cloud, istio_resources=described(ROUTE))[1:]
    state = "not as described: spec.hosts[0] (kubectl-patch, then)"
    assert row == Row("istio", "VirtualService bookinfo/reviews", "routes", state, False)


def test_what_others_added_is_shown_and_will_do(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    more = {"hosts": ["reviews"], "exportTo": ["."]}
    planes["mesh"] = FakeKube({"virtualservices": [written(ROUTE, "k", {"f:spec": {"f:exportTo": {}}}, spec=more)]})
    (row,) = inspect(fake_cloud, istio_resources=described(ROUTE))[1:]
    assert (row.state, row.ok) == ("present, added by others: spec.exportTo (k, then)", True)


def test_what_a_release_has_shifted_is_as_in_the_spec_and_told(
    fake_cloud: Callable[..., Any], planes: dict[str, Any]
) -> None:
    targets = [{"destination": {"host": "r", "subset": name}, "weight": 0} for name in ("v1", "v2")]
    targets[0]["weight"] = 100
    route = {**ROUTE, "spec": {"hosts": ["reviews"], "http": [{"route": targets}]}}
    options = {"stable": "v1", "canary": "v2"}
    released = FilterModule().filters()["canary_route"](route, options, {"weight": 100}, "2026-01-01T00:00:00Z")
    planes["mesh"] = FakeKube({"virtualservices": [written(released, "meshops.asm", {})]})
    (row,) = inspect(fake_cloud, istio_resources=described(route))[1:]
    said = "v2 has 100 %, described 0 %, by canary of 2026-01-01T00:00:00Z"
    assert (row.state, row.ok) == (f"present, {said}", True)
    other = {**route, "spec": {**route["spec"], "hosts": ["other"]}}
    (row,) = inspect(fake_cloud, istio_resources=described(other))[1:]
    assert (row.state, row.ok) == (f"not as described: spec.hosts[0] (changed), {said}", False)


def test_content_of_workloads(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    service = {**identity("Service", "details", "v1"), "spec": {"selector": {"app": "details"}}}
    other = written(service, "kubectl-edit", {"f:spec": {"f:selector": {}}}, spec={"selector": {"app": "x"}})
    app = {**identity("Deployment", "details"), "spec": {"replicas": 2}}
    planes["shop-1"] = FakeKube({"deployments": [deployment("details")], "services": [other], "pods": [pod("details")]})
    rows = inspect(fake_cloud, workloads=described(app, service))[1:]
    assert [(row.name, row.state, row.ok) for row in rows] == [
        ("Deployment bookinfo/details", "not as described: spec.replicas (changed)", False),
        ("Service bookinfo/details", "not as described: spec.selector.app (kubectl-edit, then)", False),
    ]


def test_a_gateway_with_an_address_that_the_service_complains_of(
    fake_cloud: Callable[..., Any], planes: dict[str, Any]
) -> None:
    attached = [*ATTACHED, {"ClusterId": "k2", "Name": "shop-2", "State": "running"}]
    both = [{"clusterId": one, "ipAddress": "192.0.2.1"} for one in ("k1", "k2")]
    status = {"ClusterIdGatewayAddressMap": both, "ErrorMessage": "cluster k1: address-type cannot be changed"}
    planes["mesh"] = FakeKube({"istiogateways": [{**GATEWAY, "status": status}]})
    rows = inspect(fake_cloud, attached=attached, gateways=[{"name": "in"}])[1:]
    assert [(row.where, row.state, row.ok) for row in rows] == [
        ("shop-1", "192.0.2.1, but: cluster k1: address-type cannot be changed", False),
        ("shop-2", "192.0.2.1", True),
    ]


def test_settings_of_the_mesh_are_compared_when_they_are_given(fake_cloud: Callable[..., Any]) -> None:
    shown = {**MESH, "Spec": {"MeshConfig": {"Telemetry": True}}}
    cloud = fake_cloud(
        DescribeServiceMeshes={"ServiceMeshes": [MESH]},
        DescribeServiceMeshDetail={"ServiceMesh": shown},
        DescribeServiceMeshProxyStatus={"ProxyStatus": []},
        DescribeClustersInServiceMesh={"Clusters": list(ATTACHED)},
    )
    (row,) = inspection.inspect(cloud, {"mesh": "shop", "mesh_options": {"telemetry": True, "version": "v1.25"}})
    assert row == Row("mesh", "shop", "cn-hangzhou", "running, v1.25, c1", True)
    (row,) = inspection.inspect(cloud, {"mesh": "shop", "mesh_options": {"telemetry": False}})
    assert (row.ok, row.state) == (
        False,
        "running, v1.25, c1, not as described: telemetry: true is there, false is described",
    )
    shown["Spec"]["MeshConfig"]["Telemetry"] = [1]
    (row,) = inspection.inspect(cloud, {"mesh": "shop", "mesh_options": {"telemetry": False}})
    assert not row.ok and "is not what it documents" in row.state


def test_settings_of_a_gateway_are_compared(fake_cloud: Callable[..., Any], planes: dict[str, Any]) -> None:
    live = {**GATEWAY, "spec": {"clusterIds": ["k1"], "replicaCount": 2}}
    planes["mesh"] = FakeKube({"istiogateways": [live]})
    item = {"name": "in", "clusters": ["shop-1"], "replicas": 2}
    _mesh, row = inspect(fake_cloud, gateways=[item])
    assert row == Row("gateway", "in", "shop-1", "192.0.2.1", True)
    _mesh, row = inspect(fake_cloud, gateways=[{**item, "replicas": 3}])
    assert (row.ok, row.state) == (
        False,
        "192.0.2.1, not as described: spec.replicaCount: 2 is there, 3 is described",
    )


def test_roles_of_users(fake_cloud: Callable[..., Any]) -> None:
    rows = {"u1": [("c1", "istio-ops"), ("c2", "istio-admin")], "u2": [("c2", "istio-ops")]}

    def listed(SubAccountUserId: str) -> Any:
        return {"Permissions": [{"ResourceId": mesh, "RoleName": role} for mesh, role in rows[SubAccountUserId]]}

    wanted = [
        {"name": "right", "user": "u1", "role": "istio-ops"},
        {"name": "wrong", "user": "u1", "role": "istio-admin"},
        {"name": "none", "user": "u2", "role": "istio-ops"},
    ]
    found = inspect(fake_cloud, user_permissions=wanted, answers={"DescribeUserPermissions": listed})
    assert [row for row in found if row.what == "permission"] == [
        Row("permission", "right", "u1", "istio-ops", True),
        Row("permission", "wrong", "u1", "istio-ops, not istio-admin", False),
        Row("permission", "none", "u2", "no role, not istio-ops", False),
    ]
    denied = AsmError("Denied.", code="Forbidden.RAM")
    *_mesh, row = inspect(fake_cloud, user_permissions=wanted[:1], answers={"DescribeUserPermissions": denied})
    assert row == Row("permission", "right", "u1", "Denied.", False)
    *_mesh, row = inspect(fake_cloud, user_permissions=wanted[:1], meshes=())
    assert (row.state, row.ok) == ("no role, not istio-ops", False)


def test_extension_providers(fake_cloud: Callable[..., Any]) -> None:
    login = {"clientID": "shop", "clientSecret": "hush"}
    configs = {"httpextauth-a": '{"service": "a", "port": 80}', "httpextauth-b": {"service": "b", "oidc": login}}
    listed = {"ExtensionProviderArray": [{"Name": name, "Config": one} for name, one in configs.items()]}
    wanted = [
        {"name": "httpextauth-a", "service": "a", "port": 81},
        {"name": "httpextauth-b", "service": "b", "oidc": {"client_id": "shop", "client_secret": "hush-2"}},
        {"name": "httpextauth-c"},
    ]
    found = inspect(fake_cloud, extension_providers=wanted, answers={"DescribeExtensionProvider": listed})
    assert [row for row in found if row.what == "provider"] == [
        Row("provider", "httpextauth-a", "", "not as described: port: 80 is there, 81 is described", False),
        Row("provider", "httpextauth-b", "", "as described", True),
        Row("provider", "httpextauth-c", "", "not there", False),
    ]
    denied = AsmError("Denied.", code="Forbidden.RAM")
    found = inspect(fake_cloud, extension_providers=wanted[:1], answers={"DescribeExtensionProvider": denied})
    assert Row("provider", "httpextauth-a", "", "Denied.", False) in found


def secret(days: float) -> dict[str, Any]:
    return pair(days=(-9, days)).secret()


@pytest.mark.parametrize(
    ("held", "item", "ok", "words"),
    [
        (secret(20.5), {}, True, "ends in 20 days, at "),
        (secret(14.5), {}, True, "ends in 14 days"),
        (secret(13.5), {}, False, "ends in 13 days, at "),
        (secret(13.5), {"min_days": "10"}, True, "ends in 13 days"),
        (secret(0.5), {"min_days": 0}, True, "ends in 0 days"),
        (secret(-1.5), {"min_days": 0}, False, "ended 2 days ago"),
        (secret(20.5), {"certificate": pair().certificate}, False, "not as described"),
        (secret(20.5), {"certificate": "no certificate"}, True, "ends in 20 days"),
        ({**secret(20.5), "data": {}}, {}, False, "not readable"),
        (secret(20.5) | {"type": "Opaque"}, {}, False, "not readable"),
        (None, {}, False, inspection.ABSENT),
    ],
)
def test_certificates(
    fake_cloud: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, held: Any, item: Any, ok: bool, words: str
) -> None:
    live = {"metadata": {"name": "in"}, "spec": {"clusterIds": ["k1", "k9"]}}
    monkeypatch.setattr(inspection.gateways, "control_plane", lambda *_arguments: FakeKube({"istiogateways": [live]}))

    class Holder:
        def get(self, path: str) -> Any:
            assert path == "/api/v1/namespaces/istio-system/secrets/tls"
            return held

    monkeypatch.setattr(inspection.gateways.ClusterClients, "of", lambda *_arguments: {"k1": ("shop-1", Holder())})
    (_mesh, row) = inspect(fake_cloud, gateway_secrets=[{"name": "tls", "gateway": "in", **item}])
    assert (row.what, row.name, row.where, row.ok) == ("certificate", "tls", "shop-1", ok)
    assert words in row.state
    assert ("less than the" in row.state) is (not ok and row.state.startswith("ends in 13"))


def test_certificates_that_cannot_be_looked_at(
    fake_cloud: Callable[..., Any], planes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"name": "tls", "gateway": "in"}]
    planes["mesh"] = AsmError("The control plane is away.")
    assert inspect(fake_cloud, gateway_secrets=items)[1].state == "The control plane is away."
    assert inspect(fake_cloud, meshes=[], gateway_secrets=items)[1].state == inspection.ABSENT
    planes["mesh"] = FakeKube({"istiogateways": []})
    monkeypatch.setattr(inspection.gateways.ClusterClients, "of", lambda *_arguments: {})
    assert inspect(fake_cloud, gateway_secrets=items)[1].state == "no such gateway"
    planes["mesh"] = FakeKube({"istiogateways": [{"metadata": {"name": "in"}, "spec": {"clusterIds": ["k1"]}}]})
    assert inspect(fake_cloud, gateway_secrets=items)[1].state.startswith("not known")

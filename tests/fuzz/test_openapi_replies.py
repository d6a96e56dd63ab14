# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of the OpenAPI of any shape, through the judge of replies, to everything that reads them."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud import failures
from ansible_collections.meshops.asm.plugins.module_utils.cloud.transport import Reply
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access, clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Changes, changes_between, overlay, put
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, proxies
from ansible_collections.meshops.asm.plugins.module_utils.mesh import upgrade as mesh_upgrade
from ansible_collections.meshops.asm.plugins.module_utils.mesh import versions as mesh_versions
from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.mesh.remains import remains
from ansible_collections.meshops.asm.plugins.module_utils.spec import account as account_checks
from hypothesis import strategies as st

from .harness import fuzz
from .values import anything

_INFO = {"ServiceMeshId": "c1", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running", "Version": "v1.22.6.1"}
_ENDPOINTS = {"PublicApiServerEndpoint": "https://1.2.3.4:6443", "IntranetApiServerEndpoint": "https://10.0.0.1:6443"}
_MESH: dict[str, Any] = {"ServiceMeshInfo": _INFO, "Endpoints": _ENDPOINTS, "Clusters": ["c2"], "Tag": [{"Key": "a"}]}
for _row in MESH_ATTRIBUTES:
    if _row.read:
        put(_MESH, _row.read, {"bool": True, "int": 1, "float": 1.5, "list": '["a"]', "json": {}}.get(_row.type, "a"))
put(_MESH, "Spec.LoadBalancer.ApiServerPublicEipId", "eip-1")
_CLUSTER = {"ClusterId": "c2", "Name": "east", "State": "running", "ForbiddenFlag": 4, "ForbiddenInfo": '["x"]'}
_ACK = {"cluster_id": "c2", "name": "east", "region_id": "cn-hangzhou", "master_url": '{"api_server_endpoint":""}'}
_GATEWAY = {"Status": "finished", "Version": "1.22", "Message": ""}
SAMPLES: dict[str, Any] = {
    "DescribeServiceMeshes": {"ServiceMeshes": [_MESH]},
    "DescribeServiceMeshDetail": {"ServiceMesh": _MESH},
    "DescribeServiceMeshKubeconfig": {"Kubeconfig": "a: b", "ExpireTime": "2026"},
    "DescribeServiceMeshProxyStatus": {"ProxyStatus": [{"ProxyId": "a.b", "RouteSynced": "STALE"}, {}]},
    "DescribeClustersInServiceMesh": {"Clusters": [_CLUSTER]},
    "DescribeServiceMeshClusters": {"Clusters": [_CLUSTER], "NumberOfClusters": 1},
    "DescribeVersions": {"VersionInfo": [{"Edition": "Pro", "Versions": ["v1"]}]},
    "DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}]},
    "DescribeVSwitches": {"VSwitches": [{"VSwitchId": "vsw-1"}]},
    "DescribeUpgradeVersion": {"Version": {"IstioVersion": "v1.23.1.1"}},
    "DescribeServiceMeshUpgradeStatus": {"UpgradeDetail": {"GatewayStatusRecord": {"a/b": _GATEWAY}}},
    "DescribeClustersV1": {"clusters": [_ACK], "page_info": {"total_count": 1}},
    "DescribeClusterUserKubeconfig": {"config": "a: b", "expiration": "2026"},
    "CreateServiceMesh": {"ServiceMeshId": "c1"},
}
#: Codes and messages that may be among a reply's keys.
_ERRORS = {"Code": "200", "Message": "success", "RequestId": "r"}


class Cloud:
    """Every action has one reply; all of them go through the judge, as those of the service do."""

    region = "cn-hangzhou"
    private = None

    def __init__(self, replies: dict[str, Any], status: int = 200) -> None:
        self.replies, self.status = replies, status

    def asm(self, action: str, **parameters: Any) -> Any:
        body = json.dumps(self.replies.get(action)).encode()
        return failures.checked(Reply(self.status, {}, body), failures.Call(action))

    def cs(self, action: str, *path: str, **parameters: Any) -> Any:
        return self.asm(action)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *[found for key, part in inner for found in _paths(part, (*path, key))]]


@st.composite
def replies(draw: Any, *actions: str) -> Any:
    """One reply for each action, right but for a few places, where anything stands."""
    samples = {action: copy.deepcopy({**_ERRORS, **SAMPLES[action]}) for action in actions}
    for path in draw(st.lists(st.sampled_from(_paths(samples)), max_size=3, unique=True)):
        place: Any = samples
        with contextlib.suppress(KeyError, TypeError, IndexError):
            for key in path[:-1]:
                place = place[key]
            if path:
                place[path[-1]] = draw(anything())
    return samples


def each(*readers: Any) -> None:
    """Calls all; one that refuses its input does not keep the others from theirs."""
    refused = None
    for read in readers:
        try:
            read()
        except AsmError as error:
            refused = error
    if refused:
        raise refused


@fuzz(
    status=st.integers(100, 999),
    body=st.one_of(st.binary(max_size=50), anything((*_ERRORS, "code", "AccessDeniedDetail")).map(json.dumps)),
    headers=st.dictionaries(st.sampled_from(["Date", "Location", "x-acs-retry-after"]), st.text(max_size=30)),
    action=st.sampled_from(sorted(SAMPLES)),
    product=st.sampled_from(["asm", "cs"]),
)
def test_any_reply(status: int, body: Any, headers: Any, action: str, product: str) -> None:
    """Status, headers and body of any kind."""
    data = body if isinstance(body, bytes) else body.encode()
    failures.checked(Reply(status, headers, data), failures.Call(action, product))


@fuzz(
    found=replies(
        "DescribeServiceMeshes",
        "DescribeServiceMeshDetail",
        "DescribeServiceMeshKubeconfig",
        "DescribeServiceMeshProxyStatus",
    ),
    name=st.sampled_from(["shop", "c1", "other"]),
)
def test_meshes(found: Any, name: str) -> None:
    """Lists and descriptions of meshes."""
    cloud: Any = Cloud(found)
    params = {"name": "shop", "api_server_public_eip": None, "api_server_eip_id": None, "pilot_eip_id": None}
    for row in MESH_ATTRIBUTES:
        put(params, row.option, {"bool": False, "int": 2, "list": ["a"], "csv": ["b"], "json": {}}.get(row.type))

    def described() -> None:
        mesh = meshes.describe_mesh(cloud, "c1")
        seen = {"detail": mesh, "tags": {}}
        meshes.state_progress(mesh)
        before = mesh_view.view(seen)
        json.dumps(before, allow_nan=False)
        remains(mesh_view.settings(seen), {}, [], {}, [], None)
        overlay(MESH_ATTRIBUTES, before, params)
        with contextlib.suppress(AsmError):
            changes_between(MESH_ATTRIBUTES, params, mesh, "Mesh")
        mesh_view.plan_addresses(params, mesh, Changes())

    def listed() -> None:
        mesh = meshes.require_mesh(cloud, name)
        mesh_view.whole(cloud, mesh)
        meshes.state_progress(mesh)
        access.mesh_kubeconfig(cloud, name)

    def connected() -> None:
        assert proxies.look(cloud, "c1").text

    each(described, listed, connected, lambda: access.fetch_mesh_kubeconfig(cloud, _MESH))


@fuzz(
    found=replies(
        "DescribeClustersInServiceMesh",
        "DescribeServiceMeshClusters",
        "DescribeClustersV1",
        "DescribeClusterUserKubeconfig",
        "DescribeServiceMeshDetail",
    ),
    name=st.sampled_from(["east", "c2", "other"]),
)
def test_clusters(found: Any, name: str) -> None:
    """Clusters of a mesh, candidates, clusters of Container Service and their kubeconfigs."""
    cloud: Any = Cloud(found)

    def attached() -> None:
        known = clusters.attached(cloud, "c1")
        clusters.state_progress(known, ["c2"], ["c3"])
        clusters.names(known)
        json.dumps([clusters.as_user_sees(one) for one in known], allow_nan=False)
        clusters.Membership(cloud, "c1", ["c2"], []).look()

    def candidates() -> None:
        clusters.refusal(clusters.require(clusters.candidates(cloud, "c1"), name), "c1")

    each(attached, candidates, lambda: access.cluster_kubeconfig(cloud, name))


@fuzz(
    found=replies(
        "DescribeVersions",
        "DescribeVpcs",
        "DescribeVSwitches",
        "DescribeUpgradeVersion",
        "DescribeServiceMeshUpgradeStatus",
        "DescribeServiceMeshDetail",
        "CreateServiceMesh",
    )
)
def test_account(found: Any) -> None:
    """Versions on offer, networks, upgrades."""
    cloud: Any = Cloud(found)
    mesh = {"vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"], "version": "v1"}
    each(
        lambda: mesh_versions.offered(mesh_versions.offers(cloud)),
        lambda: account_checks._check_network(cloud, mesh, account_checks.Findings()),
        lambda: mesh_upgrade.offered(cloud, "c1"),
        lambda: mesh_upgrade.version_progress(cloud, "c1", "v1.23.1.1"),
        lambda: mesh_upgrade.gateways_progress(cloud, "c1", ("a/b",)),
        lambda: cloud.asm("CreateServiceMesh")["ServiceMeshId"],
    )

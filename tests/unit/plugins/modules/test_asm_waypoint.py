# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waypoints: whose they are, what is compared, and what is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import reconcile
from ansible_collections.meshops.asm.plugins.module_utils.gateway import waypoints
from ansible_collections.meshops.asm.plugins.modules import asm_waypoint_info
from ansible_collections.meshops.asm.plugins.modules.asm_waypoint import Waypoint

MESH = {"ServiceMeshInfo": {"ServiceMeshId": "cm", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}}
CLUSTERS = [{"ClusterId": "c1", "Name": "shop-1"}, {"ClusterId": "c2", "Name": "shop-2"}]
DEFAULTS = {"Replicas": "1", "HPAEnabled": "false", "RequestCPU": "100m", "LimitCPU": ""}
ABOUT = {"cluster": "shop-1", "namespace": "n"}


class Site:
    """The waypoints of clusters, two a page, every value text; a change that is not sent is a reset to the default."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {"c1": [], "c2": []}

    def CreateWaypoint(self, ServiceMeshId: str, ClusterId: str, Namespace: str, **sent: Any) -> Any:
        account = sent.pop("ServiceAccount", "")
        named = {"Name": account or "namespace", "Namespace": Namespace, "ServiceAccount": account}
        self.rows[ClusterId].append({**named, **DEFAULTS, **{key: str(value) for key, value in sent.items()}})
        return {}

    def UpdateWaypoint(self, ServiceMeshId: str, ClusterId: str, Namespace: str, Name: str, **sent: Any) -> Any:
        row = self._row(ClusterId, Namespace, Name)
        row.update({**DEFAULTS, **{key: str(value) for key, value in sent.items()}})
        return {}

    def DeleteWaypoint(self, ServiceMeshId: str, ClusterId: str, Namespace: str, Name: str) -> Any:
        self.rows[ClusterId].remove(self._row(ClusterId, Namespace, Name))
        return {}

    def ListWaypoints(self, ClusterId: str, Continue: str = "0", **_asked: Any) -> Any:
        start, rows = int(Continue), self.rows[ClusterId]
        return {"Waypoints": rows[start : start + 2], "Continue": str(start + 2) if start + 2 < len(rows) else ""}

    def _row(self, cluster: str, namespace: str, name: str) -> Any:
        (row,) = [one for one in self.rows[cluster] if (one["Namespace"], one["Name"]) == (namespace, name)]
        return row


@pytest.fixture
def cloud_of(fake_cloud: Callable[..., Any]) -> Callable[..., Any]:
    def build(site: Site, meshes: Any = (MESH,)) -> Any:
        known = {
            "DescribeServiceMeshes": {"ServiceMeshes": list(meshes)},
            "DescribeServiceMeshDetail": {"ServiceMesh": MESH},
            "DescribeClustersInServiceMesh": {"Clusters": CLUSTERS},
        }
        return fake_cloud(**known, **{name: getattr(site, name) for name in dir(site) if name[0].isupper()})

    return build


@pytest.fixture
def run(cloud_of: Callable[..., Any], clock: Any) -> Callable[..., Any]:
    def build(site: Site, *, check: bool = False, meshes: Any = (MESH,), **given: Any) -> Any:
        cloud = cloud_of(site, meshes)
        spec = {**Waypoint.options, "state": {"default": "present"}, "wait_timeout": {"type": "int", "default": 5}}
        checked = ArgumentSpecValidator(spec).validate({"mesh": "shop", **ABOUT, **given})
        assert not checked.error_messages
        resource = Waypoint(checked.validated_parameters, cloud)
        return reconcile(resource, check=check, clock=clock, timeout=5), cloud

    return build


def test_its_life(run: Callable[..., Any]) -> None:
    site = Site()
    predicted, cloud = run(site, check=True, replicas=2)
    assert (predicted.value["replicas"], predicted.value["name"], cloud.written()) == (2, "namespace", [])
    done, cloud = run(site, replicas=2)
    (sent,) = cloud.sent("CreateWaypoint")
    assert sent == {"ServiceMeshId": "cm", "ClusterId": "c1", "Namespace": "n", "Replicas": 2}
    assert (done.value["cluster"], done.value["resources"]["limits"]) == ("shop-1", {"cpu": None, "memory": None})
    assert run(site, replicas=2)[1].written() == []
    assert run(site)[1].written() == []
    # As much, in another spelling.
    assert run(site, resources={"requests": {"cpu": "0.1"}})[1].written() == []
    done, cloud = run(site, autoscaling={"enabled": True, "max_replicas": 4})
    assert cloud.written() == ["UpdateWaypoint"]
    assert (done.value["replicas"], done.value["autoscaling"]["max_replicas"]) == (2, 4)
    assert done.plan.after == done.value
    done, cloud = run(site, state="absent")
    assert (done.value, cloud.written(), site.rows["c1"]) == (None, ["DeleteWaypoint"], [])
    assert run(site, state="absent")[1].written() == []


def test_each_service_account_has_its_own_on_whichever_page(run: Callable[..., Any]) -> None:
    site = Site()
    for account in ("a", "b", "c"):
        run(site, service_account=account)
    run(site)
    run(site, cluster="c2")
    done, cloud = run(site, service_account="c", replicas=3)
    assert (done.value["service_account"], cloud.sent("UpdateWaypoint")[0]["Name"]) == ("c", "c")
    run(site, service_account="a", state="absent")
    assert [row["Name"] for row in site.rows["c1"]] == ["b", "c", "namespace"]
    assert len(site.rows["c2"]) == 1


def test_clusters_and_meshes_that_are_not_there(run: Callable[..., Any]) -> None:
    with pytest.raises(NotFound, match=r"not attached to mesh 'shop' \(attached: shop-1, shop-2\)"):
        run(Site(), cluster="shop-9")
    assert not run(Site(), cluster="shop-9", state="absent")[0].changed
    predicted, _cloud = run(Site(), check=True, meshes=())
    assert predicted.plan.warnings == ("Mesh 'shop' does not exist yet.",)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"resources": {"limits": {"cpu": "much"}}}, "resources.limits.cpu is no quantity"),
        ({"replicas": -1}, "replicas must not be negative"),
        ({"autoscaling": {"min_replicas": 3, "max_replicas": 2}}, "min_replicas 3 is more than max_replicas 2"),
        ({"namespace": "a/b"}, "no name that Kubernetes takes"),
        ({"service_account": "A"}, "no name that Kubernetes takes"),
    ],
)
def test_bad_input(run: Callable[..., Any], given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        run(Site(), **given)


def test_info_lists_those_of_all_clusters_or_of_one(run: Callable[..., Any], cloud_of: Callable[..., Any]) -> None:
    site = Site()
    for cluster, namespace in (("shop-2", "n"), ("shop-1", "n"), ("shop-1", "m")):
        run(site, cluster=cluster, namespace=namespace)

    def read(**given: Any) -> list[tuple[str, str]]:
        params = {"mesh": "shop", "cluster": None, "namespace": None, **given}
        return [(one["cluster"], one["namespace"]) for one in asm_waypoint_info.read(params, cloud_of(site))]

    assert read() == [("shop-1", "m"), ("shop-1", "n"), ("shop-2", "n")]
    assert read(cluster="c1", namespace="n") == [("shop-1", "n")]
    with pytest.raises(NotFound):
        read(cluster="shop-9")


def test_a_list_that_does_not_end(fake_cloud: Callable[..., Any]) -> None:
    cloud = fake_cloud(ListWaypoints={"Waypoints": [], "Continue": "again"})
    with pytest.raises(AsmError, match="the list goes on"):
        waypoints.listed(cloud, "cm", "c1", None)

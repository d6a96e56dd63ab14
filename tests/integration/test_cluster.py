# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_cluster and asm_cluster_info: clusters come to the shared mesh and leave it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Shop
from .labs import Lab
from .runner import Runner

BOTH = [{"name": "shop-1"}, {"name": "shop-2"}]


@pytest.fixture
def guests(lab: Lab, run: Runner, shop: Shop) -> Iterator[None]:
    """Whatever a test attaches is detached after it, pass or fail."""
    yield
    if lab.attached(shop.name) != {"shop-1", "shop-2"}:
        run("asm_cluster", mesh=shop.name, clusters=BOTH, purge=True)


def test_a_third_cluster_is_one_add_and_no_remove(lab: Lab, run: Runner, shop: Shop, guests: None) -> None:
    third = lab.cluster_id("shop-3")
    since = lab.mark()
    done = run.converge("asm_cluster", mesh=shop.name, clusters=[*BOTH, {"name": "shop-3"}], purge=True)
    (request,) = lab.writes(since)
    assert request["action"] == "AddClusterIntoServiceMesh"
    assert request["parameters"] == {"ServiceMeshId": shop.id, "ClusterId": third}
    assert (done["attached"], done["detached"]) == (["shop-3"], [])
    states = {one["name"]: one["state"] for one in done["clusters"]}
    assert states == dict.fromkeys(("shop-1", "shop-2", "shop-3"), "running")
    assert done["diff"]["after"] == {"clusters": ["shop-1", "shop-2", "shop-3"]}

    since = lab.mark()
    done = run.converge("asm_cluster", mesh=shop.id, clusters=[{"id": shop.one}, {"name": "shop-2"}], purge=True)
    (request,) = lab.writes(since)
    assert request["action"] == "RemoveClusterFromServiceMesh"
    assert request["parameters"]["ClusterId"] == third
    assert (done["attached"], done["detached"]) == ([], ["shop-3"])
    assert lab.kube(third).find("/api/v1/namespaces/istio-system") is None


def test_absent_detaches_what_is_named_and_can_keep_the_namespace(
    lab: Lab, run: Runner, shop: Shop, guests: None
) -> None:
    third = lab.cluster_id("shop-3")
    run("asm_cluster", mesh=shop.name, clusters=[{"name": "shop-3", "discovery_only": True}])
    since = lab.mark()
    done = run.converge(
        "asm_cluster", mesh=shop.name, clusters=[{"name": "shop-3"}], state="absent", reserve_namespace=True
    )
    assert done["detached"] == ["shop-3"]
    (sent,) = lab.sent(since, "RemoveClusterFromServiceMesh")
    assert sent == {"ServiceMeshId": shop.id, "ClusterId": third, "ReserveNamespace": True}
    assert lab.kube(third).find("/api/v1/namespaces/istio-system") is not None
    lab.kube(third).delete("/api/v1/namespaces/istio-system")
    lab.wait_for(lambda: lab.kube(third).find("/api/v1/namespaces/istio-system") is None, "the namespace to be gone")


def test_gateways_leave_a_cluster_that_is_detached(lab: Lab, run: Runner, shop: Shop, guests: None) -> None:
    """Nothing stays behind in the cluster that costs money, and a gateway is not taken away unasked."""
    gate = "it-leaving"
    service = f"/api/v1/namespaces/istio-system/services/istio-{gate}"
    third = lab.cluster_id("shop-3")
    run("asm_cluster", mesh=shop.name, clusters=[{"name": "shop-3"}])
    before = lab.billed("load_balancer")
    run("asm_gateway", mesh=shop.name, name=gate, clusters=["shop-3"], ports=[{"name": "http", "port": 8282}])
    try:
        with lab.unwritten():
            run.refused("asm_cluster", f"Gateway '{gate}'", "shop-3 only", mesh=shop.name, clusters=BOTH, purge=True)
        run("asm_gateway", mesh=shop.name, name=gate, clusters=["shop-1", "shop-3"])
        assert len(lab.billed("load_balancer")) == len(before) + 2
        done = run.converge("asm_cluster", mesh=shop.name, clusters=BOTH, purge=True)
        assert (done["detached"], done["released"]) == (["shop-3"], {gate: ["shop-3"]})
        assert done["diff"]["after"]["gateways"] == {gate: ["shop-1"]}
        assert lab.kube(third).find(service) is None
        assert len(lab.billed("load_balancer")) == len(before) + 1
    finally:
        run("asm_gateway", mesh=shop.name, name=gate, state="absent")


def test_attached_clusters_need_no_write(run: Runner, shop: Shop) -> None:
    result = run.settled("asm_cluster", mesh=shop.name, clusters=BOTH)
    assert (result["attached"], result["detached"]) == ([], [])


def test_info_tells_who_is_in_and_why_others_cannot_join(lab: Lab, run: Runner, shop: Shop) -> None:
    with lab.unwritten():
        inside = run("asm_cluster_info", mesh=shop.name)["clusters"]
        known = run("asm_cluster_info", mesh=shop.name, candidates=True)["clusters"]
    assert [(one["name"], one["attached"], one["refusal"]) for one in inside] == [
        ("shop-1", True, None),
        ("shop-2", True, None),
    ]
    refusals = {one["name"]: one["refusal"] for one in known}
    assert refusals["branch-1"] is None
    assert "CEN" in refusals["island-no-cen"]
    assert "administrator" in refusals["shop-not-admin"]
    assert "overlap" in refusals["shop-cidr-conflict"]
    assert "istio-system" in refusals["shop-has-istio"]
    assert "unavailable" in refusals["shop-stopped"]
    assert "another" not in refusals and "one mesh only" in refusals["north-in-other-mesh"]


def test_a_cluster_with_an_istio_of_its_own_can_be_taken_over(lab: Lab, run: Runner, shop: Shop, guests: None) -> None:
    cluster = {"name": "shop-has-istio", "ignore_namespace_check": True}
    since = lab.mark()
    done = run.converge("asm_cluster", mesh=shop.name, clusters=[cluster])
    assert done["attached"] == ["shop-has-istio"]
    assert lab.sent(since, "AddClusterIntoServiceMesh")[0]["IgnoreNamespaceCheck"] is True
    run("asm_cluster", mesh=shop.name, clusters=[cluster], state="absent", reserve_namespace=True)


def test_a_cluster_outside_of_ack_joins_by_its_kubeconfig(lab: Lab, run: Runner, shop: Shop, guests: None) -> None:
    garage = lab.cluster_id("garage")
    text = lab.control.kubeconfig("garage")
    cluster: dict[str, Any] = {"name": garage, "kubeconfig": text}
    run("asm_mesh", name=shop.name, pilot_eip_id="eip-lab-2")
    since = lab.mark()
    joined = run.start("asm_cluster", mesh=shop.name, clusters=[cluster]).result()
    assert joined["attached"] == [garage], joined
    (sent,) = lab.sent(since, "AddClusterIntoServiceMesh")
    assert sent["Kubeconfig"] == "********"
    key = text.split("client-key-data: ")[1].split()[0]
    assert key not in str(joined)
    run.settled("asm_cluster", mesh=shop.name, clusters=[{"name": "garage"}])
    run("asm_cluster", mesh=shop.name, clusters=[{"name": "garage"}], state="absent")
    run("asm_mesh", name=shop.name, pilot_eip_id="")

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_gateway and asm_gateway_info: gateways of their own in the shared mesh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Shop
from .labs import Lab
from .runner import Runner

NAME = "it-gate"
SERVICE = f"/api/v1/namespaces/istio-system/services/istio-{NAME}"
DEPLOYMENT = f"/apis/apps/v1/namespaces/istio-system/deployments/istio-{NAME}"
OBJECT = f"/apis/istio.alibabacloud.com/v1beta1/namespaces/istio-system/istiogateways/{NAME}"
PREFIX = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"

OPTIONS: dict[str, Any] = {
    "name": NAME,
    "clusters": ["shop-1", "shop-2"],
    "load_balancer": {"address_type": "internet", "spec": "slb.s1.small"},
    "ports": [{"name": "http", "port": 80}, {"name": "tls", "port": 9443, "target_port": 9444}],
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    "pod_labels": {"tier": "edge"},
    "overrides": [{"cluster": "shop-2", "load_balancer": {"address_type": "intranet"}, "replicas": 2}],
}


@pytest.fixture(scope="module")
def gateway(lab: Lab, run: Runner, shop: Shop) -> Iterator[dict[str, Any]]:
    """The gateway, deployed; the tests of this file come in the order of its life."""
    since = lab.mark()
    try:
        done = run.converge("asm_gateway", mesh=shop.name, **OPTIONS)
        yield {**done, "api": lab.writes(since), "kube": lab.kube_writes(since, shop.id)}
    finally:
        run("asm_gateway", mesh=shop.name, name=NAME, state="absent")


def test_a_gateway_has_an_address_in_every_cluster(gateway: dict[str, Any], lab: Lab, shop: Shop) -> None:
    made = gateway["gateway"]
    assert made["clusters"] == ["shop-1", "shop-2"]
    for name, cluster_id in (("shop-1", shop.one), ("shop-2", shop.two)):
        service = lab.kube(cluster_id).get(SERVICE)
        ingress = [entry["ip"] for entry in service["status"]["loadBalancer"]["ingress"]]
        assert made["addresses"][name] == ingress
    assert gateway["diff"]["before"] == {}
    assert gateway["api"] == []
    assert len(gateway["kube"]) == 1


def test_a_gateway_is_what_the_options_say(gateway: dict[str, Any], lab: Lab, shop: Shop) -> None:
    one, two = lab.kube(shop.one), lab.kube(shop.two)
    ports = [(port["name"], port["port"], port["targetPort"]) for port in one.get(SERVICE)["spec"]["ports"]]
    assert ports == [("http", 80, 8080), ("tls", 9443, 9444)]
    assert one.get(SERVICE)["metadata"]["annotations"][f"{PREFIX}address-type"] == "internet"
    assert two.get(SERVICE)["metadata"]["annotations"] == {
        f"{PREFIX}address-type": "intranet",
        f"{PREFIX}spec": "slb.s1.small",
    }
    assert (one.get(DEPLOYMENT)["spec"]["replicas"], two.get(DEPLOYMENT)["spec"]["replicas"]) == (1, 2)
    template = one.get(DEPLOYMENT)["spec"]["template"]
    assert template["metadata"]["labels"]["tier"] == "edge"
    assert template["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "50m", "memory": "64Mi"}


def test_unset_options_and_those_that_hold_already_are_no_change(
    gateway: dict[str, Any], run: Runner, shop: Shop
) -> None:
    run.settled("asm_gateway", mesh=shop.name, name=NAME, pod_labels={"tier": "edge"}, clusters=["shop-2", "shop-1"])


def test_a_change_is_one_patch_of_what_differs(gateway: dict[str, Any], lab: Lab, run: Runner, shop: Shop) -> None:
    since = lab.mark()
    done = run.converge("asm_gateway", mesh=shop.name, name=NAME, replicas=3)
    assert len(lab.kube_writes(since)) == 1
    before, after = done["diff"]["before"]["spec"], done["diff"]["after"]["spec"]
    assert {key for key in after if after[key] != before.get(key)} == {"replicaCount"}
    # The task has waited for the pods itself. The second cluster has a number of its own.
    for cluster, pods in ((shop.one, 3), (shop.two, 2)):
        assert ready_pods(lab, cluster) == pods


def ready_pods(lab: Lab, cluster: str) -> int:
    """How many pods the gateway has, all of them as its Deployment is now; -1 while it is not so far."""
    found = lab.kube(cluster).get(DEPLOYMENT)
    status = found["status"]
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    seen = status["observedGeneration"] == found["metadata"]["generation"]
    return int(counts.pop()) if seen and counts == {found["spec"]["replicas"]} else -1


def test_other_pods_and_ports_are_there_when_the_task_ends(
    gateway: dict[str, Any], lab: Lab, run: Runner, shop: Shop
) -> None:
    before = lab.kube(shop.one).get(DEPLOYMENT)["metadata"]["generation"]
    ports = [*OPTIONS["ports"], {"name": "more", "port": 9500, "target_port": 9500}]
    limits = {"requests": {"cpu": "60m", "memory": "64Mi"}}
    run.converge("asm_gateway", mesh=shop.name, name=NAME, resources=limits, ports=ports, replicas=1)
    assert lab.kube(shop.one).get(DEPLOYMENT)["metadata"]["generation"] > before
    assert (ready_pods(lab, shop.one), ready_pods(lab, shop.two)) == (1, 2)
    assert 9500 in [port["port"] for port in lab.kube(shop.one).get(SERVICE)["spec"]["ports"]]


def test_pods_that_do_not_follow_end_in_a_failure_that_names_them(
    gateway: dict[str, Any], lab: Lab, run: Runner, shop: Shop
) -> None:
    options = {"mesh": shop.name, "name": NAME, "node_selector": {"meshops.example/nowhere": "yes"}}
    failed = run.failing("asm_gateway", f"of gateway '{NAME}' in shop-", **options, wait_timeout=3)
    assert failed["changed"]
    # The next run waits for the same, though nothing is left to write.
    again = run.failing("asm_gateway", f"of gateway '{NAME}' in shop-", **options, wait_timeout=1)
    assert not again["changed"]
    assert run("asm_gateway", **options, wait=False)["changed"] is False
    run.converge("asm_gateway", **{**options, "node_selector": {}})
    assert (ready_pods(lab, shop.one), ready_pods(lab, shop.two)) == (1, 2)


def test_what_an_option_gives_as_a_whole_can_shrink(gateway: dict[str, Any], lab: Lab, run: Runner, shop: Shop) -> None:
    run.converge("asm_gateway", mesh=shop.name, name=NAME, pod_labels={"zone": "a"}, ports=OPTIONS["ports"][:1])
    spec = lab.kube(shop.id).get(OBJECT)["spec"]
    assert spec["podLabels"] == {"zone": "a"}
    assert [port["name"] for port in spec["ports"]] == ["http"]


def test_a_cluster_can_be_taken_out(gateway: dict[str, Any], lab: Lab, run: Runner, shop: Shop) -> None:
    done = run.converge("asm_gateway", mesh=shop.name, name=NAME, clusters=["shop-1"])
    assert done["gateway"]["clusters"] == ["shop-1"]
    assert lab.kube(shop.two).find(SERVICE) is None


def test_info_reads_one_gateway_or_all(gateway: dict[str, Any], lab: Lab, run: Runner, shop: Shop) -> None:
    with lab.unwritten():
        one = run("asm_gateway_info", mesh=shop.name, name=NAME)["gateways"]
        every = run("asm_gateway_info", mesh=shop.id)["gateways"]
        none = run("asm_gateway_info", mesh=shop.name, name="it-nothing")["gateways"]
    assert [found["name"] for found in one] == [NAME]
    assert one[0] == run("asm_gateway", mesh=shop.name, name=NAME)["gateway"]
    assert NAME in [found["name"] for found in every]
    assert none == []


def test_a_load_balancer_of_ones_own_is_reused_and_stays(lab: Lab, run: Runner, shop: Shop) -> None:
    name = "it-reused"
    options = {
        "name": name,
        "clusters": ["shop-1"],
        "load_balancer": {"id": "lb-lab-shared", "force_override_listeners": True},
        "ports": [{"name": "http", "port": 8181}],
    }
    done = run("asm_gateway", mesh=shop.name, **options)
    shared = lab.control.records("load_balancers")["lb-lab-shared"]
    assert done["gateway"]["addresses"] == {"shop-1": [shared["address"]]}
    assert "8181/tcp" in shared["listeners"]
    run("asm_gateway", mesh=shop.name, name=name, state="absent")
    shared = lab.control.records("load_balancers")["lb-lab-shared"]
    assert shared["listeners"] == {}


def test_removal_waits_until_the_load_balancers_are_released(
    gateway: dict[str, Any], lab: Lab, run: Runner, shop: Shop
) -> None:
    since = lab.mark()
    done = run.converge("asm_gateway", mesh=shop.name, name=NAME, state="absent")
    assert [line.split()[0] for line in lab.kube_writes(since)] == ["delete"]
    assert done["gateway"] is None
    for cluster_id in (shop.one, shop.two):
        assert lab.kube(cluster_id).find(SERVICE) is None
    used = [user for row in lab.billed("load_balancer") for user in row["used_by"]]
    assert not [user for user in used if NAME in user]

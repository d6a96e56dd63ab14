# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waypoints by the service's API, in a mesh of their own with the Gateway API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .labs import VPC, VSWITCH, Lab
from .runner import Runner

MESH = "it-waypoints"
ABOUT = {"mesh": MESH, "cluster": "shop-3", "namespace": "default"}
GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways"


@pytest.fixture(scope="module")
def mesh(lab: Lab, run: Runner) -> Iterator[str]:
    """Its id; the tests of this file come in the order of the life of a waypoint."""
    try:
        run("asm_mesh", name=MESH, vpc_id=VPC, vswitch_ids=[VSWITCH], api_server_public_eip=True)
        run("asm_cluster", mesh=MESH, clusters=[{"name": "shop-3"}])
        yield lab.mesh_id(MESH)
    finally:
        run("asm_mesh", name=MESH, state="absent", detach_clusters=True)


def test_a_mesh_without_the_gateway_api_says_so(mesh: str, run: Runner) -> None:
    run.failing("asm_waypoint", "CreateWaypoint", "need the Gateway API", **ABOUT)
    run("asm_mesh", name=MESH, gateway_api_enabled=True)


def test_a_waypoint_is_a_gateway_of_its_class(mesh: str, lab: Lab, run: Runner) -> None:
    made = run.converge("asm_waypoint", **ABOUT, replicas=2)["waypoint"]
    assert (made["name"], made["replicas"], made["service_account"]) == ("namespace", 2, None)
    live = lab.kube(mesh).get(f"{GATEWAYS}/namespace")
    assert live["spec"]["gatewayClassName"] == "istio-waypoint"


def test_only_what_differs_is_a_change(mesh: str, lab: Lab, run: Runner) -> None:
    run.settled("asm_waypoint", **ABOUT)
    since = lab.mark()
    changed = run.converge("asm_waypoint", **ABOUT, autoscaling={"enabled": True, "min_replicas": 2, "max_replicas": 4})
    assert [entry["action"] for entry in lab.writes(since)] == ["UpdateWaypoint"]
    assert (changed["waypoint"]["autoscaling"]["max_replicas"], changed["waypoint"]["replicas"]) == (4, 2)
    run.settled("asm_waypoint", **ABOUT, resources={"requests": {"cpu": "0.1"}})
    run.converge("asm_waypoint", **ABOUT, service_account="reviews")
    listed = run("asm_waypoint_info", mesh=MESH)["waypoints"]
    assert [(one["name"], one["cluster"]) for one in listed] == [("namespace", "shop-3"), ("reviews", "shop-3")]


def test_bad_input_changes_nothing(mesh: str, run: Runner) -> None:
    run.refused("asm_waypoint", "not attached", "shop-3", **{**ABOUT, "cluster": "it-nothing"})
    run.refused("asm_waypoint", "min_replicas 3", **ABOUT, autoscaling={"min_replicas": 3, "max_replicas": 2})
    run.refused("asm_waypoint", "resources.limits.cpu", **ABOUT, resources={"limits": {"cpu": "much"}})
    run.refused("asm_waypoint", "no name that Kubernetes takes", **{**ABOUT, "namespace": "a/b"})
    run.refused("asm_waypoint_info", "'it-nothing'", mesh=MESH, cluster="it-nothing")


def test_they_go_one_by_one(mesh: str, lab: Lab, run: Runner) -> None:
    run.converge("asm_waypoint", **ABOUT, state="absent")
    assert [one["metadata"]["name"] for one in lab.kube(mesh).list(GATEWAYS)] == ["reviews"]
    run.converge("asm_waypoint", **ABOUT, service_account="reviews", state="absent")
    assert run("asm_waypoint_info", mesh=MESH, cluster="shop-3", namespace="default")["waypoints"] == []

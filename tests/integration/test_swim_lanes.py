# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swim lanes with real traffic: a request stays in its lane, or falls back to the baseline.

The reviews of each lane show the stars of the ratings that they reach; those of the lane green always fail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .labs import Lab
from .playing import EXAMPLE, changing
from .runner import Runner
from .traffic import Bookinfo

HOST = "lanes.example"
SPACE = "lanes"
REVIEWS = f"reviews.{SPACE}.svc.cluster.local"
SERVICES = [f"{SPACE}/reviews", f"{SPACE}/ratings"]
TAG = "ASM_TRAFFIC_TAG"
MADE = "/apis/networking.istio.io/v1"

Json = dict[str, Any]


def deployment(app: str, lane: str, **environment: str) -> Json:
    labels = {"app": app, TAG: lane}
    container = {
        "name": app,
        "image": f"docker.io/istio/examples-bookinfo-{app}-{'v3' if app == 'reviews' else 'v1'}:1.20.3",
        "ports": [{"containerPort": 9080}],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{lane}-{app}", "namespace": SPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def service(app: str) -> Json:
    spec = {"selector": {"app": app}, "ports": [{"name": "http", "port": 9080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": app, "namespace": SPACE}, "spec": spec}


APPS = [
    service("reviews"),
    service("ratings"),
    deployment("reviews", "blue"),
    deployment("reviews", "green"),
    deployment("ratings", "blue"),
    deployment("ratings", "green", LAB_ERROR_RATE="1"),
]
GATEWAY = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "lanes", "namespace": SPACE},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [HOST]}],
    },
}


def rule(lane: str = "", **more: Any) -> Json:
    """Into the lane that the header names; without a name every request."""
    headers = {"headers": [{"name": "x-asm-prefer-tag", "exact": lane}]} if lane else {}
    return {"name": lane or "others", "hosts": [HOST], "host": REVIEWS, **headers, **more}


class Site:
    """Two applications in two versions each, and what a request to them meets."""

    def __init__(self, book: Bookinfo) -> None:
        self.book, self.run, self.lab = book, book.run, book.lab
        self.kube = book.lab.kube(book.lab.mesh_id("bookinfo"))

    def meets(self, reviews: str, stars: str, lane: str = "", **more: Any) -> None:
        """Every request (with the header of a lane) gets to these reviews, with or without stars."""
        asked = {
            "path": "/reviews/0",
            "host": HOST,
            **({"headers": {"x-asm-prefer-tag": lane}} if lane else {}),
            **more,
        }
        self.book.holds(by={"regex": r'"podname":\s*"(\w+)-reviews'}, expect={"split": {reviews: 100}}, **asked)
        self.book.holds(by={"regex": "(color|unavailable)"}, expect={"split": {stars: 100}}, **asked)

    def lane(self, name: str, **more: Any) -> Json:
        return self.run.converge("asm_swim_lane", mesh="bookinfo", group="it", name=name, label_value=name, **more)

    def gone(self, *lanes: str) -> None:
        """Takes the lanes and the group away; nothing that was made for them stays."""
        for name in lanes:
            self.run("asm_swim_lane", mesh="bookinfo", group="it", name=name, state="absent")
        self.run("asm_swim_lane_group", mesh="bookinfo", name="it", state="absent")
        self.lab.wait_for(lambda: not self.made(), "the routes of the lanes to be gone", 30)

    def made(self) -> list[str]:
        listed = [one for kind in ("virtualservices", "destinationrules") for one in self.kube.list(f"{MADE}/{kind}")]
        names = [one["metadata"]["name"] for one in listed]
        return [name for name in names if name.startswith("swimlane-it-")]


@pytest.fixture(scope="module")
def site(lab: Lab, run: Runner, book: Bookinfo) -> Iterator[Site]:
    run("asm_namespace", mesh="bookinfo", name=SPACE, injection="enabled")
    cluster = lab.kube(lab.cluster_id("shop-1"))
    space = {"metadata": {"name": SPACE, "labels": {"istio-injection": "enabled"}}, "apiVersion": "v1"}
    cluster.apply(f"/api/v1/namespaces/{SPACE}", {**space, "kind": "Namespace"})
    run("asm_workload", cluster="shop-1", definition=APPS, require_sidecar=True)
    run("istio_resource", mesh="bookinfo", definition=GATEWAY)
    found = Site(book)
    yield found
    for lane in ("green", "blue"):
        run("asm_swim_lane", mesh="bookinfo", group="it", name=lane, state="absent")
    run("asm_swim_lane_group", mesh="bookinfo", name="it", state="absent")
    run("asm_namespace", mesh="bookinfo", name=SPACE, state="absent")
    cluster.delete(f"/api/v1/namespaces/{SPACE}")


def test_a_request_stays_in_its_lane(lab: Lab, run: Runner, site: Site) -> None:
    group = {"mesh": "bookinfo", "name": "it", "gateway": "lanes", "gateway_namespace": SPACE, "services": SERVICES}
    run.failing("asm_swim_lane_group", "there is no Gateway nowhere", **{**group, "gateway": "nowhere"})
    run.converge("asm_swim_lane_group", **group)
    site.lane("green", ingress_rules=[rule("green")])
    since = lab.mark()
    site.lane("blue", ingress_rules=[rule()])
    assert [one["action"] for one in lab.writes(since)] == ["CreateSwimLane"]
    assert [line.split("?")[0] for line in lab.kube_writes(since)] == [
        "patch /apis/istio.alibabacloud.com/v1/asmswimlanes/blue"
    ]
    site.meets("green", "unavailable", "green")
    site.meets("blue", "color")
    site.meets("blue", "color", "red")
    # Another rule of the gateway: the lane is the sender's, whatever the header says.
    site.lane("green", ingress_rules=[rule("green", headers=[{"name": "x-test", "exact": "yes"}])])
    site.meets("green", "unavailable", "blue", headers={"x-test": "yes"})
    (read,) = run("asm_swim_lane_info", mesh="bookinfo", group="it")["swim_lane_groups"]
    assert read["labels"][TAG] == ["blue", "green"]
    assert [(one["name"], one["message"]) for one in read["lanes"]] == [("blue", ""), ("green", "")]
    assert read["lanes"][1]["ingress_rules"][0]["headers"] == [{"name": "x-test", "exact": "yes"}]
    one = {"mesh": "bookinfo", "group": "it"}
    (of_one,) = run("asm_swim_lane_info", **one, lane="green")["swim_lane_groups"]
    assert of_one["lanes"] == read["lanes"][1:]
    assert run("asm_swim_lane_info", **one, lane="none")["swim_lane_groups"][0]["lanes"] == []
    run.refused("asm_swim_lane_group", "still has lanes: blue, green", mesh="bookinfo", name="it", state="absent")
    site.gone("green", "blue")


def test_a_request_falls_back_to_the_baseline(lab: Lab, run: Runner, site: Site) -> None:
    headers = {"permissive": True, "trace_header": "x-request-id", "route_header": "x-asm-prefer-tag"}
    group = {"mesh": "bookinfo", "name": "it", "gateway": "lanes", "gateway_namespace": SPACE, "services": SERVICES}
    done = run.converge("asm_swim_lane_group", **group, **headers)
    assert done["swim_lane_group"]["route_header"] == "x-asm-prefer-tag"
    run.refused("asm_swim_lane_group", "permissive", "cannot be changed", mesh="bookinfo", name="it", permissive=False)
    site.lane("blue", baseline=True, ingress_rules=[rule()])
    site.lane("green", services=SERVICES[1:], ingress_rules=[rule("green")])
    # The lane has no reviews: those of the baseline get the request, and it is in its lane again for the ratings.
    site.meets("blue", "unavailable", "green")
    site.meets("blue", "color")
    site.lane("green", services=SERVICES[:1])
    site.meets("green", "color", "green")

    rules = {"hosts": [HOST], "matches": [{"uri": {"prefix": "/reviews"}}]}
    run.converge("asm_swim_lane_group", mesh="bookinfo", name="it", ingress_routing="weighted", weighted_rule=rules)
    site.lane("blue", ingress_weight={"host": REVIEWS, "weight": 70})
    site.lane("green", ingress_weight={"host": REVIEWS, "weight": 30})
    site.book.holds(
        path="/reviews/0",
        host=HOST,
        by={"regex": r'"podname":\s*"(\w+)-reviews'},
        expect={"split": {"blue": 70, "green": 30}, "tolerance": 8},
    )
    site.gone("green", "blue")


def test_a_lane_without_pods_does_not_take_effect(run: Runner, site: Site) -> None:
    group = {"mesh": "bookinfo", "name": "it", "gateway": "lanes", "gateway_namespace": SPACE, "services": SERVICES}
    run("asm_swim_lane_group", **group)
    lane = {"mesh": "bookinfo", "group": "it", "name": "red", "label_value": "red"}
    run.failing("asm_swim_lane", "lanes/ratings has no pod with the label ASM_TRAFFIC_TAG=red", wait_timeout=1, **lane)
    assert run("asm_swim_lane", **lane, wait=False)["changed"] is False
    assert json.dumps(run("asm_swim_lane_info", mesh="bookinfo")).count("has no pod with the label") == 1
    site.gone("red")


def test_the_playbook_sets_them_up_and_proves_them(run: Runner, book: Bookinfo) -> None:
    command = ["ansible-playbook", "meshops.asm.lanes", "-e", "@../bookinfo/mesh.yml", "-e", "@swim-lanes.yml"]
    folder = EXAMPLE.parent / "lanes"
    try:
        played = run.ansible(*command, cwd=folder).ok()
        assert "v3 100 % (declared 100)" in played.output
        assert changing(played.output) == [
            "define : Apply the Istio resources",
            "define : Make the groups of swim lanes",
            "define : Make the swim lanes",
        ]
        assert changing(run.ansible(*command, "--tags", "define", cwd=folder).ok().output) == []
    finally:
        for name in ("gray", "base"):
            run("asm_swim_lane", mesh="bookinfo", group="reviews", name=name, state="absent")
        run("asm_swim_lane_group", mesh="bookinfo", name="reviews", state="absent")

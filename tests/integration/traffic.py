# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bookinfo with real traffic in the lab: what tests change in it, and the checks by which the collection sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .labs import Lab
from .playing import EXAMPLE, SPEC
from .runner import Result, Runner

NAMESPACE = "bookinfo"
GATEWAY = "ingressgateway"
REVIEWS = "/api/v1/products/0/reviews"
RATINGS = "/api/v1/products/0/ratings"
BY_VERSION = {"regex": r'"podname":\s*"reviews-(v\d)'}
#: The tests share their processors with a lab of some fifty processes.
PATIENCE = 60


class Bookinfo:
    """The example in its mesh, reached through its gateway."""

    def __init__(self, lab: Lab, run: Runner) -> None:
        self.lab = lab
        self.run = run

    def reset(self) -> None:
        """As the example says: its Istio resources, and nothing else in its namespace."""
        self.run(
            "istio_resource",
            mesh="bookinfo",
            namespace=NAMESPACE,
            src=[str(EXAMPLE / "networking")],
            force_conflicts=True,
        )

    @contextmanager
    def having(self, *resources: dict[str, Any]) -> Iterator[None]:
        """Further or changed Istio resources for the time of the block."""
        kube = self.lab.kube(self.lab.mesh_id("bookinfo"))
        self.run("istio_resource", mesh="bookinfo", definition=list(resources), force_conflicts=True)
        try:
            yield
        finally:
            for one in resources:
                plural = f"{one['kind'].lower()}s".replace("ys", "ies").replace("gatewaies", "gateways")
                kube.delete(f"/apis/{one['apiVersion']}/namespaces/{NAMESPACE}/{plural}/{one['metadata']['name']}")
            self.reset()

    def requests_by_pod(self, cluster: str, selector: str = "") -> dict[str, list[int]]:
        """What the proxies of Bookinfo's pods in a cluster have counted so far; nothing for a pod without a request."""
        pods = self.lab.kube(self.lab.cluster_id(cluster)).list(
            f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector=selector
        )
        counted = {}
        for name in (pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]):
            stats = "http://127.0.0.1:15000/stats?filter=inbound"
            body = self.lab.control.request(cluster, name, stats, namespace=NAMESPACE)["body"]
            found = re.findall(r"^cluster\.inbound\S*\.upstream_rq_total: (\d+)$", body, re.MULTILINE)
            counted[name] = [int(one) for one in found]
        return counted

    def received(self, cluster: str) -> int:
        """Requests that the pods of Bookinfo in a cluster have got so far."""
        return sum(map(sum, self.requests_by_pod(cluster).values()))

    def checked(self, **check: Any) -> Result:
        """The result of one check through asm_verify, whatever its verdict."""
        given = {"name": "check", "concurrency": 4, "wait_timeout": PATIENCE, "timeout": 20, **check}
        verified = self.run("asm_verify", mesh="bookinfo", gateways=[{"name": GATEWAY}], checks=[given])
        (found,) = verified["checks"]
        assert bool(found["problems"]) is not found["ok"]
        assert bool(verified["problems"]) is not found["ok"]
        return dict(found)

    def holds(self, **check: Any) -> Result:
        """A check that must be fulfilled."""
        found = self.checked(**check)
        assert found["ok"], (found["problems"], found["explanation"])
        return found

    def fails(self, *words: str, **check: Any) -> Result:
        """A check that must not be fulfilled, with the words in its problems or their explanation."""
        found = self.checked(**{"wait_timeout": 2, **check})
        assert not found["ok"], found
        text = " ".join([*found["problems"], *found["explanation"]])
        assert [word for word in words if word not in text] == [], text
        return found

    def environment(self, deployment: str, cluster: str, **variables: str | None) -> None:
        """Sets variables of an application's container, and waits for the rollout; None takes one away."""
        kube = self.lab.kube(self.lab.cluster_id(cluster))
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{deployment}"
        (container,) = kube.get(path)["spec"]["template"]["spec"]["containers"]
        kept = [one for one in container.get("env") or [] if one["name"] not in variables]
        added = [{"name": key, "value": value} for key, value in variables.items() if value is not None]
        container["env"] = [*kept, *added]
        kube.patch(path, {"spec": {"template": {"spec": {"containers": [container]}}}})
        self.lab.wait_for(lambda: _settled(kube.get(path)), f"the rollout of {deployment}", 120)

    def scale(self, deployment: str, cluster: str, replicas: int) -> None:
        """Changes the number of instances, and waits for them."""
        kube = self.lab.kube(self.lab.cluster_id(cluster))
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{deployment}"
        kube.patch(path, {"spec": {"replicas": replicas}})
        self.lab.wait_for(lambda: _settled(kube.get(path)), f"the scaling of {deployment}", 120)


def build(lab: Lab, run: Runner) -> Bookinfo:
    """Bookinfo, made by the playbook if it is not there; skips where pods have no network."""
    traffic = lab.control.status()["traffic"]
    if not traffic["available"]:
        pytest.skip(f"no traffic: {traffic['reason']}")
    run.play("meshops.asm.site", *SPEC, "-e", '{"asm_checks": []}', cwd=EXAMPLE).ok()
    book = Bookinfo(lab, run)
    book.holds(path="/productpage", count=20, expect={"status": [200]})
    return book


def virtual_service(*rules: dict[str, Any], name: str = "reviews") -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"hosts": [name], "http": list(rules)},
    }


def to(*weights: int, host: str = "reviews", **more: Any) -> dict[str, Any]:
    """A rule with these weights for v1, v2, ...; those without any are left out."""
    route = [
        {"destination": {"host": host, "subset": f"v{number}"}, "weight": weight}
        for number, weight in enumerate(weights, 1)
        if weight
    ]
    return {"route": route or [{"destination": {"host": host}}], **more}


def destination_rule(policy: str, *versions: str) -> dict[str, Any]:
    subsets = [{"name": one, "labels": {"version": one}} for one in versions or ("v1", "v2", "v3")]
    spec = {"host": "reviews", "trafficPolicy": {"loadBalancer": {"simple": policy}}, "subsets": subsets}
    metadata = {"name": "reviews", "namespace": NAMESPACE}
    return {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": metadata, "spec": spec}


def _settled(deployment: dict[str, Any]) -> bool:
    status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
    return (
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
    )

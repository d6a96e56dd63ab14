# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks lanes, authz, mirror, failover and drain with their examples, on real traffic."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from . import traffic
from .labs import Lab
from .playing import EXAMPLE, SPEC, changing
from .runner import ROOT, Played, Runner
from .traffic import NAMESPACE, Bookinfo

POLICIES = "/apis/security.istio.io/v1/namespaces/bookinfo"
ROUTES = "/apis/networking.istio.io/v1/namespaces/bookinfo"


def play(run: Runner, name: str, *words: str) -> Played:
    command = ["ansible-playbook", f"meshops.asm.{name}", "-e", "@../bookinfo/mesh.yml", "-e", f"@{name}.yml", *words]
    # The example of failover cuts a cluster of the lab off by the lab's own command.
    path = os.pathsep.join([run.environment["PYTHONPATH"], str(ROOT / "tests" / "lab")])
    # Where HOME is not that of the user, Ansible writes and looks for jobs in different folders.
    env: dict[str, str | None] = {"PYTHONPATH": path, "ANSIBLE_ASYNC_DIR": str(run.folder / "async")}
    return run.ansible(*command, cwd=EXAMPLE.parent / name, env=env)


@contextmanager
def afterwards(book: Bookinfo, *paths: str) -> Iterator[None]:
    """Takes away what an example added, and puts the resources of Bookinfo in force again."""
    try:
        yield
    finally:
        kube = book.lab.kube(book.lab.mesh_id("bookinfo"))
        for path in paths:
            kube.delete(path)
        book.reset()


def shadows(book: Bookinfo) -> int:
    """Requests that the pods of reviews-v3 have got so far."""
    counted = [book.requests_by_pod(cluster, "app=reviews,version=v3") for cluster in ("shop-1", "shop-2")]
    assert all(found for pods in counted for found in pods.values()), counted
    return sum(sum(found) for pods in counted for found in pods.values())


def test_lanes(run: Runner, book: Bookinfo) -> None:
    with afterwards(book):
        predicted = play(run, "lanes", "--check", "--diff").ok()
        assert changing(predicted.output) == ["define : Apply the Istio resources"]
        played = play(run, "lanes").ok()
        assert "v3 100 % (declared 100)" in played.output
        assert changing(play(run, "lanes").ok().output) == []


def test_authz(run: Runner, book: Bookinfo) -> None:
    names = ("reviews-for-productpage", "ratings-for-reviews", "no-login")
    paths = [f"{POLICIES}/peerauthentications/default", *(f"{POLICIES}/authorizationpolicies/{one}" for one in names)]
    with afterwards(book, *paths):
        played = play(run, "authz").ok()
        assert "HTTP 403 60x" in played.output
        # Without one of its policies the playbook's proof fails, and says which check.
        book.lab.kube(book.lab.mesh_id("bookinfo")).delete(paths[-1])
        checks = yaml.safe_load((EXAMPLE.parent / "authz" / "authz.yml").read_text(encoding="utf-8"))["asm_checks"]
        sooner = json.dumps({"asm_checks": [{**one, "wait_timeout": 3} for one in checks]})
        broken = play(run, "authz", "--tags", "verify", "-e", sooner)
        assert broken.code == 2
        assert "check nobody may log in" in broken.output


def test_mirror(run: Runner, book: Bookinfo) -> None:
    with afterwards(book):
        play(run, "mirror").ok()
        before = shadows(book)
        seen = book.holds(path=traffic.REVIEWS, by=traffic.BY_VERSION, expect={"split": {"v1": 100}}, count=200)
        book.lab.wait_for(lambda: shadows(book) - before >= seen["requests"], "the shadow of every request", 30)


def test_failover(lab: Lab, run: Runner, book: Bookinfo) -> None:
    rules = [f"{ROUTES}/destinationrules/{one}" for one in ("productpage", "details", "ratings")]
    routes = [f"{ROUTES}/virtualservices/{one}" for one in ("details", "ratings")]
    workdir = str(lab.control.workdir)
    with afterwards(book, *rules, *routes):
        try:
            played = play(run, "failover", "-e", f"lab_workdir={workdir}").ok()
        finally:
            lab.control.join("shop-2")
    assert re.search(r"\d+ requests, \d+ failed, within [\d.]+ s", played.output)
    assert "both clusters answer again" in played.output


def test_drain(lab: Lab, run: Runner, book: Bookinfo) -> None:
    """A cluster leaves the mesh under load without a failed request, and comes back afterwards."""
    fewer = {"name": "fewer", "clusters": ["shop-1"], "definition": _scaled(book, "reviews-v1", 2)}
    book.scale("reviews-v1", "shop-1", 3)
    try:
        played = play(run, "drain", "-e", _extra(fewer)).ok()
        assert lab.attached("bookinfo") == {"shop-1"}
        assert [row for row in lab.control.resources() if row.get("orphaned")] == []
        found = re.search(r"(\d+) requests, 0 failed", played.output)
        assert found, played.output[-3000:]
        assert int(found[1]) > 1000
    finally:
        # First the number of the example: another one that somebody else set is a conflict for the playbook.
        book.scale("reviews-v1", "shop-1", 1)
        # The playbook keeps istio-system in a cluster that it drains.
        back = [{"name": "shop-2", "ignore_namespace_check": True}]
        run("asm_cluster", mesh="bookinfo", clusters=back)
        run.play("meshops.asm.site", *SPEC, "-e", '{"asm_checks": []}', cwd=EXAMPLE).ok()
    assert lab.attached("bookinfo") == {"shop-1", "shop-2"}


def _scaled(book: Bookinfo, name: str, replicas: int) -> dict[str, Any]:
    kube = book.lab.kube(book.lab.cluster_id("shop-1"))
    live = kube.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}")
    kept = {key: live["metadata"][key] for key in ("name", "namespace", "labels") if key in live["metadata"]}
    spec = {**live["spec"], "replicas": replicas}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": kept, "spec": spec}


def _extra(workload: dict[str, Any]) -> str:
    probe = {"gateway": "ingressgateway", "cluster": "shop-1", "path": "/productpage", "rate": 40}
    workloads = [{**workload, "force_conflicts": True}]
    drain = {"clusters": [{"name": "shop-2"}], "workloads": workloads, "probe": probe, "hold": 20}
    return json.dumps({"asm_drain": drain})

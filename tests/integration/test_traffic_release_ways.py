# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to release a version, on real traffic: by mirror, by cookie, of an HTTPRoute; hooks; judged by latency."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import traffic
from .playing import changing
from .runner import Played
from .test_traffic_canary import HOST, live, release, service, weights
from .traffic import GATEWAY, NAMESPACE, Bookinfo

__all__ = ["release"]

ROUTES = "gateway.networking.k8s.io/v1"
ROUTE = f"/apis/{ROUTES}/namespaces/{NAMESPACE}/httproutes/reviews"
CLUSTERS = ["shop-1", "shop-2"]
#: Versions of an HTTPRoute are Services.
STABLE, CANARY = "reviews-v1", "reviews-v3"


@pytest.fixture
def hooks(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """``hooks(between="...")``: files of tasks that note that they have run, and then do what is given."""

    def write(**tasks: str) -> dict[str, str]:
        made = {}
        for name in ("before", "between", "after", "rollback"):
            note = {"path": f"{tmp_path}/ran-{name}", "state": "touch", "mode": "0644"}
            lines = [f"- ansible.builtin.file: {json.dumps(note)}", f"- {tasks[name]}" if name in tasks else ""]
            (tmp_path / f"{name}.yml").write_text("\n".join(lines), encoding="utf-8")
            made[name] = str(tmp_path / f"{name}.yml")
        return made

    return write


def ran(tmp_path: Path) -> set[str]:
    return {file.name.removeprefix("ran-") for file in tmp_path.glob("ran-*")}


def reached(book: Bookinfo) -> int:
    """Requests that pods of the new version have got so far."""
    counted = [book.requests_by_pod(cluster, "app=reviews,version=v3") for cluster in CLUSTERS]
    return sum(sum(one) for by_pod in counted for one in by_pod.values())


def test_the_new_version_gets_a_copy_first_and_a_hook_that_fails_ends_it(
    book: Bookinfo, release: Callable[..., Played], hooks: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    before = reached(book)
    failing = hooks(between="ansible.builtin.fail: {msg: 'the copies were not answered well'}")
    played = release(mirror=100, steps=[50], hooks=failing)
    assert played.code == 2
    said = " ".join(played.output.split())
    assert "v3 was rolled back to 0 %" in said and "the copies were not answered well" in said
    assert changing(played.output)[:2] == ["canary : ansible.builtin.file", "canary : Shift to a copy of 100 %"]
    assert "canary : Shift to 50 %" not in played.output
    # Every request of the watch had a copy, and no caller saw an answer of v3: the watch has failed otherwise.
    assert reached(book) - before > 100
    assert ran(tmp_path) == {"before", "between", "rollback"}
    found = live(book)
    assert weights(found) == [100, 0]
    assert "mirror" not in json.dumps(found["spec"])
    assert list(found["metadata"]["annotations"]) == ["owner"]


def copied(book: Bookinfo) -> list[str]:
    """The fresh copies of v1 that are there."""
    found = []
    for cluster in CLUSTERS:
        kube = book.lab.kube(book.lab.cluster_id(cluster))
        for path in (f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", f"/api/v1/namespaces/{NAMESPACE}/services"):
            found += [one["metadata"]["name"] for one in kube.list(path) if "baseline" in one["metadata"]["name"]]
    return sorted(found)


def test_site_shifts_nothing_in_the_middle_of_a_release_and_nothing_after_it_was_written_back(
    book: Bookinfo, release: Callable[..., Played], hooks: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    # The file is where a link leads, and not for everybody.
    described, file = tmp_path / "reviews.json", tmp_path / "file.json"
    described.symlink_to(file.name)
    described.write_text(json.dumps(service(100, 0)), encoding="utf-8")
    file.chmod(0o640)
    item = {"name": "release", "src": str(described)}
    spec = {"asm_mesh": {"name": "bookinfo", "region": "cn-hangzhou"}, "asm_istio_resources": [item], "asm_checks": []}

    def site() -> Played:
        with book.lab.unwritten():
            played = book.run.play("meshops.asm.site", "--tags", "define,verify", "-e", json.dumps(spec)).ok()
        assert changing(played.output) == []
        return played

    # Compared with a fresh copy of v1, which gets as many requests.
    fresh = {"clusters": CLUSTERS, "deployment": "reviews-v1", "like": "reviews-v3", "service": "reviews"}
    begun = release(steps=[25], baseline=fresh, write_back=str(described)).ok()
    assert json.loads(described.read_text()) == service(100, 0), "25 % are no promotion"
    assert "v3 is as good as v1-baseline after " in " ".join(begun.output.split())
    assert weights(live(book)) == [50, 25, 25]
    assert copied(book) == ["reviews-baseline"] * 2 + ["reviews-v1-baseline"] * 2
    told = site()
    assert "v3 has 25 %, described 0 %, by canary of 20" in " ".join(told.output.split())
    # Somebody describes another timeout in the middle of the release, and applies it.
    changed = service(100, 0)
    changed["spec"]["http"][0]["timeout"] = "7s"
    described.write_text(json.dumps(changed), encoding="utf-8")
    applies = {"mesh": "bookinfo", "region": "cn-hangzhou", "src": str(described)}
    more = {"hooks": hooks(between=f"meshops.asm.istio_resource: {json.dumps(applies)}")}
    done = release(steps=[25, 100], baseline=fresh, write_back=str(described), **more).ok()
    assert "v3 has 25 %. Steps left: 25 %, 100 %." in done.output
    assert ran(tmp_path) == {"before", "between", "after"}
    changed["spec"]["http"][0]["route"] = service(0, 100)["spec"]["http"][0]["route"]
    assert json.loads(described.read_text()) == changed
    assert described.is_symlink() and file.stat().st_mode & 0o777 == 0o640
    assert "by canary of" not in site().output
    assert weights(live(book)) == [0, 100]
    assert live(book)["spec"]["http"][0]["timeout"] == "7s"
    assert copied(book) == []


def test_a_hook_after_that_fails_rolls_back_before_anything_is_described(
    book: Bookinfo, release: Callable[..., Played], hooks: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    described = tmp_path / "reviews.json"
    described.write_text(json.dumps(service(100, 0)), encoding="utf-8")
    failing = hooks(
        after="ansible.builtin.fail: {msg: 'not what we want'}", rollback="ansible.builtin.fail: {msg: 'nor that'}"
    )
    played = release(steps=[100], hooks=failing, write_back=str(described))
    assert played.code == 2
    said = " ".join(played.output.split())
    assert "v3 was rolled back to 0 %, v1 has all requests again." in said and "not what we want" in said
    assert weights(live(book)) == [100, 0]
    assert json.loads(described.read_text()) == service(100, 0)
    # What cannot be described is said before anything is shifted.
    described.write_text("[]", encoding="utf-8")
    with book.lab.unwritten():
        played = release(steps=[100], write_back=str(described))
    assert played.code == 2 and "no rule of VirtualService bookinfo/reviews" in " ".join(played.output.split())


def test_a_version_that_is_slower_is_rolled_back(book: Bookinfo, release: Callable[..., Played]) -> None:
    # Which of the clusters answers is a matter of locality.
    for cluster in CLUSTERS:
        book.environment("reviews-v3", cluster, LAB_DELAY="0.3")
    try:
        # So slow that no request waits for a slow one before it: that would be the time of either version.
        probe = {"gateway": GATEWAY, "host": HOST, "path": "/reviews/0", "rate": 20, "timeout": 3}
        played = release(steps=[50, 100], probe=probe, compare={"margin": 10, "latency": {"p95": 20}})
    finally:
        for cluster in CLUSTERS:
            book.environment("reviews-v3", cluster, LAB_DELAY=None)
    assert played.code == 2
    assert "Compare at 50 %: v3 is slower than v1: its p95 is 0." in " ".join(played.output.split())
    assert weights(live(book)) == [100, 0]


def http_route(stable: int, canary: int) -> dict[str, Any]:
    backends = [{"name": name, "port": 9080, "weight": weight} for name, weight in ((STABLE, stable), (CANARY, canary))]
    spec = {
        "parentRefs": [{"name": "it-release", "namespace": "istio-system"}],
        "hostnames": [HOST],
        "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/reviews"}}], "backendRefs": backends}],
    }
    metadata = {"name": "reviews", "namespace": NAMESPACE}
    return {"apiVersion": ROUTES, "kind": "HTTPRoute", "metadata": metadata, "spec": spec}


@pytest.fixture
def route(book: Bookinfo) -> Iterator[None]:
    """An HTTPRoute at the gateway, which leads to a Service for each version of reviews."""
    address = {"type": "Hostname", "value": f"istio-{GATEWAY}.istio-system.svc.cluster.local"}
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "hostname": HOST}
    gateway = {
        "apiVersion": ROUTES,
        "kind": "Gateway",
        "metadata": {"name": "it-release", "namespace": "istio-system"},
        "spec": {
            "gatewayClassName": "istio",
            "addresses": [address],
            "listeners": [{**listener, "allowedRoutes": {"namespaces": {"from": "All"}}}],
        },
    }
    services = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "selector": {"app": "reviews", "version": name.partition("-")[2]},
                "ports": [{"name": "http", "port": 9080}],
            },
        }
        for name in (STABLE, CANARY)
    ]
    named = {"mesh": "bookinfo", "definition": [gateway, http_route(100, 0)]}
    book.run("asm_mesh", name="bookinfo", gateway_api_enabled=True)
    book.run("asm_workload", clusters=CLUSTERS, definition=services)
    book.run("istio_resource", **named)
    book.holds(path="/reviews/0", host=HOST, by=traffic.BY_VERSION, expect={"split": {"v1": 100}})
    yield
    book.run("istio_resource", **named, state="absent")
    book.run("asm_workload", clusters=CLUSTERS, definition=services, state="absent")
    book.run("asm_mesh", name="bookinfo", gateway_api_enabled=False)


@pytest.mark.usefixtures("route")
def test_an_http_route_is_released_by_cookie_and_then_at_once(book: Bookinfo) -> None:
    canary = {
        "http_route": "reviews",
        "namespace": NAMESPACE,
        "stable": STABLE,
        "canary": CANARY,
        "match": {"cookie": {"beta": "1"}},
        "steps": [100],
        "pause": 2,
        "probe": {"gateway": GATEWAY, "host": HOST, "path": "/reviews/0", "rate": 100, "timeout": 3},
        "compare": {"margin": 5},
    }
    spec = {"asm_mesh": {"name": "bookinfo", "region": "cn-hangzhou"}, "asm_canary": canary}
    played = book.run.play("meshops.asm.canary", "-e", json.dumps(spec)).ok()
    assert changing(played.output) == ["canary : Shift to requests that match", "canary : Shift to 100 %"]
    assert f"{CANARY} is as good as {STABLE} after " in " ".join(played.output.split())
    found = book.lab.kube(book.lab.mesh_id("bookinfo")).get(ROUTE)
    (rule,) = found["spec"]["rules"]
    assert {one["name"]: one["weight"] for one in rule["backendRefs"]} == {STABLE: 0, CANARY: 100}
    book.holds(path="/reviews/0", host=HOST, by=traffic.BY_VERSION, expect={"split": {"v3": 100}})
    with book.lab.unwritten():
        book.run("istio_resource", mesh="bookinfo", definition=http_route(100, 0))

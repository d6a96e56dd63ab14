# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a mesh that die under load, and a cluster that leaves it: what a probe sees, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .labs import Lab
from .playing import EXAMPLE, SPEC
from .runner import Result, Runner, Running, judge_failure
from .traffic import BY_VERSION, GATEWAY, REVIEWS, Bookinfo, to, virtual_service

#: A bounded load through the entrance of shop-1.
LOAD = {"mesh": "bookinfo", "gateway": GATEWAY, "cluster": "shop-1", "path": REVIEWS, "concurrency": 8, "rate": 40}
BY_CLUSTER = {"regex": r'"clustername":\s*"([^"]*)"'}


@contextmanager
def under_load(book: Bookinfo, duration: int, **more: Any) -> Iterator[Running]:
    """A probe that is under way for the whole of the block."""
    before = book.received("shop-1")
    probe = book.run.start("asm_probe", **{**LOAD, "duration": duration, **more})
    book.lab.wait_for(lambda: book.received("shop-1") > before + 20, "the load", 60)
    yield probe
    assert not probe.ended, "the load ended too soon to prove anything"


def restarted(book: Bookinfo, name: str, more_than: int) -> None:
    """Waits until the lab has started a process again."""
    status = book.lab.control.status
    book.lab.wait_for(lambda: status()["restarts"].get(name, 0) > more_than, f"another {name}", 30)
    assert status()["ended"] == []


def restarts(book: Bookinfo, name: str) -> int:
    return int(book.lab.control.status()["restarts"].get(name, 0))


def kill_gateway(book: Bookinfo) -> str:
    """Kills the Envoy of the gateway in shop-1; the name of its pod."""
    (name,) = book.lab.control.kill(f"shop-1.istio-system.istio-{GATEWAY}-*.istio-proxy")
    return name.split(".")[2]


def fulfilled(result: Result) -> Result:
    """The result of a probe of which every request got the answer that was expected."""
    assert not result.get("failed"), result["msg"]
    assert (result["failed_requests"], set(result["statuses"])) == (0, {"200"})
    return result


def test_a_gateway_whose_envoy_dies_is_survived_by_retries(book: Bookinfo) -> None:
    with under_load(book, 12, retries=10, retry_statuses=[503], expect={"status": [200]}) as probe:
        pod = kill_gateway(book)
    result = fulfilled(probe.result())
    assert result["retries"] > 0
    kube = book.lab.kube(book.lab.cluster_id("shop-1"))
    (state,) = kube.get(f"/api/v1/namespaces/istio-system/pods/{pod}")["status"]["containerStatuses"]
    assert state["restartCount"] >= 1
    assert state["lastState"]["terminated"]["exitCode"] == 137


def test_a_gateway_whose_envoy_dies_is_told_without_retries(book: Bookinfo) -> None:
    with under_load(book, 10, expect={"status": [200]}) as probe:
        kill_gateway(book)
    result = judge_failure(probe.result(), "requests failed", "HTTP 200")
    assert re.search(r"reset the connection|connection refused|closed the connection", result["msg"]), result["msg"]
    assert result["statuses"]["200"] > 100  # it was back before the load had ended
    book.holds(path=REVIEWS, count=40, cluster="shop-1", expect={"status": [200]})


def test_an_istiod_that_dies_disturbs_no_request(book: Bookinfo) -> None:
    istiod = f"{book.lab.mesh_id('bookinfo')}-istiod"
    before = restarts(book, istiod)
    with under_load(book, 12, expect={"status": [200]}) as probe:
        assert book.lab.control.kill(istiod) == [istiod]
        restarted(book, istiod, before)
    result = fulfilled(probe.result())
    assert result["retries"] == 0
    # It is at work again: what is declared now arrives at the proxies.
    with book.having(virtual_service(to(0, 0, 100))):
        book.holds(service="reviews.bookinfo", path=REVIEWS, by=BY_VERSION, expect={"split": {"v3": 100}})


def test_a_data_plane_that_dies_is_survived_by_retries(book: Bookinfo) -> None:
    """Load balancers and all applications are away for a moment, and come back with what they knew."""
    before = restarts(book, "dataplane")
    with under_load(book, 14, retries=10, retry_statuses=[503], expect={"status": [200]}) as probe:
        book.lab.control.kill("dataplane")
        restarted(book, "dataplane", before)
    result = fulfilled(probe.result())
    assert result["retries"] > 0


def test_a_cluster_that_is_detached_gets_no_request_any_more(lab: Lab, run: Runner, book: Bookinfo) -> None:
    """No request fails while it leaves, and none reaches a pod there once it has left."""
    both = {"expect": {"even": ["shop-1", "shop-2"], "tolerance": 15}}
    with book.having(virtual_service(to())):
        book.holds(path=REVIEWS, by=BY_CLUSTER, cluster="shop-1", **both)
        try:
            with under_load(book, 30, by=BY_CLUSTER) as probe:
                run("asm_cluster", mesh="bookinfo", clusters=[{"name": "shop-2"}], state="absent")
                after = book.received("shop-2")
                alone = run("asm_probe", **{**LOAD, "rate": 100}, count=400, by=BY_CLUSTER)
                assert {row["key"]: row["count"] for row in alone["distribution"]} == {"shop-1": 400}
            result = fulfilled(probe.result())
            # The last requests of the load came after it had left, and not one of them reached a pod there.
            assert book.received("shop-2") == after > 0
            assert result["retries"] == 0
            shares = {row["key"]: row["count"] for row in result["distribution"]}
            assert set(shares) == {"shop-1", "shop-2"} and shares["shop-1"] > shares["shop-2"] > 0
        finally:
            run("asm_cluster", mesh="bookinfo", clusters=[{"name": "shop-2"}])
            run.play("meshops.asm.site", *SPEC, "-e", '{"asm_checks": []}', cwd=EXAMPLE).ok()
    with book.having(virtual_service(to())):
        book.holds(path=REVIEWS, by=BY_CLUSTER, cluster="shop-1", **both)

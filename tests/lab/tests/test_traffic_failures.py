# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods and clusters that go: traffic moves on."""

from __future__ import annotations

import functools
import os
import signal
import threading
from collections import Counter
from pathlib import Path

from alibabacloud_servicemesh20200111 import models
from conftest import attach, wait_for, wait_state
from meshlab.kubeapi import KubeApiError, Object
from shop import IDS, NAMESPACE, ONE, SUBSETS, TWO, Answer, Shop, settles, virtual_service

_FAILOVER = SUBSETS.replace(
    "trafficPolicy: {",
    "trafficPolicy: {connectionPool: {tcp: {connectTimeout: 300ms}}, outlierDetection: "
    "{consecutive5xxErrors: 1, interval: 500ms, baseEjectionTime: 30s, maxEjectionPercent: 100}, ",
)


class _Load:
    """Requests one after the other, from several threads, for the time of a block."""

    def __init__(self, shop: Shop, cluster: str = ONE, threads: int = 2) -> None:
        self.answers: list[Answer] = []
        self._shop, self._cluster = shop, cluster
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _unused in range(threads)]

    def __enter__(self) -> _Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self.answers.append(self._shop.page(self._cluster))

    def failed(self) -> list[Answer]:
        return [one for one in self.answers if one.status != 200 or not one.version]


def test_pods_that_are_removed_lose_no_request(shop: Shop) -> None:
    with _Load(shop) as load:
        for name in ("reviews-v1", "productpage-v1"):
            shop.scale(ONE, name, 0)
            wait_for(functools.partial(_gone, shop, name.rpartition("-")[0]), 20)
            shop.scale(ONE, name, 2)
            shop.wait_ready(ONE)
            shop.scale(ONE, name, 1)
        shop.wait_ready(ONE)
    assert len(load.answers) > 100
    assert load.failed() == [], [one.text for one in load.failed()]


def _gone(shop: Shop, app: str) -> bool:
    """Whether no pod of an app is on its way out."""
    pods = shop.api(ONE).list(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector=f"app={app}")
    return not any("deletionTimestamp" in one["metadata"] for one in pods)


def test_a_proxy_that_is_killed_is_started_again(shop: Shop) -> None:
    name = f"{ONE}.istio-system.{shop.pod('istio-ingressgateway', namespace='istio-system')['metadata']['name']}"
    pid = _pid(shop, name)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{pid}/exe").exists(), 5)
    settles(lambda: shop.page().status == 200, 5, 20)
    pod = shop.pod("istio-ingressgateway", namespace="istio-system")
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 137


def _pid(shop: Shop, name: str) -> int:
    """The process whose name begins so; 0 when there is none."""
    return next((one.pid for one in shop.lab.planes.processes.running(f"{name}*")), 0)


def test_a_data_plane_that_is_killed_is_replaced_by_one_that_knows_the_same(shop: Shop) -> None:
    """Names, load balancers, stand-ins, certificates and configuration streams: a page needs all of them."""
    pid = _pid(shop, "dataplane")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: _pid(shop, "dataplane") not in (0, pid), 10)
    for cluster in IDS:
        settles(functools.partial(_shown, shop, cluster), 10, 30)
    assert shop.lab.status()["restarts"]["dataplane"] == 1
    assert shop.lab.status()["ended"] == []
    settles(lambda: len(shop.versions(20)) == 3, 1)
    only = virtual_service("[{route: [{destination: {host: reviews, subset: v3}}]}]")
    with shop.with_resources(only):  # proxies get their configuration again
        settles(lambda: shop.page().version == "reviews-v3", 10, 30)
    shop.scale(ONE, "details-v1", 2)  # and new pods can be started
    shop.wait_ready(ONE)
    shop.scale(ONE, "details-v1", 1)
    shop.wait_ready(ONE)
    for cluster in IDS:
        assert all("deletionTimestamp" in one["metadata"] or _restarts(one) == 0 for one in _pods(shop, cluster))


def _shown(shop: Shop, cluster: str) -> bool:
    return shop.page(cluster).version != ""


def _pods(shop: Shop, cluster: str) -> list[Object]:
    return shop.api(cluster).list(f"/api/v1/namespaces/{NAMESPACE}/pods")


def _restarts(pod: Object) -> int:
    return sum(int(one["restartCount"]) for one in pod["status"].get("containerStatuses", []))


def test_a_cluster_that_is_cut_off_is_replaced_by_the_other(shop: Shop) -> None:
    network = shop.lab.network
    assert network is not None
    others = _FAILOVER.replace("metadata: {name: reviews}", "metadata: {name: {0}}").replace(
        "host: reviews", "host: {0}"
    )
    rules = "---".join(
        others.replace("{0}", app) if app == "reviews" else others.replace("{0}", app).partition("  subsets:")[0]
        for app in ("reviews", "ratings", "details", "productpage")
    )
    shop.apply(rules)
    settles(lambda: {one.cluster for one in shop.pages(12)} == {"shop-1", "shop-2"}, 1)
    network.connect(IDS[TWO], up=False)
    try:
        settles(lambda: all(one.cluster == "shop-1" and one.status == 200 for one in shop.pages(20)), 2, 40)
        assert network.cut() == [IDS[TWO]]
    finally:
        network.connect(IDS[TWO], up=True)
    for app in ("ratings", "details", "productpage"):
        shop.mesh.delete(f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}/destinationrules/{app}")
    shop.apply(SUBSETS)
    settles(lambda: {one.cluster for one in shop.pages(20)} == {"shop-1", "shop-2"}, 2, 40)


def test_an_istiod_that_is_killed_comes_back(shop: Shop) -> None:
    pid = _pid(shop, f"{shop.mesh_id}-istiod")
    os.kill(pid, signal.SIGKILL)
    assert Counter(bool(one.version) for one in shop.pages(30)) == {True: 30}  # proxies go on without it
    wait_for(lambda: _pid(shop, f"{shop.mesh_id}-istiod") not in (0, pid), 10)
    only = virtual_service("[{route: [{destination: {host: reviews, subset: v2}}]}]")
    wait_for(functools.partial(_accepted, shop, only), 30)  # its webhook answers again
    settles(lambda: shop.page().version == "reviews-v2", 10, 30)
    shop.mesh.delete(f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}/virtualservices/reviews")
    settles(lambda: len(shop.versions(20)) == 3, 1)


def _accepted(shop: Shop, text: str) -> bool:
    try:
        shop.apply(text)
    except KubeApiError as error:
        assert error.status == 500, error
        return False
    return True


def test_traffic_leaves_a_cluster_before_it_is_detached(shop: Shop) -> None:
    request = models.RemoveClusterFromServiceMeshRequest(service_mesh_id=shop.mesh_id, cluster_id=IDS[TWO])
    try:
        with _Load(shop) as load:
            shop.asm.remove_cluster_from_service_mesh(request)
            wait_state(shop.asm, shop.mesh_id, seconds=60)
        assert load.failed() == [], [one.text for one in load.failed()]
        assert {one.cluster for one in load.answers[-20:]} == {"shop-1"}
    finally:
        attach(shop.asm, shop.mesh_id, IDS[TWO])
        wait_state(shop.asm, shop.mesh_id, seconds=60)
        shop.open()
    settles(lambda: {one.cluster for one in shop.pages(12)} == {"shop-1", "shop-2"}, 1, 30)

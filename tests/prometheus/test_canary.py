# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook canary is stopped by a real Prometheus that scrapes the gateways, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from integration.runner import Played
from integration.test_traffic_canary import bad_version, live, weights
from integration.traffic import GATEWAY, Bookinfo

# What the gateways' Envoys say themselves of the requests that they sent to v3. Without any failure there is no such
# series, and the query would be without data, which must not promote a release: hence the "or".
_TO_V3 = 'envoy_cluster_bookinfo_svc_cluster_local__upstream_rq_xx{envoy_cluster_name="outbound|9080|v3|reviews"'
QUERY = f'(sum(rate({_TO_V3},envoy_response_code_class="5"}}[8s])) or vector(0)) / sum(rate({_TO_V3}}}[8s]))'
#: The probes' own verdict is not to decide: in a step without v1 nothing is compared.
BLIND = {"failed": 100}


def metrics_of(book: Bookinfo) -> list[str]:
    """An address of the host for the metrics of each gateway's Envoy."""
    found = []
    for cluster in ("shop-1", "shop-2"):
        cluster_id = book.lab.cluster_id(cluster)
        pods = book.lab.kube(cluster_id).list("/api/v1/namespaces/istio-system/pods", labelSelector=f"istio={GATEWAY}")
        assert pods, f"no gateway in {cluster}"
        names = [pod["metadata"]["name"] for pod in pods]
        found += [book.lab.control.expose(cluster_id, name, 15090, namespace="istio-system") for name in names]
    return found


def test_what_the_gateways_count_decides(
    book: Bookinfo, release: Callable[..., Played], scraping: Callable[[list[str]], Any]
) -> None:
    with scraping(metrics_of(book)) as prometheus:
        asked = {"url": prometheus.url, "query": QUERY, "max": 0.05}
        # No request has gone to v3 yet: without data nothing is promoted.
        assert prometheus.value(QUERY) is None or str(prometheus.value(QUERY)) == "nan"
        with bad_version(book):
            failed = release(steps=[100], pause=12, thresholds=BLIND, prometheus=asked)
        assert failed.code == 2, failed.output[-3000:]
        assert "at most 0.05 is allowed" in " ".join(failed.output.split())
        assert weights(live(book)) == [100, 0]
        good = release(steps=[100], pause=12, thresholds=BLIND, prometheus=asked)
        assert good.code == 0, good.output[-3000:]
        assert weights(live(book)) == [0, 100]
        assert prometheus.value(f"sum({_TO_V3}}})") > 100

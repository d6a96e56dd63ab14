# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab with a whole mesh that serves leaves nothing of its data plane when it stops."""

from __future__ import annotations

import conftest
import traces
from shop import IDS, Shop


def test_a_mesh_that_serves_leaves_nothing_behind(shop: Shop) -> None:
    octet, workdir = shop.lab.addresses.octet, shop.lab.workdir
    assert all(shop.page(cluster).version for cluster in IDS)

    def envoys() -> list[str]:
        return [line for line in traces.of_lab(octet, workdir) if line.startswith("process") and "envoy" in line]

    # Pods of an earlier test may still be ending.
    try:
        conftest.wait_for(lambda: len(envoys()) == 2 * 7, seconds=40)
    except AssertionError:
        raise AssertionError("\n".join([f"{len(envoys())} proxies, of these pods:", *pods(shop)])) from None
    before = traces.of_lab(octet, workdir)
    kinds = {line.split()[0] for line in before}
    assert kinds == {"namespace", "process", "listener", "mount", "file"}
    assert {f"listener {address}:80" for address in shop.gateways.values()} <= set(before)
    host = traces.of_host()
    conftest.end_shop()
    assert traces.of_lab(octet, workdir) == []
    assert traces.of_host() == host  # the lab had nothing in the host's own network


def pods(shop: Shop) -> list[str]:
    """A line for each pod of both clusters, for the message of a test that failed."""
    found = [(one, pod) for one in IDS for pod in shop.api(one).list("/api/v1/pods")]
    return [
        f"{cluster} {pod['metadata']['namespace']}/{pod['metadata']['name']} {pod['status'].get('phase')} "
        f"until {pod['metadata'].get('deletionTimestamp')}"
        for cluster, pod in found
    ]

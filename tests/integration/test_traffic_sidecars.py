# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks inject and strict under load: no request is lost. ``make load-changes`` has all other changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.load.changes import Injection, open_again, strict
from tests.load.requests import Seen, load

from .labs import Lab
from .runner import Runner
from .traffic import Bookinfo

POLICIES = "/apis/security.istio.io/v1/namespaces/plain/peerauthentications"


@pytest.fixture
def plain(book: Bookinfo) -> Iterator[Injection]:
    """An application with two pods and no sidecar, reached through the gateway of shop-1."""
    change = Injection()
    try:
        change.prepare(book)
        yield change
    finally:
        open_again(book, change.namespace)
        change.restore(book)


def none_lost(seen: Seen) -> None:
    assert (seen.lost, seen.how) == (0, {})
    assert seen.requests > 200


def test_from_no_sidecar_to_mutual_tls_only(lab: Lab, run: Runner, book: Bookinfo, plain: Injection) -> None:
    with lab.unwritten():
        refused = strict(book, plain.namespace, ["shop-1"])
    assert refused.code == 2
    assert "shop-1/plain/Deployment/web" in refused.output
    with load(run, **plain.requests(), rate=100) as seen:
        plain.make(book)
    none_lost(seen)
    pod = next(iter(lab.kube(lab.cluster_id("shop-1")).list("/api/v1/namespaces/plain/pods")))["metadata"]["name"]
    with lab.unwritten():
        plain.make(book)
    with load(run, **plain.requests(), rate=100) as seen:
        strict(book, plain.namespace, ["shop-1"]).ok()
    none_lost(seen)
    (policy,) = lab.kube(lab.mesh_id("bookinfo")).list(POLICIES)
    assert policy["spec"]["mtls"]["mode"] == "STRICT"
    with lab.unwritten():
        strict(book, plain.namespace, ["shop-1"]).ok()
    # It is in force: the application itself answers plain text no more.
    address = lab.control.expose("shop-1", pod, 8080, namespace="plain")
    answered = run.start("asm_probe", address=[address], count=1, timeout=3, path="/").result()
    assert (answered["requests"], answered["statuses"]) == (1, {})

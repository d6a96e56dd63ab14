# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook remove with the example: nothing stays that costs money. Sorted last by conftest.py."""

from __future__ import annotations

import pytest

from .labs import Lab
from .playing import EXAMPLE, SPEC, changing, texts
from .runner import Played, Runner

CONFIRMED = ("-e", "asm_remove=bookinfo")
STEPS = [
    "remove : Remove the Istio resources",
    "remove : Remove the gateways and wait until their load balancers are released",
    "remove : Detach the clusters",
    "remove : Remove the mesh",
]


def remove(run: Runner, *words: str) -> Played:
    return run.play("meshops.asm.remove", *SPEC, *words, cwd=EXAMPLE)


@pytest.fixture(scope="module")
def whole(lab: Lab, run: Runner) -> str:
    """The mesh with everything that the example declares; its id."""
    run.play("meshops.asm.site", *SPEC, cwd=EXAMPLE).ok()
    return lab.mesh_id("bookinfo")


@pytest.mark.parametrize("words", [(), ("-e", "asm_remove=bookinf"), ("--check", "-e", "asm_remove=bookinf")])
def test_without_the_exact_name_nothing_is_removed(lab: Lab, run: Runner, whole: str, words: tuple[str, ...]) -> None:
    with lab.unwritten():
        played = remove(run, *words)
    assert played.code == 2
    message = " ".join(played.output.split())
    assert f"remove the mesh bookinfo ({whole})" in message
    assert "its 2 clusters" in message
    assert "-e asm_remove=bookinfo" in message


def test_check_mode_shows_what_would_go(lab: Lab, run: Runner, whole: str) -> None:
    with lab.unwritten():
        played = remove(run, "--check", "--diff").ok()
    assert changing(played.output) == STEPS
    shown = texts(played.output)
    assert "VirtualService bookinfo/reviews" in shown[STEPS[0]]
    assert "shop-2" in shown[STEPS[2]]


def test_removal_leaves_nothing_that_costs_money(lab: Lab, run: Runner, whole: str) -> None:
    clusters = {name: lab.cluster_id(name) for name in ("shop-1", "shop-2")}
    since = lab.mark()
    played = remove(run, *CONFIRMED).ok()
    assert changing(played.output) == STEPS
    actions = [entry["action"] for entry in lab.writes(since)]
    assert actions == ["RemoveClusterFromServiceMesh", "RemoveClusterFromServiceMesh", "DeleteServiceMesh"]
    assert lab.meshes("bookinfo") == []
    assert lab.billed("mesh", "load_balancer", "eip", "security_group") == []
    assert [row for row in lab.control.resources() if whole in str(row["used_by"])] == []
    for cluster_id in clusters.values():
        kube = lab.kube(cluster_id)
        assert kube.find("/api/v1/namespaces/istio-system") is None
        balanced = [one for one in kube.list("/api/v1/services") if one["spec"]["type"] == "LoadBalancer"]
        assert balanced == []
        # The applications are not the mesh's to remove.
        assert len(kube.list("/apis/apps/v1/namespaces/bookinfo/deployments")) == 6


def test_removal_again_changes_nothing(lab: Lab, run: Runner, whole: str) -> None:
    assert lab.meshes("bookinfo") == []
    with lab.unwritten():
        again = remove(run, *CONFIRMED).ok()
        predicted = remove(run, "--check", "--diff").ok()
    for played in (again, predicted):
        assert played.recap["changed"] == 0
        assert played.recap["failed"] == 0

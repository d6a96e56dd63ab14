# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that attaches and detaches clusters, against an ASM in memory."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    Ambiguous,
    AsmError,
    LostReply,
    NotFound,
    Refused,
    WaitFailed,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Plan
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import converge
from ansible_collections.meshops.asm.plugins.modules.asm_cluster import Clusters

from .conftest import CLUSTERS as NAMES
from .conftest import FakeAsm, FakeGateways

ADD, REMOVE = "AddClusterIntoServiceMesh", "RemoveClusterFromServiceMesh"

Result = dict[str, Any]
Run = Callable[..., Result]


@pytest.fixture
def shop(asm: FakeAsm) -> str:
    """A running mesh, and three clusters that could join it."""
    asm.candidates = [{"ClusterId": key, "Name": name, "State": "running"} for key, name in NAMES.items()]
    asm.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")
    asm.meshes["c1"]["ServiceMeshInfo"]["State"] = "running"
    return "c1"


@pytest.fixture
def run(asm: FakeAsm, plane: FakeGateways, task: Callable[..., dict[str, Any]], no_waiting: Any) -> Run:
    def call(*wanted: Any, check: bool = False, wait: bool = True, mesh: str = "shop", **options: Any) -> Result:
        items = [{"name": item} if isinstance(item, str) else item for item in wanted]
        resource = Clusters(task(Clusters, mesh=mesh, clusters=items, **options), asm)  # type: ignore[arg-type]
        try:
            outcome = converge(resource, check=check, wait=wait)
        except AsmError as error:
            error.details = {**resource.extra(Plan()), **error.details}
            raise
        names = [cluster["name"] for cluster in outcome.value]
        plan = outcome.plan
        return {"changed": outcome.changed, "clusters": names, "plan": plan, **resource.extra(plan)}

    return call


def attach(asm: FakeAsm, *clusters: str) -> None:
    asm.meshes["c1"]["Clusters"] = list(clusters)
    asm.meshes["c1"]["Members"] = [{"ClusterId": key, "Name": NAMES[key], "State": "running"} for key in clusters]


def attached(asm: FakeAsm) -> set[str]:
    return set(asm.meshes["c1"]["Clusters"])


SUBSETS = [set(chosen) for size in range(4) for chosen in itertools.combinations(NAMES, size)]


@pytest.mark.parametrize("before", SUBSETS, ids=lambda keys: "+".join(sorted(keys)) or "none")
@pytest.mark.parametrize("wanted", SUBSETS, ids=lambda keys: "+".join(sorted(keys)) or "none")
@pytest.mark.parametrize("mode", ["add", "purge", "absent"])
def test_every_set_becomes_what_was_asked_for_and_only_differences_are_sent(
    run: Run, asm: FakeAsm, shop: str, before: set[str], wanted: set[str], mode: str
) -> None:
    options = {"add": {}, "purge": {"purge": True}, "absent": {"state": "absent"}}[mode]
    expected = {"add": before | wanted, "purge": wanted, "absent": before - wanted}[mode]
    attach(asm, *sorted(before))
    names = [NAMES[key] for key in sorted(wanted)]

    predicted = run(*names, check=True, **options)
    assert (asm.written(), attached(asm)) == ([], before)
    result = run(*names, **options)
    assert attached(asm) == expected
    assert {call["ClusterId"] for call in asm.sent(ADD)} == expected - before
    assert {call["ClusterId"] for call in asm.sent(REMOVE)} == before - expected
    assert len(asm.written()) == len(before ^ expected)

    for seen in (predicted, result):
        assert seen["changed"] is (before != expected)
        assert sorted(seen["clusters"]) == [NAMES[key] for key in sorted(expected)]
        assert sorted(seen["attached"]) == [NAMES[key] for key in sorted(expected - before)]
        assert sorted(seen["detached"]) == [NAMES[key] for key in sorted(before - expected)]
        assert seen["plan"].after == {"clusters": [NAMES[key] for key in sorted(expected)]}
    assert run(*names, **options)["changed"] is False


def test_attaching_a_third_cluster_is_one_add_and_no_remove(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, "k1", "k2")
    run("shop-1", "shop-2", "shop-3", purge=True)
    assert asm.written() == [ADD]
    assert asm.sent(ADD) == [{"ServiceMeshId": "c1", "ClusterId": "k3"}]


def test_a_cluster_that_failed_is_added_again(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, "k1", "k2")
    asm.meshes["c1"]["Members"][1].update(State="failed", ErrorMessage="no route")
    assert run("shop-1")["changed"] is False

    predicted = run("shop-1", "shop-2", check=True)
    assert (predicted["changed"], asm.written()) == (True, [])
    assert predicted["plan"].before == {"clusters": ["shop-1", "shop-2 (failed)"]}
    result = run("shop-1", "shop-2")
    assert asm.sent(ADD) == [{"ServiceMeshId": "c1", "ClusterId": "k2"}]
    assert (result["attached"], result["detached"]) == (["shop-2"], [])
    assert result["plan"].after == predicted["plan"].after == {"clusters": ["shop-1", "shop-2"]}
    assert run("shop-1", "shop-2")["changed"] is False


def test_clusters_are_named_by_id_too_and_twice_is_once(run: Run, asm: FakeAsm, shop: str) -> None:
    run("k1", "shop-1", "k2")
    assert [call["ClusterId"] for call in asm.sent(ADD)] == ["k1", "k2"]
    assert run("k1", "shop-1", "k2", purge=True)["changed"] is False


def test_candidates_are_asked_for_only_when_one_is_needed(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, "k1")
    run("shop-1", purge=True)
    assert asm.sent("DescribeServiceMeshClusters") == []


def test_options_of_a_cluster_travel_with_it(run: Run, asm: FakeAsm, shop: str) -> None:
    run({"name": "shop-1", "ignore_namespace_check": True, "discovery_only": True})
    assert asm.sent(ADD) == [
        {"ServiceMeshId": "c1", "ClusterId": "k1", "IgnoreNamespaceCheck": True, "DiscoveryOnly": True}
    ]


def test_a_cluster_with_a_kubeconfig_need_not_be_a_candidate(run: Run, asm: FakeAsm, shop: str) -> None:
    for check in (True, False):
        assert run({"name": "own", "kubeconfig": "kind: Config"}, check=check)["attached"] == ["own"]
    assert asm.sent(ADD) == [{"ServiceMeshId": "c1", "ClusterId": "own", "Kubeconfig": "kind: Config"}]


def test_a_kubeconfig_may_be_base64_or_a_path(run: Run, asm: FakeAsm, shop: str, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("PEM", encoding="utf-8")
    text = "kind: Config\nclusters: [{name: c, cluster: {server: https://h, certificate-authority: ca.crt}}]\n"
    (tmp_path / "own.yml").write_text(text, encoding="utf-8")
    for number, value in enumerate([base64.b64encode(text.encode()).decode(), text, str(tmp_path / "own.yml")]):
        run({"name": f"own-{number}", "kubeconfig": value})
    first, second, third = (sent["Kubeconfig"] for sent in asm.sent(ADD))
    assert first == second == text
    # The service has no files of this machine.
    assert json.loads(third)["clusters"][0]["cluster"]["certificate-authority-data"] == "UEVN"


def test_a_path_of_no_kubeconfig_is_refused_before_anything_is_sent(run: Run, asm: FakeAsm, shop: str) -> None:
    with pytest.raises(
        AsmError, match="Cluster 'own': The option kubeconfig names a file that cannot be read: No such file"
    ):
        run({"name": "own", "kubeconfig": "/nowhere/kubeconfig"})
    assert asm.calls == []


def test_a_kubeconfig_is_in_no_result(run: Run, shop: str) -> None:
    result = run({"name": "own", "kubeconfig": "token: hidden"}, check=True)
    assert "hidden" not in str([result["clusters"], result["plan"].before, result["plan"].after, result["attached"]])
    assert Clusters.options["clusters"]["options"]["kubeconfig"]["no_log"] is True


def test_the_namespace_of_istio_is_kept_when_asked_for(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, "k1", "k2")
    run("shop-1", state="absent", reserve_namespace=True)
    assert asm.sent(REMOVE) == [{"ServiceMeshId": "c1", "ClusterId": "k1", "ReserveNamespace": True}]


# Refusals


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ({"ForbiddenFlag": 1}, "not an administrator"),
        ({"ForbiddenFlag": 2}, "another VPC"),
        ({"ForbiddenFlag": 3, "ForbiddenInfo": '["10.0.0.0/8"]'}, "overlap"),
        ({"ForbiddenFlag": 4}, "istio-system"),
        ({"ServiceMeshId": "c9"}, "belongs to the mesh c9"),
        ({"State": "deleting"}, "its state is deleting"),
    ],
)
def test_a_refused_cluster_stops_the_task_before_the_first_write(
    run: Run, asm: FakeAsm, shop: str, flaw: dict[str, Any], words: str
) -> None:
    attach(asm, "k3")
    asm.candidates[1].update(flaw)
    for check in (True, False):
        with pytest.raises(Refused, match=f"Cluster 'shop-2' cannot be added to mesh 'shop': .*{words}") as caught:
            run("shop-1", "shop-2", purge=True, check=check)
        assert "Nothing was changed" in caught.value.message
        assert caught.value.changed is False
    assert (asm.written(), attached(asm)) == ([], {"k3"})


def test_all_refusals_are_told_at_once(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.candidates[0].update(ForbiddenFlag=1)
    asm.candidates[1].update(ForbiddenFlag=2)
    with pytest.raises(Refused, match=r"'shop-1'.*administrator.*'shop-2'.*another VPC"):
        run("shop-1", "shop-2", "shop-3")


def test_a_namespace_is_taken_over_only_when_asked_for(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.candidates[0].update(ForbiddenFlag=4)
    assert run({"name": "shop-1", "ignore_namespace_check": True})["attached"] == ["shop-1"]


def test_an_unknown_cluster_is_named_among_the_known_ones(run: Run, asm: FakeAsm, shop: str) -> None:
    with pytest.raises(NotFound, match=r"'shop-9'.*shop-1, shop-2, shop-3"):
        run("shop-1", "shop-9")
    assert asm.written() == []


def test_an_ambiguous_cluster_is_refused(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.candidates[1]["Name"] = "shop-1"
    with pytest.raises(Ambiguous, match=r"k1.*k2"):
        run("shop-1")


def test_an_unknown_cluster_that_is_to_be_detached_is_detached_already(run: Run, asm: FakeAsm, shop: str) -> None:
    assert run("shop-9", state="absent")["changed"] is False


# A mesh that is not there


def test_check_mode_predicts_clusters_of_a_mesh_that_an_earlier_task_would_make(run: Run, asm: FakeAsm) -> None:
    result = run("shop-1", "shop-2", check=True)
    assert (result["changed"], result["clusters"]) == (True, ["shop-1", "shop-2"])
    assert result["plan"].warnings == ("Mesh 'shop' does not exist yet.",)


def test_an_unknown_mesh_is_an_error(run: Run, asm: FakeAsm, shop: str) -> None:
    with pytest.raises(NotFound, match=r"'store'.*shop \(cn-hangzhou\)"):
        run("shop-1", mesh="store")
    assert asm.written() == []


def test_nothing_is_attached_to_an_absent_mesh(run: Run) -> None:
    assert run("shop-1", state="absent")["changed"] is False


# Trouble on the way


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize(("action", "options"), [(ADD, {}), (REMOVE, {"state": "absent"})])
def test_after_a_lost_reply_the_rest_is_done_and_nothing_twice(
    run: Run, asm: FakeAsm, shop: str, action: str, options: dict[str, Any], happened: bool
) -> None:
    if options:
        attach(asm, "k1", "k2")
    asm.faults[action] = [(LostReply("Lost."), happened)]
    result = run("shop-1", "shop-2", **options)
    assert attached(asm) == (set() if options else {"k1", "k2"})
    assert len(asm.sent(action)) == (2 if happened else 3)
    assert sorted(result["attached"] + result["detached"]) == ["shop-1", "shop-2"]


def test_a_failure_half_way_tells_how_far_the_task_came(run: Run, asm: FakeAsm, shop: str) -> None:
    real = asm.AddClusterIntoServiceMesh

    def second_fails(ServiceMeshId: str, ClusterId: str, **more: Any) -> Any:
        if ClusterId == "k2":
            raise AsmError("No quota is left.", code="QuotaExceeded", http_status=400)
        return real(ServiceMeshId, ClusterId, **more)

    asm.answers[ADD] = second_fails
    with pytest.raises(AsmError, match="No quota") as caught:
        run("shop-1", "shop-2", "shop-3")
    assert caught.value.changed is True
    assert caught.value.details == {"attached": ["shop-1"], "detached": [], "released": {}}
    assert attached(asm) == {"k1"}


def test_a_cluster_that_fails_in_the_mesh_is_a_failure_with_the_reason(run: Run, asm: FakeAsm, shop: str) -> None:
    real = asm.AddClusterIntoServiceMesh

    def failing(ServiceMeshId: str, ClusterId: str, **more: Any) -> Any:
        reply = real(ServiceMeshId, ClusterId, **more)
        asm.meshes["c1"]["Members"][-1].update(State="failed", ErrorMessage="The API server is not reachable")
        return reply

    asm.answers[ADD] = failing
    with pytest.raises(WaitFailed, match=r"Cluster 'shop-1' is in state failed .*not reachable"):
        run("shop-1")


def test_a_cluster_is_waited_for_when_its_mesh_runs_already(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.looks = 0
    states: list[str] = []

    def slow(ServiceMeshId: str) -> Any:
        asm.meshes["c1"]["ServiceMeshInfo"]["State"] = "running"
        members = asm.meshes["c1"]["Members"]
        states.extend("running" if len(states) > 5 else "initial" for _one in members)
        return {"Clusters": [{**one, "State": states[-1]} for one in members]}

    asm.answers["DescribeClustersInServiceMesh"] = slow
    assert run("shop-1")["attached"] == ["shop-1"]
    assert (states[0], states[-1]) == ("initial", "running")


def test_an_interrupted_run_is_waited_for_by_the_next_one(run: Run, asm: FakeAsm, shop: str) -> None:
    assert run("shop-1", wait=False)["changed"] is True
    assert asm.meshes["c1"]["ServiceMeshInfo"]["State"] == "updating"
    assert run("shop-1")["changed"] is False
    assert asm.meshes["c1"]["ServiceMeshInfo"]["State"] == "running"


@pytest.mark.parametrize("options", [{"state": "absent"}, {"purge": True}], ids=["absent", "purge"])
def test_gateways_leave_a_cluster_before_it_is_detached(
    run: Run, asm: FakeAsm, shop: str, plane: FakeGateways, options: dict[str, Any]
) -> None:
    attach(asm, "k1", "k2")
    plane.deploy("ingress", "k1", "k2", overrides={"k2": {"replicaCount": 2}})
    plane.deploy("egress", "k1")
    named = ["shop-2"] if "state" in options else ["shop-1"]

    predicted = run(*named, check=True, **options)
    assert (asm.written(), plane.log) == ([], [])
    result = run(*named, **options)
    assert plane.log == [
        ("merge", "ingress", {"spec": {"clusterIds": ["k1"], "overrides": {"k2": None}}}),
        ("left", "ingress", ["shop-2"]),
        ("left", "ingress", []),
    ]
    assert asm.sent(REMOVE)[0]["ClusterId"] == "k2"
    for seen in (predicted, result):
        assert seen["released"] == {"ingress": ["shop-2"]}
        assert seen["plan"].before["gateways"] == {"ingress": ["shop-1", "shop-2"]}
        assert seen["plan"].after == {"clusters": ["shop-1"], "gateways": {"ingress": ["shop-1"]}}
    assert run(*named, **options)["changed"] is False


def test_a_gateway_that_would_be_nowhere_is_refused(run: Run, asm: FakeAsm, shop: str, plane: FakeGateways) -> None:
    attach(asm, "k1", "k2")
    plane.deploy("ingress", "k2")
    with pytest.raises(Refused, match=r"Gateway 'ingress' would be without a cluster.*shop-2 only.*Nothing was"):
        run("shop-2", state="absent")
    assert (asm.written(), plane.log) == ([], [])
    run("shop-2", state="absent", release_gateways=False)
    assert (attached(asm), plane.log) == ({"k1"}, [])


def test_gateways_are_read_only_when_a_cluster_leaves(run: Run, asm: FakeAsm, shop: str, plane: FakeGateways) -> None:
    attach(asm, "k1")
    run("shop-1", "shop-2", purge=True)
    run("shop-3", state="absent")
    assert plane.reads == 0


def test_a_control_plane_that_is_away_names_the_way_out(
    run: Run, asm: FakeAsm, shop: str, plane: FakeGateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: Any) -> Any:
        raise AsmError("No answer.")

    attach(asm, "k1")
    monkeypatch.setattr(gateways, "control_plane", away)
    with pytest.raises(AsmError, match=r"No answer\. To detach clusters without .* release_gateways=false"):
        run("shop-1", state="absent")
    assert asm.written() == []


def test_a_release_that_takes_too_long_detaches_nothing_and_says_so(
    run: Run, asm: FakeAsm, shop: str, plane: FakeGateways
) -> None:
    attach(asm, "k1", "k2")
    plane.deploy("ingress", "k1", "k2")
    plane.looks = 10**9
    with pytest.raises(AsmError, match="Service istio-ingress to be gone from shop-2") as caught:
        run("shop-2", state="absent", wait_timeout=5)
    assert caught.value.changed
    assert attached(asm) == {"k1", "k2"}


# Other runs on the same mesh


def failing_once(asm: FakeAsm, action: str, before: Callable[[], Any], error: AsmError) -> None:
    """The next ``action`` comes after ``before``, because of which it is refused."""

    def refused(**parameters: Any) -> Any:
        asm.answers[action] = getattr(asm, action)
        before()
        raise error

    asm.answers[action] = refused


REFUSED = AsmError("Refused.", code="ClusterHasBeenAdded", http_status=400)
UNKNOWN = AsmError("Not found.", code="ServiceMesh.NotFound", http_status=404)


def test_a_cluster_that_another_run_attached_meanwhile_is_attached(run: Run, asm: FakeAsm, shop: str) -> None:
    failing_once(asm, ADD, lambda: attach(asm, "k1"), REFUSED)
    result = run("shop-1")
    assert (result["clusters"], attached(asm)) == (["shop-1"], {"k1"})


def test_what_is_left_after_another_run_attached_one_is_done(run: Run, asm: FakeAsm, shop: str) -> None:
    failing_once(asm, ADD, lambda: attach(asm, "k1"), REFUSED)
    assert run("shop-1", "shop-2")["clusters"] == ["shop-1", "shop-2"]


def test_a_refusal_to_attach_stays_a_refusal(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.faults[ADD] = [(REFUSED, False)]
    with pytest.raises(AsmError, match=r"Refused\."):
        run("shop-1")


def test_a_cluster_that_another_run_detached_meanwhile_is_detached(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, "k1", "k2")
    gone = AsmError("Not there.", code="ErrorClusterNotFound", http_status=404)
    failing_once(asm, REMOVE, lambda: attach(asm, "k2"), gone)
    assert run("shop-1", state="absent")["clusters"] == ["shop-2"]


@pytest.mark.parametrize("action", ["DescribeClustersInServiceMesh", "DescribeServiceMeshDetail", REMOVE])
def test_clusters_are_gone_with_a_mesh_that_another_run_removed(run: Run, asm: FakeAsm, shop: str, action: str) -> None:
    attach(asm, "k1")
    failing_once(asm, action, asm.meshes.clear, UNKNOWN)
    result = run("shop-1", state="absent")
    assert (result["clusters"], result["changed"]) == ([], action == REMOVE)


@pytest.mark.parametrize("action", ["DescribeServiceMeshDetail", ADD])
def test_a_mesh_that_another_run_removed_is_told_at_once(
    run: Run, asm: FakeAsm, shop: str, no_waiting: Any, action: str
) -> None:
    failing_once(asm, action, asm.meshes.clear, UNKNOWN)
    with pytest.raises(NotFound, match="'shop' was deleted while this task was working on it"):
        run("shop-1")
    assert no_waiting.pauses == []


@pytest.mark.parametrize("options", [{"state": "absent"}, {}], ids=["absent", "present"])
def test_a_mesh_on_its_way_out(run: Run, asm: FakeAsm, shop: str, options: dict[str, Any]) -> None:
    asm.meshes[shop]["ServiceMeshInfo"]["State"] = "deleting"
    asm._pending[shop] = 99
    if options:
        assert run("shop-1", **options)["changed"] is False
    else:
        with pytest.raises(Refused, match="is being deleted"):
            run("shop-1")
    assert asm.written() == []


def test_a_cluster_that_another_run_detaches_while_it_is_waited_for_is_told(
    run: Run, asm: FakeAsm, shop: str, no_waiting: Any
) -> None:
    def detached(**parameters: Any) -> Any:
        reply = asm.AddClusterIntoServiceMesh(**parameters)
        asm.meshes[shop]["Members"][-1]["State"] = "starting"
        looks = iter(range(2))
        asm.answers["DescribeClustersInServiceMesh"] = lambda ServiceMeshId: {
            "Clusters": asm.meshes[shop]["Members"] if next(looks, None) is not None else []
        }
        return reply

    asm.answers[ADD] = detached
    with pytest.raises(WaitFailed, match="not in the mesh any more"):
        run("shop-1", wait_timeout=3600)
    assert sum(no_waiting.pauses) < 60


# Clusters that cannot leave


def stuck(asm: FakeAsm, shop: str) -> Callable[..., Any]:
    def refuses_to_go(ServiceMeshId: str, ClusterId: str, ReserveNamespace: bool) -> Any:
        asm.meshes[shop]["Members"][0].update(State="failed", ErrorMessage="namespace istio-system is still there")
        return {}

    return refuses_to_go


@pytest.mark.parametrize("before", ["running", "failed"])
def test_a_cluster_that_cannot_leave_ends_the_wait_with_the_reason(
    run: Run, asm: FakeAsm, shop: str, no_waiting: Any, before: str
) -> None:
    attach(asm, "k1")
    asm.meshes[shop]["Members"][0].update(State=before, ErrorMessage="no route" if before == "failed" else None)
    asm.answers[REMOVE] = stuck(asm, shop)
    with pytest.raises(WaitFailed, match=r"'shop-1' could not leave .*istio-system is still there") as caught:
        run("shop-1", state="absent", wait_timeout=3600)
    assert (caught.value.changed, no_waiting.pauses) == (True, [])


def test_the_failure_of_before_is_none_of_the_removal_but_not_for_ever(
    run: Run, asm: FakeAsm, shop: str, no_waiting: Any
) -> None:
    """A list that lags behind shows it for a while; one that shows it for long means it."""
    attach(asm, "k1")
    asm.meshes[shop]["Members"][0].update(State="failed", ErrorMessage="namespace istio-system is still there")
    asm.answers[REMOVE] = stuck(asm, shop)
    with pytest.raises(WaitFailed, match="could not leave"):
        run("shop-1", state="absent", wait_timeout=3600)
    assert 5 < sum(no_waiting.pauses) < 60


def test_a_failed_cluster_that_leaves_late_has_left(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, "k1")
    asm.meshes[shop]["Members"][0].update(State="failed", ErrorMessage="no route")
    shown = list(asm.meshes[shop]["Members"])
    looks = iter(range(3))

    def late(**parameters: Any) -> Any:
        reply = asm.RemoveClusterFromServiceMesh(**parameters)
        asm.answers["DescribeClustersInServiceMesh"] = lambda ServiceMeshId: {
            "Clusters": shown if next(looks, None) is not None else []
        }
        return reply

    asm.answers[REMOVE] = late
    assert run("shop-1", state="absent")["detached"] == ["shop-1"]

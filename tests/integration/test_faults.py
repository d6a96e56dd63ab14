# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network and a service that let the collection down: nothing is done twice, and nothing is left half done."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import Shop
from .labs import NORTH_MESH, VPC, VSWITCH, Lab, Mark
from .runner import ROOT, Runner, Running
from .test_workload import deployment

NAME = "it-faults"
NEW: dict[str, Any] = {"name": NAME, "vpc_id": VPC, "vswitch_ids": [VSWITCH]}
#: Detaching with the namespace left in place, as some tests here do, saves the time that Kubernetes takes for it.
THIRD = [{"name": "shop-3", "ignore_namespace_check": True}]
LAB_PATH = ROOT / "tests" / "lab"


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays(lab: Lab, run: Runner) -> Iterator[None]:
    """Whatever a failed test of this file leaves is removed."""
    yield
    lab.control.clear_faults()
    lab.control.transitions(0)
    for mesh in (NAME, f"{NAME}-slow", f"{NAME}-ends"):
        if lab.meshes(mesh):
            run("asm_mesh", name=mesh, state="absent")


SLOW, LOST = f"{NAME}-slow", f"{NAME}-lost"


@dataclass
class Silent:
    """Modules that nobody answers. They wait for half a minute, so they do it beside other tests."""

    since: Mark
    read: Running
    slow: Running
    lost: Running


@pytest.fixture(scope="module")
def silent(lab: Lab, run: Runner) -> Silent:
    """Started before the first test that has to wait itself."""
    create = "CreateServiceMesh"
    faults = [
        {"action": "DescribeServiceMeshDetail", "kind": "slow", "delay": 33, "match": {"ServiceMeshId": NORTH_MESH}},
        {"action": create, "kind": "slow", "delay": 33, "match": {"Name": SLOW}},
        {"action": create, "kind": "lost_request", "match": {"Name": LOST}},
    ]
    since = lab.mark()
    with lab.faults(*faults):
        read = run.start("asm_mesh_info", name=NORTH_MESH)
        slow, lost = (run.start("asm_mesh", **{**NEW, "name": name}) for name in (SLOW, LOST))
        lab.wait_for(lambda: all(fault["hits"] for fault in lab.control.faults()), "the requests to be hit")
    return Silent(since, read, slow, lost)


# Reads.


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "throttle"},
        {"kind": "throttle", "retry_after": 700},
        {"kind": "throttle", "code": "Throttling.Api", "status": 429},
        {"kind": "http_500"},
        {"kind": "http_503"},
        {"kind": "non_json"},
        {"kind": "lost_request"},
        {"kind": "lost_reply"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_reads_are_repeated(lab: Lab, run: Runner, shop: Shop, fault: dict[str, Any]) -> None:
    since = lab.mark()
    with lab.faults({"action": "DescribeServiceMeshDetail", "times": 2, **fault}):
        assert [mesh["id"] for mesh in run("asm_mesh_info", name=shop.name)["meshes"]] == [shop.id]
    asked = lab.requests(since, "DescribeServiceMeshDetail")
    assert [entry["faults"] for entry in asked] == [[fault["kind"]], [fault["kind"]], []]
    if fault.get("retry_after"):
        pauses = [later["time"] - sooner["time"] for sooner, later in itertools.pairwise(asked)]
        assert min(pauses) >= fault["retry_after"] / 1000


def test_requests_to_container_service_are_repeated_as_well(lab: Lab, run: Runner, shop: Shop) -> None:
    faults = [
        {"action": "DescribeClustersV1", "kind": "http_503"},
        {"action": "DescribeClusterUserKubeconfig", "kind": "throttle"},
    ]
    with lab.faults(*faults):
        run.settled("asm_workload", cluster="shop-1", definition=[])
        assert run("asm_kubeconfig", cluster="shop-1")["server"].startswith("https://")


def test_repetition_ends(lab: Lab, run: Runner) -> None:
    with lab.faults({"action": "DescribeServiceMeshes", "kind": "throttle", "times": -1}):
        result = run.refused("asm_mesh", "Throttling.User", "3 s in vain", "api_timeout", **NEW, api_timeout=3)
    assert result["error"]["code"] == "Throttling.User"
    assert result["error"]["http_status"] == 400


def test_a_failure_that_no_repetition_helps_is_told_at_once(lab: Lab, run: Runner, shop: Shop) -> None:
    since = lab.mark()
    with lab.faults({"action": "DescribeServiceMeshDetail", "kind": "deny"}):
        run.refused("asm_mesh", "Forbidden.RAM", "DescribeServiceMeshDetail", name=shop.name, tracing=True)
    assert len(lab.requests(since, "DescribeServiceMeshDetail")) == 1


# Creation.


def test_an_interrupted_creation_loses_no_setting(lab: Lab, run: Runner) -> None:
    """What the service never shows is sent by the next run, and not again."""
    hidden: dict[str, Any] = {**NEW, "name": "it-halfway", "proxy": {"log_level": "error"}}
    try:
        with lab.faults({"action": "UpdateMeshFeature", "kind": "deny"}):
            assert run.failing("asm_mesh", "UpdateMeshFeature", "RAM policy", **hidden)["changed"] is True
        since = lab.mark()
        done = run.converge("asm_mesh", **hidden)
        assert done["mesh"]["tags"] == {}
        assert [entry["action"] for entry in lab.writes(since)] == ["UpdateMeshFeature", "UntagResources"]
        assert lab.sent(since, "UpdateMeshFeature")[0]["LogLevel"] == "error"
    finally:
        run("asm_mesh", name="it-halfway", state="absent")


def test_a_lost_reply_to_a_create_makes_one_mesh(lab: Lab, run: Runner) -> None:
    """The list lags behind, too: what was made is not in its first answers, and gone from a later one."""
    since = lab.mark()
    tagged = {**NEW, "tags": {"team": "it"}}
    faults = [
        {"action": "CreateServiceMesh", "kind": "lost_reply"},
        {"action": "DescribeServiceMeshes", "kind": "stale_read", "skip": 1, "times": 2},
        {"action": "DescribeServiceMeshes", "kind": "stale_read", "skip": 4},
    ]
    with lab.faults(*faults):
        made = run("asm_mesh", **tagged)
    assert made["changed"] is True
    assert made["mesh"]["state"] == "running"
    assert made["mesh"]["tags"] == {"team": "it"}
    assert len(lab.requests(since, "ListTagResources")) == 1
    assert len(lab.requests(since, "CreateServiceMesh")) == 1
    (mesh,) = lab.meshes(NAME)
    assert made["mesh"]["id"] == mesh["mesh_id"]
    run.settled("asm_mesh", **tagged)
    run.settled("asm_mesh", **NEW)


# Changes of a mesh.


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        ({"kind": "throttle", "retry_after": 100}, 2),
        ({"kind": "http_503"}, 2),
        # It is not known whether these were carried out; a look tells.
        ({"kind": "http_500"}, 2),
        ({"kind": "lost_request"}, 2),
        ({"kind": "lost_reply"}, 1),
        ({"kind": "non_json"}, 2),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_change_arrives_once(lab: Lab, run: Runner, fault: dict[str, Any], sent: int) -> None:
    wanted = not run("asm_mesh", name=NAME)["mesh"]["telemetry"]
    since = lab.mark()
    with lab.faults({"action": "UpdateMeshFeature", **fault}):
        done = run("asm_mesh", name=NAME, telemetry=wanted)
    assert (done["changed"], done["mesh"]["telemetry"]) == (True, wanted)
    assert [entry["parameters"]["Telemetry"] for entry in lab.requests(since, "UpdateMeshFeature")] == [wanted] * sent
    run.settled("asm_mesh", name=NAME, telemetry=wanted)


def test_a_refusal_with_http_200_is_a_failure(lab: Lab, run: Runner) -> None:
    fault = {"kind": "bad_code_200", "code": "400", "message": "not today"}
    with lab.faults({"action": "AddClusterIntoServiceMesh", **fault}):
        words = ("AddClusterIntoServiceMesh", "400", "not today")
        result = run.failing("asm_cluster", *words, mesh=NAME, clusters=THIRD)
    assert (result["changed"], result["attached"], result["error"]["http_status"]) == (False, [], 200)
    assert lab.attached(NAME) == set()


def test_a_change_that_fails_later_tells_what_the_service_says(lab: Lab, run: Runner) -> None:
    wanted = not run("asm_mesh", name=NAME)["mesh"]["telemetry"]
    with lab.faults({"action": "UpdateMeshFeature", "kind": "fail_transition", "message": "no more pilots"}):
        words = (NAME, "updating_failed", "no more pilots")
        result = run.failing("asm_mesh", *words, name=NAME, telemetry=wanted)
    assert (result["changed"], result["last_state"]) == (True, "updating_failed")
    # The next change is not held up by it.
    run("asm_mesh", name=NAME, telemetry=not wanted)
    run.settled("asm_mesh", name=NAME, telemetry=not wanted)


# Clusters.


def test_a_cluster_that_cannot_start_tells_why_and_is_added_again(lab: Lab, run: Runner) -> None:
    with lab.faults({"action": "AddClusterIntoServiceMesh", "kind": "fail_transition", "message": "no route"}):
        words = ("'shop-3'", "failed", "no route", "run the task again")
        result = run.failing("asm_cluster", *words, mesh=NAME, clusters=THIRD)
    assert result["changed"] is True
    again = run("asm_cluster", mesh=NAME, clusters=THIRD)
    assert (again["attached"], [one["state"] for one in again["clusters"]]) == (["shop-3"], ["running"])
    run("asm_cluster", mesh=NAME, clusters=THIRD, state="absent")
    assert lab.attached(NAME) == set()


#: The read that looks whether a change has arrived lags behind it.
STALE = {"kind": "stale_read", "action": "DescribeClustersInServiceMesh", "skip": 1}


@pytest.mark.parametrize(
    ("add", "remove"), [(["lost_reply", STALE], "lost_reply"), (["lost_request"], "http_500")], ids=["reply", "request"]
)
def test_clusters_come_and_go_once(lab: Lab, run: Runner, add: list[Any], remove: str) -> None:
    """A lost request is sent again, an action of which only the reply was lost is not."""
    since = lab.mark()
    with lab.faults({"action": "AddClusterIntoServiceMesh", "kind": add[0]}, *add[1:]):
        done = run("asm_cluster", mesh=NAME, clusters=THIRD)
    assert (done["changed"], lab.attached(NAME)) == (True, {"shop-3"})
    carried_out = [entry for entry in lab.requests(since, "AddClusterIntoServiceMesh") if entry["code"] == ""]
    assert len(carried_out) == 1
    run.settled("asm_cluster", mesh=NAME, clusters=THIRD)

    since = lab.mark()
    with lab.faults({"action": "RemoveClusterFromServiceMesh", "kind": remove}):
        done = run("asm_cluster", mesh=NAME, clusters=THIRD, state="absent", reserve_namespace=True)
    assert (done["changed"], lab.attached(NAME)) == (True, set())
    carried_out = [entry for entry in lab.requests(since, "RemoveClusterFromServiceMesh") if entry["code"] == ""]
    assert len(carried_out) == 1


# Interrupted runs.


def test_a_run_that_was_killed_while_it_waited_is_continued(lab: Lab, run: Runner) -> None:
    """First its change, then its removal: what was asked for already is only waited for."""
    wanted = not run("asm_mesh", name=NAME)["mesh"]["tracing"]
    lab.control.transitions(1)
    killed = run.start("asm_mesh", name=NAME, tracing=wanted)
    lab.wait_for(lambda: lab.meshes(NAME)[0]["state"] == "updating", "the change to begin")
    assert not killed.ended
    killed.kill()
    assert killed.ended
    going_on = run.start("asm_mesh", name=NAME, tracing=wanted)
    since = lab.mark()
    lab.wait_for(lambda: len(lab.requests(since, "DescribeServiceMeshDetail")) > 2, "the second run to wait")
    assert not going_on.ended
    lab.control.transitions(0)
    result = going_on.result()
    assert (result["changed"], result["mesh"]["state"], result["mesh"]["tracing"]) == (False, "running", wanted)
    assert lab.writes(since) == []


def test_a_creation_that_was_killed_is_continued(lab: Lab, run: Runner) -> None:
    """And what creates it may read what was before: a mesh that is not shown yet is not gone."""
    name = f"{NAME}-ends"
    options = {**NEW, "name": name, "telemetry": True}
    since = lab.mark()
    lab.control.transitions(1)
    killed = run.start("asm_mesh", **options)
    lab.wait_for(lambda: lab.meshes(name), "the mesh to be made")
    killed.kill()
    lab.control.transitions(0)
    with lab.faults({"action": "DescribeServiceMeshDetail", "kind": "stale_read", "skip": 1, "times": 2}):
        result = run("asm_mesh", **options)
    assert (result["changed"], result["mesh"]["state"]) == (False, "running")
    assert len(lab.meshes(name)) == 1
    assert [entry["action"] for entry in lab.writes(since)] == ["CreateServiceMesh"]


def test_a_lost_reply_to_a_delete(lab: Lab, run: Runner) -> None:
    name = f"{NAME}-ends"
    with lab.faults({"action": "DeleteServiceMesh", "kind": "lost_reply"}):
        done = run("asm_mesh", name=name, state="absent")
    assert (done["changed"], done["mesh"], lab.meshes(name)) == (True, None, [])
    run.settled("asm_mesh", name=name, state="absent")


@pytest.mark.parametrize(("kind", "state"), [("create_timeout", "create_timeout"), ("fail_transition", "failed")])
def test_a_creation_that_fails_ends_the_wait(lab: Lab, run: Runner, kind: str, state: str) -> None:
    options = {**NEW, "name": f"{NAME}-ends"}
    with lab.faults({"action": "CreateServiceMesh", "kind": kind, "message": "no capacity in zone h"}):
        result = run.failing("asm_mesh", options["name"], state, "no capacity in zone h", **options)
    assert (result["changed"], result["last_state"]) == (True, state)
    # It stays failed, and is said to be, without a second one beside it.
    again = run.refused("asm_mesh", state, "no capacity in zone h", **options)
    assert again["error"]["code"] == "WaitFailed"
    assert len(lab.meshes(options["name"])) == 1
    run("asm_mesh", name=options["name"], state="absent")
    assert lab.meshes(options["name"]) == []


# The API server of a control plane or a cluster.


def test_an_api_server_that_comes_back_during_a_wait(lab: Lab, run: Runner, tmp_path: Path) -> None:
    """Stopping and starting it takes longer than several looks of the module."""
    third, file = lab.cluster_id("shop-3"), tmp_path / "third.yaml"
    run("asm_kubeconfig", cluster="shop-3", dest=str(file))
    wanted = deployment("it-slow")
    wanted["spec"]["minReadySeconds"] = 10
    since = lab.mark()
    going = run.start("asm_workload", kubeconfig=str(file), definition=wanted)
    lab.wait_for(lambda: lab.kube_writes(since, third), "the workload to be made")
    lab.control.pause(third)
    try:
        assert not going.ended
    finally:
        lab.control.resume(third)
    result = going.result()
    assert not result.get("failed"), result["msg"]
    status = lab.kube(third).get("/apis/apps/v1/namespaces/default/deployments/it-slow")["status"]
    assert status["availableReplicas"] == 1
    run("asm_workload", cluster="shop-3", definition=wanted, state="absent")


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - meshops.asm.asm_workload:
        kubeconfig: "{{ file }}"
        definition: {apiVersion: v1, kind: ConfigMap, metadata: {name: it-first}, data: {a: b}}
    - ansible.builtin.command:
        argv:
          - "{{ ansible_playbook_python }}"
          - -c
          - import sys; from meshlab.control import Control; Control(sys.argv[1]).pause(sys.argv[2])
          - "{{ workdir }}"
          - "{{ plane }}"
      environment: {PYTHONPATH: "{{ lab_path }}"}
      when: pause
    - meshops.asm.asm_workload:
        kubeconfig: "{{ file }}"
        definition: {apiVersion: v1, kind: ConfigMap, metadata: {name: it-second}, data: {a: b}}
"""


def test_an_api_server_that_goes_away_in_the_middle_of_a_run(
    lab: Lab, run: Runner, silent: Silent, tmp_path: Path
) -> None:
    """The run fails with one message; the next one does what is left."""
    third = lab.cluster_id("shop-3")
    file = tmp_path / "third.yaml"
    run("asm_kubeconfig", cluster="shop-3", dest=str(file))
    given = {"file": str(file), "plane": third, "workdir": str(lab.control.workdir), "lab_path": str(LAB_PATH)}
    try:
        failed = run.play(PLAY, pause=True, **given)
    finally:
        lab.control.resume(third)
    assert failed.code == 2
    assert failed.recap["failed"] == 1
    assert "does not answer" in failed.output
    assert "Is it up, and reachable?" in failed.output
    assert "Traceback" not in failed.output + failed.errors
    since = lab.mark()
    continued = run.play(PLAY, pause=False, **given).ok()
    assert continued.recap["changed"] == 1
    (written,) = lab.kube_writes(since, third)
    assert "configmaps/it-second" in written


# Silence.


def test_a_read_that_times_out_is_repeated(silent: Silent) -> None:
    assert [mesh["id"] for mesh in silent.read.result()["meshes"]] == [NORTH_MESH]


def test_a_create_that_never_arrived_is_not_sent_again(lab: Lab, silent: Silent) -> None:
    """It may still be under way when nobody listens any more: only the user can decide to try again."""
    result = silent.lost.result()
    assert result["failed"]
    for words in ("CreateServiceMesh", "did not show up", "Run the task again"):
        assert words in result["msg"]
    assert result["error"]["code"] == "ReplyLost"
    assert lab.meshes(LOST) == []
    assert len([sent for sent in lab.sent(silent.since, "CreateServiceMesh") if sent["Name"] == LOST]) == 1


def test_a_create_that_times_out_makes_one_mesh(lab: Lab, run: Runner, silent: Silent) -> None:
    """The service carries it out after its caller has given up."""
    result = silent.slow.result()
    assert not result.get("failed"), result["msg"]
    (mesh,) = lab.meshes(SLOW)
    assert (result["changed"], result["mesh"]["id"], result["mesh"]["state"]) == (True, mesh["mesh_id"], "running")
    assert len([sent for sent in lab.sent(silent.since, "CreateServiceMesh") if sent["Name"] == SLOW]) == 1
    run("asm_mesh", name=SLOW, state="absent")


def test_removal_of_the_mesh_of_this_file(lab: Lab, run: Runner) -> None:
    """Busy for a while yet, with a cluster in it, and killed on the way."""
    run("asm_cluster", mesh=NAME, clusters=THIRD)
    killed = run.start("asm_mesh", name=NAME, state="absent")

    def left() -> bool:
        assert not killed.ended, killed.result()
        return not lab.attached(NAME)

    lab.wait_for(left, "the cluster to leave")
    killed.kill()
    run("asm_mesh", name=NAME, state="absent")
    assert lab.meshes(NAME) == []
    run.settled("asm_mesh", name=NAME, state="absent")

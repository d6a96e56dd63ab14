# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The node stand-in, piece by piece, and a pod's life on a double of the API server."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import urllib3
from meshlab.kubeapi import KubeApiError, Object
from meshlab.loopthread import LoopThread
from meshlab.node.addresses import PodAddresses
from meshlab.node.commands import Outcome, outcome
from meshlab.node.images import Catalogue, Image
from meshlab.node.kubelet import Kubelet
from meshlab.node.podstatus import ContainerState, status
from meshlab.node.podworker import Host, PodWorker, Timing
from meshlab.node.runtime import Container, Sandbox
from meshlab.node.statusruntime import StatusRuntime


@pytest.mark.parametrize(
    ("reference", "known"),
    [
        ("docker.io/istio/examples-bookinfo-reviews-v3:1.20.3", True),
        ("registry.example:5000/team/examples-bookinfo-ratings-v1", True),
        ("nginx", True),
        ("nginx:1.29", True),
        ("nginx:does-not-exist", False),
        ("library/nginx@sha256:0123", True),
        ("no/such/image:1", False),
        ("auto", False),
    ],
)
def test_images(reference: str, known: bool) -> None:
    assert (Catalogue().find(reference) is not None) is known


def test_the_gateways_placeholder_is_an_image_only_where_nothing_replaces_it() -> None:
    assert Catalogue(placeholder=True).find("auto") is not None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Outcome(0.0, 0)),
        (["true"], Outcome(0.0, 0)),
        (["/bin/false"], Outcome(0.0, 1)),
        (["sleep", "90"], Outcome(90.0, 0)),
        (["sleep", "1m", "5s"], Outcome(65.0, 0)),
        (["sleep", "infinity"], Outcome(None, 0)),
        (["sleep", "soon"], Outcome(0.0, 1)),
        (["sh", "-c", "exit 3"], Outcome(0.0, 3)),
        (["sh", "-c", "echo 'a; b'; sleep 2; exit 1"], Outcome(2.0, 1)),
        (["sh", "-c", "false || true"], Outcome(0.0, 0)),
        (["sh", "-c", "false && sleep 5"], Outcome(0.0, 1)),
        (["sh", "-c", "false; true"], Outcome(0.0, 0)),
        (["sh", "-ec", "false; true"], Outcome(0.0, 1)),
        (["sh", "-c", "while true; do date; sleep 1; done"], Outcome(None, 0)),
        (["sh", "-c", "sleep 1 && exec sleep infinity"], Outcome(None, 0)),
        (["tail", "-f", "/dev/null"], Outcome(None, 0)),
    ],
)
def test_commands(words: list[str], expected: Outcome) -> None:
    assert outcome(words, endless=False) == expected


def test_unknown_programs_serve_only_in_images_that_serve() -> None:
    assert outcome(["/app/server", "--port", "80"], endless=True) == Outcome(None, 0)
    assert outcome(["wget", "x"], endless=False) == Outcome(0.0, 0)


def test_a_script_that_no_shell_would_read_fails() -> None:
    assert outcome(["sh", "-c", "echo 'unclosed"], endless=False).code == 2


def test_pod_addresses_go_round() -> None:
    addresses = PodAddresses("10.1.0.0/29")
    assert addresses.node == "10.1.0.1"
    first = addresses.take(None)
    addresses.give_back(first)
    assert addresses.take(None) != first
    assert addresses.take(first) == first
    assert addresses.take("10.9.9.9") not in ("10.9.9.9", first)
    rest = [addresses.take(None) for _unused in range(2)]
    assert len({*rest, first}) == 3
    with pytest.raises(RuntimeError, match="no free address"):
        addresses.take(None)


def _pod(*containers: Object, init: tuple[Object, ...] = (), policy: str = "Always") -> Object:
    spec: Object = {"containers": list(containers), "restartPolicy": policy}
    if init:
        spec["initContainers"] = list(init)
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    meta = {"name": "p", "namespace": "default", "uid": "u-1", "generation": 1}
    return {"metadata": meta, "spec": spec, "status": {"conditions": [scheduled]}}


def _status(pod: Object, **states: ContainerState) -> Object:
    init = {one["name"]: states[one["name"]] for one in pod["spec"].get("initContainers", [])}
    main = {one["name"]: states[one["name"]] for one in pod["spec"]["containers"]}
    return status(
        pod, now="2026-01-01T00:00:09Z", started="2026-01-01T00:00:01Z", node_address="10.1.0.1", address="10.1.0.2",
        init=init, main=main,
    )  # fmt: skip


def _ended(code: int) -> ContainerState:
    return ContainerState("i", state={"terminated": {"exitCode": code}})


_UP = ContainerState("i", state={"running": {}}, ready=True, started=True)
_STARTING = ContainerState("i", state={"running": {}}, started=True)


def _condition(result: Object, kind: str) -> str:
    return next(str(one["status"]) for one in result["conditions"] if one["type"] == kind)


@pytest.mark.parametrize(
    ("policy", "states", "phase", "ready"),
    [
        ("Always", {"a": _UP, "b": _UP}, "Running", "True"),
        ("Always", {"a": _UP, "b": _STARTING}, "Running", "False"),
        ("Always", {"a": ContainerState("i"), "b": ContainerState("i")}, "Pending", "False"),
        ("Never", {"a": _ended(0), "b": _ended(0)}, "Succeeded", "False"),
        ("Never", {"a": _ended(0), "b": _ended(2)}, "Failed", "False"),
        ("Never", {"a": _ended(0), "b": _UP}, "Running", "False"),
    ],
)
def test_phases(policy: str, states: dict[str, ContainerState], phase: str, ready: str) -> None:
    result = _status(_pod({"name": "a"}, {"name": "b"}, policy=policy), **states)
    assert (result["phase"], _condition(result, "Ready")) == (phase, ready)
    assert _condition(result, "PodScheduled") == "True"


def test_init_containers_come_first() -> None:
    pod = _pod({"name": "a"}, init=({"name": "i"},))
    waiting = _status(pod, i=_UP, a=ContainerState("i"))
    assert (waiting["phase"], _condition(waiting, "Initialized")) == ("Pending", "False")
    assert _condition(_status(pod, i=_ended(0), a=_UP), "Initialized") == "True"
    assert _status(_pod({"name": "a"}, init=({"name": "i"},), policy="Never"), i=_ended(1), a=ContainerState("i"))[
        "phase"
    ] == ("Failed")


def test_a_sidecar_among_the_init_containers_counts_as_serving() -> None:
    pod = _pod({"name": "a"}, init=({"name": "s", "restartPolicy": "Always"},))
    assert _condition(_status(pod, s=_UP, a=_UP), "Ready") == "True"
    assert _condition(_status(pod, s=_STARTING, a=_UP), "Ready") == "False"


def test_conditions_keep_the_time_of_their_change() -> None:
    pod = _pod({"name": "a"})
    pod["status"]["conditions"].append(
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:02Z"}
    )
    times = {one["type"]: one["lastTransitionTime"] for one in _status(pod, a=_UP)["conditions"]}
    assert times["Ready"] == "2026-01-01T00:00:02Z"
    assert times["ContainersReady"] == "2026-01-01T00:00:09Z"


class _Server:
    """Takes the patches of a pod's status, but for the first ones, which fail with ``failures``."""

    def __init__(self, *failures: Exception) -> None:
        self.statuses: list[Object] = []
        self._failures = list(failures)

    def patch(self, path: str, body: Object) -> Object:
        if self._failures:
            raise self._failures.pop(0)
        assert path == "/api/v1/namespaces/default/pods/p/status"
        assert body["metadata"] == {"uid": "u-1"}
        self.statuses.append(body["status"])
        return body


class _Events(list[tuple[str, str]]):
    def __call__(self, pod: Object, kind: str, reason: str, message: str, now: str, *, field: str = "") -> None:
        self.append((kind, reason))


def _live(
    pod: Object, seconds: float, *failures: Exception, runtime: type[StatusRuntime] = StatusRuntime
) -> tuple[list[Object], _Events, PodAddresses]:
    """Run a pod for ``seconds``, delete it, and tell what the API server would have seen."""
    server, events, addresses = _Server(*failures), _Events(), PodAddresses("10.1.0.0/24")

    async def live() -> None:
        timing = Timing(backoff=0.05, backoff_limit=0.1, settle=0.001)
        api: Any = server
        worker = PodWorker(pod, Host(api, runtime(addresses), Catalogue(), events, "10.1.0.1", timing))
        task = asyncio.create_task(worker.run())
        await asyncio.wait([task], timeout=seconds)
        if task.done():
            task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await worker.remove(0)

    asyncio.run(live())
    return server.statuses, events, addresses


def test_a_pod_becomes_ready_and_gives_its_address_back() -> None:
    statuses, events, addresses = _live(_pod({"name": "a", "image": "nginx"}), 0.1)
    last = statuses[-1]
    assert (last["phase"], last["podIP"], _condition(last, "Ready")) == ("Running", "10.1.0.2", "True")
    assert events == [("Normal", "Started")]
    assert addresses.take("10.1.0.2") == "10.1.0.2"


@pytest.mark.parametrize(
    "failure",
    [urllib3.exceptions.ProtocolError("gone"), KubeApiError("PATCH", "/", 429, "TooManyRequests", "later")],
    ids=["away", "busy"],
)
def test_a_status_is_told_once_the_api_server_takes_it(failure: Exception) -> None:
    statuses, _events, _addresses = _live(_pod({"name": "a", "image": "nginx"}), 0.4, failure, failure)
    assert _condition(statuses[-1], "Ready") == "True"


class _Starting(StatusRuntime):
    """What containers run in is away when they are first to start."""

    away = 2

    async def start_container(self, sandbox: Sandbox, container: Object, image: Image) -> Container:
        if self.away:
            self.away -= 1
            raise RuntimeError("the data plane is away")
        return await super().start_container(sandbox, container, image)


def test_a_container_is_started_once_that_is_possible() -> None:
    statuses, _events, _addresses = _live(_pod({"name": "a", "image": "nginx"}), 0.4, runtime=_Starting)
    waiting = [one["containerStatuses"][0]["state"].get("waiting") for one in statuses]
    assert {"reason": "CreateContainerError", "message": "the data plane is away"} in waiting
    assert _condition(statuses[-1], "Ready") == "True"


class _Cluster:
    """An API server with one pod, which is on its way out from the second look on; ``away`` when it is deleted."""

    def __init__(self, *, away: int) -> None:
        self.deleted = threading.Event()
        self.away = away
        self._looks = 0

    def get(self, path: str, **query: str) -> Object:
        pod = _pod({"name": "a", "image": "nginx"})
        pod["metadata"]["resourceVersion"] = "1"
        if self._looks:
            pod["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "2"}
        self._looks += 1
        return {"metadata": {"resourceVersion": "2"}, "items": [pod]}

    def watch(self, path: str, **query: str) -> list[Object]:
        raise urllib3.exceptions.ProtocolError("away")

    def find(self, path: str) -> Object:
        return {}

    def patch(self, path: str, body: Object) -> Object:
        return body

    def apply(self, path: str, body: Object) -> Object:
        return body

    def delete(self, path: str, body: Object) -> None:
        assert path == "/api/v1/namespaces/default/pods/p"
        if self.away:
            self.away -= 1
            raise urllib3.exceptions.ProtocolError("away")
        self.deleted.set()


class _Broken(StatusRuntime):
    """What the pod runs in is away when it is first to end."""

    away = 2

    async def drain(self, sandbox: Sandbox) -> None:
        if self.away:
            self.away -= 1
            raise RuntimeError("away")
        await super().drain(sandbox)


@pytest.mark.parametrize(("runtime", "away"), [(StatusRuntime, 2), (_Broken, 0)], ids=["api server", "runtime"])
def test_a_pod_goes_although_something_was_away_when_it_ended(runtime: type[StatusRuntime], away: int) -> None:
    """Nothing about the pod changes meanwhile, so nothing tells of it again."""
    cluster = _Cluster(away=away)
    api: Any = cluster
    addresses = PodAddresses("10.1.0.0/24")
    host = Host(api, runtime(addresses), Catalogue(), _Events(), "10.1.0.1", Timing(backoff=0.01))
    loop = LoopThread("test")
    kubelet = Kubelet("n", region="r", zone="r-a", pod_cidr="10.1.0.0/24", host=host, loop=loop)
    kubelet.start()
    try:
        assert cluster.deleted.wait(10)
        assert addresses.take("10.1.0.2") == "10.1.0.2"
    finally:
        kubelet.stop()
        loop.close()


def test_an_image_that_does_not_exist_is_told_as_a_kubelet_does() -> None:
    statuses, events, _addresses = _live(_pod({"name": "a", "image": "no/such:1"}), 0.3)
    reasons = [one["containerStatuses"][0]["state"]["waiting"]["reason"] for one in statuses]
    assert {"ErrImagePull", "ImagePullBackOff"} <= set(reasons)
    assert statuses[-1]["phase"] == "Pending"
    assert ("Warning", "Failed") in events


def test_a_container_that_ends_is_started_again_with_back_off() -> None:
    crash = {"name": "a", "image": "busybox", "command": ["sh", "-c", "exit 3"]}
    statuses, events, _addresses = _live(_pod(crash), 0.5)
    last = statuses[-1]["containerStatuses"][0]
    assert last["restartCount"] >= 2
    assert last["lastState"]["terminated"]["exitCode"] == 3
    waiting = [one["containerStatuses"][0]["state"].get("waiting", {}).get("reason") for one in statuses]
    assert "CrashLoopBackOff" in waiting
    assert ("Warning", "BackOff") in events


def test_readiness_that_never_comes() -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 0.05}
    statuses, events, _addresses = _live(_pod({"name": "a", "image": "nginx", "readinessProbe": probe}), 0.2)
    assert statuses[-1]["phase"] == "Running"
    assert _condition(statuses[-1], "Ready") == "False"
    assert events.count(("Warning", "Unhealthy")) >= 2


def test_liveness_that_fails_restarts_the_container() -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 0.02, "failureThreshold": 2}
    statuses, events, _addresses = _live(_pod({"name": "a", "image": "nginx", "livenessProbe": probe}), 0.4)
    assert statuses[-1]["containerStatuses"][0]["restartCount"] >= 1
    assert ("Normal", "Killing") in events


def test_a_task_runs_to_its_end() -> None:
    task = {"name": "a", "image": "busybox", "command": ["sh", "-c", "sleep 0.1"]}
    statuses, _events, _addresses = _live(_pod(task, policy="Never"), 5)
    assert statuses[-1]["phase"] == "Succeeded"
    failing = {"name": "a", "image": "busybox", "command": ["false"]}
    statuses, _events, _addresses = _live(_pod(failing, policy="Never"), 5)
    assert statuses[-1]["phase"] == "Failed"


def test_init_containers_of_serving_images_end() -> None:
    init = {"name": "istio-init", "image": "asm/proxyv2:1.31", "args": ["istio-iptables"]}
    statuses, _events, _addresses = _live(_pod({"name": "a", "image": "nginx"}, init=(init,)), 0.2)
    assert statuses[-1]["phase"] == "Running"
    assert statuses[-1]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


def test_a_failing_init_container_keeps_the_pod_from_starting() -> None:
    init = {"name": "i", "image": "busybox", "command": ["false"]}
    statuses, _events, _addresses = _live(_pod({"name": "a", "image": "nginx"}, init=(init,)), 0.3)
    assert statuses[-1]["phase"] == "Pending"
    assert statuses[-1]["initContainerStatuses"][0]["restartCount"] >= 1
    statuses, _events, _addresses = _live(_pod({"name": "a", "image": "nginx"}, init=(init,), policy="Never"), 5)
    assert statuses[-1]["phase"] == "Failed"


def test_counts_and_address_outlive_a_restart_of_the_lab() -> None:
    pod = _pod({"name": "a", "image": "nginx"})
    pod["status"] |= {
        "phase": "Running",
        "podIP": "10.1.0.77",
        "containerStatuses": [{"name": "a", "restartCount": 4, "lastState": {"terminated": {"exitCode": 1}}}],
    }
    statuses, _events, _addresses = _live(pod, 0.1)
    assert statuses[-1]["podIP"] == "10.1.0.77"
    assert statuses[-1]["containerStatuses"][0]["restartCount"] == 4

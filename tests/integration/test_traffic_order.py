# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the mesh itself under load: the strict order loses no request, and the fast one shows that it could."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from . import changing_pairs
from .changing_mesh import HOST, NAMESPACE, PATH, SET, State
from .changing_pairs import Pair
from .labs import Lab
from .runner import Result, Runner
from .traffic import GATEWAY, Bookinfo

#: Seconds; the lab's istiod has nothing else to do and sends a tenth of a second after a write.
SETTLE = 2
#: More than enough renames for the fast order to lose something.
MOST_RENAMES = 40
STATUS = "DescribeServiceMeshProxyStatus"
ROUTES = f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}"

#: Of the pairs of random meshes; ``make bench-change TOOLS=random`` takes 20.
PAIRS = changing_pairs.pairs(2)

Apply = Callable[..., Result]


@pytest.fixture
def apply(run: Runner, book: Bookinfo, tmp_path: Path) -> Iterator[Apply]:
    """``apply(state, ...)`` brings the mesh to a state as a playbook does; afterwards nothing is left of it."""

    def bring(state: State, **options: Any) -> Result:
        state.write(tmp_path / "mesh")
        given = {"mesh": "bookinfo", "src": [str(tmp_path / "mesh")], "set": SET, "prune": True}
        running = run.start("istio_resource", **given, **{"proxies_settle": SETTLE, **options})
        return running.result()

    assert not bring(State()).get("failed")
    book.holds(path=PATH, host=HOST, count=40, expect={"status": [200]})
    yield bring
    run("istio_resource", mesh="bookinfo", definition=[], set=SET, prune=True, prune_all=True, order="fast")


@contextmanager
def load(run: Runner, tmp_path: Path, hosts: Sequence[str] = (HOST,), path: str = PATH) -> Iterator[list[Result]]:
    """Requests for the time of the block; afterwards the list holds what became of them."""
    stop, found = tmp_path / "stop", []
    requests = [{"path": path, "host": host} for host in hosts]
    through = {"mesh": "bookinfo", "gateway": GATEWAY, "cluster": "shop-1", "requests": requests}
    probe = run.start("asm_probe", **through, duration=120, rate=300, concurrency=16, stop_file=str(stop))
    try:
        yield found
    finally:
        stop.touch()
        found.append(probe.result())
        stop.unlink()


def lost(result: Result) -> int:
    assert result["requests"] > 200, result
    return int(result["requests"]) - int(result["statuses"].get("200", 0))


def test_names_change_under_load_without_a_lost_request(lab: Lab, run: Runner, apply: Apply, tmp_path: Path) -> None:
    state = State()
    with load(run, tmp_path) as seen:
        for parts in (("subset", "gateway"), ("host", "port", "subset")):
            state = state.changed(*parts)
            result = apply(state)
            assert not result.get("failed"), result["msg"]
            assert [step["waits_for_proxies"] for step in result["steps"]] == [False, True, True]
    assert result["steps"][0]["writes"] == [
        f"update DestinationRule {NAMESPACE}/change, with the old beside the new",
        f"update Gateway {NAMESPACE}/change-b, with the old beside the new",
    ]
    assert lost(seen[0]) == 0, seen[0]["statuses"]
    since = lab.mark()
    again = apply(state)
    assert (again["changed"], "steps" in again, lab.requests(since, STATUS)) == (False, False, [])


def test_what_is_added_is_there_before_requests_are_sent_to_it(run: Runner, apply: Apply, tmp_path: Path) -> None:
    """In one pass a request of a hundred was lost in two of three turns (503)."""
    given = {"mesh": "bookinfo", "proxies_settle": SETTLE}

    def leading_to(subsets: Sequence[str], also: Sequence[str] = ()) -> list[dict[str, Any]]:
        rule, _gateway, routes = State().objects().values()
        labels = {"version": "v1"}
        rule["spec"]["subsets"] = [{"name": name, "labels": labels} for name in (*subsets, *also)]
        weighted = [
            {"destination": {"host": "details", "subset": name}, "weight": 100 // len(subsets)} for name in subsets
        ]
        routes["spec"]["http"][0]["route"] = weighted
        return [rule, routes]

    was = ("a-left", "a-right")
    for turn in range(3):
        named = [f"turn-{turn}-{number}" for number in range(10)]
        with load(run, tmp_path) as seen:
            result = run("istio_resource", **given, definition=leading_to(named, was))
        assert [step["waits_for_proxies"] for step in result["steps"]] == [False, True]
        assert lost(seen[0]) == 0, seen[0]["statuses"]
        run("istio_resource", **given, definition=leading_to(was), wait_proxies=True)


def test_the_fast_order_loses_some(run: Runner, apply: Apply, tmp_path: Path) -> None:
    """Which shows that the other test could fail."""
    state, bad = State(), 0
    for _turn in range(MOST_RENAMES // 8):
        with load(run, tmp_path) as seen:
            for _rename in range(8):
                state = state.changed("subset")
                assert not apply(state, order="fast").get("failed")
        bad += lost(seen[0])
        if bad:
            break
    assert bad > 0


@pytest.fixture(scope="module")
def services(lab: Lab, run: Runner, book: Bookinfo) -> Iterator[None]:
    """What the random meshes route to, in a cluster and outside of it."""
    for name in changing_pairs.OUTSIDE:
        lab.control.outside(name, changing_pairs.OUTSIDE_PORTS)
    given = {"clusters": ["shop-1"], "definition": changing_pairs.applications()}
    run("asm_namespace", mesh="bookinfo", name=changing_pairs.NAMESPACE)
    run("asm_workload", **given)
    yield
    named = {"set": changing_pairs.SET, "prune": True, "prune_all": True, "order": "fast"}
    run("istio_resource", mesh="bookinfo", definition=[], **named)
    run("asm_workload", **given, state="absent")
    run("asm_namespace", mesh="bookinfo", name=changing_pairs.NAMESPACE, state="absent")


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"pair-{pair.number}")
def test_random_meshes_change_without_a_lost_request(run: Runner, book: Bookinfo, tmp_path: Path, pair: Pair) -> None:
    """By real traffic what ``test_steps.py`` has judged by a model."""
    named = {"mesh": "bookinfo", "src": [str(tmp_path / "mesh")], "set": changing_pairs.SET, "prune": True}
    changing_pairs.put(tmp_path / "mesh", pair.old)
    run("istio_resource", **named, order="fast")
    for host in pair.hosts:
        book.holds(path=changing_pairs.PATH, host=host, cluster="shop-1", count=40, expect={"status": [200]})
    changing_pairs.put(tmp_path / "mesh", pair.new)
    with load(run, tmp_path, pair.hosts, changing_pairs.PATH) as seen:
        changed = run("istio_resource", **named, proxies_settle=SETTLE)
    assert len(changed["steps"]) > 1
    assert lost(seen[0]) == 0, seen[0]["statuses"]


@contextmanager
def frozen(lab: Lab, processes: str) -> Iterator[str]:
    """A proxy that does not answer any more; its pod."""
    (name,) = lab.control.freeze(processes)
    try:
        yield name.split(".")[2]
    finally:
        lab.control.thaw(name)


def test_a_proxy_that_does_not_follow_is_named(lab: Lab, run: Runner, book: Bookinfo, apply: Apply) -> None:
    rule = f"{ROUTES}/destinationrules/change"
    kube = lab.kube(lab.mesh_id("bookinfo"))

    def subsets() -> list[str]:
        return [one["name"] for one in kube.get(rule)["spec"]["subsets"]]

    state = State().changed("subset")
    with frozen(lab, "shop-2.bookinfo.ratings-*.istio-proxy") as pod:
        result = apply(state, proxies_timeout=2, proxies_settle=1)
        assert result["failed"] and result["error"]["code"] == "ProxiesBehind"
        assert (
            f"1 of {result['last_state']['proxies']} proxies do not follow for 2 s: {pod}.{NAMESPACE}" in result["msg"]
        )
        assert result["changed"]
        assert subsets() == ["b-left", "b-right", "a-left", "a-right"], "what it may still use is there"
        rows = run("asm_verify", mesh="bookinfo")["rows"]
        (row,) = [one for one in rows if one["name"] == "proxies"]
        assert not row["ok"] and f"behind: {pod}.{NAMESPACE}" in row["state"]
        gone_on = apply(state, proxies_timeout=1, proxies_settle=1, proxies_behind="go_on")
        assert f"{pod}.{NAMESPACE}" in str(gone_on["warnings"])
        assert subsets() == ["b-left", "b-right"]
    lab.wait_for(lambda: _in_sync(run), "the proxy to follow", 60)


def _in_sync(run: Runner) -> bool:
    rows = run("asm_verify", mesh="bookinfo")["rows"]
    return bool(next(one["ok"] for one in rows if one["name"] == "proxies"))

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook canary on real traffic: promoted, rolled back, resumed; the gateway leads to reviews directly."""

from __future__ import annotations

import base64
import copy
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from . import traffic
from .playing import changing
from .runner import Played
from .traffic import GATEWAY, NAMESPACE, Bookinfo, to, virtual_service

HOST = "reviews.example.com"
PATH = f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}/virtualservices/reviews"
#: Failures of an application come through as they are: nobody tries again.
NO_RETRY = {"retries": {"attempts": 0}}


def service(stable: int, canary: int) -> dict[str, Any]:
    rule = to(stable, 0, canary, **NO_RETRY)
    targets = [("v1", stable), ("v3", canary)]
    rule["route"] = [{"destination": {"host": "reviews", "subset": one}, "weight": weight} for one, weight in targets]
    found = virtual_service(rule)
    found["spec"].update(hosts=["reviews", HOST], gateways=["mesh", "bookinfo-gateway"])
    found["metadata"]["annotations"] = {"owner": "shop"}
    return found


@pytest.fixture
def release(book: Bookinfo) -> Iterator[Callable[..., Played]]:
    """``release(...)`` runs the playbook from v1 to v3; the mesh has all requests at v1 before."""
    with book.having(service(100, 0)):
        book.holds(path="/reviews/0", host=HOST, by=traffic.BY_VERSION, expect={"split": {"v1": 100}})

        def play(*words: str, **more: Any) -> Played:
            canary = {
                "virtual_service": "reviews",
                "namespace": NAMESPACE,
                "stable": "v1",
                "canary": "v3",
                "steps": [25, 100],
                "pause": 2,
                "probe": {"gateway": GATEWAY, "host": HOST, "path": "/reviews/0", "rate": 100, "timeout": 3},
                "compare": {"margin": 5},
                **more,
            }
            variables = {"asm_mesh": {"name": "bookinfo", "region": "cn-hangzhou"}, "asm_canary": canary}
            return book.run.play("meshops.asm.canary", *words, "-e", json.dumps(variables))

        yield play


def live(book: Bookinfo, fields: bool = False) -> Any:
    found = book.lab.kube(book.lab.mesh_id("bookinfo")).get(PATH)
    return found["metadata"]["managedFields"] if fields else found


def weights(found: dict[str, Any]) -> list[int]:
    """Those of v1 and v3; the API server leaves a zero out of nothing, so it is there."""
    return [target.get("weight", 0) for target in found["spec"]["http"][0]["route"]]


@contextmanager
def bad_version(book: Bookinfo) -> Iterator[None]:
    """A tenth of the requests to v3 fail."""
    for cluster in ("shop-1", "shop-2"):
        book.environment("reviews-v3", cluster, LAB_ERROR_RATE="0.1")
    try:
        yield
    finally:
        for cluster in ("shop-1", "shop-2"):
            book.environment("reviews-v3", cluster, LAB_ERROR_RATE=None)


def test_a_good_version_is_promoted_and_nothing_but_weights_changes(
    book: Bookinfo, release: Callable[..., Played]
) -> None:
    before = live(book)
    with book.lab.unwritten():
        predicted = release("--check", "--diff").ok()
    assert changing(predicted.output) == ["canary : Shift to 25 %", "canary : Shift to 100 %"]
    release().ok()
    after = live(book)
    assert weights(after) == [0, 100]
    expected = copy.deepcopy(before["spec"])
    expected["http"][0]["route"][0]["weight"] = 0
    expected["http"][0]["route"][1]["weight"] = 100
    assert after["spec"] == expected
    assert after["metadata"]["annotations"]["owner"] == "shop"
    again = release().ok()
    assert "Nothing is left to do" in again.output
    assert changing(again.output) == []
    assert_it_stays(book)


def assert_it_stays(book: Bookinfo) -> None:
    """The description has the weights of before: applied again it changes nothing, and it is told who has others."""
    (owner,) = [one for one in live(book, fields=True) if one["manager"] == "meshops.asm"]
    # To the API server the rules are one field: nobody can own the weights alone.
    assert owner["fieldsV1"]["f:spec"]["f:http"] == {}
    item = {"name": "release", "definition": [service(100, 0)]}
    spec = {"asm_mesh": {"name": "bookinfo", "region": "cn-hangzhou"}, "asm_istio_resources": [item], "asm_checks": []}
    with book.lab.unwritten():
        site = book.run.play("meshops.asm.site", "--tags", "define,verify", "-e", json.dumps(spec)).ok()
    assert changing(site.output) == []
    # By the role verify in its table, and by the role define as a warning.
    for told in (site.output, site.errors):
        assert "v3 has 100 %, described 0 %, by canary of 20" in " ".join(told.split())
    book.run("istio_resource", mesh="bookinfo", definition=[service(100, 0)], force_conflicts=True)
    assert weights(live(book)) == [100, 0]
    assert list(live(book)["metadata"]["annotations"]) == ["owner"]


def test_a_bad_version_is_rolled_back_in_the_first_step(book: Bookinfo, release: Callable[..., Played]) -> None:
    """All requests together fail in one of two hundred cases."""
    with bad_version(book):
        played = release(steps=[5, 25, 50, 100])
    assert played.code == 2
    said = " ".join(played.output.split())
    assert "v3 was rolled back to 0 %, v1 has all requests again. Compare at 5 %: v3 fails more than v1: " in said
    assert re.search(r"It took \d+ requests in [0-9.]+ s\.", said)
    assert "5 %: usually 1500 requests, about 75 of them of v3, in 15 s at 100 a second" in said
    assert weights(live(book)) == [100, 0]
    assert "canary : Shift to 25 %" not in played.output
    assert list(live(book)["metadata"]["annotations"]) == ["owner"]
    book.holds(path="/reviews/0", host=HOST, by=traffic.BY_VERSION, expect={"split": {"v1": 100}})


def test_an_interrupted_release_goes_on_where_the_mesh_stands(book: Bookinfo, release: Callable[..., Played]) -> None:
    book.run("istio_resource", mesh="bookinfo", definition=[service(75, 25)])
    played = release(steps=[5, 25, 50, 100]).ok()
    assert "v3 has 25 %. Steps left: 25 %, 50 %, 100 %." in played.output
    # These weights came without the release's own record: the step that has them writes it, and shifts nothing.
    assert changing(played.output) == [f"canary : Shift to {weight} %" for weight in (25, 50, 100)]


def test_a_cluster_that_is_cut_off_in_the_middle_rolls_back(book: Bookinfo, release: Callable[..., Played]) -> None:
    results: list[Played] = []
    play = threading.Thread(target=lambda: results.append(release(steps=[25, 50, 100], compare={"margin": 0.5})))
    play.start()
    try:
        book.lab.wait_for(lambda: weights(live(book)) == [75, 25], "the first step", 120)
        book.lab.control.cut("shop-2")
        play.join(280)
    finally:
        book.lab.control.join("shop-2")
        play.join(30)
    (played,) = results
    assert played.code == 2
    assert "was rolled back to 0 %" in played.output
    assert weights(live(book)) == [100, 0]
    book.holds(path="/reviews/0", host=HOST, count=40, expect={"status": [200]})


class FakePrometheus(BaseHTTPRequestHandler):
    """Answers every query with ``values``; the real one is not needed to see what is made of its answers.

    The counters of Istio say that a tenth of the requests to v3 fails, or with ``fine`` none.
    """

    values: list[str] = []
    fine = True
    asked: list[str] = []
    logins: list[str | None] = []

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        type(self).logins.append(self.headers["Authorization"])
        found: dict[str, Any] = {"resultType": "vector"}
        if self.path.endswith("query=time()"):
            found = {"resultType": "scalar", "result": [1_767_225_600.5, "1767225600.5"]}
        elif "istio_requests_total" in self.path:
            found["result"] = [self.counter("v1", "200", 40), self.counter("v3", "200", 36 if not self.fine else 40)]
            found["result"] += [] if self.fine else [self.counter("v3", "503", 4)]
        else:
            found["result"] = [{"metric": {}, "value": [1, value]} for value in self.values]
        body = json.dumps({"status": "success", "data": found}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def counter(self, version: str, code: str, more: int) -> dict[str, Any]:
        labels = {"__name__": "istio_requests_total", "destination_version": version, "response_code": code}
        values = [[1_767_225_601 + 5 * scrape, str(100 + more * scrape)] for scrape in range(60)]
        return {"metric": labels, "values": values}

    def log_message(self, *_unused: Any) -> None:
        """Nothing."""


@contextmanager
def fake_prometheus() -> Iterator[str]:
    FakePrometheus.asked, FakePrometheus.logins = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakePrometheus)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("fine", [True, False])
def test_what_istio_has_counted_of_both_versions_counts(
    book: Bookinfo, release: Callable[..., Played], fine: bool, tmp_path: Path
) -> None:
    """By requests that match a header first; the counters say of each version how many of its own have failed."""
    FakePrometheus.fine = fine
    (tmp_path / "hook.yml").write_text("- ansible.builtin.debug: {msg: 'after {{ canary_stage.title }}'}\n")
    described = tmp_path / "reviews.yml"
    described.write_text("# Ours.\n" + json.dumps(service(100, 0), indent=1))
    more = {"match": {"headers": {"x-beta": "yes"}}, "hooks": {"between": str(tmp_path / "hook.yml")}}
    with fake_prometheus() as url:
        found = release(steps=[100], prometheus={"url": url, "service": "reviews"}, write_back=str(described), **more)
    said = " ".join(found.output.split())
    assert (found.code == 0) is fine, found.output[-3000:]
    assert "v3 is as good as v1 after " in said
    assert ("after requests that match" in said) is fine
    assert weights(live(book)) == ([0, 100] if fine else [100, 0])
    assert list(live(book)["metadata"]["annotations"]) == ["owner"]
    assert described.read_text() == "# Ours.\n" + json.dumps(service(*((0, 100) if fine else (100, 0))), indent=1)
    if not fine:
        assert "Judge the counters at requests that match: v3 fails more than v1: " in said


@pytest.mark.parametrize(
    ("values", "promoted"), [(["0.001"], True), (["0.001", "0.2"], False), ([], False), (["NaN"], False)]
)
def test_what_prometheus_says_counts(
    book: Bookinfo, release: Callable[..., Played], values: list[str], promoted: bool
) -> None:
    FakePrometheus.values = values
    with fake_prometheus() as url:
        url = url.replace("//", "//reader:hush-1@")
        query = {"url": url, "query": 'sum(rate(errors{version="v3"}[1m]))', "max": 0.01}
        played = release("-v", steps=[100], pause=1, prometheus=query)
    login = base64.b64encode(b"reader:hush-1").decode()
    assert set(FakePrometheus.logins) == {f"Basic {login}"}
    assert "hush-1" not in played.output
    assert FakePrometheus.asked[0].startswith("/api/v1/query?query=sum%28rate%28errors%7Bversion%3D%22v3%22%7D")
    assert (played.code == 0) is promoted, played.output[-2000:]
    assert weights(live(book)) == ([0, 100] if promoted else [100, 0])


def test_what_cannot_be_released_is_said(book: Bookinfo, release: Callable[..., Played]) -> None:
    for more, complaint in (
        ({"virtual_service": "other"}, "There is no VirtualService bookinfo/other"),
        ({"canary": "v9"}, "has no http rule that leads to v1 and v9"),
    ):
        played = release(**more)
        assert played.code == 2
        assert complaint in " ".join(played.output.split())
    assert weights(live(book)) == [100, 0]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a spec: read, carried out, reported."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.checks import running
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.istio.deciding import Entrance, Surroundings
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import Proxy
from ansible_collections.meshops.asm.plugins.module_utils.probe import verdict
from ansible_collections.meshops.asm.plugins.module_utils.probe.engine import Observation, Sample
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Plan, make_plan
from ansible_collections.meshops.asm.plugins.module_utils.spec import inspection

IN = Proxy("istio-system", {"istio": "in"}, {80: 8080})
#: Reached by functions that the tests replace.
CLOUD: Any = None
SPLIT = {
    "name": "weights",
    "service": "reviews.bookinfo",
    "by": {"regex": "v."},
    "count": 1300,
    "expect": {"split": {"v1": 50, "v2": 50}},
}


def around() -> Surroundings:
    """A service that is reached through a VirtualService for every host of a gateway."""
    found = Surroundings("reviews", "bookinfo")
    metadata = {"name": "in", "namespace": "bookinfo"}
    servers = [{"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["*"]}]
    http = [{"route": [{"destination": {"host": "reviews"}}]}]
    found.mesh.put({"kind": "Gateway", "metadata": metadata, "spec": {"selector": {"istio": "in"}, "servers": servers}})
    spec = {"hosts": ["*"], "gateways": ["in"], "http": http}
    found.mesh.put({"kind": "VirtualService", "metadata": metadata, "spec": spec})
    return found


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A gateway with one address; the calls for it are recorded."""
    asked: list[Any] = []

    def addresses(_cloud: Any, *place: Any) -> list[str]:
        asked.append(place)
        if place[1] == "missing":
            raise NotFound("There is no gateway 'missing'.")
        return ["192.0.2.1"]

    monkeypatch.setattr(running, "gateway_addresses", addresses)
    monkeypatch.setattr(running.surroundings, "look", lambda *_arguments: (around(), IN))
    return asked


def observed(*keys: str) -> Any:
    """A probe that sees these keys in turn."""

    def observe(plan: Plan, about: str) -> dict[str, Any]:
        samples = [Sample(n, 0, 0, 0.0, 0.01, 200, keys[n % len(keys)]) for n in range(plan.count)]
        result = verdict.summary(plan, Observation(samples, 1.0))
        return {**result, "rounds": 1, "converged_after": 0.0}

    return observe


def test_a_check_that_is_fulfilled_and_one_that_is_not(gateway: list[Any]) -> None:
    checks = running.read_checks([SPLIT, {**SPLIT, "name": "again", "gateway": "in"}], ["in"])
    right, _again = running.run_checks(CLOUD, "shop", checks, observed("v1", "v2"))
    assert gateway == [("shop", "in", None)]
    assert right.as_result()["ok"]
    low, high = right.result["distribution"][0]["low"], right.result["distribution"][0]["high"]
    assert 40 < low < 50 < high < 60
    assert right.state.startswith(f"v1 50 % (declared 50, interval {low:g} to {high:g}), v2 50 % (declared 50, ")
    (wrong, _again) = running.run_checks(CLOUD, "shop", checks, observed("v1"))
    assert not wrong.as_result()["ok"]
    assert wrong.explanation == [
        "At the gateway VirtualService bookinfo/in decides about GET 192.0.2.1/, by the host '*': "
        "1. anything -> reviews.bookinfo 100 %."
    ]
    rows = inspection.check_rows([right, wrong])
    assert [row.ok for row in rows] == [True, False]
    assert inspection.table(rows)[-1].endswith("<-- not as in the spec")


def test_a_control_plane_that_cannot_be_asked_is_said(gateway: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_arguments: Any) -> Any:
        raise NotFound("There is no mesh 'shop'.")

    monkeypatch.setattr(running.surroundings, "look", look)
    (wrong,) = running.run_checks(CLOUD, "shop", running.read_checks([SPLIT], ["in"]), observed("v1"))
    assert wrong.explanation == ["The control plane could not be asked what decides: There is no mesh 'shop'."]


def test_the_requests_as_the_mesh_sees_them() -> None:
    given = {"name": "a", "address": ["192.0.2.1"], "host": "shop.example:8443", "headers": {"End-User": "jason"}}
    given |= {"tls": {}, "port": 8443, "requests": [{"path": "/a?b=1", "method": "post"}, {"headers": {"x": "y"}}]}
    (check,) = running.read_checks([given], [])
    plan = make_plan(check.options, ["192.0.2.1"])
    assert running.entrance(plan, IN) == Entrance(IN, 8443, "shop.example")
    first, second = map(running.asked, plan.requests)
    assert (first.host, first.path, first.method) == ("shop.example:8443", "/a?b=1", "POST")
    assert first.headers is not None and first.headers["end-user"] == "jason"
    assert second.headers is not None and second.headers["x"] == "y"


def test_the_proxy_of_a_gateway() -> None:
    spec = {"podLabels": {"tier": "edge"}, "ports": [{"port": 80, "targetPort": 8080}, {"port": 443}]}
    found = running.surroundings.proxy_of({"metadata": {"name": "in"}, "spec": spec}, "in")
    assert found == Proxy("istio-system", {"app": "istio-in", "istio": "in", "tier": "edge"}, {80: 8080, 443: 443})


def test_the_wait_for_a_check_has_its_name(gateway: list[Any]) -> None:
    named: list[str] = []

    def observe(plan: Plan, about: str) -> dict[str, Any]:
        named.append(about)
        return dict(observed("v1", "v2")(plan, about))

    running.run_checks(CLOUD, "shop", running.read_checks([SPLIT], ["in"]), observe)
    assert named == ["check 'weights'"]


def test_a_gateway_that_is_not_there_is_a_miss_of_its_checks_only(gateway: list[Any]) -> None:
    checks = running.read_checks([{**SPLIT, "gateway": "missing"}, {"name": "b", "address": ["192.0.2.9"]}], ["in"])
    first, second = running.run_checks(CLOUD, "shop", checks, observed("v1"))
    assert first.problems == ["There is no gateway 'missing'."]
    assert second.problems == []
    assert second.check.where == "192.0.2.9"


def test_checks_wait_for_the_mesh_to_converge() -> None:
    (check, patient) = running.read_checks([SPLIT, {**SPLIT, "name": "b", "wait_timeout": 5}], ["in"])
    assert check.options["wait_timeout"] == running.CONVERGENCE
    assert patient.options["wait_timeout"] == 5


def test_every_wrong_check_is_named_before_anything_is_sent() -> None:
    wrong = [
        {"path": "/a"},
        {"name": "b", "pth": "/a"},
        {"name": "c", "gateway": "in", "by": {"status": True}, "expect": {"split": {"200": 90}}},
        {"name": "d"},
        {"name": "e", "gateway": "in", "address": ["x"]},
        {"name": "twice", "gateway": "in"},
        {"name": "twice", "gateway": "in"},
    ]
    with pytest.raises(InvalidInput) as caught:
        running.read_checks(wrong, ["in", "out"])
    for words in (
        "'1': missing required",
        "'b'",
        "pth",
        "sum to 100",
        "'d': say which gateway, of in, out",
        "'e'",
        "'twice'",
    ):
        assert words in caught.value.message, words


def test_nothing_is_sent_in_check_mode() -> None:
    (finding,) = running.untried(running.read_checks([SPLIT], ["in"]), "not tried in check mode")
    assert finding.as_result()["ok"]
    assert inspection.table(inspection.check_rows([finding])) == ["check", "  weights  in  not tried in check mode"]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({"name": "x"}, "asm_checks must be a list, it is a mapping."),
        ([{"name": "a", "gateway": "in", "by": [True]}], "asm_checks[0].by must be a mapping, it is a list."),
        (["x", {"name": []}], "asm_checks[0] must be a mapping, it is text. asm_checks[1].name must be a name"),
    ],
)
def test_odd_checks_are_errors(items: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        running.read_checks(items, ["in"])
    assert message in caught.value.message

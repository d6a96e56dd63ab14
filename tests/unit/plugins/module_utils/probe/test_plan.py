# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a probe, checked before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.gateway.addresses import pick_addresses
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import (
    MOST,
    WINDOWS,
    Balancing,
    Request,
    Tls,
    needed_count,
)

from .conftest import plan_for

BY = {"status": True}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"by": BY, "expect": {"split": {"v1": 80, "v2": 30}}}, "must sum to 100 percent: 80 \\+ 30 is 110"),
        ({"by": BY, "expect": {"split": {"v1": 120, "v2": -20}}}, "must sum to 100"),
        ({"by": BY, "expect": {"split": {"v1": "all"}}}, "maps keys to percentages"),
        ({"by": BY, "expect": {"even": ["v1", "v1"]}}, "names a key twice"),
        ({"expect": {"split": {"v1": 100}}}, "need the option by"),
        ({"by": BY, "expect": {"tolerance": 0}}, "tolerance"),
        ({"by": BY, "expect": {"confidence": 100}}, "confidence"),
        ({"by": BY, "expect": {"balancing": {"policy": "LEAST_REQUEST"}}}, "balancing.slow"),
        ({"by": BY, "expect": {"balancing": {"policy": "RANDOM", "window": 1}}}, "window must be between"),
        ({"by": BY, "count": 100, "expect": {"split": {"a": 80, "b": 20}}}, "needs 807 requests.*tolerance of 1"),
        ({"by": BY, "expect": {"split": {"a": 50, "b": 50}, "tolerance": 0.1}}, "Allow a wider tolerance"),
        (
            {"by": BY, "expect": {"split": {"a": 50, "b": 50}, "tolerance": 0.001}},
            "percentage points.* allow a wider one",
        ),
        (
            {"by": BY, "expect": {"split": {"a": 50, "b": 50}, "tolerance": 1e-17}},
            "percentage points.* allow a wider one",
        ),
        # It is said at once, not after as many steps as it would take requests.
        *(
            ({"by": BY, "expect": {"split": {"a": 50, "b": 50}, "tolerance": tolerance}}, "allow a wider one")
            for tolerance in (1e-4, 1e-7, 1e-9, 1e-12)
        ),
        (
            {"by": BY, "expect": {"split": {"a": 80, "b": -20, "c": 40}}},
            r"with no share below 0: 80 \+ -20 \+ 40\.",
        ),
        ({"by": {}}, "by needs one of"),
        ({"by": {"status": False}}, "by needs one of"),
        ({"by": {"status": True, "header": "x"}}, "not header, status|not status, header"),
        ({"by": {"regex": "("}}, "not a regular expression"),
        ({"by": {"regex": "(a)(b)"}}, "2 groups"),
        ({"by": {"jmespath": "a["}}, "not valid JMESPath"),
        ({"count": 200_001}, "count must be between 0 and 200000"),
        ({"concurrency": 0}, "at least 1"),
        ({"concurrency": 1000}, "between 0 and 512"),
        ({"timeout": 0}, "more than 0"),
        ({"retries": -1}, "retries must be"),
        ({"method": "GE T"}, "not an HTTP method"),
        ({"path": "a"}, "start with a slash"),
        ({"path": "/a b"}, "%-encoded"),
        ({"headers": {"Host": "x"}}, "option host"),
        ({"headers": {"x": "a\r\nb: c"}}, "does not allow"),
        ({"headers": {"x y": "a"}}, "not a name of a header"),
        ({"requests": [{}] * 101}, "more than 100"),
    ],
)
def test_wrong_options(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        plan_for("127.0.0.1", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"concurrency": 0}, "concurrency must be at least 1."),
        ({"timeout": 0}, "timeout must be more than 0."),
        ({"requests": [{}] * 101}, "requests has more than 100 items."),
        ({"headers": {"Host": "x"}}, "headers names Host: use the option host."),
        ({"by": BY, "expect": {"even": ["v1", "v1"]}}, "expect.even names a key twice."),
        (
            {"expect": {"split": {"v1": 100}}},
            "expect.split, even and balancing need the option by, which says how answers are told apart.",
        ),
        (
            {"by": BY, "expect": {"balancing": {"policy": "LEAST_REQUEST"}}},
            "expect.balancing: LEAST_REQUEST differs from RANDOM only where instances are unevenly loaded: name the "
            "key of the slow one in balancing.slow.",
        ),
        (
            {"by": BY, "expect": {"balancing": {"policy": "RANDOM", "window": 1}}},
            "expect.balancing.window must be between 10 and 1000.",
        ),
        (
            {"by": BY, "count": 100, "expect": {"split": {"a": 80, "b": 20}}},
            "count 100 is too small for a verdict: a tolerance of 5 percentage points at 99.9 % confidence needs 807 "
            "requests. Leave count unset, or allow a tolerance of 15.5.",
        ),
        (
            {"by": BY, "expect": {"split": {"a": 50, "b": 50}, "tolerance": 0.1}},
            "A tolerance of 0.1 percentage points needs 3132568 requests, more than the 200000 that are allowed. Allow "
            "a wider tolerance.",
        ),
        (
            {"by": BY, "expect": {"split": {"a": 50, "b": 50}, "tolerance": 0.001}},
            "expect.tolerance is in percentage points, and 0.001 of them would take more than ten million requests: "
            "allow a wider one, as 5 for five percent more or less.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_for("127.0.0.1", **options)
    assert refused.value.message == message


def test_without_an_address_there_is_nothing_to_send_to() -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_for()
    assert refused.value.message == "There is no address to send requests to."


@pytest.mark.parametrize("name", MOST)
def test_bounds_belong_to_what_is_allowed(name: str) -> None:
    plan = plan_for("127.0.0.1", **{name: MOST[name]})
    assert getattr(plan, name) == MOST[name]
    for beyond in (MOST[name] + 1, -1):
        with pytest.raises(InvalidInput, match=f"^{name} must be between 0 and {MOST[name]}, not {beyond}"):
            plan_for("127.0.0.1", **{name: beyond})
    least = 1 if name in ("concurrency", "timeout") else 0
    assert plan_for("127.0.0.1", **{name: least})


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ({"expect": {"tolerance": 49.9}}, {"expect": {"tolerance": 50}}, "less than 50, not 50"),
        ({"expect": {"confidence": 50}}, {"expect": {"confidence": 49.9}}, "from 50 to less than 100, not 49.9"),
        ({"requests": [{}] * 100}, {"requests": [{}] * 101}, "requests has more than 100 items"),
        *(
            (
                {"expect": {"balancing": {"policy": "RANDOM", "window": right}}},
                {"expect": {"balancing": {"policy": "RANDOM", "window": wrong}}},
                "window must be between 10 and 1000",
            )
            for right, wrong in [(10, 9), (1000, 1001)]
        ),
        ({"expect": {"split": {"a": 100, "b": 0}}}, {"expect": {"split": {"a": 100.01, "b": 0}}}, "sum to 100"),
        ({"expect": {"split": {"a": 99.9}}}, {"expect": {"split": {"a": 99.8}}}, "99.8 is 99.8"),
        ({"expect": {"split": {"a": 60, "b": 40.1}}}, {"expect": {"split": {"a": 60, "b": 40.2}}}, "is 100.2"),
    ],
)
def test_the_last_value_that_is_right_and_the_first_that_is_not(
    right: dict[str, Any], wrong: dict[str, Any], complaint: str
) -> None:
    assert plan_for("127.0.0.1", by=BY, **right)
    with pytest.raises(InvalidInput, match=complaint):
        plan_for("127.0.0.1", by=BY, **wrong)


@pytest.mark.parametrize("port", [1, 65535])
def test_every_port_can_be_asked(port: int) -> None:
    assert plan_for(f"shop.test:{port}").addresses == (("shop.test", port),)
    with pytest.raises(InvalidInput, match="there is no port 65536"):
        plan_for("shop.test:65536")


def test_the_smallest_count_that_decides_is_enough_and_one_less_is_not() -> None:
    expect = {"split": {"v1": 80, "v2": 20}}
    assert plan_for("a", by=BY, expect=expect, count=807).count == 807
    with pytest.raises(InvalidInput, match=r"count 806 is too small for a verdict: .* needs 807 requests"):
        plan_for("a", by=BY, expect=expect, count=806)


def test_what_needs_as_many_requests_as_are_allowed_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    expect = {"split": {"v1": 80, "v2": 20}}
    monkeypatch.setitem(MOST, "count", 807)
    assert plan_for("a", by=BY, expect=expect).count == 807
    monkeypatch.setitem(MOST, "count", 806)
    with pytest.raises(InvalidInput, match="needs 807 requests, more than the 806 that are allowed"):
        plan_for("a", by=BY, expect=expect)


def test_a_verdict_on_shares_and_on_balancing_needs_what_the_greater_of_both_needs() -> None:
    split = {"split": {"v1": 80, "v2": 20}}
    for window, count in ((10, 807), (60, 60 * WINDOWS)):
        plan = plan_for("a", by=BY, expect={**split, "balancing": {"policy": "RANDOM", "window": window}})
        assert plan.expect
        assert (plan.count, needed_count(plan.expect)) == (count, count)


@pytest.mark.parametrize("address", ["http://a", "a/b", "a:b", "a:99999", "a:0", "[::1", ""])
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(InvalidInput, match="address"):
        plan_for(address)


@pytest.mark.parametrize(
    ("address", "options", "target", "host"),
    [
        ("shop.test", {}, ("shop.test", 80), "shop.test"),
        ("shop.test", {"tls": {}}, ("shop.test", 443), "shop.test"),
        ("shop.test:81", {"port": 82}, ("shop.test", 81), "shop.test:81"),
        ("192.0.2.1", {"port": 82}, ("192.0.2.1", 82), "192.0.2.1:82"),
        ("::1", {}, ("::1", 80), "[::1]"),
        ("[::1]:81", {"host": "shop.test"}, ("::1", 81), "shop.test"),
        ("[2001:DB8::aF]", {}, ("2001:DB8::aF", 80), "[2001:DB8::aF]"),
    ],
)
def test_addresses(address: str, options: dict[str, Any], target: tuple[str, int], host: str) -> None:
    plan = plan_for(address, **options)
    assert plan.addresses == (target,)
    assert f"\r\nHost: {host}\r\n".encode() in plan.requests[0].wire


def test_the_count_follows_from_the_verdict() -> None:
    split = {"split": {"v1": 80, "v2": 20}}
    assert plan_for("a", by=BY, expect=split).count == 807
    assert plan_for("a", by=BY, expect={**split, "tolerance": 10}).count < 250
    assert plan_for("a", by=BY, expect=split, count=5000).count == 5000
    assert plan_for("a", by=BY, expect={"balancing": {"policy": "RANDOM"}}).count == 60 * WINDOWS
    assert plan_for("a", expect={"status": [200]}).count == 100
    assert plan_for("a", duration=5).count == 0
    assert plan_for("a").count == 100


def test_percentages_may_be_rounded() -> None:
    expect = plan_for("a", by=BY, expect={"split": {"v1": 33.3, "v2": 33.3, "v3": 33.3}}).expect
    assert expect
    assert expect.split == pytest.approx({"v1": 1 / 3, "v2": 1 / 3, "v3": 1 / 3})


def test_a_body_has_its_length() -> None:
    wire = plan_for("a", method="post", body="ä=1").requests[0].wire
    assert b"\r\nContent-Length: 4\r\n\r\n\xc3\xa4=1" in wire
    assert wire.startswith(b"POST / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("options", "wire"),
    [
        ({}, "GET / HTTP/1.1|Host: a|User-Agent: meshops.asm|Accept: */*||"),
        ({"headers": {"USER-agent": "x"}}, "GET / HTTP/1.1|Host: a|Accept: */*|USER-agent: x||"),
        ({"headers": {"ACCEPT": "x"}}, "GET / HTTP/1.1|Host: a|User-Agent: meshops.asm|ACCEPT: x||"),
        ({"headers": {"x": "\xe4"}}, "GET / HTTP/1.1|Host: a|User-Agent: meshops.asm|Accept: */*|x: \xe4||"),
        ({"body": "b"}, "GET / HTTP/1.1|Host: a|User-Agent: meshops.asm|Accept: */*|Content-Length: 1||b"),
        *(
            ({"method": one}, f"{one} / HTTP/1.1|Host: a|User-Agent: meshops.asm|Accept: */*|Content-Length: 0||")
            for one in ("POST", "PUT", "PATCH")
        ),
        ({"method": "delete"}, "DELETE / HTTP/1.1|Host: a|User-Agent: meshops.asm|Accept: */*||"),
    ],
)
def test_a_request_is_what_is_sent(options: dict[str, Any], wire: str) -> None:
    (request,) = plan_for("a", **options).requests
    assert request.wire == wire.replace("|", "\r\n").encode("latin-1")


def test_each_request_may_say_otherwise() -> None:
    own = {"name": "two", "method": "HEAD", "path": "/b", "host": "c.test", "headers": {"x": "2"}, "body": ""}
    plan = plan_for("a", path="/a", host="b.test", headers={"x": "1", "y": "1"}, requests=[{}, own])
    rest = "User-Agent: meshops.asm\r\nAccept: */*"
    assert plan.requests == (
        Request(
            "GET b.test/a",
            "GET",
            "b.test",
            f"GET /a HTTP/1.1\r\nHost: b.test\r\n{rest}\r\nx: 1\r\ny: 1\r\n\r\n".encode(),
        ),
        Request(
            "two",
            "HEAD",
            "c.test",
            f"HEAD /b HTTP/1.1\r\nHost: c.test\r\n{rest}\r\nx: 2\r\ny: 1\r\n\r\n".encode(),
        ),
    )


def test_the_options_reach_the_plan() -> None:
    plan = plan_for(
        "a",
        by={"header": "x"},
        tls={"server_name": "s", "verify": False},
        retries=2,
        retry_statuses=[503, 504],
        stop_file="/run/probe/stop",
        rate=5,
        duration=7,
        wait_timeout=9,
    )
    assert (plan.key and plan.key.text, plan.tls) == ("x", Tls(server_name="s", verify=False))
    assert (plan.retries, plan.retry_statuses, plan.stop_file) == (2, {503, 504}, "/run/probe/stop")
    assert (plan.rate, plan.duration, plan.wait_timeout) == (5.0, 7.0, 9.0)
    plain = plan_for("a")
    assert (plain.key, plain.tls, plain.stop_file, plain.expect, plain.compare) == (None,) * 5
    assert (plain.rate, plain.duration, plain.wait_timeout, plain.retry_statuses) == (0.0, 0.0, 0.0, frozenset())


def test_what_is_expected_is_in_fractions_and_seconds() -> None:
    balancing = {"policy": "LEAST_REQUEST", "slow": "b", "window": 20}
    expect = plan_for(
        "a",
        by=BY,
        expect={
            "even": ["a", "b"],
            "tolerance": 4,
            "confidence": 99,
            "status": [200, 204],
            "latency": {"p50": 0.1},
            "failed": 2,
            "balancing": balancing,
        },
    ).expect
    assert expect
    assert (expect.split, expect.tolerance, expect.confidence) == ({"a": 0.5, "b": 0.5}, 0.04, 0.99)
    assert (expect.statuses, expect.latency, expect.failed) == ({200, 204}, {"p50": 0.1}, 0.02)
    assert expect.balancing == Balancing("LEAST_REQUEST", "b", 20)
    expect = plan_for("a", by=BY, expect={"balancing": {"policy": "RANDOM"}}).expect
    assert expect
    assert (expect.balancing, expect.statuses, expect.latency, expect.failed) == (
        Balancing("RANDOM"),
        frozenset(),
        {},
        0.0,
    )


VIEWS = [
    {"name": "in", "addresses": {"two": ["192.0.2.2"], "one": ["192.0.2.1"]}},
    {"name": "young", "addresses": {}},
]


def test_the_addresses_of_a_gateway() -> None:
    assert pick_addresses(VIEWS, "in", None) == ["192.0.2.1", "192.0.2.2"]
    assert pick_addresses(VIEWS, "in", "two") == ["192.0.2.2"]
    for arguments, complaint in [
        (("out", None), "Gateways of the mesh: in, young"),
        (("in", "three"), "no address in cluster 'three'. Clusters with one: one, two"),
        (("young", None), "no address yet"),
    ]:
        with pytest.raises(NotFound, match=complaint):
            pick_addresses(VIEWS, *arguments)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who of the proxies follows, and how long the wait for them takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, WaitTimeout
from ansible_collections.meshops.asm.plugins.module_utils.mesh.proxies import (
    GO_ON,
    Follower,
    Seen,
    look,
    named,
    patient_look,
)
from ansible_collections.meshops.asm.tests.unit.conftest import FakeClock, FakeCloud

ROUTES = {"a": ["routes"]}
BOTH = ("a", "b")


class Service:
    """Answers with the states in turn, the last one for ever; notes when it was asked."""

    def __init__(self, clock: FakeClock, *states: Seen) -> None:
        self.clock, self.states, self.asked = clock, list(states), []

    def __call__(self) -> Seen:
        self.asked.append(self.clock.now())
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    return FakeClock()


def follower(clock: FakeClock, *states: Seen, **more: Any) -> tuple[Follower, Service]:
    service = Service(clock, *states)
    return Follower(service, **{"settle": 12.0, "timeout": 60.0, "clock": clock, **more}), service


def test_a_reply_is_read(fake_cloud: Callable[..., FakeCloud]) -> None:
    rows = [
        {
            "ProxyId": "in-1.istio-system",
            "ClusterSynced": "SYNCED",
            "ListenerSynced": "SYNCED",
            "RouteSynced": "NOT SENT",
        },
        {"ProxyId": "a.shop", "ClusterSynced": "STALE (Never Acknowledged)", "EndpointSynced": "STALE"},
        {"ClusterSynced": None},
        {},
    ]
    seen = look(fake_cloud(DescribeServiceMeshProxyStatus={"ProxyStatus": rows}), "c1")
    assert seen.names == ("in-1.istio-system", "a.shop", "proxy 3", "proxy 4")
    assert seen.behind == {"a.shop": ["clusters", "endpoints"]}
    assert seen.text == "3 of 4 in sync; behind: a.shop (clusters, endpoints)"
    assert look(fake_cloud(DescribeServiceMeshProxyStatus={"ProxyStatus": None}), "c1") == Seen()


@pytest.mark.parametrize(
    ("version", "older"),
    [
        ("v1.24.6.64-g0b8a1cd2-aliyun", "a.shop (1.22.6)"),
        ("v1.22.6.109-g6e8b7f4c-aliyun", ""),
        ("v1.21.6.103-aliyun", ""),
        ("", ""),
    ],
)
def test_proxies_of_pods_that_have_yet_to_restart_are_known(
    fake_cloud: Callable[..., FakeCloud], version: str, older: str
) -> None:
    rows = [{"ProxyId": "a.shop", "ProxyVersion": "1.22.6"}, {"ProxyId": "b.shop", "ProxyVersion": "1.24.6"}]
    rows += [{"ProxyId": "c.shop", "ProxyVersion": None}, {"ProxyId": "d.shop", "ProxyVersion": "unknown"}]
    seen = look(fake_cloud(DescribeServiceMeshProxyStatus={"ProxyStatus": rows}), "c1")
    assert seen.older(version) == older


def test_many_names_are_not_all_told() -> None:
    assert named({f"p{n}": ["routes"] for n in range(7)}).endswith("p4 (routes), and 2 more")


def test_who_is_behind_for_some_seconds_only_is_not_behind(clock: FakeClock) -> None:
    """A proxy that is busy with requests takes its time; one that is stuck is told after half a minute."""
    begin, states = clock.now(), [*[Seen(BOTH, ROUTES)] * 7, Seen(BOTH)]
    assert patient_look(Service(clock, *states), clock) == Seen(BOTH)
    assert 10 < clock.now() - begin < 30
    begin = clock.now()
    assert patient_look(Service(clock, Seen(BOTH, ROUTES)), clock) == Seen(BOTH, ROUTES)
    assert 30 <= clock.now() - begin < 36


def test_what_is_said_before_istiod_can_have_sent_anything_does_not_count(clock: FakeClock) -> None:
    """In sync at once, then behind, then in sync: the first is about what was there before."""
    wait, service = follower(clock, Seen(BOTH), Seen(BOTH, ROUTES), Seen(BOTH, ROUTES), Seen(BOTH))
    begin = clock.now()
    wait.wait()
    later = [moment for moment in service.asked if moment >= begin + 12]
    assert len([moment for moment in service.asked if moment < begin + 12]) == 1
    assert len(later) == 5, "two that were behind, and three in a row that were not"


def test_one_look_in_sync_is_not_enough(clock: FakeClock) -> None:
    """With many proxies some are sent to later: in between nobody is behind."""
    states = [Seen(BOTH), Seen(BOTH), Seen(BOTH), Seen(BOTH, ROUTES), Seen(BOTH)]
    wait, service = follower(clock, *states)
    wait.wait()
    assert len(service.asked) == 1 + 2 + 1 + 3


def test_a_proxy_that_does_not_follow_is_named(clock: FakeClock) -> None:
    wait, _service = follower(clock, Seen(BOTH), Seen(BOTH, ROUTES))
    begin = clock.now()
    with pytest.raises(WaitTimeout) as caught:
        wait.wait()
    assert "1 of 2 proxies do not follow for 60 s: a (routes)." in caught.value.message
    assert "was not removed" in caught.value.message
    assert caught.value.details["last_state"] == {"proxies": 2, "behind": ROUTES}
    assert 72 <= clock.now() - begin < 80


def test_one_that_istiod_has_given_up_is_still_behind(clock: FakeClock) -> None:
    """istiod closes the connection of a proxy that does not answer; the proxy goes on with what it has."""
    wait, _service = follower(clock, Seen(BOTH), Seen(BOTH, ROUTES), Seen(("b",)))
    with pytest.raises(WaitTimeout, match="1 of 2 proxies do not follow"):
        wait.wait()


def test_one_that_was_in_sync_and_is_gone_has_ended(clock: FakeClock) -> None:
    wait, _service = follower(clock, Seen(BOTH), Seen(("b",)))
    wait.wait()


def test_going_on_is_a_choice(clock: FakeClock) -> None:
    wait, _service = follower(clock, Seen(BOTH), Seen(BOTH, ROUTES), on_behind=GO_ON)
    wait.wait()
    (warning,) = wait.warnings
    assert warning.startswith("1 of 2 proxies do not follow for 60 s: a (routes).")


def test_without_proxies_nothing_is_waited_for(clock: FakeClock) -> None:
    wait, _service = follower(clock, Seen())
    wait.wait()
    assert clock.pauses == []


def test_where_nobody_is_connected_any_more_istiod_is_starting(clock: FakeClock) -> None:
    wait, service = follower(clock, Seen(BOTH), Seen(), Seen(), Seen(BOTH))
    wait.wait()
    assert len(service.asked) == 1 + 2 + 3
    wait, _service = follower(clock, Seen(BOTH), Seen())
    with pytest.raises(WaitTimeout, match=r"No proxy is connected any more, for 60 s\."):
        wait.wait()


def test_who_may_not_ask_waits_the_stated_time_and_is_told_before(clock: FakeClock) -> None:
    def denied() -> Seen:
        raise AsmError("You are not authorized to do this action.", code="Forbidden.RAM", http_status=403)

    wait = Follower(denied, settle=7.0, timeout=60.0, clock=clock)
    wait.prepare()
    (warning,) = wait.warnings
    assert "so 7 s are waited each time (proxies_settle): You are not authorized" in warning
    for _turn in range(2):
        begin = clock.now()
        wait.wait()
        assert clock.now() - begin == 7
    assert len(wait.warnings) == 1


def test_with_a_kubeconfig_there_is_nobody_to_ask(clock: FakeClock) -> None:
    wait = Follower(None, settle=3.0, timeout=60.0, reason="a kubeconfig says nothing.", clock=clock)
    wait.wait()
    assert sum(clock.pauses) == 3
    assert wait.warnings[0].endswith("a kubeconfig says nothing.")


def test_a_failure_in_the_middle_is_none_of_ours_to_hide(clock: FakeClock) -> None:
    """Asked with success before, so that a failure now says nothing about rights: nothing is removed on a guess."""
    calls: list[int] = []

    def breaks() -> Seen:
        calls.append(1)
        if len(calls) > 2:
            raise AsmError("broken", code="ServiceUnavailable")
        return Seen(BOTH)

    with pytest.raises(AsmError, match="broken"):
        Follower(breaks, settle=1.0, timeout=60.0, clock=clock).wait()

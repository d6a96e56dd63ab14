# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of swim lanes: plan, writes, waiting, and what is refused before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud.shapes import conform, shape_of
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    Immutable,
    InvalidInput,
    NotFound,
    Refused,
    WaitFailed,
    WaitTimeout,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.lane import groups
from ansible_collections.meshops.asm.plugins.module_utils.module.connection import connect
from ansible_collections.meshops.asm.plugins.modules import asm_swim_lane, asm_swim_lane_info
from ansible_collections.meshops.asm.plugins.modules.asm_swim_lane import SwimLane
from ansible_collections.meshops.asm.plugins.modules.asm_swim_lane_group import SwimLaneGroup

from ..module_utils.kube.conftest import MemoryApi, api, kubeconfig
from .conftest import FakeAsm
from .test_istio_resource import params_of

__all__ = ["api"]

Json = dict[str, Any]

GROUP: Json = {"name": "features", "gateway": "front", "services": ["shop/cart", "shop/prices"]}
HEADERS: Json = {"permissive": True, "trace_header": "x-request-id", "route_header": "x-lane"}
CART = "cart.shop.svc.cluster.local"
OBJECT = "/apis/istio.alibabacloud.com/v1/asmswimlanes/gray"
LISTED = {"ServiceList": '["shop-1/k1/shop/cart", "shop-1/k1/shop/prices"]'}


class FakeLanes(FakeAsm):
    """Groups and lanes as the service keeps them; the object of a lane comes to the API server with it."""

    def __init__(self, server: MemoryApi) -> None:
        super().__init__()
        self.server = server
        self.groups: dict[str, Json] = {}
        self.lanes: dict[str, Json] = {}
        self.CreateServiceMesh(RegionId="cn-hangzhou", Name="demo")
        self.meshes["c1"]["ServiceMeshInfo"]["State"] = "running"
        self.meshes["c1"]["Members"] = [
            {"ClusterId": "k2", "Name": "shop-2", "State": "running"},
            {"ClusterId": "k1", "Name": "shop-1", "State": "running"},
        ]
        self.calls.clear()

    def _answer(self, action: str, parameters: Json) -> Any:
        return conform(super()._answer(action, parameters) or {}, shape_of(action))

    def GetSwimLaneGroupList(self, ServiceMeshId: str) -> Any:
        return {"SwimLaneGroupList": list(self.groups.values())}

    def CreateSwimLaneGroup(self, ServiceMeshId: str, GroupName: str, ServicesList: str, **more: Any) -> Any:
        assert more.pop("IngressType") == "ASM"
        assert more.pop("IngressGatewayNamespace") == "istio-system"
        self.groups[GroupName] = {"GroupName": GroupName, "ServiceList": ServicesList, **more}

    def UpdateSwimLaneGroup(self, ServiceMeshId: str, GroupName: str, ServicesList: str, **more: Any) -> Any:
        self.groups[GroupName] |= {"ServiceList": ServicesList, **more}

    def DeleteSwimLaneGroup(self, ServiceMeshId: str, GroupName: str) -> Any:
        del self.groups[GroupName]

    def GetSwimLaneList(self, ServiceMeshId: str, GroupName: str) -> Any:
        return {"SwimLaneList": [one for one in self.lanes.values() if one["GroupName"] == GroupName]}

    def CreateSwimLane(
        self, ServiceMeshId: str, GroupName: str, SwimLaneName: str, ServicesList: str, **more: Any
    ) -> Any:
        row = {"Name": SwimLaneName, "GroupName": GroupName, "ServiceList": ServicesList, **more}
        self.lanes[SwimLaneName] = row
        path = f"/apis/istio.alibabacloud.com/v1/asmswimlanes/{SwimLaneName}"
        body = {"apiVersion": "istio.alibabacloud.com/v1", "kind": "ASMSwimLane", "metadata": {"name": SwimLaneName}}
        self.server.put(path, {**body, "spec": {}})

    def UpdateSwimLane(
        self, ServiceMeshId: str, GroupName: str, SwimLaneName: str, ServicesList: str, **more: Any
    ) -> Any:
        self.lanes[SwimLaneName] |= {"ServiceList": ServicesList, **more}

    def DeleteSwimLane(self, ServiceMeshId: str, GroupName: str, SwimLaneName: str) -> Any:
        del self.lanes[SwimLaneName]


@pytest.fixture
def asm(api: MemoryApi, monkeypatch: pytest.MonkeyPatch, no_waiting: Any) -> FakeLanes:
    found = FakeLanes(api)
    given = {"kubeconfig": kubeconfig(api.url)}
    monkeypatch.setattr(asm_swim_lane, "connect", lambda params, cloud: connect(given, cloud))
    return found


def change(asm: FakeLanes, module: type[Any], check: bool = False, **given: Any) -> Outcome:
    asm.calls.clear()
    asm.writes = 0
    params = {"wait": True, **params_of(module, mesh="demo", **given)}
    return reconcile(module(params, asm), check=check, timeout=5)


def group(asm: FakeLanes, check: bool = False, **given: Any) -> Outcome:
    return change(asm, SwimLaneGroup, check, **{**GROUP, **given})


def lane(asm: FakeLanes, check: bool = False, **given: Any) -> Outcome:
    return change(asm, SwimLane, check, **{"group": "features", "name": "gray", **given})


def converges(asm: FakeLanes, act: Callable[..., Outcome], **given: Any) -> Outcome:
    """Predicted, done, and nothing left to do."""
    predicted = act(asm, check=True, **given)
    assert (asm.written(), predicted.changed) == ([], True)
    done = act(asm, **given)
    sent = asm.written()
    assert (done.changed, done.plan.before, done.plan.after) == (True, predicted.plan.before, predicted.plan.after)
    assert done.value == predicted.value
    again = act(asm, **given)
    assert (again.changed, asm.written()) == (False, [])
    asm.calls = [(action, {}) for action in sent]
    return done


def test_a_strict_group_is_created_changed_and_removed(asm: FakeLanes) -> None:
    done = converges(asm, group)
    assert asm.written() == ["CreateSwimLaneGroup"]
    # The first cluster by name; no headers are sent.
    assert asm.groups["features"] == {
        "GroupName": "features",
        "IngressGatewayName": "front",
        "IsPermissive": False,
        "ServiceList": '["shop-1/k1/shop/cart", "shop-1/k1/shop/prices"]',
    }
    assert done.value["services"] == ["shop-1/shop/cart", "shop-1/shop/prices"]
    converges(asm, group, services=["shop/cart", "shop-2/shop/stock"])
    assert asm.written() == ["UpdateSwimLaneGroup"]
    assert json.loads(asm.groups["features"]["ServiceList"]) == ["shop-1/k1/shop/cart", "shop-2/k2/shop/stock"]
    converges(asm, lambda asm, **more: change(asm, SwimLaneGroup, name="features", state="absent", **more))
    assert asm.groups == {}


def test_what_is_not_said_of_a_group_stays(asm: FakeLanes) -> None:
    group(asm, **HEADERS)
    assert not change(asm, SwimLaneGroup, name="features").changed
    assert not change(asm, SwimLaneGroup, name="features", services=["shop-1/shop/cart", "k1/shop/prices"]).changed


def test_a_weighted_group_takes_two_requests_and_goes_on_after_the_first(asm: FakeLanes) -> None:
    rule = {"hosts": ["a.org"], "matches": [{"uri": {"prefix": "/"}, "headers": [{"name": "b", "exact": "1"}]}]}
    done = converges(asm, group, ingress_routing="weighted", weighted_rule=rule, **HEADERS)
    assert asm.written() == ["CreateSwimLaneGroup", "UpdateSwimLaneGroup"]
    assert done.value["weighted_rule"] == rule
    assert json.loads(asm.groups["features"]["WeightedIngressRule"]) == {
        "Domains": ["a.org"],
        "MatchRequests": [
            {
                "URI": {"MatchingMode": "prefix", "MatchingContent": "/"},
                "Headers": [{"Name": "b", "MatchingMode": "exact", "MatchingContent": "1"}],
            }
        ],
    }
    # As an interrupted run leaves it.
    for key in ("IngressRoutingStrategy", "WeightedIngressRule"):
        del asm.groups["features"][key]
    group(asm, ingress_routing="weighted", weighted_rule=rule, **HEADERS)
    assert asm.written() == ["UpdateSwimLaneGroup"]
    converges(asm, group, ingress_routing="rule-based")
    assert "WeightedIngressRule" not in asm.sent("UpdateSwimLaneGroup")


def test_a_group_keeps_what_its_update_does_not_concern(asm: FakeLanes) -> None:
    group(asm, **HEADERS)
    asm.groups["features"] |= {"FallbackTarget": "base", "ServiceLevelFallbackTarget": '{"shop/cart": "gray"}'}
    asm.groups["features"]["IngressRoutingStrategy"] = "rule-based"
    for name in ("base", "gray"):
        asm.lanes[name] = {"Name": name, "GroupName": "features"}
    group(asm, services=["shop/cart", "shop/prices", "shop/stock"])
    (sent,) = asm.sent("UpdateSwimLaneGroup")
    assert (sent["FallbackTarget"], sent["ServiceLevelFallbackTarget"]) == ("base", '{"shop/cart": "gray"}')
    # What names a lane that is gone would be refused.
    asm.lanes.clear()
    group(asm, services=["shop/cart", "shop/prices"])
    (sent,) = asm.sent("UpdateSwimLaneGroup")
    assert not {"FallbackTarget", "ServiceLevelFallbackTarget"} & sent.keys()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"name": "Gray Lanes"}, InvalidInput, "cannot be the name"),
        ({"services": ["cart"]}, InvalidInput, "services: 'cart' does not name a service"),
        ({"services": ["a/b/c/d"]}, InvalidInput, "NAMESPACE/NAME or CLUSTER"),
        ({"services": ["shop/cart", "shop/cart"]}, InvalidInput, "'shop/cart' twice"),
        ({"services": ["shop/cart", "shop-1/shop/cart"]}, InvalidInput, "with a cluster and without"),
        ({"services": ["nowhere/shop/cart"]}, NotFound, "No cluster with the name or id 'nowhere'"),
        ({"gateway": None}, InvalidInput, "does not exist yet. To create it, give gateway"),
        ({"permissive": True}, InvalidInput, "give trace_header, route_header"),
        ({"trace_header": "x-a"}, InvalidInput, "trace_header: headers are for a permissive group"),
        ({"permissive": False, "route_header": "x-a"}, InvalidInput, "a strict one needs no headers"),
        ({**HEADERS, "route_header": "x a"}, InvalidInput, "'x a' is no name of a header"),
        ({"ingress_routing": "weighted"}, InvalidInput, "needs weighted_rule"),
        ({"weighted_rule": {"matches": []}}, InvalidInput, "this group's is rule-based"),
        ({"weighted_rule": {"matches": [{"uri": {"exact": "/", "prefix": "/"}}]}}, InvalidInput, "match 1: uri needs"),
        (
            {"weighted_rule": {"matches": [{"headers": [{"name": "a"}]}]}},
            InvalidInput,
            "the header a needs exactly one",
        ),
    ],
)
def test_bad_options_of_a_group_change_nothing(asm: FakeLanes, options: Json, error: type, words: str) -> None:
    for check in (True, False):
        with pytest.raises(error) as caught:
            group(asm, check=check, **options)
        assert words in caught.value.message
        assert (asm.written(), caught.value.changed) == ([], False)


@pytest.mark.parametrize("given", [{"gateway": "other"}, {"permissive": False}, {"route_header": "x-b"}])
def test_what_cannot_be_changed_is_refused(asm: FakeLanes, given: Json) -> None:
    group(asm, **HEADERS)
    with pytest.raises(Immutable, match="cannot be changed to"):
        change(asm, SwimLaneGroup, name="features", **given)
    assert asm.written() == []
    # What the service does not say cannot differ.
    asm.groups["features"].update(IngressGatewayName=None, RouteHeader="")
    assert not change(asm, SwimLaneGroup, name="features", **{**given, "permissive": True}).changed


def test_a_group_with_lanes_stays(asm: FakeLanes) -> None:
    group(asm)
    lane(asm, label_value="gray")
    with pytest.raises(Refused, match="still has lanes: gray"):
        change(asm, SwimLaneGroup, name="features", state="absent")
    assert asm.written() == []


def test_a_lane_of_a_strict_group(asm: FakeLanes) -> None:
    group(asm)
    done = converges(asm, lane, label_value="v2")
    assert asm.written() == ["CreateSwimLane"]
    assert done.value["services"] == ["shop-1/shop/cart", "shop-1/shop/prices"]
    assert (asm.lanes["gray"]["LabelSelectorKey"], asm.lanes["gray"]["LabelSelectorValue"]) == ("ASM_TRAFFIC_TAG", "v2")
    assert asm.server.sent("PATCH") == []
    converges(asm, lane, label_name="version")
    assert asm.written() == ["UpdateSwimLane"]
    assert (asm.lanes["gray"]["LabelSelectorKey"], asm.lanes["gray"]["LabelSelectorValue"]) == ("version", "v2")
    converges(asm, lane, state="absent")
    assert asm.lanes == {}


def test_a_baseline_and_a_lane_with_fewer_services(asm: FakeLanes) -> None:
    group(asm, **HEADERS)
    converges(asm, lane, name="base", label_value="base", baseline=True)
    assert asm.written() == ["CreateSwimLane", "UpdateSwimLaneGroup"]
    converges(asm, lane, label_value="gray", services=["shop/prices"], baseline_for=["shop/cart"])
    assert json.loads(asm.lanes["gray"]["ServiceList"]) == ["shop-1/k1/shop/prices"]
    assert asm.groups["features"]["FallbackTarget"] == "base"
    assert json.loads(asm.groups["features"]["ServiceLevelFallbackTarget"]) == {"shop/cart": "gray"}
    converges(asm, lane, baseline_for=[])
    assert asm.groups["features"]["ServiceLevelFallbackTarget"] == "{}"
    converges(asm, lane, baseline=True, baseline_for=["shop/prices"])
    assert asm.groups["features"]["FallbackTarget"] == "gray"
    # It has ended for the other one by that, which says nothing else.
    assert not lane(asm, name="base", baseline=False).changed
    with pytest.raises(Refused, match="make another lane the baseline"):
        lane(asm, baseline=False)
    converges(asm, lane, state="absent")
    assert asm.groups["features"]["ServiceLevelFallbackTarget"] == "{}"


RULE: Json = {"name": "r", "host": CART, "headers": [{"name": "x", "exact": "1"}, {"name": "b", "regex": "2"}]}


def test_rules_are_written_into_the_lanes_object(asm: FakeLanes) -> None:
    group(asm)
    done = converges(asm, lane, label_value="gray", ingress_rules=[RULE])
    assert done.value["ingress_rules"] == [
        {**RULE, "hosts": ["*"], "headers": RULE["headers"][::-1], "online": True},
    ]
    assert asm.server.objects[OBJECT]["spec"]["ingressRules"] == [
        {
            "name": "r",
            "hosts": ["*"],
            "match": {"headers": {"x": {"exact": "1"}, "b": {"regex": "2"}}},
            "route": {"destination": {"host": CART}},
            "online": True,
        }
    ]
    asm.server.objects[OBJECT]["spec"]["labelSelector"] = {"kept": "1"}
    converges(asm, lane, ingress_rules=[{**RULE, "uri": {"exact": "/a"}, "port": 80, "online": False}])
    spec = asm.server.objects[OBJECT]["spec"]
    assert spec["labelSelector"] == {"kept": "1"}
    assert spec["ingressRules"][0]["route"] == {"destination": {"host": CART, "portNum": 80}}
    converges(asm, lane, ingress_rules=[])
    assert spec != asm.server.objects[OBJECT]["spec"]
    assert asm.server.objects[OBJECT]["spec"]["ingressRules"] == []


def test_the_weight_of_a_lane(asm: FakeLanes) -> None:
    group(asm, ingress_routing="weighted", weighted_rule={"hosts": ["*"]})
    weight = {"host": CART, "weight": 30}
    done = converges(asm, lane, label_value="gray", ingress_weight=weight)
    assert done.value["ingress_weight"] == weight
    assert asm.server.objects[OBJECT]["spec"]["ingressWeight"] == {"destination": {"host": CART}, "weight": 30}
    with pytest.raises(Refused, match="divides requests by weights"):
        lane(asm, ingress_rules=[RULE])


def test_who_may_not_write_the_object_is_told_of_another_way(asm: FakeLanes) -> None:
    group(asm)
    refusal = {"kind": "Status", "reason": "Forbidden", "message": "no"}
    asm.server.fail_next(403, refusal, only="PATCH")
    with pytest.raises(AsmError, match="istio-admin, or lead requests into the lane by a VirtualService") as caught:
        lane(asm, label_value="gray", ingress_rules=[RULE])
    assert caught.value.changed is True


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"name": "a.b"}, InvalidInput, "cannot be the name"),
        ({"group": "A"}, InvalidInput, "group: 'A' cannot be"),
        ({"label_value": None}, InvalidInput, "give label_value: the value of the label ASM_TRAFFIC_TAG"),
        ({"services": ["shop/cart", "shop/other"]}, InvalidInput, "Not among the services of the swim lane group"),
        ({"services": ["shop/cart"]}, InvalidInput, "missing in services: shop/prices"),
        ({"baseline": True}, Refused, "The swim lane group 'features' is strict"),
        ({"baseline_for": ["shop/cart"]}, Refused, "is strict"),
        ({"baseline_for": ["k1/shop/cart"]}, InvalidInput, "give it as NAMESPACE/NAME."),
        ({"ingress_rules": [RULE, RULE]}, InvalidInput, "more than one rule with the name 'r'"),
        ({"ingress_rules": [{**RULE, "host": "cart"}]}, InvalidInput, "'cart' is no full host name"),
        ({"ingress_rules": [{**RULE, "port": 0}]}, InvalidInput, "0 is no port"),
        (
            {"ingress_rules": [{**RULE, "headers": [*RULE["headers"], {"name": "X", "exact": "2"}]}]},
            InvalidInput,
            "twice",
        ),
        ({"ingress_weight": {"host": CART, "weight": 20}}, Refused, "has rules, not weights"),
        ({"ingress_weight": {"host": CART, "weight": 101}}, InvalidInput, "from 0 to 100, not 101"),
    ],
)
def test_bad_options_of_a_lane_change_nothing(asm: FakeLanes, options: Json, error: Any, words: str) -> None:
    group(asm)
    for check in (True, False):
        with pytest.raises(error) as caught:
            lane(asm, check=check, **{"label_value": "gray", **options})
        assert words in caught.value.message
        assert (asm.written(), asm.server.sent("PATCH"), caught.value.changed) == ([], [], False)


def test_before_there_is_a_group_or_a_mesh(asm: FakeLanes) -> None:
    predicted = lane(asm, check=True, label_value="gray", services=["shop/cart"], ingress_rules=[RULE])
    assert (predicted.changed, predicted.plan.warnings) == (True, ("Swim lane group 'features' does not exist yet.",))
    with pytest.raises(NotFound, match="Groups of this mesh: none"):
        lane(asm, label_value="gray")
    assert not lane(asm, state="absent").changed
    asm.meshes.clear()
    assert group(asm, check=True).plan.warnings == ("Mesh 'demo' does not exist yet.",)
    assert lane(asm, check=True, label_value="gray").plan.warnings == ("Mesh 'demo' does not exist yet.",)
    assert not group(asm, state="absent").changed
    for act in (group, lane):
        with pytest.raises(NotFound, match="No mesh with the name"):
            act(asm, label_value="gray") if act is lane else act(asm)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (None, ""),
        ("null", ""),
        ("[]", ""),
        ("no pod", "no pod"),
        ('[{"level": "info", "message": "fine"}]', ""),
        ('[{"level": "error", "message": "no pod"}, "x"]', "no pod, x"),
    ],
)
def test_the_service_says_whether_a_lane_takes_effect(asm: FakeLanes, said: str | None, problem: str) -> None:
    group(asm)
    lane(asm, label_value="gray")
    asm.lanes["gray"]["ValidationMessage"] = said
    if not problem:
        assert not lane(asm).changed
    else:
        with pytest.raises((WaitFailed, WaitTimeout)) as caught:
            lane(asm)
        assert problem in caught.value.message
    (read,) = asm_swim_lane_info.read({"mesh": "demo", "group": None, "lane": None}, asm)  # type: ignore[arg-type]
    assert [one["message"] for one in read["lanes"]] == [problem]


@pytest.mark.parametrize("status", [None, 400, 404])
def test_one_lane_is_read_by_its_name(asm: FakeLanes, status: int | None) -> None:
    """No document says whether a lane that is not there is an error or an empty reply."""
    group(asm)
    lane(asm, label_value="gray")
    row = asm.lanes["gray"]
    error = AsmError("No such lane.", code="SwimLane.NotFound", http_status=status)

    def detail(ServiceMeshId: str, GroupName: str, SwimLaneName: str) -> Any:
        if SwimLaneName != "gray":
            if status:
                raise error
            return {"ServicesList": "[]", "ValidationMessage": None}
        shown = {**row, "ServicesList": row["ServiceList"], "WeightedIngressDestination": None}
        return {key: value for key, value in shown.items() if key not in ("Name", "GroupName", "ServiceList")}

    def read(name: str | None, of: str | None = None) -> Any:
        given = {"mesh": "demo", "group": of or row["GroupName"], "lane": name}
        return [one["lanes"] for one in asm_swim_lane_info.read(given, asm)]  # type: ignore[arg-type]

    asm.answers["GetSwimLaneDetail"] = detail
    assert read("gray") == read(None)
    assert read("nothing") == [[]]
    assert read("gray", of="nothing") == []


def test_a_lane_that_cannot_be_read_is_an_error(asm: FakeLanes) -> None:
    group(asm)
    lane(asm, label_value="gray")
    refusal = AsmError("No.", code="Forbidden.RAM", http_status=403)
    for error in (refusal, AsmError("Odd.", code="InvalidParameter", http_status=400)):
        asm.answers["GetSwimLaneDetail"] = error
        with pytest.raises(AsmError, match=error.message):
            given = {"mesh": "demo", "group": asm.lanes["gray"]["GroupName"], "lane": "gray"}
            asm_swim_lane_info.read(given, asm)  # type: ignore[arg-type]


def test_reading_takes_every_spelling(asm: FakeLanes) -> None:
    asm.groups = {
        "b": {"GroupName": "b", "ServiceList": None, "IsPermissive": "false"},
        "a": {
            "GroupName": "a",
            "IsPermissive": "true",
            "ServiceList": ["k/k1/shop/cart", "x"],
            "SwimLaneLabels": {"version": ["v1"], "odd": 1},
            "ServiceLevelFallbackTarget": {"shop/cart": "one", "shop/x": 7},
            "IngressRoutingStrategy": "weighted",
            "WeightedIngressRule": {"Domains": ["*"], "MatchRequests": [{"URI": 5, "Headers": [{"Name": "a"}]}]},
        },
    }
    rows = [{"RouteName": "r", "RouteDestinations": [{"Destination": {"Host": CART, "Port": 80}}]}, "odd"]
    asm.lanes = {
        "one": {
            "Name": "one",
            "GroupName": "a",
            "IngressRule": json.dumps(rows),
            "WeightedIngressDestinatin": '{"RouteDestination": {"Host": "h"}, "Weight": 40}',
        }
    }
    first, second = asm_swim_lane_info.read({"mesh": "demo", "group": None, "lane": None}, asm)  # type: ignore[arg-type]
    assert (first["permissive"], second["permissive"], second["services"], second["lanes"]) == (True, False, [], [])
    assert first["services"] == ["x", "k/shop/cart"]
    assert first["labels"] == {"odd": [], "version": ["v1"]}
    assert first["weighted_rule"] == {"hosts": ["*"], "matches": [{"headers": [{"name": "a"}]}]}
    (one,) = first["lanes"]
    assert one["ingress_rules"] == [{"name": "r", "hosts": ["*"], "host": CART, "port": 80}]
    assert (one["ingress_weight"], one["baseline_for"]) == ({"host": "h", "weight": 40}, ["shop/cart"])
    assert asm_swim_lane_info.read({"mesh": "demo", "group": "none", "lane": None}, asm) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["x" * 10**6, json.dumps([{"level": "error", "message": "a\n\x1b[31m" * 10**5}])])
def test_what_the_service_says_of_a_lane_is_one_line_that_ends(said: str) -> None:
    told = groups.problem({"ValidationMessage": said})
    assert 100 < len(told) < 10_000
    assert "\n" not in told and "\x1b" not in told

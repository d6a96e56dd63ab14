# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Swim lanes: the actions, the objects that they write, and Istio's objects that come of these."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import attach, cluster_id, create_mesh, plane_of, raw_call, refused, wait_for, wait_state
from meshlab.lab import Lab
from meshlab.laneobjects import objects, path

GATEWAY = "/apis/networking.istio.io/v1/namespaces/istio-system/gateways/front"
LANES = "/apis/istio.alibabacloud.com/v1/asmswimlanes"
MADE = "/apis/networking.istio.io/v1/namespaces/shop"
HEADERS = {"IsPermissive": True, "RouteHeader": "x-lane", "TraceHeader": "x-request-id"}


class Site:
    """A mesh with a Gateway, and a cluster with the services a and b, each with the pods of two versions."""

    def __init__(self, asm: AsmClient, cloud: Lab, **mesh: Any) -> None:
        self.asm, self.cloud = asm, cloud
        self.mesh_id = create_mesh(asm, cluster_spec="enterprise", **mesh)
        wait_state(asm, self.mesh_id)
        self.cluster_id = cluster_id(cloud, "shop-1")
        attach(asm, self.mesh_id, self.cluster_id)
        wait_state(asm, self.mesh_id)
        self.api, cluster = plane_of(cloud, self.mesh_id).api, plane_of(cloud, self.cluster_id).api
        self.api.apply(GATEWAY, {"kind": "Gateway", "metadata": {"name": "front", "namespace": "istio-system"}})
        for app in "ab":
            meta = {"name": app, "namespace": "shop"}
            cluster.apply(
                f"/api/v1/namespaces/shop/services/{app}", {"metadata": meta, "spec": {"selector": {"app": app}}}
            )
            for version in ("v1", "v2"):
                labels = {"labels": {"app": app, "tag": version}}
                meta = {"name": f"{app}-{version}", "namespace": "shop", **labels}
                cluster.apply(f"/api/v1/namespaces/shop/pods/{app}-{version}", {"metadata": meta})

    def __call__(self, action: str, **parameters: Any) -> Any:
        lists = {key: json.dumps(value) for key, value in parameters.items() if isinstance(value, (list, dict))}
        return raw_call(self.asm, action, {"ServiceMeshId": self.mesh_id, **parameters, **lists})

    def services(self, *names: str) -> list[str]:
        return [f"shop-1/{self.cluster_id}/shop/{name}" for name in names]

    def group(self, **more: Any) -> None:
        given = {"IngressType": "ASM", "IngressGatewayName": "front", "ServicesList": self.services("a", "b"), **more}
        self("CreateSwimLaneGroup", **{"GroupName": "g", **given})

    def lane(self, name: str, value: str, **more: Any) -> None:
        label = {"LabelSelectorKey": "tag", "LabelSelectorValue": value}
        self("CreateSwimLane", **{"GroupName": "g", "SwimLaneName": name, **label, **more})

    def code(self, action: str, **parameters: Any) -> str:
        return str(refused(lambda: self(action, **parameters)).code)

    def routes(self, service: str) -> list[tuple[Any, str]]:
        """The match and the subset of each route between services."""
        found = self.api.find(f"{MADE}/virtualservices/swimlane-g-{service}") or {"spec": {"http": []}}
        return [
            (rule.get("match"), rule["route"][0]["destination"].get("subset", "")) for rule in found["spec"]["http"]
        ]


@pytest.fixture
def site(cloud: Lab, asm: AsmClient) -> Site:
    return Site(asm, cloud)


def test_a_strict_group(site: Site) -> None:
    site.group()
    site.lane("one", "v1")
    site.lane("two", "v2", ServicesList=site.services("b", "a"))
    wanted = [([{"sourceLabels": {"tag": "v1"}}], "one"), ([{"sourceLabels": {"tag": "v2"}}], "two"), (None, "")]
    wait_for(lambda: site.routes("a") == wanted)
    rule = site.api.find(f"{MADE}/destinationrules/swimlane-g-a")
    assert rule
    assert rule["spec"]["subsets"] == [
        {"name": "one", "labels": {"tag": "v1"}},
        {"name": "two", "labels": {"tag": "v2"}},
    ]
    (row,) = site("GetSwimLaneGroupList")["SwimLaneGroupList"]
    assert (row["IsPermissive"], row["IngressRoutingStrategy"]) == (False, "rule-based")
    assert json.loads(row["SwimLaneLabels"])["tag"] == ["v1", "v2"]
    one, _two = site("GetSwimLaneList", GroupName="g")["SwimLaneList"]
    assert (one["LabelSelectorValue"], one.get("ValidationMessage")) == ("v1", None)
    assert json.loads(one["ServiceList"]) == site.services("a", "b")
    site("UpdateSwimLane", GroupName="g", SwimLaneName="one", LabelSelectorKey="tag", LabelSelectorValue="v9")
    detail = site("GetSwimLaneDetail", GroupName="g", SwimLaneName="one")
    assert "shop/a has no pod with the label tag=v9" in detail["ValidationMessage"]
    assert site.code("DeleteSwimLaneGroup", GroupName="g") == "ErrorSwimLaneGroupNotEmpty"
    for name in ("one", "two"):
        site("DeleteSwimLane", GroupName="g", SwimLaneName=name)
    wait_for(lambda: not site.routes("a") and not site.api.find(f"{MADE}/destinationrules/swimlane-g-b"))
    site("DeleteSwimLaneGroup", GroupName="g")
    assert site("GetSwimLaneGroupList")["SwimLaneGroupList"] == []


def test_a_permissive_group(site: Site) -> None:
    site.group(**HEADERS)
    site.lane("base", "v1")
    site.lane("two", "v2", ServicesList=site.services("b"))
    to_two = [{"headers": {"x-lane": {"exact": "two"}}}]
    wait_for(lambda: site.routes("a")[1:] == [(to_two, ""), (None, "")])
    site("UpdateSwimLaneGroup", GroupName="g", FallbackTarget="base")
    wait_for(lambda: site.routes("a")[1:] == [(to_two, "base"), (None, "base")])
    assert site.routes("b")[1:] == [(to_two, "two"), (None, "base")]
    site("UpdateSwimLaneGroup", GroupName="g", ServiceLevelFallbackTarget={"shop/b": "two"})
    wait_for(lambda: site.routes("b")[2] == (None, "two"))
    (row,) = site("GetSwimLaneGroupList")["SwimLaneGroupList"]
    assert (row["FallbackTarget"], row["ServiceLevelFallbackTarget"]) == ("base", '{"shop/b": "two"}')
    site("UpdateSwimLaneGroup", GroupName="g", ServiceLevelFallbackTarget={})
    wait_for(lambda: site.routes("b")[2] == (None, "base"))


def test_the_gateway_leads_by_rules_or_by_weights(site: Site) -> None:
    site.group(**HEADERS)
    site.lane("base", "v1")
    site.lane("two", "v2", ServicesList=site.services("b"))
    site("UpdateSwimLaneGroup", GroupName="g", FallbackTarget="base")
    host = "a.shop.svc.cluster.local"
    rule = {
        "name": "r",
        "hosts": ["a.org"],
        "match": {"uri": {"prefix": "/"}, "headers": {"x": {"exact": "1"}}},
        "route": {"destination": {"host": host, "portNum": 80}},
    }
    site.api.patch(f"{LANES}/two", {"spec": {"ingressRules": [{**rule, "online": True}, rule]}})
    entrance = "/apis/networking.istio.io/v1/namespaces/istio-system/virtualservices/swimlane-g-ingress-0"
    spec = wait_for(lambda: site.api.find(entrance))["spec"]
    assert (spec["gateways"], spec["hosts"]) == (["istio-system/front"], ["a.org"])
    (route,) = spec["http"]
    assert route["match"] == [{"uri": {"prefix": "/"}, "headers": {"x": {"exact": "1"}}}]
    assert route["route"] == [
        {
            "destination": {"host": host, "subset": "base", "port": {"number": 80}},
            "headers": {"request": {"set": {"x-lane": "two"}}},
        }
    ]
    listed = {one["Name"]: one for one in site("GetSwimLaneList", GroupName="g")["SwimLaneList"]}
    assert json.loads(listed["two"]["IngressRule"])[0]["MatchRequest"] == {
        "URI": {"MatchingMode": "prefix", "MatchingContent": "/"},
        "Headers": [{"Name": "x", "MatchingMode": "exact", "MatchingContent": "1"}],
    }
    match = {"URI": {"MatchingMode": "exact", "MatchingContent": "/a"}, "Headers": []}
    shared = {"Domains": ["*"], "MatchRequests": [match]}
    site("UpdateSwimLaneGroup", GroupName="g", IngressRoutingStrategy="weighted", WeightedIngressRule=shared)
    for name, weight in (("base", 70), ("two", 30)):
        site.api.patch(
            f"{LANES}/{name}", {"spec": {"ingressWeight": {"destination": {"host": host}, "weight": weight}}}
        )

    def shares() -> list[Any]:
        found = site.api.find(entrance)
        (only,) = found["spec"]["http"] if found else [{"route": []}]
        return [one.get("weight") for one in only["route"]]

    wait_for(lambda: shares() == [70, 30])
    (row,) = site("GetSwimLaneGroupList")["SwimLaneGroupList"]
    assert json.loads(row["WeightedIngressRule"]) == shared
    detail = site("GetSwimLaneDetail", GroupName="g", SwimLaneName="two")
    assert json.loads(detail["WeightedIngressDestination"]) == {
        "RouteDestination": {"Host": host, "Subset": "two"},
        "Weight": 30,
    }


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"GroupName": "A b"}, "InvalidParameter"),
        ({"IngressType": "SLB"}, "InvalidParameter"),
        ({"IngressGatewayName": "back"}, "InvalidParameter"),
        ({"ServicesList": "a"}, "InvalidParameter"),
        ({"ServicesList": []}, "InvalidParameter"),
        ({"ServicesList": ["shop-1/x/shop/a"]}, "InvalidParameter"),
        ({"ServicesList": ["shop/a"]}, "InvalidParameter"),
        ({"IsPermissive": True, "RouteHeader": "x"}, "MissingTraceHeader"),
    ],
)
def test_groups_that_cannot_be(site: Site, given: dict[str, Any], code: str) -> None:
    assert refused(lambda: site.group(**given)).code == code
    assert site("GetSwimLaneGroupList")["SwimLaneGroupList"] == []


def test_what_is_refused_later(site: Site, cloud: Lab) -> None:
    site.group()
    assert refused(site.group).code == "ErrorSwimLaneGroupExists"
    assert refused(lambda: site.lane("one", "v1", GroupName="h")).code == "SwimLaneGroup.NotFound"
    assert refused(lambda: site.lane("one", "v1", ServicesList=site.services("a"))).code == "InvalidParameter"
    assert refused(lambda: site.lane("one", "")).code == "MissingLabelSelectorValue"
    site.lane("one", "v1")
    assert refused(lambda: site.lane("one", "v1")).code == "ErrorSwimLaneExists"
    for given in (
        {"FallbackTarget": "one"},
        {"FallbackTarget": "none"},
        {"ServiceLevelFallbackTarget": {"shop/a": "one"}},
        {"IngressRoutingStrategy": "random"},
        {"WeightedIngressRule": {}},
        {"IngressRoutingStrategy": "weighted", "WeightedIngressRule": {"Hosts": []}},
    ):
        assert site.code("UpdateSwimLaneGroup", GroupName="g", **given) == "InvalidParameter", given
    assert site.code("DeleteSwimLane", GroupName="g", SwimLaneName="two") == "SwimLane.NotFound"
    cloud.world.meshes[site.mesh_id].cluster_spec = "standard"
    assert refused(lambda: site.lane("two", "v2")).code == "InvalidOperation.Edition"


def test_objects_are_pure_and_need_a_lane() -> None:
    group = {"metadata": {"name": "g"}, "spec": {"services": [{"name": "a"}], "ingress": {"gateway": {"name": "f"}}}}
    lane = {"metadata": {"name": "one"}, "spec": {"labelSelector": {"tag": "v1"}}}
    assert objects(group, []) == {}
    made = objects(group, [lane])
    assert [path(one) for one in made.values()] == list(made)
    assert list(made) == [
        "/apis/networking.istio.io/v1/namespaces/default/destinationrules/swimlane-g-a",
        "/apis/networking.istio.io/v1/namespaces/default/virtualservices/swimlane-g-a",
    ]

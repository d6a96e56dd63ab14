# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Changes, put
from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view
from ansible_collections.meshops.asm.tests.unit.conftest import FakeCloud

DETAIL: dict[str, Any] = {
    "ServiceMeshInfo": {
        "ServiceMeshId": "c1",
        "Name": "shop",
        "RegionId": "cn-hangzhou",
        "State": "running",
        "CreationTime": "2026-03-02T09:14:06+08:00",
        "UpdateTime": "2026-03-02T09:16:31+08:00",
        "Version": "v1.22.6.109-g5ddeaef7-aliyun",
    },
    "ClusterSpec": "enterprise",
    "Clusters": ["c-b", "c-a"],
    "Endpoints": {
        "IntranetApiServerEndpoint": "https://192.168.1.10:6443",
        "PublicApiServerEndpoint": "https://198.51.100.7:6443",
        "IntranetPilotEndpoint": "192.168.1.11:15011",
    },
    "Spec": {
        "LoadBalancer": {
            "ApiServerLoadbalancerId": "lb-api",
            "PilotPublicLoadbalancerId": "lb-pilot",
            "ApiServerPublicEip": True,
            "ApiServerPublicEipId": "eip-api",
        },
        "Network": {"VpcId": "vpc-1", "VSwitches": ["vsw-1"], "SecurityGroupId": "sg-1"},
        "MeshConfig": {"AccessLog": {"Enabled": True, "Project": "logs"}, "Audit": {"Project": "audit"}},
    },
}
FOUND = {"detail": DETAIL, "tags": {"team": "shop"}}


def params(**options: Any) -> dict[str, Any]:
    unset = {"name": "shop", "api_server_public_eip": None, "api_server_eip_id": None, "pilot_eip_id": None}
    return {**unset, **options}


def detail(public: bool = False, api: str = "", pilot: str = "") -> dict[str, Any]:
    balancer = {"ApiServerPublicEip": public, "ApiServerPublicEipId": api, "PilotPublicEipId": pilot}
    return {"Spec": {"LoadBalancer": balancer}}


# What a user sees


def test_the_view_says_identity_state_addresses_and_clusters() -> None:
    shown = mesh_view.view(FOUND)
    assert (shown["id"], shown["name"], shown["region"], shown["state"]) == ("c1", "shop", "cn-hangzhou", "running")
    assert shown["clusters"] == ["c-a", "c-b"]
    assert shown["endpoints"] == {
        "api_server_private": "https://192.168.1.10:6443",
        "api_server_public": "https://198.51.100.7:6443",
        "pilot_private": "192.168.1.11:15011",
        "pilot_public": "",
    }
    assert shown["load_balancers"] == {"api_server": "lb-api", "pilot": "lb-pilot"}
    assert shown["tags"] == {"team": "shop"}


def test_the_view_holds_the_settings_in_the_form_of_the_options() -> None:
    shown = mesh_view.view(FOUND)
    assert (shown["vpc_id"], shown["vswitch_ids"], shown["cluster_spec"]) == ("vpc-1", ["vsw-1"], "enterprise")
    assert shown["access_log"]["project"] == "logs"
    assert (shown["api_server_public_eip"], shown["api_server_eip_id"], shown["pilot_eip_id"]) == (True, "eip-api", "")
    assert {key: value for key, value in shown.items() if key in mesh_view.settings(FOUND)} == mesh_view.settings(FOUND)


def test_settings_change_with_no_state_so_that_a_diff_shows_options_only() -> None:
    other = json.loads(json.dumps(FOUND))
    put(other, "detail.ServiceMeshInfo.State", "updating")
    put(other, "detail.ServiceMeshInfo.UpdateTime", "2027-01-01T00:00:00+08:00")
    assert mesh_view.settings(other) == mesh_view.settings(FOUND)
    assert mesh_view.view(other) != mesh_view.view(FOUND)


def test_a_mesh_of_which_the_service_says_almost_nothing_can_be_viewed() -> None:
    shown = mesh_view.view({"detail": {"ServiceMeshInfo": {"ServiceMeshId": "c1"}}, "tags": {}})
    assert shown["id"] == "c1"
    assert shown["clusters"] == []
    assert set(shown["endpoints"].values()) == {""}
    assert shown["error_message"] == ""


def test_the_view_is_plain_data() -> None:
    assert json.loads(json.dumps(mesh_view.view(FOUND))) == mesh_view.view(FOUND)


def test_tags_come_from_the_list_and_all_else_from_the_detail(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(DescribeServiceMeshDetail={"ServiceMesh": DETAIL})
    listed = {"ServiceMeshInfo": {"ServiceMeshId": "c1"}, "Tag": [{"Key": "team", "Value": "shop"}]}
    assert mesh_view.whole(cloud, listed) == {**FOUND, "unfinished": False}
    marked = {**listed, "Tag": [*listed["Tag"], {"Key": "meshops-asm-unfinished", "Value": "true"}]}
    assert mesh_view.whole(cloud, marked) == {**FOUND, "unfinished": True}
    cloud.calls.pop()
    assert cloud.calls == [("DescribeServiceMeshDetail", {"ServiceMeshId": "c1"})]


# Public addresses


@pytest.mark.parametrize(
    ("options", "remote", "calls"),
    [
        pytest.param({}, detail(True, "eip-1", "eip-2"), {}, id="unset leaves them"),
        pytest.param({"api_server_public_eip": True}, detail(True, "eip-1"), {}, id="public already"),
        pytest.param({"api_server_public_eip": False}, detail(), {}, id="private already"),
        pytest.param({"api_server_eip_id": "eip-1"}, detail(True, "eip-1"), {}, id="bound already"),
        pytest.param({"api_server_eip_id": ""}, detail(), {}, id="unbound already"),
        pytest.param(
            {"api_server_eip_id": "eip-1"},
            detail(),
            {"ModifyApiServerEipResource": {"ApiServerEipId": "eip-1", "Operation": "BindEip"}},
            id="bind",
        ),
        pytest.param(
            {"api_server_eip_id": "eip-1", "api_server_public_eip": True},
            detail(),
            {"ModifyApiServerEipResource": {"ApiServerEipId": "eip-1", "Operation": "BindEip"}},
            id="make public with an eip",
        ),
        pytest.param(
            {"api_server_eip_id": ""},
            detail(True, "eip-1"),
            {"ModifyApiServerEipResource": {"ApiServerEipId": "eip-1", "Operation": "UnBindEip"}},
            id="unbind",
        ),
        pytest.param(
            {"api_server_public_eip": False},
            detail(True, "eip-1"),
            {"ModifyApiServerEipResource": {"ApiServerEipId": "eip-1", "Operation": "UnBindEip"}},
            id="make private",
        ),
        pytest.param(
            {"pilot_eip_id": "eip-2"},
            detail(),
            {"ModifyPilotEipResource": {"EipId": "eip-2", "Operation": "BindEip"}},
            id="bind pilot",
        ),
        pytest.param(
            {"pilot_eip_id": "", "api_server_eip_id": ""},
            detail(True, "eip-1", "eip-2"),
            {
                "ModifyApiServerEipResource": {"ApiServerEipId": "eip-1", "Operation": "UnBindEip"},
                "ModifyPilotEipResource": {"EipId": "eip-2", "Operation": "UnBindEip"},
            },
            id="unbind both",
        ),
    ],
)
def test_addresses_are_bound_and_unbound_as_asked(
    options: dict[str, Any], remote: dict[str, Any], calls: dict[str, Any]
) -> None:
    changes = Changes()
    mesh_view.plan_addresses(params(**options), remote, changes)
    assert changes.calls == calls


def test_a_private_mesh_becomes_public_only_by_an_eip_and_the_error_says_so() -> None:
    with pytest.raises(InvalidInput, match="set api_server_eip_id"):
        mesh_view.plan_addresses(params(api_server_public_eip=True), detail(), Changes())


@pytest.mark.parametrize("option", ["api_server_eip_id", "pilot_eip_id"])
def test_an_eip_is_not_replaced_in_one_step(option: str) -> None:
    changes = Changes()
    with pytest.raises(InvalidInput, match=r"eip-1 is bound already, eip-2 was asked for") as caught:
        mesh_view.plan_addresses(params(**{option: "eip-2"}), detail(True, "eip-1", "eip-1"), changes)
    assert "Unbind it first" in caught.value.message


def test_wanted_addresses_are_the_ones_that_are_set() -> None:
    assert mesh_view.wanted_addresses(params()) == {}
    assert mesh_view.wanted_addresses(params(api_server_public_eip=False, pilot_eip_id="")) == {
        "api_server_public_eip": False,
        "pilot_eip_id": "",
    }


# Options that creation does not know


@pytest.mark.parametrize(
    ("options", "late"),
    [
        ({}, False),
        ({"tracing": True, "api_server_public_eip": True}, False),
        ({"api_server_eip_id": ""}, False),
        ({"api_server_eip_id": "eip-1"}, True),
        ({"pilot_eip_id": "eip-1"}, True),
        ({"outbound_traffic_policy": "REGISTRY_ONLY"}, True),
        ({"sidecar_injector": {"cni": {"enabled": False}}}, True),
        ({"sidecar_injector": {"cni": None}}, False),
        ({"control_plane_log": {"enabled": True}}, False),
        ({"control_plane_log": {"ttl_days": 30}}, True),
    ],
)
def test_a_second_step_is_needed_for_what_creation_does_not_know(options: dict[str, Any], late: bool) -> None:
    assert mesh_view.needs_second_step(params(**options)) is late


# What the options about addresses cannot mean


@pytest.mark.parametrize(
    ("public", "eip"), [(True, ""), (False, "eip-1")], ids=["public and unbound", "private and bound"]
)
def test_options_that_exclude_each_other_are_refused(public: bool, eip: str) -> None:
    options = params(api_server_public_eip=public, api_server_eip_id=eip)
    with pytest.raises(InvalidInput, match=r"api_server_public_eip is (true|false), but api_server_eip_id"):
        mesh_view.plan_addresses(options, detail(), Changes())


@pytest.mark.parametrize("options", [{"api_server_public_eip": False}, {"api_server_eip_id": ""}])
def test_an_address_without_an_id_cannot_be_unbound_and_that_is_said(options: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="does not show the id of its EIP"):
        mesh_view.plan_addresses(params(**options), detail(True, ""), Changes())


def test_an_id_alone_shows_that_the_mesh_is_public() -> None:
    changes = Changes()
    mesh_view.plan_addresses(params(api_server_public_eip=True), detail(False, "eip-1"), changes)
    assert not changes
    mesh_view.plan_addresses(params(api_server_public_eip=False), detail(False, "eip-1"), changes)
    assert changes.calls["ModifyApiServerEipResource"] == {"ApiServerEipId": "eip-1", "Operation": "UnBindEip"}

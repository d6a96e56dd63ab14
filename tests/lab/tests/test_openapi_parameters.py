# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters and replies: nothing unknown passes, nothing required is missing, nothing is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import config, raw_call, refused
from meshlab.asm.actions import ACTIONS
from meshlab.lab import Lab
from meshlab.openapi.errors import ApiError
from meshlab.openapi.parameters import UNLISTED, Parameters
from Tea.exceptions import TeaException

#: Actions of the SDK that issue after issue brings to life; a new one in ACTIONS leaves this list.
NOT_IMPLEMENTED = set(Path(__file__).with_name("not_implemented.txt").read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return Parameters()


def _raw(client: AsmClient, action: str, query: dict[str, Any], **more: Any) -> Any:
    return raw_call(client, action, query=query, **more)


def _plain(cloud: Lab) -> AsmClient:
    return AsmClient(config(cloud, "servicemesh", cloud.world.main_user()))


def test_every_action_of_the_sdk_is_implemented_or_listed(parameters: Parameters, cloud: Lab) -> None:
    assert set(parameters.actions) | set(UNLISTED) == set(ACTIONS) | NOT_IMPLEMENTED
    assert not set(ACTIONS) & NOT_IMPLEMENTED
    assert not set(UNLISTED) & set(parameters.actions), "the SDK has it by now"


def test_an_action_that_the_lab_lacks_says_so(cloud: Lab) -> None:
    client = _plain(cloud)
    for action in sorted(NOT_IMPLEMENTED):
        error = refused(lambda name=action: _raw(client, name, {}))
        assert (error.code, error.statusCode) == ("Lab.NotImplemented", 501), action


def test_unknown_action_and_version(cloud: Lab) -> None:
    client = _plain(cloud)
    assert refused(lambda: _raw(client, "DeleteASMGateway", {})).code == "InvalidAction.NotFound"
    assert refused(lambda: _raw(client, "DescribeVersions", {}, version="2020-01-12")).code == "InvalidVersion"


def test_required_parameters_are_those_of_the_action(parameters: Parameters, cloud: Lab) -> None:
    client = _plain(cloud)
    for action in ACTIONS.values():
        assert set(action.required) <= set(parameters.of(action.name)), action.name
        if action.required:
            error = refused(lambda one=action: _raw(client, one.name, {}))
            assert error.code == f"Missing{action.required[0]}", action.name


def test_an_unknown_parameter_is_refused(cloud: Lab) -> None:
    error = refused(lambda: _raw(_plain(cloud), "DescribeServiceMeshDetail", {"ServiceMeshId": "m", "MeshId": "m"}))
    assert (error.code, "MeshId" in error.message) == ("UnknownParameter", True)


def test_errors_have_the_documented_shape(asm: AsmClient) -> None:
    request = models.DescribeServiceMeshDetailRequest(service_mesh_id="cnone")
    error = refused(lambda: asm.describe_service_mesh_detail(request))
    assert (error.code, error.statusCode) == ("ServiceMesh.NotFound", 404)
    assert set(error.data) >= {"Code", "Message", "RequestId", "HostId", "Recommend"}


def test_a_method_that_the_action_does_not_take(cloud: Lab) -> None:
    query = {"ServiceMeshId": "m", "ClusterId": "c"}
    error = refused(lambda: _raw(_plain(cloud), "AddClusterIntoServiceMesh", query, method="GET"))
    assert error.code == "UnsupportedHTTPMethod"


@pytest.mark.parametrize(("text", "value"), [("True", True), ("true", True), ("FALSE", False)])
def test_booleans_in_any_case(parameters: Parameters, text: str, value: bool) -> None:
    assert parameters.parse("DeleteServiceMesh", [("Force", text)]) == {"Force": value}


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        ("DeleteServiceMesh", ("Force", "yes")),
        ("UpdateMeshFeature", ("TraceSampling", "much")),
        ("DescribeEipResources", ("PageNum", "one")),
        ("TagResources", ("Tag", "no json")),
        ("TagResources", ("Tag", '{"Key": "a"}')),
        ("UpdateMeshMultiClusterNetwork", ("MultiClusterNetworks", "[]")),
    ],
)
def test_values_of_the_wrong_kind(parameters: Parameters, action: str, sent: tuple[str, str]) -> None:
    with pytest.raises(ApiError, match="InvalidParameter"):
        parameters.parse(action, [sent])


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        ("TagResources", ("Tag.1.Name", "a")),
        ("TagResources", ("Tag.0.Key", "a")),
        ("TagResources", ("Tags.1.Key", "a")),
        ("DescribeServiceMeshDetail", ("ServiceMeshId.1", "a")),
        ("UpdateMeshMultiClusterNetwork", ("MultiClusterNetworks", '{"c1": {"Net": "n"}}')),
    ],
)
def test_unknown_names_at_any_depth(parameters: Parameters, action: str, sent: tuple[str, str]) -> None:
    with pytest.raises(ApiError, match="UnknownParameter"):
        parameters.parse(action, [sent])


def test_lists_are_numbered_and_merged(parameters: Parameters) -> None:
    sent = [("Tag.2.Key", "b"), ("Tag.1.Key", "a"), ("Tag.1.Value", "1"), ("ResourceId.1", "m1"), ("RegionId", "r")]
    assert parameters.parse("TagResources", sent) == {
        "Tag": [{"Key": "a", "Value": "1"}, {"Key": "b"}],
        "ResourceId": ["m1"],
        "RegionId": "r",
    }


def test_a_reply_with_a_made_up_field_would_be_noticed(asm: AsmClient, cloud: Lab, monkeypatch: Any) -> None:
    """The check of every reply in these tests is itself able to fail."""
    original = ACTIONS["DescribeVersions"]
    made_up = type(original)(original.name, lambda call: {"Invented": 1}, (), False, original.methods)
    monkeypatch.setitem(ACTIONS, "DescribeVersions", made_up)
    with pytest.raises(AssertionError, match="does not know"):
        asm.describe_versions()


def test_old_parameters_are_still_taken(parameters: Parameters) -> None:
    assert parameters.parse("CreateServiceMesh", [("PilotPublicEip", "true")]) == {"PilotPublicEip": True}


def test_errors_are_tea_exceptions(asm: AsmClient) -> None:
    with pytest.raises(TeaException):
        asm.describe_service_mesh_detail(models.DescribeServiceMeshDetailRequest(service_mesh_id="cnone"))

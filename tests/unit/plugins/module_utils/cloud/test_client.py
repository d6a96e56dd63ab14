# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloud layer through the real SDK against a server on loopback."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud import client as client_module
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud, _split_endpoint
from ansible_collections.meshops.asm.plugins.module_utils.cloud.retries import Retries
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, LostReply
from ansible_collections.meshops.asm.tests.unit.conftest import FakeClock

from .conftest import CUT, DROP, HANG, ApiServer, Reply

LIST, CREATE, DELETE = "DescribeServiceMeshes", "CreateServiceMesh", "DeleteServiceMesh"
ERROR = {"Code": "ERR404", "Message": "Not found", "RequestId": "r-9", "HostId": "servicemesh.aliyuncs.com"}


@pytest.fixture
def cloud(options: dict[str, Any], clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr(client_module, "_READ_TIMEOUT", 300)
    return Cloud(options, Retries(60, clock, jitter=lambda: 1.0))


# What arrives at the service


def test_parameters_arrive_where_the_action_has_them(cloud: Cloud, api: ApiServer) -> None:
    api.replies = [Reply({"RequestId": "r-1", "ServiceMeshId": "c1"})]
    reply = cloud.asm(
        CREATE, RegionId="cn-hangzhou", Name="my shop", ApiServerPublicEip=True, TraceSampling=1.5, Period=None
    )
    assert reply["ServiceMeshId"] == "c1"
    (request,) = api.requests
    assert (request.method, request.path, request.action) == ("POST", "/", CREATE)
    assert request.headers["x-acs-version"] == "2020-01-11"
    assert request.parameters == {
        "RegionId": "cn-hangzhou",
        "Name": "my shop",
        "ApiServerPublicEip": "True",
        "TraceSampling": "1.5",
    }


def test_tags_are_flattened_by_the_sdk(cloud: Cloud, api: ApiServer) -> None:
    cloud.asm("TagResources", RegionId="cn-hangzhou", ResourceId=["c1"], Tag=[{"Key": "a", "Value": "b"}])
    parameters = api.requests[0].parameters
    assert (parameters["ResourceId.1"], parameters["Tag.1.Key"], parameters["Tag.1.Value"]) == ("c1", "a", "b")


def test_an_action_without_parameters_is_called(cloud: Cloud, api: ApiServer) -> None:
    api.replies = [Reply({"VersionInfo": [{"Edition": "Pro", "Versions": ["v1"]}]})]
    assert cloud.asm("DescribeVersions")["VersionInfo"][0]["Versions"] == ["v1"]
    assert api.requests[0].parameters == {}


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("CreateASMGateway", {"ServiceMeshId": "c1", "IstioGatewayName": "ingressgateway", "Body": "{}"}),
        ("UpdateMeshCRAggregation", {"ServiceMeshId": "c1", "Enabled": True}),
        ("DescribeCCMVersion", {"ServiceMeshId": "c1"}),
        ("RevokeKubeconfig", {"ServiceMeshId": "c1", "PrivateIpAddress": False}),
    ],
)
def test_actions_with_acronyms_are_found(cloud: Cloud, api: ApiServer, action: str, parameters: dict[str, Any]) -> None:
    cloud.asm(action, **parameters)
    assert api.requests[0].action == action
    assert api.requests[0].parameters == {key: str(value) for key, value in parameters.items()}


def test_an_action_that_the_sdk_does_not_have_is_called_all_the_same(cloud: Cloud, api: ApiServer) -> None:
    """In the form, as Terraform does it; the reply is held to its shape, and a write is counted."""
    rows = [{"Name": "httpextauth-a", "Type": "httpextauth", "Config": {"port": 80}}]
    api.replies = [Reply({"ExtensionProviderArray": json.dumps(rows)}), Reply(ERROR, status=404)]
    (found,) = cloud.asm("DescribeExtensionProvider", ServiceMeshId="c1", Type=None)["ExtensionProviderArray"]
    assert (found["Config"], cloud.writes) == ('{"port": 80}', 0)
    with pytest.raises(AsmError, match=r"DeleteExtensionProvider \(c1\) was refused with ERR404"):
        cloud.asm("DeleteExtensionProvider", ServiceMeshId="c1", Name="httpextauth-a")
    first, second = api.requests
    assert (first.method, first.path, first.action) == ("POST", "/", "DescribeExtensionProvider")
    assert (first.headers["x-acs-version"], first.parameters) == ("2020-01-11", {"ServiceMeshId": "c1"})
    assert second.parameters == {"ServiceMeshId": "c1", "Name": "httpextauth-a"}


@pytest.mark.parametrize("product", ["asm", "cs"])
def test_every_action_of_the_sdk_can_be_named(options: dict[str, Any], product: str) -> None:
    sdk, models = Cloud(options)._client(product)
    requests = [name[: -len("Request")] for name in dir(models) if name.endswith("Request")]
    requests = [name for name in requests if not any(part in name for part in ("Request", "Response", "Shrink"))]
    assert len(requests) > 80
    for name in requests:
        assert callable(getattr(sdk, client_module._method_name(sdk, name))), name


def test_an_action_that_the_sdk_does_not_know_says_what_to_do(cloud: Cloud, api: ApiServer) -> None:
    with pytest.raises(AsmError, match=r"does not know the action MakeCoffee: install a newer release") as caught:
        cloud.asm("MakeCoffee")
    assert caught.value.code == "OldSdk"
    assert api.requests == []


def test_container_service_is_called_by_its_paths(cloud: Cloud, api: ApiServer) -> None:
    api.replies = [Reply({"config": "apiVersion: v1", "expiration": "2026"})]
    reply = cloud.cs("DescribeClusterUserKubeconfig", "c9", PrivateIpAddress=False, TemporaryDurationMinutes=60)
    assert reply["config"] == "apiVersion: v1"
    (request,) = api.requests
    assert (request.method, request.path) == ("GET", "/k8s/c9/user_config")
    assert request.headers["x-acs-version"] == "2015-12-15"
    assert request.parameters == {"PrivateIpAddress": "False", "TemporaryDurationMinutes": "60"}


def test_clusters_are_listed_by_pages(cloud: Cloud, api: ApiServer) -> None:
    api.replies = [Reply({"clusters": [], "page_info": {"total_count": 0}})]
    assert cloud.cs("DescribeClustersV1", page_number=2, page_size=50)["clusters"] == []
    (request,) = api.requests
    assert (request.method, request.path) == ("GET", "/api/v1/clusters")
    assert request.parameters == {"page_number": "2", "page_size": "50"}


def test_fields_that_the_sdk_does_not_know_reach_the_caller(cloud: Cloud, api: ApiServer) -> None:
    api.replies = [Reply({"RequestId": "r-1", "ServiceMeshes": [], "BrandNew": {"a": 1}})]
    assert cloud.asm(LIST)["BrandNew"] == {"a": 1}


def test_the_endpoint_is_taken_apart() -> None:
    assert _split_endpoint(None) == (None, None)
    assert _split_endpoint("") == (None, None)
    assert _split_endpoint("http://127.0.0.1:8080/") == ("http", "127.0.0.1:8080")
    assert _split_endpoint("https://asm.example.com") == ("https", "asm.example.com")
    assert _split_endpoint("asm.example.com") == ("https", "asm.example.com")


# Credentials


def test_the_secret_signs_and_does_not_travel(cloud: Cloud, api: ApiServer) -> None:
    cloud.asm(LIST)
    (request,) = api.requests
    assert request.headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=AKTEST,")
    assert "hidden-secret" not in json.dumps([request.headers, request.parameters, request.body])
    assert "x-acs-security-token" not in request.headers


def test_a_temporary_key_travels_with_its_token(options: dict[str, Any], api: ApiServer) -> None:
    Cloud({**options, "security_token": "token-1"}).asm(LIST)
    assert api.requests[0].headers["x-acs-security-token"] == "token-1"


def test_a_key_without_its_secret_is_refused_before_anything_is_sent(options: dict[str, Any], api: ApiServer) -> None:
    with pytest.raises(InvalidInput, match="access_key_secret is not") as caught:
        Cloud({**options, "access_key_secret": None}).asm(LIST)
    assert caught.value.code == "MissingCredentials"
    assert api.requests == []


def test_no_credentials_at_all_say_how_to_give_some(options: dict[str, Any], api: ApiServer) -> None:
    with pytest.raises(InvalidInput, match="No usable credentials") as caught:
        Cloud({**options, "access_key_id": None, "access_key_secret": None}).asm(LIST)
    for hint in ("access_key_id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "profile", "RAM role"):
        assert hint in caught.value.message
    assert caught.value.code == "MissingCredentials"
    assert api.requests == []


def write_profiles(home: Path) -> None:
    profiles = [
        {"name": name, "mode": "AK", "access_key_id": key, "access_key_secret": "s"}
        for name, key in (("default", "AKDEFAULT"), ("production", "AKPRODUCTION"))
    ]
    (home / ".aliyun").mkdir()
    (home / ".aliyun" / "config.json").write_text(json.dumps({"current": "default", "profiles": profiles}))


@pytest.mark.parametrize(("profile", "key"), [("production", "AKPRODUCTION"), (None, "AKDEFAULT")])
def test_a_profile_of_the_cli_is_used(options: dict[str, Any], api: ApiServer, profile: str | None, key: str) -> None:
    write_profiles(Path.home())
    Cloud({**options, "access_key_id": None, "access_key_secret": None, "profile": profile}).asm(LIST)
    assert f"Credential={key}," in api.requests[0].headers["authorization"]


def test_an_unknown_profile_is_a_clear_error(options: dict[str, Any]) -> None:
    write_profiles(Path.home())
    with pytest.raises(InvalidInput, match="missing"):
        Cloud({**options, "access_key_id": None, "access_key_secret": None, "profile": "missing"}).asm(LIST)


def test_a_key_in_the_options_wins_over_a_profile(options: dict[str, Any], api: ApiServer) -> None:
    write_profiles(Path.home())
    Cloud({**options, "profile": "production"}).asm(LIST)
    assert "Credential=AKTEST," in api.requests[0].headers["authorization"]


# Set-up that is incomplete


def test_container_service_needs_a_region_and_asm_does_not(options: dict[str, Any], api: ApiServer) -> None:
    cloud = Cloud({**options, "region": None})
    cloud.asm(LIST)
    with pytest.raises(InvalidInput, match="'region' is needed") as caught:
        cloud.cs("DescribeClustersV1")
    assert caught.value.code == "MissingRegion"
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("product", "package"), [("asm", "alibabacloud_servicemesh20200111"), ("cs", "alibabacloud_cs20151215")]
)
def test_a_missing_sdk_names_its_package(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, product: str, package: str
) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **named: Any) -> Any:
        if name.startswith(package):
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AsmError, match=package) as caught:
        Cloud(options)._client(product)
    assert caught.value.code == "MissingLibrary"


def test_the_sdk_is_connected_once_per_product(cloud: Cloud) -> None:
    assert cloud._client("asm") is cloud._client("asm")
    assert cloud._client("asm") is not cloud._client("cs")
    first = cloud._client("asm")
    cloud.close()
    assert cloud._client("asm") is not first


# Failures that pass


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Reply({**ERROR, "Code": "Throttling.User"}, 400), id="throttled"),
        pytest.param(Reply({**ERROR, "Code": "Rejected.Throttling"}, 429), id="throttled with 429"),
        pytest.param(Reply({**ERROR, "Code": "ServiceUnavailable"}, 503), id="unavailable"),
        pytest.param(Reply({**ERROR, "Code": "Busy"}, 400, {"x-acs-retry-after": "1500"}), id="told when to retry"),
        pytest.param(Reply({"Code": "Throttling", "Message": "slow down"}), id="throttled with HTTP 200"),
    ],
)
@pytest.mark.parametrize("action", [LIST, DELETE])
def test_what_was_refused_for_now_is_tried_again_even_a_write(
    cloud: Cloud, api: ApiServer, clock: FakeClock, action: str, trouble: Reply
) -> None:
    api.replies = [trouble, trouble, Reply()]
    assert cloud.asm(action, ServiceMeshId="c1" if action == DELETE else None)["RequestId"] == "r-1"
    assert len(api.requests) == 3
    assert len(clock.pauses) == 2


def test_the_time_that_the_service_asks_for_is_waited(cloud: Cloud, api: ApiServer, clock: FakeClock) -> None:
    api.replies = [Reply({**ERROR, "Code": "Busy"}, 400, {"x-acs-retry-after": "7000"}), Reply()]
    cloud.asm(LIST)
    assert clock.pauses == [7.0]


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Reply(ERROR, 500), id="server error"),
        pytest.param(Reply(ERROR, 502), id="bad gateway"),
        pytest.param(Reply("<html>oops</html>", 502), id="not JSON"),
        pytest.param(Reply("<html>oops</html>", 200), id="not JSON with HTTP 200"),
        pytest.param(Reply(fault=DROP), id="reset"),
        pytest.param(Reply(fault=HANG), id="read timeout"),
        pytest.param(Reply(fault=CUT), id="cut off"),
    ],
)
class TestReplyUnknown:
    def test_a_read_is_tried_again(self, cloud: Cloud, api: ApiServer, trouble: Reply) -> None:
        api.replies = [trouble, Reply()]
        assert cloud.asm(LIST)["RequestId"] == "r-1"
        assert len(api.requests) == 2
        assert cloud.writes == 0

    def test_a_write_is_never_sent_twice(self, cloud: Cloud, api: ApiServer, clock: FakeClock, trouble: Reply) -> None:
        api.replies = [trouble]
        with pytest.raises(LostReply):
            cloud.asm(CREATE, RegionId="cn-hangzhou", Name="shop")
        assert len(api.requests) == 1
        assert clock.pauses == []
        # It may have happened: the task has to say that something may have changed.
        assert cloud.writes == 1


@pytest.mark.parametrize(
    ("trouble", "answered"),
    [
        (Reply(ERROR, 500), True),
        (Reply("<html>oops</html>", 502), True),
        (Reply(fault=DROP), False),
        (Reply(fault=HANG), False),
    ],
)
def test_a_lost_reply_tells_an_answer_from_silence(
    cloud: Cloud, api: ApiServer, trouble: Reply, answered: bool
) -> None:
    api.replies = [trouble]
    with pytest.raises(LostReply) as caught:
        cloud.asm(CREATE, RegionId="cn-hangzhou")
    assert caught.value.answered is answered


def test_nobody_listening_means_that_even_a_write_was_not_sent(
    options: dict[str, Any], clock: FakeClock, api: ApiServer
) -> None:
    closed = ApiServer()
    endpoint = closed.endpoint
    closed.server_close()
    cloud = Cloud({**options, "asm_endpoint": endpoint}, Retries(3, clock, jitter=lambda: 1.0))
    with pytest.raises(AsmError, match=r"could not be sent.*Check the endpoint") as caught:
        cloud.asm(CREATE, RegionId="cn-hangzhou")
    assert not isinstance(caught.value, LostReply)
    assert caught.value.code == "ConnectionFailed"
    assert "in vain" in caught.value.message
    assert cloud.writes == 0
    assert len(clock.pauses) == 2


def test_trouble_that_does_not_pass_ends_with_the_budget(cloud: Cloud, api: ApiServer, clock: FakeClock) -> None:
    api.replies = [Reply({**ERROR, "Code": "Throttling.User"}, 400)]
    with pytest.raises(AsmError, match=r"Tried again for 60 s in vain \(raise api_timeout") as caught:
        cloud.asm(LIST)
    assert (caught.value.code, caught.value.http_status, caught.value.request_id) == ("Throttling.User", 400, "r-9")
    assert 45 < sum(clock.pauses) <= 60


# Failures that stay


@pytest.mark.parametrize("action", [LIST, CREATE])
def test_a_refusal_is_final_and_passes_on_what_the_service_said(cloud: Cloud, api: ApiServer, action: str) -> None:
    api.replies = [Reply(ERROR, 404)]
    with pytest.raises(AsmError) as caught:
        cloud.asm(action)
    assert not isinstance(caught.value, LostReply)
    assert caught.value.message == f"{action} was refused with ERR404: Not found."
    assert caught.value.as_result() == {
        "code": "ERR404",
        "message": caught.value.message,
        "request_id": "r-9",
        "http_status": 404,
    }
    assert len(api.requests) == 1
    assert cloud.writes == 0


def test_an_error_of_container_service_has_lower_case_keys(cloud: Cloud, api: ApiServer) -> None:
    body = {"code": "ErrorClusterNotFound", "message": "cluster not found", "requestId": "r-7", "status": 404}
    api.replies = [Reply(body, 404)]
    with pytest.raises(AsmError) as caught:
        cloud.cs("DescribeClusterDetail", "c9")
    assert (caught.value.code, caught.value.http_status) == ("ErrorClusterNotFound", 404)
    assert "cluster not found" in caught.value.message


@pytest.mark.parametrize("code", ["403", 403, "ClusterBusy"])
def test_http_200_with_a_bad_code_is_a_failure(cloud: Cloud, api: ApiServer, code: Any) -> None:
    api.replies = [Reply({"RequestId": "r-1", "Code": code, "Message": "the cluster is busy"})]
    with pytest.raises(AsmError, match="the cluster is busy") as caught:
        cloud.asm("AddClusterIntoServiceMesh", ServiceMeshId="c1", ClusterId="c2")
    assert (caught.value.code, caught.value.http_status, caught.value.request_id) == (str(code), 200, "r-1")
    assert len(api.requests) == 1


@pytest.mark.parametrize("code", ["200", 200])
def test_http_200_with_code_200_is_a_success(cloud: Cloud, api: ApiServer, code: Any) -> None:
    api.replies = [Reply({"RequestId": "r-1", "Code": code, "Message": "success"})]
    assert cloud.asm("AddClusterIntoServiceMesh", ServiceMeshId="c1", ClusterId="c2")["Message"] == "success"


def test_no_secret_stands_in_any_failure(cloud: Cloud, api: ApiServer) -> None:
    for trouble in (Reply({**ERROR, "Code": "SignatureDoesNotMatch"}, 400), Reply(fault=DROP), Reply("x", 502)):
        api.replies = [trouble]
        with pytest.raises(AsmError) as caught:
            cloud.asm(CREATE, RegionId="cn-hangzhou", ExistingCaKey="private-key")
        assert "hidden-secret" not in str(caught.value.as_result())
        assert "private-key" not in str(caught.value.as_result())


# Counting writes


def test_only_writes_that_may_have_happened_are_counted(cloud: Cloud, api: ApiServer) -> None:
    cloud.asm(LIST)
    cloud.asm("ListTagResources", RegionId="cn-hangzhou")
    cloud.asm("GetSwimLaneList", ServiceMeshId="c1")
    assert cloud.writes == 0
    cloud.asm(DELETE, ServiceMeshId="c1")
    cloud.asm("ModifyServiceMeshName", ServiceMeshId="c1", Name="store")
    assert cloud.writes == 2

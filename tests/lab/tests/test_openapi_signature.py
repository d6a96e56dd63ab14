# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may call: signatures of both families, keys, replays, RAM policies."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import http.client
import time
from datetime import datetime, timezone
from typing import Any

import pytest
from alibabacloud_cs20151215 import models as cs_models
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import cluster_id, config, create_mesh, raw_call, refused, user_named
from meshlab.lab import Lab
from meshlab.openapi.errors import ApiError
from meshlab.openapi.signature import Nonces, Request, roa_string_to_sign, rpc_string_to_sign, verify

#: A secret that no user has.
WRONG = "0" * 30


def _list(client: AsmClient) -> Any:
    return client.describe_service_meshes(models.DescribeServiceMeshesRequest())


def _client(cloud: Lab, name: str, **more: Any) -> AsmClient:
    return AsmClient(config(cloud, "servicemesh", user_named(cloud, name), **more))


def test_the_right_secret_is_accepted(asm: AsmClient) -> None:
    assert _list(asm).status_code == 200


def test_query_and_form_and_unicode_are_covered(asm: AsmClient) -> None:
    tags = [models.CreateServiceMeshRequestTag(key="Team/A b", value="läden & co=1")]
    mesh_id = create_mesh(asm, name="ein Netz+1 ~*", tag=tags)
    tag = [models.DescribeServiceMeshesRequestTag(key="Team/A b", value="läden & co=1")]
    (mesh,) = asm.describe_service_meshes(models.DescribeServiceMeshesRequest(tag=tag)).body.service_meshes
    assert (mesh.service_mesh_info.service_mesh_id, mesh.service_mesh_info.name) == (mesh_id, "ein Netz+1 ~*")


def test_a_wrong_secret_is_refused(cloud: Lab) -> None:
    error = refused(lambda: _list(_client(cloud, "main", secret=WRONG)))
    assert (error.code, error.statusCode) == ("SignatureDoesNotMatch", 400)


def test_an_unknown_key_is_refused(cloud: Lab) -> None:
    stranger = dataclasses.replace(user_named(cloud, "main"), access_key_id="LTAI5tNobody")
    error = refused(lambda: _list(AsmClient(config(cloud, "servicemesh", stranger))))
    assert (error.code, error.statusCode) == ("InvalidAccessKeyId.NotFound", 404)


def test_the_rpc_signature_is_accepted_and_checked(cloud: Lab) -> None:
    old = _client(cloud, "main", signature_algorithm="v2")
    mesh_id = create_mesh(old, name="old client")
    assert mesh_id in cloud.world.meshes
    error = refused(lambda: _list(_client(cloud, "main", signature_algorithm="v2", secret=WRONG)))
    assert error.code == "SignatureDoesNotMatch"


def _old_cs(cloud: Lab, **more: Any) -> CsClient:
    """ACK by the SDK's own older ROA signature, which the aliyun CLI has too."""
    return CsClient(config(cloud, "cs", cloud.world.main_user(), signature_algorithm="v2", **more))


def test_the_roa_signature_is_accepted(cloud: Lab) -> None:
    old = _old_cs(cloud)
    filters = cs_models.DescribeClustersV1Request(name="shop-1", cluster_type="", page_size=50, region_id="cn-hangzhou")
    (found,) = old.describe_clusters_v1(filters).body.clusters
    assert found.cluster_id == cluster_id(cloud, "shop-1")
    # A body, and a query that has to be encoded on the wire.
    tag = cs_models.Tag(key="owner", value="a b/ü&1")
    where = {"region_id": "cn-hangzhou", "resource_type": "CLUSTER", "resource_ids": [found.cluster_id]}
    old.tag_resources(cs_models.TagResourcesRequest(**where, tags=[tag]))
    old.untag_resources(cs_models.UntagResourcesRequest(**where, tag_keys=["owner"]))
    assert cloud.world.clusters[found.cluster_id].tags == {"team": "shop"}


def test_older_clients_name_the_region_everywhere(cloud: Lab) -> None:
    """Alibaba's older core SDK sends RegionId with every request of a ROA product."""
    reply = raw_call(
        _old_cs(cloud),
        "DescribeClusterDetail",
        query={"RegionId": "cn-hangzhou"},
        version="2015-12-15",
        method="GET",
        path=f"/clusters/{cluster_id(cloud, 'shop-1')}",
    )
    assert reply["name"] == "shop-1"


def test_a_wrong_roa_signature_is_refused_by_the_gateway(cloud: Lab) -> None:
    """By the gateway, so its reply has the gateway's capitals and not ACK's own shape."""
    error = refused(lambda: _old_cs(cloud, secret=WRONG).describe_clusters_v1(cs_models.DescribeClustersV1Request()))
    assert (error.code, error.statusCode) == ("SignatureDoesNotMatch", 400)
    assert "server string to sign is:GET\napplication/json\n" in error.message
    assert error.data["HostId"] == "cs.aliyuncs.com"


def _roa(body: bytes = b"", **headers: str) -> Request:
    """Signed; ``headers`` are set afterwards."""
    date = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    given = {"accept": "application/json", "content-md5": digest, "date": date, "x-acs-version": "2015-12-15"}
    request = Request("GET", "/api/v1/clusters", [("name", "a b"), ("empty", "")], [], given, body)
    signature = base64.b64encode(hmac.new(b"secret", roa_string_to_sign(request).encode(), hashlib.sha1).digest())
    signed = {**given, "authorization": f"acs LTAI:{signature.decode()}", **headers}
    return dataclasses.replace(request, headers=signed)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, ""),
        ({"x-acs-version": "2016-12-15"}, "SignatureDoesNotMatch"),
        ({"x-acs-more": "1"}, "SignatureDoesNotMatch"),
        ({"accept": "*/*"}, "SignatureDoesNotMatch"),
        ({"authorization": "acs LTAI:AAAA"}, "SignatureDoesNotMatch"),
        ({"authorization": "acs LTAI"}, "InvalidAuthorization"),
    ],
)
def test_what_the_roa_signature_covers(changed: dict[str, str], code: str) -> None:
    request = _roa(**changed)
    if code:
        with pytest.raises(ApiError, match=code):
            verify(request, "secret", Nonces())
    else:
        verify(request, "secret", Nonces())
        other = dataclasses.replace(request, query=[("name", "b")])
        with pytest.raises(ApiError, match="SignatureDoesNotMatch"):
            verify(other, "secret", Nonces())
        with pytest.raises(ApiError, match="InvalidContentMD5"):
            verify(dataclasses.replace(request, body=b"{}"), "secret", Nonces())
        with pytest.raises(ApiError, match=r"InvalidTimeStamp\.Expired"):
            verify(request, "secret", Nonces(), time.time() + 1000)


def test_without_credentials(cloud: Lab) -> None:
    connection = http.client.HTTPConnection(cloud.urls["servicemesh"].removeprefix("http://"))
    connection.request("POST", "/", headers={"x-acs-action": "DescribeVersions", "x-acs-version": "2020-01-11"})
    answer = connection.getresponse()
    assert (answer.status, b"MissingAccessKeyId" in answer.read()) == (400, True)
    connection.close()


def _signed(moment: float, nonce: str = "n1") -> Request:
    stamp = datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = [("SignatureMethod", "HMAC-SHA1"), ("SignatureNonce", nonce), ("Timestamp", stamp)]
    unsigned = Request("POST", "/", query, [], {}, b"")
    digest = hmac.new(b"secret&", rpc_string_to_sign(unsigned).encode(), hashlib.sha1).digest()
    return dataclasses.replace(unsigned, query=[*query, ("Signature", base64.b64encode(digest).decode())])


def test_a_replay_is_refused() -> None:
    nonces = Nonces()
    request = _signed(time.time())
    verify(request, "secret", nonces)
    with pytest.raises(ApiError, match="SignatureNonceUsed"):
        verify(request, "secret", nonces)


@pytest.mark.parametrize("age", [-1000, 1000])
def test_a_request_from_another_time_is_refused(age: int) -> None:
    with pytest.raises(ApiError, match=r"InvalidTimeStamp\.Expired"):
        verify(_signed(time.time() - age), "secret", Nonces())


def test_a_changed_body_is_refused(cloud: Lab) -> None:
    user = user_named(cloud, "main")
    body = b"ServiceMeshId=m1"
    headers = {
        "authorization": f"ACS3-HMAC-SHA256 Credential={user.access_key_id},SignedHeaders=host,Signature={'0' * 64}",
        "x-acs-content-sha256": "0" * 64,
    }
    with pytest.raises(ApiError, match="InvalidContentSha256"):
        verify(Request("POST", "/", [], [], headers, body), user.access_key_secret, Nonces())


def test_a_denied_user_may_do_nothing_and_a_reader_may_read(cloud: Lab) -> None:
    error = refused(lambda: _list(_client(cloud, "denied")))
    assert (error.code, error.statusCode) == ("Forbidden.RAM", 403)
    reader = _client(cloud, "reader")
    assert _list(reader).status_code == 200
    assert refused(lambda: create_mesh(reader)).code == "Forbidden.RAM"

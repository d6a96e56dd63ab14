# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions that the SDK does not have and that Terraform's provider calls: Kiali, extension providers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import config, create_mesh, mesh_detail, raw_call, refused, wait_state
from meshlab.lab import Lab
from meshlab.meshconfig import configuration

#: The configuration of an example in Terraform's documentation, with what only the product's own proxy needs.
OIDC = {
    "headersToUpstreamOnAllow": ["authorization", "cookie"],
    "includeRequestHeadersInCheck": ["cookie"],
    "oidc": {"clientID": "me", "clientSecret": "hush", "issuerURI": "https://id.example.com"},
    "port": 4180,
    "service": "oauth2proxy.istio-system.svc.cluster.local",
    "timeout": "10s",
}


class Caller:
    """Calls any action on one mesh, with everything in the form as Terraform does it."""

    def __init__(self, cloud: Lab, asm: AsmClient) -> None:
        self.cloud, self.asm = cloud, asm
        self._client = AsmClient(config(cloud, "servicemesh", cloud.world.main_user()))
        self.mesh_id = create_mesh(asm)
        wait_state(asm, self.mesh_id)

    def __call__(self, action: str, **parameters: Any) -> Any:
        """The reply's body; a mesh that is changed has settled on return."""
        body = raw_call(self._client, action, {"ServiceMeshId": self.mesh_id, **parameters})
        wait_state(self.asm, self.mesh_id)
        return body

    def providers(self, **parameters: str) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = self("DescribeExtensionProvider", **parameters)["ExtensionProviderArray"]
        return rows

    def configuration(self) -> dict[str, Any]:
        """What istiod is given."""
        mesh = self.cloud.world.meshes[self.mesh_id]
        made: dict[str, Any] = configuration(mesh.spec, mesh.hidden)["mesh"]
        return made


@pytest.fixture
def call(cloud: Lab, asm: AsmClient) -> Caller:
    return Caller(cloud, asm)


def test_kiali_is_described_and_changed_in_part(call: Caller) -> None:
    before = call("DescribeKialiConfiguration")
    assert (before["Enabled"], before["KialiIstioIngressAddress"]) == (False, "")
    # What Terraform sends for every mesh with a mesh_config.
    call("UpdateKialiConfiguration", RAMOAuthConfig="{}", OpenIdConfig="{}", ServerConfig="{}")
    assert refused(lambda: call("UpdateKialiConfiguration", Enabled=True)).code == "InvalidParameter"
    call("UpdateMeshFeature", Telemetry=True)
    server = {"WebFQDN": "kiali.example.com", "WebPort": 443}
    call("UpdateKialiConfiguration", Enabled=True, ServerConfig=json.dumps(server), AuthStrategy="openid")
    call("UpdateKialiConfiguration", KialiServiceAnnotations='{"a": "b"}')
    after = call("DescribeKialiConfiguration")
    assert after["Enabled"] is True
    assert (after["ServerConfig"], after["AuthStrategy"], after["OpenIdConfig"]) == (server, "openid", {})
    assert after["KialiServiceAnnotations"] == '{"a": "b"}'
    assert mesh_detail(call.asm, call.mesh_id)["Spec"]["MeshConfig"]["Kiali"] == {
        "Enabled": True,
        "Url": after["KialiIstioIngressAddress"],
    }


def test_kiali_with_values_that_cannot_be(call: Caller) -> None:
    for bad in ({"AuthStrategy": "password"}, {"ServerConfig": "[]"}, {"Enabled": "yes"}):
        error = refused(lambda bad=bad: call("UpdateKialiConfiguration", **bad))
        assert (error.code, next(iter(bad)) in error.message) == ("InvalidParameter", True), bad


def test_extension_providers_come_to_istiod(call: Caller) -> None:
    key = {"Type": "httpextauth", "Name": "httpextauth-login"}
    assert call.providers() == []
    text = json.dumps(OIDC)
    call("CreateExtensionProvider", **key, Config=text)
    assert call.providers(Type="httpextauth") == [{**key, "Config": text}]
    assert call.providers(Type="grpcextauth") == []
    mine = {name: value for name, value in OIDC.items() if name != "oidc"}
    assert call.configuration()["extensionProviders"] == [{"name": key["Name"], "envoyExtAuthzHttp": mine}]
    assert refused(lambda: call("CreateExtensionProvider", **key, Config=text)).statusCode == 400
    grpc = {"service": "opa.opa.svc.cluster.local", "port": 9191, "pathPrefix": "/only-http"}
    call("CreateExtensionProvider", Type="grpcextauth", Name="grpcextauth-opa", Config=json.dumps(grpc))
    call("UpdateExtensionProvider", **key, Config=json.dumps({**OIDC, "port": 4181}))
    first, second = call.configuration()["extensionProviders"]
    assert first["envoyExtAuthzHttp"]["port"] == 4181
    assert second["envoyExtAuthzGrpc"] == {"service": grpc["service"], "port": 9191}
    call("DeleteExtensionProvider", **key)
    assert [one["Name"] for one in call.providers()] == ["grpcextauth-opa"]
    assert refused(lambda: call("DeleteExtensionProvider", **key)).statusCode == 404
    assert "hush" not in call.cloud.log.file.read_text()


def test_extension_providers_that_istiod_would_not_take(call: Caller) -> None:
    for bad in (
        {"Type": "other"},
        {"Name": "login"},
        {"Config": "x"},
        {"Config": "[]"},
        {"Config": '{"service": "a"}'},
        {"Config": '{"service": "a", "port": "80"}'},
        {"Config": '{"service": "a b", "port": 80}'},
        {"Config": '{"service": "a", "port": 80, "timeout": 10}'},
    ):
        given = {"Type": "httpextauth", "Name": "httpextauth-a", "Config": '{"service": "a", "port": 80}', **bad}
        error = refused(lambda given=given: call("CreateExtensionProvider", **given))
        assert (error.code, next(iter(bad)) in error.message) == ("InvalidParameter", True), bad
    assert "extensionProviders" not in call.configuration()

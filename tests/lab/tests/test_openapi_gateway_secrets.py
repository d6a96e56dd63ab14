# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of gateways: Secrets in the clusters, and what the service lists of them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from conftest import plane_of, refused
from meshlab.asm.gatewaysecrets import SECRETS
from meshlab.requestlog import read_log
from test_openapi_gateways import Site, site

__all__ = ["site"]

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nsecret-of-a-gateway\n-----END PRIVATE KEY-----\n"


def named(site: Site) -> dict[str, str]:
    return {"service_mesh_id": site.mesh_id, "istio_gateway_name": "ingressgateway", "secret_name": "tls"}


def create(site: Site, certificate: str = CERTIFICATE) -> dict[str, Any]:
    request = models.CreateGatewaySecretRequest(**named(site), cert=certificate, key=KEY)
    record: dict[str, Any] = site.asm.create_gateway_secret(request).body.to_map()["SecretCreateRecord"]
    return record


def delete(site: Site) -> dict[str, Any]:
    request = models.DeleteGatewaySecretRequest(**named(site))
    record: dict[str, Any] = site.asm.delete_gateway_secret(request).body.to_map()["SecretDeleteRecord"]
    return record


def details(site: Site) -> list[dict[str, Any]]:
    request = models.DescribeGatewaySecretDetailsRequest(service_mesh_id=site.mesh_id)
    rows: list[dict[str, Any]] = site.asm.describe_gateway_secret_details(request).body.to_map()["GatewaySecretDetails"]
    return rows


def stored(site: Site, number: int = 0) -> str:
    found: dict[str, Any] = site.found(f"{SECRETS}/tls", number)
    assert found["type"] == "kubernetes.io/tls"
    return base64.b64decode(found["data"]["tls.crt"]).decode()


def test_a_certificate_is_a_secret_in_every_cluster_of_the_gateway(site: Site) -> None:
    assert refused(lambda: create(site)).code == "ErrorGatewayNotFound"
    site.apply()
    assert {row["State"] for row in create(site).values()} == {"success"}
    assert [stored(site, number) for number in (0, 1)] == [CERTIFICATE, CERTIFICATE]
    (row,) = details(site)
    assert (row["SecretName"], row["GatewayName"], row["State"]) == ("tls", "ingressgateway", "abnormal")
    assert row["Message"] == "tls.crt is not a certificate"
    assert set(delete(site)) == set(site.clusters)
    assert [site.found(f"{SECRETS}/tls", number) for number in (0, 1)] == [None, None]
    assert details(site) == []
    assert refused(lambda: delete(site)).code == "ErrorSecretNotFound"


@pytest.mark.parametrize("answer", ["refuse", "record", "overwrite"])
def test_one_that_is_there(site: Site, answer: str) -> None:
    site.apply()
    create(site)
    site.cloud.world.set_setting("existing_gateway_secret", answer)
    other = CERTIFICATE.replace("x", "y")
    if answer == "refuse":
        assert refused(lambda: create(site, other)).code == "ErrorSecretAlreadyExists"
    else:
        states = {row["State"] for row in create(site, other).values()}
        assert states == {"fail" if answer == "record" else "success"}
    assert stored(site) == (other if answer == "overwrite" else CERTIFICATE)


def test_secrets_of_others_are_not_listed_and_no_key_is_logged(site: Site) -> None:
    site.apply()
    plane_of(site.cloud, site.clusters[0]).api.create(SECRETS, {"metadata": {"name": "theirs"}, "type": "Opaque"})
    assert details(site) == []
    create(site)
    sent = [entry for entry in read_log(site.cloud.log.file) if entry["action"] == "CreateGatewaySecret"]
    assert sent
    assert "secret-of-a-gateway" not in str(sent)

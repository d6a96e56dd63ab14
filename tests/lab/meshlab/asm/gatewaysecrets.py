# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of gateways: Secrets in istio-system of the clusters that a gateway runs in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

from cryptography import x509

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.asm.gateways import PATH, gateway_of
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.openapi.errors import ApiError, invalid_parameter

SECRETS = "/api/v1/namespaces/istio-system/secrets"
TLS = "kubernetes.io/tls"

#: Whose certificate it is; the label is the lab's own, as the product's is not known.
GATEWAY_LABEL = "asm.alibabacloud.com/gateway-secret"

#: The zone in which the service tells times.
_CHINA = timezone(timedelta(hours=8))

_EXISTS = "already exists"


@action("CreateGatewaySecret", "ServiceMeshId", "IstioGatewayName", "SecretName", "Cert", "Key", write=True)
def create_gateway_secret(call: Call) -> dict[str, Any]:
    """Write the Secret into every cluster of the gateway. What happens to one that is there is a setting."""
    mesh = call.settled_mesh()
    name, gateway = call.get("SecretName"), gateway_of(call)
    data = {"tls.crt": _encoded(call.get("Cert")), "tls.key": _encoded(call.get("Key"))}
    answer = call.world.settings["existing_gateway_secret"]
    if answer == "refuse" and any(api.find(f"{SECRETS}/{name}") for api in _clusters(call, mesh, gateway).values()):
        raise ApiError(400, "ErrorSecretAlreadyExists", f"The secret {name} {_EXISTS}.")
    body: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": TLS,
        "metadata": {
            "name": name,
            "namespace": "istio-system",
            "labels": {GATEWAY_LABEL: gateway["metadata"]["name"]},
        },
        "data": data,
    }

    def write(api: KubeApi) -> None:
        if answer == "overwrite":
            api.apply(f"{SECRETS}/{name}", body)
        else:
            api.create(SECRETS, body)

    return {"SecretCreateRecord": _in_each(_clusters(call, mesh, gateway), write)}


@action("DeleteGatewaySecret", "ServiceMeshId", "IstioGatewayName", "SecretName", write=True)
def delete_gateway_secret(call: Call) -> dict[str, Any]:
    """Delete the Secret in every cluster of the gateway. Raises ApiError when there is none."""
    mesh = call.settled_mesh()
    clusters = _clusters(call, mesh, gateway_of(call))
    path = f"{SECRETS}/{call.get('SecretName')}"
    if not any(api.find(path) for api in clusters.values()):
        raise ApiError(404, "ErrorSecretNotFound", f"The secret {call.get('SecretName')} does not exist.")
    return {"SecretDeleteRecord": _in_each(clusters, lambda api: api.delete(path))}


@action("DescribeGatewaySecretDetails", "ServiceMeshId")
def describe_gateway_secret_details(call: Call) -> dict[str, Any]:
    """The certificates that were made for a gateway, or for any; times to the minute, as the service tells them."""
    mesh = call.mesh()
    wanted = call.get("IstioGatewayName")
    gateways = [gateway_of(call)] if wanted else call.cloud.fleet.mesh(mesh.mesh_id).api.list(PATH)
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for gateway in gateways:
        owner = gateway["metadata"]["name"]
        for api in _clusters(call, mesh, gateway).values():
            for secret in api.list(SECRETS, labelSelector=GATEWAY_LABEL):
                if secret["metadata"]["labels"][GATEWAY_LABEL] == owner:
                    rows.setdefault((owner, secret["metadata"]["name"]), _row(owner, secret))
    return {"GatewaySecretDetails": [row for _key, row in sorted(rows.items())]}


def _clusters(call: Call, mesh: Mesh, gateway: Object) -> dict[str, KubeApi]:
    """The API servers of the gateway's clusters that are in the mesh."""
    named = (gateway.get("spec") or {}).get("clusterIds") or []
    return {one: call.cloud.fleet.cluster(one).api for one in named if one in mesh.clusters}


def _in_each(clusters: dict[str, KubeApi], write: Callable[[KubeApi], Any]) -> dict[str, Any]:
    """The record of a write in each cluster; one that fails leaves the others as they are."""
    record: dict[str, Any] = {}
    for cluster_id, api in clusters.items():
        state, message = "success", ""
        try:
            write(api)
        except KubeApiError as error:
            # 422: a name or a value that Kubernetes does not take.
            if error.status not in (404, 409, 422):
                raise
            state, message = "fail", f"secret {_EXISTS}" if error.status == 409 else error.reason
        record[cluster_id] = {"State": state, "ClusterId": cluster_id, "Message": message}
    return record


def _encoded(text: str) -> str:
    if "-----BEGIN " not in text:
        raise invalid_parameter("Cert or Key", "it is not PEM")
    return base64.b64encode(text.encode()).decode()


def _row(gateway: str, secret: Object) -> dict[str, Any]:
    row = {"GatewayName": gateway, "SecretName": secret["metadata"]["name"], "IssueTime": "", "ExpiredTime": ""}
    data = secret.get("data") or {}
    missing = [name for name in ("tls.crt", "tls.key") if not data.get(name)]
    problem = f"{missing[0]} not exist" if missing else ""
    if secret.get("type") != TLS:
        problem = f"secret type must be {TLS}"
    try:
        certificate = None if problem else x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
    except (ValueError, binascii.Error):
        certificate, problem = None, "tls.crt is not a certificate"
    if certificate is not None:
        times = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        issued, expires = (one.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M") for one in times)
        row |= {"IssueTime": issued, "ExpiredTime": expires, "SNI": ",".join(_hosts(certificate))}
    return {"SNI": "", **row, "State": "abnormal" if problem else "normal", "Message": problem}


def _hosts(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.DNSName)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domains of gateways: servers of one Gateway in each namespace, which is the service's own."""

from __future__ import annotations

import json
from typing import Any

from meshlab.asm.actions import Call, action
from meshlab.asm.gateways import gateway_of
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.openapi.errors import ApiError, invalid_parameter

PROTOCOLS = ("HTTP", "HTTPS", "GRPC", "HTTP2", "MONGO", "TCP", "TLS")


def path_of(namespace: str, gateway: str) -> str:
    """The path of the Gateway with the domains of a gateway; its name is the lab's own."""
    return f"/apis/networking.istio.io/v1/namespaces/{namespace}/gateways/asm-{gateway}"


@action(
    "CreateIstioGatewayDomains",
    *("ServiceMeshId", "IstioGatewayName", "Hosts", "Number", "PortName", "Protocol"),
    write=True,
)
def create_istio_gateway_domains(call: Call) -> dict[str, Any]:
    """Add a server. What happens to one of this name that is there is a setting."""
    api, path, found = _read(call)
    wanted = _server(call)
    servers: list[Any] = found["spec"]["servers"]
    there = next((one for one in servers if one["port"]["name"] == wanted["port"]["name"]), None)
    answer = call.world.settings["existing_gateway_domain"]
    if there is None:
        servers.append(wanted)
    elif answer == "refuse":
        raise ApiError(400, "ErrorDomainExisted", f"The port name {wanted['port']['name']} existed already.")
    elif answer == "add":
        there["hosts"] = list(dict.fromkeys([*there["hosts"], *wanted["hosts"]]))
    else:
        servers[servers.index(there)] = wanted
    _write(api, path, found)
    return {}


@action("DeleteIstioGatewayDomains", "ServiceMeshId", "IstioGatewayName", "Hosts", write=True)
def delete_istio_gateway_domains(call: Call) -> dict[str, Any]:
    """Take hosts out of the servers (or out of the one of this port name); one without hosts goes with them."""
    api, path, found = _read(call)
    hosts = _hosts(call)
    for server in found["spec"]["servers"]:
        if call.get("PortName") in (None, server["port"]["name"]):
            server["hosts"] = [one for one in server["hosts"] if one not in hosts]
    found["spec"]["servers"] = [one for one in found["spec"]["servers"] if one["hosts"]]
    _write(api, path, found)
    return {}


@action("DescribeIstioGatewayDomains", "ServiceMeshId")
def describe_istio_gateway_domains(call: Call) -> dict[str, Any]:
    """The servers of one gateway in one namespace, or in all of them."""
    api = call.cloud.fleet.mesh(call.mesh().mesh_id).api
    name, namespace = f"asm-{call.get('IstioGatewayName')}", call.get("Namespace")
    rows = []
    for gateway in api.list("/apis/networking.istio.io/v1/gateways"):
        metadata = gateway["metadata"]
        if metadata["name"] == name and namespace in (None, metadata["namespace"]):
            rows += [_row(metadata, server) for server in gateway["spec"].get("servers") or []]
    return {"GatewaySecretDetails": rows}


def _row(metadata: dict[str, Any], server: dict[str, Any]) -> dict[str, Any]:
    return {
        "CredentialName": server.get("tls", {}).get("credentialName", ""),
        "Detail": json.dumps(server),
        "Domains": server["hosts"],
        "GatewayCRName": metadata["name"],
        "Namespace": metadata["namespace"],
        "PortName": server["port"]["name"],
        "Protocol": server["port"]["protocol"],
    }


def _read(call: Call) -> tuple[KubeApi, str, Object]:
    """The control plane, the path of the Gateway, and the Gateway as it is, or would begin."""
    mesh = call.settled_mesh()
    gateway = gateway_of(call)["metadata"]["name"]
    namespace = call.get("Namespace", "istio-system")
    api = call.cloud.fleet.mesh(mesh.mesh_id).api
    path = path_of(namespace, gateway)
    new: Object = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": f"asm-{gateway}", "namespace": namespace},
        "spec": {"selector": {"istio": gateway}, "servers": []},
    }
    return api, path, api.find(path) or new


def _write(api: KubeApi, path: str, gateway: Object) -> None:
    if not gateway["spec"]["servers"]:
        api.delete(path)
        return
    try:
        if "uid" in gateway["metadata"]:
            api.replace(path, gateway)
        else:
            api.create(path.rpartition("/")[0], gateway)
    except KubeApiError as error:
        raise invalid_parameter("Hosts, Number, Protocol or Credential", error.message) from None


def _server(call: Call) -> dict[str, Any]:
    protocol, number, credential = call.get("Protocol"), call.get("Number"), call.get("Credential")
    if protocol not in PROTOCOLS:
        raise invalid_parameter("Protocol", f"{protocol!r} is not one of {', '.join(PROTOCOLS)}")
    server: dict[str, Any] = {
        "hosts": _hosts(call),
        "port": {"name": call.get("PortName"), "number": number, "protocol": protocol},
    }
    if protocol == "HTTPS" or credential:
        server["tls"] = {"mode": "SIMPLE", "credentialName": credential or ""}
    elif protocol == "TLS":
        server["tls"] = {"mode": "PASSTHROUGH"}
    if call.get("ForceHttps"):
        server.setdefault("tls", {})["httpsRedirect"] = True
    return server


def _hosts(call: Call) -> list[str]:
    return [one.strip() for one in call.get("Hosts").split(",") if one.strip()]

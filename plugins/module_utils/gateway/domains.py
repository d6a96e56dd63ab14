# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains of a gateway: what the service lists of them, and the servers of Istio's Gateways that they are.

DescribeIstioGatewayDomains tells neither the number of the port nor whether HTTPS is forced, so the server itself is
read from the control plane.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.decoding import boolean, texts, whole
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient

PROTOCOLS = ("HTTP", "HTTPS", "GRPC", "HTTP2", "MONGO", "TCP", "TLS")
_GATEWAYS = "/apis/networking.istio.io/v1/namespaces/{}/gateways/{}"
_HOST = re.compile(r"(\*|(\*\.)?[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*)")
_MOST = 253

Json = dict[str, Any]


def check(params: Json) -> None:
    """Raises ``InvalidInput`` for options that no server of a Gateway can have."""
    hosts, port = params["hosts"] or [], params["port"]
    wrong = [one for one in hosts if len(one) > _MOST or not _HOST.fullmatch(one)]
    if wrong:
        raise InvalidInput(f"hosts: '{one_line(wrong[0])[:60]}' is no host name; '*' may stand for its first label.")
    twice = sorted({one for one in hosts if hosts.count(one) > 1})
    if twice:
        raise InvalidInput(f"hosts: {', '.join(twice)} is given more than once.")
    if port is not None and not 1 <= port <= 65535:
        raise InvalidInput(f"port must be from 1 to 65535, it is {port}.")
    if params["protocol"] == "HTTPS" and not params["credential"]:
        raise InvalidInput("protocol=HTTPS needs credential: the name of a certificate of the gateway.")
    if params["credential"] and params["protocol"] not in ("HTTPS", "TLS", None):
        raise InvalidInput(f"credential means something for HTTPS and TLS only, not for protocol={params['protocol']}.")
    if params["force_https"] and params["protocol"] != "HTTP":
        raise InvalidInput("force_https redirects clients from HTTP to HTTPS, so it belongs to protocol=HTTP.")


def wanted(params: Json) -> Json:
    """The domain that the options ask for."""
    return {
        "name": params["name"],
        "gateway": params["gateway"],
        "namespace": params["namespace"],
        "hosts": sorted(params["hosts"]),
        "port": params["port"],
        "protocol": params["protocol"],
        "credential": params["credential"] or "",
        "force_https": bool(params["force_https"]),
    }


def listed(cloud: Cloud, kube: KubeClient, mesh_id: str, gateway: str, namespace: str | None = None) -> list[Json]:
    """The domains of a gateway as ``wanted`` has them, sorted (action DescribeIstioGatewayDomains)."""
    reply = cloud.asm(
        "DescribeIstioGatewayDomains", ServiceMeshId=mesh_id, IstioGatewayName=gateway, Namespace=namespace
    )
    rows = [row for row in reply.get("GatewaySecretDetails") or [] if row.get("PortName")]
    servers: dict[tuple[str, str], list[Any]] = {}
    found = []
    for row in rows:
        place = str(row.get("Namespace") or ROOT_NAMESPACE), str(row.get("GatewayCRName") or "")
        if namespace not in (None, place[0]):
            continue
        if place not in servers:
            live = kube.get(_GATEWAYS.format(*place)) if place[1] else None
            servers[place] = ((live or {}).get("spec") or {}).get("servers") or []
        found.append(_domain(gateway, place[0], row, servers[place]))
    return sorted(found, key=lambda one: (one["namespace"], one["name"]))


def _domain(gateway: str, namespace: str, row: Json, servers: list[Any]) -> Json:
    """One domain of its row, and of its server where that is there."""
    server: Json = next((one for one in servers if _port(one).get("name") == row["PortName"]), {})
    port, tls = _port(server), server.get("tls") or {}
    hosts = texts(server.get("hosts")) or texts(row.get("Domains")) or []
    return {
        "name": row["PortName"],
        "gateway": gateway,
        "namespace": namespace,
        # Istio shows for which namespaces a host is; the service's own are for all of them.
        "hosts": sorted(one.removeprefix("*/") for one in hosts),
        "port": whole(port.get("number")) or None,
        "protocol": str(port.get("protocol") or row.get("Protocol") or ""),
        "credential": str(tls.get("credentialName") or row.get("CredentialName") or ""),
        "force_https": boolean(tls.get("httpsRedirect")) or False,
    }


def _port(server: Any) -> Json:
    port = server.get("port") if isinstance(server, dict) else None
    return port if isinstance(port, dict) else {}

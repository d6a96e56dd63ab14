# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node makes of its cluster's Services: iptables rules, names, load balancers. Pure functions."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from meshlab.kubeapi import Object

DOMAIN = "svc.cluster.local"


@dataclass
class Endpoints:
    """Addresses behind one Service: by the name of the port ("address", port), and host names of pods."""

    ports: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    hosts: dict[str, str] = field(default_factory=dict)


def gather(slices: Iterable[Object]) -> dict[tuple[str, str], Endpoints]:
    """Ready endpoints by (namespace, name) of their Service."""
    found: dict[tuple[str, str], Endpoints] = {}
    for one in sorted(slices, key=lambda item: str(item["metadata"]["name"])):
        meta = one["metadata"]
        service = (meta.get("labels") or {}).get("kubernetes.io/service-name")
        if not service or one.get("addressType") != "IPv4":
            continue
        endpoints = found.setdefault((meta["namespace"], service), Endpoints())
        for endpoint in one.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready") is False:
                continue
            address = endpoint["addresses"][0]
            endpoints.addresses.append(address)
            if endpoint.get("hostname"):
                endpoints.hosts[endpoint["hostname"]] = address
            for port in one.get("ports") or []:
                if port.get("protocol", "TCP") == "TCP" and port.get("port"):
                    endpoints.ports.setdefault(port.get("name") or "", []).append((address, port["port"]))
    return found


def rules(services: Iterable[Object], endpoints: dict[tuple[str, str], Endpoints], *, node_address: str) -> str:
    """Text for iptables-restore in the node's namespace: cluster addresses and node ports lead to ready pods.

    Connections are spread at random, as kube-proxy does; a cluster address without pods refuses them.
    """
    nat, refused = [], []
    for service, port in _tcp_ports(services):
        meta, spec = service["metadata"], service["spec"]
        targets = endpoints.get((meta["namespace"], meta["name"]), Endpoints()).ports.get(port.get("name") or "", [])
        places = []
        if _is_address(spec.get("clusterIP")):
            places.append((spec["clusterIP"], port["port"]))
        if port.get("nodePort"):
            places.append((node_address, port["nodePort"]))
        for address, number in places:
            match = f"-d {address}/32 -p tcp --dport {number}"
            nat += [f"-A SERVICES {match} {one}" for one in _spread(targets)]
            if not targets:
                refused.append(f"{match} -j REJECT --reject-with tcp-reset")
    lines = [
        "*nat",
        ":SERVICES - [0:0]",
        "-A PREROUTING -j SERVICES",
        "-A OUTPUT -j SERVICES",
        # Client and pod are on one link, so the answer would not come back through the node by itself.
        "-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE",
        *nat,
        "COMMIT",
        "*filter",
        *(f"-A {chain} {one}" for one in refused for chain in ("FORWARD", "INPUT", "OUTPUT")),
        "COMMIT",
    ]
    return "\n".join(lines) + "\n"


def records(
    services: Iterable[Object], endpoints: dict[tuple[str, str], Endpoints], hosts: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Names that the cluster's DNS knows, without a dot at the end, and their addresses. ``hosts``: outside names."""
    found = {name.lower(): list(addresses) for name, addresses in hosts.items()}
    aliases = {}
    for service in services:
        meta, spec = service["metadata"], service["spec"]
        name = f"{meta['name']}.{meta['namespace']}.{DOMAIN}"
        behind = endpoints.get((meta["namespace"], meta["name"]), Endpoints())
        if spec.get("type") == "ExternalName":
            aliases[name] = spec["externalName"].rstrip(".").lower()
        elif _is_address(spec.get("clusterIP")):
            found[name] = [spec["clusterIP"]]
        else:
            found[name] = list(dict.fromkeys(behind.addresses))
            found |= {f"{host}.{name}": [address] for host, address in behind.hosts.items()}
    return found | {name: found[target] for name, target in aliases.items() if target in found}


def forwards(services: Iterable[Object], *, netns: str, node_address: str) -> list[dict[str, str]]:
    """Listeners of load balancers on the host: from the address that a Service was given to its port on the node."""
    found = []
    for service, port in _tcp_ports(services):
        for ingress in service.get("status", {}).get("loadBalancer", {}).get("ingress") or []:
            address = ingress.get("ip")
            # Somebody may write anything into a status; the lab listens on loopback alone.
            if _is_address(address) and ipaddress.ip_address(address).is_loopback and port.get("nodePort"):
                target = f"{node_address}:{port['nodePort']}"
                found.append({"listen": f"{address}:{port['port']}", "netns": netns, "target": target})
    return found


def _tcp_ports(services: Iterable[Object]) -> Iterator[tuple[Object, Object]]:
    for service in services:
        for port in service["spec"].get("ports") or []:
            if port.get("protocol", "TCP") == "TCP":
                yield service, port


def _spread(targets: list[tuple[str, int]]) -> Iterator[str]:
    for index, (address, port) in enumerate(targets):
        left = len(targets) - index
        chance = f"-m statistic --mode random --probability {1 / left:.9f} " if left > 1 else ""
        yield f"{chance}-j DNAT --to-destination {address}:{port}"


def _is_address(value: Any) -> bool:
    try:
        return ipaddress.ip_address(str(value)).version == 4
    except ValueError:
        return False

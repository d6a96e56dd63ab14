# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the semantic checks look at: the Istio resources of a mesh by kind, and host names as Istio reads them. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

ERROR, WARNING = "error", "warning"
CLUSTER_DOMAIN = "svc.cluster.local"

VIRTUAL_SERVICE, DESTINATION_RULE, GATEWAY = "VirtualService", "DestinationRule", "Gateway"
SERVICE_ENTRY, SERVICE = "ServiceEntry", "Service"

Json = dict[str, Any]
# Kind, namespace, name.
Key = tuple[str, str, str]


@dataclass(frozen=True, order=True)
class Finding:
    """Something that the API accepts and the mesh cannot do. ``place`` is a path within the object."""

    key: Key
    code: str
    severity: str
    place: str
    message: str


@dataclass
class Mesh:
    """The objects of a mesh by kind and (namespace, name).

    ``services_known`` says whether the Services of the clusters are among them: a control plane has none of its own.
    """

    objects: dict[str, dict[tuple[str, str], Json]] = field(default_factory=dict)
    services_known: bool = False

    def put(self, found: Json) -> None:
        self.objects.setdefault(found["kind"], {})[_place(found)] = found

    def remove(self, key: Key) -> None:
        self.objects.get(key[0], {}).pop((key[1], key[2]), None)

    def copy(self) -> Mesh:
        """A mesh of its own with the same objects."""
        return Mesh({kind: dict(found) for kind, found in self.objects.items()}, self.services_known)

    def each(self, kind: str) -> Iterator[tuple[Key, Json]]:
        """The key and the ``spec`` of every object of a kind."""
        for (namespace, name), found in self.objects.get(kind, {}).items():
            yield (kind, namespace, name), found.get("spec") or {}

    def has(self, kind: str, namespace: str, name: str) -> bool:
        return (namespace, name) in self.objects.get(kind, {})


def full_host(host: str, namespace: str) -> str:
    """A host as it is known in the whole mesh: one without a dot is a Service of the object's own namespace."""
    if "." in host or host.startswith("*"):
        return host
    return f"{host}.{namespace}.{CLUSTER_DOMAIN}"


def covers(pattern: str, host: str) -> bool:
    """Whether a host of a resource, perhaps with a leading ``*``, stands for this one."""
    if pattern.startswith("*"):
        return host.lstrip("*").endswith(pattern[1:])
    return pattern == host


def overlap(one: str, other: str) -> bool:
    return covers(one, other) or covers(other, one)


class Hosts:
    """Many host patterns with a quick answer to whether one of them covers a host."""

    def __init__(self, patterns: Iterable[str]) -> None:
        everything = set(patterns)
        self._wild = [one for one in everything if one.startswith("*")]
        self._plain = everything.difference(self._wild)

    def __contains__(self, host: object) -> bool:
        return isinstance(host, str) and (host in self._plain or any(covers(one, host) for one in self._wild))


def destinations(spec: Json) -> Iterator[tuple[str, Json]]:
    """Every destination of a VirtualService with its path: routes of HTTP, TLS and TCP, and mirrors."""
    for protocol in ("http", "tls", "tcp"):
        for number, route in enumerate(_maps(spec.get(protocol))):
            place = f"spec.{protocol}[{number}]"
            for index, target in enumerate(_maps(route.get("route"))):
                yield f"{place}.route[{index}]", _map(target.get("destination"))
            if route.get("mirror"):
                yield f"{place}.mirror", _map(route["mirror"])
            for index, target in enumerate(_maps(route.get("mirrors"))):
                yield f"{place}.mirrors[{index}]", _map(target.get("destination"))


def weighted_routes(spec: Json) -> Iterator[tuple[str, list[Json]]]:
    """Every list of destinations among which a VirtualService divides traffic, with its path."""
    for protocol in ("http", "tls", "tcp"):
        for number, route in enumerate(_maps(spec.get(protocol))):
            yield f"spec.{protocol}[{number}].route", _maps(route.get("route"))


def texts(value: Any) -> list[str]:
    """The strings of a list; the API server judges everything else."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _maps(value: Any) -> list[Json]:
    return [_map(one) for one in value] if isinstance(value, list) else []


def _map(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _place(found: Json) -> tuple[str, str]:
    return found["metadata"].get("namespace") or "", found["metadata"]["name"]

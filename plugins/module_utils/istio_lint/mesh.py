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
EXPORT_ANNOTATION = "networking.istio.io/exportTo"

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
        return isinstance(host, str) and (self.names(host) or self.matches(host))

    def names(self, host: str) -> bool:
        """Whether one of them is this host itself."""
        return host in self._plain

    def matches(self, host: str) -> bool:
        """Whether one of those with a ``*`` covers the host."""
        return any(covers(one, host) for one in self._wild)


class Destinations:
    """The hosts of ServiceEntries and Services, by the namespaces that see them (``exportTo``)."""

    def __init__(self, mesh: Mesh) -> None:
        found: dict[str, set[str]] = {}
        for (_kind, namespace, _name), spec in mesh.each(SERVICE_ENTRY):
            for scope in scopes(texts(spec.get("exportTo")), namespace):
                found.setdefault(scope, set()).update(full_host(host, namespace) for host in texts(spec.get("hosts")))
        for (namespace, name), service in mesh.objects.get(SERVICE, {}).items():
            given = str((service["metadata"].get("annotations") or {}).get(EXPORT_ANNOTATION) or "")
            for scope in scopes([one.strip() for one in given.split(",") if one.strip()], namespace):
                found.setdefault(scope, set()).add(full_host(name, namespace))
        self._scoped = {scope: Hosts(patterns) for scope, patterns in found.items()}

    def __contains__(self, host: str) -> bool:
        """Whether the host is known anywhere."""
        return any(host in hosts for hosts in self._scoped.values())

    def visible(self, host: str, namespace: str, export_to: list[str]) -> bool:
        """Whether a VirtualService of ``namespace`` can send to the host; as Istio's analyzer sees it, names count in
        the namespaces to which the VirtualService is exported, patterns in its own.
        """
        where = {"*", *(scopes(export_to, namespace) if export_to else [namespace])}
        named = any(self._of(scope).names(host) for scope in where)
        return named or any(self._of(scope).matches(host) for scope in ("*", namespace))

    def _of(self, scope: str) -> Hosts:
        return self._scoped.get(scope) or _NO_HOSTS


_NO_HOSTS = Hosts([])


def scopes(export_to: list[str], namespace: str) -> list[str]:
    """The namespaces of an ``exportTo``, with its own instead of ``.``; without any, all."""
    return [namespace if one == "." else one for one in export_to] or ["*"]


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

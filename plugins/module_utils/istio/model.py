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

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT, Odd

ERROR, WARNING = "error", "warning"
CLUSTER_DOMAIN = "svc.cluster.local"

VIRTUAL_SERVICE, DESTINATION_RULE, GATEWAY = "VirtualService", "DestinationRule", "Gateway"
SERVICE_ENTRY, SERVICE = "ServiceEntry", "Service"
EXPORT_ANNOTATION = "networking.istio.io/exportTo"

Json = dict[str, Any]

_TARGET: shapes.Shape = {"host": TEXT, "subset": TEXT}
_ROUTES: shapes.Shape = [
    {"route": [{"destination": _TARGET, "weight": NUMBER}], "mirror": _TARGET, "mirrors": [{"destination": _TARGET}]}
]
_METADATA: shapes.Shape = {"name": TEXT, "namespace": TEXT, "annotations": {...: TEXT}}
# What the checks read of the objects.
_SPECS: dict[str, shapes.Shape] = {
    VIRTUAL_SERVICE: {
        "hosts": [TEXT],
        "gateways": [TEXT],
        "exportTo": [TEXT],
        "http": _ROUTES,
        "tls": _ROUTES,
        "tcp": _ROUTES,
    },
    DESTINATION_RULE: {"host": TEXT, "subsets": [{"name": TEXT}]},
    SERVICE_ENTRY: {"hosts": [TEXT], "exportTo": [TEXT]},
}

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
    """The objects of a mesh by kind and (namespace, name), what the checks read of them in the right types.

    ``services_known`` says whether the Services of the clusters are among them: a control plane has none of its own.
    ``odd`` are the parts of objects that are of another type.
    """

    objects: dict[str, dict[tuple[str, str], Json]] = field(default_factory=dict)
    services_known: bool = False
    odd: dict[Key, list[Odd]] = field(default_factory=dict)

    def put(self, found: Json) -> None:
        """Takes an object in; here alone types are looked at."""
        kind = str(found.get("kind"))
        fitted, odd = shapes.fit(found, {"metadata": _METADATA, "spec": _SPECS.get(kind, {})})
        metadata = fitted.get("metadata", {})
        key = (kind, metadata.get("namespace") or "", metadata.get("name") or "")
        self.objects.setdefault(kind, {})[key[1:]] = fitted
        self.odd.pop(key, None)
        if odd:
            self.odd[key] = odd

    def remove(self, key: Key) -> None:
        self.objects.get(key[0], {}).pop((key[1], key[2]), None)
        self.odd.pop(key, None)

    def copy(self) -> Mesh:
        """A mesh of its own with the same objects."""
        return Mesh({kind: dict(found) for kind, found in self.objects.items()}, self.services_known, dict(self.odd))

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
            for scope in scopes(spec.get("exportTo"), namespace):
                found.setdefault(scope, set()).update(full_host(host, namespace) for host in spec.get("hosts") or [])
        for (namespace, name), service in mesh.objects.get(SERVICE, {}).items():
            given = str(service.get("metadata", {}).get("annotations", {}).get(EXPORT_ANNOTATION) or "")
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


def scopes(export_to: list[str] | None, namespace: str) -> list[str]:
    """The namespaces of an ``exportTo``, with its own instead of ``.``; without any, all."""
    return [namespace if one == "." else one for one in export_to or []] or ["*"]


def destinations(spec: Json) -> Iterator[tuple[str, Json]]:
    """Every destination of a VirtualService with its path: routes of HTTP, TLS and TCP, and mirrors."""
    for protocol in ("http", "tls", "tcp"):
        for number, route in enumerate(spec.get(protocol) or []):
            place = f"spec.{protocol}[{number}]"
            for index, target in enumerate(route.get("route") or []):
                yield f"{place}.route[{index}]", target.get("destination") or {}
            if route.get("mirror"):
                yield f"{place}.mirror", route["mirror"]
            for index, target in enumerate(route.get("mirrors") or []):
                yield f"{place}.mirrors[{index}]", target.get("destination") or {}


def weighted_routes(spec: Json) -> Iterator[tuple[str, list[Json]]]:
    """Every list of destinations among which a VirtualService divides traffic, with its path."""
    for protocol in ("http", "tls", "tcp"):
        for number, route in enumerate(spec.get(protocol) or []):
            yield f"spec.{protocol}[{number}].route", route.get("route") or []

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Istio resources of a mesh by kind, as lint and the explanation of traffic look at them. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import EllipsisType
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import DECIMAL, NUMBER, TEXT, Odd
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import (
    SERVICES_DOMAIN,
    Hosts,
    full_host,
    scopes,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE

ERROR, WARNING = "error", "warning"

VIRTUAL_SERVICE, DESTINATION_RULE, GATEWAY = "VirtualService", "DestinationRule", "Gateway"
SERVICE_ENTRY, SERVICE = "ServiceEntry", "Service"
WORKLOAD_ENTRY = "WorkloadEntry"
AUTHORIZATION_POLICY, PEER_AUTHENTICATION = "AuthorizationPolicy", "PeerAuthentication"
# Kinds of ASM that name the routes that they are about.
NAMING_ROUTES = ("ASMCircuitBreaker", "ASMGlobalRateLimiter", "ASMLocalRateLimiter")
EXPORT_ANNOTATION = "networking.istio.io/exportTo"

Json = dict[str, Any]

_TARGET: shapes.Shape = {"host": TEXT, "subset": TEXT, "port": {"number": NUMBER}}
_TEXTS: shapes.Shape = {...: TEXT}
_TESTS: shapes.Shape = {...: _TEXTS}
_MATCH: shapes.Shape = {
    **dict.fromkeys(("uri", "scheme", "method", "authority"), _TEXTS),
    **dict.fromkeys(("headers", "withoutHeaders", "queryParams"), _TESTS),
    "port": NUMBER,
    "gateways": [TEXT],
    "sourceLabels": _TEXTS,
    "sourceNamespace": TEXT,
    "name": TEXT,
}
_FAULT: shapes.Shape = {"percentage": {"value": DECIMAL}}
_ROUTE: dict[str | EllipsisType, shapes.Shape] = {
    "route": [{"destination": _TARGET, "weight": NUMBER}],
    "mirror": _TARGET,
    "mirrors": [{"destination": _TARGET}],
}
_HTTP: shapes.Shape = {
    **_ROUTE,
    "name": TEXT,
    "match": [_MATCH],
    "delegate": {"name": TEXT, "namespace": TEXT},
    "fault": {"abort": _FAULT, "delay": _FAULT},
    "redirect": {},
    "directResponse": {},
}
_SELECTOR: shapes.Shape = {"matchLabels": _TEXTS}
_METADATA: dict[str | EllipsisType, shapes.Shape] = {
    "name": TEXT,
    "namespace": TEXT,
    "annotations": _TEXTS,
    "creationTimestamp": TEXT,
}
# Of these kinds Istio heeds the labels of the object as well.
_LABELLED = {WORKLOAD_ENTRY: {**_METADATA, "labels": _TEXTS}}
# What is read of the objects.
_SPECS: dict[str, shapes.Shape] = {
    VIRTUAL_SERVICE: {
        "hosts": [TEXT],
        "gateways": [TEXT],
        "exportTo": [TEXT],
        "http": [_HTTP],
        "tls": [_ROUTE],
        "tcp": [_ROUTE],
    },
    DESTINATION_RULE: {
        "host": TEXT,
        "exportTo": [TEXT],
        "subsets": [{"name": TEXT, "labels": _TEXTS}],
        "trafficPolicy": {"loadBalancer": {"simple": TEXT}},
        "workloadSelector": _SELECTOR,
    },
    GATEWAY: {
        "selector": _TEXTS,
        "servers": [
            {"port": {"number": NUMBER, "name": TEXT, "protocol": TEXT}, "hosts": [TEXT], "tls": {"mode": TEXT}}
        ],
    },
    SERVICE_ENTRY: {
        "hosts": [TEXT],
        "exportTo": [TEXT],
        "ports": [{"number": NUMBER, "name": TEXT, "protocol": TEXT}],
        "workloadSelector": {"labels": _TEXTS},
    },
    WORKLOAD_ENTRY: {"labels": _TEXTS, "serviceAccount": TEXT},
    SERVICE: {"ports": [{"port": NUMBER, "name": TEXT, "appProtocol": TEXT}]},
    AUTHORIZATION_POLICY: {"action": TEXT, "selector": _SELECTOR, "provider": {"name": TEXT}},
    PEER_AUTHENTICATION: {"mtls": {"mode": TEXT}, "selector": _SELECTOR},
    **{kind: {"configs": [{"match": {"vhost": {"route": {"name_match": TEXT}}}}]} for kind in NAMING_ROUTES},
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
    ``routes_known`` says whether all of its VirtualServices are, where a task has an object that names routes.
    ``odd`` are the parts of objects that are of another type. ``providers`` are the names of the extension providers,
    None where nobody knows them. All hosts of Services end with ``domain``.
    """

    objects: dict[str, dict[tuple[str, str], Json]] = field(default_factory=dict)
    services_known: bool = False
    odd: dict[Key, list[Odd]] = field(default_factory=dict)
    providers: frozenset[str] | None = None
    routes_known: bool = False
    domain: str = SERVICES_DOMAIN

    def put(self, found: Json) -> None:
        """Takes an object in; here alone types are looked at."""
        kind = str(found.get("kind"))
        of_kind = _LABELLED.get(kind, _METADATA)
        fitted, odd = shapes.fit(found, {"metadata": of_kind, "spec": _SPECS.get(kind, {})})
        metadata = fitted.get("metadata", {})
        key = (kind, metadata.get("namespace") or "", metadata.get("name") or "")
        there = self.objects.setdefault(kind, {})
        created = there.get(key[1:], {}).get("metadata", {}).get("creationTimestamp")
        if created and not metadata.get("creationTimestamp"):
            # A manifest does not say how old the object is that it changes.
            fitted = {**fitted, "metadata": {**metadata, "creationTimestamp": created}}
        there[key[1:]] = fitted
        self.odd.pop(key, None)
        if odd:
            self.odd[key] = odd

    def remove(self, key: Key) -> None:
        self.objects.get(key[0], {}).pop((key[1], key[2]), None)
        self.odd.pop(key, None)

    def copy(self) -> Mesh:
        """A mesh of its own with the same objects."""
        objects = {kind: dict(found) for kind, found in self.objects.items()}
        return replace(self, objects=objects, odd=dict(self.odd))

    def full(self, host: str, namespace: str) -> str:
        """See ``full_host``."""
        return full_host(host, namespace, self.domain)

    def each(self, kind: str) -> Iterator[tuple[Key, Json]]:
        """The key and the ``spec`` of every object of a kind."""
        for (namespace, name), found in self.objects.get(kind, {}).items():
            yield (kind, namespace, name), found.get("spec") or {}

    def by_age(self, kind: str) -> list[tuple[Key, Json]]:
        """The same, the oldest first, as Istio orders them: by time of creation, name, namespace."""
        return sorted(self.each(kind), key=lambda one: (*self.age(one[0]), one[0][2], one[0][1]))

    def age(self, key: Key) -> tuple[bool, str]:
        """What is less for an older object; what has no time of creation is yet to be made."""
        created = str(self.objects[key[0]][key[1:]].get("metadata", {}).get("creationTimestamp") or "")
        return not created, created

    def spec(self, key: Key) -> Json | None:
        """The ``spec`` of one object; None when it is not there."""
        found = self.objects.get(key[0], {}).get(key[1:])
        return None if found is None else found.get("spec") or {}


@dataclass(frozen=True)
class Service:
    """A host that the mesh knows, of a Service or a ServiceEntry (``kind``).

    ``scopes`` are the namespaces that see it, ``*`` for all; ``ports`` says of each whether HTTP is understood there.
    """

    kind: str
    host: str
    namespace: str
    scopes: tuple[str, ...]
    ports: dict[int, bool]


def services(mesh: Mesh) -> Iterator[Service]:
    """Every host of the mesh, those of clusters first, the older first."""
    for (_kind, namespace, name), spec in mesh.by_age(SERVICE):
        metadata = mesh.objects[SERVICE][namespace, name].get("metadata", {})
        given = str(metadata.get("annotations", {}).get(EXPORT_ANNOTATION) or "")
        seen = scopes([one.strip() for one in given.split(",") if one.strip()], namespace)
        ports = {one.get("port", 0): _is_http(one.get("appProtocol"), one.get("name")) for one in spec.get("ports", [])}
        yield Service(SERVICE, mesh.full(name, namespace), namespace, tuple(seen), ports)
    entries = [
        (mesh.age(key), mesh.full(host, key[1]), key, spec)
        for key, spec in mesh.each(SERVICE_ENTRY)
        for host in spec.get("hosts") or []
    ]
    # Of equal age they come by their hosts and namespaces, not by their names.
    for _age, host, (_kind, namespace, _name), spec in sorted(entries, key=lambda one: one[:3]):
        seen = scopes(spec.get("exportTo"), namespace)
        ports = {one.get("number", 0): _is_http(one.get("protocol"), one.get("name")) for one in spec.get("ports", [])}
        yield Service(SERVICE_ENTRY, host, namespace, tuple(seen), ports)


def visible(mesh: Mesh, namespace: str) -> list[Service]:
    """What proxies of a namespace see. Of several namespaces with one host only one counts: their own, else that of a
    Service, else one that exports it to them by name, else that of the oldest.
    """
    seen = [one for one in services(mesh) if not {"*", namespace}.isdisjoint(one.scopes)]
    # In the root namespace there are gateways, which do not prefer their own.
    own = namespace if namespace != ROOT_NAMESPACE else ""
    seen.sort(key=lambda one: (own not in ("", one.namespace), one.kind == SERVICE_ENTRY, "*" in one.scopes))
    homes: dict[str, str] = {}
    for one in seen:
        homes.setdefault(one.host, one.namespace)
    return [one for one in seen if homes[one.host] == one.namespace]


def _is_http(protocol: str | None, name: str | None) -> bool:
    """Whether Istio reads HTTP on a port; where neither protocol nor name says one, it looks at the bytes."""
    return (protocol or (name or "").partition("-")[0]).lower() not in _OPAQUE


_OPAQUE = frozenset({"tcp", "udp", "tls", "https", "mongo", "mysql", "redis"})


class Destinations:
    """The hosts of ServiceEntries and Services, by the namespaces that see them (``exportTo``)."""

    def __init__(self, mesh: Mesh) -> None:
        found: dict[str, set[str]] = {}
        for one in services(mesh):
            for scope in one.scopes:
                found.setdefault(scope, set()).add(one.host)
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


def object_of(key: Key) -> str:
    """``Kind namespace/name``."""
    return f"{key[0]} {key[1]}/{key[2]}"

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Istio sends an HTTP request, of whoever asks: the virtual hosts and routes that istiod makes of a mesh. Pure.

It is held to istiod's own route configuration (``tests/lab/tests/test_traffic_decisions.py``). Not modelled: TLS and
TCP routes, Sidecar resources, EnvoyFilters, headless Services, the Gateway API.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ansible_collections.meshops.asm.plugins.module_utils.istio.conditions import Request, fits, is_catch_all, merged
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import (
    best,
    is_exported,
    kubernetes_namespace,
    meeting,
    overlap,
    scopes,
    short_host,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import (
    GATEWAY,
    VIRTUAL_SERVICE,
    Json,
    Key,
    Mesh,
    Service,
    services,
    visible,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE

#: What VirtualServices call the sidecars of the mesh in their list of gateways.
MESH_GATEWAY = "mesh"

_HTTP = frozenset({"HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTP_PROXY"})


@dataclass(frozen=True)
class Proxy:
    """The Envoy that decides.

    ``labels`` are those of its pod, None when they are not known: then it is taken for the one that is meant. ``ports``
    leads from the ports of a gateway's Service to those on which the gateway listens.
    """

    namespace: str
    labels: Mapping[str, str] | None = None
    ports: Mapping[int, int] = field(default_factory=dict)

    def listens(self, port: int) -> int:
        return self.ports.get(port, port)

    def has(self, labels: Mapping[str, str]) -> bool:
        return self.labels is None or labels.items() <= self.labels.items()


@dataclass(frozen=True)
class Route:
    """One rule of a VirtualService under one of its conditions; hosts in it are full.

    ``number`` counts the rules of the VirtualService from one; ``delegate`` is the VirtualService that has the rule
    where ``key`` delegates to it.
    """

    key: Key
    number: int
    match: Json
    rule: Json
    delegate: Key | None = None


@dataclass
class VirtualHost:
    """What a proxy has for a host or pattern. ``service`` is the host that gets requests where no rule is asked."""

    routes: list[Route] = field(default_factory=list)
    service: str = ""
    to_https: bool = False


def gateway_names(spec: Json, namespace: str) -> list[str]:
    """The gateways of a VirtualService as ``namespace/name``, or ``mesh``."""
    return [gateway_name(one, namespace) for one in spec.get("gateways") or [MESH_GATEWAY]]


def gateway_name(given: str, namespace: str) -> str:
    """``namespace/name`` of what a VirtualService of ``namespace`` calls a gateway."""
    if given == MESH_GATEWAY:
        return given
    where, slash, name = given.partition("/")
    if slash:
        return f"{namespace if where == '.' else where}/{name}"
    name, dot, rest = given.partition(".")
    return f"{rest.partition('.')[0] if dot else namespace}/{name}"


def ranked(mesh: Mesh, namespace: str, gateway: str = MESH_GATEWAY) -> list[tuple[Key, Json]]:
    """The VirtualServices of a gateway that proxies of ``namespace`` see, the first to decide first.

    Those that only this namespace sees come before those exported to it and these before public ones; among
    themselves the older come first.
    """
    found: list[list[tuple[Key, Json]]] = [[], [], []]
    for key, spec in mesh.by_age(VIRTUAL_SERVICE):
        seen = scopes(spec.get("exportTo"), key[1])
        if not spec.get("hosts") or gateway not in gateway_names(spec, key[1]):
            continue
        if "*" in seen:
            found[2].append((key, spec))
        elif "~" not in seen and namespace in seen:
            found[0 if key[1] == namespace else 1].append((key, spec))
    return [one for group in found for one in group]


def delegate_of(rule: Json, namespace: str) -> Key:
    """The VirtualService to which a rule of one in ``namespace`` delegates."""
    given = rule["delegate"]
    return (VIRTUAL_SERVICE, given.get("namespace") or namespace, given.get("name") or "")


def no_delegate(mesh: Mesh, other: Key, namespace: str) -> str:
    """Why istiod leaves out a rule of ``namespace`` that delegates to another one; empty when it does not."""
    spec = mesh.spec(other)
    if spec is None:
        return "is neither in the mesh nor in this task"
    if spec.get("hosts"):
        return "has hosts of its own"
    return "" if is_exported(spec.get("exportTo"), other[1], namespace) else f"is not exported to '{namespace}'"


def gateway_hosts(mesh: Mesh, proxy: Proxy, port: int, server_name: str | None = None) -> dict[str, VirtualHost] | None:
    """The virtual hosts of a gateway at a port of its Service, or of its own; None when no Gateway opens it for HTTP.

    With ``server_name``, that of a TLS connection, those of the server that terminates it.
    """
    opened = _servers(mesh, proxy, port, server_name)
    found: dict[str, VirtualHost] = {}
    made: dict[tuple[str, Key], list[Route]] = {}
    for gateway, server in opened:
        name = f"{gateway[1]}/{gateway[2]}"
        redirects = (server.get("tls") or {}).get("httpsRedirect") is True
        for key, spec in ranked(mesh, proxy.namespace, name):
            common = meeting(_server_hosts(server, gateway[1], key[1]), _hosts(mesh, key, spec))
            # Those of the first server at whose port there are any.
            if common and not made.get((name, key)):
                made[name, key] = _routes(mesh, key, spec, name, proxy, server["port"]["number"])
            # A VirtualService that calls its gateway by two names has its routes twice.
            times = gateway_names(spec, key[1]).count(name)
            for host in (one.lower() for one in common if made[name, key]):
                found.setdefault(host, VirtualHost()).routes.extend(made[name, key] * times)
                found[host].to_https |= redirects
        for host in _server_hosts(server, gateway[1], "") if redirects else ():
            found.setdefault(host, VirtualHost()).to_https = True
    for one in found.values():
        # Of several VirtualServices on one host all conditions come before any rule without one.
        one.routes.sort(key=lambda route: is_catch_all(route.match))
    return found if opened else None


def sidecar_hosts(mesh: Mesh, proxy: Proxy, port: int) -> dict[str, VirtualHost]:
    """The virtual hosts of a sidecar for requests to a port."""
    known: dict[str, Service] = {}
    for one in visible(mesh, proxy.namespace):
        if port in one.ports:
            known.setdefault(one.host, one)
    order = ranked(mesh, proxy.namespace)
    owners = _owners(mesh, order, list(known))
    found: dict[str, VirtualHost] = {}
    taken: set[str] = set()
    for key, spec in order:
        routes = _routes(mesh, key, spec, MESH_GATEWAY, proxy, port)
        outside, inside = _split(key, _hosts(mesh, key, spec), known, owners)
        inside = [host for host in inside if known[host].ports[port]]
        # Port 80 alone takes hosts that no Service has.
        if not routes or not (inside or port == 80):
            continue
        taken.update(inside)
        for name in [*outside, *(name for host in inside for name in _names(mesh, host, proxy.namespace))]:
            found.setdefault(name, VirtualHost(routes))
    for host in (host for host, one in known.items() if host not in taken and one.ports[port]):
        for name in _names(mesh, host, proxy.namespace):
            found.setdefault(name, VirtualHost(service=host))
    return found


def reachable(mesh: Mesh, namespace: str) -> set[str]:
    """The hosts that proxies of a namespace can send to: those they see and, where they are no gateways, those of their
    own namespace to which VirtualServices within the mesh lead, exported or not.
    """
    found = {one.host for one in visible(mesh, namespace)}
    hidden: dict[str, Service] = {}
    for one in services(mesh) if namespace != ROOT_NAMESPACE else ():
        if one.namespace == namespace and one.host not in found:
            hidden.setdefault(one.host, one)
    for key, spec in ranked(mesh, namespace) if hidden else ():
        asked = _asked(mesh, key, spec, namespace)
        found |= {host for host in hidden.keys() & asked.keys() if asked[host] & {0, *hidden[host].ports}}
    return found


def decide(hosts: Mapping[str, VirtualHost], request: Request) -> tuple[str, VirtualHost, list[Route]] | None:
    """What decides a request: the pattern of its virtual host, that host, and its routes of which the first counts
    that fits. There are several where it is not known whether one fits, and none when no route does.

    None when no virtual host is for the request. Envoy looks into one virtual host only: where none of its routes
    fits, a wider pattern is not asked.
    """
    pattern = best(hosts, re.sub(r":\d+$", "", request.host.lower()))
    if pattern is None:
        return None
    candidates: list[Route] = []
    for one in hosts[pattern].routes:
        fitting = fits(one.match, request)
        if fitting is not False and one not in candidates:
            candidates.append(one)
        if fitting:
            break
    return pattern, hosts[pattern], candidates


def targets(rule: Json) -> list[tuple[str, str, int]]:
    """Host, subset and weight of each destination that gets requests."""
    routes = rule.get("route") or []
    found = []
    for one in routes:
        destination = one.get("destination") or {}
        weight = 100 if len(routes) == 1 else one.get("weight") or 0
        if weight:
            found.append((destination.get("host") or "", destination.get("subset") or "", weight))
    return found


def _servers(mesh: Mesh, proxy: Proxy, port: int, server_name: str | None) -> list[tuple[Key, Json]]:
    """The servers of Gateways whose virtual hosts a connection gets, each with its Gateway, the oldest first."""
    opened = _accepted(
        (key, server)
        for key, spec in mesh.by_age(GATEWAY)
        if proxy.has(spec.get("selector") or {})
        for server in spec.get("servers") or []
        if "number" in server.get("port", {}) and proxy.listens(server["port"]["number"]) == proxy.listens(port)
    )
    plain = [one for one in opened if not _is_tls(one[1])]
    if server_name is None:
        # A port is of the protocol of its first server.
        return [one for one in plain if _is_http_server(one[1])] if plain and _is_http_server(plain[0][1]) else []
    by_host: dict[str, tuple[Key, Json]] = {}
    # A port that begins with plain text stays so.
    for one in opened if opened and _is_tls(opened[0][1]) else ():
        for host in one[1].get("hosts") or [] if _is_tls(one[1]) else ():
            by_host.setdefault(host.rpartition("/")[2], one)
    pattern = best(by_host, server_name.lower())
    passes = pattern is not None and "PASSTHROUGH" in str(by_host[pattern][1].get("tls", {}).get("mode"))
    return [by_host[pattern]] if pattern is not None and not passes else []


def _accepted(opened: Iterable[tuple[Key, Json]]) -> list[tuple[Key, Json]]:
    """Those without the servers with ``tls``, be it a redirect, that have a host of an older one of them."""
    taken: set[str] = set()
    found = []
    for gateway, server in opened:
        hosts = set(_scoped_hosts(server, gateway[1])) if "tls" in server else set()
        if hosts.isdisjoint(taken):
            found.append((gateway, server))
            taken |= hosts
    return found


def _is_http_server(server: Json) -> bool:
    return (server["port"].get("protocol") or "").upper() in _HTTP


def _is_tls(server: Json) -> bool:
    return "tls" in server and not _is_http_server(server)


def _scoped_hosts(server: Json, own: str) -> list[str]:
    """The hosts of a server of a Gateway in ``own``, after the namespace that may use it where it is for one alone."""
    given = server.get("hosts") or []
    if "*/*" in given:
        return ["*"]
    parts = [one.rpartition("/") for one in given]
    return [
        f"{own if where == '.' else where}/{host}" if where not in ("", "*") else host for where, _slash, host in parts
    ]


def _server_hosts(server: Json, own: str, namespace: str) -> list[str]:
    """The hosts of a server of a Gateway in ``own`` that VirtualServices of ``namespace`` may use."""
    parts = [one.rpartition("/") for one in _scoped_hosts(server, own)]
    return [host for where, _slash, host in parts if where in ("", namespace)]


def _hosts(mesh: Mesh, key: Key, spec: Json) -> list[str]:
    return [mesh.full(one, key[1]) for one in spec.get("hosts") or []]


def _owners(mesh: Mesh, order: list[tuple[Key, Json]], hosts: list[str]) -> dict[str, Key]:
    """The VirtualService with the most specific pattern for each host."""
    first: dict[str, Key] = {}
    for key, spec in order:
        for host in _hosts(mesh, key, spec):
            first.setdefault(host, key)
    patterns = {host: best(first, host) for host in hosts}
    return {host: first[pattern] for host, pattern in patterns.items() if pattern is not None}


def _split(
    key: Key, hosts: list[str], known: Mapping[str, Service], owners: Mapping[str, Key]
) -> tuple[list[str], list[str]]:
    """The hosts of a VirtualService: those that no Service has, and those of Services, patterns replaced by theirs."""
    outside = [host for host in hosts if not host.startswith("*") and host not in known]
    inside = [host for host in hosts if not host.startswith("*") and host in known]
    for pattern in (host for host in hosts if host.startswith("*")):
        meant = [host for host in known if overlap(host, pattern)]
        inside += [host for host in meant if owners.get(host) == key]
        outside += [] if meant else [pattern]
    return outside, inside


def _names(mesh: Mesh, host: str, namespace: str) -> list[str]:
    """What a client in ``namespace`` may call a host."""
    home = kubernetes_namespace(host, mesh.domain)
    if not home:
        return [host]
    short = short_host(host, mesh.domain)
    return [host, f"{short}.svc", short, *([short.partition(".")[0]] if home == namespace else [])]


def _routes(mesh: Mesh, key: Key, spec: Json, gateway: str, proxy: Proxy, port: int) -> list[Route]:
    """The routes of a VirtualService at a gateway and port, up to the first that takes everything."""
    found: list[Route] = []
    for number, rule, delegate in _rules(mesh, key, spec):
        for match in rule.get("match") or [{}]:
            if _is_at(match, gateway, proxy, port):
                found.append(Route(key, number, match, rule, delegate))
                if is_catch_all(match):
                    return found
    return found


def _is_at(match: Json, gateway: str, proxy: Proxy, port: int) -> bool:
    """Whether a condition can be met at a gateway and port at all."""
    if match.get("port") not in (None, 0, port):
        return False
    if match.get("gateways"):
        return gateway in match["gateways"]
    return proxy.has(match.get("sourceLabels") or {}) and match.get("sourceNamespace") in (None, "", proxy.namespace)


def _rules(mesh: Mesh, key: Key, spec: Json) -> Iterator[tuple[int, Json, Key | None]]:
    """The HTTP rules of a VirtualService with those to which it delegates, hosts and gateways in full."""
    for number, given in enumerate(spec.get("http") or [], 1):
        rule = _resolved(mesh, given, key[1])
        if "delegate" not in rule:
            yield number, rule, None
            continue
        other = delegate_of(rule, key[1])
        leaf = {} if no_delegate(mesh, other, key[1]) else mesh.spec(other) or {}
        for one in leaf.get("http") or []:
            both = merged(rule, _resolved(mesh, one, other[1]))
            if both is not None:
                yield number, both, other


def _asked(mesh: Mesh, key: Key, spec: Json, client: str) -> dict[str, set[int]]:
    """The hosts to which a VirtualService leads a client of a namespace, with the ports it names, 0 for any."""
    rules = [rule for _number, rule, _delegate in _rules(mesh, key, spec) if _is_from(rule, client)]
    rules += [_resolved(mesh, one, key[1]) for protocol in ("tls", "tcp") for one in spec.get(protocol) or []]
    found: dict[str, set[int]] = {}
    for rule in rules:
        several = [one["destination"] for part in ("route", "mirrors") for one in rule.get(part) or []]
        for one in [*several, *([rule["mirror"]] if "mirror" in rule else [])]:
            found.setdefault(one["host"], set()).add((one.get("port") or {}).get("number") or 0)
    return found


def _is_from(rule: Json, client: str) -> bool:
    spaces = {one["sourceNamespace"] for one in rule.get("match") or [] if one.get("sourceNamespace")}
    return not spaces or client in spaces


def _resolved(mesh: Mesh, rule: Json, namespace: str) -> Json:
    """A rule with the hosts and gateways in it as the whole mesh knows them."""

    def full(target: Json) -> Json:
        return {**target, "host": mesh.full(target.get("host") or "", namespace)}

    found = dict(rule)
    for part in ("route", "mirrors"):
        if part in rule:
            found[part] = [{**one, "destination": full(one.get("destination") or {})} for one in rule[part]]
    if "mirror" in rule:
        found["mirror"] = full(rule["mirror"])
    if "match" in rule:
        found["match"] = [
            {**one, "gateways": [gateway_name(name, namespace) for name in one.get("gateways") or []]}
            for one in rule["match"]
        ]
    return found

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one object of the mesh gives to others and what it needs of them.

Both are sets of tokens, tuples whose first part says what they are about:

- ``(SUBSET, host, name)`` of a DestinationRule, for the destinations of routes
- ``(HOST, host)`` and ``(PORT, host, number)`` of a ServiceEntry, for the destinations of routes
- ``(GATEWAY, namespace, name)`` of a Gateway, and ``(ADMITS, namespace, name, port, host)`` of each host of its servers
- ``(DELEGATE, namespace, name)`` of a VirtualService without hosts; ``(ROUTE, scope, host)`` of one with hosts,
  where the scope is the mesh, a gateway, or any gateway: to its callers a route that moves between them is the same;
  ``(MATCH, scope, host, conditions)`` of each of its rules at a gateway, where those of all objects for a host are put
  together
- ``(LISTENER, namespace, name, section)`` of a Gateway of the Gateway API, where the section may be ``:port``; its
  routes give ``ROUTE`` and ``MATCH`` as a VirtualService does
- ``(GRANT, kind, namespace, kind, namespace, name)`` of a ReferenceGrant: who may refer to what
- ``(SECRET, name)`` of a Secret, for the Gateways that name it
- ``(WORKLOADS, namespace)`` of a WorkloadEntry, for a ServiceEntry that selects some
- ``(ACCEPTS, namespace, traffic)`` of a PeerAuthentication, for the DestinationRules whose clients send such traffic
- ``(ISSUER, name)`` of a RequestAuthentication, for the AuthorizationPolicies that ask for its tokens
- ``(PERMIT, namespace, action and workloads, rule)`` of an AuthorizationPolicy, whose rules count together

The providers that AuthorizationPolicies and Telemetries name are in the mesh's own configuration, and most Secrets in
clusters: other tasks have them. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import EllipsisType
from typing import Any, cast

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import (
    SERVICES_DOMAIN,
    full_host,
    kubernetes_namespace,
    overlap,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import destinations
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import (
    GATEWAY_API,
    NETWORKING,
    ROOT_NAMESPACE,
    SECURITY,
)

SUBSET, HOST, PORT, GATEWAY, ADMITS = "subset", "host", "port", "gateway", "admits"
DELEGATE, ROUTE, MATCH, LISTENER, WORKLOADS = "delegate", "route", "match", "listener", "workloads"
GRANT, SECRET, ACCEPTS, ISSUER, PERMIT = "grant", "secret", "accepts", "issuer", "permit"

#: The scopes of routes that are no gateway: the sidecars, and any gateway.
MESH, GATEWAYS = "mesh", "gateways"
PLAIN, MUTUAL = "requests without TLS", "requests with mutual TLS"

Json = dict[str, Any]
Token = tuple[Any, ...]

DESTINATION_RULE, SERVICE_ENTRY = (NETWORKING, "DestinationRule"), (NETWORKING, "ServiceEntry")
_POLICY = (SECURITY, "PeerAuthentication")
_MESH = ("", "mesh")
_EVERYWHERE = "*"
# What clients send by the mode of TLS of a DestinationRule; without one they send what is taken.
_SENT = {"DISABLE": PLAIN, "SIMPLE": PLAIN, "ISTIO_MUTUAL": MUTUAL, "MUTUAL": MUTUAL}
# What a PeerAuthentication refuses by its mode.
_REFUSED = {"STRICT": PLAIN, "DISABLE": MUTUAL}
_TARGET: shapes.Shape = {"host": TEXT, "subset": TEXT, "port": {"number": NUMBER}}
_RULES: shapes.Shape = [
    {
        "route": [{"destination": _TARGET}],
        "mirror": _TARGET,
        "mirrors": [{"destination": _TARGET}],
        "delegate": {"name": TEXT, "namespace": TEXT},
        "match": [{}],
    }
]
_NUMBERED: shapes.Shape = {"number": NUMBER, "name": TEXT}
_TLS: shapes.Shape = {"tls": {"mode": TEXT}}
_TRAFFIC: dict[str | EllipsisType, shapes.Shape] = {"tls": {"mode": TEXT}, "portLevelSettings": [_TLS]}
_BACKEND: shapes.Shape = {"group": TEXT, "kind": TEXT, "name": TEXT, "namespace": TEXT, "port": NUMBER}
_ROUTE_OF_API: shapes.Shape = {
    "parentRefs": [{"name": TEXT, "namespace": TEXT, "sectionName": TEXT, "port": NUMBER}],
    "hostnames": [TEXT],
    "rules": [{"matches": [{}], "backendRefs": [_BACKEND], "filters": [{"requestMirror": {"backendRef": _BACKEND}}]}],
}
_REFERENCE: shapes.Shape = {"kind": TEXT, "namespace": TEXT, "name": TEXT}
_PRINCIPALS_OF = ("requestPrincipals", "notRequestPrincipals")
_PRINCIPALS: shapes.Shape = {key: [TEXT] for key in _PRINCIPALS_OF}
_SPECS: dict[tuple[str, str], shapes.Shape] = {
    (NETWORKING, "VirtualService"): {
        "hosts": [TEXT],
        "gateways": [TEXT],
        **dict.fromkeys(("http", "tls", "tcp"), _RULES),
    },
    DESTINATION_RULE: {
        "host": TEXT,
        "subsets": [{"name": TEXT, "trafficPolicy": _TRAFFIC}],
        "trafficPolicy": _TRAFFIC,
        "workloadSelector": {},
    },
    (NETWORKING, "Gateway"): {
        "selector": {...: TEXT},
        "servers": [
            {
                "hosts": [TEXT],
                "bind": TEXT,
                "port": _NUMBERED,
                "tls": {"credentialName": TEXT, "credentialNames": [TEXT]},
            }
        ],
    },
    SERVICE_ENTRY: {
        "hosts": [TEXT],
        "ports": [_NUMBERED],
        "endpoints": [{}],
        "workloadSelector": {},
    },
    (NETWORKING, "Sidecar"): {"egress": [{"hosts": [TEXT]}], "outboundTrafficPolicy": {"mode": TEXT}},
    (NETWORKING, "WorkloadEntry"): {},
    (GATEWAY_API, "Gateway"): {"listeners": [{"name": TEXT, "port": NUMBER, "tls": {"certificateRefs": [_REFERENCE]}}]},
    (GATEWAY_API, "ReferenceGrant"): {"from": [_REFERENCE], "to": [_REFERENCE]},
    ("", "Secret"): {},
    _POLICY: {"mtls": {"mode": TEXT}, "portLevelMtls": {...: {"mode": TEXT}}},
    (SECURITY, "RequestAuthentication"): {"jwtRules": [{"issuer": TEXT}]},
    (SECURITY, "AuthorizationPolicy"): {
        "rules": [{"from": [{"source": _PRINCIPALS}], "when": [{"key": TEXT}]}],
    },
    **{(GATEWAY_API, one): _ROUTE_OF_API for one in ("GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute")},
}
_EXPORTED = frozenset({DESTINATION_RULE, SERVICE_ENTRY, (NETWORKING, "VirtualService")})


#: The kinds whose hosts may be short names of Services.
ABOUT_HOSTS = frozenset({DESTINATION_RULE, SERVICE_ENTRY, (NETWORKING, "VirtualService")})


@dataclass(frozen=True)
class Facts:
    """One state of an object: what others can refer to, what it refers to, and by which hosts Gateways may admit it.

    ``claims`` are the hosts with TLS of a Gateway, each with its port and the Gateway's selector: of two Gateways that
    claim the same, Istio heeds the older one alone. ``scopes`` are for whom the object is, ``*`` for all.
    """

    gives: frozenset[Token] = frozenset()
    needs: frozenset[Token] = frozenset()
    hosts: frozenset[str] = frozenset()
    claims: frozenset[Token] = frozenset()
    scopes: frozenset[str] = frozenset({_EVERYWHERE})

    def beyond(self, other: Facts) -> frozenset[Token]:
        """What this state gives that the other one does not, or not to all."""
        wider = _EVERYWHERE not in other.scopes and not self.scopes <= other.scopes
        return self.gives if wider else self.gives - other.gives

    def resolved(self, entries: Entries) -> frozenset[Token]:
        """``needs``, with those of the ``ADMITS`` tokens that let in one of its hosts at one of its gateways."""
        found = (one for need in self.needs if need[0] == GATEWAY for one in entries.get(need[1:], []))
        return self.needs | {one for one in found if any(overlap(one[4].rpartition("/")[2], h) for h in self.hosts)}


NOTHING = Facts()
# The ADMITS tokens by namespace and name of their Gateway.
Entries = dict[tuple[Any, ...], list[Token]]


def entries_of(several: Iterable[Facts]) -> Entries:
    found: Entries = {}
    for token in (token for one in several for token in one.gives if token[0] == ADMITS):
        found.setdefault(token[1:3], []).append(token)
    return found


@dataclass(frozen=True)
class _Home:
    """Where an object is, by which its short hosts are read: ``domain`` is what the hosts of Services end with."""

    namespace: str
    name: str
    domain: str

    def full(self, host: str) -> str:
        return full_host(host, self.namespace, self.domain)


def facts_of(found: Json | None, domain: str = SERVICES_DOMAIN) -> Facts:
    """What an object as the API server has it, or as it is applied, gives and needs; of another kind nothing.

    ``domain`` is what the hosts of Services end with in its mesh.
    """
    sort = sort_of(found)
    if found is None or sort not in _SPECS:
        return NOTHING
    spec, home = fitted(found, domain)
    reader = _READERS.get(sort)
    facts = reader(spec, home) if reader else NOTHING
    return replace(facts, scopes=_scopes(spec, home)) if sort in _EXPORTED else facts


def absent(found: Json | None) -> Json | None:
    """What counts where an object is not there: without a PeerAuthentication all traffic is accepted."""
    return {**found, "spec": {}} if found and sort_of(found) == _POLICY else None


def fitted(found: Json, domain: str) -> tuple[Json, _Home]:
    """The ``spec`` of an object of a kind that is read, in the right types, and where the object is."""
    read = cast("dict[Any, Any]", _SPECS[sort_of(found)])
    if sort_of(found) in _EXPORTED:
        read = {**read, "exportTo": [TEXT]}
    shape: shapes.Shape = {"metadata": {"name": TEXT, "namespace": TEXT}, "spec": read}
    typed = shapes.fit(found, shape)[0]
    metadata, spec = typed.get("metadata", {}), typed.get("spec", {})
    home = _Home(metadata.get("namespace", ""), metadata.get("name", ""), domain)
    if sort_of(found) == DESTINATION_RULE:
        spec = {**spec, "host": home.full(spec.get("host", ""))}
    return spec, home


def _scopes(spec: Json, home: _Home) -> frozenset[str]:
    """The namespaces that see an object; only some of their workloads, where a DestinationRule selects these."""
    seen = {home.namespace if one == "." else one for one in spec.get("exportTo") or [_EVERYWHERE]}
    some = f" {json.dumps(spec['workloadSelector'], sort_keys=True)}" if "workloadSelector" in spec else ""
    return frozenset(f"{one}{some}" for one in seen)


def sort_of(found: Json | None) -> tuple[str, str]:
    """The API group and kind of an object."""
    return (str((found or {}).get("apiVersion")).rpartition("/")[0], str((found or {}).get("kind")))


def is_sidecar(found: Json | None) -> bool:
    """Whether the object narrows what the proxies of its namespace know, so that it gives more when it is gone."""
    return sort_of(found) == (NETWORKING, "Sidecar")


def _virtual_service(spec: Json, home: _Home) -> Facts:
    needs: set[Token] = set()
    for _place, target in destinations(spec):
        host = home.full(target.get("host", ""))
        needs.add((HOST, host))
        if target.get("subset"):
            needs.add((SUBSET, host, target["subset"]))
        if "number" in target.get("port", {}):
            needs.add((PORT, host, target["port"]["number"]))
    for rule in spec.get("http", []):
        if rule.get("delegate"):
            needs.add((DELEGATE, rule["delegate"].get("namespace") or home.namespace, rule["delegate"].get("name", "")))
    gateways = list(_gateways(spec, home.namespace))
    needs |= {(GATEWAY, *one) for one in gateways if one != _MESH}
    hosts = frozenset(home.full(host) for host in spec.get("hosts", []))
    if not hosts:
        return Facts(frozenset({(DELEGATE, home.namespace, home.name)}), frozenset(needs))
    scopes = {MESH if one == _MESH else GATEWAYS for one in gateways}
    scopes |= {"/".join(one) for one in gateways if one != _MESH}
    matches = [rule.get("match", []) for protocol in ("http", "tls", "tcp") for rule in spec.get(protocol, [])]
    return Facts(_routes(scopes, hosts, matches), frozenset(needs), hosts)


def _routes(scopes: Iterable[str], hosts: Iterable[str], matches: list[list[Json]]) -> frozenset[Token]:
    """The hosts that are routed, and at gateways by which conditions."""
    told = {_condition(one) for several in matches for one in several or [{}]}
    places = [(scope, host) for scope in scopes for host in hosts]
    found: set[Token] = {(ROUTE, *place) for place in places}
    return frozenset(found | {(MATCH, *place, one) for place in places if "/" in place[0] for one in told})


def _condition(match: Json) -> str:
    return json.dumps({key: value for key, value in match.items() if key != "name"}, sort_keys=True, default=str)


def _gateways(spec: Json, namespace: str) -> Iterator[tuple[str, str]]:
    for given in spec.get("gateways", []) or ["mesh"]:
        where, _slash, name = given.rpartition("/")
        yield _MESH if given == "mesh" else (where or namespace, name)


def _destination_rule(spec: Json, home: _Home) -> Facts:
    subsets = spec.get("subsets", [])
    policies = [one.get("trafficPolicy", {}) for one in (spec, *subsets)]
    policies += [one for policy in policies for one in policy.get("portLevelSettings", [])]
    sent = {_SENT.get(one.get("tls", {}).get("mode", "")) for one in policies} - {None}
    namespace = kubernetes_namespace(spec["host"], home.domain)
    if not namespace and not spec["host"].startswith("*"):
        # What is outside of the mesh has no PeerAuthentication.
        sent = set()
    places = {namespace or _EVERYWHERE, ROOT_NAMESPACE}
    needs = frozenset((ACCEPTS, place, what) for place in places for what in sent)
    return Facts(frozenset((SUBSET, spec["host"], one["name"]) for one in subsets if one.get("name")), needs)


def _peer_authentication(spec: Json, home: _Home) -> Facts:
    modes = [spec.get("mtls", {}), *spec.get("portLevelMtls", {}).values()]
    refused = {_REFUSED.get(one.get("mode", "")) for one in modes}
    accepted = {PLAIN, MUTUAL} - refused
    return Facts(frozenset((ACCEPTS, place, what) for place in (home.namespace, _EVERYWHERE) for what in accepted))


def _request_authentication(spec: Json, home: _Home) -> Facts:
    issuers = {one.get("issuer", "") for one in spec.get("jwtRules", [])}
    return Facts(frozenset((ISSUER, one) for one in {*issuers, ""} if issuers))


def _authorization_policy(spec: Json, home: _Home) -> Facts:
    rules = spec.get("rules", [])
    sources = [one.get("source", {}) for rule in rules for one in rule.get("from", [])]
    asked = {who for one in sources for field in _PRINCIPALS_OF for who in one.get(field, [])}
    claims = any(one.get("key", "").startswith("request.auth.") for rule in rules for one in rule.get("when", []))
    issuers = {who.rpartition("/")[0] for who in asked}
    where = _condition({key: value for key, value in spec.items() if key != "rules"})
    permits = frozenset((PERMIT, home.namespace, where, _condition(rule)) for rule in rules)
    return Facts(permits, frozenset((ISSUER, one) for one in {*issuers, ""} if issuers or claims))


def _secret(spec: Json, home: _Home) -> Facts:
    return Facts(frozenset({(SECRET, home.name)}))


def _gateway(spec: Json, home: _Home) -> Facts:
    entries = {(ADMITS, home.namespace, home.name, port, host) for port, _tls, host in _hosts_of(spec)}
    selector = json.dumps(spec.get("selector"), sort_keys=True)
    claims = ((selector, port, host) for port, tls, host in _hosts_of(spec) if tls)
    tls = [server.get("tls", {}) for server in spec.get("servers", [])]
    # It may name the namespace of the Secret, too.
    named = {name for one in tls for name in (one.get("credentialName"), *one.get("credentialNames", [])) if name}
    needs = frozenset((SECRET, name.rpartition("/")[2]) for name in named)
    return Facts(frozenset({(GATEWAY, home.namespace, home.name), *entries}), needs, claims=frozenset(claims))


def _hosts_of(spec: Json) -> Iterator[tuple[Any, bool, str]]:
    for server in spec.get("servers", []):
        for host in server.get("hosts", []):
            yield server.get("port", {}).get("number"), "tls" in server, host


def _service_entry(spec: Json, home: _Home) -> Facts:
    hosts = [home.full(host) for host in spec.get("hosts", [])]
    numbers = [port["number"] for port in spec.get("ports", []) if "number" in port]
    gives = {(HOST, host) for host in hosts} | {(PORT, host, number) for host in hosts for number in numbers}
    return Facts(frozenset(gives), frozenset({(WORKLOADS, home.namespace)} if "workloadSelector" in spec else ()))


def _workload_entry(spec: Json, home: _Home) -> Facts:
    return Facts(frozenset({(WORKLOADS, home.namespace)}))


def _gateway_of_api(spec: Json, home: _Home) -> Facts:
    listeners = spec.get("listeners", [])
    sections = [
        "",
        *(one.get("name", "") for one in listeners),
        *(f":{one['port']}" for one in listeners if "port" in one),
    ]
    needs: set[Token] = set()
    for one in (one for listener in listeners for one in listener.get("tls", {}).get("certificateRefs", [])):
        needs |= {(SECRET, one.get("name", "")), *_grants("Gateway", one, home, "Secret")}
    return Facts(frozenset((LISTENER, home.namespace, home.name, one) for one in sections), frozenset(needs))


def _grants(kind: str, reference: Json, home: _Home, usual: str) -> list[Token]:
    """What a reference to another namespace needs: a grant for that object, or for all of its kind."""
    where = reference.get("namespace") or home.namespace
    if where == home.namespace:
        return []
    return [
        (GRANT, kind, home.namespace, reference.get("kind") or usual, where, name)
        for name in ("", reference.get("name", ""))
    ]


def _reference_grant(spec: Json, home: _Home) -> Facts:
    return Facts(
        frozenset(
            (GRANT, one.get("kind"), one.get("namespace"), to.get("kind"), home.namespace, to.get("name", ""))
            for one in spec.get("from", [])
            for to in spec.get("to", [])
        )
    )


def _route_of_api(kind: str, spec: Json, home: _Home) -> Facts:
    rules, needs, scopes = spec.get("rules", []), set[Token](), {GATEWAYS}
    for one in spec.get("parentRefs", []):
        gateway = (one.get("namespace") or home.namespace, one.get("name", ""))
        scopes.add("/".join(gateway))
        needs.add((LISTENER, *gateway, one.get("sectionName", "")))
        if "port" in one:
            needs.add((LISTENER, *gateway, f":{one['port']}"))
    mirrors = [one.get("requestMirror", {}).get("backendRef") for rule in rules for one in rule.get("filters", [])]
    for backend in [*(one for rule in rules for one in rule.get("backendRefs", [])), *filter(None, mirrors)]:
        needs |= set(_grants(kind, backend, home, "Service"))
        if (backend.get("group"), backend.get("kind")) == (NETWORKING, "Hostname"):
            needs.add((HOST, backend.get("name", "")))
            needs |= {(PORT, backend.get("name", ""), backend["port"])} if "port" in backend else set()
    matches = [rule.get("matches", []) for rule in rules]
    return Facts(_routes(scopes, spec.get("hostnames") or ["*"], matches), frozenset(needs))


_READERS: dict[tuple[str, str], Callable[[Json, _Home], Facts]] = {
    (NETWORKING, "VirtualService"): _virtual_service,
    DESTINATION_RULE: _destination_rule,
    (NETWORKING, "Gateway"): _gateway,
    SERVICE_ENTRY: _service_entry,
    (NETWORKING, "WorkloadEntry"): _workload_entry,
    (GATEWAY_API, "Gateway"): _gateway_of_api,
    (GATEWAY_API, "ReferenceGrant"): _reference_grant,
    ("", "Secret"): _secret,
    _POLICY: _peer_authentication,
    (SECURITY, "RequestAuthentication"): _request_authentication,
    (SECURITY, "AuthorizationPolicy"): _authorization_policy,
    **{sort: partial(_route_of_api, sort[1]) for sort, shape in _SPECS.items() if shape is _ROUTE_OF_API},
}

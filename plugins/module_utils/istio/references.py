# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one object of the mesh gives to others and what it needs of them, and an object that gives what two states give.

Both are sets of tokens, tuples whose first part says what they are about:

- ``(SUBSET, host, name)`` of a DestinationRule, for the destinations of routes
- ``(HOST, host)`` and ``(PORT, host, number)`` of a ServiceEntry, for the destinations of routes
- ``(GATEWAY, namespace, name)`` of a Gateway, and ``(ADMITS, namespace, name, port, host)`` of each host of its servers
- ``(DELEGATE, namespace, name)`` of a VirtualService without hosts; ``(ROUTE, scope, host)`` of one with hosts,
  where the scope is the mesh, a gateway, or any gateway: to its callers a route that moves between them is the same
- ``(LISTENER, namespace, name, section)`` of a Gateway of the Gateway API
- ``(WORKLOADS, namespace)`` of a WorkloadEntry, for a ServiceEntry that selects some

Secrets named by ``credentialName`` are in clusters, and the providers of AuthorizationPolicies in the mesh's own
configuration: no task has them beside the objects that name them. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import SERVICES_DOMAIN, full_host, overlap
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import destinations

SUBSET, HOST, PORT, GATEWAY, ADMITS = "subset", "host", "port", "gateway", "admits"
DELEGATE, ROUTE, LISTENER, WORKLOADS = "delegate", "route", "listener", "workloads"

Json = dict[str, Any]
Token = tuple[Any, ...]

_ISTIO, _GATEWAY_API = "networking.istio.io", "gateway.networking.k8s.io"
DESTINATION_RULE = (_ISTIO, "DestinationRule")
_MESH = ("", "mesh")
_TARGET: shapes.Shape = {"host": TEXT, "subset": TEXT, "port": {"number": NUMBER}}
_RULES: shapes.Shape = [
    {
        "route": [{"destination": _TARGET}],
        "mirror": _TARGET,
        "mirrors": [{"destination": _TARGET}],
        "delegate": {"name": TEXT, "namespace": TEXT},
    }
]
_NUMBERED: shapes.Shape = {"number": NUMBER, "name": TEXT}
_ROUTE_OF_API: shapes.Shape = {"parentRefs": [{"name": TEXT, "namespace": TEXT, "sectionName": TEXT}]}
_SPECS: dict[tuple[str, str], shapes.Shape] = {
    (_ISTIO, "VirtualService"): {
        "hosts": [TEXT],
        "gateways": [TEXT],
        **dict.fromkeys(("http", "tls", "tcp"), _RULES),
    },
    DESTINATION_RULE: {"host": TEXT, "subsets": [{"name": TEXT}]},
    (_ISTIO, "Gateway"): {"selector": {...: TEXT}, "servers": [{"hosts": [TEXT], "bind": TEXT, "port": _NUMBERED}]},
    (_ISTIO, "ServiceEntry"): {
        "hosts": [TEXT],
        "ports": [_NUMBERED],
        "endpoints": [{}],
        "workloadSelector": {},
    },
    (_ISTIO, "Sidecar"): {"egress": [{"hosts": [TEXT]}]},
    (_ISTIO, "WorkloadEntry"): {},
    (_GATEWAY_API, "Gateway"): {"listeners": [{"name": TEXT}]},
    **{(_GATEWAY_API, one): _ROUTE_OF_API for one in ("GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute")},
}


#: The kinds whose hosts may be short names of Services.
ABOUT_HOSTS = frozenset({DESTINATION_RULE, (_ISTIO, "ServiceEntry"), (_ISTIO, "VirtualService")})


@dataclass(frozen=True)
class Facts:
    """One state of an object: what others can refer to, what it refers to, and by which hosts Gateways may admit it.

    ``claims`` are the hosts with TLS of a Gateway, each with its port and the Gateway's selector: of two Gateways that
    claim the same, Istio heeds the older one alone.
    """

    gives: frozenset[Token] = frozenset()
    needs: frozenset[Token] = frozenset()
    hosts: frozenset[str] = frozenset()
    claims: frozenset[Token] = frozenset()

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
    spec, home = _fitted(found, domain)
    reader = _READERS.get(sort)
    return reader(spec, home) if reader else NOTHING


def _fitted(found: Json, domain: str) -> tuple[Json, _Home]:
    shape: shapes.Shape = {"metadata": {"name": TEXT, "namespace": TEXT}, "spec": _SPECS[sort_of(found)]}
    fitted = shapes.fit(found, shape)[0]
    metadata, spec = fitted.get("metadata", {}), fitted.get("spec", {})
    home = _Home(metadata.get("namespace", ""), metadata.get("name", ""), domain)
    if sort_of(found) == DESTINATION_RULE:
        spec = {**spec, "host": home.full(spec.get("host", ""))}
    return spec, home


def sort_of(found: Json | None) -> tuple[str, str]:
    """The API group and kind of an object."""
    return (str((found or {}).get("apiVersion")).rpartition("/")[0], str((found or {}).get("kind")))


def is_sidecar(found: Json | None) -> bool:
    """Whether the object narrows what the proxies of its namespace know, so that it gives more when it is gone."""
    return sort_of(found) == (_ISTIO, "Sidecar")


def union(old: Json, new: Json, body: Json, domain: str = SERVICES_DOMAIN) -> Json | None:
    """``body`` (what is applied to get the state ``new``) with all that ``old`` gives, too.

    ``domain`` as for ``facts_of``.
    ``None`` where one object cannot have both: another host of a DestinationRule, two ports of one name, ...
    """
    sort = sort_of(new)
    if sort not in _UNIONS:
        return None
    before, after = (_fitted(one, domain)[0] for one in (old, new))
    fields = _UNIONS[sort](before, after)
    if fields is None:
        return None
    spec = body.get("spec")
    merged = {**(spec if isinstance(spec, dict) else {}), **fields}
    return copy.deepcopy({**body, "spec": merged})


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
    scopes = {"mesh" if one == _MESH else "gateways" for one in gateways}
    scopes |= {"/".join(one) for one in gateways if one != _MESH}
    return Facts(frozenset((ROUTE, scope, host) for scope in scopes for host in hosts), frozenset(needs), hosts)


def _gateways(spec: Json, namespace: str) -> Iterator[tuple[str, str]]:
    for given in spec.get("gateways", []) or ["mesh"]:
        where, _slash, name = given.rpartition("/")
        yield _MESH if given == "mesh" else (where or namespace, name)


def _destination_rule(spec: Json, home: _Home) -> Facts:
    return Facts(frozenset((SUBSET, spec["host"], one["name"]) for one in spec.get("subsets", []) if one.get("name")))


def _gateway(spec: Json, home: _Home) -> Facts:
    entries = {(ADMITS, home.namespace, home.name, port, host) for port, _tls, host in _hosts_of(spec)}
    selector = json.dumps(spec.get("selector"), sort_keys=True)
    claims = ((selector, port, host) for port, tls, host in _hosts_of(spec) if tls)
    return Facts(frozenset({(GATEWAY, home.namespace, home.name), *entries}), claims=frozenset(claims))


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
    sections = [one.get("name", "") for one in spec.get("listeners", [])]
    return Facts(frozenset((LISTENER, home.namespace, home.name, section) for section in ["", *sections]))


def _route_of_api(spec: Json, home: _Home) -> Facts:
    return Facts(
        needs=frozenset(
            (LISTENER, one.get("namespace") or home.namespace, one.get("name", ""), one.get("sectionName", ""))
            for one in spec.get("parentRefs", [])
        )
    )


_READERS: dict[tuple[str, str], Callable[[Json, _Home], Facts]] = {
    (_ISTIO, "VirtualService"): _virtual_service,
    DESTINATION_RULE: _destination_rule,
    (_ISTIO, "Gateway"): _gateway,
    (_ISTIO, "ServiceEntry"): _service_entry,
    (_ISTIO, "WorkloadEntry"): _workload_entry,
    (_GATEWAY_API, "Gateway"): _gateway_of_api,
    **{sort: _route_of_api for sort, shape in _SPECS.items() if shape is _ROUTE_OF_API},
}


def _both_subsets(old: Json, new: Json) -> Json | None:
    return {"subsets": _by("name", old.get("subsets", []), new.get("subsets", []))} if _same(old, new, "host") else None


def _both_servers(old: Json, new: Json) -> Json | None:
    """The servers of both; one that is in both (by its port) has the hosts of both."""
    if not _same(old, new, "selector"):
        return None
    servers = [dict(one) for one in new.get("servers", [])]
    for server in old.get("servers", []):
        port = server.get("port", {})
        at_port = [one for one in servers if one.get("port", {}).get("number") == port.get("number")]
        # A name is unique in a Gateway; where there is one server at a port, it may have got another one.
        alike = [one for one in at_port if one.get("port", {}).get("name") == port.get("name")] or at_port
        if len(alike) > 1:
            return None
        if not alike:
            servers.append({**server, "port": _named_apart(port, [one.get("port", {}) for one in servers])})
            continue
        elsewhere = {host for one in at_port if one is not alike[0] for host in one.get("hosts", [])}
        kept = [host for host in server.get("hosts", []) if host not in elsewhere]
        alike[0]["hosts"] = list(dict.fromkeys([*alike[0].get("hosts", []), *kept]))
    return {"servers": servers}


def _both_hosts(old: Json, new: Json) -> Json | None:
    """Hosts and ports of both, if they lead to the same endpoints."""
    if not _same(old, new, "addresses", "endpoints", "location", "resolution", "workloadSelector"):
        return None
    ports = list(new.get("ports", []))
    for port in _by("number", old.get("ports", []), ports)[len(ports) :]:
        ports.append(_named_apart(port, ports))
    named = any(one.get("ports") for one in new.get("endpoints", []))
    if named and any(port not in old.get("ports", []) and port not in new.get("ports", []) for port in ports):
        # Its endpoints name their ports.
        return None
    return {"hosts": list(dict.fromkeys([*new.get("hosts", []), *old.get("hosts", [])])), "ports": ports}


def _both_listeners(old: Json, new: Json) -> Json | None:
    return {"listeners": _by("name", old.get("listeners", []), new.get("listeners", []))}


def _both_views(old: Json, new: Json) -> Json | None:
    """The egress hosts of both, where each has one list of them."""
    before, after = old.get("egress", []), new.get("egress", [])
    if len(before) != 1 or len(after) != 1 or not _same(before[0], after[0], "port", "bind", "captureMode"):
        return None
    hosts = dict.fromkeys([*after[0].get("hosts", []), *before[0].get("hosts", [])])
    return {"egress": [{**after[0], "hosts": list(hosts)}]}


_UNIONS: dict[tuple[str, str], Callable[[Json, Json], Json | None]] = {
    DESTINATION_RULE: _both_subsets,
    (_ISTIO, "Gateway"): _both_servers,
    (_ISTIO, "ServiceEntry"): _both_hosts,
    (_ISTIO, "Sidecar"): _both_views,
    (_GATEWAY_API, "Gateway"): _both_listeners,
}


def _by(key: str, old: list[Json], new: list[Json]) -> list[Json]:
    """The elements of both lists; one that both have is the new one."""
    known = {one.get(key) for one in new}
    return [*new, *(one for one in old if one.get(key) not in known)]


def _named_apart(port: Json, others: list[Json]) -> Json:
    """The port, with another name if one of the others has its own: names are unique, and nothing depends on them."""
    taken = {one.get("name") for one in others}
    name = port.get("name")
    while name in taken:
        name = f"{name}-before"
    return {**port, "name": name}


def _same(old: Json, new: Json, *fields: str) -> bool:
    return all(old.get(field) == new.get(field) for field in fields)

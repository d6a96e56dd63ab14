# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An object that gives what two states of it give, to be written between them. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import SERVICES_DOMAIN
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import GATEWAY_API, NETWORKING, SECURITY
from ansible_collections.meshops.asm.plugins.module_utils.istio.references import DESTINATION_RULE, fitted, sort_of

Json = dict[str, Any]


def union(old: Json, new: Json, body: Json, domain: str = SERVICES_DOMAIN) -> Json | None:
    """``body`` (what is applied to get the state ``new``) with all that ``old`` gives, too.

    ``domain`` as for ``facts_of``.
    ``None`` where one object cannot have both: another host of a DestinationRule, two ports of one name, ...
    """
    sort = sort_of(new)
    if sort not in _UNIONS:
        return None
    before, after = (fitted(one, domain)[0] for one in (old, new))
    fields = _UNIONS[sort](before, after)
    if fields is None:
        return None
    spec = body.get("spec")
    merged = {**(spec if isinstance(spec, dict) else {}), **_for_all_of_both(before, after), **fields}
    return copy.deepcopy({**body, "spec": {key: value for key, value in merged.items() if value is not None}})


def _for_all_of_both(old: Json, new: Json) -> Json:
    """``exportTo`` for the namespaces of both."""
    lists = [one.get("exportTo") or [] for one in (old, new)]
    if lists[0] == lists[1]:
        return {}
    if not all(lists) or "*" in [*lists[0], *lists[1]]:
        return {"exportTo": ["*"]}
    return {"exportTo": list(dict.fromkeys([*lists[1], *lists[0]]))}


def _both_subsets(old: Json, new: Json) -> Json | None:
    """The subsets of both. Where one of both is for some workloads only, it is for all."""
    if not _same(old, new, "host"):
        return None
    fields: Json = {"subsets": _by("name", old.get("subsets", []), new.get("subsets", []))}
    if _same(old, new, "workloadSelector"):
        return fields
    return None if old.get("workloadSelector") and new.get("workloadSelector") else {**fields, "workloadSelector": None}


def _both_servers(old: Json, new: Json) -> Json | None:
    """The servers of both; one that is in both (by its port) has the hosts of both, or where it has another certificate
    now, a server of its own for those that go.
    """
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
        if alike and not _same(alike[0].get("port", {}), port, "protocol"):
            return None
        elsewhere = {host for one in at_port if one is not alike[0] for host in one.get("hosts", [])}
        kept = [host for host in server.get("hosts", []) if host not in elsewhere]
        if alike and _same(alike[0], server, "tls"):
            alike[0]["hosts"] = list(dict.fromkeys([*alike[0].get("hosts", []), *kept]))
            continue
        kept = [host for host in kept if not alike or host not in alike[0].get("hosts", [])]
        if kept:
            apart = _named_apart(port, [one.get("port", {}) for one in servers])
            servers.append({**server, "hosts": kept, "port": apart})
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
    """The listeners of both; the API server takes no two for the same port, protocol and host name."""
    listeners = _by("name", old.get("listeners", []), new.get("listeners", []))
    places = [(one.get("port"), one.get("protocol"), one.get("hostname")) for one in listeners]
    return {"listeners": listeners} if len(set(places)) == len(places) else None


def _both_views(old: Json, new: Json) -> Json | None:
    """The egress hosts of both; without any a workload sees all. What may be called besides is not narrowed yet."""
    before, after = old.get("egress", []), new.get("egress", [])
    fields: Json = {}
    if not _same(old, new, "outboundTrafficPolicy"):
        narrow = new.get("outboundTrafficPolicy", {}).get("mode") == "REGISTRY_ONLY"
        fields["outboundTrafficPolicy"] = (old if narrow else new).get("outboundTrafficPolicy")
    if not before or not after:
        return {**fields, "egress": None}
    listeners = [{**one, "hosts": list(one.get("hosts", []))} for one in after]
    for one in before:
        alike = next((other for other in listeners if _same(one, other, "port", "bind", "captureMode")), None)
        if alike:
            alike["hosts"] = list(dict.fromkeys([*alike["hosts"], *one.get("hosts", [])]))
        else:
            listeners.append(one)
    # The one without a port is for all that the others leave, and the last.
    return {**fields, "egress": sorted(listeners, key=lambda one: "port" not in one)}


def _both_modes(old: Json, new: Json) -> Json | None:
    """All traffic is accepted."""
    return {"mtls": {"mode": "PERMISSIVE"}} if _same(old, new, "portLevelMtls") else None


def _both_issuers(old: Json, new: Json) -> Json | None:
    return {"jwtRules": _by("issuer", old.get("jwtRules", []), new.get("jwtRules", []))}


def _both_grants(old: Json, new: Json) -> Json | None:
    """What both grant, where that is no more than what each of them grants."""
    for same, other in (("from", "to"), ("to", "from")):
        if _same(old, new, same):
            before, after = old.get(other, []), new.get(other, [])
            return {other: [*after, *(one for one in before if one not in after)]}
    return None


_UNIONS: dict[tuple[str, str], Callable[[Json, Json], Json | None]] = {
    DESTINATION_RULE: _both_subsets,
    (NETWORKING, "Gateway"): _both_servers,
    (NETWORKING, "ServiceEntry"): _both_hosts,
    (NETWORKING, "Sidecar"): _both_views,
    (GATEWAY_API, "Gateway"): _both_listeners,
    (GATEWAY_API, "ReferenceGrant"): _both_grants,
    (SECURITY, "PeerAuthentication"): _both_modes,
    (SECURITY, "RequestAuthentication"): _both_issuers,
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

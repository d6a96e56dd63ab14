# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a group of swim lanes stands for: DestinationRules with a subset per lane, VirtualServices that keep to them.

Pure functions from ASMSwimLaneGroup and its ASMSwimLanes to Istio's objects. In strict mode a request stays in the lane
of the pod that sends it (sourceLabels); in permissive mode it goes to the lane that its route header names, or to the
baseline where that lane has not got the service.
"""

from __future__ import annotations

from typing import Any

from meshlab.kubeapi import Object

#: Label of a lane: the name of its group.
GROUP_LABEL = "swimlane-group"

#: Label of everything that is made for a group: the name of the group.
OWNER_LABEL = "asm.alibabacloud.com/swimlane-group"

_ISTIO = "networking.istio.io/v1"

Name = tuple[str, str]


def services(spec: dict[str, Any]) -> list[Name]:
    """The (namespace, name) of each service that a group or a lane lists, each once."""
    found = [(one.get("namespace") or "default", one["name"]) for one in spec.get("services") or []]
    return list(dict.fromkeys(found))


class Lanes:
    """A group with its lanes, sorted by name."""

    def __init__(self, group: Object, lanes: list[Object]) -> None:
        self.name: str = group["metadata"]["name"]
        self.spec: dict[str, Any] = group.get("spec") or {}
        self.services = services(self.spec)
        self.lanes = {one["metadata"]["name"]: one.get("spec") or {} for one in sorted(lanes, key=_name)}
        self.permissive = bool(self.spec.get("isPermissive"))
        self._mode = self.spec.get("permissiveModeConfiguration") or {}
        self.header: str = (self.permissive and self._mode.get("routeHeader")) or ""

    def has(self, lane: str, service: Name) -> bool:
        """Whether a lane has a service; one that lists none has all of its group."""
        listed = services(self.lanes[lane])
        return service in (listed or self.services)

    def target(self, lane: str, service: Name) -> str:
        """The subset that a request of a lane goes to; empty for the whole service."""
        return lane if self.has(lane, service) else self.fallback(service)

    def fallback(self, service: Name) -> str:
        """The lane that has a service for those lanes that have not."""
        if not self.permissive:
            return ""
        own = (self._mode.get("serviceLevelFallbackTarget") or {}).get("/".join(service))
        found = own or self._mode.get("fallbackTarget") or ""
        return found if found in self.lanes and self.has(found, service) else ""


def objects(group: Object, lanes: list[Object]) -> dict[str, Object]:
    """Path -> object of all that a group stands for; nothing as long as it has no lane."""
    found = Lanes(group, lanes)
    if not found.lanes:
        return {}
    made = [one for service in found.services for one in (_subsets(found, service), _routes(found, service))]
    made += _entrances(found)
    return {path(one): one for one in made}


def path(made: Object) -> str:
    """The path of one of these objects."""
    plural = f"{made['kind'].lower()}s"
    return f"/apis/{_ISTIO}/namespaces/{made['metadata']['namespace']}/{plural}/{made['metadata']['name']}"


def _subsets(found: Lanes, service: Name) -> Object:
    subsets = [
        {"name": lane, "labels": spec.get("labelSelector") or {}}
        for lane, spec in found.lanes.items()
        if found.has(lane, service)
    ]
    return _object("DestinationRule", found, service, {"host": _host(service), "subsets": subsets})


def _routes(found: Lanes, service: Name) -> Object:
    """Between services: by the lane of the sender, or by the header that travels with the request."""
    rules = []
    for lane, spec in found.lanes.items():
        match: dict[str, Any] = {"sourceLabels": spec.get("labelSelector") or {}}
        if found.permissive:
            match = {"headers": {found.header: {"exact": lane}}}
        rules.append({"name": lane, "match": [match], "route": [_to(service, found.target(lane, service))]})
    # Whoever belongs to no lane.
    rules.append({"name": "others", "route": [_to(service, found.fallback(service))]})
    return _object("VirtualService", found, service, {"hosts": [_host(service)], "http": rules})


def _entrances(found: Lanes) -> list[Object]:
    """From the gateway into the lanes, one VirtualService for each set of hosts."""
    ingress = found.spec.get("ingress") or {}
    gateway = ingress.get("gateway") or {}
    routing = ingress.get("ingressRouting") or {}
    weighted = routing.get("ingressRoutingStrategy") == "weighted"
    rules = _weighted(found, routing.get("weightedRoutingRule") or {}) if weighted else _by_rules(found)
    namespace = gateway.get("namespace") or "istio-system"
    made = []
    for number, (hosts, http) in enumerate(sorted(rules.items())):
        spec = {"gateways": [f"{namespace}/{gateway.get('name')}"], "hosts": list(hosts), "http": http}
        made.append(_object("VirtualService", found, (namespace, f"ingress-{number}"), spec))
    return made


def _by_rules(found: Lanes) -> dict[tuple[str, ...], list[Object]]:
    rules: dict[tuple[str, ...], list[Object]] = {}
    for lane, spec in found.lanes.items():
        for rule in spec.get("ingressRules") or []:
            if rule.get("online"):
                entry = {"name": f"{lane}-{rule.get('name')}", **_conditions([rule.get("match") or {}])}
                entry["route"] = [_into(found, lane, (rule.get("route") or {}).get("destination") or {})]
                rules.setdefault(_hosts(rule), []).append(entry)
    # One that every request meets would keep those behind it from all.
    return {hosts: sorted(entries, key=lambda entry: "match" not in entry) for hosts, entries in rules.items()}


def _weighted(found: Lanes, rule: dict[str, Any]) -> dict[tuple[str, ...], list[Object]]:
    weights = {lane: spec.get("ingressWeight") or {} for lane, spec in found.lanes.items()}
    route = [
        {**_into(found, lane, one.get("destination") or {}), "weight": one["weight"]}
        for lane, one in weights.items()
        if one.get("weight")
    ]
    matches = rule.get("requestMatches") or []
    return {_hosts(rule): [{"name": "weighted", **_conditions(matches), "route": route}]} if route else {}


def _hosts(rule: dict[str, Any]) -> tuple[str, ...]:
    return tuple(rule.get("hosts") or ["*"])


def _conditions(matches: list[dict[str, Any]]) -> dict[str, Any]:
    """The matches of a route; one without any condition is met by every request."""
    if not matches or not all(one.get("uri") or one.get("headers") for one in matches):
        return {}
    return {"match": [{key: one[key] for key in ("uri", "headers") if one.get(key)} for one in matches]}


def _into(found: Lanes, lane: str, destination: dict[str, Any]) -> dict[str, Any]:
    """The first service of a lane; in permissive mode the request is marked with the lane from there on."""
    host = str(destination.get("host") or "")
    name, _dot, rest = host.partition(".")
    route = _to((rest.partition(".")[0] or "default", name), "", host)
    subset = found.target(lane, (rest.partition(".")[0] or "default", name))
    if subset:
        route["destination"]["subset"] = subset
    if destination.get("portNum"):
        route["destination"]["port"] = {"number": destination["portNum"]}
    if found.header:
        route["headers"] = {"request": {"set": {found.header: lane}}}
    return route


def _to(service: Name, subset: str, host: str = "") -> dict[str, Any]:
    destination = {"host": host or _host(service)}
    return {"destination": {**destination, "subset": subset} if subset else destination}


def _object(kind: str, found: Lanes, service: Name, spec: dict[str, Any]) -> Object:
    namespace, name = service
    metadata = {
        "name": f"swimlane-{found.name}-{name}",
        "namespace": namespace,
        "labels": {OWNER_LABEL: found.name},
    }
    return {"apiVersion": _ISTIO, "kind": kind, "metadata": metadata, "spec": spec}


def _host(service: Name) -> str:
    return f"{service[1]}.{service[0]}.svc.cluster.local"


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])

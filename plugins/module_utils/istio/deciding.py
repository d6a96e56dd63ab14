# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources decide where the requests of a check go, in sentences. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import TEXT
from ansible_collections.meshops.asm.plugins.module_utils.istio import routing
from ansible_collections.meshops.asm.plugins.module_utils.istio.conditions import Request
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import (
    covers,
    kubernetes_namespace,
    short_host,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import (
    AUTHORIZATION_POLICY,
    DESTINATION_RULE,
    PEER_AUTHENTICATION,
    SERVICE,
    VIRTUAL_SERVICE,
    Json,
    Key,
    Mesh,
    object_of,
    services,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import Proxy, Route, VirtualHost
from ansible_collections.meshops.asm.plugins.module_utils.istio.subsets import destination_rules, subsets

_SHOWN = 5
_RESOURCE: shapes.Shape = {
    "metadata": {"name": TEXT, "namespace": TEXT},
    "status": {"validationMessages": [{"type": {}}], "conditions": [{}]},
}


@dataclass(frozen=True)
class Entrance:
    """How requests come into the mesh: the gateway, the port of its Service, the server name of TLS."""

    gateway: Proxy
    port: int
    server_name: str | None = None


@dataclass
class Surroundings:
    """What is known about a service: the mesh's resources, and its pods' labels by cluster."""

    name: str
    namespace: str
    mesh: Mesh = field(default_factory=Mesh)
    pods: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.mesh.full(self.name, self.namespace)

    @property
    def title(self) -> str:
        return f"{self.name}.{self.namespace}"


@dataclass
class _Found:
    """What has been said so far, the routes that lead to the service, and the namespace of who asks it."""

    lines: list[str] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    client: str = ""


def explain(around: Surroundings, entrance: Entrance | None = None, requests: list[Request] | None = None) -> list[str]:
    """What decides about requests to the service, in the order in which it is decided.

    With an entrance the requests are followed through it; where they end elsewhere than at the service, it is taken to
    be asked from there.
    """
    if not any(one.host == around.host for one in services(around.mesh)):
        around = _with_service(around)
    found = _through(around, entrance, requests or []) if entrance else _Found(client=around.namespace)
    if not found.client:
        return found.lines + around.unreadable
    if not any(around.host == host for route in found.routes for host, *_more in routing.targets(route.rule)):
        _within(around, found)
    found.lines += _hidden(around, found)
    found.lines += _subsets(around, found)
    found.lines += _policies(around)
    deciding = [key for route in found.routes for key in (route.key, route.delegate) if key]
    deciding += [key for key, _spec in destination_rules(around.mesh, found.client, around.host)]
    for kind, *name in dict.fromkeys(deciding):
        found.lines += rejections(around.mesh.objects[kind][name[0], name[1]])
    return found.lines + around.unreadable


def _with_service(around: Surroundings) -> Surroundings:
    """The same with the service, of which no cluster has said anything."""
    metadata = {"name": around.name, "namespace": around.namespace}
    mesh = around.mesh.copy()
    mesh.put({"kind": SERVICE, "metadata": metadata, "spec": {"ports": [{"port": 80, "name": "http"}]}})
    return replace(around, mesh=mesh)


def _through(around: Surroundings, entrance: Entrance, requests: list[Request]) -> _Found:
    """How a gateway decides about requests; without a client where none of them gets any further."""
    found = _Found()
    hosts = routing.gateway_hosts(around.mesh, entrance.gateway, entrance.port, entrance.server_name)
    if hosts is None:
        secured = "" if entrance.server_name is None else f" with a certificate for '{entrance.server_name}'"
        found.lines.append(f"No Gateway has an HTTP server{secured} at port {entrance.port} of this gateway.")
        return found
    for request in requests[:_SHOWN]:
        line, routes = _at_gateway(hosts, request)
        found.lines.append(line)
        found.routes += routes
    reached = [host for route in found.routes for host, *_more in routing.targets(route.rule)]
    spaces = [kubernetes_namespace(host, around.mesh.domain) for host in reached]
    found.client = ROOT_NAMESPACE if around.host in reached else next((one for one in spaces if one), "")
    return found


def _at_gateway(hosts: Mapping[str, VirtualHost], request: Request) -> tuple[str, list[Route]]:
    """What a gateway does with a request, and the routes of which the first counts that fits."""
    decided = routing.decide(hosts, request)
    asked = f"{request.method or ''} {request.host}{request.path or ''}".strip()
    if decided is None:
        having = f"those there are: {_listed(sorted(hosts))}" if hosts else "there is none"
        return f"At the gateway no VirtualService is for the host '{request.host}', {having}.", []
    pattern, host, routes = decided
    if host.to_https:
        return f"At the gateway {asked} is redirected to HTTPS (tls.httpsRedirect of the Gateway).", []
    if routes:
        by = f"by the host '{pattern}': {_rules(routes)}"
        return f"At the gateway {_decision(routes)} about {asked}, {by}.", routes
    wider = [one for one in hosts if one != pattern and covers(one, request.host.lower())]
    passed = f", and those for {_listed(wider)} are not asked, because the host is wider" if wider else ""
    owners = _listed(list(dict.fromkeys(object_of(one.key) for one in host.routes)))
    return f"At the gateway no rule for the host '{pattern}' ({owners}) fits {asked}{passed}.", []


def _within(around: Surroundings, found: _Found) -> None:
    """How the sidecars of the client's namespace decide about the service."""
    ports = next(one.ports for one in services(around.mesh) if one.host == around.host)
    port = next((number for number, is_http in ports.items() if is_http), 80)
    hosts = routing.sidecar_hosts(around.mesh, Proxy(found.client), port)
    found.routes = hosts[around.host].routes if around.host in hosts else []
    found.lines += _misnamed(around)
    if not found.routes:
        found.lines.append(
            f"No VirtualService is about {around.title} inside the mesh: requests go to all of its pods alike."
        )
        return
    found.lines.append(f"{_decision(found.routes)}, the first rule that fits: {_rules(found.routes)}.")
    deciding = {route.key for route in found.routes}
    others = [
        object_of(key)
        for key, spec in routing.ranked(around.mesh, found.client)
        if key not in deciding and any(_is_about(around, key, one) for one in spec.get("hosts") or [])
    ]
    if others:
        found.lines.append(
            f"Several VirtualServices are about {around.title}: the one with the most specific host decides, of equal "
            f"ones the oldest. These do not: {_listed(others)}."
        )


def _is_about(around: Surroundings, key: Key, host: str) -> bool:
    """Whether a host that an object names is, or covers, the service's."""
    return covers(around.mesh.full(host, key[1]), around.host)


def _misnamed(around: Surroundings) -> list[str]:
    """VirtualServices that are meant for the service and name it as only clients can."""
    short = short_host(around.host, around.mesh.domain)
    return [
        f"{object_of(key)} has the host '{host}', which is not the service to Istio: '{around.host}' is."
        for key, spec in around.mesh.by_age(VIRTUAL_SERVICE)
        for host in spec.get("hosts") or []
        if host in (short, f"{short}.svc")
    ]


def _decision(routes: list[Route]) -> str:
    owners = list(dict.fromkeys(object_of(route.key) for route in routes))
    return f"{owners[0]} decides" if len(owners) == 1 else f"{' and '.join(owners)} decide"


def _rules(routes: list[Route]) -> str:
    """The rules by their numbers, each with its conditions."""
    conditions: dict[tuple[Key, int, str], list[str]] = {}
    for route in routes:
        by = f" of {object_of(route.delegate)}" if route.delegate else ""
        conditions.setdefault((route.key, route.number, f"{_action(route.rule)}{by}"), []).append(
            _condition(route.match)
        )
    return "; ".join(
        f"{number}. {' or '.join(several)} -> {action}" for (_key, number, action), several in conditions.items()
    )


def _listed(several: list[str]) -> str:
    more = [f"and {len(several) - _SHOWN} more"] if len(several) > _SHOWN else []
    return ", ".join([*several[:_SHOWN], *more])


def rejections(resource: Json) -> list[str]:
    """What istiod says about a resource in its status, as far as it says anything."""
    resource = shapes.fit(resource, _RESOURCE)[0]
    status = resource.get("status") or {}
    lines = []
    for message in status.get("validationMessages") or []:
        kind = message.get("type") or {}
        text = message.get("documentationUrl") or message.get("message") or ""
        lines.append(f"istiod says of {_title(resource)}: {kind.get('name') or kind.get('code') or ''} {text}".rstrip())
    for condition in status.get("conditions") or []:
        if str(condition.get("status")) == "False":
            lines.append(
                f"istiod says of {_title(resource)}: {condition.get('type')} is False, "
                f"{condition.get('message') or condition.get('reason') or ''}"
            )
    return lines


def _action(rule: Json) -> str:
    targets = [f"{subset or short_host(host)} {weight} %" for host, subset, weight in routing.targets(rule)]
    parts = [", ".join(targets)] if targets else []
    fault = rule.get("fault") or {}
    for kind in ("abort", "delay"):
        if kind in fault:
            percent = (fault[kind].get("percentage") or {}).get("value", 100)
            what = fault[kind].get("httpStatus") or fault[kind].get("fixedDelay") or ""
            parts.append(f"{kind} {what} for {percent:g} %")
    if rule.get("redirect") or rule.get("directResponse"):
        parts.append("a redirect" if rule.get("redirect") else "a direct response")
    mirrors = [rule.get("mirror"), *(one.get("destination") for one in rule.get("mirrors") or [])]
    parts += [f"mirrored to {one.get('subset') or short_host(one.get('host') or '')}" for one in mirrors if one]
    return " and ".join(parts) or "nothing"


def _condition(match: Json) -> str:
    parts = [
        f"{word} {name} {_text(wanted)}".rstrip()
        for part, word in (("headers", "header"), ("withoutHeaders", "no header"), ("queryParams", "query"))
        for name, wanted in (match.get(part) or {}).items()
    ]
    parts += [f"{name} {_text(match[name])}" for name in ("uri", "method", "authority", "scheme") if match.get(name)]
    if match.get("sourceLabels"):
        parts.append("from " + ", ".join(f"{key}={value}" for key, value in match["sourceLabels"].items()))
    return " and ".join(parts) or "anything"


def _text(wanted: Json) -> str:
    return " ".join(f"{how} '{value}'" for how, value in wanted.items())


def _subsets(around: Surroundings, found: _Found) -> list[str]:
    """The subsets that are declared or used, and how many pods each has where."""
    rules = destination_rules(around.mesh, found.client, around.host)
    declared = subsets(rules)
    used = {
        subset
        for route in found.routes
        for host, subset, _weight in routing.targets(route.rule)
        if host == around.host and subset
    }
    lines = [_undeclared(around, found.client, name) for name in sorted(used - set(declared))]
    for name, (key, subset) in sorted(declared.items()):
        labels = subset.get("labels") or {}
        counts = {cluster: sum(_has(pod, labels) for pod in pods) for cluster, pods in around.pods.items()}
        shown = ", ".join(f"{count} in {cluster}" for cluster, count in sorted(counts.items()))
        wanted = ", ".join(f"{key}={value}" for key, value in labels.items()) or "no labels"
        if counts and not any(counts.values()):
            lines.append(f"The subset {name} of {object_of(key)} ({wanted}) has no ready pod in any cluster.")
        elif counts:
            lines.append(f"The subset {name} of {object_of(key)} ({wanted}) has ready pods: {shown}.")
    balancers = (
        (key, ((spec.get("trafficPolicy") or {}).get("loadBalancer") or {}).get("simple")) for key, spec in rules
    )
    lines += [f"{object_of(key)} balances by {balancer}." for key, balancer in balancers if balancer][:1]
    if around.pods and not any(around.pods.values()):
        lines.append(f"{around.title} has no ready pod in {', '.join(sorted(around.pods))}.")
    return lines


def _hidden(around: Surroundings, found: _Found) -> list[str]:
    """Destinations that the mesh has, and the proxies of the client do not."""
    there = {one.host for one in services(around.mesh)} - routing.reachable(around.mesh, found.client)
    hosts = dict.fromkeys(host for route in found.routes for host, *_more in routing.targets(route.rule))
    return [
        f"{short_host(host, around.mesh.domain)} is not exported to {found.client}, from where it is asked: "
        "requests to it fail."
        for host in hosts
        if host in there
    ]


def _undeclared(around: Surroundings, client: str, name: str) -> str:
    line = f"The subset {name} is used, but no DestinationRule of {around.title} declares it"
    for key, spec in around.mesh.by_age(DESTINATION_RULE):
        named = any(one.get("name") == name for one in spec.get("subsets") or [])
        if named and _is_about(around, key, spec.get("host") or ""):
            return f"{line} that counts for requests from {client} ({object_of(key)} does not): requests to it fail."
    return f"{line}: requests to it fail."


def _policies(around: Surroundings) -> list[str]:
    """The policies that apply to the service's pods; without pods, those of its namespace."""
    lines = []
    pods = [pod for pods in around.pods.values() for pod in pods]
    for kind in (AUTHORIZATION_POLICY, PEER_AUTHENTICATION):
        for key, spec in around.mesh.each(kind):
            labels = (spec.get("selector") or {}).get("matchLabels") or {}
            selected = not labels or any(_has(pod, labels) for pod in pods)
            if key[1] in (around.namespace, ROOT_NAMESPACE) and selected:
                how = spec.get("action") or "ALLOW"
                if kind == PEER_AUTHENTICATION:
                    how = (spec.get("mtls") or {}).get("mode") or "UNSET"
                lines.append(f"{object_of(key)} applies ({how}).")
    return lines


def _has(pod: dict[str, str], labels: dict[str, str]) -> bool:
    return labels.items() <= pod.items()


def _title(resource: Json) -> str:
    metadata = resource.get("metadata") or {}
    return f"{resource.get('kind')} {metadata.get('namespace') or ''}/{metadata.get('name')}"

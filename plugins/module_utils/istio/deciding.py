# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources decide where the requests to a service go, in sentences. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import DECIMAL, TEXT
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE

Json = dict[str, Any]

_TARGET: shapes.Shape = {"host": TEXT, "subset": TEXT}
_FAULT: shapes.Shape = {"percentage": {"value": DECIMAL}}
_RULE: shapes.Shape = {
    "match": [{"headers": {}, "sourceLabels": {}}],
    "route": [{"destination": _TARGET, "weight": DECIMAL}],
    "fault": {"abort": _FAULT, "delay": _FAULT},
    "mirror": _TARGET,
    "mirrors": [{"destination": _TARGET}],
}
# What is read of a resource of any kind; what is of another type is as good as not there.
_RESOURCE: shapes.Shape = {
    "metadata": {"name": TEXT, "namespace": TEXT, "creationTimestamp": TEXT},
    "spec": {
        "hosts": [TEXT],
        "gateways": [TEXT],
        "http": [_RULE],
        "host": TEXT,
        "subsets": [{"name": TEXT, "labels": {...: TEXT}}],
        "trafficPolicy": {"loadBalancer": {"simple": TEXT}},
        "action": TEXT,
        "mtls": {"mode": TEXT},
        "selector": {"matchLabels": {...: TEXT}},
    },
    "status": {"validationMessages": [{"type": {}}], "conditions": [{}]},
}


@dataclass
class Surroundings:
    """What is known about a service: the mesh's resources by kind, and its pods' labels by cluster."""

    name: str
    namespace: str
    resources: dict[str, list[Json]] = field(default_factory=dict)
    pods: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Json]:
        """The resources of a kind, what is read of them in the right types."""
        found: list[Json] = shapes.fit(self.resources.get(kind), [_RESOURCE])[0]
        return found


def explain(around: Surroundings) -> list[str]:
    """What decides about requests to the service, in the order in which it is decided."""
    services = [
        one for one in around.of_kind("VirtualService") if any(_names(around, one, host) for host in _hosts(one))
    ]
    rules = [one for one in around.of_kind("DestinationRule") if _names(around, one, _spec(one).get("host") or "")]
    lines = _routes(around, services)
    lines += _subsets(around, services, rules)
    lines += _policies(around)
    lines += [line for one in [*services, *rules] for line in rejections(one)]
    return lines + around.unreadable


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


def _routes(around: Surroundings, services: list[Json]) -> list[str]:
    where = f"{around.name}.{around.namespace}"
    in_mesh = [one for one in services if "mesh" in (_spec(one).get("gateways") or ["mesh"])]
    if not in_mesh:
        return [f"No VirtualService is about {where} inside the mesh: requests go to all of its pods alike."]
    in_mesh.sort(key=lambda one: str((one.get("metadata") or {}).get("creationTimestamp")))
    lines = []
    if len(in_mesh) > 1:
        others = ", ".join(_title(one) for one in in_mesh[1:])
        lines.append(f"Several VirtualServices are about {where}: the oldest decides, these do not: {others}.")
    rules = [f"{number}. {_rule(rule)}" for number, rule in enumerate(_spec(in_mesh[0]).get("http") or [], 1)]
    lines.append(
        f"{_title(in_mesh[0])} decides, the first rule that fits: {'; '.join(rules) or 'it has no http rules'}."
    )
    return lines


def _rule(rule: Json) -> str:
    conditions = " or ".join(_condition(match) for match in rule.get("match") or []) or "anything"
    targets = []
    routes = rule.get("route") or []
    for route in routes:
        destination = route.get("destination") or {}
        weight = route.get("weight", 100 if len(routes) == 1 else 0)
        targets.append(f"{destination.get('subset') or destination.get('host')} {weight} %")
    parts = [", ".join(targets)] if targets else []
    fault = rule.get("fault") or {}
    for kind in ("abort", "delay"):
        if kind in fault:
            percent = (fault[kind].get("percentage") or {}).get("value", 100)
            what = fault[kind].get("httpStatus") or fault[kind].get("fixedDelay") or ""
            parts.append(f"{kind} {what} for {percent:g} %")
    if rule.get("redirect") or rule.get("directResponse"):
        parts.append("a redirect" if rule.get("redirect") else "a direct response")
    mirrors = (
        [rule.get("mirror")] if rule.get("mirror") else [one.get("destination") for one in rule.get("mirrors") or []]
    )
    parts += [f"mirrored to {(one or {}).get('subset') or (one or {}).get('host')}" for one in mirrors]
    return f"{conditions} -> {' and '.join(parts) or 'nothing'}"


def _condition(match: Json) -> str:
    parts = []
    for name, wanted in (match.get("headers") or {}).items():
        parts.append(f"header {name} {_text(wanted)}")
    for name in ("uri", "method", "authority"):
        if name in match:
            parts.append(f"{name} {_text(match[name])}")
    if match.get("sourceLabels"):
        parts.append("from " + ", ".join(f"{key}={value}" for key, value in match["sourceLabels"].items()))
    return " and ".join(parts) or "other conditions"


def _text(wanted: Any) -> str:
    return " ".join(f"{how} '{value}'" for how, value in wanted.items()) if isinstance(wanted, dict) else str(wanted)


def _subsets(around: Surroundings, services: list[Json], rules: list[Json]) -> list[str]:
    """The subsets that are declared or used, and how many pods each has where."""
    declared = {
        subset["name"]: (rule, subset)
        for rule in rules
        for subset in _spec(rule).get("subsets") or []
        if subset.get("name")
    }
    used = {
        destination["subset"]
        for service in services
        for rule in _spec(service).get("http") or []
        for destination in (route.get("destination") or {} for route in rule.get("route") or [])
        if destination.get("subset")
    }
    lines = [
        f"The subset {name} is used, but no DestinationRule of {around.name}.{around.namespace} declares it: requests "
        "to it fail."
        for name in sorted(used - set(declared))
    ]
    for name, (rule, subset) in sorted(declared.items()):
        labels = subset.get("labels") or {}
        counts = {cluster: sum(_has(pod, labels) for pod in pods) for cluster, pods in around.pods.items()}
        shown = ", ".join(f"{count} in {cluster}" for cluster, count in sorted(counts.items()))
        wanted = ", ".join(f"{key}={value}" for key, value in labels.items()) or "no labels"
        if counts and not any(counts.values()):
            lines.append(f"The subset {name} of {_title(rule)} ({wanted}) has no ready pod in any cluster.")
        elif counts:
            lines.append(f"The subset {name} of {_title(rule)} ({wanted}) has ready pods: {shown}.")
    for rule in rules:
        balancer = ((_spec(rule).get("trafficPolicy") or {}).get("loadBalancer") or {}).get("simple")
        if balancer:
            lines.append(f"{_title(rule)} balances by {balancer}.")
    if around.pods and not any(around.pods.values()):
        lines.append(f"{around.name}.{around.namespace} has no ready pod in {', '.join(sorted(around.pods))}.")
    return lines


def _policies(around: Surroundings) -> list[str]:
    """The policies that apply to the service's pods; without pods, those of its namespace."""
    lines = []
    for kind in ("AuthorizationPolicy", "PeerAuthentication"):
        for one in around.of_kind(kind):
            namespace = _namespace(one)
            if namespace not in (around.namespace, ROOT_NAMESPACE) or not _selects(around, one):
                continue
            how = _spec(one).get("action") or "ALLOW"
            if kind == "PeerAuthentication":
                how = (_spec(one).get("mtls") or {}).get("mode") or "UNSET"
            lines.append(f"{_title(one)} applies ({how}).")
    return lines


def _selects(around: Surroundings, policy: Json) -> bool:
    labels = (_spec(policy).get("selector") or {}).get("matchLabels") or {}
    pods = [pod for pods in around.pods.values() for pod in pods]
    return not labels or any(_has(pod, labels) for pod in pods)


def _names(around: Surroundings, resource: Json, host: str) -> bool:
    """Whether a host of a resource, short or full or with a wildcard, is the service."""
    full = f"{around.name}.{around.namespace}.svc.cluster.local"
    if "." not in host and "*" not in host:
        return host == around.name and _namespace(resource) == around.namespace
    return (
        host == f"{around.name}.{around.namespace}" or host == full[: -len(".cluster.local")] or fnmatchcase(full, host)
    )


def _hosts(service: Json) -> list[str]:
    return list(_spec(service).get("hosts") or [])


def _has(pod: dict[str, str], labels: dict[str, str]) -> bool:
    return all(pod.get(key) == value for key, value in labels.items())


def _spec(resource: Json) -> Json:
    return resource.get("spec") or {}


def _namespace(resource: Json) -> str:
    return str((resource.get("metadata") or {}).get("namespace") or "")


def _title(resource: Json) -> str:
    return f"{resource.get('kind')} {_namespace(resource)}/{(resource.get('metadata') or {}).get('name')}"

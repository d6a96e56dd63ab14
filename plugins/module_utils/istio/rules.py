# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The semantic checks, each a pure function from a mesh to findings. Codes never change their meaning.

Istio's own analyzers (page "Configuration Analysis Messages") are the reference: the code of the message that
``istioctl analyze`` gives stands in ``Rule.istio``. Weights are the exception: Istio divides by whatever they add up
to, so that a sum other than 100 is no error to it, and rarely what was meant.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import overlap, scopes
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import (
    AUTHORIZATION_POLICY,
    DESTINATION_RULE,
    ERROR,
    GATEWAY,
    NAMING_ROUTES,
    SERVICE,
    SERVICE_ENTRY,
    VIRTUAL_SERVICE,
    WARNING,
    WORKLOAD_ENTRY,
    Destinations,
    Finding,
    Json,
    Key,
    Mesh,
    destinations,
    object_of,
    weighted_routes,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import (
    MESH_GATEWAY,
    delegate_of,
    gateway_names,
    no_delegate,
    ranked,
)

# The label of an entry that says for itself whether it takes mutual TLS.
_TLS_MODE = "security.istio.io/tlsMode"


@dataclass(frozen=True)
class Rule:
    """A check: its code, what it means if it finds something, and the kinds that it has to know of the whole mesh."""

    code: str
    severity: str
    istio: str
    kinds: tuple[str, ...]
    look: Callable[[Rule, Mesh], Iterator[Finding]]

    def finding(self, key: Key, place: str, message: str) -> Finding:
        return Finding(key, self.code, self.severity, place, message)


def weights(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    for key, spec in mesh.each(VIRTUAL_SERVICE):
        # A weight of another type is told by its own check, and has no sum.
        for place, targets in weighted_routes(spec) if key not in mesh.odd else ():
            parts = [target.get("weight") or 0 for target in targets]
            if len(parts) < 2 or sum(parts) == 100:
                continue
            shown = " + ".join(str(part) for part in parts)
            yield rule.finding(key, place, f"the weights are {shown} = {sum(parts)}, they should add up to 100")


def subsets(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    known: dict[str, set[str]] = {}
    for (_kind, namespace, _name), spec in mesh.each(DESTINATION_RULE):
        host = mesh.full(spec.get("host") or "", namespace)
        known.setdefault(host, set()).update(one["name"] for one in spec.get("subsets") or [] if one.get("name"))
    for key, spec in mesh.each(VIRTUAL_SERVICE):
        for place, target in destinations(spec):
            host, subset = target.get("host") or "", target.get("subset")
            have = known.get(mesh.full(host, key[1]))
            # To ASM, $name stands for the value of a TrafficLabel, which each request has for itself.
            if not subset or subset in (have or ()) or subset.startswith("$"):
                continue
            if have is None:
                text = f"no DestinationRule is for the host '{host}', so it has no subset '{subset}'"
            else:
                there = ", ".join(sorted(have)) or "none"
                text = f"the DestinationRule of the host '{host}' has no subset '{subset}' (it has: {there})"
            yield rule.finding(key, place, text)


def gateways(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    for key, spec in mesh.each(VIRTUAL_SERVICE):
        for number, given in enumerate(gateway_names(spec, key[1])):
            where, _slash, name = given.rpartition("/")
            if given != MESH_GATEWAY and mesh.spec((GATEWAY, where, name)) is None:
                text = f"there is no Gateway '{name}' in the namespace '{where}', neither in the mesh nor in this task"
                yield rule.finding(key, f"spec.gateways[{number}]", text)


def shadowed_hosts(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    """Two VirtualServices for one host within the mesh: only one of them takes effect."""
    scoped: dict[str, dict[str, list[Key]]] = {}
    for key, spec in mesh.each(VIRTUAL_SERVICE):
        if MESH_GATEWAY not in gateway_names(spec, key[1]):
            continue
        for scope in scopes(spec.get("exportTo"), key[1]):
            hosts = scoped.setdefault(scope, {})
            for host in spec.get("hosts") or []:
                hosts.setdefault(mesh.full(host, key[1]), []).append(key)
    found: dict[Key, Finding] = {}
    orders: dict[str, list[Key]] = {}
    for scope, hosts in scoped.items():
        for host, keys in hosts.items():
            rivals, equal = set(keys), set(keys)
            if scope != "*":
                public = scoped.get("*", {})
                rivals.update(other for name in public if overlap(name, host) for other in public[name])
                equal.update(public.get(host, ()))
            if len(rivals) > 1:
                if scope not in orders:
                    orders[scope] = [key for key, _spec in ranked(mesh, scope)]
                first = next((key for key in orders[scope] if key in equal), keys[0])
                for key in rivals:
                    found.setdefault(key, _shadow(rule, key, host, rivals, first if equal == rivals else None))
    yield from found.values()


def _shadow(rule: Rule, key: Key, host: str, rivals: set[Key], first: Key | None) -> Finding:
    """``first`` is the one that takes effect, where all have the same host."""
    others = ", ".join(f"{namespace}/{name}" for _kind, namespace, name in sorted(rivals - {key}))
    effect = f"only {first[1]}/{first[2]} takes effect" if first else "the more specific host takes effect"
    text = f"the host '{host}' is also routed by VirtualService {others}; within the mesh {effect}"
    return rule.finding(key, "spec.hosts", text)


def unknown_destinations(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    known = Destinations(mesh)
    for key, spec in mesh.each(VIRTUAL_SERVICE):
        for place, target in destinations(spec):
            host = mesh.full(target.get("host") or "", key[1])
            inside = host.endswith(f".{mesh.domain}")
            if (inside and not mesh.services_known) or known.visible(host, key[1], spec.get("exportTo") or []):
                continue
            what = "Service or ServiceEntry" if inside else "ServiceEntry"
            text = f"no {what} is known for the host '{host}'"
            if host in known:
                text = f"the {what} of the host '{host}' is not exported to where this VirtualService is"
            yield rule.finding(key, place, text)


def delegates(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    """Rules that Istio leaves out, because it has no VirtualService to ask."""
    for key, spec in mesh.each(VIRTUAL_SERVICE):
        for number, given in enumerate(spec.get("http") or []):
            other = delegate_of(given, key[1]) if "delegate" in given else None
            why = no_delegate(mesh, other, key[1]) if other else ""
            if other and why:
                text = f"{object_of(other)} {why}, so that Istio leaves this rule out"
                yield rule.finding(key, f"spec.http[{number}].delegate", text)


def unknown_providers(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    """Policies that deny everything that they are about, because there is nobody to ask."""
    for key, spec in mesh.each(AUTHORIZATION_POLICY):
        name = (spec.get("provider") or {}).get("name")
        if spec.get("action") != "CUSTOM" or mesh.providers is None or not name or name in mesh.providers:
            continue
        there = ", ".join(sorted(mesh.providers)) or "none"
        text = (
            f"the mesh has no extension provider '{name}' (it has: {there}), so that every request that the policy is "
            "about is denied"
        )
        yield rule.finding(key, "spec.provider.name", text)


def unnamed_routes(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    """Limits and circuit breakers for a route that nothing has, which the product leaves out."""
    rules = [one for _key, spec in mesh.each(VIRTUAL_SERVICE) for one in spec.get("http") or []]
    names = {one.get("name") for one in rules}
    for key, spec in (one for kind in NAMING_ROUTES if mesh.routes_known for one in mesh.each(kind)):
        for number, config in enumerate(spec.get("configs") or []):
            name = config.get("match", {}).get("vhost", {}).get("route", {}).get("name_match")
            # Istio adds the name of a match to that of its route.
            if not name or name in names or name.rpartition(".")[0] in names:
                continue
            text = f"no VirtualService has an HTTP route with the name '{name}', so that this takes no effect"
            yield rule.finding(key, f"spec.configs[{number}].match.vhost.route.name_match", text)


def unselected_entries(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    """Hosts that nothing leads to. A Service of a cluster may select them as well, which nobody here can tell."""
    selectors: dict[str, list[Json]] = {}
    for (_kind, namespace, _name), spec in mesh.each(SERVICE_ENTRY):
        wanted = spec.get("workloadSelector", {}).get("labels")
        selectors.setdefault(namespace, []).extend([wanted] if wanted else [])
    for key, spec in mesh.each(WORKLOAD_ENTRY):
        labels = _entry_labels(mesh, key, spec)
        if not any(wanted.items() <= labels.items() for wanted in selectors.get(key[1], [])):
            shown = ", ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "none"
            text = f"no ServiceEntry of the namespace '{key[1]}' selects its labels ({shown})"
            yield rule.finding(key, "spec.labels", f"{text}, so that only a Service of a cluster could lead to it")


def _entry_labels(mesh: Mesh, key: Key, spec: Json) -> Json:
    """Those of the object come first."""
    own = mesh.objects[key[0]][key[1:]].get("metadata", {}).get("labels", {})
    return {**spec.get("labels", {}), **own}


def nameless_entries(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    """Hosts without an identity: Istio sends them plain text, unless a label says that they take TLS."""
    for key, spec in mesh.each(WORKLOAD_ENTRY):
        if not spec.get("serviceAccount") and _TLS_MODE not in _entry_labels(mesh, key, spec):
            text = "without a serviceAccount it has no identity, so that it is sent plain text instead of mutual TLS"
            yield rule.finding(key, "spec.serviceAccount", text)


def types(rule: Rule, mesh: Mesh) -> Iterator[Finding]:
    """What the other checks had to leave out."""
    for key, parts in mesh.odd.items():
        for one in parts:
            yield rule.finding(key, one.place, f"this {one.message}")


RULES = (
    Rule("ASM001", ERROR, "", (), weights),
    Rule("ASM002", ERROR, "IST0101", (VIRTUAL_SERVICE, DESTINATION_RULE), subsets),
    Rule("ASM003", ERROR, "IST0101", (VIRTUAL_SERVICE, GATEWAY), gateways),
    Rule("ASM004", ERROR, "IST0109", (VIRTUAL_SERVICE,), shadowed_hosts),
    Rule("ASM005", WARNING, "IST0101", (VIRTUAL_SERVICE, SERVICE_ENTRY, SERVICE), unknown_destinations),
    Rule("ASM006", ERROR, "", (), types),
    Rule("ASM007", ERROR, "", (VIRTUAL_SERVICE,), delegates),
    # A warning: the product may have providers of its own that it does not list.
    Rule("ASM008", WARNING, "", (), unknown_providers),
    Rule("ASM009", WARNING, "", (), unnamed_routes),
    Rule("ASM010", WARNING, "", (WORKLOAD_ENTRY, SERVICE_ENTRY), unselected_entries),
    Rule("ASM011", WARNING, "", (), nameless_entries),
)


def needed_kinds(touched: set[str]) -> list[str]:
    """The kinds of the mesh that have to be read when a task has objects of the kinds ``touched``."""
    return list(dict.fromkeys(kind for rule in RULES if touched & set(rule.kinds) for kind in rule.kinds))


def findings(before: Mesh, after: Mesh, own: set[Key]) -> list[Finding]:
    """What is wrong afterwards with the objects ``own`` of a task, and what it newly breaks of others.

    ``own`` are the objects as the task wants them; what was wrong elsewhere before and still is, is not told.
    """
    touched = {key[0] for key in own} | _changed_kinds(before, after)
    result: list[Finding] = []
    for rule in RULES:
        if rule.kinds and VIRTUAL_SERVICE not in touched and not touched & set(rule.kinds):
            continue
        old = set(rule.look(rule, before))
        result += [one for one in rule.look(rule, after) if one.key in own or one not in old]
    return sorted(result, key=lambda one: (one.severity, one))


def as_result(one: Finding, source: str | None) -> Json:
    """The entry of the result list ``findings``."""
    return {
        "code": one.code,
        "severity": one.severity,
        "object": object_of(one.key),
        "place": one.place,
        "message": one.message,
        "source": source,
    }


def _changed_kinds(before: Mesh, after: Mesh) -> set[str]:
    kinds = before.objects.keys() | after.objects.keys()
    return {kind for kind in kinds if before.objects.get(kind, {}).keys() != after.objects.get(kind, {}).keys()}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every public function of the collection that takes a manifest, an Istio object or a spec, called with any value.

``test_takers.py`` fails for a function of these files that is neither here nor known to take none.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from itertools import product
from types import ModuleType
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.checks import replies, running, surroundings
from ansible_collections.meshops.asm.plugins.module_utils.cloud.shapes import shape_of
from ansible_collections.meshops.asm.plugins.module_utils.cluster import registry
from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding, options, shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import nested
from ansible_collections.meshops.asm.plugins.module_utils.gateway import balancers, certificates, rollout, routes
from ansible_collections.meshops.asm.plugins.module_utils.gateway import described as gateway_described
from ansible_collections.meshops.asm.plugins.module_utils.istio import (
    conditions,
    deciding,
    hosts,
    references,
    release,
    route_weights,
    routing,
    rules,
    steps,
    subsets,
    unions,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio import model as mesh
from ansible_collections.meshops.asm.plugins.module_utils.kube import (
    baseline,
    bounds,
    documents,
    host_files,
    injected,
    kinds,
    linting,
    texts,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.answers import as_page
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, Wishes, make_items
from ansible_collections.meshops.asm.plugins.module_utils.lane import groups as lane_groups
from ansible_collections.meshops.asm.plugins.module_utils.lane import rules as lane_rules
from ansible_collections.meshops.asm.plugins.module_utils.mesh import described as mesh_described
from ansible_collections.meshops.asm.plugins.module_utils.mesh import (
    equality,
    hidden,
    kiali,
    providers,
    sidecar,
    values,
)
from ansible_collections.meshops.asm.plugins.module_utils.probe import metrics, versus
from ansible_collections.meshops.asm.plugins.module_utils.probe.sequential import Rule
from ansible_collections.meshops.asm.plugins.module_utils.spec import account as account_checks
from ansible_collections.meshops.asm.plugins.module_utils.spec import consistency as spec_checks
from ansible_collections.meshops.asm.plugins.module_utils.spec import inspection
from ansible_collections.meshops.asm.plugins.plugin_utils import fleet, item_options, write_back
from ansible_collections.meshops.asm.plugins.plugin_utils.vocabulary import vocabulary

Taker = Callable[[Any], Any]


def mesh_of(value: Any) -> mesh.Mesh:
    """A mesh of the objects in a list; of anything else none."""
    found = mesh.Mesh(services_known=True)
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            found.put(one)
    return found


def listed_of(value: Any) -> list[Any]:
    """What is left of a list of a server, see ``kube.answers.as_page``."""
    try:
        return as_page({"metadata": {}, "items": value if isinstance(value, list) else [value]}, "server", "GET")[0]
    except AsmError:
        return []


def specs_of(value: Any) -> list[Any]:
    """The specs of the VirtualServices in a mesh, as the rules see them."""
    return [spec for _key, spec in mesh_of(value).each(mesh.VIRTUAL_SERVICE)]


def items_of(value: Any) -> list[Item]:
    """The objects as a task has them, for whichever API server."""
    return make_items(Wishes("any", documents.from_definition(value)), None)


def around(value: Any) -> deciding.Surroundings:
    """A service among these objects, each of every kind that counts."""
    found = deciding.Surroundings("reviews", "shop", mesh_of(value), {"one": [{"app": "reviews"}], "two": []})
    for one in value if isinstance(value, list) else [value]:
        for kind in (mesh.VIRTUAL_SERVICE, mesh.DESTINATION_RULE, mesh.AUTHORIZATION_POLICY, mesh.PEER_AUTHENTICATION):
            found.mesh.put({**one, "kind": kind} if isinstance(one, dict) else {"kind": kind})
    return found


_GATE = routing.Proxy("istio-system", {"istio": "front"}, {80: 8080})
_HOST = "reviews.shop.svc.cluster.local"
_ASKED = conditions.Request("reviews.org", "/a?b=c", "GET", "http", {"x": "y"})


def explained(value: Any) -> list[str]:
    entrance = deciding.Entrance(_GATE, 80)
    return deciding.explain(around(value), entrance, [_ASKED]) + deciding.explain(around(value))


def asked(found: dict[str, routing.VirtualHost] | None) -> Any:
    return found and [routing.decide(found, _ASKED), routing.decide(found, conditions.Request("reviews"))]


def rules_of(value: Any) -> list[Any]:
    return [rule for spec in specs_of(value) for rule in spec.get("http") or []]


def matches_of(value: Any) -> list[Any]:
    return [one for rule in rules_of(value) for one in rule.get("match", [])]


def objects(value: Any) -> dict[str, list[Item]]:
    return {"one": items_of(value)}


def lint_of(value: Any) -> tuple[Any, ...]:
    found = linting.lint(None, items_of(value))
    return found.results(), found.warnings(), found.error()


def found_by(value: Any) -> list[Any]:
    """What lint finds in a task with these objects, on a mesh that has them too."""
    after = mesh_of(value)
    own = {key for kind in after.objects for key, _spec in after.each(kind)}
    found = rules.findings(mesh.Mesh(), after, own) + rules.findings(after, mesh.Mesh(), own)
    return [rules.as_result(one, None) for one in found]


def manifests(value: Any) -> list[dict[str, Any]]:
    """The objects as they are applied, of whatever kind."""
    return [item.body for item in items_of(value) if item.body]


def bare(one: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in one.items() if key != "spec"}


def changes_of(value: Any) -> list[list[steps.Change]]:
    """The objects made, unmade, and changed to others without content and back."""
    found = manifests(value)
    pairs = [[(None, one) for one in found], [(one, None) for one in found]]
    pairs += [[(one, bare(one)) for one in found], [(bare(one), one) for one in found]]
    return [[steps.Change("x", old, new, new) for old, new in several] for several in pairs]


def host_of(value: Any) -> tuple[Any, ...]:
    """What a host is told by a WorkloadGroup with this in its places."""
    noted = {"annotations": {"proxy.istio.io/config": value if isinstance(value, str) else json.dumps(value)}}
    given = value if isinstance(value, dict) and "spec" in value else {"metadata": noted, "spec": value}
    group = host_files.read_group(given, "shop", "stock")
    host = host_files.Host("stock-1", "192.0.2.20", "one")
    pilot = host_files.Pilot("istiod.istio-system.svc", "192.0.2.1", 15012, "PEM")
    return host_files.files_of(group, host, pilot), host_files.entry_of(group, host)


MANIFESTS: dict[Callable[..., Any], Taker] = {
    documents.from_definition: lambda value: [one.title for one in documents.from_definition(value)],
    documents.plain_definition: documents.plain_definition,
    documents.parse: lambda value: documents.parse(str(value), "text"),
    documents.clean: lambda value: [
        documents.clean(one.body, set_name="x") for one in documents.from_definition(value)
    ],
    texts.load: lambda value: texts.load(str(value), "text"),
    texts.load_all: lambda value: list(texts.load_all(str(value), "text")),
    kinds.defined_kinds: lambda value: [kinds.defined_kinds(one.body) for one in documents.from_definition(value)],
    kinds.check_target: items_of,
    kinds.check_written: lambda value: [
        kinds.check_written(one.body["apiVersion"], one.body["kind"]) for one in documents.from_definition(value)
    ],
    linting.lint: lint_of,
    host_files.read_group: host_of,
    host_files.why_new_token: lambda value: host_files.why_new_token(
        f"e30.{base64.urlsafe_b64encode(json.dumps(value).encode()).decode()}.e30",
        host_files.read_group({}, "shop", "stock"),
        {},
        minutes=60,
        now=0.0,
    ),
}
LINT: dict[Callable[..., Any], Taker] = {
    mesh.destinations: lambda value: [list(mesh.destinations(spec)) for spec in specs_of(value)],
    mesh.weighted_routes: lambda value: [list(mesh.weighted_routes(spec)) for spec in specs_of(value)],
    mesh.services: lambda value: list(mesh.services(mesh_of(value))),
    mesh.visible: lambda value: mesh.visible(mesh_of(value), "shop"),
    rules.findings: found_by,
    routing.gateway_names: lambda value: [routing.gateway_names(spec, "shop") for spec in specs_of(value)],
    routing.delegate_of: lambda value: [
        routing.no_delegate(mesh_of(value), routing.delegate_of(rule, "shop"), "shop")
        for rule in rules_of(value)
        if "delegate" in rule
    ],
    routing.ranked: lambda value: routing.ranked(mesh_of(value), "shop"),
    routing.gateway_hosts: lambda value: asked(routing.gateway_hosts(mesh_of(value), _GATE, 80)),
    routing.sidecar_hosts: lambda value: asked(routing.sidecar_hosts(mesh_of(value), routing.Proxy("shop"), 80)),
    routing.reachable: lambda value: routing.reachable(mesh_of(value), "shop"),
    routing.targets: lambda value: [routing.targets(rule) for rule in rules_of(value)],
    conditions.fits: lambda value: [conditions.fits(one, _ASKED) for one in matches_of(value)],
    conditions.is_catch_all: lambda value: [conditions.is_catch_all(one) for one in matches_of(value)],
    conditions.merged: lambda value: [conditions.merged(*both) for both in product(rules_of(value), repeat=2)],
    subsets.destination_rules: lambda value: subsets.destination_rules(mesh_of(value), "shop", _HOST),
    subsets.subsets: lambda value: subsets.subsets(list(mesh_of(value).each(mesh.DESTINATION_RULE))),
    **{rule.look: lambda value, rule=rule: list(rule.look(rule, mesh_of(value))) for rule in rules.RULES},
}
_LIVE: dict[str, Any] = {"metadata": {"name": "front"}, "spec": {"clusterIds": ["c1"], "ports": []}}
SPEC: dict[Callable[..., Any], Taker] = {
    spec_checks.read: spec_checks.read,
    spec_checks.misspelt: lambda value: spec_checks.misspelt(
        value if isinstance(value, dict) else {"asm_check": value}
    ),
    spec_checks.unprefixed: lambda value: spec_checks.unprefixed(
        value if isinstance(value, dict) else {"workloads": value, "mesh": value}
    ),
    spec_checks.wrong_names: spec_checks.wrong_names,
    spec_checks.wrong_sources: spec_checks.wrong_sources,
    spec_checks.wrong_gateways: spec_checks.wrong_gateways,
    spec_checks.wrong_checks: lambda value: spec_checks.wrong_checks(value, value),
    spec_checks.deaf_ports: lambda value: spec_checks.deaf_ports(value, {}),
    spec_checks.unmade_namespaces: lambda value: spec_checks.unmade_namespaces(value, "asm_workloads", {}),
    spec_checks.unknown_gateways: lambda value: spec_checks.unknown_gateways(value, {}),
    balancers.clashes: balancers.clashes,
    gateway_described.differences: lambda value: gateway_described.differences(value, _LIVE, {"c1": "one"}),
    mesh_described.differences: lambda value: mesh_described.differences(value, {"detail": {}, "tags": {}}),
    shapes.named: shapes.named,
    options.wrong_variables: lambda value: options.wrong_variables(
        value if isinstance(value, dict) else dict.fromkeys(vocabulary(), value), vocabulary()
    ),
    options.accepted: lambda value: options.accepted(
        value, {"name": {"type": "str"}, "ports": {"type": "list"}}, name="a"
    ),
    options.title_of: lambda value: options.title_of("asm_gateways", 0, value),
    options.without_nulls: lambda value: options.without_nulls(value, vocabulary()),
    item_options.wrong_items: lambda value: item_options.wrong_items(
        value if isinstance(value, dict) else dict.fromkeys(vocabulary(), value)
    ),
    options.wrong_options: lambda value: options.wrong_options({"asm_mesh": value, "x": value}, vocabulary()),
    inspection.read: inspection.read,
    certificates.stored: lambda value: certificates.stored({"data": value}),
    routes.found: lambda value: routes.found(value if isinstance(value, dict) else {"RouteDestinations": value}),
    routes.state_of: routes.state_of,
    fleet.fleet: lambda value: [
        fleet.fleet(meshes, shared, value, vocabulary())
        for meshes, shared in (
            (value, {}),
            ([value, {"asm_mesh": value}, {"asm_mesh": {"name": value, "region": value}}], {}),
            ([{"asm_mesh": {"name": "a"}}], value if isinstance(value, dict) else {"asm_gateways": value}),
        )
    ],
    account_checks.what_is_created: lambda value: account_checks.what_is_created(_MESH, "r", value),
}
# The same with objects of any shape in a spec that is right.
_GATEWAYS = {"asm_gateways": [{"name": "front", "ports": [{"name": "http", "port": 80}]}]}
OBJECTS: dict[Callable[..., Any], Taker] = {
    spec_checks.deaf_ports: lambda value: spec_checks.deaf_ports(_GATEWAYS, objects(value)),
    spec_checks.unmade_namespaces: lambda value: spec_checks.unmade_namespaces({}, "asm_workloads", objects(value)),
    spec_checks.unknown_gateways: lambda value: spec_checks.unknown_gateways(_GATEWAYS, objects(value)),
}
# Every kind of stage, and a route that has been through it.
_RELEASES = [
    release.Release("v2", "v1", 5, {"v1": 90, "v2": 10}, "now", marked=True),
    release.Release("v2", "v1", 0, {"v1": 90, "v2": 10}, "now", match={"headers": {"a": "b"}}),
    release.Release("v2", "v1", 0, {"v1": 90, "v2": 10}, "now", mirror=5),
]
_TARGETS = [{"destination": {"host": "reviews", "subset": name}, "weight": 50} for name in ("v1", "v2")]
_ROUTE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "reviews"},
    "spec": {"http": [{"route": _TARGETS}]},
}
ROUTES: dict[Callable[..., Any], Taker] = {
    route_weights.weights_of: lambda value: route_weights.weights_of(value, ["v1", "v2"]),
    route_weights.with_weights: lambda value: route_weights.with_weights(value, {"v1": 90, "v2": 10}),
    route_weights.read: route_weights.read,
    route_weights.names: route_weights.names,
    route_weights.words_of: route_weights.words_of,
    release.release_of: release.release_of,
    release.begun: lambda value: release.begun(value, "v2", "v1"),
    release.plain: release.plain,
    release.staged: lambda value: [release.staged(value, one) for one in _RELEASES],
    release.respected: lambda value: [release.respected(value, release.staged(_ROUTE, one)) for one in _RELEASES],
}
# What Prometheus answers, and the text of a description that a release is written into.
_BOTH = versus.Compare("v2", "v1", 0.2, {"failures": Rule(0.01, 0.05, 0.05), "p90": Rule(0.1, 0.05, 0.05)})
_WRITTEN = write_back.Route("VirtualService", "shop", "reviews")
CANARY: dict[Callable[..., Any], Taker] = {
    metrics.judged: lambda value: metrics.judged(value, _BOTH, 0.0, 60.0),
    write_back.written_back: lambda value: write_back.written_back(
        value if isinstance(value, str) else json.dumps(value), _WRITTEN, {"v1": 0, "v2": 100}
    ),
}
ORDER: dict[Callable[..., Any], Taker] = {
    references.facts_of: lambda value: [references.facts_of(one) for one in manifests(value)],
    references.sort_of: lambda value: [references.sort_of(one) for one in manifests(value)],
    references.is_sidecar: lambda value: [references.is_sidecar(one) for one in manifests(value)],
    references.absent: lambda value: [references.absent(one) for one in manifests(value)],
    unions.union: lambda value: [
        unions.union(*pair) for one in manifests(value) for pair in ((one, one, one), (one, bare(one), bare(one)))
    ],
    steps.plan: lambda value: [steps.plan(changes, "svc.corp.test") for changes in changes_of(value)],
    steps.reads_hosts: lambda value: [steps.reads_hosts(changes) for changes in changes_of(value)],
    steps.unordered: lambda value: [steps.unordered(changes) for changes in changes_of(value)],
}
# What the API server of a cluster answers: every item of a list is a mapping with metadata (``kube/answers.py``).
WORKLOADS: dict[Callable[..., Any], Taker] = {
    injected.group: lambda value: [
        (one.short, one.exempt, one.lacking, one.needs_restart, one.risk, one.refusal)
        for kind in injected.KINDS
        for one in injected.group("shop", {kind: listed_of(value)}, listed_of(value))
    ],
    baseline.copies: lambda value: [baseline.copies(one, one, 2) for one in listed_of(value)],
    baseline.version_of: lambda value: [baseline.version_of(one) for one in listed_of(value)],
    baseline.pods_of: lambda value: [baseline.pods_of(one) for one in listed_of(value)],
    rollout.lacking: lambda value: [
        rollout.lacking(set(spec) | {"ports", "podLabels"}, {"ports": spec.get("ports")}, spec, one, one)
        for one in listed_of(value)
        for spec in (one, dicts(one.get("spec")))
    ],
}
CHECKS: dict[Callable[..., Any], Taker] = {
    running.read_checks: lambda value: running.read_checks(value, ["front"]),
    deciding.explain: explained,
    deciding.rejections: deciding.rejections,
    surroundings.is_ready: surroundings.is_ready,
    surroundings.proxy_of: lambda value: surroundings.proxy_of(value, "front"),
}
_LANE = {"Name": "gray", "GroupName": "features"}
# Parts of replies whose shape is not documented, and the spec of an object that anybody may have written.
LANES: dict[Callable[..., Any], Taker] = {
    lane_rules.rules_of_spec: lambda value: lane_rules.rules_as_spec(lane_rules.rules_of_spec({"ingressRules": value})),
    lane_rules.weight_of_spec: lambda value: lane_rules.weight_of_spec({"ingressWeight": value}),
    lane_rules.rules_of_row: lane_rules.rules_of_row,
    lane_rules.weight_of_row: lane_rules.weight_of_row,
    lane_rules.weighted_rule_of_row: lane_rules.weighted_rule_of_row,
    lane_groups.group_view: lambda value: lane_groups.group_view(
        {"GroupName": "features", "IngressRoutingStrategy": "weighted", "WeightedIngressRule": value}
    ),
    lane_groups.lane_view: lambda value: lane_groups.lane_view(
        {**_LANE, "IngressRule": value, "WeightedIngressDestinatin": value},
        {"GroupName": "features", "ServiceLevelFallbackTarget": value},
    ),
    lane_groups.labels_of: lambda value: lane_groups.labels_of({"SwimLaneLabels": value}),
    lane_groups.baselines: lambda value: lane_groups.baselines({"ServiceLevelFallbackTarget": value}),
    lane_groups.problem: lambda value: lane_groups.problem({"ValidationMessage": decoding.json_text(value)}),
}
_LOGIN = {"client_id": "a", "client_secret": "b", "issuer_uri": "https://c", "scopes": ["d"]}
_SERVICE = {"service": "authz", "port": 80, "timeout": "1s", "request_headers": ["a"], "oidc": _LOGIN}
_KIALI = {"auth_strategy": "openid", "openid": _LOGIN, "prometheus_tokens": {"c1": "a"}, "server": {"port": 80}}
# Configurations that the service keeps as they were sent, by whomever, and items of a spec beside them.
KEPT: dict[Callable[..., Any], Taker] = {
    providers.config_of: lambda value: providers.config_of({"Name": "a", "Config": value}),
    providers.differences: lambda value: providers.differences(value, {"service": "a", "port": 80}),
    providers.public: lambda value: providers.public(
        {**(value if isinstance(value, dict) else {"oidc": value}), "name": 1}
    ),
    providers.change: lambda value: providers.change(_SERVICE, providers.config_of({"Config": value})),
    providers.view: lambda value: providers.view("httpextauth-a", providers.config_of({"Config": value})),
    kiali.change: lambda value: kiali.change(_KIALI, value if isinstance(value, dict) else {"OpenIdConfig": value}),
    kiali.view: lambda value: kiali.view("a", value if isinstance(value, dict) else {"ServerConfig": value}),
    kiali.addresses: lambda value: kiali.addresses(
        value if isinstance(value, dict) else {"DistributedKialiAddresses": value}
    ),
}


def dicts(value: Any) -> dict[str, Any]:
    """An option of the type dict."""
    return value if isinstance(value, dict) else {"postStart": value, "literal": value}


def lists(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def words(value: Any) -> list[str]:
    """An option that is a list of texts."""
    return [str(one) for one in lists(value)]


def patches(value: Any) -> dict[str, Any]:
    """What a namespace sets, as a reply that has passed its judge; each place has the value."""
    return (
        value
        if isinstance(value, dict)
        else dict.fromkeys(shape_of("DescribeNamespaceScopeSidecarConfig")["ConfigPatches"], value)
    )


def both(compare: Callable[[Any, Any], bool]) -> Taker:
    """A comparison of the value with itself, which must hold, and with another one, either way round."""

    def taker(value: Any) -> Any:
        # Not-a-number is equal to nothing, itself included.
        assert compare(value, value) or "nan" in str(value).lower()
        return compare(value, {"preStop": {"exec": {"command": ["a"]}}}), compare([{"matchLabels": {"a": "b"}}], value)

    return taker


def set_there(value: Any) -> Any:
    found = sidecar.settings(patches(value))
    assert not sidecar.different(found, sidecar.target(found, found, purge=True))
    return sidecar.parameters(found, (*found,)), nested(found)


SETTINGS: dict[Callable[..., Any], Taker] = {
    **{
        compare: both(compare)
        for compare in (
            equality.amounts,
            equality.documents,
            equality.durations,
            equality.hooks,
            equality.mappings,
            equality.selectors,
            equality.texts,
        )
    },
    equality.canonical: equality.canonical,
    equality.seconds: equality.seconds,
    **{
        check: lambda value, check=check: check(dicts(value))
        for check in (values.by_cluster, values.hooks, values.scheduling, values.statistics, values.tags, values.texts)
    },
    **{check: lambda value, check=check: check(words(value)) for check in (values.ports, values.ranges)},
    **{
        check: lambda value, check=check: check(str(value))
        for check in (values.digits, values.duration, values.quantity)
    },
    values.selectors: lambda value: values.selectors(lists(value)),
    sidecar.settings: set_there,
    sidecar.different: set_there,
    sidecar.target: set_there,
    sidecar.parameters: set_there,
    sidecar.wanted: lambda value: sidecar.wanted({"lifecycle": dicts(value), "proxy_metadata": dicts(value)}),
    registry.names_of: lambda value: registry.names_of(words(value)),
    hidden.is_hidden: hidden.is_hidden,
}
TABLES = (MANIFESTS, LINT, SPEC, OBJECTS, ROUTES, CANARY, ORDER, WORKLOADS, CHECKS, LANES, SETTINGS, KEPT)

# Public functions that take none of these: names, hosts, paths, results of our own, an account that is asked.
OTHERS: dict[ModuleType, set[str]] = {
    documents: {"read"},
    texts: set(),
    bounds: {"check_levels", "check_size", "check_value", "plain", "too_deep", "too_many", "whole"},
    kinds: {
        "known_kind",
        "table_kind",
        "default_version",
        "split_api_version",
        "belongs",
        "entries",
        "is_of_mesh",
        "is_optional",
        "objects",
        "prunable_kinds",
        "may_prune",
        "find_kind",
    },
    linting: set(),
    mesh: {"object_of"},
    hosts: {
        *("full_host", "short_host", "kubernetes_namespace", "covers", "overlap", "meeting", "best", "scopes"),
        *("is_exported", "services_domain"),
    },
    routing: {"gateway_name", "decide", "no_delegate"},
    conditions: set(),
    subsets: set(),
    rules: {"needed_kinds", "as_result"},
    spec_checks: {"resembled"},
    balancers: {"setting", "is_wanted", "kind"},
    certificates: {"given", "doubts", "read", "tells"},
    routes: {"check", "wanted", "sent", "read_one", "rows_of", "read_row"},
    gateway_described: set(),
    mesh_described: set(),
    inspection: {"inspect", "check_rows", "table", "problems", "public_providers"},
    account_checks: {"check"},
    references: {"entries_of", "fitted"},
    unions: set(),
    baseline: {"named", "leftovers", "refuse_others"},
    rollout: set(),
    injected: {"exemption", "interruption", "asks_for_sidecars"},
    steps: set(),
    route_weights: {"rule_of", "set_weights", "applicable", "copied"},
    release: set(),
    metrics: {"query"},
    write_back: set(),
    fleet: set(),
    shapes: {"fit", "of_options", "require", "type_name"},
    options: set(),
    item_options: {"wrong_types"},
    running: {"run_checks", "untried", "shown", "entrance", "asked"},
    deciding: set(),
    replies: {"hints"},
    surroundings: {"look"},
    lane_rules: {
        *("check_match", "check_header", "check_rules", "check_destination", "plain", "in_order"),
        *("rules_as_spec", "weight_as_spec", "weighted_rule_as_row"),
    },
    hidden: {"pictures"},
    providers: {"kind_of", "check", "providers", "known_names", "encoded"},
    kiali: {"check"},
    lane_groups: {
        *("check_name", "groups", "find_group", "require_group", "group_not_yet", "lanes"),
        *("lanes_named", "update_group"),
    },
    equality: set(),
    values: {"count", "percent", "port", "positive"},
    sidecar: {"describe"},
    registry: {"deployments", "endpoints", "namespaces", "pods", "service_accounts"},
}

_MESH: dict[str, Any] = {
    "name": "demo",
    "vpc_id": "vpc-1",
    "api_server_load_balancer_spec": None,
    "pilot_load_balancer_spec": None,
    "api_server_public_eip": None,
}


def tried(takers: dict[Callable[..., Any], Taker], value: Any) -> None:
    """Calls each of them; one that refuses the value does not keep it from the others."""
    for taker in takers.values():
        try:
            taker(value)
        except AsmError as error:
            assert error.message, "an error without a message"

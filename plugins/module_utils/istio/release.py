# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a release of a version stands, kept in an annotation of the route that it shifts. Pure.

The rules of a VirtualService or HTTPRoute are one field to the API server (an atomic list), so no field manager can own
the weights alone. Instead the object says what was released: between which versions, at which stage, and which weights
the description had. Whoever applies the description makes the same of it that the release has made, as long as it still
has those weights; once it has others, it is newer than the release, and the annotation goes.

PRIVATE: this code is for the plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT, Scalar
from ansible_collections.meshops.asm.plugins.module_utils.istio import route_weights
from ansible_collections.meshops.asm.plugins.module_utils.istio.route_weights import VIRTUAL_SERVICE

ANNOTATION = "meshops.asm/release"
#: The rule that leads chosen requests to the new version, and the header by which its answers are known.
RULE, HEADER = "meshops-canary", "x-meshops-version"
#: Behind the names of a fresh copy of the stable version: its Deployment, its Service, its version.
BASELINE = "-baseline"
_COOKIE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

Json = dict[str, Any]
_MATCH: shapes.Shape = {"headers": {...: TEXT}, "cookie": {...: TEXT}}
_ANNOTATED: shapes.Shape = {"metadata": {"annotations": {...: TEXT}}}
_FLAG = Scalar("true or false", lambda value: value if isinstance(value, bool) else None)
_SHAPE: shapes.Shape = {
    "canary": TEXT,
    "stable": TEXT,
    "route": TEXT,
    "weight": NUMBER,
    "match": _MATCH,
    "mirror": NUMBER,
    "baseline": NUMBER,
    "marked": _FLAG,
    "described": {...: NUMBER},
    "begun": {...: NUMBER},
    "at": TEXT,
}


@dataclass(frozen=True)
class Release:
    """``weight`` is the percentage of the new version; ``match`` and ``mirror`` are what is done besides, if anything.

    ``match`` is ``{headers: {name: value}}`` or ``{cookie: {name: value}}`` of requests that all get the new version,
    ``mirror`` the percentage of the requests of which it gets a copy, ``baseline`` that of the requests which a fresh
    copy of the stable version gets out of those that are not for the new one. With ``marked`` the answers say in a
    header whose they are. ``described`` are the weights that the description has, ``begun`` those of the beginning,
    where an earlier release had made others.
    """

    canary: str
    stable: str
    weight: int
    described: dict[str, int]
    at: str
    route: str | None = None
    match: Json | None = None
    mirror: int = 0
    baseline: int = 0
    marked: bool = False
    begun: dict[str, int] | None = None

    @property
    def weights(self) -> dict[str, int]:
        """Those of the rule; before the first step and after the way back everybody has what it had."""
        before = self.begun or self.described
        if not self.weight and not before.get(self.canary):
            return before
        return {self.stable: 100 - self.weight, self.canary: self.weight}

    @property
    def over(self) -> bool:
        """Whether nothing is left that the description does not say."""
        return not (self.match or self.mirror or self.baseline) and _shares(self.described) == _shares(self.weights)

    def text(self) -> str:
        """What is released, in a few words."""
        besides = f", and a copy of {self.mirror} %" if self.mirror else ""
        besides = ", and the requests that match" if self.match else besides
        described = self.described.get(self.canary, 0)
        return f"{self.canary} has {self.weight} %{besides}, described {described} %, by canary of {self.at}"


def release_of(route: Any) -> Release | None:
    """What the annotation of an object says; ``None`` without one, or with one that is not ours."""
    annotations = (shapes.fit(route, _ANNOTATED)[0] or {}).get("metadata", {}).get("annotations", {})
    try:
        found = shapes.require(json.loads(annotations[ANNOTATION]), _SHAPE, ANNOTATION)
        release = Release(**found)
        shares = (release.weight, release.mirror, release.baseline)
        return release if min(shares) >= 0 and max(shares[0] + shares[2], shares[1]) <= 100 else None
    except (KeyError, TypeError, ValueError, InvalidInput, RecursionError):
        return None


def begun(live: Json, canary: str, stable: str, route: str | None = None) -> Release:
    """The release of an object as it stands, or one that begins now: it has the weights that are described.

    Raises ``InvalidInput`` when there is no such rule, or another one of the object has a release that is not
    described: the object can say that of one rule only, and the other promotion would not stay.
    """
    before, found = release_of(live), route_weights.read(plain(live) if release_of(live) else live)
    rule = route_weights.rule_of(found, [stable, canary], route)
    weights = route_weights.weights_of(found, [stable, canary], route)
    share = round(100 * weights[canary] / (sum(weights.values()) or 1))
    if before is None:
        return Release(canary, stable, share, weights, "", route)
    if not _leads(found, rule, before):
        raise InvalidInput(
            f"Another rule of this {found['kind']} has a release that is not described yet: {before.text()}. Give the "
            "description its weights first, by hand or with write_back, or end it with force_conflicts: true."
        )
    same = (before.canary, before.stable, before.route) == (canary, stable, route)
    return (
        replace(before, weight=share)
        if same
        else Release(canary, stable, share, before.described, "", route, begun=weights)
    )


def plain(live: Json) -> Json:
    """An object to apply, without what a release has added to it; the weights stay."""
    release, changed = release_of(live), route_weights.applicable(route_weights.read(live))
    if release is None:
        return changed
    words = route_weights.words_of(changed)
    rules = changed["spec"][words.rules] = [rule for rule in changed["spec"][words.rules] if rule.get("name") != RULE]
    rule: Json = next((one for one in rules if _leads(changed, one, release)), {})
    if release.mirror:
        _without_mirror(rule)
    if release.baseline:
        _without_baseline(rule, words, release)
    for target in rule.get(words.targets, []) if release.marked else []:
        _unmark(target)
    annotations = {key: value for key, value in changed["metadata"]["annotations"].items() if key != ANNOTATION}
    changed["metadata"].pop("annotations")
    if annotations:
        changed["metadata"]["annotations"] = annotations
    return changed


def staged(route: Json, release: Release) -> Json:
    """``route`` with what a release makes of it. Raises ``InvalidInput`` when it has no rule for both versions."""
    changed = route_weights.copied(route_weights.read(route))
    words = route_weights.words_of(changed)
    rule = route_weights.rule_of(changed, [release.stable, release.canary], release.route)
    weights = release.described if release.over else release.weights
    if release.marked:
        for target in rule[words.targets]:
            _mark(changed, target, words.name_of(target))
    if release.mirror:
        _mirror(changed, rule, release)
    if release.match:
        rules = changed["spec"][words.rules]
        place = next(number for number, one in enumerate(rules) if one is rule)
        rules.insert(place, _matching(changed, rule, release))
    route_weights.set_weights(changed, rule, weights)
    if release.baseline:
        _add_baseline(changed, rule, release)
    if not release.over:
        annotations = {**changed["metadata"].get("annotations", {}), ANNOTATION: _said(release)}
        changed["metadata"] = {**changed["metadata"], "annotations": annotations}
    return changed


def respected(want: Json, live: Json | None) -> tuple[Json, str]:
    """A described object as the release of the stored one makes it, and what is released; as it is without one."""
    release = release_of(live)
    if release is None or release.over or route_weights.words_of(want) is not route_weights.words_of(live):
        return want, ""
    try:
        weights = route_weights.weights_of(want, [release.stable, release.canary], release.route)
        if _shares(weights) != _shares(release.described):
            return want, ""
        return staged(want, release), release.text()
    except InvalidInput:
        return want, ""


def _shares(weights: Json) -> Json:
    """The percentages of those that have any: weights of an HTTPRoute need not sum to 100."""
    total = sum(weights.values()) or 1
    return {name: round(100 * weight / total) for name, weight in weights.items() if weight}


def _said(release: Release) -> str:
    always = ("canary", "stable", "weight", "described", "at")
    said = {key: value for key, value in vars(release).items() if value or key in always}
    return json.dumps(said, sort_keys=True)


def _leads(route: Json, rule: Json, release: Release) -> bool:
    words = route_weights.words_of(route)
    named = set(map(words.name_of, rule.get(words.targets, [])))
    return {release.stable, release.canary} <= named and (not release.route or rule.get("name") == release.route)


def _matching(route: Json, rule: Json, release: Release) -> Json:
    """The rule for chosen requests: as the other, with its conditions and one more, to the new version alone."""
    words = route_weights.words_of(route)
    given = rule.get("match" if words is VIRTUAL_SERVICE else "matches") or [{}]
    targets = [one for one in rule[words.targets] if words.name_of(one) == release.canary]
    only = copy.deepcopy({**rule, "name": RULE, words.targets: targets})
    only[words.targets][0]["weight"] = 100
    headers = _headers(release.match or {})
    if words is VIRTUAL_SERVICE:
        wanted = {name: {"regex" if regex else "exact": value} for name, value, regex in headers}
        only["match"] = [{**one, "headers": {**(one.get("headers") or {}), **wanted}} for one in copy.deepcopy(given)]
    else:
        listed = [
            {"name": name, "type": "RegularExpression" if regex else "Exact", "value": value}
            for name, value, regex in headers
        ]
        only["matches"] = [{**one, "headers": [*(one.get("headers") or []), *listed]} for one in copy.deepcopy(given)]
    return only


def _headers(match: Json) -> list[tuple[str, str, bool]]:
    """``(name, value, whether it is a regular expression)`` of each condition."""
    plain_ones = [(name.lower(), value, False) for name, value in match.get("headers", {}).items()]
    for name, value in match.get("cookie", {}).items():
        if not _COOKIE.fullmatch(name) or not re.fullmatch(r"[\x21-\x7e]*", value) or ";" in value:
            raise InvalidInput(f"match.cookie: '{name}={value}' is no cookie.")
        plain_ones.append(("cookie", rf"^(.*;\s*)?{re.escape(name)}={re.escape(value)}(;.*)?$", True))
    if len(plain_ones) != 1 and "cookie" in [name for name, _value, _regex in plain_ones]:
        raise InvalidInput("match: a cookie stands alone. Give one cookie, or headers.")
    if not plain_ones:
        raise InvalidInput("match needs headers or a cookie.")
    return plain_ones


def _mirror(route: Json, rule: Json, release: Release) -> None:
    words = route_weights.words_of(route)
    target = next(one for one in rule[words.targets] if words.name_of(one) == release.canary)
    if words is VIRTUAL_SERVICE:
        if rule.get("mirror") or rule.get("mirrors"):
            raise InvalidInput("mirror: the rule has one already. Take it away, or leave mirror out.")
        rule["mirror"] = copy.deepcopy(target["destination"])
        rule["mirrorPercentage"] = {"value": release.mirror}
        return
    if any(one.get("type") == "RequestMirror" for one in rule.get("filters") or []):
        raise InvalidInput("mirror: the rule has one already. Take it away, or leave mirror out.")
    backend = {key: value for key, value in target.items() if key in ("group", "kind", "name", "namespace", "port")}
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": backend, "percent": release.mirror}}
    rule["filters"] = [*(rule.get("filters") or []), mirror]


def _without_mirror(rule: Json) -> None:
    for key in ("mirror", "mirrorPercentage"):
        rule.pop(key, None)
    filters = [one for one in rule.pop("filters", None) or [] if one.get("type") != "RequestMirror"]
    if filters:
        rule["filters"] = filters


def _add_baseline(route: Json, rule: Json, release: Release) -> None:
    """One more target, which takes its share from that of the stable version."""
    words = route_weights.words_of(route)
    stable = next(one for one in rule[words.targets] if words.name_of(one) == release.stable)
    added = copy.deepcopy(stable)
    stable["weight"] -= release.baseline
    added["weight"] = release.baseline
    if words is VIRTUAL_SERVICE:
        service, dot, domain = str(added["destination"].get("host", "")).partition(".")
        added["destination"] = {**added["destination"], "host": f"{service}{BASELINE}{dot}{domain}"}
        added["destination"].pop("subset", None)
    else:
        added["name"] = f"{added['name']}{BASELINE}"
    if release.marked:
        _unmark(added)
        _mark(route, added, f"{release.stable}{BASELINE}")
    rule[words.targets].append(added)


def _without_baseline(rule: Json, words: route_weights.Words, release: Release) -> None:
    targets = rule.get(words.targets, [])
    stable = next((one for one in targets if words.name_of(one) == release.stable), None)
    for one in [one for one in targets if words.name_of(one).partition(".")[0].endswith(BASELINE)]:
        targets.remove(one)
        if stable is not None:
            stable["weight"] = words.weight_of(stable) + words.weight_of(one)


def _mark(route: Json, target: Json, name: str) -> None:
    if route_weights.words_of(route) is VIRTUAL_SERVICE:
        headers = target.get("headers") or {}
        response = headers.get("response") or {}
        marked = {**response, "set": {**(response.get("set") or {}), HEADER: name}}
        target["headers"] = {**headers, "response": marked}
    else:
        marks = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": HEADER, "value": name}]}}
        target["filters"] = [*(target.get("filters") or []), marks]


def _unmark(target: Json) -> None:
    """Takes the mark out again, and what held nothing but it."""
    response = (target.get("headers") or {}).get("response") or {}
    if HEADER in (response.get("set") or {}):
        response["set"].pop(HEADER)
        for below, above, key in ((response["set"], response, "set"), (response, target["headers"], "response")):
            if not below:
                above.pop(key)
        if not target["headers"]:
            target.pop("headers")
    filters = [one for one in target.pop("filters", None) or [] if HEADER not in json.dumps(one)]
    if filters:
        target["filters"] = filters

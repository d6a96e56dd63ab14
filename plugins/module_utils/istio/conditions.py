# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions under which a rule of a VirtualService counts, and how those of a delegate come to it. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.meshops.asm.plugins.module_utils.istio.model import Json

# What a rule without it has from the rule that delegates to it.
_INHERITED = (
    *("rewrite", "directResponse", "timeout", "retries", "fault", "corsPolicy", "headers"),
    *("mirror", "mirrors", "mirrorPercent", "mirrorPercentage"),
)
_TESTED = ("uri", "scheme", "method", "authority")
_TESTED_MAPS = ("headers", "withoutHeaders", "queryParams")


@dataclass(frozen=True)
class Request:
    """An HTTP request as it reaches the proxy; what is None is not known. Names of headers are in small letters."""

    host: str
    path: str | None = None
    method: str | None = None
    scheme: str | None = None
    headers: Mapping[str, str] | None = None


def fits(match: Json, request: Request) -> bool | None:
    """Whether a request meets a condition; None where that is not known, as of an expression that only Envoy reads.

    Ports, gateways and the labels of the source are settled before.
    """
    path, _mark, query = (request.path or "").partition("?")
    uri = match.get("uri")
    if uri and match.get("ignoreUriCase") is True:
        path, uri = path.lower(), {how: value.lower() for how, value in uri.items()}
    parameters = dict(one.partition("=")[::2] for one in query.split("&") if one)
    headers = request.headers or {}
    # What has to be known of the request, what it has, and what is wanted.
    wanted: list[tuple[object, str | None, Json | None]] = [
        (request.path, path, uri),
        (request.method, request.method, match.get("method")),
        (request.host, request.host, match.get("authority")),
        (request.scheme, request.scheme, match.get("scheme")),
    ]
    for name, test in (match.get("headers") or {}).items():
        wanted.append((request.headers, headers.get(name.lower()), test))
    for name, test in (match.get("queryParams") or {}).items():
        wanted.append((request.path, parameters.get(name), test))
    found = [None if known is None else _meets(value, test) for known, value, test in wanted if test is not None]
    for name, test in (match.get("withoutHeaders") or {}).items():
        met = None if request.headers is None else _meets(headers.get(name.lower()), test)
        found.append(None if met is None else not met)
    return False if False in found else None if None in found else True


def _meets(value: str | None, test: Json) -> bool | None:
    """Whether a value, None for one that is not there, is as a StringMatch wants it."""
    if value is None:
        return False
    if "exact" in test:
        return value == str(test["exact"])
    if "prefix" in test:
        return value.startswith(str(test["prefix"]))
    return True if test.get("regex") in (None, "*", ".*") else None


def is_catch_all(match: Json) -> bool:
    uri = match.get("uri") or {"prefix": "/"}
    everything = uri.get("prefix") == "/" or uri.get("regex") == ".*"
    return everything and not any(match.get(part) for part in (*_TESTED[1:], *_TESTED_MAPS))


def merged(root: Json, leaf: Json) -> Json | None:
    """A rule of a delegate as the rule that delegates to it wants it; None when their conditions exclude each other."""
    roots, leaves = root.get("match") or [], leaf.get("match") or []
    matches: list[Json] = [] if roots and leaves else roots or leaves
    for one in leaves if roots else ():
        several = [_merged_match(other, one) for other in roots if not _conflicts(other, one)]
        if not several:
            return None
        matches += several
    inherited = {part: root[part] for part in _INHERITED if part in root and part not in leaf}
    return {**leaf, **inherited, "match": matches, "name": _joined(root, leaf)}


def _merged_match(root: Json, leaf: Json) -> Json:
    maps = {part: {**root.get(part, {}), **leaf.get(part, {})} for part in (*_TESTED_MAPS, "sourceLabels")}
    own = {part: value for part, value in leaf.items() if value}
    return {**root, **own, **{part: value for part, value in maps.items() if value}, "name": _joined(root, leaf)}


def _joined(root: Json, leaf: Json) -> str:
    return "-".join(one["name"] for one in (root, leaf) if one.get("name"))


def _conflicts(root: Json, leaf: Json) -> bool:
    """Whether a condition of a delegate is not part of one of the rule that delegates to it."""
    pairs = [(root.get(part), leaf.get(part)) for part in _TESTED]
    for part in _TESTED_MAPS:
        pairs += [((root.get(part) or {}).get(name), test) for name, test in (leaf.get(part) or {}).items()]
    ours, theirs = root.get("gateways") or [], leaf.get("gateways") or []
    labels = root.get("sourceLabels") or {}
    return (
        any(_is_apart(one, other) for one, other in pairs)
        or (root.get("ignoreUriCase") is True) != (leaf.get("ignoreUriCase") is True)
        or bool(root.get("port") and leaf.get("port") and root["port"] != leaf["port"])
        or bool(root.get("sourceNamespace") and root["sourceNamespace"] != leaf.get("sourceNamespace"))
        or any(labels.get(name, value) != value for name, value in (leaf.get("sourceLabels") or {}).items())
        or bool(ours and theirs and (len(ours) < len(theirs) or not set(theirs) <= set(ours)))
    )


def _is_apart(root: Json | None, leaf: Json | None) -> bool:
    """Whether istiod takes the second StringMatch for no part of the first; of expressions it never knows."""
    if root is None or leaf is None:
        return False
    if root.get("regex") or leaf.get("regex"):
        return True
    if root.get("exact"):
        return bool(leaf.get("prefix")) or leaf.get("exact") != root["exact"]
    value = leaf.get("prefix") or leaf.get("exact")
    return not (root.get("prefix") and value and value.startswith(root["prefix"]))

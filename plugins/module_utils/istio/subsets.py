# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which DestinationRules count for a host, and the subsets that they declare. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import (
    best,
    is_exported,
    kubernetes_namespace,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import (
    DESTINATION_RULE,
    Json,
    Key,
    Mesh,
    visible,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE


def destination_rules(mesh: Mesh, namespace: str, host: str) -> list[tuple[Key, Json]]:
    """The DestinationRules that count for requests from ``namespace`` to a full host, the oldest first.

    Those of the asking namespace count first, then those of the host's, then those of the root namespace; of each only
    those of the most specific host, and of these only the last to be exported elsewhere than others. Rules for some
    workloads only are passed over.
    """
    home = next((one.namespace for one in visible(mesh, namespace) if one.host == host), "")
    home = home or kubernetes_namespace(host, mesh.domain)
    rules = [(key, spec) for key, spec in mesh.by_age(DESTINATION_RULE) if "workloadSelector" not in spec]
    local = [
        (key, spec)
        for key, spec in rules
        if key[1] == namespace
        and is_exported(spec.get("exportTo"), namespace, namespace)
        and (namespace != ROOT_NAMESPACE or _is_private(key, spec))
    ]
    found = _merged_rules(mesh, local, host)
    for owner in (home, ROOT_NAMESPACE):
        exported = [(key, spec) for key, spec in rules if key[1] == owner and not _is_private(key, spec)]
        found = found or _merged_rules(mesh, exported, host, namespace)
    return found


def subsets(rules: list[tuple[Key, Json]]) -> dict[str, tuple[Key, Json]]:
    """The subsets that these DestinationRules declare, each with the rule; of two with one name the older counts."""
    found: dict[str, tuple[Key, Json]] = {}
    for key, spec in rules:
        for one in spec.get("subsets") or []:
            if one.get("name"):
                found.setdefault(one["name"], (key, one))
    return found


def _is_private(key: Key, spec: Json) -> bool:
    return spec.get("exportTo") in (["."], [key[1]])


def _merged_rules(
    mesh: Mesh, rules: list[tuple[Key, Json]], host: str, viewer: str | None = None
) -> list[tuple[Key, Json]]:
    """The rules of the most specific host that Istio merges into one; with ``viewer`` exported to there."""
    by_host: dict[str, list[tuple[Key, Json]]] = {}
    for key, spec in rules:
        by_host.setdefault(mesh.full(spec.get("host") or "", key[1]), []).append((key, spec))
    groups: list[tuple[set[str], list[tuple[Key, Json]]]] = []
    for key, spec in by_host.get(best(by_host, host) or "", []):
        exported = set(spec.get("exportTo") or [])
        apart = True
        for theirs, members in groups:
            apart = not (exported == theirs or (theirs and exported >= theirs))
            if not apart:
                members.append((key, spec))
        if apart:
            groups.append((exported, [(key, spec)]))
    seen = [
        members for theirs, members in groups if viewer is None or not theirs or not {"*", viewer}.isdisjoint(theirs)
    ]
    return seen[-1] if seen else []

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds an API server serves: two requests for all of them, or one more for each group of an older server.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import Kind, entries, objects

# All groups, versions and kinds in one document; since Kubernetes 1.26 (as v2beta1), else the list of groups comes.
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_ACCEPT = ",".join([_AGGREGATED.format("v2"), _AGGREGATED.format("v2beta1"), "application/json"])
# What an object needs for being a member of a set that can be pruned.
_VERBS = frozenset({"list", "delete", "patch"})

Json = dict[str, Any]


def served_kinds(client: KubeClient) -> list[Kind]:
    """Every kind that can be listed, patched and deleted, each in the version that its group prefers.

    Empty where the server does not tell. Raises ``AsmError`` when it does not answer.
    """
    found: dict[tuple[str, str], Kind] = {}
    for path in ("/api", "/apis"):
        document = client.get(path, accept=_ACCEPT) or {}
        all_at_once = document.get("kind") == "APIGroupDiscoveryList"
        for kind in _aggregated(document) if all_at_once else _asked(client, path, document):
            found.setdefault((kind.group, kind.kind), kind)
    return list(found.values())


def _aggregated(document: Json) -> Iterator[Kind]:
    for group in objects(document.get("items")):
        metadata = group.get("metadata")
        name = str(metadata.get("name") or "") if isinstance(metadata, dict) else ""
        for version in entries(group, "versions", "version"):
            for one in entries(version, "resources", "resource"):
                response = one.get("responseKind")
                kind = str(response.get("kind") or "") if isinstance(response, dict) else ""
                if kind and _can_be_member(one):
                    yield Kind(name, version["version"], kind, one["resource"], one.get("scope") == "Namespaced")


def _asked(client: KubeClient, path: str, document: Json) -> Iterator[Kind]:
    """The same from one document for each version of each group."""
    given = document.get("versions")
    versions = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    for group in objects(document.get("groups")):
        first = [group["preferredVersion"]] if isinstance(group.get("preferredVersion"), dict) else []
        several = [*first, *entries(group, "versions", "groupVersion")]
        versions += dict.fromkeys(str(one.get("groupVersion")) for one in several)
    for version, answer in zip(versions, client.all(lambda one: client.get(f"{path}/{one}"), versions), strict=True):
        group_name, _unused, number = version.rpartition("/")
        for one in entries(answer, "resources", "kind"):
            name = str(one.get("name") or "")
            if name and "/" not in name and _can_be_member(one):
                yield Kind(group_name, number, one["kind"], name, bool(one.get("namespaced")))


def _can_be_member(resource: Json) -> bool:
    verbs = resource.get("verbs")
    return isinstance(verbs, list) and {str(verb) for verb in verbs} >= _VERBS

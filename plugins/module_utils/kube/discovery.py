# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kinds an API server serves: two requests for all of them, or one more for each group of an older server.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import Kind

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
    for group in document.get("items") or []:
        name = str((group.get("metadata") or {}).get("name") or "")
        for version in group.get("versions") or []:
            for one in version.get("resources") or []:
                if set(one.get("verbs") or []) >= _VERBS:
                    kind, namespaced = (one.get("responseKind") or {}).get("kind"), one.get("scope") == "Namespaced"
                    yield Kind(name, str(version["version"]), str(kind), str(one["resource"]), namespaced)


def _asked(client: KubeClient, path: str, document: Json) -> Iterator[Kind]:
    """The same from one document for each version of each group."""
    versions = [str(version) for version in document.get("versions") or []]
    for group in document.get("groups") or []:
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        others = [str(one.get("groupVersion")) for one in group.get("versions") or []]
        versions += [str(preferred), *(one for one in others if one != preferred)] if preferred else others
    for version, answer in zip(versions, client.each(lambda one: client.get(f"{path}/{one}"), versions), strict=True):
        if isinstance(answer, AsmError):
            raise answer
        group_name, _unused, number = version.rpartition("/")
        for one in (answer or {}).get("resources") or []:
            if "/" not in str(one.get("name")) and set(one.get("verbs") or []) >= _VERBS:
                yield Kind(group_name, number, str(one["kind"]), str(one["name"]), bool(one.get("namespaced")))

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The semantic checks of a task: reads what they need of the mesh, one LIST per kind, and words what they find.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import services_domain
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import (
    AUTHORIZATION_POLICY,
    ERROR,
    NAMING_ROUTES,
    SERVICE,
    VIRTUAL_SERVICE,
    Finding,
    Key,
    Mesh,
    object_of,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import NETWORKING, SECURITY
from ansible_collections.meshops.asm.plugins.module_utils.istio.rules import (
    as_result,
    findings,
    needed_kinds,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import (
    ASM_GROUP,
    Kind,
    default_version,
    table_kind,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import DELETED, Item

_SHOWN = 5

Json = dict[str, Any]
# The names of the extension providers of the mesh; None where nobody knows.
Providers = Callable[[], "Iterable[str] | None"]


class Lint:
    """What the checks found in one set of objects."""

    def __init__(self, found: list[Finding], items: Iterable[Item]) -> None:
        sources = {_key(item): str(item.source) for item in items if item.source}
        self._found = [(one, sources.get(one.key)) for one in found]

    def results(self) -> list[Json]:
        return [as_result(one, source) for one, source in self._found]

    def warnings(self) -> list[str]:
        return [_text(one, source) for one, source in self._found if one.severity != ERROR]

    def error(self) -> AsmError | None:
        """One error for all findings that are errors, naming the first few."""
        texts = [_text(one, source) for one, source in self._found if one.severity == ERROR]
        if not texts:
            return None
        more = [f"... and {len(texts) - _SHOWN} more, see the result's findings"] if len(texts) > _SHOWN else []
        shown = " | ".join([*texts[:_SHOWN], *more])
        return InvalidInput(f"lint: {shown}. Nothing was written.", code="LintFailed")


def lint(
    client: KubeClient | None,
    items: list[Item],
    providers: Providers | None = None,
    cluster_domain: Callable[[], str] = str,
) -> Lint:
    """Looks at the mesh as it would be with the items. Without ``client`` there is no mesh yet.

    ``providers`` is asked when a policy names one, ``cluster_domain`` (of the mesh, empty for the usual one) when hosts
    are read.
    """
    routing = [item for item in items if item.kind.group == NETWORKING]
    policies = [item for item in items if (item.kind.group, item.kind.kind) == (SECURITY, AUTHORIZATION_POLICY)]
    limits = [item for item in items if item.kind.group == ASM_GROUP and item.kind.kind in NAMING_ROUTES]
    relevant = [*routing, *policies, *limits]
    if not relevant:
        return Lint([], [])
    before = Mesh(routes_known=bool(limits and client))
    kinds = _kinds(routing, bool(limits))
    if client and kinds:
        before.domain = services_domain(cluster_domain())
        _read(client, kinds, before)
    known = providers() if providers and client and any(map(_asks, policies)) else None
    before.providers = None if known is None else frozenset(known)
    after = before.copy()
    own: set[Key] = set()
    for item in relevant:
        if item.body is not None:
            after.put(item.body)
            own.add(_key(item))
        elif item.outcome == DELETED:
            after.remove(_key(item))
    return Lint(findings(before, after, own), relevant)


def _asks(item: Item) -> bool:
    """Whether a policy leaves the decision to a provider."""
    spec = (item.body or {}).get("spec")
    return isinstance(spec, dict) and spec.get("action") == "CUSTOM"


def _kinds(items: list[Item], routes: bool) -> list[Kind]:
    """What the checks need of the mesh for these items; with ``routes`` the VirtualServices in any case."""
    version = items[0].kind.version if items else default_version(NETWORKING, VIRTUAL_SERVICE)
    needed = needed_kinds({item.kind.kind for item in items})
    return [_kind(name, version) for name in dict.fromkeys([*needed, *([VIRTUAL_SERVICE] if routes else [])])]


def _read(client: KubeClient, kinds: list[Kind], mesh: Mesh) -> None:
    for kind, answer in zip(kinds, client.all(lambda kind: _listed(client, kind), kinds), strict=True):
        for found in answer:
            mesh.put(found)
        if kind.kind == SERVICE:
            # The API server's own Service is everywhere; others are there only where those of the clusters can be read.
            mesh.services_known = any(one["metadata"]["name"] != "kubernetes" for one in answer)


def _listed(client: KubeClient, kind: Kind) -> list[Json]:
    def slim(found: Json) -> bool:
        found["metadata"].pop("managedFields", None)
        found["kind"] = kind.kind
        return not found["metadata"].get("deletionTimestamp")

    try:
        return client.list(kind.path(), keep=slim)
    except KubeError as error:
        # Most users of a mesh may not read Services; a kind that is not served has no objects.
        if error.http_status == 404 or (error.http_status == 403 and kind.kind == SERVICE):
            return []
        error.message = f"lint needs to list {kind.plural} in all namespaces: {error.message}"
        raise


def _kind(name: str, version: str) -> Kind:
    return table_kind(name, "v1" if name == SERVICE else f"{NETWORKING}/{version}")


def _key(item: Item) -> Key:
    return (item.kind.kind, item.namespace, item.name)


def _text(one: Finding, source: str | None) -> str:
    place = f" ({source})" if source else ""
    return f"{one.code} {object_of(one.key)}{place}, {one.place}: {one.message}"

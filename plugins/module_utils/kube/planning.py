# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done to a set of objects: one LIST per kind and namespace, then a decision for each object.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_label, is_name
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import GATEWAY_API
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import Document, Source, clean
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import (
    CLUSTER,
    GATEWAY_API_HINT,
    Discover,
    Kind,
    UnknownKind,
    check_target,
    check_written,
    defined_kinds,
    entries,
    find_kind,
    is_of_mesh,
    known_kind,
    split_api_version,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.ownership import DIFFERENT, SAME, verdict
from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import to_take_over

CREATED, UPDATED, UNCHANGED, DELETED = "created", "updated", "unchanged", "deleted"
FAILED, SKIPPED = "failed", "skipped"
_RULES = "rbac.authorization.k8s.io"
# A kind is not served because the server is another one than was meant.
_NO_MESH = "NoControlPlane"
_REVOKED = (
    "Its user may not even list namespaces: was the kubeconfig revoked? Fetch a new one (module "
    "meshops.asm.asm_kubeconfig)."
)

Json = dict[str, Any]
Key = tuple[str, str, str, str]


@dataclass
class Item:
    """One object of the set: what is wanted, what is there, and what became (or would become) of it.

    ``body`` is ``None`` for an object that is to go, ``live`` for one that is not there. ``predicted`` is the
    object as the server would store it, where it was asked; ``outcome`` is one of the constants above. ``unserved``
    says that the API server does not know the kind, so that the object cannot be there. ``release`` says what of a
    release is in ``body``.
    """

    kind: Kind
    namespace: str
    name: str
    source: Source | None = None
    body: Json | None = None
    live: Json | None = None
    verdict: str = ""
    predicted: Json | None = None
    outcome: str = UNCHANGED
    error: AsmError | None = None
    unserved: bool = False
    release: str = ""

    @property
    def key(self) -> Key:
        """Identity without the version: the same object is served in several."""
        return (self.kind.group, self.kind.kind, self.namespace, self.name)

    @property
    def path(self) -> str:
        return self.kind.path(self.namespace, self.name)

    @property
    def title(self) -> str:
        """``Kind namespace/name (file, document n)``, for messages."""
        place = f" ({self.source})" if self.source else ""
        return f"{self.short}{place}"

    @property
    def short(self) -> str:
        """``Kind namespace/name``, or ``Kind name`` for a cluster-scoped object."""
        return f"{self.kind.term} {self.namespace}/{self.name}" if self.namespace else f"{self.kind.term} {self.name}"

    @property
    def terminating(self) -> bool:
        return bool(self.live and self.live["metadata"].get("deletionTimestamp"))


@dataclass
class Wishes:
    """What a task wants: the objects, and how its options treat all of them alike."""

    target: str
    documents: list[Document]
    namespace: str = "default"
    set_name: str | None = None
    absent: bool = False

    def new_kinds(self) -> list[Kind]:
        """The kinds that CustomResourceDefinitions among the documents bring."""
        definitions = (one.body for one in self.documents if _defines(one.body))
        return [kind for body in definitions for kind in defined_kinds(body)]


def make_items(wishes: Wishes, discover: Discover | None) -> list[Item]:
    """The items of the documents, with kinds resolved, rules checked and duplicates refused.

    Raises ``InvalidInput`` or ``Refused``, naming file and document; nothing was read or written by then, except
    that ``discover`` may have asked the server about kinds that are not in the table. Without ``discover`` there is no
    server yet, and such a kind is taken as it is written.
    """
    extra = {(kind.api_version, kind.kind): kind for kind in wishes.new_kinds()}
    cache: dict[tuple[str, str], Kind] = {}
    items: list[Item] = []
    seen: dict[Key, Item] = {}
    for document in wishes.documents:
        item = _make_item(document, wishes, extra, cache, discover)
        other = seen.setdefault(item.key, item)
        if other is not item:
            raise InvalidInput(f"{item.short} is given twice: in {other.source} and in {item.source}.")
        items.append(item)
    return items


def _make_item(
    document: Document,
    wishes: Wishes,
    extra: dict[tuple[str, str], Kind],
    cache: dict[tuple[str, str], Kind],
    discover: Discover | None,
) -> Item:
    try:
        body = clean(document.body, set_name=wishes.set_name)
        wanted = (body["apiVersion"], body["kind"])
        if wanted not in cache:
            cache[wanted] = extra.get(wanted) or _resolve(body, discover, absent=wishes.absent)
        kind = cache[wanted]
        namespace = (body["metadata"].get("namespace") or wishes.namespace) if kind.namespaced else ""
        check_target(wishes.target, kind, namespace)
        if not wishes.absent:
            _check_name(kind, body["metadata"]["name"])
    except (InvalidInput, Refused) as error:
        error.message = f"{document.title}: {error.message}"
        raise
    metadata = {key: value for key, value in body["metadata"].items() if key != "namespace"}
    body["metadata"] = {**metadata, "namespace": namespace} if namespace else metadata
    return Item(kind, namespace, metadata["name"], document.source, None if wishes.absent else body)


def _check_name(kind: Kind, name: str) -> None:
    """Objects have names of RFC 1123; rules and their bindings any, and of other kinds than ours nobody knows.

    (``ImageStreamTag`` of OpenShift has a colon in its name.)
    """
    if kind.group == _RULES or not known_kind(kind.kind, kind.api_version):
        return
    label = kind.term in ("Namespace", "Service")
    if not (is_label if label else is_name)(name):
        raise InvalidInput(
            "Kubernetes takes no such name: it has small letters, digits and '-', begins and ends with a letter or "
            f"digit{', and has at most 63 characters' if label else ', and may have dots between such parts'}."
        )


def _defines(body: Json) -> bool:
    return body["kind"] == "CustomResourceDefinition" and body["apiVersion"].startswith("apiextensions.k8s.io/")


def _resolve(body: Json, discover: Discover | None, *, absent: bool) -> Kind:
    if discover:
        try:
            return find_kind(body["apiVersion"], body["kind"], discover)
        except UnknownKind:
            if not absent:
                raise
    elif not absent:
        check_written(body["apiVersion"], body["kind"])
    known = known_kind(body["kind"], body["apiVersion"])
    group, version = split_api_version(body["apiVersion"])
    guessed = Kind(group, version, body["kind"], body["kind"].lower(), bool(body["metadata"].get("namespace")))
    return known or guessed


def read_live(client: KubeClient, items: Iterable[Item], target: str, *, defined: Iterable[Kind] = ()) -> None:
    """Fills ``live`` of every item: one LIST per kind and namespace, all at the same time.

    ``defined`` are kinds that the same task brings: they need not be served yet. Raises ``AsmError`` when a kind
    cannot be listed. Of a kind that is not served nothing can be there, which is all that objects which are to go need.
    """
    groups = by_place(items)
    coming = {(kind.group, kind.kind) for kind in defined}

    def look(group: tuple[Kind, str]) -> list[Json]:
        kind, namespace = group
        wanted = groups[group]
        try:
            return listed(client, kind, namespace, **asked(wanted))
        except KubeError as error:
            if error.http_status == 404 and (kind.group, kind.kind) in coming:
                return []
            explained = explain_list_error(error, client, kind, namespace, target)
            leaving = all(item.body is None for item in wanted.values())
            if leaving and isinstance(explained, UnknownKind) and explained.code != _NO_MESH:
                for item in wanted.values():
                    item.unserved = True
                return []
            explained.message = f"{next(iter(wanted.values())).title}: {explained.message}"
            raise explained from error

    for group, found in zip(groups, client.all(look, groups), strict=True):
        for live in found:
            groups[group][live["metadata"]["name"]].live = live


def by_place(items: Iterable[Item]) -> dict[tuple[Kind, str], dict[str, Item]]:
    """``{(kind, namespace): {name: item}}``: what one LIST each tells of."""
    groups: dict[tuple[Kind, str], dict[str, Item]] = {}
    for item in items:
        groups.setdefault((item.kind, item.namespace), {})[item.name] = item
    return groups


def asked(wanted: Collection[str]) -> Json:
    """The arguments of ``listed`` for the objects of these names alone."""
    query = {"fieldSelector": f"metadata.name={next(iter(wanted))}"} if len(wanted) == 1 else {}
    return {"keep": lambda found: found["metadata"]["name"] in wanted, **query}


def listed(client: KubeClient, kind: Kind, namespace: str = "", **query: Any) -> list[Json]:
    """The objects of a kind, with ``apiVersion`` and ``kind``, which an API server leaves out in a list."""
    found = client.list(kind.path(namespace), **query)
    return [{"apiVersion": kind.api_version, "kind": kind.kind, **one} for one in found]


def explain_list_error(error: KubeError, client: KubeClient, kind: Kind, namespace: str, target: str) -> AsmError:
    """The failure of a LIST in the words of someone who aimed at the wrong place, or lacks the right."""
    where = f" in namespace '{namespace}'" if namespace else ""
    if error.http_status == 404:
        versions = [entry["version"] for entry in entries(client.get(f"/apis/{kind.group}"), "versions", "version")]
        if versions and kind.version not in versions:
            text = f"The API server serves {kind.group} as {', '.join(versions)}, not as {kind.version}."
            return InvalidInput(text, code="UnknownKind", http_status=404)
        text = f"The API server does not serve {kind.kind} of {kind.api_version}"
        if is_of_mesh(kind.group) and not versions:
            text += ": it is no control plane of a mesh. Use the option mesh, or the kubeconfig of the mesh itself"
            return UnknownKind(f"{text}.", code=_NO_MESH, http_status=404)
        hint = f" {GATEWAY_API_HINT}" if kind.group == GATEWAY_API and not versions else ""
        return UnknownKind(f"{text}.{hint}", http_status=404)
    if error.http_status == 403:
        hint = _hint(target, revoked=_has_no_rights(client))
        return KubeError(
            f"Not allowed to list {kind.plural}{where}: {error.message}. {hint}", code="Forbidden", http_status=403
        )
    error.message = f"Cannot list {kind.plural}{where}: {error.message}"
    return error


def _hint(target: str, *, revoked: bool) -> str:
    """What to do about a LIST that is not allowed; ``revoked``: the user seems to have no rights at all."""
    if target != CLUSTER:
        also = f" {_REVOKED}" if revoked else ""
        return (
            "The user of this kubeconfig needs a role in the mesh (istio-admin or istio-ops, granted with the action "
            f"GrantUserPermissions); only the account that created the mesh has one from the start.{also}"
        )
    if revoked:
        return _REVOKED
    return "Is this the kubeconfig of a mesh? Applications need the one of a data-plane cluster."


def _has_no_rights(client: KubeClient) -> bool:
    """Whether the API server refuses this user what every role of a mesh and of a cluster allows."""
    try:
        client.get("/api/v1/namespaces", limit=1)
    except AsmError as error:
        return error.http_status == 403
    return False


def decide(items: Iterable[Item]) -> None:
    """Sets ``outcome`` (what would become of it) and ``verdict`` of every item from what is there. Pure."""
    for item in items:
        if item.body is None:
            item.outcome = UNCHANGED if item.live is None or item.terminating else DELETED
        elif item.live is None or item.terminating:
            item.outcome = CREATED
        elif to_take_over(item.live):
            item.verdict, item.outcome = DIFFERENT, UPDATED
        else:
            item.verdict = verdict(item.body, item.live, builtin=item.kind.builtin)
            item.outcome = UNCHANGED if item.verdict == SAME else UPDATED


def missing_namespaces(client: KubeClient, items: Iterable[Item]) -> list[str]:
    """Namespaces into which objects are to be created but which neither exist nor are part of the task."""
    items = list(items)
    coming = {item.name for item in items if item.kind.term == "Namespace" and item.body is not None}
    doubtful = {item.namespace for item in items if item.outcome == CREATED and item.namespace} - coming
    doubtful -= {item.namespace for item in items if item.live is not None}

    def gone(namespace: str) -> bool:
        try:
            return client.get(f"/api/v1/namespaces/{namespace}") is None
        except KubeError as error:
            # Who may not read namespaces is told by the write itself whether it exists.
            if error.http_status == 403:
                return False
            raise

    names = sorted(doubtful)
    return [name for name, is_gone in zip(names, client.all(gone, names), strict=True) if is_gone]


def deletion(kind: Kind, live: Json) -> Item:
    """The item that removes an object which no document mentions."""
    metadata = live["metadata"]
    item = Item(kind, metadata.get("namespace") or "", metadata["name"], live=live)
    return replace(item, outcome=UNCHANGED if item.terminating else DELETED)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig with the entries of several owners: one is merged in or taken out, all others stay. Pure.

The file is edited as the nodes of its YAML and not as values, so that what others wrote (unknown fields, numbers,
quoted text, order, anchors) comes out as it went in. Only comments and the layout are lost, as with kubectl.

An entry is a context, a cluster and a user of one name, each with a mark among its ``extensions``, which kubectl and
the other clients keep: ``{type: mesh | cluster, id, name, region}``.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import yamlnodes as nodes
from ansible_collections.meshops.asm.plugins.module_utils.kube.yamlnodes import Node

MARK = "meshops.asm"
SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
# Of these, a key that is left from before would contradict the new ones.
_TRUST = frozenset(
    {"server", "certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify", "extensions"}
)
# The name of an entry that nobody named otherwise, with the service's id of the mesh or the cluster.
_DEFAULT_NAME = re.compile(r"(?P<name>.+)_(?P<id>c[0-9a-f]{32})", re.DOTALL)

Json = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """What an entry is for: ``type`` is ``mesh`` or ``cluster``, the rest is the service's."""

    type: str
    id: str
    name: str
    region: str = ""

    @property
    def default_name(self) -> str:
        return f"{self.name}_{self.id}"

    def owns(self, mark: Json) -> bool:
        """Whether an entry with this mark is this target's; one that was made again has its name, but another id."""
        return mark.get("type") in (None, self.type) and (
            mark.get("id") == self.id or (bool(self.name) and mark.get("name") == self.name)
        )


class KubeconfigFile:
    """The nodes of a kubeconfig; methods that change something return another one."""

    def __init__(self, root: Node) -> None:
        self._root = root

    @classmethod
    def parse(cls, text: str, place: str) -> KubeconfigFile:
        """Raises ``InvalidInput`` naming ``place``, and never quoting it, for what is no kubeconfig."""
        try:
            root = nodes.compose(text)
        except nodes.Unreadable as error:
            raise InvalidInput(f"{place} is no kubeconfig: {error}.") from None
        if root is None:
            return cls(nodes.made_mapping([]))
        wrong = _wrong(root)
        if wrong:
            raise InvalidInput(f"{place} is no kubeconfig: {wrong}.")
        return cls(root)

    @property
    def current(self) -> str:
        return nodes.text_of(nodes.get(self._root, "current-context"))

    @property
    def contexts(self) -> list[str]:
        return [_name(entry) for entry in self._entries("contexts")]

    def marks(self) -> dict[str, Json]:
        """``{context: its mark}`` of the entries that this collection wrote."""
        marks = {name: _mark_of(name, self.part("contexts", name)) for name in self.contexts}
        return {name: mark for name, mark in marks.items() if mark}

    def part(self, section: str, name: str) -> Node:
        """The cluster, user or context of that name as a node; ``None`` where there is none."""
        entry = next((one for one in self._entries(section) if _name(one) == name), None)
        return nodes.get(entry, SECTIONS[section])

    def entry(self, context: str) -> Json | None:
        """``{cluster, user, context}`` that a context leads to, as values; ``None`` unless all three are there."""
        parts = self._parts(context)
        if parts is None:
            return None
        return {SECTIONS[section]: nodes.value_of(part) for section, part in parts.items()}

    def alone(self, context: str) -> str:
        """A kubeconfig (JSON text) with the entry of that context only."""
        parts = self._parts(context) or {}
        listed = {
            section: [{"name": context, SECTIONS[section]: nodes.value_of(part)}]
            for section, part in parts.items()
            if section != "contexts"
        }
        contexts = [{"name": context, "context": {"cluster": context, "user": context}}]
        return json.dumps(
            {"apiVersion": "v1", "kind": "Config", **listed, "contexts": contexts, "current-context": context}
        )

    def merged(
        self, name: str, target: Target, source: KubeconfigFile, *, keep_user: bool = False, current: bool = False
    ) -> KubeconfigFile:
        """With the entry ``name``, which leads where the current context of ``source`` does.

        ``keep_user`` leaves the credentials as they are here, ``current`` makes the context the current one, which
        also happens where there is no other. Raises ``InvalidInput`` when the name is somebody else's.
        """
        fresh = source._parts(source.current)
        if fresh is None:
            raise AsmError(
                "The service's kubeconfig has no current context with a cluster and a user.", code="NoKubeconfig"
            )
        root = self._root
        for section, part in SECTIONS.items():
            old = self.part(section, name)
            if old is not None and not target.owns(_mark_of(name, old)):
                raise InvalidInput(
                    f"The kubeconfig has a {part} '{name}' that is not of {target.type} '{target.name}': "
                    "choose another context_name, or another dest."
                )
            made = fresh[section] if not (keep_user and section == "users" and old is not None) else old
            root = _with(root, section, name, _marked(_combined(section, name, old, made), target, old))
        usable = self.current in self.contexts
        if current or not usable:
            root = nodes.put(root, "current-context", nodes.string(name))
        for key, value in (("kind", "Config"), ("apiVersion", "v1")):
            if nodes.get(root, key) is None:
                root = nodes.put(root, key, nodes.word(value), first=True)
        return KubeconfigFile(root)

    def without(self, name: str) -> KubeconfigFile:
        """Without the context of that name, and without cluster and user of that name that are marked as ours."""
        root = self._root
        for section in SECTIONS:
            if _mark_of(name, self.part(section, name)):
                kept = [one for one in self._entries(section) if _name(one) != name]
                root = nodes.put(root, section, nodes.made_sequence(kept, nodes.get(root, section)))
        if self.current == name:
            root = nodes.put(root, "current-context", nodes.string(""))
        return KubeconfigFile(root)

    def users_of(self, name: str) -> list[str]:
        """Other contexts that lead to the cluster or the user of that name."""
        return [
            other
            for other in self.contexts
            if other != name and name in (self._leads(other, "cluster"), self._leads(other, "user"))
        ]

    def is_empty(self) -> bool:
        """Whether nothing is left that anybody wrote: no entry, no preference, no field that is unknown here."""
        told = nodes.value_of(self._root)
        return not any(value for key, value in told.items() if key not in ("apiVersion", "kind"))

    def same(self, other: KubeconfigFile) -> bool:
        """Whether both say the same; layout and order of keys say nothing."""
        return bool(nodes.value_of(self._root) == nodes.value_of(other._root))

    def text(self) -> str:
        return nodes.serialize(self._root)

    def _entries(self, section: str) -> list[Node]:
        return nodes.items_of(nodes.get(self._root, section))

    def _leads(self, context: str, part: str) -> str:
        """The name of the cluster or the user of a context."""
        return nodes.text_of(nodes.get(self.part("contexts", context), part))

    def _parts(self, context: str) -> dict[str, Node] | None:
        parts = {
            "clusters": self.part("clusters", self._leads(context, "cluster")),
            "users": self.part("users", self._leads(context, "user")),
            "contexts": self.part("contexts", context),
        }
        return parts if all(nodes.is_mapping(part) for part in parts.values()) else None


def _name(entry: Node) -> str:
    return nodes.text_of(nodes.get(entry, "name"))


def _wrong(root: Node) -> str:
    """Why a document is no kubeconfig; empty when it is one."""
    if not nodes.is_mapping(root):
        return "it is no mapping"
    keys = [nodes.text_of(key) for key, _unused in nodes.pairs_of(root)]
    if len(set(keys)) != len(keys):
        return "a key is given twice"
    kind = nodes.text_of(nodes.get(root, "kind"))
    if kind not in ("", "Config") or nodes.text_of(nodes.get(root, "apiVersion")) not in ("", "v1"):
        return "its kind is not Config of v1"
    if keys and not kind and not set(keys) & {*SECTIONS, "current-context"}:
        return "it has neither clusters, users nor contexts"
    for section, part in SECTIONS.items():
        listed = nodes.get(root, section)
        if not (nodes.is_null(listed) or nodes.is_sequence(listed)):
            return f"{section} is no list"
        for entry in nodes.items_of(listed):
            inner = nodes.get(entry, part)
            fits = nodes.is_mapping(inner) or (kind and nodes.is_null(inner))
            if not nodes.is_mapping(entry) or not fits:
                return f"an item of {section} holds no {part}"
    return ""


def _with(root: Node, section: str, name: str, part: Node) -> Node:
    """The root with that entry in its old place, or at the end."""
    listed = nodes.get(root, section)
    entries = nodes.items_of(listed)
    for number, entry in enumerate(entries):
        if _name(entry) == name:
            entries[number] = nodes.put(entry, SECTIONS[section], part)
            break
    else:
        pairs = [(nodes.word("name"), nodes.string(name)), (nodes.word(SECTIONS[section]), part)]
        entries.append(nodes.made_mapping(pairs))
    return nodes.put(root, section, nodes.made_sequence(entries, listed))


def _combined(section: str, name: str, old: Node, fresh: Node) -> Node:
    """What the service says, and what users add to an entry: a namespace to a context, a proxy to a cluster."""
    if section == "contexts":
        combined = old if nodes.is_mapping(old) else fresh
        for key in ("cluster", "user"):
            combined = nodes.put(combined, key, nodes.string(name))
        return combined
    known = {nodes.text_of(key) for key, _unused in nodes.pairs_of(fresh)} | _TRUST
    added = [pair for pair in nodes.pairs_of(old) if nodes.text_of(pair[0]) not in known]
    return nodes.made_mapping([*nodes.pairs_of(fresh), *(added if section == "clusters" else [])])


def _marked(part: Node, target: Target, old: Node) -> Node:
    mark = {"type": target.type, "id": target.id, "name": target.name, "region": target.region}
    extension = nodes.made_mapping([(nodes.word(key), nodes.string(value)) for key, value in mark.items()])
    ours = nodes.made_mapping([(nodes.word("name"), nodes.string(MARK)), (nodes.word("extension"), extension)])
    known = nodes.items_of(nodes.get(old if nodes.is_mapping(old) else part, "extensions"))
    others = [one for one in known if _name(one) != MARK]
    return nodes.put(part, "extensions", nodes.made_sequence([*others, ours]))


def _mark_of(name: str, part: Node) -> Json:
    """The mark of an entry; one that lost it is still known by a name that holds the service's id."""
    for one in nodes.items_of(nodes.get(part, "extensions")):
        if _name(one) == MARK:
            pairs = nodes.pairs_of(nodes.get(one, "extension"))
            return {nodes.text_of(key): nodes.text_of(value) for key, value in pairs}
    named = _DEFAULT_NAME.fullmatch(name) if part is not None else None
    return named.groupdict() if named else {}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a stored object is not as described, field by field, and who wrote that. Pure.

``ownership`` answers whether an apply would change an object, and is unsure where only the server knows. Here the
question is what to tell a person, so a value that only the server's defaults or its spelling can explain is no
difference.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.quantities import same_stored
from ansible_collections.meshops.asm.plugins.module_utils.kube import secrets
from ansible_collections.meshops.asm.plugins.module_utils.kube.ownership import KEY_DEFAULTS, equal
from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import LAST_APPLIED, MANAGER

CHANGED, MISSING, ADDED = "changed", "missing", "added"
HIDDEN = "(hidden)"

# Part of Kubernetes itself: what they write into an object is their work.
_CONTROLLERS = frozenset(
    {"cloud-controller-manager", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"}
)
# Labels and annotations in which controllers and kubectl keep their own notes, whoever wrote them.
_NOTES = frozenset(
    {
        LAST_APPLIED,
        "deployment.kubernetes.io/revision",
        "deprecated.daemonset.template.generation",
        "kubectl.kubernetes.io/restartedAt",
        "kubernetes.io/metadata.name",
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
    }
)
# What controllers put into definitions that leave it out.
_FILLED_IN = frozenset({"caBundle"})
_METADATA = ("annotations", "finalizers", "labels", "ownerReferences")
_IDENTITY = frozenset({"apiVersion", "kind", "metadata", "status"})

# In the place of a Secret's value that is not told; Base64, as each of its values is.
WITHHELD = "d2l0aGhlbGQ="

Json = dict[str, Any]
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """One field: what the description says, what is there (``None`` for nothing), and who wrote that last, and when.

    ``kind`` is ``CHANGED``, ``MISSING`` (described and not there) or ``ADDED`` (there, and not described). Nobody is
    on record for what is missing.
    """

    field: str
    kind: str
    described: Any = None
    found: Any = None
    manager: str = ""
    time: str = ""

    def as_result(self) -> Json:
        return asdict(self)

    @property
    def by(self) -> str:
        """``manager, time``, as far as known."""
        return ", ".join(part for part in (self.manager, self.time) if part)


@dataclass(frozen=True)
class _Writer:
    """One entry of ``managedFields``, narrowed to the field looked at; an empty ``tree`` is all that is below it."""

    manager: str
    time: str
    subresource: str
    tree: Json


def compare(want: Json, live: Json, *, builtin: bool, predicted: Json | None = None) -> list[Difference]:
    """The differences between ``want`` (the object as it is applied) and ``live``, in the order of their fields.

    ``predicted`` is what the server would store of ``want``. With it nothing has to be understood as default or
    spelling. ``builtin`` says that the server itself defines the kind. Of a Secret only the places are told; values
    of ``want`` that are ``WITHHELD`` (see ``without_values``) are looked for by their names.
    """
    writers = [
        _Writer(str(one.get("manager")), str(one.get("time") or ""), str(one.get("subresource") or ""), one["fieldsV1"])
        for one in live["metadata"].get("managedFields") or []
        if one.get("fieldsV1")
    ]
    is_secret = secrets.is_secret(want)
    loose = _Comparison(builtin, is_secret, exact=False)
    found = {one.field: one for one in loose.objects(want, live, writers) if not predicted or one.kind == ADDED}
    if predicted:
        exact = _Comparison(builtin, is_secret, exact=True)
        found.update({one.field: one for one in exact.objects(predicted, live, writers)})
    told = [_hidden(one) if is_secret else one for one in found.values()]
    return sorted(told, key=lambda one: one.field)


def without_values(body: Json) -> Json:
    """The object with nothing of a Secret but the names of its values."""
    if not secrets.is_secret(body):
        return body
    named = {key: secrets.hidden({key: value}, lambda _unused: WITHHELD)[key] for key, value in body.items()}
    return {**named, "metadata": {key: value for key, value in body["metadata"].items() if key != "annotations"}}


def _hidden(one: Difference) -> Difference:
    if one.field.startswith(("metadata.labels", "type", "immutable")):
        return one
    described, found = (None if value is None else HIDDEN for value in (one.described, one.found))
    return replace(one, described=described, found=found)


class _Comparison:
    """Walks description, stored object and records side by side. ``exact``: the description is the server's own."""

    def __init__(self, builtin: bool, secret: bool, *, exact: bool) -> None:
        self.builtin, self.secret, self.exact = builtin, secret, exact

    def objects(self, want: Json, live: Json, writers: list[_Writer]) -> Iterator[Difference]:
        asked, stored = (
            {key: value for key, value in one["metadata"].items() if key in _METADATA} for one in (want, live)
        )
        for key in _METADATA:
            # What holds an object, and what it belongs to, is said by controllers.
            if key in asked or key in ("annotations", "labels"):
                steps = _below(_below(writers, "f:metadata"), f"f:{key}")
                below: Any = {} if isinstance(stored.get(key, {}), dict) else []
                wanted = asked.get(key, below)
                yield from self._values(f"metadata.{key}", wanted, stored.get(key, below), steps)
        plain, found = ({key: value for key, value in one.items() if key not in _IDENTITY} for one in (want, live))
        yield from self._maps("", plain, found, writers)

    def _maps(self, path: str, want: Json, have: Json, writers: list[_Writer]) -> Iterator[Difference]:
        for key in {**want, **have}:
            place, steps = _place(path, key), _below(writers, f"f:{key}")
            if key in _NOTES or (key in _FILLED_IN and key not in want and not self.exact):
                continue
            if key not in want:
                yield from self._extra(place, have[key], steps)
            else:
                yield from self._values(place, want[key], have.get(key, _ABSENT), steps)

    def _values(self, path: str, want: Any, have: Any, writers: list[_Writer]) -> Iterator[Difference]:
        if have is _ABSENT:
            if not self._says_nothing(want):
                yield _difference(path, MISSING, want, None, writers)
        elif want is None or (self.secret and want == WITHHELD):
            # Null says nothing.
            return
        elif isinstance(want, dict) and isinstance(have, dict):
            yield from self._maps(path, want, have, writers)
        elif isinstance(want, list) and isinstance(have, list):
            yield from self._lists(path, want, have, writers)
        elif not self._same(want, have, writers):
            yield _difference(path, CHANGED, want, have, writers)

    def _says_nothing(self, want: Any) -> bool:
        if want is None:
            return True
        return not self.exact and self.builtin and want in ("", 0, [], {})

    def _same(self, want: Any, have: Any, writers: list[_Writer]) -> bool:
        if equal(want, have):
            return True
        if self.exact or not self.builtin:
            return False
        if self.secret and isinstance(want, str) and isinstance(have, str):
            return "".join(want.split()) == "".join(have.split())
        return same_stored(want, have) or (want in ("", 0) and not _foreign(writers))

    def _lists(self, path: str, want: list[Any], have: list[Any], writers: list[_Writer]) -> Iterator[Difference]:
        names = _key_names(writers)
        if names and all(isinstance(one, dict) for one in (*want, *have)):
            yield from self._keyed(path, want, have, writers, names)
        elif any(key.startswith("v:") for one in writers for key in one.tree):
            yield from self._sets(path, want, have, writers)
        elif len(want) != len(have):
            completed = len(have) > len(want) and all(one in have for one in want) and not _foreign(writers)
            if completed and self.builtin and not self.exact:
                # What admission adds when it stores our apply (tolerations of a Pod).
                return
            yield _difference(path, CHANGED, want, have, writers)
        else:
            for number, (one, other) in enumerate(zip(want, have, strict=True)):
                yield from self._values(f"{path}[{number}]", one, other, writers)

    def _keyed(
        self, path: str, want: list[Json], have: list[Json], writers: list[_Writer], names: list[str]
    ) -> Iterator[Difference]:
        wanted, stored = ({_key(one, names): one for one in side} for side in (want, have))
        for key in {**wanted, **stored}:
            steps = _below(writers, *_steps(writers, key, names))
            place = f"{path}[{','.join(f'{name}={value}' for name, value in zip(names, json.loads(key), strict=True))}]"
            if key in wanted:
                yield from self._values(place, wanted[key], stored.get(key, _ABSENT), steps)
            else:
                yield from self._extra(place, stored[key], steps)

    def _sets(self, path: str, want: list[Any], have: list[Any], writers: list[_Writer]) -> Iterator[Difference]:
        for value in want:
            if value not in have:
                yield _difference(f"{path}[{value}]", MISSING, value, None, [])
        for value in have:
            if value not in want:
                yield from self._extra(f"{path}[{value}]", value, _below(writers, f"v:{json.dumps(value)}"))

    def _extra(self, path: str, have: Any, writers: list[_Writer]) -> Iterator[Difference]:
        """What is there and not described: told where somebody else wrote it, and where an apply would remove it."""
        named = any(key.startswith("f:") for one in writers for key in one.tree)
        if self.exact:
            yield _difference(path, ADDED, None, have, writers)
        elif isinstance(have, dict) and named:
            yield from self._maps(path, {}, have, writers)
        elif isinstance(have, list) and _key_names(writers):
            yield from self._lists(path, [], have, writers)
        elif _foreign(writers) and not any(one.manager == MANAGER for one in writers):
            yield _difference(path, ADDED, None, have, _foreign(writers))


def _foreign(writers: list[_Writer]) -> list[_Writer]:
    """Those who are neither we, nor Kubernetes, nor writers of a subresource (status, scale)."""
    return [one for one in writers if one.manager not in (MANAGER, *_CONTROLLERS) and not one.subresource]


def _difference(path: str, kind: str, want: Any, have: Any, writers: list[_Writer]) -> Difference:
    last = max(writers, key=lambda one: one.time, default=None)
    return Difference(path, kind, want, have, last.manager if last else "", last.time if last else "")


def _below(writers: list[_Writer], *steps: str) -> list[_Writer]:
    """Those of the writers that own something at one of the steps below."""
    found = []
    for one in writers:
        step = next((step for step in steps if step in one.tree), None)
        if not one.tree or step is not None:
            found.append(replace(one, tree=one.tree[step]) if step is not None else one)
    return found


def _key_names(writers: list[_Writer]) -> list[str]:
    """The fields by which the server tells the elements of a list from each other; empty for any other list."""
    keys = (key for one in writers for key in one.tree if key.startswith("k:"))
    return sorted(json.loads(next(keys, "k:{}")[2:]))


def _key(element: Json, names: list[str]) -> str:
    return json.dumps([element.get(name, KEY_DEFAULTS.get(name)) for name in names])


def _steps(writers: list[_Writer], key: str, names: list[str]) -> list[str]:
    steps = (step for one in writers for step in one.tree if step.startswith("k:"))
    return [step for step in steps if _key(json.loads(step[2:]), names) == key]


def _place(path: str, key: str) -> str:
    if not path:
        return key
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{key}]"

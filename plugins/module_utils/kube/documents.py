# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From definitions, files and folders to a list of plain objects, each knowing where it was written.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import type_name
from ansible_collections.meshops.asm.plugins.module_utils.kube import foreign
from ansible_collections.meshops.asm.plugins.module_utils.kube.bounds import TextProblem, plain
from ansible_collections.meshops.asm.plugins.module_utils.kube.exports import is_assigned_annotation, without_assigned
from ansible_collections.meshops.asm.plugins.module_utils.kube.files import files_of, read_text
from ansible_collections.meshops.asm.plugins.module_utils.kube.texts import load_all

SET_LABEL = "meshops.asm/set"

# Written by the server, and refused or ignored when sent: what was read once can be applied again.
_SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Where an object was written: a file (or the option's name) and the number of its document, from 1."""

    file: str
    document: int = 1

    def __str__(self) -> str:
        return f"{self.file}, document {self.document}"


@dataclass(frozen=True)
class Document:
    """An object as the user wrote it, and where."""

    source: Source
    body: Json

    @property
    def title(self) -> str:
        """``Kind namespace/name (file, document n)``, for messages."""
        metadata = self.body["metadata"]
        name = "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)
        return f"{self.body['kind']} {name} ({self.source})"


def from_definition(value: Any, name: str = "definition") -> list[Document]:
    """The objects of the option ``name``: one mapping, a list of them, or YAML text."""
    if isinstance(value, str):
        return parse(value, name)
    value = plain_definition(value, name)
    return _documents(value if isinstance(value, list) else [value], name)


def plain_definition(value: Any, name: str = "definition") -> Any:
    """The option ``name`` as Ansible has read it, in JSON's types. Raises ``InvalidInput`` with the path in it."""
    try:
        return plain(value)
    except TextProblem as problem:
        raise InvalidInput(f"{name}: {problem}.") from None


def parse(text: str, file: str) -> list[Document]:
    """The objects of a YAML or JSON text; ``file`` is how messages call it. Raises ``InvalidInput`` with the line."""
    try:
        loaded = list(load_all(text, file))
        # A text of JSON is often a list of objects.
        is_list = len(loaded) == 1 and isinstance(loaded[0], list) and text.lstrip("\ufeff \t\r\n").startswith("[")
        return _documents(loaded[0] if is_list else loaded, file)
    except InvalidInput as error:
        error.message = foreign.explain(file, text, error.message) + foreign.unrendered(text, error.message)
        raise


def read(path: Path) -> list[Document]:
    """The objects of a file, or of all YAML and JSON files in a folder and its sub-folders, sorted by path."""
    found: list[Document] = []
    for file in files_of(path).read:
        found += parse(read_text(file), str(file))
    return found


def clean(body: Json, *, set_name: str | None = None) -> Json:
    """The object as it is sent: without what only servers and controllers write, and with the label of its set.

    ``stringData`` becomes ``data``, as the server would do, because the server never shows it again. Empty maps of
    labels and annotations say nothing, but the server would store a new revision for them every time. A field that is
    null is not there, as to ``kubectl apply``: the server may record that we own it, and then never shows it.
    """
    body = without_assigned({key: value for key, value in body.items() if key != "status"})
    metadata = {key: value for key, value in body["metadata"].items() if key not in _SERVER_METADATA}
    for key in ("labels", "annotations"):
        texts = metadata.pop(key, None) or {}
        kept = {name: text for name, text in texts.items() if key == "labels" or not is_assigned_annotation(name)}
        if kept:
            metadata[key] = _without_null(kept)
    if set_name:
        metadata["labels"] = {**metadata.get("labels", {}), SET_LABEL: set_name}
    body["metadata"] = metadata
    if _holds_text(body) and body["kind"] == "Secret" and "stringData" in body:
        text = body.pop("stringData") or {}
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in text.items()}
        body["data"] = {**(body.get("data") or {}), **coded}
    if _holds_text(body) and body.get("data"):
        body["data"] = _without_null(body["data"])
    return {key: _described(value, key) for key, value in body.items() if value is not None}


def _without_null(texts: Json) -> Json:
    """Null is empty text to the server, which would otherwise differ from it for ever."""
    return {key: "" if value is None else value for key, value in texts.items()}


# Maps of names to text or quantities, where null is a value of its own to the server, and what is free in form.
_NULL_IS_A_VALUE = frozenset(
    {"labels", "annotations", "matchLabels", "nodeSelector", "selector", "limits", "requests", "data", "binaryData"}
    | {"parameters", "options", "sysctls", "volumeAttributes", "pluginConfig", "value", "values", "config", "struct"}
)


def _described(value: Any, key: str) -> Any:
    """``value`` without fields that are null; itself where there are none."""
    if isinstance(value, list):
        parts = [_described(item, "") if isinstance(item, (dict, list)) else item for item in value]
        return parts if any(new is not old for new, old in zip(parts, value, strict=True)) else value
    if not isinstance(value, dict) or key in _NULL_IS_A_VALUE:
        return value
    made = {name: _described(item, name) for name, item in value.items() if item is not None}
    same = len(made) == len(value) and all(made[name] is item for name, item in value.items())
    return value if same else made


def _documents(loaded: Iterable[Any], file: str) -> list[Document]:
    found: list[Document] = []
    for number, body in enumerate(loaded, start=1):
        if body is None:
            continue
        source = Source(file, number)
        for item in _expand(body, source):
            found.append(Document(source, _checked(item, source)))
    return found


def _expand(body: Any, source: Source) -> Iterator[Any]:
    """A ``List`` stands for its items, as to kubectl: they may be Lists, and have the kind in the list's own."""
    if isinstance(body, list):
        for item in body:
            yield from _expand(item, source)
    elif isinstance(body, dict) and str(body.get("kind") or "").endswith("List") and "items" in body:
        items, kind = body["items"], str(body["kind"])
        if items is not None and not isinstance(items, list):
            raise InvalidInput(f"{source}: the items of the {kind} must be a list, they are {type_name(items)}.")
        inherited = {"apiVersion": body.get("apiVersion"), "kind": kind.removesuffix("List")}
        for item in items or []:
            is_bare = isinstance(item, dict) and not item.get("kind") and not item.get("apiVersion") and kind != "List"
            yield from _expand({**item, **inherited} if is_bare else item, source)
    else:
        yield body


def _checked(body: Any, source: Source) -> Json:
    # What is no object may be a secret: nothing of it is shown.
    if not isinstance(body, dict):
        raise InvalidInput(f"{source}: an object must be a mapping, this is {type_name(body)}.")
    if foreign.is_kustomization(body):
        raise InvalidInput(f"{source}: {foreign.kustomize()}.")
    for key in ("apiVersion", "kind"):
        if not isinstance(body.get(key), str) or not body[key]:
            raise InvalidInput(f"{source}: the object has no {key}.")
    kind, metadata = body["kind"], _named(body, source)
    title = f"{kind} {metadata['name']}"
    for key in ("labels", "annotations"):
        _check_texts(metadata.get(key), source, f"metadata.{key} of the {title}")
    if _holds_text(body):
        for key in _TEXT_FIELDS[kind]:
            place, coded = f"{key} of the {title}", (kind, key) in _CODED
            _check_texts(body.get(key), source, place, coded=coded, secret=kind == "Secret")
    return body


def _named(body: Json, source: Source) -> Json:
    """The object's metadata, in which it has a name of its own."""
    kind, metadata = body["kind"], body.get("metadata")
    if kind == "List":
        raise InvalidInput(f"{source}: the List has no items.")
    if not isinstance(metadata, dict):
        raise InvalidInput(f"{source}: the {kind} has no metadata.{foreign.installation(body['apiVersion'])}")
    if metadata.get("generateName"):
        raise InvalidInput(
            f"{source}: the {kind} has generateName instead of a name, so it would be a new one at every run; name it."
        )
    if metadata.get("name") in (None, ""):
        raise InvalidInput(f"{source}: the {kind} has no metadata.name.{foreign.installation(body['apiVersion'])}")
    for key in ("name", "namespace"):
        text = metadata.get(key)
        if text is not None and not isinstance(text, str):
            raise _no_text(source, f"metadata.{key} of the {kind}", text)
        if "{{" in (text or ""):
            raise InvalidInput(
                f"{source}: metadata.{key} of the {kind} is a template that nobody has rendered. Files with Jinja2 in "
                "them belong in the option template, not in src."
            )
    return metadata


# Fields of the core group that map names to text. The API server quotes a value that is none in its message.
_TEXT_FIELDS = {"Secret": ("data", "stringData"), "ConfigMap": ("data", "binaryData")}
_CODED = frozenset({("Secret", "data"), ("ConfigMap", "binaryData")})


def _holds_text(body: Json) -> bool:
    return body["apiVersion"] == "v1" and body["kind"] in _TEXT_FIELDS


def _check_texts(found: Any, source: Source, place: str, *, coded: bool = False, secret: bool = False) -> None:
    """A mapping of names to text, of Base64 if ``coded``, or none; null is text except in a secret, which it lacks."""
    if found is None:
        return
    if not isinstance(found, dict):
        raise InvalidInput(f"{source}: {place} must be a mapping, it is {type_name(found)}.")
    for key, value in found.items():
        if value is None and not secret:
            continue
        if not isinstance(value, str):
            raise _no_text(source, f"'{key}' in {place}", value)
        if coded and not _is_base64(value):
            raise InvalidInput(
                f"{source}: '{key}' in {place} is not Base64. Encode it, or give it as text in "
                f"{'stringData' if place.startswith('data') else 'data'}."
            )


def _no_text(source: Source, place: str, value: Any) -> InvalidInput:
    return InvalidInput(f"{source}: {place} must be text, it is {type_name(value)}. Quote it.")


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value.replace("\n", "").replace("\r", "").encode(), validate=True)
    except binascii.Error:
        return False
    return True

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From definitions, files and folders to a list of plain objects, each knowing where it was written.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube.yamltext import load_all

SET_LABEL = "meshops.asm/set"
SUFFIXES = (".yml", ".yaml", ".json")

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


def from_definition(value: Any) -> list[Document]:
    """The objects of the option ``definition``: one mapping, a list of them, or YAML text."""
    if isinstance(value, str):
        return parse(value, "definition")
    items = value if isinstance(value, list) else [value]
    return _documents(items, "definition")


def parse(text: str, file: str) -> list[Document]:
    """The objects of a YAML or JSON text; ``file`` is how messages call it. Raises ``InvalidInput`` with the line."""
    try:
        if text.lstrip()[:1] in ("{", "["):
            try:
                value = json.loads(text)
                loaded = value if isinstance(value, list) else [value]
            except ValueError:
                loaded = list(load_all(text))
        else:
            loaded = list(load_all(text))
    except AssertionError as problem:
        raise InvalidInput(f"{file}, line {problem.line}: this is not valid YAML: {problem}.") from problem
    return _documents(loaded, file)


def read(path: Path) -> list[Document]:
    """The objects of a file, or of all YAML and JSON files in a folder and its sub-folders, sorted by path."""
    found: list[Document] = []
    for file in files_of(path, SUFFIXES):
        found += parse(read_text(file), str(file))
    return found


def files_of(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """``path`` itself, or the files with one of the suffixes in and below that folder; hidden ones are left out."""
    if not path.is_dir():
        return [path]
    inside = (file for file in sorted(path.rglob("*")) if file.is_file() and file.name.endswith(suffixes))
    files = [file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if not files:
        raise InvalidInput(f"The folder {path} holds no file that ends in {', '.join(suffixes)}.")
    return files


def read_text(file: Path) -> str:
    """The text of a file; raises ``InvalidInput`` when there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"Cannot read {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not text in UTF-8.") from error


def clean(body: Json, *, set_name: str | None = None) -> Json:
    """The object as it is sent: without what only the server writes, and with the label of its set.

    ``stringData`` becomes ``data``, as the server would do, because the server never shows it again. Empty maps of
    labels and annotations say nothing, but the server would store a new revision for them every time.
    """
    body = {key: value for key, value in body.items() if key != "status"}
    metadata = {key: value for key, value in body["metadata"].items() if key not in _SERVER_METADATA}
    for key in ("labels", "annotations"):
        if not metadata.get(key):
            metadata.pop(key, None)
    if set_name:
        metadata["labels"] = {**metadata.get("labels", {}), SET_LABEL: set_name}
    body["metadata"] = metadata
    if body["kind"] == "Secret" and isinstance(body.get("stringData"), dict):
        text = body.pop("stringData")
        coded = {key: base64.b64encode(str(value).encode()).decode() for key, value in text.items()}
        body["data"] = {**(body.get("data") or {}), **coded}
    return body


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
    """A ``List`` (or a bare sequence) stands for its items."""
    if isinstance(body, list):
        yield from body
    elif isinstance(body, dict) and str(body.get("kind", "")).endswith("List") and isinstance(body.get("items"), list):
        yield from body["items"]
    elif isinstance(body, dict):
        yield body
    else:
        shown = str(body).strip().splitlines()[0][:60] if str(body).strip() else ""
        raise InvalidInput(f"{source}: an object must be a mapping, this is {type(body).__name__}: {shown!r}.")


def _checked(body: Any, source: Source) -> Json:
    if not isinstance(body, dict):
        raise InvalidInput(f"{source}: an object must be a mapping, this is {type(body).__name__}.")
    for key in ("apiVersion", "kind"):
        if not isinstance(body.get(key), str) or not body[key]:
            raise InvalidInput(f"{source}: the object has no {key}.")
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        raise InvalidInput(f"{source}: the {body['kind']} has no metadata.")
    if metadata.get("generateName"):
        raise InvalidInput(f"{source}: a {body['kind']} with generateName would be a new one at every run; name it.")
    for key in ("name", "namespace"):
        if key == "name" and not metadata.get(key):
            raise InvalidInput(f"{source}: the {body['kind']} has no metadata.name.")
        if metadata.get(key) is not None and not isinstance(metadata[key], str):
            raise InvalidInput(
                f"{source}: metadata.{key} of the {body['kind']} must be text, it is {metadata[key]!r}. Quote it."
            )
    for key in ("labels", "annotations"):
        if metadata.get(key) is not None and not isinstance(metadata[key], dict):
            raise InvalidInput(f"{source}: metadata.{key} of the {body['kind']} must be a mapping.")
    return body

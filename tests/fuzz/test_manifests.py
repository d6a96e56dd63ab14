# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of any shape, and texts of any kind."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube import documents, texts
from hypothesis import strategies as st
from yamlreference.generated import Texts

from .harness import fuzz
from .takers import MANIFESTS, tried
from .values import anything, nearly_any

_KEYS = ("apiVersion", "kind", "metadata", "name", "namespace", "items", "data", "stringData", "labels", "spec")
_OBJECTS: list[Any] = [
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "a", "namespace": "b", "labels": {"c": "d"}, "annotations": {"e": "f"}},
        "data": {"g": "aGk="},
        "stringData": {"h": "i"},
    },
    {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "A", "metadata": {"name": "b"}}]},
    {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "as.b.c"},
        "spec": {
            "group": "b.c",
            "names": {"kind": "A", "plural": "as"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True}],
        },
    },
]
_PIECES = st.sampled_from(
    ["a: ", "- ", "\n", "\n  ", "{", "}", "[", "]", "&x ", "*x", ": ", '"', "'", "1", "!!int ", "|", "<<"]
)


@fuzz(value=st.one_of(anything(_KEYS), nearly_any(_OBJECTS)))
def test_definition(value: Any) -> None:
    """What comes as ``definition`` of a task."""
    tried(MANIFESTS, value)


@fuzz(
    text=st.one_of(st.text(), st.lists(_PIECES, max_size=60).map("".join), st.integers().map(lambda n: Texts(n).one()))
)
def test_text(text: str) -> None:
    """What a file may hold."""
    for document in documents.parse(text, "text"):
        documents.clean(document.body)


@fuzz(
    unit=st.sampled_from(["[", "{a: ", "- ", "&a [*a, ", "? ", '{"a":', "!!a ", "'", "a: &a\n ", "[]: "]),
    times=st.integers(1, 20_000),
)
def test_repeated_text(unit: str, times: int) -> None:
    """Texts that are made to have no end."""
    for _document in texts.load_all(unit * times, "text"):
        pass

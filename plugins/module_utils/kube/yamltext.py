# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as Kubernetes reads it: JSON's types only, and a key that is given twice is an error.

PyYAML's own loaders follow other rules: a date becomes a date object, ``12:30`` a number, ``1e3`` a string, and
the last of two equal keys wins silently. This builder follows the server's, so that a file means the same in both.
PyYAML gives the events; values are built from them at once, so that limits hold before anything large is there.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import library
from ansible_collections.meshops.asm.plugins.module_utils.kube.bounds import (
    MOST_LEVELS,
    MOST_REPEATED,
    MOST_VALUES,
    TextProblem,
    check_size,
    too_deep,
    too_many,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.scalars import key as key_of
from ansible_collections.meshops.asm.plugins.module_utils.kube.scalars import plain, shown_tag, tagged

_VAULT = ("!vault", "!vault-encrypted")
_HINTS = {"found unexpected ':'": ". In brackets, text that ends in a colon, as an IPv6 address may, needs quotes"}
_COLLECTIONS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_MERGE = "tag:yaml.org,2002:merge"
# Numbers of JavaScript, which JSON does not have; plain text to YAML.
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})


def load_all(text: str, *, like_json: bool = False) -> Iterator[Any]:
    """The documents of ``text`` one by one, as JSON types. Raises ``TextProblem``.

    ``like_json`` refuses what was meant as a number and would be text: for texts that begin as JSON.
    """
    check_size(text)
    if "\ufeff" in text:
        before = text.partition("\ufeff")[0]
        raise TextProblem("a byte order mark (U+FEFF) stands within it, remove it", before.count("\n") + 1)
    yaml = library("yaml", "PyYAML")
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    except yaml.reader.ReaderError as error:
        raise _unreadable(error, text) from None
    try:
        builder = _Builder(yaml, loader.get_event, like_json)
        while builder.more():
            yield builder.document()
    except yaml.reader.ReaderError as error:
        raise _unreadable(error, text) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = str(getattr(error, "problem", None) or "it cannot be read")
        problem += _HINTS.get(problem, "")
        # libyaml has a limit of its own, which it may meet first because it reads ahead.
        raise (too_deep(line) if "nesting depth" in problem else TextProblem(problem, line)) from None
    finally:
        loader.dispose()


def _unreadable(error: Any, text: str) -> TextProblem:
    """``position`` counts bytes where libyaml reads."""
    before = text.encode()[: error.position] if isinstance(error.position, int) else b""
    return TextProblem("it holds a character that YAML does not allow", before.count(b"\n") + 1)


class _Open:
    """Stands for a sequence or mapping with an anchor whose end is not read yet."""


class _Builder:
    """Values out of events. ``_left`` and ``_repeatable`` are what the limits still allow."""

    def __init__(self, yaml: Any, get_event: Callable[[], Any], like_json: bool) -> None:
        self._next = get_event
        self._scalar_event, self._alias_event = yaml.ScalarEvent, yaml.AliasEvent
        self._mapping, self._mapping_end = yaml.MappingStartEvent, yaml.MappingEndEvent
        self._sequence_end = yaml.SequenceEndEvent
        self._document = yaml.DocumentStartEvent
        self._like_json = like_json
        self._anchors: dict[str | None, Any] = {}
        self._left = MOST_VALUES
        self._repeatable = MOST_REPEATED

    def more(self) -> bool:
        """Whether there is another document; its start is taken."""
        event = self._next()
        while event is not None and not isinstance(event, self._document):
            event = self._next()
        return event is not None

    def document(self) -> Any:
        self._anchors = {}
        self._repeatable = MOST_REPEATED
        value = self._build(self._next(), MOST_LEVELS)
        self._next()
        return value

    def _build(self, event: Any, levels: int) -> Any:
        kind = type(event)
        self._left -= 1
        if self._left < 0:
            raise too_many(_line(event))
        if kind is self._scalar_event:
            # Nearly all: plain text without a tag.
            value = plain(event.value) if event.implicit[0] and event.tag is None else self._marked(event)
            if self._like_json or isinstance(value, float):
                self._check_number(value, event)
        elif kind is self._alias_event:
            return self._repeated(event, levels)
        else:
            if levels <= 0:
                raise too_deep(_line(event))
            if event.tag not in _COLLECTIONS:
                raise TextProblem(f"the tag '{shown_tag(event.tag)}' means nothing here", _line(event))
            opened = self._anchors[event.anchor] = _Open() if event.anchor else None
            value = self._map(levels - 1) if kind is self._mapping else self._list(levels - 1)
            # An anchor of the same name within counts from there on.
            if self._anchors.get(event.anchor) is opened:
                self._anchors[event.anchor] = value
            return value
        if event.anchor:
            self._anchors[event.anchor] = value
        return value

    def _list(self, levels: int) -> list[Any]:
        built = []
        event = self._next()
        while not isinstance(event, self._sequence_end):
            built.append(self._build(event, levels))
            event = self._next()
        return built

    def _map(self, levels: int) -> dict[str, Any]:
        built: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        event = self._next()
        while not isinstance(event, self._mapping_end):
            if isinstance(event, self._scalar_event) and event.value == "<<" and _merges(event):
                # As the server's library does it: what follows wins, what stands before does not.
                found = self._merge(levels)
                merged.update(found)
                built.update({key: found[key] for key in found.keys() & built.keys()})
            else:
                key = self._key(event, levels)
                if key in built:
                    raise TextProblem(f"the key '{key[:60]}' is given twice", _line(event))
                built[key] = self._build(self._next(), levels)
            event = self._next()
        return {**merged, **built} if merged else built

    def _key(self, event: Any, levels: int) -> str:
        value = self._build(event, levels)
        if isinstance(value, str):
            return value
        if isinstance(value, (dict, list)):
            raise TextProblem("a key must be plain text", _line(event))
        return key_of(getattr(event, "value", str(value)), value, _line(event))

    def _merge(self, levels: int) -> dict[str, Any]:
        """``<<``: of several mappings the first that has a key gives it."""
        event = self._next()
        value = self._build(event, levels)
        found: dict[str, Any] = {}
        sources = value if isinstance(value, list) and not isinstance(event, self._alias_event) else [value]
        for source in reversed(sources):
            if not isinstance(source, dict):
                raise TextProblem("'<<' needs a mapping", _line(event))
            found.update(source)
        return found

    def _repeated(self, event: Any, levels: int) -> Any:
        if event.anchor not in self._anchors:
            raise TextProblem("an alias has no anchor before it", _line(event))
        value = self._anchors[event.anchor]
        if isinstance(value, _Open):
            raise TextProblem(
                "an alias stands within its own anchor, so that the value would have no end", _line(event)
            )
        return self._copied(value, levels, _line(event))

    def _copied(self, value: Any, levels: int, line: int) -> Any:
        """Every use of an alias is a value of its own, as it would be had it been written out."""
        self._repeatable -= 1 + (len(value) if isinstance(value, str) else 0)
        if self._repeatable < 0:
            raise TextProblem("its aliases repeat more than any manifest needs, write it out", line)
        if not isinstance(value, (dict, list)):
            return value
        if levels <= 0:
            raise too_deep(line)
        if isinstance(value, list):
            return [self._copied(item, levels - 1, line) for item in value]
        return {key: self._copied(item, levels - 1, line) for key, item in value.items()}

    def _marked(self, event: Any) -> Any:
        """A scalar with a tag, or in quotes or in a block."""
        tag = event.tag
        if tag is None or tag == "!":
            return event.value
        if tag in _VAULT:
            raise TextProblem("a value of Ansible Vault is not decrypted", _line(event))
        return tagged(tag, event.value, _line(event))

    def _check_number(self, value: Any, event: Any) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            raise TextProblem("no number, or one without end, which Kubernetes does not know: quote it", _line(event))
        if isinstance(value, str) and event.implicit[0] and (value in _NO_NUMBERS or value[:1].isdigit()):
            raise TextProblem("a number cannot be read: it is too large, or none of JSON's", _line(event))


def _merges(event: Any) -> bool:
    return bool(event.implicit[0]) if event.tag is None else event.tag == _MERGE


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1

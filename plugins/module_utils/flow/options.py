# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with given options, in words of somebody who writes YAML: the item, the option, the nearest name. Pure.

Ansible's own validation says in which list of a spec something is wrong, but not in which item, what was probably
meant, or what a value should be, and it calls types by their Python classes. Values are not repeated: where they are
wrong, nobody knows what they are.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import type_name

_NAMES = {
    "bool": "true or false",
    "bytes": "a size",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "text",
}
_LIKENESS = 0.6
_LONGEST_KEY = 63

Spec = Mapping[str, Any]


class Sentence(str):
    """What is wrong; ``place`` is the part that it is about, by its path: ``asm_gateways[0].ports``."""

    place: str

    def __new__(cls, text: str, place: str) -> Sentence:
        made = super().__new__(cls, text)
        made.place = place
        return made


@dataclass(frozen=True)
class _Place:
    """``title`` is the item as messages begin with it, ``path`` where in it, ``whole`` the path without any title."""

    title: str = ""
    path: str = ""
    whole: str = ""

    def below(self, key: str) -> _Place:
        return self._at(f"{self.path}.{key}" if self.path else key, f"{self.whole}.{key}" if self.whole else key)

    def item(self, number: int, value: Any) -> _Place:
        """One item of a list; those of a variable of a spec are called by their names."""
        path, whole = f"{self.path}[{number}]", f"{self.whole}[{number}]"
        if self.title:
            return self._at(path, whole)
        name = value.get("name") if isinstance(value, Mapping) else None
        known = isinstance(name, (str, int)) and 0 < len(str(name)) <= _LONGEST_KEY and str(name).isprintable()
        return _Place(f"{self.path}, '{name}'", "", whole) if known else self._at(path, whole)

    def _at(self, path: str, whole: str) -> _Place:
        return _Place(self.title, path, whole)

    def says(self, what: str, hint: str = "") -> Sentence:
        """``what`` about this place, as a sentence, with another one that follows it."""
        if self.title:
            text = f"{self.title}: {f'{self.path} ' if self.path else 'it '}{what}."
        else:
            text = f"{self.path or 'The task'} {what}."
        return Sentence(f"{text} {hint}".rstrip(), self.whole)


def wrong_variables(given: Mapping[str, Any], spec: Spec) -> list[Sentence]:
    """A sentence for each wrong part of the variables of a spec; ``spec`` has their options, others are no matter."""
    found: list[Sentence] = []
    for name, value in given.items():
        about = spec.get(name)
        if about and about.get("type") == "list":
            # What would be split or wrapped in an option is not in a variable that tasks go through.
            wrong = value is not None and not isinstance(value, (list, tuple))
            place = _Place(path=name, whole=name)
            found += [place.says(f"must be a list, it is {type_name(value)}")] if wrong else _value(value, about, place)
        elif about:
            found += _value(value, about, _Place(path=name, whole=name))
    return found


def wrong_options(given: Mapping[str, Any], spec: Spec) -> list[Sentence]:
    """The same for the options of one module."""
    return [*_mapping(given, spec, _Place())]


def title_of(variable: str, number: int, item: Any) -> str:
    """What an item of a variable of a spec is called: by its name, where that can be one, else by its number from 0."""
    place = _Place(path=variable).item(number, item)
    return place.title or place.path


def without_nulls(given: Any, spec: Spec) -> Any:
    """Options without those of the spec that are null, at any depth: they are as good as not given.

    Ansible itself keeps a null in the place of a default, and counts it where an option is required.
    """
    if not isinstance(given, Mapping):
        return given
    known = {alias: about for name, about in spec.items() for alias in (name, *about.get("aliases", ()))}
    return {
        name: _given_value(value, known[name].get("options")) if name in known else value
        for name, value in given.items()
        if value is not None or name not in known
    }


def _given_value(value: Any, options: Spec | None) -> Any:
    if options and isinstance(value, (list, tuple)):
        return [without_nulls(item, options) for item in value]
    return without_nulls(value, options) if options else value


def accepted(item: Any, spec: dict[str, Any], **fixed: Any) -> dict[str, Any] | None:
    """An item of a spec as its module gets it, with what is ``fixed``; None where the module would refuse it."""
    given, odd = shapes.fit(item, shapes.of_options(spec))
    known = {key: value for key, value in given.items() if key in spec}
    validated = ArgumentSpecValidator(spec).validate({**known, **fixed})
    return None if odd or validated.error_messages else dict(validated.validated_parameters)


def _value(value: Any, about: Spec, place: _Place) -> Iterator[Sentence]:
    """``about`` is the spec of one option; null is as good as not given."""
    if value is None:
        return
    kind = about.get("type") or "str"
    inner = about.get("options")
    if kind == "list" and isinstance(value, (list, tuple)):
        element = {"type": about.get("elements") or "raw", "options": inner, "choices": about.get("choices")}
        for number, item in enumerate(value):
            yield from _item(item, element, place.item(number, item))
    elif kind == "list" and inner and not _is_list_of_mappings(value):
        # Ansible makes a list of a text or a number, and would then say only that an item of it is no dictionary.
        yield place.says(f"must be a list, each item {_called('dict', inner)}; it is {type_name(value)}")
    elif inner and kind == "dict" and isinstance(value, Mapping):
        yield from _mapping(value, inner, place)
    elif not _is(value, kind):
        yield place.says(f"must be {_called(kind, inner)}, it is {type_name(value)}")
    elif about.get("choices") and kind != "list":
        yield from _choice(value, about["choices"], place)


def _is_list_of_mappings(value: Any) -> bool:
    """Whether Ansible makes a list of mappings of what is none."""
    return isinstance(value, str) and all(_is(one, "dict") for one in value.split(","))


def _item(value: Any, about: Spec, place: _Place) -> Iterator[Sentence]:
    """An item of a list, which may be a mapping or (``raw``) the plain name of one."""
    if about["options"] and about["type"] == "raw":
        if isinstance(value, Mapping):
            yield from _mapping(value, about["options"], place)
        elif not isinstance(value, (str, int)) or isinstance(value, bool):
            yield place.says(f"must be a name or {_called('dict', about['options'])}, it is {type_name(value)}")
        return
    if value is None:
        yield place.says(f"must be {_called(about['type'], about['options'])}, it is null")
    yield from _value(value, about, place)


def _mapping(given: Mapping[str, Any], options: Spec, place: _Place) -> Iterator[Sentence]:
    known = {alias: about for name, about in options.items() for alias in (name, *about.get("aliases", ()))}
    for key, value in given.items():
        if key in known:
            yield from _value(value, known[key], place.below(key))
        else:
            yield _unknown(str(key), place, options)
    for name, about in options.items():
        if about.get("required") and all(given.get(one) is None for one in (name, *about.get("aliases", ()))):
            yield place.says(f"needs {name}")


def _unknown(key: str, place: _Place, options: Spec) -> Sentence:
    names = [name for name in options if not name.startswith("_")]
    near = difflib.get_close_matches(key, names, n=1, cutoff=_LIKENESS)
    hint = f"Did you mean {near[0]}?" if near else f"It takes {', '.join(sorted(names))}."
    # What is longer is no misspelt option, but something that went astray.
    shown = f"'{key}'" if len(key) <= _LONGEST_KEY and key.isprintable() else "of that name"
    return place.says(f"has no option {shown}", hint)


def _choice(value: Any, choices: list[Any], place: _Place) -> Iterator[Sentence]:
    if value in choices or str(value) in map(str, choices):
        return
    text = f"must be one of {', '.join(map(str, choices))}"
    near = difflib.get_close_matches(str(value), [str(one) for one in choices], n=1, cutoff=_LIKENESS)
    if isinstance(value, bool):
        # As YAML reads on, off, yes and no.
        text += "; it is a boolean, as every on, off, yes and no without quotes"
    yield place.says(text, f"Did you mean {near[0]}?" if near else "")


def _is(value: Any, kind: str) -> bool:
    """Whether Ansible takes the value for one of this type."""
    # To validate is to copy: of a mapping in a playbook, which renders on demand, with every variable of the host.
    if callable(kind) or kind == "raw" or (kind == "dict" and isinstance(value, dict)):
        return True
    return not _validator(kind).validate({"value": value}).error_messages


@functools.cache
def _validator(kind: str) -> ArgumentSpecValidator:
    return ArgumentSpecValidator({"value": {"type": kind}})


def _called(kind: str, options: Spec | None) -> str:
    """What a value should be; of a mapping also what it needs."""
    needed = [name for name, about in (options or {}).items() if about.get("required")]
    name = _NAMES.get(kind, "another value")
    return f"{name} with {' and '.join(needed)}" if kind == "dict" and needed else name

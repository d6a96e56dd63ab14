# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as Kubernetes reads it: JSON's types only, and a key that is given twice is an error.

PyYAML's own loaders follow other rules: a date becomes a date object, ``12:30`` a number, ``1e3`` a string, and
the last of two equal keys wins silently. This builder follows the server's, so that a file means the same in both.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube.libraries import library

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)\Z")
_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?\Z")
# Numbers to the server that PyYAML takes for text: an exponent without sign or point, a leading zero that is not octal.
_UNSEEN_NUMBER = re.compile(r"[-+]?(?:0[0-9]*[89][0-9]*|(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+)\Z")
_TEXT_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:binary"})


class YamlProblem(Exception):
    """Text that is not the YAML of a Kubernetes object; ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def load_all(text: str) -> Iterator[Any]:
    """The documents of ``text`` one by one, as JSON types. Raises ``YamlProblem``."""
    yaml = library("yaml", "PyYAML")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    # A third of the time goes into finding out anew what the same few words are.
    loader.resolve = functools.cache(loader.resolve)
    try:
        while loader.check_node():
            yield _build(loader.get_node(), yaml)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise YamlProblem(str(problem), mark.line + 1 if mark else 1) from error
    finally:
        loader.dispose()


def _build(node: Any, yaml: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, yaml) for item in node.value]
    built: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlProblem("a key must be plain text", key_node.start_mark.line + 1)
        if key_node.tag == "tag:yaml.org,2002:merge":
            _merge(merged, _build(value_node, yaml), value_node)
            continue
        key = key_node.value
        if key in built:
            raise YamlProblem(f"the key '{key}' is given twice", key_node.start_mark.line + 1)
        built[key] = _build(value_node, yaml)
    return {**merged, **built} if merged else built


def _merge(merged: dict[str, Any], value: Any, node: Any) -> None:
    """``<<``: of several mappings the first that has a key gives it."""
    for mapping in value if isinstance(value, list) else [value]:
        if not isinstance(mapping, dict):
            raise YamlProblem("'<<' needs a mapping", node.start_mark.line + 1)
        for key, item in mapping.items():
            merged.setdefault(key, item)


def _scalar(node: Any) -> Any:
    text = node.value
    # Quoted and block text carries the string tag; so does plain text that cannot be anything else.
    if node.tag in _TEXT_TAGS:
        return float(text) if not node.style and _UNSEEN_NUMBER.match(text) else text
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INTEGER.match(text):
        return _integer(text.replace("_", ""))
    if _NUMBER.match(text):
        number = float(text.replace("_", ""))
        if math.isfinite(number):
            return number
    return text


def _integer(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567":
        return sign * int(digits, 8)
    return sign * int(digits, 0)

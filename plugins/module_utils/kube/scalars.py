# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plain text of YAML is to Kubernetes: null, a boolean, a number or text, by the rules of sigs.k8s.io/yaml.

kubectl and the API server read with that library, which reads YAML 1.1 with its own exceptions (go.yaml.in/yaml/v2). A
differential test holds this file to it: tests/yamlreference.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import binascii
import functools
import math
import re
from typing import TypeAlias

from ansible_collections.meshops.asm.plugins.module_utils.kube.bounds import TextProblem, whole

Scalar: TypeAlias = "str | int | float | bool | None"

_KNOWN: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[bB](?P<two>[01]+)|0[oO]?(?P<eight>[0-7]+)|0[xX](?P<sixteen>[0-9a-fA-F]+)|(?P<ten>0|[1-9][0-9]*))\Z"
)
_BASES = {"two": 2, "eight": 8, "ten": 10, "sixteen": 16}
# A sign within a binary number is taken too.
_ODD_BINARY = re.compile(r"0b([-+])([01]+)\Z")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
# After a leading point digits may be grouped, but not anyhow.
_POINTED = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?\Z")
# More digits than any number of 64 bits has, in any base.
_MOST_DIGITS = 64

_TAG = "tag:yaml.org,2002:"


@functools.lru_cache(maxsize=8192)
def plain(text: str) -> Scalar:
    """The value of plain text, which may be an infinite number or none, which JSON cannot say."""
    if text in _KNOWN:
        return _KNOWN[text]
    first = text[0]
    if first == ".":
        return _finite(text, text) if _POINTED.match(text) else text
    if first not in "+-0123456789":
        return text
    bare = text.replace("_", "")
    integer = _integer(bare)
    if integer is not None:
        return integer
    return _finite(bare, text) if _DECIMAL.match(bare) else text


def tagged(tag: str, text: str, line: int) -> Scalar:
    """The value of text with one of YAML's own tags, as ``!!int``."""
    kind = tag.removeprefix(_TAG)
    if kind == "str":
        return text
    if kind == "binary":
        return _binary(text, line)
    value = plain(text)
    is_int = isinstance(value, int) and not isinstance(value, bool)
    bits = is_int and _integer(text.replace("_", "")) is not None
    fits = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "int": bits,
        "float": isinstance(value, float) or (isinstance(value, int) and is_int and value < 2**63),
    }
    if kind not in fits:
        raise TextProblem(f"the tag '{shown_tag(tag)}' means nothing here", line)
    if not fits[kind]:
        raise TextProblem(f"what is tagged with '!!{kind}' is none", line)
    return whole(float(value)) if kind == "float" and isinstance(value, int) else value


def shown_tag(tag: str) -> str:
    return tag.replace(_TAG, "!!")[:60]


def key(text: str, value: Scalar, line: int) -> str:
    """What a key is in JSON: text; ``on`` is "true", ``0x10`` is "16"."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise TextProblem("a key is null, quote it", line)
    # The server's library writes them with the 7 digits of 32 bits: 3.10 becomes 3.1.
    if isinstance(value, float) or _integer(text.replace("_", "")) is None or value >= 2**63:
        raise TextProblem("a key is a number with a fraction or without end, quote it", line)
    return str(value)


def _integer(text: str) -> int | None:
    """An integer of 64 bits, with sign or without."""
    if len(text) > _MOST_DIGITS + 4:
        return None
    found = _INTEGER.match(text)
    if found:
        base = found.lastgroup or ""
        sign, digits = found["sign"], found[base]
    else:
        found = _ODD_BINARY.match(text)
        if not found:
            return None
        base, (sign, digits) = "two", found.groups()
    number = int(digits, _BASES[base])
    if sign == "-":
        return -number if number <= 2**63 else None
    return number if number < (2**63 if sign else 2**64) else None


def _finite(digits: str, written: str) -> Scalar:
    """A number, or the text as it is written when it is too large for one."""
    number = float(digits)
    return whole(number) if math.isfinite(number) else written


def _binary(text: str, line: int) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", "").encode(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise TextProblem("what is tagged with '!!binary' is not Base64 of text in UTF-8", line) from None

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a setting that is wanted is the one that is there, where that is more than to be equal. Pure.

The service may write a value in its own way: numbers as text, keys with a capital, what is empty not at all.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.quantities import same_amount
from ansible_collections.meshops.asm.plugins.module_utils.kube import texts as yaml_texts

_DURATION = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{0,9})?(?:ms|us|h|m|s))+\Z")
_PART = re.compile(r"([0-9.]+)(ms|us|h|m|s)")
# Parts of hooks and selectors that are lists.
_LISTS = ("command", "httpHeaders", "matchExpressions", "values")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001}


def amounts(wanted: Any, there: Any) -> bool:
    """Kubernetes quantities, which the service's samples write with a space, as in ``50 Mi``."""
    return same_amount(_dense(wanted), _dense(there))


def durations(wanted: Any, there: Any) -> bool:
    """``90s`` is ``1m30s``, and ``5`` is ``5s``."""
    one, other = seconds(wanted), seconds(there)
    return str(wanted).strip() == str(there).strip() if None in (one, other) else one == other


def seconds(text: Any) -> float | None:
    """A duration in seconds; None for what is none."""
    dense = _dense(text)
    if re.fullmatch(r"[0-9]{1,12}", dense):
        return float(dense)
    if not _DURATION.match(dense):
        return None
    return round(sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(dense)), 6)


def texts(wanted: Any, there: Any) -> bool:
    """Mappings to text, as variables of an environment: ``1`` is ``"1"``, and an empty text is one, too."""
    one, other = decoding.mapping(wanted), decoding.mapping(there)
    if one is None or other is None:
        return bool(wanted == there)
    return {key: decoding.text(value) for key, value in one.items()} == {
        key: decoding.text(value) for key, value in other.items()
    }


def mappings(wanted: Any, there: Any) -> bool:
    """Structures whose empty parts say nothing."""
    return bool(canonical(wanted) == canonical(there))


def hooks(wanted: Any, there: Any) -> bool:
    """Lifecycle hooks of a container. The documented description of a mesh has no place for the path of a request."""
    one, other = canonical(wanted) or {}, canonical(there) or {}
    for name in ("postStart", "preStop"):
        requests = [_request(hook.get(name)) for hook in (one, other) if isinstance(hook, dict)]
        if len(requests) == 2 and any("path" not in request for request in requests):
            for request in requests:
                request.pop("path", None)
    return bool(canonical(one) == canonical(other))


def selectors(wanted: Any, there: Any) -> bool:
    """Label selectors in a list, of which one has to fit: neither their order counts nor that of their expressions."""
    return _selectors(wanted) == _selectors(there)


def documents(wanted: Any, there: Any) -> bool:
    """Texts in YAML or JSON, by what they say."""
    if str(wanted).strip() == str(there).strip():
        return True
    try:
        return bool(yaml_texts.load(str(wanted), "it") == yaml_texts.load(str(there), "it"))
    except (AsmError, ValueError):
        return False


def canonical(value: Any) -> Any:
    """Scalars as text, keys with a small letter first, without the parts that are empty; JSON text as what it says."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        inner = decoding.mapping(value)
        value = value if inner is None else inner
    if isinstance(value, dict):
        parts = {key[:1].lower() + key[1:]: part for key, part in value.items()}
        parts = {key: canonical(_listed(part) if key in _LISTS else part) for key, part in parts.items()}
        return {key: part for key, part in parts.items() if part not in (None, "", [], {})}
    if isinstance(value, list):
        return [canonical(part) for part in value]
    return decoding.text(value)


def _listed(value: Any) -> Any:
    """A list, in whichever spelling it comes."""
    found = decoding.listed(value)
    return value if found is None else found


def _request(hook: Any) -> dict[str, Any]:
    """The request of a hook, whose scheme is told in capitals or not."""
    found = hook.get("httpGet") if isinstance(hook, dict) else None
    request: dict[str, Any] = found if isinstance(found, dict) else {}
    scheme = str(request.pop("scheme", "")).upper()
    if scheme not in ("", "HTTP"):
        request["scheme"] = scheme
    return request


def _selectors(value: Any) -> list[str]:
    items = [canonical(item) for item in decoding.listed(value) or []]
    for item in items:
        expressions = item.get("matchExpressions") if isinstance(item, dict) else None
        if isinstance(expressions, list):
            item["matchExpressions"] = sorted(map(_expression, expressions))
    return sorted(json.dumps(item, sort_keys=True) for item in items)


def _expression(expression: Any) -> str:
    if isinstance(expression, dict) and isinstance(expression.get("values"), list):
        expression = {**expression, "values": sorted(map(str, expression["values"]))}
    return json.dumps(expression, sort_keys=True)


def _dense(text: Any) -> str:
    return "".join(str(text).split())

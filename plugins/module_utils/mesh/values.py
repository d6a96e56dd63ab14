# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What values settings can have: each function says what is wrong with one, as the end of a sentence. Pure.

The service would refuse most of them as well, but after other requests, and in check mode not at all.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import quantities
from ansible_collections.meshops.asm.plugins.module_utils.mesh import equality

_HOOKS = ("postStart", "preStop")
_ACTIONS = ("exec", "httpGet", "tcpSocket", "sleep")
_TAGS = ("literal", "header", "environment")
_STATISTICS = ("inclusionPrefixes", "inclusionSuffixes", "inclusionRegexps")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def quantity(value: Any) -> str:
    found = quantities.read(str(value).strip())
    if found is None or found.amount < 0:
        return f"'{value}' is no quantity of Kubernetes, as 500m or 512Mi are"
    return ""


def duration(value: Any) -> str:
    return "" if equality.seconds(value) is not None else f"'{value}' is no duration, as 5s or 1m30s are"


def port(value: Any) -> str:
    return "" if 0 < value < 65536 else f"{value} is no port from 1 to 65535"


def ports(value: Any) -> str:
    wrong = [one for one in value if one != "*" and not (one.isdigit() and one.isascii() and 0 < int(one) < 65536)]
    return f"'{wrong[0]}' is no port from 1 to 65535 and not '*'" if wrong else ""


def ranges(value: Any) -> str:
    wrong = [one for one in value if one != "*" and not _is_range(one)]
    return f"'{wrong[0]}' is no range of addresses, as 10.0.0.0/8 is, and not '*'" if wrong else ""


def count(value: Any) -> str:
    return "" if value >= 0 else f"{value} is negative"


def positive(value: Any) -> str:
    return "" if value > 0 else f"{value} is less than 1"


def digits(value: Any) -> str:
    return "" if value.isascii() and value.isdigit() and int(value) else f"'{value}' is no whole number from 1"


def percent(value: Any) -> str:
    return "" if 0 <= value <= 100 else f"{value} is not from 0 to 100"


def hooks(value: Any) -> str:
    """Lifecycle hooks as those of a container in Kubernetes."""
    wrong = [name for name in value if name not in _HOOKS]
    return f"{wrong[0]} is none of {', '.join(_HOOKS)}" if wrong else _one_each(value, _ACTIONS)


def tags(value: Any) -> str:
    """Tags of spans, each with one source of its value."""
    return _one_each(value, _TAGS)


def _one_each(value: Any, kinds: tuple[str, ...]) -> str:
    """Mappings with exactly one of these keys, which has a mapping itself."""
    for name, part in value.items():
        if not isinstance(part, dict) or len(part) != 1 or not {*part} <= {*kinds}:
            return f"{name} needs exactly one of {', '.join(kinds)}"
        if not isinstance(next(iter(part.values())), dict):
            return f"{name}.{next(iter(part))} is no mapping"
    return ""


def statistics(value: Any) -> str:
    """Istio's ProxyStatsMatcher."""
    for name, part in value.items():
        if name not in _STATISTICS:
            return f"{name} is none of {', '.join(_STATISTICS)}"
        if not isinstance(part, list) or not all(isinstance(one, str) for one in part):
            return f"{name} is no list of texts"
    return ""


def scheduling(value: Any) -> str:
    """Where pods may run."""
    wrong = [name for name in value if name not in ("nodeSelector", "tolerations")]
    if wrong:
        return f"{wrong[0]} is none of nodeSelector, tolerations"
    if not isinstance(value.get("nodeSelector", {}), dict):
        return "nodeSelector is no mapping"
    tolerations = value.get("tolerations", [])
    fine = isinstance(tolerations, list) and all(isinstance(one, dict) for one in tolerations)
    return "" if fine else "tolerations is no list of mappings"


def by_cluster(value: Any) -> str:
    """Annotations by the id of a cluster."""
    wrong = [key for key, part in value.items() if not isinstance(part, dict) or texts(part)]
    return f"{wrong[0]} has no mapping of annotations" if wrong else ""


def texts(value: Any) -> str:
    """Mappings from names to plain values."""
    wrong = [key for key, part in value.items() if part is None or isinstance(part, (dict, list))]
    return f"{wrong[0]} has no plain value" if wrong else ""


def selectors(value: Any) -> str:
    """Label selectors of Kubernetes in a list."""
    for number, one in enumerate(value, 1):
        problem = _selector(one)
        if problem:
            return f"item {number} {problem}"
    return ""


def _selector(one: Any) -> str:
    if not isinstance(one, dict) or not {*one} <= {"matchLabels", "matchExpressions"}:
        return "is no label selector: it has matchLabels and matchExpressions only"
    if not isinstance(one.get("matchLabels") or {}, dict):
        return "has matchLabels that are no mapping"
    expressions = one.get("matchExpressions") or []
    if not isinstance(expressions, list):
        return "has matchExpressions that are no list"
    for expression in expressions:
        if not isinstance(expression, dict) or not expression.get("key"):
            return "has an expression without a key"
        if expression.get("operator") not in _OPERATORS:
            return f"has an expression whose operator is none of {', '.join(_OPERATORS)}"
        if isinstance(expression.get("values") or [], list) is False:
            return "has an expression whose values are no list"
        if bool(expression.get("values")) != (expression["operator"] in ("In", "NotIn")):
            return f"has an expression whose operator {expression['operator']} and values do not fit"
    return ""


def _is_range(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True

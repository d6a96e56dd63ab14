# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON merge patches (RFC 7386) of IstioGateway objects. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import copy
from typing import Any

# Maps that an option gives as a whole: what is no longer in the option goes. All other maps are merged, because
# the service adds entries of its own.
_WHOLE = frozenset({"overrides", "nodeSelector", "podLabels", "podAnnotations", "serviceLabels", "env", "resources"})


def merge_patch(live: dict[str, Any], wanted: dict[str, Any], whole: bool = False) -> dict[str, Any]:
    """The JSON merge patch that makes ``live`` contain ``wanted``; empty when it does already.

    With ``whole`` keys that are not wanted are removed, too.
    """
    patch: dict[str, Any] = {}
    for key, value in wanted.items():
        have = live.get(key)
        if isinstance(value, dict) and isinstance(have, dict):
            inner = merge_patch(have, value, whole or key in _WHOLE)
            if inner:
                patch[key] = inner
        elif value != have:
            patch[key] = value
    if whole:
        patch.update({key: None for key in live if key not in wanted})
    return patch


def laid_over(base: Any, over: Any) -> Any:
    """``over`` on top of ``base``: maps are merged at every depth, anything else is replaced. Pure."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return {**base, **{key: laid_over(base.get(key), value) for key, value in over.items()}}


def in_cluster(gateway: dict[str, Any], identifier: str) -> dict[str, Any]:
    """The spec of a gateway as it holds in one cluster (id), with that cluster's overrides. Pure."""
    spec = gateway.get("spec") or {}
    return dict(laid_over(spec, (spec.get("overrides") or {}).get(identifier) or {}))


def merged(live: Any, patch: Any) -> Any:
    """The result of a JSON merge patch (RFC 7386). Pure."""
    if not isinstance(patch, dict):
        return patch
    result = copy.deepcopy(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus says of two versions: the query, and the verdict on its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.istio.release import BASELINE
from ansible_collections.meshops.asm.plugins.module_utils.probe import metrics, versus
from ansible_collections.meshops.asm.plugins.plugin_utils.filter_errors import told

DOCUMENTATION = r"""
name: canary_judged
short_description: Compare two versions by what Prometheus has counted
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Tells from the scraped counters of Istio whether a new version is as good as the stable one, by the same sequential
    test as O(meshops.asm.asm_probe#module:compare).
positional: _input, options, stage, since, tests
options:
  _input:
    description: The answer to the query of P(meshops.asm.canary_query#filter), as Prometheus gives it.
    type: dict
    required: true
  options:
    description: The variable C(asm_canary) of the role C(canary).
    type: dict
    required: true
  stage:
    description: A stage, as P(meshops.asm.canary_stages#filter) returns it.
    type: dict
    required: true
  since:
    description: When the stage began, in the seconds of Prometheus.
    type: float
    required: true
  tests:
    description: How many comparisons a release has, which share its chance to be rolled back by mistake.
    type: int
    default: 1
seealso:
  - plugin: meshops.asm.canary_query
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what the counters say
  ansible.builtin.debug:
    msg: "{{ (counted.json | meshops.asm.canary_judged(asm_canary, stage, 1767225600)).problem }}"
"""

RETURN = r"""
_value:
  description:
    - V(verdict) is V(good), V(worse) or V(undecided), V(about) names what made it worse, and V(problem) says it in a
      sentence.
    - V(requests) were counted, and it took V(after) seconds. V(over) says that there is no use in waiting.
  type: dict
  sample: {verdict: good, about: "", requests: 7100, after: 75.0, over: true, problem: ""}
"""

Json = dict[str, Any]


def canary_judged(answer: Json, options: Json, stage: Json, since: float, tests: int = 1) -> Json:
    """See DOCUMENTATION."""
    limit = float((options.get("compare") or {}).get("limit") or 900)
    return metrics.judged(answer, _compare(options, stage, tests), float(since), limit)


def canary_query(options: Json) -> str:
    """See canary_query.yml."""
    compare = options.get("compare") or {}
    seconds = int(compare.get("limit") or 900) + 60
    asked = {**options["prometheus"], "seconds": seconds}
    versions = [*_names(options, 0).values()]
    if options.get("baseline"):
        versions.append(_names(options, 1)["stable"])
        asked["services"] = [asked["service"], f"{asked['service']}{BASELINE}"]
    return metrics.query(asked, options["namespace"], versions, bool(compare.get("latency")))


def _names(options: Json, baseline: float) -> dict[str, str]:
    """The labels ``version`` of both; with ``baseline`` the stable one is its fresh copy."""
    given = options["prometheus"].get("versions") or {}
    found = {name: str(given.get(name) or options[name]) for name in ("stable", "canary")}
    return {**found, "stable": f"{found['stable']}{BASELINE}"} if baseline else found


def _compare(options: Json, stage: Json, tests: int) -> versus.Compare:
    given = options.get("compare") or {}
    latency = {name: _number(f"latency.{name}", value) for name, value in (given.get("latency") or {}).items()}
    if set(latency) - set(versus.QUANTILES):
        raise InvalidInput(f"compare.latency takes {', '.join(versus.QUANTILES)}.")
    numbers = {"margin": 1.0, "false_rollback": 5.0, "false_promotion": 5.0, "expected": 0.1}
    named = {name: _number(name, given.get(name, usual)) for name, usual in numbers.items()}
    named["false_rollback"] /= int(tests)
    baseline = stage.get("fresh") or 0
    shares = {"share": float(stage["share"]), "baseline": float(baseline) or None}
    return cast(versus.Compare, versus.read({**_names(options, baseline), **named, **shares, "latency": latency}))


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"compare.{name} must be a number.") from None


class FilterModule:
    """The filters of this file by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"canary_judged": told(canary_judged), "canary_query": told(canary_query)}

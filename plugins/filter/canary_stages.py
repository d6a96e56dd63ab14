# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stages of a canary release, and the route as each of them makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.istio import release
from ansible_collections.meshops.asm.plugins.plugin_utils import write_back
from ansible_collections.meshops.asm.plugins.plugin_utils.filter_errors import told

DOCUMENTATION = r"""
name: canary_stages
short_description: Say which stages of a release are left
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Returns what the role C(canary) still has to do with a VirtualService or HTTPRoute.
positional: _input, options
options:
  _input:
    description: A VirtualService or HTTPRoute, as P(meshops.asm.istio_resource_info#module) returns it.
    type: dict
    required: true
  options:
    description: The variable C(asm_canary) of the role.
    type: dict
    required: true
seealso:
  - plugin: meshops.asm.canary_route
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what is left
  ansible.builtin.debug:
    msg: "{{ (found.resources[0] | meshops.asm.canary_stages(asm_canary)).stages | map(attribute='title') }}"
"""

RETURN = r"""
_value:
  description:
    - V(weight) is the percentage that the new version has now.
    - V(stages) are the stages that are left, each with V(title), V(weight), V(match), V(mirror),
      V(headers), those of requests that match, V(share), the percentage of the requests that the new version gets
      while it can be compared with the stable one, and V(fresh), that which a fresh copy of the stable one gets.
  type: dict
  sample:
    weight: 0
    stages:
      - {title: "5 %", weight: 5, match: null, mirror: 0, headers: {}, share: 5, fresh: 0}
      - {title: "100 %", weight: 100, match: null, mirror: 0, headers: {}, share: null, fresh: 0}
"""

Json = dict[str, Any]


def canary_stages(live: Json, options: Json) -> Json:
    """See DOCUMENTATION."""
    weight = _begun(live, options).weight
    steps = sorted(int(step) for step in options.get("steps") or [5, 25, 50, 100])
    left = [] if weight == 100 else [step for step in steps if step >= weight and step]
    stages = []
    mirror = int(options.get("mirror") or 0)
    if not weight and mirror:
        stages.append(_stage(f"a copy of {mirror} %", mirror=mirror))
    if not weight and options.get("match"):
        # Every other request of the probe has what is matched.
        matched = {**options["match"].get("headers", {}), **_cookie(options["match"].get("cookie", {}))}
        stages.append(_stage("requests that match", match=options["match"], headers=matched, share=50))
    # The copy has as many pods as the new version, so it gets as many requests, while there are as many left.
    compared = bool(options.get("baseline"))
    stages += [
        _stage(
            f"{step} %",
            weight=step,
            share=step if step < 100 else None,
            fresh=min(step, 100 - step) if compared else 0,
        )
        for step in left
    ]
    return {"weight": weight, "stages": stages}


def canary_route(live: Json, options: Json, stage: Json, at: str, described: bool = False) -> Json:
    """See canary_route.yml."""
    begun = _begun(live, options)
    given = (options.get("probe") or {}).get("by")
    shared = bool(stage.get("match")) or 0 < stage["weight"] < 100
    wanted = replace(
        begun,
        weight=stage["weight"],
        match=stage.get("match"),
        mirror=stage.get("mirror") or 0,
        baseline=stage.get("fresh") or 0,
        marked=bool(options.get("probe")) and not given and shared,
        at=at,
    )
    if described:
        wanted = replace(wanted, described={begun.stable: 100 - wanted.weight, begun.canary: wanted.weight})
    return release.staged(release.plain(live), wanted)


def canary_written(text: str, options: Json) -> str:
    """See canary_written.yml."""
    kind = "HTTPRoute" if options.get("http_route") else "VirtualService"
    name = options.get("http_route") or options["virtual_service"]
    route = write_back.Route(kind, options["namespace"], name, options.get("route"))
    return write_back.written_back(text, route, {options["stable"]: 0, options["canary"]: 100})


def _cookie(cookie: Json) -> Json:
    return {"cookie": "; ".join(f"{name}={value}" for name, value in cookie.items())} if cookie else {}


def _stage(title: str, **more: Any) -> Json:
    return {
        "title": title,
        "weight": 0,
        "match": None,
        "mirror": 0,
        "headers": {},
        "share": None,
        "fresh": 0,
        **more,
    }


def _begun(live: Json, options: Json) -> release.Release:
    return release.begun(live, options["canary"], options["stable"], options.get("route"))


class FilterModule:
    """The filters of this file by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        functions = (canary_stages, canary_route, canary_written)
        return {function.__name__: told(function) for function in functions}

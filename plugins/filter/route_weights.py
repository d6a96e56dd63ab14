# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of a VirtualService's rule, for canary releases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.istio.route_weights import weights_of, with_weights
from ansible_collections.meshops.asm.plugins.plugin_utils.filter_errors import told

DOCUMENTATION = r"""
name: route_weights
short_description: Read the weights of a rule of a VirtualService
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Returns the weight of each target of the http rule that leads to the given subsets.
positional: _input, subsets, route
options:
  _input:
    description: A VirtualService, as P(meshops.asm.istio_resource_info#module) returns it.
    type: dict
    required: true
  subsets:
    description: Subsets that the rule leads to.
    type: list
    elements: str
    required: true
  route:
    description: Name of the rule. Needed when several rules lead to the subsets.
    type: str
seealso:
  - plugin: meshops.asm.with_route_weights
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show how far a release is
  ansible.builtin.debug:
    msg: "{{ found.resources[0] | meshops.asm.route_weights(['v1', 'v2']) }}"
"""

RETURN = r"""
_value:
  description: The weight of each subset.
  type: dict
  sample: {v1: 90, v2: 10}
"""


def route_weights(virtual_service: dict[str, Any], subsets: list[str], route: str | None = None) -> dict[str, int]:
    """See DOCUMENTATION."""
    return weights_of(virtual_service, subsets, route)


def with_route_weights(
    virtual_service: dict[str, Any], weights: dict[str, int], route: str | None = None
) -> dict[str, Any]:
    """See with_route_weights.yml."""
    return with_weights(virtual_service, weights, route)


class FilterModule:
    """The filters of this file by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {function.__name__: told(function) for function in (route_weights, with_route_weights)}

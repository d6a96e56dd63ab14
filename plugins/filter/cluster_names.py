# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_names
short_description: The names of the clusters of a spec
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Returns the names of C(asm_clusters), whose items are mappings with a C(name), or plain names.
positional: _input
options:
  _input:
    description: The list of clusters.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = r"""
- name: Say which clusters the spec has
  ansible.builtin.debug:
    msg: "{{ asm_clusters | meshops.asm.cluster_names | join(', ') }}"
"""

RETURN = r"""
_value:
  description: The names, in their order.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import WORD


def cluster_names(given: Any) -> list[str]:
    """See DOCUMENTATION. What has no name is left out: the checks of the spec tell it."""
    found = shapes.fit(shapes.named(given), [{"name": WORD}])[0]
    return [str(cluster["name"]) for cluster in found if "name" in cluster]


class FilterModule:
    """The filter by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"cluster_names": cluster_names}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: spec_paths
short_description: The files of an item of a spec
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Returns the paths of C(src) or C(template) of an item of C(asm_workloads) or C(asm_istio_resources), relative ones
    below C(asm_base_dir).
  - An empty path would be the whole folder, and is an error.
positional: _input, base_dir
options:
  _input:
    description: One path or a list of them.
    type: raw
    required: true
  base_dir:
    description: Where relative paths start.
    type: str
    default: "."
"""

EXAMPLES = r"""
- name: Apply the objects of an item
  meshops.asm.asm_workload:
    clusters: "{{ item.clusters }}"
    src: "{{ item.src | meshops.asm.spec_paths(asm_base_dir) }}"
"""

RETURN = r"""
_value:
  description: Absolute paths.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.emptiness import paths_below
from ansible_collections.meshops.asm.plugins.plugin_utils.filter_errors import told


def spec_paths(given: Any, base_dir: str = ".") -> list[str]:
    """See DOCUMENTATION."""
    return paths_below(base_dir, given)


class FilterModule:
    """The filter by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"spec_paths": told(spec_paths)}

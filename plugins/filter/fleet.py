# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
short_description: The hosts that the meshes of one file become
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Takes the variable C(asm_meshes), whose items have the variables of a spec, one item a mesh, and says which host
    each of them becomes, with which variables.
  - Says what cannot be meant in them, as P(meshops.asm.spec_problems#filter) does for one mesh. Values are not
    repeated.
positional: _input, shared, only
options:
  _input:
    description: The items.
    type: list
    elements: dict
    required: true
  shared:
    description:
      - Variables of a spec that are for every mesh. A section, such as C(asm_gateways), may not be in an item as well;
        of other variables this one counts.
    type: dict
    default: {}
  only:
    description:
      - Names of meshes, as a list or as text with commas. The others are left out.
      - Without it none is left out. One that is empty is a problem.
    type: raw
"""

EXAMPLES = r"""
- name: Say what is wrong with several meshes
  ansible.builtin.debug:
    msg: "{{ (asm_meshes | meshops.asm.fleet).problems }}"
"""

RETURN = r"""
_value:
  description:
    - C(problems) has a sentence for each problem.
    - C(hosts) has C(name) and C(variables) of each host. A host is called as its mesh, with the region behind it where
      two meshes have one name. Empty where there are problems.
  type: dict
  sample:
    problems: []
    hosts: [{name: shop, variables: {asm_mesh: {name: shop, region: cn-hangzhou}}}]
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.plugin_utils import fleet as meshes_of
from ansible_collections.meshops.asm.plugins.plugin_utils.untrusted import untrusted
from ansible_collections.meshops.asm.plugins.plugin_utils.vocabulary import vocabulary


def fleet(given: Any, shared: dict[str, Any] | None = None, only: Any = None) -> Any:
    """See DOCUMENTATION. What is a template in the items was rendered for this filter, and is none for the hosts."""
    return untrusted(meshes_of.fleet(given, shared or {}, only, vocabulary()))


class FilterModule:
    """The filter by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fleet": fleet}

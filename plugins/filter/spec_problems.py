# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: spec_problems
short_description: What cannot be meant in the variables of a spec
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Compares the variables of a spec with the options that the roles document, and names each option that does not
    exist, with the nearest one that does, each value of another type, and what is missing.
  - The role C(meshops.asm.spec) fails with what it finds. Values are not repeated.
positional: _input
options:
  _input:
    description: The variables by name. One that is an empty text is not given.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say what is wrong with the gateways
  ansible.builtin.debug:
    msg: "{{ {'asm_gateways': asm_gateways} | meshops.asm.spec_problems }}"
"""

RETURN = r"""
_value:
  description: A sentence for each problem.
  type: list
  elements: str
  sample: ["asm_gateways, 'in': it has no option 'port'. Did you mean ports?"]
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.options import wrong_variables
from ansible_collections.meshops.asm.plugins.plugin_utils.untrusted import untrusted
from ansible_collections.meshops.asm.plugins.plugin_utils.vocabulary import vocabulary


def spec_problems(given: dict[str, Any]) -> list[str]:
    """See DOCUMENTATION."""
    variables = {name: value for name, value in given.items() if value is not None and value != ""}
    problems = [*_empty(given), *wrong_variables(variables, vocabulary())]
    return [untrusted(text) for text in problems]


def _empty(given: dict[str, Any]) -> list[str]:
    """What has a name and no value, as a list of which every item is commented out; and a spec that did not arrive."""
    structured = [name for name in given if vocabulary().get(name, {}).get("type") in ("list", "dict")]
    found = [f"{name} is empty. Give it a value, or leave it out." for name in structured if given[name] is None]
    if given.get("asm_mesh", found) == "":
        found.append(
            "asm_mesh is missing, which describes the mesh. A file with it is given with an @, as in -e @mesh.yml, and "
            "the names of all its variables begin with asm_."
        )
    return found


class FilterModule:
    """The filter by name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"spec_problems": spec_problems}

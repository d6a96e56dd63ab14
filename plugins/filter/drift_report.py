# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drift_report
short_description: A report of what differs from a spec
version_added: 0.1.0
description:
  - Makes one report of the results that the playbook C(meshops.asm.drift) has collected in check mode.
positional: _input
options:
  _input:
    description: The collected results, a JSON document a line.
    type: str
    required: true
  mesh:
    description: Name of the mesh that was looked at.
    type: str
    required: true
  failure:
    description: Why not everything could be looked at. Empty when it could.
    type: str
    default: ""
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: Say how much differs
  ansible.builtin.debug:
    msg: "{{ report.status }}: {{ report.objects | length }}"
  vars:
    report: "{{ records.content | b64decode | meshops.asm.drift_report(mesh='shop') }}"
"""

RETURN = r"""
_value:
  description:
    - V(status) is V(match), V(drift), or V(incomplete) when something failed. V(checked) counts the tasks that were
      asked, V(failures) says what failed. V(releases) says which routes are as a canary release has made them.
    - V(objects) are the objects that differ, each with V(kind), V(name), V(where), V(change) (V(missing),
      V(different), V(unwanted), or V(added) where somebody else wrote more into an object) and V(diff), the lines of a
      unified diff from what is there to what shall be.
    - V(fields) of an object are its fields that differ, each with V(field), V(kind) (V(changed), V(missing) or
      V(added)), V(described), V(found), and V(manager) and V(time) of who wrote it last, as far as on record. Values of
      a Secret are hidden.
    - V(held) are the field managers that hold described fields with other values. To take those back, the item of the
      spec needs C(force_conflicts=true).
    - V(table) is the same as lines of text.
  type: dict
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.plugin_utils.drift_report import drift_report


class FilterModule:
    """See plugin_utils/drift_report.py."""

    def filters(self) -> dict[str, Any]:
        return {"drift_report": drift_report}

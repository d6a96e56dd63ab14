#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_preflight
short_description: Check the spec of a mesh before anything is written
version_added: 0.1.0
description:
  - Checks a whole spec, as the roles of this collection take it, and fails with every problem in one list. Only reads.
  - >-
    Without asking anybody: misspelt variables, values that the module of an item would refuse, in that module's own
    words, names that refer to nothing, files that are missing or not valid, kinds
    that are aimed at the wrong API server, ports of Istio gateways on which nothing would listen, and one object
    that is described in two places and not alike, which every run would change to one and then to the other.
  - >-
    With the account: credentials, name and region of the mesh, options that an existing mesh cannot change any more,
    the region, version, VPC and vSwitches of a new one, and whether each cluster is there and can be attached.
  - Files are read and templates rendered on the controller; manifests do not leave it.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.attributes.info
  - meshops.asm.sections
options:
  mesh:
    description: The mesh, with the options of M(meshops.asm.asm_mesh).
    type: dict
    required: true
  checks:
    description: >-
      The checks of the traffic, each with the options of M(meshops.asm.asm_probe), as
      O(meshops.asm.asm_verify#module:checks). No request is sent.
    type: list
    elements: dict
    default: []
  base_dir:
    description: Folder on the controller that relative paths start from. Unset means the current one.
    type: path
seealso:
  - module: meshops.asm.asm_verify
  - module: meshops.asm.asm_mesh
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: Check before anything is made
  meshops.asm.asm_preflight:
    mesh:
      name: shop
      region: cn-hangzhou
      vpc_id: vpc-bp1example
      vswitch_ids: [vsw-bp1example]
    clusters:
      - name: shop-1
    gateways:
      - name: ingressgateway
        clusters: [shop-1]
        ports:
          - name: http
            port: 80
    istio_resources:
      - name: bookinfo
        src: istio/
    checks:
      - name: three versions in turn
        path: /productpage
        by:
          regex: 'reviews-(v\d)'
        expect:
          even: [v1, v2, v3]
"""

RETURN = r"""
creates:
  description: What making the mesh and its gateways creates and exposes in the account; empty when the mesh exists.
  returned: success
  type: list
  elements: str
  sample:
    - "Mesh 'shop' does not exist yet: it will be created in cn-hangzhou, which takes 2 to 3 minutes."
    - "A security group, route entries in VPC vpc-bp1example and a RAM role with its policies."
errors:
  description: Every problem that was found.
  returned: always
  type: list
  elements: str
  sample:
    - "asm_workloads, 'bookinfo': the cluster 'shop-9' is not in asm_clusters (shop-1)."
account:
  description: Whose account it was, see RV(meshops.asm.asm_mesh#module:account).
  returned: when the service was asked
  type: dict
  sample:
    source: the profile shop of /home/user/.aliyun/config.json
    access_key_id: LTAI***x7Qe
    region: cn-hangzhou
    account_id: "1234567890123456"
error:
  description: What the service said, see RV(meshops.asm.asm_mesh#module:error).
  returned: failure
  type: dict
  sample:
    code: MissingCredentials
    message: "No usable credentials for Alibaba Cloud. Set access_key_id and access_key_secret (or ...)"
    request_id: ""
    http_status: null
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import printable
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import Task, run_task
from ansible_collections.meshops.asm.plugins.module_utils.spec import account as account_checks
from ansible_collections.meshops.asm.plugins.module_utils.spec import consistency as spec_checks
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import LISTS

OPTIONS: dict[str, Any] = {
    "mesh": {"type": "dict", "required": True},
    # Secrets in their items are hidden one by one.
    **{one.option: {"type": "list", "elements": "dict", "default": [], "no_log": False} for one in LISTS},
    "base_dir": {"type": "path"},
}


def preflight(task: Task) -> dict[str, Any]:
    task.tell("checking the spec")
    wrong = spec_checks.wrong_checks(task.params["checks"], task.params["gateways"])
    task.tell("asking the account")
    try:
        findings = account_checks.check(task.cloud, task.params)
    except AsmError as error:
        error.message = "\n".join([error.message, *wrong])
        raise
    for warning in findings.warnings:
        task.module.warn(printable(warning))
    told = (findings.creates, findings.errors, findings.unread)
    creates, errors, unread = ([printable(one) for one in texts] for texts in told)
    return {"changed": False, "creates": creates, "errors": [*wrong, *errors], "unread": unread}


def main() -> None:
    run_task(OPTIONS, preflight)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_verify
short_description: Compare the spec of a mesh with what is there
version_added: 0.1.0
description:
  - Reads the mesh, its clusters and gateways with their certificates, the workloads in the clusters and the Istio
    resources in the control plane, and says what of the spec is missing or not ready. Then sends the requests of the
    checks, and says what of the declared traffic is not what is seen, and which resources decide about it.
  - A row of the mesh says how many of its proxies have what the control plane says, and names those that are behind.
  - Only reads. Waits for nothing but for checks to come true.
  - Objects are looked for by kind, namespace and name, and their fields compared with those of the manifests. What
    the server completes or spells in another way is no difference, nor is what somebody else has added, which is shown.
    Of Secrets only the names of the values are compared. The playbook C(meshops.asm.drift) shows the values, too.
  - What is missing is returned, and is no failure of the module.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes.info
options:
  mesh_options:
    description:
      - Options of M(meshops.asm.asm_mesh) that the mesh shall have. Unset looks at its state only.
      - Secrets, and what the service never shows, are not compared.
    type: dict
  clusters:
    description: Names or ids of the clusters that shall be attached.
    type: list
    elements: str
    default: []
  user_permissions:
    description:
      - Who shall have which role in the mesh, each with a C(name), the C(user) and the C(role) of
        M(meshops.asm.asm_user_permission).
    type: list
    elements: dict
    default: []
  gateways:
    description:
      - The gateways, each with its C(name) and the options of M(meshops.asm.asm_gateway) that it shall have.
    type: list
    elements: dict
    default: []
  gateway_secrets:
    description:
      - The certificates of the gateways, each with its C(name), its C(gateway) and the options of
        M(meshops.asm.asm_gateway_secret) that it shall have.
      - One that ends within C(min_days) (14 unless it says otherwise) is named. The private key is neither needed nor
        passed on.
    type: list
    elements: dict
    default: []
  workloads:
    description:
      - The applications, each with a C(name), the C(clusters) and the options of M(meshops.asm.asm_workload) that say
        which objects it has. Files are read on the controller.
      - With C(require_sidecar) every pod must have the mesh's sidecar.
    type: list
    elements: dict
    default: []
  extension_providers:
    description:
      - The services that decide about requests, each with its C(name) and the options of
        M(meshops.asm.asm_extension_provider) that it shall have. Secrets are not compared.
    type: list
    elements: dict
    default: []
  istio_resources:
    description:
      - The Istio resources, each with a C(name) and the options of M(meshops.asm.istio_resource) that say which objects
        it has. Files are read on the controller.
    type: list
    elements: dict
    default: []
  checks:
    description:
      - What the traffic must be seen to do, each with a C(name), the options of M(meshops.asm.asm_probe), and the
        C(service) (as C(name.namespace)) that it is about, by which a miss is explained.
      - A check that names neither C(gateway) nor C(address) goes through the only one of O(gateways). Its
        C(wait_timeout) is 30 seconds unless it says otherwise.
      - Not carried out in C(check_mode).
    type: list
    elements: dict
    default: []
  _objects:
    description: Not for playbooks. Here the controller puts the objects, without the values of Secrets.
    type: str
  base_dir:
    description: Folder on the controller that relative paths start from. Unset means the current one.
    type: path
  show:
    description:
      - Prints RV(table) when the task is done, line by line, whatever the format of results is.
      - Prints nothing with C(no_log), and where a callback plugin with C(json) in its name writes the output.
    type: bool
    default: false
seealso:
  - module: meshops.asm.asm_preflight
  - module: meshops.asm.asm_probe
  - module: meshops.asm.asm_mesh_info
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: See whether all is there
  meshops.asm.asm_verify:
    mesh: shop
    clusters: [shop-1]
    gateways:
      - name: ingressgateway
        clusters: [shop-1]
    workloads:
      - name: bookinfo
        clusters: [shop-1]
        src: apps
        require_sidecar: true
    istio_resources:
      - name: routes
        src: istio/
    checks:
      - name: a fifth of the readers see the new reviews
        service: reviews.bookinfo
        path: /api/v1/products/0/reviews
        by:
          regex: '"podname":\s*"(reviews-v\d)'
        expect:
          split: {reviews-v1: 80, reviews-v2: 20}
    show: true
  register: shop

- name: Fail when something is missing
  ansible.builtin.assert:
    that: not shop.problems
"""

RETURN = r"""
rows:
  description: What the spec asks for, and how it was found.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: >-
        One of V(mesh), V(cluster), V(permission), V(gateway), V(certificate), V(workload), V(provider), V(istio),
        V(check).
      returned: always
      type: str
      sample: workload
    name:
      description: Its name.
      returned: always
      type: str
      sample: Deployment bookinfo/details-v1
    where:
      description: The cluster, region or set that it belongs to.
      returned: always
      type: str
      sample: shop-1
    state:
      description: How it is there.
      returned: always
      type: str
      sample: 1/1 ready, sidecars
    ok:
      description: Whether that is as it should be.
      returned: always
      type: bool
      sample: true
  sample:
    - {what: gateway, name: ingressgateway, where: shop-1, state: 203.0.113.10, ok: true}
table:
  description: The rows as text for a terminal of 80 columns.
  returned: success
  type: list
  elements: str
  sample:
    - gateway
    - "  ingressgateway  shop-1  203.0.113.10"
checks:
  description:
    - The checks in their order, each with the results of M(meshops.asm.asm_probe), without those when it was not
      carried out.
  returned: success
  type: list
  elements: dict
  sample:
    - name: a fifth of the readers see the new reviews
      where: ingressgateway
      ok: false
      state: reviews-v1 100 % (declared 80, interval 98.67 to 100); 807 requests
      problems: ["reviews-v2: 0 % observed (0 of 807, interval 0 to 1.33 % at 99.9 %), 20 % declared, within 5 points."]
      explanation: ["The subset v2 of DestinationRule bookinfo/reviews (version=v2) has no ready pod in any cluster."]
problems:
  description: A sentence for everything that is missing or not ready, or not seen as declared.
  returned: success
  type: list
  elements: str
  sample: ["gateway ingressgateway (shop-2): no address yet"]
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

import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.checks import running
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import printable
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import Task, run_task
from ansible_collections.meshops.asm.plugins.module_utils.spec import inspection
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import LISTS

OPTIONS: dict[str, Any] = {
    "mesh": {"type": "str", "required": True},
    "mesh_options": {"type": "dict"},
    # Secrets in their items stay on the controller.
    **{
        one.option: {"type": "list", "elements": "dict", "default": [], "no_log": False}
        for one in LISTS
        if one.verified
    },
    "clusters": {"type": "list", "elements": "str", "default": []},
    "base_dir": {"type": "path"},
    "show": {"type": "bool", "default": False},
    # Filled by the action plugin: {workloads and istio_resources: {name of an item: [object]}}.
    "_objects": {"type": "str", "no_log": True},
}


def _misses(findings: list[running.Finding]) -> list[str]:
    """One text for each check that is not fulfilled, with what explains it."""
    return [
        " ".join([f"check {one.check.name} ({one.check.where}): {' '.join(one.problems)}", *one.explanation])
        for one in findings
        if one.problems
    ]


def _with_objects(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters with the objects of each item, as far as the controller has sent them."""
    given = json.loads(params.get("_objects") or "{}")
    filled = dict(params)
    for option, objects in given.items():
        filled[option] = [{**one, "objects": objects[one["name"]], "described": True} for one in params[option]]
    return filled


def verify(task: Task) -> dict[str, Any]:
    task.tell("reading the checks")
    params = inspection.read(_with_objects(task.params))
    checks = running.read_checks(params["checks"], [gateway["name"] for gateway in params["gateways"]])
    task.tell("looking at the mesh")
    rows = inspection.inspect(task.cloud, params)
    task.tell("trying the checks")
    findings = task.sending(
        lambda: running.run_checks(task.cloud, params["mesh"], checks),
        lambda: running.untried(checks, "not tried in check mode"),
    )
    rows += inspection.check_rows(findings)
    things = [row for row in rows if row.what != "check"]
    return {
        "changed": False,
        "rows": [row.as_result() for row in rows],
        "table": inspection.table(rows),
        "checks": [finding.as_result() for finding in findings],
        "problems": [printable(one) for one in (*inspection.problems(things), *_misses(findings))],
    }


def main() -> None:
    run_task(OPTIONS, verify)


if __name__ == "__main__":
    main()

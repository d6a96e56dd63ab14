#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: istio_resource_info
short_description: Read Istio resources from the control plane of a mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Returns the Istio resources of a mesh, of one kind or of all, as they could be applied again.
options:
  mesh:
    description:
      - Name or id of the mesh. Its kubeconfig is fetched for the task and kept in memory only.
      - One of O(mesh) and O(kubeconfig) is needed.
    type: str
  kind:
    description:
      - Kind of the resources. Not given means all kinds of Istio, and of ASM those that the collection knows and that
        the user may list.
      - Of an C(ASMCredential) and an C(LLMProvider), which hold credentials, everything but C(metadata) is hidden.
    type: str
  api_version:
    description:
      - Group and version of O(kind). Needed only for kinds that are neither Istio's nor the API server's own, or to
        read another version than the usual one.
    type: str
  name:
    description: Name of one resource.
    type: str
  namespace:
    description: Namespace of the resources. Not given means all namespaces.
    type: str
  label_selectors:
    description: Conditions on labels, all of which must be met, like V(app=reviews) or V(version in (v1, v2\)).
    type: list
    elements: str
    default: []
  field_selectors:
    description: Conditions on fields, all of which must be met, like V(metadata.name=reviews).
    type: list
    elements: str
    default: []
  query:
    description:
      - A JMESPath expression that is applied to the list of resources; RV(resources) is then its result.
      - Needs the Python library jmespath.
    type: str
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.kube_connection
  - meshops.asm.attributes.info
seealso:
  - module: meshops.asm.istio_resource
"""

EXAMPLES = r"""
- name: Read all routes of a namespace
  meshops.asm.istio_resource_info:
    mesh: demo
    kind: VirtualService
    namespace: bookinfo
  register: routes

- name: List the hosts of all routes
  meshops.asm.istio_resource_info:
    mesh: demo
    kind: VirtualService
    query: "[].spec.hosts[]"

- name: Read every Istio resource of a set
  meshops.asm.istio_resource_info:
    mesh: demo
    label_selectors:
      - meshops.asm/set=shop
"""

RETURN = r"""
resources:
  description:
    - The resources, sorted by kind, namespace and name, without C(metadata.managedFields).
    - With O(query) what the expression makes of this list.
  returned: success
  type: raw
  sample:
    - apiVersion: networking.istio.io/v1
      kind: VirtualService
      metadata: {name: reviews, namespace: bookinfo, generation: 2}
      spec:
        hosts: [reviews]
        http:
          - route:
              - destination: {host: reviews, subset: v1}
account:
  description: Whose account it was, see RV(meshops.asm.asm_mesh#module:account).
  returned: when the service was asked
  type: dict
  sample:
    source: the profile shop of /home/user/.aliyun/config.json
    access_key_id: LTAI***x7Qe
    region: cn-hangzhou
    account_id: "1234567890123456"
"""

from contextlib import closing
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.kube.reading import queried, read_objects
from ansible_collections.meshops.asm.plugins.module_utils.module.connection import CONNECTION_OPTIONS, connect
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_info

OPTIONS: dict[str, Any] = {
    "mesh": {"type": "str"},
    "kind": {"type": "str"},
    "api_version": {"type": "str"},
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "label_selectors": {"type": "list", "elements": "str", "default": []},
    "field_selectors": {"type": "list", "elements": "str", "default": []},
    "query": {"type": "str"},
    **CONNECTION_OPTIONS,
}


def read(params: dict[str, Any], cloud: Cloud) -> Any:
    """The resources that the options select, or what the query makes of them."""
    with closing(connect(params, cloud)) as client:
        found = read_objects(client, params)
    return queried(params["query"], found) if params["query"] else found


def main() -> None:
    run_info(
        "resources",
        OPTIONS,
        read,
        required_one_of=[("mesh", "kubeconfig")],
        mutually_exclusive=[("mesh", "kubeconfig")],
        required_by={"api_version": ("kind",)},
    )


if __name__ == "__main__":
    main()

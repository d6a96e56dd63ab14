#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_namespace
short_description: Manage a namespace of a mesh's control plane and its sidecar injection
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Creates, labels and deletes a namespace of the control plane of a mesh.
  - Namespaces of the control plane and of a data-plane cluster are different objects. ASM copies the injection labels
    from the former to the latter; the namespace itself has to exist in the cluster.
options:
  name:
    description: Name of the namespace.
    type: str
    required: true
  mesh:
    description:
      - Name or id of the mesh. Its kubeconfig is fetched for the task and kept in memory only.
      - One of O(mesh) and O(kubeconfig) is needed.
    type: str
  state:
    description:
      - Whether the namespace shall exist.
      - With V(absent) all Istio resources in it are deleted too.
    type: str
    choices: [present, absent]
    default: present
  injection:
    description:
      - Whether new pods of the namespace get a sidecar (label C(istio-injection)).
      - V(unset) removes the setting, so that the mesh's own default or O(revision) decides.
      - Not given means that the setting stays as it is; the same goes for the other options.
    type: str
    choices: [enabled, disabled, unset]
  revision:
    description:
      - Revision of the control plane that injects the sidecars (label C(istio.io/rev)). An empty text removes it.
      - Istio ignores it while O(injection) is set.
    type: str
  dataplane_mode:
    description:
      - Data-plane mode of the namespace (label C(istio.io/dataplane-mode)); V(unset) removes it.
    type: str
    choices: [ambient, none, unset]
  labels:
    description: Further labels. Those that are not named stay as they are; V(null) removes one.
    type: dict
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.kube_connection
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.istio_resource
  - module: meshops.asm.asm_workload
"""

EXAMPLES = r"""
- name: Give new pods of the namespace a sidecar
  meshops.asm.asm_namespace:
    mesh: demo
    name: bookinfo
    injection: enabled

- name: Follow a revision instead
  meshops.asm.asm_namespace:
    mesh: demo
    name: bookinfo
    injection: unset
    revision: 1-22-6

- name: Remove the namespace from the control plane
  meshops.asm.asm_namespace:
    mesh: demo
    name: bookinfo
    state: absent
"""

RETURN = r"""
namespace:
  description: The namespace; V(null) when it is gone. In check mode as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    injection:
      description: The value of the label C(istio-injection); V(null) without it.
      type: str
      returned: always
    revision:
      description: The value of the label C(istio.io/rev); V(null) without it.
      type: str
      returned: always
    dataplane_mode:
      description: The value of the label C(istio.io/dataplane-mode); V(null) without it.
      type: str
      returned: always
    labels:
      description: All labels.
      type: dict
      returned: always
    phase:
      description: V(Active) or V(Terminating).
      type: str
      returned: always
  sample:
    name: bookinfo
    injection: enabled
    revision: null
    dataplane_mode: null
    labels: {istio-injection: enabled, kubernetes.io/metadata.name: bookinfo}
    phase: Active
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

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_label
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    DONE,
    UPDATE,
    Plan,
    Progress,
    failed,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import GIVEN_NAMESPACES
from ansible_collections.meshops.asm.plugins.module_utils.kube import namespaces
from ansible_collections.meshops.asm.plugins.module_utils.kube.applying import wait_until_gone
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.workloads import complaints
from ansible_collections.meshops.asm.plugins.module_utils.module.connection import CONNECTION_OPTIONS, connect
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource


class AsmNamespace(ResourceModule):
    """One namespace of a control plane."""

    result = "namespace"
    options = {
        "name": {"type": "str", "required": True},
        "mesh": {"type": "str"},
        "injection": {"type": "str", "choices": ["enabled", "disabled", "unset"]},
        "revision": {"type": "str"},
        "dataplane_mode": {"type": "str", "choices": ["ambient", "none", "unset"]},
        "labels": {"type": "dict"},
        **CONNECTION_OPTIONS,
    }
    rules = {"required_one_of": [("mesh", "kubeconfig")], "mutually_exclusive": [("mesh", "kubeconfig")]}

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        self.name: str = params["name"]
        if not is_label(self.name):
            raise InvalidInput(
                f"name '{one_line(self.name)[:60]}' is no name of a namespace: give up to 63 small letters, digits and "
                "'-', with a letter or a digit at both ends."
            )
        self.path = f"{namespaces.COLLECTION}/{self.name}"
        self.wanted = namespaces.wanted_labels(params)
        self.client: KubeClient | None = None
        self.nowhere: NotFound | None = None
        if params["state"] == "absent" and self.name in GIVEN_NAMESPACES:
            raise Refused(f"The namespace {self.name} belongs to the mesh itself and cannot be removed.")

    def find(self) -> Any:
        if self.gone:
            return None
        try:
            self.client = self.client or connect(self.params, self.cloud)
        except NotFound as error:
            # No mesh (yet): nothing to remove, a creation can be predicted, and only the write fails.
            self.nowhere = error
            return None
        return self.client.get(self.path)

    def plan(self, found: Any) -> Plan:
        going = bool(found and found["metadata"].get("deletionTimestamp"))
        if self.params["state"] == "absent":
            action = DELETE if found and not going else "none"
            return Plan(action, before=self.view(found), changes=found)
        have = None if going else found
        changes = namespaces.label_changes((have or {}).get("metadata", {}).get("labels") or {}, self.wanted)
        after = namespaces.with_changes(have, self.name, changes)
        odd = namespaces.contradiction(after["metadata"]["labels"])
        warnings = [*([odd] if odd else []), *([self.nowhere.yet] if self.nowhere else [])]
        action = CREATE if have is None else UPDATE if changes else "none"
        return Plan(action, self.view(have), self.view(after), changes=(found, changes), warnings=tuple(warnings))

    def apply(self, plan: Plan) -> None:
        if self.nowhere:
            raise self.nowhere
        client = self.client or connect(self.params, self.cloud)
        if plan.action == DELETE:
            client.delete(self.path, uid=plan.changes["metadata"]["uid"])
            return
        found, changes = plan.changes
        if plan.action == CREATE:
            if found:
                wait_until_gone(
                    client, self.path, found, f"Namespace {self.name}", patience=float(self.params["wait_timeout"])
                )
            labels = {key: value for key, value in changes.items() if value is not None}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.name, "labels": labels}}
            created = client.create(namespaces.COLLECTION, body)
            changes = namespaces.label_changes(created["metadata"].get("labels") or {}, self.wanted)
        if changes:
            client.merge(self.path, {"metadata": {"labels": changes}})

    def progress(self, plan: Plan) -> Progress:
        found = None if self.nowhere or not self.client else self.client.get(self.path)
        phase = ((found or {}).get("status") or {}).get("phase")
        if self.params["state"] == "absent":
            told = complaints(found or {})
            what = f"namespace {self.name} to be gone{f' ({told})' if told else ''}"
            return waiting(what, last=found.get("status")) if found else DONE
        if self.client and (found is None or found["metadata"].get("deletionTimestamp")):
            # The API server shows what it has stored: somebody took it away again.
            return failed(f"Namespace {self.name} was removed meanwhile, by another run or by hand.")
        return DONE if phase == "Active" else waiting(f"namespace {self.name} to be active (phase {phase})")

    def view(self, found: Any) -> Any:
        return namespaces.view(found)

    def wrote(self) -> bool:
        return bool(self.client and self.client.writes) or super().wrote()


def main() -> None:
    run_resource(AsmNamespace)


if __name__ == "__main__":
    main()

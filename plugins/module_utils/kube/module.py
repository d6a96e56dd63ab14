# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that applies objects, common to control planes and clusters.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.kube import differ
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.options import connect, given_documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes
from ansible_collections.meshops.asm.plugins.module_utils.module import ResourceModule
from ansible_collections.meshops.asm.plugins.module_utils.reconcile import Plan, Progress


class ObjectsModule(ResourceModule):
    """Base of the modules whose resource is a set of Kubernetes objects; ``target`` says on which kind of server."""

    result = "resources"
    target: ClassVar[str]

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        wishes = Wishes(
            target=self.target,
            documents=given_documents(params),
            namespace=params["namespace"],
            set_name=params["set"],
            absent=params["state"] == "absent",
        )
        manner = Manner(
            force_conflicts=params["force_conflicts"],
            validate=params["validate"],
            set_name=params["set"],
            prune=params["prune"],
            prune_all=params["prune_all"],
            require_sidecar=bool(params.get("require_sidecar")) and not wishes.absent,
        )
        self.objects = ObjectSet(wishes, manner, lambda: connect(params, cloud))

    def find(self) -> Any:
        return self.objects.find()

    def plan(self, found: Any) -> Plan:
        return self.objects.plan(found)

    def apply(self, plan: Plan) -> None:
        self.objects.apply(plan)

    def progress(self, plan: Plan) -> Progress:
        return self.objects.progress(plan)

    def view(self, found: Any) -> Any:
        return self.objects.view(found)

    def wrote(self) -> bool:
        return self.objects.wrote() or super().wrote()

    def extra(self, plan: Plan) -> dict[str, Any]:
        items = self.objects.items
        return {"resources": self.objects.view(items), "summary": differ.summary_of(items)}

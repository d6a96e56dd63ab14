# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that applies objects, common to control planes and clusters.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Plan, Progress
from ansible_collections.meshops.asm.plugins.module_utils.kube import differ
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.fleet import Fleet
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Follower, Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes
from ansible_collections.meshops.asm.plugins.module_utils.module.connection import (
    concurrency_of,
    connect,
    given_documents,
)
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule


class ObjectsModule(ResourceModule):
    """Base of the modules whose resource is a set of Kubernetes objects; ``target`` says on which kind of server."""

    result = "resources"
    target: ClassVar[str]

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        concurrency_of(params)
        self.wishes = Wishes(
            target=self.target,
            documents=given_documents(params),
            namespace=params["namespace"],
            set_name=params["set"],
            absent=params["state"] == "absent",
        )
        self.manner = Manner(
            force_conflicts=params["force_conflicts"],
            validate=params["validate"],
            set_name=params["set"],
            prune=params["prune"],
            prune_all=params["prune_all"],
            require_sidecar=bool(params.get("require_sidecar")) and not self.wishes.absent,
            lint=bool(params.get("lint")),
            strict=params.get("order") == "strict",
            patience=float(params["wait_timeout"]),
            compare=bool(params.get("_compare")),
            providers=self.providers,
            cluster_domain=self.cluster_domain,
        )
        self.wrote_before = False
        # All sets share the documents: they only read them.
        self.objects = Fleet({name: self._set(one) for name, one in self.servers().items()})

    def _set(self, connect: Callable[[], KubeClient]) -> ObjectSet:
        return ObjectSet(self.wishes, self.manner, connect, self.follower())

    def providers(self) -> Iterable[str] | None:
        """The names of the mesh's extension providers for lint; None where nobody knows."""
        return None

    def follower(self) -> Follower | None:
        """Who waits for the proxies between two steps."""
        return None

    def cluster_domain(self) -> str:
        """The domain of the services behind a control plane, for the checks; empty for the usual one."""
        return ""

    def servers(self) -> dict[str, Callable[[], KubeClient]]:
        """How to reach each API server that gets the objects, by the name that results call it."""
        return {self.params.get("mesh") or "": lambda: connect(self.params, self.cloud)}

    def find(self) -> Any:
        if self.gone:
            # With their mesh, the objects are gone as well.
            self.wrote_before = self.objects.wrote()
            self.objects = Fleet({name: self._set(self._nowhere) for name in self.servers()})
        return self.objects.find()

    def _nowhere(self) -> KubeClient:
        raise NotFound(self.gone)

    def plan(self, found: Any) -> Plan:
        return self.objects.plan(found)

    def apply(self, plan: Plan) -> None:
        self.objects.apply(plan)

    def progress(self, plan: Plan) -> Progress:
        return self.objects.progress()

    def view(self, found: Any) -> Any:
        return self.objects.view(found)

    def wrote(self) -> bool:
        return self.wrote_before or self.objects.wrote() or super().wrote()

    def extra(self, plan: Plan) -> dict[str, Any]:
        found = self.objects.items()
        everything = [item for items in found.values() for item in items]
        linted = {"findings": self.objects.findings()} if self.params.get("lint") else {}
        steps = self.objects.steps()
        ordered = {"steps": steps} if steps else {}
        compared = {"comparison": self.objects.comparison()} if self.manner.compare else {}
        shown = {"resources": self.objects.view(found), "summary": differ.summary_of(everything)}
        unlisted = {"unlisted": self.objects.unlisted()} if self.manner.prune else {}
        return {**shown, **unlisted, **linted, **ordered, **compared}

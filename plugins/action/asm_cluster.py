# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the kubeconfigs of clusters for meshops.asm.asm_cluster, and shows what the module waits for."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load
from ansible_collections.meshops.asm.plugins.plugin_utils.own_kubeconfig import content
from ansible_collections.meshops.asm.plugins.plugin_utils.untrusted import untrusted
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import WaitingAction

load(__name__)

Json = dict[str, Any]


class ActionModule(WaitingAction):
    """See ``WaitingAction``. A plain name stands for a cluster with that name."""

    def _module_args(self, task_vars: Json) -> Json:
        args = super()._module_args(task_vars)
        clusters = shapes.named(args.get("clusters"))
        return {**args, "clusters": [self._read(one) for one in clusters] if isinstance(clusters, list) else clusters}

    def _read(self, cluster: Any) -> Any:
        if not isinstance(cluster, dict) or cluster.get("kubeconfig") is None:
            return cluster
        try:
            return {**cluster, "kubeconfig": content(cluster["kubeconfig"], self)}
        except AsmError as error:
            raise AnsibleActionFail(untrusted(f"Cluster '{cluster.get('name')}': {error.message}")) from None

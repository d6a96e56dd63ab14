# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a kubeconfig is of any use: one cheap request with it.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from contextlib import closing

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load


def accepted(kubeconfig: str) -> bool:
    """Whether the API server answers this kubeconfig (YAML text) and lets it list namespaces.

    False also when the server is away: a new kubeconfig is then no worse than the old one.
    """
    try:
        with closing(KubeClient(load(kubeconfig), patience=5.0)) as client:
            client.get("/api/v1/namespaces", limit=1)
    except AsmError:
        return False
    return True

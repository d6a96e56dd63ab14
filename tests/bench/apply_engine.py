# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of istio_resource alone, from text to result, without Ansible and without the time to import it.

Prints the seconds. ``python -m tests.bench.apply_engine KUBECONFIG FILE``
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import reconcile
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import MESH
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes


def main() -> None:
    kubeconfig, file = (Path(word) for word in sys.argv[1:])
    for name in ("urllib3", "yaml"):
        importlib.import_module(name)
    start = time.monotonic()
    wishes = Wishes(target=MESH, documents=documents.read(file), set_name="bench")
    objects = ObjectSet(wishes, Manner(set_name="bench"), lambda: KubeClient(load(kubeconfig.read_text("utf-8"))))
    try:
        reconcile(objects)
    finally:
        objects.close()
    print(f"{time.monotonic() - start:.3f}")


if __name__ == "__main__":
    main()

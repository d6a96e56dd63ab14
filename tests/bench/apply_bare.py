# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes alone: every object of a file once by server-side apply over 32 connections, and nothing around it.

No tool that sends one request for each object can be faster than this on the same machine: what remains is the server's
own work. Prints the seconds. ``python -m tests.bench.apply_bare KUBECONFIG FILE``
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load

from tests.bench.apply_server import ROUTES


def main() -> None:
    kubeconfig, file = (Path(word) for word in sys.argv[1:])
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    objects = list(yaml.load_all(file.read_text("utf-8"), Loader=loader))
    client = KubeClient(load(kubeconfig.read_text("utf-8")))
    start = time.monotonic()
    try:
        answers = client.each(lambda one: client.apply(_path(one["metadata"]), one), objects)
    finally:
        client.close()
    seconds = time.monotonic() - start
    failed = [answer for answer in answers if isinstance(answer, AsmError)]
    if failed:
        sys.exit(str(failed[0]))
    print(f"{seconds:.3f}")


def _path(metadata: dict[str, str]) -> str:
    return f"{ROUTES.format(metadata['namespace'])}/{metadata['name']}"


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CustomResourceDefinitions of a mesh's control plane: Istio's own and ASM's."""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from meshlab.files import write_private
from meshlab.kubeapi import KubeApi, Object

ASM_GROUP = "istio.alibabacloud.com"

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ASM_FILE = Path(__file__).parent / "data" / "asm-crds.yml"
_NAME = re.compile(r"^  name: (\S+)$", re.MULTILINE)

#: Enough to keep both processors of a small machine busy.
_PARALLEL = 6


def install(api: KubeApi, program: Path | None, stamp: Path) -> None:
    """Apply all definitions and wait until the API server serves them. ``stamp`` remembers what was applied last.

    ``program`` prints Istio's definitions; without it only ASM's are installed. TimeoutError after two minutes.
    """
    definitions = {**_istio_definitions(program), **_asm_definitions()}
    digest = hashlib.sha256("".join(definitions.values()).encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        with ThreadPoolExecutor(_PARALLEL) as pool:
            jobs = [pool.submit(api.apply_yaml, f"{_CRDS}/{name}", text) for name, text in definitions.items()]
        for job in jobs:
            job.result()
        write_private(stamp, digest)
    _wait_served(api, set(definitions))


@cache
def _istio_definitions(program: Path | None) -> dict[str, str]:
    """YAML text of each definition by name; kept as text, because parsing a megabyte of YAML takes seconds."""
    if program is None:
        return {}
    output = subprocess.run([program], check=True, capture_output=True, text=True, timeout=30).stdout
    documents = [part for part in re.split(r"^---\n", output, flags=re.MULTILINE) if "CustomResourceDefinition" in part]
    return {_NAME.findall(document)[0]: document for document in documents}


@cache
def _asm_definitions() -> dict[str, str]:
    data = yaml.safe_load(_ASM_FILE.read_text())
    definitions = [_asm_definition(one, data[one["schema"]]) for one in data["kinds"]]
    return {one["metadata"]["name"]: yaml.safe_dump(one, sort_keys=False) for one in definitions}


def _asm_definition(kind: dict[str, Any], schema: Object) -> Object:
    singular = kind["kind"].lower()
    versions = [
        {
            "name": name,
            "served": True,
            "storage": name == kind["versions"][-1],
            "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}},
        }
        for name in kind["versions"]
    ]
    names = {"kind": kind["kind"], "listKind": f"{kind['kind']}List", "plural": kind["plural"], "singular": singular}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind['plural']}.{ASM_GROUP}"},
        "spec": {"group": ASM_GROUP, "names": names, "scope": kind["scope"], "versions": versions},
    }


def _wait_served(api: KubeApi, names: set[str], *, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while waiting := names - api.served():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the API server does not serve {', '.join(sorted(waiting))} after {seconds:.0f} s")
        time.sleep(0.1)

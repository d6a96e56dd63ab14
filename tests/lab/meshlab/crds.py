# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CustomResourceDefinitions of a mesh's control plane: Istio's own and ASM's, and those of the Gateway API."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from meshlab.apiserver import ApiServer
from meshlab.files import write_private
from meshlab.kubeapi import KubeApi, Object

ASM_GROUP = "istio.alibabacloud.com"

#: Where API servers store definitions.
_STORED = "apiextensions.k8s.io/customresourcedefinitions"

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ASM_FILE = Path(__file__).parent / "data" / "asm-crds.yml"
_NAME = re.compile(r"^  name: (\S+)$", re.MULTILINE)
_KIND = r"^kind: CustomResourceDefinition$"

#: Enough to keep both processors of a small machine busy.
_PARALLEL = 6


class Definitions:
    """All definitions of one mesh's API server.

    An API server needs some seconds to check Istio's definitions when they are applied. So the first one that has done
    it exports what it stored into ``cache``, and later ones start with that.

    ``program`` prints Istio's definitions; without it there are only ASM's.
    """

    def __init__(self, server: ApiServer, program: Path | None, cache: Path) -> None:
        self._server = server
        self._texts = {**_istio_definitions(program), **_asm_definitions()}
        self._digest = hashlib.sha256("".join(self._texts.values()).encode()).hexdigest()
        built = server.binary.stat()
        version = hashlib.sha256(f"{self._digest} {server.binary} {built.st_size} {built.st_mtime_ns}".encode())
        self._seed = cache / f"crds-{version.hexdigest()[:16]}.json"
        self._stamp = server.folder / "crds.sha256"

    def prepare(self) -> None:
        """Store what another API server has exported, if there is any; before the server's first start."""
        if not self._stamp.exists() and self._seed.exists():
            self._server.seed(_STORED, json.loads(self._seed.read_text()))
            write_private(self._stamp, self._digest)

    def install(self) -> None:
        """Apply what is not applied yet, and wait until all is served. TimeoutError after two minutes."""
        if not self._stamp.exists() or self._stamp.read_text() != self._digest:
            _apply(self._server.api, self._texts)
            write_private(self._stamp, self._digest)
        _wait_served(self._server.api, set(self._texts))
        if not self._seed.exists():
            write_private(self._seed, json.dumps(self._server.export(_STORED)))


def install_gateway_api(api: KubeApi, file: Path) -> None:
    """Apply the definitions of ``file`` unless they are served, and wait until they are; TimeoutError after that."""
    texts = _definitions(file.read_text())
    if not texts.keys() <= api.served():
        _apply(api, texts)
        _wait_served(api, set(texts))


@cache
def _istio_definitions(program: Path | None) -> dict[str, str]:
    if program is None:
        return {}
    return _definitions(subprocess.run([program], check=True, capture_output=True, text=True, timeout=30).stdout)


def _definitions(text: str) -> dict[str, str]:
    """YAML text of each definition by name; kept as text, because parsing a megabyte of YAML takes seconds."""
    documents = re.split(r"^---\n", text, flags=re.MULTILINE)
    return {_NAME.findall(one)[0]: one for one in documents if re.search(_KIND, one, re.MULTILINE)}


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


def _apply(api: KubeApi, texts: dict[str, str]) -> None:
    with ThreadPoolExecutor(_PARALLEL) as pool:
        jobs = [pool.submit(api.apply_yaml, f"{_CRDS}/{name}", text) for name, text in texts.items()]
    for job in jobs:
        job.result()


def _wait_served(api: KubeApi, names: set[str], *, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while waiting := names - api.served():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the API server does not serve {', '.join(sorted(waiting))} after {seconds:.0f} s")
        time.sleep(0.1)

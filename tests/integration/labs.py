# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running lab as the tests see it: what was asked of it since some moment, what it holds, what its servers store."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshlab.control import LOG, Control
from meshlab.kubeapi import KubeApi

#: What the lab's world holds at its first start (tests/lab/meshlab/world.yml).
REGION = "cn-hangzhou"
VPC = "vpc-lab-shop"
VSWITCH = "vsw-lab-shop-h"
NORTH_MESH = "c5b0c7a1e0000000000000000000000aa"

#: User agent of the collection's own requests to Kubernetes.
AGENT = "meshops.asm"
_WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Mark:
    """A moment: how long each log was."""

    api: int
    audits: dict[Path, int]


class Lab:
    """The lab of one work directory."""

    def __init__(self, workdir: Path) -> None:
        self.control = Control(workdir)
        self._log = workdir / LOG
        self._planes = workdir / "planes"
        self._kube: dict[str, KubeApi] = {}

    def mark(self) -> Mark:
        """Now, for ``requests`` and ``kube_writes``."""
        return Mark(_size(self._log), {file: _size(file) for file in self._audit_files()})

    def requests(self, since: Mark, action: str = "") -> list[dict[str, Any]]:
        """API requests since a mark, the oldest first, of one action or of all."""
        entries = _lines(self._log, since.api)
        return [entry for entry in entries if action in ("", entry["action"])]

    def log_size(self) -> int:
        return _size(self._log)

    def logged(self, begin: int) -> list[dict[str, Any]]:
        """API requests since the log had this size."""
        return _lines(self._log, begin)

    def writes(self, since: Mark) -> list[dict[str, Any]]:
        """API requests since a mark that may have changed something."""
        return [entry for entry in self.requests(since) if entry["write"]]

    def sent(self, since: Mark, action: str) -> list[dict[str, Any]]:
        """The parameters of each request of an action since a mark."""
        return [entry["parameters"] for entry in self.requests(since, action)]

    def kube_requests(self, since: Mark, plane_id: str = "") -> list[dict[str, Any]]:
        """Kubernetes audit events of the collection's own requests since a mark, on one API server or on all."""
        events: list[dict[str, Any]] = []
        for file in self._audit_files():
            if plane_id in ("", file.parent.name):
                events += _lines(file, since.audits.get(file, 0))
        return [event for event in events if str(event.get("userAgent", "")).startswith(AGENT)]

    def kube_writes(self, since: Mark, plane_id: str = "") -> list[str]:
        """``verb uri`` of the collection's requests that changed something in Kubernetes; dry runs do not."""
        return [
            f"{event['verb']} {event['requestURI']}"
            for event in self.kube_requests(since, plane_id)
            if event["verb"] in _WRITING and "dryRun=All" not in event["requestURI"]
        ]

    @contextmanager
    def unwritten(self) -> Iterator[Mark]:
        """Asserts that nothing is written inside the block, neither by the API nor in Kubernetes."""
        since = self.mark()
        yield since
        assert [entry["action"] for entry in self.writes(since)] == []
        assert self.kube_writes(since) == []

    def wait_for(self, seen: Callable[[], Any], what: str, seconds: float = 300.0) -> Any:
        """The first true value of ``seen()``; fails with ``what`` when there is none in time."""
        deadline = time.monotonic() + seconds
        while not (found := seen()):
            assert time.monotonic() < deadline, f"gave up waiting for {what}"
            time.sleep(0.05)
        return found

    @contextmanager
    def faults(self, *faults: dict[str, Any]) -> Iterator[None]:
        """Adds faults for the block, and asserts at its end that each has hit."""
        added = [self.control.fault(**fault)["id"] for fault in faults]
        try:
            yield
            missed = [fault for fault in self.control.faults() if fault["id"] in added and not fault["hits"]]
            assert missed == [], "a fault found no request"
        finally:
            self.control.clear_faults()

    def meshes(self, name: str) -> list[dict[str, Any]]:
        """The account's records of the meshes with this name."""
        return [mesh for mesh in self.control.records("meshes").values() if mesh["name"] == name]

    def mesh_id(self, name: str) -> str:
        """Id of the one mesh with this name."""
        (mesh,) = self.meshes(name)
        return str(mesh["mesh_id"])

    def cluster_id(self, name: str) -> str:
        """Id of the one cluster with this name."""
        (found,) = [one for one in self.control.records("clusters").values() if one["name"] == name]
        return str(found["cluster_id"])

    def attached(self, mesh: str) -> set[str]:
        """Names of the clusters that are in the mesh with this name, whatever their state."""
        clusters = self.control.records("clusters")
        (record,) = self.meshes(mesh)
        return {clusters[key]["name"] for key in record["clusters"]}

    def billed(self, *kinds: str) -> list[dict[str, Any]]:
        """What the account pays for besides what was there when the lab began."""
        return [row for row in self.control.resources() if row["type"] in kinds and not row["initial"]]

    def kube(self, plane_id: str) -> KubeApi:
        """The lab administrator's own client of an API server: independent of the code under test."""
        if plane_id not in self._kube:
            pki = self._planes / plane_id / "pki"
            self._kube[plane_id] = KubeApi(
                self._server(plane_id),
                ca_file=pki / "ca.crt",
                cert_file=pki / "asm-lab.crt",
                key_file=pki / "asm-lab.key",
            )
        return self._kube[plane_id]

    def kubeconfig(self, plane_id: str) -> str:
        """The lab administrator's kubeconfig of an API server, which may do what no user of the product may."""
        pki = self._planes / plane_id / "pki"
        cluster = {"server": self._server(plane_id), "certificate-authority": str(pki / "ca.crt")}
        user = {"client-certificate": str(pki / "asm-lab.crt"), "client-key": str(pki / "asm-lab.key")}
        named = {
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": "lab", "user": user}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        }
        return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "lab", **named})

    def _server(self, plane_id: str) -> str:
        owners = json.loads((self._planes.parent / "addresses.json").read_text())["owners"]
        (address,) = [one for one, owner in owners.items() if owner == f"plane/{plane_id}"]
        return f"https://{address}:6443"

    def _audit_files(self) -> list[Path]:
        return sorted(self._planes.glob("*/audit.log"))


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _lines(file: Path, offset: int) -> list[dict[str, Any]]:
    """The JSON lines of a log from an offset on; a last line that is being written is left out."""
    if not file.exists():
        return []
    with file.open("rb") as stream:
        stream.seek(offset)
        return [json.loads(line) for line in stream.read().split(b"\n")[:-1]]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API server of the benchmark: the control plane of a mesh as the lab runs it, reached through slow lines."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import urllib3
from meshlab import gobuild
from meshlab.addresses import Addresses
from meshlab.binaries import PROGRAMS, SERVERS, Binaries, cache_folder, ensure_binaries
from meshlab.planes import Planes

ROOT = Path(__file__).resolve().parents[2]
_USER = "bench"
#: Where the VirtualServices of a namespace are.
ROUTES = "/apis/networking.istio.io/v1/namespaces/{}/virtualservices"


# The lab saves memory and has its programs compiled in the shortest time. What is measured does neither: the servers
# are compiled as their makers do it; and as they share the processors with the tools, which those of a real control
# plane do not, they spend memory rather than time on collecting garbage.
_MEASURED = ("etcd", "kube-apiserver", "kube-controller-manager", "istiod")
_ENVIRONMENT = {"GOGC": "400"}


def fast_servers() -> Binaries:
    """The servers that are measured, built at the first time (about ten minutes on two processors)."""
    usual = ensure_binaries(print)
    programs = {name: PROGRAMS[name] for name in _MEASURED}
    folder = gobuild.build_once(cache_folder(), SERVERS, list(programs.values()), print, flags=gobuild.FAST_FLAGS)
    paths = {name: folder / program.output for name, program in programs.items()}
    return replace(
        usual,
        etcd=paths["etcd"],
        kube_apiserver=paths["kube-apiserver"],
        kube_controller_manager=paths["kube-controller-manager"],
        istiod=paths["istiod"],
    )


@dataclass(frozen=True)
class Mark:
    """A moment, for ``BenchServer.since``."""

    time: float


class Line:
    """A way to the server with a round-trip time; see apply_proxy.py."""

    def __init__(self, host: str, port: int, rtt: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.apply_proxy", host, str(port), str(rtt)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.port = self._read()

    def passed(self) -> int:
        """Bytes in both directions since the last call."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        self._process.communicate()

    def _read(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


class BenchServer:
    """A mesh's control plane with istiod, in ``folder``. A context manager."""

    namespace = "bench"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[float, Line] = {}
        home = folder / "home"
        home.mkdir()
        collections = os.environ["ANSIBLE_COLLECTIONS_PATH"]
        self.environment = {**os.environ, "HOME": str(home), "ANSIBLE_COLLECTIONS_PATH": collections}

    def __enter__(self) -> BenchServer:
        workdir = self._folder / "lab"
        workdir.mkdir()
        self._addresses = Addresses(workdir)
        self._planes = Planes(workdir, fast_servers(), self._addresses, environment=_ENVIRONMENT)
        try:
            self._planes.start()
            self._mesh = self._planes.mesh("bench")
            self._mesh.bind(_USER, "istio-admin")
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
            self._mesh.api.apply(f"/api/v1/namespaces/{self.namespace}", body)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines.values():
            line.close()
        self._planes.stop()
        self._addresses.close()

    def kubeconfig(self, rtt: float) -> Path:
        """A kubeconfig that reaches the server with this round-trip time (milliseconds)."""
        file = self._folder / f"kubeconfig-{rtt:g}"
        if rtt not in self._lines:
            parts = urlsplit(self._mesh.private_url)
            self._lines[rtt] = Line(str(parts.hostname), int(parts.port or 443), rtt)
            server = f"https://localhost:{self._lines[rtt].port}"
            file.touch(mode=0o600)
            file.write_text(self._mesh.kubeconfig(user=_USER, groups=[], server=server, hours=24.0), encoding="utf-8")
        return file

    def mark(self) -> Mark:
        """Now; what the lines have carried so far is forgotten."""
        for line in self._lines.values():
            line.passed()
        # The audit log's times have microseconds; nothing else is going on here.
        return Mark(time.time())

    def since(self, mark: Mark, rtt: float) -> tuple[int, int]:
        """Requests of the measured user, and bytes on the line, since a mark."""
        events: list[dict[str, Any]] = list(self._mesh.audit(mark.time))
        return sum(1 for event in events if event["user"]["username"] == _USER), self._lines[rtt].passed()

    def timeouts(self) -> dict[str, int]:
        """How many VirtualServices have which timeout in their first route: the proof that a case did its work."""
        found = self._mesh.api.list(ROUTES.format(self.namespace))
        kept = [one for one in found if not one["metadata"].get("deletionTimestamp")]
        return dict(Counter(one["spec"]["http"][0]["timeout"] for one in kept))

    def clear(self) -> None:
        """Removes all VirtualServices and lets the servers settle."""
        deadline = time.monotonic() + 300
        while True:
            with contextlib.suppress(urllib3.exceptions.TimeoutError):  # a busy machine: what is left goes next
                self._mesh.api.delete(ROUTES.format(self.namespace))
                if not self.timeouts():
                    break
            if time.monotonic() > deadline:
                raise TimeoutError("the VirtualServices of the last case are still there after 300 s")
            time.sleep(0.2)
        time.sleep(1.0)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Prometheus as it is, built once for the user from its Go module; and the lab of the integration tests."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3
from integration.conftest import lab, run
from integration.test_traffic_canary import book, release
from meshlab import gobuild
from meshlab.binaries import cache_folder

__all__ = ["book", "lab", "release", "run"]

_MODULE = Path(__file__).parent
# Only targets from the configuration: the discovery of a dozen clouds would be most of the build.
_FLAGS = ("-trimpath", "-mod=readonly", "-tags=netgo,remove_all_sd", "-gcflags=all=-l -dwarf=false")
_START_SECONDS = 60.0


class Prometheus:
    """A running server at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = urllib3.PoolManager(timeout=10, retries=False)

    def value(self, query: str) -> float | None:
        """The value of a query with one result; None without any."""
        found: dict[str, Any] = self._http.request("GET", f"{self.url}/api/v1/query", fields={"query": query}).json()
        result = found["data"]["result"]
        return float(result[0]["value"][1]) if result else None


@pytest.fixture(scope="session")
def program() -> Path:
    """The program, from the cache or built now."""
    programs = [gobuild.Program("prometheus", "github.com/prometheus/prometheus/cmd/prometheus")]
    return gobuild.build_once(cache_folder(), _MODULE, programs, print, flags=_FLAGS, variables={}) / "prometheus"


@pytest.fixture
def scraping(program: Path, tmp_path: Path) -> Callable[[list[str]], Any]:
    """``with scraping(targets) as prometheus``: reads the metrics of these Envoys every second."""

    @contextmanager
    def start(targets: list[str]) -> Iterator[Prometheus]:
        setpriv = shutil.which("setpriv")
        assert setpriv, "the program setpriv was not found; install the package util-linux"
        job = {"job_name": "gateways", "metrics_path": "/stats/prometheus", "static_configs": [{"targets": targets}]}
        settings = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}
        (tmp_path / "prometheus.yml").write_text(json.dumps(settings), encoding="utf-8")
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        command = [setpriv, "--pdeathsig", "TERM", "--", str(program)]
        command += [f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}"]
        with (tmp_path / "prometheus.log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [*command, f"--web.listen-address={address}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            found = Prometheus(f"http://{address}")
            _wait(process, tmp_path / "prometheus.log", lambda: _up(found, len(targets)))
            yield found
        finally:
            process.terminate()
            process.wait(30)

    return start


def _up(prometheus: Prometheus, targets: int) -> bool:
    try:
        return prometheus.value("sum(up)") == targets
    except (urllib3.exceptions.HTTPError, ValueError):
        return False


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        text = log.read_text(encoding="utf-8")[-2000:]
        assert process.poll() is None, f"Prometheus ended:\n{text}"
        assert time.monotonic() < deadline, f"Prometheus does not see its targets:\n{text}"
        time.sleep(0.3)

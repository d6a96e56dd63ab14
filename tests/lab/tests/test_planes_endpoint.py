# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's own endpoint, asked as the API server asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from conftest import wait_for
from meshlab import pki
from meshlab.files import write_private
from meshlab.loopthread import LoopThread
from meshlab.node.addresses import PodAddresses
from meshlab.node.endpoint import PORT, NodeEndpoint
from meshlab.node.statusruntime import StatusRuntime

ADDRESS = "127.250.0.1"
LINES = "".join(f"line {number}\n" for number in range(5))


class _Printing(StatusRuntime):
    """Only the container ``proxy`` prints."""

    def __init__(self, file: Path) -> None:
        super().__init__(PodAddresses("10.1.0.0/24"))
        self._file = file

    def log_file(self, namespace: str, pod: str, container: str) -> Path | None:
        return self._file if (namespace, pod, container) == ("shop", "a", "proxy") else None


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "proxy.log"
    file.write_text(LINES)
    return file


@pytest.fixture
def authority(tmp_path: Path) -> pki.Authority:
    return pki.Authority(tmp_path / "pki", "CA")


@pytest.fixture
def ask(tmp_path: Path, log: Path, authority: pki.Authority) -> Iterator[Any]:
    """Requests with a client certificate of the cluster's authority."""
    pair = authority.client("api", ["system:masters"], hours=1.0)
    files = {name: str(write_private(tmp_path / name, getattr(pair, name))) for name in ("key", "certificate")}
    loop = LoopThread("test")
    endpoint = NodeEndpoint(ADDRESS, authority, tmp_path / "node", _Printing(log))
    loop.run(endpoint.start())
    pool = urllib3.PoolManager(
        ca_certs=str(authority.certificate_file), cert_file=files["certificate"], key_file=files["key"], retries=False
    )
    try:
        yield lambda path, **more: pool.request("GET", f"https://{ADDRESS}:{PORT}{path}", timeout=5.0, **more)
    finally:
        loop.run(endpoint.stop())
        loop.close()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", LINES),
        ("?tailLines=2", "line 3\nline 4\n"),
        ("?tailLines=9", LINES),
        ("?tailLines=0", ""),
        ("?limitBytes=6", "line 0"),
    ],
)
def test_the_log_of_a_proxy(ask: Any, query: str, text: str) -> None:
    answer = ask(f"/containerLogs/shop/a/proxy{query}")
    assert (answer.status, answer.data.decode()) == (200, text)


def test_a_log_is_followed(ask: Any, log: Path) -> None:
    answer = ask("/containerLogs/shop/a/proxy?follow=true&tailLines=1", preload_content=False)
    seen = bytearray()

    def read() -> None:
        for part in answer.stream(64):
            seen.extend(part)
            if seen.endswith(b"more\n"):
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    wait_for(lambda: bytes(seen) == b"line 4\n")
    with log.open("a") as stream:
        stream.write("more\n")
    wait_for(lambda: bytes(seen) == b"line 4\nmore\n")
    reader.join(5)
    answer.close()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/containerLogs/shop/a/app", "no log of stand-ins"),
        ("/containerLogs/shop/a/proxy?previous=true", "what ran before"),
        ("/exec/shop/a/app?command=ls", "nothing is executed"),
        ("/attach/shop/a/app", "nothing to attach to"),
        ("/portForward/shop/a", "forwards no ports"),
        ("/stats/summary", "do not have this"),
        ("/pods", "do not have this"),
    ],
)
def test_what_is_not_there_is_told(ask: Any, path: str, why: str) -> None:
    answer = ask(path)
    assert (answer.status, why in answer.data.decode()) == (501, True)


def test_nobody_else_is_answered(ask: Any, tmp_path: Path, authority: pki.Authority) -> None:
    stranger = pki.Authority(tmp_path / "other", "CA").client("api", ["system:masters"], hours=1.0)
    files = {
        name: str(write_private(tmp_path / f"x-{name}", getattr(stranger, name))) for name in ("key", "certificate")
    }
    for more in ({}, {"cert_file": files["certificate"], "key_file": files["key"]}):
        pool = urllib3.PoolManager(ca_certs=str(authority.certificate_file), retries=False, timeout=5.0, **more)
        with pytest.raises((urllib3.exceptions.HTTPError, OSError)):
            pool.request("GET", f"https://{ADDRESS}:{PORT}/containerLogs/shop/a/proxy")

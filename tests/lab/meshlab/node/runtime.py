# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a node needs to run pods: sandboxes, containers and probes. Implementations decide what really runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from meshlab.kubeapi import Object
from meshlab.node.images import Image


@dataclass(frozen=True)
class Sandbox:
    """What the containers of one pod share."""

    pod: Object
    address: str


class Container(Protocol):
    """One started container."""

    container_id: str

    async def wait(self) -> int:
        """The exit code, once it has ended."""

    async def stop(self, grace: float) -> None:
        """Ask it to end and make it end after ``grace`` seconds."""

    async def probe(self, probe: Object) -> str | None:
        """Try a probe of the pod's spec once: None when it succeeds, else what a kubelet would say about it."""


class Runtime(Protocol):
    """Runs the pods of one node. All methods are called in one event loop."""

    async def create_sandbox(self, pod: Object, preferred: str | None) -> Sandbox:
        """Prepare a pod; ``preferred`` is the address that it had before a restart of the lab."""

    async def start_container(self, sandbox: Sandbox, container: Object, image: Image) -> Container:
        """Start one container of the pod's spec."""

    async def drain(self, sandbox: Sandbox) -> None:
        """Called when a pod is being deleted, before its containers are stopped."""

    async def remove_sandbox(self, sandbox: Sandbox) -> None:
        """Take away what create_sandbox made."""

    def log_file(self, namespace: str, pod: str, container: str) -> Path | None:
        """What a container has printed; None where nobody keeps that."""

    async def close(self) -> None:
        """Take away everything that is left."""

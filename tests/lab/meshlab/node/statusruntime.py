# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A runtime without processes: containers exist in the pod's status alone and behave as their command suggests."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from pathlib import Path

from meshlab.kubeapi import Object
from meshlab.node.addresses import PodAddresses
from meshlab.node.commands import Outcome, outcome
from meshlab.node.images import Image
from meshlab.node.runtime import Container, Sandbox


class StatusContainer:
    """A container that ends when its command would, or when it is stopped."""

    def __init__(self, expected: Outcome) -> None:
        self.container_id = f"containerd://{uuid.uuid4().hex}{uuid.uuid4().hex}"
        self._expected = expected
        self._stopped = asyncio.Event()

    async def wait(self) -> int:
        """The exit code, once the command's time is over; 0 when it was stopped, as a program that heeds SIGTERM."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), self._expected.seconds)
        return 0 if self._stopped.is_set() else self._expected.code

    async def stop(self, grace: float) -> None:
        """End it at once."""
        self._stopped.set()

    async def probe(self, probe: Object) -> str | None:
        """Commands decide; everything that would go over the network succeeds."""
        if "exec" not in probe:
            return None
        code = outcome(probe["exec"].get("command", []), endless=False).code
        return f"command exited with {code}" if code else None


class StatusRuntime:
    """Gives pods addresses out of a range and containers their outcome."""

    def __init__(self, addresses: PodAddresses) -> None:
        self._addresses = addresses

    async def create_sandbox(self, pod: Object, preferred: str | None) -> Sandbox:
        """Take an address for the pod; a pod in the host's network has the node's."""
        if pod["spec"].get("hostNetwork"):
            return Sandbox(pod, self._addresses.node)
        return Sandbox(pod, self._addresses.take(preferred))

    async def start_container(self, sandbox: Sandbox, container: Object, image: Image) -> Container:
        """Start a container."""
        return StatusContainer(expected(sandbox.pod, container, image))

    async def drain(self, sandbox: Sandbox) -> None:
        """Nothing serves, so nothing is drained."""

    async def remove_sandbox(self, sandbox: Sandbox) -> None:
        """Give the address back."""
        self._addresses.give_back(sandbox.address)

    def log_file(self, namespace: str, pod: str, container: str) -> Path | None:
        """Nothing is printed."""
        return None

    async def close(self) -> None:
        """Nothing is left to take away."""


def expected(pod: Object, container: Object, image: Image) -> Outcome:
    """How a container of a pod will end, if it does."""
    words = [*container.get("command", []), *container.get("args", [])]
    service = image.entrypoint == "service" and not _must_end(pod, container)
    if image.entrypoint == "service" and not container.get("command"):
        return Outcome(None if service else 0.0, 0)
    return outcome(words, endless=service)


def _must_end(pod: Object, container: Object) -> bool:
    """Whether it is an init container that the others wait for."""
    names = {one["name"] for one in pod["spec"].get("initContainers", []) if one.get("restartPolicy") != "Always"}
    return container["name"] in names

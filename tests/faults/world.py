# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab in memory, the modules of the collection run against it, and what there is afterwards."""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible.module_utils import basic
from ansible_collections.meshops.asm.plugins.module_utils.cloud import client as cloud_client
from ansible_collections.meshops.asm.plugins.module_utils.flow import reconcile
from ansible_collections.meshops.asm.plugins.module_utils.kube import applying
from ansible_collections.meshops.asm.plugins.module_utils.kube import client as kube_client
from doubles import NO_BINARIES
from meshlab import lab as lab_module
from meshlab.inventory import billed_resources
from meshlab.lab import Lab
from meshlab.world import DEFAULT_WORLD

from tests.faults.planes import Front, ServedPlanes

Json = dict[str, Any]

_MODULES = "ansible_collections.meshops.asm.plugins.modules"
#: Time passes this much faster for the modules than for the lab, whose changes take no time.
SPEED = 20.0
#: Seconds: how long a client waits for an answer, and how late a slow one comes.
PATIENCE, SLOW = 0.4, 0.8
_SETTLED = 20.0


class FastClock(reconcile.Clock):
    """Seconds that are a twentieth as long."""

    def now(self) -> float:
        return time.monotonic() * SPEED

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)


class World:
    """A lab, and how to run modules in it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="meshops-faults-")
        self._stack = contextlib.ExitStack()
        self.front = Front({})
        fast = FastClock()
        shim = SimpleNamespace(monotonic=fast.now, sleep=fast.sleep)
        planes = type("Planes", (ServedPlanes,), {"url": self.front.url})
        for target, name, value in (
            (lab_module, "Planes", planes),
            (reconcile.Clock, "now", FastClock.now),
            (reconcile.Clock, "sleep", FastClock.sleep),
            (kube_client, "time", shim),
            (applying, "time", shim),
            (cloud_client, "_READ_TIMEOUT", int(PATIENCE * 1000)),
        ):
            self._stack.enter_context(mock.patch.object(target, name, value))
        self.lab = Lab(Path(self._folder.name), DEFAULT_WORLD, NO_BINARIES, 0.0, traffic=False)
        self.lab.start(lambda line: None)
        self.front.planes = self.lab.planes.planes
        self._stack.enter_context(mock.patch.dict(os.environ, self.lab.environment()))

    def close(self) -> None:
        self.lab.stop()
        self.front.shutdown()
        self.front.server_close()
        self._stack.close()
        self._folder.cleanup()

    def run(self, module: str, options: Json) -> Json:
        """The result that the module prints; raises AssertionError when that is not one result."""
        arguments = {"api_timeout": 20, **options}
        if "wait_timeout" not in options and module in ("asm_mesh", "asm_cluster", "asm_gateway", "asm_namespace"):
            arguments["wait_timeout"] = 200
        given = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        output = io.StringIO()
        code: Any = "nothing raised"
        arguments_of = mock.patch.multiple(basic, create=True, _ANSIBLE_ARGS=given, _ANSIBLE_PROFILE="legacy")
        with arguments_of, contextlib.redirect_stdout(output):
            try:
                importlib.import_module(f"{_MODULES}.{module}").main()
            except SystemExit as ended:
                code = ended.code
        lines = output.getvalue().strip().splitlines()
        assert len(lines) == 1, f"{module} printed {len(lines)} lines and ended with {code!r}"
        result: Json = json.loads(lines[0])
        assert bool(code) is bool(result.get("failed")), f"{module} ended with {code!r}"
        assert "exception" not in result, f"{module} crashed"
        return result

    def requests(self) -> list[str]:
        """The actions of all API requests so far, in order of their ends."""
        text = self.lab.log.file.read_text(encoding="utf-8")
        return [json.loads(line)["action"] for line in text.splitlines()]

    def settle(self) -> None:
        """Waits until nothing is going on in the lab any more: operators, changes, requests nobody waits for."""
        deadline = time.monotonic() + _SETTLED
        while time.monotonic() < deadline:
            self.lab.operators.idle(_SETTLED)
            states = [mesh.state for mesh in self.lab.world.meshes.values()]
            going = [one.state for mesh in self.lab.world.meshes.values() for one in mesh.clusters.values()]
            if not {"initial", "updating", "deleting", "starting", "stopping"} & {*states, *going}:
                return
            time.sleep(0.02)
        raise AssertionError(f"the lab does not come to rest: {states} {going}")

    def what_there_is(self) -> Json:
        """Meshes, their clusters and settings, objects and bills, without what differs from time to time."""
        world = self.lab.world
        with world.lock:
            names = {cluster.cluster_id: cluster.name for cluster in world.clusters.values()}
            meshes = [
                {
                    "name": mesh.name,
                    "state": mesh.state,
                    "clusters": sorted(f"{names[key]} {one.state}" for key, one in mesh.clusters.items()),
                    "policy": mesh.spec.get("OutboundTrafficPolicy", ""),
                    "tags": dict(mesh.tags),
                    "more": _filled([mesh.hidden, mesh.spec.get("Kiali"), mesh.roles, mesh.sidecars]),
                }
                for mesh in world.meshes.values()
            ]
            ids = {mesh.mesh_id: mesh.name for mesh in world.meshes.values()} | names
        planes = dict(self.lab.planes.planes)
        objects = {
            f"{ids[key]}{path}": _essence(body)
            for key, plane in planes.items()
            if key in ids
            for path, body in dict(plane.api.objects).items()
            if "/events/" not in path
        }
        billed = Counter(
            f"{row['type']}{' orphaned' if row.get('orphaned') else ''}"
            for row in billed_resources(world)
            if not row["initial"]
        )
        text = json.dumps({"meshes": meshes, "objects": objects, "billed": billed}, sort_keys=True, default=str)
        for key, name in ids.items():
            text = text.replace(key, name)
        plain: Json = json.loads(text)
        return plain

    @contextlib.contextmanager
    def broken(self, number: int, kind: str) -> Iterator[None]:
        """The API request ``number`` (from 0) from here on is broken."""
        fault = {"action": "*", "kind": kind, "skip": number, **({"delay": SLOW} if kind == "slow" else {})}
        self.lab.faults.add(fault)
        try:
            yield
        finally:
            if kind == "slow":
                time.sleep(SLOW)
            self.lab.faults.clear()


class Crash(Exception):
    """A fault of our own in the middle of a request; its text is looked for in results."""


HIDDEN = "the-private-key"


@contextlib.contextmanager
def crashing(target: Any, method: str, number: int, *, after: bool) -> Iterator[list[int]]:
    """The call ``number`` (from 0) of a method raises, before or after it does its work; gives how often it did."""
    real = getattr(target, method)
    count, hits = itertools.count(), [0]

    def crashes(*args: Any, **more: Any) -> Any:
        hit = next(count) == number
        hits[0] += hit
        if hit and not after:
            raise Crash(HIDDEN)
        result = real(*args, **more)
        if hit:
            raise Crash(HIDDEN)
        return result

    with mock.patch.object(target, method, crashes):
        yield hits


def _filled(value: Any) -> Any:
    """Without what is empty, which is there once it was asked for."""
    if isinstance(value, dict):
        return {key: one for key, inner in value.items() if (one := _filled(inner)) not in ({}, [], None)}
    return [_filled(one) for one in value] if isinstance(value, list) else value


def _essence(body: Json) -> Json:
    metadata = {key: body["metadata"].get(key) or None for key in ("labels", "annotations", "finalizers")}
    spec = {key: value for key, value in body.items() if key not in ("metadata", "status", "apiVersion", "kind")}
    return {"metadata": metadata, **spec, "going": "deletionTimestamp" in body["metadata"]}

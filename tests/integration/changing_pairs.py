# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The random meshes of the unit tests in a lab: which of their changes real requests go through, and what is applied.

The pairs are the first of the 200 that ``test_steps.py`` holds to its model and in which requests from outside have a
route before and after. Their services have pods of their own, without sidecars: it is the gateway that routes.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Refused
from ansible_collections.meshops.asm.plugins.module_utils.istio import steps

from tests.unit.plugins.module_utils.istio import meshes
from tests.unit.plugins.module_utils.istio.meshes import Mesh

NAMESPACE, SET = "pairs", "pairs"
#: Every stand-in answers this one.
PATH = "/health"
#: What lies outside of the mesh, and where it listens.
OUTSIDE, OUTSIDE_PORTS = meshes.OUTSIDE, meshes.PORTS
#: How many the model judges.
JUDGED = 200
_PORT = 80


@dataclass(frozen=True)
class Pair:
    """``number`` counts from 1 among those that the model judges; ``hosts`` are asked for at port 80 of the gateway."""

    number: int
    old: Mesh
    new: Mesh
    hosts: tuple[str, ...]


def pairs(count: int) -> list[Pair]:
    """The first ``count`` that have requests."""
    found = list(islice(_with_requests(), count))
    assert len(found) == count, f"only {len(found)} of {JUDGED} pairs have requests"
    return found


def _with_requests() -> Iterator[Pair]:
    judged = 0
    for old, new in meshes.pairs():
        several = _steps(old, new)
        judged += several > 0
        if judged > JUDGED:
            return
        hosts = tuple(
            host
            for port, host in meshes.requests()
            # A name without a dot is a Service's, and no request from outside has it.
            if port == _PORT and "." in host and meshes.arrives(old, port, host) and meshes.arrives(new, port, host)
        )
        if several > 1 and hosts:
            yield Pair(judged, old, new, hosts)


def _steps(old: Mesh, new: Mesh) -> int:
    """How many steps there are; 0 for a change that is refused."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    try:
        return len(steps.plan([steps.Change(str(key), old.get(key), new.get(key), new.get(key)) for key in keys]))
    except Refused:
        return 0


def put(folder: Path, mesh: Mesh) -> None:
    """The mesh as a folder of manifests. Every subset has pods, and proxies do not hide what is lost by retries."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for (kind, name), one in mesh.items():
        body = copy.deepcopy(one)
        body["metadata"]["namespace"] = NAMESPACE
        for subset in body["spec"].get("subsets", []):
            subset["labels"] = {"version": "v1"}
        for rule in body["spec"].get("http", []):
            if "route" in rule:
                rule["retries"] = {"attempts": 0}
                for number, target in enumerate(rule["route"]):
                    target["weight"] = 100 // len(rule["route"]) + (100 % len(rule["route"]) if not number else 0)
        (folder / f"{kind}-{name}.json").write_text(json.dumps(body), encoding="utf-8")


def applications() -> list[dict[str, Any]]:
    """Namespace, Deployments and Services of what the meshes route to."""
    made: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]
    for name in meshes.SERVICES:
        labels = {"app": name, "version": "v1"}
        metadata = {"name": name, "namespace": NAMESPACE}
        container = {"name": "web", "image": "httpbin:1", "ports": [{"containerPort": 8080}]}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        deployment = {"selector": {"matchLabels": labels}, "template": template}
        service = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
        made.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment})
        made.append({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
    return made

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh copy of a Deployment, with a Service of its own, to compare another version with. Pure.

The pods of the copy have another label ``version`` than those that they are made after, so that neither subsets nor the
metrics of the mesh take one for the other.

PRIVATE: this code is for the plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT
from ansible_collections.meshops.asm.plugins.module_utils.istio.release import BASELINE

MARK = "meshops.asm/baseline-of"
_VERSION = "version"
_TEXTS: shapes.Shape = {...: TEXT}
_MARKS: dict[Any, shapes.Shape] = {"labels": _TEXTS, "annotations": _TEXTS}
_DEPLOYMENT: shapes.Shape = {
    "metadata": {"name": TEXT, "labels": _TEXTS},
    "spec": {"replicas": NUMBER, "selector": {"matchLabels": _TEXTS}, "template": {"metadata": _MARKS, "spec": {}}},
}
_SERVICE: shapes.Shape = {
    "metadata": {"name": TEXT},
    "spec": {"selector": _TEXTS, "ports": [{"name": TEXT, "port": NUMBER, "protocol": TEXT, "appProtocol": TEXT}]},
}
_OF_A_PORT = ("name", "port", "protocol", "appProtocol", "targetPort")

Json = dict[str, Any]


def named(name: str) -> str:
    """What the copy of a Deployment, a Service or a version is called."""
    return f"{name}{BASELINE}"


def version_of(deployment: Json) -> str:
    """The label ``version`` of the pods of a Deployment, or its name where they have none."""
    found = shapes.fit(deployment, _DEPLOYMENT)[0] or {}
    labels = found.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
    return str(labels.get(_VERSION) or found.get("metadata", {}).get("name", ""))


def pods_of(deployment: Json) -> int:
    """How many pods a Deployment asks for, at least one."""
    spec = (shapes.fit(deployment, _DEPLOYMENT)[0] or {}).get("spec", {})
    return max(int(spec.get("replicas", 1)), 1)


def copies(deployment: Json, service: Json, pods: int) -> list[Json]:
    """The Deployment and the Service of the copy, with so many pods."""
    made, front = shapes.fit(deployment, _DEPLOYMENT)[0], shapes.fit(service, _SERVICE)[0]
    name, version = made["metadata"]["name"], {_VERSION: named(version_of(deployment))}
    spec = copy.deepcopy(made.get("spec", {}))
    template = spec.get("template", {})
    metadata = template.get("metadata", {})
    marks = {key: value for key, value in metadata.items() if key in _MARKS and value}
    labels = {**marks.get("labels", {}), **version}
    spec.update(
        replicas=pods,
        selector={
            **spec.get("selector", {}),
            "matchLabels": {**spec.get("selector", {}).get("matchLabels", {}), **version},
        },
        template={**template, "metadata": {**marks, "labels": labels}},
    )
    own = {**made["metadata"].get("labels", {}), **version, MARK: name}
    ports = front.get("spec", {}).get("ports", [])
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": named(name), "labels": own},
            "spec": spec,
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": named(front["metadata"]["name"]), "labels": {MARK: name}},
            "spec": {
                "selector": {**front.get("spec", {}).get("selector", {}), **version},
                "ports": [{key: port[key] for key in _OF_A_PORT if port.get(key) is not None} for port in ports],
            },
        },
    ]


def leftovers(deployment: str, service: str) -> list[Json]:
    """What is to go, by the names of what was copied."""
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": named(deployment)}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": named(service)}},
    ]


def refuse_others(found: Json | None, deployment: str, what: str) -> None:
    """Raises ``Refused`` where the name of a copy belongs to somebody else's object ``found``, called ``what``."""
    if found is not None and (found["metadata"].get("labels") or {}).get(MARK) != deployment:
        raise Refused(
            f"{what} is no copy that this task has made (label {MARK}): it stays as it is. Rename one of them."
        )

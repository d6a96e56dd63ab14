# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads and pods of any shape, as a cluster may list them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .harness import fuzz
from .takers import WORKLOADS, tried
from .values import anything, nearly_any

_LABELS = {"app": "web", "sidecar.istio.io/inject": "false"}
_MARKS = {"labels": _LABELS, "annotations": {"kubectl.kubernetes.io/restartedAt": "1"}}
_SPEC = {"containers": [{"name": "istio-proxy"}], "initContainers": [{"name": "a"}], "hostNetwork": False}
_SELECTOR = {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}
_ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 1}}
_SAMPLES: list[Any] = [
    {"metadata": {"name": "web-1", **_MARKS}, "spec": _SPEC, "status": {"phase": "Running"}},
    {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "paused": False,
            "selector": _SELECTOR,
            "strategy": _ROLLING,
            "updateStrategy": _ROLLING,
            "template": {"metadata": _MARKS, "spec": _SPEC},
        },
    },
]
_KEYS = ("metadata", "name", "spec", "selector", "matchLabels", "template", "containers", "replicas", "status")


@fuzz(value=st.one_of(anything(_KEYS), st.lists(nearly_any(_SAMPLES), max_size=3)))
def test_workloads(value: Any) -> None:
    """Their pods, who has no sidecar, and what a restart means."""
    tried(WORKLOADS, value)

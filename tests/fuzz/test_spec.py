# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Specs of any shape, with objects of any shape."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .harness import fuzz
from .takers import OBJECTS, SPEC, tried
from .test_lint import OBJECTS as ISTIO
from .values import anything, nearly_any

_KEYS = (
    "asm_clusters",
    "asm_gateways",
    "asm_namespaces",
    "asm_workloads",
    "asm_istio_resources",
    "gateways",
    "workloads",
    "name",
    "clusters",
    "overrides",
    "ports",
    "port",
    "cluster",
)
_PORTS = [{"name": "http", "port": 80, "target_port": 8080}]
_GATEWAY = {
    "name": "front",
    "namespace": "istio-system",
    "clusters": ["one"],
    "ports": _PORTS,
    "overrides": [{"cluster": "one", "ports": _PORTS}],
    "load_balancer": {"id": "lb-1", "address_type": "internet"},
}
_SPECS: list[Any] = [
    {
        "asm_clusters": [{"name": "one"}],
        "asm_gateways": [_GATEWAY],
        "asm_namespaces": [{"name": "shop", "clusters": ["one"], "overrides": [{"cluster": "one"}]}],
        "asm_workloads": [{"name": "shop", "clusters": ["one"], "src": "a.yml", "namespace": "shop"}],
        "asm_istio_resources": [{"name": "routes", "template": "b.yml"}],
    },
    {"mesh": "demo", "clusters": ["one"], "gateways": [_GATEWAY], "workloads": [{"name": "a"}], "istio_resources": []},
    [_GATEWAY, _GATEWAY],
]


@fuzz(value=st.one_of(anything(_KEYS), nearly_any(_SPECS)))
def test_spec(value: Any) -> None:
    """What the variables of the roles may hold."""
    tried(SPEC, value)


@fuzz(value=st.lists(nearly_any(ISTIO), max_size=4))
def test_objects_of_a_spec(value: Any) -> None:
    """The manifests behind its items."""
    tried(OBJECTS, value)

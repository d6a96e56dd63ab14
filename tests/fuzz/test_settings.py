# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of meshes and sidecars of any shape: hooks, selectors, tags, and what the service shows of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .harness import fuzz
from .takers import SETTINGS, tried
from .values import anything, nearly_any

_KEYS = ("postStart", "preStop", "httpGet", "matchLabels", "matchExpressions", "key", "operator", "values", "literal")
_HOOK = {"httpGet": {"path": "/a", "port": 80, "scheme": "HTTP", "httpHeaders": [{"name": "a", "value": "b"}]}}
_SETTINGS: list[Any] = [
    {"preStop": _HOOK, "postStart": {"exec": {"command": ["sleep", "5"]}}},
    [{"matchLabels": {"a": "b"}}, {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}],
    {"team": {"literal": {"value": "shop"}}, "user": {"header": {"name": "x", "defaultValue": ""}}},
    {
        "Concurrency": 2,
        "LifecycleStr": '{"preStop": {"exec": {"command": ["true"]}}}',
        "ReadinessPeriodSeconds": 0,
        "ProxyStatsMatcher": {"InclusionPrefixes": ["server"]},
        "SidecarProxyAckSloResource": {"Limits": {"kubernetes.io/batch-cpu": "2000"}},
        "Tracing": {"Sampling": 1.5, "CustomTags": {"a": {"literal": {"value": "b"}}}},
    },
]


@fuzz(value=st.one_of(anything(_KEYS), nearly_any(_SETTINGS)))
def test_settings(value: Any) -> None:
    tried(SETTINGS, value)

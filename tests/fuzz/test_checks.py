# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of any shape, and what decides about a service out of objects of any shape."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .harness import fuzz
from .takers import CHECKS, tried
from .test_lint import OBJECTS
from .values import anything, nearly_any

_KEYS = (
    "name",
    "gateway",
    "address",
    "requests",
    "expect",
    "split",
    "count",
    "status",
    "host",
    "path",
    "metadata",
    "spec",
)
_CHECKS: list[Any] = [
    [
        {
            "name": "split",
            "gateway": "front",
            "service": "reviews.shop",
            "host": "reviews",
            "path": "/",
            "headers": {"x": "y"},
            "count": 100,
            "by": {"header": "x"},
            "expect": {"split": {"v1": 90, "v2": 10}, "tolerance": 5, "statuses": [200]},
        },
        {"name": "one", "address": ["192.0.2.1"], "requests": [{"name": "a", "path": "/a"}], "duration": 5, "rate": 10},
    ],
]


@fuzz(value=st.one_of(anything(_KEYS), st.lists(anything(_KEYS), max_size=3), nearly_any(_CHECKS)))
def test_checks(value: Any) -> None:
    """What ``asm_checks`` may hold."""
    tried(CHECKS, value)


@fuzz(value=st.one_of(nearly_any(OBJECTS), st.lists(nearly_any(OBJECTS), max_size=4)))
def test_resources(value: Any) -> None:
    """What the API servers may answer."""
    tried(CHECKS, value)

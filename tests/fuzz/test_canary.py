# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of Prometheus, and descriptions, of any shape."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st

from .harness import fuzz
from .takers import CANARY as TAKERS
from .takers import tried
from .test_lint import ROUTES
from .values import anything, nearly_any

_SERIES = {"metric": {"__name__": "istio_requests_total", "destination_version": "v2"}, "values": [[1, "2"], [20, "9"]]}
_ANSWERS: list[Any] = [{"status": "success", "data": {"resultType": "matrix", "result": [_SERIES, _SERIES]}}]


@fuzz(value=st.one_of(anything(("status", "data", "result", "metric", "values")), nearly_any(_ANSWERS)))
def test_answer(value: Any) -> None:
    """What Prometheus says."""
    tried(TAKERS, value)


@fuzz(value=st.one_of(st.text(max_size=200), nearly_any(ROUTES).map(yaml.safe_dump)))
def test_text(value: str) -> None:
    """The text of a manifest."""
    tried(TAKERS, value)

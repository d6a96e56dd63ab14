# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualServices and weights of any shape."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.istio.route_weights import weights_of, with_weights
from hypothesis import strategies as st

from .harness import fuzz
from .takers import ROUTES as TAKERS
from .takers import tried
from .test_lint import ROUTES
from .values import anything, nearly_any

_WEIGHTS: list[Any] = [{"v1": 90, "v2": 10}, {"v1": "100", "v2": 0}]
_SUBSETS: list[Any] = [["v1", "v2"], ["v1"]]


@fuzz(value=st.one_of(anything(("metadata", "spec", "http", "route")), nearly_any(ROUTES)))
def test_virtual_service(value: Any) -> None:
    """The object that the filters get."""
    tried(TAKERS, value)


@fuzz(weights=st.one_of(anything(), nearly_any(_WEIGHTS)), route=st.one_of(st.none(), anything()))
def test_weights(weights: Any, route: Any) -> None:
    """What else they get; what is changed adds up to 100 and has the types of the API."""
    changed = with_weights(ROUTES[0], weights, route)
    assert sum(target["weight"] for target in changed["spec"]["http"][0]["route"]) == 100


@fuzz(subsets=st.one_of(anything(), nearly_any(_SUBSETS)), route=st.one_of(st.none(), anything()))
def test_subsets(subsets: Any, route: Any) -> None:
    """Names of subsets and of a rule."""
    weights_of(ROUTES[0], subsets, route)

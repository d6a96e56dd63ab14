# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swim lanes whose rules are written by others: what is read of them has the documented types, or is left out."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from .harness import fuzz
from .takers import LANES, tried
from .values import anything, nearly_any

_KEYS = (
    *("Domains", "MatchRequest", "MatchRequests", "URI", "Headers", "Name", "MatchingMode", "MatchingContent"),
    *("RouteDestinations", "RouteDestination", "Destination", "Host", "Port", "Weight", "level", "message"),
    *("hosts", "match", "uri", "headers", "exact", "route", "destination", "host", "portNum", "online", "weight"),
)
_ROWS: list[Any] = [
    [
        {
            "Domains": ["*"],
            "RouteName": "r",
            "MatchRequest": {"URI": {"MatchingMode": "exact", "MatchingContent": "/"}, "Headers": [{"Name": "a"}]},
            "RouteDestinations": [{"Destination": {"Host": "h", "Port": 80}}],
        }
    ],
    {"RouteDestination": {"Host": "h"}, "Weight": 40},
    [{"name": "r", "hosts": ["*"], "match": {"uri": {"exact": "/"}, "headers": {"a": {"regex": "b"}}}, "online": True}],
    {"destination": {"host": "h", "portNum": 80}, "weight": 30},
]


@fuzz(value=st.one_of(anything(_KEYS), st.lists(anything(_KEYS), max_size=3), nearly_any(_ROWS)))
def test_rules_of_any_shape(value: Any) -> None:
    tried(LANES, value)
    tried(LANES, json.dumps(value, default=str))

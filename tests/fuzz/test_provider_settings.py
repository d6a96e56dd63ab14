# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations that the service keeps as somebody has sent them: extension providers, Kiali."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from .harness import fuzz
from .takers import KEPT, tried
from .values import anything, nearly_any

_LOGIN = {"clientID": "a", "clientSecret": "b", "issuerURI": "https://c", "scopes": ["d"], "cookieExpire": "1"}
_OPENID = {"ClientId": "a", "ClientSecret": "******", "IssuerUri": "https://c", "Scopes": ["d"]}
_WHOLE: list[Any] = [
    {"service": "a", "port": 80, "timeout": "1s", "includeRequestHeadersInCheck": ["b"], "oidc": _LOGIN},
    {
        "Enabled": "true",
        "AuthStrategy": "openid",
        "OpenIdConfig": _OPENID,
        "ServerConfig": {"WebFQDN": "a", "WebPort": 80},
        "KialiArmsAuthTokens": '{"c1": "a"}',
        "DistributedKialiAddresses": {"c1": "http://a"},
    },
]


@fuzz(value=st.one_of(anything(("oidc", "OpenIdConfig", "scopes", "port")), nearly_any(_WHOLE)))
def test_settings_that_are_kept_as_sent(value: Any) -> None:
    tried(KEPT, value)
    tried(KEPT, json.dumps(value))

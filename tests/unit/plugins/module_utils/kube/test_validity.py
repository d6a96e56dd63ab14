# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long credentials are good for; those of certificates are in test_asm_kubeconfig."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube import validity
from ansible_collections.meshops.asm.plugins.module_utils.kube.validity import Validity


def token(claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.c2ln"


def test_a_token_tells_its_end() -> None:
    found = validity.of_user({"token": token({"iat": 1_700_000_000, "exp": 1_700_003_600})})
    assert found == Validity(1_700_000_000, 1_700_003_600)
    assert found.ends == "2023-11-14T23:13:20Z"


@pytest.mark.parametrize(
    "user",
    [
        {},
        {"token": "opaque"},
        {"token": "a.b"},
        {"token": token({})},
        {"token": token({"exp": "soon"})},
        {"token": token({"exp": 1e300})},
        {"token": token([1])},
        {"client-certificate-data": "Q0VSVA=="},
        {"client-certificate-data": "no base64"},
        {"client-certificate": "/some/file"},
        {"username": "a", "password": "b"},
    ],
)
def test_others_tell_none(user: dict[str, Any]) -> None:
    assert validity.of_user(user) is None


@pytest.mark.parametrize(
    ("granted", "left", "wanted", "too_short"),
    [(60, 60, 60, False), (60, 31, 60, False), (60, 29, 60, True), (59, 59, 60, False), (58, 58, 60, True)],
)
def test_too_short(granted: int, left: int, wanted: int, too_short: bool) -> None:
    now = 1_000_000.0
    end = now + left * 60
    assert Validity(end - granted * 60, end).is_too_short(wanted, now) is too_short

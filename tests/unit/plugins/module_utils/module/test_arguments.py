# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a result repeats of a module's arguments."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.module.arguments import HIDDEN, shown

SPEC: dict[str, Any] = {
    "name": {"type": "str", "aliases": ["mesh"]},
    "token": {"type": "str", "no_log": True},
    "ca": {"type": "dict", "options": {"type": {"type": "str"}, "key": {"type": "str", "no_log": True}}},
    "clusters": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str"}, "kubeconfig": {"type": "str", "no_log": True}},
    },
    "labels": {"type": "dict"},
    "requests": {"type": "list", "elements": "dict"},
    "definition": {"type": "raw"},
    "headers": {"type": "dict"},
    "ports": {"type": "list", "elements": "int"},
    "tls": {"type": "dict", "options": {"client_key": {"type": "path"}}},
}


@pytest.mark.parametrize(
    "harmless",
    [
        {"name": "a", "mesh": "b", "labels": {"app": "x"}, "ports": [1, 2], "token": None, "definition": None},
        {"ca": {"type": "1"}, "clusters": [{"name": "a"}], "requests": [{"path": "/"}], "tls": {"client_key": "k.pem"}},
    ],
)
def test_what_is_no_secret_is_repeated(harmless: dict[str, Any]) -> None:
    assert shown(harmless, SPEC) == harmless


@pytest.mark.parametrize(
    "secret",
    [
        {"token": "s3cret"},
        {"ca": "s3cret"},
        {"ca": ["s3cret"]},
        {"ca": {"key": "s3cret"}},
        {"ca": {"kye": "s3cret"}},
        {"clusters": "s3cret"},
        {"clusters": {"a": "s3cret"}},
        {"clusters": ["s3cret", {"name": "a", "kubeconfig": "s3cret"}]},
        {"kubeconfg": "s3cret"},
        {"definition": "s3cret"},
        {"definition": {"kind": "Secret", "data": {"a": "s3cret"}}},
        {"headers": {"Authorization": "s3cret"}},
        {"requests": [{"headers": {"Cookie": "s3cret"}, "body": "s3cret"}]},
        {"requests": ["s3cret"]},
        {"requests": "s3cret"},
        {"labels": "s3cret"},
        {"labels": {"MY_PASSWORD": "s3cret", "deep": [{"apiKey_token": "s3cret"}]}},
    ],
)
def test_what_may_be_one_is_not(secret: dict[str, Any]) -> None:
    repeated = shown(secret, SPEC)
    assert "s3cret" not in str(repeated)
    assert HIDDEN in str(repeated)
    assert set(repeated) == set(secret)


def test_arguments_of_any_shape() -> None:
    assert shown("s3cret", SPEC) == HIDDEN


def test_no_password_in_a_url_is_repeated() -> None:
    given = {"name": "https://a:s3cret@b", "labels": {"x": ["https://s3cret@b"]}}
    assert shown(given, SPEC) == {"name": "https://a:***@b", "labels": {"x": ["https://***@b"]}}

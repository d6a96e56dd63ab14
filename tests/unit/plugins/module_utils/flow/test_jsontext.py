# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as servers send it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.jsontext import parsed


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"NaN", b"[Infinity]", b"1e999", b"-1e999", b"[" * 100_000, b"\xff", b'"\xed\xa0\x80"', b"1" * 5000],
)
def test_what_is_not_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (rb'"\ud83d\ude80"', "\U0001f680"),
        (rb'"a\ud800b"', "a\ufffdb"),
        (rb'{"\udc00": "\\ud800"}', {"\ufffd": "\\ud800"}),
    ],
)
def test_json_is_read_as_go_reads_it(data: bytes, value: Any) -> None:
    assert parsed(data) == value

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and JSON of servers; what happens on connections is tested where these are used."""

from __future__ import annotations

import io
import socket
import time
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.wire import bounded as bounded_http
from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import OutOfBounds, quoted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain", "plain"),
        ("two\r\n  lines\t", "two lines"),
        ("\x1b[31mred\x00", "\ufffd[31mred\ufffd"),
        ("\u202eright to left", "\ufffdright to left"),
        (5, "5"),
        (["a"], "a list"),
        ({"password": "x"}, "an object"),
        (ValueError("why"), "why"),
    ],
)
def test_texts_of_servers_are_one_printable_line(text: Any, said: str) -> None:
    assert quoted(text) == said


def test_texts_of_servers_are_cut() -> None:
    assert quoted("x" * 10**7, 10) == "xxxxxxxxxx…"
    assert quoted("x" * 10, 10) == "x" * 10
    assert len(quoted(" \n" * 10**7)) <= 2001


def test_bytes_that_are_there_are_not_read_after_the_deadline() -> None:
    with socket.socket() as sock:
        wire = bounded_http._Wire(io.BytesIO(b"there"), sock, 5.0, time.monotonic() - 1)
        with pytest.raises(OutOfBounds, match="was not complete after 5 s") as caught:
            wire.readinto(bytearray(5))
    assert caught.value.slow


def test_the_time_of_one_read_ends_with_the_deadline() -> None:
    with socket.socket() as sock:
        sock.settimeout(500)
        wire = bounded_http._Wire(io.BytesIO(b"there"), sock, 5.0, time.monotonic() + 50)
        assert wire.readinto(bytearray(5)) == 5
        assert 0 < (sock.gettimeout() or 0) <= 50

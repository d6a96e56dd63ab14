# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities by the rules of k8s.io/apimachinery, which gives the same amounts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.quantities import read, same_amount, same_stored


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("1.5e-3", Fraction(3, 2000)),
        ("-0.5Mi", -(2**19)),
        ("+5", 5),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("100n", Fraction(1, 10**7)),
        ("3u", Fraction(3, 10**6)),
        # Finer than a billionth is rounded away from zero, and binary ones end at 2^63-1.
        ("0.9n", Fraction(1, 10**9)),
        ("-0.1n", Fraction(-1, 10**9)),
        ("9Ei", 2**63 - 1),
        ("12E", 12 * 10**18),
        (0.5, Fraction(1, 2)),
        (2, 2),
    ],
)
def test_what_a_quantity_comes_to(text: Any, amount: Any) -> None:
    found = read(text)
    assert found is not None and found.amount == amount


@pytest.mark.parametrize(
    "text", ["", "lots", "1.2.3", "1K", "1ki", "1e", "1e3Mi", "1 Gi", "Ki", ".", "-", True, None, {}, "1" * 99]
)
def test_what_is_no_quantity(text: Any) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("1Pi", "1024Ti", True),
        ("1e3", "1k", True),
        ("1Gi", "1073741824", True),
        ("0.5", "500m", True),
        ("1G", "1Gi", False),
        ("lots", "lots", True),
        ("", "0", False),
    ],
)
def test_amounts(left: str, right: str, same: bool) -> None:
    assert same_amount(left, right) is same_amount(right, left) is same


@pytest.mark.parametrize(
    ("want", "have", "same"),
    [
        ("1Pi", "1024Ti", True),
        # As much, but stored in its own spelling.
        ("1e3", "1k", False),
        ("1Gi", "1073741824", False),
        # A part of a unit has no binary spelling.
        ("0.5Ki", "512", True),
        ("0e3", "0", True),
        (1e-05, "10u", False),
    ],
)
def test_what_a_server_stores(want: Any, have: str, same: bool) -> None:
    assert same_stored(want, have) is same

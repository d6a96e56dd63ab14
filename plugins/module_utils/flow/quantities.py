# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities as Kubernetes writes them (``500m``, ``1.5Gi``, ``1e3``), compared by what they mean. Pure.

The rules are those of ``resource.Quantity`` in k8s.io/apimachinery: what is finer than a billionth is rounded away from
zero, and one with a binary suffix ends at 2^63-1.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

BINARY, DECIMAL, EXPONENT = "binary", "decimal", "exponent"

_QUANTITY = re.compile(
    r"(?P<number>[-+]?(?:[0-9]{1,64}(?:\.[0-9]{0,64})?|\.[0-9]{1,64}))"
    r"(?:(?P<binary>[KMGTPE]i)|(?P<decimal>[numkMGTPE]?)|[eE](?P<exponent>[-+]?[0-9]{1,2}))\Z"
)
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_NANO = Fraction(1, 10**9)
_MOST_BINARY = 2**63 - 1


@dataclass(frozen=True)
class Quantity:
    """How much it is, and in which of the three spellings it is stored."""

    amount: Fraction
    form: str


def read(value: Any) -> Quantity | None:
    """A quantity, which may be a number as well; None for what is none."""
    found = None if isinstance(value, bool) else _QUANTITY.match(str(value))
    if not found:
        return None
    number = Fraction(found["number"])
    if found["binary"]:
        power = "KMGTPE".index(found["binary"][0]) + 1
        amount = min(_rounded(number * 1024**power), Fraction(_MOST_BINARY))
        # Less than the smallest unit, or a part of one, is stored without it.
        plain = abs(amount) < 1024 or amount.denominator != 1
        return Quantity(max(amount, Fraction(-_MOST_BINARY)), DECIMAL if plain else BINARY)
    if found["exponent"] is not None:
        amount = _rounded(number * Fraction(10) ** int(found["exponent"]))
        return Quantity(amount, EXPONENT if amount else DECIMAL)
    return Quantity(_rounded(number * Fraction(10) ** _POWERS[found["decimal"]]), DECIMAL)


def same_amount(one: Any, other: Any) -> bool:
    """Whether two quantities are as much; what is none equals only itself."""
    first, second = read(one), read(other)
    if first is None or second is None:
        return str(one) == str(other)
    return first.amount == second.amount


def same_stored(want: Any, have: Any) -> bool:
    """Whether a server that is sent ``want`` stores ``have``, e.g. ``500m`` for ``0.5``; never wrongly yes."""
    first, second = read(want), read(have)
    if first is None or second is None or isinstance(want, bool):
        return str(want) == have
    return first == second


def _rounded(amount: Fraction) -> Fraction:
    """To whole billionths, away from zero."""
    parts = abs(amount) / _NANO
    return (_NANO * -(-parts.numerator // parts.denominator)) * (1 if amount > 0 else -1)

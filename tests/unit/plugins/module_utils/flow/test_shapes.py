# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values are brought into the types that those who read them expect."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import (
    COUNT,
    DECIMAL,
    NUMBER,
    TEXT,
    WORD,
    Scalar,
    fit,
    of_options,
    require,
)

ROUTES: Any = {"routes": [{"host": TEXT, "weight": NUMBER}], "labels": {...: TEXT}}


def test_what_fits_stays_and_keys_that_nobody_reads_too() -> None:
    value = {"routes": [{"host": "a", "weight": 1, "x": None}], "labels": {"a": "b"}, "more": [1]}
    assert fit(value, ROUTES) == (value, [])
    assert fit({"routes": []}, ROUTES) == ({"routes": []}, [])


def test_what_does_not_fit_is_missing_and_told_with_its_place() -> None:
    value = {"routes": ["a", {"host": 5, "weight": True}, None, {"host": "b"}], "labels": {"a": 1, "b": "c"}}
    found, odd = fit(value, ROUTES, "spec")
    assert found == {"routes": [{}, {}, {}, {"host": "b"}], "labels": {"b": "c"}}
    assert [str(one) for one in odd] == [
        "spec.routes[0] must be a mapping, it is text",
        "spec.routes[1].host must be text, it is a number",
        "spec.routes[1].weight must be a whole number, it is a boolean",
        "spec.routes[2] must be a mapping, it is null",
        "spec.labels.a must be text, it is a number",
    ]


def test_null_is_the_same_as_nothing() -> None:
    assert fit({"routes": None, "labels": None}, ROUTES) == ({}, [])
    assert fit(None, ROUTES) == ({}, [])


@pytest.mark.parametrize(
    ("scalar", "value", "found"),
    [
        (TEXT, "a", "a"),
        (TEXT, 1, None),
        (NUMBER, 5, 5),
        (NUMBER, True, None),
        (NUMBER, 5.0, None),
        (NUMBER, "5", None),
        (NUMBER, 2**63, None),
        (DECIMAL, 0.5, 0.5),
        (DECIMAL, float("nan"), None),
        (WORD, 5, "5"),
        (WORD, False, None),
        (WORD, [], None),
        (COUNT, "80", 80),
        (COUNT, "8080808080", None),
        (COUNT, "\u0665", None),
        (COUNT, 80, 80),
    ],
)
def test_scalars(scalar: Scalar, value: Any, found: Any) -> None:
    assert fit(value, scalar)[0] == found


def test_the_shape_of_options_is_that_of_their_own_options() -> None:
    port = {"type": "list", "elements": "dict", "options": {"port": {"type": "int"}}}
    options = {"name": {"type": "str"}, "by": {"type": "dict", "options": {"ports": port}}}
    assert of_options(options) == {"by": {"ports": [{}]}}


def test_what_is_required_is_an_error_with_every_place() -> None:
    with pytest.raises(InvalidInput) as caught:
        require({"routes": {}, "labels": 5}, ROUTES)
    assert caught.value.message == ("routes must be a list, it is a mapping. labels must be a mapping, it is a number.")
    with pytest.raises(InvalidInput, match="What is given must be a mapping, it is a list"):
        require([], ROUTES)

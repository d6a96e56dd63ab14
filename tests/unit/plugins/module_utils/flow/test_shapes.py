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
    Odd,
    Scalar,
    fit,
    named,
    of_options,
    require,
    type_name,
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


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"routes": [{"host": "a"}], "labels": {"a": "b"}, "x": None}, ROUTES),
        ({}, ROUTES),
        ([{"a": 1}], [{"a": NUMBER}]),
        ({"a": 1, "b": "c"}, {"a": NUMBER, ...: TEXT}),
        ("a", TEXT),
    ],
)
def test_what_fits_already_is_given_back_itself(value: Any, shape: Any) -> None:
    found, odd = fit(value, shape)
    assert (found is value, odd) == (True, [])


def test_what_does_not_fit_is_made_anew_and_the_original_stays() -> None:
    value = {"routes": ({"host": "a", "weight": "1"},), "labels": {1: "b"}}
    found, odd = fit(value, ROUTES)
    assert found == {"routes": [{"host": "a"}], "labels": {"1": "b"}}
    assert [str(one) for one in odd] == ["routes[0].weight must be a whole number, it is text"]
    assert value == {"routes": ({"host": "a", "weight": "1"},), "labels": {1: "b"}}


def test_a_key_with_a_shape_of_its_own_is_not_held_to_that_of_the_others() -> None:
    shape: Any = {"port": NUMBER, ...: TEXT}
    found, odd = fit({"port": "a", "name": 1, 5: 6, 7: "b"}, shape, "spec")
    assert found == {"7": "b"}
    assert [str(one) for one in odd] == [
        "spec.port must be a whole number, it is text",
        "spec.name must be text, it is a number",
        "spec.5 must be text, it is a number",
    ]


def test_a_part_of_another_type_is_missing_and_an_empty_one_of_its_own_type_is_kept() -> None:
    shape: Any = {"list": [TEXT], "map": {"a": TEXT}}
    assert fit({"list": {}, "map": [], "x": 1}, shape)[0] == {"x": 1}
    assert fit({"list": [], "map": {}, "x": 1}, shape) == ({"list": [], "map": {}, "x": 1}, [])
    assert fit({"list": [1], "map": {"a": 1}}, shape)[0] == {"list": [], "map": {}}
    found, odd = fit([[1], {"a": 1}, None, "b"], [shape])
    assert found == [{}, {"a": 1}, {}, {}]
    assert [str(one) for one in odd] == [
        "[0] must be a mapping, it is a list",
        "[2] must be a mapping, it is null",
        "[3] must be a mapping, it is text",
    ]
    assert [str(one) for one in fit([None, 1], [[TEXT]])[1]] == [
        "[0] must be a list, it is null",
        "[1] must be a list, it is a number",
    ]
    assert fit([None, "a"], [TEXT]) == (["a"], [Odd("[0]", "must be text, it is null")])


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("", "text"),
        ({}, "a mapping"),
        ([], "a list"),
        ((), "a list"),
        (b"", "of the type bytes"),
    ],
)
def test_types_as_users_of_yaml_call_them(value: Any, name: str) -> None:
    assert type_name(value) == name


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
        (NUMBER, 2**63 - 1, 2**63 - 1),
        (NUMBER, -(2**63), None),
        (NUMBER, None, None),
        (DECIMAL, 5, 5),
        (DECIMAL, "5", None),
        (DECIMAL, True, None),
        (WORD, "a", "a"),
        (WORD, 0, "0"),
        (WORD, 2**63, None),
        (COUNT, "999999999", 999999999),
        (COUNT, "", None),
        (COUNT, "-1", None),
        (COUNT, True, None),
        (COUNT, 2**63, None),
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
    assert type(fit(value, scalar)[0]) is type(found)


@pytest.mark.parametrize(
    ("scalar", "name"),
    [(TEXT, "text"), (NUMBER, "a whole number"), (DECIMAL, "a number"), (WORD, "a name"), (COUNT, "a whole number")],
)
def test_a_value_of_another_type_is_told_by_what_it_must_be(scalar: Scalar, name: str) -> None:
    (odd,) = fit([], scalar, "spec.a")[1]
    assert str(odd) == f"spec.a must be {name}, it is a list"
    assert str(fit([], scalar)[1][0]) == f"What is given must be {name}, it is a list"


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
    with pytest.raises(InvalidInput, match=r"^asm_mesh\.labels must be a mapping, it is a number\.$"):
        require({"labels": 5}, ROUTES, "asm_mesh")
    assert require({"labels": {"a": "b"}}, ROUTES, "asm_mesh") == {"labels": {"a": "b"}}


@pytest.mark.parametrize(("value", "found"), [({"a": 1}, {}), ({1: "a"}, {"1": "a"}), ({"a": "b"}, {"a": "b"})])
def test_keys_that_may_be_any_are_texts_and_their_values_fit(value: Any, found: Any) -> None:
    assert fit(value, {...: TEXT})[0] == found


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("shop-1", {"name": "shop-1"}),
        ("c", {"name": "c"}),
        (5, {"name": "5"}),
        ("n" * 63, {"name": "n" * 63}),
        ("n" * 64, "n" * 64),
        ("", ""),
        ("two words", "two words"),
        ("two\nlines", "two\nlines"),
        (True, True),
        (None, None),
        ({"name": "a"}, {"name": "a"}),
        (["a"], ["a"]),
    ],
)
def test_a_plain_name_becomes_a_mapping_with_it(item: Any, found: Any) -> None:
    assert named([item, {"id": "c1"}]) == [found, {"id": "c1"}]
    assert named((item,)) == [found]


@pytest.mark.parametrize("value", [None, "shop-1", {"name": "a"}, 5])
def test_what_is_no_list_of_names_stays(value: Any) -> None:
    assert named(value) is value

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, Immutable, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import (
    Attribute,
    Changes,
    argument_spec,
    changes_between,
    create_parameters,
    differences,
    dig,
    nested,
    overlay,
    put,
    refuse_wrong,
    shown,
    unseen_changes,
    view,
)

ROWS = [
    Attribute("vpc_id", "str", create="VpcId", read="Network.VpcId", advice="Make another mesh."),
    Attribute("zones", "list", create="Zones", read="Network.Zones"),
    Attribute("spec", "str", create="Spec", change="Update.Spec", read="Spec", choices=("small", "large")),
    Attribute("log.enabled", "bool", create="LogOn", change="Update.LogOn", read="Log.Enabled"),
    Attribute("log.days", "int", change="UpdateLog.Days", read="Log.Days"),
    Attribute("sampling", "float", create="Sampling", change="Update.Sampling", read="Pilot.Sampling"),
    Attribute("limits.cpu", "quantity", create="LimitCPU", change="Update.LimitCPU", read="Limit.CPU"),
    Attribute("ranges", "csv", create="Ranges", change="Update.Ranges", read="Ranges"),
    Attribute("rules", "json", create="Rules", change="Update.Rules", read="Rules"),
    Attribute("period", "int", create="Period"),
    Attribute("key", "str", create="Key", no_log=True),
    Attribute("token", "str", create="Token", change="Update.Token", read="Token", no_log=True),
]

DESCRIBED: dict[str, Any] = {
    "Network": {"VpcId": "vpc-1", "Zones": ["a", "b"]},
    "Spec": "small",
    "Log": {"Enabled": False, "Days": 30},
    "Pilot": {"Sampling": 1.5},
    "Limit": {"CPU": "2"},
    "Ranges": "10.0.0.0/8, 172.16.0.0/12",
    "Rules": {"failover": [{"from": "a", "to": "b"}]},
    "Token": "secret",
}

# The options that say what DESCRIBED is.
SAME: dict[str, Any] = {
    "vpc_id": "vpc-1",
    "zones": ["a", "b"],
    "spec": "small",
    "log": {"enabled": False, "days": 30},
    "sampling": 1.5,
    "limits": {"cpu": "2"},
    "ranges": ["10.0.0.0/8", "172.16.0.0/12"],
    "rules": {"failover": [{"from": "a", "to": "b"}]},
}

# For each option that can be changed: a value that differs, and the call that changes it.
OTHERS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "spec": ("large", "Update", {"Spec": "large"}),
    "log.enabled": (True, "Update", {"LogOn": True}),
    "log.days": (7, "UpdateLog", {"Days": 7}),
    "sampling": (100.0, "Update", {"Sampling": 100.0}),
    "limits.cpu": ("2500m", "Update", {"LimitCPU": "2500m"}),
    "ranges": (["10.0.0.0/8"], "Update", {"Ranges": "10.0.0.0/8"}),
    "rules": ({"failover": []}, "Update", {"Rules": '{"failover": []}'}),
}


def row(option: str) -> Attribute:
    return next(each for each in ROWS if each.option == option)


# The argument spec


def test_dotted_options_become_nested_ones() -> None:
    spec = argument_spec(ROWS)
    assert spec["log"] == {
        "type": "dict",
        "options": {"enabled": {"type": "bool", "no_log": False}, "days": {"type": "int", "no_log": False}},
    }


@pytest.mark.parametrize(
    ("option", "ansible_type"),
    [
        ("vpc_id", "str"),
        ("sampling", "float"),
        ("ranges", "list"),
        ("zones", "list"),
        ("rules", "dict"),
        ("period", "int"),
    ],
)
def test_each_type_of_row_has_its_ansible_type(option: str, ansible_type: str) -> None:
    assert argument_spec(ROWS)[option]["type"] == ansible_type


def test_lists_say_their_elements_and_quantities_are_text() -> None:
    spec = argument_spec(ROWS)
    assert spec["ranges"]["elements"] == spec["zones"]["elements"] == "str"
    assert spec["limits"]["options"]["cpu"]["type"] == "str"


def test_choices_and_secrets_reach_the_spec() -> None:
    spec = argument_spec(ROWS)
    assert spec["spec"]["choices"] == ["small", "large"]
    assert "choices" not in spec["vpc_id"]
    assert [name for name, option in spec.items() if option.get("no_log")] == ["key", "token"]


# Creation


def test_creation_sends_exactly_what_is_set_and_what_the_action_knows() -> None:
    assert create_parameters(ROWS, {}) == {}
    params = {**SAME, "period": 12, "key": "PEM"}
    assert create_parameters(ROWS, params) == {
        "VpcId": "vpc-1",
        "Zones": '["a", "b"]',
        "Spec": "small",
        "LogOn": False,
        "Sampling": 1.5,
        "LimitCPU": "2",
        "Ranges": "10.0.0.0/8,172.16.0.0/12",
        "Rules": '{"failover": [{"from": "a", "to": "b"}]}',
        "Period": 12,
        "Key": "PEM",
    }


@pytest.mark.parametrize("value", [False, 0, 0.0, "", [], {}])
def test_an_empty_value_is_set_and_only_null_is_unset(value: Any) -> None:
    rows = [Attribute("x", "str", create="X")]
    assert create_parameters(rows, {"x": value}) == {"X": value}
    assert create_parameters(rows, {"x": None}) == {}


def test_a_group_that_is_null_is_unset_as_a_whole() -> None:
    assert create_parameters(ROWS, {"log": None, "limits": {"cpu": None}}) == {}


# Comparison


def test_equal_options_need_no_call() -> None:
    changes = changes_between(ROWS, SAME, DESCRIBED, "Mesh 'shop'")
    assert not changes
    assert (changes.calls, changes.options) == ({}, {})


def test_unset_options_leave_whatever_is_there_alone() -> None:
    assert not changes_between(ROWS, {}, DESCRIBED, "Mesh 'shop'")
    assert not changes_between(ROWS, {}, {}, "Mesh 'shop'")


@pytest.mark.parametrize("option", OTHERS)
def test_one_difference_is_one_parameter_of_one_call(option: str) -> None:
    value, action, parameters = OTHERS[option]
    params = copy.deepcopy(SAME)
    put(params, option, value)
    changes = changes_between(ROWS, params, DESCRIBED, "Mesh 'shop'")
    assert changes
    assert changes.calls == {action: parameters}
    assert changes.options == {option: value}


@pytest.mark.parametrize("chosen", list(itertools.combinations(OTHERS, 3)))
def test_any_set_of_differences_is_exactly_these_and_grouped_by_action(chosen: tuple[str, ...]) -> None:
    params = copy.deepcopy(SAME)
    expected: dict[str, dict[str, Any]] = {}
    for option in chosen:
        value, action, parameters = OTHERS[option]
        put(params, option, value)
        expected.setdefault(action, {}).update(parameters)
    changes = changes_between(ROWS, params, DESCRIBED, "Mesh 'shop'")
    assert changes.calls == expected
    assert set(changes.options) == set(chosen)


def test_comparing_changes_neither_side() -> None:
    params, described = copy.deepcopy(SAME), copy.deepcopy(DESCRIBED)
    put(params, "spec", "large")
    changes_between(ROWS, params, described, "Mesh 'shop'")
    overlay(ROWS, view(ROWS, described), params)
    assert described == DESCRIBED
    assert params == {**SAME, "spec": "large"}


@pytest.mark.parametrize(
    ("option", "value"),
    [("zones", ["b", "a"]), ("ranges", ["172.16.0.0/12", "10.0.0.0/8"]), ("limits.cpu", "2000m"), ("sampling", 1.50)],
)
def test_what_means_the_same_is_no_difference(option: str, value: Any) -> None:
    params: dict[str, Any] = {}
    put(params, option, value)
    assert not changes_between(ROWS, params, DESCRIBED, "Mesh 'shop'")


@pytest.mark.parametrize(
    ("option", "empty"),
    [("spec", ""), ("log.enabled", False), ("log.days", 0), ("sampling", 0.0), ("ranges", []), ("rules", {})],
)
def test_what_the_service_leaves_out_equals_the_empty_value(option: str, empty: Any) -> None:
    params: dict[str, Any] = {}
    put(params, option, empty)
    assert not changes_between(ROWS, params, {}, "Mesh 'shop'")


def test_numbers_are_compared_by_value_however_they_are_written() -> None:
    sampling = row("sampling")
    assert not sampling.differs("1.50", 1.5)
    assert not sampling.differs(100, "100.0")
    assert sampling.differs("1.5", 1.25)


@pytest.mark.parametrize("option", [*OTHERS, "token"])
def test_an_option_is_compared_whatever_the_ones_before_it_are(option: str) -> None:
    value, action, parameters = OTHERS.get(option, ("other", "Update", {"Token": "other"}))
    params: dict[str, Any] = {}
    put(params, option, value)
    assert changes_between(ROWS, params, DESCRIBED, "Mesh 'shop'").calls == {action: parameters}


def test_what_cannot_be_read_is_never_compared() -> None:
    assert not changes_between(ROWS, {"period": 3, "key": "another"}, DESCRIBED, "Mesh 'shop'")


def test_an_immutable_difference_names_the_object_both_values_and_what_to_do() -> None:
    with pytest.raises(Immutable) as caught:
        changes_between(ROWS, {"vpc_id": "vpc-2"}, DESCRIBED, "Mesh 'shop'")
    message = caught.value.message
    for part in ("Mesh 'shop'", "vpc_id", '"vpc-1"', '"vpc-2"', "Make another mesh.", "Nothing was changed"):
        assert part in message


def test_a_refusal_of_immutable_differences_is_whole_sentences_with_values_as_they_are_written() -> None:
    with pytest.raises(Immutable) as caught:
        changes_between(ROWS, {"vpc_id": "网络", "zones": ["c"]}, DESCRIBED, "Mesh 'shop'")
    assert caught.value.message == (
        'Mesh \'shop\' exists with values that cannot be changed in place: vpc_id is "vpc-1", wanted "网络". Make '
        'another mesh. zones is ["a", "b"], wanted ["c"]. Nothing was changed: correct the option, or remove the '
        "object first if it is to be made anew."
    )


def test_every_immutable_difference_is_named_at_once() -> None:
    with pytest.raises(Immutable) as caught:
        changes_between(ROWS, {"vpc_id": "vpc-2", "zones": ["c"], "spec": "large"}, DESCRIBED, "Mesh 'shop'")
    assert "vpc_id" in caught.value.message
    assert "zones" in caught.value.message
    assert "spec" not in caught.value.message


# Quantities


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1000m"),
        ("0.5", "500m"),
        ("1Gi", "1024Mi"),
        ("1024Ki", "1Mi"),
        ("1M", "1000k"),
        ("1G", "1000M"),
        ("1Ti", "1024Gi"),
        ("2T", "2000G"),
        (" 2 ", "2"),
        ("128Mi", "134217728"),
    ],
)
def test_equal_quantities_are_equal_both_ways(one: str, other: str) -> None:
    cpu = row("limits.cpu")
    assert not cpu.differs(one, other)
    assert not cpu.differs(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1m"), ("1G", "1Gi"), ("100m", "100"), ("", "0"), ("two", "2"), ("2Mx", "2M")]
)
def test_other_quantities_differ_both_ways(one: str, other: str) -> None:
    cpu = row("limits.cpu")
    assert cpu.differs(one, other)
    assert cpu.differs(other, one)


def test_text_that_is_no_quantity_equals_itself() -> None:
    assert not row("limits.cpu").differs("lots", "lots")
    assert not row("limits.cpu").differs("", "")


# What is read


@pytest.mark.parametrize(
    "shown", ["10.0.0.0/8,172.16.0.0/12", " 10.0.0.0/8 , 172.16.0.0/12,", ["10.0.0.0/8", "172.16.0.0/12"]]
)
def test_a_comma_separated_list_is_read_in_any_form(shown: Any) -> None:
    assert row("ranges").current({"Ranges": shown}) == ["10.0.0.0/8", "172.16.0.0/12"]


def test_an_empty_text_is_an_empty_list() -> None:
    assert row("ranges").current({"Ranges": ""}) == []
    assert row("zones").current({"Network": {"Zones": ""}}) == []


def test_json_is_read_as_text_and_as_structure() -> None:
    rules = {"failover": [{"from": "a", "to": "b"}]}
    assert row("rules").current({"Rules": json.dumps(rules)}) == rules
    assert row("rules").current({"Rules": rules}) == rules
    assert row("rules").current({"Rules": ""}) == {}


def test_decoding_sees_the_raw_value_even_when_it_is_missing() -> None:
    shouting = Attribute("x", "str", change="Update.X", read="X", decode=lambda raw: (raw or "nothing").upper())
    assert shouting.current({"X": "blue"}) == "BLUE"
    assert shouting.current({}) == "NOTHING"


def test_two_views_of_empty_lists_do_not_share_them() -> None:
    first = view(ROWS, {})
    first["ranges"].append("10.0.0.0/8")
    assert view(ROWS, {})["ranges"] == []


@pytest.mark.parametrize("option", [*OTHERS, "vpc_id", "zones"])
def test_what_is_sent_reads_back_as_what_was_wanted(option: str) -> None:
    each = row(option)
    for value in [dig(SAME, option), OTHERS.get(option, (dig(SAME, option),))[0]]:
        described: dict[str, Any] = {}
        put(described, str(each.read), each.encode(value))
        assert not each.differs(value, each.current(described))


def test_json_is_sent_in_one_form_whatever_the_order_of_its_keys() -> None:
    assert row("rules").encode({"b": 1, "a": 2}) == row("rules").encode({"a": 2, "b": 1}) == '{"a": 2, "b": 1}'


# The view and the predicted object


def test_the_view_is_nested_as_the_options_are_and_shows_no_secret() -> None:
    shown = view(ROWS, DESCRIBED)
    assert shown == SAME
    assert "secret" not in json.dumps(shown)


def test_the_view_of_nothing_has_every_readable_option_with_its_empty_value() -> None:
    assert view(ROWS, {}) == {
        "vpc_id": "",
        "zones": [],
        "spec": "",
        "log": {"enabled": False, "days": 0},
        "sampling": 0.0,
        "limits": {"cpu": ""},
        "ranges": [],
        "rules": {},
    }


def test_the_prediction_takes_over_what_differs_and_keeps_the_form_of_what_does_not() -> None:
    shown = view(ROWS, DESCRIBED)
    predicted = overlay(ROWS, shown, {"spec": "large", "limits": {"cpu": "2000m"}, "zones": ["b", "a"]})
    assert predicted == {**SAME, "spec": "large"}
    assert shown == SAME


def test_the_prediction_never_holds_a_secret() -> None:
    predicted = overlay(ROWS, view(ROWS, DESCRIBED), {"key": "PEM", "token": "other", "period": 3})
    assert "key" not in predicted
    assert "token" not in predicted
    assert predicted["period"] == 3


@pytest.mark.parametrize("option", OTHERS)
def test_once_changed_the_object_is_as_predicted(option: str) -> None:
    value, _action, _parameters = OTHERS[option]
    params: dict[str, Any] = {}
    put(params, option, value)
    described = copy.deepcopy(DESCRIBED)
    put(described, str(row(option).read), row(option).encode(value))
    assert overlay(ROWS, view(ROWS, DESCRIBED), params) == view(ROWS, described)
    assert not changes_between(ROWS, params, described, "Mesh 'shop'")


# Paths


def test_dig_ends_early_without_an_error() -> None:
    assert dig({"a": {"b": 1}}, "a.b") == 1
    assert dig({"a": {"b": 1}}, "a") == {"b": 1}
    for tree in ({}, {"a": None}, {"a": 1}, {"a": ["b"]}, None):
        assert dig(tree, "a.b") is None


def test_put_makes_the_levels_in_between_and_keeps_their_neighbours() -> None:
    tree: dict[str, Any] = {"a": {"x": 1}}
    put(tree, "a.b.c", 2)
    put(tree, "d", 3)
    assert tree == {"a": {"x": 1, "b": {"c": 2}}, "d": 3}
    assert dig(tree, "a.b.c") == 2


def test_dotted_paths_become_a_tree() -> None:
    assert nested({"a.b.c": 1, "a.d": None}) == {"a": {"b": {"c": 1}, "d": None}}
    assert nested({}) == {}


def test_what_is_shown_may_be_json_text_at_any_level() -> None:
    for tree in ({"a": {"b": 1}}, {"a": '{"b": 1}'}, '{"a": "{\\"b\\": 1}"}'):
        assert shown(tree, "a.b") == shown(tree, "a.b", ...) == 1
    assert shown({"a": {}}, "a.b", ...) is None
    assert shown({"a": 7}, "a.b.c") is None
    assert shown({"a": 7}, "a.b.c", ...) is ...


def test_differences_are_told_of_what_is_set_and_shown_and_is_no_secret() -> None:
    rows = [Attribute("log.days", "int", read="Log.Days"), Attribute("name", "str", read="Name")]
    rows += [Attribute("unseen", "str", create="Unseen"), Attribute("key", "str", read="Key", no_log=True)]
    params = {"log": {"days": 8}, "name": "shop", "unseen": "x", "key": "y"}
    found = {"Log": {"Days": "7"}, "Name": "shop", "Key": "z"}
    assert differences(rows, params, found) == ["log.days: 7 is there, 8 is described"]
    assert differences(rows, {"log": {"days": 7}, "name": None}, found) == []
    assert differences(rows, {"name": "söp"}, {}) == ['name: "" is there, "s\\u00f6p" is described']


# What the service shows in another type


@pytest.mark.parametrize(
    ("kind", "shown", "value"),
    [
        ("bool", "true", True),
        ("bool", "False", False),
        ("bool", "", False),
        ("int", "7", 7),
        ("int", " ", 0),
        ("float", "1.5", 1.5),
        ("float", 2, 2),
        ("str", 5, "5"),
        ("quantity", 2, "2"),
        ("csv", ["a"], ["a"]),
        ("list", "", []),
        ("json", "{}", {}),
    ],
)
def test_a_value_is_read_in_the_options_type(kind: str, shown: Any, value: Any) -> None:
    assert Attribute("option", kind, read="A.B").current({"A": {"B": shown}}) == value


@pytest.mark.parametrize("kind", ["bool", "int", "float", "str", "url", "quantity", "csv", "list", "json"])
@pytest.mark.parametrize("shown", [{"a": []}, [{}], True, "[", "x" * 10, 1.5, "[" * 100_000])
def test_a_value_of_another_type_is_named_with_its_place(kind: str, shown: Any) -> None:
    row = Attribute("option", kind, read="A.B")
    try:
        found = row.current({"A": {"B": shown}})
    except AsmError as error:
        assert error.message.startswith("The service's description is not what it documents: A.B is no value of the o")
        assert error.code == "UnexpectedReply"
    else:
        assert type(found) is type(row.empty())


def test_what_cannot_be_decoded_is_named_too() -> None:
    row = Attribute("option", "json", read="A", decode=lambda shown: dict(shown.items()))
    assert row.current({"A": {"a": 1}}) == {"a": 1}
    with pytest.raises(AsmError, match="A is no value of the option option"):
        row.current({"A": [1]})
    shouting = Attribute("option", "str", read="A", decode=lambda shown: shown.upper())
    with pytest.raises(AsmError, match="A is no value of the option option"):
        shouting.current({"A": 1})


# Types that more is known of


OBJECTS = Attribute("servers", "objects", create="Servers", change="Update.Servers", read="Servers")
URL = Attribute("url", "url", change="Update.Url", read="Url")
THERE, OTHER = "https://shop:one@example.com", "https://shop:two@example.com"


def test_a_list_of_mappings_travels_as_json() -> None:
    assert argument_spec([OBJECTS])["servers"] == {"type": "list", "no_log": False, "elements": "dict"}
    assert argument_spec([ROWS[1]])["zones"]["elements"] == "str"
    assert create_parameters([OBJECTS], {"servers": [{"b": 1, "a": 2}]}) == {"Servers": '[{"a": 2, "b": 1}]'}
    assert OBJECTS.current({"Servers": '[{"a": 2}]'}) == [{"a": 2}]


def test_a_password_in_a_url_is_compared_and_never_shown() -> None:
    assert changes_between([URL], {"url": OTHER}, {"Url": THERE}, "it").calls == {"Update": {"Url": OTHER}}
    assert view([URL], {"Url": THERE}) == {"url": "https://shop:***@example.com"}
    assert overlay([URL], {"url": ""}, {"url": OTHER}) == {"url": "https://shop:***@example.com"}
    hidden = 'another password than in "https://shop:***@example.com" is described'
    assert differences([URL], {"url": OTHER}, {"Url": THERE}) == [f"url: {hidden}"]
    elsewhere = '"https://shop:***@example.com" is there, "https://shop:***@example.org" is described'
    assert differences([URL], {"url": "https://shop:one@example.org"}, {"Url": THERE}) == [f"url: {elsewhere}"]
    plain = Attribute("name", "str", read="Name")
    assert view([plain], {"Name": THERE}) == {"name": THERE}


def test_a_row_may_say_itself_what_is_the_same() -> None:
    seen = []

    def starts(desired: Any, current: Any) -> bool:
        seen.append((desired, current))
        return str(current).startswith(desired)

    version = Attribute("version", "str", change="Upgrade.Version", read="Version", same=starts)
    assert not changes_between([version], {"version": "v1.2"}, {"Version": "v1.2.3"}, "it")
    assert changes_between([version], {"version": "v1.3"}, {"Version": "v1.2.3"}, "it").options == {"version": "v1.3"}
    assert seen == [("v1.2", "v1.2.3"), ("v1.3", "v1.2.3")]


def test_a_description_that_is_none_is_named_with_the_place_of_the_value() -> None:
    with pytest.raises(AsmError, match=r"Log\.Days is no value of the option log\.days \(type int\)"):
        ROWS[4].current({"Log": "odd"})


# What is wanted and cannot be


def even(value: Any) -> str:
    return "must be even" if value % 2 else ""


CHECKED = [
    Attribute("days", "int", change="Update.Days", read="Days", check=even),
    Attribute("hours", "int", change="Update.Hours", read="Hours", check=even),
    Attribute("name", "str", read="Name", check=lambda value: f"{value!r} is no name"),
    Attribute("zone", "str", read="Zone"),
]


def test_every_value_that_cannot_be_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        refuse_wrong(CHECKED, {"days": 1, "hours": 3, "zone": "a"})
    assert refused.value.message == "days: must be even. hours: must be even. Nothing was changed."
    refuse_wrong(CHECKED, {"days": 2, "hours": 4, "zone": "a"})


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_an_empty_value_takes_a_setting_away_and_is_not_checked(value: Any) -> None:
    refuse_wrong(CHECKED, {"name": value})


# What the service never shows


UNSEEN = [
    Attribute("key", "str", change="Update.Key"),
    Attribute("rules", "json", change="Update.Rules"),
    Attribute("pin", "int", change="Guard.Pin"),
    Attribute("period", "int", create="Period"),
    Attribute("days", "int", change="Update.Days", read="Days"),
]


def test_what_is_never_shown_is_sent_where_it_is_set() -> None:
    changes = unseen_changes(UNSEEN, {"key": "a", "rules": {"b": 1}, "pin": 7, "period": 1, "days": 2})
    assert changes.calls == {"Update": {"Key": "a", "Rules": '{"b": 1}'}, "Guard": {"Pin": 7}}
    assert changes.options == {"key": "a", "rules": {"b": 1}, "pin": 7}
    assert not unseen_changes(UNSEEN, {"period": 1, "days": 2})


def test_changes_are_put_together_call_by_call() -> None:
    changes = Changes({"Update": {"Days": 2}}, {"days": 2})
    changes.add(Changes({"Update": {"Key": "a"}, "Guard": {"Pin": 7}}, {"key": "a", "pin": 7}))
    assert changes.calls == {"Update": {"Days": 2, "Key": "a"}, "Guard": {"Pin": 7}}
    assert changes.options == {"days": 2, "key": "a", "pin": 7}


def test_what_is_not_set_is_not_read_to_be_compared() -> None:
    assert differences(ROWS, {"spec": "small"}, {**DESCRIBED, "Log": "odd"}) == []

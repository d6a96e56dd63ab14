# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud import tags
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.tests.unit.conftest import FakeCloud

SETS: list[dict[str, str]] = [{}, {"a": "1"}, {"a": "2"}, {"a": "1", "b": ""}, {"b": "1", "c": "1"}]


@pytest.mark.parametrize("current", SETS)
@pytest.mark.parametrize("wanted", SETS)
@pytest.mark.parametrize("purge", [True, False])
def test_carried_out_the_comparison_gives_what_was_wanted(
    wanted: dict[str, str], current: dict[str, str], purge: bool
) -> None:
    to_set, to_remove = tags.compare(wanted, current, purge)
    after = {key: value for key, value in {**current, **to_set}.items() if key not in to_remove}
    assert after == (wanted if purge else {**current, **wanted})
    assert tags.compare(wanted, after, purge) == ({}, [])


@pytest.mark.parametrize("purge", [True, False])
def test_unset_tags_leave_all_as_it_is(purge: bool) -> None:
    assert tags.compare(None, {"a": "1"}, purge) == ({}, [])


def test_no_tags_at_all_removes_all_but_only_with_purge() -> None:
    assert tags.compare({}, {"b": "1", "a": "1"}, True) == ({}, ["a", "b"])
    assert tags.compare({}, {"a": "1"}, False) == ({}, [])


@pytest.mark.parametrize(("value", "text"), [(7, "7"), (True, "True"), (1.5, "1.5"), ("", ""), (None, "")])
def test_values_are_compared_and_sent_as_text(value: Any, text: str) -> None:
    assert tags.to_list({"a": value}) == [{"Key": "a", "Value": text}]
    assert tags.compare({"a": value}, {"a": text}, True) == ({}, [])


def test_lists_and_mappings_are_two_forms_of_the_same() -> None:
    for each in SETS:
        assert tags.from_list(tags.to_list(each)) == each
    assert tags.from_list(None) == {}
    assert tags.from_list([{"Key": "a"}]) == {"a": ""}


def test_tags_are_removed_first_and_set_then(fake_cloud: Callable[..., FakeCloud]) -> None:
    cloud = fake_cloud(TagResources={}, UntagResources={})
    tags.apply(cloud, "c1", "cn-hangzhou", {"a": "1"}, ["b"])
    target = {"RegionId": "cn-hangzhou", "ResourceId": ["c1"], "ResourceType": "servicemesh"}
    assert cloud.calls == [
        ("UntagResources", {"TagKey": ["b"], "All": False, **target}),
        ("TagResources", {"Tag": [{"Key": "a", "Value": "1"}], **target}),
    ]


@pytest.mark.parametrize(
    ("to_set", "to_remove", "actions"),
    [({}, [], []), ({"a": "1"}, [], ["TagResources"]), ({}, ["a"], ["UntagResources"])],
)
def test_nothing_is_sent_without_need(
    fake_cloud: Callable[..., FakeCloud], to_set: dict[str, str], to_remove: list[str], actions: list[str]
) -> None:
    cloud = fake_cloud(TagResources={}, UntagResources={})
    tags.apply(cloud, "c1", "cn-hangzhou", to_set, to_remove)
    assert cloud.written() == actions


PLATFORM = {"acs:rm:rgId": "rg-1", "aliyun:owner": "a", "aliyun.com/x": "", "acs:ecs:x": "y"}


@pytest.mark.parametrize("wanted", [None, {}, {"a": "1"}])
def test_tags_of_the_platform_stay(wanted: dict[str, str] | None) -> None:
    to_set, to_remove = tags.compare(wanted, {**PLATFORM, "b": "1", "my-aliyun": "1", "ACS": "1"}, True)
    assert to_set == (wanted or {})
    assert to_remove == ([] if wanted is None else ["ACS", "b", "my-aliyun"])


@pytest.mark.parametrize("key", PLATFORM)
def test_tags_of_the_platform_cannot_be_wanted(key: str) -> None:
    for ask in (lambda: tags.compare({key: "x"}, PLATFORM, False), lambda: tags.to_list({key: "x", "a": "1"})):
        with pytest.raises(InvalidInput, match=f"tags: {key}: keys that begin with acs: or aliyun"):
            ask()

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release makes of a route, how it is taken out again, and what becomes of the description meanwhile."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.meshops.asm.plugins.filter.canary_stages import FilterModule
from ansible_collections.meshops.asm.plugins.module_utils.istio.release import (
    ANNOTATION,
    HEADER,
    RULE,
    release_of,
    respected,
)

AT = "2026-01-01T00:00:00Z"
OPTIONS: dict[str, Any] = {"stable": "v1", "canary": "v2", "probe": {"path": "/"}, "steps": [5, 50, 100]}
stages, route = (FilterModule().filters()[name] for name in ("canary_stages", "canary_route"))
Json = dict[str, Any]


def virtual_service(stable: int = 100, canary: int = 0) -> Json:
    targets = [
        {"destination": {"host": "reviews", "subset": "v1"}, "weight": stable},
        {"destination": {"host": "reviews", "subset": "v2"}, "weight": canary},
    ]
    rule = {"name": "main", "match": [{"uri": {"prefix": "/a"}}, {"headers": {"x": {"exact": "1"}}}], "route": targets}
    metadata = {"name": "reviews", "namespace": "shop", "annotations": {"owner": "shop"}}
    spec = {
        "hosts": ["reviews"],
        "http": [
            {"match": [{"uri": {"exact": "/"}}], "route": [{"destination": {"host": "reviews", "subset": "v1"}}]},
            rule,
        ],
    }
    return copy.deepcopy(
        {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}
    )


def http_route(stable: int = 1, canary: int = 0) -> Json:
    rule = {
        "name": "main",
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "backendRefs": [{"name": "v1", "port": 80, "weight": stable}, {"name": "v2", "port": 80, "weight": canary}],
    }
    metadata = {"name": "reviews", "namespace": "shop"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {"rules": [rule]},
    }


def stage(**more: Any) -> Json:
    return {"weight": 0, "match": None, "mirror": 0, **more}


def weights(found: Json) -> list[int]:
    if found["kind"] == "HTTPRoute":
        return [one["weight"] for one in found["spec"]["rules"][-1]["backendRefs"]]
    return [one["weight"] for one in found["spec"]["http"][-1]["route"]]


ALL_STAGES = [
    stage(weight=5),
    stage(weight=100),
    stage(match={"headers": {"X-Beta": "yes"}}),
    stage(match={"cookie": {"beta": "1.0"}}),
    stage(mirror=20),
    stage(weight=5, fresh=5),
]


@pytest.mark.parametrize("made", [virtual_service, http_route])
@pytest.mark.parametrize("wanted", ALL_STAGES)
def test_the_description_becomes_what_the_release_has_made_and_back(made: Any, wanted: Json) -> None:
    live = route(made(), OPTIONS, wanted, AT)
    assert live != made()
    applied, text = respected(made(), live)
    assert applied == live
    assert text.endswith(f"described 0 %, by canary of {AT}")
    assert route(live, OPTIONS, stage(), AT) == made(), "rolled back, nothing is left of it"


def test_another_stage_replaces_the_one_before() -> None:
    live = virtual_service()
    for wanted in [*ALL_STAGES, stage(weight=50)]:
        live = route(live, OPTIONS, wanted, AT)
    assert live == route(virtual_service(), OPTIONS, stage(weight=50), AT)


def test_weights_and_marks_of_a_step() -> None:
    live = route(virtual_service(), OPTIONS, stage(weight=5), AT)
    assert weights(live) == [95, 5]
    marks = [one["headers"]["response"]["set"] for one in live["spec"]["http"][1]["route"]]
    assert marks == [{HEADER: "v1"}, {HEADER: "v2"}]
    assert "headers" not in live["spec"]["http"][0]["route"][0]
    # Who tells the versions apart in another way gets no header, and at the end nobody does.
    own = route(virtual_service(), {**OPTIONS, "probe": {"by": {"regex": "v."}}}, stage(weight=5), AT)
    for found in (own, route(live, OPTIONS, stage(weight=100), AT)):
        assert all("headers" not in one for one in found["spec"]["http"][1]["route"])


def test_a_fresh_copy_of_the_stable_version_gets_a_part_of_its_requests() -> None:
    live = route(virtual_service(), OPTIONS, stage(weight=5, fresh=5), AT)
    assert weights(live) == [90, 5, 5]
    copied = live["spec"]["http"][1]["route"][2]
    assert copied["destination"] == {"host": "reviews-baseline"}
    assert copied["headers"]["response"]["set"] == {HEADER: "v1-baseline"}
    assert weights(route(http_route(), OPTIONS, stage(weight=25, fresh=25), AT)) == [50, 25, 25]
    # A release that goes on counts the copy's requests as those of the stable version.
    assert stages(route(virtual_service(), OPTIONS, stage(weight=25, fresh=25), AT), OPTIONS)["weight"] == 25
    assert weights(route(live, OPTIONS, stage(weight=100), AT)) == [0, 100]


def test_the_copy_gets_as_many_requests_as_the_new_version_while_there_are_any() -> None:
    left = stages(virtual_service(), {**OPTIONS, "mirror": 5, "steps": [5, 50, 80, 100], "baseline": {"like": "v2"}})
    assert [one["fresh"] for one in left["stages"]] == [0, 5, 50, 20, 0]


def test_headers_that_were_there_stay() -> None:
    own = virtual_service()
    own["spec"]["http"][1]["route"][0]["headers"] = {"response": {"set": {"a": "b"}}, "request": {"remove": ["c"]}}
    before = copy.deepcopy(own)
    live = route(own, OPTIONS, stage(weight=5), AT)
    assert own == before
    assert live["spec"]["http"][1]["route"][0]["headers"]["response"]["set"] == {"a": "b", HEADER: "v1"}
    assert route(live, OPTIONS, stage(), AT)["spec"] == before["spec"]


def test_a_rule_for_chosen_requests_keeps_the_conditions_of_the_other() -> None:
    live = route(virtual_service(), OPTIONS, stage(match={"headers": {"X-Beta": "yes"}}), AT)
    names = [rule.get("name") for rule in live["spec"]["http"]]
    assert names == [None, RULE, "main"]
    chosen = live["spec"]["http"][1]
    assert chosen["match"] == [
        {"uri": {"prefix": "/a"}, "headers": {"x-beta": {"exact": "yes"}}},
        {"headers": {"x": {"exact": "1"}, "x-beta": {"exact": "yes"}}},
    ]
    assert [(one["destination"]["subset"], one["weight"]) for one in chosen["route"]] == [("v2", 100)]
    assert weights(live) == [100, 0]
    other = route(http_route(), OPTIONS, stage(match={"cookie": {"beta": "1.0"}}), AT)["spec"]["rules"][0]
    assert other["matches"][0]["path"] == {"type": "PathPrefix", "value": "/"}
    (header,) = other["matches"][0]["headers"]
    assert (header["name"], header["type"]) == ("cookie", "RegularExpression")
    assert header["value"] == r"^(.*;\s*)?beta=1\.0(;.*)?$"


def test_a_description_that_was_changed_since_wins() -> None:
    live = route(virtual_service(), OPTIONS, stage(weight=100), AT)
    assert respected(virtual_service(70, 30), live) == (virtual_service(70, 30), "")
    # It has caught up with the release: there is nothing to be kept.
    assert respected(virtual_service(0, 100), live) == (virtual_service(0, 100), "")
    other = virtual_service()
    other["spec"]["http"].pop()
    assert respected(other, live) == (other, "")


def test_what_else_is_described_is_applied() -> None:
    live = route(virtual_service(), OPTIONS, stage(weight=100), AT)
    changed = virtual_service()
    changed["spec"]["http"][1]["timeout"] = "2s"
    applied, _text = respected(changed, live)
    assert applied["spec"]["http"][1]["timeout"] == "2s"
    assert weights(applied) == [0, 100]


def test_the_next_release_keeps_what_is_described() -> None:
    first = virtual_service()
    third = {"destination": {"host": "reviews", "subset": "v3"}, "weight": 0}
    first["spec"]["http"][1]["route"].append(third)
    promoted = route(first, OPTIONS, stage(weight=100), AT)
    second = route(promoted, {**OPTIONS, "stable": "v2", "canary": "v3"}, stage(weight=100), AT)
    assert weights(second) == [0, 0, 100]
    applied, text = respected(first, second)
    assert applied == second
    assert text == f"v3 has 100 %, described 0 %, by canary of {AT}"


def test_a_third_version_gets_its_requests_back() -> None:
    described = virtual_service(60, 0)
    described["spec"]["http"][1]["route"].append({"destination": {"host": "reviews", "subset": "v3"}, "weight": 40})
    # Before the first step nobody has fewer requests.
    for wanted in (stage(mirror=20), stage(match={"headers": {"x": "y"}})):
        assert weights(route(described, OPTIONS, wanted, AT)) == [60, 0, 40]
    step = route(described, OPTIONS, stage(weight=5), AT)
    assert weights(step) == [95, 5, 0]
    assert route(step, OPTIONS, stage(), AT) == described
    # After a promotion the way back is to what was promoted.
    promoted = route(step, OPTIONS, stage(weight=100), AT)
    third = {**OPTIONS, "stable": "v2", "canary": "v3"}
    back = route(route(promoted, third, stage(weight=5), AT), third, stage(), AT)
    assert weights(back) == [0, 100, 0]
    assert respected(described, back)[0] == back


def test_two_rules_of_one_object_are_released_one_after_the_other() -> None:
    """The object says what was released of one rule: of another one it would be forgotten, and undone by site."""
    described = virtual_service()
    other = {**copy.deepcopy(described["spec"]["http"][1]), "name": "other"}
    described["spec"]["http"].append(other)
    main, second = ({**OPTIONS, "route": name} for name in ("main", "other"))
    promoted = route(described, main, stage(weight=100), AT)
    for function in (lambda: route(promoted, second, stage(weight=5), AT), lambda: stages(promoted, second)):
        with pytest.raises(AnsibleFilterError, match=r"Another rule .* v2 has 100 %, described 0 %.*write_back"):
            function()
    written = route(promoted, main, stage(weight=100), AT, described=True)
    assert weights(route(written, second, stage(weight=5), AT)) == [95, 5]
    # The same rule, named now and not before.
    begun = route(virtual_service(), OPTIONS, stage(weight=5), AT)
    assert respected(virtual_service(), route(begun, main, stage(weight=50), AT))[1].startswith("v2 has 50 %")


def test_written_back_nothing_is_left_to_say() -> None:
    live = route(virtual_service(), OPTIONS, stage(weight=100), AT)
    assert route(live, OPTIONS, stage(weight=100), AT, described=True) == virtual_service(0, 100)


@pytest.mark.parametrize(
    "said",
    ["", "[]", "{}", '{"canary": "v2"}', "null", "[" * 5000, '{"canary": 1, "stable": "v1", "weight": 5}'],
)
def test_annotations_of_others_say_nothing(said: str) -> None:
    live = virtual_service()
    live["metadata"]["annotations"][ANNOTATION] = said
    assert release_of(live) is None
    assert respected(virtual_service(), live) == (virtual_service(), "")


@pytest.mark.parametrize(
    "change",
    [
        {"weight": 300},
        {"mirror": -1},
        {"match": {"cookie": {"a b": "c"}}},
        {"match": {}},
        {"described": {"v1": "x"}},
        {"more": 1},
    ],
)
def test_annotations_that_cannot_be_are_passed_over(change: Json) -> None:
    live = route(virtual_service(), OPTIONS, stage(match={"headers": {"a": "b"}}), AT)
    said = json.loads(live["metadata"]["annotations"][ANNOTATION])
    live["metadata"]["annotations"][ANNOTATION] = json.dumps({**said, **change})
    applied, text = respected(virtual_service(), live)
    assert (weights(applied), text) == ([100, 0], "")


def test_stages_that_are_left() -> None:
    options = {**OPTIONS, "match": {"headers": {"a": "b"}}, "mirror": 10}
    begun = stages(virtual_service(), options)
    assert [one["title"] for one in begun["stages"]] == [
        "a copy of 10 %",
        "requests that match",
        "5 %",
        "50 %",
        "100 %",
    ]
    assert [one["share"] for one in begun["stages"]] == [None, 50, 5, 50, None]
    assert [one["headers"] for one in begun["stages"]] == [{}, {"a": "b"}, {}, {}, {}]
    halfway = stages(virtual_service(50, 50), options)
    assert (halfway["weight"], [one["title"] for one in halfway["stages"]]) == (50, ["50 %", "100 %"])
    assert stages(virtual_service(0, 100), options)["stages"] == []
    assert [one["weight"] for one in stages(http_route(1, 0), {**OPTIONS, "steps": [100]})["stages"]] == [100]
    assert stages(http_route(1, 1), OPTIONS)["weight"] == 50
    # Numbers that come from a survey are text.
    told = stages(virtual_service(), {**OPTIONS, "mirror": "0", "steps": ["50", "5"]})
    assert [one["weight"] for one in told["stages"]] == [5, 50]


@pytest.mark.parametrize(
    ("options", "wanted", "complaint"),
    [
        ({"canary": "v9"}, stage(weight=5), "leads to v1 and v9"),
        ({}, stage(match={"cookie": {"a": "b;c"}}), "is no cookie"),
        ({}, stage(match={"cookie": {"a": "b"}, "headers": {"c": "d"}}), "a cookie stands alone"),
        ({"route": "other"}, stage(weight=5), "no http rule with the name 'other'"),
    ],
)
def test_what_cannot_be_released(options: Json, wanted: Json, complaint: str) -> None:
    with pytest.raises(AnsibleFilterError, match=complaint):
        route(virtual_service(), {**OPTIONS, **options}, wanted, AT)


def test_a_mirror_of_somebody_else_is_not_replaced() -> None:
    own = virtual_service()
    own["spec"]["http"][1]["mirror"] = {"host": "audit"}
    with pytest.raises(AnsibleFilterError, match="has one already"):
        route(own, OPTIONS, stage(mirror=5), AT)
    assert route(own, OPTIONS, stage(weight=5), AT)["spec"]["http"][1]["mirror"] == {"host": "audit"}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release changes the weights of one rule, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.meshops.asm.plugins.filter.route_weights import FilterModule
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.istio.route_weights import weights_of, with_weights


def to(subset: str, weight: int | None = None) -> dict[str, Any]:
    target: dict[str, Any] = {"destination": {"host": "reviews", "subset": subset}}
    return target if weight is None else {**target, "weight": weight}


def service() -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "VirtualService",
        "metadata": {
            "name": "reviews",
            "namespace": "bookinfo",
            "uid": "u",
            "resourceVersion": "7",
            "labels": {"meshops.asm/set": "shop"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "owner": "shop"},
        },
        "spec": {
            "hosts": ["reviews"],
            "http": [
                {"match": [{"headers": {"end-user": {"exact": "jason"}}}], "route": [to("v2")]},
                {"name": "main", "timeout": "2s", "route": [to("v1", 90), to("v2", 10), to("v3", 0)]},
            ],
        },
        "status": {"observedGeneration": "3"},
    }


def test_the_weights_of_the_rule_that_leads_to_both() -> None:
    assert weights_of(service(), ["v1", "v2"]) == {"v1": 90, "v2": 10, "v3": 0}
    assert weights_of(service(), ["v1", "v2"], "main") == {"v1": 90, "v2": 10, "v3": 0}


def test_only_weights_change() -> None:
    given = service()
    before = copy.deepcopy(given)
    changed = with_weights(given, {"v1": 50, "v3": 50})
    assert given == before
    expected = copy.deepcopy(before["spec"])
    expected["http"][1]["route"] = [to("v1", 50), to("v2", 0), to("v3", 50)]
    assert changed["spec"] == expected
    assert changed["apiVersion"] == "networking.istio.io/v1beta1"
    assert changed["metadata"] == {
        "name": "reviews",
        "namespace": "bookinfo",
        "labels": {"meshops.asm/set": "shop"},
        "annotations": {"owner": "shop"},
    }
    assert "status" not in changed


@pytest.mark.parametrize(
    ("weights", "route", "complaint"),
    [
        ({"v1": 50, "v2": 40}, None, "must sum to 100"),
        ({"v1": 120, "v2": -20}, None, "must sum to 100"),
        ({"v1": 50, "v9": 50}, None, "no http rule that leads to v1 and v9"),
        ({"v1": 50, "v2": 50}, "other", "no http rule with the name 'other'"),
    ],
)
def test_what_cannot_be_shifted(weights: dict[str, int], route: str | None, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        with_weights(service(), weights, route)


def test_several_rules_need_a_name() -> None:
    several = service()
    several["spec"]["http"].append({"name": "second", "route": [to("v1", 100), to("v2", 0)]})
    with pytest.raises(InvalidInput, match="2 http rules"):
        weights_of(several, ["v1", "v2"])
    assert weights_of(several, ["v1", "v2"], "second") == {"v1": 100, "v2": 0}


def test_the_filters() -> None:
    filters = FilterModule().filters()
    assert filters["route_weights"](service(), ["v1", "v2"])["v1"] == 90
    assert filters["with_route_weights"](service(), {"v1": 100, "v2": 0})["kind"] == "VirtualService"
    for name, argument in (("route_weights", ["v9"]), ("with_route_weights", {"v9": 100})):
        with pytest.raises(AnsibleFilterError, match="v9"):
            filters[name](service(), argument)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("metadata", ["x"], "virtual_service.metadata must be a mapping, it is a list."),
        ("metadata", {}, "The VirtualService has no metadata.name."),
        ("spec", "x", "virtual_service.spec must be a mapping, it is text."),
        ("spec", {"http": {}}, "virtual_service.spec.http must be a list, it is a mapping."),
        ("spec", {"http": [None]}, "virtual_service.spec.http[0] must be a mapping, it is null."),
        (
            "spec",
            {"http": [{"route": [{"destination": {"subset": 1}, "weight": "90"}]}]},
            "virtual_service.spec.http[0].route[0].destination.subset must be text, it is a number. "
            "virtual_service.spec.http[0].route[0].weight must be a whole number, it is text.",
        ),
        ("spec", None, "has no http rule that leads to v1 and v2"),
    ],
)
def test_odd_virtual_services_are_errors(part: str, value: Any, message: str) -> None:
    for changed in (lambda one: weights_of(one, ["v1", "v2"]), lambda one: with_weights(one, {"v1": 50, "v2": 50})):
        with pytest.raises(InvalidInput) as caught:
            changed({**service(), part: value})
        assert message in caught.value.message


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], "weights must be a mapping, it is a list."),
        ({"v1": "many"}, "weights.v1 must be a whole number, it is text."),
        ({"v1": [100]}, "weights.v1 must be a whole number, it is a list."),
        ({}, "Weights must sum to 100"),
        (None, "Weights must sum to 100"),
    ],
)
def test_odd_weights_are_errors_of_the_filter(weights: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        FilterModule().filters()["with_route_weights"](service(), weights)


@pytest.mark.parametrize("subsets", ["v1", 5, [["v1"]], [None], None, []])
def test_odd_subsets_are_errors_of_the_filter(subsets: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^subsets"):
        FilterModule().filters()["route_weights"](service(), subsets)


def test_weights_of_a_template_may_be_text() -> None:
    weights: Any = {"v1": "80", "v2": "20"}
    changed = with_weights(service(), weights)
    assert weights_of(changed, ["v1", "v2"]) == {"v1": 80, "v2": 20, "v3": 0}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local verdict, on records as real servers write them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.quantities import same_stored
from ansible_collections.meshops.asm.plugins.module_utils.kube.ownership import (
    DIFFERENT,
    SAME,
    UNSURE,
    owns_label,
    same_content,
    verdict,
)

from .conftest import managed, virtual_service

Json = dict[str, Any]


def stored(body: Json, record: Json | None = None, **more: Any) -> Json:
    """The object as the server holds it after we applied ``body``, with another record if one is given."""
    live = copy.deepcopy(body)
    entries = managed(body)
    if record is not None:
        entries[0]["fieldsV1"] = record
    live["metadata"].update({"uid": "u", "resourceVersion": "5", "generation": 1, "managedFields": entries})
    live.update(more)
    return live


def judge(want: Json, have: Json, builtin: bool = False) -> str:
    return verdict(want, have, builtin=builtin)


def test_what_was_applied_is_the_same() -> None:
    body = virtual_service(http=[{"route": [{"destination": {"host": "a"}, "weight": 100}]}])
    assert judge(body, stored(body)) == SAME


def test_fields_of_others_and_defaults_do_not_matter() -> None:
    body = virtual_service()
    live = stored(body)
    live["spec"]["gateways"] = ["mesh"]
    live["metadata"]["labels"] = {"owner": "someone"}
    live["metadata"]["managedFields"] += managed({**body, "spec": {"gateways": ["mesh"]}}, "kubectl", "Update")
    assert judge(body, live) == SAME


def test_a_field_that_is_no_longer_wanted_makes_a_difference() -> None:
    live = stored(virtual_service(gateways=["mesh"]))
    assert judge(virtual_service(), live) == DIFFERENT


def test_a_new_field_makes_a_difference_even_when_the_value_is_there_already() -> None:
    live = stored(virtual_service())
    live["spec"]["gateways"] = ["mesh"]
    assert judge(virtual_service(gateways=["mesh"]), live) == DIFFERENT


def test_a_changed_scalar_is_different_and_a_changed_list_unsure() -> None:
    body = virtual_service(exportTo=["*"])
    body["spec"]["priority"] = 1
    live = stored(body)
    live["spec"]["priority"] = 2
    assert judge(body, live) == DIFFERENT
    live["spec"]["priority"] = 1
    live["spec"]["exportTo"] = ["*", "."]
    assert judge(body, live) == UNSURE


def test_a_value_that_someone_has_removed() -> None:
    body = virtual_service(exportTo=["*"])
    live = stored(body)
    del live["spec"]["exportTo"]
    assert judge(body, live) == UNSURE


def test_without_a_record_of_ours_something_changes() -> None:
    body = virtual_service()
    live = stored(body)
    live["metadata"]["managedFields"][0]["operation"] = "Update"
    assert judge(body, live) == DIFFERENT
    live["metadata"]["managedFields"][0].update(operation="Apply", subresource="status")
    assert judge(body, live) == DIFFERENT


def test_an_object_without_fields_has_no_record() -> None:
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "namespace": "b"}}
    assert judge(body, {**body, "metadata": {**body["metadata"], "managedFields": []}}, True) == SAME


def test_another_version_moves_the_record() -> None:
    body = virtual_service()
    live = stored(body)
    live["metadata"]["managedFields"][0]["apiVersion"] = "networking.istio.io/v1beta1"
    assert judge(body, live) == DIFFERENT


def test_an_object_that_is_shown_in_another_version_is_not_compared() -> None:
    body = virtual_service()
    assert judge(body, stored(body, apiVersion="networking.istio.io/v1beta1")) == DIFFERENT
    live = stored(body)
    del live["apiVersion"]
    assert judge(body, live) == SAME


def test_two_records_of_ours_are_for_the_server() -> None:
    live = stored(virtual_service())
    live["metadata"]["managedFields"] *= 2
    assert judge(virtual_service(), live) == UNSURE


@pytest.mark.parametrize(
    ("want", "have", "result"),
    [(1, 1.0, SAME), (50.0, 50, SAME), (True, 1, DIFFERENT), (1, True, DIFFERENT), ("80", 80, DIFFERENT)],
)
def test_numbers_are_equal_by_value_and_nothing_else_is(want: Any, have: Any, result: str) -> None:
    body = virtual_service(value=want)
    live = stored(body)
    live["spec"]["value"] = have
    assert judge(body, live) == result


@pytest.mark.parametrize(
    ("want", "have", "result"),
    [
        ([{"a": 1, "b": [2]}], [{"b": [2.0], "a": 1}], SAME),
        ([{"a": 1}], [{"a": True}], UNSURE),
        ([{"a": [0]}], [{"a": [False]}], UNSURE),
        ([{"a": 1}], [{"a": 1, "b": 2}], UNSURE),
        ([1, 2], [2, 1], UNSURE),
    ],
)
def test_lists_that_are_one_value_are_equal_at_every_depth(want: Any, have: Any, result: str) -> None:
    body = virtual_service(value=want)
    live = stored(body)
    live["spec"]["value"] = have
    assert judge(body, live) == result


def test_null_is_a_value() -> None:
    body = virtual_service(mirror=None)
    assert judge(body, stored(body)) == SAME
    live = stored(body)
    del live["spec"]["mirror"]
    assert judge(body, live) == UNSURE


def test_empty_maps() -> None:
    body = virtual_service(workloadSelector={})
    assert judge(body, stored(body)) == SAME
    live = stored(body)
    live["spec"]["workloadSelector"] = {"labels": {"a": "b"}}
    assert judge(body, live) == UNSURE


def test_a_record_of_the_whole_is_one_of_a_single_value() -> None:
    body = virtual_service(workloadSelector={})
    record = {"f:spec": {"f:hosts": {}, "f:workloadSelector": {".": {}}}}
    assert judge(body, stored(body, record)) == SAME
    live = stored(body, record)
    live["spec"]["workloadSelector"] = {"labels": {"a": "b"}}
    assert judge(body, live) == UNSURE


@pytest.mark.parametrize(
    ("want", "have", "below"),
    [
        ({"a": 1}, "text", {"f:a": {}}),
        ("text", {"a": 1}, {"f:a": {}}),
        ([{"name": "a"}], {"name": "a"}, {'k:{"name":"a"}': {}}),
        ({"name": "a"}, [{"name": "a"}], {'k:{"name":"a"}': {}}),
        ({"a": 1}, ["a"], {'v:"a"': {}}),
    ],
)
def test_values_of_two_types_are_for_the_server(want: Any, have: Any, below: Json) -> None:
    body = virtual_service(value=want)
    live = stored(body, {"f:spec": {"f:hosts": {}, "f:value": below}})
    live["spec"]["value"] = have
    assert judge(body, live) == UNSURE


class TestKeyedLists:
    """Lists that the server merges by keys: the record has an entry per element."""

    BODY = virtual_service("ext")
    BODY["spec"] = {"ports": [{"name": "http", "number": 80}, {"name": "tls", "number": 443}]}

    @staticmethod
    def record(*names: str, fields: tuple[str, ...] = ("name", "number")) -> Json:
        parts = {".": {}, **{f"f:{field}": {} for field in fields}}
        return {"f:spec": {"f:ports": {f"k:{json.dumps({'name': name})}": dict(parts) for name in names}}}

    def live(self, *names: str) -> Json:
        return stored(self.BODY, self.record(*(names or ("http", "tls"))))

    def test_the_same(self) -> None:
        assert judge(self.BODY, self.live()) == SAME

    def test_elements_of_others_may_be_among_ours(self) -> None:
        live = self.live()
        live["spec"]["ports"].insert(1, {"name": "other", "number": 1})
        assert judge(self.BODY, live) == SAME

    def test_our_order_counts(self) -> None:
        live = self.live()
        live["spec"]["ports"].reverse()
        assert judge(self.BODY, live) == UNSURE

    def test_an_element_that_is_ours_no_longer_or_not_yet(self) -> None:
        assert judge(self.BODY, self.live("http", "tls", "old")) == DIFFERENT
        assert judge(self.BODY, self.live("http")) == DIFFERENT

    def test_an_element_that_someone_removed(self) -> None:
        live = self.live()
        live["spec"]["ports"].pop()
        assert judge(self.BODY, live) == UNSURE

    def test_a_field_in_an_element(self) -> None:
        live = self.live()
        live["spec"]["ports"][0]["number"] = 81
        assert judge(self.BODY, live) == DIFFERENT
        live = stored(self.BODY, self.record("http", "tls", fields=("name",)))
        assert judge(self.BODY, live) == DIFFERENT

    def test_the_same_key_twice(self) -> None:
        body = copy.deepcopy(self.BODY)
        body["spec"]["ports"].append({"name": "http", "number": 80})
        assert judge(body, self.live()) != SAME

    def test_an_element_that_is_one_value_is_compared_as_one(self) -> None:
        """A record without fields of the element: it is owned as a whole."""
        for whole in ({}, {".": {}}):
            record = {"f:spec": {"f:ports": {f"k:{json.dumps({'name': name})}": whole for name in ("http", "tls")}}}
            live = stored(self.BODY, record)
            assert judge(self.BODY, live) == SAME
            live["spec"]["ports"][0]["number"] = 81
            assert judge(self.BODY, live) == UNSURE

    def test_a_part_of_the_server_alone_decides_where_the_record_is_not_of_one_form(self) -> None:
        mixed = {'k:{"name":"http"}': {}, 'k:{"number":443}': {}}
        assert judge(self.BODY, stored(self.BODY, {"f:spec": {"f:ports": mixed}})) == UNSURE
        several = {'k:{"name":"http"}': {}, 'v:"tls"': {}}
        assert judge(self.BODY, stored(self.BODY, {"f:spec": {"f:ports": several}})) == UNSURE

    def test_an_element_that_is_no_object_is_for_the_server(self) -> None:
        body = copy.deepcopy(self.BODY)
        body["spec"]["ports"][0] = "http"
        assert judge(body, self.live()) == UNSURE
        live = self.live()
        live["spec"]["ports"].insert(0, "http")
        assert judge(self.BODY, live) == SAME

    def test_other_elements_are_a_difference_only_where_no_key_can_be_completed(self) -> None:
        body = copy.deepcopy(self.BODY)
        body["spec"]["ports"][0]["name"] = "grpc"
        assert judge(body, self.live()) == DIFFERENT
        assert judge(body, self.live(), builtin=True) == UNSURE
        del body["spec"]["ports"][0]["name"]
        assert judge(body, self.live()) == UNSURE

    def test_an_unsure_element_does_not_hide_one_that_differs(self) -> None:
        body = copy.deepcopy(self.BODY)
        for port in body["spec"]["ports"]:
            port["hosts"] = ["a"]
        live = stored(body, self.record("http", "tls", fields=("name", "number", "hosts")))
        live["spec"]["ports"][0]["hosts"] = ["b"]
        assert judge(body, live) == UNSURE
        live["spec"]["ports"][1]["number"] = 1
        assert judge(body, live) == DIFFERENT

    def test_a_key_that_the_server_completes(self) -> None:
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
        record = {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
        live = stored(body, record)
        live["spec"]["ports"][0].update(protocol="TCP", targetPort=80)
        assert judge(body, live, True) == SAME
        live["spec"]["ports"][0]["protocol"] = "UDP"
        assert judge(body, live, True) == UNSURE


def test_sets() -> None:
    body = virtual_service()
    body["metadata"]["finalizers"] = ["a/b", "c/d"]
    record = {
        "f:metadata": {"f:finalizers": {'v:"a/b"': {}, 'v:"c/d"': {}}},
        "f:spec": {"f:hosts": {}},
    }
    live = stored(body, record)
    live["metadata"]["finalizers"] = ["a/b", "x/y", "c/d"]
    assert judge(body, live) == SAME
    live["metadata"]["finalizers"] = ["c/d", "a/b"]
    assert judge(body, live) == UNSURE
    body["metadata"]["finalizers"] = ["a/b"]
    assert judge(body, live) == DIFFERENT
    assert judge(body, live, builtin=True) == UNSURE
    body["metadata"]["finalizers"] = ["a/b", "c/d", "a/b"]
    assert judge(body, live) == DIFFERENT


@pytest.mark.parametrize(
    ("want", "have", "same"),
    [
        (0.5, "500m", True),
        ("1000m", "1", True),
        ("1.5Gi", "1536Mi", True),
        (1, "1", True),
        ("1Gi", "1073741824", False),
        ("1G", "1Gi", False),
        ("200m", "201m", False),
        ("x", "x", True),
        ("1e3", "1k", False),
        (True, "1", False),
        ("1.2.3", "1", False),
    ],
)
def test_quantities(want: Any, have: str, same: bool) -> None:
    assert same_stored(want, have) is same


def test_quantities_count_in_the_servers_own_kinds_only() -> None:
    body = virtual_service(resources={"requests": {"cpu": 0.5}})
    live = stored(body)
    live["spec"]["resources"]["requests"]["cpu"] = "500m"
    assert judge(body, live, builtin=True) == SAME
    assert judge(body, live, builtin=False) == DIFFERENT


def test_text_that_looks_like_a_quantity_is_text_anywhere_else() -> None:
    body = virtual_service(env=[{"name": "LIMIT", "value": "0.5"}])
    parts = {".": {}, "f:name": {}, "f:value": {}}
    record = {"f:spec": {"f:hosts": {}, "f:env": {'k:{"name":"LIMIT"}': parts}}}
    live = stored(body, record)
    assert judge(body, live, builtin=True) == SAME
    live["spec"]["env"][0]["value"] = "500m"
    assert judge(body, live, builtin=True) == UNSURE
    top = {**virtual_service(), "type": "0.5"}
    assert judge(top, stored(top, type="500m"), builtin=True) == UNSURE


def test_a_field_reference_gets_a_version() -> None:
    body = virtual_service(valueFrom={"fieldRef": {"fieldPath": "metadata.name"}})
    record = {"f:spec": {"f:hosts": {}, "f:valueFrom": {"f:fieldRef": {}}}}
    live = stored(body, record)
    live["spec"]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    assert judge(body, live, builtin=True) == SAME
    assert judge(body, live, builtin=False) == UNSURE
    live["spec"]["valueFrom"]["fieldRef"]["fieldPath"] = "metadata.uid"
    assert judge(body, live, builtin=True) == UNSURE
    live["spec"]["valueFrom"]["fieldRef"] = "metadata.uid"
    assert judge(body, live, builtin=True) == UNSURE
    plain = virtual_service(fieldRef="a")
    live = stored(plain)
    live["spec"]["fieldRef"] = "b"
    assert judge(plain, live) == DIFFERENT


def test_same_content_ignores_revisions_and_times_but_not_owners() -> None:
    one, other = stored(virtual_service()), stored(virtual_service())
    other["metadata"].update(resourceVersion="9", generation=2)
    other["metadata"]["managedFields"][0]["time"] = "later"
    assert same_content(one, other)
    other["metadata"]["managedFields"][0]["manager"] = "kubectl"
    assert not same_content(one, other)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("metadata", "labels"), {"team": "a"}),
        (("metadata", "deletionTimestamp"), "now"),
        (("metadata", "uid"), "another"),
        (("spec", "hosts"), ["other"]),
        (("data",), {"a": "1"}),
        (("kind",), "Gateway"),
    ],
)
def test_whatever_is_content_makes_two_states_differ(path: tuple[str, ...], value: Any) -> None:
    usual, changed = stored(virtual_service()), stored(virtual_service())
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not same_content(usual, changed)
    assert not same_content(changed, usual)


def test_what_only_others_say_of_an_object_is_no_content() -> None:
    one, other = stored(virtual_service()), stored(virtual_service())
    other["status"] = {"observedGeneration": 1}
    other["metadata"].update(labels={}, annotations=None)
    other["metadata"]["managedFields"] += managed(virtual_service(gateways=["mesh"]), "kubectl", "Update")
    assert same_content(one, other)


def test_owning_a_label_needs_a_record_that_names_it() -> None:
    body = virtual_service()
    live = stored(body)
    assert not owns_label(live, "meshops.asm/set")
    for record in (None, {}, {"f:metadata": {}}, {"f:metadata": {"f:labels": {"f:other": {}}}}):
        live["metadata"]["managedFields"][0]["fieldsV1"] = record
        assert not owns_label(live, "meshops.asm/set")
    ours = {"manager": "meshops.asm", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:a": {}}}}}
    live["metadata"]["managedFields"] = [*managed(body, "kubectl"), ours]
    assert owns_label(live, "a")
    del live["metadata"]["managedFields"]
    assert not owns_label(live, "a")


def test_owning_a_label() -> None:
    body = virtual_service()
    body["metadata"]["labels"] = {"meshops.asm/set": "shop"}
    live = stored(body)
    assert owns_label(live, "meshops.asm/set")
    live["metadata"]["managedFields"][0]["manager"] = "kubectl"
    assert not owns_label(live, "meshops.asm/set")

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a namespace's sidecar settings held against the models of the official SDK, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Attribute, put, refuse_wrong
from ansible_collections.meshops.asm.plugins.module_utils.mesh import sidecar
from ansible_collections.meshops.asm.plugins.module_utils.mesh.sidecar_attributes import SIDECAR_ATTRIBUTES
from ansible_collections.meshops.asm.tests.unit.left_out import PARAMETERS

from .test_attributes import fields, sub_model

REQUEST = models.UpdateNamespaceScopeSidecarConfigRequest
SHOWN = models.DescribeNamespaceScopeSidecarConfigResponseBodyConfigPatches
KINDS = {"bool": "bool", "int": "int", "float": "float"}
HOOKS = {"preStop": {"exec": {"command": ["sleep", "15"]}}}
TAGS = {"team": {"literal": {"value": "shop"}}}

each_row = pytest.mark.parametrize("row", SIDECAR_ATTRIBUTES, ids=lambda row: row.option)


def row_of(option: str) -> Attribute:
    return next(row for row in SIDECAR_ATTRIBUTES if row.option == option)


def parameter(row: Attribute) -> str:
    return str(row.change).partition(".")[2]


@each_row
def test_every_parameter_is_one_of_the_api_and_of_its_type(row: Attribute) -> None:
    name, _dot, member = parameter(row).partition(".")
    known = fields(REQUEST)
    assert name in known
    if not member:
        assert KINDS.get(row.type, "str") in known[name]
    elif name == "ScaledSidecarResource":
        assert (
            KINDS.get(row.type, "str")
            in fields(models.UpdateNamespaceScopeSidecarConfigRequestScaledSidecarResource)[member]
        )
    else:
        assert "str" in known[name]


@each_row
def test_every_place_in_the_reply_exists_and_has_the_type(row: Attribute) -> None:
    *groups, leaf = str(row.read).split(".")
    model: Any = SHOWN
    for group in groups:
        model = sub_model(model, group)
        assert model, row.read
    kind = {"json": "Dict", "list": "List[str]", **KINDS}.get(row.type, "str")
    kind = "Dict[str, str]" if row.decode else "str" if row.option == "lifecycle" else kind
    assert kind in fields(model)[leaf]


def test_every_parameter_of_the_api_is_an_option_or_left_out_for_a_reason() -> None:
    ours = {parameter(row).partition(".")[0] for row in SIDECAR_ATTRIBUTES}
    assert set(fields(REQUEST)) - ours == set(PARAMETERS["UpdateNamespaceScopeSidecarConfig"])


def test_every_member_of_the_reply_is_read() -> None:
    ours = {str(row.read).partition(".")[0] for row in SIDECAR_ATTRIBUTES}
    assert set(fields(SHOWN)) == ours


def test_what_is_not_shown_is_not_set() -> None:
    assert sidecar.settings({}) == {}
    assert sidecar.settings({"Concurrency": None, "LogLevel": "", "ProxyMetadata": {}, "Tracing": None}) == {}
    assert sidecar.settings({"ProxyStatsMatcher": {"InclusionPrefixes": []}, "LifecycleStr": "null"}) == {}
    assert sidecar.settings({"SidecarProxyAckSloResource": {"Limits": {"kubernetes.io/batch-cpu": ""}}}) == {}


def test_zero_and_false_are_settings_unless_nothing_is_written_like_that() -> None:
    shown = {"Concurrency": 0, "HoldApplicationUntilProxyStarts": "false"}
    assert sidecar.settings(shown) == {"concurrency": 0, "hold_application_until_proxy_starts": False}
    for zero in (0, "0", 0.0):
        assert sidecar.settings({**shown, "ReadinessPeriodSeconds": zero, "LogLevel": "info"}) == {"log_level": "info"}
    assert len(sidecar.settings({**shown, "ReadinessPeriodSeconds": None})) == 2
    assert len(sidecar.settings({**shown, "ReadinessPeriodSeconds": ""})) == 2


def test_a_reply_is_read_in_other_spellings() -> None:
    shown = {
        "Concurrency": "2",
        "LifecycleStr": json.dumps(HOOKS),
        "ProxyStatsMatcher": '{"InclusionPrefixes": "[\\"server\\"]"}',
        "Tracing": {"Sampling": "99.8", "CustomTags": json.dumps(TAGS)},
        "SidecarProxyAckSloResource": '{"Limits": {"kubernetes.io/batch-cpu": 2000}}',
        "IncludeOutboundIPRanges": "10.0.0.0/8, 10.1.0.0/16",
    }
    assert sidecar.settings(shown) == {
        "concurrency": 2,
        "lifecycle": HOOKS,
        "include_ip_ranges": ["10.0.0.0/8", "10.1.0.0/16"],
        "batch_resources.limits.cpu": "2000",
        "stats_matcher.inclusion_prefixes": ["server"],
        "tracing.sampling": 99.8,
        "tracing.custom_tags": TAGS,
    }


def test_a_value_of_another_kind_is_an_error() -> None:
    with pytest.raises(AsmError, match="Concurrency"):
        sidecar.settings({"Concurrency": "many"})


def test_the_target_keeps_what_is_not_given_unless_it_is_purged() -> None:
    there = {"concurrency": 2, "resources.limits.cpu": "2000 m"}
    given = {"resources.limits.cpu": "2", "log_level": "info"}
    assert sidecar.target(there, given, purge=False) == {**there, "log_level": "info"}
    assert sidecar.target(there, given, purge=True) == {"log_level": "info", "resources.limits.cpu": "2000 m"}
    assert sidecar.target({"exclude_ip_ranges": ["*"]}, {"exclude_ip_ranges": []}, purge=False) == {}
    assert sidecar.target({}, {"concurrency": 0, "privileged": False}, purge=True) == {
        "concurrency": 0,
        "privileged": False,
    }


def test_settings_differ_by_what_they_mean() -> None:
    there = {"termination_drain_duration": "90s", "exclude_inbound_ports": ["80", "81"], "lifecycle": HOOKS}
    same = {"termination_drain_duration": "1m30s", "exclude_inbound_ports": ["81", "80"], "lifecycle": HOOKS}
    assert not sidecar.different(there, same)
    assert sidecar.different(there, {**same, "termination_drain_duration": "91s"})
    assert sidecar.different(there, {**same, "concurrency": 1})
    assert sidecar.different({**there, "concurrency": 1}, same)


def test_everything_survives_the_sdk_model() -> None:
    params: dict[str, Any] = {}
    samples = {
        "int": 7,
        "bool": True,
        "float": 2.5,
        "str": "5s",
        "quantity": "500m",
        "csv": ["80", "81"],
        "list": ["a"],
    }
    for row in SIDECAR_ATTRIBUTES:
        put(params, row.option, row.choices[0] if row.choices else samples.get(row.type, {"a": 1}))
    put(params, "lifecycle", HOOKS)
    put(params, "tracing.custom_tags", TAGS)
    sent = sidecar.parameters(sidecar.target({}, sidecar.wanted(params), purge=False))
    assert set(fields(REQUEST)) - {"ServiceMeshId", "Namespace", "PostStart", "PreStop"} == set(sent)
    assert REQUEST().from_map(sent).to_map() == sent
    assert sent["ProxyMetadata"] == '{"a": "1"}'
    assert sent["ExcludeInboundPorts"] == "80,81"
    assert json.loads(sent["Lifecycle"]) == HOOKS
    assert json.loads(sent["Tracing"]) == {"custom_tags": TAGS, "max_path_tag_length": 7, "sampling": 2.5}
    assert json.loads(sent["ProxyStatsMatcher"])["inclusionRegexps"] == ["a"]
    assert sent["ScaledSidecarResource"]["ResourcePercentage"] == 7


def test_what_is_cleared_is_sent_empty_as_far_as_it_can_be() -> None:
    cleared = ("concurrency", "log_level", "lifecycle", "exclude_ip_ranges", "tracing.sampling", "privileged")
    assert sidecar.parameters({}, cleared) == {
        "LogLevel": "",
        "Lifecycle": "{}",
        "ExcludeIPRanges": "",
        "Tracing": "{}",
    }
    sent = sidecar.parameters({"tracing.max_path_tag_length": 9}, ("tracing.sampling",))
    assert sent == {"Tracing": '{"max_path_tag_length": 9}'}


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("concurrency", -1, "negative"),
        ("readiness.period_seconds", 0, "less than 1"),
        ("include_ip_ranges", ["10.0.0.0/33"], "10.0.0.0/33"),
        ("exclude_inbound_ports", ["80", "65536"], "65536"),
        ("exclude_outbound_ports", ["http"], "http"),
        ("resources.limits.cpu", "much", "much"),
        ("batch_resources.requests.memory", "-1Gi", "-1Gi"),
        ("termination_drain_duration", "a while", "a while"),
        ("lifecycle", {"preStart": {}}, "preStart"),
        ("lifecycle", {"preStop": {"exec": {}, "httpGet": {}}}, "exactly one"),
        ("lifecycle", {"preStop": {"exec": "sleep"}}, "no mapping"),
        ("proxy_metadata", {"A": {"B": "C"}}, "A has no plain value"),
        ("tracing.sampling", 101.0, "101"),
        ("tracing.custom_tags", {"team": "shop"}, "team needs exactly one"),
    ],
)
def test_a_value_that_cannot_be_is_named(option: str, value: Any, words: str) -> None:
    params: dict[str, Any] = {}
    put(params, option, value)
    with pytest.raises(InvalidInput) as caught:
        refuse_wrong(SIDECAR_ATTRIBUTES, params)
    assert words in caught.value.message and option in caught.value.message
    assert caught.value.message.endswith("Nothing was changed.")


def test_all_wrong_values_are_in_one_message_and_empty_ones_are_fine() -> None:
    params = {"concurrency": -1, "log_level": "", "include_ip_ranges": ["x"], "exclude_ip_ranges": [], "lifecycle": {}}
    with pytest.raises(InvalidInput) as caught:
        refuse_wrong(SIDECAR_ATTRIBUTES, params)
    assert "concurrency:" in caught.value.message and "include_ip_ranges:" in caught.value.message
    assert "exclude_ip_ranges" not in caught.value.message
    refuse_wrong(
        SIDECAR_ATTRIBUTES, {"exclude_inbound_ports": ["*"], "include_ip_ranges": ["*", "::/0"], "concurrency": 0}
    )

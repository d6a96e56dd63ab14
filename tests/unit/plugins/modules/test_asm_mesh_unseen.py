# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that the service never shows: sent when the mesh is made, and afterwards only when a task says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, LostReply
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.modules.asm_mesh import Mesh

from .conftest import FakeAsm

BASE = {"name": "shop", "region": "cn-hangzhou", "vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"]}
HIDDEN = {
    "proxy": {"concurrency": 2, "log_level": "info", "interception_mode": "TPROXY"},
    "include_inbound_ports": [80, 81],
    "kiali": {"arms_auth_tokens": {"k1": "s3cret"}},
    "component_scheduling": {"nodeSelector": {"pool": "mesh"}},
}
SENT = {
    "Concurrency": 2,
    "LogLevel": "info",
    "InterceptionMode": "TPROXY",
    "IncludeInboundPorts": "80,81",
    "KialiArmsAuthTokens": '{"k1": "s3cret"}',
    "DefaultComponentsScheduleConfig": '{"nodeSelector": {"pool": "mesh"}}',
}


@pytest.fixture
def run(asm: FakeAsm, task: Callable[..., dict[str, Any]], no_waiting: Any) -> Callable[..., Outcome]:
    def module(check: bool = False, **options: Any) -> Outcome:
        return reconcile(Mesh(task(Mesh, **{**BASE, **options}), asm), check=check)  # type: ignore[arg-type]

    return module


def test_they_are_sent_when_the_mesh_is_made_and_not_again(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    made = run(**HIDDEN)
    assert made.changed
    assert asm.sent("UpdateMeshFeature") == [{"ServiceMeshId": "c1", **SENT}]
    assert "s3cret" not in json.dumps([made.plan.before, made.plan.after, made.value])
    assert made.plan.after["proxy"] == HIDDEN["proxy"]
    writes = asm.writes
    again = run(**HIDDEN)
    assert (again.changed, asm.writes) == (False, writes)
    assert run(proxy={"log_level": "debug"}).changed is False


def test_what_a_task_names_is_sent_each_time(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    run()
    asm.calls.clear()
    options = {**HIDDEN, "resend": ["proxy", "kiali.arms_auth_tokens"]}
    predicted = run(check=True, **options)
    assert asm.written() == []
    done = run(**options)
    names = ["proxy.concurrency", "proxy.log_level", "proxy.interception_mode", "kiali.arms_auth_tokens"]
    assert predicted.plan.after["resent"] == done.plan.after["resent"] == names
    assert done.plan.before["resent"] == []
    assert "s3cret" not in json.dumps([done.plan.before, done.plan.after, done.value])
    (sent,) = asm.sent("UpdateMeshFeature")
    assert {*sent} == {"ServiceMeshId", "Concurrency", "LogLevel", "InterceptionMode", "KialiArmsAuthTokens"}
    assert run(**options).changed is True


def test_it_goes_along_with_other_changes(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    run()
    asm.calls.clear()
    run(telemetry=True, proxy={"log_level": "debug"}, resend=["proxy.log_level"])
    assert asm.sent("UpdateMeshFeature") == [{"ServiceMeshId": "c1", "Telemetry": True, "LogLevel": "debug"}]


def test_an_authority_is_renewed_without_its_type_and_root_key(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    authority = {"type": "2", "cert": "a", "key": "s3cret", "root_cert": "c", "root_key": "d", "cert_chain": "e"}
    run(ca=authority)
    asm.calls.clear()
    done = run(ca=authority, resend=["ca"])
    (sent,) = asm.sent("UpdateMeshFeature")
    assert {*sent} == {"ServiceMeshId", "ExistingCaCert", "ExistingCaKey", "ExistingRootCaCert", "CertChain"}
    assert "s3cret" not in json.dumps([done.plan.before, done.plan.after, done.value])


@pytest.mark.parametrize(
    ("resend", "words"),
    [
        (["telemetry"], "'telemetry' is no option that the service never shows. These are ca.cert, "),
        (["proxy.log"], "'proxy.log' is no option"),
        (["opa.injector"], "opa.injector is not set"),
    ],
)
def test_a_name_that_means_nothing_is_refused(
    run: Callable[..., Outcome], asm: FakeAsm, resend: list[str], words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(resend=resend, **HIDDEN)
    assert words in caught.value.message
    assert asm.calls == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"discovery_selectors": [{"labels": {}}]}, "discovery_selectors: item 1 is no label selector"),
        ({"proxy": {"lifecycle": {"start": {}}}}, "proxy.lifecycle: start is none of postStart, preStop"),
        ({"proxy": {"termination_drain_duration": "x"}}, "proxy.termination_drain_duration: 'x' is no duration"),
        ({"proxy": {"stats_matcher": {"prefixes": []}}}, "proxy.stats_matcher: prefixes is none of"),
        ({"proxy": {"stats_matcher": {"inclusionPrefixes": "a"}}}, "inclusionPrefixes is no list"),
        ({"proxy": {"init": {"limits": {"cpu": "x"}}}}, "proxy.init.limits.cpu: 'x'"),
        ({"include_outbound_ports": ["x"]}, "include_outbound_ports: 'x' is no port"),
        ({"pilot": {"trace_custom_tags": {"a": {}}}}, "pilot.trace_custom_tags: a needs exactly one"),
        ({"pilot": {"trace_max_path_tag_length": "0"}}, "pilot.trace_max_path_tag_length: '0'"),
        ({"trace_exporter": {"replicas": "some"}}, "trace_exporter.replicas: 'some'"),
        ({"component_scheduling": {"affinity": {}}}, "component_scheduling: affinity is none of"),
        ({"component_scheduling": {"tolerations": {}}}, "tolerations is no list"),
        ({"component_scheduling": {"nodeSelector": []}}, "nodeSelector is no mapping"),
        ({"kiali": {"service_annotations": {"k1": "x"}}}, "kiali.service_annotations: k1 has no mapping"),
    ],
)
def test_values_that_cannot_be_are_refused(
    run: Callable[..., Outcome], asm: FakeAsm, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(**options)
    assert words in caught.value.message
    assert asm.calls == []


def test_discovery_selectors_are_compared_by_what_they_select(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    one, two = {"matchLabels": {"mesh": "shop"}}, {"matchExpressions": [{"key": "team", "operator": "Exists"}]}
    assert run(discovery_selectors=[one, two]).value["discovery_selectors"] == [one, two]
    assert run(discovery_selectors=[two, one]).changed is False
    assert run(discovery_selectors=[]).value["discovery_selectors"] == []
    assert json.loads(asm.sent("UpdateMeshFeature")[-1]["DiscoverySelectors"]) == []


MARK = {"Key": "meshops-asm-unfinished", "Value": "true"}
DENIED = AsmError("No.", code="Forbidden.RAM", http_status=403)
LOST = LostReply("Nothing came back.")


def interrupted(run: Callable[..., Outcome], asm: FakeAsm, **options: Any) -> None:
    asm.faults["UpdateMeshFeature"] = [(DENIED, False)]
    with pytest.raises(AsmError, match="No"):
        run(**HIDDEN, **options)


def test_a_creation_that_is_interrupted_is_finished_by_the_next_run(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    interrupted(run, asm, tags={"team": "shop"})
    assert asm.meshes["c1"]["Tag"] == [{"Key": "team", "Value": "shop"}, MARK]
    asm.calls.clear()
    predicted = run(check=True, **HIDDEN)
    assert asm.written() == []
    done = run(**HIDDEN)
    assert asm.sent("UpdateMeshFeature") == [{"ServiceMeshId": "c1", **SENT}]
    assert (predicted.plan.before, predicted.plan.after) == (done.plan.before, done.plan.after)
    assert (done.plan.before["unfinished"], done.plan.after["unfinished"]) == (True, False)
    assert asm.meshes["c1"]["Tag"] == [{"Key": "team", "Value": "shop"}]
    assert run(**HIDDEN).changed is False


def test_the_mark_is_nobodys_tag(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    """Tasks that do not set the settings leave it, whatever they do with tags, and say so."""
    interrupted(run, asm)
    seen = run(tags={})
    assert (seen.changed, seen.value["tags"]) == (False, {})
    assert "interrupted" in seen.plan.warnings[0]
    assert run(tags={"a": "b"}).plan.after["tags"] == {"a": "b"}
    assert MARK in asm.meshes["c1"]["Tag"]


def test_the_mark_is_gone_from_a_mesh_that_was_made_whole(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    run(**HIDDEN)
    assert asm.sent("CreateServiceMesh")[0]["Tag"] == [MARK]
    assert asm.meshes["c1"]["Tag"] == []
    assert asm.written() == ["CreateServiceMesh", "UpdateMeshFeature", "UntagResources"]


def test_without_such_settings_there_is_no_mark(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    run(outbound_traffic_policy="REGISTRY_ONLY")
    assert "Tag" not in asm.sent("CreateServiceMesh")[0]
    assert "UntagResources" not in asm.written()


def test_a_lost_reply_to_the_creation_loses_none_of_them(run: Callable[..., Outcome], asm: FakeAsm) -> None:
    asm.faults["CreateServiceMesh"] = [(LOST, True)]
    run(**HIDDEN)
    assert asm.sent("UpdateMeshFeature") == [{"ServiceMeshId": "c1", **SENT}]
    assert asm.meshes["c1"]["Tag"] == []

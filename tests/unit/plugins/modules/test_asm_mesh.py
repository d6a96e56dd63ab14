# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh module against an ASM in memory: what is sent, what is predicted, what is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    Ambiguous,
    AsmError,
    Immutable,
    InvalidInput,
    LostReply,
    NotFound,
    Refused,
    WaitFailed,
    WaitTimeout,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import converge
from ansible_collections.meshops.asm.plugins.modules.asm_mesh import Mesh

from .conftest import OFFERED, FakeAsm, FakeGateways

BASICS: dict[str, Any] = {
    "name": "shop",
    "region": "cn-hangzhou",
    "vpc_id": "vpc-1",
    "vswitch_ids": ["vsw-1"],
}
# At least one option of every kind, and of every action that changes a mesh.
RICH: dict[str, Any] = {
    **BASICS,
    "cluster_spec": "enterprise",
    "access_log": {"enabled": True, "project": "logs", "gateway_enabled": True, "gateway_lifecycle": 30},
    "control_plane_log": {"enabled": True, "project": "cp", "ttl_days": 7},
    "proxy": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}},
    "pilot": {"trace_sampling": 1.5, "http10_enabled": True},
    "sidecar_injector": {"cni": {"enabled": True, "exclude_namespaces": ["kube-system", "istio-system"]}},
    "locality_lb": {"enabled": True, "config": {"failover": [{"from": "cn-beijing", "to": "cn-hangzhou"}]}},
    "outbound_traffic_policy": "REGISTRY_ONLY",
    "include_ip_ranges": ["10.0.0.0/8", "172.16.0.0/12"],
    "cr_aggregation_enabled": True,
    "tags": {"team": "shop"},
}
SILENCE = LostReply("CreateServiceMesh got no usable answer.", code="ReplyLost")
ANSWERED = LostReply("CreateServiceMesh was refused with ERR500.", answered=True, http_status=500)

Run = Callable[..., Outcome]


@pytest.fixture
def run(asm: FakeAsm, plane: FakeGateways, task: Callable[..., dict[str, Any]], no_waiting: Any) -> Run:
    """Runs the module with options; ``run.resource`` is not kept, each run starts from nothing as a task does."""

    def call(check: bool = False, wait: bool = True, timeout: float = 1200, **options: Any) -> Outcome:
        resource = Mesh(task(Mesh, **options), asm)  # type: ignore[arg-type]
        return converge(resource, check=check, wait=wait, timeout=timeout)

    return call


@pytest.fixture
def shop(run: Run, asm: FakeAsm) -> str:
    """A mesh that is there and running; returns its id."""
    identifier = str(run(**BASICS).value["id"])
    asm.calls.clear()
    asm.writes = 0
    return identifier


# Creating


def test_a_new_mesh_is_created_with_what_is_set_and_waited_for(run: Run, asm: FakeAsm) -> None:
    outcome = run(**BASICS, tags={"team": "shop"}, tracing=True)
    assert outcome.changed is True
    assert (outcome.value["name"], outcome.value["state"], outcome.value["tags"]) == (
        "shop",
        "running",
        {"team": "shop"},
    )
    assert asm.written() == ["CreateServiceMesh"]
    assert asm.sent("CreateServiceMesh") == [
        {
            "RegionId": "cn-hangzhou",
            "Name": "shop",
            "VpcId": "vpc-1",
            "VSwitches": '["vsw-1"]',
            "Tracing": True,
            "Tag": [{"Key": "team", "Value": "shop"}],
        }
    ]


def test_what_creation_does_not_know_is_set_once_the_mesh_runs(run: Run, asm: FakeAsm) -> None:
    outcome = run(**BASICS, outbound_traffic_policy="REGISTRY_ONLY", telemetry=True)
    assert asm.written() == ["CreateServiceMesh", "UpdateMeshFeature"]
    assert asm.sent("UpdateMeshFeature") == [{"ServiceMeshId": "c1", "OutboundTrafficPolicy": "REGISTRY_ONLY"}]
    assert outcome.value["outbound_traffic_policy"] == "REGISTRY_ONLY"
    assert outcome.value["state"] == "running"


def test_a_rich_mesh_becomes_what_was_asked_for_and_stays_so(run: Run, asm: FakeAsm) -> None:
    first = run(**RICH)
    writes = asm.written()
    again = run(**RICH)
    assert again.changed is False
    assert asm.written() == writes
    assert again.plan.before == again.plan.after
    assert again.value == first.value
    assert first.value["control_plane_log"] == {"enabled": True, "project": "cp", "ttl_days": 7}
    assert first.value["locality_lb"]["config"] == RICH["locality_lb"]["config"]


def test_check_mode_predicts_a_rich_mesh_and_writes_nothing(run: Run, asm: FakeAsm) -> None:
    predicted = run(check=True, **RICH)
    assert (predicted.changed, asm.written(), asm.meshes) == (True, [], {})
    real = run(**RICH)

    def within(part: Any, whole: Any) -> bool:
        if isinstance(part, dict):
            return all(within(value, whole.get(key)) for key, value in part.items())
        return bool(part == whole or (isinstance(part, list) and sorted(part) == sorted(whole)))

    assert within(predicted.value, real.value)
    assert (predicted.plan.before, predicted.plan.after) == (real.plan.before, real.plan.after)


def test_an_own_authority_is_sent_and_never_shown(run: Run, asm: FakeAsm) -> None:
    ca = {"type": "1", "cert": "Q0VSVA==", "key": "cHJpdmF0ZQ=="}
    for check in (True, False):
        outcome = run(check=check, **BASICS, ca=ca)
        assert "cHJpdmF0ZQ==" not in json.dumps([outcome.value, outcome.plan.before, outcome.plan.after])
    sent = asm.sent("CreateServiceMesh")[0]
    assert (sent["UseExistingCA"], sent["ExistingCaType"], sent["ExistingCaKey"]) == (True, "1", "cHJpdmF0ZQ==")


def test_without_an_own_authority_none_is_mentioned(run: Run, asm: FakeAsm) -> None:
    run(**BASICS)
    assert "UseExistingCA" not in asm.sent("CreateServiceMesh")[0]


@pytest.mark.parametrize("missing", ["region", "vpc_id", "vswitch_ids"])
def test_what_a_new_mesh_needs_is_named(run: Run, asm: FakeAsm, missing: str) -> None:
    options = {key: value for key, value in BASICS.items() if key != missing}
    asm.region = options.get("region")
    for check in (True, False):
        with pytest.raises(InvalidInput, match=f"'shop' does not exist, and creating it needs {missing}"):
            run(check=check, **options)
    assert asm.written() == []


def test_a_version_that_is_not_offered_is_refused_with_the_offer(run: Run, asm: FakeAsm) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(**BASICS, version="v1.0")
    assert "v1.0 is not offered" in caught.value.message
    assert all(version in caught.value.message for version in OFFERED)
    assert asm.written() == []


def test_an_offered_version_is_created(run: Run, asm: FakeAsm) -> None:
    run(**BASICS, version=OFFERED[1])
    assert asm.sent("CreateServiceMesh")[0]["IstioVersion"] == OFFERED[1]


def test_a_creation_that_fails_later_shows_what_the_service_says(run: Run, asm: FakeAsm) -> None:
    real = asm.CreateServiceMesh

    def failing(**parameters: Any) -> Any:
        reply = real(**parameters)
        asm.meshes["c1"]["ServiceMeshInfo"].update(State="create_timeout", ErrorMessage="No address is left")
        return reply

    asm.answers["CreateServiceMesh"] = failing
    with pytest.raises(WaitFailed, match=r"create_timeout: No address is left\.") as caught:
        run(**BASICS)
    assert (caught.value.changed, caught.value.details) == (True, {"last_state": "create_timeout"})


def test_without_wait_a_plain_mesh_is_returned_as_it_is(run: Run) -> None:
    assert run(wait=False, **BASICS).value["state"] == "initial"


# Lost replies


@pytest.mark.parametrize(("fault", "calls"), [((SILENCE, True), 1), ((ANSWERED, True), 1), ((ANSWERED, False), 2)])
def test_never_two_meshes_from_one_task(run: Run, asm: FakeAsm, fault: Any, calls: int) -> None:
    asm.faults["CreateServiceMesh"] = [fault]
    outcome = run(**RICH)
    assert len(asm.meshes) == 1
    assert len(asm.sent("CreateServiceMesh")) == calls
    assert outcome.value["state"] == "running"
    # What creation does not know is set even though its reply was lost.
    assert outcome.value["outbound_traffic_policy"] == "REGISTRY_ONLY"
    assert run(**RICH).changed is False


def test_a_create_in_silence_is_left_to_the_next_run(run: Run, asm: FakeAsm) -> None:
    asm.faults["CreateServiceMesh"] = [(SILENCE, False)]
    with pytest.raises(LostReply):
        run(**BASICS)
    assert len(asm.sent("CreateServiceMesh")) == 1
    assert run(**BASICS).changed is True
    assert len(asm.meshes) == 1


@pytest.mark.parametrize("happened", [True, False])
def test_a_lost_change_is_looked_up_before_it_is_repeated(run: Run, asm: FakeAsm, shop: str, happened: bool) -> None:
    asm.faults["UpdateMeshFeature"] = [(LostReply("Lost."), happened)]
    assert run(**BASICS, tracing=True).value["tracing"] is True
    assert len(asm.sent("UpdateMeshFeature")) == (1 if happened else 2)


# Changing


def test_only_what_differs_is_sent(run: Run, asm: FakeAsm) -> None:
    run(**RICH)
    asm.calls.clear()
    changed = copy.deepcopy(RICH)
    changed["proxy"]["limits"]["memory"] = "2Gi"
    changed["access_log"]["gateway_lifecycle"] = 60
    outcome = run(**changed)
    assert asm.written() == ["UpdateMeshFeature"]
    assert asm.sent("UpdateMeshFeature") == [
        {"ServiceMeshId": "c1", "ProxyLimitMemory": "2Gi", "AccessLogGatewayLifecycle": 60}
    ]
    assert outcome.value["proxy"]["limits"]["memory"] == "2Gi"


def test_what_the_service_changes_by_itself_is_nothing_to_whom_it_does_not_matter(run: Run, asm: FakeAsm) -> None:
    """From ASM 1.22.89 on the service has been seen to switch the own Zipkin on or off by itself."""
    identifier = str(run(**RICH).value["id"])
    for flipped in (True, False):
        asm.meshes[identifier]["Spec"]["MeshConfig"]["CustomizedZipkin"] = flipped
        asm.calls.clear()
        outcome = run(**RICH)
        assert (outcome.changed, asm.written()) == (False, [])


def test_a_mesh_that_an_operator_keeps_is_told_of_when_it_is_changed(run: Run, asm: FakeAsm) -> None:
    kept = {**BASICS, "name": "mesh-for-c0b5c7a1e00000000000000000000000a"}
    assert run(**kept).plan.warnings == ()
    assert run(**kept).plan.warnings == ()
    for options, words in (({"telemetry": True}, "change back"), ({"state": "absent"}, "make it again")):
        for check in (True, False):
            (warning,) = run(**{**kept, **options}, check=check).plan.warnings
            assert "servicemesh-operator in cluster c0b5c7a1e00000000000000000000000a" in warning
            assert words in warning


def test_several_changes_wait_for_the_mesh_in_between(run: Run, asm: FakeAsm, shop: str) -> None:
    """The service here refuses a change while the one before is under way."""
    outcome = run(**RICH)
    assert outcome.value["state"] == "running"
    assert asm.written() == [
        "UpdateMeshFeature",
        "UpdateControlPlaneLogConfig",
        "UpdateMeshCRAggregation",
        "TagResources",
    ]
    assert run(**RICH).changed is False


def test_a_mesh_that_is_still_being_made_is_waited_for_before_it_is_changed(run: Run, asm: FakeAsm) -> None:
    run(wait=False, **BASICS)
    assert run(**BASICS, tracing=True).value["tracing"] is True


@pytest.mark.parametrize(
    ("before", "after", "enabled"),
    [({"enabled": True}, {"ttl_days": 7}, True), ({}, {"enabled": False, "ttl_days": 7}, False)],
)
def test_the_switch_of_the_control_plane_log_goes_along(
    run: Run, asm: FakeAsm, before: dict[str, Any], after: dict[str, Any], enabled: bool
) -> None:
    run(**BASICS, control_plane_log=before)
    run(**BASICS, control_plane_log=after)
    assert asm.sent("UpdateControlPlaneLogConfig") == [{"ServiceMeshId": "c1", "LogTTLInDay": 7, "Enabled": enabled}]


def test_the_diff_of_a_change_holds_that_change_and_nothing_else(run: Run, shop: str) -> None:
    # Options that are used at creation only are no part of a later change.
    later = {"tracing": True, "charge_type": "PrePay", "period": 1, "api_server_load_balancer_spec": "slb.s1.small"}
    for check in (True, False):
        plan = run(check=check, **BASICS, **later).plan
        differing = {key for key in {**plan.before, **plan.after} if plan.before.get(key) != plan.after.get(key)}
        assert differing == {"tracing"}


def test_check_mode_predicts_the_changed_mesh(run: Run, asm: FakeAsm, shop: str) -> None:
    predicted = run(check=True, **RICH)
    assert asm.written() == []
    real = run(**RICH)
    assert predicted.changed is real.changed is True
    assert sorted(predicted.value.pop("include_ip_ranges")) == sorted(real.value.pop("include_ip_ranges"))
    for volatile in ("state",):
        predicted.value.pop(volatile), real.value.pop(volatile)
    assert predicted.value == real.value


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("vpc_id", "vpc-2", ['"vpc-1"', '"vpc-2"']),
        ("vswitch_ids", ["vsw-2"], ['["vsw-1"]', '["vsw-2"]']),
        ("version", "v1.21.6.103-aliyun", ["v1.22.6.109-aliyun", "upgrade"]),
        ("cluster_domain", "mesh.local", ['"mesh.local"']),
    ],
)
def test_an_immutable_option_is_refused_with_both_values(
    run: Run, asm: FakeAsm, shop: str, option: str, value: Any, words: list[str]
) -> None:
    for check in (True, False):
        with pytest.raises(Immutable, match=f"Mesh 'shop' exists.*{option}") as caught:
            run(check=check, **{**BASICS, "tracing": True, option: value})
        assert all(word in caught.value.message for word in words)
        assert caught.value.changed is False
    assert asm.written() == []


def test_a_mesh_that_is_being_deleted_is_not_changed(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.meshes[shop]["ServiceMeshInfo"]["State"] = "deleting"
    asm._pending[shop] = 99
    with pytest.raises(Refused, match="is being deleted"):
        run(**BASICS)


# Names


def test_a_mesh_is_renamed_once(run: Run, asm: FakeAsm, shop: str) -> None:
    for changed in (True, False):
        outcome = run(**BASICS, new_name="store")
        assert (outcome.changed, outcome.value["name"], outcome.value["id"]) == (changed, "store", shop)
    assert asm.sent("ModifyServiceMeshName") == [{"ServiceMeshId": shop, "Name": "store"}]


def test_a_new_mesh_takes_the_new_name_at_once(run: Run, asm: FakeAsm) -> None:
    assert run(**BASICS, new_name="store").value["name"] == "store"
    assert asm.written() == ["CreateServiceMesh"]


def test_a_mesh_is_found_by_its_id_in_any_region(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.region = "cn-beijing"
    assert run(name=shop, tracing=True).changed is True
    assert len(asm.meshes) == 1


def test_an_ambiguous_name_is_refused(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")
    for state in ("present", "absent"):
        with pytest.raises(Ambiguous, match=r"c1 .*c2 "):
            run(**BASICS, state=state)
    assert asm.written() == []


# Tags


@pytest.mark.parametrize(
    ("purge", "after", "writes"),
    [
        (True, {"team": "store", "env": "dev"}, ["UntagResources", "TagResources"]),
        (False, {"team": "store", "env": "dev", "old": "1"}, ["TagResources"]),
    ],
)
def test_tags_are_set_and_with_purge_removed(
    run: Run, asm: FakeAsm, purge: bool, after: dict[str, str], writes: list[str]
) -> None:
    run(**BASICS, tags={"team": "shop", "old": "1"})
    asm.calls.clear()
    wanted = {"team": "store", "env": "dev"}
    predicted = run(check=True, **BASICS, tags=wanted, purge_tags=purge)
    outcome = run(**BASICS, tags=wanted, purge_tags=purge)
    assert predicted.value["tags"] == outcome.value["tags"] == outcome.plan.after["tags"] == after
    assert asm.written() == writes
    assert run(**BASICS, tags=wanted, purge_tags=purge).changed is False


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ([{"TagKey": "team", "TagValue": "shop"}, {"TagKey": "acs:rm:rgId", "TagValue": "rg-1"}], "rg-1"),
        ([], None),
        (AsmError("No.", code="Forbidden.RAM", http_status=403), None),
    ],
)
def test_the_tags_of_a_mesh_that_the_list_does_not_show_yet(run: Run, asm: FakeAsm, told: Any, shown: Any) -> None:
    """Those that are there, and what was asked for where nobody tells them."""
    rows = [{"ResourceId": "c1", **row} for row in told] if isinstance(told, list) else []
    pages = [{"TagResources": rows[:1], "NextToken": "next"}, {"TagResources": rows[1:], "NextToken": ""}]
    asm.answers["ListTagResources"] = pages if rows else told if isinstance(told, Exception) else {}
    asm.answers["DescribeServiceMeshes"] = {"ServiceMeshes": []}
    outcome = run(**BASICS, tags={"team": "shop"})
    expected = {"team": "shop", "acs:rm:rgId": shown} if shown else {"team": "shop"}
    assert outcome.value["tags"] == expected
    if shown:
        assert [one.get("NextToken") for one in asm.sent("ListTagResources")][:2] == [None, "next"]


def test_an_audit_project_that_somebody_has_deleted_is_made_again(run: Run, asm: FakeAsm) -> None:
    run(**BASICS, audit={"enabled": True, "project": "audit"})
    audit = asm.meshes["c1"]["Spec"]["MeshConfig"]["Audit"]
    audit["AuditProjectStatus"] = "audit_project_not_exist"

    def again(ServiceMeshId: str, EnableAudit: bool) -> Any:
        audit["AuditProjectStatus"] = "audit_project_exist"
        return {"Data": "audit"}

    asm.answers["ReActivateAudit"] = again
    wanted = {"name": "shop", "audit": {"enabled": True}}
    assert run(name="shop", audit={"project": "audit"}).changed is False
    assert run(name="shop").changed is False
    predicted = run(check=True, **wanted)
    assert asm.sent("ReActivateAudit") == []
    outcome = run(**wanted)
    assert (predicted.plan.before, predicted.plan.after) == (outcome.plan.before, outcome.plan.after)
    assert (outcome.plan.before["audit_project"], outcome.plan.after["audit_project"]) == ("missing", "there")
    assert asm.sent("ReActivateAudit") == [{"ServiceMeshId": "c1", "EnableAudit": True}]
    assert run(**wanted).changed is False
    audit["Enabled"], audit["AuditProjectStatus"] = False, "audit_project_not_exist"
    run(**wanted)
    assert len(asm.sent("ReActivateAudit")) == 1


def test_tags_of_the_platform_are_neither_removed_nor_a_difference(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.meshes[shop]["Tag"] = [{"Key": "acs:rm:rgId", "Value": "rg-1"}, {"Key": "aliyun:owner", "Value": "a"}]
    assert run(name="shop", tags={}).changed is False
    outcome = run(name="shop", tags={"team": "shop"})
    assert outcome.plan.after["tags"] == {"acs:rm:rgId": "rg-1", "aliyun:owner": "a", "team": "shop"}
    assert asm.sent("UntagResources") == []
    assert run(name="shop", tags={"team": "shop"}).changed is False


@pytest.mark.parametrize("options", [{}, {"name": "new"}])
@pytest.mark.parametrize("check", [True, False])
def test_tags_of_the_platform_cannot_be_asked_for(
    run: Run, asm: FakeAsm, shop: str, options: dict[str, Any], check: bool
) -> None:
    before = asm.written()
    with pytest.raises(InvalidInput, match="acs:rm:rgId"):
        run(check=check, **{**BASICS, **options}, tags={"acs:rm:rgId": "rg-2"})
    assert asm.written() == before


def test_tags_are_sent_to_the_region_of_the_mesh_even_if_the_task_names_none(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.region = None
    assert run(name="shop", tags={"team": "shop"}).value["tags"] == {"team": "shop"}
    assert asm.sent("TagResources")[0]["RegionId"] == "cn-hangzhou"


# Public addresses


def test_an_eip_is_bound_and_unbound(run: Run, asm: FakeAsm, shop: str) -> None:
    bound = run(**BASICS, api_server_eip_id="eip-1")
    assert (bound.value["api_server_eip_id"], bound.value["api_server_public_eip"]) == ("eip-1", True)
    assert run(**BASICS, api_server_eip_id="eip-1").changed is False
    assert run(**BASICS, api_server_public_eip=False).value["api_server_public_eip"] is False
    assert [call["Operation"] for call in asm.sent("ModifyApiServerEipResource")] == ["BindEip", "UnBindEip"]


def test_a_private_mesh_does_not_become_public_by_the_switch_alone(run: Run, asm: FakeAsm, shop: str) -> None:
    with pytest.raises(InvalidInput, match="api_server_eip_id"):
        run(**BASICS, api_server_public_eip=True)
    assert asm.written() == []


# Removing


def test_an_absent_mesh_stays_absent(run: Run, asm: FakeAsm) -> None:
    outcome = run(name="shop", state="absent")
    assert (outcome.changed, outcome.value, asm.written()) == (False, None, [])


def test_a_mesh_is_deleted_and_waited_for_until_the_list_no_longer_has_it(run: Run, asm: FakeAsm, shop: str) -> None:
    outcome = run(name="shop", state="absent")
    assert (outcome.changed, outcome.value, asm.meshes) == (True, None, {})
    assert asm.written() == ["DeleteServiceMesh"]
    assert run(name="shop", state="absent").changed is False


def test_removal_in_check_mode_changes_nothing(run: Run, asm: FakeAsm, shop: str) -> None:
    outcome = run(check=True, name="shop", state="absent")
    assert (outcome.changed, outcome.value, asm.written()) == (True, None, [])


def attach(asm: FakeAsm, shop: str, *clusters: str) -> None:
    asm.meshes[shop]["Clusters"] = list(clusters)
    asm.meshes[shop]["Members"] = [{"ClusterId": cluster, "Name": cluster, "State": "running"} for cluster in clusters]


def test_clusters_are_detached_one_after_the_other_before_the_mesh_goes(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, shop, "k1", "k2")
    run(name="shop", state="absent")
    assert asm.written() == ["RemoveClusterFromServiceMesh"] * 2 + ["DeleteServiceMesh"]
    assert asm.meshes == {}


def test_a_mesh_with_clusters_is_left_alone_when_told_so(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, shop, "k1", "k2")
    with pytest.raises(Refused, match=r"still has 2 cluster\(s\): k1, k2"):
        run(name="shop", state="absent", detach_clusters=False)
    assert asm.written() == []


def test_a_mesh_without_clusters_is_deleted_either_way(run: Run, asm: FakeAsm, shop: str) -> None:
    assert run(name="shop", state="absent", detach_clusters=False).changed is True
    assert asm.meshes == {}


def test_a_lost_reply_while_detaching_is_resolved(run: Run, asm: FakeAsm, shop: str) -> None:
    attach(asm, shop, "k1", "k2")
    asm.faults["RemoveClusterFromServiceMesh"] = [(LostReply("Lost."), True)]
    run(name="shop", state="absent")
    assert asm.written().count("RemoveClusterFromServiceMesh") == 2
    assert asm.meshes == {}


@pytest.mark.parametrize("code", ["StillInitializing", "RelatedResourceReused"])
def test_a_mesh_that_is_busy_is_deleted_later(run: Run, asm: FakeAsm, shop: str, code: str) -> None:
    asm.faults["DeleteServiceMesh"] = [(AsmError("Busy.", code=code, http_status=400), False)] * 3
    run(name="shop", state="absent")
    assert len(asm.sent("DeleteServiceMesh")) == 4
    assert asm.meshes == {}


def test_a_mesh_that_is_busy_for_ever_is_a_timeout_that_names_the_code(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.faults["DeleteServiceMesh"] = [(AsmError("Busy.", code="StillInitializing", http_status=400), False)] * 9999
    with pytest.raises(WaitTimeout, match="StillInitializing"):
        run(name="shop", state="absent", wait_timeout=60)


def test_a_mesh_that_somebody_else_deleted_meanwhile_is_gone(run: Run, asm: FakeAsm, shop: str) -> None:
    real = asm.DeleteServiceMesh

    def too_late(**parameters: Any) -> Any:
        real(**parameters)
        raise AsmError("The mesh is not there.", code="ServiceMesh.NotFound", http_status=400)

    asm.answers["DeleteServiceMesh"] = too_late
    assert run(name="shop", state="absent").value is None
    assert asm.meshes == {}


def test_a_caller_who_may_not_delete_is_told_so_at_once(run: Run, asm: FakeAsm, shop: str, no_waiting: Any) -> None:
    denied = AsmError("DeleteServiceMesh was refused.", code="Forbidden.RAM", http_status=403)
    asm.faults["DeleteServiceMesh"] = [(denied, False)] * 99
    with pytest.raises(AsmError) as caught:
        run(name="shop", state="absent")
    assert caught.value.code == "Forbidden.RAM"
    assert len(asm.sent("DeleteServiceMesh")) == 1
    assert shop in asm.meshes


@pytest.mark.parametrize("state", ["failed", "create_timeout", "updating_failed"])
def test_a_mesh_that_failed_before_can_be_deleted(run: Run, asm: FakeAsm, shop: str, state: str) -> None:
    """The list may show the former state for a while after the deletion has begun."""
    asm.meshes[shop]["ServiceMeshInfo"]["State"] = state
    looks = iter(range(3))

    def delayed(**parameters: Any) -> Any:
        asm.answers["DescribeServiceMeshes"] = lambda **more: (
            {"ServiceMeshes": [asm.meshes[shop]]} if next(looks, None) is not None else {"ServiceMeshes": []}
        )
        return {}

    asm.answers["DeleteServiceMesh"] = delayed
    assert run(name="shop", state="absent").value is None
    assert next(looks, None) is None


def test_a_deletion_that_fails_is_a_failure(run: Run, asm: FakeAsm, shop: str) -> None:
    def failing(**parameters: Any) -> Any:
        asm.meshes[shop]["ServiceMeshInfo"].update(State="delete_failed", ErrorMessage="The load balancer is locked")
        return {}

    asm.answers["DeleteServiceMesh"] = failing
    with pytest.raises(WaitFailed, match="The load balancer is locked") as caught:
        run(name="shop", state="absent")
    assert caught.value.changed is True


def test_a_mesh_that_is_being_deleted_is_only_waited_for(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.DeleteServiceMesh(shop)
    outcome = run(name="shop", state="absent")
    assert (outcome.changed, outcome.value, asm.meshes, asm.written()) == (False, None, {}, [])


# What goes with a mesh, and what stays


Remove = Callable[..., tuple[Outcome, list[dict[str, Any]]]]


@pytest.fixture
def remove(asm: FakeAsm, task: Callable[..., dict[str, Any]], plane: FakeGateways, no_waiting: Any) -> Remove:
    """Removes the mesh ``shop`` and gives the outcome and ``may_remain``."""

    def call(check: bool = False, **options: Any) -> tuple[Outcome, list[dict[str, Any]]]:
        resource = Mesh(task(Mesh, name="shop", state="absent", **options), asm)  # type: ignore[arg-type]
        outcome = converge(resource, check=check)
        return outcome, resource.extra(outcome.plan).get("may_remain", [])

    return call


def test_gateways_are_gone_from_the_clusters_before_these_leave(
    remove: Remove, asm: FakeAsm, plane: FakeGateways, shop: str
) -> None:
    attach(asm, shop, "k1", "k2")
    plane.deploy("ingress", "k1", "k2")
    plane.deploy("nowhere")
    plane.live["ingress"]["status"] = {"ClusterIdGatewayAddressMap": [{"clusterId": "k1", "ipAddress": "203.0.113.1"}]}
    seen: list[Any] = []
    asm.answers["RemoveClusterFromServiceMesh"] = lambda **parameters: (
        seen.append(list(plane.log)),
        asm.RemoveClusterFromServiceMesh(**parameters),
    )[1]

    predicted, _unused = remove(check=True)
    assert (asm.written(), plane.log, predicted.value) == ([], [], None)
    outcome, _unused = remove()
    log = [("delete", "ingress"), ("delete", "nowhere"), ("left", "ingress", ["shop-1", "shop-2"])]
    assert plane.log == [*log, ("left", "ingress", []), ("left", "nowhere", [])]
    assert seen == [plane.log, plane.log]
    assert asm.meshes == {}
    assert predicted.plan.before == outcome.plan.before
    assert outcome.plan.before["clusters"] == ["k1", "k2"]
    assert outcome.plan.before["gateways"] == {
        "ingress": {"clusters": ["k1", "k2"], "addresses": {"k1": ["203.0.113.1"]}},
        "nowhere": {"clusters": [], "addresses": {}},
    }


def test_a_gateway_on_its_way_out_is_waited_for(
    remove: Remove, asm: FakeAsm, plane: FakeGateways, shop: str, no_waiting: Any
) -> None:
    attach(asm, shop, "k1")
    plane.deploy("ingress", "k1")
    plane.live["ingress"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(WaitTimeout, match="gateway 'ingress' to leave"):
        remove(wait_timeout=30)
    assert (asm.written(), plane.writes) == ([], 0)


def test_a_gateway_that_cannot_go_ends_the_wait_with_what_the_service_says(
    remove: Remove, asm: FakeAsm, plane: FakeGateways, shop: str, no_waiting: Any
) -> None:
    attach(asm, shop, "k1")
    plane.deploy("ingress", "k1")
    plane.live["ingress"]["status"] = {"ErrorMessage": "the load balancer is locked"}
    plane.live["ingress"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(WaitFailed, match="'ingress' does not get on: the load balancer is locked"):
        remove(wait_timeout=3600)
    assert sum(no_waiting.pauses) < 60


def test_gateways_are_not_looked_at_when_told_so_and_that_is_said(
    remove: Remove, asm: FakeAsm, plane: FakeGateways, shop: str
) -> None:
    attach(asm, shop, "k1")
    plane.deploy("ingress", "k1")
    _unused, remaining = remove(release_gateways=False)
    assert (plane.reads, plane.log, asm.meshes) == (0, [], {})
    assert [(entry["kind"], entry["id"]) for entry in remaining] == [("cluster", "k1")]
    assert "not looked at" in remaining[0]["note"]


def test_a_control_plane_that_is_away_stops_before_anything_is_detached(
    remove: Remove, asm: FakeAsm, plane: FakeGateways, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach(asm, shop, "k1")

    def away(path: str) -> Any:
        raise AsmError("No answer.")

    monkeypatch.setattr(plane, "list", away)
    with pytest.raises(AsmError, match="release_gateways=false") as caught:
        remove()
    assert (asm.written(), caught.value.changed) == ([], False)


def test_what_remains_is_asked_of_the_account(remove: Remove, asm: FakeAsm, plane: FakeGateways, shop: str) -> None:
    """The load balancers and the security group go with the mesh, as the service said; one of two EIPs stays."""
    balancer = asm.meshes[shop]["Spec"]["LoadBalancer"]
    balancer.update(ApiServerPublicEipId="eip-made", PilotPublicEipId="eip-own")
    asm.eips = [*(f"eip-{number}" for number in range(70)), "eip-own"]
    predicted, before = remove(check=True)
    assert {entry["id"]: entry["exists"] for entry in before} == {"eip-made": None, "eip-own": None}
    outcome, remaining = remove()
    assert {entry["id"]: entry["exists"] for entry in remaining} == {"eip-own": True}
    assert "Available" in remaining[0]["note"]
    assert predicted.plan.after == outcome.plan.after
    assert set(outcome.plan.after["stay"]) == {"eip eip-made", "eip eip-own"}
    assert outcome.value is None


def test_what_is_retained_or_cannot_be_asked_is_named_as_such(remove: Remove, asm: FakeAsm, shop: str) -> None:
    no = AsmError("No.", code="Forbidden.RAM", http_status=403)
    asm.faults["DescribeServiceMeshAdditionalStatus"] = [(no, False)]
    asm.faults["DescribeEipResources"] = [(no, False)]
    asm.meshes[shop]["Spec"]["LoadBalancer"]["PilotPublicEipId"] = "eip-own"
    _outcome, remaining = remove(retain_resources=["sg-c1"])
    shown = {entry["id"]: (entry["exists"], entry["retained"]) for entry in remaining}
    assert shown == {"lb-c1": (None, False), "eip-own": (None, False), "sg-c1": (None, True)}
    assert asm.sent("DeleteServiceMesh")[0]["RetainResources"] == '["sg-c1"]'
    assert remove()[1] == []


# Other runs on the same mesh


UNKNOWN = AsmError("Not found.", code="ServiceMesh.NotFound", http_status=404)


@pytest.mark.parametrize(
    "action",
    [
        "DescribeServiceMeshDetail",
        "DescribeServiceMeshAdditionalStatus",
        "DescribeClustersInServiceMesh",
        "RemoveClusterFromServiceMesh",
        "DeleteServiceMesh",
    ],
)
@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("ending", ["gone", "deleting"])
def test_a_mesh_that_another_run_removes_meanwhile_is_removed(
    remove: Remove, asm: FakeAsm, shop: str, action: str, skip: int, ending: str
) -> None:
    attach(asm, shop, "k1", "k2")
    left = [skip]

    def too_late(**parameters: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            return getattr(asm, action)(**parameters)
        asm.answers[action] = getattr(asm, action)
        if ending == "gone":
            asm.meshes.clear()
        elif shop in asm.meshes:
            asm.meshes[shop]["Clusters"], asm.meshes[shop]["Members"] = [], []
            asm.DeleteServiceMesh(shop)
        raise UNKNOWN

    asm.answers[action] = too_late
    outcome, _unused = remove()
    assert (outcome.value, asm.meshes) == (None, {})


def test_a_mesh_that_another_run_makes_meanwhile_is_taken_as_it_is(run: Run, asm: FakeAsm) -> None:
    def outrun(**parameters: Any) -> Any:
        asm.answers["CreateServiceMesh"] = asm.CreateServiceMesh
        asm.CreateServiceMesh(**parameters)
        raise AsmError("The name is taken.", code="NameAlreadyExist", http_status=400)

    asm.answers["CreateServiceMesh"] = outrun
    outcome = run(**BASICS)
    assert (outcome.value["state"], len(asm.meshes)) == ("running", 1)


def test_a_name_that_is_taken_elsewhere_stays_an_error(run: Run, asm: FakeAsm) -> None:
    taken = AsmError("The name is taken.", code="NameAlreadyExist", http_status=400)
    asm.faults["CreateServiceMesh"] = [(taken, False)]
    with pytest.raises(AsmError, match="The name is taken"):
        run(**BASICS)
    assert len(asm.sent("CreateServiceMesh")) == 1


@pytest.mark.parametrize("ending", ["gone", "deleting"])
def test_a_mesh_that_is_removed_while_it_is_changed_is_told_at_once(
    run: Run, asm: FakeAsm, shop: str, no_waiting: Any, ending: str
) -> None:
    def removed(**parameters: Any) -> Any:
        asm.UpdateMeshFeature(**parameters)
        asm.DeleteServiceMesh(shop)
        asm._pending[shop] = 99
        if ending == "gone":
            asm.meshes.clear()
        return {}

    asm.answers["UpdateMeshFeature"] = removed
    with pytest.raises(NotFound, match=r"'shop' (was|is being) deleted while this task") as caught:
        run(name="shop", telemetry=True, wait_timeout=3600)
    assert (caught.value.changed, caught.value.code) == (True, "Vanished")
    assert sum(no_waiting.pauses) < 2


# Trouble while waiting


def test_a_mesh_that_disappears_while_it_is_waited_for_is_an_error(run: Run, asm: FakeAsm) -> None:
    gone = AsmError("The mesh is not there.", code="ServiceMesh.NotFound", http_status=400)
    asm.faults["DescribeServiceMeshDetail"] = [(gone, False)] * 20
    with pytest.raises(WaitFailed, match="c1 disappeared while waiting"):
        run(**BASICS)


def test_reads_that_lag_behind_the_creation_are_waited_for(run: Run, asm: FakeAsm) -> None:
    gone = AsmError("The mesh is not there.", code="ServiceMesh.NotFound", http_status=400)
    asm.faults["DescribeServiceMeshDetail"] = [(gone, False)] * 3
    outcome = run(**BASICS)
    assert (outcome.changed, outcome.value["id"]) == (True, "c1")


def test_a_failed_change_does_not_stand_in_the_way_of_the_next_one(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.meshes[shop]["ServiceMeshInfo"]["State"] = "updating_failed"
    outcome = run(name="shop", telemetry=True)
    assert outcome.changed is True
    assert asm.written() == ["UpdateMeshFeature"]


def test_a_list_that_still_shows_what_is_gone_means_absent(run: Run, asm: FakeAsm, shop: str) -> None:
    gone = AsmError("The mesh is not there.", code="ServiceMesh.NotFound", http_status=400)
    asm.faults["DescribeServiceMeshDetail"] = [(gone, False)]
    assert run(check=True, name="shop", state="absent").changed is False


def test_a_mesh_that_may_not_be_read_is_not_taken_for_absent(run: Run, asm: FakeAsm, shop: str) -> None:
    asm.faults["DescribeServiceMeshDetail"] = [(AsmError("No.", code="Forbidden.RAM", http_status=403), False)]
    with pytest.raises(AsmError) as caught:
        run(**BASICS)
    assert caught.value.code == "Forbidden.RAM"
    assert asm.written() == []


def test_a_mesh_is_made_with_an_eip_that_is_there_and_no_other(run: Run, asm: FakeAsm) -> None:
    options = {**BASICS, "api_server_public_eip": True, "api_server_eip_id": "eip-1"}
    made = run(**options)
    (created,) = [parameters for action, parameters in asm.calls if action == "CreateServiceMesh"]
    assert "ApiServerPublicEip" not in created
    assert (made.value["api_server_eip_id"], made.value["api_server_public_eip"]) == ("eip-1", True)
    assert run(**options).changed is False


def test_contradictions_are_refused_before_a_mesh_is_made(run: Run, asm: FakeAsm) -> None:
    with pytest.raises(InvalidInput, match="Leave one of the two out"):
        run(**BASICS, api_server_public_eip=False, api_server_eip_id="eip-1")
    assert asm.written() == []


def test_a_version_without_its_build_is_the_newest_one_on_offer_and_no_change_afterwards(
    run: Run, asm: FakeAsm
) -> None:
    options = {**BASICS, "version": "v1.22.6"}
    checked = run(check=True, **options)
    assert checked.value["version"] == OFFERED[0]
    made = run(**options)
    (created,) = [parameters for action, parameters in asm.calls if action == "CreateServiceMesh"]
    assert created["IstioVersion"] == made.value["version"] == OFFERED[0]
    assert run(**options).changed is False
    again = run(**options, tags={"team": "shop"})
    assert again.plan.after["version"] == again.plan.before["version"] == OFFERED[0]


def test_of_several_builds_the_newest_of_the_edition_is_made(run: Run, asm: FakeAsm) -> None:
    offers = {"Default": ["v1.25.6.9-aliyun"], "Pro": ["v1.25.6.10-aliyun", "v1.25.6.9-aliyun"]}
    asm.answers["DescribeVersions"] = {"VersionInfo": [{"Edition": key, "Versions": of} for key, of in offers.items()]}
    for spec, version in (("standard", "v1.25.6.9-aliyun"), ("enterprise", "v1.25.6.10-aliyun")):
        planned = run(check=True, **BASICS, version="v1.25.6", cluster_spec=spec)
        assert planned.value["version"] == version


# Passwords in URLs


def test_a_password_in_a_url_is_compared_and_never_shown(run: Run, asm: FakeAsm) -> None:
    url = "https://reader:{}@prometheus.example.com/api".format
    first = run(**BASICS, prometheus_url=url("hush-1"))
    assert not run(**BASICS, prometheus_url=url("hush-1")).changed
    second = run(**BASICS, prometheus_url=url("hush-2"))
    assert second.changed
    assert second.value["prometheus_url"] == url("***")
    assert "secrets" not in second.value
    assert (second.plan.before["secrets"], second.plan.after["secrets"]) == (
        "those that are there",
        "those of the task",
    )
    assert asm.sent("UpdateMeshFeature")[-1]["PrometheusUrl"] == url("hush-2")
    shown = [one for done in (first, second) for one in (done.value, done.plan.before, done.plan.after)]
    assert "hush" not in json.dumps(shown)

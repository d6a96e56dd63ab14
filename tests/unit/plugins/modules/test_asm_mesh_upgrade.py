# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades by the mesh module, against an ASM in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    Immutable,
    InvalidInput,
    LostReply,
    Refused,
    WaitFailed,
    WaitTimeout,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.mesh import upgrade as mesh_upgrade
from ansible_collections.meshops.asm.plugins.modules.asm_mesh import Mesh

from .conftest import FakeAsm

Run = Callable[..., Outcome]
FIRST, SECOND, THIRD = "v1.22.6.109-aliyun", "v1.24.6.64-aliyun", "v1.25.6.41-aliyun"
GATEWAY = "istio-system:ingressgateway"
SILENCE = LostReply("UpgradeMeshEditionPartially got no usable answer.", code="ReplyLost")


@pytest.fixture
def run(asm: FakeAsm, task: Callable[..., dict[str, Any]], no_waiting: Any) -> Run:
    """Runs the module on the mesh ``shop``, which is there with the first version and one gateway."""

    def call(check: bool = False, **options: Any) -> Outcome:
        options = {"name": "shop", "region": "cn-hangzhou", **options}
        return reconcile(Mesh(task(Mesh, **options), asm), check=check)  # type: ignore[arg-type]

    call(vpc_id="vpc-1", vswitch_ids=["vsw-1"])
    asm.gateways = {GATEWAY: {"Status": "finished", "Version": FIRST}}
    asm.calls.clear()
    return call


def sent(asm: FakeAsm) -> list[dict[str, Any]]:
    return [one for one in asm.sent("UpgradeMeshEditionPartially") if not one.get("PreCheck")]


def checks(asm: FakeAsm) -> list[dict[str, Any]]:
    return [one for one in asm.sent("UpgradeMeshEditionPartially") if one.get("PreCheck")]


def test_an_upgrade_is_one_request_and_then_done(run: Run, asm: FakeAsm) -> None:
    predicted = run(check=True, version=SECOND, upgrade=True)
    assert sent(asm) == []
    outcome = run(version=SECOND, upgrade=True)
    assert predicted.changed is outcome.changed is True
    assert predicted.value["version"] == outcome.value["version"] == SECOND
    assert (outcome.plan.before["version"], outcome.plan.after["version"]) == (FIRST, SECOND)
    assert outcome.value["state"] == "running"
    assert sent(asm) == [{"ServiceMeshId": "c1", "ExpectedVersion": SECOND}]
    assert run(version=SECOND, upgrade=True).changed is False
    assert len(sent(asm)) == 1


def test_a_version_further_away_takes_several_steps(run: Run, asm: FakeAsm) -> None:
    assert run(version=THIRD, upgrade=True).value["version"] == THIRD
    assert [one["ExpectedVersion"] for one in sent(asm)] == [SECOND, THIRD]


def test_gateways_follow_the_control_plane_and_are_waited_for(run: Run, asm: FakeAsm) -> None:
    options: dict[str, Any] = {"version": SECOND, "upgrade": True, "upgrade_gateways": ["ingressgateway"]}
    outcome = run(**options)
    assert sent(asm)[1] == {
        "ServiceMeshId": "c1",
        "ExpectedVersion": SECOND,
        "ASMGatewayContinue": True,
        "UpgradeGatewayRecords": GATEWAY,
    }
    assert asm.gateways[GATEWAY] == {"Status": "finished", "Version": SECOND}
    assert outcome.plan.before["gateway_versions"] == {GATEWAY: FIRST}
    assert run(**options).changed is False


def test_gateways_that_stayed_behind_are_brought_up_alone(run: Run, asm: FakeAsm) -> None:
    run(version=SECOND, upgrade=True)
    asm.calls.clear()
    assert run(upgrade=True, upgrade_gateways=[GATEWAY]).changed is True
    assert [one.get("ASMGatewayContinue") for one in sent(asm)] == [True]


def test_other_options_are_changed_after_the_upgrade(run: Run, asm: FakeAsm) -> None:
    outcome = run(version=SECOND, upgrade=True, tracing=True)
    assert asm.written() == ["UpgradeMeshEditionPartially", "UpdateMeshFeature"]
    assert (outcome.value["version"], outcome.value["tracing"]) == (SECOND, True)


def test_an_interrupted_run_goes_on_without_asking_again(run: Run, asm: FakeAsm) -> None:
    asm.UpgradeMeshEditionPartially("c1", SECOND)
    assert run(version=SECOND, upgrade=True).value["version"] == SECOND
    assert sent(asm) == []


def test_a_lost_reply_upgrades_once(run: Run, asm: FakeAsm) -> None:
    asm.faults["UpgradeMeshEditionPartially"] = [(SILENCE, True)]
    assert run(version=SECOND, upgrade=True).value["version"] == SECOND
    assert len(sent(asm)) == 1


def test_without_the_option_a_version_stays_immutable(run: Run, asm: FakeAsm) -> None:
    with pytest.raises(Immutable, match="upgrade to true"):
        run(version=SECOND)
    assert asm.written() == []


def test_a_mesh_never_goes_back(run: Run, asm: FakeAsm) -> None:
    with pytest.raises(Immutable, match="cannot go back"):
        run(version="v1.21.6.103-aliyun", upgrade=True)
    assert asm.written() == []


def test_a_version_that_is_not_on_the_way_is_named_with_the_one_that_is(run: Run, asm: FakeAsm) -> None:
    with pytest.raises(InvalidInput, match=f"Set version to {SECOND}"):
        run(version="v1.23.0.1-aliyun", upgrade=True)
    asm.path = [FIRST]
    with pytest.raises(Refused, match="no upgrade"):
        run(version=SECOND, upgrade=True)
    assert asm.written() == []


@pytest.mark.parametrize("check", [True, False])
def test_the_check_of_the_service_comes_first_and_ends_it(run: Run, asm: FakeAsm, check: bool) -> None:
    def upgrade(ServiceMeshId: str, ExpectedVersion: str, PreCheck: bool = False) -> Any:
        assert PreCheck, "nothing else may follow"
        raise AsmError(
            "UpgradeMeshEditionPartially was refused: the CRDs of Istio were changed by hand.", code="ERR400"
        )

    asm.answers["UpgradeMeshEditionPartially"] = upgrade
    with pytest.raises(AsmError, match=f"before an upgrade to {SECOND} did not pass: .* changed by hand"):
        run(check=check, version=SECOND, upgrade=True, tracing=True)
    assert len(checks(asm)) == 1
    assert (sent(asm), asm.sent("UpdateMeshFeature")) == ([], [])


def test_what_needs_no_step_is_not_checked(run: Run, asm: FakeAsm) -> None:
    run(version=FIRST, upgrade=True)
    asm.UpgradeMeshEditionPartially("c1", SECOND)
    run(check=True, version=SECOND, upgrade=True)
    assert checks(asm) == []


@pytest.mark.parametrize("options", [{}, {"upgrade": True, "upgrade_gateways": [GATEWAY]}])
def test_latest_is_where_the_offers_lead_to(run: Run, asm: FakeAsm, options: dict[str, Any]) -> None:
    """Without upgrade an existing mesh stays; a second run changes nothing either way."""
    asm.answers["DescribeVersions"] = {"VersionInfo": [{"Edition": "Pro", "Versions": asm.path}]}
    predicted = run(check=True, version="latest", **options)
    outcome = run(version="latest", **options)
    assert predicted.changed is outcome.changed is bool(options)
    assert predicted.value["version"] == outcome.value["version"] == (THIRD if options else FIRST)
    count = len(sent(asm))
    assert run(version="latest", **options).changed is False
    assert len(sent(asm)) == count


def test_latest_without_a_way_there_is_what_it_is(run: Run, asm: FakeAsm) -> None:
    asm.path = [FIRST]
    asm.answers["DescribeVersions"] = {"VersionInfo": [{"Edition": "Pro", "Versions": [FIRST, THIRD]}]}
    assert run(version="latest", upgrade=True).changed is False
    assert asm.written() == []
    assert asm.sent("DescribeVersions") == []


def test_a_new_mesh_gets_the_latest_of_its_edition(run: Run, asm: FakeAsm) -> None:
    new: dict[str, Any] = {"name": "new", "vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"], "version": "latest"}
    offers = [{"Edition": "Default", "Versions": [FIRST, SECOND]}, {"Edition": "Pro", "Versions": [FIRST, THIRD]}]
    asm.answers["DescribeVersions"] = {"VersionInfo": offers}
    assert run(check=True, **new, cluster_spec="standard").value["version"] == SECOND
    run(**new, cluster_spec="enterprise")
    assert asm.sent("CreateServiceMesh")[-1]["IstioVersion"] == THIRD


def offering(asm: FakeAsm, version: Callable[[str], str]) -> None:
    """The service offers ``version(the one that is there)``, and makes every step that it offers."""
    asm.answers["DescribeUpgradeVersion"] = lambda ServiceMeshId: {
        "Version": {"IstioVersion": version(asm.meshes[ServiceMeshId]["ServiceMeshInfo"]["Version"])}
    }

    def upgrade(ServiceMeshId: str, ExpectedVersion: str, PreCheck: bool = False) -> Any:
        if not PreCheck:
            asm.meshes[ServiceMeshId]["ServiceMeshInfo"]["Version"] = ExpectedVersion
        return {}

    asm.answers["UpgradeMeshEditionPartially"] = upgrade


@pytest.mark.parametrize("offer", [FIRST, "v1.22.6.109-gother-aliyun", "v1.21.6.103-aliyun", "latest", ""])
def test_an_offer_that_is_not_newer_is_none(run: Run, asm: FakeAsm, offer: str) -> None:
    offering(asm, lambda _now: offer)
    with pytest.raises(Refused, match="no upgrade"):
        run(version=SECOND, upgrade=True)
    assert asm.written() == []


def test_an_offer_that_stops_getting_newer_on_the_way_ends_the_upgrade(run: Run, asm: FakeAsm) -> None:
    offers = iter([SECOND])
    offering(asm, lambda now: next(offers, now) if now == FIRST else now)
    asm.answers["DescribeUpgradeVersion"] = lambda ServiceMeshId: {"Version": {"IstioVersion": SECOND}}
    with pytest.raises(Refused, match="no upgrade") as caught:
        run(version=THIRD, upgrade=True)
    assert (caught.value.changed, len(sent(asm))) == (True, 1)


def test_ever_smaller_steps_end_with_the_time(run: Run, asm: FakeAsm, no_waiting: Any) -> None:
    """Each of them is newer, none of them gets there, and each takes its time."""

    def later(now: str) -> str:
        no_waiting.time += 10
        return f"{now.removesuffix('-aliyun')}.1-aliyun"

    offering(asm, later)
    with pytest.raises(WaitTimeout, match=f"Gave up after 60 s of waiting for mesh 'c1' to have version {SECOND}"):
        run(version=SECOND, upgrade=True, wait_timeout=60)
    assert 0 < len(sent(asm)) <= 6


def test_a_failed_upgrade_fails_and_can_be_repeated(run: Run, asm: FakeAsm, monkeypatch: Any) -> None:
    def fail(ServiceMeshId: str) -> Any:
        mesh = asm.meshes[ServiceMeshId]
        if mesh["ServiceMeshInfo"]["State"] == "upgrading":
            mesh["ServiceMeshInfo"].update(State="upgrading_failed", ErrorMessage="no room")
        return {"ServiceMesh": mesh}

    with monkeypatch.context() as broken:
        broken.setitem(asm.answers, "DescribeServiceMeshDetail", fail)
        with pytest.raises(WaitFailed, match="upgrading_failed: no room") as caught:
            run(version=SECOND, upgrade=True)
    assert caught.value.changed is True
    asm.meshes["c1"].pop("Goal")
    assert run(version=SECOND, upgrade=True).value["version"] == SECOND


def test_a_gateway_that_fails_is_named(run: Run, asm: FakeAsm, monkeypatch: Any) -> None:
    def failing(ServiceMeshId: str, AllIstioGatewayFullNames: str) -> Any:
        state = {"Status": "failed", "Version": FIRST, "Message": "image not found"}
        return {"UpgradeDetail": {"GatewayStatusRecord": {GATEWAY: state}}}

    monkeypatch.setitem(asm.answers, "DescribeServiceMeshUpgradeStatus", failing)
    with pytest.raises(WaitFailed, match=f"{GATEWAY} could not be upgraded: image not found"):
        run(version=SECOND, upgrade=True, upgrade_gateways=[GATEWAY])


@pytest.mark.parametrize(
    ("version", "expected"),
    [("v1.22.6.109-g5ddeaef7-aliyun", (1, 22, 6, 109)), ("1.9.7", (1, 9, 7)), ("", ()), ("latest", ())],
)
def test_versions_are_compared_by_their_numbers(version: str, expected: tuple[int, ...]) -> None:
    assert mesh_upgrade.numbers(version) == expected


@pytest.mark.parametrize(
    ("state", "behind"),
    [
        ({"Status": "notStart", "Version": "1.21.6"}, True),
        ({"Status": "notStart", "Version": "1.22.6"}, False),
        ({"Status": "finished", "Version": "1.21.6"}, False),
        ({"Status": "unknown", "Version": ""}, False),
        ({}, False),
    ],
)
def test_a_gateway_is_behind_only_when_it_is_known_to_be(
    run: Run, asm: FakeAsm, state: dict[str, str], behind: bool
) -> None:
    asm.gateways = {GATEWAY: {"Status": "unknown", **state}}
    assert run(check=True, upgrade=True, upgrade_gateways=[GATEWAY]).changed is behind


@pytest.mark.parametrize(("name", "steps"), [("v1.24.6", [SECOND]), ("v1.25.6", [SECOND, THIRD])])
def test_a_version_without_its_build_is_where_its_build_is(run: Run, asm: FakeAsm, name: str, steps: list[str]) -> None:
    outcome = run(version=name, upgrade=True)
    assert outcome.value["version"] == steps[-1]
    assert [one["ExpectedVersion"] for one in sent(asm)] == steps
    assert run(version=name, upgrade=True).changed is False
    assert run(version=name).changed is False

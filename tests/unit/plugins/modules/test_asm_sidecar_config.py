# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sidecars by namespace, whatever the service does with what is not sent and however it shows what is not set."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    InvalidInput,
    LostReply,
    NotFound,
    Refused,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import put
from ansible_collections.meshops.asm.plugins.module_utils.mesh.sidecar_attributes import SIDECAR_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import converge
from ansible_collections.meshops.asm.plugins.modules import asm_sidecar_config_info
from ansible_collections.meshops.asm.plugins.modules.asm_sidecar_config import SidecarConfig

from .conftest import FakeAsm

ACTION = "UpdateNamespaceScopeSidecarConfig"
ZERO = {"ReadinessPeriodSeconds": 0, "Concurrency": 0, "Privileged": False, "HoldApplicationUntilProxyStarts": False}
READ = {
    str(row.change).partition(".")[2]: str(row.read)
    for row in SIDECAR_ATTRIBUTES
    if row.type in ("bool", "int", "str", "csv", "json", "quantity") and not row.decode
}


class Sidecars(FakeAsm):
    """``update`` replaces the settings or merges into them; ``unset`` is how nothing shows.

    For ``late`` looks after a change the settings of before are shown.
    """

    def __init__(self, update: str = "replace", unset: str = "absent") -> None:
        super().__init__(looks=1)
        self.update, self.unset, self.late = update, unset, 0
        self.patches: dict[str, dict[str, Any]] = {}
        self._before: list[dict[str, Any]] = []

    def DescribeNamespaceScopeSidecarConfig(self, ServiceMeshId: str, Namespace: str) -> Any:
        self._mesh(ServiceMeshId)
        shown = self._before.pop() if self._before else self.patches.get(Namespace, {})
        unset = dict.fromkeys(ZERO) if self.unset == "null" else ZERO if self.unset == "zero" else {}
        return {"ConfigPatches": {**unset, **copy.deepcopy(shown)} or None}

    def UpdateNamespaceScopeSidecarConfig(self, ServiceMeshId: str, Namespace: str, **sent: Any) -> Any:
        mesh = self._running(ServiceMeshId)
        old = self.patches.get(Namespace, {})
        self._before = [copy.deepcopy(old)] * self.late
        new = {} if self.update == "replace" else old
        for name, value in sent.items():
            if name == "Tracing":
                new["Tracing"] = {"Sampling": json.loads(value).get("sampling")}
            elif value in ("", "{}"):
                new.pop(READ[name].partition(".")[0], None)
            else:
                put(new, READ[name], value)
        self.patches[Namespace] = new
        return self._begin(mesh)


@pytest.fixture
def service() -> Sidecars:
    found = Sidecars()
    found.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")
    return found


@pytest.fixture
def run(service: Sidecars, task: Callable[..., dict[str, Any]], no_waiting: Any) -> Callable[..., Outcome]:
    def module(check: bool = False, **options: Any) -> Outcome:
        resource = SidecarConfig(task(SidecarConfig, **{"mesh": "shop", "name": "web", **options}), service)  # type: ignore[arg-type]
        return converge(resource, check=check, wait=True, timeout=60)

    return module


def settings(service: Sidecars) -> dict[str, Any]:
    return service.patches.get("web", {})


@pytest.mark.parametrize("unset", ["absent", "null", "zero"])
@pytest.mark.parametrize("update", ["replace", "merge"])
def test_settings_come_stay_change_and_go(
    run: Callable[..., Outcome], service: Sidecars, update: str, unset: str
) -> None:
    service.update, service.unset = update, unset
    first = {"log_level": "debug", "exclude_outbound_ports": ["3306"], "resources": {"limits": {"cpu": "2"}}}
    predicted = run(check=True, **first)
    assert (predicted.changed, service.writes) == (True, 0)
    made = run(**first)
    assert made.value == predicted.value == {"name": "web", "settings": first}
    assert (made.plan.before, made.plan.after) == (None, made.value)
    writes = service.writes
    assert run(**first).changed is False
    assert run(**first, purge=True).changed is False
    assert run().changed is False
    assert service.writes == writes
    more = run(lifecycle={"preStop": {"exec": {"command": ["true"]}}})
    assert more.value["settings"] == {**first, "lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}
    exact = run(**first, purge=True)
    assert exact.value["settings"] == first
    without = run(exclude_outbound_ports=[])
    assert set(without.value["settings"]) == {"log_level", "resources"}
    gone = run(state="absent")
    assert (gone.changed, gone.value, gone.plan.after) == (True, None, None)
    writes = service.writes
    assert run(state="absent").changed is False
    assert run(state="absent", check=True).changed is False
    assert service.writes == writes


def test_one_request_sends_what_is_there_besides(run: Callable[..., Outcome], service: Sidecars) -> None:
    service.patches["web"] = {"Concurrency": 2, "HoldApplicationUntilProxyStarts": False}
    run(log_level="info")
    assert service.sent(ACTION) == [
        {
            "ServiceMeshId": "c1",
            "Namespace": "web",
            "Concurrency": 2,
            "HoldApplicationUntilProxyStarts": False,
            "LogLevel": "info",
        }
    ]


def test_false_and_zero_are_settings_of_their_own(run: Callable[..., Outcome], service: Sidecars) -> None:
    assert run(hold_application_until_proxy_starts=False, concurrency=0).changed is True
    assert run(hold_application_until_proxy_starts=False, concurrency=0).changed is False
    assert run(state="absent").changed is True
    assert settings(service) == {}


def test_a_setting_that_is_shown_a_moment_longer_is_waited_for(run: Callable[..., Outcome], service: Sidecars) -> None:
    service.patches["web"] = {"LogLevel": "info"}
    service.late = 3
    assert run(state="absent").changed is True
    assert len(service.sent(ACTION)) == 1


def test_what_the_service_keeps_is_named(run: Callable[..., Outcome], service: Sidecars) -> None:
    service.update = "merge"
    service.patches["web"] = {"LogLevel": "info", "Concurrency": 2}
    with pytest.raises(Refused, match=r"keeps these settings of namespace web: concurrency\.") as caught:
        run(state="absent")
    assert caught.value.changed is True
    assert settings(service) == {"Concurrency": 2}


def test_bad_values_are_refused_before_anything_is_asked(run: Callable[..., Outcome], service: Sidecars) -> None:
    with pytest.raises(InvalidInput, match=r"concurrency: -1 is negative\. exclude_ip_ranges: 'x' is no range"):
        run(concurrency=-1, exclude_ip_ranges=["x"])
    assert service.calls == []


def test_the_services_refusal_is_the_message(run: Callable[..., Outcome], service: Sidecars) -> None:
    refusal = AsmError("LogLevel is wrong.", code="InvalidParameter", http_status=400)
    service.faults[ACTION] = [(refusal, False)]
    with pytest.raises(AsmError, match="LogLevel is wrong"):
        run(log_level="loud")
    assert settings(service) == {}


def test_without_a_mesh_it_is_predicted_refused_and_absent(run: Callable[..., Outcome], service: Sidecars) -> None:
    service.meshes.clear()
    predicted = run(check=True, log_level="info")
    assert predicted.changed and predicted.plan.warnings == ("Mesh 'shop' does not exist yet.",)
    with pytest.raises(NotFound, match="No mesh with the name"):
        run(log_level="info")
    assert run(state="absent").changed is False
    assert service.writes == 0


@pytest.mark.parametrize(("code", "status"), [("ERR404", 404), ("ErrorNamespaceNotFound", 404)])
def test_a_namespace_that_is_not_there_sets_nothing(
    run: Callable[..., Outcome], service: Sidecars, code: str, status: int
) -> None:
    missing = AsmError("No such namespace.", code=code, http_status=status)
    service.answers["DescribeNamespaceScopeSidecarConfig"] = missing
    assert run(state="absent").changed is False
    assert run(check=True, log_level="info").changed is True


def test_a_missing_permission_is_no_absence(run: Callable[..., Outcome], service: Sidecars) -> None:
    service.answers["DescribeNamespaceScopeSidecarConfig"] = AsmError("No.", code="Forbidden.RAM", http_status=403)
    with pytest.raises(AsmError) as caught:
        run(state="absent")
    assert caught.value.code == "Forbidden.RAM"


@pytest.mark.parametrize("happens", [True, False])
def test_a_lost_reply_is_looked_after(run: Callable[..., Outcome], service: Sidecars, happens: bool) -> None:
    service.faults[ACTION] = [(LostReply("No answer."), happens)]
    assert run(log_level="info").changed is True
    assert len(service.sent(ACTION)) == (1 if happens else 2)
    assert settings(service) == {"LogLevel": "info"}


def test_reading_shows_each_namespace(service: Sidecars) -> None:
    service.patches["web"] = {"Concurrency": 2, "Tracing": {"Sampling": 1.5}}
    found = asm_sidecar_config_info.read({"mesh": "shop", "names": ["web", "other"]}, service)  # type: ignore[arg-type]
    assert found == [
        {"name": "web", "settings": {"concurrency": 2, "tracing": {"sampling": 1.5}}},
        {"name": "other", "settings": {}},
    ]
    assert service.written() == []

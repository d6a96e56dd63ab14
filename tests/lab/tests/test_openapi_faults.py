# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on demand, the request log, and the control socket that sets them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import attach, attached, cluster_id, create_mesh, mesh_detail, wait_for, wait_state
from darabonba.exceptions import UnretryableException
from meshlab.control import SOCKET, Control, LabError
from meshlab.controlserver import ControlServer
from meshlab.faults import KINDS, Faults
from meshlab.lab import Lab
from meshlab.requestlog import MASK
from Tea.exceptions import TeaException


@pytest.fixture
def control(cloud: Lab) -> Iterator[Control]:
    """The control client of the cloud."""
    server = ControlServer(cloud.workdir / SOCKET, cloud, lambda: None)
    server.start()
    yield Control(cloud.workdir)
    server.stop()


def _list(asm: AsmClient) -> set[str]:
    meshes = asm.describe_service_meshes(models.DescribeServiceMeshesRequest()).body.service_meshes
    return {one.service_mesh_info.name for one in meshes}


@pytest.mark.parametrize(
    ("kind", "more", "error", "code", "status"),
    [
        ("throttle", {}, "ClientException", "Throttling.User", 400),
        ("throttle", {"retry_after": 250}, "ThrottlingException", "Throttling.User", 400),
        ("throttle", {"code": "Throttling.Api", "status": 503}, "ServerException", "Throttling.Api", 503),
        ("http_500", {}, "ServerException", "ERR500", 500),
        ("http_503", {}, "ServerException", "ServiceUnavailable", 503),
        ("deny", {}, "ClientException", "Forbidden.RAM", 403),
    ],
)
def test_refusals_look_as_the_sdk_knows_them(
    asm: AsmClient, control: Control, kind: str, more: dict[str, Any], error: str, code: str, status: int
) -> None:
    control.fault("CreateServiceMesh", kind, **more)
    with pytest.raises(TeaException) as caught:
        create_mesh(asm)
    assert (type(caught.value).__name__, caught.value.code, caught.value.statusCode) == (error, code, status)
    assert "shop" not in _list(asm)
    create_mesh(asm)


@pytest.mark.parametrize(("kind", "made"), [("lost_reply", True), ("lost_request", False)])
def test_lost_messages(asm: AsmClient, cloud: Lab, control: Control, kind: str, made: bool) -> None:
    control.fault("CreateServiceMesh", kind)
    with pytest.raises(UnretryableException):
        create_mesh(asm)
    assert ("shop" in _list(asm)) is made
    (entry,) = [one for one in control.log() if one["action"] == "CreateServiceMesh"]
    assert (entry["status"], entry["faults"]) == (0, [kind])


def test_a_body_that_is_no_json(asm: AsmClient, control: Control) -> None:
    control.fault("Describe*", "non_json")
    with pytest.raises(UnretryableException):
        _list(asm)


def test_a_bad_code_with_http_200(asm: AsmClient, cloud: Lab, control: Control) -> None:
    mesh_id = create_mesh(asm)
    wait_state(asm, mesh_id)
    control.fault("AddClusterIntoServiceMesh", "bad_code_200", code="403", message="no")
    reply = attach(asm, mesh_id, cluster_id(cloud, "shop-1"))
    assert (reply["Code"], reply["Message"]) == ("403", "no")
    assert attached(asm, mesh_id) == {}


def test_slow_answers(asm: AsmClient, control: Control) -> None:
    control.fault("DescribeServiceMeshes", "slow", delay=0.3)
    begin = time.monotonic()
    _list(asm)
    assert time.monotonic() - begin >= 0.3


def test_a_stale_read_shows_the_account_before_the_last_write(asm: AsmClient, control: Control) -> None:
    first = create_mesh(asm)
    wait_state(asm, first)
    create_mesh(asm, name="second")
    control.fault("DescribeServiceMeshes", "stale_read")
    assert "second" not in _list(asm)
    assert {"shop", "second"} <= _list(asm)


@pytest.mark.parametrize(("kind", "state"), [("fail_transition", "failed"), ("create_timeout", "create_timeout")])
def test_creation_that_fails(asm: AsmClient, control: Control, kind: str, state: str) -> None:
    control.fault("CreateServiceMesh", kind, message="no capacity")
    info = wait_state(asm, create_mesh(asm), state)["ServiceMeshInfo"]
    assert info["ErrorMessage"] == "no capacity"


def test_other_transitions_that_fail(asm: AsmClient, cloud: Lab, control: Control) -> None:
    mesh_id, shop = create_mesh(asm), cluster_id(cloud, "shop-1")
    wait_state(asm, mesh_id)
    control.fault("*", "fail_transition", message="broken", times=-1)
    attach(asm, mesh_id, shop)
    wait_for(lambda: attached(asm, mesh_id)[shop]["State"] == "failed")
    assert (attached(asm, mesh_id)[shop]["ErrorMessage"], mesh_detail(asm, mesh_id)["Clusters"]) == ("broken", [shop])
    asm.update_mesh_feature(models.UpdateMeshFeatureRequest(service_mesh_id=mesh_id, tracing=True))
    wait_state(asm, mesh_id, "updating_failed")
    control.clear_faults()
    attach(asm, mesh_id, shop)
    wait_for(lambda: attached(asm, mesh_id)[shop]["State"] == "running")
    asm.update_mesh_feature(models.UpdateMeshFeatureRequest(service_mesh_id=mesh_id, tracing=True))
    assert wait_state(asm, mesh_id)["ServiceMeshInfo"]["ErrorMessage"] == ""


def test_servers_that_do_not_start_fail_the_mesh(asm: AsmClient, cloud: Lab, monkeypatch: Any) -> None:
    def broken(mesh_id: str, configuration: object = None) -> None:
        raise RuntimeError("no etcd")

    monkeypatch.setattr(cloud.planes, "mesh", broken)
    info = wait_state(asm, create_mesh(asm), "failed")["ServiceMeshInfo"]
    assert info["ErrorMessage"] == "no etcd"


def test_which_requests_are_hit() -> None:
    faults = Faults()
    faults.add({"action": "Describe*", "kind": "http_500", "times": 2, "skip": 1, "match": {"ServiceMeshId": "m"}})
    hits = [bool(faults.take("DescribeX", {"ServiceMeshId": one}, write=False)) for one in "mmnmm"]
    assert hits == [False, True, False, True, False]
    assert faults.take("CreateX", {"ServiceMeshId": "m"}, write=True) == []
    assert faults.rows()[0]["hits"] == 2
    faults.add({"action": "*", "kind": "slow"})
    faults.add({"action": "*", "kind": "http_500"})
    faults.add({"action": "*", "kind": "http_503"})
    assert [one.kind for one in faults.take("X", {}, write=False)] == ["slow", "http_500"]
    assert [one.kind for one in faults.take("X", {}, write=False)] == ["http_503"]


@pytest.mark.parametrize("wrong", [{"kind": "slow"}, {"action": "X", "kind": "boom"}, {"action": "X", "when": 1}])
def test_faults_that_are_none(control: Control, wrong: dict[str, Any]) -> None:
    with pytest.raises(LabError, match=r"fault|action"):
        control.call("fault_add", fault=wrong)
    assert control.faults() == []
    assert all(KINDS.values())


def test_the_log_names_writes_and_hides_secrets(asm: AsmClient, cloud: Lab, control: Control) -> None:
    _list(asm)
    begin = time.time()
    mesh_id = create_mesh(asm, existing_ca_key="c2VjcmV0", cert_chain="secret-chain")
    everything = cloud.log.file.read_text()
    assert "c2VjcmV0" not in everything
    assert "secret-chain" not in everything
    (entry,) = control.log(writes=True)
    assert (entry["action"], entry["product"], entry["status"], entry["code"]) == (
        "CreateServiceMesh",
        "servicemesh",
        200,
        "",
    )
    assert entry["parameters"]["ExistingCaKey"] == MASK
    assert entry["access_key_id"] == cloud.world.main_user().access_key_id
    assert [one["action"] for one in control.log(since=begin)] == ["CreateServiceMesh"]
    assert cloud.log.file.stat().st_mode & 0o777 == 0o600
    secrets = [user.access_key_secret for user in cloud.world.users.values()]
    assert not any(one in everything for one in secrets)
    wait_state(asm, mesh_id)


def test_the_world_can_be_changed_from_outside(asm: AsmClient, cloud: Lab, control: Control) -> None:
    control.add("vpcs", vpc_id="vpc-new", name="new", region_id="cn-hangzhou", cidr="10.9.0.0/16")
    vpcs = asm.describe_vpcs(models.DescribeVpcsRequest(region_id="cn-hangzhou")).body.vpcs
    assert "vpc-new" in {one.vpc_id for one in vpcs}
    key = control.add("eips", region_id="cn-hangzhou")
    assert control.records("eips")[key]["status"] == "Available"
    control.remove("eips", key)
    assert key not in control.records("eips")
    shop = cluster_id(cloud, "shop-1")
    control.change("clusters", shop, state="unavailable")
    assert cloud.world.clusters[shop].state == "unavailable"
    control.namespace("shop-2", "istio-system")
    control.setting("unique_names", "none")
    control.transitions(0.5)
    assert (cloud.world.settings["unique_names"], cloud.transitions.scale) == ("none", 0.5)
    assert "127." in control.kubeconfig("shop-2")
    assert control.idle(5) is True
    for wrong in (
        lambda: control.add("vpcs", vpc_id="v"),
        lambda: control.add("cows", name="x"),
        lambda: control.change("clusters", shop, colour="red"),
        lambda: control.remove("eips", "none"),
        lambda: control.setting("unique_names", "perhaps"),
        lambda: control.transitions(-1),
        lambda: control.namespace("twin", "x"),
        lambda: control.pause("cnone"),
        lambda: control.call("_stop"),
    ):
        with pytest.raises(LabError):
            wrong()


def test_without_a_lab_the_control_says_so(tmp_path: Any) -> None:
    with pytest.raises(LabError, match="meshlab up"):
        Control(tmp_path).status()


def test_the_environment_is_complete(control: Control, cloud: Lab) -> None:
    assert set(control.environment()) == {
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_REGION_ID",
        "MESHOPS_ASM_ENDPOINT",
        "MESHOPS_CS_ENDPOINT",
        "MESHOPS_PROXIES_SETTLE",
    }
    assert cloud.world.main_user().access_key_secret not in json.dumps(control.status())

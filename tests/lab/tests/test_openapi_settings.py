# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions that the product's documents leave open: both answers of each, and the collection under both."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import cluster_id, config, create_mesh, mesh_detail, raw_call, refused, wait_state
from meshlab.lab import Lab
from meshlab.world import SETTINGS, World, add_record

if TYPE_CHECKING:
    from tests.faults.world import World as Modules

#: Settings of what a mesh shows that nobody asked for, each with its other answer.
UNASKED = {
    name: SETTINGS[name][1] for name in ("access_log_project", "control_plane_log_info", "cni_exclude_namespaces")
}


def _create_as_terraform(cloud: Lab) -> str:
    """CreateServiceMesh with ``Tags`` for ``Tag``, and with a number in a row too many."""
    body = {
        "RegionId": "cn-hangzhou",
        "VpcId": "vpc-lab-shop",
        "VSwitches": '["vsw-lab-shop-h"]',
        "Tags.1.Key": "env",
        "Tags.1.Value": "dev",
        "Tag.1.Key": "team",
        "Tag.1.Name": "odd",
    }
    client = AsmClient(config(cloud, "servicemesh", cloud.world.main_user()))
    mesh_id: str = raw_call(client, "CreateServiceMesh", body)["ServiceMeshId"]
    return mesh_id


def _last_request(cloud: Lab) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(cloud.log.file.read_text(encoding="utf-8").splitlines()[-1])
    return entry


def test_unknown_parameters_are_refused_or_ignored_with_a_line(cloud: Lab, caplog: pytest.LogCaptureFixture) -> None:
    assert refused(lambda: _create_as_terraform(cloud)).code == "UnknownParameter"
    cloud.world.set_setting("unknown_parameters", "pass")
    mesh_id = _create_as_terraform(cloud)
    assert cloud.world.meshes[mesh_id].tags == {"team": ""}
    ignored = ["Tags.1.Key", "Tags.1.Value", "Tag.1.Name"]
    assert sorted(_last_request(cloud)["ignored"]) == sorted(ignored)
    assert "servicemesh CreateServiceMesh: ignored Tag" in caplog.text


def test_unknown_parameters_of_ack(cloud: Lab, cs: CsClient) -> None:
    odd = {"name": "shop-1", "colour": "red"}
    place = {"version": "2015-12-15", "method": "GET", "path": "/api/v1/clusters"}
    assert refused(lambda: raw_call(cs, "DescribeClustersV1", query=odd, **place)).code == "InvalidParameter"
    cloud.world.set_setting("unknown_parameters", "pass")
    (found,) = raw_call(cs, "DescribeClustersV1", query=odd, **place)["clusters"]
    assert found["cluster_id"] == cluster_id(cloud, "shop-1")
    assert _last_request(cloud)["ignored"] == ["colour"]


def test_wrong_values_are_refused_all_the_same(cloud: Lab, asm: AsmClient) -> None:
    cloud.world.set_setting("unknown_parameters", "pass")
    assert refused(lambda: create_mesh(asm, v_switches="vsw")).code == "InvalidParameter"


def _shown(asm: AsmClient, mesh_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = mesh_detail(asm, mesh_id)["Spec"]["MeshConfig"]
    return shown


def test_what_nobody_asked_for_is_not_shown(cloud: Lab, asm: AsmClient) -> None:
    for name, value in UNASKED.items():
        cloud.world.set_setting(name, value)
    mesh_id = create_mesh(asm, access_log_enabled=True)
    wait_state(asm, mesh_id)
    config = _shown(asm, mesh_id)
    assert config["AccessLog"] == {"Enabled": True}
    assert "ControlPlaneLogInfo" not in config
    assert config["SidecarInjector"]["InitCNIConfiguration"]["ExcludeNamespaces"] == ""
    # The project exists, and is billed, whether it is shown or not.
    assert f"mesh-log-{mesh_id}" in cloud.world.log_projects
    check = models.DescribeServiceMeshAdditionalStatusRequest(service_mesh_id=mesh_id, check_mode="full")
    status = asm.describe_service_mesh_additional_status(check).body.to_map()["ClusterStatus"]
    assert (status["AccessLogProjectStatus"], status["ControlPlaneProjectStatus"]) == ("exist", "not_exist")

    asm.update_mesh_feature(models.UpdateMeshFeatureRequest(service_mesh_id=mesh_id, access_log_project="mine"))
    wait_state(asm, mesh_id)
    for enabled in (True, False):  # once enabled, it is shown for good
        request = models.UpdateControlPlaneLogConfigRequest(service_mesh_id=mesh_id, enabled=enabled)
        asm.update_control_plane_log_config(request)
        wait_state(asm, mesh_id)
        config = _shown(asm, mesh_id)
        shown = {"Enabled": enabled, "LogTTL": 30, "Project": f"mesh-log-{mesh_id}"}
        assert (config["AccessLog"]["Project"], config["ControlPlaneLogInfo"]) == ("mine", shown)


def test_the_defaults_are_shown_otherwise(cloud: Lab, asm: AsmClient) -> None:
    mesh_id = create_mesh(asm, access_log_enabled=True)
    wait_state(asm, mesh_id)
    config = _shown(asm, mesh_id)
    assert config["AccessLog"]["Project"] == f"mesh-log-{mesh_id}"
    assert config["ControlPlaneLogInfo"] == {"Enabled": False, "LogTTL": 30, "Project": ""}
    assert config["SidecarInjector"]["InitCNIConfiguration"]["ExcludeNamespaces"] == "istio-system,kube-system"


def test_a_mesh_of_the_world_file_follows_the_settings(cloud: Lab) -> None:
    cloud.world.set_setting("cni_exclude_namespaces", "")
    row = {"name": "x", "mesh_id": "cx", "region_id": "cn-hangzhou", "vpc_id": "vpc-lab-shop", "vswitches": []}
    add_record(cloud.world, "meshes", {**row, "version": "v1", "cluster_spec": "standard"}, cloud.addresses)
    spec = cloud.world.meshes["cx"].spec
    assert spec["SidecarInjector"]["InitCNIConfiguration"]["ExcludeNamespaces"] == ""


def test_an_account_of_an_older_lab_has_the_new_settings(cloud: Lab) -> None:
    old = cloud.world.dump()
    old["settings"] = {"unique_names": "none"}
    assert World.from_dump(old).settings == {
        **{name: values[0] for name, values in SETTINGS.items()},
        **old["settings"],
    }


@pytest.mark.parametrize(("setting", "value"), [("number", 0), ("text", "false"), ("boolean", False)])
def test_is_ram_role_in_each_spelling(cloud: Lab, asm: AsmClient, setting: str, value: Any) -> None:
    cloud.world.set_setting("is_ram_role", setting)
    mesh = next(iter(cloud.world.meshes.values()))
    mesh.roles["2460000000000002"] = "istio-ops"
    request = models.DescribeUserPermissionsRequest(sub_account_user_id="2460000000000002")
    (row,) = asm.describe_user_permissions(request).body.to_map()["Permissions"]
    assert (type(row["IsRamRole"]), row["IsRamRole"]) == (type(value), value)


@pytest.fixture(params=["as it is", "unasked is not shown"])
def modules(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Modules]:
    """The collection's modules against a lab in memory, under each answer."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[3])])
    from tests.faults.world import World as Modules

    world = Modules()
    if request.param != "as it is":
        for name, value in {**UNASKED, "is_ram_role": "boolean", "unknown_parameters": "pass"}.items():
            world.lab.world.set_setting(name, value)
    yield world
    world.close()


#: Everything of a mesh that the settings touch.
TOUCHED = {
    "access_log": {"enabled": True},
    "control_plane_log": {"enabled": True, "ttl_days": 7},
    "sidecar_injector": {"cni": {"enabled": True, "exclude_namespaces": ["kube-system"]}},
}


def test_the_main_flow_changes_nothing_the_second_time(modules: Modules) -> None:
    from tests.faults.steps import FLOW

    for step in FLOW:
        options = {**step.done, **(TOUCHED if step.name == "mesh" else {})}
        assert modules.run(step.module, options)["changed"], step.name
        modules.settle()
    for step in FLOW:
        options = {**step.done, **(TOUCHED if step.name == "mesh" else {})}
        again = modules.run(step.module, options)
        assert not again["changed"], f"{step.name}: {again['diff']}"


def test_what_is_declared_off_and_not_shown_is_off(modules: Modules) -> None:
    from tests.faults.steps import FLOW

    declared = {**FLOW[0].done, "control_plane_log": {"enabled": False}, "access_log": {"enabled": False}}
    assert modules.run("asm_mesh", declared)["changed"]
    again = modules.run("asm_mesh", declared)
    assert not again["changed"], again["diff"]

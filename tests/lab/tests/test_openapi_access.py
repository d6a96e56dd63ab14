# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubeconfigs, roles, injection and upgrades through the official SDK."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
import yaml
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import attach, cluster_id, config, create_mesh, plane_of, refused, user_named, wait_for, wait_state
from meshlab.lab import Lab


@pytest.fixture
def mesh_id(asm: AsmClient) -> str:
    """A running mesh."""
    made = create_mesh(asm)
    wait_state(asm, made)
    return made


def _kubeconfig(client: AsmClient, mesh_id: str, *, private: bool = True) -> Any:
    request = models.DescribeServiceMeshKubeconfigRequest(service_mesh_id=mesh_id, private_ip_address=private)
    return client.describe_service_mesh_kubeconfig(request).body


def _user(text: str) -> str:
    name: str = yaml.safe_load(text)["users"][0]["name"]
    return name


def _grant(asm: AsmClient, uid: str, *rows: dict[str, Any]) -> None:
    request = models.GrantUserPermissionsRequest(sub_account_user_id=uid, permissions=json.dumps(rows))
    asm.grant_user_permissions(request)


def _row(mesh_id: str, role: str) -> dict[str, Any]:
    return {"IsCustom": True, "Cluster": mesh_id, "RoleName": role, "RoleType": "custom", "IsRamRole": False}


def test_the_account_is_admin_of_its_meshes(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    body = _kubeconfig(asm, mesh_id)
    name = _user(body.kubeconfig)
    assert name.startswith(f"{cloud.world.main_user().uid}-")
    assert plane_of(cloud, mesh_id).roles == {name: "istio-admin"}
    assert plane_of(cloud, mesh_id).private_url in body.kubeconfig
    assert len(body.expire_time) == len("2026-01-01 00:00:00")
    assert _kubeconfig(asm, mesh_id).kubeconfig == body.kubeconfig


def test_a_public_kubeconfig_needs_an_eip(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    error = refused(lambda: _kubeconfig(asm, mesh_id, private=False))
    assert (error.code, "EIP" in error.message) == ("ErrorPublicEndpointNotFound", True)
    cloud.world.set_setting("public_kubeconfig_without_eip", "no_address")
    assert "https://:6443" in _kubeconfig(asm, mesh_id, private=False).kubeconfig
    public = create_mesh(asm, name="public", api_server_public_eip=True)
    endpoint = wait_state(asm, public)["Endpoints"]["PublicApiServerEndpoint"]
    assert endpoint in _kubeconfig(asm, public, private=False).kubeconfig


def test_revoking_gives_another_user(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    old = _user(_kubeconfig(asm, mesh_id).kubeconfig)
    request = models.RevokeKubeconfigRequest(service_mesh_id=mesh_id, private_ip_address=True)
    new = _user(asm.revoke_kubeconfig(request).body.kubeconfig)
    assert new != old
    assert plane_of(cloud, mesh_id).roles == {new: "istio-admin"}
    assert _user(_kubeconfig(asm, mesh_id).kubeconfig) == new


def test_roles_are_granted_changed_and_taken(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    operator = user_named(cloud, "operator")
    client = AsmClient(config(cloud, "servicemesh", operator))
    name = _user(_kubeconfig(client, mesh_id).kubeconfig)
    roles = plane_of(cloud, mesh_id).roles
    assert name not in roles

    def permissions() -> list[dict[str, Any]]:
        request = models.DescribeUserPermissionsRequest(sub_account_user_id=operator.uid)
        rows: list[dict[str, Any]] = asm.describe_user_permissions(request).body.to_map()["Permissions"]
        return rows

    for role in ("istio-readonly", "istio-ops", "istio-admin"):
        _grant(asm, operator.uid, _row(mesh_id, role))
        assert roles[name] == role
        assert [(row["ResourceId"], row["RoleName"]) for row in permissions()] == [(mesh_id, role)]
    users = models.DescribeUsersWithPermissionsRequest(user_type="SubUser")
    assert asm.describe_users_with_permissions(users).body.uids == [operator.uid]
    _grant(asm, operator.uid)
    assert (name in roles, permissions()) == (False, [])


def test_grants_that_cannot_be(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    uid = user_named(cloud, "operator").uid
    assert refused(lambda: _grant(asm, uid, _row(mesh_id, "istio-god"))).code == "InvalidParameter"
    assert refused(lambda: _grant(asm, uid, _row("cnone", "istio-ops"))).code == "ServiceMesh.NotFound"
    assert refused(lambda: _grant(asm, "12345", _row(mesh_id, "istio-ops"))).code == "EntityNotExist.User"
    cloud.transitions.scale = 1
    young = create_mesh(asm, name="young")
    code = refused(lambda: _grant(asm, uid, _row(young, "istio-ops"))).code
    assert code == "InvalidOperation.Grant.NotRunning"
    cloud.transitions.scale = 0
    wait_state(asm, young)


def test_ram_roles_are_no_users(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    role, user = (user_named(cloud, name).uid for name in ("pipeline", "operator"))
    assert refused(lambda: _grant(asm, role, _row(mesh_id, "istio-ops"))).code == "InvalidParameter"
    as_role = {**_row(mesh_id, "istio-ops"), "IsRamRole": True}
    assert refused(lambda: _grant(asm, user, as_role)).code == "InvalidParameter"
    _grant(asm, role, as_role)
    _grant(asm, user, _row(mesh_id, "istio-ops"))
    for kind, expected in (("RamRole", [role]), ("SubUser", [user])):
        request = models.DescribeUsersWithPermissionsRequest(user_type=kind)
        assert asm.describe_users_with_permissions(request).body.uids == expected
    shown = asm.describe_user_permissions(models.DescribeUserPermissionsRequest(sub_account_user_id=role)).body
    assert [str(one.is_ram_role) for one in shown.permissions] == ["1"]


def test_several_users_at_once(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    uids = [user_named(cloud, name).uid for name in ("operator", "reader")]
    request = models.GrantUserPermissionsRequest(
        sub_account_user_ids=uids, permissions=json.dumps([_row(mesh_id, "istio-ops")])
    )
    asm.grant_user_permissions(request)
    assert cloud.world.meshes[mesh_id].roles == dict.fromkeys(uids, "istio-ops")


def _inject(asm: AsmClient, mesh_id: str, **more: Any) -> None:
    request = models.UpdateIstioInjectionConfigRequest(service_mesh_id=mesh_id, namespace="shop", **more)
    asm.update_istio_injection_config(request)


def test_injection_is_labels_of_the_control_plane(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    api = plane_of(cloud, mesh_id).api
    assert refused(lambda: _inject(asm, mesh_id, enable_istio_injection=True)).code == "ErrorNamespaceNotFound"
    api.apply("/api/v1/namespaces/shop", {"metadata": {"name": "shop", "labels": {"mine": "1"}}})

    def labels() -> Any:
        return api.get("/api/v1/namespaces/shop")["metadata"]["labels"]

    _inject(asm, mesh_id, enable_istio_injection=True)
    assert labels() == {"mine": "1", "istio-injection": "enabled"}
    _inject(asm, mesh_id, istio_rev="canary")
    assert labels() == {"mine": "1", "istio.io/rev": "canary"}
    _inject(asm, mesh_id, enable_istio_injection=False)
    assert labels() == {"mine": "1", "istio-injection": "disabled"}
    both = refused(lambda: _inject(asm, mesh_id, istio_rev="x", enable_istio_injection=True))
    assert both.code == "InvalidParameter"
    assert refused(lambda: _inject(asm, mesh_id, data_plane_mode="ambient")).code == "InvalidParameter"


def test_namespaces_are_copied_from_a_cluster_on_demand(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    shop = cluster_id(cloud, "shop-1")
    attach(asm, mesh_id, shop)
    wait_state(asm, mesh_id)
    labels = {"istio-injection": "enabled", "other": "1"}
    body = {"metadata": {"name": "shop", "labels": labels}}
    plane_of(cloud, shop).api.apply("/api/v1/namespaces/shop", body)
    request = models.UpdateASMNamespaceFromGuestClusterRequest(service_mesh_id=mesh_id, k_8s_cluster_id=shop)
    asm.update_asmnamespace_from_guest_cluster(request)
    copied = plane_of(cloud, mesh_id).api.find("/api/v1/namespaces/shop")
    assert copied is not None
    assert copied["metadata"]["labels"] == {"istio-injection": "enabled"}


def _upgrade_status(asm: AsmClient, mesh_id: str) -> Any:
    request = models.DescribeServiceMeshUpgradeStatusRequest(service_mesh_id=mesh_id)
    return asm.describe_service_mesh_upgrade_status(request).body.upgrade_detail


def test_an_upgrade_takes_one_step(asm: AsmClient, cloud: Lab) -> None:
    first, second, third = cloud.world.versions["Default"]
    mesh_id = create_mesh(asm, istio_version=first)
    wait_state(asm, mesh_id)
    version = asm.describe_upgrade_version(models.DescribeUpgradeVersionRequest(service_mesh_id=mesh_id)).body.version
    assert version.istio_version == second
    asm.upgrade_mesh_version(models.UpgradeMeshVersionRequest(service_mesh_id=mesh_id, pre_check=True))
    assert wait_state(asm, mesh_id)["ServiceMeshInfo"]["Version"] == first
    cloud.transitions.scale = 1
    asm.upgrade_mesh_version(models.UpgradeMeshVersionRequest(service_mesh_id=mesh_id))
    assert _upgrade_status(asm, mesh_id).mesh_status == "upgrading"
    cloud.transitions.scale = 0
    assert wait_state(asm, mesh_id)["ServiceMeshInfo"]["Version"] == second
    assert _upgrade_status(asm, mesh_id).mesh_status == "running"
    asm.upgrade_mesh_version(models.UpgradeMeshVersionRequest(service_mesh_id=mesh_id))
    wait_for(lambda: cloud.world.meshes[mesh_id].version == third and cloud.world.meshes[mesh_id].state == "running")
    again = models.UpgradeMeshVersionRequest(service_mesh_id=mesh_id)
    assert refused(lambda: asm.upgrade_mesh_version(again)).code == "InvalidOperation.NoUpgrade"


def test_an_upgrade_of_edition_version_and_gateways(asm: AsmClient, cloud: Lab) -> None:
    first, second, third = cloud.world.versions["Default"]
    mesh_id = create_mesh(asm, istio_version=first)
    wait_state(asm, mesh_id)
    path = "/apis/istio.alibabacloud.com/v1beta1/namespaces/istio-system/istiogateways/in"
    body = {"metadata": {"name": "in", "namespace": "istio-system"}, "spec": {"clusterIds": [], "ports": []}}
    plane_of(cloud, mesh_id).api.apply(path, body)

    def gateway() -> Any:
        return _upgrade_status(asm, mesh_id).gateway_status_record["istio-system:in"]

    def upgrade(**options: Any) -> None:
        asm.upgrade_mesh_edition_partially(
            models.UpgradeMeshEditionPartiallyRequest(service_mesh_id=mesh_id, **options)
        )

    assert (gateway().status, gateway().version) == ("finished", first)
    for unexpected in (first, third):
        refusal = refused(functools.partial(upgrade, expected_version=unexpected))
        assert refusal.code == "UpgradedVersion.NotExpected"
    upgrade(expected_version=second, switch_to_pro=True)
    detail = wait_state(asm, mesh_id)
    assert (detail["ClusterSpec"], detail["ServiceMeshInfo"]["Version"]) == ("enterprise", second)
    assert (gateway().status, gateway().version) == ("notStart", first)
    assert plane_of(cloud, mesh_id).steps == ["another istiod"]
    upgrade(expected_version=second, asmgateway_continue=True, upgrade_gateway_records="istio-system:in")
    assert wait_state(asm, mesh_id)["ServiceMeshInfo"]["Version"] == second
    status = _upgrade_status(asm, mesh_id)
    assert (status.finished_gateways_num, status.total_gateways_num) == (1, 1)
    assert gateway().version == second
    assert plane_of(cloud, mesh_id).steps == ["another istiod"], "the control plane stays when gateways follow"
    assert "no gateway" in refused(lambda: upgrade(asmgateway_continue=True, upgrade_gateway_records="x:y")).message

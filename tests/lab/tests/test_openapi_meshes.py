# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Meshes through the official SDK: every parameter in its place, states, deletion, tags, names."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import attach, cluster_id, create_mesh, mesh_detail, plane_of, refused, wait_for, wait_state
from meshlab.asm.features import FEATURES, HIDDEN, Feature, initial_spec
from meshlab.inventory import billed_resources
from meshlab.lab import Lab
from meshlab.openapi.parameters import OLDER, SDK, parameters_of

#: Values for the parameters whose kind does not suggest one.
VALUES: dict[str, Any] = {
    "AccessLogServicePort": 9001,
    "Concurrency": 3,
    "DiscoverySelectors": '[{"matchLabels": {"mesh": "yes"}}]',
    "ExistingCaType": "2",
    "InterceptionMode": "TPROXY",
    "Lifecycle": '{"preStop": {"exec": {"command": ["sleep", "5"]}}}',
    "LocalityLBConf": '{"failover": [{"from": "cn-hangzhou", "to": "cn-beijing"}]}',
    "LogLevel": "debug",
    "MultiBufferPollDelay": "20s",
    "OPALogLevel": "debug",
    "OutboundTrafficPolicy": "REGISTRY_ONLY",
    "PlaygroundScene": "ewmaLb",
    "TerminationDrainDuration": "9s",
    "TraceSampling": 42.5,
    "IncludeIPRanges": "10.0.0.0/8",
    "ExcludeIPRanges": "10.1.0.0/16",
}

#: What the detail shows, where it is not the value that was sent.
SHOWN: dict[str, Any] = {
    "DiscoverySelectors": [{"matchLabels": {"mesh": "yes"}}],
    "Lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
    "LocalityLBConf": {"Enabled": False, "Failover": {"cn-hangzhou": "cn-beijing"}},
}


def _value(feature: Feature, kind: str) -> Any:
    name = feature.name
    if name in VALUES:
        return VALUES[name]
    if kind == "bool":
        return not feature.initial
    if kind in ("int", "float"):
        return 7
    if name.endswith(("CPU", "CPULimit", "CPURequirement")) or "CPUResource" in name:
        return "700m"
    if "Memory" in name:
        return "700Mi"
    return "8080" if name.endswith("Ports") else f"some-{name.lower()}"


def _at(config: dict[str, Any], path: str) -> Any:
    for name in path.split("."):
        config = config[name]
    return config


def _features(action: str) -> list[Feature]:
    table = set(parameters_of(SDK).of(action)) - set(OLDER.get(action, {}))
    return [feature for name, feature in FEATURES.items() if name in table]


def _request(model: Any, parameters: dict[str, Any]) -> Any:
    return model().from_map(parameters)


def test_every_parameter_is_known_to_the_lab() -> None:
    """A parameter of the SDK has a row in the table of features, or is handled by its action itself."""
    handled = {
        "CreateServiceMesh": {
            "ApiServerLoadBalancerSpec",
            "ApiServerPublicEip",
            "AutoRenew",
            "AutoRenewPeriod",
            "ChargeType",
            "ClusterSpec",
            "Edition",
            "GuestCluster",
            "IstioVersion",
            "Name",
            "Period",
            "PilotLoadBalancerSpec",
            "RegionId",
            "Tag",
            "VSwitches",
            "VpcId",
        },
        "UpdateMeshFeature": {"ClusterSpec", "ServiceMeshId"},
    }
    for action, own in handled.items():
        assert set(parameters_of(SDK).of(action)) - set(FEATURES) - own - set(OLDER.get(action, {})) == set(), action


def test_create_puts_every_parameter_in_its_place(asm: AsmClient, cloud: Lab) -> None:
    table = parameters_of(SDK).of("CreateServiceMesh")
    features = [one for one in _features("CreateServiceMesh") if one.name != "UseExistingCA"]
    sent = {one.name: _value(one, table[one.name].kind) for one in features}
    base = {"RegionId": "cn-hangzhou", "VpcId": "vpc-lab-shop", "VSwitches": '["vsw-lab-shop-h"]', "Name": "all"}
    mesh_id = asm.create_service_mesh(_request(models.CreateServiceMeshRequest, {**base, **sent})).body.service_mesh_id
    config = mesh_detail(asm, mesh_id)["Spec"]["MeshConfig"]
    for feature in features:
        if feature.path == HIDDEN:
            assert cloud.world.meshes[mesh_id].hidden[feature.name] == sent[feature.name]
        elif feature.name == "LocalityLBConf":
            assert config["LocalityLB"]["Failover"] == {"cn-hangzhou": "cn-beijing"}
        else:
            assert _at(config, feature.path) == sent[feature.name], feature.name
    assert config["EnableLocalityLB"] is True
    assert config["ExtraConfiguration"]["CRAggregationConfiguration"] == {"Enabled": True}


def test_update_changes_one_parameter_and_leaves_the_others(asm: AsmClient, cloud: Lab) -> None:
    mesh_id = create_mesh(asm)
    wait_state(asm, mesh_id)
    mesh = cloud.world.meshes[mesh_id]
    table = parameters_of(SDK).of("UpdateMeshFeature")
    more = {"KialiEnabled": {"Telemetry": True}}
    derived = {"KialiEnabled": {"Telemetry"}, "LocalityLoadBalancing": {"EnableLocalityLB"}}
    for feature in _features("UpdateMeshFeature"):
        mesh.spec, mesh.hidden = initial_spec(), {}
        before = mesh_detail(asm, mesh_id)["Spec"]["MeshConfig"]
        value = _value(feature, table[feature.name].kind)
        sent = {"ServiceMeshId": mesh_id, feature.name: value, **more.get(feature.name, {})}
        asm.update_mesh_feature(_request(models.UpdateMeshFeatureRequest, sent))
        after = wait_state(asm, mesh_id)["Spec"]["MeshConfig"]
        changed = {key for key in after if after[key] != before.get(key)}
        if feature.path == HIDDEN:
            assert mesh.hidden == {feature.name: value}
            assert changed == set(), feature.name
        else:
            assert _at(after, feature.path) == SHOWN.get(feature.name, value), feature.name
            assert changed == {feature.path.split(".")[0], *derived.get(feature.name, set())}, feature.name


def test_basic_options_of_a_new_mesh(asm: AsmClient, cloud: Lab) -> None:
    mesh_id = create_mesh(
        asm,
        cluster_spec="ultimate",
        istio_version=cloud.world.versions["Pro"][0],
        api_server_public_eip=True,
        api_server_load_balancer_spec="slb.s3.small",
        pilot_load_balancer_spec="slb.s2.small",
        charge_type="PrePay",
        period=12,
    )
    first = mesh_detail(asm, mesh_id)
    detail = wait_state(asm, mesh_id)
    info = detail["ServiceMeshInfo"]
    assert (detail["ClusterSpec"], info["Profile"]) == ("ultimate", "Pro")
    assert (info["Name"], info["RegionId"], info["Version"]) == (
        "shop",
        "cn-hangzhou",
        cloud.world.versions["Pro"][0],
    )
    assert detail["Spec"]["Network"]["VpcId"] == "vpc-lab-shop"
    assert detail["Spec"]["Network"]["VSwitches"] == ["vsw-lab-shop-h"]
    assert detail["Spec"]["LoadBalancer"]["ApiServerPublicEip"] is True
    eip = cloud.world.eips[detail["Spec"]["LoadBalancer"]["ApiServerPublicEipId"]]
    assert detail["Endpoints"]["PublicApiServerEndpoint"] == f"https://{eip.address}:6443"
    assert eip.address in plane_of(cloud, mesh_id).published
    balancers = {one["id"]: cloud.world.load_balancers[one["id"]] for one in _made(cloud, mesh_id, "load_balancer")}
    assert {(one.spec, one.pay_type) for one in balancers.values()} == {
        ("slb.s3.small", "PrePay"),
        ("slb.s2.small", "PrePay"),
    }
    assert first["ServiceMeshInfo"]["CreationTime"].endswith("+08:00")


def _made(cloud: Lab, mesh_id: str, kind: str) -> list[dict[str, Any]]:
    rows = billed_resources(cloud.world)
    return [row for row in rows if row["type"] == kind and row["made_for"] == f"mesh/{mesh_id}"]


@pytest.mark.parametrize(
    ("wrong", "code", "named"),
    [
        ({"region_id": "cn-nowhere"}, "InvalidRegionId.NotFound", "cn-nowhere"),
        ({"vpc_id": "vpc-none"}, "InvalidVpcId.NotFound", "vpc-none"),
        ({"v_switches": '["vsw-lab-north-g"]'}, "InvalidVSwitchId.NotFound", "vsw-lab-north-g"),
        ({"v_switches": "vsw-lab-shop-h"}, "InvalidParameter", "VSwitches"),
        ({"v_switches": "[]"}, "InvalidParameter", "VSwitches"),
        ({"istio_version": "v1.2.3"}, "InvalidParameter", "v1.22.6.109"),
        ({"cluster_spec": "huge"}, "InvalidParameter", "ultimate"),
        ({"edition": "Max"}, "InvalidParameter", "Pro"),
        ({"trace_sampling": 101}, "InvalidParameter", "TraceSampling"),
        ({"exclude_ipranges": "10.0.0.0/40"}, "InvalidParameter", "ExcludeIPRanges"),
        ({"exclude_inbound_ports": "80,99999"}, "InvalidParameter", "99999"),
        ({"proxy_limit_cpu": "two"}, "InvalidParameter", "ProxyLimitCPU"),
        ({"locality_lbconf": "[]"}, "InvalidParameter", "LocalityLBConf"),
        ({"api_server_load_balancer_spec": "slb.s9"}, "InvalidParameter", "slb.s3.large"),
        ({"charge_type": "PrePay"}, "InvalidParameter", "Period"),
        ({"kiali_enabled": True}, "InvalidParameter", "Telemetry"),
        ({"use_existing_ca": True}, "InvalidParameter", "ExistingCaCert"),
        ({"use_existing_ca": True, "existing_ca_cert": "x", "existing_ca_key": "y"}, "InvalidParameter", "PEM"),
        ({"guest_cluster": "cnone"}, "ErrorClusterNotFound", "cnone"),
        ({"guest_cluster": "c5b0c7a1e00000000000000000000002e"}, "InvalidActiveState.ACK", "unavailable"),
        ({"guest_cluster": "c5b0c7a1e00000000000000000000000b"}, "InvalidParameter", "vSwitch"),
    ],
)
def test_wrong_options_make_no_mesh(asm: AsmClient, cloud: Lab, wrong: dict[str, Any], code: str, named: str) -> None:
    before = billed_resources(cloud.world)
    error = refused(lambda: create_mesh(asm, **wrong))
    assert error.code == code
    assert named in error.message
    assert billed_resources(cloud.world) == before


def test_names_are_unique_in_a_region_or_the_account_or_not(asm: AsmClient, cloud: Lab) -> None:
    create_mesh(asm)
    assert refused(lambda: create_mesh(asm)).code == "NameAlreadyExist"
    north = {"region_id": "cn-beijing", "vpc_id": "vpc-lab-north", "v_switches": '["vsw-lab-north-g"]'}
    create_mesh(asm, **north)
    cloud.world.set_setting("unique_names", "account")
    assert refused(lambda: create_mesh(asm, **{**north, "name": "shop"})).code == "NameAlreadyExist"
    cloud.world.set_setting("unique_names", "none")
    create_mesh(asm)
    assert [mesh.name for mesh in cloud.world.meshes.values()].count("shop") == 3


def test_a_mesh_can_be_renamed(asm: AsmClient) -> None:
    mesh_id = create_mesh(asm)
    wait_state(asm, mesh_id)
    asm.modify_service_mesh_name(models.ModifyServiceMeshNameRequest(service_mesh_id=mesh_id, name="new"))
    assert mesh_detail(asm, mesh_id)["ServiceMeshInfo"]["Name"] == "new"
    taken = create_mesh(asm, name="other")
    wait_state(asm, taken)
    request = models.ModifyServiceMeshNameRequest(service_mesh_id=taken, name="new")
    assert refused(lambda: asm.modify_service_mesh_name(request)).code == "NameAlreadyExist"


def test_cluster_spec_is_changed_by_an_update(asm: AsmClient) -> None:
    mesh_id = create_mesh(asm)
    wait_state(asm, mesh_id)
    asm.update_mesh_feature(models.UpdateMeshFeatureRequest(service_mesh_id=mesh_id, cluster_spec="enterprise"))
    detail = wait_state(asm, mesh_id)
    assert (detail["ClusterSpec"], detail["ServiceMeshInfo"]["Profile"]) == ("enterprise", "Pro")


def test_switched_on_logs_have_a_project_that_stays(asm: AsmClient, cloud: Lab) -> None:
    mesh_id = create_mesh(asm, enable_audit=True, access_log_enabled=True, access_log_project="mine")
    config = wait_state(asm, mesh_id)["Spec"]["MeshConfig"]
    assert config["Audit"] == {
        "Enabled": True,
        "Project": f"mesh-log-{mesh_id}",
        "AuditProjectStatus": "audit_project_exist",
    }
    assert config["AccessLog"]["Project"] == "mine"
    asm.delete_service_mesh(models.DeleteServiceMeshRequest(service_mesh_id=mesh_id))
    wait_for(lambda: mesh_id not in cloud.world.meshes)
    assert {row["id"] for row in _made(cloud, mesh_id, "log_project")} == {"mine", f"mesh-log-{mesh_id}"}


def test_control_plane_logs(asm: AsmClient) -> None:
    mesh_id = create_mesh(asm)
    wait_state(asm, mesh_id)
    request = models.UpdateControlPlaneLogConfigRequest(service_mesh_id=mesh_id, enabled=True, log_ttlin_day=7)
    asm.update_control_plane_log_config(request)
    config = wait_state(asm, mesh_id)["Spec"]["MeshConfig"]
    assert config["ControlPlaneLogInfo"] == {"Enabled": True, "LogTTL": 7, "Project": f"mesh-log-{mesh_id}"}


def test_cr_aggregation(asm: AsmClient) -> None:
    standard, pro = create_mesh(asm), create_mesh(asm, name="pro", cluster_spec="enterprise")
    for mesh_id in (standard, pro):
        wait_state(asm, mesh_id)
    request = models.UpdateMeshCRAggregationRequest(service_mesh_id=standard, enabled=True)
    assert refused(lambda: asm.update_mesh_craggregation(request)).code == "InvalidParameter"
    asm.update_mesh_craggregation(models.UpdateMeshCRAggregationRequest(service_mesh_id=pro, enabled=True))
    assert wait_state(asm, pro)["Spec"]["MeshConfig"]["ExtraConfiguration"]["CRAggregationEnabled"] is True


def test_the_given_root_certificate_is_shown(asm: AsmClient, cloud: Lab, pem_pair: tuple[str, str]) -> None:
    certificate, key = pem_pair
    mesh_id = create_mesh(
        asm,
        use_existing_ca=True,
        existing_ca_cert=base64.b64encode(certificate.encode()).decode(),
        existing_ca_key=base64.b64encode(key.encode()).decode(),
    )
    assert asm.get_ca_cert(models.GetCaCertRequest(service_mesh_id=mesh_id)).body.ca_cert == certificate
    assert key not in cloud.log.file.read_text()
    assert base64.b64encode(key.encode()).decode() not in cloud.log.file.read_text()


def test_tags(asm: AsmClient) -> None:
    mesh_id = create_mesh(asm, tag=[models.CreateServiceMeshRequestTag(key="env", value="dev")])
    other = create_mesh(asm, name="other")
    where = {"region_id": "cn-hangzhou", "resource_type": "servicemesh", "resource_id": [mesh_id]}
    tag = models.TagResourcesRequestTag(key="team", value="a")
    asm.tag_resources(models.TagResourcesRequest(**where, tag=[tag]))

    def tags() -> dict[str, str]:
        rows = asm.list_tag_resources(models.ListTagResourcesRequest(**where)).body.tag_resources
        return {row.tag_key: row.tag_value for row in rows}

    def listed(**wanted: str) -> set[str]:
        tag = [models.DescribeServiceMeshesRequestTag(key=key, value=value) for key, value in wanted.items()]
        found = asm.describe_service_meshes(models.DescribeServiceMeshesRequest(tag=tag)).body.service_meshes
        return {one.service_mesh_info.service_mesh_id for one in found}

    assert tags() == {"env": "dev", "team": "a"}
    assert listed(env="dev", team="a") == {mesh_id}
    assert listed(env="prod") == set()
    assert {mesh_id, other} < listed()
    asm.untag_resources(models.UntagResourcesRequest(**where, tag_key=["env"]))
    assert tags() == {"team": "a"}
    asm.untag_resources(models.UntagResourcesRequest(**where, all=True))
    assert tags() == {}
    many = [models.TagResourcesRequestTag(key=f"k{number}") for number in range(21)]
    assert refused(lambda: asm.tag_resources(models.TagResourcesRequest(**where, tag=many))).code == "InvalidParameter"
    nowhere = models.TagResourcesRequest(**{**where, "region_id": "cn-beijing"}, tag=[tag])
    assert refused(lambda: asm.tag_resources(nowhere)).code == "ServiceMesh.NotFound"


def _delete(asm: AsmClient, mesh_id: str, **more: Any) -> None:
    asm.delete_service_mesh(models.DeleteServiceMeshRequest(service_mesh_id=mesh_id, **more))


def test_a_mesh_with_clusters_is_not_deleted_even_by_force(asm: AsmClient, cloud: Lab) -> None:
    mesh_id = create_mesh(asm)
    wait_state(asm, mesh_id)
    attach(asm, mesh_id, cluster_id(cloud, "shop-1"))
    wait_state(asm, mesh_id)
    error = refused(lambda: _delete(asm, mesh_id, force=True))
    assert (error.code, error.statusCode) == ("ErrorPermitted.ClustersNotEmpty", 400)


def test_a_mesh_is_not_deleted_while_it_is_being_made(asm: AsmClient, cloud: Lab) -> None:
    cloud.transitions.scale = 1
    mesh_id = create_mesh(asm)
    assert refused(lambda: _delete(asm, mesh_id)).code == "StillInitializing"
    update = models.UpdateMeshFeatureRequest(service_mesh_id=mesh_id, tracing=True)
    assert refused(lambda: asm.update_mesh_feature(update)).code == "InvalidOperation.NotRunning"
    kubeconfig = models.DescribeServiceMeshKubeconfigRequest(service_mesh_id=mesh_id, private_ip_address=True)
    assert refused(lambda: asm.describe_service_mesh_kubeconfig(kubeconfig)).code == "InvalidOperation.NotRunning"
    assert mesh_detail(asm, mesh_id)["Endpoints"]["IntranetApiServerEndpoint"] == ""
    cloud.transitions.scale = 0
    wait_state(asm, mesh_id)


def test_deletion_releases_what_was_made_but_what_is_retained(asm: AsmClient, cloud: Lab) -> None:
    mesh_id = create_mesh(asm, api_server_public_eip=True)
    detail = wait_state(asm, mesh_id)
    kept = detail["Spec"]["LoadBalancer"]["ApiServerLoadbalancerId"]
    _delete(asm, mesh_id, retain_resources=json.dumps([kept]))
    wait_for(lambda: mesh_id not in cloud.world.meshes)
    left = [row for row in billed_resources(cloud.world) if not row["initial"] and row["type"] != "mesh"]
    assert [row["id"] for row in left] == [kept]
    assert mesh_id not in cloud.fleet.running()
    for setting, code in (("not_found", "ServiceMesh.NotFound"), ("forbidden", "StatusForbidden")):
        cloud.world.set_setting("after_delete", setting)
        assert refused(lambda: mesh_detail(asm, mesh_id)).code == code
    listed = asm.describe_service_meshes(models.DescribeServiceMeshesRequest()).body.service_meshes
    assert mesh_id not in {one.service_mesh_info.service_mesh_id for one in listed}


def test_a_shared_load_balancer_holds_the_deletion_up(asm: AsmClient, cloud: Lab) -> None:
    mesh_id = create_mesh(asm)
    balancer = wait_state(asm, mesh_id)["Spec"]["LoadBalancer"]["ApiServerLoadbalancerId"]
    cloud.world.load_balancers[balancer].used_by.append("somebody else")
    assert refused(lambda: _delete(asm, mesh_id)).code == "RelatedResourceReused"
    _delete(asm, mesh_id, retain_resources=json.dumps([balancer]))
    wait_for(lambda: mesh_id not in cloud.world.meshes)
    assert balancer in cloud.world.load_balancers


def test_additional_status(asm: AsmClient) -> None:
    mesh_id = create_mesh(asm, enable_audit=True)
    wait_state(asm, mesh_id)
    request = models.DescribeServiceMeshAdditionalStatusRequest(service_mesh_id=mesh_id, check_mode="full")
    status = asm.describe_service_mesh_additional_status(request).body.to_map()["ClusterStatus"]
    assert status["ApiServerLoadBalancerStatus"]["SLBExistStatus"] == "exist"
    assert (status["AuditProjectStatus"], status["AccessLogProjectStatus"]) == ("exist", "not_exist")
    assert (status["ApiServerEIPStatus"], status["SgStatus"]) == ("not_in_use", "not_reused")


def test_proxy_status(asm: AsmClient, cloud: Lab) -> None:
    """Of what was sent and what was acknowledged, the four words that the SDK's model documents."""
    mesh_id = create_mesh(asm)
    wait_state(asm, mesh_id)
    request = models.DescribeServiceMeshProxyStatusRequest(service_mesh_id=mesh_id)
    assert asm.describe_service_mesh_proxy_status(request).body.proxy_status == []
    state = {"cluster_sent": "2", "cluster_acked": "2", "listener_sent": "2", "listener_acked": "1", "route_sent": "2"}
    plane_of(cloud, mesh_id).connected = [{"proxy": "details-1.shop", "istio_version": "1.31", **state}]
    (row,) = asm.describe_service_mesh_proxy_status(request).body.proxy_status
    assert (row.proxy_id, row.istio_version) == ("details-1.shop", "1.31")
    assert (row.cluster_synced, row.listener_synced) == ("SYNCED", "STALE")
    assert (row.route_synced, row.endpoint_synced) == ("STALE (Never Acknowledged)", "NOT SENT")


def test_versions_and_regions(asm: AsmClient, cloud: Lab) -> None:
    offered = {row.edition: row.versions for row in asm.describe_versions().body.version_info}
    assert offered == cloud.world.versions
    metadata = asm.describe_metadata().body.meta_data
    assert (metadata.regions, metadata.versions) == (cloud.world.regions, offered["Default"])


def test_a_guest_cluster_is_attached_at_once(asm: AsmClient, cloud: Lab) -> None:
    shop = cluster_id(cloud, "shop-1")
    mesh_id = create_mesh(asm, guest_cluster=shop)
    wait_for(lambda: (one := cloud.world.meshes[mesh_id].clusters.get(shop)) and one.state == "running")
    assert wait_state(asm, mesh_id)["Clusters"] == [shop]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sidecars by namespace, services, dashboards and templates through the official SDK, on planes in memory."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import attach, cluster_id, create_mesh, plane_of, refused, wait_state
from meshlab.lab import Lab

SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
ENTRIES = "/apis/networking.istio.io/v1/namespaces/shop/serviceentries"


@pytest.fixture
def shop(cloud: Lab) -> str:
    return cluster_id(cloud, "shop-1")


@pytest.fixture
def mesh_id(asm: AsmClient, cloud: Lab, shop: str) -> str:
    """A running mesh with the cluster shop-1 and the namespace shop."""
    made = create_mesh(asm, telemetry=True)
    wait_state(asm, made)
    attach(asm, made, shop)
    wait_state(asm, made)
    plane_of(cloud, made).api.apply("/api/v1/namespaces/shop", {"metadata": {"name": "shop"}})
    return made


def update(asm: AsmClient, mesh_id: str, namespace: str = "shop", **sent: Any) -> None:
    request = models.UpdateNamespaceScopeSidecarConfigRequest(service_mesh_id=mesh_id, namespace=namespace, **sent)
    asm.update_namespace_scope_sidecar_config(request)
    wait_state(asm, mesh_id)


def patches(asm: AsmClient, mesh_id: str) -> dict[str, Any]:
    request = models.DescribeNamespaceScopeSidecarConfigRequest(service_mesh_id=mesh_id, namespace="shop")
    found: dict[str, Any] = asm.describe_namespace_scope_sidecar_config(request).body.to_map()["ConfigPatches"]
    return found


HOOKS = {"preStop": {"exec": {"command": ["true"]}}}
ALL: dict[str, Any] = {
    "concurrency": 2,
    "exclude_ipranges": "10.0.0.0/8",
    "interception_mode": "TPROXY",
    "lifecycle": json.dumps(HOOKS),
    "post_start": '{"exec": {"command": ["pilot-agent", "wait"]}}',
    "proxy_init_ack_slo_cpuresource_limit": "2000",
    "proxy_metadata": '{"A": "b"}',
    "proxy_stats_matcher": '{"inclusionPrefixes": ["server"]}',
    "scaled_sidecar_resource": models.UpdateNamespaceScopeSidecarConfigRequestScaledSidecarResource("app", "s", 20),
    "sidecar_proxy_cpuresource_limit": "2000 m",
    "smcenabled": False,
    "tracing": '{"sampling": 99.8, "custom_tags": {"a": {"literal": {"value": "b"}}}}',
}


def test_settings_of_sidecars_are_shown_in_their_places(asm: AsmClient, mesh_id: str) -> None:
    assert patches(asm, mesh_id) == {}
    update(asm, mesh_id, **ALL)
    shown = patches(asm, mesh_id)
    assert json.loads(shown.pop("LifecycleStr")).keys() == {"postStart", "preStop"}
    assert shown == {
        "Concurrency": 2,
        "ExcludeOutboundIPRanges": "10.0.0.0/8",
        "InterceptionMode": "TPROXY",
        "ProxyMetadata": {"A": "b"},
        "ProxyStatsMatcher": {"InclusionPrefixes": ["server"]},
        "SMCConfiguration": {"Enabled": False},
        "ScaledSidecarResource": {
            "ContainerRef": "app",
            "ResourceCalculationStrategy": "s",
            "ResourcePercentage": 20,
        },
        "SidecarProxyInitAckSloResource": {"Limits": {"kubernetes.io/batch-cpu": "2000"}},
        "SidecarProxyResourceLimit": {"ResourceCPULimit": "2000 m"},
        "Tracing": {"Sampling": 99.8, "CustomTags": {"a": {"literal": {"value": "b"}}}},
    }


def test_what_is_not_sent_goes_or_stays_as_the_setting_says(asm: AsmClient, cloud: Lab, mesh_id: str) -> None:
    update(asm, mesh_id, concurrency=2, log_level="info")
    update(asm, mesh_id, log_level="debug")
    assert patches(asm, mesh_id) == {"LogLevel": "debug"}
    cloud.world.set_setting("sidecar_config_update", "merge")
    update(asm, mesh_id, concurrency=2)
    assert patches(asm, mesh_id) == {"LogLevel": "debug", "Concurrency": 2}
    update(asm, mesh_id, log_level="")
    assert patches(asm, mesh_id) == {"Concurrency": 2}
    cloud.world.set_setting("sidecar_config_unset", "zero")
    shown = patches(asm, mesh_id)
    assert (shown["Concurrency"], shown["ReadinessPeriodSeconds"], shown["Privileged"]) == (2, 0, False)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ({"concurrency": -1}, "Concurrency"),
        ({"log_level": "loud"}, "LogLevel"),
        ({"exclude_inbound_ports": "http"}, "ExcludeInboundPorts"),
        ({"lifecycle": "[]"}, "Lifecycle"),
        ({"proxy_metadata": '{"A": 1}'}, "ProxyMetadata"),
        ({"proxy_stats_matcher": '{"prefixes": []}'}, "ProxyStatsMatcher"),
        ({"tracing": '{"sampling": 101}'}, "Tracing"),
        ({"sidecar_proxy_memory_resource_limit": "much"}, "SidecarProxyMemoryResourceLimit"),
    ],
)
def test_settings_that_cannot_be(asm: AsmClient, mesh_id: str, sent: dict[str, Any], name: str) -> None:
    error = refused(lambda: update(asm, mesh_id, **sent))
    assert (error.code, name in error.message) == ("InvalidParameter", True)
    assert patches(asm, mesh_id) == {}


def test_a_namespace_that_is_not_there(asm: AsmClient, mesh_id: str) -> None:
    assert refused(lambda: update(asm, mesh_id, "nowhere", concurrency=1)).code == "ErrorNamespaceNotFound"


def test_services_and_where_they_are(asm: AsmClient, cloud: Lab, mesh_id: str, shop: str) -> None:
    api, mesh = plane_of(cloud, shop).api, plane_of(cloud, mesh_id).api
    api.apply("/api/v1/namespaces/shop/services/web", {"metadata": {"name": "web", "namespace": "shop"}, "spec": {}})
    pod = {"metadata": {"name": "web-1"}, "spec": {"containers": [{"name": "web"}, {"name": "istio-proxy"}]}}
    api.apply("/api/v1/namespaces/shop/pods/web-1", pod)
    endpoints = [{"addresses": ["10.1.0.7"], "targetRef": {"kind": "Pod", "name": "web-1"}}]
    labels = {"kubernetes.io/service-name": "web"}
    body = {"metadata": {"name": "web-x", "labels": labels}, "ports": [{"port": 80}], "endpoints": endpoints}
    api.apply(f"{SLICES}/web-x", body)
    spec = {"hosts": ["a.org"], "location": "MESH_EXTERNAL", "ports": [{"number": 443}]}
    mesh.apply(f"{ENTRIES}/out", {"metadata": {"name": "out", "namespace": "shop"}, "spec": spec})

    def ask(**more: Any) -> dict[str, Any]:
        request = models.GetRegisteredServiceEndpointsRequest(service_mesh_id=mesh_id, namespace="shop", **more)
        found: dict[str, Any] = asm.get_registered_service_endpoints(request).body.to_map()
        return found

    found = ask(name="web", cluster_ids=shop)
    (detail,) = found["EndPointSlice"]["EndpointsDetails"]
    assert (detail["PodName"], detail["Ports"], detail["SidecarInjected"]) == ("web-1", [80], True)
    assert found["ServiceEndpoints"] == [{"Address": "10.1.0.7", "ClusterId": shop}]
    entry = ask(name="out", service_type="ServiceEntry")["EndPointSlice"]
    assert (entry["Location"], entry["EndpointsDetails"][0]["Address"]) == ("MESH_EXTERNAL", "a.org")
    assert ask(name="none")["ServiceEndpoints"] == []
    assert refused(ask).code == "MissingName"
    assert refused(lambda: ask(name="web", cluster_ids="c0")).code == "ERR404"


def test_deployments_come_in_pages(asm: AsmClient, cloud: Lab, mesh_id: str, shop: str) -> None:
    api = plane_of(cloud, shop).api
    for name, app in (("a", "web"), ("b", "web"), ("c", "db"), ("d", "web")):
        metadata = {"name": name, "namespace": "shop", "labels": {"app": app, "x": "y"}}
        api.apply(f"/apis/apps/v1/namespaces/shop/deployments/{name}", {"metadata": metadata})

    def ask(mark: str = "") -> tuple[list[str], str]:
        request = models.GetDeploymentBySelectorRequest(shop, {"app": "web"}, 2, mark, "shop", mesh_id)
        found = asm.get_deployment_by_selector(request).body.to_map()
        return found["DeploymentNameList"], found["Mark"]

    names, mark = ask()
    assert names == ["a", "b"]
    assert ask(mark) == (["d"], "")
    assert refused(lambda: ask("nothing")).code == "InvalidParameter"
    cloud.world.set_setting("deployment_names", "base64")
    assert ask(mark)[0] == [base64.b64encode(b"d").decode()]


def test_dashboards_are_where_something_is_collected(asm: AsmClient, cloud: Lab, mesh_id: str, shop: str) -> None:
    named = {"service_mesh_id": mesh_id, "k_8s_cluster_id": shop}
    logs = models.DescribeGuestClusterAccessLogDashboardsRequest(shop)
    assert asm.describe_guest_cluster_access_log_dashboards(logs).body.to_map()["Dashboards"] == []
    grafana = models.DescribeClusterGrafanaRequest(**named)
    first, *_others = asm.describe_cluster_grafana(grafana).body.to_map()["Dashboards"]
    assert first["Url"] == ""
    one = models.GetGrafanaDashboardUrlRequest(**named, title=first["Title"])
    assert asm.get_grafana_dashboard_url(one).body.dashboards[0].url.startswith("http://grafana.")
    cloud.world.set_setting("grafana_urls", "listed")
    assert asm.describe_cluster_grafana(grafana).body.dashboards[0].url
    assert asm.describe_cluster_prometheus(models.DescribeClusterPrometheusRequest(**named)).body.prometheus
    wrong = models.GetGrafanaDashboardUrlRequest(**named, title="none")
    assert refused(lambda: asm.get_grafana_dashboard_url(wrong)).code == "ERR404"


def test_templates_and_cloud_controllers(asm: AsmClient, mesh_id: str, shop: str) -> None:
    request = models.DescribeCrTemplatesRequest("v1.22.6.109-g5ddeaef7-aliyun", "Gateway")
    (template,) = asm.describe_cr_templates(request).body.templates
    assert "kind: Gateway" in template.yaml
    for version, kind, code in (("v1.22.6", "Pod", "ERR404"), ("new", "Gateway", "InvalidParameter")):
        wrong = models.DescribeCrTemplatesRequest(version, kind)
        assert refused(lambda one=wrong: asm.describe_cr_templates(one)).code == code
    controllers = asm.describe_ccmversion(models.DescribeCCMVersionRequest(mesh_id)).body.to_map()["CCMVersions"]
    assert (controllers[shop]["Version"], controllers[shop]["SLBGracefulDrainSupported"]) == ("v2.9.1", True)

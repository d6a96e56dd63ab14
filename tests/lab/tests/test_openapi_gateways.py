# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateways: what the operator makes in the clusters, what the load balancers do, and what is left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import attach, attached, cluster_id, create_mesh, plane_of, refused, wait_for, wait_state
from meshlab.controlserver import Operations
from meshlab.gatewayobjects import GatewayError, objects, spec_for_cluster
from meshlab.inventory import billed_resources
from meshlab.lab import Lab
from meshlab.loadbalancers import FINALIZER

PREFIX = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
GATEWAY = "/apis/istio.alibabacloud.com/v1beta1/namespaces/istio-system/istiogateways/ingressgateway"
SERVICE = "/api/v1/namespaces/istio-system/services/istio-ingressgateway"
DEPLOYMENT = "/apis/apps/v1/namespaces/istio-system/deployments/istio-ingressgateway"
AUTOSCALER = "/apis/autoscaling/v2/namespaces/istio-system/horizontalpodautoscalers/istio-ingressgateway"


class Site:
    """A mesh with the clusters shop-1 and shop-2."""

    def __init__(self, asm: AsmClient, cloud: Lab) -> None:
        self.asm, self.cloud = asm, cloud
        self.mesh_id = create_mesh(asm)
        self.clusters = [cluster_id(cloud, "shop-1"), cluster_id(cloud, "shop-2")]
        wait_state(asm, self.mesh_id)
        for one in self.clusters:
            attach(asm, self.mesh_id, one)
            wait_state(asm, self.mesh_id)
        self.api = plane_of(cloud, self.mesh_id).api

    def apply(self, clusters: list[str] | None = None, **spec: Any) -> None:
        """Write the gateway as a user with the mesh's kubeconfig would."""
        body = {
            "apiVersion": "istio.alibabacloud.com/v1beta1",
            "kind": "IstioGateway",
            "metadata": {"name": "ingressgateway", "namespace": "istio-system"},
            "spec": {
                "clusterIds": self.clusters if clusters is None else clusters,
                "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
                **spec,
            },
        }
        current: dict[str, Any] = self.api.find(GATEWAY) or body
        self.api.replace(GATEWAY, {**current, **body, "metadata": current["metadata"]})

    def status(self) -> dict[str, Any]:
        """What the operator reports."""
        gateway = self.api.find(GATEWAY)
        assert gateway is not None
        status: dict[str, Any] = gateway.get("status", {})
        return status

    def found(self, path: str, number: int = 0) -> Any:
        """An object in one of the clusters."""
        return plane_of(self.cloud, self.clusters[number]).api.find(path)

    def balancers(self) -> list[dict[str, Any]]:
        """Load balancers that were made for Services or left behind by them."""
        rows = billed_resources(self.cloud.world)
        return [row for row in rows if row["type"] == "load_balancer" and "service/" in row["made_for"]]

    def addresses(self) -> dict[str, str]:
        """Addresses by cluster once there is one for every cluster."""

        def check() -> dict[str, str] | None:
            rows = self.status().get("ClusterIdGatewayAddressMap", [])
            return {row["clusterId"]: row["ipAddress"] for row in rows} if len(rows) == len(self.clusters) else None

        found: dict[str, str] = wait_for(check)
        return found

    def detach(self, cluster: str) -> None:
        """Take a cluster out of the mesh and wait."""
        request = models.RemoveClusterFromServiceMeshRequest(service_mesh_id=self.mesh_id, cluster_id=cluster)
        self.asm.remove_cluster_from_service_mesh(request)
        wait_state(self.asm, self.mesh_id)


@pytest.fixture
def site(asm: AsmClient, cloud: Lab) -> Site:
    return Site(asm, cloud)


def test_a_gateway_appears_in_each_of_its_clusters(site: Site) -> None:
    site.apply(serviceAnnotations={f"{PREFIX}address-type": "intranet", f"{PREFIX}spec": "slb.s2.small"})
    addresses = site.addresses()
    for number, cluster in enumerate(site.clusters):
        service, deployment = site.found(SERVICE, number), site.found(DEPLOYMENT, number)
        assert service["status"]["loadBalancer"]["ingress"] == [{"ip": addresses[cluster]}]
        assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
        assert service["metadata"]["finalizers"] == [FINALIZER]
        template = deployment["spec"]["template"]
        assert template["metadata"]["labels"]["istio"] == "ingressgateway"
        assert template["metadata"]["annotations"]["inject.istio.io/templates"] == "gateway"
        assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    made = [site.cloud.world.load_balancers[row["id"]] for row in site.balancers()]
    assert {(one.address_type, one.spec, one.kind) for one in made} == {("intranet", "slb.s2.small", "clb")}


def test_it_follows_changes(site: Site) -> None:
    site.apply()
    site.addresses()
    before = site.found(SERVICE)["status"]
    site.apply(replicaCount=3, ports=[{"name": "https", "port": 443, "targetPort": 8443}])
    wait_for(lambda: site.found(DEPLOYMENT)["spec"].get("replicas") == 3)
    wait_for(lambda: set(site.cloud.world.load_balancers[site.balancers()[0]["id"]].listeners) == {"443/tcp"})
    assert site.found(SERVICE)["status"] == before
    site.apply(autoscaleEnabled=True, minReplicas=2, maxReplicas=4, cpu={"targetAverageUtilization": 60})
    scaler = wait_for(lambda: site.found(AUTOSCALER))
    assert (scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]) == (2, 4)
    site.apply(autoscaleEnabled=False)
    wait_for(lambda: site.found(AUTOSCALER) is None)


def test_it_repairs_what_somebody_deletes(site: Site) -> None:
    site.apply()
    site.addresses()
    plane_of(site.cloud, site.clusters[0]).api.delete(DEPLOYMENT)
    wait_for(lambda: site.found(DEPLOYMENT))


def test_a_cluster_that_is_no_more_does_not_hold_up_the_others(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.apply()
    site.addresses()
    first, second = site.clusters
    away = plane_of(site.cloud, first).api

    def unreachable(*arguments: Any, **more: Any) -> Any:
        raise urllib3.exceptions.HTTPError("connection refused")

    for name in ("find", "get", "list", "apply", "patch", "delete"):
        monkeypatch.setattr(away, name, unreachable)
    Operations(site.cloud, lambda: None).world_remove("clusters", first)
    assert list(attached(site.asm, site.mesh_id)) == [second]
    site.apply(clusters=[second], replicaCount=3)
    wait_for(lambda: site.found(DEPLOYMENT, 1)["spec"].get("replicas") == 3)
    wait_for(lambda: site.status().get("Status") != "failed")
    assert site.cloud.operators.idle(5.0)
    site.api.delete(GATEWAY)
    wait_for(lambda: site.found(SERVICE, 1) is None)


def test_overrides_are_for_one_cluster(site: Site) -> None:
    site.apply(replicaCount=1, overrides={site.clusters[1]: {"replicaCount": 5}})
    site.addresses()
    assert [site.found(DEPLOYMENT, number)["spec"]["replicas"] for number in (0, 1)] == [1, 5]


def test_leaving_a_cluster_out_removes_it_there(site: Site) -> None:
    site.apply()
    site.addresses()
    site.apply(clusters=site.clusters[:1])
    wait_for(lambda: site.found(SERVICE, 1) is None and site.found(DEPLOYMENT, 1) is None)
    wait_for(lambda: len(site.balancers()) == 1)
    assert site.found(SERVICE, 0) is not None


def test_deleting_it_releases_its_load_balancers(site: Site) -> None:
    site.apply()
    addresses = site.addresses()
    site.api.delete(GATEWAY)
    wait_for(lambda: not site.balancers())
    wait_for(lambda: site.found(SERVICE) is None and site.found(DEPLOYMENT) is None)
    site.apply()
    assert set(site.addresses().values()) == set(addresses.values())


@pytest.mark.parametrize("orphan", [True, False])
def test_detaching_leaves_the_object_and_maybe_the_load_balancer(site: Site, orphan: bool) -> None:
    site.cloud.world.set_setting("orphan_clb_on_detach", orphan)
    site.apply()
    site.addresses()
    site.detach(site.clusters[0])
    assert site.found(SERVICE) is None
    assert site.api.find(GATEWAY) is not None
    wait_for(lambda: "is not in the mesh" in site.status()["ErrorMessage"])
    assert [row["clusterId"] for row in site.status()["ClusterIdGatewayAddressMap"]] == site.clusters[1:]
    assert sorted(row["orphaned"] for row in site.balancers()) == ([False, True] if orphan else [False])


def test_a_deleted_gateway_leaves_nothing_on_detach(site: Site) -> None:
    site.apply()
    site.addresses()
    site.api.delete(GATEWAY)
    wait_for(lambda: not site.balancers())
    for cluster in site.clusters:
        site.detach(cluster)
    assert site.balancers() == []


def test_a_load_balancer_can_be_reused_and_stays(site: Site) -> None:
    site.apply(clusters=site.clusters[:1], serviceAnnotations={f"{PREFIX}id": "lb-lab-shared"})
    shared = site.cloud.world.load_balancers["lb-lab-shared"]
    wait_for(lambda: site.status().get("GatewayAddress") == [shared.address])
    assert (set(shared.listeners), site.balancers()) == ({"80/tcp"}, [])
    site.api.delete(GATEWAY)
    wait_for(lambda: site.found(SERVICE) is None)
    assert (shared.listeners, shared.used_by) == ({}, [])
    assert "lb-lab-shared" in site.cloud.world.load_balancers


def test_listeners_of_others_are_replaced_only_by_force(site: Site) -> None:
    shared = site.cloud.world.load_balancers["lb-lab-shared"]
    shared.listeners["80/tcp"] = "the user"
    annotations = {f"{PREFIX}id": "lb-lab-shared"}
    site.apply(clusters=site.clusters[:1], serviceAnnotations=annotations)
    wait_for(lambda: "force-override-listeners" in site.status().get("ErrorMessage", ""))
    assert (shared.listeners, site.status()["GatewayAddress"]) == ({"80/tcp": "the user"}, [])
    events = plane_of(site.cloud, site.clusters[0]).api.list("/api/v1/namespaces/istio-system/events")
    assert "SyncLoadBalancerFailed" in {event["reason"] for event in events}
    annotations[f"{PREFIX}force-override-listeners"] = "true"
    site.apply(clusters=site.clusters[:1], serviceAnnotations=annotations)
    wait_for(lambda: site.status().get("GatewayAddress") == [shared.address])
    assert site.status()["ErrorMessage"] == ""


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"serviceAnnotations": {f"{PREFIX}id": "lb-none"}}, "does not exist"),
        ({"serviceAnnotations": {f"{PREFIX}address-type": "public"}}, "internet or intranet"),
        ({"ports": []}, "at least one port"),
        ({"autoscaleEnabled": True, "minReplicas": 5, "maxReplicas": 2}, "maxReplicas"),
        ({"clusterIds": ["cnone"]}, "is not in the mesh"),
        ({"clusterIds": []}, "names no cluster"),
    ],
)
def test_what_cannot_be_done_is_reported(site: Site, spec: dict[str, Any], message: str) -> None:
    site.apply(**spec)
    wait_for(lambda: message in site.status().get("ErrorMessage", ""))
    assert site.status()["Status"] == "failed"


def test_a_gateway_elsewhere_is_not_deployed(site: Site) -> None:
    path = "/apis/istio.alibabacloud.com/v1beta1/namespaces/default/istiogateways/ingressgateway"
    spec = {"clusterIds": site.clusters, "ports": [{"port": 80}]}
    site.api.apply(path, {"metadata": {"name": "ingressgateway", "namespace": "default"}, "spec": spec})
    wait_for(lambda: "istio-system" in (site.api.find(path) or {}).get("status", {}).get("ErrorMessage", ""))
    assert site.found(SERVICE) is None


def test_an_nlb_has_a_name_and_needs_two_zones(site: Site) -> None:
    site.apply(loadBalancerClass="alibabacloud.com/nlb")
    names = site.addresses()
    assert all(name.startswith("nlb-") and name.endswith(".nlb.aliyuncs.com") for name in names.values())
    site.api.delete(GATEWAY)
    wait_for(lambda: not site.balancers())
    zones = {f"{PREFIX}zone-maps": "cn-hangzhou-h:vsw-lab-shop-h"}
    site.apply(loadBalancerClass="alibabacloud.com/nlb", serviceAnnotations=zones)
    wait_for(lambda: "two zones" in site.status().get("ErrorMessage", ""))


def test_the_address_comes_after_its_time(site: Site) -> None:
    site.cloud.transitions.scale = 0.05
    site.apply()
    wait_for(lambda: site.status().get("Status") == "pending")
    assert site.status()["GatewayAddress"] == []
    site.addresses()


def test_through_the_api(site: Site) -> None:
    def request(kind: Any, spec: dict[str, Any], name: str = "ingressgateway", **metadata: str) -> Any:
        body = {"kind": "IstioGateway", "metadata": {"name": "ingressgateway", **metadata}, "spec": spec}
        return kind(service_mesh_id=site.mesh_id, istio_gateway_name=name, body=json.dumps(body))

    create, update = models.CreateASMGatewayRequest, models.UpdateASMGatewayRequest
    spec = {"clusterIds": site.clusters, "ports": [{"name": "http", "port": 80}]}
    assert refused(lambda: site.asm.update_asmgateway(request(update, spec))).code == "ErrorGatewayNotFound"
    site.asm.create_asmgateway(request(create, spec))
    site.addresses()
    assert refused(lambda: site.asm.create_asmgateway(request(create, spec))).code == "ErrorGatewayExists"
    site.asm.update_asmgateway(request(update, {**spec, "replicaCount": 4}))
    wait_for(lambda: site.found(DEPLOYMENT)["spec"].get("replicas") == 4)
    assert refused(lambda: site.asm.create_asmgateway(request(create, spec, "other"))).code == "InvalidParameter"
    elsewhere = request(create, spec, namespace="default")
    assert "istio-system" in refused(lambda: site.asm.create_asmgateway(elsewhere)).message
    junk = models.CreateASMGatewayRequest(service_mesh_id=site.mesh_id, istio_gateway_name="x", body="{")
    assert refused(lambda: site.asm.create_asmgateway(junk)).code == "InvalidParameter"


def test_objects_of_a_full_spec() -> None:
    spec = {
        "clusterIds": ["c1"],
        "overrides": {"c1": {"resources": {"limits": {"cpu": "4"}}}},
        "serviceType": "ClusterIP",
        "resources": {"limits": {"cpu": "1", "memory": "1G"}},
        "ports": [{"name": "http", "port": 80}],
        "env": {"A": 1},
        "runAsRoot": True,
        "secretVolumes": [{"name": "tls", "secretName": "certs", "mountPath": "/etc/tls"}],
        "podLabels": {"team": "edge"},
        "hostNetwork": True,
    }
    made = {one["kind"]: one for one in objects("edge", spec_for_cluster(spec, "c1")).values()}
    assert set(made) == {"ServiceAccount", "Role", "RoleBinding", "Service", "Deployment"}
    assert "externalTrafficPolicy" not in made["Service"]["spec"]
    pod = made["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"] == {"limits": {"cpu": "4", "memory": "1G"}}
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert container["securityContext"]["runAsUser"] == 0
    assert pod["volumes"] == [{"name": "tls", "secret": {"secretName": "certs", "optional": True}}]
    assert (pod["hostNetwork"], pod["serviceAccountName"]) == (True, "istio-edge")
    assert "v2" in str(objects("edge", spec, "v2")) and objects("edge", spec, "v1") != objects("edge", spec, "v2")
    with pytest.raises(GatewayError, match="at least one port"):
        objects("edge", {"ports": []})

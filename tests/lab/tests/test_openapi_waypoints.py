# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waypoints: Gateways of the Gateway API in the control plane, with settings for each cluster."""

from __future__ import annotations

from typing import Any

from alibabacloud_servicemesh20200111 import models
from conftest import refused, wait_state
from test_openapi_gateways import Site, site

__all__ = ["site"]

PATH = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways"


def create(site: Site, number: int = 0, **more: Any) -> None:
    about = {"service_mesh_id": site.mesh_id, "cluster_id": site.clusters[number], "namespace": "shop"}
    site.asm.create_waypoint(models.CreateWaypointRequest(**about, **more))


def listed(site: Site, number: int = 0, **more: Any) -> list[dict[str, Any]]:
    about = {"service_mesh_id": site.mesh_id, "cluster_id": site.clusters[number]}
    reply = site.asm.list_waypoints(models.ListWaypointsRequest(**about, **more)).body.to_map()
    rows: list[dict[str, Any]] = reply.get("Waypoints") or []
    return rows


def test_a_waypoint_is_a_gateway_of_its_class(site: Site) -> None:
    assert refused(lambda: create(site)).code == "ErrorGatewayAPINotEnabled"
    assert listed(site) == []
    request = models.UpdateMeshFeatureRequest(service_mesh_id=site.mesh_id, gateway_apienabled=True)
    site.asm.update_mesh_feature(request)
    wait_state(site.asm, site.mesh_id)
    create(site, replicas=2)
    create(site, 1)
    create(site, service_account="reviews", hpaenabled=True)
    spec = site.api.find(f"{PATH}/namespace")["spec"]
    assert (spec["gatewayClassName"], spec["listeners"][0]["protocol"]) == ("istio-waypoint", "HBONE")
    assert [(one["Name"], one["Replicas"], one["HPAEnabled"]) for one in listed(site)] == [
        ("namespace", "2", "false"),
        ("reviews", "1", "true"),
    ]
    assert [one["Name"] for one in listed(site, name="reviews")] == ["reviews"]
    assert [one["Name"] for one in listed(site, limit=1)] == ["namespace"]
    assert refused(lambda: create(site)).code == "ErrorWaypointExisted"
    about = {"service_mesh_id": site.mesh_id, "cluster_id": site.clusters[0], "namespace": "shop"}
    site.asm.update_waypoint(models.UpdateWaypointRequest(**about, name="namespace", limit_cpu="3"))
    assert (listed(site)[0]["LimitCPU"], listed(site)[0]["Replicas"], listed(site, 1)[0]["LimitCPU"]) == ("3", "2", "2")
    bad = models.UpdateWaypointRequest(**about, name="namespace", limit_cpu="much")
    assert refused(lambda: site.asm.update_waypoint(bad)).code == "InvalidParameter"
    site.asm.delete_waypoint(models.DeleteWaypointRequest(**about, name="namespace"))
    assert site.api.find(f"{PATH}/namespace") is not None
    assert [one["Name"] for one in listed(site)] == ["reviews"]
    gone = models.DeleteWaypointRequest(**about, name="namespace")
    assert refused(lambda: site.asm.delete_waypoint(gone)).code == "ErrorWaypointNotFound"
    about["cluster_id"] = site.clusters[1]
    site.asm.delete_waypoint(models.DeleteWaypointRequest(**about, name="namespace"))
    assert site.api.find(f"{PATH}/namespace") is None

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the data of clusters can be looked at, and what nodes and templates there are. Nobody is at the addresses."""

from __future__ import annotations

from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.asm.versions import istio_minor
from meshlab.openapi.errors import ApiError, invalid_parameter

#: Titles of the dashboards that the product installs.
GRAFANA = ("Cloud ASM Istio Mesh", "Cloud ASM Istio Service", "Cloud ASM Istio Workload")
ACCESS_LOGS = ("Ingress gateway access logs", "Sidecar access logs")

#: Families of instances whose processors have the instructions for several buffers at a time.
_MULTI_BUFFER = ("ecs.g7.", "ecs.c7.", "ecs.r7.")

_TEMPLATES = {
    "VirtualService": "spec:\n  hosts: [reviews]\n  http:\n    - route:\n        - destination: {host: reviews}\n",
    "DestinationRule": "spec:\n  host: reviews\n  subsets:\n    - {name: v1, labels: {version: v1}}\n",
    "Gateway": "spec:\n  selector: {istio: ingressgateway}\n  servers:\n"
    "    - {port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}\n",
    "ServiceEntry": "spec:\n  hosts: [www.example.com]\n  ports: [{number: 80, name: http, protocol: HTTP}]\n",
}


@action("DescribeGuestClusterAccessLogDashboards", "K8sClusterId")
def describe_guest_cluster_access_log_dashboards(call: Call) -> dict[str, Any]:
    """Dashboards of the log service, where the mesh collects access logs."""
    cluster_id = call.get("K8sClusterId")
    mesh = call.world.mesh_of_cluster(cluster_id)
    if mesh is None:
        raise ApiError(404, "ErrorClusterNotFound", f"The cluster {cluster_id} is in no mesh.")
    log = mesh.spec["AccessLog"]
    titles = ACCESS_LOGS if log["Enabled"] else ()
    project = log["Project"] or f"mesh-log-{mesh.mesh_id}"
    rows = [{"Title": one, "Url": _url("sls", f"{project}/{cluster_id}", one)} for one in titles]
    return {"Dashboards": rows, "K8sClusterId": cluster_id}


@action("DescribeClusterPrometheus", "ServiceMeshId", "K8sClusterId")
def describe_cluster_prometheus(call: Call) -> dict[str, Any]:
    """The address of a cluster's Prometheus; empty without telemetry."""
    mesh = _mesh_with(call)
    return {"Prometheus": _url("prometheus", call.get("K8sClusterId")) if mesh.spec["Telemetry"] else ""}


@action("DescribeClusterGrafana", "ServiceMeshId", "K8sClusterId")
def describe_cluster_grafana(call: Call) -> dict[str, Any]:
    """The dashboards of a cluster; addresses by themselves only as the lab's setting says."""
    mesh = _mesh_with(call)
    titles = GRAFANA if mesh.spec["Telemetry"] else ()
    told = call.world.settings["grafana_urls"] == "listed"
    rows = [{"Title": one, "Url": _url("grafana", call.get("K8sClusterId"), one) if told else ""} for one in titles]
    return {"Dashboards": rows}


@action("GetGrafanaDashboardUrl", "ServiceMeshId", "K8sClusterId", "Title")
def get_grafana_dashboard_url(call: Call) -> dict[str, Any]:
    """The address of one dashboard."""
    mesh = _mesh_with(call)
    title = call.get("Title")
    if title not in GRAFANA or not mesh.spec["Telemetry"]:
        raise ApiError(404, "ERR404", f"Not found: there is no dashboard {title}.")
    return {"Dashboards": [{"Title": title, "Url": _url("grafana", call.get("K8sClusterId"), title)}]}


@action("DescribeCrTemplates", "IstioVersion", "Kind")
def describe_cr_templates(call: Call) -> dict[str, Any]:
    """What a resource of a kind looks like."""
    kind = call.get("Kind")
    try:
        istio_minor(call.get("IstioVersion"))
    except ValueError as error:
        raise invalid_parameter("IstioVersion", str(error)) from None
    if kind not in _TEMPLATES:
        raise ApiError(404, "ERR404", f"Not found: there are no templates of the kind {kind}.")
    text = f"apiVersion: networking.istio.io/v1\nkind: {kind}\nmetadata:\n  name: example\n{_TEMPLATES[kind]}"
    return {"Templates": [{"ChineseName": f"{kind} 示例", "EnglishName": f"{kind} example", "Yaml": text}]}


@action("DescribeNodesInstanceType", "ServiceMeshId")
def describe_nodes_instance_type(call: Call) -> dict[str, Any]:
    """The kinds of instances that are nodes of the mesh's clusters."""
    mesh = call.mesh()
    kinds: set[str] = set()
    for cluster_id, attachment in list(mesh.clusters.items()):
        if attachment.state == "running":
            nodes = call.cloud.fleet.cluster(cluster_id).api.list("/api/v1/nodes")
            labels = [one["metadata"].get("labels", {}) for one in nodes]
            kinds |= {one["node.kubernetes.io/instance-type"] for one in labels if one}
    return {
        "InstanceTypes": [
            {
                "Key": "feature.node.kubernetes.io/mb-feature-enable",
                "MultiBufferEnabled": kind.startswith(_MULTI_BUFFER),
                "NodeType": kind,
                "Value": "true",
            }
            for kind in sorted(kinds)
        ]
    }


@action("DescribeCCMVersion", "ServiceMeshId")
def describe_ccm_version(call: Call) -> dict[str, Any]:
    """The cloud controller of each cluster; ACK installs the same one in all that it manages."""
    mesh = call.mesh()
    rows = {}
    for cluster_id in list(mesh.clusters):
        cluster = call.world.clusters.get(cluster_id)
        managed = cluster is not None and cluster.origin == "ack"
        rows[cluster_id] = {
            "ClusterId": cluster_id,
            "Message": "" if managed else "the cluster has no cloud controller manager",
            "QueryState": "" if managed else "failed",
            "SLBGracefulDrainSupported": managed,
            "Version": call.world.settings["ccm_version"] if managed else "",
        }
    return {"CCMVersions": rows}


def _mesh_with(call: Call) -> Mesh:
    """The mesh, which the cluster is in."""
    mesh = call.mesh()
    if call.get("K8sClusterId") not in mesh.clusters:
        raise ApiError(404, "ErrorClusterNotFound", f"The cluster {call.get('K8sClusterId')} is not in the mesh.")
    return mesh


def _url(what: str, *parts: str) -> str:
    path = "/".join(part.lower().replace(" ", "-") for part in parts)
    return f"http://{what}.example.invalid/{path}"

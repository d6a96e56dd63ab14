# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says as JSON what the lab and its API servers hold, without any code of the collection.

Usage: ask.py WORKDIR OPTIONS_FILE. The control planes' kubeconfigs come through the official SDK, the clusters'
from the lab itself, and the API servers are read with the official Kubernetes client.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from alibabacloud_servicemesh20200111.client import Client
from alibabacloud_servicemesh20200111.models import (
    DescribeServiceMeshKubeconfigRequest,
    DescribeServiceMeshUpgradeStatusRequest,
)
from alibabacloud_tea_openapi.models import Config
from kubernetes import client, config
from meshlab.control import Control

ISTIO = "networking.istio.io"
ISTIO_PLURALS = ("gateways", "virtualservices", "destinationrules", "serviceentries")


def main(workdir: str, options_file: str) -> None:
    lab = Control(workdir)
    options = yaml.safe_load(Path(options_file).read_text(encoding="utf-8"))["lab_options"]
    status = lab.status()
    meshes = [mesh for mesh in status["meshes"] if mesh["region_id"] == options["region"]]
    clusters = [cluster for cluster in status["clusters"] if cluster["servers"]]
    print(
        json.dumps(
            {
                "meshes": {mesh["name"]: {**mesh, **control_plane(options, mesh["id"])} for mesh in meshes},
                "clusters": {cluster["name"]: {**cluster, **data_plane(lab, cluster["id"])} for cluster in clusters},
                "billed": [row for row in lab.resources() if row["type"] in ("load_balancer", "eip")],
            }
        )
    )


def control_plane(options: dict[str, str], mesh_id: str) -> dict[str, Any]:
    """Namespaces with their labels, Istio resources by kind, and gateways with their addresses and versions."""
    scheme, host = options["asm_endpoint"].split("://")
    credentials = {key: options[key] for key in ("access_key_id", "access_key_secret")}
    sdk = Client(Config(endpoint=host, protocol=scheme, region_id=options["region"], **credentials))
    request = DescribeServiceMeshKubeconfigRequest(service_mesh_id=mesh_id, private_ip_address=True)
    with connect(sdk.describe_service_mesh_kubeconfig(request).body.kubeconfig) as api:
        custom = client.CustomObjectsApi(api)
        found = {
            plural: names(custom.list_cluster_custom_object(ISTIO, "v1", plural)["items"]) for plural in ISTIO_PLURALS
        }
        gateways = custom.list_cluster_custom_object("istio.alibabacloud.com", "v1beta1", "istiogateways")["items"]
        addresses = {
            gateway["metadata"]["name"]: [
                one["ipAddress"] for one in gateway.get("status", {}).get("ClusterIdGatewayAddressMap", [])
            ]
            for gateway in gateways
        }
        spaces = {item.metadata.name: item.metadata.labels for item in client.CoreV1Api(api).list_namespace().items}
    detail = sdk.describe_service_mesh_upgrade_status(DescribeServiceMeshUpgradeStatusRequest(service_mesh_id=mesh_id))
    versions = {name: one.version for name, one in detail.body.upgrade_detail.gateway_status_record.items()}
    return {"istio": found, "gateways": addresses, "gateway_versions": versions, "namespaces": spaces}


def data_plane(lab: Control, cluster_id: str) -> dict[str, Any]:
    """Deployments with their available replicas, pods with their containers, services with their addresses."""
    with connect(lab.kubeconfig(cluster_id)) as api:
        core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
        deployments = apps.list_deployment_for_all_namespaces().items
        pods = core.list_pod_for_all_namespaces().items
        services = core.list_service_for_all_namespaces().items
        spaces = {item.metadata.name: item.metadata.labels for item in core.list_namespace().items}
    return {
        "deployments": {full_name(item): item.status.available_replicas or 0 for item in deployments},
        "pods": {
            full_name(pod): [one.name for one in [*(pod.spec.init_containers or []), *pod.spec.containers]]
            for pod in pods
            if not pod.metadata.deletion_timestamp
        },
        "load_balancers": {
            full_name(service): [one.ip or one.hostname for one in service.status.load_balancer.ingress or []]
            for service in services
            if service.spec.type == "LoadBalancer"
        },
        "namespaces": spaces,
    }


def connect(kubeconfig: str) -> client.ApiClient:
    api: client.ApiClient = config.new_client_from_config_dict(yaml.safe_load(kubeconfig))
    return api


def names(items: list[dict[str, Any]]) -> list[str]:
    return sorted(f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in items)


def full_name(item: Any) -> str:
    return f"{item.metadata.namespace}/{item.metadata.name}"


if __name__ == "__main__":
    main(*sys.argv[1:])

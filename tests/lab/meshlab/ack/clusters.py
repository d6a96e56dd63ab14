# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of ACK: list, detail, kubeconfigs, resources."""

from __future__ import annotations

import json
from datetime import timezone
from typing import Any

from meshlab.account import Cluster
from meshlab.ack.routes import AckCall, route
from meshlab.openapi.errors import ApiError

#: States in which a cluster's API server answers.
_REACHABLE = frozenset({"running", "updating", "upgrading", "scaling", "removing"})


@route("DescribeClustersV1", "GET", "/api/v1/clusters")
def describe_clusters(call: AckCall) -> dict[str, Any]:
    """One page of the clusters that match; the name is matched as a part."""
    filters = call.parameters
    number, size = filters.get("page_number", 1), filters.get("page_size", 10)
    if number < 1 or not 1 <= size <= 100:
        raise ApiError(400, "InvalidParameter", "page_number is at least 1, page_size from 1 to 100")
    found = [one for one in list(call.world.clusters.values()) if one.origin == "ack" and _matches(one, filters)]
    page = found[(number - 1) * size : number * size]
    return {
        "clusters": [_cluster(call, one) for one in page],
        "page_info": {"page_number": number, "page_size": size, "total_count": len(found)},
    }


@route("DescribeClusterDetail", "GET", "/clusters/{cluster_id}")
def describe_cluster_detail(call: AckCall) -> dict[str, Any]:
    """One cluster."""
    return _cluster(call, call.cluster())


@route("DescribeClusterUserKubeconfig", "GET", "/k8s/{cluster_id}/user_config")
def describe_cluster_user_kubeconfig(call: AckCall) -> dict[str, Any]:
    """The caller's kubeconfig; with TemporaryDurationMinutes one that ends soon."""
    cluster = _reachable(call)
    minutes = call.parameters.get("TemporaryDurationMinutes")
    if minutes is not None and not 15 <= minutes <= 4320:
        raise ApiError(400, "InvalidParameter", "TemporaryDurationMinutes is from 15 to 4320")
    private = call.parameters.get("PrivateIpAddress", False)
    kubeconfig = call.cloud.access.cluster_kubeconfig(cluster, call.user, private=private, minutes=minutes)
    expires = kubeconfig.expires.astimezone(timezone.utc)
    return {"config": kubeconfig.text, "expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}


@route("DescribeClusterV2UserKubeconfig", "GET", "/api/v2/k8s/{cluster_id}/user_config")
def describe_cluster_v2_user_kubeconfig(call: AckCall) -> dict[str, Any]:
    """The caller's kubeconfig."""
    private = call.parameters.get("PrivateIpAddress", False)
    return {"config": call.cloud.access.cluster_kubeconfig(_reachable(call), call.user, private=private).text}


@route("RevokeK8sClusterKubeConfig", "DELETE", "/k8s/{cluster_id}/certs", write=True)
def revoke_kubeconfig(call: AckCall) -> dict[str, Any]:
    """The caller's kubeconfigs lose their rights."""
    cluster = _reachable(call)
    if call.user.uid in cluster.serials:
        call.cloud.access.revoke_cluster(cluster, call.user)
    return {}


@route("ListClusterKubeconfigStates", "GET", "/clusters/{cluster_id}/kubeconfig/states")
def list_kubeconfig_states(call: AckCall) -> dict[str, Any]:
    """Who has a kubeconfig of the cluster."""
    cluster = call.cluster()
    states = [
        {
            "account_id": uid,
            "account_name": call.world.users[uid].name,
            "account_type": "RootAccount" if call.world.users[uid].kind == "main" else "RamUser",
            "account_state": "Active",
            "cert_state": "Unexpired",
            "revokable": True,
        }
        for uid in list(cluster.serials)
    ]
    return {"page": {"page_number": 1, "page_size": len(states), "total_count": len(states)}, "states": states}


@route("DescribeClusterResources", "GET", "/clusters/{cluster_id}/resources")
def describe_cluster_resources(call: AckCall) -> list[dict[str, Any]]:
    """What the cloud holds for the cluster: its VPC, security group, load balancers and public address."""
    cluster = call.cluster()
    owner = f"cluster/{cluster.cluster_id}"
    rows = [
        _resource(cluster, "ALIYUN::ECS::VPC", cluster.vpc_id, made=False),
        _resource(cluster, "ALIYUN::ECS::SecurityGroup", cluster.security_group_id, made=True),
    ]
    for eip in list(call.world.eips.values()):
        if eip.bound_to == owner:
            rows.append(_resource(cluster, "ALIYUN::VPC::EIP", eip.allocation_id, made=eip.made_for == owner))
    prefix = f"service/{cluster.cluster_id}/"
    for balancer in list(call.world.load_balancers.values()):
        if any(user.startswith(prefix) for user in balancer.used_by):
            made = balancer.made_for.startswith(prefix)
            rows.append(_resource(cluster, "ALIYUN::SLB::LoadBalancer", balancer.load_balancer_id, made=made))
    return rows


def _matches(cluster: Cluster, filters: dict[str, Any]) -> bool:
    if filters.get("name") and filters["name"] not in cluster.name:
        return False
    return all(
        not filters.get(name) or getattr(cluster, name) == filters[name]
        for name in ("cluster_id", "cluster_type", "cluster_spec", "profile", "region_id")
    )


def _cluster(call: AckCall, cluster: Cluster) -> dict[str, Any]:
    public = call.cloud.access.cluster_public_address(cluster)
    private = call.cloud.addresses.plane(cluster.cluster_id)
    endpoints = {"intranet_api_server_endpoint": f"https://{private}:6443"}
    if public:
        endpoints["api_server_endpoint"] = f"https://{public}:6443"
    return {
        "cluster_domain": cluster.cluster_domain,
        "cluster_id": cluster.cluster_id,
        "cluster_spec": cluster.cluster_spec,
        "cluster_type": cluster.cluster_type,
        "container_cidr": cluster.pod_cidr,
        "created": cluster.created,
        "current_version": cluster.version,
        "deletion_protection": False,
        "external_loadbalancer_id": "",
        "init_version": cluster.version,
        "ip_stack": "ipv4",
        "master_url": json.dumps(endpoints),
        "meta_data": "{}",
        "name": cluster.name,
        "network_mode": "vpc",
        "next_version": "",
        "private_zone": False,
        "profile": cluster.profile,
        "proxy_mode": "ipvs",
        "region_id": cluster.region_id,
        "resource_group_id": "rg-lab",
        "security_group_id": cluster.security_group_id,
        "service_cidr": cluster.service_cidr,
        "size": 1,
        "state": cluster.state,
        "subnet_cidr": cluster.pod_cidr,
        "tags": [{"key": key, "value": value} for key, value in cluster.tags.items()],
        "updated": cluster.updated,
        "vpc_id": cluster.vpc_id,
        "vswitch_id": ",".join(cluster.vswitch_ids),
        "vswitch_ids": list(cluster.vswitch_ids),
        "zone_id": cluster.zone_id,
    }


def _reachable(call: AckCall) -> Cluster:
    cluster = call.cluster()
    if cluster.state not in _REACHABLE:
        raise ApiError(400, "ErrorClusterState", f"cluster ({cluster.cluster_id}) is {cluster.state}")
    return cluster


def _resource(cluster: Cluster, kind: str, key: str, *, made: bool) -> dict[str, Any]:
    return {
        "cluster_id": cluster.cluster_id,
        "created": cluster.created,
        "instance_id": key,
        "resource_info": "",
        "resource_type": kind,
        "state": "CREATE_COMPLETE",
        "auto_create": 1 if made else 0,
    }

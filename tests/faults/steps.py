# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main flow and its way back as single tasks, which can be done and undone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MESH, NAMESPACE = "faults", "shop"
CLUSTERS = ["shop-1", "shop-2"]

Json = dict[str, Any]

_ROUTE: list[Json] = [
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "reviews", "namespace": NAMESPACE},
        "spec": {"hosts": ["reviews"], "http": [{"route": [{"destination": {"host": "reviews", "subset": "v1"}}]}]},
    },
    {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "reviews", "namespace": NAMESPACE},
        "spec": {"host": "reviews", "subsets": [{"name": "v1", "labels": {"version": "v1"}}]},
    },
]
_WORKLOAD: list[Json] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": NAMESPACE}, "data": {"a": "b"}},
]


@dataclass(frozen=True)
class Step:
    """One task: ``done`` are its options, ``undone`` those that take it back, ``changed`` others that differ."""

    name: str
    module: str
    done: Json
    undone: Json
    changed: Json = field(default_factory=dict)


#: In the order of the playbook site; remove goes backwards.
FLOW = (
    Step(
        "mesh",
        "asm_mesh",
        {
            "name": MESH,
            "vpc_id": "vpc-lab-shop",
            "vswitch_ids": ["vsw-lab-shop-h"],
            "api_server_public_eip": True,
            "outbound_traffic_policy": "REGISTRY_ONLY",
            "tags": {"team": "shop"},
        },
        {"name": MESH, "state": "absent"},
    ),
    Step(
        "clusters",
        "asm_cluster",
        {"mesh": MESH, "clusters": [{"name": name} for name in CLUSTERS]},
        {"mesh": MESH, "clusters": [], "purge": True},
    ),
    Step(
        "gateway",
        "asm_gateway",
        {
            "mesh": MESH,
            "name": "ingressgateway",
            "clusters": CLUSTERS,
            "ports": [{"name": "http", "port": 80, "target_port": 8080}],
        },
        {"mesh": MESH, "name": "ingressgateway", "state": "absent"},
    ),
    Step(
        "namespace",
        "asm_namespace",
        {"mesh": MESH, "name": NAMESPACE, "injection": "enabled"},
        {"mesh": MESH, "name": NAMESPACE, "state": "absent"},
    ),
    Step(
        "resources",
        "istio_resource",
        {"mesh": MESH, "definition": _ROUTE, "set": "shop"},
        {"mesh": MESH, "definition": _ROUTE, "state": "absent"},
    ),
    Step(
        "workload",
        "asm_workload",
        {"clusters": CLUSTERS, "definition": _WORKLOAD},
        {"clusters": CLUSTERS, "definition": _WORKLOAD, "state": "absent"},
    ),
)

#: What only reads, with all of the flow in place.
READS: tuple[tuple[str, Json], ...] = (
    ("asm_mesh_info", {"name": MESH}),
    ("asm_cluster_info", {"mesh": MESH}),
    ("asm_gateway_info", {"mesh": MESH}),
    ("istio_resource_info", {"mesh": MESH}),
    ("asm_kubeconfig", {"mesh": MESH}),
    (
        "asm_preflight",
        {
            "mesh": {"name": MESH, "vpc_id": "vpc-lab-shop", "vswitch_ids": ["vsw-lab-shop-h"]},
            "clusters": [{"name": name} for name in CLUSTERS],
        },
    ),
    (
        "asm_verify",
        {"mesh": MESH, "clusters": CLUSTERS, "gateways": [{"name": "ingressgateway", "clusters": CLUSTERS}]},
    ),
)

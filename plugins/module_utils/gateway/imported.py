# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that a gateway imports.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud

Json = dict[str, Any]


def names(cloud: Cloud, mesh_id: str, gateway: str, namespace: str) -> list[str]:
    """The sorted names of those of one namespace (action DescribeASMGatewayImportedServices)."""
    reply = cloud.asm(
        "DescribeASMGatewayImportedServices", ServiceMeshId=mesh_id, ASMGatewayName=gateway, ServiceNamespace=namespace
    )
    rows = reply.get("ImportedServices") or []
    return sorted({row["ServiceName"] for row in rows if row.get("ServiceNamespace") in (None, "", namespace)})


def details(cloud: Cloud, mesh_id: str, gateway: str, namespace: str | None, clusters: dict[str, str]) -> list[Json]:
    """All of them, or those of one namespace, with what the clusters have of them.

    From the actions DescribeASMGatewayImportedServices and DescribeImportedServicesDetail; ``clusters`` are names by
    id.
    """
    asked = {"ServiceMeshId": mesh_id, "ASMGatewayName": gateway, "ServiceNamespace": namespace}
    rows = cloud.asm("DescribeASMGatewayImportedServices", **asked).get("ImportedServices") or []
    seen = cloud.asm("DescribeImportedServicesDetail", **asked).get("Details") or []
    known = {(one.get("Namespace"), one["ServiceName"]): one for one in seen}
    places = sorted({(row.get("ServiceNamespace") or namespace or "", row["ServiceName"]) for row in rows})
    return [_view(*place, known.get(place) or {}, clusters) for place in places]


def _view(namespace: str, name: str, detail: Json, clusters: dict[str, str]) -> Json:
    ports = [
        {"name": one.get("Name") or "", "port": one.get("Port") or 0, "protocol": one.get("Protocol") or ""}
        for one in detail.get("Ports") or []
    ]
    return {
        "namespace": namespace,
        "name": name,
        "type": detail.get("ServiceType") or "",
        "clusters": sorted(clusters.get(one, one) for one in detail.get("ClusterIds") or []),
        "labels": detail.get("Labels") or {},
        "ports": ports,
    }

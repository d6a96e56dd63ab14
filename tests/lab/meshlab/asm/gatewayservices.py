# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that gateways import: kept and shown, and looked up in the clusters; without effect on proxies."""

from __future__ import annotations

from typing import Any

from meshlab.asm.actions import Call, action
from meshlab.asm.gateways import gateway_of
from meshlab.kubeapi import Object

Json = dict[str, Any]


@action("UpdateASMGatewayImportedServices", "ServiceMeshId", "ASMGatewayName", "ServiceNamespace", write=True)
def update_asm_gateway_imported_services(call: Call) -> Json:
    """Set the names for one namespace; none of them takes all away."""
    gateway_of(call, "ASMGatewayName")
    call.settled_mesh()
    names = [one.strip() for one in call.get("ServiceNames", "").split(",") if one.strip()]
    with call.world.lock:
        _imported(call)[call.get("ServiceNamespace")] = sorted(set(names))
        call.world.save()
    return {}


@action("DescribeASMGatewayImportedServices", "ServiceMeshId", "ASMGatewayName")
def describe_asm_gateway_imported_services(call: Call) -> Json:
    """The imported services of one namespace, or of all."""
    gateway_of(call, "ASMGatewayName")
    return {"ImportedServices": [{"ServiceName": name, "ServiceNamespace": space} for space, name in _chosen(call)]}


@action("DescribeImportedServicesDetail", "ServiceMeshId", "ASMGatewayName")
def describe_imported_services_detail(call: Call) -> Json:
    """What the clusters have of the imported services; one that no cluster has is left out."""
    gateway_of(call, "ASMGatewayName")
    details = [_detail(call, space, name) for space, name in _chosen(call)]
    return {"Details": [one for one in details if one]}


def _imported(call: Call) -> dict[str, list[str]]:
    every = call.mesh().hidden.setdefault("ImportedServices", {})
    found: dict[str, list[str]] = every.setdefault(call.get("ASMGatewayName"), {})
    return found


def _chosen(call: Call) -> list[tuple[str, str]]:
    """(namespace, name) of the imported services that are asked for."""
    wanted = call.get("ServiceNamespace")
    return [
        (space, name) for space, names in sorted(_imported(call).items()) if wanted in (None, space) for name in names
    ]


def _detail(call: Call, namespace: str, name: str) -> Json | None:
    path = f"/api/v1/namespaces/{namespace}/services/{name}"
    apis = {one: call.cloud.fleet.cluster(one).api for one in call.mesh().clusters}
    found: dict[str, Object] = {key: live for key, api in apis.items() if (live := api.find(path))}
    if not found:
        return None
    first = next(iter(found.values()))
    return {
        "ClusterIds": sorted(found),
        "Labels": first["metadata"].get("labels") or {},
        "Namespace": namespace,
        "Ports": [_port(one) for one in first["spec"].get("ports") or []],
        "ServiceName": name,
        "ServiceType": first["spec"].get("type", "ClusterIP"),
    }


def _port(port: Json) -> Json:
    target = port.get("targetPort", port["port"])
    return {
        "Name": port.get("name", ""),
        "NodePort": port.get("nodePort", 0),
        "Port": port["port"],
        "Protocol": port.get("protocol", "TCP"),
        # A name of a port has no number here.
        "TargetPort": target if isinstance(target, int) else 0,
    }

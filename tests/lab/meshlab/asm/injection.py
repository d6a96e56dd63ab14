# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sidecar injection of control-plane namespaces."""

from __future__ import annotations

from typing import Any

from meshlab.asm.actions import Call, action
from meshlab.kubeapi import KubeApiError
from meshlab.namespacesync import LABELS
from meshlab.openapi.errors import ApiError, invalid_parameter

INJECTION, REVISION, DATA_PLANE_MODE = LABELS

#: Injection by OpenKruise's SidecarSet; the label is the lab's own, as the product's is not known.
SIDECAR_SET = "asm.alibabacloud.com/sidecarset-injection"


@action("UpdateIstioInjectionConfig", "ServiceMeshId", "Namespace", write=True)
def update_istio_injection_config(call: Call) -> dict[str, Any]:
    """Sets the labels that decide about injection on a namespace of the control plane."""
    mesh = call.settled_mesh()
    namespace = call.get("Namespace")
    labels = _labels(call, ambient=mesh.hidden.get("EnableAmbient", False))
    try:
        call.cloud.fleet.mesh(mesh.mesh_id).api.patch(
            f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": labels}}
        )
    except KubeApiError as error:
        if error.status != 404:
            raise
        raise ApiError(
            404, "ErrorNamespaceNotFound", f"The namespace {namespace} does not exist in the control plane."
        ) from None
    return {}


@action("UpdateASMNamespaceFromGuestCluster", "ServiceMeshId", "K8sClusterId", write=True)
def update_asm_namespace_from_guest_cluster(call: Call) -> dict[str, Any]:
    """Copy the namespaces of an attached cluster, with their injection labels, to the control plane."""
    mesh = call.settled_mesh()
    cluster_id = call.get("K8sClusterId")
    if cluster_id not in mesh.clusters:
        raise ApiError(404, "ErrorClusterNotFound", f"The cluster {cluster_id} is not in the mesh.")
    api = call.cloud.fleet.mesh(mesh.mesh_id).api
    for namespace in call.cloud.fleet.cluster(cluster_id).api.list("/api/v1/namespaces"):
        name = namespace["metadata"]["name"]
        if name == "istio-system" or name.startswith("kube-"):
            continue
        labels = namespace["metadata"].get("labels", {})
        kept = {key: labels[key] for key in LABELS if key in labels}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": kept}}
        api.apply(f"/api/v1/namespaces/{name}", body)
    return {}


def _labels(call: Call, *, ambient: bool) -> dict[str, str | None]:
    labels: dict[str, str | None] = {}
    injection, revision = call.get("EnableIstioInjection"), call.get("IstioRev")
    sidecar_set, mode = call.get("EnableSidecarSetInjection"), call.get("DataPlaneMode")
    if revision and (injection is not None or sidecar_set is not None):
        raise invalid_parameter("IstioRev", "it excludes EnableIstioInjection and EnableSidecarSetInjection")
    if revision:
        labels |= {REVISION: revision, INJECTION: None}
    if injection is not None:
        labels |= {INJECTION: "enabled" if injection else "disabled", REVISION: None}
    if sidecar_set is not None:
        labels[SIDECAR_SET] = "enabled" if sidecar_set else None
    if mode is not None:
        if mode not in ("ambient", "sidecar"):
            raise invalid_parameter("DataPlaneMode", f"{mode!r} is not one of ambient, sidecar")
        if not ambient:
            raise invalid_parameter("DataPlaneMode", "the mesh was created without EnableAmbient")
        labels[DATA_PLANE_MODE] = "ambient" if mode == "ambient" else None
    return labels

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateways through the API: thin, they only write the IstioGateway object that the caller made."""

from __future__ import annotations

from typing import Any

import yaml

from meshlab.asm.actions import Call, action
from meshlab.kubeapi import KubeApiError
from meshlab.openapi.errors import ApiError, invalid_parameter

GROUP_VERSION = "istio.alibabacloud.com/v1beta1"
PATH = f"/apis/{GROUP_VERSION}/namespaces/istio-system/istiogateways"


@action("CreateASMGateway", "ServiceMeshId", "IstioGatewayName", "Body", write=True)
def create_asm_gateway(call: Call) -> dict[str, Any]:
    """Create the object. Raises ApiError when there is one of this name."""
    api, body = _api(call), _body(call)
    try:
        api.create(PATH, body)
    except KubeApiError as error:
        if error.status == 409:
            raise ApiError(400, "ErrorGatewayExists", f"The gateway {body['metadata']['name']} exists.") from None
        raise invalid_parameter("Body", error.message) from None
    return {}


@action("UpdateASMGateway", "ServiceMeshId", "IstioGatewayName", "Body", write=True)
def update_asm_gateway(call: Call) -> dict[str, Any]:
    """Replace the object's spec, labels and annotations. Raises ApiError when there is none of this name."""
    api, body = _api(call), _body(call)
    path = f"{PATH}/{body['metadata']['name']}"
    current = api.find(path)
    if current is None:
        raise ApiError(404, "ErrorGatewayNotFound", f"The gateway {body['metadata']['name']} does not exist.")
    metadata = {**current["metadata"], **{k: v for k, v in body["metadata"].items() if k in ("labels", "annotations")}}
    try:
        api.replace(path, {**current, "metadata": metadata, "spec": body["spec"]})
    except KubeApiError as error:
        raise invalid_parameter("Body", error.message) from None
    return {}


def gateway_of(call: Call, parameter: str = "IstioGatewayName") -> dict[str, Any]:
    """The object of the gateway that the parameter names. Raises ApiError when there is none."""
    name = call.get(parameter)
    found: dict[str, Any] | None = call.cloud.fleet.mesh(call.mesh().mesh_id).api.find(f"{PATH}/{name}")
    if found is None:
        raise ApiError(404, "ErrorGatewayNotFound", f"The gateway {name} does not exist.")
    return found


def _api(call: Call) -> Any:
    mesh = call.settled_mesh()
    return call.cloud.fleet.mesh(mesh.mesh_id).api


def _body(call: Call) -> dict[str, Any]:
    name = call.get("IstioGatewayName")
    try:
        body = yaml.safe_load(call.get("Body"))
    except yaml.YAMLError as error:
        raise invalid_parameter("Body", f"it is neither JSON nor YAML ({error})") from None
    if not isinstance(body, dict) or not isinstance(body.get("spec"), dict):
        raise invalid_parameter("Body", "it is not an IstioGateway with a spec")
    if body.get("kind", "IstioGateway") != "IstioGateway" or body.get("apiVersion", GROUP_VERSION) != GROUP_VERSION:
        raise invalid_parameter("Body", f"it is not an IstioGateway of {GROUP_VERSION}")
    metadata = {**body.get("metadata", {})}
    if metadata.setdefault("name", name) != name:
        raise invalid_parameter("Body", f"the object's name is not {name}")
    if metadata.setdefault("namespace", "istio-system") != "istio-system":
        raise invalid_parameter("Body", "gateways lie in the namespace istio-system")
    return {"apiVersion": GROUP_VERSION, "kind": "IstioGateway", "metadata": metadata, "spec": body["spec"]}

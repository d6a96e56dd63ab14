# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubeconfigs of meshes."""

from __future__ import annotations

from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.openapi.errors import ApiError


@action("DescribeServiceMeshKubeconfig", "ServiceMeshId")
def describe_service_mesh_kubeconfig(call: Call) -> dict[str, Any]:
    """The caller's kubeconfig, for the private address or (default) the public one."""
    kubeconfig = call.cloud.access.mesh_kubeconfig(_ready(call), call.user, private=call.get("PrivateIpAddress", False))
    return {"Kubeconfig": kubeconfig.text, "ExpireTime": kubeconfig.expires.strftime("%Y-%m-%d %H:%M:%S")}


@action("RevokeKubeconfig", "ServiceMeshId", write=True, methods=("POST",))
def revoke_kubeconfig(call: Call) -> dict[str, Any]:
    """The old kubeconfig loses its rights; the reply has a fresh one."""
    mesh = _ready(call)
    call.cloud.access.revoke_mesh(mesh, call.user)
    kubeconfig = call.cloud.access.mesh_kubeconfig(mesh, call.user, private=call.get("PrivateIpAddress", False))
    return {"Kubeconfig": kubeconfig.text}


def _ready(call: Call) -> Mesh:
    mesh = call.mesh()
    if mesh.state in ("initial", "deleting", "failed", "create_timeout"):
        raise ApiError(
            400, "InvalidOperation.NotRunning", f"The service mesh {mesh.mesh_id} is {mesh.state}: no API server yet."
        )
    return mesh

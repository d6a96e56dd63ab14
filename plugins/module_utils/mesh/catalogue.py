# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service tells of a mesh besides its settings: certificate, history, nodes, templates of Istio resources.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput

Json = dict[str, Any]


def node_types(cloud: Cloud, mesh_id: str) -> list[Json]:
    """``[{type, multi_buffer_supported, label}]`` (action DescribeNodesInstanceType)."""
    found = cloud.asm("DescribeNodesInstanceType", ServiceMeshId=mesh_id).get("InstanceTypes") or []
    return [
        {
            "type": one.get("NodeType") or "",
            "multi_buffer_supported": bool(one.get("MultiBufferEnabled")),
            "label": {"key": one.get("Key") or "", "value": one.get("Value") or ""},
        }
        for one in found
    ]


def logs(cloud: Cloud, mesh_id: str) -> list[Json]:
    """``[{time, message}]`` of what happened to the mesh, in the order of the service (DescribeServiceMeshLogs)."""
    found = cloud.asm("DescribeServiceMeshLogs", ServiceMeshId=mesh_id).get("Logs") or []
    return [{"time": one.get("CreationTime") or "", "message": one.get("Log") or ""} for one in found]


def ca_cert(cloud: Cloud, mesh_id: str) -> str:
    """The root certificate of the mesh, PEM (action GetCaCert)."""
    return str(cloud.asm("GetCaCert", ServiceMeshId=mesh_id).get("CaCert") or "")


READERS = {"ca_cert": ca_cert, "logs": logs, "node_types": node_types}


def templates(cloud: Cloud, version: str, kinds: list[str]) -> dict[str, list[Json]]:
    """``{kind: [{name, chinese_name, yaml}]}`` (action DescribeCrTemplates).

    A kind without templates raises ``InvalidInput``.
    """
    return {kind: _templates(cloud, version, kind) for kind in dict.fromkeys(kinds)}


def _templates(cloud: Cloud, version: str, kind: str) -> list[Json]:
    try:
        found = cloud.asm("DescribeCrTemplates", IstioVersion=version, Kind=kind).get("Templates") or []
    except AsmError as error:
        if error.http_status != 404:
            raise
        raise InvalidInput(
            f"templates: the service has none of the kind '{kind}' for version {version}. Kinds are written as in "
            "manifests, as in VirtualService.",
            request_id=error.request_id,
            http_status=404,
        ) from error
    return [
        {
            "name": one.get("EnglishName") or "",
            "chinese_name": one.get("ChineseName") or "",
            "yaml": one.get("Yaml") or "",
        }
        for one in found
    ]

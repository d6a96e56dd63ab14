# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far the proxies of a mesh follow its configuration: what istiod itself says of them."""

from __future__ import annotations

from typing import Any

from meshlab.asm.actions import Call, action

#: Field of the reply -> the part as istiod's /debug/syncz calls it.
_PARTS = {
    "ClusterSynced": "cluster",
    "ListenerSynced": "listener",
    "RouteSynced": "route",
    "EndpointSynced": "endpoint",
}


@action("DescribeServiceMeshProxyStatus", "ServiceMeshId")
def describe_service_mesh_proxy_status(call: Call) -> dict[str, Any]:
    """One row for each proxy that is connected with istiod; none where the mesh or its istiod is not there yet."""
    plane = call.cloud.fleet.running_mesh(call.mesh().mesh_id)
    states = plane.proxies() if plane else []
    return {"Code": "200", "Message": "success", "Success": "true", "ProxyStatus": [_row(one) for one in states]}


def _row(state: dict[str, Any]) -> dict[str, Any]:
    parts = {field: _synced(state.get(f"{part}_sent"), state.get(f"{part}_acked")) for field, part in _PARTS.items()}
    return {
        "ProxyId": state.get("proxy", ""),
        "ProxyVersion": state.get("proxy_version") or state.get("istio_version", ""),
        "IstioVersion": state.get("istio_version", ""),
        "EndpointPercent": "1" if parts["EndpointSynced"] == "SYNCED" else "0",
        **parts,
    }


def _synced(sent: str | None, acked: str | None) -> str:
    """As ``istioctl proxy-status`` words the nonces of the last message that was sent and of the last acknowledged."""
    if not sent:
        return "NOT SENT"
    if not acked:
        return "STALE (Never Acknowledged)"
    return "SYNCED" if sent == acked else "STALE"

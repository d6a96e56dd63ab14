# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the features of a mesh are in Istio's own configuration. Those that are not here take no effect in the lab."""

from __future__ import annotations

from typing import Any


def configuration(spec: dict[str, Any], hidden: dict[str, Any]) -> dict[str, Any]:
    """{mesh: fields of MeshConfig, proxy: values of the injection template} for a mesh's record.

    ``spec`` has the shape of MeshConfig in DescribeServiceMeshDetail, ``hidden`` what no reply shows.
    """
    return {"mesh": _mesh(spec), "proxy": _proxy(spec, hidden)}


def _proxy(spec: dict[str, Any], hidden: dict[str, Any]) -> dict[str, Any]:
    """What is led through a pod's proxy; annotations of the pod come first. Names as in Istio's Helm chart."""
    return {
        "includeIPRanges": spec.get("IncludeIPRanges") or "*",
        "excludeIPRanges": spec.get("ExcludeIPRanges") or "",
        "excludeInboundPorts": spec.get("ExcludeInboundPorts") or "",
        "excludeOutboundPorts": spec.get("ExcludeOutboundPorts") or "",
        "includeInboundPorts": hidden.get("IncludeInboundPorts") or "*",
        "includeOutboundPorts": hidden.get("IncludeOutboundPorts") or "",
    }


def _mesh(spec: dict[str, Any]) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "outboundTrafficPolicy": {"mode": spec.get("OutboundTrafficPolicy") or "ALLOW_ANY"},
        "localityLbSetting": _locality(spec.get("LocalityLB") or {}),
    }
    proxy = spec.get("Proxy") or {}
    if (spec.get("AccessLog") or {}).get("Enabled") or proxy.get("AccessLogFile"):
        configuration["accessLogFile"] = proxy.get("AccessLogFile") or "/dev/stdout"
        if proxy.get("AccessLogFormat"):
            configuration["accessLogFormat"] = proxy["AccessLogFormat"]
    return configuration


def _locality(chosen: dict[str, Any]) -> dict[str, Any]:
    """Locality load balancing; of ``distribute`` and ``failover`` Istio takes one only."""
    setting: dict[str, Any] = {"enabled": bool(chosen.get("Enabled"))}
    if not setting["enabled"]:
        return setting
    if chosen.get("Distribute"):
        setting["distribute"] = [{"from": source, "to": to} for source, to in chosen["Distribute"].items()]
    elif chosen.get("Failover"):
        setting["failover"] = [{"from": source, "to": to} for source, to in chosen["Failover"].items()]
    if chosen.get("FailoverPriority"):
        setting["failoverPriority"] = list(chosen["FailoverPriority"].values())
    return setting

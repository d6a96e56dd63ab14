# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the features of a mesh are in Istio's own configuration. Those that are not here take no effect in the lab."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from meshlab import sidecar

#: Type of an extension provider -> its field of Istio's.
EXTENSION_TYPES = {"httpextauth": "envoyExtAuthzHttp", "grpcextauth": "envoyExtAuthzGrpc"}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


#: What Istio's providers of external authorization have, and of which shape it must be. The rest of a provider's
#: configuration is the product's own (oidc: a proxy that it deploys).
_EXTENSION_FIELDS: dict[str, Callable[[Any], bool]] = {
    "service": lambda value: isinstance(value, str) and bool(re.fullmatch(r"([a-z0-9-]+/)?[a-z0-9.-]+", value)),
    "port": lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536,
    "timeout": lambda value: isinstance(value, str) and bool(re.fullmatch(r"\d+(\.\d+)?(ms|s|m|h)", value)),
    "failOpen": lambda value: isinstance(value, bool),
    "clearRouteCache": lambda value: isinstance(value, bool),
    "statusOnError": lambda value: isinstance(value, str) and value.isdigit(),
    "pathPrefix": lambda value: isinstance(value, str) and value.startswith("/"),
    "includeRequestHeadersInCheck": _texts,
    "headersToUpstreamOnAllow": _texts,
    "headersToDownstreamOnAllow": _texts,
    "headersToDownstreamOnDeny": _texts,
}

#: Of these, what only HTTP has.
_ONLY_HTTP = (
    "pathPrefix",
    "includeRequestHeadersInCheck",
    "headersToUpstreamOnAllow",
    "headersToDownstreamOnAllow",
    "headersToDownstreamOnDeny",
)


def extension_problem(config: Any) -> str:
    """What is wrong with the configuration of an extension provider; empty when istiod will take it."""
    if not isinstance(config, dict):
        return "it is not a JSON object"
    for name in ("service", "port"):
        if name not in config:
            return f"{name} is missing"
    for name, value in config.items():
        if name in _EXTENSION_FIELDS and not _EXTENSION_FIELDS[name](value):
            return f"{name} has the value {value!r}"
    return ""


def configuration(
    spec: dict[str, Any], hidden: dict[str, Any], sidecars: dict[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    """{mesh: fields of MeshConfig, proxy, sidecar, sidecars: values of the injection template, gateway_api: bool}.

    ``spec`` has the shape of MeshConfig in DescribeServiceMeshDetail, ``hidden`` what no reply shows, ``sidecars`` are
    ConfigPatches by namespace. ``sidecar`` is for the pods of namespaces that are not in ``sidecars``.
    """
    providers = [_provider(one) for one in hidden.get("ExtensionProviders", [])]
    mesh = _mesh(spec) | ({"extensionProviders": providers} if providers else {})
    gateway_api = bool((spec.get("K8sNewAPIsSupport") or {}).get("GatewayAPIEnabled"))
    everywhere = sidecar.of_mesh(spec, hidden)
    return {
        "mesh": mesh,
        "proxy": _proxy(spec, hidden),
        "sidecar": everywhere,
        "sidecars": {name: everywhere | sidecar.of_namespace(one) for name, one in (sidecars or {}).items()},
        "gateway_api": gateway_api,
    }


def _provider(given: dict[str, str]) -> dict[str, Any]:
    """{Name, Type, Config} -> an entry of Istio's extensionProviders."""
    skipped = () if given["Type"] == "httpextauth" else _ONLY_HTTP
    config = json.loads(given["Config"])
    wanted = {name: config[name] for name in _EXTENSION_FIELDS if name in config and name not in skipped}
    return {"name": given["Name"], EXTENSION_TYPES[given["Type"]]: wanted}


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
    selectors = (spec.get("ExtraConfiguration") or {}).get("DiscoverySelectors")
    if selectors:
        configuration["discoverySelectors"] = selectors
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

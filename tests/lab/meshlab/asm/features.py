# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters of a mesh: where CreateServiceMesh and UpdateMeshFeature put each, and what values they take.

A row a parameter: its name, where DescribeServiceMeshDetail shows it (below Spec.MeshConfig; "-" for nowhere), what
it is until it is set, and how its value is checked. Types come from the SDK's models.
"""

from __future__ import annotations

import copy
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meshlab.openapi.errors import invalid_parameter

HIDDEN = "-"

CLUSTER_SPECS = ("standard", "enterprise", "ultimate")
LOAD_BALANCER_SPECS = (
    "slb.s1.small",
    "slb.s2.small",
    "slb.s2.medium",
    "slb.s3.small",
    "slb.s3.medium",
    "slb.s3.large",
)

_QUANTITY = re.compile(r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")
_DURATION = re.compile(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$|^[0-9]+$")

Check = Callable[[Any], str]


def one_of(*values: str) -> Check:
    """The value is one of a few."""
    return lambda value: "" if value in values else f"{value!r} is not one of {', '.join(values)}"


def quantity(value: Any) -> str:
    """CPU or memory, as Kubernetes writes them."""
    return "" if _QUANTITY.match(value) else f"{value!r} is not a Kubernetes quantity"


def duration(value: Any) -> str:
    """A duration such as 5s."""
    return "" if _DURATION.match(value) else f"{value!r} is not a duration such as 5s"


def ip_ranges(value: Any) -> str:
    """CIDR blocks, separated by commas, or *."""
    for part in filter(None, (one.strip() for one in value.split(","))):
        if part != "*":
            try:
                ipaddress.ip_network(part, strict=False)
            except ValueError:
                return f"{part!r} is not a CIDR block"
    return ""


def ports(value: Any) -> str:
    """Port numbers, separated by commas, or *."""
    for part in filter(None, (one.strip() for one in value.split(","))):
        if part != "*" and not (part.isdigit() and 0 < int(part) < 65536):
            return f"{part!r} is not a port number"
    return ""


def percentage(value: Any) -> str:
    """A number from 0 to 100."""
    return "" if 0 <= value <= 100 else f"{value} is not between 0 and 100"


def json_object(value: Any) -> str:
    """The text of a JSON object."""
    return _json(value, dict, "object")


def json_array(value: Any) -> str:
    """The text of a JSON array."""
    return _json(value, list, "array")


def _json(value: str, kind: type, name: str) -> str:
    try:
        parsed = json.loads(value)
    except ValueError as error:
        return f"it is not JSON ({error})"
    return "" if isinstance(parsed, kind) else f"it is not a JSON {name}"


@dataclass(frozen=True)
class Feature:
    """One parameter. ``path`` below MeshConfig; ``initial`` None leaves the place out until it is set."""

    name: str
    path: str
    initial: Any = None
    check: Check | None = None
    parse_json: bool = False


_ROWS: tuple[tuple[Any, ...], ...] = (
    # name, path, initial value, check
    ("AccessLogEnabled", "AccessLog.Enabled", False),
    ("AccessLogProject", "AccessLog.Project", ""),
    ("AccessLogFile", "Proxy.AccessLogFile", ""),
    ("AccessLogFormat", "Proxy.AccessLogFormat", ""),
    ("AccessLogServiceEnabled", "Proxy.AccessLogServiceEnabled", False),
    ("AccessLogServiceHost", "Proxy.AccessLogServiceHost", ""),
    ("AccessLogServicePort", "Proxy.AccessLogServicePort", 0),
    ("AccessLogGatewayEnabled", "ExtraConfiguration.AccessLogExtraConf.GatewayEnabled", False),
    ("AccessLogGatewayLifecycle", "ExtraConfiguration.AccessLogExtraConf.GatewayLifecycle", 30),
    ("AccessLogSidecarEnabled", "ExtraConfiguration.AccessLogExtraConf.SidecarEnabled", False),
    ("AccessLogSidecarLifecycle", "ExtraConfiguration.AccessLogExtraConf.SidecarLifecycle", 30),
    ("EnableAudit", "Audit.Enabled", False),
    ("AuditProject", "Audit.Project", ""),
    ("ControlPlaneLogEnabled", "ControlPlaneLogInfo.Enabled", False),
    ("ControlPlaneLogProject", "ControlPlaneLogInfo.Project", ""),
    ("ControlPlaneLogTTLInDay", "ControlPlaneLogInfo.LogTTL", 30),
    ("CustomizedZipkin", "CustomizedZipkin", False),
    ("Telemetry", "Telemetry", False),
    ("Tracing", "Tracing", False),
    ("TraceSampling", "Pilot.TraceSampling", 1.0, percentage),
    ("Http10Enabled", "Pilot.Http10Enabled", False),
    ("ConfigSourceEnabled", "Pilot.ConfigSource.Enabled", False),
    ("ConfigSourceNacosID", "Pilot.ConfigSource.NacosID", ""),
    ("EnableSDSServer", "Pilot.Feature.EnableSDSServer", False),
    ("FilterGatewayClusterConfig", "Pilot.Feature.FilterGatewayClusterConfig", False),
    ("CustomizedPrometheus", "Prometheus.UseExternal", False),
    ("PrometheusUrl", "Prometheus.ExternalUrl", ""),
    ("KialiEnabled", "Kiali.Enabled", False),
    ("LocalityLoadBalancing", "LocalityLB.Enabled", False),
    ("MSEEnabled", "MSE.Enabled", False),
    ("OpaEnabled", "OPA.Enabled", False),
    ("OPALogLevel", "OPA.LogLevel", "info", one_of("info", "debug", "error")),
    ("OPALimitCPU", "OPA.LimitCPU", "2", quantity),
    ("OPALimitMemory", "OPA.LimitMemory", "1024Mi", quantity),
    ("OPARequestCPU", "OPA.RequestCPU", "1", quantity),
    ("OPARequestMemory", "OPA.RequestMemory", "512Mi", quantity),
    ("OPAScopeInjected", "ExtraConfiguration.OPAScopeInjection.OPAScopeInjected", False),
    ("OutboundTrafficPolicy", "OutboundTrafficPolicy", "ALLOW_ANY", one_of("ALLOW_ANY", "REGISTRY_ONLY")),
    ("IncludeIPRanges", "IncludeIPRanges", "*", ip_ranges),
    ("ExcludeIPRanges", "ExcludeIPRanges", "", ip_ranges),
    ("ExcludeInboundPorts", "ExcludeInboundPorts", "", ports),
    ("ExcludeOutboundPorts", "ExcludeOutboundPorts", "", ports),
    ("ClusterDomain", "Proxy.ClusterDomain", "cluster.local"),
    ("DNSProxyingEnabled", "Proxy.EnableDNSProxying", False),
    ("ProxyLimitCPU", "Proxy.LimitCPU", "2000m", quantity),
    ("ProxyLimitMemory", "Proxy.LimitMemory", "1024Mi", quantity),
    ("ProxyRequestCPU", "Proxy.RequestCPU", "100m", quantity),
    ("ProxyRequestMemory", "Proxy.RequestMemory", "128Mi", quantity),
    ("ProxyInitCPUResourceLimit", "ExtraConfiguration.SidecarProxyInitResourceLimit.ResourceCPULimit", None, quantity),
    (
        "ProxyInitMemoryResourceLimit",
        "ExtraConfiguration.SidecarProxyInitResourceLimit.ResourceMemoryLimit",
        None,
        quantity,
    ),
    (
        "ProxyInitCPUResourceRequest",
        "ExtraConfiguration.SidecarProxyInitResourceRequest.ResourceCPURequest",
        None,
        quantity,
    ),
    (
        "ProxyInitMemoryResourceRequest",
        "ExtraConfiguration.SidecarProxyInitResourceRequest.ResourceMemoryRequest",
        None,
        quantity,
    ),
    ("DubboFilterEnabled", "ProtocolSupport.DubboFilterEnabled", False),
    ("MysqlFilterEnabled", "ProtocolSupport.MysqlFilterEnabled", False),
    ("RedisFilterEnabled", "ProtocolSupport.RedisFilterEnabled", False),
    ("ThriftFilterEnabled", "ProtocolSupport.ThriftFilterEnabled", False),
    ("AutoInjectionPolicyEnabled", "SidecarInjector.AutoInjectionPolicyEnabled", False),
    ("EnableNamespacesByDefault", "SidecarInjector.EnableNamespacesByDefault", False),
    ("SidecarInjectorLimitCPU", "SidecarInjector.LimitCPU", "1000m", quantity),
    ("SidecarInjectorLimitMemory", "SidecarInjector.LimitMemory", "512Mi", quantity),
    ("SidecarInjectorRequestCPU", "SidecarInjector.RequestCPU", "100m", quantity),
    ("SidecarInjectorRequestMemory", "SidecarInjector.RequestMemory", "128Mi", quantity),
    ("SidecarInjectorWebhookAsYaml", "SidecarInjector.SidecarInjectorWebhookAsYaml", None),
    ("CniEnabled", "SidecarInjector.InitCNIConfiguration.Enabled", False),
    ("CniExcludeNamespaces", "SidecarInjector.InitCNIConfiguration.ExcludeNamespaces", "istio-system,kube-system"),
    ("WebAssemblyFilterEnabled", "WebAssemblyFilterDeployment.Enabled", False),
    ("GatewayAPIEnabled", "K8sNewAPIsSupport.GatewayAPIEnabled", False),
    ("CRAggregationEnabled", "ExtraConfiguration.CRAggregationEnabled", False),
    ("EnableAutoDiagnosis", "ExtraConfiguration.AutoDiagnosis.AutoDiagnosisEnabled", False),
    ("EnableCRHistory", "ExtraConfiguration.IstioCRHistory.EnableHistory", False),
    ("LabelsForOffloadedWorkloads", "ExtraConfiguration.IstiodExtraConfiguration.LabelsForOffloadedWorkloads", None),
    ("PilotEnableQuicListeners", "ExtraConfiguration.IstiodExtraConfiguration.PilotEnableQuicListeners", False),
    ("MultiBufferEnabled", "ExtraConfiguration.MultiBuffer.Enabled", True),
    ("MultiBufferPollDelay", "ExtraConfiguration.MultiBuffer.PollDelay", "30s", duration),
    ("NFDEnabled", "ExtraConfiguration.NFDConfiguration.Enabled", False),
    ("NFDLabelPruned", "ExtraConfiguration.NFDConfiguration.NFDLabelPruned", False),
    ("PlaygroundScene", "ExtraConfiguration.Playground.Scene", None, one_of("ewmaLb")),
    ("TerminationDrainDuration", "ExtraConfiguration.TerminationDrainDuration", "5s", duration),
)

#: Parameters whose text is JSON and that the detail shows as the structure.
_JSON_ROWS = (
    ("DiscoverySelectors", "ExtraConfiguration.DiscoverySelectors", json_array),
    ("Lifecycle", "ExtraConfiguration.Lifecycle", json_object),
    ("LocalityLBConf", "LocalityLB", json_object),
)

#: Parameters that no reply shows; kept so that the account knows them.
_HIDDEN_NAMES = [
    "CertChain",
    "Concurrency",
    "DefaultComponentsScheduleConfig",
    "EnableACMG",
    "EnableAmbient",
    "EnableBootstrapXdsAgent",
    "ExistingCaCert",
    "ExistingCaKey",
    "ExistingCaType",
    "ExistingRootCaCert",
    "ExistingRootCaKey",
    "HoldApplicationUntilProxyStarts",
    "IncludeInboundPorts",
    "IncludeOutboundPorts",
    "IntegrateKiali",
    "InterceptionMode",
    "KialiArmsAuthTokens",
    "KialiServiceAnnotations",
    "LogLevel",
    "OPAInjectorCPULimit",
    "OPAInjectorCPURequirement",
    "OPAInjectorMemoryLimit",
    "OPAInjectorMemoryRequirement",
    "OpenAgentPolicy",
    "ProxyStatsMatcher",
    "SMCEnabled",
    "StrictMTLS",
    "TraceCustomTags",
    "TraceMaxPathTagLength",
    "TracingOnExtZipkinLimitCPU",
    "TracingOnExtZipkinLimitMemory",
    "TracingOnExtZipkinReplicaCount",
    "TracingOnExtZipkinRequestCPU",
    "TracingOnExtZipkinRequestMemory",
    "UseExistingCA",
]

_HIDDEN_CHECKS: dict[str, Check] = {
    "IncludeInboundPorts": ports,
    "IncludeOutboundPorts": ports,
    "InterceptionMode": one_of("REDIRECT", "TPROXY"),
    "LogLevel": one_of("trace", "debug", "info", "warning", "error", "critical", "off"),
    "ExistingCaType": one_of("1", "2"),
}

FEATURES: dict[str, Feature] = {
    **{row[0]: Feature(*row) for row in _ROWS},
    **{name: Feature(name, path, None, check, True) for name, path, check in _JSON_ROWS},
    **{name: Feature(name, HIDDEN, None, _HIDDEN_CHECKS.get(name)) for name in _HIDDEN_NAMES},
}


def initial_spec(**other: Any) -> dict[str, Any]:
    """MeshConfig of a mesh for which nothing was chosen; ``other`` initial values by the parameter's name."""
    spec: dict[str, Any] = {}
    for feature in FEATURES.values():
        if feature.path != HIDDEN and feature.initial is not None:
            put(spec, feature.path, copy.deepcopy(feature.initial))
    for name, value in other.items():
        put(spec, FEATURES[name].path, value)
    _derive(spec)
    return spec


def check_features(parameters: Mapping[str, Any]) -> None:
    """Raises ApiError for the first feature whose value cannot be used."""
    for name, value in parameters.items():
        feature = FEATURES.get(name)
        problem = feature.check(value) if feature and feature.check and value != "" else ""
        if problem:
            raise invalid_parameter(name, problem)


def apply_features(spec: dict[str, Any], hidden: dict[str, Any], parameters: Mapping[str, Any]) -> None:
    """Put the features among ``parameters`` into their places; what was not sent stays as it is."""
    for name, value in parameters.items():
        feature = FEATURES.get(name)
        if feature is None:
            continue
        if feature.path == HIDDEN:
            hidden[name] = value
        elif feature.parse_json:
            parsed = json.loads(value) if value else None
            if name == "LocalityLBConf":
                _put_locality(spec, parsed or {})
            else:
                put(spec, feature.path, parsed)
        else:
            put(spec, feature.path, value)
    _derive(spec)


def put(spec: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path, making what lies above it."""
    *parents, last = path.split(".")
    for name in parents:
        spec = spec.setdefault(name, {})
    spec[last] = value


def _put_locality(spec: dict[str, Any], conf: dict[str, Any]) -> None:
    """Locality rules: sent as lists of {from, to}, shown as maps from -> to; failover priorities by their number."""
    locality = spec.setdefault("LocalityLB", {})
    for source in ("distribute", "failover", "failoverPriority"):
        rules = conf.get(source)
        target = source[0].upper() + source[1:]
        locality.pop(target, None)
        if isinstance(rules, dict):
            locality[target] = rules
        elif isinstance(rules, list):
            pairs = [rule if isinstance(rule, dict) else {"to": rule} for rule in rules]
            locality[target] = {rule.get("from", str(number)): rule.get("to") for number, rule in enumerate(pairs)}


def _derive(spec: dict[str, Any]) -> None:
    """Places that repeat another one."""
    spec["EnableLocalityLB"] = spec["LocalityLB"]["Enabled"]
    extra = spec["ExtraConfiguration"]
    extra["CRAggregationConfiguration"] = {"Enabled": extra["CRAggregationEnabled"]}

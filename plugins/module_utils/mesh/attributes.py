# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of a mesh: option, create parameter, change action, and where DescribeServiceMeshDetail shows it.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Attribute, dig
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import services_domain
from ansible_collections.meshops.asm.plugins.module_utils.mesh import equality, values
from ansible_collections.meshops.asm.plugins.module_utils.mesh.sidecar_attributes import container
from ansible_collections.meshops.asm.plugins.module_utils.mesh.versions import LATEST, is_build_of

_CONFIG = "Spec.MeshConfig."
_EXTRA = _CONFIG + "ExtraConfiguration."
_ACCESS_LOG = _EXTRA + "AccessLogExtraConf."
_INJECTOR = _CONFIG + "SidecarInjector."
_ISTIOD = _EXTRA + "IstiodExtraConfiguration."
_PILOT = _CONFIG + "Pilot."
_PROXY = _CONFIG + "Proxy."
_CLUSTER_DOMAIN = _PROXY + "ClusterDomain"
_LOAD_BALANCER_SPECS = tuple(
    f"slb.{size}" for size in ("s1.small", "s2.small", "s2.medium", "s3.small", "s3.medium", "s3.large")
)


def _shown(parameter: str, read: str) -> str:
    """Where a row is read from: below ``read``, if that ends in a dot, it has the name of the parameter."""
    return read + parameter if read.endswith(".") else read


def _fixed(option: str, kind: str, create: str, read: str, advice: str = "", **more: Any) -> Attribute:
    """Set at creation, readable, immutable."""
    return Attribute(option, kind, create=create, read=read, advice=advice, **more)


def _once(option: str, kind: str, create: str, **more: Any) -> Attribute:
    """Set at creation; the service never shows it again."""
    return Attribute(option, kind, create=create, **more)


def _both(option: str, kind: str, parameter: str, read: str, **more: Any) -> Attribute:
    """Set at creation and changed by UpdateMeshFeature under the same name."""
    return Attribute(
        option, kind, create=parameter, change=f"UpdateMeshFeature.{parameter}", read=_shown(parameter, read), **more
    )


def _later(option: str, kind: str, parameter: str, read: str, **more: Any) -> Attribute:
    """Unknown to CreateServiceMesh: UpdateMeshFeature sets it once the mesh runs."""
    return Attribute(option, kind, change=f"UpdateMeshFeature.{parameter}", read=_shown(parameter, read), **more)


def _unseen(option: str, kind: str, parameter: str, **more: Any) -> Attribute:
    """Unknown to CreateServiceMesh, and never shown: sent once the mesh runs, later only when asked to."""
    return Attribute(option, kind, change=f"UpdateMeshFeature.{parameter}", **more)


def _logged(option: str, kind: str, parameter: str, shown: str = "", **more: Any) -> Attribute:
    """Of the logs of the control plane, which have an action of their own."""
    change, read = f"UpdateControlPlaneLogConfig.{parameter}", f"{_CONFIG}ControlPlaneLogInfo.{shown or parameter}"
    return Attribute(f"control_plane_log.{option}", kind, change=change, read=read, **more)


def _authority(option: str, parameter: str, **more: Any) -> Attribute:
    """A part of an own certificate authority, which the service keeps to itself."""
    return Attribute(option, "str", create=parameter, change=f"UpdateMeshFeature.{parameter}", **more)


def _unseen_resources(option: str, parameter: str, request: str, limit: str) -> list[Attribute]:
    """Resources that are never shown; the format ``parameter`` takes ``unit`` and ``group``."""
    return [
        _unseen(
            f"{option}.{group}.{unit.lower()}",
            "quantity",
            parameter.format(unit=unit, group=word),
            check=values.quantity,
        )
        for group, word in (("requests", request), ("limits", limit))
        for unit in ("CPU", "Memory")
    ]


def _resources(option: str, prefix: str, read: str, *, at_creation: bool) -> list[Attribute]:
    """The four rows ``requests`` and ``limits`` of ``cpu`` and ``memory`` of a component."""
    make = _both if at_creation else _later
    return [
        make(f"{option}.{group}.{unit}", "quantity", f"{prefix}{word}{name}", f"{read}.{word}{name}")
        for group, word in (("requests", "Request"), ("limits", "Limit"))
        for unit, name in (("cpu", "CPU"), ("memory", "Memory"))
    ]


def _locality_config(shown: Any) -> dict[str, Any] | None:
    """``{Enabled, Distribute, Failover, FailoverPriority}`` as shown -> the form that LocalityLBConf takes.

    Rules are sent as a list of ``{from, to}`` and shown as a map of the two, by the models of the SDK; priorities are a
    list of labels, and shown as a map by their number.
    """
    found = decoding.mapping(shown)
    if found is None:
        return None
    config = {key[:1].lower() + key[1:]: value for key, value in found.items() if key != "Enabled"}
    return {key: rules for key, value in config.items() if (rules := _rules(key, value))}


def _same_locality(wanted: Any, there: Any) -> bool:
    return _locality_config(wanted) == _locality_config(there)


def _rules(name: str, given: Any) -> list[Any]:
    """The rules of one kind as a list, those of regions in the order of their names, which means nothing."""
    pairs = decoding.mapping(given)
    if pairs is None:
        items = [decoding.mapping(item) or {"to": item} for item in decoding.listed(given) or []]
        pairs = {str(item.get("from", number)): item.get("to") for number, item in enumerate(items)}
    if name == "failoverPriority":
        return [_target(pairs[key]) for key in sorted(pairs, key=lambda key: (decoding.whole(key) or 0, key))]
    return [{"from": key, "to": _target(to)} for key, to in sorted(pairs.items())]


def _target(to: Any) -> Any:
    """A region or label, or the percentages of several."""
    shares = decoding.mapping(to)
    if shares is None:
        return decoding.text(to)
    return {region: decoding.decimal(share) for region, share in shares.items()}


def _same_version(wanted: Any, there: Any) -> bool:
    """``v1.25.6`` stands for any of its builds, as ``v1.25.6.41-g2adf45be-aliyun``; ``latest`` asks for none."""
    return wanted in (there, LATEST) or is_build_of(str(there), str(wanted))


def cluster_domain(detail: dict[str, Any]) -> str:
    """The domain of the services of a described mesh; empty for the usual one."""
    return decoding.text(dig(detail, _CLUSTER_DOMAIN)) or ""


def _same_domain(wanted: Any, there: Any) -> bool:
    return services_domain(wanted) == services_domain(there)


MESH_ATTRIBUTES: list[Attribute] = [
    # What the creation page calls basic.
    _fixed("vpc_id", "str", "VpcId", "Spec.Network.VpcId"),
    _fixed("vswitch_ids", "list", "VSwitches", "Spec.Network.VSwitches"),
    _fixed(
        "version",
        "str",
        "IstioVersion",
        "ServiceMeshInfo.Version",
        "Set upgrade to true to move an existing mesh to a newer version; it cannot go back.",
        same=_same_version,
    ),
    _both("cluster_spec", "str", "ClusterSpec", "ClusterSpec", choices=("standard", "enterprise", "ultimate")),
    _fixed("cluster_domain", "str", "ClusterDomain", _CLUSTER_DOMAIN, same=_same_domain),
    _once("api_server_load_balancer_spec", "str", "ApiServerLoadBalancerSpec", choices=_LOAD_BALANCER_SPECS),
    _once("pilot_load_balancer_spec", "str", "PilotLoadBalancerSpec", choices=_LOAD_BALANCER_SPECS),
    _once("charge_type", "str", "ChargeType", choices=("PayOnDemand", "PrePay")),
    _once("period", "int", "Period", check=values.positive),
    _once("auto_renew", "bool", "AutoRenew"),
    _once("auto_renew_period", "int", "AutoRenewPeriod", check=values.positive),
    _once("ambient_enabled", "bool", "EnableAmbient"),
    _once("acmg_enabled", "bool", "EnableACMG"),
    # An own certificate authority; the service keeps it to itself.
    _once("ca.type", "str", "ExistingCaType", choices=("1", "2")),
    _authority("ca.cert", "ExistingCaCert"),
    _authority("ca.key", "ExistingCaKey", no_log=True),
    _authority("ca.root_cert", "ExistingRootCaCert"),
    _once("ca.root_key", "str", "ExistingRootCaKey", no_log=True),
    _authority("ca.cert_chain", "CertChain"),
    # Logs.
    _both("access_log.enabled", "bool", "AccessLogEnabled", _CONFIG + "AccessLog.Enabled"),
    _both("access_log.project", "str", "AccessLogProject", _CONFIG + "AccessLog.Project"),
    _both("access_log.file", "str", "AccessLogFile", _PROXY),
    _both("access_log.format", "str", "AccessLogFormat", _PROXY),
    _both("access_log.service_enabled", "bool", "AccessLogServiceEnabled", _PROXY),
    _both("access_log.service_host", "str", "AccessLogServiceHost", _PROXY),
    _both("access_log.service_port", "int", "AccessLogServicePort", _PROXY, check=values.port),
    _later("access_log.gateway_enabled", "bool", "AccessLogGatewayEnabled", _ACCESS_LOG + "GatewayEnabled"),
    _later(
        "access_log.gateway_lifecycle",
        "int",
        "AccessLogGatewayLifecycle",
        _ACCESS_LOG + "GatewayLifecycle",
        check=values.count,
    ),
    _later("access_log.sidecar_enabled", "bool", "AccessLogSidecarEnabled", _ACCESS_LOG + "SidecarEnabled"),
    _later(
        "access_log.sidecar_lifecycle",
        "int",
        "AccessLogSidecarLifecycle",
        _ACCESS_LOG + "SidecarLifecycle",
        check=values.count,
    ),
    _both("audit.enabled", "bool", "EnableAudit", _CONFIG + "Audit.Enabled"),
    _both("audit.project", "str", "AuditProject", _CONFIG + "Audit.Project"),
    _logged("enabled", "bool", "Enabled", create="ControlPlaneLogEnabled"),
    _logged("project", "str", "Project", create="ControlPlaneLogProject"),
    _logged("ttl_days", "int", "LogTTLInDay", "LogTTL", check=values.positive),
    # Components.
    _both("opa.enabled", "bool", "OpaEnabled", _CONFIG + "OPA.Enabled"),
    _both("opa.log_level", "str", "OPALogLevel", _CONFIG + "OPA.LogLevel"),
    _later("opa.scope_injected", "bool", "OPAScopeInjected", _EXTRA + "OPAScopeInjection.OPAScopeInjected"),
    *_resources("opa", "OPA", _CONFIG + "OPA", at_creation=True),
    *_unseen_resources("opa.injector", "OPAInjector{unit}{group}", "Requirement", "Limit"),
    *_resources("proxy", "Proxy", _CONFIG + "Proxy", at_creation=True),
    _both("proxy.dns_proxying_enabled", "bool", "DNSProxyingEnabled", _PROXY + "EnableDNSProxying"),
    _later(
        "proxy.lifecycle", "json", "Lifecycle", _EXTRA, decode=decoding.mapping, same=equality.hooks, check=values.hooks
    ),
    _later(
        "proxy.termination_drain_duration",
        "str",
        "TerminationDrainDuration",
        _EXTRA,
        same=equality.durations,
        check=values.duration,
    ),
    # The init container redirects the traffic of a pod.
    *container(_later, "proxy.init", "ProxyInit", _EXTRA + "SidecarProxyInitResource"),
    _unseen("proxy.concurrency", "int", "Concurrency", check=values.count),
    _unseen("proxy.log_level", "str", "LogLevel"),
    _unseen("proxy.hold_application_until_proxy_starts", "bool", "HoldApplicationUntilProxyStarts"),
    _unseen("proxy.interception_mode", "str", "InterceptionMode", choices=("REDIRECT", "TPROXY")),
    _unseen("proxy.stats_matcher", "json", "ProxyStatsMatcher", check=values.statistics),
    _unseen("proxy.bootstrap_xds_agent_enabled", "bool", "EnableBootstrapXdsAgent"),
    _unseen("proxy.smc_enabled", "bool", "SMCEnabled"),
    _both("pilot.trace_sampling", "float", "TraceSampling", _PILOT, check=values.percent),
    _unseen("pilot.trace_custom_tags", "json", "TraceCustomTags", check=values.tags),
    _unseen("pilot.trace_max_path_tag_length", "str", "TraceMaxPathTagLength", check=values.digits),
    _later("pilot.http10_enabled", "bool", "Http10Enabled", _PILOT),
    _both("pilot.sds_server_enabled", "bool", "EnableSDSServer", _PILOT + "Feature.EnableSDSServer"),
    _both(
        "pilot.filter_gateway_cluster_config",
        "bool",
        "FilterGatewayClusterConfig",
        _PILOT + "Feature.FilterGatewayClusterConfig",
    ),
    _both("pilot.config_source_enabled", "bool", "ConfigSourceEnabled", _PILOT + "ConfigSource.Enabled"),
    _both("pilot.config_source_nacos_id", "str", "ConfigSourceNacosID", _PILOT + "ConfigSource.NacosID"),
    _later("pilot.quic_listeners_enabled", "bool", "PilotEnableQuicListeners", _ISTIOD),
    _later("pilot.offloaded_workload_labels", "csv", "LabelsForOffloadedWorkloads", _ISTIOD),
    _later("sidecar_injector.enable_namespaces_by_default", "bool", "EnableNamespacesByDefault", _INJECTOR),
    _later("sidecar_injector.auto_injection_policy_enabled", "bool", "AutoInjectionPolicyEnabled", _INJECTOR),
    _later("sidecar_injector.webhook", "str", "SidecarInjectorWebhookAsYaml", _INJECTOR, same=equality.documents),
    *_resources("sidecar_injector", "SidecarInjector", _CONFIG + "SidecarInjector", at_creation=False),
    _later("sidecar_injector.cni.enabled", "bool", "CniEnabled", _INJECTOR + "InitCNIConfiguration.Enabled"),
    _later(
        "sidecar_injector.cni.exclude_namespaces",
        "csv",
        "CniExcludeNamespaces",
        _INJECTOR + "InitCNIConfiguration.ExcludeNamespaces",
    ),
    # Observability.
    _both("kiali.enabled", "bool", "KialiEnabled", _CONFIG + "Kiali.Enabled"),
    _unseen("kiali.integrate_clb", "bool", "IntegrateKiali"),
    _unseen("kiali.arms_auth_tokens", "json", "KialiArmsAuthTokens", no_log=True, check=values.texts),
    _unseen("kiali.service_annotations", "json", "KialiServiceAnnotations", check=values.by_cluster),
    _both("telemetry", "bool", "Telemetry", _CONFIG),
    _both("tracing", "bool", "Tracing", _CONFIG),
    _both("customized_zipkin", "bool", "CustomizedZipkin", _CONFIG),
    _both("customized_prometheus", "bool", "CustomizedPrometheus", _CONFIG + "Prometheus.UseExternal"),
    _both("prometheus_url", "url", "PrometheusUrl", _CONFIG + "Prometheus.ExternalUrl"),
    _unseen("trace_exporter.replicas", "str", "TracingOnExtZipkinReplicaCount", check=values.digits),
    *_unseen_resources("trace_exporter", "TracingOnExtZipkin{group}{unit}", "Request", "Limit"),
    _later("auto_diagnosis_enabled", "bool", "EnableAutoDiagnosis", _EXTRA + "AutoDiagnosis.AutoDiagnosisEnabled"),
    # Traffic.
    _later(
        "discovery_selectors", "objects", "DiscoverySelectors", _EXTRA, same=equality.selectors, check=values.selectors
    ),
    _both("locality_lb.enabled", "bool", "LocalityLoadBalancing", _CONFIG + "LocalityLB.Enabled"),
    _both(
        "locality_lb.config",
        "json",
        "LocalityLBConf",
        _CONFIG + "LocalityLB",
        decode=_locality_config,
        same=_same_locality,
    ),
    _later("outbound_traffic_policy", "str", "OutboundTrafficPolicy", _CONFIG, choices=("ALLOW_ANY", "REGISTRY_ONLY")),
    _both("include_ip_ranges", "csv", "IncludeIPRanges", _CONFIG, check=values.ranges),
    _both("exclude_ip_ranges", "csv", "ExcludeIPRanges", _CONFIG, check=values.ranges),
    _both("exclude_inbound_ports", "csv", "ExcludeInboundPorts", _CONFIG, check=values.ports),
    _both("exclude_outbound_ports", "csv", "ExcludeOutboundPorts", _CONFIG, check=values.ports),
    _unseen("include_inbound_ports", "csv", "IncludeInboundPorts", check=values.ports),
    _unseen("include_outbound_ports", "csv", "IncludeOutboundPorts", check=values.ports),
    # Nodes.
    _later("node_feature_discovery.enabled", "bool", "NFDEnabled", _EXTRA + "NFDConfiguration.Enabled"),
    _later(
        "node_feature_discovery.labels_pruned", "bool", "NFDLabelPruned", _EXTRA + "NFDConfiguration.NFDLabelPruned"
    ),
    _unseen("component_scheduling", "json", "DefaultComponentsScheduleConfig", check=values.scheduling),
    # Extensions.
    Attribute(
        "cr_aggregation_enabled",
        "bool",
        create="CRAggregationEnabled",
        change="UpdateMeshCRAggregation.Enabled",
        read=_EXTRA + "CRAggregationEnabled",
    ),
    _both("gateway_api_enabled", "bool", "GatewayAPIEnabled", _CONFIG + "K8sNewAPIsSupport.GatewayAPIEnabled"),
    _both("cr_history_enabled", "bool", "EnableCRHistory", _EXTRA + "IstioCRHistory.EnableHistory"),
    _both("mse_enabled", "bool", "MSEEnabled", _CONFIG + "MSE.Enabled"),
    _both("filters.dubbo", "bool", "DubboFilterEnabled", _CONFIG + "ProtocolSupport.DubboFilterEnabled"),
    _both("filters.mysql", "bool", "MysqlFilterEnabled", _CONFIG + "ProtocolSupport.MysqlFilterEnabled"),
    _both("filters.redis", "bool", "RedisFilterEnabled", _CONFIG + "ProtocolSupport.RedisFilterEnabled"),
    _both("filters.thrift", "bool", "ThriftFilterEnabled", _CONFIG + "ProtocolSupport.ThriftFilterEnabled"),
    _both("filters.web_assembly", "bool", "WebAssemblyFilterEnabled", _CONFIG + "WebAssemblyFilterDeployment.Enabled"),
    _both("multi_buffer.enabled", "bool", "MultiBufferEnabled", _EXTRA + "MultiBuffer.Enabled"),
    _both("multi_buffer.poll_delay", "str", "MultiBufferPollDelay", _EXTRA + "MultiBuffer.PollDelay"),
]

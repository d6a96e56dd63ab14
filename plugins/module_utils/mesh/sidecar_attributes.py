# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of sidecars by namespace: options, parameters of UpdateNamespaceScopeSidecarConfig, and where
DescribeNamespaceScopeSidecarConfig shows them (below ConfigPatches).

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Attribute
from ansible_collections.meshops.asm.plugins.module_utils.mesh import equality, values


def _row(option: str, kind: str, parameter: str, read: str = "", **more: Any) -> Attribute:
    return Attribute(
        option, kind, change=f"UpdateNamespaceScopeSidecarConfig.{parameter}", read=read or parameter, **more
    )


def container(make: Callable[..., Attribute], option: str, prefix: str, read: str) -> list[Attribute]:
    """Requests and limits of a container, of a mesh or of a namespace; ``make`` makes a row of them."""
    return [
        make(
            f"{option}.{group}.{name.lower()}",
            "quantity",
            f"{prefix}{name}Resource{word}",
            f"{read}{word}.Resource{name}{word}",
            same=equality.amounts,
            check=values.quantity,
        )
        for group, word in (("requests", "Request"), ("limits", "Limit"))
        for name in ("CPU", "Memory")
    ]


def _member(key: str) -> Callable[[Any], Any]:
    return lambda shown: (decoding.mapping(shown) or {}).get(key)


def _batch(option: str, prefix: str, read: str) -> list[Attribute]:
    """The same in reclaimed resources, which the service shows under the names that Kubernetes knows them by."""
    return [
        _row(
            f"{option}.{group}.{name.lower()}",
            "quantity",
            f"{prefix}AckSlo{name}Resource{word}",
            f"{read}.{group.capitalize()}",
            decode=_member(f"kubernetes.io/batch-{name.lower()}"),
            same=equality.amounts,
            check=values.quantity,
        )
        for group, word in (("requests", "Request"), ("limits", "Limit"))
        for name in ("CPU", "Memory")
    ]


def _statistics(part: str) -> Attribute:
    name = "ProxyStatsMatcher"
    return _row(f"stats_matcher.inclusion_{part.lower()}", "list", f"{name}.inclusion{part}", f"{name}.Inclusion{part}")


SIDECAR_ATTRIBUTES: list[Attribute] = [
    _row("concurrency", "int", "Concurrency", check=values.count),
    _row("log_level", "str", "LogLevel"),
    # Its life beside the application.
    _row("hold_application_until_proxy_starts", "bool", "HoldApplicationUntilProxyStarts"),
    _row(
        "termination_drain_duration", "str", "TerminationDrainDuration", same=equality.durations, check=values.duration
    ),
    _row("lifecycle", "json", "Lifecycle", "LifecycleStr", same=equality.hooks, check=values.hooks),
    _row("readiness.initial_delay_seconds", "int", "ReadinessInitialDelaySeconds", check=values.count),
    _row("readiness.period_seconds", "int", "ReadinessPeriodSeconds", check=values.positive),
    _row("readiness.failure_threshold", "int", "ReadinessFailureThreshold", check=values.positive),
    # Which traffic it gets.
    _row("interception_mode", "str", "InterceptionMode", choices=("REDIRECT", "TPROXY")),
    _row("include_ip_ranges", "csv", "IncludeIPRanges", "IncludeOutboundIPRanges", check=values.ranges),
    _row("exclude_ip_ranges", "csv", "ExcludeIPRanges", "ExcludeOutboundIPRanges", check=values.ranges),
    _row("include_inbound_ports", "csv", "IncludeInboundPorts", check=values.ports),
    _row("exclude_inbound_ports", "csv", "ExcludeInboundPorts", check=values.ports),
    _row("include_outbound_ports", "csv", "IncludeOutboundPorts", check=values.ports),
    _row("exclude_outbound_ports", "csv", "ExcludeOutboundPorts", check=values.ports),
    _row("dns_proxying_enabled", "bool", "IstioDNSProxyEnabled"),
    # What it may use.
    *container(_row, "resources", "SidecarProxy", "SidecarProxyResource"),
    *container(_row, "init_resources", "ProxyInit", "SidecarProxyInitResource"),
    *_batch("batch_resources", "SidecarProxy", "SidecarProxyAckSloResource"),
    *_batch("init_batch_resources", "ProxyInit", "SidecarProxyInitAckSloResource"),
    _row("scaled_resources.container", "str", "ScaledSidecarResource.ContainerRef"),
    _row("scaled_resources.strategy", "str", "ScaledSidecarResource.ResourceCalculationStrategy"),
    _row("scaled_resources.percentage", "int", "ScaledSidecarResource.ResourcePercentage", check=values.positive),
    _row("privileged", "bool", "Privileged"),
    _row("core_dump_enabled", "bool", "EnableCoreDump"),
    # Envoy.
    _row("proxy_metadata", "json", "ProxyMetadata", same=equality.texts, check=values.texts),
    _row("runtime_values", "json", "RuntimeValues", same=equality.texts, check=values.texts),
    _row("smc_enabled", "bool", "SMCEnabled", "SMCConfiguration.Enabled"),
    *map(_statistics, ("Prefixes", "Suffixes", "Regexps")),
    _row("tracing.sampling", "float", "Tracing.sampling", "Tracing.Sampling", check=values.percent),
    _row(
        "tracing.max_path_tag_length",
        "int",
        "Tracing.max_path_tag_length",
        "Tracing.MaxPathTagLength",
        check=values.positive,
    ),
    _row(
        "tracing.custom_tags",
        "json",
        "Tracing.custom_tags",
        "Tracing.CustomTags",
        same=equality.mappings,
        check=values.tags,
    ),
]

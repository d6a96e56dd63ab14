# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What settings of a mesh and of a namespace are to the injection template, data/injection.yml. Pure.

Names are those of the values of Istio's Helm chart where it has them. What is not set is left out.
"""

from __future__ import annotations

import json
from typing import Any

from meshlab.asm.features import FEATURES

#: Place in ConfigPatches -> value of the template.
_PLAIN = {
    "Concurrency": "concurrency",
    "EnableCoreDump": "enableCoreDump",
    "ExcludeInboundPorts": "excludeInboundPorts",
    "ExcludeOutboundIPRanges": "excludeIPRanges",
    "ExcludeOutboundPorts": "excludeOutboundPorts",
    "HoldApplicationUntilProxyStarts": "holdApplicationUntilProxyStarts",
    "IncludeInboundPorts": "includeInboundPorts",
    "IncludeOutboundIPRanges": "includeIPRanges",
    "IncludeOutboundPorts": "includeOutboundPorts",
    "InterceptionMode": "interceptionMode",
    "IstioDNSProxyEnabled": "dnsCapture",
    "LogLevel": "logLevel",
    "Privileged": "privileged",
    "ProxyMetadata": "env",
    "ReadinessFailureThreshold": "readinessFailureThreshold",
    "ReadinessInitialDelaySeconds": "readinessInitialDelaySeconds",
    "ReadinessPeriodSeconds": "readinessPeriodSeconds",
    "TerminationDrainDuration": "terminationDrainDuration",
}
_WAIT = {"postStart": {"exec": {"command": ["pilot-agent", "wait"]}}}


def of_namespace(patches: dict[str, Any]) -> dict[str, Any]:
    """The values for ConfigPatches of a namespace."""
    values = {target: patches[source] for source, target in _PLAIN.items() if source in patches}
    lifecycle = json.loads(patches.get("LifecycleStr") or "{}")
    resources = {"resources": "SidecarProxyResource", "initResources": "SidecarProxyInitResource"}
    for name, place in resources.items():
        batch = patches.get(f"{place.removesuffix('Resource')}AckSloResource") or {}
        values |= _given(name, _resources(patches, place, batch))
    return values | _given("lifecycle", _hooks(lifecycle, values.get("holdApplicationUntilProxyStarts", False)))


def of_mesh(spec: dict[str, Any], hidden: dict[str, Any]) -> dict[str, Any]:
    """The values for the features of a mesh, as far as somebody has chosen them."""
    extra = spec.get("ExtraConfiguration") or {}
    named = ("Concurrency", "HoldApplicationUntilProxyStarts", "InterceptionMode", "LogLevel")
    patches = {name: hidden[name] for name in named if name in hidden and hidden[name] != ""}
    drain = extra.get("TerminationDrainDuration")
    if drain and drain != FEATURES["TerminationDrainDuration"].initial:
        patches["TerminationDrainDuration"] = drain
    if extra.get("Lifecycle"):
        patches["LifecycleStr"] = json.dumps(extra["Lifecycle"])
    for name in ("SidecarProxyInitResourceLimit", "SidecarProxyInitResourceRequest"):
        patches |= {name: extra[name]} if extra.get(name) else {}
    return of_namespace(patches)


def _resources(patches: dict[str, Any], place: str, batch: dict[str, Any]) -> dict[str, Any]:
    """Resources of a container as Kubernetes has them; reclaimed ones are extended resources beside the others."""
    found: dict[str, dict[str, str]] = {}
    for group, word in (("requests", "Request"), ("limits", "Limit")):
        amounts = patches.get(f"{place}{word}") or {}
        named = {name.lower(): amounts.get(f"Resource{name}{word}", "").replace(" ", "") for name in ("CPU", "Memory")}
        named |= {name: str(value).replace(" ", "") for name, value in (batch.get(group.capitalize()) or {}).items()}
        found |= _given(group, {name: value for name, value in named.items() if value})
    return found


def _hooks(own: dict[str, Any], hold: bool) -> dict[str, Any]:
    """An own hook comes before the one that makes the application wait."""
    return {**(_WAIT if hold else {}), **own}


def _given(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}

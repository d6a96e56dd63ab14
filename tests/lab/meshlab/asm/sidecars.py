# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of sidecars by namespace: where UpdateNamespaceScopeSidecarConfig puts each, and what values they take."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from meshlab.asm.actions import Call, action
from meshlab.asm.features import duration, ip_ranges, one_of, percentage, ports, put, quantity
from meshlab.openapi.errors import ApiError, invalid_parameter

Check = Callable[[Any], str]


def _positive(value: Any) -> str:
    return "" if value > 0 else f"{value} is not positive"


def _count(value: Any) -> str:
    return "" if value >= 0 else f"{value} is negative"


def _amount(value: Any) -> str:
    """The documented samples have a space before the unit."""
    return quantity(value.replace(" ", ""))


#: Parameter -> (place in ConfigPatches, check). Flat ones, whose value is shown as it is sent.
_PLAIN: dict[str, tuple[str, Check | None]] = {
    "Concurrency": ("Concurrency", _count),
    "EnableCoreDump": ("EnableCoreDump", None),
    "ExcludeIPRanges": ("ExcludeOutboundIPRanges", ip_ranges),
    "ExcludeInboundPorts": ("ExcludeInboundPorts", ports),
    "ExcludeOutboundPorts": ("ExcludeOutboundPorts", ports),
    "HoldApplicationUntilProxyStarts": ("HoldApplicationUntilProxyStarts", None),
    "IncludeIPRanges": ("IncludeOutboundIPRanges", ip_ranges),
    "IncludeInboundPorts": ("IncludeInboundPorts", ports),
    "IncludeOutboundPorts": ("IncludeOutboundPorts", ports),
    "InterceptionMode": ("InterceptionMode", one_of("REDIRECT", "TPROXY")),
    "IstioDNSProxyEnabled": ("IstioDNSProxyEnabled", None),
    "LogLevel": ("LogLevel", one_of("trace", "tracing", "debug", "info", "warning", "error", "critical", "off")),
    "Privileged": ("Privileged", None),
    "ReadinessFailureThreshold": ("ReadinessFailureThreshold", _positive),
    "ReadinessInitialDelaySeconds": ("ReadinessInitialDelaySeconds", _count),
    "ReadinessPeriodSeconds": ("ReadinessPeriodSeconds", _positive),
    "SMCEnabled": ("SMCConfiguration.Enabled", None),
    "TerminationDrainDuration": ("TerminationDrainDuration", duration),
    **{
        f"{prefix}{unit}Resource{word}": (f"{place}Resource{word}.Resource{unit}{word}", _amount)
        for prefix, place in (("SidecarProxy", "SidecarProxy"), ("ProxyInit", "SidecarProxyInit"))
        for unit in ("CPU", "Memory")
        for word in ("Limit", "Request")
    },
}
#: Reclaimed resources; their names in the reply have dots.
_BATCH = {
    f"{prefix}AckSlo{unit}Resource{word}": (f"{place}AckSloResource", f"{word}s", f"kubernetes.io/batch-{unit.lower()}")
    for prefix, place in (("SidecarProxy", "SidecarProxy"), ("ProxyInit", "SidecarProxyInit"))
    for unit in ("CPU", "Memory")
    for word in ("Limit", "Request")
}
#: Texts that are JSON objects and that the reply shows as structures: names in the text -> names in the reply.
_STRUCTURES = {
    "ProxyMetadata": None,
    "RuntimeValues": None,
    "ProxyStatsMatcher": {
        "inclusionPrefixes": "InclusionPrefixes",
        "inclusionSuffixes": "InclusionSuffixes",
        "inclusionRegexps": "InclusionRegexps",
    },
    "Tracing": {"sampling": "Sampling", "custom_tags": "CustomTags", "max_path_tag_length": "MaxPathTagLength"},
}
_ZEROS = ("Concurrency", "ReadinessFailureThreshold", "ReadinessInitialDelaySeconds", "ReadinessPeriodSeconds")
_FALSE = ("EnableCoreDump", "HoldApplicationUntilProxyStarts", "IstioDNSProxyEnabled", "Privileged")


@action("DescribeNamespaceScopeSidecarConfig", "ServiceMeshId", "Namespace")
def describe_namespace_scope_sidecar_config(call: Call) -> dict[str, Any]:
    """What the namespace sets; how the rest shows is a setting of the lab."""
    patches = copy.deepcopy(call.mesh().sidecars.get(call.get("Namespace"), {}))
    how = call.world.settings["sidecar_config_unset"]
    if how != "absent":
        nothing = {name.partition(".")[0] for name, _unused in _PLAIN.values()} - {*patches}
        zero = {**dict.fromkeys(_ZEROS, 0), **dict.fromkeys(_FALSE, False), "LogLevel": "", "InterceptionMode": ""}
        patches |= dict.fromkeys(nothing) if how == "null" else {name: zero[name] for name in nothing & {*zero}}
    return {"ConfigPatches": patches}


@action("UpdateNamespaceScopeSidecarConfig", "ServiceMeshId", "Namespace", write=True)
def update_namespace_scope_sidecar_config(call: Call) -> dict[str, Any]:
    """The settings of a namespace, as a whole (what is not sent goes) or in part, as the lab's setting says."""
    mesh = call.settled_mesh()
    namespace = call.get("Namespace")
    if call.cloud.fleet.mesh(mesh.mesh_id).api.find(f"/api/v1/namespaces/{namespace}") is None:
        raise ApiError(404, "ErrorNamespaceNotFound", f"The namespace {namespace} does not exist in the control plane.")
    merging = call.world.settings["sidecar_config_update"] == "merge"
    patches = copy.deepcopy(mesh.sidecars.get(namespace, {})) if merging else {}
    for name, value in call.parameters.items():
        if name not in ("ServiceMeshId", "Namespace"):
            _store(patches, name, value)
    with call.world.lock:
        mesh.sidecars[namespace] = _without_empty(patches)
        if not mesh.sidecars[namespace]:
            del mesh.sidecars[namespace]
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}


def _store(patches: dict[str, Any], name: str, value: Any) -> None:
    if name in _PLAIN:
        place, check = _PLAIN[name]
        _check(name, check, value)
        put(patches, place, value)
    elif name in _BATCH:
        _check(name, _amount, value)
        group, words, key = _BATCH[name]
        patches.setdefault(group, {}).setdefault(words, {})[key] = value
    elif name in _STRUCTURES:
        patches[name] = _structure(name, value)
    elif name == "ScaledSidecarResource":
        patches[name] = value
    else:
        _store_hooks(patches, name, _object(name, value))


def _store_hooks(patches: dict[str, Any], name: str, hooks: dict[str, Any]) -> None:
    """Lifecycle, or one of its two halves by itself; shown as text."""
    if name in ("PostStart", "PreStop"):
        hooks = {**_object(name, patches.get("LifecycleStr", "")), f"{name[0].lower()}{name[1:]}": hooks}
    patches["LifecycleStr"] = json.dumps(hooks) if hooks else ""


def _structure(name: str, text: str) -> dict[str, Any]:
    found, known = _object(name, text), _STRUCTURES[name]
    if known is None:
        if not all(isinstance(value, str) for value in found.values()):
            raise invalid_parameter(name, "its values are not all texts")
        return found
    unknown = sorted({*found} - {*known})
    if unknown:
        raise invalid_parameter(name, f"it has no {', '.join(unknown)}")
    if "sampling" in found:
        _check(name, percentage, found["sampling"])
    return {known[key]: value for key, value in found.items()}


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise invalid_parameter(name, f"it is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise invalid_parameter(name, "it is not a JSON object")
    return found


def _check(name: str, check: Check | None, value: Any) -> None:
    problem = check(value) if check and value != "" else ""
    if problem:
        raise invalid_parameter(name, problem)


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    parts = {key: _without_empty(part) for key, part in value.items()}
    return {key: part for key, part in parts.items() if part not in (None, "", [], {})}

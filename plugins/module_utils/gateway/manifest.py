# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a gateway to its IstioGateway object; pure.

The object belongs to the group istio.alibabacloud.com and lives in the namespace istio-system of the mesh's control
plane; the service makes a Service, Deployment and ServiceAccount named ``istio-<name>`` from it in every cluster.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_label
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line
from ansible_collections.meshops.asm.plugins.module_utils.gateway.balancers import NLB_CLASS, PREFIX, setting
from ansible_collections.meshops.asm.plugins.module_utils.gateway.patches import laid_over, merge_patch
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE

API_VERSION = "istio.alibabacloud.com/v1beta1"
KIND = "IstioGateway"

_RESOURCES = {
    "type": "dict",
    "options": {
        group: {"type": "dict", "options": {"cpu": {"type": "str"}, "memory": {"type": "str"}}}
        for group in ("requests", "limits")
    },
}

# Options that hold for the gateway as a whole and can be overridden for a single cluster.
PER_CLUSTER_OPTIONS: dict[str, Any] = {
    "service_type": {"type": "str", "choices": ["LoadBalancer", "NodePort", "ClusterIP"]},
    "load_balancer": {
        "type": "dict",
        "options": {
            "address_type": {"type": "str", "choices": ["internet", "intranet"]},
            "id": {"type": "str"},
            "spec": {"type": "str"},
            "force_override_listeners": {"type": "bool"},
            "charge_type": {"type": "str", "choices": ["paybytraffic", "paybybandwidth"]},
            "kind": {"type": "str", "choices": ["clb", "nlb"]},
            "ip": {"type": "str"},
        },
    },
    "external_traffic_policy": {"type": "str", "choices": ["Cluster", "Local"]},
    "ports": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "target_port": {"type": "int"},
            "node_port": {"type": "int"},
            "protocol": {"type": "str", "choices": ["TCP", "UDP"], "default": "TCP"},
        },
    },
    "replicas": {"type": "int"},
    "autoscaling": {
        "type": "dict",
        "options": {
            "enabled": {"type": "bool", "default": True},
            "min_replicas": {"type": "int"},
            "max_replicas": {"type": "int"},
            "cpu_utilization": {"type": "int"},
            "memory_utilization": {"type": "int"},
        },
    },
    "resources": _RESOURCES,
    "pod_labels": {"type": "dict"},
    "pod_annotations": {"type": "dict"},
    "service_labels": {"type": "dict"},
    "service_annotations": {"type": "dict"},
    "node_selector": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "env": {"type": "dict"},
    "host_network": {"type": "bool"},
    "run_as_root": {"type": "bool"},
    "spec": {"type": "dict"},
}
OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "default": "ingressgateway"},
    "namespace": {"type": "str", "default": ROOT_NAMESPACE},
    "type": {"type": "str", "choices": ["ingress", "egress"], "default": "ingress"},
    "clusters": {"type": "list", "elements": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "overrides": {
        "type": "list",
        "elements": "dict",
        "options": {"cluster": {"type": "str", "required": True}, **PER_CLUSTER_OPTIONS},
    },
    **PER_CLUSTER_OPTIONS,
}


def manifest(params: dict[str, Any], cluster_ids: list[str], override_ids: dict[str, str]) -> dict[str, Any]:
    """The IstioGateway that the options ask for; unset options are left out, so that remote values stay.

    ``override_ids`` maps the cluster names of ``overrides`` to cluster ids. Raises ``InvalidInput``.
    """
    spec: dict[str, Any] = {"gatewayType": params["type"], **_partial_spec(params)}
    if params["clusters"] is not None:
        spec["clusterIds"] = sorted(cluster_ids)
    overrides = {override_ids[item["cluster"]]: _override(item, params) for item in params["overrides"] or []}
    if overrides:
        spec["overrides"] = laid_over(spec.get("overrides"), overrides)
    metadata: dict[str, Any] = {"name": params["name"], "namespace": params["namespace"]}
    for field in ("labels", "annotations"):
        if params[field] is not None:
            metadata[field] = _texts(params[field])
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def changes(live: dict[str, Any], wanted: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The JSON merge patch that makes the object ``live`` what ``manifest`` says; empty when it is that already."""
    have = {"metadata": live["metadata"], "spec": live.get("spec") or {}}
    patch = merge_patch(have, {"metadata": wanted["metadata"], "spec": wanted["spec"]})
    if (params["load_balancer"] or {}).get("kind") == "clb" and have["spec"].get("loadBalancerClass"):
        # A classic load balancer is one without a class.
        patch["spec"] = {**patch.get("spec", {}), "loadBalancerClass": None}
    return patch


def kept_balancer(live: dict[str, Any], params: dict[str, Any]) -> str:
    """A sentence where the gateway uses a load balancer that its options name no longer; empty otherwise."""
    balancer = params["load_balancer"]
    used = setting(live.get("spec") or {}, "id")
    if balancer is None or balancer.get("id") or not used or setting(_partial_spec(params), "id"):
        return ""
    return (
        f"Gateway '{params['name']}' uses the load balancer {used}, which load_balancer does not name: it stays. "
        "A gateway gets one of its own only when it is made: remove it (state=absent) and create it again, or name the "
        "id."
    )


def check(params: dict[str, Any]) -> list[str]:
    """What can be wrong before anything is asked: the namespace, and ports that exclude each other.

    Returns what may be wrong, for warnings.
    """
    if params["namespace"] != ROOT_NAMESPACE:
        raise InvalidInput(
            f"Gateway '{params['name']}' is asked for in namespace '{params['namespace']}', but ASM deploys gateways "
            f"from the namespace {ROOT_NAMESPACE} only. Leave namespace out, or set it to {ROOT_NAMESPACE}.",
            code="WrongNamespace",
        )
    # With istio- before it, it is the name of a Service.
    if not is_label(f"istio-{params['name']}"):
        raise InvalidInput(
            f"name '{one_line(params['name'])[:60]}' is no name of a gateway: give up to 57 small letters, digits and "
            "'-', with a letter or a digit at both ends."
        )
    warnings = []
    for where, holder in [("", params)] + [(f" for {item['cluster']}", item) for item in params["overrides"] or []]:
        what = f"Gateway '{params['name']}'{where}"
        _check_lists(what, holder)
        _check_ports(what, holder.get("ports") or [])
        _check_numbers(what, holder)
        warnings += _check_low_ports(what, holder, params)
    return warnings


def _check_lists(what: str, holder: dict[str, Any]) -> None:
    """What of a list is in the option ``spec`` would take the place of all that another option has in it."""
    spec = holder.get("spec") or {}
    twice = [option for option, field in _LISTS.items() if holder.get(option) and spec.get(field)]
    if twice:
        raise InvalidInput(
            f"{what}: {twice[0]} and spec.{_LISTS[twice[0]]} are one list, given twice. Give it in one place."
        )


def _check_ports(what: str, ports: list[dict[str, Any]]) -> None:
    # One port may be there for each protocol: HTTP/3 is 443 of UDP beside 443 of TCP.
    for field, values in (
        ("name", [str(port["name"]) for port in ports]),
        ("port", [f"{port['port']}/{port.get('protocol') or 'TCP'}" for port in ports]),
    ):
        twice = sorted({value.removesuffix("/TCP") for value in values if values.count(value) > 1})
        if twice:
            raise InvalidInput(
                f"{what} has more than one port with the {field} {', '.join(twice)}.", code="InvalidPorts"
            )
    for port in ports:
        target = _target(port)
        for field, value in (("port", port["port"]), ("target_port", target), ("node_port", port.get("node_port"))):
            if value is not None and not 0 < value < 65536:
                named = "" if field == "port" else f" of port {port['port']}"
                raise InvalidInput(f"{what}: {field} {value}{named} is outside 1 to 65535.", code="InvalidPorts")


def _check_numbers(what: str, holder: dict[str, Any]) -> None:
    scaling = holder.get("autoscaling") or {}
    numbers = {"replicas": holder.get("replicas")}
    numbers |= {f"autoscaling.{name}": value for name, value in scaling.items() if name != "enabled"}
    wrong = [name for name, value in numbers.items() if value is not None and value < 0]
    if wrong:
        raise InvalidInput(f"{what}: {wrong[0]} must not be negative, it is {numbers[wrong[0]]}.")
    least, most = scaling.get("min_replicas"), scaling.get("max_replicas")
    if least is not None and most is not None and least > most:
        raise InvalidInput(f"{what}: autoscaling.min_replicas {least} is more than autoscaling.max_replicas {most}.")


def _check_low_ports(what: str, holder: dict[str, Any], whole: dict[str, Any]) -> list[str]:
    """Only root may bind ports below 1024, unless the kernel is told otherwise, of which nothing is known here."""
    low = [port for port in holder.get("ports") or [] if _target(port) < 1024]
    specs = [one["spec"] for one in (holder, whole) if isinstance(one.get("spec"), dict)]
    if any(one.get("run_as_root") for one in (holder, whole)) or any(spec.get("runAsRoot") for spec in specs):
        return []
    for port in low:
        number = f"port {port['port']} has the container port {_target(port)}"
        why = f"{what}: {number}, which the gateway's proxy may not bind"
        if not any(spec.get("kernel") for spec in specs):
            raise InvalidInput(
                f"{why}, so that nothing would listen there. Choose a target_port from 1024 up (left out, it is port + "
                "8000), or set run_as_root.",
                code="InvalidPorts",
            )
        return [f"{why} unless spec.kernel lets it (net.ipv4.ip_unprivileged_port_start)."]
    return []


def _target(port: dict[str, Any]) -> int:
    """The container port: as given, else the port itself or, where only root could bind that, port + 8000."""
    if port["target_port"] is not None:
        return int(port["target_port"])
    return int(port["port"]) + (8000 if port["port"] < 1024 else 0)


def _override(item: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """What differs in one cluster; a class of the gateway as a whole is taken back by an empty one."""
    spec = _partial_spec(item)
    kinds = [(one.get("load_balancer") or {}).get("kind") for one in (item, whole)]
    return {"loadBalancerClass": "", **spec} if kinds == ["clb", "nlb"] else spec


def _partial_spec(options: dict[str, Any]) -> dict[str, Any]:
    """The part of ``spec`` that one set of ``PER_CLUSTER_OPTIONS`` asks for; the option ``spec`` goes on top."""
    spec: dict[str, Any] = {}
    for option, field, convert in _PLAIN:
        if options.get(option) is not None:
            spec[field] = convert(options[option])
    balancer = options.get("load_balancer") or {}
    annotations = {**_balancer_annotations(balancer), **_texts(options.get("service_annotations") or {})}
    if annotations:
        spec["serviceAnnotations"] = annotations
    if balancer.get("kind") == "nlb":
        spec["loadBalancerClass"] = NLB_CLASS
    if balancer.get("ip"):
        spec["loadBalancerIP"] = balancer["ip"]
    spec.update(_autoscaling(options.get("autoscaling")))
    return dict(laid_over(spec, options.get("spec") or {}))


def _balancer_annotations(balancer: dict[str, Any]) -> dict[str, str]:
    names = {
        "address_type": "address-type",
        "id": "id",
        "spec": "spec",
        "force_override_listeners": "force-override-listeners",
        "charge_type": "charge-type",
    }
    return {PREFIX + names[key]: _text(balancer[key]) for key in names if balancer.get(key) is not None}


def _autoscaling(wanted: dict[str, Any] | None) -> dict[str, Any]:
    if wanted is None:
        return {}
    spec: dict[str, Any] = {"autoscaleEnabled": wanted["enabled"]}
    for option, field in (("min_replicas", "minReplicas"), ("max_replicas", "maxReplicas")):
        if wanted[option] is not None:
            spec[field] = wanted[option]
    for option, field in (("cpu_utilization", "cpu"), ("memory_utilization", "memory")):
        if wanted[option] is not None:
            spec[field] = {"targetAverageUtilization": wanted[option]}
    return spec


def _ports(ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": port["name"],
            "port": port["port"],
            "targetPort": _target(port),
            "protocol": port["protocol"],
            **({"nodePort": port["node_port"]} if port["node_port"] is not None else {}),
        }
        for port in ports
    ]


def _set_resources(resources: dict[str, Any]) -> dict[str, Any]:
    return {
        group: {unit: value for unit, value in (resources[group] or {}).items() if value is not None}
        for group in ("limits", "requests")
        if resources.get(group)
    }


def _text(value: Any) -> str:
    """Annotation values are text; booleans are lower case there."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {str(key): _text(value) for key, value in values.items()}


_PLAIN: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("service_type", "serviceType", str),
    ("external_traffic_policy", "externalTrafficPolicy", str),
    ("ports", "ports", _ports),
    ("replicas", "replicaCount", int),
    ("resources", "resources", _set_resources),
    ("pod_labels", "podLabels", _texts),
    ("pod_annotations", "podAnnotations", _texts),
    ("service_labels", "serviceLabels", _texts),
    ("node_selector", "nodeSelector", _texts),
    ("tolerations", "tolerations", list),
    ("env", "env", _texts),
    ("host_network", "hostNetwork", bool),
    ("run_as_root", "runAsRoot", bool),
]
# Options that are lists, by their fields of ``spec``.
_LISTS = {"clusters": "clusterIds", "ports": "ports", "tolerations": "tolerations"}

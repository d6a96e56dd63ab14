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
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE

API_VERSION = "istio.alibabacloud.com/v1beta1"
KIND = "IstioGateway"
NLB_CLASS = "alibabacloud.com/nlb"
_ANNOTATION = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"

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


def manifest(params: dict[str, Any], cluster_ids: list[str], override_ids: dict[str, str]) -> dict[str, Any]:
    """The IstioGateway that the options ask for; unset options are left out, so that remote values stay.

    ``override_ids`` maps the cluster names of ``overrides`` to cluster ids. Raises ``InvalidInput``.
    """
    spec: dict[str, Any] = {"gatewayType": params["type"], **_partial_spec(params)}
    if params["clusters"] is not None:
        spec["clusterIds"] = sorted(cluster_ids)
    overrides = {override_ids[item["cluster"]]: _partial_spec(item) for item in params["overrides"] or []}
    if overrides:
        spec["overrides"] = overrides
    metadata: dict[str, Any] = {"name": params["name"], "namespace": params["namespace"]}
    for field in ("labels", "annotations"):
        if params[field] is not None:
            metadata[field] = _texts(params[field])
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}


def check(params: dict[str, Any]) -> None:
    """What can be wrong before anything is asked: the namespace, and ports that exclude each other."""
    if params["namespace"] != ROOT_NAMESPACE:
        raise InvalidInput(
            f"Gateway '{params['name']}' is asked for in namespace '{params['namespace']}', but ASM deploys gateways "
            f"from the namespace {ROOT_NAMESPACE} only. Leave namespace out, or set it to {ROOT_NAMESPACE}.",
            code="WrongNamespace",
        )
    for where, holder in [("", params)] + [(f" for {item['cluster']}", item) for item in params["overrides"] or []]:
        _check_ports(f"Gateway '{params['name']}'{where}", holder)


def _check_ports(what: str, holder: dict[str, Any]) -> None:
    ports = holder.get("ports") or []
    run_as_root = bool(holder.get("run_as_root"))
    for field in ("name", "port"):
        values = [port[field] for port in ports]
        twice = sorted({str(value) for value in values if values.count(value) > 1})
        if twice:
            raise InvalidInput(
                f"{what} has more than one port with the {field} {', '.join(twice)}.", code="InvalidPorts"
            )
    for port in ports:
        target = _target(port)
        if not (0 < port["port"] < 65536 and 0 < target < 65536):
            raise InvalidInput(f"{what}: port {port['port']} -> {target} is outside 1 to 65535.", code="InvalidPorts")
        if target < 1024 and not run_as_root:
            raise InvalidInput(
                f"{what}: port {port['port']} has the container port {target}, which the gateway's proxy may not bind, "
                "so that nothing would listen there. Choose a target_port from 1024 up (left out, it is port + 8000), "
                "or set run_as_root.",
                code="InvalidPorts",
            )


def _target(port: dict[str, Any]) -> int:
    """The container port: as given, else the port itself or, where only root could bind that, port + 8000."""
    if port["target_port"] is not None:
        return int(port["target_port"])
    return int(port["port"]) + (8000 if port["port"] < 1024 else 0)


def _partial_spec(options: dict[str, Any]) -> dict[str, Any]:
    """The part of ``spec`` that one set of ``PER_CLUSTER_OPTIONS`` asks for."""
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
    spec.update(options.get("spec") or {})
    return spec


def _balancer_annotations(balancer: dict[str, Any]) -> dict[str, str]:
    names = {
        "address_type": "address-type",
        "id": "id",
        "spec": "spec",
        "force_override_listeners": "force-override-listeners",
        "charge_type": "charge-type",
    }
    return {_ANNOTATION + names[key]: _text(balancer[key]) for key in names if balancer.get(key) is not None}


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

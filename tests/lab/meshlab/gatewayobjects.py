# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an IstioGateway stands for in a cluster: Service, Deployment, ServiceAccount with its Role, autoscaler.

Pure functions from the object's spec to Kubernetes objects.
"""

from __future__ import annotations

import copy
from typing import Any

from meshlab.kubeapi import Object

NAMESPACE = "istio-system"

#: Label on everything that the operator makes: the name of the gateway.
OWNER_LABEL = "asm.alibabacloud.com/gateway"

#: Annotation of a gateway's pods: the version of the mesh that it follows, which the product has in their image.
VERSION_ANNOTATION = "asm.alibabacloud.com/gateway-version"

DEFAULT_RESOURCES = {
    "limits": {"cpu": "2", "memory": "2G"},
    "requests": {"cpu": "200m", "memory": "256Mi"},
}

_RBAC = "rbac.authorization.k8s.io"

_PATHS = {
    "ServiceAccount": "/api/v1/namespaces/istio-system/serviceaccounts",
    "Role": f"/apis/{_RBAC}/v1/namespaces/istio-system/roles",
    "RoleBinding": f"/apis/{_RBAC}/v1/namespaces/istio-system/rolebindings",
    "Service": "/api/v1/namespaces/istio-system/services",
    "Deployment": "/apis/apps/v1/namespaces/istio-system/deployments",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/istio-system/horizontalpodautoscalers",
}


class GatewayError(Exception):
    """The gateway's spec cannot be carried out; the message says why."""


def spec_for_cluster(spec: dict[str, Any], cluster_id: str) -> dict[str, Any]:
    """The spec with the cluster's overrides in it: maps are merged, anything else is replaced."""
    merged = {key: copy.deepcopy(value) for key, value in spec.items() if key not in ("overrides", "clusterIds")}
    return _merge(merged, (spec.get("overrides") or {}).get(cluster_id) or {})


def objects(name: str, spec: dict[str, Any], version: str = "") -> dict[str, Object]:
    """Path -> object for one cluster. ``spec`` comes from spec_for_cluster(). Raises GatewayError.

    Another ``version`` of the proxy makes other pods.
    """
    # The role comes before the pods: istiod remembers for a while that a proxy may not have a certificate.
    made = [_object("v1", "ServiceAccount", name), _role(name), _role_binding(name)]
    deployment = _deployment(name, spec)
    if version:
        deployment["spec"]["template"]["metadata"]["annotations"][VERSION_ANNOTATION] = version
    made += [_service(name, spec), deployment]
    if spec.get("autoscaleEnabled"):
        made.append(_autoscaler(name, spec))
    return {path(one["kind"], name): one for one in made}


def all_paths(name: str) -> list[str]:
    """Paths of all objects that a gateway of this name may have in a cluster, the Service first."""
    order = ("Service", "HorizontalPodAutoscaler", "Deployment", "RoleBinding", "Role", "ServiceAccount")
    return [path(kind, name) for kind in order]


def path(kind: str, name: str) -> str:
    """The path of one of a gateway's objects."""
    return f"{_PATHS[kind]}/istio-{name}"


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = copy.deepcopy(value)
    return base


def _object(api_version: str, kind: str, name: str) -> Object:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": f"istio-{name}",
            "namespace": NAMESPACE,
            "labels": {**_selector(name), OWNER_LABEL: name, "app.kubernetes.io/managed-by": "asm"},
        },
    }


def _selector(name: str) -> dict[str, str]:
    return {"app": f"istio-{name}", "istio": name}


def _role(name: str) -> Object:
    """istiod serves the certificate of a Secret only to a gateway whose ServiceAccount could read it itself."""
    role = _object(f"{_RBAC}/v1", "Role", name)
    role["rules"] = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "watch", "list"]}]
    return role


def _role_binding(name: str) -> Object:
    binding = _object(f"{_RBAC}/v1", "RoleBinding", name)
    binding["roleRef"] = {"apiGroup": _RBAC, "kind": "Role", "name": f"istio-{name}"}
    binding["subjects"] = [{"kind": "ServiceAccount", "name": f"istio-{name}", "namespace": NAMESPACE}]
    return binding


def _service(name: str, spec: dict[str, Any]) -> Object:
    ports = spec.get("ports") or []
    if not ports:
        raise GatewayError("spec.ports is empty: a gateway needs at least one port")
    service = _object("v1", "Service", name)
    service["metadata"]["labels"] |= spec.get("serviceLabels") or {}
    service["metadata"]["annotations"] = dict(spec.get("serviceAnnotations") or {})
    kind = spec.get("serviceType") or "LoadBalancer"
    service["spec"] = {
        "type": kind,
        "selector": _selector(name),
        "ports": [{"protocol": "TCP", "targetPort": port["port"], **port} for port in ports],
    }
    if kind == "LoadBalancer":
        for field in ("loadBalancerClass", "loadBalancerIP"):
            if spec.get(field):
                service["spec"][field] = spec[field]
    if kind in ("LoadBalancer", "NodePort"):
        service["spec"]["externalTrafficPolicy"] = spec.get("externalTrafficPolicy") or "Cluster"
    return service


def _deployment(name: str, spec: dict[str, Any]) -> Object:
    deployment = _object("apps/v1", "Deployment", name)
    template_labels = {**_selector(name), "sidecar.istio.io/inject": "true", **(spec.get("podLabels") or {})}
    deployment["spec"] = {
        "selector": {"matchLabels": _selector(name)},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {
                "maxSurge": spec.get("rollingMaxSurge") or "100%",
                "maxUnavailable": spec.get("rollingMaxUnavailable") or "25%",
            },
        },
        "template": {
            "metadata": {
                "labels": template_labels,
                "annotations": {"inject.istio.io/templates": "gateway", **(spec.get("podAnnotations") or {})},
            },
            "spec": _pod(name, spec),
        },
    }
    if not spec.get("autoscaleEnabled"):
        deployment["spec"]["replicas"] = spec.get("replicaCount", 1)
    return deployment


def _pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "istio-proxy",
        "image": "auto",
        "resources": copy.deepcopy(spec.get("resources") or DEFAULT_RESOURCES),
        "env": _environment(spec),
    }
    if not spec.get("disableContainerPortExposed"):
        container["ports"] = _container_ports(spec)
    for field in ("lifecycle", "readinessProbe"):
        if spec.get(field):
            container[field] = spec[field]
    volumes, mounts = _volumes(spec)
    if mounts:
        container["volumeMounts"] = mounts
    pod: dict[str, Any] = {"serviceAccountName": f"istio-{name}", "containers": [container]}
    if volumes:
        pod["volumes"] = volumes
    if spec.get("runAsRoot"):
        container["securityContext"] = {"runAsUser": 0, "runAsGroup": 0, "runAsNonRoot": False}
    for field in ("nodeSelector", "affinity", "tolerations", "hostNetwork", "dnsPolicy"):
        if spec.get(field):
            pod[field] = spec[field]
    return pod


def _environment(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """``env`` is a map of names to values, or a list as in a container."""
    given = spec.get("env") or {}
    rows = list(given) if isinstance(given, list) else [{"name": key, "value": str(given[key])} for key in given]
    if spec.get("requestedNetworkView"):
        rows.append({"name": "ISTIO_META_REQUESTED_NETWORK_VIEW", "value": spec["requestedNetworkView"]})
    return rows


def _container_ports(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Numeric target ports, each once."""
    seen: dict[tuple[int, str], dict[str, Any]] = {}
    for port in spec.get("ports") or []:
        target = port.get("targetPort", port["port"])
        if isinstance(target, int):
            protocol = port.get("protocol", "TCP")
            seen[(target, protocol)] = {"containerPort": target, "protocol": protocol}
    return list(seen.values())


def _volumes(spec: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    volumes, mounts = [], []
    for row in spec.get("secretVolumes") or []:
        volumes.append({"name": row["name"], "secret": {"secretName": row["secretName"], "optional": True}})
        mounts.append({"name": row["name"], "mountPath": row["mountPath"], "readOnly": True})
    for row in spec.get("configVolumes") or []:
        volumes.append({"name": row["name"], "configMap": {"name": row["configMapName"], "optional": True}})
        mounts.append({"name": row["name"], "mountPath": row["mountPath"], "readOnly": True})
    return volumes, mounts


def _autoscaler(name: str, spec: dict[str, Any]) -> Object:
    scaler = _object("autoscaling/v2", "HorizontalPodAutoscaler", name)
    least = spec.get("minReplicas") or 1
    most = spec.get("maxReplicas") or max(least, 5)
    if most < least:
        raise GatewayError(f"spec.maxReplicas {most} is less than spec.minReplicas {least}")
    metrics = []
    for resource in ("cpu", "memory"):
        average = (spec.get(resource) or {}).get("targetAverageUtilization")
        if average:
            target = {"type": "Utilization", "averageUtilization": average}
            metrics.append({"type": "Resource", "resource": {"name": resource, "target": target}})
    scaler["spec"] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"istio-{name}"},
        "minReplicas": least,
        "maxReplicas": most,
    }
    if metrics:
        scaler["spec"]["metrics"] = metrics
    return scaler

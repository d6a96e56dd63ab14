# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The start-up configuration of a pod's Envoy. Everything else comes from istiod."""

from __future__ import annotations

from typing import Any

from meshlab.kubeapi import Object

ADMIN_PORT = 15000
STATUS_PORT = 15021
METRICS_PORT = 15090

#: istiod asks a proxy for its version, to leave out what it cannot do.
_ISTIO_VERSION = "1.31.0"

_MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
_HTTP = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def bootstrap(
    pod: Object, container: Object, *, kind: str, address: str, cluster: str, socket: str, zone: str
) -> dict[str, Any]:
    """Envoy's bootstrap. ``kind``: sidecar or router; ``socket`` leads to istiod and to the pod's certificates."""
    meta = pod["metadata"]
    pilot = {"api_type": "DELTA_GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": True}
    region, _dash, _letter = zone.rpartition("-")
    return {
        "node": {
            "id": f"{kind}~{address}~{meta['name']}.{meta['namespace']}~{meta['namespace']}.svc.cluster.local",
            "cluster": f"{(meta.get('labels') or {}).get('app', meta['name'])}.{meta['namespace']}",
            "locality": {"region": region, "zone": zone},
            "metadata": metadata(pod, container, kind=kind, address=address, cluster=cluster),
        },
        "admin": {"address": _address("127.0.0.1", ADMIN_PORT)},
        "dynamic_resources": {
            "ads_config": {**pilot, "grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}]},
            "lds_config": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"},
            "cds_config": {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"},
        },
        "static_resources": {
            "clusters": [_pipe("xds-grpc", socket), _pipe("sds-grpc", socket), _admin()],
            "listeners": [
                _listener(address, STATUS_PORT, "/healthz/ready", "/ready"),
                _listener(address, METRICS_PORT, "/stats/prometheus", "/stats/prometheus"),
            ],
        },
        "layered_runtime": {
            "layers": [
                {"name": "static", "static_layer": {"overload.global_downstream_max_connections": 2147483647}},
                {"name": "admin", "admin_layer": {}},
            ]
        },
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
    }


def metadata(pod: Object, container: Object, *, kind: str, address: str, cluster: str) -> dict[str, Any]:
    """What istiod wants to know of a proxy; ISTIO_META_* variables of the container come first."""
    meta, spec = pod["metadata"], pod["spec"]
    environment = {one["name"]: one.get("value") for one in container.get("env") or []}
    labels = dict(meta.get("labels") or {})
    found: dict[str, Any] = {
        name.removeprefix("ISTIO_META_"): value
        for name, value in environment.items()
        if name.startswith("ISTIO_META_") and value is not None
    }
    found |= {
        "NAME": meta["name"],
        "NAMESPACE": meta["namespace"],
        "CLUSTER_ID": cluster,
        "LABELS": labels,
        "ANNOTATIONS": dict(meta.get("annotations") or {}),
        "SERVICE_ACCOUNT": spec.get("serviceAccountName", "default"),
        "NODE_NAME": spec.get("nodeName", ""),
        "INSTANCE_IPS": address,
        "ISTIO_VERSION": _ISTIO_VERSION,
        "MESH_ID": "cluster.local",
    }
    if kind == "sidecar":
        found["INTERCEPTION_MODE"] = "REDIRECT"
    return found


def command(envoy: str, configuration: str, arguments: list[str]) -> list[str]:
    """Envoy's command line: one worker, unless the ``arguments`` of Istio's agent say otherwise, and changes of
    listeners that reach every connection at once."""
    given = dict(one.removeprefix("--").split("=", 1) for one in arguments if one.startswith("--") and "=" in one)
    level = given.get("proxyLogLevel", "warning")
    return [
        envoy,
        "--config-path",
        configuration,
        "--concurrency",
        given.get("concurrency", "1"),
        "--log-level",
        "trace" if level == "tracing" else level,
        "--disable-hot-restart",
        "--drain-time-s",
        "45",
        "--drain-strategy",
        "immediate",
        "--skip-deprecated-logs",
    ]


def _address(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def _cluster(name: str, address: dict[str, Any], **more: Any) -> dict[str, Any]:
    endpoint = {"lb_endpoints": [{"endpoint": {"address": address}}]}
    assignment = {"cluster_name": name, "endpoints": [endpoint]}
    return {"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": assignment, **more}


def _pipe(name: str, socket: str) -> dict[str, Any]:
    options = {"@type": _HTTP, "explicit_http_config": {"http2_protocol_options": {}}}
    return _cluster(
        name,
        {"pipe": {"path": socket}},
        typed_extension_protocol_options={"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
        circuit_breakers={"thresholds": [{"max_connections": 100000, "max_requests": 100000}]},
    )


def _admin() -> dict[str, Any]:
    return _cluster("admin", _address("127.0.0.1", ADMIN_PORT))


def _listener(address: str, port: int, path: str, target: str) -> dict[str, Any]:
    """A port of the pod on which one path of the admin interface can be read."""
    route = {"match": {"path": path}, "route": {"cluster": "admin", "prefix_rewrite": target}}
    manager = {
        "@type": _MANAGER,
        "stat_prefix": f"port_{port}",
        "route_config": {"virtual_hosts": [{"name": "admin", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
    }
    return {
        "name": f"port_{port}",
        "address": _address(address, port),
        "filter_chains": [{"filters": [{"name": "envoy.http_connection_manager", "typed_config": manager}]}],
    }

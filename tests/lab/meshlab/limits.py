# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator of ASMLocalRateLimiter: makes it true as an EnvoyFilter, by the filter of upstream Envoy."""

from __future__ import annotations

from typing import Any

from meshlab.account import Mesh
from meshlab.informer import Informer
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.worker import Worker

LIMITERS = "/apis/istio.alibabacloud.com/v1"
OWNER_LABEL = "asm.alibabacloud.com/local-rate-limiter"

_FILTERS = "/apis/networking.istio.io/v1alpha3"
_ROOT = "istio-system"
_FILTER = "envoy.filters.http.local_ratelimit"
_TYPE = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_REJECTED = 429


class LimitOperator:
    """Rate limiters of one mesh."""

    def __init__(self, mesh: Mesh, api: KubeApi) -> None:
        self._api = api
        self._worker = Worker(f"rate limiters of {mesh.mesh_id}", self._reconcile)
        self._limiters = Informer(api, f"{LIMITERS}/asmlocalratelimiters", self._seen)

    def start(self) -> None:
        """Begin to watch."""
        self._worker.start()
        self._limiters.start()

    def stop(self) -> None:
        """Stop watching; what was made stays."""
        self._limiters.stop()
        self._worker.stop()

    def idle(self, timeout: float) -> bool:
        """Wait until all limiters have been looked at."""
        return self._worker.idle(timeout)

    def _seen(self, kind: str, limiter: Object) -> None:
        self._worker.add(f"{limiter['metadata']['namespace']}/{limiter['metadata']['name']}")

    def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        place = f"{LIMITERS}/namespaces/{namespace}/asmlocalratelimiters/{name}"
        limiter = self._api.find(place)
        wanted = envoy_filter(limiter) if limiter else None
        for one in self._api.list(f"{_FILTERS}/envoyfilters", labelSelector=OWNER_LABEL):
            metadata = one["metadata"]
            kept = wanted and metadata["namespace"] == wanted["metadata"]["namespace"]
            if metadata["labels"][OWNER_LABEL] == f"{namespace}.{name}" and not kept:
                self._api.delete(f"{_FILTERS}/namespaces/{metadata['namespace']}/envoyfilters/{metadata['name']}")
        if limiter is None or wanted is None:
            return
        problem = ""
        made = wanted["metadata"]
        try:
            self._api.apply(f"{_FILTERS}/namespaces/{made['namespace']}/envoyfilters/{made['name']}", wanted)
        except KubeApiError as error:
            if error.status not in (400, 422):
                raise
            problem = error.message
        status = {"status": "failed" if problem else "success", "message": problem}
        if (limiter.get("status") or {}) != status:
            self._api.patch(f"{place}/status", {"status": status})


def envoy_filter(limiter: Object) -> Object:
    """What a limiter stands for; one of a gateway selects it wherever it is, another pods of its own namespace."""
    spec, metadata = limiter.get("spec") or {}, limiter["metadata"]
    gateway = bool(spec.get("isGateway"))
    context = "GATEWAY" if gateway else "SIDECAR_INBOUND"
    patches = [_enabled(context), *(_limited(context, one) for one in spec.get("configs") or [])]
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {
            "name": f"ratelimit-{metadata['namespace']}-{metadata['name']}",
            "namespace": _ROOT if gateway else metadata["namespace"],
            "labels": {OWNER_LABEL: f"{metadata['namespace']}.{metadata['name']}"},
        },
        "spec": {"workloadSelector": spec.get("workloadSelector") or {}, "configPatches": patches},
    }


def _enabled(context: str) -> dict[str, Any]:
    """The filter itself, which limits nothing by itself."""
    manager = {"name": "envoy.filters.network.http_connection_manager"}
    chain = {"filter": {**manager, "subFilter": {"name": "envoy.filters.http.router"}}}
    value = {"name": _FILTER, "typed_config": {"@type": _TYPE, "stat_prefix": "asm"}}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": context, "listener": {"filterChain": chain}},
        "patch": {"operation": "INSERT_BEFORE", "value": value},
    }


def _limited(context: str, config: dict[str, Any]) -> dict[str, Any]:
    """One bucket for the route that a configuration names."""
    virtual_host = (config.get("match") or {}).get("vhost") or {}
    limit = config.get("limit") or {}
    host: dict[str, Any] = {"name": f"{virtual_host.get('name')}:{virtual_host.get('port')}"}
    route = (virtual_host.get("route") or {}).get("name_match")
    if route:
        host["route"] = {"name": route}
    interval = limit.get("fill_interval") or {}
    bucket = {
        "max_tokens": limit.get("quota", 0),
        "tokens_per_fill": limit.get("quota", 0),
        "fill_interval": f"{interval.get('seconds', 0)}.{interval.get('nanos', 0):09d}s",
    }
    headers = limit.get("response_header_to_add") or {}
    settings = {
        "@type": _TYPE,
        "stat_prefix": "asm",
        "token_bucket": bucket,
        "filter_enabled": _ALWAYS,
        "filter_enforced": _ALWAYS,
        "status": {"code": limit.get("status") or _REJECTED},
        "response_headers_to_add": [{"header": {"key": key, "value": value}} for key, value in headers.items()],
    }
    return {
        "applyTo": "HTTP_ROUTE",
        "match": {"context": context, "routeConfiguration": {"vhost": host}},
        "patch": {"operation": "MERGE", "value": {"typed_per_filter_config": {_FILTER: settings}}},
    }

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is managed beside the main flow, as tasks that can be done, changed and undone in a mesh of their own."""

from __future__ import annotations

from typing import Any

from tests.faults.steps import CLUSTERS, FLOW, MESH, NAMESPACE, Step
from tests.unit.pem import pair

Json = dict[str, Any]

GATEWAY = "ingressgateway"
_CLUSTER = CLUSTERS[0]
# Users of the lab's account.
_OPERATOR = "2460000000000002"

_FOUND: list[Json] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
    *(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"ports": [{"name": "http", "port": 80}], "selector": {"app": name}},
        }
        for name in ("cart", "pay")
    ),
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": NAMESPACE},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": "cart"}}}},
    },
]
_ENTRY: Json = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "entry", "namespace": NAMESPACE},
    "spec": {
        "selector": {"istio": GATEWAY},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["shop.example.com"]}],
    },
}
_MESH = {**FLOW[0].done, "cluster_spec": "enterprise", "telemetry": True, "gateway_api_enabled": True}
#: What all of them need.
GROUND: tuple[tuple[str, Json], ...] = (
    ("asm_mesh", _MESH),
    *((step.module, step.done) for step in FLOW[1:4]),
    ("asm_workload", {"clusters": CLUSTERS, "definition": _FOUND, "wait": False}),
    ("istio_resource", {"mesh": MESH, "definition": _ENTRY, "lint": False, "wait_proxies": False}),
)

_OLD, _NEW = pair(), pair(days=(-1, 100))
_PROVIDER: Json = {"mesh": MESH, "name": "httpextauth-login", "service": "login.istio-system.svc.cluster.local"}
_OIDC: Json = {"client_id": "shop", "client_secret": "of-the-client", "issuer_uri": "https://login.example.com"}
_OF_GATEWAY: Json = {"mesh": MESH, "gateway": GATEWAY}
_ROUTE: Json = {
    **_OF_GATEWAY,
    "name": "page",
    "hosts": ["shop.example.com"],
    "destinations": [{"host": "cart.shop.svc.cluster.local", "port": 80}],
}
_DOMAIN: Json = {**_OF_GATEWAY, "name": "shop", "hosts": ["shop.example.com"], "port": 80, "protocol": "HTTP"}
_IMPORTED: Json = {**_OF_GATEWAY, "namespace": NAMESPACE}
_SECRET: Json = {**_OF_GATEWAY, "name": "tls"}
_WAYPOINT: Json = {"mesh": MESH, "cluster": _CLUSTER, "namespace": "default"}
_GROUP: Json = {"mesh": MESH, "name": "features"}
_LANE: Json = {"mesh": MESH, "group": "features", "name": "gray"}
_GROUP_DONE: Json = {**_GROUP, "gateway": "entry", "gateway_namespace": NAMESPACE, "services": ["shop/cart"]}

#: Each is tried by itself, on the ground; a lane in its group.
BESIDE = (
    Step(
        "permission",
        "asm_user_permission",
        {"mesh": MESH, "user": _OPERATOR, "role": "istio-ops"},
        {"mesh": MESH, "user": _OPERATOR, "state": "absent"},
        {"mesh": MESH, "user": _OPERATOR, "role": "istio-readonly"},
    ),
    Step(
        "provider",
        "asm_extension_provider",
        {**_PROVIDER, "port": 80, "oidc": _OIDC},
        {"mesh": MESH, "name": _PROVIDER["name"], "state": "absent"},
        {**_PROVIDER, "port": 81, "oidc": _OIDC},
    ),
    Step(
        "kiali",
        "asm_kiali",
        {"mesh": MESH, "server": {"port": 443}},
        {"mesh": MESH, "state": "absent"},
        {"mesh": MESH, "server": {"port": 8443}},
    ),
    Step(
        "sidecars",
        "asm_sidecar_config",
        {"mesh": MESH, "name": NAMESPACE, "concurrency": 2},
        {"mesh": MESH, "name": NAMESPACE, "state": "absent"},
        {"mesh": MESH, "name": NAMESPACE, "concurrency": 3},
    ),
    Step(
        "secret",
        "asm_gateway_secret",
        {**_SECRET, **_OLD.options()},
        {**_SECRET, "state": "absent"},
        {**_SECRET, **_NEW.options()},
    ),
    Step(
        "domain",
        "asm_gateway_domain",
        _DOMAIN,
        {**_OF_GATEWAY, "name": "shop", "state": "absent"},
        {**_DOMAIN, "hosts": ["other.example.com"]},
    ),
    Step(
        "route",
        "asm_gateway_route",
        _ROUTE,
        {**_OF_GATEWAY, "name": "page", "state": "absent"},
        {**_ROUTE, "timeout": "5s"},
    ),
    Step(
        "imported",
        "asm_gateway_imported_services",
        {**_IMPORTED, "services": ["cart"]},
        {**_IMPORTED, "services": ["cart", "pay"], "state": "absent"},
        {**_IMPORTED, "services": ["pay"], "purge": True},
    ),
    Step(
        "waypoint",
        "asm_waypoint",
        {**_WAYPOINT, "replicas": 2},
        {**_WAYPOINT, "state": "absent"},
        {**_WAYPOINT, "replicas": 3},
    ),
    Step("lane group", "asm_swim_lane_group", _GROUP_DONE, {**_GROUP, "state": "absent"}),
    Step(
        "lane",
        "asm_swim_lane",
        {**_LANE, "label_value": "gray", "wait": False},
        {**_LANE, "state": "absent"},
        {**_LANE, "label_value": "grey", "wait": False},
    ),
)
NEEDS: dict[str, tuple[tuple[str, Json], ...]] = {"lane": (("asm_swim_lane_group", _GROUP_DONE),)}

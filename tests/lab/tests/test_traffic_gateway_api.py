# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Gateway API: its kinds come when a mesh has it switched on, and its routes decide about requests."""

from __future__ import annotations

import json
from typing import Any

import urllib3
import yaml
from alibabacloud_servicemesh20200111 import models
from conftest import client_of, ours, wait_for, wait_state
from shop import NAMESPACE, ONE, Shop

_API = "/apis/gateway.networking.k8s.io/v1"

#: A Gateway that is the gateway of the shop (it has to be in the namespace of its Service), and a route behind it.
_OBJECTS = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: api, namespace: istio-system}}
spec:
  gatewayClassName: istio
  addresses: [{{type: Hostname, value: istio-ingressgateway.istio-system.svc.cluster.local}}]
  listeners:
    - {{name: http, port: 80, protocol: HTTP, hostname: api.example.com, allowedRoutes: {{namespaces: {{from: All}}}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: api, namespace: {NAMESPACE}}}
spec:
  parentRefs: [{{name: api, namespace: istio-system}}]
  hostnames: [api.example.com]
  rules:
    - matches: [{{path: {{type: PathPrefix, value: /reviews}}}}]
      backendRefs: [{{name: reviews, port: 9080}}]
"""


def _answer(shop: Shop, path: str) -> Any:
    url = f"http://{shop.gateways[ONE]}{path}"
    return urllib3.request("GET", url, headers={"Host": "api.example.com"}, retries=False, timeout=5.0)


def test_a_route_decides_once_the_mesh_has_the_gateway_api(shop: Shop) -> None:
    assert not [name for name in shop.mesh.served() if name.endswith(".gateway.networking.k8s.io")]
    request = models.UpdateMeshFeatureRequest(service_mesh_id=shop.mesh_id, gateway_apienabled=True)
    shop.asm.update_mesh_feature(request)
    wait_state(shop.asm, shop.mesh_id, seconds=180)
    assert _answer(shop, "/reviews/0").status == 404
    with client_of(shop.lab.fleet.mesh(shop.mesh_id)) as client:
        bodies = list(yaml.safe_load_all(_OBJECTS))
        assert ours(client, *bodies).changed
        assert not ours(client, *bodies).changed
        wait_for(lambda: _answer(shop, "/reviews/0").status == 200, 30)
        assert json.loads(_answer(shop, "/reviews/0").data)["id"] == "0"
        assert _answer(shop, "/details/0").status == 404
        (parent,) = (client.get(f"{_API}/namespaces/{NAMESPACE}/httproutes/api") or {})["status"]["parents"]
        accepted = [one["status"] for one in parent["conditions"] if one["type"] == "Accepted"]
        assert accepted == ["True"]
        assert not ours(client, *bodies).changed  # a status is no change of ours
        for body in bodies:
            path = f"{_API}/namespaces/{body['metadata']['namespace']}/{body['kind'].lower()}s/api"
            client.delete(path, uid=(client.get(path) or {})["metadata"]["uid"])
        wait_for(lambda: _answer(shop, "/reviews/0").status == 404, 30)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Gateway API: its kinds come when a mesh has it switched on, and its routes decide about requests."""

from __future__ import annotations

from alibabacloud_servicemesh20200111 import models
from conftest import wait_state
from shop import ONE, Shop


def test_x(shop: Shop) -> None:
    import json
    import time

    t = time.time()
    request = models.UpdateMeshFeatureRequest(service_mesh_id=shop.mesh_id, gateway_apienabled=True)
    shop.asm.update_mesh_feature(request)
    wait_state(shop.asm, shop.mesh_id, seconds=60)
    print("enabled", time.time() - t)
    api = shop.mesh
    ns = "/apis/gateway.networking.k8s.io/v1/namespaces/bookinfo"
    gw = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "api", "namespace": "bookinfo"},
        "spec": {
            "gatewayClassName": "istio",
            "addresses": [{"type": "Hostname", "value": "istio-ingressgateway.istio-system.svc.cluster.local"}],
            "listeners": [
                {
                    "name": "http",
                    "port": 80,
                    "protocol": "HTTP",
                    "hostname": "api.example.com",
                    "allowedRoutes": {"namespaces": {"from": "Same"}},
                }
            ],
        },
    }
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "api", "namespace": "bookinfo"},
        "spec": {
            "parentRefs": [{"name": "api"}],
            "hostnames": ["api.example.com"],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/reviews"}}],
                    "backendRefs": [{"name": "reviews", "port": 9080}],
                }
            ],
        },
    }
    api.apply(ns + "/gateways/api", gw, manager="test")
    api.apply(ns + "/httproutes/api", route, manager="test")
    for _ in range(20):
        time.sleep(0.5)
        r = shop._http.request("GET", f"http://{shop.gateways[ONE]}/reviews/0", headers={"Host": "api.example.com"})
        if r.status == 200:
            break
    print("answered", time.time() - t, r.status, r.data[:200])
    print(json.dumps(api.find(ns + "/gateways/api").get("status"), indent=1))
    print(json.dumps(api.find(ns + "/httproutes/api").get("status"), indent=1))
    print([o["metadata"]["name"] for o in api.list("/apis/gateway.networking.k8s.io/v1/gatewayclasses")])
    import subprocess

    print(
        subprocess.run(f"tail -30 {shop.lab.workdir}/logs/*istiod*", shell=True, capture_output=True, text=True).stdout[
            -6000:
        ]
    )

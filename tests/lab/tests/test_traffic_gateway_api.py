from __future__ import annotations

import json
import subprocess
import time

from alibabacloud_servicemesh20200111 import models
from conftest import wait_state
from shop import ONE, Shop


def show(shop, t, tag, code=200):
    for _ in range(16):
        time.sleep(0.5)
        r = shop._http.request("GET", f"http://{shop.gateways[ONE]}/reviews/0", headers={"Host": "api.example.com"})
        if r.status == code:
            break
    print(tag, "answered", time.time() - t, r.status, r.data[:200], flush=True)
    ns = "/apis/gateway.networking.k8s.io/v1/namespaces/bookinfo"
    for k in ("gateways", "httproutes"):
        print(k, json.dumps(shop.mesh.find(ns + f"/{k}/api").get("status")), flush=True)


def test_x(shop: Shop) -> None:
    t = time.time()
    request = models.UpdateMeshFeatureRequest(service_mesh_id=shop.mesh_id, gateway_apienabled=True)
    shop.asm.update_mesh_feature(request)
    wait_state(shop.asm, shop.mesh_id, seconds=60)
    print("enabled", time.time() - t, flush=True)
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
    show(shop, t, "A")
    api.apply(
        "/api/v1/namespaces/bookinfo/services/reviews",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "reviews"},
            "spec": {"ports": [{"name": "http", "port": 9080}]},
        },
        manager="test",
    )
    show(shop, time.time(), "C")
    print([a.version for a in shop.pages(12)])
    print([o["metadata"]["name"] for o in api.list("/apis/gateway.networking.k8s.io/v1/gatewayclasses")])
    # logs of a proxy
    pod = shop.pod("reviews")["metadata"]["name"]
    (shop.lab.workdir / "kc").write_text(
        shop.lab.fleet.cluster(next(iter(__import__("shop").IDS.values()))).kubeconfig(
            user="x",
            groups=["system:masters"],
            server=shop.lab.fleet.cluster(next(iter(__import__("shop").IDS.values()))).private_url,
            hours=1,
        )
    )
    for cmd in (
        f"logs {pod} -c istio-proxy --tail=3",
        f"logs {pod} -c reviews",
        f"exec {pod} -c reviews -- ls",
        f"port-forward {pod} 18080:9080",
        f"attach {pod} -c reviews",
    ):
        r = subprocess.run(
            ["timeout", "10", "kubectl", "--kubeconfig", str(shop.lab.workdir / "kc"), "-n", "bookinfo", *cmd.split()],
            capture_output=True,
            text=True,
        )
        print(cmd, "->", r.returncode, r.stdout[-300:], r.stderr[-600:], flush=True)

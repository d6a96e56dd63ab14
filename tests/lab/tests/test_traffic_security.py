# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""mTLS, AuthorizationPolicy and the way out are enforced by the proxies, with identities that istiod's CA signed."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator

import pytest
from alibabacloud_servicemesh20200111 import models
from conftest import raw_call, wait_for, wait_state
from meshlab.kubeapi import Object
from shop import NAMESPACE, ONE, Shop, settles

_PLAIN = "plain"
_REVIEWS = f"http://reviews.{NAMESPACE}:9080/reviews/0"


def _policy(kind: str, spec: str) -> str:
    return f"""
apiVersion: security.istio.io/v1
kind: {kind}
metadata: {{name: test}}
spec: {spec}
"""


def _allow(account: str) -> str:
    principal = f"cluster.local/ns/{NAMESPACE}/sa/{account}"
    rule = f"{{from: [{{source: {{principals: [{principal}]}}}}]}}"
    return _policy("AuthorizationPolicy", f"{{selector: {{matchLabels: {{app: reviews}}}}, rules: [{rule}]}}")


def choose(shop: Shop, policy: str) -> None:
    request = models.UpdateMeshFeatureRequest(service_mesh_id=shop.mesh_id, outbound_traffic_policy=policy)
    shop.asm.update_mesh_feature(request)
    wait_state(shop.asm, shop.mesh_id, seconds=30)


@contextlib.contextmanager
def endpoints_that_change(shop: Shop) -> Iterator[Callable[[], None]]:
    """A Service whose endpoints change more often than istiod pauses between two pushes, until it is enough.

    The Service itself stays for the time of the block: that it goes is a change that istiod sends to all.
    """
    api, namespace = shop.api(ONE), f"/namespaces/{NAMESPACE}"
    path = f"/apis/discovery.k8s.io/v1{namespace}/endpointslices/restless"
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "restless"}, "spec": {"ports": [port]}}
    api.apply(f"/api/v1{namespace}/services/restless", service)
    labels = {"kubernetes.io/service-name": "restless"}
    slices = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "ports": [port]}
    # That it came is such a change, too: it is sent before the endpoints begin to change.
    settles(lambda: shop.request(shop.pod("productpage"), f"http://restless.{NAMESPACE}/")["status"] == 503)
    ended = threading.Event()

    def change() -> None:
        for number in itertools.cycle(range(1, 250)):
            endpoints = [{"addresses": [f"192.0.2.{number}"]}]
            api.apply(path, {**slices, "metadata": {"name": "restless", "labels": labels}, "endpoints": endpoints})
            if ended.wait(0.06):
                return

    thread = threading.Thread(target=change, daemon=True)
    thread.start()

    def enough() -> None:
        ended.set()
        thread.join()

    try:
        yield enough
    finally:
        enough()
        api.delete(path)
        api.delete(f"/api/v1{namespace}/services/restless")


@pytest.fixture
def stranger(shop: Shop) -> Object:
    """A pod without a proxy, outside of the mesh."""
    api, path = shop.api(ONE), f"/api/v1/namespaces/{_PLAIN}"
    api.apply(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _PLAIN}})
    wait_for(lambda: api.find(f"{path}/serviceaccounts/default"), 30)
    container = {"name": "curl", "image": "curlimages/curl:8.10.1", "command": ["sleep", "infinity"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "curl"}, "spec": {"containers": [container]}}
    api.apply(f"{path}/pods/curl", pod)
    wait_for(lambda: api.get(f"{path}/pods/curl").get("status", {}).get("phase") == "Running", 30)
    return api.get(f"{path}/pods/curl")


def test_strict_mtls_keeps_strangers_out(shop: Shop, stranger: Object) -> None:
    assert shop.request(stranger, _REVIEWS)["status"] == 200  # PERMISSIVE is Istio's default
    with shop.with_resources(_policy("PeerAuthentication", "{mtls: {mode: STRICT}}")):
        settles(lambda: "reset" in shop.request(stranger, _REVIEWS)["error"])
        assert all(one.version for one in shop.pages(30))  # within the mesh everything goes on
    settles(lambda: shop.request(stranger, _REVIEWS)["status"] == 200)


def test_an_extension_provider_decides(shop: Shop) -> None:
    """The provider is reviews itself, which answers at the one path and not at the other."""
    details, productpage = f"http://details.{NAMESPACE}:9080/details/0", shop.pod("productpage")

    def provider(action: str, **more: str) -> None:
        key = {"ServiceMeshId": shop.mesh_id, "Type": "httpextauth", "Name": "httpextauth-reviews"}
        raw_call(shop.asm, action, {**key, **more})
        wait_state(shop.asm, shop.mesh_id, seconds=30)

    def config(prefix: str) -> str:
        return json.dumps({"service": f"reviews.{NAMESPACE}.svc.cluster.local", "port": 9080, "pathPrefix": prefix})

    rule = "selector: {matchLabels: {app: details}}, provider: {name: httpextauth-reviews}, action: CUSTOM, rules: [{}]"
    provider("CreateExtensionProvider", Config=config("/nowhere"))
    with shop.with_resources(
        _policy("AuthorizationPolicy", f"{{selector: {{matchLabels: {{app: details}}}}, {rule}}}")
    ):
        settles(lambda: shop.request(productpage, details)["status"] == 404)
        provider("UpdateExtensionProvider", Config=config("/reviews/0?asked="))
        settles(lambda: shop.request(productpage, details)["status"] == 200)
    provider("DeleteExtensionProvider")
    settles(lambda: shop.request(productpage, details)["status"] == 200)


def test_a_principal_is_let_in_and_others_are_not(shop: Shop) -> None:
    productpage, details = shop.pod("productpage"), shop.pod("details")
    with shop.with_resources(_allow("bookinfo-productpage")):
        settles(lambda: shop.request(details, _REVIEWS)["status"] == 403)
        assert shop.request(details, _REVIEWS)["body"] == "RBAC: access denied"
        settles(lambda: shop.request(productpage, _REVIEWS)["status"] == 200)
        settles(lambda: shop.page().version != "")
        shop.apply(_allow("bookinfo-details"))
        settles(lambda: shop.request(productpage, _REVIEWS)["status"] == 403)
        settles(lambda: "Error fetching product reviews" in shop.page().text)
        settles(lambda: shop.request(details, _REVIEWS)["status"] == 200)
    settles(lambda: shop.page().version != "")


def test_the_way_out_can_be_closed_and_opened_for_one_host(shop: Shop) -> None:
    pod = shop.pod("productpage")

    def status(host: str) -> int:
        return int(shop.request(pod, f"http://{host}/get")["status"])

    assert (status("httpbin.org"), status("www.example.com")) == (200, 200)
    entry = f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: httpbin, namespace: {NAMESPACE}}}
spec:
  hosts: [httpbin.org]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{{number: 80, name: http, protocol: HTTP}}]
"""
    choose(shop, "REGISTRY_ONLY")
    try:
        settles(lambda: status("httpbin.org") == 502)
        with shop.with_resources(entry):
            settles(lambda: status("httpbin.org") == 200)
            assert status("www.example.com") == 502
        settles(lambda: status("httpbin.org") == 502)
    finally:
        choose(shop, "ALLOW_ANY")
    settles(lambda: status("httpbin.org") == 200)


def test_the_way_out_closes_while_endpoints_change(shop: Shop) -> None:
    """istiod merges what changes at the same time, and must not take it for a change of endpoints alone."""
    pod = shop.pod("productpage")
    try:
        with endpoints_that_change(shop) as enough:
            choose(shop, "REGISTRY_ONLY")
            enough()
            settles(lambda: shop.request(pod, "http://httpbin.org/get")["status"] == 502)
    finally:
        choose(shop, "ALLOW_ANY")
    settles(lambda: shop.request(pod, "http://httpbin.org/get")["status"] == 200)


def test_what_lies_outside_sees_who_asks(shop: Shop, stranger: Object) -> None:
    answer = shop.request(stranger, "http://httpbin.org/anything?a=1", headers={"x-test": "yes"})
    assert '"X-Test":"yes"' in answer["body"]
    assert f'"origin":"{stranger["status"]["podIP"]}"' in answer["body"]
    assert "no such host" in shop.request(stranger, "http://nowhere.example/")["error"]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bookinfo in a mesh over two clusters of a real lab, and the ways in which tests look at it."""

from __future__ import annotations

import functools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3
import yaml
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import attach, config, create_mesh, wait_for, wait_state
from meshlab.kubeapi import KubeApi, Object
from meshlab.lab import Lab

NAMESPACE = "bookinfo"
ONE, TWO = "shop-1", "shop-2"
IDS = {ONE: "c5b0c7a1e00000000000000000000000a", TWO: "c5b0c7a1e00000000000000000000000b"}

_SERVED_BY = re.compile(r"<u>(reviews-v\d)-[^<]*</u> on cluster <u>([^<]*)</u>")

_PLURALS = {"Gateway": "gateways", "ServiceEntry": "serviceentries", "AuthorizationPolicy": "authorizationpolicies"}

GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: bookinfo}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bookinfo}
spec:
  hosts: ["*"]
  gateways: [bookinfo]
  http: [{route: [{destination: {host: productpage, port: {number: 9080}}}]}]
"""

SUBSETS = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec:
  host: reviews
  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}
  subsets:
    - {name: v1, labels: {version: v1}}
    - {name: v2, labels: {version: v2}}
    - {name: v3, labels: {version: v3}}
"""


def virtual_service(routes: str) -> str:
    """A VirtualService of reviews with these ``http`` entries (YAML in flow style)."""
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: reviews}}
spec: {{hosts: [reviews], http: {routes}}}
"""


@dataclass
class Answer:
    """What the product page said: status (0 for no answer), and who served the reviews ("" when there are none)."""

    status: int
    version: str = ""
    cluster: str = ""
    text: str = field(default="", repr=False)


class Shop:
    """The running lab with Bookinfo in ``shop-1`` and ``shop-2``."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.asm: AsmClient = None
        self.mesh_id = ""
        self.gateways: dict[str, str] = {}
        self._http = urllib3.PoolManager(maxsize=8, retries=False, timeout=6.0)

    def api(self, cluster: str) -> KubeApi:
        """The API server of a cluster, by its name."""
        return self.lab.fleet.cluster(IDS[cluster]).api

    @property
    def mesh(self) -> KubeApi:
        """The API server of the mesh."""
        return self.lab.fleet.mesh(self.mesh_id).api

    def build(self) -> None:
        """Start the lab, make mesh, gateways and Bookinfo; returns when the page can be seen at both gateways."""
        self.lab.start(print)
        self.asm = AsmClient(config(self.lab, "servicemesh", self.lab.world.main_user()))
        self.mesh_id = create_mesh(self.asm)
        wait_state(self.asm, self.mesh_id, seconds=90)
        for cluster in IDS.values():
            attach(self.asm, self.mesh_id, cluster)
            wait_state(self.asm, self.mesh_id, seconds=60)
        self._namespaces()
        self._gateway()
        for cluster in IDS:
            deploy(self.api(cluster))
        for text in (GATEWAY, SUBSETS):
            self.apply(text)
        self.open()

    def open(self) -> None:
        """Wait until the page can be seen at the gateways of both clusters, wherever they are now."""
        for cluster in IDS:
            self.wait_ready(cluster)
            self.wait_ready(cluster, "istio-system")
            self.gateways[cluster] = self._address(cluster)
            wait_for(functools.partial(_has_reviews, self, cluster), 30)

    def apply(self, text: str) -> None:
        """Write Istio resources to the mesh."""
        for item in yaml.safe_load_all(text):
            self.mesh.apply(_path(item), item, manager="test")

    @contextmanager
    def with_resources(self, text: str) -> Iterator[None]:
        """Istio resources for the time of a block; they have gone from the proxies soon after it."""
        self.apply(text)
        try:
            yield
        finally:
            for item in yaml.safe_load_all(text):
                self.mesh.delete(_path(item))

    def page(self, cluster: str = ONE, **headers: str) -> Answer:
        """The product page at a cluster's gateway."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            answer = self._http.request("GET", f"http://{self.gateways[cluster]}/productpage", headers=sent)
        except urllib3.exceptions.HTTPError as error:
            return Answer(0, text=str(error))
        text = answer.data.decode()
        served = _SERVED_BY.search(text)
        return Answer(answer.status, served[1] if served else "", served[2] if served else "", text)

    def pages(self, count: int, cluster: str = ONE, **headers: str) -> list[Answer]:
        """Several product pages, four at a time."""
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda _number: self.page(cluster, **headers), range(count)))

    def versions(self, count: int, cluster: str = ONE, **headers: str) -> Counter[str]:
        """How often each version served the reviews."""
        return Counter(one.version for one in self.pages(count, cluster, **headers))

    def request(self, pod: Object, url: str, *, cluster: str = ONE, timeout: float = 10.0, **more: Any) -> Any:
        """A request from within a pod."""
        node = self.lab.fleet.cluster(IDS[cluster]).node
        assert node is not None
        path = str(node.network.namespaces.path(node.pod_namespace(pod)))
        resolver = node.resolver(pod["metadata"]["namespace"])
        spec = {"method": "GET", "url": url, "timeout": timeout, "resolver": resolver, **more}
        return node.dataplane.call("request", netns=path, http=spec)

    def pod(self, app: str, *, cluster: str = ONE, namespace: str = NAMESPACE) -> Object:
        """A running pod of an app."""
        pods = self.api(cluster).list(f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"app={app}")
        return next(one for one in pods if "deletionTimestamp" not in one["metadata"])

    def scale(self, cluster: str, deployment: str, replicas: int) -> None:
        """Change the size of a Deployment."""
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{deployment}"
        self.api(cluster).patch(path, {"spec": {"replicas": replicas}})

    def wait_ready(self, cluster: str, namespace: str = NAMESPACE) -> None:
        """Wait until every Deployment of a namespace is as large as it should be."""

        def ready() -> bool:
            items = self.api(cluster).list(f"/apis/apps/v1/namespaces/{namespace}/deployments")
            return all(_settled(one) for one in items)

        wait_for(ready, 90)

    def _namespaces(self) -> None:
        meta = {"name": NAMESPACE, "labels": {"istio-injection": "enabled"}}
        body: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
        for api in (self.mesh, *(self.api(one) for one in IDS)):
            api.apply(f"/api/v1/namespaces/{NAMESPACE}", body, manager="test")
        for cluster in IDS:
            account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
            wait_for(functools.partial(self.api(cluster).find, account), 30)

    def _gateway(self) -> None:
        gateway = {
            "apiVersion": "istio.alibabacloud.com/v1beta1",
            "kind": "IstioGateway",
            "metadata": {"name": "ingressgateway", "namespace": "istio-system"},
            "spec": {
                "gatewayType": "ingress",
                "clusterIds": list(IDS.values()),
                "serviceType": "LoadBalancer",
                "ports": [
                    {"name": "http-0", "port": 80, "targetPort": 8080},
                    {"name": "https-0", "port": 443, "targetPort": 8443},
                ],
            },
        }
        path = "/apis/istio.alibabacloud.com/v1beta1/namespaces/istio-system/istiogateways/ingressgateway"
        self.mesh.apply(path, gateway, manager="test")

    def _address(self, cluster: str) -> str:
        def address() -> Any:
            service = self.api(cluster).find("/api/v1/namespaces/istio-system/services/istio-ingressgateway") or {}
            found = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
            return found[0]["ip"] if found else None

        result: str = wait_for(address, 30)
        return result


def _has_reviews(shop: Shop, cluster: str) -> bool:
    return shop.page(cluster).version != ""


def deploy(api: KubeApi) -> None:
    """Bookinfo: four Services, six Deployments, a ServiceAccount for each application."""
    versions = {"productpage": ["v1"], "details": ["v1"], "ratings": ["v1"], "reviews": ["v1", "v2", "v3"]}
    for app, all_versions in versions.items():
        core = f"/api/v1/namespaces/{NAMESPACE}"
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": f"bookinfo-{app}"}}
        _apply(api, f"{core}/serviceaccounts/bookinfo-{app}", account)
        ports = [{"name": "http", "port": 9080}]
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": app, "labels": {"app": app}}}
        _apply(api, f"{core}/services/{app}", {**service, "spec": {"selector": {"app": app}, "ports": ports}})
        for version in all_versions:
            name = f"{app}-{version}"
            path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
            _apply(api, path, deployment(app, version))


def deployment(app: str, version: str, **pod: Any) -> Object:
    """A Deployment of one Bookinfo application."""
    labels = {"app": app, "version": version}
    image = f"docker.io/istio/examples-bookinfo-{app}-{version}:1.20.2"
    container = {"name": app, "image": image, "ports": [{"containerPort": 9080}]}
    spec = {"serviceAccountName": f"bookinfo-{app}", "containers": [container], **pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{app}-{version}", "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def settles(check: Callable[[], bool], times: int = 10, seconds: float = 15.0) -> None:
    """Fails unless ``check`` is true many times in a row before the time is over."""
    deadline = time.monotonic() + seconds
    row = 0
    while row < times:
        row = row + 1 if check() else 0
        assert time.monotonic() < deadline, "it did not settle in time"


def _settled(item: Object) -> bool:
    status = item.get("status", {})
    wanted = item["spec"].get("replicas", 1)
    current = status.get("observedGeneration", 0) >= item["metadata"]["generation"]
    return current and status.get("readyReplicas", 0) == wanted == status.get("replicas", 0)


def _apply(api: KubeApi, path: str, item: Object) -> None:
    api.apply(path, item, manager="test")


def _path(item: Object) -> str:
    group, _slash, version = item["apiVersion"].partition("/")
    plural = _PLURALS.get(item["kind"], item["kind"].lower() + "s")
    namespace = item["metadata"].get("namespace", NAMESPACE)
    return f"/apis/{group}/{version}/namespaces/{namespace}/{plural}/{item['metadata']['name']}"

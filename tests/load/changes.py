# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of change of a running mesh, made in the way that docs/howto.rst names for it, under load.

A change says what is there before it, which requests are sent meanwhile, what is done, and how to see that it was done.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from tests.integration import test_traffic_tls as https
from tests.integration.playing import EXAMPLE, SPEC
from tests.integration.runner import Played
from tests.integration.traffic import GATEWAY, NAMESPACE, PATIENCE, RATINGS, REVIEWS, Bookinfo

from .requests import Seen, load

CLUSTERS = ["shop-1", "shop-2"]
DETAILS = "/api/v1/products/0"
_ISTIO = "networking.istio.io/v1"
_PODS = "/api/v1/namespaces/{}/pods"

Json = dict[str, Any]


class Change:
    """``key`` chooses it, ``way`` is how it is made, ``allowed`` says why requests may be lost, if they may."""

    key: ClassVar[str]
    title: ClassVar[str]
    way: ClassVar[str]
    allowed: ClassVar[str] = ""
    #: Requests a second: each answer of the product page costs two or three of other pods.
    rate: ClassVar[float] = 100

    def requests(self) -> Json:
        """What is asked for meanwhile: arguments of ``load``."""
        return {"paths": [DETAILS, REVIEWS, RATINGS], "gateway": GATEWAY}

    def prepare(self, book: Bookinfo) -> None:
        """Brings what has to be there before."""

    def make(self, book: Bookinfo) -> None:
        """The change; returns once it is in force."""
        raise NotImplementedError

    def restore(self, book: Bookinfo) -> None:
        """The mesh as it was, whatever of the change was done."""


def under_load(change: Change, book: Bookinfo) -> Seen:
    """Makes a change while requests are sent, and takes it back afterwards, without any."""
    try:
        change.prepare(book)
        asked = {"rate": change.rate, **change.requests()}
        with load(book.run, **asked) as seen:
            change.make(book)
    finally:
        change.restore(book)
    return seen


def pods(book: Bookinfo, cluster: str, selector: str, namespace: str = "istio-system") -> dict[str, bool]:
    """Whether each pod that is there, also on its way out, is ready."""
    found = book.lab.kube(book.lab.cluster_id(cluster)).list(_PODS.format(namespace), labelSelector=selector)
    return {
        pod["metadata"]["name"]: any(
            one["type"] == "Ready" and one["status"] == "True" for one in pod.get("status", {}).get("conditions", [])
        )
        for pod in found
    }


def entrances(book: Bookinfo) -> dict[str, bool]:
    return {name: ready for cluster in CLUSTERS for name, ready in pods(book, cluster, f"istio={GATEWAY}").items()}


def gateway(book: Bookinfo, **options: Any) -> None:
    book.run("asm_gateway", mesh="bookinfo", name=GATEWAY, **options)


class GatewayReplicas(Change):
    key = "gateway-replicas"
    title = "A gateway grows from one to three pods and shrinks again"
    way = "`asm_gateway`, `replicas`"

    def make(self, book: Bookinfo) -> None:
        for replicas in (3, 1):
            gateway(book, replicas=replicas)
            wanted = [True] * replicas * len(CLUSTERS)
            book.lab.wait_for(lambda wanted=wanted: [*entrances(book).values()] == wanted, f"{replicas} pods", 120)  # type: ignore[misc]

    def restore(self, book: Bookinfo) -> None:
        gateway(book, replicas=1)


class GatewayPods(Change):
    key = "gateway-pods"
    title = "All pods of a gateway are replaced (other resources, labels or annotations)"
    way = "`asm_gateway`, for example `resources` or `pod_annotations`"

    def make(self, book: Bookinfo) -> None:
        before = set(entrances(book))
        gateway(book, pod_annotations={"meshops.example/rolled": "yes"})
        book.lab.wait_for(lambda: _replaced(before, entrances(book)), "other pods", 120)

    def restore(self, book: Bookinfo) -> None:
        gateway(book, pod_annotations={})


def _replaced(before: set[str], now: dict[str, bool]) -> bool:
    return not before & set(now) and len(now) == len(before) and all(now.values())


class GatewayPorts(Change):
    key = "gateway-ports"
    title = "A gateway opens one more port and closes it again"
    way = "`asm_gateway`, `ports`, then the server in a Gateway; away in the opposite order"
    _few = (
        {"name": "http", "port": 80, "target_port": 8080},
        {"name": "https", "port": 443, "target_port": 8443},
    )
    _more = (*_few, {"name": "http-more", "port": 8081, "target_port": 8081})

    def objects(self) -> list[Json]:
        server = {"port": {"number": 8081, "name": "http-more", "protocol": "HTTP"}, "hosts": ["*"]}
        route = [{"destination": {"host": "productpage", "port": {"number": 9080}}}]
        return [
            _object("Gateway", "load-more", {"selector": {"istio": GATEWAY}, "servers": [server]}),
            _object(
                "VirtualService", "load-more", {"hosts": ["*"], "gateways": ["load-more"], "http": [{"route": route}]}
            ),
        ]

    def make(self, book: Bookinfo) -> None:
        gateway(book, ports=list(self._more))
        book.run("istio_resource", mesh="bookinfo", definition=self.objects(), wait_proxies=True, proxies_settle=2)
        book.holds(path=DETAILS, port=8081, count=40, expect={"status": [200]})
        self.close(book)

    def close(self, book: Bookinfo) -> None:
        book.run("istio_resource", mesh="bookinfo", definition=self.objects(), state="absent", proxies_settle=2)
        gateway(book, ports=list(self._few))

    def restore(self, book: Bookinfo) -> None:
        self.close(book)


def _object(kind: str, name: str, spec: Json, namespace: str = NAMESPACE) -> Json:
    return {"apiVersion": _ISTIO, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


class Certificate(Change):
    key = "certificate"
    title = "The certificate of a gateway is renewed"
    way = "`asm_gateway_secret`"
    _named: ClassVar[Json] = {"mesh": "bookinfo", "gateway": GATEWAY, "name": "it-tls"}

    def requests(self) -> Json:
        tls = {"verify": False, "server_name": https.HOST}
        return {"paths": ["/productpage"], "host": https.HOST, "gateway": GATEWAY, "tls": tls}

    def prepare(self, book: Bookinfo) -> None:
        old = https.certificate()
        self.put(book, old)
        book.run("istio_resource", mesh="bookinfo", definition=[https.gateway(), https.route()])
        book.holds(**https.probe(old), wait_timeout=PATIENCE)

    def make(self, book: Bookinfo) -> None:
        for _turn in range(3):
            new = https.certificate()
            self.put(book, new)
            book.holds(**https.probe(new), wait_timeout=PATIENCE)

    def put(self, book: Bookinfo, made: https.Certificate) -> None:
        book.run("asm_gateway_secret", **self._named, certificate=made.public, private_key=made.key)

    def restore(self, book: Bookinfo) -> None:
        book.run("istio_resource", mesh="bookinfo", definition=[https.gateway(), https.route()], state="absent")
        book.run("asm_gateway_secret", **self._named, state="absent")


class ClusterLeaves(Change):
    key = "cluster-leaves"
    title = "A cluster leaves the mesh; requests come through a gateway of another one"
    way = "playbook `drain`"

    def requests(self) -> Json:
        return {**super().requests(), "cluster": "shop-1"}

    def make(self, book: Bookinfo) -> None:
        self.leave(book)

    def leave(self, book: Bookinfo) -> None:
        drain = {"clusters": [{"name": "shop-2"}], "probe": {"gateway": GATEWAY, "cluster": "shop-1", "path": DETAILS}}
        given = json.dumps({"asm_drain": {**drain, "hold": 2}})
        env: dict[str, str | None] = {"ANSIBLE_ASYNC_DIR": str(book.run.folder / "async")}
        book.run.ansible("ansible-playbook", "meshops.asm.drain", *SPEC, "-e", given, cwd=EXAMPLE, env=env).ok()
        assert book.lab.attached("bookinfo") == {"shop-1"}

    def join(self, book: Bookinfo) -> None:
        # The playbook keeps the namespace istio-system of a cluster that leaves.
        book.run("asm_cluster", mesh="bookinfo", clusters=[{"name": "shop-2", "ignore_namespace_check": True}])

    def restore(self, book: Bookinfo) -> None:
        self.join(book)
        site(book)


class ClusterJoins(ClusterLeaves):
    key = "cluster-joins"
    title = "A cluster with applications joins the mesh and gets its gateway"
    way = "`asm_cluster`, then playbook `site`"

    def prepare(self, book: Bookinfo) -> None:
        self.leave(book)

    def make(self, book: Bookinfo) -> None:
        before = book.received("shop-2")
        self.join(book)
        site(book)
        book.lab.wait_for(lambda: book.received("shop-2") > before, "requests to the cluster that has joined", 60)


def site(book: Bookinfo) -> None:
    book.run.play("meshops.asm.site", *SPEC, "-e", '{"asm_checks": []}', cwd=EXAMPLE).ok()


class Upgrade(Change):
    key = "upgrade"
    title = "The control plane moves one version on, and the gateways follow"
    way = "playbook `upgrade`"

    def make(self, book: Bookinfo) -> None:
        before = set(entrances(book))
        (record,) = book.lab.meshes("bookinfo")
        offered = VERSIONS[VERSIONS.index(record["version"]) + 1]
        mesh = json.dumps({"asm_mesh": {"name": "bookinfo", "version": offered}})
        played = book.run.play("meshops.asm.upgrade", *SPEC, "-e", mesh, "--tags", "upgrade", cwd=EXAMPLE)
        played.ok()
        book.lab.wait_for(lambda: _replaced(before, entrances(book)), "gateways of the new version", 120)


#: What the lab's account is offered, the oldest first; the load's mesh begins with the first.
VERSIONS = ["v1.22.6.109-g6e8b7f4c-aliyun", "v1.24.6.64-g0b8a1cd2-aliyun", "v1.25.6.41-g9d2f5e71-aliyun"]


class Sidecars(Change):
    key = "sidecars"
    title = "The sidecars of a namespace are replaced, as after an upgrade"
    way = "playbook `inject` with `restart: always`"

    def make(self, book: Bookinfo) -> None:
        inject = {"namespace": NAMESPACE, "clusters": CLUSTERS, "restart": "always"}
        book.run.play("meshops.asm.inject", *SPEC, "-e", json.dumps({"asm_inject": inject}), cwd=EXAMPLE).ok()


class Injection(Change):
    key = "injection"
    title = "A namespace whose applications have no sidecars gets them"
    way = "playbook `inject`"
    namespace = "plain"
    host = "plain.example.com"

    def requests(self) -> Json:
        return {"paths": ["/"], "host": self.host, "gateway": GATEWAY, "cluster": "shop-1"}

    def applications(self) -> list[Json]:
        meta = {"name": "web", "namespace": self.namespace}
        labels = {"app": "web"}
        probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
        container = {"name": "web", "image": "httpbin:1", "ports": [{"containerPort": 8080}], "readinessProbe": probe}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
        port = {"name": "http", "port": 80, "targetPort": 8080}
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec},
            {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": labels, "ports": [port]}},
        ]

    def route(self) -> Json:
        to = [{"destination": {"host": f"web.{self.namespace}.svc.cluster.local"}}]
        spec = {"hosts": [self.host], "gateways": ["bookinfo-gateway"], "http": [{"route": to}]}
        return _object("VirtualService", "plain", spec)

    def prepare(self, book: Bookinfo) -> None:
        book.run("asm_workload", clusters=["shop-1"], definition=self.applications())
        book.run("istio_resource", mesh="bookinfo", definition=self.route())
        book.holds(path="/", host=self.host, cluster="shop-1", count=20, expect={"status": [200]})
        assert len(self.without(book)) == 2

    def without(self, book: Bookinfo) -> list[str]:
        seen = book.run("asm_workload_info", clusters=["shop-1"], namespaces=[self.namespace])
        return [name for row in seen["workloads"] for name in row["without_sidecar"]]

    def make(self, book: Bookinfo) -> None:
        inject = {"namespace": self.namespace, "clusters": ["shop-1"], "workloads": ["Deployment/web"]}
        book.run.play("meshops.asm.inject", *SPEC, "-e", json.dumps({"asm_inject": inject}), cwd=EXAMPLE).ok()
        assert self.without(book) == []

    def restore(self, book: Bookinfo) -> None:
        book.run("istio_resource", mesh="bookinfo", definition=self.route(), state="absent")
        book.run("asm_workload", clusters=["shop-1"], definition=self.applications(), state="absent")
        book.run("asm_namespace", mesh="bookinfo", name=self.namespace, state="absent")


class Strict(Change):
    key = "strict"
    title = "A namespace takes mutual TLS only"
    way = "playbook `strict`"

    def make(self, book: Bookinfo) -> None:
        strict(book, NAMESPACE, CLUSTERS).ok()

    def restore(self, book: Bookinfo) -> None:
        open_again(book, NAMESPACE)


def strict(book: Bookinfo, namespace: str, clusters: list[str]) -> Played:
    given = {"namespaces": [namespace], "callers": ["istio-system"], "clusters": clusters, "proxies_settle": 2}
    return book.run.play("meshops.asm.strict", *SPEC, "-e", json.dumps({"asm_strict": given}), cwd=EXAMPLE)


def open_again(book: Bookinfo, namespace: str) -> None:
    metadata = {"name": "default", "namespace": namespace}
    policy = {"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": metadata}
    book.run("istio_resource", mesh="bookinfo", definition=policy, state="absent")


class RegistryOnly(Change):
    key = "registry-only"
    title = "Only declared hosts may be called from the mesh (REGISTRY_ONLY)"
    way = "the ServiceEntries first, then `asm_mesh`, `outbound_traffic_policy`"
    outside = "ratings.example.net"

    def requests(self) -> Json:
        return {"paths": [RATINGS, DETAILS], "gateway": GATEWAY}

    def entry(self) -> Json:
        port = {"number": 9080, "name": "http", "protocol": "HTTP"}
        how = {"location": "MESH_EXTERNAL", "resolution": "DNS"}
        return _object("ServiceEntry", "outside", {"hosts": [self.outside], **how, "ports": [port]})

    def prepare(self, book: Bookinfo) -> None:
        book.lab.control.outside(self.outside, [9080])
        for cluster in CLUSTERS:
            book.environment("productpage-v1", cluster, RATINGS_HOSTNAME=self.outside)
        book.holds(path=RATINGS, count=20, expect={"status": [200]})

    def make(self, book: Bookinfo) -> None:
        book.run("istio_resource", mesh="bookinfo", definition=self.entry(), wait_proxies=True, proxies_settle=2)
        book.run("asm_mesh", name="bookinfo", outbound_traffic_policy="REGISTRY_ONLY")

    def restore(self, book: Bookinfo) -> None:
        book.run("asm_mesh", name="bookinfo", outbound_traffic_policy="ALLOW_ANY")
        book.run("istio_resource", mesh="bookinfo", definition=self.entry(), state="absent")
        for cluster in CLUSTERS:
            book.environment("productpage-v1", cluster, RATINGS_HOSTNAME=None)


class KilledGateway(Change):
    key = "killed-gateway"
    title = "The Envoy of a gateway's only pod is killed"
    way = "`retries` of the clients, or more pods"
    allowed = "its connections break, and nothing answers until it is back"

    def requests(self) -> Json:
        return {**super().requests(), "cluster": "shop-1"}

    def make(self, book: Bookinfo) -> None:
        selector = f"istio={GATEWAY}"
        before = pods(book, "shop-1", selector)
        (name, *_others) = sorted(before)
        assert book.lab.control.kill(f"shop-1.istio-system.{name}.istio-proxy")
        book.lab.wait_for(lambda: not pods(book, "shop-1", selector).get(name), "the death to be seen", 30)
        book.lab.wait_for(lambda: pods(book, "shop-1", selector) == before, "the gateway to be back", 60)


class KilledOfTwo(KilledGateway):
    key = "killed-of-two"
    title = "The Envoy of one of a gateway's two pods is killed"
    way = "`retries` of the clients"
    allowed = "its connections break, and some new ones still go there until it is known"

    def prepare(self, book: Bookinfo) -> None:
        gateway(book, replicas=2)
        book.lab.wait_for(lambda: [*pods(book, "shop-1", f"istio={GATEWAY}").values()] == [True, True], "two pods", 120)

    def restore(self, book: Bookinfo) -> None:
        gateway(book, replicas=1)
        book.lab.wait_for(lambda: len(pods(book, "shop-1", f"istio={GATEWAY}")) == 1, "one pod", 120)


#: In the order of the table. The upgrade needs a mesh that is not of the newest version.
CHANGES: tuple[type[Change], ...] = (
    GatewayReplicas,
    GatewayPods,
    GatewayPorts,
    Certificate,
    ClusterLeaves,
    ClusterJoins,
    Upgrade,
    Sidecars,
    Injection,
    Strict,
    RegistryOnly,
    KilledGateway,
    KilledOfTwo,
)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real servers: two clusters and one mesh, as users and as the lab itself see them."""

from __future__ import annotations

import contextlib
import json
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from kubernetes import client as kubernetes_client
from kubernetes import config as kubernetes_config
from kubernetes.client import ApiException
from meshlab.addresses import Addresses
from meshlab.binaries import ensure_binaries
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.planes import ClusterPlane, MeshPlane, Plane, Planes

_DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
_PODS = "/api/v1/namespaces/{}/pods"
_VIRTUAL_SERVICES = "/apis/networking.istio.io/v1/namespaces/default/virtualservices"


@dataclass
class World:
    """What the tests of this module share."""

    planes: Planes
    addresses: Addresses
    workdir: Path
    one: ClusterPlane
    two: ClusterPlane
    mesh: MeshPlane


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two clusters that are attached to one mesh."""
    workdir = tmp_path_factory.mktemp("lab")
    addresses = Addresses(workdir)
    planes = Planes(workdir, ensure_binaries(print), addresses)
    try:
        planes.start()
        one, two, mesh = _start(planes)
        mesh.attach(one)
        mesh.attach(two)
        shared = World(planes, addresses, workdir, one, two, mesh)
        yield shared
        planes = shared.planes
    finally:
        planes.stop()
        addresses.close()


def _start(planes: Planes) -> tuple[ClusterPlane, ClusterPlane, MeshPlane]:
    def cluster(number: int, zone: str) -> ClusterPlane:
        return planes.cluster(
            f"c{number}", region="r", zone=zone, service_cidr=f"172.2{number}.0.0/20", pod_cidr=f"10.{number}.0.0/16"
        )

    with ThreadPoolExecutor(3) as pool:
        one, two = pool.submit(cluster, 1, "r-a"), pool.submit(cluster, 2, "r-b")
        mesh = pool.submit(planes.mesh, "m1")
        return one.result(), two.result(), mesh.result()


def _eventually(check: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def _pod(name: str, **spec: object) -> Object:
    container = {"name": "app", "image": "nginx"}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def _containers(pod: Object) -> list[str]:
    return [one["name"] for one in pod["spec"]["containers"]]


def _is_ready(api: KubeApi, namespace: str, name: str) -> bool:
    pod = api.get(f"{_PODS.format(namespace)}/{name}")
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _namespace(api: KubeApi, name: str, **labels: str) -> None:
    api.apply(
        f"/api/v1/namespaces/{name}",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
    )
    if api.list("/api/v1/nodes"):  # a control plane has no pods, and so no accounts for them
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        _eventually(lambda: api.find(account) is not None, "the namespace's account")


def _virtual_service(name: str, weight: int = 100) -> Object:
    route = [{"destination": {"host": "reviews"}, "weight": weight}]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"hosts": ["reviews"], "http": [{"route": route}]},
    }


@contextlib.contextmanager
def _user(plane: Plane, user: str, server: str | None = None) -> Iterator[kubernetes_client.ApiClient]:
    """The unmodified Kubernetes client with a kubeconfig that the plane made."""
    text = plane.kubeconfig(user=user, groups=[], server=server or plane.private_url, hours=1)
    with kubernetes_config.new_client_from_config_dict(yaml.safe_load(text)) as client:
        yield client


def _status_of(call: Callable[[], object]) -> int:
    try:
        call()
    except ApiException as error:
        return int(error.status)
    return 200


def test_a_deployment_rolls_out_and_goes(world: World) -> None:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "nginx"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    world.one.api.create(_DEPLOYMENTS, body)
    _eventually(lambda: world.one.api.get(f"{_DEPLOYMENTS}/web")["status"].get("availableReplicas") == 3, "rollout")
    pods = world.one.api.list(_PODS.format("default"), labelSelector="app=web")
    assert len({pod["status"]["podIP"] for pod in pods}) == 3
    assert {pod["spec"]["nodeName"] for pod in pods} == {world.one.node_name}
    assert [_containers(pod) for pod in pods] == [["app"]] * 3
    world.one.api.delete(f"{_DEPLOYMENTS}/web", {"propagationPolicy": "Foreground"})
    _eventually(lambda: not world.one.api.list(_PODS.format("default"), labelSelector="app=web"), "removal")


def test_a_job_completes(world: World) -> None:
    container = {"name": "app", "image": "busybox", "command": ["true"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    world.one.api.create(jobs, {"metadata": {"name": "once"}, "spec": {"template": template}})
    _eventually(lambda: world.one.api.get(f"{jobs}/once")["status"].get("succeeded") == 1, "the job's end")


def test_a_claim_goes_when_it_is_deleted(world: World) -> None:
    """Or it would keep its namespace for ever: the API server gives each claim a finalizer."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    made = world.two.api.create(claims, {"metadata": {"name": "data"}, "spec": spec})
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    world.two.api.delete(f"{claims}/data")
    _eventually(lambda: world.two.api.find(f"{claims}/data") is None, "the claim's end")


def test_a_disruption_budget_has_a_status(world: World) -> None:
    api = world.two.api
    pod = _pod("budgeted")
    pod["metadata"]["labels"] = {"app": "budgeted"}
    api.create(_PODS.format("default"), pod)
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "budgeted"}}}
    api.create(budgets, {"metadata": {"name": "budgeted"}, "spec": spec})
    _eventually(lambda: api.get(f"{budgets}/budgeted").get("status", {}).get("currentHealthy") == 1, "a status")
    assert api.get(f"{budgets}/budgeted")["status"]["disruptionsAllowed"] == 0
    api.delete(f"{budgets}/budgeted")
    api.delete(f"{_PODS.format('default')}/budgeted")


def test_what_a_node_does_not_have_is_told(world: World) -> None:
    world.one.api.create(_PODS.format("default"), _pod("silent"))
    _eventually(lambda: _is_ready(world.one.api, "default", "silent"), "the pod")
    world.one.bind("watcher", "cluster-admin")
    with _user(world.one, "watcher") as client:
        with pytest.raises(ApiException) as caught:
            kubernetes_client.CoreV1Api(client).read_namespaced_pod_log("silent", "default")
        assert (caught.value.status, "keeps no log of stand-ins" in str(caught.value.body)) == (501, True)
        streams = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": "v4.channel.k8s.io"}
        for what, why in (
            ("exec?command=ls&stdout=true", "nothing is executed"),
            ("attach?stdout=true", "nothing to attach to"),
            ("portforward", "forwards no ports"),
        ):
            url = f"{world.one.private_url}{_PODS.format('default')}/silent/{what}"
            answer = client.rest_client.pool_manager.request("POST", url, headers=streams, timeout=10.0)
            assert (answer.status, why in answer.data.decode()) == (501, True), answer.data
    world.one.unbind("watcher")
    world.one.api.delete(f"{_PODS.format('default')}/silent")


def test_a_node_answers_nobody_but_its_api_server(world: World) -> None:
    url = f"{world.one.private_url.removesuffix(':6443')}:10250/containerLogs/a/b/c"
    pool = urllib3.PoolManager(
        ca_certs=str(world.workdir / "planes" / "c1" / "pki" / "ca.crt"), retries=False, timeout=5.0
    )
    with pytest.raises((urllib3.exceptions.HTTPError, OSError)):
        pool.request("GET", url)


def test_broken_pods_tell_why(world: World) -> None:
    api = world.two.api
    _namespace(api, "broken")
    api.create(_PODS.format("broken"), _pod("image", containers=[{"name": "app", "image": "no/such:1"}]))
    crash = {"name": "app", "image": "busybox", "command": ["sh", "-c", "exit 3"]}
    api.create(_PODS.format("broken"), _pod("crash", containers=[crash]))

    def reasons() -> set[tuple[str, str]]:
        events = api.list("/api/v1/namespaces/broken/events")
        return {(one["involvedObject"]["name"], one["message"]) for one in events if one["type"] == "Warning"}

    _eventually(lambda: ("image", "Error: ImagePullBackOff") in reasons(), "the pull's event")
    _eventually(lambda: any(name == "crash" and "Back-off restarting" in text for name, text in reasons()), "back-off")
    pod = api.get(f"{_PODS.format('broken')}/crash")
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 3


def test_istiod_injects_where_it_is_asked_to(world: World) -> None:
    api = world.one.api
    _namespace(api, "injected", **{"istio-injection": "enabled"})
    _namespace(api, "plain")
    api.create(_PODS.format("injected"), _pod("yes"))
    refused = _pod("no")
    refused["metadata"]["labels"] = {"sidecar.istio.io/inject": "false"}
    api.create(_PODS.format("injected"), refused)
    wished = _pod("yes")
    wished["metadata"]["labels"] = {"sidecar.istio.io/inject": "true"}
    api.create(_PODS.format("plain"), wished)
    api.create(_PODS.format("plain"), _pod("no"))
    for namespace in ("injected", "plain"):
        pods = {pod["metadata"]["name"]: _containers(pod) for pod in api.list(_PODS.format(namespace))}
        assert pods == {"yes": ["app", "istio-proxy"], "no": ["app"]}
    _eventually(lambda: _is_ready(api, "injected", "yes"), "the injected pod")
    proxy = api.get(f"{_PODS.format('injected')}/yes")["spec"]["containers"][1]
    assert {"name": "ISTIO_META_CLUSTER_ID", "value": "c1"} in proxy["env"]


def test_a_gateways_placeholder_is_replaced_by_the_gateway_template(world: World) -> None:
    pod = _pod("gateway", containers=[{"name": "istio-proxy", "image": "auto"}])
    pod["metadata"] |= {
        "labels": {"sidecar.istio.io/inject": "true", "istio": "ingressgateway"},
        "annotations": {"inject.istio.io/templates": "gateway"},
    }
    _eventually(
        lambda: bool(world.one.api.find("/api/v1/namespaces/istio-system/serviceaccounts/default")), "the account"
    )
    world.one.api.create(_PODS.format("istio-system"), pod)
    made = world.one.api.get(f"{_PODS.format('istio-system')}/gateway")
    assert made["spec"]["containers"][0]["image"] == "asm/proxyv2:1.31"
    assert made["spec"]["containers"][0]["args"][:2] == ["proxy", "router"]
    _eventually(lambda: _is_ready(world.one.api, "istio-system", "gateway"), "the gateway")
    world.one.api.delete(f"{_PODS.format('istio-system')}/gateway")


def test_istiod_reads_both_clusters(world: World) -> None:
    url = f"http://{world.mesh.pilot_address}:8080/debug/clusterz"

    def synced() -> set[str]:
        clusters = json.loads(urllib3.request("GET", url).data)
        return {one["id"] for one in clusters if one.get("syncStatus") == "synced"}

    _eventually(lambda: {"c1", "c2"} <= synced(), "synchronised clusters")


def test_istiod_refuses_what_no_schema_catches(world: World) -> None:
    with pytest.raises(KubeApiError, match=r"validation\.istio\.io.*weight") as caught:
        world.mesh.api.create(_VIRTUAL_SERVICES, _virtual_service("negative", weight=-20))
    assert caught.value.status == 400
    assert world.mesh.api.find(f"{_VIRTUAL_SERVICES}/negative") is None


def test_the_mesh_serves_the_kinds_of_istio_and_asm(world: World) -> None:
    served = world.mesh.api.served()
    assert {"virtualservices.networking.istio.io", "wasmplugins.extensions.istio.io"} <= served
    asm = {name for name in served if name.endswith(".istio.alibabacloud.com")}
    assert {"istiogateways.istio.alibabacloud.com", "asmswimlanes.istio.alibabacloud.com"} <= asm
    assert len(asm) == 15
    assert not {name for name in world.one.api.served() if "istio" in name}


def test_istio_gateways_have_their_published_fields(world: World) -> None:
    path = "/apis/istio.alibabacloud.com/v1beta1/namespaces/istio-system/istiogateways"
    spec = {"gatewayType": "ingress", "clusterIds": ["c1"], "ports": [{"name": "http", "port": 80, "targetPort": "h"}]}
    kind = {"apiVersion": "istio.alibabacloud.com/v1beta1", "kind": "IstioGateway"}
    wrong = {**kind, "metadata": {"name": "wrong"}, "spec": {**spec, "replicas": 2}}
    with pytest.raises(KubeApiError, match="unknown field"):
        world.mesh.api.create(path, wrong, fieldValidation="Strict")
    with pytest.raises(KubeApiError, match="gatewayType"):
        world.mesh.api.create(path, {**kind, "metadata": {"name": "wrong"}, "spec": {"gatewayType": "sideways"}})
    world.mesh.api.create(path, {**kind, "metadata": {"name": "g"}, "spec": spec, "status": {"Status": "ignored"}})
    assert "status" not in world.mesh.api.get(f"{path}/g")
    world.mesh.api.patch(f"{path}/g/status", {"status": {"GatewayAddress": ["127.1.2.3"]}})
    assert world.mesh.api.get(f"{path}/g")["status"]["GatewayAddress"] == ["127.1.2.3"]
    world.mesh.api.delete(f"{path}/g")


def test_roles_of_the_mesh(world: World) -> None:
    for user, role in (("adm", "istio-admin"), ("ops", "istio-ops"), ("ro", "istio-readonly")):
        world.mesh.bind(user, role)
    istio: dict[str, Any] = {
        "group": "networking.istio.io",
        "version": "v1",
        "namespace": "default",
        "plural": "virtualservices",
    }
    asm: dict[str, Any] = {"group": "istio.alibabacloud.com", "version": "v1beta1", "plural": "istiogateways"}

    def statuses(user: str) -> list[int]:
        with _user(world.mesh, user) as client:
            objects = kubernetes_client.CustomObjectsApi(client)
            core = kubernetes_client.CoreV1Api(client)
            apps = kubernetes_client.AppsV1Api(client)
            gateway = {"apiVersion": "istio.alibabacloud.com/v1beta1", "kind": "IstioGateway", "spec": {}}
            gateway["metadata"] = {"name": f"by-{user}"}
            calls: list[Callable[[], object]] = [
                lambda: objects.list_namespaced_custom_object(**istio),
                lambda: objects.create_namespaced_custom_object(**istio, body=_virtual_service(f"by-{user}")),
                lambda: objects.create_namespaced_custom_object(**asm, namespace="istio-system", body=gateway),
                core.list_namespace,
                lambda: core.list_namespaced_secret("istio-system"),
                lambda: core.list_namespaced_config_map("istio-system"),
                lambda: apps.list_namespaced_deployment("default"),
            ]
            return [_status_of(call) for call in calls]

    assert {user: statuses(user) for user in ("adm", "ops", "ro", "nobody")} == {
        "adm": [200, 200, 200, 200, 403, 403, 403],
        "ops": [200, 200, 403, 200, 403, 403, 403],
        "ro": [200, 403, 403, 200, 403, 403, 403],
        "nobody": [403, 403, 403, 403, 403, 403, 403],
    }
    world.mesh.bind("ops", "istio-readonly")
    world.mesh.unbind("adm")
    world.mesh.unbind("never-bound")
    assert statuses("ops")[:2] == [200, 403]
    assert statuses("adm")[:2] == [403, 403]
    with pytest.raises(ValueError, match="istio-admin, istio-ops, istio-readonly"):
        world.mesh.bind("adm", "cluster-admin")


def test_one_planes_certificates_are_worth_nothing_on_another(world: World) -> None:
    config = yaml.safe_load(
        world.one.kubeconfig(user="a", groups=["system:masters"], server=world.one.private_url, hours=1)
    )
    with kubernetes_config.new_client_from_config_dict(config) as client:
        assert _status_of(kubernetes_client.CoreV1Api(client).list_node) == 200
    config["clusters"][0]["cluster"] = yaml.safe_load(
        world.mesh.kubeconfig(user="a", groups=[], server=world.mesh.private_url, hours=1)
    )["clusters"][0]["cluster"]
    with kubernetes_config.new_client_from_config_dict(config) as client:
        assert _status_of(kubernetes_client.CoreV1Api(client).list_namespace) == 401


def test_an_eip_serves_the_same_api_and_can_be_taken_away(world: World) -> None:
    eip = world.addresses.next_eip()
    server = f"https://{eip}:6443"
    world.mesh.bind("far", "istio-readonly")
    world.mesh.publish(eip)
    with _user(world.mesh, "far", server) as client:  # checks the certificate against the address
        names = [one.metadata.name for one in kubernetes_client.CoreV1Api(client).list_namespace().items]
        assert "istio-system" in names
    world.mesh.publish(eip)
    world.mesh.unpublish(eip)
    world.mesh.unpublish(eip)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((eip, 6443), timeout=5)


def test_injection_labels_follow_the_control_plane(world: World) -> None:
    path = "/api/v1/namespaces/{}"

    def label(cluster: ClusterPlane, namespace: str) -> str | None:
        labels: dict[str, str] = cluster.api.get(path.format(namespace))["metadata"]["labels"]
        return labels.get("istio-injection")

    _namespace(world.one.api, "synced")
    _namespace(world.mesh.api, "synced", **{"istio-injection": "enabled", "team": "mesh"})
    _eventually(lambda: label(world.one, "synced") == "enabled", "the label in the cluster")
    assert "team" not in world.one.api.get(path.format("synced"))["metadata"]["labels"]
    assert world.two.api.find(path.format("synced")) is None
    _namespace(world.two.api, "synced")
    _eventually(lambda: label(world.two, "synced") == "enabled", "the label in a namespace that came later")
    world.mesh.api.patch(path.format("synced"), {"metadata": {"labels": {"istio-injection": None}}})
    _eventually(lambda: label(world.one, "synced") is None, "the label taken away")
    _namespace(world.one.api, "own", **{"istio-injection": "enabled"})
    _namespace(world.mesh.api, "own")
    _namespace(world.mesh.api, "marker", **{"istio-injection": "enabled"})
    _namespace(world.one.api, "marker")
    _eventually(lambda: label(world.one, "marker") == "enabled", "the marker that comes after it")
    assert label(world.one, "own") == "enabled"


def test_the_audit_log_knows_who_asked_for_what(world: World) -> None:
    world.mesh.bind("auditee", "istio-admin")
    since = time.time()
    with _user(world.mesh, "auditee") as client:
        kubernetes_client.CustomObjectsApi(client).create_namespaced_custom_object(
            "networking.istio.io", "v1", "default", "virtualservices", _virtual_service("audited"), field_manager="me"
        )
    events = [one for one in world.mesh.audit(since) if one["user"]["username"] == "auditee"]
    assert [(one["verb"], one["objectRef"]["resource"]) for one in events] == [("create", "virtualservices")]
    assert "fieldManager=me" in events[0]["requestURI"]
    assert events[0]["responseStatus"]["code"] == 201
    assert not list(world.mesh.audit(time.time() + 1))
    quiet = {one["user"]["username"] for one in world.one.audit()}
    assert not quiet & {"system:kube-scheduler", "system:kube-controller-manager", f"system:node:{world.one.node_name}"}


def test_an_api_server_can_be_away_for_a_while(world: World) -> None:
    """Its controllers start anew: those that had looked for it in vain would do nothing for up to a minute."""

    def controllers() -> dict[str, int]:
        found = world.planes.processes.running("c2-*")
        return {one.name: one.pid for one in found if one.name != "c2-apiserver"}

    before = controllers()
    world.two.pause()
    with pytest.raises(urllib3.exceptions.HTTPError):
        world.two.api.get("/api/v1/nodes")
    world.two.resume()
    after = controllers()
    assert set(after) == set(before) == {"c2-controller-manager", "c2-scheduler"}
    assert not set(after.values()) & set(before.values())
    assert "c2-controller-manager" not in world.planes.processes.restarts()
    assert [one["metadata"]["name"] for one in world.two.api.list("/api/v1/nodes")] == [world.two.node_name]
    world.two.api.create(_PODS.format("default"), _pod("afterwards"))
    _eventually(lambda: _is_ready(world.two.api, "default", "afterwards"), "a pod after the pause")


def test_servers_that_die_come_back_with_what_they_stored(world: World) -> None:
    known = world.planes.processes
    names = ["c1-apiserver", "c1-controller-manager", "c1-scheduler", "etcd", "m1-controller-manager"]
    before = {one["metadata"]["uid"] for one in world.one.api.list("/api/v1/namespaces")}
    for name in names:
        (victim,) = known.running(name)
        victim.kill()
    _eventually(lambda: set(names) <= set(known.restarts()), "every server is started again")
    _eventually(lambda: world.one.api.ready() and world.mesh.api.ready(), "the API servers answer")
    assert {one["metadata"]["uid"] for one in world.one.api.list("/api/v1/namespaces")} == before
    test_a_deployment_rolls_out_and_goes(world)  # controllers, scheduler and node work together again
    world.mesh.api.create(_VIRTUAL_SERVICES, _virtual_service("after-the-fall"))
    assert known.ended() == []


def test_what_attaching_creates_detaching_removes(world: World) -> None:
    api = world.two.api
    webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    service = api.get("/api/v1/namespaces/istio-system/services/istiod-default")
    assert service["spec"]["clusterIP"] == "None"
    assert [one["port"] for one in service["spec"]["ports"]] == [15012]
    secrets = "/api/v1/namespaces/istio-system/secrets"
    assert world.mesh.api.find(f"{secrets}/istio-remote-secret-c2")

    world.mesh.detach(world.two, reserve_namespace=True)
    assert api.find("/api/v1/namespaces/istio-system")
    assert not api.find("/api/v1/namespaces/istio-system/services/istiod-default")
    assert not api.list(webhooks)
    assert not world.mesh.api.find(f"{secrets}/istio-remote-secret-c2")

    world.mesh.attach(world.two, discovery_only=True)
    assert world.mesh.api.find(f"{secrets}/istio-remote-secret-c2")
    assert not api.list(webhooks)

    world.mesh.detach(world.two)
    assert not api.find("/api/v1/namespaces/istio-system")
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    assert not [one for one in api.list(roles) if one["metadata"]["name"].startswith("asm-istiod")]
    world.mesh.attach(world.two)
    assert len(api.list(webhooks)) == 1


def test_calls_that_repeat_change_nothing(world: World) -> None:
    assert world.planes.mesh("m1") is world.mesh
    world.mesh.attach(world.one)
    with pytest.raises(ValueError, match="c1 is a ClusterPlane"):
        world.planes.mesh("c1")


def test_no_secret_lies_open(world: World) -> None:
    processes = json.loads((world.workdir / "processes.json").read_text())
    for entry in processes:
        line = Path(f"/proc/{entry['pid']}/cmdline").read_bytes()
        assert b"PRIVATE KEY" not in line
        assert b"eyJ" not in line  # how tokens begin
    secret = [path for path in world.workdir.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert len(secret) > 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret if "etcd" not in path.parts} == {0o600}
    assert stat.S_IMODE((world.workdir / "etcd").stat().st_mode) == 0o700
    sockets = {path.name for path in (world.workdir / "etcd").iterdir() if path.is_socket()}
    assert sockets == {"client.sock", "peer.sock"}


def test_a_dropped_plane_leaves_nothing(world: World) -> None:
    mesh = world.planes.mesh("m2")
    mesh.attach(world.one)
    mesh.detach(world.one)
    host = mesh.private_url.removeprefix("https://").partition(":")[0]
    world.planes.drop("m2")
    world.planes.drop("m2")
    assert not (world.workdir / "planes" / "m2").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, 6443), timeout=5)
    names = {entry["name"] for entry in json.loads((world.workdir / "processes.json").read_text())}
    assert not [name for name in names if name.startswith("m2-")]
    assert world.addresses.plane("next") == host
    world.addresses.forget("next")
    world.mesh.attach(world.one)


def test_everything_comes_back_after_a_restart(world: World) -> None:
    """Last, as it replaces the servers that the other tests use."""
    kubeconfig = yaml.safe_load(
        world.one.kubeconfig(user="a", groups=["system:masters"], server=world.one.private_url, hours=1)
    )
    world.one.api.create(_PODS.format("default"), _pod("stays"))
    _eventually(lambda: _is_ready(world.one.api, "default", "stays"), "the pod")
    before = world.one.api.get(f"{_PODS.format('default')}/stays")
    pids = [entry["pid"] for entry in json.loads((world.workdir / "processes.json").read_text())]
    assert len(pids) == 10
    world.planes.stop()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not [one.name for one in threading.enumerate() if one.name.startswith(("informer", "lab-", "process-"))]

    world.planes = Planes(world.workdir, ensure_binaries(print), world.addresses)
    world.planes.start()
    world.one, world.two, world.mesh = _start(world.planes)
    with kubernetes_config.new_client_from_config_dict(kubeconfig) as client:
        pod = kubernetes_client.CoreV1Api(client).read_namespaced_pod("stays", "default")
        assert pod.metadata.uid == before["metadata"]["uid"]
    _eventually(lambda: _is_ready(world.one.api, "default", "stays"), "the pod after the restart")
    assert world.one.api.get(f"{_PODS.format('default')}/stays")["status"]["podIP"] == before["status"]["podIP"]
    assert world.mesh.api.find(f"{_VIRTUAL_SERVICES}/audited")
    world.mesh.attach(world.one)
    _namespace(world.one.api, "after", **{"istio-injection": "enabled"})
    world.one.api.create(_PODS.format("after"), _pod("injected"))
    assert _containers(world.one.api.get(f"{_PODS.format('after')}/injected")) == ["app", "istio-proxy"]

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator of IstioGateway objects: makes them true in the clusters of a mesh and reports their addresses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from meshlab.account import Mesh
from meshlab.gatewayobjects import NAMESPACE, OWNER_LABEL, GatewayError, all_paths, objects, spec_for_cluster
from meshlab.gatewayobjects import path as object_path
from meshlab.informer import Informer
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.worker import Worker

API = "/apis/istio.alibabacloud.com/v1beta1"
MANAGER = "asm-operator"

#: Seconds that removing a gateway's Services may take before a cluster is let go anyway.
_UNINSTALL = 60.0

#: Seconds that the pods of gateways get to be replaced.
_ROLLOUT = 60.0


class GatewayOperator:
    """Gateways of one mesh. ``problem_of`` says why a Service ("cluster", "namespace/name") has no load balancer."""

    def __init__(self, mesh: Mesh, api: KubeApi, problem_of: Callable[[str, str], str]) -> None:
        self._mesh = mesh
        self._api = api
        self._problem_of = problem_of
        self._clusters: dict[str, KubeApi] = {}
        self._informers: dict[str, list[Informer]] = {}
        self._lock = threading.Lock()
        self._worker = Worker(f"gateways of {mesh.mesh_id}", self._reconcile)
        self._gateways = Informer(api, f"{API}/istiogateways", self._gateway_seen)

    def start(self) -> None:
        """Begin to watch."""
        self._worker.start()
        self._gateways.start()

    def stop(self) -> None:
        """Stop watching; what was made stays."""
        self._gateways.stop()
        for cluster_id in list(self._informers):
            self._forget(cluster_id)
        self._worker.stop()

    def join(self, cluster_id: str, api: KubeApi) -> None:
        """A cluster has been attached: bring the gateways that name it there."""
        with self._lock:
            if cluster_id in self._clusters:
                return
            self._clusters[cluster_id] = api
        paths = (
            f"/api/v1/namespaces/{NAMESPACE}/services",
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments",
        )
        informers = [Informer(api, path, self._made_seen, labelSelector=OWNER_LABEL) for path in paths]
        self._informers[cluster_id] = informers
        for informer in informers:
            informer.start()
        self._all()

    def leave(self, cluster_id: str, before_removal: Callable[[str], None]) -> None:
        """A cluster is about to be detached: uninstall its gateways; their IstioGateway objects stay as they are.

        ``before_removal`` gets "namespace/name" of each gateway's Service that is about to go.
        """
        with self._lock:
            api = self._clusters.pop(cluster_id, None)
        self._forget(cluster_id)
        if api is None:
            return
        services = f"/api/v1/namespaces/{NAMESPACE}/services"
        left = api.list(services, labelSelector=OWNER_LABEL)
        for service in left:
            before_removal(f"{NAMESPACE}/{service['metadata']['name']}")
            self._remove(api, service["metadata"]["labels"][OWNER_LABEL])
        deadline = time.monotonic() + _UNINSTALL
        while left and api.list(services, labelSelector=OWNER_LABEL) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._all()

    def lost(self, cluster_id: str) -> None:
        """A cluster is no more: nothing of it can be asked, and its gateways are those of the others' from now on."""
        with self._lock:
            gone = self._clusters.pop(cluster_id, None)
        self._forget(cluster_id)
        if gone is not None:
            self._all()

    def service_changed(self, key: str) -> None:
        """The load balancer of the Service "namespace/name" in one of the clusters has changed."""
        namespace, name = key.split("/")
        if namespace == NAMESPACE and name.startswith("istio-"):
            self._worker.add(f"{namespace}/{name.removeprefix('istio-')}")

    def follow(self, names: list[str]) -> None:
        """Gateways ("namespace:name") have another version: returns once their pods are new ones."""
        for name in names:
            self._worker.add(name.replace(":", "/"))
        self._worker.idle(_ROLLOUT)
        with self._lock:
            clusters = list(self._clusters.values())
        deadline = time.monotonic() + _ROLLOUT
        while not all(self._rolled(api, name) for api in clusters for name in names) and time.monotonic() < deadline:
            time.sleep(0.1)

    def _rolled(self, api: KubeApi, name: str) -> bool:
        deployment = api.find(object_path("Deployment", name.partition(":")[2]))
        if deployment is None:
            return True
        status, wanted = deployment.get("status") or {}, deployment["spec"].get("replicas", 1)
        if status.get("observedGeneration") != deployment["metadata"]["generation"]:
            return False
        return all(status.get(key, 0) == wanted for key in ("replicas", "updatedReplicas", "availableReplicas"))

    def idle(self, timeout: float) -> bool:
        """Wait until all gateways have been looked at."""
        return self._worker.idle(timeout)

    def _all(self) -> None:
        for gateway in self._api.list(f"{API}/istiogateways"):
            self._worker.add(f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}")

    def _forget(self, cluster_id: str) -> None:
        for informer in self._informers.pop(cluster_id, []):
            informer.stop()

    def _gateway_seen(self, kind: str, gateway: Object) -> None:
        self._worker.add(f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}")

    def _made_seen(self, kind: str, made: Object) -> None:
        self._worker.add(f"{NAMESPACE}/{made['metadata']['labels'][OWNER_LABEL]}")

    def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        path = f"{API}/namespaces/{namespace}/istiogateways/{name}"
        gateway = self._api.find(path)
        if namespace != NAMESPACE:
            if gateway is not None:
                self._report(path, gateway, [], [f"gateways belong into the namespace {NAMESPACE}"], ready=False)
            return
        with self._lock:
            clusters = dict(self._clusters)
        if gateway is None or "deletionTimestamp" in gateway["metadata"]:
            for api in clusters.values():
                self._remove(api, name)
            return
        spec = gateway.get("spec") or {}
        wanted = list(dict.fromkeys(spec.get("clusterIds") or []))
        problems = [] if wanted else ["spec.clusterIds names no cluster"]
        problems += [f"cluster {one} is not in the mesh" for one in wanted if one not in clusters]
        addresses: list[dict[str, str]] = []
        ready = bool(wanted)
        for cluster_id, api in clusters.items():
            if cluster_id not in wanted:
                self._remove(api, name)
                continue
            try:
                self._apply(api, name, spec_for_cluster(spec, cluster_id))
            except GatewayError as error:
                problems.append(f"cluster {cluster_id}: {error}")
                continue
            except KubeApiError as error:
                if error.status not in (400, 422):
                    raise
                problems.append(f"cluster {cluster_id}: {error.message}")
                continue
            problem = self._problem_of(cluster_id, f"{NAMESPACE}/istio-{name}")
            if problem:
                problems.append(f"cluster {cluster_id}: {problem}")
            address, serving = self._state(api, name)
            ready = ready and serving
            if address:
                addresses.append({"clusterId": cluster_id, "ipAddress": address})
        self._report(path, gateway, addresses, problems, ready=ready)

    def _apply(self, api: KubeApi, name: str, spec: dict[str, Any]) -> None:
        made = objects(name, spec, self._mesh.gateway_versions.get(f"{NAMESPACE}:{name}", self._mesh.version))
        for path, body in made.items():
            api.apply(path, body, manager=MANAGER)
        for path in all_paths(name):
            if path not in made:
                api.delete(path)

    def _remove(self, api: KubeApi, name: str) -> None:
        """Delete what the operator made for a gateway, and nothing else of the same name."""
        for path in all_paths(name):
            found = api.find(path)
            if found and found["metadata"].get("labels", {}).get(OWNER_LABEL) == name:
                api.delete(path)

    def _state(self, api: KubeApi, name: str) -> tuple[str, bool]:
        """The address of the Service in one cluster, and whether the gateway serves there."""
        service, deployment = api.find(object_path("Service", name)), api.find(object_path("Deployment", name))
        if service is None or deployment is None:
            return "", False
        serving = deployment.get("status", {}).get("availableReplicas", 0) > 0
        if service["spec"].get("type") != "LoadBalancer":
            return service["spec"].get("clusterIP", ""), serving
        ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
        address = ingress[0].get("ip") or ingress[0].get("hostname") or ""
        return address, serving and bool(address)

    def _report(
        self, path: str, gateway: Object, addresses: list[dict[str, str]], problems: list[str], *, ready: bool
    ) -> None:
        status = {
            "Status": "failed" if problems else "running" if ready else "pending",
            "GatewayAddress": [row["ipAddress"] for row in addresses],
            "ClusterIdGatewayAddressMap": addresses,
            "ErrorMessage": "; ".join(problems),
        }
        current = gateway.get("status") or {}
        if any(current.get(field) != value for field, value in status.items()):
            try:
                self._api.patch(f"{path}/status", {"status": status})
            except KubeApiError as error:
                if error.status != 404:
                    raise

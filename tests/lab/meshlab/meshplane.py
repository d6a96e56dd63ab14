# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mesh's control plane: API server with the Istio and ASM kinds, istiod, no nodes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from meshlab import attachment, controllers, crds, meshconfig
from meshlab.apiserver import ApiServer
from meshlab.binaries import Binaries, cache_folder
from meshlab.clusterplane import ClusterPlane
from meshlab.files import private_dir
from meshlab.istiod import Istiod
from meshlab.kubeapi import KubeApi
from meshlab.loopthread import LoopThread
from meshlab.namespacesync import NamespaceSync
from meshlab.plane import Plane
from meshlab.processes import Processes
from meshlab.traffic.network import Pilot

_ROLES = Path(__file__).parent / "data" / "mesh-roles.yml"
#: Seconds until all proxies have learned that a cluster is gone.
_FORGET = 1.0

_PATHS = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}


class MeshPlane(Plane):
    """A mesh's control plane."""

    roles = ("istio-admin", "istio-ops", "istio-readonly")

    def __init__(
        self,
        plane_id: str,
        server: ApiServer,
        address: str,
        loop: LoopThread,
        *,
        binaries: Binaries,
        processes: Processes,
        pilot_address: str,
        configuration: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(plane_id, server, address, loop)
        self.pilot_address = pilot_address
        self.has_istiod = binaries.istiod is not None
        self._binaries = binaries
        self._processes = processes
        self._istiod: Istiod | None = None
        self._configuration = configuration or meshconfig.configuration({}, {})
        if binaries.istiod:
            self._istiod = Istiod(
                plane_id, server=server, address=pilot_address, binary=binaries.istiod, processes=processes
            )
            self._istiod.configure(self._configuration)
        self._sync = NamespaceSync(server.api)

    def start(self) -> None:
        """Start everything; returns when Istio objects can be written and are checked."""
        definitions = crds.Definitions(self._server, self._binaries.crds, private_dir(cache_folder() / "seeds"))
        definitions.prepare()
        self._server.start()
        self._server.wait_ready()
        with ThreadPoolExecutor(3) as pool:
            steps = [
                pool.submit(definitions.install),
                pool.submit(self._start_istiod),
                pool.submit(self._start_manager),
            ]
            for step in steps:
                step.result()
        if self._istiod:
            attachment.create_validator(self.api, self._istiod)
        self._serve_gateway_api(self._configuration)
        self._sync.start()

    def stop_clients(self) -> None:
        """Stop istiod and the controllers."""
        self._sync.stop()
        if self._istiod:
            self._istiod.stop()
        for controller in self._controllers:
            controller.stop()

    def configure(self, configuration: dict[str, Any]) -> None:
        """See meshconfig.configuration(); a running istiod follows in a moment."""
        if self._istiod:
            self._istiod.configure(configuration)
        self._serve_gateway_api(configuration)

    def replace_istiod(self) -> None:
        """Another istiod takes its place, as in an upgrade; returns once it is ready."""
        if self._istiod:
            self._istiod.replace()

    def proxies(self) -> list[dict[str, Any]]:
        """What istiod knows of each connected proxy, see Istiod.proxies(); nothing where there is no istiod."""
        return self._istiod.proxies() if self._istiod else []

    def attach(self, cluster: ClusterPlane, *, discovery_only: bool = False) -> None:
        """Connect istiod with a cluster and create in it what ASM creates there.

        ``discovery_only``: no injection and no address of istiod, only services and endpoints. Idempotent; to be
        called again for every attached cluster when the lab starts again.
        """
        kubeconfig = attachment.create_access(
            cluster.api, cluster_id=cluster.plane_id, server=cluster.private_url, ca_pem=cluster.ca_pem
        )
        attachment.create_remote_secret(self.api, cluster.plane_id, kubeconfig)
        if not discovery_only:
            attachment.create_pilot_service(cluster.api)
            if self._istiod:
                attachment.create_root(cluster.api, self._istiod)
                attachment.create_injector(cluster.api, cluster_id=cluster.plane_id, pilot=self._istiod)
        if self._istiod:
            cluster.follow(Pilot(self._istiod.endpoint, self._istiod.ca_file))
        self._sync.add(cluster.plane_id, cluster.api)

    def stop_discovery(self, cluster: ClusterPlane) -> None:
        """Have istiod forget a cluster's services and endpoints, so that nothing is sent to it any more.

        The cluster's own proxies keep the configuration that they have: what is on its way to them is answered.
        """
        cluster.follow(None)
        attachment.delete_remote_secret(self.api, cluster.plane_id)
        if cluster.node:
            time.sleep(_FORGET)

    def forget(self, cluster_id: str) -> None:
        """A cluster is no more: istiod and the labels of namespaces go on without it."""
        self._sync.remove(cluster_id)
        attachment.delete_remote_secret(self.api, cluster_id)

    def detach(self, cluster: ClusterPlane, *, reserve_namespace: bool = False) -> None:
        """Take the cluster away again; its namespace istio-system goes, with gateways, unless it is reserved."""
        self.forget(cluster.plane_id)
        attachment.delete_from_cluster(cluster.api, reserve_namespace=reserve_namespace)
        cluster.follow(None)

    def _serve_gateway_api(self, configuration: dict[str, Any]) -> None:
        """The kinds come when they are switched on, and stay: nobody's routes go because they are switched off."""
        if configuration["gateway_api"] and self._binaries.gateway_api:
            crds.install_gateway_api(self.api, self._binaries.gateway_api)

    def _start_istiod(self) -> None:
        _create_roles(self.api)
        if self._istiod:
            self._istiod.start()

    def _start_manager(self) -> None:
        manager = controllers.start_controller_manager(
            self.plane_id,
            self._server,
            binary=self._binaries.kube_controller_manager,
            processes=self._processes,
            controllers=controllers.MESH_CONTROLLERS,
        )
        manager.watch()
        self._controllers = [manager]


def _create_roles(api: KubeApi) -> None:
    api.apply(
        f"/api/v1/namespaces/{attachment.NAMESPACE}",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": attachment.NAMESPACE}},
    )
    for item in yaml.safe_load(_ROLES.read_text()):
        kind = _PATHS[item["kind"]]
        api.apply(f"/apis/rbac.authorization.k8s.io/v1/{kind}/{item['metadata']['name']}", item)

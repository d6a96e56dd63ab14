# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes servers of one lab: a plane per data-plane cluster and per mesh control plane, one etcd for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from meshlab.addresses import Addresses
from meshlab.binaries import Binaries
from meshlab.kubeapi import KubeApi


class Plane:
    """One running Kubernetes API server with what belongs to it."""

    plane_id: str
    #: "https://127.X.a.b:6443", the address inside the VPC.
    private_url: str
    #: PEM of the certificate authority of this plane alone; a client certificate of one plane is refused by others.
    ca_pem: str
    #: Administrator's client (group system:masters), for the lab's own use.
    api: KubeApi

    def kubeconfig(self, *, user: str, groups: list[str], server: str, hours: float) -> str:
        """A kubeconfig (YAML) with an embedded client certificate for ``user`` that is valid for ``hours``."""

    def bind(self, user: str, role: str) -> None:
        """Give ``user`` a role of this plane; replaces the role that the user had. ValueError for an unknown role.

        Meshes: istio-admin, istio-ops, istio-readonly. Clusters: cluster-admin, view.
        """

    def unbind(self, user: str) -> None:
        """Take away the role of ``user``; nothing happens when there is none."""

    def publish(self, address: str) -> None:
        """Serve the same API server at https://ADDRESS:6443 too (an EIP); the certificate covers it on return."""

    def unpublish(self, address: str) -> None:
        """The reverse of publish; nothing happens when the address is not published."""

    def pause(self) -> None:
        """Stop the API server alone: connections are refused until resume()."""

    def resume(self) -> None:
        """Start the API server again and return when it is ready."""

    def audit(self, since: float | None = None) -> Iterator[dict[str, Any]]:
        """Audit events (audit.k8s.io/v1, level Metadata) whose requests came at or after ``since`` (Unix seconds)."""


class ClusterPlane(Plane):
    """A data-plane cluster: API server, controller-manager, scheduler and one node."""

    region: str
    zone: str
    node_name: str


class MeshPlane(Plane):
    """A mesh's control plane: API server with the Istio and ASM kinds, istiod, no nodes."""

    has_istiod: bool

    def attach(self, cluster: ClusterPlane, *, discovery_only: bool = False) -> None:
        """Connect istiod with a cluster and create in it what ASM creates there. Idempotent; call again at restart."""

    def detach(self, cluster: ClusterPlane, *, reserve_namespace: bool = False) -> None:
        """Take the cluster away again; its namespace istio-system goes, with gateways, unless it is reserved."""


class Planes:
    """One etcd and all API servers of one lab. Every method may be called from any thread.

    State lies in ``workdir``: planes that were running before come back by the same calls of cluster() and mesh().
    """

    def __init__(self, workdir: Path, binaries: Binaries, addresses: Addresses) -> None: ...

    def start(self) -> None:
        """Start etcd; ends processes that a killed lab left behind in the same workdir."""

    def stop(self) -> None:
        """Stop everything in order; no process, thread or listener is left. State stays in the workdir."""

    def cluster(self, cluster_id: str, *, region: str, zone: str, service_cidr: str, pod_cidr: str) -> ClusterPlane:
        """The plane of a data-plane cluster; started at the first call, ready on return."""

    def mesh(self, mesh_id: str) -> MeshPlane:
        """The plane of a mesh's control plane; started at the first call, ready on return."""

    def drop(self, plane_id: str) -> None:
        """Stop one plane and wipe all that it stored. Nothing happens when there is no such plane."""

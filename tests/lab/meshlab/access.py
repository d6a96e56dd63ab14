# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may use which API server: kubeconfigs with client certificates, and the roles behind their users."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from meshlab.account import CHINA, Cluster, Mesh, User
from meshlab.fleet import Fleet
from meshlab.openapi.errors import ApiError
from meshlab.planes import MeshPlane
from meshlab.world import World

#: Validity of a kubeconfig for which none was asked for: three years.
DEFAULT_HOURS = 3 * 365 * 24.0


@dataclass(frozen=True)
class Kubeconfig:
    """The text and when its certificate ends."""

    text: str
    expires: datetime


class Access:
    """Hands out kubeconfigs and keeps roles in step with the account."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self._world = world
        self._fleet = fleet
        fleet.on_mesh.append(self._bind_all)

    def mesh_kubeconfig(self, mesh: Mesh, user: User, *, private: bool) -> Kubeconfig:
        """The user's kubeconfig of a mesh: the same at every call until it is revoked. Raises ApiError."""
        server = self._mesh_server(mesh, private)
        return self._kubeconfig(mesh, mesh.mesh_id, user, server)

    def revoke_mesh(self, mesh: Mesh, user: User) -> None:
        """Make the user's kubeconfigs of a mesh worthless; the next one has a new user name."""
        plane = self._fleet.mesh(mesh.mesh_id)
        plane.unbind(self._user_name(mesh, user.uid))
        self._renew(mesh, user.uid)
        self.grant(mesh, user.uid)

    def grant(self, mesh: Mesh, uid: str) -> None:
        """Bring the role of a user in a mesh in step with the account; servers get it at their start as well."""
        plane = self._fleet.running_mesh(mesh.mesh_id)
        if plane is not None:
            self._bind(mesh, plane, uid)

    def _bind_all(self, mesh: Mesh, plane: MeshPlane) -> None:
        for uid in sorted({*mesh.roles, *mesh.serials}):
            self._bind(mesh, plane, uid)

    def _bind(self, mesh: Mesh, plane: MeshPlane, uid: str) -> None:
        name = self._user_name(mesh, uid)
        role = self.mesh_role(mesh, uid)
        if role:
            plane.bind(name, role)
        else:
            plane.unbind(name)

    def mesh_role(self, mesh: Mesh, uid: str) -> str:
        """The role of a user in a mesh: the account itself is always istio-admin, others what was granted."""
        return "istio-admin" if self._world.users[uid].kind == "main" else mesh.roles.get(uid, "")

    def cluster_kubeconfig(
        self, cluster: Cluster, user: User, *, private: bool, minutes: int | None = None
    ) -> Kubeconfig:
        """A kubeconfig of an ACK cluster; short-lived ones are made anew at each call. Raises ApiError."""
        plane = self._fleet.cluster(cluster.cluster_id)
        server = plane.private_url if private else self._cluster_public(cluster)
        name = self._user_name(cluster, user.uid)
        self._bind_cluster(cluster, user)
        if minutes is None:
            return self._kubeconfig(cluster, cluster.cluster_id, user, server)
        expires = datetime.now(CHINA) + timedelta(minutes=minutes)
        text = plane.kubeconfig(user=name, groups=["system:users"], server=server, hours=minutes / 60)
        return Kubeconfig(text, expires)

    def revoke_cluster(self, cluster: Cluster, user: User) -> None:
        """Make the user's kubeconfigs of an ACK cluster worthless."""
        self._fleet.cluster(cluster.cluster_id).unbind(self._user_name(cluster, user.uid))
        self._renew(cluster, user.uid)

    def is_cluster_admin(self, cluster: Cluster, user: User) -> bool:
        """Whether the user is administrator of a cluster."""
        return cluster.caller_admin if user.kind == "main" else user.uid in cluster.admins

    def cluster_public_address(self, cluster: Cluster) -> str:
        """The public address of a cluster's API server, or nothing."""
        bound_to = f"cluster/{cluster.cluster_id}"
        with self._world.lock:
            return next((eip.address for eip in self._world.eips.values() if eip.bound_to == bound_to), "")

    def _bind_cluster(self, cluster: Cluster, user: User) -> None:
        plane = self._fleet.cluster(cluster.cluster_id)
        name = self._user_name(cluster, user.uid)
        if self.is_cluster_admin(cluster, user):
            plane.bind(name, "cluster-admin")
        else:
            plane.unbind(name)

    def _cluster_public(self, cluster: Cluster) -> str:
        address = self.cluster_public_address(cluster)
        if not address:
            raise ApiError(
                400, "ErrorClusterNoPublicEndpoint", f"Cluster {cluster.cluster_id} has no public API server endpoint."
            )
        return f"https://{address}:6443"

    def _mesh_server(self, mesh: Mesh, private: bool) -> str:
        if private:
            return self._fleet.mesh(mesh.mesh_id).private_url
        eip = self._world.eips.get(mesh.eips.get("api", ""))
        if eip is None:
            if self._world.settings["public_kubeconfig_without_eip"] == "refuse":
                raise ApiError(
                    400,
                    "ErrorPublicEndpointNotFound",
                    f"The API server of the service mesh {mesh.mesh_id} has no public endpoint: bind an EIP first.",
                )
            return "https://:6443"
        return f"https://{eip.address}:6443"

    def _kubeconfig(self, record: Mesh | Cluster, plane_id: str, user: User, server: str) -> Kubeconfig:
        plane = self._fleet.mesh(plane_id) if isinstance(record, Mesh) else self._fleet.cluster(plane_id)
        if isinstance(record, Mesh):
            self.grant(record, user.uid)
        with self._world.lock:
            kept = record.kubeconfigs.setdefault(user.uid, {})
            if server not in kept:
                expires = datetime.now(CHINA) + timedelta(hours=DEFAULT_HOURS)
                text = plane.kubeconfig(
                    user=self._user_name(record, user.uid), groups=["system:users"], server=server, hours=DEFAULT_HOURS
                )
                kept[server] = {"text": text, "expires": expires.timestamp()}
                self._world.save()
            return Kubeconfig(kept[server]["text"], datetime.fromtimestamp(kept[server]["expires"], CHINA))

    def _renew(self, record: Mesh | Cluster, uid: str) -> None:
        with self._world.lock:
            record.serials[uid] += 1
            record.kubeconfigs.pop(uid, None)
            self._world.save()

    def _user_name(self, record: Mesh | Cluster, uid: str) -> str:
        """Certificates carry <uid>-<serial>; the serial changes when the kubeconfig is revoked."""
        with self._world.lock:
            serial = record.serials.setdefault(uid, int(time.time() * 1000))
            return f"{uid}-{serial}"

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What data-plane clusters and mesh control planes have in common: an API server, its addresses and its users."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from meshlab import apiserver, rbac
from meshlab.apiserver import ApiServer
from meshlab.audit import read_audit
from meshlab.forwarder import Forwarder
from meshlab.keeper import Keeper
from meshlab.kubeconfig import certificate_kubeconfig
from meshlab.loopthread import LoopThread


class Plane:
    """One running Kubernetes API server with what belongs to it. Thread-safe."""

    #: Roles that bind() knows.
    roles: tuple[str, ...] = ()

    def __init__(self, plane_id: str, server: ApiServer, address: str, loop: LoopThread) -> None:
        self.plane_id = plane_id
        #: "https://127.X.a.b:6443", the address inside the VPC.
        self.private_url = server.url
        #: PEM of the certificate authority of this plane alone; a client certificate of one plane is refused by others.
        self.ca_pem = server.authority.certificate_pem
        #: Administrator's client (group system:masters), for the lab's own use.
        self.api = server.api
        self._server = server
        self._address = address
        self._loop = loop
        self._lock = threading.RLock()
        self._published: dict[str, Forwarder] = {}
        #: The plane's controllers, once they have been started.
        self._controllers: list[Keeper] = []
        self._paused = False

    def kubeconfig(self, *, user: str, groups: list[str], server: str, hours: float) -> str:
        """A kubeconfig (YAML) with an embedded client certificate for ``user`` that is valid for ``hours``."""
        pair = self._server.authority.client(user, groups, hours=hours)
        return certificate_kubeconfig(name=self.plane_id, server=server, ca_pem=self.ca_pem, user=user, pair=pair)

    def bind(self, user: str, role: str) -> None:
        """Give ``user`` a role of this plane; replaces the role that the user had. ValueError for an unknown role."""
        if role not in self.roles:
            raise ValueError(f"{self.plane_id} knows no role {role!r}; it knows {', '.join(self.roles)}")
        rbac.bind(self.api, user, role)

    def unbind(self, user: str) -> None:
        """Take away the role of ``user``; nothing happens when there is none."""
        rbac.unbind(self.api, user)

    def publish(self, address: str) -> None:
        """Serve the same API server at https://ADDRESS:6443 too (an EIP); the certificate covers it on return."""
        with self._lock:
            if address in self._published:
                return
            forwarder = Forwarder(address, apiserver.PORT, (self._address, apiserver.PORT))
            self._loop.run(forwarder.start())
            self._published[address] = forwarder
            self._server.certify(list(self._published))
            if not self._paused:
                self._server.wait_certified(address)

    def unpublish(self, address: str) -> None:
        """The reverse of publish; nothing happens when the address is not published."""
        with self._lock:
            forwarder = self._published.pop(address, None)
            if forwarder:
                self._loop.run(forwarder.stop())
                self._server.certify(list(self._published))

    def pause(self) -> None:
        """Stop the API server alone: connections are refused until resume()."""
        with self._lock:
            self._paused = True
            self._server.stop()

    def resume(self) -> None:
        """Start the API server again, and the controllers anew; returns when it is ready.

        Controllers end when they cannot renew their lease. Those of the lab have none, and would instead look for
        the API server in intervals that have become long meanwhile.
        """
        with self._lock:
            if self._paused:
                self._server.start()
                self._server.wait_ready()
                for controller in self._controllers:
                    controller.renew()
                self._paused = False

    def audit(self, since: float | None = None) -> Iterator[dict[str, Any]]:
        """Audit events (audit.k8s.io/v1, level Metadata) whose requests came at or after ``since`` (Unix seconds)."""
        return read_audit(self._server.audit_log, since)

    def start(self) -> None:
        """Start everything of the plane; returns when it is ready."""
        raise NotImplementedError

    def stop_clients(self) -> None:
        """Stop what talks to the API server: first half of the plane's end."""
        raise NotImplementedError

    def stop_server(self) -> None:
        """Stop the API server: second half of the plane's end."""
        with self._lock:
            for address in list(self._published):
                forwarder = self._published.pop(address)
                self._loop.run(forwarder.stop())
            self._server.close()

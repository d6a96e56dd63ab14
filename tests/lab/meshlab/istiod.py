# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The istiod process of one mesh and its files."""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import urllib3
import yaml

from meshlab import pki
from meshlab.apiserver import ApiServer
from meshlab.controllers import component_kubeconfig
from meshlab.files import private_dir, write_private
from meshlab.keeper import Keeper
from meshlab.processes import Processes

log = logging.getLogger(__name__)

#: Seconds that a running istiod gets to read its changed mesh configuration.
_FOLLOWING = 5.0

#: Seconds that it gets to send it then. While changes keep coming it collects them for up to ten.
_SPREADING = 15.0

#: istiod's own user in the mesh's API server; data/mesh-roles.yml says what it may do.
USER = "istiod"

#: Istio's revision; part of the names of what appears in attached clusters.
REVISION = "default"

_CLUSTERS = "type.googleapis.com/envoy.config.cluster.v3.Cluster"

WEBHOOK_PORT = 15017
GRPC_PORT = 15010
SECURE_PORT = 15012
HTTP_PORT = 8080

_DATA = Path(__file__).parent / "data"

_ENVIRONMENT = {
    "GOGC": "50",
    "POD_NAME": "istiod-0",
    "POD_NAMESPACE": "istio-system",
    "ENABLE_LEADER_ELECTION": "false",
    # istiod signs the workloads' certificates with an authority that it is given. It patches no webhook
    # configurations and spreads no roots: the lab does both with the same authority.
    "PILOT_CERT_PROVIDER": "none",
    "ENABLE_CA_SERVER": "true",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    # The lab's Envoy is the upstream build, which has none of Istio's own filters.
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
    # It follows the Gateway API once its definitions are there. A Gateway names the Service of a gateway that there is
    # (spec.addresses): none is deployed for it, as a control plane has no nodes.
    "PILOT_ENABLE_GATEWAY_API": "true",
    "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER": "false",
    # A cluster that is away may delay the start by this much (Istio's default is 30 s).
    "PILOT_REMOTE_CLUSTER_TIMEOUT": "10s",
}


class Istiod:
    """istiod of the mesh ``mesh_id``: configuration from ``server``, everything else from remote secrets."""

    def __init__(self, mesh_id: str, *, server: ApiServer, address: str, binary: Path, processes: Processes) -> None:
        self.address = address
        #: Where proxies find it: host and port.
        self.endpoint = f"{address}:{SECURE_PORT}"
        self._mesh_id = mesh_id
        self._server = server
        self._binary = binary
        self._processes = processes
        self._folder = private_dir(server.folder / "istiod")
        self._authority = pki.Authority(self._folder / "ca", f"{mesh_id} istiod CA")
        self.ca_pem = self._authority.certificate_pem
        self.ca_file = self._authority.certificate_file
        self._keeper: Keeper | None = None
        self._http = urllib3.PoolManager(retries=False, timeout=2.0)

    def start(self) -> None:
        """Start the process; returns when istiod says that it is ready. Should it end, it is started again.

        The product's control plane comes back by itself, so this one does.
        """
        key = pki.stored_key(self._folder / "tls.key")
        certificate = self._authority.server(
            "istiod", dns=[f"istiod-{REVISION}.istio-system.svc"], addresses=[self.address], key=key
        )
        write_private(self._folder / "tls.crt", certificate)
        kubeconfig = component_kubeconfig(self._server, USER)
        _plug_in(self._authority, private_dir(self._folder / "etc" / "cacerts"))
        inject = private_dir(self._folder / "var" / "lib" / "istio" / "inject")
        write_private(inject / "config", (_DATA / "injection.yml").read_text())
        write_private(self._folder / "networks.yml", "networks: {}\n")
        argv = [
            str(self._binary),
            "discovery",
            f"--clusterID={self._mesh_id}",
            f"--kubeconfig={kubeconfig}",
            "--meshConfig=mesh.yml",
            "--networksConfig=networks.yml",
            f"--httpAddr={self.address}:{HTTP_PORT}",
            f"--grpcAddr={self.address}:{GRPC_PORT}",
            f"--secureGRPCAddr={self.endpoint}",
            f"--httpsAddr={self.address}:{WEBHOOK_PORT}",
            f"--monitoringAddr={self.address}:15014",
            "--ctrlz_port=0",
            "--tlsCertFile=tls.crt",
            "--tlsKeyFile=tls.key",
            f"--caCertFile={self.ca_file}",
            "--shutdownDuration=1s",
        ]
        environment = {**_ENVIRONMENT, "CLUSTER_ID": self._mesh_id}
        self._keeper = Keeper(
            self._processes,
            lambda: self._processes.start(f"{self._mesh_id}-istiod", argv, env=environment, cwd=self._folder),
        )
        self._keeper.start().wait_ready(self._ready, seconds=180)
        self._keeper.watch()

    def replace(self) -> None:
        """End a running process and start another one; returns when that is ready."""
        if self._keeper and self._keeper.keeping:
            self._keeper.renew()
            self._keeper.process.wait_ready(self._ready, seconds=180)

    def configure(self, configuration: dict[str, Any]) -> None:
        """Set what differs from mesh to mesh, see meshconfig.configuration(); returns when istiod has it.

        A running istiod reads its file again by itself. Where it does not (the machine has no file watches left, for
        one, which istiod passes over in silence), it is replaced by one that does, as the product would roll it out.
        """
        defaults = yaml.safe_load((_DATA / "mesh.yml").read_text())
        mesh = yaml.safe_dump({**defaults, **configuration.get("mesh", {})})
        file = self._folder / "mesh.yml"
        changes = not file.exists() or file.read_text() != mesh
        keeper = self._keeper if changes and self._keeper and self._keeper.keeping else None
        before = self._active() if keeper else ""
        # The part of the Helm chart's values that istiod and the injection template read.
        values = {"multiCluster": {"clusterName": ""}, "network": "", "proxy": configuration.get("proxy", {})}
        inject = private_dir(self._folder / "var" / "lib" / "istio" / "inject")
        sidecars = {name: configuration.get(name, {}) for name in ("sidecar", "sidecars")}
        write_private(inject / "values", json.dumps({"global": values, **sidecars}))
        write_private(file, mesh)
        if keeper and self._follows(before):
            self._spread()
        elif keeper:
            log.warning("istiod of %s does not follow its mesh configuration and is replaced", self._mesh_id)
            keeper.process.kill()

    def _follows(self, before: str) -> bool:
        deadline = time.monotonic() + _FOLLOWING
        while self._active() in (before, ""):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _spread(self) -> None:
        """Have every proxy sent what the mesh configuration says now.

        istiod does that by itself, unless endpoints change in the same moment: it merges both into one push, and this
        snapshot of it (pushConnectionDelta in pilot/pkg/xds/delta.go) takes that for one of endpoints alone, so that
        the proxies keep the old configuration for good. A push that is asked for is never merged.
        """
        begun = datetime.now(timezone.utc)
        deadline = time.monotonic() + _SPREADING
        while not self._pushed_since(begun) and time.monotonic() < deadline:
            time.sleep(0.05)
        self._debug("adsz?push=true")

    def _pushed_since(self, moment: datetime) -> bool:
        """Whether every connected proxy was sent its clusters since then: istiod waits for no further changes."""
        proxies = json.loads(self._debug("syncz") or "[]")
        sent = [one.get("resources", {}).get(_CLUSTERS, {}).get("sentTime", "") for one in proxies or []]
        # RFC 3339 in UTC: up to microseconds the order of texts is that of time.
        return all(one >= f"{moment:%Y-%m-%dT%H:%M:%S.%f}" for one in sent)

    def proxies(self) -> list[dict[str, Any]]:
        """Of each connected proxy the nonces that were sent and acknowledged; raises OSError when istiod is away."""
        found = self._debug("syncz")
        if not found:
            raise OSError(f"istiod of {self._mesh_id} does not answer")
        states: list[dict[str, Any]] = json.loads(found)
        return states

    def _active(self) -> str:
        """The mesh configuration that istiod works with; empty when it does not say."""
        return self._debug("mesh")

    def _debug(self, page: str) -> str:
        """A page of istiod's debug interface; empty when there is none."""
        try:
            answer = self._http.request("GET", f"http://{self.address}:{HTTP_PORT}/debug/{page}")
        except urllib3.exceptions.HTTPError:
            return ""
        return answer.data.decode() if answer.status == 200 else ""

    def stop(self) -> None:
        """Stop the process."""
        if self._keeper:
            self._keeper.stop()
            self._keeper = None
        self._http.clear()

    def _ready(self) -> bool:
        try:
            return self._http.request("GET", f"http://{self.address}:{HTTP_PORT}/ready").status == 200
        except urllib3.exceptions.HTTPError:
            return False


def _plug_in(authority: pki.Authority, folder: Path) -> None:
    """The authority's files under the names by which istiod takes a certificate authority of the user's own."""
    for name in ("ca-cert.pem", "cert-chain.pem", "root-cert.pem"):
        write_private(folder / name, authority.certificate_pem)
    write_private(folder / "ca-key.pem", authority.key_file.read_text())

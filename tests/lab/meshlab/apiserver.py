# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One kube-apiserver process with its certificates, its audit log and the lab's administrator client."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from meshlab import etcd, pki
from meshlab.files import private_dir, write_private
from meshlab.keeper import Keeper
from meshlab.kubeapi import KubeApi
from meshlab.node.endpoint import ENDPOINT_ADDRESS
from meshlab.processes import Processes

PORT = 6443

#: Certificates that the lab's own parts use.
_YEARS = 10 * 365 * 24.0

#: With 50, as the other servers have it, an API server would spend a third to a half of its start collecting garbage.
_ENVIRONMENT = {"GOGC": "100"}

_AUDIT_POLICY = Path(__file__).parent / "data" / "audit-policy.yml"


class ApiServer:
    """The API server of the plane ``plane_id``, bound to ``address``:6443."""

    def __init__(
        self,
        plane_id: str,
        *,
        folder: Path,
        address: str,
        service_cidr: str,
        binary: Path,
        processes: Processes,
        store: etcd.Etcd,
        flags: tuple[str, ...] = (),
    ) -> None:
        self.url = f"https://{address}:{PORT}"
        self.folder = private_dir(folder)
        self.authority = pki.Authority(folder / "pki", f"{plane_id} CA")
        self.audit_log = folder / "audit.log"
        self._plane_id = plane_id
        self._address = address
        self._service_cidr = service_cidr
        self._binary = binary
        self._processes = processes
        self._store = store
        self._flags = flags
        self._keeper: Keeper | None = None
        self._pki = folder / "pki"
        self._key = pki.stored_key(self._pki / "apiserver.key")
        self._accounts_key = pki.stored_key(self._pki / "sa.key")
        self.certify([])
        self.api = self.client("asm-lab", ["system:masters"])

    def client(self, user: str, groups: list[str]) -> KubeApi:
        """A client of this API server for one of the lab's own parts."""
        stem = self._pki / user.replace(":", "-")
        pair = self.authority.client(user, groups, hours=_YEARS)
        key_file = write_private(stem.with_suffix(".key"), pair.key)
        cert_file = write_private(stem.with_suffix(".crt"), pair.certificate)
        return KubeApi(self.url, ca_file=self.authority.certificate_file, cert_file=cert_file, key_file=key_file)

    def certify(self, addresses: list[str]) -> None:
        """Write a serving certificate that also covers ``addresses``; a running server reads it by itself."""
        names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        certificate = self.authority.server(
            "kube-apiserver", dns=names, addresses=[self._address, *addresses], key=self._key
        )
        write_private(self._pki / "apiserver.crt", certificate)

    def wait_certified(self, address: str, *, seconds: float = 10.0) -> None:
        """Wait until the server presents a certificate that covers ``address``. TimeoutError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while address not in _served_addresses(self._address):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._plane_id} does not serve its new certificate after {seconds:.0f} s")
            time.sleep(0.05)

    def start(self) -> None:
        """Start the process; it is not ready yet, see wait_ready()."""
        accounts_public = self._accounts_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        public_file = write_private(self._pki / "sa.pub", accounts_public.decode())
        argv = [
            str(self._binary),
            f"--etcd-servers={etcd.SERVER}",
            f"--etcd-prefix={self.prefix}",
            f"--bind-address={self._address}",
            f"--advertise-address={self._address}",
            f"--secure-port={PORT}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={self._pki / 'apiserver.crt'}",
            f"--tls-private-key-file={self._pki / 'apiserver.key'}",
            f"--client-ca-file={self.authority.certificate_file}",
            f"--service-account-key-file={public_file}",
            f"--service-account-signing-key-file={self._pki / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC",
            f"--service-cluster-ip-range={self._service_cidr}",
            "--allow-privileged",
            "--enable-priority-and-fairness=false",
            "--profiling=false",
            f"--kubelet-preferred-address-types={ENDPOINT_ADDRESS}",
            f"--kubelet-certificate-authority={self.authority.certificate_file}",
            f"--kubelet-client-certificate={self._pki / 'asm-lab.crt'}",
            f"--kubelet-client-key={self._pki / 'asm-lab.key'}",
            f"--audit-policy-file={_AUDIT_POLICY}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-mode=blocking",  # a request is in the log once its answer is out
            "--audit-log-maxsize=100",
            "--audit-log-maxbackup=1",
            *self._flags,
        ]
        name, folder = f"{self._plane_id}-apiserver", self._store.folder
        self._keeper = Keeper(self._processes, lambda: self._processes.start(name, argv, env=_ENVIRONMENT, cwd=folder))
        self._keeper.start()

    def wait_ready(self) -> None:
        """Return when the server says that it is ready. ProcessError when it ends or takes more than three minutes.

        Should it end later, it is started again.
        """
        if self._keeper:
            self._keeper.process.wait_ready(self.api.ready, seconds=180)
            self._keeper.watch()

    def stop(self) -> None:
        """Stop the process."""
        if self._keeper:
            self._keeper.stop()
            self._keeper = None

    def close(self) -> None:
        """Stop the process and close the administrator's connections."""
        self.stop()
        self.api.close()

    def export(self, resource: str) -> dict[str, str]:
        """All objects of one kind ("group/plural") as they are stored, by name."""
        return self._store.export(f"{self.prefix}/{resource}")

    def seed(self, resource: str, objects: dict[str, str]) -> None:
        """Store objects that another API server of the same version has exported; only before start()."""
        self._store.seed(f"{self.prefix}/{resource}", objects)

    @property
    def binary(self) -> Path:
        """The program, by which exported objects are told apart."""
        return self._binary

    @property
    def prefix(self) -> str:
        """Where this plane's objects lie in etcd."""
        return f"/{self._plane_id}"


def _served_addresses(address: str) -> set[str]:
    pem = ssl.get_server_certificate((address, PORT), timeout=5)
    certificate = x509.load_pem_x509_certificate(pem.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(one) for one in names.get_values_for_type(x509.IPAddress)}

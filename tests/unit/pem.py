# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Self-signed certificates with their keys, as PEM text."""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "shop.example.com"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both PEM."""

    certificate: str
    key: str

    def options(self) -> dict[str, str]:
        """As options of asm_gateway_secret."""
        return {"certificate": self.certificate, "private_key": self.key}

    def secret(self, kind: str = "kubernetes.io/tls") -> dict[str, Any]:
        """The Secret that the service makes of it."""
        data = {"tls.crt": self.certificate, "tls.key": self.key}
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}
        return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"name": "tls"}, "data": encoded}

    def traces(self) -> list[str]:
        """What would show that the key has leaked: its middle lines, as they are and as a Secret has them."""
        encoded = base64.b64encode(self.key.encode()).decode()
        return [*self.key.splitlines()[1:-1], *(encoded[at : at + 60] for at in range(60, len(encoded) - 60, 60))]


def pair(*, days: tuple[float, float] = (-1, 90), host: str = HOST, passphrase: bytes = b"") -> Pair:
    """A certificate that holds from and to so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    return Pair(made.public_bytes(serialization.Encoding.PEM).decode(), private.decode())

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates of one plane: its own authority, the servers' certificates and the users' client certificates."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from meshlab.files import private_dir, write_private

_SERVER_DAYS = 3650

#: Clocks of client and server may differ by this much.
_SKEW = datetime.timedelta(minutes=5)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: str
    key: str


class Authority:
    """A certificate authority kept in a private folder: ca.crt, ca.key. Made at the first use."""

    def __init__(self, folder: Path, name: str) -> None:
        private_dir(folder)
        self.certificate_file = folder / "ca.crt"
        self.key_file = folder / "ca.key"
        if not self.certificate_file.exists():
            pair = _self_signed(name)
            write_private(self.key_file, pair.key)
            write_private(self.certificate_file, pair.certificate)
        self.certificate_pem = self.certificate_file.read_text()
        self._certificate = x509.load_pem_x509_certificate(self.certificate_pem.encode())
        self._key = load_key(self.key_file)

    def server(self, name: str, *, dns: list[str], addresses: list[str], key: ec.EllipticCurvePrivateKey) -> str:
        """PEM of a serving certificate for a key that exists, so that a certificate can be replaced alone."""
        names: list[x509.GeneralName] = [x509.DNSName(one) for one in dns]
        names += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key, datetime.timedelta(days=_SERVER_DAYS), ExtendedKeyUsageOID.SERVER_AUTH)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return _pem(builder.sign(self._key, hashes.SHA256()))

    def client(self, user: str, groups: list[str], *, hours: float) -> Pair:
        """A client certificate as Kubernetes reads it: common name = user, organizations = groups."""
        key = new_key()
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        builder = self._builder(subject, key, datetime.timedelta(hours=hours), ExtendedKeyUsageOID.CLIENT_AUTH)
        return Pair(_pem(builder.sign(self._key, hashes.SHA256())), key_pem(key))

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        life: datetime.timedelta,
        usage: x509.ObjectIdentifier,
    ) -> x509.CertificateBuilder:
        issuer_key = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        return (
            _base(subject, self._certificate.subject, key.public_key(), life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), critical=False)
        )


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """The private key as unencrypted PKCS#8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a private key that this module wrote. TypeError when the file holds another kind of key."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds no elliptic-curve key")
    return key


def stored_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in ``path``; made and stored (mode 0600) at the first use."""
    if not path.exists():
        write_private(path, key_pem(new_key()))
    return load_key(path)


def _self_signed(name: str) -> Pair:
    key = new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _base(subject, subject, key.public_key(), datetime.timedelta(days=_SERVER_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_CA_USAGE, critical=True)
    )
    return Pair(_pem(builder.sign(key, hashes.SHA256())), key_pem(key))


def _base(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)

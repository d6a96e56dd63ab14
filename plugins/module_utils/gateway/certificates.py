# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of gateways as PEM text: checked before they are sent, and compared with those of Secrets. Pure.

No message repeats anything of what it is about: the text may hold a private key.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import library

TLS = "kubernetes.io/tls"
_CERTIFICATE, _KEY = "-----BEGIN CERTIFICATE-----", "PRIVATE KEY-----"
# A line of Base64 in PEM has 64 signs; a shorter piece than this is no trace of a key.
_TRACE = 24


@dataclass(frozen=True)
class Certificate:
    """What is public of a certificate: SHA-256 of each one of the chain (the server's first), times, DNS names."""

    fingerprints: tuple[str, ...]
    start: datetime
    end: datetime
    hosts: tuple[str, ...]

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative once it has ended."""
        return (self.end - now).days

    def essence(self) -> dict[str, Any]:
        """What a diff shows of it: the same at any time."""
        times = {"not_before": _shown(self.start), "not_after": _shown(self.end)}
        return {"fingerprint": self.fingerprints[0], **times, "hosts": list(self.hosts)}

    def as_result(self, now: datetime) -> dict[str, Any]:
        """The same in the keys of the modules' results."""
        return {**self.essence(), "days_left": self.days_left(now)}


def given(certificate: str, private_key: str, now: datetime) -> Certificate:
    """The certificate of a task's options. Raises ``InvalidInput`` for one that no gateway could serve."""
    if _KEY in certificate:
        raise InvalidInput("certificate holds a private key: give it the certificates only, and the key private_key.")
    if _CERTIFICATE not in certificate:
        raise InvalidInput(f"certificate is no PEM text: nothing in it begins with {_CERTIFICATE}.")
    chain = _loaded(certificate.encode("utf-8", "replace"))
    if not chain:
        raise InvalidInput("certificate is no certificate: what is between its PEM lines cannot be read.")
    _check_key(chain, _public_key(private_key))
    found = _described(chain)
    if found.end <= now:
        raise InvalidInput(f"certificate has expired: it ended at {_shown(found.end)}. Give a valid one.")
    return found


def doubts(certificate: Certificate, now: datetime) -> tuple[str, ...]:
    """What is allowed, and hardly meant."""
    if certificate.start <= now:
        return ()
    return (f"The certificate is not valid yet, but only from {_shown(certificate.start)} on: clients refuse it.",)


def stored(secret: Any) -> Certificate | None:
    """The certificate in a Secret; ``None`` where it has no readable one, or no key beside it."""
    data = secret.get("data") if isinstance(secret, dict) else None
    if not isinstance(data, dict) or not data.get("tls.key"):
        return None
    try:
        pem = base64.b64decode(str(data.get("tls.crt") or ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    chain = _loaded(pem)
    return _described(chain) if chain else None


def read(certificate: str) -> Certificate | None:
    """The certificate of a PEM text, whatever its times; ``None`` for another text."""
    chain = _loaded(certificate.encode("utf-8", "replace")) if _CERTIFICATE in certificate else []
    return _described(chain) if chain else None


def tells(text: str, private_key: str) -> bool:
    """Whether a text holds a piece of the key."""
    lines = (line.strip() for line in private_key.splitlines())
    return any(line in text for line in lines if len(line) >= _TRACE and "-----" not in line)


def _loaded(pem: bytes) -> list[Any]:
    """The certificates of a PEM text; none where one of them cannot be read."""
    x509 = library("cryptography.x509", "cryptography")
    try:
        chain: list[Any] = x509.load_pem_x509_certificates(pem)
        # Both are read from the certificate only when they are asked for.
        return chain if all(_described([one]) for one in chain) else []
    except (ValueError, TypeError, OverflowError):
        return []


def _described(chain: list[Any]) -> Certificate:
    serialization = library("cryptography.hazmat.primitives.serialization", "cryptography")
    encoded = [one.public_bytes(serialization.Encoding.DER) for one in chain]
    fingerprints = tuple(hashlib.sha256(one).hexdigest() for one in encoded)
    start, end = (_time(chain[0], name) for name in ("not_valid_before", "not_valid_after"))
    return Certificate(fingerprints, start, end, _hosts(chain[0]))


def _time(certificate: Any, name: str) -> datetime:
    # Older versions of the library know the time without its zone only, which is UTC.
    found: datetime = getattr(certificate, f"{name}_utc", None) or getattr(certificate, name)
    return found.replace(tzinfo=timezone.utc)


def _hosts(certificate: Any) -> tuple[str, ...]:
    x509 = library("cryptography.x509", "cryptography")
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.value.get_values_for_type(x509.DNSName))


def _public_key(private_key: str) -> bytes:
    """The public half of the key. Raises ``InvalidInput``."""
    serialization = library("cryptography.hazmat.primitives.serialization", "cryptography")
    exceptions = library("cryptography.exceptions", "cryptography")
    if _KEY not in private_key:
        raise InvalidInput("private_key is no PEM text of a private key.")
    try:
        loaded = serialization.load_pem_private_key(private_key.encode("utf-8", "replace"), None)
    except TypeError:
        raise InvalidInput("private_key needs a passphrase, which a gateway does not have: decrypt it first.") from None
    except (ValueError, exceptions.UnsupportedAlgorithm):
        raise InvalidInput("private_key is no private key: what is between its PEM lines cannot be read.") from None
    return _encoded(loaded.public_key())


def _check_key(chain: list[Any], public_key: bytes) -> None:
    owners = [number for number, one in enumerate(chain, 1) if _encoded(one.public_key()) == public_key]
    if not owners:
        raise InvalidInput("private_key does not belong to certificate: the two have different public keys.")
    if owners[0] != 1:
        raise InvalidInput(
            f"private_key belongs to number {owners[0]} of the certificates in certificate: put that one first, then "
            "those of its issuers."
        )


def _encoded(public_key: Any) -> bytes:
    serialization = library("cryptography.hazmat.primitives.serialization", "cryptography")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    encoded: bytes = public_key.public_bytes(serialization.Encoding.DER, form)
    return encoded


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

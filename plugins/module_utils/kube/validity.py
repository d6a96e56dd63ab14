# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From when until when credentials are good, as they say it themselves. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import library


@dataclass(frozen=True)
class Validity:
    """Seconds since 1970."""

    start: float
    end: float

    @property
    def ends(self) -> str:
        """The end as RFC 3339 in UTC."""
        return datetime.fromtimestamp(self.end, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def is_too_short(self, minutes: int, now: float) -> bool:
        """Whether it was made for less than these minutes, or less than half of them is left.

        The half keeps a second run from making a new one; a minute is what clocks and rounding may take.
        """
        return self.end - self.start < (minutes - 1) * 60 or self.end - now < minutes * 30


def of_user(user: dict[str, Any]) -> Validity | None:
    """Of the client certificate or, without one, of the token (a JWT); ``None`` where neither says it."""
    try:
        if user.get("client-certificate-data"):
            return _of_certificate(base64.b64decode(str(user["client-certificate-data"])))
        if user.get("token"):
            return _of_token(str(user["token"]))
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        pass
    return None


def _of_certificate(pem: bytes) -> Validity:
    certificate = library("cryptography.x509", "cryptography").load_pem_x509_certificate(pem)
    # Older versions of the library know the time without its zone only, which is UTC.
    start = getattr(certificate, "not_valid_before_utc", None) or certificate.not_valid_before
    end = getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after
    return Validity(start.replace(tzinfo=timezone.utc).timestamp(), end.replace(tzinfo=timezone.utc).timestamp())


def claims_of(token: str) -> Any:
    """What a token (a JWT) says of itself, unverified; ``None`` where it says nothing readable."""
    try:
        return _claims(token)
    except (ValueError, LookupError, RecursionError):
        return None


def _claims(token: str) -> Any:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def _of_token(token: str) -> Validity:
    claims = _claims(token)
    end = float(claims["exp"])
    return _checked(Validity(float(claims.get("iat", end)), end))


def _checked(validity: Validity) -> Validity:
    """Raises ``ValueError`` or ``OverflowError`` for times that no calendar has."""
    if not validity.ends:
        raise ValueError
    return validity

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks who sent a request: ACS3-HMAC-SHA256 (header) and the older RPC signature 1.0 (parameter)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote

from meshlab.openapi.errors import ApiError

#: Requests older or newer than this are refused, and nonces are remembered for as long, in seconds.
WINDOW = 900

_AUTHORIZATION = re.compile(
    r"^ACS3-HMAC-SHA256\s+Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-fA-F]+)$"
)


@dataclass(frozen=True)
class Request:
    """What a signature covers: ``path`` as sent, ``query`` and ``form`` decoded, header names in lower case."""

    method: str
    path: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


class Nonces:
    """Signature nonces that were seen within the window; a repeated one is refused. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def use(self, nonce: str) -> None:
        """Remember ``nonce``. Raises ApiError when it was used before."""
        now = self._clock()
        with self._lock:
            while self._seen and next(iter(self._seen.values())) < now - WINDOW:
                self._seen.popitem(last=False)
            if nonce in self._seen:
                raise ApiError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
            self._seen[nonce] = now


def access_key_of(request: Request) -> str:
    """The AccessKey id that the request names. Raises ApiError when it names none."""
    authorization = request.headers.get("authorization", "")
    if authorization:
        return _parse_authorization(authorization)[0]
    key = dict(request.query + request.form).get("AccessKeyId", "")
    if not key:
        raise ApiError(400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.")
    return key


def verify(request: Request, secret: str, nonces: Nonces, now: float | None = None) -> None:
    """Check signature, time stamp and nonce of a request against the secret of its AccessKey. Raises ApiError."""
    moment = time.time() if now is None else now
    if request.headers.get("authorization"):
        nonce, sent = _verify_acs3(request, secret)
    else:
        nonce, sent = _verify_rpc(request, secret)
    _check_time(sent, moment)
    if not nonce:
        raise ApiError(400, "MissingSignatureNonce", "SignatureNonce is mandatory for this action.")
    nonces.use(nonce)


def percent_encode(text: str) -> str:
    """RFC 3986 encoding: everything but unreserved characters."""
    return quote(text, safe="-_.~")


def acs3_string_to_sign(request: Request, signed_headers: list[str]) -> str:
    """The string whose HMAC is the ACS3 signature."""
    query = "&".join(f"{percent_encode(key)}={percent_encode(value)}" for key, value in sorted(request.query))
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed_headers)
    payload = request.headers.get("x-acs-content-sha256", "")
    canonical = "\n".join([request.method, request.path, query, headers, ";".join(signed_headers), payload])
    return "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()


def rpc_string_to_sign(request: Request) -> str:
    """The string whose HMAC is the RPC 1.0 signature."""
    parameters = sorted((key, value) for key, value in request.query + request.form if key != "Signature")
    canonical = "&".join(f"{percent_encode(key)}={percent_encode(value)}" for key, value in parameters)
    return f"{request.method}&{percent_encode('/')}&{percent_encode(canonical)}"


def _verify_acs3(request: Request, secret: str) -> tuple[str, str]:
    _unused, names, signature = _parse_authorization(request.headers["authorization"])
    signed_headers = sorted(name.strip().lower() for name in names.split(";"))
    digest = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-acs-content-sha256", "").lower() != digest:
        raise ApiError(
            400, "InvalidContentSha256", f"x-acs-content-sha256 is not the digest of the body, which is {digest}."
        )
    to_sign = acs3_string_to_sign(request, signed_headers)
    expected = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature.lower()):
        raise _mismatch(to_sign)
    return request.headers.get("x-acs-signature-nonce", ""), request.headers.get("x-acs-date", "")


def _verify_rpc(request: Request, secret: str) -> tuple[str, str]:
    parameters = dict(request.query + request.form)
    method = parameters.get("SignatureMethod", "")
    if method != "HMAC-SHA1":
        raise ApiError(400, "InvalidSignatureMethod", f"SignatureMethod {method!r} is not supported: use HMAC-SHA1.")
    if "Signature" not in parameters:
        raise ApiError(400, "MissingSignature", "Signature is mandatory for this action.")
    to_sign = rpc_string_to_sign(request)
    expected = base64.b64encode(hmac.new(f"{secret}&".encode(), to_sign.encode(), hashlib.sha1).digest()).decode()
    if not hmac.compare_digest(expected, parameters["Signature"]):
        raise _mismatch(to_sign)
    return parameters.get("SignatureNonce", ""), parameters.get("Timestamp", "")


def _parse_authorization(header: str) -> tuple[str, str, str]:
    match = _AUTHORIZATION.match(header.strip())
    if match is None:
        raise ApiError(
            400, "InvalidAuthorization", "The Authorization header is not of the form ACS3-HMAC-SHA256 Credential=..."
        )
    return match.group(1), match.group(2), match.group(3)


def _mismatch(to_sign: str) -> ApiError:
    return ApiError(
        400,
        "SignatureDoesNotMatch",
        f"Specified signature is not matched with our calculation. server string to sign is:{to_sign}",
    )


def _check_time(sent: str, now: float) -> None:
    try:
        moment = datetime.strptime(sent, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise ApiError(
            400, "InvalidTimeStamp.Format", f"Specified time stamp {sent!r} is not well formatted."
        ) from None
    if abs(now - moment) > WINDOW:
        raise ApiError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

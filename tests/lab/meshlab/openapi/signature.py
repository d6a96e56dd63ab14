# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks who sent a request: ACS3-HMAC-SHA256, and the older signatures 1.0 of RPC (parameter) and ROA (header)."""

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
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from meshlab.openapi.errors import ApiError

#: Requests older or newer than this are refused, and nonces are remembered for as long, in seconds.
WINDOW = 900

_AUTHORIZATION = re.compile(
    r"^ACS3-HMAC-SHA256\s+Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-fA-F]+)$"
)
_ROA_AUTHORIZATION = re.compile(r"^acs\s+([^:\s]+):(\S+)$")

#: Headers that the older ROA signature covers by their values alone, in this order; a missing one is an empty line.
_ROA_HEADERS = ("accept", "content-md5", "content-type", "date")


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
    if roa := _ROA_AUTHORIZATION.match(authorization.strip()):
        return roa.group(1)
    if authorization:
        return _parse_authorization(authorization)[0]
    key = dict(request.query + request.form).get("AccessKeyId", "")
    if not key:
        raise ApiError(400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.")
    return key


def verify(request: Request, secret: str, nonces: Nonces, now: float | None = None) -> None:
    """Check signature, time stamp and nonce of a request against the secret of its AccessKey. Raises ApiError."""
    moment = time.time() if now is None else now
    authorization = request.headers.get("authorization", "")
    roa = _ROA_AUTHORIZATION.match(authorization.strip())
    if roa:
        nonce, sent = _verify_roa(request, secret, roa.group(2))
    elif authorization:
        nonce, sent = _verify_acs3(request, secret)
    else:
        nonce, sent = _verify_rpc(request, secret)
    _check_time(_date(sent) if roa else _stamp(sent), moment)
    if nonce:
        nonces.use(nonce)
    elif not roa:  # most clients of that signature send none
        raise ApiError(400, "MissingSignatureNonce", "SignatureNonce is mandatory for this action.")


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


def roa_string_to_sign(request: Request) -> str:
    """The string whose HMAC is the ROA 1.0 signature; query parameters are in it as they are, not encoded."""
    lines = [request.method, *(request.headers.get(name, "") for name in _ROA_HEADERS)]
    lines += [f"{name}:{value}" for name, value in sorted(request.headers.items()) if name.startswith("x-acs-")]
    query = "&".join(f"{key}={value}" if value else key for key, value in sorted(request.query))
    return "\n".join([*lines, f"{request.path}?{query}" if query else request.path])


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
    if not hmac.compare_digest(_sha1(f"{secret}&", to_sign), parameters["Signature"]):
        raise _mismatch(to_sign)
    return parameters.get("SignatureNonce", ""), parameters.get("Timestamp", "")


def _verify_roa(request: Request, secret: str, signature: str) -> tuple[str, str]:
    digest = base64.b64encode(hashlib.md5(request.body, usedforsecurity=False).digest()).decode()
    if request.headers.get("content-md5", digest) != digest:
        raise ApiError(400, "InvalidContentMD5", f"Content-MD5 is not the digest of the body, which is {digest}.")
    to_sign = roa_string_to_sign(request)
    if not hmac.compare_digest(_sha1(secret, to_sign), signature):
        raise _mismatch(to_sign)
    return request.headers.get("x-acs-signature-nonce", ""), request.headers.get("date", "")


def _sha1(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()).decode()


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


def _stamp(sent: str) -> datetime | None:
    try:
        return datetime.strptime(sent, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _date(sent: str) -> datetime | None:
    """The header Date, as HTTP writes it."""
    try:
        moment = parsedate_to_datetime(sent)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc)


def _check_time(sent: datetime | None, now: float) -> None:
    if sent is None:
        raise ApiError(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
    if abs(now - sent.timestamp()) > WINDOW:
        raise ApiError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

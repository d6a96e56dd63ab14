# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server answered: decoded and held to what Kubernetes documents, or an error. Pure.

An answer may come from anything that listens at the address, so nothing in it is taken to have the right type.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.jsontext import parsed
from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import kind_of, quoted

Json = dict[str, Any]
_TRANSIENT = frozenset({429, 502, 503, 504})
_MOST_CAUSES = 100
# What may stand as one segment of a path; names of objects are narrower still.
_SEGMENT = re.compile(r"[^\s/%?#\x00-\x20\x7f-\U0010ffff]+")
_TEXTS = ("name", "namespace", "uid", "resourceVersion", "generateName", "creationTimestamp", "deletionTimestamp")
_CREDENTIALS = (
    "{server} does not accept the kubeconfig's certificate or token{how}: expired, or revoked? Fetch a new kubeconfig "
    "(module meshops.asm.asm_kubeconfig)."
)


class KubeError(AsmError):
    """The API server answered with an error.

    ``code`` is the Status' ``reason`` (``Invalid``, ``Conflict``, ``Forbidden``, ...), ``causes`` its list of
    ``{reason, message, field}``, all texts. ``retry_after`` is in seconds.
    """

    def __init__(self, message: str, *, causes: tuple[Json, ...] = (), retry_after: float = 0.0, **more: Any) -> None:
        super().__init__(message, **more)
        self.causes = causes
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later. A 500 without reason is a refusal by a decoder, not a fault."""
        return self.http_status in _TRANSIENT or (self.http_status == 500 and self.code == "InternalError")


class Unreachable(AsmError):
    """The API server did not answer within the time that the client is patient.

    ``passing`` says whether another attempt may help.
    """

    def __init__(self, message: str, *, passing: bool = True, **more: Any) -> None:
        super().__init__(message, **more)
        self.passing = passing


class BadReply(AsmError):
    """What came is no answer of a Kubernetes API server. A write may have happened all the same."""


def as_body(data: bytes, server: str, what: str) -> Json:
    """The object of a successful answer. ``what`` is the request in words: ``GET /api``."""
    try:
        body = parsed(data)
    except ValueError:
        raise bad_reply(server, what, "it is not JSON") from None
    if not isinstance(body, dict):
        raise bad_reply(server, what, f"it is {kind_of(body)} instead of an object")
    wrong = _wrong_metadata(body.get("metadata")) if "metadata" in body else ""
    if wrong:
        raise bad_reply(server, what, wrong)
    return body


def as_object(body: Json, server: str, what: str) -> Json:
    """The same of an answer that has to be one object with a name."""
    if not (body.get("metadata") or {}).get("name"):
        raise bad_reply(server, what, "it has no metadata.name")
    return body


def as_page(body: Json, server: str, what: str) -> tuple[list[Json], str]:
    """The objects of one page of a list, and the token that continues it (empty on the last page)."""
    items = body.get("items")
    if items is None:
        items = []
    if not isinstance(items, list):
        raise bad_reply(server, what, f"items is {kind_of(items)} instead of a list")
    for number, item in enumerate(items):
        wrong = _wrong_metadata(item.get("metadata")) if isinstance(item, dict) else f"is {kind_of(item)}"
        if wrong or not (item.get("metadata") or {}).get("name"):
            raise bad_reply(server, what, f"items[{number}]: {wrong or 'it has no metadata.name'}")
    token = (body.get("metadata") or {}).get("continue") or ""
    if not isinstance(token, str) or not token.isascii():
        raise bad_reply(server, what, "metadata.continue is no token")
    return items, token


def bad_reply(server: str, what: str, why: str) -> BadReply:
    return BadReply(
        f"The reply of {server} to {what} is not what Kubernetes documents: {why}. Is this the address of an API "
        "server, and does no proxy answer in its place?",
        code="UnexpectedReply",
    )


def _wrong_metadata(metadata: Any) -> str:
    """What is wrong with the types of an object's metadata, as a part of a sentence; empty for nothing."""
    if metadata is None:
        return ""
    if not isinstance(metadata, dict):
        return f"metadata is {kind_of(metadata)} instead of an object"
    for key in _TEXTS:
        if not isinstance(metadata.get(key, ""), (str, type(None))):
            return f"metadata.{key} is {kind_of(metadata[key])} instead of a text"
    for key in ("name", "namespace"):
        if metadata.get(key) and not _SEGMENT.fullmatch(metadata[key]):
            return f"metadata.{key} is no name"
    for key in ("labels", "annotations"):
        found = metadata.get(key) or {}
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            return f"metadata.{key} is no mapping of texts"
    for key, kind in (("managedFields", dict), ("ownerReferences", dict), ("finalizers", str)):
        found = metadata.get(key) or []
        if not isinstance(found, list) or not all(isinstance(one, kind) for one in found):
            return f"metadata.{key} is no list of {'texts' if kind is str else 'objects'}"
    return ""


def as_error(
    status: int, headers: Mapping[str, str], data: bytes, server: str, wait: Callable[[str], float]
) -> KubeError:
    """The Status object of an answer (or whatever came instead of one) as an exception.

    ``wait`` gives the seconds that a header Retry-After asks for.
    """
    body = _status(data)
    if body is None:
        said = _without_status(status, headers, server)
        body = {"message": said, "reason": "InternalError" if status >= 500 else "Unknown"}
    message = quoted(body.get("message") or f"HTTP {status}")
    code = quoted(body.get("reason") or ("Invalid" if status == 500 else "Unknown"), 100)
    if status == 401 or (status == 403 and 'User "system:anonymous"' in message):
        how = "" if status == 401 else " and sees an anonymous user"
        message, code, status = _CREDENTIALS.format(server=server, how=how), "Unauthorized", 401
    found = body.get("details")
    details: Json = found if isinstance(found, dict) else {}
    return KubeError(
        message,
        code=code,
        http_status=status,
        causes=_causes(details.get("causes")),
        retry_after=wait(headers.get("Retry-After") or "") or _seconds(details.get("retryAfterSeconds")),
        request_id=quoted(headers.get("Audit-Id") or "", 100),
    )


def _status(data: bytes) -> Json | None:
    try:
        body = parsed(data)
    except ValueError:
        return None
    return body if isinstance(body, dict) and body.get("kind") == "Status" else None


def _without_status(status: int, headers: Mapping[str, str], server: str) -> str:
    target = headers.get("Location")
    if 300 <= status < 400 and target:
        try:
            where = quoted(urlsplit(target).netloc or target, 200)
        except ValueError:
            where = quoted(target, 200)
        return (
            f"{server} answered HTTP {status} and points to {where}, which is not followed: the kubeconfig's "
            "credentials are for its own server. Correct the server in the kubeconfig."
        )
    return f"{server} answered HTTP {status} without a Kubernetes status."


def _causes(found: Any) -> tuple[Json, ...]:
    causes = found if isinstance(found, list) else []
    return tuple(
        {key: quoted(cause.get(key) or "") for key in ("reason", "message", "field")}
        for cause in causes[:_MOST_CAUSES]
        if isinstance(cause, dict)
    )


def _seconds(value: Any) -> float:
    """A number of seconds, or 0 for anything else; however large, it is the caller's patience that counts."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(min(max(value, 0), 10**9)) if known else 0.0

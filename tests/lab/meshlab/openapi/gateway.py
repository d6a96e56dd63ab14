# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request from the wire to the reply: who sent it, what it may do, which faults hit it, what it answers."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

from meshlab.account import User
from meshlab.faults import ALONGSIDE, Fault, Faults, of_kind
from meshlab.openapi.errors import ApiError, forbidden
from meshlab.openapi.signature import Nonces, Request, access_key_of, verify
from meshlab.requestlog import RequestLog
from meshlab.world import World

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Operation:
    """What a product understood of a request: the action, its parameters, and whether it may change something."""

    action: str
    parameters: dict[str, Any]
    write: bool
    #: The product's own note of how to carry it out.
    handler: Any
    #: Parameters that the action does not have, where they are let pass.
    ignored: list[str] = field(default_factory=list)


@dataclass
class Reply:
    """An HTTP reply; ``cut`` means that the connection is closed instead of sending it."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    cut: bool = False


class Product(Protocol):
    """One product of the cloud, such as ASM."""

    name: str

    def understand(self, request: Request, *, tolerant: bool) -> Operation:
        """Find action and parameters; ``tolerant`` lets unknown parameters pass. Raises ApiError."""

    def call(self, operation: Operation, user: User, world: World, faults: list[Fault]) -> Any:
        """Carry the action out. Raises ApiError."""

    def success(self, result: Any, request_id: str) -> Any:
        """The body of a reply."""

    def failure(self, error: ApiError, request_id: str) -> Any:
        """The body of an error reply."""


class Gateway:
    """What lies in front of all products. ``handle`` may be called from several threads."""

    def __init__(self, world: World, faults: Faults, log: RequestLog) -> None:
        self._world = world
        self._faults = faults
        self._log = log
        self._nonces = Nonces()
        #: One action that changes something at a time, so that what it checked still holds when it acts.
        self._writing = threading.Lock()
        #: The account before the last writing action, for stale reads.
        self._before: dict[str, Any] | None = None

    def handle(self, product: Product, request: Request) -> Reply:
        """Answer a request; never raises."""
        begin = time.monotonic()
        request_id = str(uuid.uuid4()).upper()
        entry = _Entry()
        try:
            reply = self._answer(product, request, request_id, entry)
        except ApiError as error:
            known = entry.admitted
            body = product.failure(error, request_id) if known else error.rpc_body(request_id, product.name)
            reply = Reply(error.status, body, error.headers)
            entry.code = error.code
        except Exception:  # a bug, or a server that is away: the caller gets a 500 as from any cloud
            logger.exception("%s %s failed", product.name, entry.action)
            internal = ApiError(500, "InternalError", "The request processing has failed due to some unknown error.")
            reply = Reply(internal.status, product.failure(internal, request_id))
            entry.code = internal.code
        self._log.write(
            product=product.name,
            action=entry.action,
            access_key_id=entry.access_key_id,
            parameters=entry.parameters,
            status=0 if reply.cut else reply.status,
            code=entry.code,
            write=entry.write,
            request_id=request_id,
            seconds=time.monotonic() - begin,
            faults=entry.faults,
            ignored=entry.ignored,
        )
        return reply

    def _answer(self, product: Product, request: Request, request_id: str, entry: _Entry) -> Reply:
        parameters = dict(request.query + request.form)
        entry.action = request.headers.get("x-acs-action") or parameters.get("Action", "")
        entry.access_key_id = access_key_of(request)
        user = self._world.user_by_key(entry.access_key_id)
        if user is None:
            raise ApiError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        verify(request, user.access_key_secret, self._nonces)
        entry.admitted = True
        operation = product.understand(request, tolerant=self._world.settings["unknown_parameters"] == "pass")
        entry.action, entry.parameters = operation.action, operation.parameters
        # Who may not write may not ask either whether a write could be made; it is none all the same.
        entry.write = operation.write and operation.parameters.get("PreCheck") is not True
        entry.ignored = operation.ignored
        if operation.ignored:
            logger.warning("%s %s: ignored %s", product.name, operation.action, ", ".join(operation.ignored))
        faults = self._faults.take(operation.action, operation.parameters, write=operation.write)
        entry.faults = [fault.kind for fault in faults]
        slow = of_kind(faults, "slow")
        if slow is not None:
            time.sleep(slow.delay)
        refusing = next((fault for fault in faults if fault.kind not in ALONGSIDE and fault.kind != "lost_reply"), None)
        if refusing is not None:
            return _faulty(refusing, product, request_id, entry)
        if user.policy == "none" or (user.policy == "read" and operation.write):
            raise forbidden(user.name, f"{product.name}:{operation.action}")
        result = self._run(product, operation, user, faults)
        reply = Reply(200, product.success(result, request_id))
        if of_kind(faults, "lost_reply"):
            reply.cut = True
        return reply

    def _run(self, product: Product, operation: Operation, user: User, faults: list[Fault]) -> Any:
        if operation.write:
            with self._writing:
                self._before = self._world.dump()
                return product.call(operation, user, self._world, faults)
        world = self._world
        if of_kind(faults, "stale_read") and self._before is not None:
            world = World.from_dump(self._before)
        return product.call(operation, user, world, faults)


@dataclass
class _Entry:
    #: Whether the gateway knows who asks; what it refuses before is its own answer, whatever the product.
    admitted: bool = False
    action: str = ""
    access_key_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    write: bool = False
    code: str = ""
    faults: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


#: Kind of fault -> status, code, message of the refusal.
_REFUSALS = {
    "throttle": (400, "Throttling.User", "Request was denied due to user flow control."),
    "http_500": (500, "ERR500", "Internal error."),
    "http_503": (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."),
    "deny": (403, "Forbidden.RAM", "The user is not authorized to operate on the specified resource."),
}


def _faulty(fault: Fault, product: Product, request_id: str, entry: _Entry) -> Reply:
    entry.code = fault.code or fault.kind
    if fault.kind == "lost_request":
        return Reply(0, None, cut=True)
    if fault.kind == "non_json":
        page = f"<html><body><h1>{fault.status or 502} Bad Gateway</h1></body></html>"
        return Reply(fault.status or 502, page, content_type="text/html")
    if fault.kind == "bad_code_200":
        entry.code = fault.code or "500"
        message = fault.message or "the operation failed"
        return Reply(200, product.success({"Code": entry.code, "Message": message}, request_id))
    status, code, message = _REFUSALS[fault.kind]
    headers = {"x-acs-retry-after": str(fault.retry_after)} if fault.retry_after else {}
    error = ApiError(fault.status or status, fault.code or code, fault.message or message, headers=headers)
    entry.code = error.code
    return Reply(error.status, product.failure(error, request_id), headers)


def decode(text: str) -> list[tuple[str, str]]:
    """Query string or form as pairs, empty values kept."""
    return parse_qsl(text, keep_blank_values=True)

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call came to: its reply, or a failure to pass on, to try again, or to find out about first. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.meshops.asm.plugins.module_utils.cloud.codes import CLOCK, LATER, UNKNOWN, meaning_of, rule_of
from ansible_collections.meshops.asm.plugins.module_utils.cloud.shapes import WrongShape, conform, shape_of
from ansible_collections.meshops.asm.plugins.module_utils.cloud.transport import NoReply, Reply
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, LostReply
from ansible_collections.meshops.asm.plugins.module_utils.flow.jsontext import parsed
from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import kind_of, quoted
from ansible_collections.meshops.asm.plugins.module_utils.wire.trouble import chain

_READ = re.compile(r"(Describe|List|Get)[A-Z]")
_GOOD = frozenset({"", "200", "ok", "success"})
_RAM = {"asm": "servicemesh", "cs": "cs"}
# What signs a request, if a library names the header that it cannot send.
_AUTHORIZATION = re.compile(r"\b(ACS3-HMAC|acs )\S.*", re.DOTALL)
_MOST_CODE = 100
_MOST_IDS = 3
# Seconds from which on a difference to the service's clock is worth a word.
_CLOCK_OFF = 60.0


@dataclass(frozen=True)
class Call:
    """What was asked of which product (``asm`` or ``cs``); ``ids`` are those of the parameters, for messages.

    ``only_checks``: the action is asked whether it could be done (``PreCheck``), and does nothing.
    """

    action: str
    product: str = "asm"
    ids: tuple[str, ...] = ()
    only_checks: bool = False

    @property
    def write(self) -> bool:
        return not self.only_checks and not _READ.match(self.action)

    def __str__(self) -> str:
        return f"{self.action} ({', '.join(self.ids[:_MOST_IDS])})" if self.ids else self.action


class CallFailed(AsmError):
    """One attempt of a call failed.

    ``retryable``: the same call may be sent again at once. ``may_have_happened``: it reached the service and its
    outcome is unknown. ``retry_after`` is in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        may_have_happened: bool = False,
        answered: bool = True,
        retry_after: float = 0.0,
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.retryable = retryable
        self.may_have_happened = may_have_happened
        self.answered = answered
        self.retry_after = retry_after

    def final(self, gave_up_after: float | None = None) -> AsmError:
        """The error that leaves the cloud layer once no further attempt is made."""
        message = self.message
        if gave_up_after is not None:
            message += f" Tried again for {gave_up_after:.0f} s in vain (raise api_timeout to try longer)."
        kept: dict[str, Any] = {"code": self.code, "request_id": self.request_id, "http_status": self.http_status}
        if self.may_have_happened:
            return LostReply(message, answered=self.answered, **kept)
        return AsmError(message, **kept)


def checked(reply: Reply, call: Call) -> dict[str, Any]:
    """The decoded reply, held to what the action documents. Raises ``CallFailed`` for anything else.

    A failure in an HTTP 200 (``Code``, number or text) is judged as the same failure with its own HTTP status.
    """
    try:
        body = parsed(reply.body)
    except ValueError:
        body = None
        wrong = "it is not JSON"
    else:
        wrong = "" if isinstance(body, dict) else f"it is {kind_of(body)} instead of an object"
    good = 200 <= reply.status < 300
    found = body if isinstance(body, dict) else {}
    code = _code(found, lower=not good or "message" in found)
    if not good or code.lower() not in _GOOD:
        raise _refused(reply, found, code, call)
    try:
        if wrong:
            raise WrongShape(wrong)
        return conform(found, shape_of(call.action))
    except WrongShape as error:
        # What is not even JSON came from something on the way, which may be gone in a moment.
        raise CallFailed(
            f"The service's reply to {call} is not what it documents: {error}. Check the endpoint and the proxy.",
            retryable=body is None and wrong == "it is not JSON" and not call.write,
            may_have_happened=call.write,
            code="UnexpectedReply",
            http_status=reply.status,
            request_id=_request_id(found),
        ) from None


def _refused(reply: Reply, body: dict[str, Any], code: str, call: Call) -> CallFailed:
    retry_after = _retry_after(reply.headers)
    meaning = LATER if retry_after > 0 else meaning_of(code, reply.status)
    text = body.get("Message") or body.get("message")
    if code or text:
        said = quoted(text or "no message")
        message = explain(call, code, said, reply.status, reply.headers, _permission(body))
    else:
        message = _from_the_way(reply, call)
    return CallFailed(
        message,
        retryable=meaning == LATER or (meaning == UNKNOWN and not call.write),
        may_have_happened=meaning == UNKNOWN and call.write,
        retry_after=retry_after,
        code=code or f"HTTP{reply.status}",
        request_id=_request_id(body),
        http_status=reply.status,
    )


def _from_the_way(reply: Reply, call: Call) -> str:
    """An answer that is not the service's: of a proxy, of a gateway, of another server at the address."""
    check = f"Check the proxy (https_proxy, no_proxy) and the option {call.product}_endpoint."
    target = reply.headers.get("Location")
    if 300 <= reply.status < 400 and target:
        return (
            f"{call} was answered with HTTP {reply.status} and a redirect to {quoted(_host(target), 200)}, which is "
            f"not followed: the request is signed for the service alone. {check}"
        )
    return f"{call} was answered with HTTP {reply.status} by something else than the service: no error code. {check}"


def _host(target: str) -> str:
    try:
        return urlsplit(target).netloc or target
    except ValueError:
        return target


def unanswered(error: Exception, call: Call) -> CallFailed:
    """The failure of a call that got no reply: nothing could be sent, nothing came back, or the SDK refused it."""
    lost = next((cause for cause in chain(error) if isinstance(cause, NoReply)), None)
    if lost is None:
        why = _AUTHORIZATION.sub("...", quoted(error)) or type(error).__name__
        return CallFailed(f"{call} failed before it was sent: {why}", answered=False, code="CallFailed")
    trouble = lost.trouble
    may_have_happened = call.write and trouble.sent
    what = "got no usable answer" if trouble.sent else "could not be sent"
    return CallFailed(
        f"{call} {what}: {trouble.why}. Check the endpoint, the proxy and the network.",
        retryable=trouble.passing and not may_have_happened,
        may_have_happened=may_have_happened,
        answered=False,
        code="ReplyLost" if trouble.sent else "ConnectionFailed",
    )


def explain(
    call: Call,
    code: str,
    text: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    permission: str = "",
) -> str:
    """One sentence of what the service said and, where known, one of what to do."""
    rule = rule_of(code)
    advice = rule.advice if rule else ""
    if advice == CLOCK:
        advice = clock_advice((headers or {}).get("Date"), datetime.now(timezone.utc))
    said = f"{call} was refused with {code or f'HTTP {status}'}: {text.strip().rstrip('.')}."
    permission = permission or f"{_RAM[call.product]}:{call.action}"
    return f"{said} {advice.format(permission=permission)}".strip()


def clock_advice(date: str | None, now: datetime) -> str:
    """What to do about a time that the service does not take; ``date`` is that of its reply. Pure."""
    check = "set it by NTP (timedatectl set-ntp true)."
    try:
        off = (now - parsedate_to_datetime(date or "")).total_seconds()
    except (TypeError, ValueError, OverflowError):
        off = 0.0
    if abs(off) < _CLOCK_OFF:
        return f"Check the clock of the machine that runs the module, it says {now:%Y-%m-%d %H:%M} UTC: {check}"
    side = "ahead of" if off > 0 else "behind"
    return f"The clock of the machine that runs the module is {abs(off) / 60:.0f} min {side} the service's: {check}"


def _code(body: dict[str, Any], *, lower: bool) -> str:
    """``Code`` as text; Container Service writes it in lower case. Of another type it is named, so that it fails."""
    code = body.get("Code")
    if code is None and lower:
        code = body.get("code")
    return "" if code is None else quoted(code, _MOST_CODE).strip()


def _request_id(body: dict[str, Any]) -> str:
    return quoted(body.get("RequestId") or body.get("requestId") or body.get("request_id") or "", _MOST_CODE)


def _permission(body: dict[str, Any]) -> str:
    """The RAM action that the service itself says is missing."""
    detail = body.get("AccessDeniedDetail") or body.get("accessDeniedDetail")
    action = detail.get("AuthAction") if isinstance(detail, dict) else None
    return quoted(action, _MOST_CODE) if isinstance(action, str) else ""


def _retry_after(headers: Mapping[str, str]) -> float:
    """The seconds that ``x-acs-retry-after`` (milliseconds) asks for, 0 for none."""
    value = str(headers.get("x-acs-retry-after") or "").strip()
    return min(float(value) / 1000, 1e9) if value.isascii() and value.isdigit() else 0.0

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed call means: pass it on, try again, or find out first whether it happened.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.errors import AsmError, LostReply

# Codes (or parts of them) with which the service says: not now. The call was not carried out.
_REFUSED_FOR_NOW = ("throttling", "serviceunavailable")

# What to do about the codes that users meet most; matched as a part of the service's code.
_ADVICE = {
    "InvalidAccessKeyId": "Check access_key_id: the account does not know this AccessKey, or it is disabled.",
    "SignatureDoesNotMatch": "Check access_key_secret: it does not belong to this AccessKey.",
    "IncompleteSignature": "Check access_key_id and access_key_secret.",
    "InvalidSecurityToken": "Get a new security_token: this one has expired or belongs to another AccessKey.",
    "Forbidden": "Ask the account's administrator for the RAM policy that allows servicemesh:{action}.",
    "NoPermission": "Ask the account's administrator for the RAM policy that allows servicemesh:{action}.",
    "ClustersNotEmpty": "Detach every cluster first (meshops.asm.asm_cluster), then delete the mesh.",
    "NameAlreadyExist": "Another mesh has this name: choose another one, or manage that mesh by its id.",
}


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


def judge(error: Exception, action: str, *, write: bool) -> CallFailed:
    """Turns whatever the SDK raised into a ``CallFailed``; pure.

    A read may always be repeated. A write is repeated only when it surely was not carried out.
    """
    status = getattr(error, "status_code", None)
    if status is None:
        return _unanswered(error, action, write)
    code = str(getattr(error, "code", "") or "")
    data = getattr(error, "data", None) or {}
    text = str(data.get("Message") or data.get("message") or _plain(getattr(error, "message", "")) or error)
    retry_after = float(getattr(error, "retry_after", None) or 0) / 1000
    for_now = retry_after > 0 or status == 429 or any(word in code.lower() for word in _REFUSED_FOR_NOW)
    unknown = status >= 500 and not for_now
    return CallFailed(
        explain(action, code, text, status),
        retryable=for_now or (unknown and not write),
        may_have_happened=unknown and write,
        retry_after=retry_after,
        code=code or f"HTTP{status}",
        request_id=str(getattr(error, "request_id", "") or ""),
        http_status=status,
    )


def _unanswered(error: Exception, action: str, write: bool) -> CallFailed:
    """No usable answer: refused connection, timeout, reset, or something that is not JSON."""
    causes = _chain(error)
    names = {type(cause).__name__ for cause in causes}
    why = str(causes[-1]) or type(causes[-1]).__name__
    never_sent = bool(names & {"NewConnectionError", "ConnectTimeout", "ConnectTimeoutError", "NameResolutionError"})
    network = never_sent or bool(names & {"RetryError", "ConnectionError", "ReadTimeout", "ProtocolError"})
    decoding = bool(names & {"JSONDecodeError", "UnicodeDecodeError"})
    why = "the answer is not JSON" if decoding and not network else why
    passing = network or decoding
    if not passing:
        return CallFailed(f"{action} failed before it was sent: {why}", answered=False, code="CallFailed")
    lost = write and not never_sent
    what = "could not be sent" if never_sent else "got no usable answer"
    return CallFailed(
        f"{action} {what}: {why}. Check the endpoint, the proxy and the network.",
        retryable=not lost,
        may_have_happened=lost,
        answered=decoding and not network,
        code="ConnectionFailed" if never_sent else "ReplyLost",
    )


def checked(body: Any, action: str) -> Any:
    """The reply itself, unless it came with HTTP 200 and a ``Code`` that says failure (number or string)."""
    code = body.get("Code") if isinstance(body, dict) else None
    if code in (None, "", "200", 200, "OK", "success"):
        return body
    text = str(body.get("Message") or "no message")
    raise CallFailed(
        explain(action, str(code), text, 200),
        code=str(code),
        request_id=str(body.get("RequestId") or ""),
        http_status=200,
        retryable=any(word in str(code).lower() for word in _REFUSED_FOR_NOW),
    )


def explain(action: str, code: str, text: str, status: int) -> str:
    """One sentence of what the service said and, where known, one of what to do."""
    advice = next((hint for part, hint in _ADVICE.items() if part.lower() in code.lower()), "")
    said = f"{action} was refused with {code or f'HTTP {status}'}: {text.strip().rstrip('.')}."
    return f"{said} {advice.format(action=action)}".strip()


def _plain(message: str) -> str:
    """The SDK's message without its prefix ``code: 404, `` and its suffix ``request id: ...``."""
    text = message.split(", ", 1)[-1] if message.startswith("code: ") else message
    return text.split(" request id: ", 1)[0]


def _chain(error: BaseException) -> list[BaseException]:
    """The exception, what it wraps (``inner_exception``, ``reason``) and what it was raised from, outermost first."""
    seen: list[BaseException] = []
    queue: list[Any] = [error]
    while queue:
        item = queue.pop(0)
        if not isinstance(item, BaseException) or any(item is known for known in seen):
            continue
        seen.append(item)
        queue += [getattr(item, "inner_exception", None), getattr(item, "reason", None), item.__cause__]
        queue += [item.__context__, *item.args]
    return seen

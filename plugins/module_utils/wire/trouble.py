# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a request over a bounded connection got no answer, and whether another attempt may help.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import OutOfBounds, quoted

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
# OpenSSL's reasons: the other side does not want our certificate, or does not speak TLS. A connection that is cut
# gives others.
_ALERT = re.compile(r"ALERT_(UNKNOWN_CA|\w*CERTIFICATE\w*|ACCESS_DENIED|DECRYPT_ERROR)")
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"})


@dataclass(frozen=True)
class Trouble:
    """``why`` is a part of a sentence. ``sent``: the request may have reached the server. ``passing``: another
    attempt may succeed. ``distrust``: no trusted TLS connection; ``bounds``: the reply is larger than is read.
    """

    why: str
    sent: bool = True
    passing: bool = True
    distrust: bool = False
    bounds: bool = False


def trouble_of(error: BaseException) -> Trouble:
    """What urllib3, requests or a socket raised, judged by its causes."""
    causes = list(chain(error))
    sent = not any(getattr(cause, "never_sent", False) for cause in causes)
    for cause in causes:
        known = _known(cause)
        if known:
            return known
    return Trouble(quoted(causes[-1]) or type(causes[-1]).__name__, sent=sent)


def _known(cause: BaseException) -> Trouble | None:
    if isinstance(cause, OutOfBounds):
        return Trouble(str(cause), passing=cause.slow, bounds=not cause.slow)
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = quoted(getattr(cause, "verify_message", None) or cause)
        return Trouble(f"{why}{_clock(cause)}", sent=False, passing=False, distrust=True)
    if type(cause).__name__ == "CertificateError":
        return Trouble(quoted(cause), sent=False, passing=False, distrust=True)
    if isinstance(cause, ssl.SSLError):
        return _tls(str(getattr(cause, "reason", None) or ""))
    if isinstance(cause, socket.gaierror) and cause.errno in _NO_SUCH_NAME:
        return Trouble("there is no host of that name", sent=False, passing=False)
    tunnel = _TUNNEL.search(str(cause)) if isinstance(cause, OSError) else None
    if tunnel:
        status = int(tunnel[1])
        why = f"the proxy refuses the connection with HTTP {status}"
        return Trouble(why, sent=False, passing=status >= 500 or status in (408, 429))
    return None


def _tls(reason: str) -> Trouble | None:
    if _ALERT.search(reason):
        return Trouble(f"the server refuses the client's certificate ({reason})", False, False, True)
    if reason in _NO_TLS:
        return Trouble(f"the server does not speak TLS, or only an old one ({reason})", False, False, True)
    return None


def _clock(error: ssl.SSLCertVerificationError) -> str:
    """Certificates that are too young or too old are often those of a machine whose clock is wrong."""
    # X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED
    if getattr(error, "verify_code", 0) not in (9, 10):
        return ""
    return f" (the clock of this machine says {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC: is that right?)"


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it wraps and what it was raised from, outermost first."""
    seen: list[BaseException] = []
    queue: list[Any] = [error]
    while queue:
        item = queue.pop(0)
        if not isinstance(item, BaseException) or any(item is known for known in seen):
            continue
        seen.append(item)
        yield item
        queue += [getattr(item, "inner_exception", None), getattr(item, "reason", None), item.__cause__]
        queue += [item.__context__, *item.args]

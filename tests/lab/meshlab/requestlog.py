# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of API requests: a JSON line each, secrets masked, so that a test can ask what was sent."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: Parameters whose values are secrets.
SECRET_PARAMETERS = frozenset(
    [
        "ExistingCaKey",
        "ExistingRootCaKey",
        "ExistingCaCert",
        "ExistingRootCaCert",
        "CertChain",
        "Kubeconfig",
        "Key",
        "Cert",
        "KialiArmsAuthTokens",
        "OpenIdConfig",
        "Config",
        "SecurityToken",
        "Signature",
    ]
)

MASK = "********"


class RequestLog:
    """Appends to ``file`` (mode 0600). Thread-safe."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._stream = os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8")

    def write(
        self,
        *,
        product: str,
        action: str,
        access_key_id: str,
        parameters: Mapping[str, Any],
        status: int,
        code: str,
        write: bool,
        request_id: str,
        seconds: float,
        faults: list[str],
        ignored: list[str],
    ) -> None:
        """Add a line. ``status`` 0: the caller got no reply; ``write``: the action may change something.

        ``ignored``: parameters that the action does not have and that were let pass.
        """
        entry = {
            "time": time.time() - seconds,
            "product": product,
            "action": action,
            "access_key_id": access_key_id,
            "parameters": masked(parameters),
            "status": status,
            "code": code,
            "write": write,
            "request_id": request_id,
            "ms": round(seconds * 1000, 2),
            "faults": faults,
            "ignored": ignored,
        }
        with self._lock:
            self._stream.write(json.dumps(entry) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._stream.close()


def masked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with secrets hidden, at any depth."""
    return {
        name: MASK if name in SECRET_PARAMETERS else masked(value) if isinstance(value, dict) else value
        for name, value in parameters.items()
    }


def read_log(file: Path, *, writes: bool = False, since: float = 0.0) -> Iterator[dict[str, Any]]:
    """The entries of a log, the oldest first; all, or those that may change something, from a Unix time on."""
    if not file.exists():
        return
    with file.open(encoding="utf-8") as stream:
        for line in stream:
            entry = json.loads(line)
            if (entry["write"] or not writes) and entry["time"] >= since:
                yield entry

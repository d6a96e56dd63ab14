# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading of an API server's audit log."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_audit(log: Path, since: float | None) -> Iterator[dict[str, Any]]:
    """Events of an audit log and its rotated part, oldest first, received at or after ``since`` (Unix seconds).

    An event is as audit.k8s.io/v1 says: verb, user, userAgent, requestURI (holds fieldManager and dryRun), objectRef,
    responseStatus, requestReceivedTimestamp.
    """
    for part in [*sorted(log.parent.glob(f"{log.stem}-*{log.suffix}")), log]:
        if not part.exists():
            continue
        with part.open(encoding="utf-8") as stream:
            for line in stream:
                if not line.endswith("\n"):
                    break  # being written right now
                event = json.loads(line)
                if since is None or _received(event) >= since:
                    yield event


def _received(event: dict[str, Any]) -> float:
    return datetime.datetime.fromisoformat(event["requestReceivedTimestamp"].replace("Z", "+00:00")).timestamp()

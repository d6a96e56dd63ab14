# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as servers send it, as a reply and as text within one.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

_LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB]")


def parsed(data: bytes) -> Any:
    """JSON as servers send it. Raises ``ValueError``, also for ``NaN``, for ``1e999`` and for what is nested too
    deeply.

    Halves of surrogate pairs become U+FFFD, as Go's decoder makes them: they could not be sent or shown.
    """
    try:
        value = _DECODER.decode(data.decode("utf-8"))
        if b"\\u" in data and _LONE_SURROGATE.search(data):
            text = json.dumps(value, ensure_ascii=False)
            value = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant[:20]} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)

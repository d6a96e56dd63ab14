# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a service may put into its words what it was sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import urlencode

WORDS: dict[str, Callable[[dict[str, str]], str]] = {
    "as it came": lambda given: " ".join(given.values()),
    "as JSON": json.dumps,
    "as JSON in JSON": lambda given: json.dumps(json.dumps(given)),
    "as JSON with all letters": lambda given: json.dumps(given, ensure_ascii=False),
    "as a query": urlencode,
    "in Base64": lambda given: " ".join(base64.b64encode(value.encode()).decode() for value in given.values()),
    "line by line": lambda given: " ".join(repr(line) for value in given.values() for line in value.splitlines()),
}

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret in the ways in which a server may quote it. Pure.

Ansible takes the value of an option with ``no_log`` out of every result, as it was given. A service quotes what it was
sent: as JSON within JSON, as a query, in Base64, or a line of it.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

# Characters. A longer secret is a set of manifests, which no message quotes; a shorter line of one tells nothing.
_MOST, _LINE = 2**16, 24
# How often JSON text may be within JSON text.
_DEEP = 4


def traces(secrets: Iterable[str]) -> set[str]:
    """Every text that would tell one of them."""
    return {form for secret in secrets if len(secret) <= _MOST for part in _parts(secret) for form in _forms(part)}


def _parts(secret: str) -> set[str]:
    """The secret as a whole, without what is around it, and its lines."""
    bare = secret.strip()
    lines = [line.strip() for line in bare.splitlines()]
    long = (line for line in lines if len(line) >= _LINE and not line.startswith("-----"))
    return {one for one in (secret, bare, f"{bare}\n", " ".join(bare.split()), *long) if one.strip()}


def _forms(part: str) -> Iterator[str]:
    yield base64.b64encode(part.encode("utf-8", "surrogatepass")).decode()
    for plain in (True, False):
        text = part
        for _level in range(_DEEP):
            yield text
            yield repr(text)[1:-1]
            yield quote(text, safe="", errors="replace")
            yield quote_plus(text, errors="replace")
            text = json.dumps(text, ensure_ascii=plain)[1:-1]

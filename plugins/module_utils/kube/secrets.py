# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be said of a Secret: its name and the places in it, never a value, in nobody's words.

The same goes for two kinds of ASM with credentials among their fields: the private key of an ASMCredential, and the key
of the provider's API in an LLMProvider.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeError

_VALUES = ("data", "stringData")
_OF_ASM = "istio.alibabacloud.com/"
_WITH_CREDENTIALS = frozenset({"ASMCredential", "LLMProvider"})
_OPEN = frozenset({"apiVersion", "kind", "metadata", "type", "immutable"})
# Refusals of the API server itself that hold names only. An admission webhook, which also answers with 403, may say
# anything.
_HARMLESS = re.compile(r'[a-z.]+(?: "[^"]*")? is forbidden: (?:User "[^"]*" cannot [a-z]+ resource|exceeded quota)')
# Where the server met what it refuses: ``.data.password: expected string``, ``data[password]: Invalid value``.
_PLACE = re.compile(r"\.?((?:data|stringData|metadata|spec|type|immutable)(?:[.\[][\w.\-/]*\]?)*)(?=: )")

Json = dict[str, Any]


def is_secret(found: Json | None) -> bool:
    """Whether it is (or calls itself) a Secret of the API server's own, or holds credentials as one does."""
    kind, version = (found or {}).get("kind"), (found or {}).get("apiVersion", "v1")
    return (kind == "Secret" and version == "v1") or has_credentials(kind, version)


def has_credentials(kind: Any, api_version: Any) -> bool:
    """Whether it is a kind of ASM with credentials among its fields."""
    return isinstance(kind, str) and kind in _WITH_CREDENTIALS and str(api_version).startswith(_OF_ASM)


def refusal(error: KubeError, kind: str = "Secret") -> str:
    """What the API server says of a Secret: its own words where they hold names only, else where it met what."""
    if error.http_status == 403 and _HARMLESS.match(error.message):
        return error.message
    fields = [str(cause.get("field")) for cause in error.causes if cause.get("field")]
    places = dict.fromkeys(fields or _PLACE.findall(error.message))
    where = f" at {', '.join(places)}" if places else ""
    said = "does not allow" if error.http_status == 403 else "refuses"
    hint = ": data takes Base64 text, stringData plain text." if kind == "Secret" else "."
    return (
        f"the API server {said} this {kind}{where} ({error.code}, HTTP {error.http_status}). Its words are not "
        f"repeated, as they may quote a value{hint}"
    )


def hidden(found: Json, mask: Callable[[Any], Any]) -> Json:
    """The Secret with every value, and every field that no Secret has, as what ``mask`` makes of it."""
    return {key: _masked(key, value, mask) for key, value in found.items()}


def _masked(key: str, value: Any, mask: Callable[[Any], Any]) -> Any:
    if key in _OPEN or not value:
        return value
    if key in _VALUES and isinstance(value, dict):
        return {name: mask(one) for name, one in value.items()}
    return mask(value)

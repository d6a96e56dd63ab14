# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy the environment wants for a URL, by the rule of the library requests.

The SDK's requests are sent by requests itself. A task with a kubeconfig of its own does not need that library, so its
rule is here once more; a test holds the two to each other.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_of(url: str) -> str:
    """The URL of the proxy for ``url``, empty for none. Reads ``*_PROXY`` and ``NO_PROXY`` in both cases."""
    parts = urlsplit(url)
    host = parts.hostname
    excluded = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if not host or bypassed(host, parts.port, excluded) or proxy_bypass(host):
        return ""
    proxies = getproxies()
    keys = (f"{parts.scheme}://{host}", parts.scheme, f"all://{host}", "all")
    proxy = next((proxies[key] for key in keys if key in proxies), "")
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"


def bypassed(host: str, port: int | None, excluded: str) -> bool:
    """Whether ``NO_PROXY`` names the host (in lower case): by name, suffix, address, network or with its port. Pure."""
    entries = [entry for entry in excluded.replace(" ", "").split(",") if entry]
    address = _number(host)
    if address is not None:
        return any(host == entry or _holds(entry, address) for entry in entries)
    names = [host, f"{host}:{port}"] if port else [host]
    suffixes = [entry.lstrip(".") for entry in entries]
    return any(name == suffix or name.endswith(f".{suffix}") for suffix in suffixes for name in names)


def _holds(network: str, address: int) -> bool:
    base, slash, bits = network.partition("/")
    start = _number(base)
    if not slash or start is None:
        return False
    try:
        length = int(bits)
    except ValueError:
        return False
    return 1 <= length <= 32 and (start ^ address) >> (32 - length) == 0


def _number(text: str) -> int | None:
    try:
        return int.from_bytes(socket.inet_aton(text), "big")
    except (OSError, ValueError):
        return None

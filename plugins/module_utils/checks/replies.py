# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Envoy itself says in place of an application, and what that tells about the mesh. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

# The beginning of the body that Envoy answers with by itself -> its cause.
_BODIES = {
    "no healthy upstream": "the route leads to a subset or service that has no ready pod",
    "RBAC: access denied": "an AuthorizationPolicy refuses the request",
    "fault filter abort": "a VirtualService injects the fault (spec.http[].fault.abort)",
    "upstream connect error or disconnect/reset before headers": (
        "the proxy could not connect to the pod, or not by the mTLS mode that the pod wants (PeerAuthentication "
        "against trafficPolicy.tls of the DestinationRule)"
    ),
    "upstream request timeout": "the timeout of a VirtualService ran out before the application answered",
    "Jwt": "a RequestAuthentication refuses the token",
    "local_rate_limited": "a rate limit is in force",
}
_NOBODY = ("nothing listens", "reset the connection", "closed the connection before it answered")


def hints(result: dict[str, Any]) -> list[str]:
    """A sentence for each of Envoy's own answers among the excerpts of a probe, and for connections that failed."""
    found = []
    for status, text in result["excerpts"].items():
        causes = [cause for body, cause in _BODIES.items() if text.startswith(body)]
        if causes:
            found.append(f"HTTP {status} '{text[:60]}' is the proxy's own answer: {causes[0]}.")
        elif status == "404" and not text:
            found.append(
                "HTTP 404 with an empty body is the proxy's own answer: no VirtualService of the gateway matches this "
                "host and path."
            )
    # A load balancer in front of the gateway accepts a connection before it knows that nobody is behind it.
    refused = [text for text in result["errors"] if any(sign in text for sign in _NOBODY)]
    if refused and not result["answered"]:
        found.append(
            "A port that nobody listens on has either no Gateway resource with a server for it, or the gateway has no "
            "ready pod: the proxy opens a port only once both are there."
        )
    return found

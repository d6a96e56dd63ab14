# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names as Istio reads them: short and full ones, and patterns with a leading ``*``. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable

#: What all hosts of Services end with, where nothing else is known of the mesh.
SERVICES_DOMAIN = "svc.cluster.local"


def services_domain(cluster_domain: str | None) -> str:
    """What all hosts of Services end with in a mesh of this cluster domain; names of DNS have no case, and may end with
    a dot.
    """
    return f"svc.{(cluster_domain or '').lower().strip('.') or 'cluster.local'}"


def full_host(host: str, namespace: str, domain: str = SERVICES_DOMAIN) -> str:
    """A host as it is known in the whole mesh: one without a dot is a Service of the object's own namespace."""
    if not host or "." in host or ":" in host or host == "*":
        return host
    return f"{host}.{namespace}.{domain}"


def short_host(host: str, domain: str = SERVICES_DOMAIN) -> str:
    """A host as people write it: of a Service ``name.namespace``."""
    return host.removesuffix(f".{domain}")


def kubernetes_namespace(host: str, domain: str = SERVICES_DOMAIN) -> str:
    """The namespace of the Service that a full host names; empty for any other host."""
    name = short_host(host, domain)
    return name.partition(".")[2] if name != host and name.count(".") == 1 else ""


def covers(pattern: str, host: str) -> bool:
    """Whether a pattern stands for every host that ``host``, a name or a pattern itself, stands for."""
    if pattern.startswith("*"):
        return host.lstrip("*").endswith(pattern[1:])
    return pattern == host


def overlap(one: str, other: str) -> bool:
    return covers(one, other) or covers(other, one)


def meeting(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """What patterns of both sides have in common: of each pair that overlaps the narrower one."""
    theirs = list(others)
    pairs = ((one, other) for one in some for other in theirs if overlap(one, other))
    return list(dict.fromkeys(one if covers(other, one) else other for one, other in pairs))


def best(patterns: Iterable[str], host: str) -> str | None:
    """The pattern that decides for a host: the host itself, else the longest that covers it."""
    fitting = [one for one in patterns if covers(one, host)]
    return min(fitting, key=lambda one: (one.startswith("*"), -len(one)), default=None)


def scopes(export_to: list[str] | None, namespace: str) -> list[str]:
    """The namespaces of an ``exportTo``, with its own instead of ``.``; without any, all."""
    return [namespace if one == "." else one for one in export_to or []] or ["*"]


def is_exported(export_to: list[str] | None, namespace: str, viewer: str) -> bool:
    """Whether an object of ``namespace`` with this ``exportTo`` is seen in the namespace ``viewer``."""
    return not {"*", viewer}.isdisjoint(scopes(export_to, namespace))


class Hosts:
    """Many host patterns with a quick answer to whether one of them covers a host."""

    def __init__(self, patterns: Iterable[str]) -> None:
        everything = set(patterns)
        self._wild = [one for one in everything if one.startswith("*")]
        self._plain = everything.difference(self._wild)

    def __contains__(self, host: object) -> bool:
        return isinstance(host, str) and (self.names(host) or self.matches(host))

    def names(self, host: str) -> bool:
        """Whether one of them is this host itself."""
        return host in self._plain

    def matches(self, host: str) -> bool:
        """Whether one of those with a ``*`` covers the host."""
        return any(covers(one, host) for one in self._wild)

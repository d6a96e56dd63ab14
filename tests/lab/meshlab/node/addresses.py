# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of the pods of one node."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator


class PodAddresses:
    """Hands out the addresses of a pod range in turn. The first belongs to the node."""

    def __init__(self, pod_cidr: str) -> None:
        self._network = ipaddress.ip_network(pod_cidr)
        self.node = str(self._network[1])
        self._taken = {self.node}
        self._hosts = self._from_start()

    def take(self, preferred: str | None) -> str:
        """``preferred`` where it is free and of this range, else the next free one. RuntimeError when none is left."""
        usable = preferred and preferred not in self._taken and ipaddress.ip_address(preferred) in self._network
        address = preferred if preferred and usable else self._next()
        self._taken.add(address)
        return address

    def give_back(self, address: str) -> None:
        """Free an address; the node's stays taken."""
        if address != self.node:
            self._taken.discard(address)

    def _next(self) -> str:
        # Going round leaves a freed address alone for as long as possible, as clients may still know it.
        for _attempt in range(2):
            for address in self._hosts:
                if address not in self._taken:
                    return address
            self._hosts = self._from_start()
        raise RuntimeError(f"the pod range {self._network} has no free address")

    def _from_start(self) -> Iterator[str]:
        return (str(one) for one in self._network.hosts())

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of one lab: a /16 of loopback that no other lab on this machine uses, and who has which address of it."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from meshlab.files import write_private

#: The file in a lab's work directory.
ADDRESSES = "addresses.json"

#: A lab listens here on the first address of its /16 for as long as it runs; that is what makes the /16 taken.
CLAIM_PORT = 6440

#: Second octets to choose from; 127.0 is everybody's.
_OCTETS = range(16, 250)

#: Third octets of each kind of address.
_BLOCKS = {"plane": range(1, 4), "pilot": range(4, 7), "eip": range(100, 102), "load-balancer": range(200, 204)}


class AddressesError(RuntimeError):
    """No free range or no free address; the message says what to do."""


class Addresses:
    """The addresses of one lab, remembered in ``workdir``/addresses.json. Thread-safe.

    Layout of 127.X.0.0/16: 0.1 the claim, 0.10 the cloud's OpenAPI endpoint, then blocks for API servers,
    istiods, EIPs and load balancers. Raises AddressesError when the range is in use by someone else.
    """

    def __init__(self, workdir: Path) -> None:
        self._file = workdir / ADDRESSES
        self._lock = threading.Lock()
        stored = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._owners: dict[str, str] = stored.get("owners", {})
        self.octet, self._claim = _claim(stored.get("octet"))
        self._save()

    @property
    def endpoint(self) -> str:
        """Address of the cloud's OpenAPI endpoint."""
        return f"127.{self.octet}.0.10"

    def plane(self, plane_id: str) -> str:
        """Private address of an API server; the same at every call."""
        return self._address("plane", f"plane/{plane_id}")

    def pilot(self, mesh_id: str) -> str:
        """Private address of a mesh's istiod; the same at every call."""
        return self._address("pilot", f"pilot/{mesh_id}")

    def next_eip(self) -> str:
        """A free public address; belongs to the caller until release()."""
        return self._address("eip", None)

    def next_load_balancer(self) -> str:
        """A free load-balancer address; belongs to the caller until release()."""
        return self._address("load-balancer", None)

    def release(self, address: str) -> None:
        """Give an address back; nothing happens when it was free."""
        with self._lock:
            if self._owners.pop(address, None) is not None:
                self._save()

    def forget(self, plane_id: str) -> None:
        """Give back the private addresses of a plane."""
        with self._lock:
            owners = {f"plane/{plane_id}", f"pilot/{plane_id}"}
            self._owners = {address: name for address, name in self._owners.items() if name not in owners}
            self._save()

    def close(self) -> None:
        """Let other labs take the range; what was handed out stays remembered for the next start."""
        self._claim.close()

    def _address(self, block: str, owner: str | None) -> str:
        with self._lock:
            for address, name in self._owners.items():
                if owner is not None and name == owner:
                    return address
            address = next((one for one in self._block(block) if one not in self._owners), "")
            if not address:
                raise AddressesError(f"all {block} addresses of 127.{self.octet}.0.0/16 are in use; release some")
            self._owners[address] = owner or block
            self._save()
            return address

    def _block(self, block: str) -> Iterator[str]:
        return (f"127.{self.octet}.{third}.{last}" for third in _BLOCKS[block] for last in range(1, 255))

    def _save(self) -> None:
        write_private(self._file, json.dumps({"octet": self.octet, "owners": self._owners}, indent=1))


def _claim(remembered: int | None) -> tuple[int, socket.socket]:
    """Take the remembered range, or any free one at the first start."""
    candidates = [remembered] if remembered else random.sample(_OCTETS, len(_OCTETS))
    for octet in candidates:
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind((f"127.{octet}.0.1", CLAIM_PORT))
            claim.listen(1)
        except OSError:
            claim.close()
            continue
        return octet, claim
    if remembered:
        raise AddressesError(
            f"another process listens on 127.{remembered}.0.1:{CLAIM_PORT}, the range of this lab's state; "
            "is the lab running already? End that process, or remove the lab's work directory to start afresh."
        )
    raise AddressesError(f"every range 127.{_OCTETS[0]}.0.0/16 to 127.{_OCTETS[-1]}.0.0/16 is in use; stop a lab first")

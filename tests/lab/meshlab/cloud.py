# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that actions work with, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from meshlab.access import Access
from meshlab.addresses import Addresses
from meshlab.fleet import Fleet
from meshlab.inventory import Inventory
from meshlab.lifecycle import Lifecycle


@dataclass(frozen=True)
class Cloud:
    """Everything behind the API but for the account's records, which a stale read replaces."""

    fleet: Fleet
    access: Access
    inventory: Inventory
    lifecycle: Lifecycle
    addresses: Addresses

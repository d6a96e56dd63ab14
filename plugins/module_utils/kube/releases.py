# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release has made of routes stays when their description is applied or compared. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.meshops.asm.plugins.module_utils.istio.names import GATEWAY_API, NETWORKING
from ansible_collections.meshops.asm.plugins.module_utils.istio.release import respected
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item

_ROUTES = frozenset({(GATEWAY_API, "HTTPRoute"), (NETWORKING, "VirtualService")})


def respect(items: Iterable[Item]) -> None:
    """Puts into the ``body`` of routes what the release of the stored ones has made of them; sets ``release``."""
    for item in items:
        if item.body is not None and item.live is not None and (item.kind.group, item.kind.kind) in _ROUTES:
            item.body, item.release = respected(item.body, item.live)


def told(items: Iterable[Item]) -> list[str]:
    """A sentence for each route that is as a release has made it."""
    return [f"{item.short}: {item.release}." for item in items if item.release]

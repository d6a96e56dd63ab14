# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a set that no document mentions any more: found by the set's label and our field manager, never wider.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.errors import AsmError, Refused
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import SET_LABEL
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import Kind, may_prune, prunable_kinds
from ansible_collections.meshops.asm.plugins.module_utils.kube.ownership import owns_label
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, deletion, explain_list_error

Json = dict[str, Any]


def members(client: KubeClient, set_name: str, target: str, kinds: Iterable[Kind]) -> list[Item]:
    """The objects of the set in all namespaces, as items that would be deleted.

    Looks among the kinds that such tasks usually hold and those of the task itself (``kinds``): one LIST each, by
    label. A kind that the server does not have is passed over; one that may not be listed is an error, because then
    nobody knows what is left behind.
    """
    looked = {(kind.group, kind.kind): kind for kind in [*prunable_kinds(target), *filter(may_prune, kinds)]}

    def look(kind: Kind) -> list[Item]:
        try:
            found = client.list(kind.path(), labelSelector=f"{SET_LABEL}={set_name}")
        except KubeError as error:
            if error.http_status == 404:
                return []
            raise explain_list_error(error, client, kind, "", target) from error
        for live in found:
            live.setdefault("apiVersion", kind.api_version)
            live.setdefault("kind", kind.kind)
        return [deletion(kind, live) for live in found if owns_label(live, f"{SET_LABEL}")]

    result: list[Item] = []
    for answer in client.each(look, list(looked.values())):
        if isinstance(answer, AsmError):
            raise answer
        result += answer
    return result


def surplus(found: list[Item], wanted: Iterable[Item], set_name: str, *, everything: bool) -> list[Item]:
    """The members that are not wanted. Raises ``Refused`` when that is all of them, unless ``everything`` allows it."""
    keys = {item.key for item in wanted}
    gone = [item for item in found if item.key not in keys]
    if gone and len(gone) == len(found) and not everything:
        names = ", ".join(item.short for item in gone[:3]) + (", ..." if len(gone) > 3 else "")
        raise Refused(
            f"prune would remove all {len(gone)} objects of the set '{set_name}' ({names}): none of them is listed. "
            "Check the option set and the files, or allow it with prune_all: true."
        )
    return gone

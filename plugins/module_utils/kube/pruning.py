# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a set that no document mentions any more: found by the set's label and our field manager, never wider.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Refused
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.discovery import served_kinds
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import SET_LABEL
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import (
    Kind,
    belongs,
    is_optional,
    may_prune,
    prunable_kinds,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.ownership import owns_label
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import (
    Item,
    deletion,
    explain_list_error,
    listed,
)

Json = dict[str, Any]


def members(
    client: KubeClient, set_name: str, target: str, kinds: Iterable[Kind], unlisted: list[Kind] | None = None
) -> list[Item]:
    """The objects of the set in all namespaces, as items that would be deleted.

    Looks among all kinds that the server has, the kinds that such tasks usually hold and those of the task itself
    (``kinds``): one LIST each, by label. Of the last two, one that may not be listed is an error, because then nobody
    knows what is left behind; of the others it goes into ``unlisted``, if that is given.
    """
    of_task = {(kind.group, kind.kind): kind for kind in kinds if may_prune(kind)}
    known = {(kind.group, kind.kind): kind for kind in prunable_kinds(target)}
    # The server knows best in which version it has the optional ones, and may keep them from this user.
    usual = {key: kind for key, kind in known.items() if not is_optional(kind)} | of_task
    served = {(one.group, one.kind): one for one in served_kinds(client) if may_prune(one) and belongs(target, one)}
    # Where the server tells what it has, nothing else needs a question.
    certain = {key: kind for key, kind in usual.items() if key in served}
    looked = {**served, **certain, **of_task} if served else known | of_task

    def look(kind: Kind) -> list[Item]:
        try:
            found = listed(client, kind, labelSelector=f"{SET_LABEL}={set_name}")
        except KubeError as error:
            if error.http_status == 404:
                return []
            if error.http_status == 403 and (kind.group, kind.kind) not in usual and unlisted is not None:
                unlisted.append(kind)
                return []
            raise explain_list_error(error, client, kind, "", target) from error
        return [deletion(kind, live) for live in found if owns_label(live, SET_LABEL)]

    return [item for found in client.all(look, looked.values()) for item in found]


def unlooked(kinds: Iterable[Kind]) -> list[str]:
    """What ``unlisted`` of ``members`` means for the user, at most one sentence of each sort.

    Kinds that somebody has added to the server are what sets hold besides the usual ones, so they are named. The many
    that every API server has by itself (the rest of the built-in ones, of which hardly any set has ever had one) are
    counted.
    """
    added = sorted({kind.term for kind in kinds if not kind.builtin})
    own = {kind.term for kind in kinds if kind.builtin}
    texts = []
    if added:
        texts.append(f"prune was not allowed to look among {', '.join(added)}: what the set has of these kinds stays.")
    if own:
        noun = "1 built-in kind" if len(own) == 1 else f"{len(own)} built-in kinds"
        texts.append(f"prune was not allowed to look among {noun} of Kubernetes; -v names them (unlisted).")
    return texts


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

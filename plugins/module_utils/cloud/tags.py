# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of a mesh: compared purely, changed by TagResources and UntagResources.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.pages import marked, pages
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

# Keys that begin so are the platform's (resource groups, creators, clusters); users can neither set nor remove them.
PLATFORM = ("acs:", "aliyun")
# On a mesh whose settings that the service never shows are yet to be sent: nothing else could tell a later run.
UNFINISHED = "meshops-asm-unfinished"


def from_list(entries: list[dict[str, str]] | None) -> dict[str, str]:
    """``[{Key, Value}]`` -> ``{key: value}``."""
    return {str(entry.get("Key")): str(entry.get("Value") or "") for entry in entries or []}


def unlisted_tags(cloud: Cloud, mesh_id: str, region: str) -> dict[str, str]:
    """The tags of one mesh, where the list of meshes does not show it (yet) (action ListTagResources, paged)."""
    found: dict[str, str] = {}
    token, seen = None, set[str]()
    for _page in pages("ListTagResources"):
        target = {"RegionId": region, "ResourceId": [mesh_id], "ResourceType": "servicemesh"}
        reply = cloud.asm("ListTagResources", **target, NextToken=token)
        rows = [row for row in reply.get("TagResources") or [] if row.get("ResourceId") == mesh_id]
        found |= {row["TagKey"]: row.get("TagValue") or "" for row in rows}
        before, token = token, reply.get("NextToken") or None
        if token == before or marked("ListTagResources", seen, token) is None:
            break
    return found


def to_list(tags: dict[str, Any]) -> list[dict[str, str]]:
    """``{key: value}`` -> ``[{Key, Value}]``; values become text, as the API knows no other."""
    return [{"Key": key, "Value": value} for key, value in _as_text(tags).items()]


def compare(wanted: dict[str, Any] | None, current: dict[str, str], purge: bool) -> tuple[dict[str, str], list[str]]:
    """``(to set, keys to remove)``; unset ``wanted`` leaves all as it is, ``purge`` removes what is not wanted.

    Tags of the platform stay in any case. Raises ``InvalidInput`` where one is wanted.
    """
    if wanted is None:
        return {}, []
    text = _as_text(wanted)
    to_set = {key: value for key, value in text.items() if current.get(key) != value}
    return to_set, sorted(key for key in set(current) - set(text) if not key.startswith(PLATFORM)) if purge else []


def _as_text(tags: dict[str, Any]) -> dict[str, str]:
    """A tag with a null value is one without a value."""
    refused = ", ".join(sorted(str(key) for key in tags if str(key).startswith(PLATFORM)))
    if refused:
        raise InvalidInput(
            f"tags: {refused}: keys that begin with {' or '.join(PLATFORM)} are the platform's, which sets and removes "
            "them itself. Leave them out; they stay as they are, also with purge_tags."
        )
    return {str(key): "" if value is None else str(value) for key, value in tags.items()}


def apply(cloud: Cloud, mesh_id: str, region: str, to_set: dict[str, str], to_remove: list[str]) -> None:
    """Sends at most one call of each kind."""
    target = {"RegionId": region, "ResourceId": [mesh_id], "ResourceType": "servicemesh"}
    if to_remove:
        cloud.asm("UntagResources", TagKey=to_remove, All=False, **target)
    if to_set:
        cloud.asm("TagResources", Tag=to_list(to_set), **target)

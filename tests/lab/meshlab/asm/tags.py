# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags of meshes."""

from __future__ import annotations

from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.openapi.errors import ApiError, invalid_parameter

RESOURCE_TYPE = "servicemesh"
MAX_TAGS = 20


def check_tags(rows: list[dict[str, str]]) -> dict[str, str]:
    """Tag rows as a map. Raises ApiError for more than 20, repeated or malformed keys."""
    tags: dict[str, str] = {}
    for row in rows:
        key, value = row.get("Key", ""), row.get("Value", "")
        if not key or len(key) > 128 or len(value) > 128:
            raise invalid_parameter("Tag", "a key has 1 to 128 characters, a value at most 128")
        if key.startswith(("aliyun", "acs:")) or "http://" in key or "https://" in key:
            raise invalid_parameter("Tag", f"the key {key!r} is reserved")
        if key in tags:
            raise invalid_parameter("Tag", f"the key {key!r} is there twice")
        tags[key] = value
    if len(tags) > MAX_TAGS:
        raise invalid_parameter("Tag", f"a resource has at most {MAX_TAGS} tags")
    return tags


@action("TagResources", "RegionId", "ResourceType", "ResourceId", "Tag", write=True)
def tag_resources(call: Call) -> dict[str, Any]:
    """Add tags, or give existing keys other values."""
    added = check_tags(call.get("Tag"))
    meshes = _meshes(call)
    for mesh in meshes:
        if len(mesh.tags | added) > MAX_TAGS:
            raise invalid_parameter("Tag", f"{mesh.mesh_id} would have more than {MAX_TAGS} tags")
    with call.world.lock:
        for mesh in meshes:
            mesh.tags |= added
        call.world.save()
    return {}


@action("UntagResources", "RegionId", "ResourceType", "ResourceId", write=True)
def untag_resources(call: Call) -> dict[str, Any]:
    """Remove keys, or all tags."""
    keys = call.get("TagKey", [])
    if not keys and not call.get("All", False):
        raise ApiError(400, "MissingTagKey", "TagKey is mandatory for this action unless All is true.")
    meshes = _meshes(call)
    for mesh in meshes:
        mesh.tags = {} if not keys else {key: value for key, value in mesh.tags.items() if key not in keys}
    call.world.save()
    return {}


@action("ListTagResources", "RegionId", "ResourceType")
def list_tag_resources(call: Call) -> dict[str, Any]:
    """One row a tag, of the resources named or of those that carry the tags asked for; no page is ever cut."""
    _check_type(call)
    wanted = call.get("Tag", [])
    ids = call.get("ResourceId", [])
    rows = []
    for mesh in list(call.world.meshes.values()):
        if mesh.region_id != call.get("RegionId") or (ids and mesh.mesh_id not in ids):
            continue
        if not all(mesh.tags.get(tag.get("Key", "")) in (tag.get("Value"), tag.get("Value", "")) for tag in wanted):
            continue
        rows += [
            {"ResourceId": mesh.mesh_id, "ResourceType": RESOURCE_TYPE, "TagKey": key, "TagValue": value}
            for key, value in mesh.tags.items()
        ]
    return {"NextToken": "", "TagResources": rows}


def _check_type(call: Call) -> None:
    if call.get("ResourceType") != RESOURCE_TYPE:
        raise invalid_parameter("ResourceType", f"it must be {RESOURCE_TYPE}")


def _meshes(call: Call) -> list[Mesh]:
    _check_type(call)
    meshes = []
    for mesh_id in call.get("ResourceId"):
        mesh = call.world.meshes.get(mesh_id)
        if mesh is None or mesh.region_id != call.get("RegionId"):
            raise ApiError(404, "ServiceMesh.NotFound", f"The service mesh {mesh_id} does not exist in this region.")
        meshes.append(mesh)
    return meshes

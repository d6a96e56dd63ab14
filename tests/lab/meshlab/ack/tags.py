# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tags of ACK clusters."""

from __future__ import annotations

from typing import Any

from meshlab.account import Cluster
from meshlab.ack.routes import AckCall, route
from meshlab.openapi.errors import ApiError

RESOURCE_TYPE = "CLUSTER"


@route("TagResources", "PUT", "/tags", write=True)
def tag_resources(call: AckCall) -> dict[str, Any]:
    """Add tags, or give existing keys other values."""
    clusters = _clusters(call)
    tags = {tag["key"]: tag.get("value", "") for tag in call.parameters.get("tags", [])}
    with call.world.lock:
        for cluster in clusters:
            cluster.tags |= tags
        call.world.save()
    return {"RequestId": ""}


@route("UntagResources", "DELETE", "/tags", write=True)
def untag_resources(call: AckCall) -> dict[str, Any]:
    """Remove keys, or all tags."""
    keys = call.parameters.get("tag_keys", [])
    if not keys and not call.parameters.get("all", False):
        raise ApiError(400, "InvalidParameter", "tag_keys is mandatory unless all is true")
    with call.world.lock:
        for cluster in _clusters(call):
            cluster.tags = {key: value for key, value in cluster.tags.items() if keys and key not in keys}
        call.world.save()
    return {"RequestId": ""}


@route("ListTagResources", "GET", "/tags")
def list_tag_resources(call: AckCall) -> dict[str, Any]:
    """One row a tag, on one page."""
    wanted = call.parameters.get("tags", [])
    rows = [
        {
            "resource_id": cluster.cluster_id,
            "resource_type": RESOURCE_TYPE,
            "tag_key": key,
            "tag_value": value,
        }
        for cluster in _clusters(call)
        if all(cluster.tags.get(tag["key"]) == tag.get("value", cluster.tags.get(tag["key"])) for tag in wanted)
        for key, value in cluster.tags.items()
    ]
    return {"next_token": "", "request_id": "", "tag_resources": {"tag_resource": rows}}


@route("ModifyClusterTags", "POST", "/clusters/{cluster_id}/tags", write=True)
def modify_cluster_tags(call: AckCall) -> dict[str, Any]:
    """Replace the whole set of tags."""
    cluster = call.cluster()
    rows = call.parameters.get("body", [])
    cluster.tags = {row["key"]: row.get("value", "") for row in rows}
    call.world.save()
    return {}


def _clusters(call: AckCall) -> list[Cluster]:
    """The clusters that resource_ids names, all of them in region_id."""
    if call.parameters.get("resource_type") != RESOURCE_TYPE:
        raise ApiError(400, "InvalidParameter", f"resource_type must be {RESOURCE_TYPE}")
    clusters = []
    for cluster_id in call.parameters.get("resource_ids", []):
        cluster = call.world.clusters.get(cluster_id)
        if cluster is None or cluster.origin != "ack" or cluster.region_id != call.parameters.get("region_id"):
            raise ApiError(404, "ErrorClusterNotFound", f"cluster ({cluster_id}) not found in the region")
        clusters.append(cluster)
    return clusters

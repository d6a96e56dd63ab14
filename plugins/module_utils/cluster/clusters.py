# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data-plane clusters as a mesh sees them: attached ones, candidates, and why a candidate is refused.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.pages import pages
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, AsmError, LostReply, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.jsontext import parsed
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    STALE_LOOKS,
    Before,
    Progress,
    failed,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import quoted

PAGE = 100

# ForbiddenFlag of DescribeServiceMeshClusters: why a cluster cannot be added, and what to do about it.
_FORBIDDEN = {
    1: "the caller is not an administrator of the cluster: grant its RAM user the role cluster-admin in ACK",
    2: "the cluster is in another VPC that no CEN connects with the mesh's: connect the two with CEN, "
    "give mesh and cluster public addresses, or choose a cluster in the mesh's VPC",
    3: "its address ranges overlap with those of the mesh or of an attached cluster: only clusters with "
    "distinct ranges can share a mesh",
    4: "a namespace istio-system exists in it: remove the Istio that is there, "
    "or set ignore_namespace_check to take it over",
}
NAMESPACE_EXISTS = 4

# ``page(number from 1, entries so far)`` reads one page and gives ``(entries, total)``; 0 is a total that is not known.
Page = Callable[[int, int], "tuple[list[dict[str, Any]], int]"]


def attached(cloud: Cloud, mesh_id: str) -> list[dict[str, Any]]:
    """The clusters of the mesh with their states (action DescribeClustersInServiceMesh)."""
    return cloud.asm("DescribeClustersInServiceMesh", ServiceMeshId=mesh_id).get("Clusters") or []


def candidates(cloud: Cloud, mesh_id: str) -> list[dict[str, Any]]:
    """Every cluster of the account as seen from the mesh, with ForbiddenFlag (DescribeServiceMeshClusters, paged)."""

    def page(number: int, found: int) -> tuple[list[dict[str, Any]], int]:
        reply = cloud.asm("DescribeServiceMeshClusters", ServiceMeshId=mesh_id, Limit=PAGE, Offset=found)
        return reply.get("Clusters") or [], int(reply.get("NumberOfClusters") or 0)

    return all_pages(page, "DescribeServiceMeshClusters", "ClusterId")


def all_pages(page: Page, action: str, key: str) -> list[dict[str, Any]]:
    """The entries of all pages, each once.

    It ends when the total is reached, or with a page that brings nothing new.
    """
    found: dict[str, dict[str, Any]] = {}
    taken = 0
    for number in pages(action):
        entries, total = page(number, taken)
        taken += len(entries)
        known = len(found)
        found.update({str(entry[key]): entry for entry in entries})
        if len(found) == known or 0 < total <= taken:
            break
    return list(found.values())


def pick(clusters: Iterable[dict[str, Any]], name_or_id: str) -> dict[str, Any] | None:
    """The cluster with this id, else the one with this name; several of that name raise ``Ambiguous``. Pure."""
    known = list(clusters)
    for cluster in known:
        if cluster.get("ClusterId") == name_or_id:
            return cluster
    named = {str(cluster["ClusterId"]): cluster for cluster in known if cluster.get("Name") == name_or_id}
    if len(named) > 1:
        listed = ", ".join(f"{key} ({value.get('RegionId')})" for key, value in named.items())
        raise Ambiguous(f"{len(named)} clusters are named '{name_or_id}': {listed}. Name the one you mean by its id.")
    return next(iter(named.values()), None)


def require(clusters: Iterable[dict[str, Any]], name_or_id: str) -> dict[str, Any]:
    """As ``pick``, but an unknown cluster raises ``NotFound`` and names the known ones."""
    known = list(clusters)
    cluster = pick(known, name_or_id)
    if cluster is None:
        names = ", ".join(sorted({str(c.get("Name")) for c in known})) or "none"
        raise NotFound(
            f"No cluster with the name or id '{name_or_id}'. Clusters that this account sees: {names}. "
            "A cluster must exist in Container Service (ACK) and be visible to the caller."
        )
    return cluster


def name(cluster: dict[str, Any]) -> str:
    """The cluster's name, or its id where it has none."""
    return str(cluster.get("Name") or cluster["ClusterId"])


def is_failed(cluster: dict[str, Any]) -> bool:
    """Whether the mesh lists the cluster but does not work with it: it can be added again, or removed."""
    return str(cluster.get("State") or "").endswith("failed")


def labels(known: Iterable[dict[str, Any]]) -> dict[str, str]:
    """``{id: name}`` of clusters, no two of one name: where several share one, their ids stand in its place."""
    listed = {str(cluster["ClusterId"]): name(cluster) for cluster in known}
    times = Counter(listed.values())
    return {key: shown if times[shown] == 1 else key for key, shown in listed.items()}


def names(known: Iterable[dict[str, Any]]) -> list[str]:
    """The sorted names of clusters."""
    return sorted(name(cluster) for cluster in known)


def as_user_sees(cluster: dict[str, Any]) -> dict[str, Any]:
    """One cluster in the keys of the modules' results."""
    keys = {"id": "ClusterId", "name": "Name", "state": "State", "region": "RegionId", "vpc_id": "VpcId"}
    keys.update({"type": "ClusterType", "version": "Version"})
    seen = {key: cluster.get(source) for key, source in keys.items()}
    # That nothing went wrong is said in several ways.
    return {**seen, "error_message": cluster.get("ErrorMessage") or ""}


def refusal(candidate: dict[str, Any], mesh_id: str, *, ignore_namespace: bool = False) -> str | None:
    """Why the cluster cannot be added to the mesh, as the end of a sentence; ``None`` when it can. Pure."""
    owner = candidate.get("ServiceMeshId")
    if owner and owner != mesh_id:
        return f"it belongs to the mesh {owner}: a cluster can be in one mesh only, detach it there first"
    flag = int(candidate.get("ForbiddenFlag") or 0)
    if flag and not (flag == NAMESPACE_EXISTS and ignore_namespace):
        detail = _plain(candidate.get("ForbiddenInfo"))
        return _FORBIDDEN.get(flag, f"the service forbids it (flag {flag})") + (f" ({detail})" if detail else "")
    state = str(candidate.get("State") or "running")
    if state != "running":
        return f"its state is {state}: only a running cluster can be added"
    return None


def state_progress(clusters: list[dict[str, Any]], wanted: Iterable[str], unwanted: Iterable[str] = ()) -> Progress:
    """Added means listed and running; removed means no longer listed. A failed state ends both. Pure."""
    listed = {str(cluster["ClusterId"]): cluster for cluster in clusters}
    for identifier in wanted:
        progress = _added(listed.get(identifier), identifier)
        if not progress.done:
            return progress
    for identifier in unwanted:
        if identifier in listed:
            return _leaving(listed[identifier])
    return DONE


def _added(cluster: dict[str, Any] | None, identifier: str) -> Progress:
    state = str(cluster.get("State") or "") if cluster else "not listed yet"
    if cluster and (is_failed(cluster) or state == "stopped"):
        advice = " Once the cause is gone, run the task again: it adds the cluster again."
        why = f"Cluster '{cluster.get('Name')}' is in state {state} in the mesh: {_said(cluster)}."
        return failed(why + (advice if is_failed(cluster) else ""), last=state)
    if state == "running":
        return DONE
    name = cluster.get("Name") if cluster else identifier
    return waiting(f"cluster '{name}' to be running in the mesh (state {state})", last=state)


def _leaving(cluster: dict[str, Any]) -> Progress:
    state = str(cluster.get("State"))
    if is_failed(cluster):
        return failed(
            f"Cluster '{cluster.get('Name')}' could not leave the mesh, its state is {state}: {_said(cluster)}. Once "
            "the cause is gone, run the task again: it detaches the cluster again.",
            last=state,
        )
    return waiting(f"cluster '{cluster.get('Name')}' to leave the mesh (state {state})", last=state)


def _said(cluster: dict[str, Any]) -> str:
    return str(cluster.get("ErrorMessage") or "the service gave no reason").rstrip(".")


def detach(cloud: Cloud, mesh_id: str, cluster_id: str, *, reserve_namespace: bool = False) -> None:
    """Sends one removal (action RemoveClusterFromServiceMesh) and returns at once; a cluster that left is no error."""
    try:
        cloud.asm(
            "RemoveClusterFromServiceMesh",
            ServiceMeshId=mesh_id,
            ClusterId=cluster_id,
            ReserveNamespace=reserve_namespace,
        )
    except AsmError as error:
        # Another run may have been faster, for which the documents name no code: only the list tells.
        if not is_refusal(error) or any(one["ClusterId"] == cluster_id for one in attached(cloud, mesh_id)):
            raise


def is_refusal(error: AsmError) -> bool:
    """Whether the service answered and did nothing."""
    return not isinstance(error, LostReply) and error.http_status is not None and error.http_status < 500


class Membership:
    """Follows clusters on their way into a mesh (``wanted``, ids) and out of it (``unwanted``).

    ``before`` are the clusters as they were listed before the requests: a failure of then may be shown for a while.
    """

    def __init__(
        self,
        cloud: Cloud,
        mesh_id: str,
        wanted: Iterable[str],
        unwanted: Iterable[str],
        before: Iterable[dict[str, Any]] = (),
    ) -> None:
        self._cloud = cloud
        self._mesh_id = mesh_id
        self._wanted = list(wanted)
        self._unwanted = list(unwanted)
        self._before = {str(cluster["ClusterId"]): Before(_failure(cluster)) for cluster in before}
        self._seen: set[str] = set()
        self._misses: dict[str, int] = {}

    def look(self) -> Progress:
        """Looks at the clusters and, once they are as wanted, at the mesh, which is updated along with them."""
        listed = attached(self._cloud, self._mesh_id)
        shown = [self._as_it_may_be(cluster) for cluster in listed]
        progress = self._lost(listed) or state_progress(shown, self._wanted, self._unwanted)
        return meshes.state_progress(meshes.describe_mesh(self._cloud, self._mesh_id)) if progress.done else progress

    def _as_it_may_be(self, cluster: dict[str, Any]) -> dict[str, Any]:
        """A failure of before is no failure yet."""
        before = self._before.get(str(cluster["ClusterId"]))
        if before is None or not before.still(_failure(cluster)):
            return cluster
        return {**cluster, "State": f"{cluster.get('State')} as before"}

    def _lost(self, listed: list[dict[str, Any]]) -> Progress | None:
        """A wanted cluster that is not listed for long: somebody took it out again, or the mesh is going."""
        there = {str(cluster["ClusterId"]) for cluster in listed}
        self._misses = {one: self._misses.get(one, 0) + 1 for one in self._wanted if one not in there}
        self._seen |= there
        for one, misses in self._misses.items():
            if misses < STALE_LOOKS:
                continue
            if one in self._seen:
                why = f"Cluster '{one}' is not in the mesh any more: it was detached, by another run or in the console."
                return failed(why, last="not listed")
            mesh = meshes.state_progress(meshes.describe_mesh(self._cloud, self._mesh_id))
            if mesh.failed:
                return mesh
        return None


def _failure(cluster: dict[str, Any]) -> str:
    """What is shown of a failure; empty for a cluster that has not failed."""
    return f"{cluster.get('State')}: {cluster.get('ErrorMessage')}" if is_failed(cluster) else ""


def _plain(info: Any) -> str:
    """ForbiddenInfo is a JSON list in a string; its items read as one text."""
    if not info:
        return ""
    try:
        found = parsed(info.encode("utf-8", "replace")) if isinstance(info, str) else info
    except ValueError:
        return quoted(info)
    items = found if isinstance(found, list) else [found]
    return quoted("; ".join(json.dumps(item) if isinstance(item, (dict, list)) else quoted(item) for item in items))

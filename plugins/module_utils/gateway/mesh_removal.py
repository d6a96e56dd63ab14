# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh on its way out: its gateways, its clusters, itself; and what stays behind, on the bill.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, LostReply
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    Before,
    Progress,
    Steps,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.gateway import release as gateway_release
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view
from ansible_collections.meshops.asm.plugins.module_utils.mesh.remains import remains, stay

# DeleteServiceMesh answers these while the mesh is still busy with what went before.
_BUSY = ("StillInitializing", "RelatedResourceReused")
# States in which a mesh has no control plane that could be asked for gateways.
_NO_CONTROL_PLANE = frozenset({"initial", "create_timeout", "failed", "deleting"})
_PAGE = 50


@dataclass(frozen=True)
class Leaving:
    """What goes with a mesh, as it was found.

    ``mesh`` is its detail, ``settings`` what users see of it, ``clusters`` are its attached ones, ``live`` its gateways
    as IstioGateway objects (None: not looked for), ``status`` what the service says about load balancers, security
    group and log projects (empty when it does not).
    """

    mesh: dict[str, Any]
    settings: dict[str, Any]
    clusters: list[dict[str, Any]] = field(default_factory=list)
    live: list[dict[str, Any]] | None = None
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """Of the clusters, by id."""
        return clusters.labels(self.clusters)


class Removal:
    """Finds out what goes with a mesh, and makes it go."""

    def __init__(self, cloud: Cloud, params: dict[str, Any]) -> None:
        self._cloud = cloud
        self._params = params
        self._gateways = gateway_release.GatewayRelease(cloud)
        self._before = Before()
        self._eips: dict[str, str] | None = None

    def find(self, found: dict[str, Any]) -> Leaving:
        """``found`` is the mesh as ``mesh_view.whole`` gives it."""
        detail = found["detail"]
        settings = mesh_view.settings(found)
        state = str(meshes.info(detail).get("State") or "")
        if state == "deleting" or (detail.get("Clusters") and not self._params["detach_clusters"]):
            return Leaving(detail, settings)
        attached = clusters.attached(self._cloud, meshes.mesh_id(detail)) if detail.get("Clusters") else []
        asked = attached and self._params["release_gateways"] and state not in _NO_CONTROL_PLANE
        live = self._gateways.find_all(detail) if asked else None
        return Leaving(detail, settings, attached, live, self._status(meshes.mesh_id(detail)))

    def _status(self, identifier: str) -> dict[str, Any]:
        """What the service says of the mesh's resources; it is no reason not to delete the mesh that it does not."""
        try:
            reply = self._cloud.asm("DescribeServiceMeshAdditionalStatus", ServiceMeshId=identifier, CheckMode="full")
        except AsmError:
            return {}
        return dict(reply.get("ClusterStatus") or {})

    def carry_out(self, identifier: str, leaving: Leaving) -> Steps:
        """Sends what it takes, waiting wherever the next request needs it."""
        about = meshes.info(leaving.mesh)
        self._before = Before(_failure(about))
        try:
            yield from self._send(identifier, leaving)
        except AsmError as error:
            # Another run may be at it, too; gone is what both want.
            if isinstance(error, LostReply) or not self._goes_anyway(identifier):
                raise

    def _send(self, identifier: str, leaving: Leaving) -> Steps:
        if leaving.live:
            yield from self._gateways.remove(leaving.mesh, leaving.live)
        for cluster in leaving.clusters:
            yield partial(meshes.settled, self._cloud, identifier)
            clusters.detach(self._cloud, identifier, cluster["ClusterId"])
            yield clusters.Membership(self._cloud, identifier, [], [cluster["ClusterId"]], [cluster]).look
        yield partial(self._try_delete, identifier)

    def _try_delete(self, identifier: str) -> Progress:
        retain = self._params["retain_resources"]
        try:
            self._cloud.asm(
                "DeleteServiceMesh",
                ServiceMeshId=identifier,
                RetainResources=json.dumps(retain) if retain else None,
            )
        except AsmError as error:
            if error.code not in _BUSY:
                raise
            return waiting(f"mesh '{self._params['name']}' to become deletable ({error.code})", last=error.code)
        return DONE

    def _goes_anyway(self, identifier: str) -> bool:
        try:
            listed = meshes.listed(self._cloud, identifier)
        except AsmError:
            return False
        return listed is None or meshes.info(listed).get("State") == "deleting"

    def progress(self, identifier: str) -> Progress:
        """Whether the list no longer shows the mesh; it is what knows."""
        listed = meshes.listed(self._cloud, identifier) if identifier else None
        if listed is None:
            self._eips = self._existing_eips()
            return DONE
        about = meshes.info(listed)
        old = self._before.still(_failure(about))
        if _failure(about) and not old:
            return meshes.state_progress(listed)
        return waiting(f"mesh '{self._params['name']}' to be gone", last=str(about.get("State") or "deleting"))

    def _existing_eips(self) -> dict[str, str] | None:
        """``{id: status}`` of the account's EIPs (action DescribeEipResources, paged); None when it cannot be asked."""

        def page(number: int, found: int) -> tuple[list[dict[str, Any]], int]:
            reply = self._cloud.asm("DescribeEipResources", PageNum=number, PageSize=_PAGE)
            return reply.get("EipList") or [], int((reply.get("PageResult") or {}).get("TotalCount") or 0)

        try:
            listed = clusters.all_pages(page, "DescribeEipResources", "AllocationId")
        except AsmError:
            return None
        return {str(eip["AllocationId"]): str(eip.get("Status") or "") for eip in listed}

    def remaining(self, leaving: Leaving) -> list[dict[str, Any]]:
        """What the account may still pay for: ``[{kind, id, note, exists, retained}]``, see ``mesh_remains``."""
        return remains(
            leaving.settings,
            leaving.status,
            leaving.live,
            leaving.names,
            self._params["retain_resources"] or [],
            self._eips,
        )

    def diff(self, leaving: Leaving) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Before and after: what goes by name, and what stays; the same in check mode and for real."""
        names = leaving.names
        shown = {
            str(gateway["metadata"]["name"]): {
                "clusters": sorted(names.get(one, one) for one in gateways.clusters_of(gateway)),
                "addresses": {names.get(key, key): value for key, value in sorted(gateways.addresses(gateway).items())},
            }
            for gateway in leaving.live or []
        }
        before = {**leaving.settings, "clusters": sorted(names.values()), "gateways": shown}
        left = stay(
            remains(leaving.settings, leaving.status, leaving.live, names, self._params["retain_resources"] or [], None)
        )
        return before, left or None

    def wrote(self) -> bool:
        return self._gateways.wrote()


def _failure(about: dict[str, Any]) -> str:
    """State and text of a mesh that failed; empty for any other."""
    state = str(about.get("State") or "")
    return f"{state}: {about.get('ErrorMessage')}" if state.endswith("failed") or state == "create_timeout" else ""

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator of swim lanes: makes ASMSwimLaneGroup and ASMSwimLane true as Istio's objects."""

from __future__ import annotations

from meshlab.account import Mesh
from meshlab.informer import Informer
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.laneobjects import GROUP_LABEL, OWNER_LABEL, objects, path
from meshlab.worker import Worker

GROUPS = "/apis/istio.alibabacloud.com/v1/asmswimlanegroups"
LANES = "/apis/istio.alibabacloud.com/v1/asmswimlanes"
MANAGER = "asm-operator"

_MADE = ("virtualservices", "destinationrules")


def lanes_of(api: KubeApi, group: str) -> list[Object]:
    """The lanes of a group."""
    return [one for one in api.list(LANES) if (one["metadata"].get("labels") or {}).get(GROUP_LABEL) == group]


class LaneOperator:
    """Swim lanes of one mesh."""

    def __init__(self, mesh: Mesh, api: KubeApi) -> None:
        self._api = api
        self._worker = Worker(f"swim lanes of {mesh.mesh_id}", self._reconcile)
        self._informers = [Informer(api, GROUPS, self._group_seen), Informer(api, LANES, self._lane_seen)]

    def start(self) -> None:
        """Begin to watch."""
        self._worker.start()
        for informer in self._informers:
            informer.start()

    def stop(self) -> None:
        """Stop watching; what was made stays."""
        for informer in self._informers:
            informer.stop()
        self._worker.stop()

    def idle(self, timeout: float) -> bool:
        """Wait until all groups have been looked at."""
        return self._worker.idle(timeout)

    def _group_seen(self, kind: str, group: Object) -> None:
        self._worker.add(group["metadata"]["name"])

    def _lane_seen(self, kind: str, lane: Object) -> None:
        group = (lane["metadata"].get("labels") or {}).get(GROUP_LABEL)
        if group:
            self._worker.add(group)

    def _reconcile(self, name: str) -> None:
        group = self._api.find(f"{GROUPS}/{name}")
        wanted = objects(group, lanes_of(self._api, name)) if group else {}
        problem = ""
        # Subsets come before the routes that name them, and go after them.
        for place, body in sorted(wanted.items(), key=lambda item: item[1]["kind"]):
            try:
                self._api.apply(place, body, manager=MANAGER)
            except KubeApiError as error:
                if error.status not in (400, 404, 422):
                    raise
                problem = problem or error.message
        for plural in _MADE:
            for one in self._api.list(f"/apis/networking.istio.io/v1/{plural}", labelSelector=OWNER_LABEL):
                if one["metadata"]["labels"].get(OWNER_LABEL) == name and path(one) not in wanted:
                    self._api.delete(path(one))
        if group and ((group.get("status") or {}).get("error") or "") != problem:
            self._api.patch(f"{GROUPS}/{name}/status", {"status": {"error": problem}})

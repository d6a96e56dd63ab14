# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the mesh's gateways out of clusters before these leave the mesh, or away before the mesh goes.

A gateway that is still deployed to a cluster when that is detached leaves its load balancer behind, and on the bill.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, Progress, Steps, waiting
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient


@dataclass(frozen=True)
class Release:
    """One gateway that has to leave ``leaving`` and goes on in ``staying`` (ids of clusters)."""

    name: str
    leaving: tuple[str, ...]
    staying: tuple[str, ...]
    overridden: tuple[str, ...] = ()

    @property
    def patch(self) -> dict[str, Any]:
        """The JSON merge patch of the IstioGateway object."""
        spec: dict[str, Any] = {"clusterIds": list(self.staying)}
        if self.overridden:
            spec["overrides"] = dict.fromkeys(self.overridden)
        return {"spec": spec}


def releases(live: Iterable[dict[str, Any]], leaving: set[str]) -> list[Release]:
    """What has to happen to the gateways ``live`` when the clusters ``leaving`` (ids) go. Pure."""
    found: list[Release] = []
    for gateway in live:
        spec = gateway.get("spec") or {}
        deployed = gateways.clusters_of(gateway)
        out = tuple(identifier for identifier in deployed if identifier in leaving)
        if out and not gateway["metadata"].get("deletionTimestamp"):
            rest = tuple(identifier for identifier in deployed if identifier not in leaving)
            overridden = tuple(sorted(leaving & set(spec.get("overrides") or {})))
            found.append(Release(str(gateway["metadata"]["name"]), out, rest, overridden))
    return sorted(found, key=lambda release: release.name)


def refuse_homeless(found: Iterable[Release], names: dict[str, str]) -> None:
    """Raises ``Refused`` when a gateway would be deployed nowhere: its removal is the user's to ask for."""
    for release in found:
        if not release.staying:
            where = ", ".join(names.get(identifier, identifier) for identifier in release.leaving)
            raise Refused(
                f"Gateway '{release.name}' would be without a cluster: it is deployed to {where} only. Remove it first "
                "with meshops.asm.asm_gateway and state=absent, or set release_gateways=false to leave its load "
                "balancer behind. Nothing was changed."
            )


@contextmanager
def _way_out() -> Iterator[None]:
    """A control plane or a cluster that does not answer must not keep a cluster in the mesh: says how to go on."""
    try:
        yield
    except AsmError as error:
        error.message += " To detach clusters without a look at the mesh's gateways, set release_gateways=false."
        raise


class GatewayRelease:
    """Finds the gateways that have to leave clusters, and takes them out there."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._kube: KubeClient | None = None
        self._departures = gateways.Departures(cloud)
        self._complaints = gateways.Complaints()

    def find(self, mesh: dict[str, Any], leaving: set[str]) -> list[Release]:
        """The gateways of the mesh's control plane that are deployed to a cluster of ``leaving`` (one LIST)."""
        with _way_out():
            return releases(self._control_plane(mesh).list(gateways.COLLECTION), leaving)

    def find_all(self, mesh: dict[str, Any]) -> list[dict[str, Any]]:
        """All gateways of the mesh's control plane (one LIST), those on their way out included, by name."""
        with _way_out():
            live = self._control_plane(mesh).list(gateways.COLLECTION)
            return sorted(live, key=lambda gateway: str(gateway["metadata"]["name"]))

    def carry_out(self, mesh: dict[str, Any], found: Iterable[Release]) -> Steps:
        """Patches the gateways and waits until their Services are gone from the clusters that leave."""
        planned = list(found)
        with _way_out():
            for release in planned:
                self._control_plane(mesh).merge(f"{gateways.COLLECTION}/{release.name}", release.patch)
            leaving = {one.name: list(one.leaving) for one in planned}
            yield lambda: self._progress(leaving, staying=True)

    def remove(self, mesh: dict[str, Any], live: Iterable[dict[str, Any]]) -> Steps:
        """Deletes gateways and waits until they and their Services, in all their clusters, are gone."""
        found = {str(gateway["metadata"]["name"]): gateway for gateway in live}
        with _way_out():
            for name, gateway in found.items():
                if not gateway["metadata"].get("deletionTimestamp"):
                    uid = gateway["metadata"]["uid"]
                    self._control_plane(mesh).delete(f"{gateways.COLLECTION}/{name}", uid=uid)
            deployed = {name: gateways.clusters_of(gateway) for name, gateway in found.items()}
            yield lambda: self._progress(deployed, staying=False)

    def wrote(self) -> bool:
        return self._kube is not None and self._kube.writes > 0

    def _progress(self, leaving: dict[str, list[str]], *, staying: bool) -> Progress:
        """How far the gateways are on their way out of these clusters (ids), and away unless they stay elsewhere."""
        for name, cluster_ids in leaving.items():
            gateway = self._kube.get(f"{gateways.COLLECTION}/{name}") if self._kube else None
            if gateway is not None and not staying:
                look = waiting(f"gateway '{name}' to leave the control plane")
            else:
                look = self._departures.progress(name, cluster_ids)
            look = self._complaints.judge(name, gateway, look)
            if not look.done:
                return look
        return DONE

    def _control_plane(self, mesh: dict[str, Any]) -> KubeClient:
        if self._kube is None:
            self._kube = gateways.control_plane(self._cloud, mesh)
        return self._kube

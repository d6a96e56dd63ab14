# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of swim lanes, as options name them and as the API writes them. Pure.

An option has ``NAMESPACE/NAME`` or ``CLUSTER/NAMESPACE/NAME``, where the cluster is a name or an id. The API has
``cluster name/cluster id/namespace/name`` (parameter ServicesList of CreateSwimLaneGroup).

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters as known_clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_label

Name = tuple[str, str]


@dataclass(frozen=True, order=True)
class Service:
    """A service in one cluster, which is empty where it is not known."""

    namespace: str
    name: str
    cluster_id: str = ""
    cluster: str = ""

    @property
    def key(self) -> Name:
        return self.namespace, self.name

    @property
    def text(self) -> str:
        """As an option and a result have it."""
        return "/".join(filter(None, (self.cluster or self.cluster_id, self.namespace, self.name)))

    @property
    def wire(self) -> str:
        return f"{self.cluster or self.cluster_id}/{self.cluster_id}/{self.namespace}/{self.name}"


def listed(texts: Iterable[str] | None) -> list[Service]:
    """The services of a reply, sorted; a text with less parts lacks the cluster."""
    found = set()
    for text in texts or []:
        cluster, cluster_id, namespace, name = ["", "", "", "", *text.split("/")][-4:]
        if name:
            found.add(Service(namespace, name, cluster_id, cluster or cluster_id))
    return sorted(found)


def named(option: str, texts: list[str], *, with_cluster: bool = True) -> list[Service]:
    """The services that an option names, sorted; ``cluster`` is a name or an id. Raises ``InvalidInput``."""
    form = "NAMESPACE/NAME or CLUSTER/NAMESPACE/NAME" if with_cluster else "NAMESPACE/NAME"
    found = []
    for text in texts:
        parts = text.split("/")
        cluster, namespace, name = ["", *parts][-3:] if len(parts) in (2, 2 + with_cluster) else ("", "", "")
        if not (is_label(namespace) and is_label(name)) or (len(parts) == 3 and not cluster.strip()):
            raise InvalidInput(f"{option}: '{text}' does not name a service: give it as {form}.")
        found.append(Service(namespace, name, cluster=cluster))
    for text in (one.text for one in found if found.count(one) > 1):
        raise InvalidInput(f"{option} names the service '{text}' twice.")
    for one in found:
        if not one.cluster and any(other.cluster and other.key == one.key for other in found):
            raise InvalidInput(f"{option} names the service '{one.text}' with a cluster and without one.")
    return sorted(found)


def settled(wanted: Iterable[Service], live: Iterable[Service], clusters: list[dict[str, Any]]) -> list[Service]:
    """The services as they shall be, sorted.

    One without a cluster stays in those where it is; a new one is that of the first cluster, as a host name means the
    same in all clusters of a mesh. ``clusters`` are those of the mesh (DescribeClustersInServiceMesh).
    """
    known = list(live)
    found: set[Service] = set()
    for one in wanted:
        there = [other for other in known if other.key == one.key and one.cluster in _names(other)]
        found.update(there or [_placed(one, clusters)])
    return sorted(found)


def _names(service: Service) -> tuple[str, ...]:
    return ("", service.cluster, service.cluster_id)


def _placed(service: Service, clusters: list[dict[str, Any]]) -> Service:
    if service.cluster:
        cluster = known_clusters.require(clusters, service.cluster)
    else:
        cluster = min(clusters, key=lambda one: str(one.get("Name") or one["ClusterId"]), default={})
    if not cluster:
        return service
    identifier = str(cluster["ClusterId"])
    return Service(service.namespace, service.name, identifier, str(cluster.get("Name") or identifier))

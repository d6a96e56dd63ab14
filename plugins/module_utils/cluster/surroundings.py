# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service tells of an attached cluster besides its membership: dashboards, network, cloud controller.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import features
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes

SUBSETS = (
    "access_logs",
    "cen_missing",
    "cloud_controller",
    "grafana",
    "load_balancers",
    "namespaces",
    "network",
    "prometheus",
)
_BALANCERS = [(kind, address) for kind in ("clb", "nlb") for address in ("internet", "intranet")]

Json = dict[str, Any]


class Surroundings:
    """The subsets of facts that were chosen, for the clusters of one mesh. What is there once for all is asked once."""

    def __init__(self, cloud: Cloud, mesh_id: str, subsets: list[str]) -> None:
        self._ask = partial(meshes.told, cloud)
        self._mesh_id = mesh_id
        self._subsets = sorted(set(subsets))
        self._of_mesh: dict[str, Json] = {}

    def of(self, cluster: Json) -> Json:
        """``{subset: facts}`` of an attached cluster, as it is listed; null where the service knows of none."""
        return {subset: getattr(self, f"_{subset}")(cluster) for subset in self._subsets}

    def _access_logs(self, cluster: Json) -> Any:
        """Action DescribeGuestClusterAccessLogDashboards."""
        reply = self._ask("DescribeGuestClusterAccessLogDashboards", K8sClusterId=cluster["ClusterId"])
        return _dashboards(reply)

    def _prometheus(self, cluster: Json) -> Any:
        """Action DescribeClusterPrometheus."""
        named = {"ServiceMeshId": self._mesh_id, "K8sClusterId": cluster["ClusterId"]}
        reply = self._ask("DescribeClusterPrometheus", **named, K8sClusterRegionId=cluster.get("RegionId") or None)
        return reply.get("Prometheus") or None

    def _grafana(self, cluster: Json) -> Any:
        """Actions DescribeClusterGrafana and, for a dashboard without an address, GetGrafanaDashboardUrl."""
        named = {"ServiceMeshId": self._mesh_id, "K8sClusterId": cluster["ClusterId"]}
        found = _dashboards(self._ask("DescribeClusterGrafana", **named))
        for dashboard in found:
            if not dashboard["url"] and dashboard["title"]:
                told = _dashboards(self._ask("GetGrafanaDashboardUrl", **named, Title=dashboard["title"]))
                dashboard["url"] = next((one["url"] for one in told if one["url"]), "")
        return found

    def _namespaces(self, cluster: Json) -> Any:
        """Action DescribeGuestClusterNamespaces, whose parameter has another case in its name than elsewhere."""
        reply = self._ask(
            "DescribeGuestClusterNamespaces",
            ServiceMeshId=self._mesh_id,
            GuestClusterID=cluster["ClusterId"],
            ShowNsLabels=True,
        )
        labels = reply.get("NsLabels") or {}
        return {name: labels.get(name) or {} for name in sorted({*(reply.get("NsList") or []), *labels})}

    def _network(self, cluster: Json) -> Any:
        """Action DescribeMeshMultiClusterNetwork."""
        networks = self._once("DescribeMeshMultiClusterNetwork", "MultiClusterNetworks")
        return features.network(networks.get(str(cluster["ClusterId"])))

    def _cen_missing(self, cluster: Json) -> Any:
        """Action DescribeCens, which lists the clusters that are in another VPC, and that no CEN connects."""
        if "DescribeCens" not in self._of_mesh:
            reply = self._ask("DescribeCens", ServiceMeshId=self._mesh_id)
            self._of_mesh["DescribeCens"] = dict.fromkeys(reply.get("Clusters") or [], True)
        return str(cluster["ClusterId"]) in self._of_mesh["DescribeCens"]

    def _load_balancers(self, cluster: Json) -> Any:
        """Action DescribeReusableSlb, for each kind and each type of address: a reply does not tell them."""
        found = []
        for kind, address in _BALANCERS:
            asked = {"K8sClusterId": cluster["ClusterId"], "NetworkType": address, "LbType": kind}
            for one in self._ask("DescribeReusableSlb", **asked).get("ReusableSlbList") or []:
                named = {"id": one["LoadBalancerId"], "name": one.get("LoadBalancerName") or ""}
                found.append({**named, "kind": kind, "address_type": address})
        return sorted(found, key=lambda one: (one["kind"], one["address_type"], one["id"]))

    def _cloud_controller(self, cluster: Json) -> Any:
        """Action DescribeCCMVersion, whose documents have two names for the same switch."""
        found = self._once("DescribeCCMVersion", "CCMVersions").get(str(cluster["ClusterId"]))
        if not found:
            return None
        drains = found.get("SLBGracefulDrainSupported") or found.get("SLBGracefulDrainSupport")
        problem = found.get("Message") or found.get("QueryState") or ""
        return {
            "version": found.get("Version") or "",
            "graceful_drain_supported": bool(drains),
            "error_message": str(problem) if found.get("QueryState") else "",
        }

    def _once(self, action: str, key: str) -> Json:
        if action not in self._of_mesh:
            self._of_mesh[action] = self._ask(action, ServiceMeshId=self._mesh_id).get(key) or {}
        return self._of_mesh[action]


def _dashboards(reply: Json) -> list[Json]:
    found = reply.get("Dashboards") or []
    return [{"title": one.get("Title") or "", "url": one.get("Url") or ""} for one in found]

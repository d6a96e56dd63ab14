#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_cluster
short_description: Attach clusters to a mesh and detach them
version_added: 0.1.0
description:
  - Attaches Kubernetes clusters (managed, dedicated, serverless or registered ones of Container Service, or any
    other by its kubeconfig) to a mesh of Alibaba Cloud Service Mesh (ASM) as data plane, or detaches them.
  - Only clusters that differ are touched. Each candidate is checked before the first write, and a refusal says why.
  - Clusters are added and removed one after the other, as the service updates the mesh along with each.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes
  - meshops.asm.wait
options:
  clusters:
    description: The clusters that O(state) is about. In a task, a plain name stands for an item with that C(name).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name or id of the cluster.
        type: str
        required: true
        aliases: [id]
      kubeconfig:
        description:
          - Kubeconfig through which the mesh reaches a cluster that Container Service does not manage, as a path or as
            its content (YAML, JSON, or either in Base64). A path is looked for on the controller first, then on the
            host that runs the module; files that it names are put into it.
          - Needs ASM 1.22 or newer, and a mesh whose control plane has a public address.
        type: str
      ignore_namespace_check:
        description: Adds the cluster although a namespace C(istio-system) exists in it, to migrate from an own Istio.
        type: bool
        default: false
      discovery_only:
        description: Adds the cluster for service discovery only, without sidecars of this mesh.
        type: bool
        default: false
      smc_enabled:
        description:
          - Speeds connections between the nodes of the cluster up by shared memory over RDMA (SMC-R), where nodes have
            it. Unset leaves it as it is.
        type: bool
        version_added: 0.2.0
      network:
        description:
          - The network of the cluster, where those of the mesh do not reach each other directly. What is not given
            stays as it is.
        type: dict
        version_added: 0.2.0
        suboptions:
          name:
            description: Name of the network. Clusters of one network reach each other directly; an empty text is the
              default network.
            type: str
          gateway_enabled:
            description: Leads requests of other networks through a gateway of this cluster.
            type: bool
          gateway:
            description: Name of that gateway. An empty text takes it away.
            type: str
          gateway_address:
            description: Address under which other networks reach it, if not its own. An empty text takes it away.
            type: str
  state:
    description:
      - V(present) attaches the clusters that are not attached yet.
      - V(absent) detaches the ones that are.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - With O(state=present), detaches every cluster that is not in O(clusters), so that exactly the listed ones
        remain.
      - An empty list detaches all.
    type: bool
    default: false
  release_gateways:
    description:
      - Takes the clusters that are detached out of the gateways of the mesh first, and waits until the Services of
        the gateways are gone from them. Otherwise their load balancers stay behind and are billed.
      - A gateway that would be without a cluster is an error; remove it with M(meshops.asm.asm_gateway).
      - Needs access to the mesh's control plane, and to the clusters that have gateways.
    type: bool
    default: true
  reserve_namespace:
    description: Keeps the namespace C(istio-system) in the clusters that are detached.
    type: bool
    default: false
seealso:
  - module: meshops.asm.asm_cluster_info
  - module: meshops.asm.asm_gateway
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: Attach two clusters
  meshops.asm.asm_cluster:
    mesh: shop
    clusters:
      - name: shop-1
      - name: shop-2

- name: Make the attached set exactly this list
  meshops.asm.asm_cluster:
    mesh: shop
    clusters:
      - name: shop-1
      - name: shop-3
    purge: true

- name: Take over a cluster that has an Istio of its own
  meshops.asm.asm_cluster:
    mesh: shop
    clusters:
      - name: legacy
        ignore_namespace_check: true

- name: Attach a cluster of another network, which is reached through a gateway
  meshops.asm.asm_cluster:
    mesh: shop
    clusters:
      - name: shop-north
        network:
          name: north
          gateway_enabled: true
          gateway: cross-network

- name: Detach a cluster
  meshops.asm.asm_cluster:
    mesh: shop
    clusters:
      - name: shop-2
    state: absent
"""

RETURN = r"""
clusters:
  description: All clusters of the mesh afterwards; in check mode as they are predicted.
  returned: success
  type: list
  elements: dict
  sample:
    - id: c0123456789abcdef0123456789abcdef
      name: shop-1
      state: running
      region: cn-hangzhou
      vpc_id: vpc-bp1example
      type: ManagedKubernetes
      version: 1.36.3-aliyun.1
attached:
  description: Names of the clusters that this task attached (in check mode would attach), in this order.
  returned: success
  type: list
  elements: str
  sample: [shop-1, shop-2]
detached:
  description: Names of the clusters that this task detached (in check mode would detach), in this order.
  returned: success
  type: list
  elements: str
  sample: []
released:
  description: Names of the clusters that were (in check mode would be) taken out of gateways first, by gateway.
  returned: success
  type: dict
  sample: {}
account:
  description: Whose account it was, see RV(meshops.asm.asm_mesh#module:account).
  returned: when the service was asked
  type: dict
  sample:
    source: the profile shop of /home/user/.aliyun/config.json
    access_key_id: LTAI***x7Qe
    region: cn-hangzhou
    account_id: "1234567890123456"
error:
  description: >-
    What the service said, see M(meshops.asm.asm_mesh). On failure RV(attached), RV(detached) and RV(released) tell
    how far the task came.
  returned: failure
  type: dict
  sample:
    code: Refused
    message: "Cluster 'other' cannot be added to mesh 'shop': it belongs to the mesh cabc..."
    request_id: ""
    http_status: null
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters, features
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, Outrun, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    UPDATE,
    Plan,
    Progress,
    Steps,
)
from ansible_collections.meshops.asm.plugins.module_utils.gateway import release as gateway_release
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import handed_on
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource


@dataclass(frozen=True)
class Changes:
    """What ``apply`` has to do: gateways leave clusters, clusters leave the mesh, clusters join it."""

    mesh: dict[str, Any] = field(default_factory=dict)
    add: list[dict[str, Any]] = field(default_factory=list)
    remove: list[dict[str, Any]] = field(default_factory=list)
    releases: list[gateway_release.Release] = field(default_factory=list)
    released: dict[str, list[str]] = field(default_factory=dict)
    # The attached clusters as they were listed.
    before: list[dict[str, Any]] = field(default_factory=list)
    features: features.Features = field(default_factory=features.Features)


class Clusters(ResourceModule):
    result = "clusters"
    options = {
        "mesh": {"type": "str", "required": True},
        "clusters": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True, "aliases": ["id"]},
                "kubeconfig": {"type": "str", "no_log": True},
                "ignore_namespace_check": {"type": "bool", "default": False},
                "discovery_only": {"type": "bool", "default": False},
                **features.FEATURE_OPTIONS,
            },
        },
        "purge": {"type": "bool", "default": False},
        "release_gateways": {"type": "bool", "default": True},
        "reserve_namespace": {"type": "bool", "default": False},
    }

    def __init__(self, params: dict[str, Any], cloud: Any) -> None:
        super().__init__(params, cloud)
        for item in params["clusters"]:
            item["kubeconfig"] = item["kubeconfig"] and _handed_on(item["name"], item["kubeconfig"])
        self.gateways = gateway_release.GatewayRelease(cloud)
        self.attached: list[str] = []
        self.detached: list[str] = []
        self.released: dict[str, list[str]] = {}
        self.membership: clusters.Membership | None = None

    def find(self) -> Any:
        """``{mesh, attached, candidates, releases, networks}``.

        The candidates are asked for only when a cluster is yet to be added, the gateways when one is to leave.
        """
        mesh = self.living_mesh()
        if mesh is None:
            return {"mesh": None, "attached": [], "candidates": None, "releases": [], "networks": {}}
        attached = clusters.attached(self.cloud, self.id)
        unknown = [item for item in self.params["clusters"] if clusters.pick(attached, item["name"]) is None]
        known = clusters.candidates(self.cloud, self.id) if unknown else []
        releases, placed = self._releases(mesh, attached), self._places_clusters()
        networks = features.networks(self.cloud, self.id) if placed else {}
        listed = {"attached": attached, "candidates": known, "networks": networks}
        return {"mesh": mesh, **listed, "releases": releases}

    def _places_clusters(self) -> bool:
        """Whether networks matter: they are asked for only then."""
        return not self.wants_absence() and any("network" in features.wanted(one) for one in self.params["clusters"])

    def _releases(self, mesh: dict[str, Any], attached: list[dict[str, Any]]) -> list[gateway_release.Release]:
        leaving = self._leaving(attached)
        return self.gateways.find(mesh, leaving) if leaving and self.params["release_gateways"] else []

    def _leaving(self, attached: list[dict[str, Any]]) -> set[str]:
        """The ids of the attached clusters that the options detach."""
        picked = [clusters.pick(attached, item["name"]) for item in self.params["clusters"]]
        named = {str(cluster["ClusterId"]) for cluster in picked if cluster}
        if self.params["state"] == "absent":
            return named
        return {str(cluster["ClusterId"]) for cluster in attached} - named if self.params["purge"] else set()

    def plan(self, found: Any) -> Plan:
        attached = {str(cluster["ClusterId"]): cluster for cluster in found["attached"]}
        add = self._sort_out(found, attached)
        gone = self._leaving(found["attached"])
        stay = [cluster for key, cluster in attached.items() if key not in gone]
        remove = [cluster for key, cluster in attached.items() if key in gone]
        names = clusters.labels(attached.values())
        gateway_release.refuse_homeless(found["releases"], names)
        again = {str(item["cluster"]["ClusterId"]) for item in add}
        before: dict[str, Any] = {"clusters": sorted(_with_failure(cluster) for cluster in attached.values())}
        wished = self._features(found, add)
        if not add and not remove and not wished.calls:
            return Plan(before=before, after=before, predicted=self.view(found))
        predicted = [cluster for cluster in stay if cluster["ClusterId"] not in again]
        predicted += [item["cluster"] for item in add]
        after: dict[str, Any] = {"clusters": sorted(_with_failure(cluster) for cluster in predicted)}
        if found["releases"]:
            before["gateways"] = {one.name: _named([*one.leaving, *one.staying], names) for one in found["releases"]}
            after["gateways"] = {one.name: _named(one.staying, names) for one in found["releases"]}
        if wished.calls:
            labels = clusters.labels([*attached.values(), *(item["cluster"] for item in add)])
            before["features"] = {labels[key]: value for key, value in wished.before.items()}
            after["features"] = {labels[key]: value for key, value in wished.after.items()}
        released = {one.name: _named(one.leaving, names) for one in found["releases"]}
        changes = Changes(found["mesh"], add, remove, found["releases"], released, found["attached"], wished)
        shown = [clusters.as_user_sees(one) for one in predicted]
        return Plan(UPDATE, before, after, changes, shown, self.no_mesh_yet())

    def _features(self, found: Any, add: list[dict[str, Any]]) -> features.Features:
        """What the items ask for of clusters that are in the mesh, or will be."""
        if self.wants_absence():
            return features.Features()
        known = [*found["attached"], *(item["cluster"] for item in add)]
        picked = [(clusters.pick(known, item["name"]), item) for item in self.params["clusters"]]
        gone = self._leaving(found["attached"])
        staying = {key: one for key, one in found["networks"].items() if key not in gone}
        return features.changes([(one, item) for one, item in picked if one is not None], staying)

    def _sort_out(self, found: Any, attached: dict[str, Any]) -> list[dict[str, Any]]:
        """What is to be added; every refusal in one error."""
        add: list[dict[str, Any]] = []
        named: set[str] = set()
        refused: list[str] = []
        for item in self.params["clusters"]:
            cluster = clusters.pick(attached.values(), item["name"])
            if cluster is None and self.params["state"] == "present":
                cluster = self._candidate(found, item)
                reason = clusters.refusal(cluster, self.id, ignore_namespace=item["ignore_namespace_check"])
                if reason:
                    refused.append(
                        f"Cluster '{item['name']}' cannot be added to mesh '{self.params['mesh']}': {reason}."
                    )
                elif cluster["ClusterId"] not in named:
                    add.append({**item, "cluster": cluster})
            elif cluster is not None and self._to_retry(cluster) and cluster["ClusterId"] not in named:
                add.append({**item, "cluster": {**cluster, "State": "running", "ErrorMessage": None}})
            if cluster is not None:
                named.add(str(cluster["ClusterId"]))
        if refused:
            raise Refused(" ".join(refused) + " Nothing was changed.")
        return add

    def _to_retry(self, cluster: dict[str, Any]) -> bool:
        return self.params["state"] == "present" and clusters.is_failed(cluster)

    def _candidate(self, found: Any, item: dict[str, Any]) -> dict[str, Any]:
        if found["candidates"] is None:
            return {"ClusterId": item["name"], "Name": item["name"]}
        if item["kubeconfig"] and clusters.pick(found["candidates"], item["name"]) is None:
            return {"ClusterId": item["name"], "Name": item["name"], "State": "running"}
        return clusters.require(found["candidates"], item["name"])

    def apply(self, plan: Plan) -> Steps:
        meshes.require_mesh(self.cloud, self.params["mesh"])
        changes = plan.changes
        if changes.releases:
            # While the cluster is still in the mesh, the mesh takes the gateway's Service away, and the cluster's own
            # controller the load balancer.
            yield from self.gateways.carry_out(changes.mesh, changes.releases)
            self.released = changes.released
        for cluster in changes.remove:
            yield self.settled
            clusters.detach(
                self.cloud, self.id, cluster["ClusterId"], reserve_namespace=self.params["reserve_namespace"]
            )
            self.detached.append(clusters.name(cluster))
        for item in changes.add:
            yield self.settled
            self._attach(item)
            self.attached.append(clusters.name(item["cluster"]))
        for action, parameters in changes.features.calls:
            yield self.settled
            self.cloud.asm(action, ServiceMeshId=self.id, **parameters)

    def _attach(self, item: dict[str, Any]) -> None:
        identifier = item["cluster"]["ClusterId"]
        try:
            self.cloud.asm(
                "AddClusterIntoServiceMesh",
                ServiceMeshId=self.id,
                ClusterId=identifier,
                Kubeconfig=item["kubeconfig"],
                IgnoreNamespaceCheck=item["ignore_namespace_check"] or None,
                DiscoveryOnly=item["discovery_only"] or None,
            )
        except AsmError as error:
            # There is no documented code for "in this mesh already": only the list tells.
            refused = clusters.is_refusal(error)
            there = clusters.pick(clusters.attached(self.cloud, self.id), identifier) if refused else None
            if there is None or clusters.is_failed(there):
                raise
            raise Outrun(error.message, code=error.code, http_status=error.http_status) from error

    def progress(self, plan: Plan) -> Progress:
        if not self.id:
            return DONE
        if self.membership is None:
            self.membership = self._membership(plan)
        return self.membership.look()

    def _membership(self, plan: Plan) -> clusters.Membership:
        changes = plan.changes or Changes()
        wanted = [item["cluster"]["ClusterId"] for item in changes.add]
        if not plan.changed and self.params["state"] == "present":
            listed = clusters.attached(self.cloud, self.id)
            wanted = [clusters.require(listed, item["name"])["ClusterId"] for item in self.params["clusters"]]
        unwanted = [cluster["ClusterId"] for cluster in changes.remove]
        return clusters.Membership(self.cloud, self.id, wanted, unwanted, changes.before)

    def view(self, found: Any) -> Any:
        return [clusters.as_user_sees(cluster) for cluster in found["attached"]]

    def extra(self, plan: Plan) -> dict[str, Any]:
        if not plan.changed:
            # Unchanged, or a failure: then these say how far the task came.
            return {"attached": self.attached, "detached": self.detached, "released": self.released}
        return {
            "attached": [clusters.name(item["cluster"]) for item in plan.changes.add],
            "detached": [clusters.name(cluster) for cluster in plan.changes.remove],
            "released": plan.changes.released,
        }

    def wrote(self) -> bool:
        return super().wrote() or self.gateways.wrote()


def _handed_on(cluster: str, kubeconfig: str) -> str:
    try:
        return handed_on(kubeconfig)
    except InvalidInput as error:
        error.message = f"Cluster '{cluster}': {error.message}"
        raise


def _named(identifiers: Iterable[str], names: dict[str, str]) -> list[str]:
    return sorted(names.get(identifier, identifier) for identifier in identifiers)


def _with_failure(cluster: dict[str, Any]) -> str:
    name = clusters.name(cluster)
    return f"{name} (failed)" if clusters.is_failed(cluster) else name


def main() -> None:
    run_resource(Clusters)


if __name__ == "__main__":
    main()

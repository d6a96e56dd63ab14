#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway
short_description: Deploy and remove the ingress and egress gateways of a mesh
version_added: 0.1.0
description:
  - Manages a gateway of Alibaba Cloud Service Mesh (ASM) as the C(IstioGateway) object that it is in the mesh's control
    plane, so that it can be read, compared and deleted.
  - The service deploys the gateway as C(istio-<name>) in the namespace C(istio-system) of every cluster that is named.
  - Waits for the address of every cluster and returns the addresses, then for the pods there. The service itself says
    nothing of pods, so the Deployment C(istio-<name>) of each cluster is read, with a kubeconfig that the task asks
    Container Service for. Where that is not possible the task says so, and goes on.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes
  - meshops.asm.wait
options:
  name:
    description:
      - Name of the gateway.
      - Its pods carry the label C(istio=<name>), which the selector of an Istio C(Gateway) matches.
    type: str
    default: ingressgateway
  namespace:
    description: Namespace of the C(IstioGateway) object. The service knows no other than C(istio-system).
    type: str
    default: istio-system
  type:
    description: Whether requests come in or go out through the gateway.
    type: str
    choices: [ingress, egress]
    default: ingress
  clusters:
    description:
      - Names or ids of the attached clusters to deploy the gateway to.
      - Unset leaves the clusters of an existing gateway as they are; a new gateway needs at least one.
      - The gateway leaves clusters that are not listed; the task waits until its Service is gone from them.
    type: list
    elements: str
  service_type: &service_type
    description: Type of the gateway's Service. The service's default is V(LoadBalancer).
    type: str
    choices: [LoadBalancer, NodePort, ClusterIP]
  load_balancer: &load_balancer
    description: The load balancer of a gateway of O(service_type=LoadBalancer).
    type: dict
    suboptions:
      address_type:
        description:
          - Reachable from the internet, or only inside the VPC.
          - Immutable for a classic load balancer.
        type: str
        choices: [internet, intranet]
      id:
        description:
          - Id of an existing load balancer to reuse. It stays when the gateway is removed.
          - Left out later, it stays in use.
          - One can serve gateways of a single cluster only, each on ports of its own.
        type: str
      spec:
        description: Specification of a new classic load balancer, for example V(slb.s1.small).
        type: str
      force_override_listeners:
        description: Overwrites the listeners that a reused load balancer has. Without it they are left alone.
        type: bool
      charge_type:
        description: How the traffic of a public load balancer is charged.
        type: str
        choices: [paybytraffic, paybybandwidth]
      kind:
        description:
          - V(nlb) makes a network load balancer. Needs Kubernetes 1.24, ASM 1.18 and vSwitches in two zones.
          - Immutable as long as the gateway has a load balancer.
        type: str
        choices: [clb, nlb]
      ip:
        description: The C(loadBalancerIP) to ask for.
        type: str
  external_traffic_policy: &external_traffic_policy
    description: >-
      Whether nodes forward to gateway pods of other nodes (V(Cluster)) or keep the client's address (V(Local)).
    type: str
    choices: [Cluster, Local]
  ports: &ports
    description: Which ports of the load balancer lead to which ports of the gateway's pods.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the port, unique; a prefix such as C(http) or C(https) tells Istio the protocol.
        type: str
        required: true
      port:
        description:
          - Port of the load balancer; the number that an Istio C(Gateway) names in its servers.
          - One of V(TCP) and one of V(UDP) may have the same number, as HTTP/3 needs it.
        type: int
        required: true
      target_port:
        description:
          - Port of the container.
          - Left out, it is O(ports[].port), or that plus 8000 for ports below 1024.
          - The proxy may bind those only with O(run_as_root=true), or with a setting of the kernel in O(spec).
        type: int
      node_port:
        description: Port of the nodes.
        type: int
      protocol:
        description: Transport protocol.
        type: str
        choices: [TCP, UDP]
        default: TCP
  replicas: &replicas
    description: Number of pods. The service's default is 1.
    type: int
  autoscaling: &autoscaling
    description: Horizontal autoscaling of the pods.
    type: dict
    suboptions:
      enabled:
        description: Whether it is on.
        type: bool
        default: true
      min_replicas:
        description: Least number of pods.
        type: int
      max_replicas:
        description: Largest number of pods.
        type: int
      cpu_utilization:
        description: Average use of the requested CPU to aim at, in percent.
        type: int
      memory_utilization:
        description: Average use of the requested memory to aim at, in percent.
        type: int
  resources: &resources
    description: Resources of a pod, as Kubernetes quantities.
    type: dict
    suboptions:
      requests:
        description: What is reserved.
        type: dict
        suboptions:
          cpu:
            description: CPU, for example V(200m).
            type: str
          memory:
            description: Memory, for example V(256Mi).
            type: str
      limits:
        description: What is allowed at most.
        type: dict
        suboptions:
          cpu:
            description: CPU, for example V(2).
            type: str
          memory:
            description: Memory, for example V(2Gi).
            type: str
  pod_labels: &pod_labels
    description: Labels of the pods.
    type: dict
  pod_annotations: &pod_annotations
    description: Annotations of the pods.
    type: dict
  service_labels: &service_labels
    description: Labels of the Service.
    type: dict
  service_annotations: &service_annotations
    description: Annotations of the Service; they win over what O(load_balancer) makes.
    type: dict
  node_selector: &node_selector
    description: Labels that nodes must have.
    type: dict
  tolerations: &tolerations
    description: Tolerations of the pods, as Kubernetes writes them.
    type: list
    elements: dict
  env: &env
    description: Environment of the proxy.
    type: dict
  host_network: &host_network
    description: Whether the pods use the network of their node.
    type: bool
  run_as_root: &run_as_root
    description: Whether the proxy runs as root and may bind ports below 1024.
    type: bool
  spec: &spec
    description: >-
      Further fields of the C(IstioGateway)'s C(spec), as the service documents them. Mappings are merged with what the
      options make; a value that both give is taken from here, and a list that both give is refused.
    type: dict
  labels:
    description: Labels of the C(IstioGateway) object.
    type: dict
  annotations:
    description: Annotations of the C(IstioGateway) object, for example C(asm.alibabacloud.com/managed-by-asm).
    type: dict
  overrides:
    description: Settings that differ in single clusters.
    type: list
    elements: dict
    suboptions:
      cluster:
        description: Name or id of the attached cluster.
        type: str
        required: true
      service_type: *service_type
      load_balancer: *load_balancer
      external_traffic_policy: *external_traffic_policy
      ports: *ports
      replicas: *replicas
      autoscaling: *autoscaling
      resources: *resources
      pod_labels: *pod_labels
      pod_annotations: *pod_annotations
      service_labels: *service_labels
      service_annotations: *service_annotations
      node_selector: *node_selector
      tolerations: *tolerations
      env: *env
      host_network: *host_network
      run_as_root: *run_as_root
      spec: *spec
  state:
    description:
      - V(present) makes the gateway match the options.
      - V(absent) deletes it, and waits until its Service is gone from every cluster, so that its load balancer is
        released before the cluster is detached.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: meshops.asm.asm_gateway_info
  - module: meshops.asm.istio_resource
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: A public ingress gateway in two clusters
  meshops.asm.asm_gateway:
    mesh: shop
    name: ingressgateway
    clusters: [shop-1, shop-2]
    load_balancer:
      address_type: internet
      spec: slb.s1.small
    ports:
      - name: http
        port: 80
      - name: https
        port: 443
    replicas: 2

- name: Reuse an existing load balancer, but an internal one in the second cluster
  meshops.asm.asm_gateway:
    mesh: shop
    clusters: [shop-1, shop-2]
    load_balancer:
      id: lb-bp1example
      force_override_listeners: true
    overrides:
      - cluster: shop-2
        load_balancer:
          address_type: intranet

- name: Remove the gateway and its load balancers
  meshops.asm.asm_gateway:
    mesh: shop
    name: ingressgateway
    state: absent
"""

RETURN = r"""
gateway:
  description: The gateway afterwards, in check mode as it is predicted; null when it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the gateway.
      type: str
      returned: success
      sample: ingressgateway
    namespace:
      description: Namespace of the gateway's objects.
      type: str
      returned: success
      sample: istio-system
    clusters:
      description: Names of the clusters it is deployed to.
      type: list
      elements: str
      returned: success
      sample: [shop-1, shop-2]
    addresses:
      description: Addresses by the name of the cluster; an IP address or the DNS name of an NLB.
      type: dict
      returned: success
      sample:
        shop-1: [203.0.113.10]
        shop-2: [203.0.113.11]
    status:
      description: What the service says of it.
      type: str
      returned: success
      sample: Running
    error_message:
      description: What the service complains about; empty when all is well.
      type: str
      returned: success
      sample: ""
    labels:
      description: Labels of the object.
      type: dict
      returned: success
      sample: {asm-gateway-type: ingress}
    annotations:
      description: Annotations of the object.
      type: dict
      returned: success
      sample: {}
    spec:
      description: The C(spec) of the C(IstioGateway) object.
      type: dict
      returned: success
      sample:
        gatewayType: ingress
        clusterIds: [c0123456789abcdef0123456789abcdef]
        serviceType: LoadBalancer
        replicaCount: 2
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
  description: What the service said, see M(meshops.asm.asm_mesh).
  returned: failure
  type: dict
  sample:
    code: WrongNamespace
    message: "Gateway 'ingressgateway' is asked for in namespace..."
    request_id: ""
    http_status: null
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    DONE,
    UPDATE,
    Plan,
    Progress,
    failed,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways, inplace, patches, rollout
from ansible_collections.meshops.asm.plugins.module_utils.gateway import manifest as gateway_manifest
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource


class Gateway(ResourceModule):
    result = "gateway"
    options = {"mesh": {"type": "str", "required": True}, **gateway_manifest.OPTIONS}

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        self.doubts = gateway_manifest.check(params)
        self.kube: Any = None
        self.departures = gateways.Departures(cloud)
        self.complaints = gateways.Complaints()
        self.deployed: set[str] = set()
        self.rollout: rollout.Rollout | None = None
        self.live: Any = None

    @property
    def path(self) -> str:
        return f"{gateways.COLLECTION}/{self.params['name']}"

    def find(self) -> Any:
        """``{attached, live}``: the mesh's clusters and the object; ``attached`` is None without a mesh."""
        if self.gone:
            return {"attached": None, "live": None}
        if self.kube is None:
            mesh = self.living_mesh()
            if mesh is None:
                return {"attached": None, "live": None}
            self.attached = clusters.attached(self.cloud, meshes.mesh_id(mesh))
            self.names = clusters.labels(self.attached)
            self.kube = gateways.control_plane(self.cloud, mesh)
            self.rollout = rollout.Rollout(self.cloud, self.params["name"], self.names)
        live = self.kube.get(self.path)
        self.deployed |= {*gateways.clusters_of(live)}
        self.live = live
        return {"attached": self.attached, "live": live}

    def plan(self, found: Any) -> Plan:
        live = found["live"]
        before = gateways.essence(live)
        if self.params["state"] == "absent":
            return Plan(DELETE, before, None) if live and not _deleting(live) else Plan(before=before, after=before)
        if live and _deleting(live):
            raise InvalidInput(f"Gateway '{self.params['name']}' is being deleted: run again once it is gone.")
        wanted = self._wanted(found["attached"])
        if live is None:
            return self._plan_creation(wanted, found["attached"])
        patch = gateway_manifest.changes(live, wanted, self.params)
        kept = gateway_manifest.kept_balancer(live, self.params)
        warnings = (*self.doubts, *filter(None, [kept]))
        if not patch:
            said = gateways.complaint(live)
            warnings += (
                (f"Gateway '{self.params['name']}' is as asked for, but the service says: {said}",) if said else ()
            )
            return Plan(before=before, after=before, predicted=self.view(found), warnings=warnings)
        after = patches.merged(live, patch)
        inplace.refuse(live, after, self.names)
        return Plan(UPDATE, before, gateways.essence(after), patch, gateways.view(after, self.names), warnings)

    def _plan_creation(self, wanted: dict[str, Any], attached: Any) -> Plan:
        p = self.params
        if not p["clusters"] and not (p["annotations"] or {}).get("asm.alibabacloud.com/managed-by-asm"):
            raise InvalidInput(f"Gateway '{p['name']}' does not exist, and creating it needs clusters to deploy it to.")
        warnings = (*self.doubts, *self.no_mesh_yet())
        names = self.names if attached is not None else {}
        return Plan(CREATE, None, gateways.essence(wanted), wanted, gateways.view(wanted, names), warnings)

    def _wanted(self, attached: Any) -> dict[str, Any]:
        """The object that the options ask for, with the ids of the clusters that they name."""
        p = self.params
        named = [*(p["clusters"] or []), *(item["cluster"] for item in p["overrides"] or [])]
        ids = {name: name if attached is None else self._attached_id(name) for name in named}
        return gateway_manifest.manifest(p, [ids[name] for name in p["clusters"] or []], ids)

    def _attached_id(self, name: str) -> str:
        cluster = clusters.pick(self.attached, name)
        if cluster is None:
            attached = ", ".join(clusters.names(self.attached)) or "none"
            raise NotFound(
                f"Gateway '{self.params['name']}' names the cluster '{name}', which is not attached to mesh "
                f"'{self.params['mesh']}' (attached: {attached}). Attach it first with meshops.asm.asm_cluster."
            )
        return str(cluster["ClusterId"])

    def apply(self, plan: Plan) -> None:
        if self.kube is None:
            meshes.require_mesh(self.cloud, self.params["mesh"])
            raise NotFound(f"Mesh '{self.params['mesh']}' has come meanwhile: run the task again.")
        if plan.action == DELETE:
            live = self.kube.get(self.path)
            if live is not None:
                self.kube.delete(self.path, uid=live["metadata"]["uid"])
            return
        if self.rollout and self.params.get("wait"):
            self.rollout.note(self.live)
        if plan.action == CREATE:
            self.kube.apply(self.path, plan.changes)
        else:
            self.kube.merge(self.path, plan.changes)

    def progress(self, plan: Plan) -> Progress:
        if self.kube is None:
            return DONE
        live = self.kube.get(self.path)
        if self.params["state"] == "absent":
            return self.complaints.judge(self.params["name"], live, self._removal_progress(live))
        if live is None or _deleting(live):
            # The API server shows what it has stored: somebody took it away again.
            return failed(f"Gateway '{self.params['name']}' was removed meanwhile, by another run or in the console.")
        progress = gateways.address_progress(live, self.params["name"], self.names)
        if progress.done:
            progress = self._departure_progress(live)
        if progress.done and self.rollout:
            progress = self.rollout.progress(live)
        return self.complaints.judge(self.params["name"], live, progress)

    def _departure_progress(self, live: Any) -> Progress:
        """A cluster that the gateway was taken out of keeps the load balancer until the Service is gone."""
        left_behind = self.deployed.difference(gateways.clusters_of(live))
        return self._gone_from(left_behind) if left_behind else DONE

    def _removal_progress(self, live: Any) -> Progress:
        if live is not None:
            return waiting(f"gateway '{self.params['name']}' to leave the control plane")
        return self._gone_from(self.deployed or set(self.names))

    def _gone_from(self, cluster_ids: set[str]) -> Progress:
        return self.departures.progress(self.params["name"], sorted(cluster_ids))

    def warnings(self) -> list[str]:
        return self.rollout.warnings() if self.rollout else []

    def view(self, found: Any) -> Any:
        return None if found["live"] is None else gateways.view(found["live"], self.names)

    def wrote(self) -> bool:
        return super().wrote() or (self.kube is not None and self.kube.writes > 0)


def _deleting(live: dict[str, Any]) -> bool:
    return bool(live["metadata"].get("deletionTimestamp"))


def main() -> None:
    run_resource(Gateway)


if __name__ == "__main__":
    main()

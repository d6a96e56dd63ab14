#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_host_config
short_description: What the sidecar of a host outside of Kubernetes needs to join a mesh
version_added: 0.2.0
author: The meshops.asm authors (@meshops)
description:
  - Reads a C(WorkloadGroup) of the mesh and says what a host of it needs beside the program, that is the files of the
    sidecar as Istio has them for virtual machines, the line of C(/etc/hosts) by which it finds the control plane, and
    its C(WorkloadEntry).
  - Gets the token by which the control plane knows the host, from the service account that the group names in a cluster
    of the mesh. A token is good for a short time, and the sidecar needs it until it has its first certificate.
  - The role P(meshops.asm.host#role) puts all of it in place. The module itself writes nothing to the host, and nothing
    to the mesh or to the cluster.
  - The service's own actions for virtual machines (C(AddVMIntoServiceMesh) and the like) are deprecated and not used.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.attributes
options:
  cluster:
    description:
      - Name or id of the cluster of the mesh that vouches for the host. It has the namespace O(namespace) with the
        service account of the group.
    type: str
    required: true
  namespace:
    description: Namespace of the C(WorkloadGroup), which is that of its hosts.
    type: str
    required: true
  group:
    description: Name of the C(WorkloadGroup), which M(meshops.asm.istio_resource) makes.
    type: str
    required: true
  name:
    description: Name of the host in the mesh, which is that of its C(WorkloadEntry).
    type: str
    required: true
  address:
    description: Address by which the mesh reaches the host.
    type: str
    required: true
  pilot_address:
    description:
      - Address and port by which the host reaches the control plane, as V(192.0.2.10:15012).
      - Unset means the private address of the control plane, and the port of the Service by which the sidecars of
        O(cluster) find it. Hosts of another network need a way to it, or the public address.
    type: str
  token:
    description: The token that the host has. It is kept while at least half of O(token_minutes) is left of it.
    type: str
  token_minutes:
    description: For how many minutes a new token is good, at least 10. A cluster may make it less or more.
    type: int
    default: 60
seealso:
  - module: meshops.asm.istio_resource
  - name: Virtual machine installation
    description: What Istio says of hosts outside of Kubernetes.
    link: https://istio.io/latest/docs/setup/install/virtual-machine/
"""

EXAMPLES = r"""
- name: Say what a host needs
  meshops.asm.asm_host_config:
    mesh: shop
    cluster: shop-1
    namespace: bookinfo
    group: stock
    name: stock-1
    address: 192.0.2.20
  register: stock_1
  no_log: true
"""

RETURN = r"""
host:
  description: What the host needs beside its token.
  returned: success
  type: dict
  contains:
    files:
      description: Its files, each with C(path) and C(content). None of them is secret.
      type: list
      elements: dict
      returned: success
    hosts_line:
      description: Line of C(/etc/hosts) with the address and the name of the control plane.
      type: str
      returned: success
    pilot:
      description: Name and port of the control plane, as the host is told.
      type: str
      returned: success
    probed:
      description: Whether the group has a probe, so that the mesh sends nothing to the host before that succeeds.
      type: bool
      returned: success
    token_file:
      description: Where the sidecar looks for its token.
      type: str
      returned: success
    entry:
      description: Its C(WorkloadEntry), for the option C(definition) of M(meshops.asm.istio_resource).
      type: dict
      returned: success
  sample:
    files: [{path: /var/lib/istio/envoy/cluster.env, content: "CA_ADDR=istiod-default.istio-system.svc:15012\n..."}]
    hosts_line: 192.168.1.11 istiod-default.istio-system.svc
    pilot: istiod-default.istio-system.svc:15012
    probed: false
    token_file: /var/run/secrets/tokens/istio-token
    entry:
      apiVersion: networking.istio.io/v1
      kind: WorkloadEntry
      metadata: {name: stock-1, namespace: bookinfo}
      spec: {address: 192.0.2.20, labels: {app: stock}, serviceAccount: stock, ports: {http: 8080}}
healthy:
  description: Whether the mesh sends requests to the host, see RV(host.probed); V(true) without a probe.
  returned: success
  type: bool
  sample: true
token_needed:
  description: Whether the host needs another token than O(token).
  returned: success
  type: bool
  sample: false
token:
  description: The new token, which is a secret. Unset where O(token) is still good, and in check mode.
  returned: success
  type: str
  sample: null
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
  sample: {code: NotFound, message: "Mesh 'shop' has no WorkloadGroup...", request_id: "", http_status: null}
"""

import ipaddress
import time
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.cluster.access import ClusterAccess, fetch_mesh_kubeconfig
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_label, is_name
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import NONE, UPDATE, Plan
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import services_domain
from ansible_collections.meshops.asm.plugins.module_utils.kube import host_files, host_reading
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import cluster_domain
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

# A Kubernetes API server makes none for less.
_LEAST_MINUTES = 10


class HostConfig(ResourceModule):
    """What one host needs. Found are its group, the control plane and the service account; a token may be made."""

    result = "host"
    waits = False
    removable = False
    options = {
        "mesh": {"type": "str", "required": True},
        "cluster": {"type": "str", "required": True},
        "namespace": {"type": "str", "required": True},
        "group": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "pilot_address": {"type": "str"},
        "token": {"type": "str", "no_log": True},
        "token_minutes": {"type": "int", "default": 60, "no_log": False},
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        _check(params)
        self.clients: list[KubeClient] = []
        self.found: dict[str, Any] = {}
        self.token: str | None = None

    def find(self) -> dict[str, Any]:
        """``{group, host, pilot, domain, account}``, see ``host_files``; read once, as nothing here changes it."""
        if not self.found:
            self.found = self._found()
        return self.found

    def plan(self, found: dict[str, Any]) -> Plan:
        minutes = self.params["token_minutes"]
        why = "" if self.token else self._why(found)
        action = UPDATE if why else NONE
        before = {"token": f"a new one is needed: {why}" if why else "good"}
        after = {"token": f"good for {minutes} minutes" if why else "good"}
        return Plan(action, before, after, predicted=self.view(found))

    def apply(self, plan: Plan) -> None:
        group = self.found["group"]
        _mesh, cluster = self.clients
        self.token = host_reading.new_token(cluster, group, self.params["token_minutes"])

    def view(self, found: dict[str, Any]) -> dict[str, Any]:
        group, host, pilot = found["group"], found["host"], found["pilot"]
        return {
            "files": host_files.files_of(group, host, pilot, found["domain"]),
            "hosts_line": f"{pilot.address} {pilot.name}",
            "pilot": f"{pilot.name}:{pilot.port}",
            "probed": bool(group.probe),
            "token_file": host_files.TOKEN_FILE,
            "entry": host_files.entry_of(group, host),
        }

    def extra(self, plan: Plan) -> dict[str, Any]:
        return {"token": self.token, "token_needed": plan.changed, "healthy": self.found["healthy"]}

    def wrote(self) -> bool:
        return any(one.writes for one in self.clients) or super().wrote()

    def _why(self, found: dict[str, Any]) -> str:
        given = self.params["token"] or ""
        minutes = self.params["token_minutes"]
        return host_files.why_new_token(given, found["group"], found["account"], minutes=minutes, now=time.time())

    def _found(self) -> dict[str, Any]:
        p = self.params
        listed = meshes.require_mesh(self.cloud, p["mesh"])
        self.id = meshes.mesh_id(listed)
        attached = clusters.attached(self.cloud, self.id)
        cluster = clusters.pick(attached, p["cluster"])
        if cluster is None:
            raise NotFound(
                f"Cluster '{p['cluster']}' is not in mesh '{p['mesh']}' (attached: "
                f"{', '.join(clusters.names(attached)) or 'none'}). Attach it with meshops.asm.asm_cluster, or name "
                "one of them."
            )
        detail = meshes.describe_mesh(self.cloud, self.id)
        mesh_client = KubeClient(load(str(fetch_mesh_kubeconfig(self.cloud, listed)["Kubeconfig"])))
        cluster_client = KubeClient(load(ClusterAccess(self.cloud).kubeconfig(cluster["ClusterId"])))
        self.clients = [mesh_client, cluster_client]
        group = host_reading.group(mesh_client, p["mesh"], p["namespace"], p["group"])
        given = p["pilot_address"] or _private(detail)
        return {
            "group": group,
            "healthy": host_reading.healthy(mesh_client, group, p["name"]),
            "host": host_files.Host(p["name"], p["address"], cluster["ClusterId"]),
            "pilot": host_reading.pilot(cluster_client, clusters.name(cluster), given),
            "domain": services_domain(cluster_domain(detail)),
            "account": host_reading.account(cluster_client, clusters.name(cluster), group),
        }


def _private(detail: dict[str, Any]) -> str:
    """The control plane's private address, whose port is not that of sidecars."""
    shown = str((detail.get("Endpoints") or {}).get("IntranetPilotEndpoint") or "")
    if not shown:
        raise NotFound("The mesh shows no private address of its control plane: name one with pilot_address.")
    return shown.rpartition(":")[0]


def _check(params: dict[str, Any]) -> None:
    for option, fits in (("namespace", is_label), ("group", is_name), ("name", is_name)):
        if not fits(params[option]):
            raise InvalidInput(f"{option} '{params[option]}' cannot be the name of an object in Kubernetes.")
    try:
        address = ipaddress.ip_address(params["address"])
    except ValueError:
        raise InvalidInput(f"address '{params['address']}' is no IP address.") from None
    if address.is_loopback or address.is_unspecified:
        raise InvalidInput(f"address '{address}' is none by which a mesh could reach the host.")
    given = params["pilot_address"]
    if given and not host_reading.is_place(given):
        raise InvalidInput(f"pilot_address '{given}' is no IP address with a port, as 192.0.2.10:15012.")
    if params["token_minutes"] < _LEAST_MINUTES:
        raise InvalidInput(f"token_minutes must be at least {_LEAST_MINUTES}.")


def main() -> None:
    run_resource(HostConfig)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_kiali
short_description: Manage Kiali, the topology view of a mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Switches Kiali on or off, and says how it is reached, how people log in, and where it gets its figures.
  - It needs C(telemetry=true) of M(meshops.asm.asm_mesh). The switch alone is C(kiali.enabled) there, too.
  - What is not given stays as it is.
  - The actions are those that the console and Terraform use, and no documented part of the API.
options:
  auth_strategy:
    description:
      - How people log in. V(token) by a token that the service makes for each cluster, V(openid) by O(openid),
        V(ramoauth) with their account of Alibaba Cloud.
      - A Kiali that the service runs for the whole mesh knows no V(token).
    type: str
    choices: [token, openid, ramoauth]
  openid:
    description: Login by OpenID Connect. With O(auth_strategy=openid) id, secret and issuer are needed at first.
    type: dict
    suboptions:
      client_id:
        description: Id of the client at the identity provider.
        type: str
      client_secret:
        description: Its secret.
        type: str
      issuer_uri:
        description: URL of the identity provider.
        type: str
      scopes:
        description: What the login asks for.
        type: list
        elements: str
  ram_redirect_uris:
    description: With O(auth_strategy=ramoauth), where the login comes back to. Not given, the service finds it out.
    type: str
  server:
    description: How Kiali is reached by another way than O(public_load_balancer), as through a gateway.
    type: dict
    suboptions:
      fqdn:
        description: Domain name or address.
        type: str
      port:
        description: The port there.
        type: int
      root:
        description: Path below which Kiali is, as V(/kiali).
        type: str
      protocol:
        description: The protocol there.
        type: str
        choices: [http, https]
  public_load_balancer:
    description: Whether Kiali gets load balancers (CLB), which are billed.
    type: bool
  service_annotations:
    description:
      - Annotations of Kiali's Service by the id of the cluster (of a Kiali for the whole mesh by that of the mesh),
        each a mapping. They say what the load balancer is like. Replaced as a whole.
    type: dict
  prometheus_url:
    description:
      - Address of the Prometheus API that Kiali asks, where it is not the one that is integrated. A password in it is
        compared and never shown.
    type: str
  prometheus_tokens:
    description: Tokens for the integrated Prometheus by the id of the cluster. Replaced as a whole.
    type: dict
  renew_secrets:
    description:
      - Sends the secrets also where the service does not show those that are there, so that nobody can tell whether
        they differ. The task is changed each time then.
    type: bool
    default: false
  state:
    description: Whether Kiali is on. Its settings stay when it is switched off.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.asm_kiali_info
  - module: meshops.asm.asm_mesh
"""

EXAMPLES = r"""
- name: Kiali with a load balancer inside the VPC, and the login of the company
  meshops.asm.asm_kiali:
    mesh: shop
    public_load_balancer: true
    service_annotations:
      c0123456789abcdef0123456789abcdef:
        service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type: intranet
    auth_strategy: openid
    openid:
      client_id: kiali
      client_secret: "{{ vaulted_kiali_secret }}"
      issuer_uri: https://id.example.com

- name: Switch it off
  meshops.asm.asm_kiali:
    mesh: shop
    state: absent
"""

RETURN = r"""
kiali:
  description:
    - Kiali without secrets and tokens; V(null) when it is off. In check mode as it would be.
    - C(addresses) says where it is. C(managed) is that of a Kiali for the whole mesh, C(gateway) that at a gateway, and
      C(clusters) has those of the clusters by their ids.
  returned: success
  type: dict
  sample:
    name: shop
    enabled: true
    auth_strategy: openid
    openid: {client_id: kiali, issuer_uri: "https://id.example.com", scopes: []}
    ram_redirect_uris: ""
    server: {fqdn: "", port: 0, root: "", protocol: ""}
    public_load_balancer: true
    service_annotations: {}
    prometheus_url: ""
    addresses:
      managed: ""
      gateway: ""
      clusters: {c0123456789abcdef0123456789abcdef: "http://203.0.113.20:20001"}
    state: "on"
account:
  description: Whose account it was, see RV(meshops.asm.asm_mesh#module:account).
  returned: when the service was asked
  type: dict
  sample:
    source: the profile shop of /home/user/.aliyun/config.json
    access_key_id: LTAI***x7Qe
    region: cn-hangzhou
    account_id: "1234567890123456"
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.decoding import boolean
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    Steps,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import argument_spec, dig
from ansible_collections.meshops.asm.plugins.module_utils.mesh import hidden, kiali, meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource


class Kiali(ResourceModule):
    """Kiali of one mesh; off is absent, with the settings that it will have once it is on."""

    result = "kiali"
    options = {
        "mesh": {"type": "str", "required": True},
        "renew_secrets": {"type": "bool", "default": False, "no_log": False},
        **argument_spec(kiali.KIALI_ATTRIBUTES),
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        if not self.wants_absence():
            kiali.check(params)
        # Whether the mesh collects what Kiali shows.
        self.telemetry = True

    def find(self) -> Any:
        """The description; empty without a mesh."""
        if self.living_mesh() is None:
            return {}
        if not self.wants_absence():
            detail = meshes.describe_mesh(self.cloud, self.id)
            self.telemetry = boolean(dig(detail, "Spec.MeshConfig.Telemetry")) is not False
        return self.cloud.asm("DescribeKialiConfiguration", ServiceMeshId=self.id)

    def plan(self, found: Any) -> Plan:
        before = self.view(found)
        if self.wants_absence():
            return Plan(DELETE if before else NONE, before, None, {"Enabled": False})
        change = kiali.change(self.params, found, renew=bool(self.params["renew_secrets"]))
        if before is None:
            if self.id and not self.telemetry:
                raise Refused(
                    f"Kiali shows what Prometheus collects, which is off in mesh '{self.params['mesh']}': set "
                    "telemetry=true of asm_mesh first. Nothing was changed."
                )
            change.parameters["Enabled"] = change.after["Enabled"] = True
        after = self.view(change.after)
        action = CREATE if before is None else UPDATE if change.parameters else NONE
        sides = hidden.pictures(before, after, another=change.secrets)
        return Plan(action, *sides, changes=change.parameters, predicted=after, warnings=self.no_mesh_yet())

    def apply(self, plan: Plan) -> Steps:
        meshes.require_mesh(self.cloud, self.params["mesh"])
        yield self.settled
        self.cloud.asm("UpdateKialiConfiguration", ServiceMeshId=self.id, **plan.changes)

    def progress(self, plan: Plan) -> Progress:
        return meshes.state_progress(meshes.describe_mesh(self.cloud, self.id)) if self.id else DONE

    def view(self, found: Any) -> Any:
        return kiali.view(self.params["mesh"], found) if boolean(found.get("Enabled")) else None


def main() -> None:
    run_resource(Kiali)


if __name__ == "__main__":
    main()

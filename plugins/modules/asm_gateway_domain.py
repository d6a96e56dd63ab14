#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_domain
short_description: Manage the domains that a mesh's gateway listens for
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Opens a port of a gateway of Alibaba Cloud Service Mesh (ASM) for host names, by plain text or with a certificate.
    It becomes a server of an Istio C(Gateway) that the service keeps in the control plane.
  - For Gateways that you write yourself see M(meshops.asm.istio_resource).
options:
  gateway:
    description: Name of the gateway.
    type: str
    default: ingressgateway
  namespace:
    description: Namespace of the control plane that the Istio C(Gateway) is in.
    type: str
    default: istio-system
  name:
    description: Name of the port, by which the service knows the domain, for example V(https-shop).
    type: str
    required: true
  hosts:
    description:
      - The host names, all of them; V(*) may stand for the first label, or for any host.
      - Needed with O(state=present).
    type: list
    elements: str
  port:
    description: Port of the gateway. Needed with O(state=present).
    type: int
  protocol:
    description: Protocol of the port. Needed with O(state=present).
    type: str
    choices: [HTTP, HTTPS, GRPC, HTTP2, MONGO, TCP, TLS]
  credential:
    description: Name of the certificate, see M(meshops.asm.asm_gateway_secret). Needed with O(protocol=HTTPS).
    type: str
  force_https:
    description: Sends clients of O(protocol=HTTP) to HTTPS.
    type: bool
    default: false
  state:
    description:
      - V(present) makes the domain exactly what the options say. The service has no action that changes
        one; where it does not take the new setting over the old one, the domain is taken away first, and refuses
        connections for a moment.
      - V(absent) takes all hosts of the domain away.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.asm_gateway_domain_info
  - module: meshops.asm.asm_gateway_route
  - module: meshops.asm.asm_gateway_secret
"""

EXAMPLES = r"""
- name: Serve the shop by HTTPS
  meshops.asm.asm_gateway_domain:
    mesh: shop
    name: https-shop
    hosts: [shop.example.com]
    port: 443
    protocol: HTTPS
    credential: shop-tls

- name: Send those who come by HTTP there
  meshops.asm.asm_gateway_domain:
    mesh: shop
    name: http-shop
    hosts: [shop.example.com]
    port: 80
    protocol: HTTP
    force_https: true
"""

RETURN = r"""
gateway_domain:
  description: The domain; V(null) when it is gone. In check mode as it would be.
  returned: success
  type: dict
  sample:
    name: https-shop
    gateway: ingressgateway
    namespace: istio-system
    hosts: [shop.example.com]
    port: 443
    protocol: HTTPS
    credential: shop-tls
    force_https: false
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
  description: What the service said, see RV(meshops.asm.asm_mesh#module:error).
  returned: failure
  type: dict
  sample:
    code: InvalidInput
    message: "protocol=HTTPS needs credential: the name of a certificate of the gateway."
    request_id: ""
    http_status: null
"""

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, LostReply
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    Steps,
    removed_first,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.gateway import domains
from ansible_collections.meshops.asm.plugins.module_utils.gateway.gateway_secrets import says_exists
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.module.of_gateway import OfGateway
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_resource


class GatewayDomain(OfGateway):
    """One domain of a gateway."""

    result = "gateway_domain"
    options = {
        "mesh": {"type": "str", "required": True},
        "gateway": {"type": "str", "default": "ingressgateway"},
        "namespace": {"type": "str", "default": "istio-system"},
        "name": {"type": "str", "required": True},
        "hosts": {"type": "list", "elements": "str"},
        "port": {"type": "int"},
        "protocol": {"type": "str", "choices": list(domains.PROTOCOLS)},
        "credential": {"type": "str"},
        "force_https": {"type": "bool", "default": False},
    }
    rules = {"required_if": [("state", "present", ("hosts", "port", "protocol"))]}

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        refuse_names(params, "gateway", "namespace", "name", "credential")
        if params["state"] == "present":
            domains.check(params)

    def look(self) -> Any:
        p = self.params
        found = domains.listed(self.cloud, self.kube, self.id, p["gateway"], p["namespace"])
        return next((one for one in found if one["name"] == p["name"]), None)

    def plan(self, found: Any) -> Plan:
        if self.params["state"] == "absent":
            return Plan(DELETE if found else NONE, found, None, found)
        wanted = domains.wanted(self.params)
        action = CREATE if found is None else NONE if found == wanted else UPDATE
        return Plan(action, found, wanted, found, warnings=self.not_yet())

    def apply(self, plan: Plan) -> Steps:
        self.require_gateway()
        yield self.settled
        if plan.action == DELETE:
            self._take_away(plan.changes["hosts"])
        elif plan.action == CREATE:
            self._create(plan.after)
        else:
            yield from self._change(plan.changes, plan.after)

    def _change(self, found: dict[str, Any], wanted: dict[str, Any]) -> Steps:
        """From the way that no client notices to the one that always works: the service documents no change."""
        surplus = [host for host in found["hosts"] if host not in wanted["hosts"]]
        if {**found, "hosts": None} == {**wanted, "hosts": None} and not set(wanted["hosts"]) - set(found["hosts"]):
            self._take_away(surplus)
            return
        try:
            self._create(wanted)
        except LostReply:
            raise
        except AsmError as error:
            if not says_exists(f"{error.code} {error.message}"):
                raise
        now = self.look()
        if now and {**now, "hosts": None} == {**wanted, "hosts": None} and set(wanted["hosts"]) <= set(now["hosts"]):
            surplus = [host for host in now["hosts"] if host not in wanted["hosts"]]
            if surplus:
                self._take_away(surplus)
            return
        if now:
            yield from removed_first(lambda: self._take_away(now["hosts"]), self._left)
        self._create_or_put_back(wanted, now)

    def _left(self) -> str:
        there = self.look()
        return f"domain '{self.params['name']}' with {', '.join(there['hosts'])}" if there else ""

    def _create_or_put_back(self, wanted: dict[str, Any], before: dict[str, Any] | None) -> None:
        """What was taken away for it comes back where the service refuses what is wanted."""
        try:
            self._create(wanted)
        except LostReply:
            raise
        except AsmError as error:
            error.message += f" {self._put_back(before)}" if before else ""
            raise

    def _put_back(self, before: dict[str, Any]) -> str:
        try:
            self._create(before)
        except AsmError:
            return "It had to be removed to be changed, and could not be put back: the gateway does not have it now."
        return "It was put back as it was."

    def _named(self) -> dict[str, Any]:
        p = self.params
        named = {"IstioGatewayName": p["gateway"], "Namespace": p["namespace"], "PortName": p["name"]}
        return {"ServiceMeshId": self.id, **named}

    def _create(self, wanted: dict[str, Any]) -> None:
        self.cloud.asm(
            "CreateIstioGatewayDomains",
            **self._named(),
            Hosts=",".join(wanted["hosts"]),
            Number=wanted["port"],
            Protocol=wanted["protocol"],
            Credential=wanted["credential"] or None,
            ForceHttps=wanted["force_https"] or None,
        )

    def _take_away(self, hosts: list[str]) -> None:
        self.cloud.asm("DeleteIstioGatewayDomains", **self._named(), Hosts=",".join(hosts))

    def judged(self, there: Any) -> Progress:
        wanted = None if self.params["state"] == "absent" else domains.wanted(self.params)
        what = "to be gone" if wanted is None else "to be as asked for"
        return DONE if there == wanted else waiting(f"domain '{self.params['name']}' {what}", last=there)


def main() -> None:
    run_resource(GatewayDomain)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_secret
short_description: Manage the TLS certificates of a mesh's gateways
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Creates, rotates and deletes a certificate with its private key for a gateway of Alibaba Cloud Service Mesh (ASM).
    The service keeps it as a Secret of type C(kubernetes.io/tls) in C(istio-system) of every cluster of the gateway.
  - An Istio C(Gateway) names it as its C(credentialName).
  - Certificates are compared by the fingerprints of their whole chain, which are read from the Secrets in the clusters.
    The private key is sent only when the certificate is not there yet, and is never returned.
  - What no gateway could serve is refused before anything is written, as are a key that does not belong to the
    certificate and a certificate that has expired.
options:
  gateway:
    description: Name of the gateway.
    type: str
    default: ingressgateway
  name:
    description:
      - Name of the certificate, by which Istio's C(credentialName) refers to it.
      - A Secret of this name that is of another type is refused, and stays. So does one that the service does not list
        for this gateway, as it is another gateway's or was made in another way. It is no obstacle to V(absent).
    type: str
    required: true
  certificate:
    description:
      - The certificate as PEM text, the server's own first, those of its issuers after it.
      - Needed with O(state=present).
    type: str
  private_key:
    description:
      - The private key of O(certificate) as PEM text without a passphrase.
      - Needed with O(state=present). Keep it in a vault.
    type: str
  state:
    description:
      - V(present) makes every cluster of the gateway have this certificate. The service has no action that changes one;
        where it does not overwrite the one that is there, that one is deleted first. A gateway goes on with the old one
        until the new one has arrived.
      - V(absent) deletes the Secret in every cluster of the gateway.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
notes:
  - Needs the right to read the Secret in the clusters, and C(IstioGateway) in the control plane. Clusters that
    Container Service does not manage cannot be read; a gateway that is in no other clusters is refused.
seealso:
  - module: meshops.asm.asm_gateway
  - module: meshops.asm.asm_gateway_secret_info
  - module: meshops.asm.istio_resource
"""

EXAMPLES = r"""
- name: Give the gateway its certificate, or a new one once the files have changed
  meshops.asm.asm_gateway_secret:
    mesh: shop
    gateway: ingressgateway
    name: shop-tls
    certificate: "{{ lookup('ansible.builtin.file', 'shop.crt') }}"
    private_key: "{{ lookup('ansible.builtin.file', 'shop.key') }}"
  register: tls

- name: Say so when it ends soon
  ansible.builtin.debug:
    msg: "{{ tls.gateway_secret.name }} ends at {{ tls.gateway_secret.not_after }}"
  when: tls.gateway_secret.days_left < 30

- name: Remove it
  meshops.asm.asm_gateway_secret:
    mesh: shop
    name: shop-tls
    state: absent
"""

RETURN = r"""
gateway_secret:
  description: The certificate, without its key; V(null) when it is gone. In check mode as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    gateway:
      description: Name of the gateway.
      type: str
      returned: always
    status:
      description: What the service says of it, V(normal) or V(abnormal); empty where it does not list it.
      type: str
      returned: always
    message:
      description: What the service says is wrong with it.
      type: str
      returned: always
    not_after:
      description: When the first one of the clusters' certificates ends, in UTC; V(null) where none can be read.
      type: str
      returned: always
    days_left:
      description: Whole days until then, negative once it has ended.
      type: int
      returned: always
    clusters:
      description:
        - What each cluster has, by its name - C(fingerprint) (SHA-256), C(not_before), C(not_after), C(days_left) and
          the C(hosts) of the certificate.
        - V(null) where there is none, or none that can be read.
      type: dict
      returned: always
  sample:
    name: shop-tls
    gateway: ingressgateway
    status: normal
    message: ""
    not_after: "2027-01-31T12:00:00Z"
    days_left: 66
    clusters:
      shop-1:
        fingerprint: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        not_before: "2026-11-02T12:00:00Z"
        not_after: "2027-01-31T12:00:00Z"
        days_left: 66
        hosts: [shop.example.com]
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
    message: "private_key does not belong to certificate: the two have different public keys."
    request_id: ""
    http_status: null
"""

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    LostReply,
    Outrun,
    Refused,
)
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
from ansible_collections.meshops.asm.plugins.module_utils.gateway import certificates, gateway_secrets, gateways
from ansible_collections.meshops.asm.plugins.module_utils.gateway.gateway_secrets import Held, Reader, Seen
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource


class GatewaySecret(ResourceModule):
    """One certificate of a gateway."""

    result = "gateway_secret"
    options = {
        "mesh": {"type": "str", "required": True},
        "gateway": {"type": "str", "default": "ingressgateway"},
        "name": {"type": "str", "required": True},
        "certificate": {"type": "str"},
        "private_key": {"type": "str", "no_log": True},
    }
    rules = {"required_if": [("state", "present", ("certificate", "private_key"))]}

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        refuse_names(params, "gateway", "name")
        self.now = datetime.now(timezone.utc)
        self.wanted: certificates.Certificate | None = None
        if params["state"] == "present":
            self.wanted = certificates.given(params["certificate"], params["private_key"], self.now)
        self.reader: Reader | None = None
        self.names: dict[str, str] = {}
        # The ids of the gateway's clusters; None for no gateway.
        self.places: list[str] | None = None

    def find(self) -> Any:
        """What there is of the certificate, ``Seen``; nothing without a mesh or a gateway."""
        nothing = Seen(self.params["gateway"], self.params["name"])
        if self.gone:
            return nothing
        if self.reader is None:
            mesh = self.living_mesh()
            if mesh is None:
                return nothing
            self.names = clusters.labels(clusters.attached(self.cloud, self.id))
            self.reader = Reader(self.cloud, mesh, self.names)
            self.places = self.reader.gateways().get(self.params["gateway"])
        return self._look(listing=True) or nothing

    def _look(self, *, listing: bool = False) -> Seen | None:
        if self.reader is None or self.places is None:
            return None
        gateway, name = self.params["gateway"], self.params["name"]
        row = self.reader.listed(gateway).get(name) if listing else None
        return self.reader.see(gateway, name, self.places, row)

    def plan(self, found: Any) -> Plan:
        gateway_secrets.refuse_other_kinds(found)
        if found.foreign and self.wanted is None:
            return Plan(NONE, None, None, warnings=(f"{gateway_secrets.of_others(found)} It stays.",))
        before = found.essence()
        if self.wanted is None:
            return Plan(DELETE if found.exists else NONE, before, None)
        if self.places is not None and not found.clusters:
            raise Refused(
                f"Gateway '{found.gateway}' is in no cluster that Container Service manages, so that its certificates "
                "cannot be compared. Put the Secret there with meshops.asm.asm_workload."
            )
        lacking = found.lacking(self.wanted) or ([] if found.exists else [""])
        if lacking and found.foreign:
            raise Refused(
                f"{gateway_secrets.of_others(found)} It stays as it is: choose another name, or run the task again "
                "in a minute if it has just been made for this gateway."
            )
        after = replace(found, clusters=dict.fromkeys(found.clusters or ["all of the gateway"], self._held()))
        action = NONE if not lacking else UPDATE if found.exists else CREATE
        return Plan(action, before, after.essence(), predicted=after.view(self.now), warnings=self._warnings(found))

    def _held(self) -> Held:
        return Held(certificates.TLS, self.wanted)

    def _warnings(self, found: Seen) -> tuple[str, ...]:
        said = certificates.doubts(self.wanted, self.now) if self.wanted else ()
        if not self.id:
            return (*said, *self.no_mesh_yet())
        if self.places is None:
            return (*said, gateways.not_yet(found.gateway))
        if found.unseen:
            said += (f"Not compared, as Container Service does not manage them: {', '.join(found.unseen)}.",)
        return said

    def apply(self, plan: Plan) -> Steps:
        meshes.require_mesh(self.cloud, self.params["mesh"])
        gateways.require_one(self.places is not None, self.params["gateway"], self.params["mesh"])
        yield self.settled
        if plan.action == DELETE:
            self._delete()
            return
        try:
            self._create()
        except LostReply:
            raise
        except AsmError as error:
            if not (error.code == "Exists" or gateway_secrets.says_exists(f"{error.code} {error.message}")):
                raise
            if plan.action == CREATE:
                raise Outrun(error.message, code=error.code, http_status=error.http_status) from None
            # There is no action that changes one. Envoy serves the old certificate until a new one arrives.
            yield from removed_first(self._delete, self._left)
            self._create_again()

    def _left(self) -> str:
        """Which clusters have a certificate of the name."""
        seen = self._look()
        return f"certificate '{seen.name}' in {', '.join(seen.holders)}" if seen and seen.exists else ""

    def _named(self) -> dict[str, Any]:
        named = {"IstioGatewayName": self.params["gateway"], "SecretName": self.params["name"]}
        return {"ServiceMeshId": self.id, **named}

    def _create(self) -> None:
        key = _text(self.params["private_key"])
        try:
            reply = self.cloud.asm(
                "CreateGatewaySecret", **self._named(), Cert=_text(self.params["certificate"]), Key=key
            )
        except AsmError as error:
            raise gateway_secrets.without_key(error, key) from None
        gateway_secrets.written(reply, "SecretCreateRecord", self.names, key)

    def _create_again(self) -> None:
        try:
            self._create()
        except AsmError as error:
            error.message += (
                " The old certificate had to be deleted before, as the service replaces none: the gateway has none of "
                "this name now. Run the task again with one that the service takes."
            )
            raise

    def _delete(self) -> None:
        reply = self.cloud.asm("DeleteGatewaySecret", **self._named())
        gateway_secrets.written(reply, "SecretDeleteRecord", self.names)

    def progress(self, plan: Plan) -> Progress:
        seen = self._look()
        if seen is None or (self.wanted is None and plan.action == NONE):
            return DONE
        if self.wanted is None:
            left = ", ".join(seen.holders)
            return waiting(f"certificate '{seen.name}' to be gone from {left}") if left else DONE
        lacking = seen.lacking(self.wanted)
        return waiting(f"certificate '{seen.name}' to be in {', '.join(lacking)}") if lacking else DONE

    def view(self, found: Any) -> Any:
        return None if found.foreign and self.wanted is None else found.view(self.now)


def _text(pem: str) -> str:
    """PEM text as a file has it: lookups take the last line break away."""
    return "\n".join(line.strip() for line in pem.strip().splitlines()) + "\n"


def main() -> None:
    run_resource(GatewaySecret)


if __name__ == "__main__":
    main()

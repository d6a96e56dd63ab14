#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_extension_provider
short_description: Manage a custom authorization service of a mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Makes a service that decides about requests (external authorization) known to a mesh. An C(AuthorizationPolicy) with
    C(action=CUSTOM) names it as its C(provider) and says about which requests it is asked; a policy whose provider
    does not exist denies them all.
  - With O(oidc) the service is a login by OpenID Connect, for which the product runs a proxy.
  - Tokens that a request brings along need no provider, they are checked by a C(RequestAuthentication).
  - The service keeps the configuration of a provider as a whole. What is not given stays as it is.
  - The actions are those that the console and Terraform use, and no documented part of the API.
options:
  name:
    description:
      - Name of the provider, as policies call it. It begins with its type, C(httpextauth-) for a service that is asked
        by HTTP, C(grpcextauth-) for one that is asked by gRPC (C(envoy.service.auth.v3.Authorization)).
    type: str
    required: true
  service:
    description: Full name of the service that decides, as V(ext-authz.istio-system.svc.cluster.local). Needed at first.
    type: str
  port:
    description: Port of the service. Needed at first.
    type: int
  timeout:
    description: How long an answer is waited for, with a unit as in V(500ms) or V(10s).
    type: str
  fail_open:
    description: Whether requests pass when the service does not answer, or with a status of 500 and more.
    type: bool
  clear_route_cache:
    description: Whether the route is chosen anew after the service has changed headers of a request.
    type: bool
  status_on_error:
    description: HTTP status of the reply when the service does not answer, as V(503).
    type: str
  path_prefix:
    description: What the path of a request is preceded with when the service is asked. Only for HTTP.
    type: str
  request_headers:
    description: Names of further headers of a request that the service is shown. Only for HTTP, as are the next three.
    type: list
    elements: str
  headers_to_upstream_on_allow:
    description: Names of headers of the service's answer that an allowed request gets.
    type: list
    elements: str
  headers_to_downstream_on_allow:
    description: Names of headers of the service's answer that the reply to an allowed request gets.
    type: list
    elements: str
  headers_to_downstream_on_deny:
    description: Names of headers of the service's answer that the reply to a refused request gets.
    type: list
    elements: str
  oidc:
    description: Login by OpenID Connect. Only for HTTP.
    type: dict
    suboptions:
      client_id:
        description: Id of the client at the identity provider. Needed at first.
        type: str
      client_secret:
        description: Its secret. Needed at first, and whenever the service does not show the one that is there.
        type: str
      issuer_uri:
        description: URL of the identity provider. Needed at first.
        type: str
      redirect_domain:
        description: Domain that a user comes back to from the login.
        type: str
      redirect_protocol:
        description: Protocol of that address.
        type: str
        choices: [http, https]
      scopes:
        description: What the login asks for, as V(profile).
        type: list
        elements: str
      cookie_secret:
        description: What the cookies of sessions are encrypted with.
        type: str
      cookie_expire:
        description: After how many seconds a session ends.
        type: int
      cookie_refresh:
        description: After how many seconds a session is refreshed.
        type: int
  renew_secrets:
    description:
      - Sends the secrets of O(oidc) also where the service does not show those that are there, so that nobody can tell
        whether they differ. The task is changed each time then.
      - Without it they are compared where the service shows them, and else taken for the ones that are there.
    type: bool
    default: false
  state:
    description: Whether the provider shall exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.istio_resource
"""

EXAMPLES = r"""
- name: Ask a service of our own
  meshops.asm.asm_extension_provider:
    mesh: shop
    name: httpextauth-ours
    service: ext-authz.istio-system.svc.cluster.local
    port: 8000
    timeout: 2s
    request_headers: [x-tenant]

- name: About whom it decides
  meshops.asm.istio_resource:
    mesh: shop
    definition:
      apiVersion: security.istio.io/v1
      kind: AuthorizationPolicy
      metadata: {name: orders, namespace: bookinfo}
      spec:
        action: CUSTOM
        provider: {name: httpextauth-ours}
        rules: [{to: [{operation: {paths: ["/orders*"]}}]}]

- name: Login by OpenID Connect
  meshops.asm.asm_extension_provider:
    mesh: shop
    name: httpextauth-login
    service: oauth2proxy-httpextauth-login.istio-system.svc.cluster.local
    port: 4180
    timeout: 10s
    oidc:
      client_id: shop
      client_secret: "{{ vaulted_client_secret }}"
      issuer_uri: https://id.example.com
      redirect_domain: shop.example.com
      redirect_protocol: https
      scopes: [profile]
      cookie_secret: "{{ vaulted_cookie_secret }}"
"""

RETURN = r"""
provider:
  description:
    - The provider without its secrets; V(null) when it is gone. In check mode as it would be.
    - C(further) has the names of settings that this module has no option for. They stay as they are.
  returned: success
  type: dict
  sample:
    name: httpextauth-ours
    type: httpextauth
    service: ext-authz.istio-system.svc.cluster.local
    port: 8000
    timeout: 2s
    fail_open: false
    clear_route_cache: false
    status_on_error: ""
    path_prefix: ""
    request_headers: [x-tenant]
    headers_to_upstream_on_allow: []
    headers_to_downstream_on_allow: []
    headers_to_downstream_on_deny: []
    further: []
    state: ready
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
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import argument_spec
from ansible_collections.meshops.asm.plugins.module_utils.mesh import hidden, meshes, providers
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource


class ExtensionProvider(ResourceModule):
    """One extension provider of a mesh."""

    result = "provider"
    options = {
        "mesh": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "renew_secrets": {"type": "bool", "default": False, "no_log": False},
        **argument_spec(providers.EXTENSION_ATTRIBUTES),
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        self.name: str = params["name"]
        self.kind = providers.kind_of(self.name)
        if not self.wants_absence():
            providers.check(params)

    def find(self) -> Any:
        if self.living_mesh() is None:
            return None
        listed = providers.providers(self.cloud, self.id)
        found = next((one for one in listed if one.get("Name") == self.name), None)
        return None if found is None else providers.config_of(found)

    def plan(self, found: Any) -> Plan:
        before = self.view(found)
        if self.wants_absence():
            return Plan(NONE if found is None else DELETE, before, None)
        change = providers.change(self.params, found, renew=bool(self.params["renew_secrets"]))
        after = providers.view(self.name, change.config)
        action = CREATE if found is None else UPDATE if change.differs else NONE
        sides = hidden.pictures(before, after, another=change.secrets)
        return Plan(action, *sides, changes=change.config, predicted=after, warnings=self.no_mesh_yet())

    def apply(self, plan: Plan) -> Steps:
        meshes.require_mesh(self.cloud, self.params["mesh"])
        yield self.settled
        named = {"ServiceMeshId": self.id, "Type": self.kind, "Name": self.name}
        if plan.action == DELETE:
            self.cloud.asm("DeleteExtensionProvider", **named)
        elif plan.action == CREATE:
            self.cloud.asm("CreateExtensionProvider", **named, Config=providers.encoded(plan.changes))
        else:
            self.cloud.asm("UpdateExtensionProvider", **named, Config=providers.encoded(plan.changes))

    def progress(self, plan: Plan) -> Progress:
        return meshes.state_progress(meshes.describe_mesh(self.cloud, self.id)) if self.id else DONE

    def view(self, found: Any) -> Any:
        return None if found is None else providers.view(self.name, found)


def main() -> None:
    run_resource(ExtensionProvider)


if __name__ == "__main__":
    main()

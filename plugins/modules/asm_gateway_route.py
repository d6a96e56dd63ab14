#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_gateway_route
short_description: Manage the routes of a mesh's gateway
version_added: 0.1.0
author:
  - The meshops.asm authors (@meshops)
description:
  - Creates, changes and deletes an HTTP route of a gateway of Alibaba Cloud Service Mesh (ASM), with its priority and
    whether it is online. The service makes a rule of an Istio C(VirtualService) of it.
  - A route is replaced as a whole, so that what is not given is not in it. Only O(priority), O(enabled) and
    O(description) stay as they are when they are not given.
  - For VirtualServices that you write yourself see M(meshops.asm.istio_resource).
options:
  gateway:
    description: Name of the gateway.
    type: str
    default: ingressgateway
  name:
    description: Name of the route.
    type: str
    required: true
  namespace:
    description: Namespace of the control plane that the route is in.
    type: str
    default: istio-system
  hosts:
    description:
      - The host names that it is for, those of M(meshops.asm.asm_gateway_domain).
      - Needed with O(state=present).
    type: list
    elements: str
  path:
    description: Which paths it is for. Unset means all.
    type: dict
    suboptions:
      mode:
        description: How the path is compared.
        type: str
        choices: [exact, prefix, regex]
        default: prefix
      value:
        description: The path, or its begin, or a regular expression.
        type: str
        required: true
  headers:
    description: Headers that a request must have.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the header.
        type: str
        required: true
      mode:
        description: How its value is compared.
        type: str
        choices: [exact, prefix, regex]
        default: exact
      value:
        description: The value, or its begin, or a regular expression.
        type: str
        required: true
  destinations:
    description: Where requests go. Either these or O(redirect).
    type: list
    elements: dict
    suboptions:
      host:
        description: The service, best with its namespace, as V(productpage.bookinfo.svc.cluster.local).
        type: str
        required: true
      subset:
        description: Subset of a C(DestinationRule).
        type: str
      port:
        description: Port of the service. Needed where it has several.
        type: int
      weight:
        description: Share in percent. Needed with several destinations, where they add up to 100.
        type: int
  timeout:
    description: How long a request may take, for example V(5s).
    type: str
  retries:
    description: How often a request is tried again.
    type: dict
    suboptions:
      attempts:
        description: Most retries.
        type: int
        required: true
      per_try_timeout:
        description: How long one attempt may take, for example V(2s).
        type: str
      retry_on:
        description: When it is tried again, as Envoy calls it, for example V(5xx,connect-failure).
        type: str
  rewrite:
    description: What is changed before the request goes on.
    type: dict
    suboptions:
      uri:
        description: What takes the place of the path, or of the begin that was compared.
        type: str
      authority:
        description: What takes the place of the host.
        type: str
  redirect:
    description: Where the client is sent instead.
    type: dict
    suboptions:
      uri:
        description: Path that the client is sent to.
        type: str
      authority:
        description: Host that the client is sent to.
        type: str
      code:
        description: HTTP status. The service's default is 301.
        type: int
  mirror:
    description: A service that gets a copy of the requests.
    type: dict
    suboptions:
      host:
        description: The service, as in O(destinations[].host).
        type: str
        required: true
      subset:
        description: Subset of a C(DestinationRule).
        type: str
      percentage:
        description: Share of the requests in percent. Unset means all.
        type: float
  fault:
    description: Faults that are made up, for tests.
    type: dict
    suboptions:
      abort_status:
        description: HTTP status that requests are answered with.
        type: int
      abort_percentage:
        description: Share of these in percent.
        type: float
      delay:
        description: How long requests are held up, for example V(2s).
        type: str
      delay_percentage:
        description: Share of these in percent.
        type: float
  priority:
    description: Place among the routes; the smallest is tried first. A new route has V(0) unless it is given.
    type: int
  enabled:
    description: Whether the route is online. A new route is.
    type: bool
  description:
    description: What it is for.
    type: str
  state:
    description: Whether the route shall exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.asm_gateway_route_info
  - module: meshops.asm.asm_gateway_domain
  - module: meshops.asm.istio_resource
"""

EXAMPLES = r"""
- name: Send a fifth of the readers to the new version
  meshops.asm.asm_gateway_route:
    mesh: shop
    name: reviews
    hosts: [shop.example.com]
    path: {value: /reviews}
    destinations:
      - {host: reviews.bookinfo.svc.cluster.local, subset: v1, weight: 80}
      - {host: reviews.bookinfo.svc.cluster.local, subset: v2, weight: 20}
    priority: 10

- name: Take it offline, and keep it
  meshops.asm.asm_gateway_route:
    mesh: shop
    name: reviews
    hosts: [shop.example.com]
    path: {value: /reviews}
    destinations:
      - {host: reviews.bookinfo.svc.cluster.local, subset: v1, weight: 80}
      - {host: reviews.bookinfo.svc.cluster.local, subset: v2, weight: 20}
    enabled: false
"""

RETURN = r"""
gateway_route:
  description:
    - The route in the options of this module, without what is unset; V(null) when it is gone. In check mode as it would
      be.
    - C(status) is V(online), V(offline) or V(error).
  returned: success
  type: dict
  sample:
    name: reviews
    gateway: ingressgateway
    namespace: istio-system
    priority: 10
    status: online
    description: ""
    route:
      hosts: [shop.example.com]
      path: {mode: prefix, value: /reviews}
      destinations:
        - {host: reviews.bookinfo.svc.cluster.local}
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
    message: A route needs either destinations, or redirect.
    request_id: ""
    http_status: null
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
    failed,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.gateway import routes
from ansible_collections.meshops.asm.plugins.module_utils.gateway.naming import refuse_names
from ansible_collections.meshops.asm.plugins.module_utils.module.of_gateway import OfGateway
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import run_resource

MODES = ["exact", "prefix", "regex"]


def _dict(mode: str = "", **options: str) -> dict[str, Any]:
    """A mapping of options by their types; a type with an exclamation mark is required. ``mode`` is the usual one."""
    found: dict[str, dict[str, Any]] = {
        name: {"type": kind.rstrip("!"), **({"required": True} if kind.endswith("!") else {})}
        for name, kind in options.items()
    }
    if mode:
        found["mode"] = {"type": "str", "choices": MODES, "default": mode}
    return {"type": "dict", "options": found}


PATH = _dict("prefix", value="str!")
HEADERS = {**_dict("exact", name="str!", value="str!"), "type": "list", "elements": "dict"}


class GatewayRoute(OfGateway):
    """One route of a gateway."""

    result = "gateway_route"
    options = {
        "mesh": {"type": "str", "required": True},
        "gateway": {"type": "str", "default": "ingressgateway"},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str", "default": "istio-system"},
        "hosts": {"type": "list", "elements": "str"},
        "path": PATH,
        "headers": HEADERS,
        "destinations": {
            **_dict(host="str!", subset="str", port="int", weight="int"),
            "type": "list",
            "elements": "dict",
        },
        "timeout": {"type": "str"},
        "retries": _dict(attempts="int!", per_try_timeout="str", retry_on="str"),
        "rewrite": _dict(uri="str", authority="str"),
        "redirect": _dict(uri="str", authority="str", code="int"),
        "mirror": _dict(host="str!", subset="str", percentage="float"),
        "fault": _dict(abort_status="int", abort_percentage="float", delay="str", delay_percentage="float"),
        "priority": {"type": "int"},
        "enabled": {"type": "bool"},
        "description": {"type": "str"},
    }
    rules = {"required_if": [("state", "present", ("hosts",))]}

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        refuse_names(params, "gateway", "namespace", "name")
        routes.check(params)

    def look(self) -> Any:
        return routes.read_one(self.cloud, self.id, self.params["gateway"], self.params["name"])

    def plan(self, found: Any) -> Plan:
        if self.params["state"] == "absent":
            return Plan(DELETE if found else NONE, found, None)
        wanted = self._wanted(found)
        action = CREATE if found is None else NONE if found == wanted else UPDATE
        # The route itself, or only what stands beside it.
        whole = found is None or any(found[key] != wanted[key] for key in ("route", "namespace"))
        return Plan(action, found, wanted, whole, warnings=self.not_yet())

    def _wanted(self, found: Any) -> dict[str, Any]:
        p = self.params
        kept = found or {"priority": 0, "status": "online", "description": ""}
        enabled = kept["status"] != "offline" if p["enabled"] is None else p["enabled"]
        return {
            **{key: p[key] for key in ("name", "gateway", "namespace")},
            "priority": kept["priority"] if p["priority"] is None else p["priority"],
            "status": "online" if enabled else "offline",
            "description": kept["description"] if p["description"] is None else p["description"],
            "route": routes.wanted(p),
        }

    def apply(self, plan: Plan) -> Steps:
        self.require_gateway()
        yield self.settled
        named = {"ServiceMeshId": self.id, "IstioGatewayName": self.params["gateway"]}
        if plan.action == DELETE:
            self.cloud.asm("DeleteGatewayRoute", **named, RouteName=self.params["name"])
            return
        wanted = plan.after
        beside = {
            "Priority": wanted["priority"],
            "Status": routes.ONLINE if wanted["status"] == "online" else routes.OFFLINE,
            "Description": wanted["description"] or None,
        }
        if not plan.changes:
            self.cloud.asm("UpdateIstioRouteAdditionalStatus", **named, RouteName=wanted["name"], **beside)
            return
        action = "CreateIstioGatewayRoutes" if plan.action == CREATE else "UpdateIstioGatewayRoutes"
        route = routes.sent(wanted["name"], wanted["namespace"], wanted["route"])
        self.cloud.asm(action, **named, **beside, GatewayRoute=route)

    def judged(self, there: Any) -> Progress:
        name = self.params["name"]
        if self.params["state"] == "absent":
            return waiting(f"route '{name}' to be gone", last=there) if there else DONE
        if there and there["status"] == "error":
            return failed(f"The service could not carry out route '{name}'; it says no more.", last=there["status"])
        return DONE if there == self._wanted(there) else waiting(f"route '{name}' to be as asked for", last=there)


def main() -> None:
    run_resource(GatewayRoute)


if __name__ == "__main__":
    main()

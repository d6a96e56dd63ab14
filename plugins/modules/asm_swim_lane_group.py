#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_swim_lane_group
short_description: Manage a group of swim lanes of a service mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Creates, changes and removes a group of swim lanes of a mesh of Alibaba Cloud Service Mesh (ASM). A group says which
    services have lanes and through which gateway requests come into them; M(meshops.asm.asm_swim_lane) makes the lanes.
  - In a strict group each lane has all services, and a request stays in the lane in which it began. In a permissive
    group (O(permissive=true)) a lane may have some of them, and a request that finds a service missing in its lane goes
    to the baseline.
  - The mesh has to be of the enterprise or the ultimate edition. For the services of a group, define no further
    C(VirtualService) and C(DestinationRule) of their hosts; the service makes these from the group and its lanes.
options:
  name:
    description: Name of the group.
    type: str
    required: true
  state:
    description:
      - Whether the group shall exist.
      - With V(absent), a group that still has lanes is an error which names them.
    type: str
    choices: [present, absent]
    default: present
  gateway:
    description:
      - Name of the C(Gateway) (Istio's) through which requests come in. It cannot be changed, and is needed for a new
        group.
    type: str
  gateway_namespace:
    description: Namespace of O(gateway). The service does not show it, so that only a new group heeds it.
    type: str
    default: istio-system
  permissive:
    description:
      - Whether lanes may lack services. It cannot be changed.
      - Not given means V(false) for a new group.
    type: bool
  trace_header:
    description:
      - The header that all requests of one call chain have in common, as the applications pass it on, for example
        C(x-request-id). Needed with O(permissive=true) for a new group, and cannot be changed.
    type: str
  route_header:
    description:
      - The header whose value is the name of the lane, for example C(x-asm-prefer-tag). The same as O(trace_header)
        where the applications pass on this one.
      - Needed with O(permissive=true) for a new group, and cannot be changed.
    type: str
  services:
    description:
      - The services that have lanes, each as C(NAMESPACE/NAME), or C(CLUSTER/NAMESPACE/NAME) with the name or id of a
        cluster of the mesh. Without it, a service that is new in the group is looked for in the first cluster of the
        mesh by name, which is enough as a host name means the same in all of them.
      - Needed for a new group. Not given means that those of the group stay.
    type: list
    elements: str
  ingress_routing:
    description:
      - How requests come into the lanes.
      - With V(rule-based) each lane has rules of its own, the option C(ingress_rules) of M(meshops.asm.asm_swim_lane).
      - With V(weighted) those that fit O(weighted_rule) are divided by weights, its option C(ingress_weight).
      - Not given means that it stays; a new group is V(rule-based).
    type: str
    choices: [rule-based, weighted]
  weighted_rule:
    description: Which requests are divided by weights. Only with V(weighted).
    type: dict
    suboptions:
      hosts:
        description: Host names of the requests.
        type: list
        elements: str
        default: ["*"]
      matches:
        description: A request has to fit one of these. Not given means that all do.
        type: list
        elements: dict
        suboptions:
          uri:
            description: The path of the request, by exactly one of these.
            type: dict
            suboptions:
              exact:
                description: It is this text.
                type: str
              prefix:
                description: It begins with this text.
                type: str
              regex:
                description: It is described by this regular expression (RE2) as a whole.
                type: str
          headers:
            description: Headers that the request must have, each by exactly one of these.
            type: list
            elements: dict
            suboptions:
              name:
                description: Name of the header.
                type: str
                required: true
              exact:
                description: It is this text.
                type: str
              prefix:
                description: It begins with this text.
                type: str
              regex:
                description: It is described by this regular expression (RE2) as a whole.
                type: str
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.asm_swim_lane
  - module: meshops.asm.asm_swim_lane_info
  - module: meshops.asm.istio_resource
"""

EXAMPLES = r"""
- name: Every lane has all three services
  meshops.asm.asm_swim_lane_group:
    mesh: shop
    name: release
    gateway: ingressgateway
    services: [shop/cart, shop/stock, shop/prices]

- name: Lanes have what differs, the rest comes from the baseline
  meshops.asm.asm_swim_lane_group:
    mesh: shop
    name: features
    gateway: ingressgateway
    permissive: true
    trace_header: x-request-id
    route_header: x-asm-prefer-tag
    services: [shop/cart, shop/stock, shop/prices]

- name: Divide the requests to the cart by weights
  meshops.asm.asm_swim_lane_group:
    mesh: shop
    name: features
    ingress_routing: weighted
    weighted_rule:
      hosts: [shop.example.com]
      matches:
        - uri: {prefix: /cart}

- name: Remove the group, once its lanes are gone
  meshops.asm.asm_swim_lane_group:
    mesh: shop
    name: features
    state: absent
"""

RETURN = r"""
swim_lane_group:
  description: The group; V(null) when it is gone. In check mode as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    gateway:
      description: The gateway through which requests come in.
      type: str
      returned: always
    permissive:
      description: Whether lanes may lack services.
      type: bool
      returned: always
    trace_header:
      description: The header that the requests of one call chain have in common. Empty for a strict group.
      type: str
      returned: always
    route_header:
      description: The header whose value is the name of the lane. Empty for a strict group.
      type: str
      returned: always
    services:
      description: Its services as C(CLUSTER/NAMESPACE/NAME), sorted.
      type: list
      elements: str
      returned: always
    ingress_routing:
      description: V(rule-based) or V(weighted).
      type: str
      returned: always
    weighted_rule:
      description: Which requests are divided by weights; V(null) with V(rule-based).
      type: dict
      returned: always
    baseline:
      description: The lane that has the services which other lanes lack; empty where none is named.
      type: str
      returned: always
    service_baselines:
      description: For services that do not fall back to V(baseline), the lane by C(NAMESPACE/NAME).
      type: dict
      returned: always
  sample:
    name: features
    gateway: ingressgateway
    permissive: true
    trace_header: x-request-id
    route_header: x-asm-prefer-tag
    services: [shop-1/shop/cart, shop-1/shop/prices, shop-1/shop/stock]
    ingress_routing: rule-based
    weighted_rule: null
    baseline: stable
    service_baselines: {}
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

import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Immutable, InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    CREATE,
    DELETE,
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    Steps,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.lane import groups, rules, services
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

_FIXED = ("gateway", "permissive", "trace_header", "route_header")
_HEADERS = ("trace_header", "route_header")


class SwimLaneGroup(ResourceModule):
    """One group of swim lanes."""

    result = "swim_lane_group"
    options = {
        "mesh": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "gateway": {"type": "str"},
        "gateway_namespace": {"type": "str", "default": "istio-system"},
        "permissive": {"type": "bool"},
        "trace_header": {"type": "str"},
        "route_header": {"type": "str"},
        "services": {"type": "list", "elements": "str"},
        "ingress_routing": {"type": "str", "choices": ["rule-based", "weighted"]},
        "weighted_rule": {"type": "dict", "options": rules.WEIGHTED_RULE_OPTIONS},
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        self.name: str = params["name"]
        groups.check_name("name", self.name)
        self.services = services.named("services", params["services"] or [])
        self.rule = _checked_rule(params)
        for header in _HEADERS:
            if params[header] is not None:
                rules.check_header(header, params[header])
                if params["permissive"] is False:
                    raise InvalidInput(f"{header} is for a permissive group: a strict one needs no headers.")
        # Lanes that a group has which is to go.
        self.left: list[str] = []
        # The clusters of the mesh, where a service may have to be found in one.
        self.clusters: list[dict[str, Any]] = []

    def find(self) -> Any:
        if self.living_mesh() is None:
            return None
        if self.services:
            self.clusters = clusters.attached(self.cloud, self.id)
        found = groups.find_group(self.cloud, self.id, self.name)
        if found and self.wants_absence():
            self.left = sorted(one["Name"] for one in groups.lanes(self.cloud, self.id, self.name))
        return found

    def plan(self, found: Any) -> Plan:
        before = self.view(found)
        if self.wants_absence():
            if self.left:
                raise Refused(
                    f"The swim lane group '{self.name}' still has lanes: {', '.join(self.left)}. Remove them first, "
                    "with meshops.asm.asm_swim_lane and state: absent."
                )
            return Plan(DELETE if found else NONE, before, None)
        if before:
            self._refuse_change(before)
        wanted = {key: self.params[key] for key in _FIXED if self.params[key] is not None}
        if found is None:
            _refuse_incomplete(self.name, {**wanted, "services": self.services})
        after = {**_new(self.name), **(before or {}), **({} if before else wanted)}
        settled = self._services(found)
        after["services"] = [one.text for one in settled]
        self._route(after)
        action = CREATE if before is None else NONE if before == after else UPDATE
        return Plan(action, before, after, changes=(found, after, settled), warnings=self.no_mesh_yet())

    def apply(self, plan: Plan) -> Steps:
        meshes.require_mesh(self.cloud, self.params["mesh"])
        yield self.settled
        named = {"ServiceMeshId": self.id, "GroupName": self.name}
        if plan.action == DELETE:
            self.cloud.asm("DeleteSwimLaneGroup", **named)
            return
        found, after, settled = plan.changes
        listed = json.dumps([one.wire for one in settled])
        if plan.action == CREATE:
            headers = {"RouteHeader": after["route_header"], "TraceHeader": after["trace_header"]}
            self.cloud.asm(
                "CreateSwimLaneGroup",
                **named,
                IngressType="ASM",
                IngressGatewayName=after["gateway"],
                IngressGatewayNamespace=self.params["gateway_namespace"],
                IsPermissive=after["permissive"],
                **(headers if after["permissive"] else {}),
                ServicesList=listed,
            )
            if after["ingress_routing"] == groups.RULES:
                return
            # The action takes no routing.
            yield self.settled
            found = {"GroupName": self.name}
        rule = rules.weighted_rule_as_row(after["weighted_rule"]) if after["weighted_rule"] else None
        routing = {"IngressRoutingStrategy": after["ingress_routing"], "WeightedIngressRule": rule}
        groups.update_group(self.cloud, self.id, found, ServicesList=listed, **routing)

    def progress(self, plan: Plan) -> Progress:
        if not self.id or self.gone:
            return DONE
        there = groups.find_group(self.cloud, self.id, self.name) is not None
        if there != self.wants_absence():
            return DONE
        return waiting(f"swim lane group '{self.name}' to be {'gone' if there else 'listed'}")

    def view(self, found: Any) -> Any:
        return groups.group_view(found) if found else None

    def _services(self, found: Any) -> list[services.Service]:
        live = services.listed((found or {}).get("ServiceList"))
        if self.params["services"] is None:
            return live
        if not self.id:
            return self.services
        return services.settled(self.services, live, self.clusters)

    def _route(self, after: dict[str, Any]) -> None:
        """Puts the routing into the group as it shall be."""
        after["ingress_routing"] = self.params["ingress_routing"] or after["ingress_routing"]
        if after["ingress_routing"] == groups.RULES:
            if self.rule:
                raise InvalidInput("weighted_rule is for ingress_routing: weighted, this group's is rule-based.")
            after["weighted_rule"] = None
        elif self.rule:
            after["weighted_rule"] = self.rule
        if after["ingress_routing"] == groups.WEIGHTED and not after["weighted_rule"]:
            raise InvalidInput("ingress_routing: weighted needs weighted_rule, which says which requests are divided.")

    def _refuse_change(self, before: dict[str, Any]) -> None:
        for option in _FIXED:
            given, live = self.params[option], before[option]
            # What the service does not tell cannot differ.
            if given is None or live == "":
                continue
            same = given.lower() == live.lower() if option in _HEADERS else given == live
            if not same:
                raise Immutable(
                    f"{option} of the swim lane group '{self.name}' is {_said(live)} and cannot be changed to "
                    f"{_said(given)}: remove the group, or make another one."
                )


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"


def _new(name: str) -> dict[str, Any]:
    """A group of which nothing is said."""
    texts = dict.fromkeys(("gateway", *_HEADERS, "baseline"), "")
    kinds = {"permissive": False, "ingress_routing": groups.RULES, "weighted_rule": None, "service_baselines": {}}
    return {"name": name, **texts, **kinds}


def _refuse_incomplete(name: str, given: dict[str, Any]) -> None:
    """What the creation of a group cannot do without."""
    needed = ["gateway", "services", *(_HEADERS if given.get("permissive") else ())]
    missing = [option for option in needed if not given.get(option)]
    if missing:
        raise InvalidInput(f"The swim lane group '{name}' does not exist yet. To create it, give {', '.join(missing)}.")
    strays = [header for header in _HEADERS if header in given and not given.get("permissive")]
    if strays:
        raise InvalidInput(f"{' and '.join(strays)}: headers are for a permissive group; add permissive: true.")


def _checked_rule(params: dict[str, Any]) -> dict[str, Any] | None:
    rule = params["weighted_rule"]
    if rule is None:
        return None
    for number, match in enumerate(rule["matches"] or [], 1):
        rules.check_match(f"weighted_rule, match {number}", match)
    kept: dict[str, Any] = rules.plain(rule)
    for match in kept.setdefault("matches", []):
        if "headers" in match:
            match["headers"] = rules.in_order(match["headers"])
    return kept


def main() -> None:
    run_resource(SwimLaneGroup)


if __name__ == "__main__":
    main()

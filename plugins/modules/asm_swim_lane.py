#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_swim_lane
short_description: Manage a swim lane of a service mesh
version_added: 0.1.0
author: The meshops.asm authors (@meshops)
description:
  - Creates, changes and removes a lane in a group of swim lanes (M(meshops.asm.asm_swim_lane_group)) of a mesh of
    Alibaba Cloud Service Mesh (ASM). A lane is the pods of the group's services that have a certain label.
  - The module waits until the service says that the lane takes effect, and fails with what it says otherwise, for
    example of a service that has no pod in the lane.
options:
  group:
    description: Name of the group.
    type: str
    required: true
  name:
    description:
      - Name of the lane. No other lane of the mesh may have it, whatever its group.
      - In a permissive group it is the value of the group's route header.
    type: str
    required: true
  state:
    description: Whether the lane shall exist.
    type: str
    choices: [present, absent]
    default: present
  label_name:
    description:
      - Name (key) of the label that the lane's pods have.
      - Not given means V(ASM_TRAFFIC_TAG) for a new lane.
    type: str
  label_value:
    description: Value of the label. Needed for a new lane.
    type: str
  services:
    description:
      - The services of the group that the lane has, as in O(meshops.asm.asm_swim_lane_group#module:services). In a
        strict group these are all.
      - Not given means all services of the group for a new lane, and that those of the lane stay else.
    type: list
    elements: str
  baseline:
    description:
      - With V(true), requests that find a service missing in their lane go to this one. Only in a permissive group,
        which has one such lane.
      - It ends when another lane becomes the baseline; V(false) for the one that is it is an error.
    type: bool
  baseline_for:
    description:
      - Services (as C(NAMESPACE/NAME)) for which this lane is the baseline instead of the group's. Only in a permissive
        group. Other services that had this lane for a baseline of their own lose it.
      - An empty list means none.
    type: list
    elements: str
  ingress_rules:
    description:
      - Which requests the group's gateway leads into the lane. Exactly these remain; an empty list removes all.
      - Only in a group whose O(meshops.asm.asm_swim_lane_group#module:ingress_routing) is V(rule-based).
      - In a permissive group the gateway also sets the route header to the lane's name.
      - No action of the service's API writes the rules. They are written into the C(ASMSwimLane) object of the control
        plane, which needs access to it (C(api_server_address) says how) and a role that may write such objects.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the rule.
        type: str
        required: true
      hosts:
        description: Host names of the requests.
        type: list
        elements: str
        default: ["*"]
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
      host:
        description: Full host name of the service that gets the request, as C(cart.shop.svc.cluster.local).
        type: str
        required: true
      port:
        description: Port of the service. Not given where it has only one.
        type: int
      online:
        description: Whether the rule is in force.
        type: bool
        default: true
  ingress_weight:
    description:
      - The lane's share of the requests that the group's gateway divides. Written as O(ingress_rules) are.
      - Only in a group whose O(meshops.asm.asm_swim_lane_group#module:ingress_routing) is V(weighted).
    type: dict
    suboptions:
      host:
        description: Full host name of the service that gets the request, as C(cart.shop.svc.cluster.local).
        type: str
        required: true
      port:
        description: Port of the service. Not given where it has only one.
        type: int
      weight:
        description: The share, from 0 to 100. Those of all lanes of the group are 100 together.
        type: int
        required: true
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.asm_swim_lane_group
  - module: meshops.asm.asm_swim_lane_info
"""

EXAMPLES = r"""
- name: The baseline has all services of the group
  meshops.asm.asm_swim_lane:
    mesh: shop
    group: features
    name: stable
    label_value: stable
    baseline: true
    ingress_rules:
      - name: everything
        host: cart.shop.svc.cluster.local

- name: A lane with another version of one service
  meshops.asm.asm_swim_lane:
    mesh: shop
    group: features
    name: cheaper
    label_value: cheaper
    services: [shop/prices]
    ingress_rules:
      - name: testers
        headers:
          - {name: x-asm-prefer-tag, exact: cheaper}
        host: cart.shop.svc.cluster.local

- name: A tenth of the requests of a weighted group
  meshops.asm.asm_swim_lane:
    mesh: shop
    group: release
    name: next
    label_name: version
    label_value: v2
    ingress_weight: {host: cart.shop.svc.cluster.local, weight: 10}

- name: Remove a lane
  meshops.asm.asm_swim_lane:
    mesh: shop
    group: features
    name: cheaper
    state: absent
"""

RETURN = r"""
swim_lane:
  description: The lane; V(null) when it is gone. In check mode as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    group:
      description: The name of its group.
      type: str
      returned: always
    label_name:
      description: Name (key) of the label that its pods have.
      type: str
      returned: always
    label_value:
      description: Value of that label.
      type: str
      returned: always
    services:
      description: Its services as C(CLUSTER/NAMESPACE/NAME), sorted.
      type: list
      elements: str
      returned: always
    baseline:
      description: Whether it has the services that other lanes lack.
      type: bool
      returned: always
    baseline_for:
      description: The services for which it is the baseline instead of the group's.
      type: list
      elements: str
      returned: always
    ingress_rules:
      description: The requests that the gateway leads into it; those of the object when O(ingress_rules) is given.
      type: list
      elements: dict
      returned: always
    ingress_weight:
      description: Its share of the requests that the gateway divides; V(null) without one.
      type: dict
      returned: always
  sample:
    name: cheaper
    group: features
    label_name: ASM_TRAFFIC_TAG
    label_value: cheaper
    services: [shop-1/shop/prices]
    baseline: false
    baseline_for: []
    ingress_rules:
      - name: testers
        hosts: ["*"]
        headers: [{name: x-asm-prefer-tag, exact: cheaper}]
        host: cart.shop.svc.cluster.local
        online: true
    ingress_weight: null
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
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, Refused
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
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.lane import groups, rules, services
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.connection import connect
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

_COLLECTION = "/apis/istio.alibabacloud.com/v1/asmswimlanes"
_LABEL_NAME = "ASM_TRAFFIC_TAG"
_LABELS = ("label_name", "label_value")
# What an action of the API changes, and what is in the object alone.
_OF_LANE = (*_LABELS, "services")
_OF_OBJECT = ("ingress_rules", "ingress_weight")
_OF_GROUP = ("baseline", "baseline_for")
# How many looks in a row (some 15 seconds) may show the same complaint before the lane counts as failed.
_PATIENCE = 25


class SwimLane(ResourceModule):
    """One lane; its rules are read and written in its object when the task names them."""

    result = "swim_lane"
    options = {
        "mesh": {"type": "str", "required": True},
        "group": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "label_name": {"type": "str"},
        "label_value": {"type": "str"},
        "services": {"type": "list", "elements": "str"},
        "baseline": {"type": "bool"},
        "baseline_for": {"type": "list", "elements": "str"},
        "ingress_rules": {"type": "list", "elements": "dict", "options": rules.RULE_OPTIONS},
        "ingress_weight": {"type": "dict", "options": rules.WEIGHT_OPTIONS},
    }

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        self.name: str = params["name"]
        groups.check_name("name", self.name)
        groups.check_name("group", params["group"])
        self.services = services.named("services", params["services"] or [])
        special = services.named("baseline_for", params["baseline_for"] or [], with_cluster=False)
        self.special = None if params["baseline_for"] is None else [one.text for one in special]
        self.wanted = _checked_rules(params)
        self.path = f"{_COLLECTION}/{self.name}"
        self.client: KubeClient | None = None
        self.group: dict[str, Any] | None = None
        self.complaints: list[str] = []
        # The clusters of the mesh, where a service may have to be found in one.
        self.clusters: list[dict[str, Any]] = []

    def find(self) -> Any:
        self.group = None
        if self.living_mesh() is None:
            return None
        self.group = groups.find_group(self.cloud, self.id, self.params["group"])
        if self.group is None:
            return None
        if self.services:
            self.clusters = clusters.attached(self.cloud, self.id)
        row = self._row()
        if row is None or not self.wanted or self.wants_absence():
            return row and {**row, "object": None}
        return {**row, "object": self._kube().get(self.path) or {}}

    def plan(self, found: Any) -> Plan:
        before = self.view(found)
        if self.wants_absence():
            return Plan(DELETE if found else NONE, before, None)
        settled = self._services(found)
        if self.group:
            self._refuse_for_group(self.group, settled)
        if before is None and not self.params["label_value"]:
            raise InvalidInput(
                f"The swim lane '{self.name}' does not exist yet. To create it, give label_value: the value of the "
                f"label {self.params['label_name'] or _LABEL_NAME} that its pods have."
            )
        after = {**_new(self.name, self.params["group"]), **(before or {})}
        after |= {key: self.params[key] for key in _LABELS if self.params[key] is not None}
        after["services"] = [one.text for one in settled]
        after |= {"baseline": True} if self.params["baseline"] else {}
        after |= {} if self.special is None else {"baseline_for": self.special}
        after |= self.wanted
        action = CREATE if before is None else NONE if before == after else UPDATE
        yet = () if self.group or not self.id else (groups.group_not_yet(self.params["group"]),)
        return Plan(action, before, after, changes=(before, after, settled), warnings=(*self.no_mesh_yet(), *yet))

    def apply(self, plan: Plan) -> Steps:
        meshes.require_mesh(self.cloud, self.params["mesh"])
        group = self.group or groups.require_group(self.cloud, self.id, self.params["group"])
        yield self.settled
        named = {"ServiceMeshId": self.id, "GroupName": group["GroupName"], "SwimLaneName": self.name}
        if plan.action == DELETE:
            if self.name in groups.baselines(group).values():
                self._write_baselines(group, {"baseline": False, "baseline_for": []})
                yield self.settled
            self.cloud.asm("DeleteSwimLane", **named)
            return
        before, after, settled = plan.changes
        before = before or {}
        sent = {
            "LabelSelectorKey": after["label_name"],
            "LabelSelectorValue": after["label_value"],
            "ServicesList": json.dumps([one.wire for one in settled]),
        }
        if plan.action == CREATE:
            self.cloud.asm("CreateSwimLane", **named, **sent)
        elif _differs(before, after, _OF_LANE):
            self.cloud.asm("UpdateSwimLane", **named, **sent)
        if _differs(before, after, _OF_OBJECT):
            yield self._made
            self._write_rules(after)
        if _differs(before, after, _OF_GROUP):
            yield self.settled
            self._write_baselines(group, after)

    def progress(self, plan: Plan) -> Progress:
        if not self.group or self.gone:
            return DONE
        row = self._row()
        if self.wants_absence() or row is None:
            done = (row is None) == self.wants_absence()
            what = "gone" if self.wants_absence() else "listed"
            return DONE if done else waiting(f"swim lane '{self.name}' to be {what}")
        problem = groups.problem(row)
        if not problem:
            return DONE
        self.complaints = [*(one for one in self.complaints if one == problem), problem]
        said = f"The swim lane '{self.name}' does not take effect. The service says: {problem.rstrip('.')}."
        if len(self.complaints) > _PATIENCE:
            return failed(said, last=problem)
        return waiting(f"swim lane '{self.name}' to take effect ({problem})", last=problem)

    def view(self, found: Any) -> Any:
        if not found or not self.group:
            return None
        seen = groups.lane_view(found, self.group)
        if found.get("object") is not None:
            spec = found["object"].get("spec")
            seen |= {"ingress_rules": rules.rules_of_spec(spec), "ingress_weight": rules.weight_of_spec(spec)}
        return seen

    def wrote(self) -> bool:
        return bool(self.client and self.client.writes) or super().wrote()

    def _row(self) -> dict[str, Any] | None:
        listed = groups.lanes(self.cloud, self.id, self.params["group"])
        return next((one for one in listed if one["Name"] == self.name), None)

    def _kube(self) -> KubeClient:
        self.client = self.client or connect(self.params, self.cloud)
        return self.client

    def _services(self, found: Any) -> list[services.Service]:
        of_group = services.listed((self.group or {}).get("ServiceList"))
        live = services.listed((found or {}).get("ServiceList"))
        if self.params["services"] is None:
            return live if found else of_group
        if not self.group:
            return self.services
        # A lane has a service where its group has it.
        return services.settled(self.services, live or of_group, self.clusters)

    def _refuse_for_group(self, group: dict[str, Any], settled: list[services.Service]) -> None:
        of_group = {one.key for one in services.listed(group.get("ServiceList"))}
        title = f"the swim lane group '{group['GroupName']}'"
        given = [*settled, *services.named("baseline_for", self.special or [], with_cluster=False)]
        strays = sorted({"/".join(one.key) for one in given if one.key not in of_group})
        if strays:
            raise InvalidInput(f"Not among the services of {title}: {', '.join(strays)}. Add them to the group first.")
        weighted = group.get("IngressRoutingStrategy") == groups.WEIGHTED
        if weighted and self.wanted.get("ingress_rules"):
            raise Refused(f"ingress_rules: {title} divides requests by weights: give ingress_weight instead.")
        if not weighted and "ingress_weight" in self.wanted:
            raise Refused(f"ingress_weight: {title} has rules, not weights: set its ingress_routing to weighted first.")
        if group.get("IsPermissive"):
            if self.params["baseline"] is False and group.get("FallbackTarget") == self.name:
                raise Refused(f"'{self.name}' is the baseline of {title}: make another lane the baseline instead.")
            return
        if self.params["baseline"] or self.special:
            raise Refused(f"T{title[1:]} is strict: none of its lanes is a baseline.")
        missing = sorted("/".join(key) for key in of_group - {one.key for one in settled})
        if missing and self.params["services"] is not None:
            raise InvalidInput(f"In a strict group a lane has all services; missing in services: {', '.join(missing)}.")

    def _made(self) -> Progress:
        """Whether the service has made the lane's object, which it does in its own time."""
        there = self._kube().get(self.path)
        return DONE if there else waiting(f"the object of the swim lane '{self.name}' in the control plane")

    def _write_rules(self, after: dict[str, Any]) -> None:
        spec: dict[str, Any] = {}
        if "ingress_rules" in self.wanted:
            spec["ingressRules"] = rules.rules_as_spec(after["ingress_rules"])
        if "ingress_weight" in self.wanted:
            spec["ingressWeight"] = rules.weight_as_spec(after["ingress_weight"])
        try:
            self._kube().merge(self.path, {"spec": spec})
        except AsmError as error:
            if error.http_status == 403:
                error.message = (
                    f"Not allowed to write the rules of the swim lane '{self.name}' into its ASMSwimLane object: "
                    f"{error.message} Ask for the role istio-admin, or lead requests into the lane by a VirtualService "
                    "of the gateway, whose routes name the lane as subset."
                )
            raise

    def _write_baselines(self, group: dict[str, Any], after: dict[str, Any]) -> None:
        # Read anew: another lane may have been made the baseline of something meanwhile.
        row = groups.require_group(self.cloud, self.id, group["GroupName"])
        others = {service: lane for service, lane in groups.baselines(row).items() if lane != self.name}
        now = {**others, **dict.fromkeys(after["baseline_for"], self.name)}
        change: dict[str, Any] = {"FallbackTarget": self.name} if after["baseline"] else {}
        if now != groups.baselines(row):
            change["ServiceLevelFallbackTarget"] = json.dumps(dict(sorted(now.items())))
        groups.update_group(self.cloud, self.id, row, **change)


def _new(name: str, group: str) -> dict[str, Any]:
    """A lane of which nothing is said."""
    empty = {"baseline": False, "baseline_for": [], "ingress_rules": [], "ingress_weight": None}
    return {"name": name, "group": group, "label_name": _LABEL_NAME, "label_value": "", "services": [], **empty}


def _differs(before: dict[str, Any], after: dict[str, Any], keys: tuple[str, ...]) -> bool:
    """Whether one of these is another; of a lane that is new, whether one is anything."""
    known = before or _new(after["name"], after["group"])
    return any(known[key] != after[key] for key in keys)


def _checked_rules(params: dict[str, Any]) -> dict[str, Any]:
    """The rules and the weight that are given, as results have them."""
    wanted: dict[str, Any] = {}
    if params["ingress_rules"] is not None:
        rules.check_rules(params["ingress_rules"])
        wanted["ingress_rules"] = [rules.plain(one) for one in params["ingress_rules"]]
        for one in wanted["ingress_rules"]:
            if "headers" in one:
                one["headers"] = rules.in_order(one["headers"])
    weight = params["ingress_weight"]
    if weight is not None:
        rules.check_destination("ingress_weight", weight)
        if not 0 <= weight["weight"] <= 100:
            raise InvalidInput(f"ingress_weight: weight must be from 0 to 100, not {weight['weight']}.")
        wanted["ingress_weight"] = rules.plain(weight)
    return wanted


def main() -> None:
    run_resource(SwimLane)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_sidecar_config
short_description: Configure the sidecars of a namespace
version_added: 0.2.0
author: The meshops.asm authors (@meshops)
description:
  - Sets how the sidecars of one namespace differ from what the mesh says for all, or takes these settings away.
  - What is not set for a namespace comes from the mesh (see M(meshops.asm.asm_mesh)), and annotations of a pod come
    before both.
  - A pod gets its sidecar when it is made. Those that run keep what they have until they are restarted, which is not
    part of this module.
options:
  name:
    description:
      - Name of the namespace.
    type: str
    required: true
    aliases: [namespace]
  state:
    description:
      - V(present) sets what is given.
      - V(absent) takes all settings of the namespace away, so that its sidecars follow the mesh again. The namespace
        itself stays.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - With O(state=present), takes the settings away that are not given, so that exactly the given ones remain.
      - Without it they stay as they are. An empty text, list or mapping takes a single setting away.
    type: bool
    default: false
  concurrency:
    description: Worker threads of the proxy. V(0) is one for each CPU.
    type: int
  log_level:
    description: Least important messages that the proxy logs, as V(info), V(debug), V(trace) or V(error).
    type: str
  hold_application_until_proxy_starts:
    description: Starts the containers of the application only when the proxy is ready.
    type: bool
  termination_drain_duration:
    description: For how long a proxy that is to end lets connections end first, as in V(5s).
    type: str
  lifecycle:
    description:
      - Lifecycle hooks of the proxy, C(postStart) and C(preStop), as those of a container in Kubernetes.
      - Whether O(hold_application_until_proxy_starts) works beside an own C(postStart) is up to that hook.
    type: dict
  readiness:
    description: The readiness probe of the proxy.
    type: dict
    suboptions:
      initial_delay_seconds:
        description: Seconds before the first probe.
        type: int
      period_seconds:
        description: Seconds between two probes.
        type: int
      failure_threshold:
        description: Failed probes in a row after which the proxy is not ready.
        type: int
  interception_mode:
    description:
      - How traffic is led through the proxy. V(TPROXY) keeps the source address, V(REDIRECT) does not.
    type: str
    choices: [REDIRECT, TPROXY]
  include_ip_ranges:
    description: CIDR ranges whose traffic goes through the sidecar, or V(*) alone for all. The order has no meaning.
    type: list
    elements: str
  exclude_ip_ranges:
    description: CIDR ranges whose traffic goes past the sidecar. The order has no meaning.
    type: list
    elements: str
  include_inbound_ports:
    description:
      - Ports of the pod whose incoming traffic goes through the sidecar, or V(*) alone for all. The order has no
        meaning.
    type: list
    elements: str
  exclude_inbound_ports:
    description: Ports of the pod whose incoming traffic goes past the sidecar. The order has no meaning.
    type: list
    elements: str
  include_outbound_ports:
    description: Ports whose outgoing traffic goes through the sidecar, whatever its address. The order has no meaning.
    type: list
    elements: str
  exclude_outbound_ports:
    description: Ports whose outgoing traffic goes past the sidecar. The order has no meaning.
    type: list
    elements: str
  dns_proxying_enabled:
    description: Lets the sidecars answer DNS queries of their pod.
    type: bool
  resources:
    description: What the proxy container may use.
    type: dict
    suboptions: &container
      requests:
        description: What the container gets for certain.
        type: dict
        suboptions: &resources
          cpu:
            description: CPU as a Kubernetes quantity, as in V(500m). V(1) and V(1000m) are equal.
            type: str
          memory:
            description: Memory as a Kubernetes quantity, as in V(512Mi).
            type: str
      limits:
        description: What the container gets at most.
        type: dict
        suboptions: *resources
  init_resources:
    description: What the init container that redirects the traffic may use.
    type: dict
    suboptions: *container
  batch_resources:
    description:
      - Reclaimed resources of ACK (C(kubernetes.io/batch-cpu), C(kubernetes.io/batch-memory)) that the proxy container
        may use, in pods with the label C(koordinator.sh/qosClass).
    type: dict
    suboptions: &batch
      requests:
        description: What the container gets for certain.
        type: dict
        suboptions: &reclaimed
          cpu:
            description: CPU in thousandths of a core, as in V(2000).
            type: str
          memory:
            description: Memory as a Kubernetes quantity, as in V(512Mi).
            type: str
      limits:
        description: What the container gets at most.
        type: dict
        suboptions: *reclaimed
  init_batch_resources:
    description: As O(batch_resources), of the init container.
    type: dict
    suboptions: *batch
  scaled_resources:
    description: Resources of the proxy container as a share of those of a container of the application.
    type: dict
    suboptions:
      container:
        description: Name of the container that the share is of.
        type: str
      strategy:
        description: How the share is computed. The service knows which values there are.
        type: str
      percentage:
        description: The share, in percent.
        type: int
  privileged:
    description: Runs the proxy containers privileged.
    type: bool
  core_dump_enabled:
    description: Lets the proxy write core dumps.
    type: bool
  proxy_metadata:
    description: Variables of the proxy's environment. Values become text.
    type: dict
  runtime_values:
    description: Runtime parameters of Envoy, as C(overload.global_downstream_max_connections). Values become text.
    type: dict
  smc_enabled:
    description: Speeds connections between nodes up by shared memory over RDMA (SMC-R), where nodes have it.
    type: bool
  stats_matcher:
    description: Which further statistics of Envoy the proxy reports. The order has no meaning.
    type: dict
    suboptions:
      inclusion_prefixes:
        description: Beginnings of names.
        type: list
        elements: str
      inclusion_suffixes:
        description: Ends of names.
        type: list
        elements: str
      inclusion_regexps:
        description: Regular expressions (RE2) for names.
        type: list
        elements: str
  tracing:
    description: Traces of the namespace.
    type: dict
    suboptions:
      sampling:
        description: Share of the requests that are traced, in percent from 0 to 100.
        type: float
      max_path_tag_length:
        description: Longest path of a request in a span.
        type: int
      custom_tags:
        description:
          - Tags of spans by their name, each with one of C(literal) (C(value)), C(header) and C(environment) (both
            C(name) and C(defaultValue)).
        type: dict
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.mesh
  - meshops.asm.wait
  - meshops.asm.attributes
seealso:
  - module: meshops.asm.asm_sidecar_config_info
  - module: meshops.asm.asm_namespace
  - module: meshops.asm.asm_mesh
"""

EXAMPLES = r"""
- name: Start the applications of a namespace behind their sidecars, and give these more
  meshops.asm.asm_sidecar_config:
    mesh: shop
    name: bookinfo
    hold_application_until_proxy_starts: true
    termination_drain_duration: 15s
    resources:
      requests:
        cpu: 200m
        memory: 256Mi
      limits:
        cpu: "2"
        memory: 1Gi

- name: Lead the traffic to a database past the sidecars, and set nothing else
  meshops.asm.asm_sidecar_config:
    mesh: shop
    name: bookinfo
    exclude_outbound_ports: [3306]
    purge: true

- name: Take a single setting away
  meshops.asm.asm_sidecar_config:
    mesh: shop
    name: bookinfo
    exclude_outbound_ports: []

- name: Follow the mesh again
  meshops.asm.asm_sidecar_config:
    mesh: shop
    name: bookinfo
    state: absent
"""

RETURN = r"""
sidecar_config:
  description:
    - What the namespace sets afterwards; V(null) when it sets nothing any more. In check mode as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the namespace.
      type: str
      returned: always
    settings:
      description: The settings, nested as the options are, without those that come from the mesh.
      type: dict
      returned: always
  sample:
    name: bookinfo
    settings:
      hold_application_until_proxy_starts: true
      resources:
        limits: {cpu: "2", memory: 1Gi}
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

from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DELETE,
    DONE,
    NONE,
    UPDATE,
    Look,
    Plan,
    Progress,
    Steps,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import argument_spec, nested, refuse_wrong
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, sidecar
from ansible_collections.meshops.asm.plugins.module_utils.mesh.sidecar_attributes import SIDECAR_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

# Looks (about a second) for which a setting that was taken away may still be shown: reads lag behind writes.
_LOOKS = 5

Json = dict[str, Any]


@dataclass(frozen=True)
class Changes:
    """``{dotted option: value}`` of what the namespace sets, and of what it is to set."""

    there: Json
    target: Json


class SidecarConfig(ResourceModule):
    """What the sidecars of one namespace do otherwise than those of the mesh."""

    result = "sidecar_config"
    options = {
        "name": {"type": "str", "required": True, "aliases": ["namespace"]},
        "mesh": {"type": "str", "required": True},
        "purge": {"type": "bool", "default": False},
        **argument_spec(SIDECAR_ATTRIBUTES),
    }

    # Looks at settings that were to go, and those that were still there at the last one.
    looks = 0
    left: tuple[str, ...] = ()

    def __init__(self, params: Json, cloud: Cloud) -> None:
        super().__init__(params, cloud)
        refuse_wrong(SIDECAR_ATTRIBUTES, params)
        self.wanted = {} if self.wants_absence() else sidecar.wanted(params)

    def find(self) -> Any:
        """``{dotted option: value}`` of what the namespace sets; nothing where there is no mesh."""
        if self.living_mesh() is None:
            return {}
        return sidecar.settings(sidecar.describe(self.cloud, self.id, self.params["name"]))

    def plan(self, found: Any) -> Plan:
        purge = self.params["purge"] or self.wants_absence()
        target = sidecar.target(found, self.wanted, purge=purge)
        before, after = self.view(found), self.view(target)
        if not sidecar.different(found, target):
            return Plan(NONE, before, before)
        action = UPDATE if target else DELETE
        return Plan(action, before, after, Changes(found, target), after, warnings=self.no_mesh_yet())

    def apply(self, plan: Plan) -> Steps:
        """The whole of the settings, as what is not among them may go; the documents leave open whether it does."""
        meshes.require_mesh(self.cloud, self.params["mesh"])
        named = {"ServiceMeshId": self.id, "Namespace": self.params["name"]}
        going = tuple(key for key in plan.changes.there if key not in plan.changes.target)
        for cleared in ((), going):
            yield self.settled
            self.cloud.asm(
                "UpdateNamespaceScopeSidecarConfig", **named, **sidecar.parameters(plan.changes.target, cleared)
            )
            if not going:
                return
            yield self.settled
            self.looks = 0
            yield self._gone(plan.changes.target)
            if not self.left:
                return
        raise Refused(
            f"The service keeps these settings of namespace {self.params['name']}: {', '.join(self.left)}. It does not "
            "take them away; give them the values that the mesh has instead."
        )

    def _gone(self, target: Json) -> Look:
        """Looks which settings are still shown although they were to go; not for ever, as the service may keep them."""

        def look() -> Progress:
            self.looks += 1
            self.left = tuple(key for key in self.find() if key not in target)
            what = f"the settings {', '.join(self.left)} of namespace {self.params['name']} to go"
            return waiting(what) if self.left and self.looks < _LOOKS else DONE

        return look

    def progress(self, plan: Plan) -> Progress:
        return meshes.state_progress(meshes.describe_mesh(self.cloud, self.id)) if self.id else DONE

    def view(self, found: Any) -> Any:
        return {"name": self.params["name"], "settings": nested(found)} if found else None


def main() -> None:
    run_resource(SidecarConfig)


if __name__ == "__main__":
    main()

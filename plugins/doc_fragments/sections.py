# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Written by tools/argument_specs.py from the rows of spec/sections.py: change it there.

from __future__ import annotations


class ModuleDocFragment:
    """The options of asm_preflight: the sections of a spec, as the roles describe their variables."""

    DOCUMENTATION = r"""
options:
  clusters:
    description: The clusters that are the mesh's data plane, each by its plain name
      or as an item of the option O(meshops.asm.asm_cluster#module:clusters).
    type: list
    elements: dict
    default: []
  user_permissions:
    description: Who may do what with the mesh's control plane, each RAM user or RAM
      role as options of M(meshops.asm.asm_user_permission).
    type: list
    elements: dict
    default: []
  gateways:
    description: The gateways of the mesh, each as options of M(meshops.asm.asm_gateway).
    type: list
    elements: dict
    default: []
  gateway_secrets:
    description: The TLS certificates of the gateways, each as options of M(meshops.asm.asm_gateway_secret).
      Their private keys belong into a vault.
    type: list
    elements: dict
    default: []
  namespaces:
    description: The namespaces of the applications, each as options of M(meshops.asm.asm_namespace).
    type: list
    elements: dict
    default: []
  waypoints:
    description: The waypoints of namespaces in ambient mode, each as options of M(meshops.asm.asm_waypoint).
    type: list
    elements: dict
    default: []
  sidecar_configs:
    description: What the sidecars of namespaces do otherwise than the mesh says for
      all, each as options of M(meshops.asm.asm_sidecar_config).
    type: list
    elements: dict
    default: []
  workloads:
    description: The applications, each a set of manifests, as options of M(meshops.asm.asm_workload).
    type: list
    elements: dict
    default: []
  extension_providers:
    description: Services that decide about requests, for policies with the action
      C(CUSTOM), each as options of M(meshops.asm.asm_extension_provider).
    type: list
    elements: dict
    default: []
  istio_resources:
    description: What is defined in the control plane, each a set of Istio resources,
      as options of M(meshops.asm.istio_resource).
    type: list
    elements: dict
    default: []
  gateway_domains:
    description: The domains that gateways listen for, where the service makes their
      Gateways, each as options of M(meshops.asm.asm_gateway_domain).
    type: list
    elements: dict
    default: []
  gateway_routes:
    description: The routes of gateways, where the service makes their VirtualServices,
      each as options of M(meshops.asm.asm_gateway_route).
    type: list
    elements: dict
    default: []
  swim_lane_groups:
    description: The groups of swim lanes of the mesh, each as options of M(meshops.asm.asm_swim_lane_group).
    type: list
    elements: dict
    default: []
  swim_lanes:
    description: The swim lanes of the groups, each as options of M(meshops.asm.asm_swim_lane).
    type: list
    elements: dict
    default: []
  checks:
    description: What the traffic must be seen to do, each item as options of M(meshops.asm.asm_probe),
      with a C(name) and the C(service) that it is about.
    type: list
    elements: dict
    default: []
"""

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: asm
short_description: Meshes, clusters and gateways of Alibaba Cloud Service Mesh as hosts
version_added: 0.1.0
description:
  - Reads the meshes of the account, the clusters that are attached to them and their gateways. Each is a host.
  - The name of a file with its options ends in V(asm.yml) or V(asm.yaml).
  - A mesh is named by its name, a cluster and a gateway as in V(shop.cluster.shop-1) and
    V(shop.gateway.ingressgateway). Where several meshes have one name, their ids stand in its place.
  - The variable V(mesh_kind) of a host is V(mesh), V(cluster) or V(gateway), and the facts are in the variable of
    that name, in the keys of the modules' results (RV(meshops.asm.asm_mesh#module:mesh),
    RV(meshops.asm.asm_cluster#module:clusters), RV(meshops.asm.asm_gateway#module:gateway)). Clusters and gateways
    have the variable V(mesh) of their mesh as well.
  - All hosts have the connection V(local), because the modules reach meshes by the API.
  - Credentials are never among the variables, and not in the cache.
  - What the account says is never taken for a template. Names of hosts show control characters as in V(\\x1b), names of
    groups are made of letters, digits and underscores.
requirements:
  - python >= 3.10
  - alibabacloud_servicemesh20200111
  - alibabacloud_credentials
author:
  - The meshops.asm authors (@meshops)
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [meshops.asm.asm]
  kinds:
    description:
      - What becomes hosts. V(gateway) needs a way to the API servers of the control planes; a control plane that
        cannot be reached is told in a warning, and its gateways are left out.
      - A mesh that the caller may not read is told in a warning as well, and the rest is there.
    type: list
    elements: str
    choices: [mesh, cluster, gateway]
    default: [mesh, cluster, gateway]
  regions:
    description: Only meshes in these regions. Unset means the region of O(region), and without that all regions.
    type: list
    elements: str
  mesh_tags:
    description: Only meshes that carry all of these tags with these values, and what belongs to them.
    type: dict
  group_by:
    description:
      - Groups that are made besides V(meshes), V(clusters) and V(gateways). V(region), V(state), V(version) and V(tag)
        give groups like V(region_cn_hangzhou), V(state_running), V(version_v1_22_6) and V(tag_team_shop).
      - Version and tags are those of the mesh, for its clusters and gateways, too.
    type: list
    elements: str
    choices: [region, state, version, tag]
    default: [region, state, version, tag]
  access_key_id:
    description:
      - Id of the AccessKey with which the calls are signed.
      - A credential comes whole from one source, in the order that the modules have. In a file for the plugin
        O(access_key_id) or O(profile) win over all variables.
    type: str
    env:
      - name: ALIBABA_CLOUD_ACCESS_KEY_ID
      - name: ALICLOUD_ACCESS_KEY_ID
      - name: ALICLOUD_ACCESS_KEY
  access_key_secret:
    description: Secret of the AccessKey. Better left to the environment, or a template that reads a vault.
    type: str
    env:
      - name: ALIBABA_CLOUD_ACCESS_KEY_SECRET
      - name: ALICLOUD_SECRET_ACCESS_KEY
      - name: ALICLOUD_SECRET_KEY
  security_token:
    description: Token that belongs to a temporary AccessKey of the Security Token Service (STS).
    type: str
    env:
      - name: ALIBABA_CLOUD_SECURITY_TOKEN
      - name: ALICLOUD_SECURITY_TOKEN
  profile:
    description: Name of a profile in the configuration of the Alibaba Cloud CLI, or of the credentials file.
    type: str
    env:
      - name: ALIBABA_CLOUD_PROFILE
      - name: ALICLOUD_PROFILE
  role_arn:
    description: ARN of a RAM role that is assumed on top of the identity, whichever it is.
    type: str
    env:
      - name: ALICLOUD_ASSUME_ROLE_ARN
  role_session_name:
    description: Name under which the assumed role appears in the account's audit trail.
    type: str
    default: meshops-asm
    env:
      - name: ALIBABA_CLOUD_ROLE_SESSION_NAME
      - name: ALICLOUD_ASSUME_ROLE_SESSION_NAME
  region:
    description: Region of the calls, and of the meshes unless O(regions) is set. Unset means that of the profile.
    type: str
    env:
      - name: ALIBABA_CLOUD_REGION_ID
      - name: ALIBABA_CLOUD_REGION
      - name: ALICLOUD_REGION_ID
      - name: ALICLOUD_REGION
  asm_endpoint:
    description: Host, or URL without a path, of the ASM API. Unset means the public endpoint.
    type: str
    env:
      - name: MESHOPS_ASM_ENDPOINT
  api_server_address:
    description:
      - Which address of a mesh's API server is used to read its gateways, as the option of that name of the modules.
    type: str
    choices: [auto, public, private]
    default: auto
    env:
      - name: MESHOPS_API_SERVER_ADDRESS
  api_timeout:
    description: For how many seconds a single API call is tried again when it fails for a passing reason.
    type: int
    default: 60
    env:
      - name: MESHOPS_API_TIMEOUT
"""

EXAMPLES = r"""
# asm.yml: everything in one region, credentials from the environment
plugin: meshops.asm.asm
regions: [cn-hangzhou]

---
# team.asm.yml: meshes of a team with groups and variables of one's own, kept for an hour
plugin: meshops.asm.asm
kinds: [mesh, gateway]
mesh_tags:
  team: shop
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/asm-inventory
cache_timeout: 3600
keyed_groups:
  - key: mesh.cluster_spec
    prefix: edition
compose:
  entrance: gateway.addresses.values() | flatten | first
groups:
  unhealthy: mesh.state != "running"
"""

import functools
import hashlib
import json
from typing import Any

from ansible.inventory.group import to_safe_group_name
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.meshops.asm.plugins.module_utils.flow import emptiness
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import printable
from ansible_collections.meshops.asm.plugins.plugin_utils import inventory_hosts
from ansible_collections.meshops.asm.plugins.plugin_utils.clean_failure import clean_parse
from ansible_collections.meshops.asm.plugins.plugin_utils.inventory_account import fingerprint, read_account
from ansible_collections.meshops.asm.plugins.plugin_utils.untrusted import untrusted, untrusted_name

_SUFFIXES = ("asm.yml", "asm.yaml")
_CLOUD = (
    "access_key_id", "access_key_secret", "security_token", "profile", "role_arn", "role_session_name", "region",
    "asm_endpoint", "api_server_address", "api_timeout",
)  # fmt: skip
# Those that choose what becomes hosts: empty ones would choose everything.
_CHOICES = ("kinds", "regions", "mesh_tags")
# Those that are one credential: their variables count as the modules count them, not one by one.
_CREDENTIAL = ("access_key_id", "access_key_secret", "security_token", "profile", "role_arn", "region")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the account (or the cache), and makes hosts and groups of it."""

    NAME = "meshops.asm.asm"

    # Whatever TRANSFORM_INVALID_GROUP_CHARS says: a group that is named by a tag is no template either.
    _sanitize_group_name = staticmethod(functools.partial(to_safe_group_name, force=True, silent=True))

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(_SUFFIXES)

    @clean_parse
    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._given = frozenset(self._read_config_data(path))
        emptiness.refuse_choices({name: self.get_option(name) for name in self._given & {*_CHOICES, *_CLOUD}})
        records = self._records(path, cache)
        for warning in records["warnings"]:
            self.display.warning(printable(warning))
        for host in inventory_hosts.hosts_of(records["meshes"], self.get_option("kinds"), self.get_option("group_by")):
            self._add(untrusted_name(host.name), host.groups, untrusted(host.variables))

    def _add(self, name: str, groups: list[str], variables: dict[str, Any]) -> None:
        """One host. The only place where something of the account reaches Ansible: all of it is marked by now."""
        strict = self.get_option("strict")
        self.inventory.add_host(name)
        for group in groups:
            self.inventory.add_child(self.inventory.add_group(group), name)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)

    def _records(self, path: str, cache: bool) -> dict[str, Any]:
        """``{meshes, warnings}``, from the cache where that is wanted and filled."""
        options = {
            name: self._rendered(self.get_option(name)) if name in self._given or name not in _CREDENTIAL else None
            for name in _CLOUD
        }
        wanted = {name: self.get_option(name) for name in _CHOICES}
        identity = json.dumps([fingerprint(options), options["asm_endpoint"], wanted], sort_keys=True, default=str)
        key = f"{self.get_cache_key(path)}_{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
        use = self.get_option("cache")
        if use and cache:
            try:
                return dict(self._cache[key])
            except KeyError:
                pass
        records = read_account(options, **wanted)
        if use:
            self._cache[key] = records
        return records

    def _rendered(self, value: Any) -> Any:
        return self.templar.template(value) if isinstance(value, str) and self.templar.is_template(value) else value

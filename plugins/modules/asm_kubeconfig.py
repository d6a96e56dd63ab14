#!/usr/bin/python
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asm_kubeconfig
short_description: Get and revoke the kubeconfig of a mesh or of a cluster
version_added: 0.1.0
description:
  - Fetches the kubeconfig of a mesh's control plane (for Istio resources only) or of a data-plane cluster (for
    applications only), writes it to a file that only its owner can read, or returns it.
  - The two are not interchangeable, see O(mesh) and O(cluster).
  - The other modules of this collection get their kubeconfigs by themselves and need no file.
extends_documentation_fragment:
  - meshops.asm.cloud
  - meshops.asm.attributes
options:
  mesh:
    description: Name or id of the mesh whose control plane the kubeconfig is for. Applications cannot run there.
    type: str
  cluster:
    description: Name or id of the ACK cluster that the kubeconfig is for. Istio resources do not belong there.
    type: str
  address:
    description:
      - Which address of the API server the kubeconfig names.
      - V(auto) is V(public) where there is a public one, else V(private).
    type: str
    choices: [auto, public, private]
    default: auto
  dest:
    description:
      - File to write, with mode 0600. An existing file that still works is left as it is.
      - A missing folder is an error, so that a typing mistake does not spread secrets.
    type: path
  return_content:
    description:
      - Returns the kubeconfig as RV(kubeconfig). It is a secret, register it only in tasks with C(no_log).
    type: bool
    default: false
  duration_minutes:
    description:
      - How long a kubeconfig of a cluster is to be valid, from 15 to 4320 minutes. The service's own default is
        three years.
      - The API knows no such choice for a mesh.
    type: int
  force:
    description: Fetches and writes the file even when the one that is there still works.
    type: bool
    default: false
  state:
    description:
      - V(present) makes sure that there is a kubeconfig.
      - V(absent) removes the file of O(dest), and with O(revoke) makes the caller's certificate invalid.
    type: str
    choices: [present, absent]
    default: present
  revoke:
    description:
      - With O(state=absent), revokes the caller's kubeconfig of the mesh or the cluster, wherever copies of it are.
      - The service then makes a new one at the next request.
    type: bool
    default: true
seealso:
  - module: meshops.asm.istio_resource
  - module: meshops.asm.asm_workload
author:
  - The meshops.asm authors (@meshops)
"""

EXAMPLES = r"""
- name: Kubeconfig of the control plane, for kubectl and istioctl
  meshops.asm.asm_kubeconfig:
    mesh: shop
    dest: ~/.kube/shop-mesh.yaml

- name: Kubeconfig of a data-plane cluster for one working day
  meshops.asm.asm_kubeconfig:
    cluster: shop-1
    dest: ~/.kube/shop-1.yaml
    duration_minutes: 480

- name: Revoke what was handed out
  meshops.asm.asm_kubeconfig:
    mesh: shop
    dest: ~/.kube/shop-mesh.yaml
    state: absent
"""

RETURN = r"""
server:
  description: The API server that the kubeconfig names; null when there is none.
  returned: success
  type: str
  sample: https://192.0.2.10:6443
dest:
  description: The file, when one was asked for.
  returned: when O(dest) is set
  type: str
  sample: /home/user/.kube/shop-mesh.yaml
expires:
  description: When the kubeconfig ends, as the service says it; empty where it does not.
  returned: O(state=present) when it was fetched
  type: str
  sample: "2029-11-21 11:20:00"
kubeconfig:
  description: The kubeconfig as YAML text. A secret.
  returned: O(return_content=true)
  type: str
  sample: "apiVersion: v1\nkind: Config\n..."
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
  description: What the service said, see M(meshops.asm.asm_mesh).
  returned: failure
  type: dict
  sample: {code: NotFound, message: "No mesh with the name or id 'shop'...", request_id: "", http_status: null}
"""

import hashlib
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils import secret_file
from ansible_collections.meshops.asm.plugins.module_utils.cloud import access, meshes
from ansible_collections.meshops.asm.plugins.module_utils.errors import NotFound
from ansible_collections.meshops.asm.plugins.module_utils.kube import probe
from ansible_collections.meshops.asm.plugins.module_utils.kube.libraries import library
from ansible_collections.meshops.asm.plugins.module_utils.module import ResourceModule, run_resource
from ansible_collections.meshops.asm.plugins.module_utils.reconcile import DELETE, UPDATE, Plan


class Kubeconfig(ResourceModule):
    result = "server"
    waits = False
    options = {
        "mesh": {"type": "str"},
        "cluster": {"type": "str"},
        "address": {"type": "str", "choices": ["auto", "public", "private"], "default": "auto"},
        "dest": {"type": "path"},
        "return_content": {"type": "bool", "default": False},
        "duration_minutes": {"type": "int"},
        "force": {"type": "bool", "default": False},
        "revoke": {"type": "bool", "default": True},
    }
    rules = {
        "mutually_exclusive": [("mesh", "cluster"), ("mesh", "duration_minutes")],
        "required_one_of": [("mesh", "cluster")],
    }

    def find(self) -> Any:
        """``{target, fetched, file, works}``; an absent mesh or cluster has no kubeconfig."""
        dest = self.params["dest"]
        file = secret_file.read(dest) if dest else None
        target = self._target()
        if self.params["state"] == "absent" or target is None:
            return {"target": target, "fetched": None, "file": file, "works": False}
        fetched = self._fetch(target)
        works = file is not None and not self.params["force"] and secret_file.is_private(dest)
        works = works and (_same(file, fetched["text"]) or _usable(file, fetched["text"]))
        return {"target": target, "fetched": fetched, "file": file, "works": works}

    def _target(self) -> Any:
        if self.params["mesh"]:
            return meshes.find_mesh(self.cloud, self.params["mesh"])
        return access.require_cluster(self.cloud, self.params["cluster"])

    def _fetch(self, target: Any) -> dict[str, str]:
        private = {"auto": None, "public": False, "private": True}[self.params["address"]]
        if self.params["mesh"]:
            reply = access.fetch_mesh_kubeconfig(self.cloud, target, private=private)
            return {"text": reply["Kubeconfig"], "expires": reply.get("ExpireTime") or ""}
        minutes = self.params["duration_minutes"]
        reply = access.fetch_cluster_kubeconfig(self.cloud, target, private=private, minutes=minutes)
        return {"text": reply["config"], "expires": reply.get("expiration") or ""}

    def plan(self, found: Any) -> Plan:
        before = self._shown(found["file"])
        if self.params["state"] == "absent":
            revokes = self.params["revoke"] and found["target"] is not None
            if found["file"] is None and (self.params["dest"] or not revokes):
                return Plan(before=before, after=before)
            return Plan(DELETE, before, self._shown(None), found["target"] if revokes else None)
        if found["target"] is None:
            warning = f"Mesh '{self.params['mesh']}' does not exist yet."
            return Plan(UPDATE, before, {"dest": self.params["dest"], "server": None}, warnings=(warning,))
        if not self.params["dest"] or found["works"]:
            return Plan(before=before, after=before, predicted=self.view(found))
        text = found["fetched"]["text"]
        kept = found["file"] is not None and _same(found["file"], text)
        after = {"dest": self.params["dest"], "server": _server(text), "mode": "0600"}
        after["content"] = before["content"] if kept else "(new)"
        return Plan(UPDATE, before, after, text, self.view(found))

    def _shown(self, text: str | None) -> dict[str, Any]:
        """What a diff may show of a kubeconfig file: a digest stands for its content."""
        dest = self.params["dest"]
        if text is None:
            return {"dest": dest, "server": None}
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return {"dest": dest, "server": _server(text), "mode": secret_file.mode(dest), "content": digest}

    def apply(self, plan: Plan) -> None:
        if plan.action == DELETE:
            if plan.changes is not None:
                self._revoke(plan.changes)
            if self.params["dest"]:
                secret_file.remove(self.params["dest"])
        elif plan.changes is None:
            raise NotFound(f"No mesh with the name or id '{self.params['mesh']}': it has no kubeconfig.")
        else:
            secret_file.write(self.params["dest"], plan.changes)

    def _revoke(self, target: Any) -> None:
        if self.params["mesh"]:
            private = self.params["address"] != "public"
            self.cloud.asm("RevokeKubeconfig", ServiceMeshId=meshes.mesh_id(target), PrivateIpAddress=private)
        else:
            self.cloud.cs("RevokeK8sClusterKubeConfig", str(target["cluster_id"]))

    def view(self, found: Any) -> Any:
        self.latest = found
        return _server(found["fetched"]["text"]) if found["fetched"] else None

    def extra(self, plan: Plan) -> dict[str, Any]:
        fetched = (getattr(self, "latest", None) or {}).get("fetched") or {}
        more = {"dest": self.params["dest"]} if self.params["dest"] else {}
        if fetched:
            more["expires"] = fetched["expires"]
        if fetched and self.params["return_content"]:
            more["kubeconfig"] = fetched["text"]
        return more


def _yaml(text: str) -> Any:
    """The parsed text; ``None`` when it is no YAML, as the file at ``dest`` may hold anything."""
    yaml = library("yaml", "PyYAML")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _same(one: str, other: str) -> bool:
    return bool(_yaml(one) == _yaml(other))


def _server(text: str) -> str | None:
    """The API server that a kubeconfig names; ``None`` when the text is none."""
    try:
        return str(_yaml(text)["clusters"][0]["cluster"]["server"])
    except (KeyError, IndexError, TypeError):
        return None


def _usable(file: str, fetched: str) -> bool:
    """Whether another kubeconfig of the same API server is still accepted there.

    The service may make a new certificate at each request; one that works need not be replaced.
    """
    known = _yaml(file)
    if not isinstance(known, dict) or not known.get("clusters"):
        return False
    return known["clusters"][0] == _yaml(fetched)["clusters"][0] and probe.accepted(file)


def main() -> None:
    run_resource(Kubeconfig)


if __name__ == "__main__":
    main()

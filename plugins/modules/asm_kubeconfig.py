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
    applications only) and merges it into a file that only its owner can read, or returns it.
  - The two are not interchangeable, see O(mesh) and O(cluster).
  - The other modules of this collection get their kubeconfigs by themselves and need no file.
  - In the file, a context, a cluster and a user of one name are this module's, see O(context_name). Each carries a mark
    among its C(extensions), by which it is known later. Everything else stays as it is, whoever wrote it; only comments
    and the layout are lost, as with kubectl. A file that is no kubeconfig is refused.
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
      - V(auto) is what O(api_server_address) says of a mesh, else V(public) where there is a public one, else
        V(private).
    type: str
    choices: [auto, public, private]
    default: auto
  dest:
    description:
      - File to merge the kubeconfig into, or to take it out of. A new file has mode 0600; from one that is there, only
        the rights of others are taken. Its owner stays.
      - An entry that still works is left as it is.
      - A symbolic link stays one, what it leads to is written.
      - A missing folder is an error, so that a typing mistake does not spread secrets.
    type: path
  context_name:
    description:
      - Name of the context, the cluster and the user in O(dest). It must not be that of somebody else's.
      - Unset means C(<name>_<id>) of the mesh or the cluster, which is the same in no other account.
    type: str
  set_current_context:
    description:
      - Makes the context the current one of O(dest), at every run. Without it, the context becomes that only in a file
        that has no current context.
      - C(aws eks update-kubeconfig) and C(gcloud container clusters get-credentials) do it unasked; here, the cluster
        that the next command of a person goes to is not changed by a playbook unless that is wanted.
    type: bool
    default: false
  backup:
    description: Keeps a copy of O(dest) beside it before it is changed, with the same owner and mode 0600 or less.
    type: bool
    default: false
  return_content:
    description:
      - Returns the kubeconfig as RV(kubeconfig). It is a secret, register it only in tasks with C(no_log).
    type: bool
    default: false
  duration_minutes:
    description:
      - How long a kubeconfig of a cluster is to be valid, from 15 to 4320 minutes. The service's own default is
        three years.
      - An entry of O(dest) that was made for less, or has less than half of it left, is replaced. One that is valid for
        longer stays, with a warning; O(force) replaces it. RV(expires) says what is true of the file.
      - The API knows no such choice for a mesh.
    type: int
  force:
    description: Fetches and writes the entry even when the one that is there still works.
    type: bool
    default: false
  state:
    description:
      - V(present) makes sure that there is a kubeconfig.
      - V(absent) takes the entry of the mesh or the cluster out of O(dest), and with O(revoke) makes the caller's
        certificate invalid. The entry is known by its mark, also when the mesh or the cluster is gone from the account.
      - A file in which nothing is left is removed; the target of a link stays, as a kubeconfig without entries.
    type: str
    choices: [present, absent]
    default: present
  revoke:
    description:
      - With O(state=absent), revokes the caller's kubeconfig of the mesh or the cluster, wherever copies of it are.
      - The service then makes a new one at the next request.
      - V(false) with O(dest) asks the service for nothing, so that no credentials are needed.
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

- name: Merge it into the kubeconfig that people use, under a name of their choice
  meshops.asm.asm_kubeconfig:
    cluster: shop-1
    dest: ~/.kube/config
    context_name: shop-1
    backup: true

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
context:
  description: Name of the context in O(dest).
  returned: O(state=present) when O(dest) is set
  type: str
  sample: shop_c0123456789abcdef0123456789abcdef
backup_file:
  description: The copy of O(dest) that was made before it was changed.
  returned: O(backup=true) when there was a file and it was changed
  type: str
  sample: /home/user/.kube/config.4711.2026-11-21@11:20:00~
expires:
  description:
    - When the kubeconfig ends, in UTC, as the certificate or the token of the file (or of what was fetched) says it.
    - Where neither says it, what the service says of a kubeconfig that was fetched, else empty.
  returned: O(state=present) when it was fetched
  type: str
  sample: "2029-11-21T11:20:00Z"
kubeconfig:
  description: The kubeconfig as YAML or JSON text, with the credentials that are in O(dest). A secret.
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
import json
import time
from pathlib import Path
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cluster import access
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DELETE, UPDATE, Plan
from ansible_collections.meshops.asm.plugins.module_utils.kube import probe, secret_file, validity
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig_file import KubeconfigFile, Target
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, run_resource

# Seconds by which a new kubeconfig must outlive the one that is there, so that it is worth writing.
_WORTH = 60


class Kubeconfig(ResourceModule):
    result = "server"
    waits = False
    options = {
        "mesh": {"type": "str"},
        "cluster": {"type": "str"},
        "address": {"type": "str", "choices": ["auto", "public", "private"], "default": "auto"},
        "dest": {"type": "path"},
        "context_name": {"type": "str"},
        "set_current_context": {"type": "bool", "default": False},
        "backup": {"type": "bool", "default": False},
        "return_content": {"type": "bool", "default": False},
        "duration_minutes": {"type": "int"},
        "force": {"type": "bool", "default": False},
        "revoke": {"type": "bool", "default": True},
    }
    rules = {
        "mutually_exclusive": [("mesh", "cluster"), ("mesh", "duration_minutes")],
        "required_one_of": [("mesh", "cluster")],
        "required_by": {"context_name": ("dest",)},
    }

    latest: dict[str, Any] | None = None
    written = False
    backup_file: str | None = None

    def find(self) -> Any:
        """``{file, context, target, found, fetched, keeps}``.

        ``file`` is what is at ``dest``, ``context`` the name of our entry in it (or the one that it is to get),
        ``found`` the mesh or the cluster, ``target`` the same as entries know it, ``fetched`` what the service hands
        out, ``keeps`` whether the credentials in the file do. What is absent is ``None``.
        """
        file = self._file()
        if self.params["state"] == "absent":
            return self._find_leaving(file)
        found = self._find()
        nothing = {"file": file, "context": None, "target": None, "found": None, "fetched": None, "keeps": False}
        if found is None:
            return nothing
        target = self._target(found)
        fetched = self._fetch(found)
        context = self.params["context_name"] or target.default_name
        keeps = file is not None and not self.params["force"] and self._keeps(file, context, target, fetched)
        return {**nothing, "context": context, "target": target, "found": found, "fetched": fetched, "keeps": keeps}

    def _find_leaving(self, file: KubeconfigFile | None) -> Any:
        """Our entry is known by its mark, so a mesh or a cluster that is gone, or cannot be asked for, is no matter."""
        context, wanted = self._marked(file) if file else (None, None)
        found = None
        if self.params["revoke"] and (context is not None or not self.params["dest"]):
            found = self._find(wanted)
        elif self.params["revoke"] and file and file.marks():
            # It may have been renamed since its entry was made.
            found = self._find()
            context = self._marked(file, self._target(found).id)[0] if found else None
        return {"file": file, "context": context, "target": None, "found": found, "fetched": None, "keeps": False}

    def _marked(self, file: KubeconfigFile, identifier: str | None = None) -> tuple[str | None, str | None]:
        """The context of our entry for the mesh or cluster of the options (or of that id), and the id of its mark."""
        wanted = identifier or self.params["mesh"] or self.params["cluster"]
        fits = {
            context: str(mark.get("id"))
            for context, mark in file.marks().items()
            if mark.get("type") in (None, self._type) and wanted in (mark.get("id"), mark.get("name"))
        }
        named = self.params["context_name"]
        if named:
            return (named, fits[named]) if named in fits else (None, None)
        if len(fits) > 1:
            listed = ", ".join(f"{context} ({key})" for context, key in fits.items())
            raise Ambiguous(
                f"{self.params['dest']} has more than one entry for {self._type} '{wanted}': {listed}. "
                "Name the one you mean by its id, or with context_name."
            )
        return next(iter(fits.items()), (None, None))

    def _file(self) -> KubeconfigFile | None:
        dest = self.params["dest"]
        text = secret_file.read(dest) if dest else None
        return None if text is None else KubeconfigFile.parse(text, dest)

    @property
    def _type(self) -> str:
        return "mesh" if self.params["mesh"] else "cluster"

    def _find(self, known: str | None = None) -> Any:
        """The mesh or the cluster, of the id in an entry if there is one; an absent one is no failure on removal."""
        if self.params["mesh"]:
            return meshes.find_mesh(self.cloud, known or self.params["mesh"])
        try:
            return access.require_cluster(self.cloud, known or self.params["cluster"])
        except NotFound:
            if self.params["state"] == "absent":
                return None
            raise

    def _target(self, found: Any) -> Target:
        if self.params["mesh"]:
            about = meshes.info(found)
            return Target("mesh", meshes.mesh_id(found), str(about.get("Name") or ""), str(about.get("RegionId") or ""))
        known = {key: str(found.get(key) or "") for key in ("cluster_id", "name", "region_id")}
        return Target("cluster", known["cluster_id"], known["name"], known["region_id"])

    def _fetch(self, found: Any) -> dict[str, Any]:
        private = {"auto": None, "public": False, "private": True}[self.params["address"]]
        if self.params["mesh"]:
            reply = access.fetch_mesh_kubeconfig(self.cloud, found, private=private)
            text, expires = reply["Kubeconfig"], reply.get("ExpireTime")
        else:
            minutes = self.params["duration_minutes"]
            reply = access.fetch_cluster_kubeconfig(self.cloud, found, private=private, minutes=minutes)
            text, expires = reply["config"], reply.get("expiration")
        config = KubeconfigFile.parse(str(text), "What the service hands out")
        return {"text": str(text), "config": config, "expires": expires or ""}

    def _keeps(self, file: KubeconfigFile, context: str, target: Target, fetched: dict[str, Any]) -> bool:
        """Whether the credentials in the file are good enough: of this server, accepted, and valid for long enough.

        The service may make a new certificate at each request; one that works need not be replaced.
        """
        known, new = file.entry(context), fetched["config"].entry(fetched["config"].current)
        if known is None or new is None:
            return False
        wanted = file.merged(context, target, fetched["config"], keep_user=True).entry(context)
        if wanted is None or wanted["cluster"] != known["cluster"] or self._ends_too_early(known["user"], new["user"]):
            return False
        credentials = {key: value for key, value in known["user"].items() if key != "extensions"}
        return credentials == new["user"] or probe.accepted(file.alone(context))

    def _ends_too_early(self, known: dict[str, Any], new: dict[str, Any]) -> bool:
        """Whether the user in the file falls short of ``duration_minutes``, and the new one is better."""
        until, offered = validity.of_user(known), validity.of_user(new)
        minutes = self.params["duration_minutes"]
        if not minutes or until is None or offered is None:
            return False
        return until.is_too_short(minutes, time.time()) and offered.end > until.end + _WORTH

    def plan(self, found: Any) -> Plan:
        file = found["file"]
        before = self._shown(file, found["context"])
        if self.params["state"] == "absent":
            return self._plan_removal(found, before)
        if found["target"] is None:
            return Plan(UPDATE, before, {"dest": self.params["dest"], "server": None}, warnings=self.no_mesh_yet())
        if not self.params["dest"]:
            return Plan(before=before, after=before, predicted=self.view(found))
        merged = self._merged(file, found)
        private = file is not None and secret_file.is_private(self.params["dest"])
        if file is not None and private and merged.same(file) and not self.params["force"]:
            return Plan(before=before, after=before, predicted=self.view(found), warnings=self._too_long(found))
        after = self._shown(merged, found["context"])
        after["mode"] = secret_file.private_mode(self.params["dest"])
        if not found["keeps"]:
            # The service makes other credentials at each request, so what check mode has seen is not what will be.
            after["content"] = "(new)"
        return Plan(UPDATE, before, after, found, self.view(found))

    def _merged(self, file: KubeconfigFile | None, found: Any) -> KubeconfigFile:
        """The file with our entry; one under the default name of a mesh that was renamed since is replaced."""
        base = file or KubeconfigFile.parse("", self.params["dest"])
        context, target = found["context"], found["target"]
        current = self.params["set_current_context"]
        for old, mark in base.marks().items():
            renamed = old != context and old.endswith(f"_{target.id}") and mark.get("id") == target.id
            if renamed and not self.params["context_name"]:
                current = current or base.current == old
                base = base.without(old)
        return base.merged(context, target, found["fetched"]["config"], keep_user=found["keeps"], current=current)

    def _plan_removal(self, found: Any, before: dict[str, Any]) -> Plan:
        file, context = found["file"], found["context"]
        if context is None and (self.params["dest"] or found["found"] is None):
            return Plan(before=before, after=before)
        if context is None:
            return Plan(DELETE, before, self._shown(None, None), found)
        left = self._left(file, context)
        warnings = tuple(
            f"The context '{other}' of {self.params['dest']} leads to what is taken out, and works no more."
            for other in file.users_of(context)
        )
        after = self._shown(left, context)
        if left:
            after["mode"] = secret_file.private_mode(self.params["dest"])
        return Plan(DELETE, before, after, found, warnings=warnings)

    def _left(self, file: KubeconfigFile, context: str) -> KubeconfigFile | None:
        """What stays when our entry goes; ``None`` when the file held nothing else, and is no link, and so goes too."""
        left = file.without(context)
        return None if left.is_empty() and not Path(self.params["dest"]).is_symlink() else left

    def _too_long(self, found: Any) -> tuple[str, ...]:
        """A warning where the file outlives what was asked for: it is left, because others may be using it."""
        minutes = self.params["duration_minutes"]
        until = self._validity(found)
        if not minutes or until is None or until.end - time.time() < (minutes + 5) * 60:
            return ()
        return (
            f"The kubeconfig in {self.params['dest']} is valid until {until.ends}, longer than duration_minutes: "
            "force replaces it, and revoking it ends it.",
        )

    def _shown(self, file: KubeconfigFile | None, context: str | None) -> dict[str, Any]:
        """What a diff may show of a kubeconfig file: a digest stands for the credentials of our entry."""
        shown: dict[str, Any] = {"dest": self.params["dest"], "server": None}
        if file is None:
            return shown
        entry = file.entry(context) if context else None
        if entry:
            shown["server"] = entry["cluster"].get("server")
            text = json.dumps([entry["cluster"], entry["user"]], sort_keys=True, default=str)
            shown["content"] = hashlib.sha256(text.encode()).hexdigest()[:12]
        if Path(self.params["dest"]).exists():
            shown["mode"] = secret_file.mode(self.params["dest"])
        return {**shown, "contexts": file.contexts, "current_context": file.current}

    def apply(self, plan: Plan) -> None:
        if plan.changes is None:
            raise NotFound(f"No mesh with the name or id '{self.params['mesh']}': it has no kubeconfig.")
        if plan.action == DELETE and plan.changes["found"] is not None:
            self._revoke(plan.changes["found"])
        if not self.params["dest"]:
            return
        with secret_file.locked(self.params["dest"]):
            # Another task may have merged its own entry meanwhile.
            self._write(plan, self._file())

    def _write(self, plan: Plan, file: KubeconfigFile | None) -> None:
        dest, found = self.params["dest"], plan.changes
        if plan.action == DELETE:
            if file is None:
                return
            left = self._left(file, found["context"])
        else:
            left = self._merged(file, found)
        if self.params["backup"]:
            self.backup_file = secret_file.backup(dest)
        if left is None:
            secret_file.remove(dest)
        else:
            secret_file.write(dest, left.text())
        self.written = True

    def _revoke(self, found: Any) -> None:
        if self.params["mesh"]:
            private = self.params["address"] != "public"
            self.cloud.asm("RevokeKubeconfig", ServiceMeshId=meshes.mesh_id(found), PrivateIpAddress=private)
        else:
            self.cloud.cs("RevokeK8sClusterKubeConfig", str(found["cluster_id"]))

    def wrote(self) -> bool:
        return self.written or super().wrote()

    def view(self, found: Any) -> Any:
        self.latest = found
        entry = self._effective(found)
        return entry["cluster"].get("server") if entry else None

    def _in_file(self, found: Any) -> bool:
        """Whether the file has what counts, and not what the service hands out at this moment."""
        return bool(found["file"] and found["context"] and (found["keeps"] or self.written))

    def _effective(self, found: Any) -> dict[str, Any] | None:
        """The entry that is in the file, or that would be written or returned."""
        if not found["fetched"]:
            return None
        if self._in_file(found):
            return found["file"].entry(found["context"]) if found["file"] else None
        config = found["fetched"]["config"]
        entry: dict[str, Any] | None = config.entry(config.current)
        return entry

    def _validity(self, found: Any) -> validity.Validity | None:
        entry = self._effective(found)
        return validity.of_user(entry["user"]) if entry else None

    def extra(self, plan: Plan) -> dict[str, Any]:
        more = {"dest": self.params["dest"]} if self.params["dest"] else {}
        if self.backup_file:
            more["backup_file"] = self.backup_file
        found = self.latest
        if not found or not found["fetched"]:
            return more
        until = self._validity(found)
        more["expires"] = until.ends if until else ("" if self._in_file(found) else found["fetched"]["expires"])
        if self.params["dest"]:
            more["context"] = found["context"]
        if self.params["return_content"]:
            in_file = self._in_file(found)
            more["kubeconfig"] = found["file"].alone(found["context"]) if in_file else found["fetched"]["text"]
        return more


def main() -> None:
    run_resource(Kubeconfig)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account as one object: its records, the lock that guards them, and the file that they survive a restart in."""

from __future__ import annotations

import copy
import json
import secrets
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from meshlab.account import (
    Attachment,
    Cen,
    Cluster,
    Eip,
    LoadBalancer,
    LogProject,
    Mesh,
    SecurityGroup,
    User,
    Vpc,
    VSwitch,
    load_record,
    new_id,
    timestamp,
)
from meshlab.addresses import Addresses
from meshlab.asm.features import apply_features, initial_spec
from meshlab.files import write_private

#: File in the work directory that the account is kept in.
ACCOUNT = "account.json"

DEFAULT_WORLD = Path(__file__).with_name("world.yml")

#: Collections of the world: attribute -> (record, name of its key).
COLLECTIONS: dict[str, tuple[Any, str]] = {
    "users": (User, "uid"),
    "vpcs": (Vpc, "vpc_id"),
    "vswitches": (VSwitch, "vswitch_id"),
    "cens": (Cen, "cen_id"),
    "eips": (Eip, "allocation_id"),
    "load_balancers": (LoadBalancer, "load_balancer_id"),
    "log_projects": (LogProject, "name"),
    "security_groups": (SecurityGroup, "security_group_id"),
    "clusters": (Cluster, "cluster_id"),
    "meshes": (Mesh, "mesh_id"),
}

#: What else is stored, as it is.
PLAIN = ("regions", "versions", "settings", "durations", "deleted_meshes", "initial")

#: Answers to questions that the product's documents leave open; ASSUMPTIONS.md explains each of them.
SETTINGS: dict[str, tuple[Any, ...]] = {
    "orphan_clb_on_detach": (True, False),
    "unique_names": ("region", "account", "none"),
    "add_refusal": ("reply", "body_code", "state"),
    "after_delete": ("not_found", "forbidden"),
    "public_kubeconfig_without_eip": ("refuse", "no_address"),
    "refuse_while_updating": (True, False),
    "code_as_number": (False, True),
    "unknown_parameters": ("refuse", "pass"),
    "access_log_project": ("named", "as_given"),
    "control_plane_log_info": ("always", "once_enabled"),
    "cni_exclude_namespaces": ("istio-system,kube-system", ""),
    "extension_provider_secrets": ("shown", "masked", "left_out"),
    "ccm_version": ("v2.9.1", "v1.9.3"),
    "deployment_names": ("text", "base64"),
    "grafana_urls": ("by_title", "listed"),
    "sidecar_config_update": ("replace", "merge"),
    "sidecar_config_unset": ("absent", "null", "zero"),
    "is_ram_role": ("number", "text", "boolean"),
    "existing_gateway_domain": ("refuse", "add", "replace"),
    "existing_gateway_secret": ("refuse", "record", "overwrite"),
    "traffic": (True, False),
}


class World:
    """Everything in the account. Take ``lock`` to read or change more than one value; call save() after a change."""

    def __init__(self, file: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.file = file
        self.users: dict[str, User] = {}
        self.vpcs: dict[str, Vpc] = {}
        self.vswitches: dict[str, VSwitch] = {}
        self.cens: dict[str, Cen] = {}
        self.eips: dict[str, Eip] = {}
        self.load_balancers: dict[str, LoadBalancer] = {}
        self.log_projects: dict[str, LogProject] = {}
        self.security_groups: dict[str, SecurityGroup] = {}
        self.clusters: dict[str, Cluster] = {}
        self.meshes: dict[str, Mesh] = {}
        self.regions: list[str] = []
        self.versions: dict[str, list[str]] = {}
        self.settings: dict[str, Any] = {name: values[0] for name, values in SETTINGS.items()}
        self.durations: dict[str, float] = {}
        #: Ids of meshes that are gone, the newest last.
        self.deleted_meshes: list[str] = []
        #: Keys of all records that were there when the lab began.
        self.initial: list[str] = []

    def main_user(self) -> User:
        """The account itself."""
        return next(user for user in self.users.values() if user.kind == "main")

    def user_by_key(self, access_key_id: str) -> User | None:
        """The user whose AccessKey this is."""
        return next((user for user in self.users.values() if user.access_key_id == access_key_id), None)

    def connected(self, one: str, other: str) -> bool:
        """Whether two VPCs reach each other: the same, or in one CEN."""
        return one == other or any(one in cen.vpc_ids and other in cen.vpc_ids for cen in self.cens.values())

    def mesh_of_cluster(self, cluster_id: str) -> Mesh | None:
        """The mesh that a cluster is in."""
        return next((mesh for mesh in self.meshes.values() if cluster_id in mesh.clusters), None)

    def set_setting(self, name: str, value: Any) -> None:
        """Choose another answer. Raises ValueError naming what may be chosen."""
        if name not in SETTINGS:
            raise ValueError(f"no setting {name}; there are {', '.join(sorted(SETTINGS))}")
        if value not in SETTINGS[name]:
            raise ValueError(f"setting {name} is one of {', '.join(map(str, SETTINGS[name]))}, not {value!r}")
        with self.lock:
            self.settings[name] = value
            self.save()

    def dump(self) -> dict[str, Any]:
        """All of it as plain data."""
        with self.lock:
            data: dict[str, Any] = {
                name: {key: asdict(record) for key, record in getattr(self, name).items()} for name in COLLECTIONS
            }
            for name in PLAIN:
                data[name] = copy.deepcopy(getattr(self, name))
            return data

    def save(self) -> None:
        """Write the account to its file; a world without a file (a copy) keeps to memory."""
        if self.file is not None:
            with self.lock:
                write_private(self.file, json.dumps(self.dump()))

    @classmethod
    def from_dump(cls, data: dict[str, Any], file: Path | None = None) -> World:
        """The reverse of dump()."""
        world = cls(file)
        defaults = world.settings
        for name, (record, _unused) in COLLECTIONS.items():
            setattr(world, name, {key: load_record(record, value) for key, value in data[name].items()})
        for mesh in world.meshes.values():
            mesh.clusters = {key: load_record(Attachment, value) for key, value in _plain(mesh.clusters).items()}
        for name in PLAIN:
            setattr(world, name, data[name])
        world.settings = {**defaults, **world.settings}  # the file may be that of an older lab
        return world


def load_world(file: Path, content: Path, addresses: Addresses) -> World:
    """The account from its file, or a new one made from the content file (world.yml) at the first start."""
    if file.exists():
        return World.from_dump(json.loads(file.read_text(encoding="utf-8")), file)
    world = new_world(yaml.safe_load(content.read_text(encoding="utf-8")), addresses)
    world.file = file
    world.save()
    return world


def new_world(content: dict[str, Any], addresses: Addresses) -> World:
    """A fresh account from the content of a world file. Raises ValueError for what a world file cannot say."""
    world = World()
    known = {*COLLECTIONS, "regions", "versions", "settings", "durations"}
    unknown = sorted(set(content) - known)
    if unknown:
        raise ValueError(f"the world file has no section {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    world.regions = list(content["regions"])
    world.versions = {edition: list(versions) for edition, versions in content["versions"].items()}
    world.durations = {name: float(seconds) for name, seconds in content["durations"].items()}
    for name, value in content.get("settings", {}).items():
        world.set_setting(name, value)
    for name in COLLECTIONS:
        for row in content.get(name) or []:
            add_record(world, name, row, addresses)
    world.initial = [key for name in COLLECTIONS for key in getattr(world, name)]
    return world


def add_record(world: World, collection: str, row: dict[str, Any], addresses: Addresses) -> str:
    """Put one record into the account, filling what the cloud would fill. Returns its key; raises ValueError."""
    if collection not in COLLECTIONS:
        raise ValueError(f"no collection {collection}; there are {', '.join(COLLECTIONS)}")
    record, key = COLLECTIONS[collection]
    with world.lock:
        data = _fill(world, collection, dict(row), addresses)
        made = load_record(record, data)
        if collection == "meshes":
            made.clusters = {
                one: load_record(Attachment, {"cluster_id": one, "state": "running", **_times(), **values})
                for one, values in _plain(made.clusters).items()
            }
        identity: str = data[key]
        getattr(world, collection)[identity] = made
        if collection == "clusters" and made.public_api:
            owner = f"cluster/{identity}"
            eip = Eip(
                new_id("eip"), made.region_id, addresses.next_eip(), bound_to=owner, made_for=owner, status="InUse"
            )
            world.eips[eip.allocation_id] = eip
        world.save()
        return identity


def _fill(world: World, collection: str, data: dict[str, Any], addresses: Addresses) -> dict[str, Any]:
    if collection == "users":
        data.setdefault("access_key_id", f"LTAI5t{secrets.token_hex(9)}")
        data.setdefault("access_key_secret", secrets.token_urlsafe(22))
    elif collection == "eips":
        data.setdefault("allocation_id", new_id("eip"))
        data.setdefault("address", addresses.next_eip())
    elif collection == "load_balancers":
        data.setdefault("load_balancer_id", new_id("lb"))
        data.setdefault("kind", "clb")
        data.setdefault("address", addresses.next_load_balancer())
    elif collection in ("clusters", "meshes"):
        data = {**_times(), **data}
        data.setdefault("security_group_id", new_id("sg"))
        if collection == "meshes":
            data.setdefault("state", "running")
            chosen = data.pop("features", {})
            data["spec"] = initial_spec(CniExcludeNamespaces=world.settings["cni_exclude_namespaces"])
            data["hidden"] = {}
            apply_features(data["spec"], data["hidden"], chosen)
    return data


def _times() -> dict[str, str]:
    now = timestamp()
    return {"created": now, "updated": now}


def _plain(value: Any) -> dict[str, dict[str, Any]]:
    return {key: dict(inner or {}) for key, inner in value.items()}

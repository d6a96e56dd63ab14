# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the account holds: users, networks, clusters, meshes and everything that is billed. Records only."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CHINA = timezone(timedelta(hours=8))

Record = TypeVar("Record", bound="DataclassInstance")


@dataclass
class User:
    """The account itself (``kind`` main), a RAM user (ram) or a RAM role (role). ``policy``: full, read or none."""

    uid: str
    name: str
    kind: str
    policy: str
    access_key_id: str
    access_key_secret: str


@dataclass
class Vpc:
    """A network; ``cidr`` is its address range."""

    vpc_id: str
    name: str
    region_id: str
    cidr: str
    is_default: bool = False
    status: str = "Available"


@dataclass
class VSwitch:
    """A part of a VPC in one zone."""

    vswitch_id: str
    name: str
    vpc_id: str
    zone_id: str
    cidr: str
    is_default: bool = False
    status: str = "Available"


@dataclass
class Cen:
    """A Cloud Enterprise Network: its VPCs reach each other."""

    cen_id: str
    vpc_ids: list[str]


@dataclass
class Eip:
    """A public address. ``bound_to`` names what uses it: "mesh/<id>/api", "mesh/<id>/pilot", "cluster/<id>" or nothing.

    ``made_for`` is the mesh or cluster that the cloud allocated it for; such an address is released with it.
    """

    allocation_id: str
    region_id: str
    address: str
    bound_to: str = ""
    made_for: str = ""
    status: str = "Available"


@dataclass
class LoadBalancer:
    """A CLB or NLB (``kind``). ``used_by``: "mesh/<id>/api", "service/<cluster>/<namespace>/<name>" and the like.

    ``made_for`` is empty for one that the user made (it stays when its user goes) and names the maker otherwise.
    ``listeners``: "port/protocol" -> who put it there.
    """

    load_balancer_id: str
    name: str
    kind: str
    region_id: str
    vpc_id: str
    address_type: str
    spec: str
    address: str
    made_for: str = ""
    used_by: list[str] = field(default_factory=list)
    listeners: dict[str, str] = field(default_factory=dict)
    pay_type: str = "PayOnDemand"
    orphaned: bool = False


@dataclass
class LogProject:
    """A project of the log service; stays, and is billed, until the user removes it."""

    name: str
    region_id: str
    made_for: str = ""


@dataclass
class SecurityGroup:
    """A security group; ASM makes one for each mesh."""

    security_group_id: str
    vpc_id: str
    made_for: str = ""


@dataclass
class Cluster:
    """A Kubernetes cluster. ``origin``: ack, or self-built (unknown to ACK, imported by its kubeconfig).

    ``start``: the servers start with the lab, else at the first use. ``caller_admin``: the main account is
    administrator. ``istio_system``: the namespace istio-system is made when the cluster starts.
    ``serials`` and ``kubeconfigs`` are kept per user id.
    """

    cluster_id: str
    name: str
    region_id: str
    zone_id: str
    vpc_id: str
    vswitch_ids: list[str]
    service_cidr: str
    pod_cidr: str
    cluster_type: str = "ManagedKubernetes"
    cluster_spec: str = "ack.pro.small"
    profile: str = "Default"
    state: str = "running"
    version: str = "1.36.3-aliyun.1"
    cluster_domain: str = "cluster.local"
    security_group_id: str = ""
    public_api: bool = False
    origin: str = "ack"
    start: bool = False
    caller_admin: bool = True
    admins: list[str] = field(default_factory=list)
    istio_system: bool = False
    created: str = ""
    updated: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    serials: dict[str, int] = field(default_factory=dict)
    kubeconfigs: dict[str, dict[str, Any]] = field(default_factory=dict)
    started: bool = False


@dataclass
class Attachment:
    """A cluster in a mesh. ``state``: starting, running, stopping, failed."""

    cluster_id: str
    state: str
    created: str
    updated: str
    discovery_only: bool = False
    reserve_namespace: bool = False
    smc: bool = False
    error_message: str = ""


@dataclass
class Mesh:
    """A mesh. ``spec`` has the shape of MeshConfig in DescribeServiceMeshDetail; ``hidden`` holds what no reply shows.

    ``operation`` is what is going on ("" for nothing); ``cheap``: the servers start at the first use only.
    ``load_balancers`` and ``eips`` hold ids by role (api, pilot). ``roles``: user id -> istio-admin and so on.
    ``sidecars``: namespace -> ConfigPatches of DescribeNamespaceScopeSidecarConfig.
    """

    mesh_id: str
    name: str
    region_id: str
    vpc_id: str
    vswitches: list[str]
    version: str
    cluster_spec: str
    state: str
    created: str
    updated: str
    error_message: str = ""
    operation: str = ""
    operation_parameters: dict[str, Any] = field(default_factory=dict)
    cheap: bool = False
    spec: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, Any] = field(default_factory=dict)
    charge_type: str = "PayOnDemand"
    security_group_id: str = ""
    load_balancers: dict[str, str] = field(default_factory=dict)
    eips: dict[str, str] = field(default_factory=dict)
    clusters: dict[str, Attachment] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    serials: dict[str, int] = field(default_factory=dict)
    kubeconfigs: dict[str, dict[str, Any]] = field(default_factory=dict)
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    gateway_versions: dict[str, str] = field(default_factory=dict)
    sidecars: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def profile(self) -> str:
        """Edition as the replies name it: Default (standard) or Pro."""
        return "Default" if self.cluster_spec == "standard" else "Pro"

    @property
    def kiali_url(self) -> str:
        """Where the mesh's Kiali would be; nobody is there."""
        return f"http://kiali.{self.mesh_id}.{self.region_id}.example.invalid"


def load_record(kind: type[Record], data: Mapping[str, Any]) -> Record:
    """A record from its plain form. Raises ValueError naming a field that the record does not have or misses."""
    known = {one.name for one in fields(kind)}
    unknown = sorted(set(data) - known)
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    try:
        return kind(**data)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from None


def new_id(prefix: str) -> str:
    """An id in the cloud's style, such as lb-bp1... or eip-bp1..."""
    return f"{prefix}-bp1{secrets.token_hex(9)}"


def new_mesh_id() -> str:
    """Meshes are named like ACK clusters: c and 32 hex digits."""
    return f"c{secrets.token_hex(16)}"


def timestamp(moment: datetime | None = None) -> str:
    """RFC 3339 at +08:00, as ASM writes times."""
    return (moment or datetime.now(CHINA)).astimezone(CHINA).isoformat(timespec="seconds")

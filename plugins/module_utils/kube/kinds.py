# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an object of some apiVersion and kind lives: its path, its scope, and which API server it belongs to.

The kinds of a mesh and of ordinary applications are a table here, so that no discovery request is needed for them;
any other kind costs one ``GET /apis/<group>/<version>``.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import TEXT
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import (
    GATEWAY_API,
    NETWORKING,
    ROOT_NAMESPACE,
    SECURITY,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.foreign import installation

MESH, CLUSTER = "mesh", "cluster"

ASM_GROUP = "istio.alibabacloud.com"
GATEWAY_API_HINT = (
    "These are the kinds of the Gateway API, which a mesh has with gateway_api_enabled of meshops.asm.asm_mesh, and a "
    "cluster once its definitions are applied."
)
_WORKLOAD_GROUPS = frozenset({"", "apps", "batch", "autoscaling", "policy"})

# Of the groups with a dot in their names, those that the API server serves without a CRD.
_BUILTIN_GROUPS = frozenset(
    f"{name}.k8s.io"
    for name in (
        *("admissionregistration", "apiextensions", "apiregistration", "authentication", "authorization"),
        *("certificates", "coordination", "discovery", "events", "flowcontrol.apiserver", "internal.apiserver"),
        *("networking", "node", "rbac.authorization", "resource", "scheduling", "storage", "storagemigration"),
    )
)

# Group -> kinds. Istio's are those of its own CRDs, ASM's those whose names and scopes are in its published types; the
# server is asked for the others (ASMMeshConfig, ASMCompressor, ASMServiceRegistry, ASMReconcileNSLabels, ...).
_KINDS: dict[str, tuple[str, ...]] = {
    NETWORKING: (
        *("DestinationRule", "EnvoyFilter", "Gateway", "ProxyConfig", "ServiceEntry", "Sidecar", "VirtualService"),
        *("WorkloadEntry", "WorkloadGroup"),
    ),
    SECURITY: ("AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"),
    "telemetry.istio.io": ("Telemetry",),
    "extensions.istio.io": ("TrafficExtension", "WasmPlugin"),
    ASM_GROUP: (
        *("ASMAdaptiveConcurrency", "ASMCircuitBreaker", "ASMCredential", "ASMEgressTrafficPolicy"),
        *("ASMGlobalRateLimiter", "ASMLocalRateLimiter", "ASMSwimLane", "ASMSwimLaneGroup"),
        *("IstioGateway", "LLMProvider", "LLMRoute", "TrafficLabel"),
    ),
    "": (
        *("ConfigMap", "Endpoints", "Event", "LimitRange", "Namespace", "Node", "PersistentVolume"),
        *("PersistentVolumeClaim", "Pod", "ReplicationController", "ResourceQuota", "Secret", "Service"),
        "ServiceAccount",
    ),
    "apps": ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"),
    "batch": ("CronJob", "Job"),
    "autoscaling": ("HorizontalPodAutoscaler",),
    "policy": ("PodDisruptionBudget",),
    GATEWAY_API: (*("GRPCRoute", "Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant", "TCPRoute", "TLSRoute"),),
    "networking.k8s.io": ("Ingress", "NetworkPolicy"),
    "rbac.authorization.k8s.io": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    "apiextensions.k8s.io": ("CustomResourceDefinition",),
}
_CLUSTER_SCOPED = frozenset(
    {"ASMSwimLane", "ASMSwimLaneGroup", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
    | {"GatewayClass", "Namespace", "Node", "PersistentVolume"}
)

# The version in which kinds are read when no document says one.
_VERSIONS = {
    "": "v1",
    "autoscaling": "v2",
    "extensions.istio.io": "v1alpha1",
    ASM_GROUP: "v1beta1",
}
_KIND_VERSIONS = {
    # v1beta1 before ASM 1.15.3.105, TrafficLabel before 1.17.
    **dict.fromkeys(("ASMCircuitBreaker", "ASMLocalRateLimiter", "TrafficLabel"), "v1"),
    **dict.fromkeys(("ASMCredential", "ASMGlobalRateLimiter", "ASMSwimLane", "ASMSwimLaneGroup"), "v1"),
    "EnvoyFilter": "v1alpha3",
    "ProxyConfig": "v1beta1",
    "ReferenceGrant": "v1beta1",
    "TCPRoute": "v1alpha2",
    "TLSRoute": "v1alpha2",
}

# The first group of the table that has a kind is the one that its bare name means.
_USUAL_GROUPS: dict[str, str] = {}
for _group, _names in _KINDS.items():
    for _name in _names:
        _USUAL_GROUPS.setdefault(_name, _group)

# What a prune looks for, per target: the kinds that these tasks usually hold. Never namespaces, definitions of kinds,
# volumes or nodes: those take data or other people's objects with them.
_NEVER_PRUNED = frozenset(
    {"CustomResourceDefinition", "Endpoints", "Event", "Namespace", "Node", "PersistentVolume", "Pod", "ReplicaSet"}
    | {"PersistentVolumeClaim", "ReplicationController", "Event.events.k8s.io"}
)


_DEFINITION: shapes.Shape = {
    "spec": {
        "group": TEXT,
        "scope": TEXT,
        "names": {"kind": TEXT, "plural": TEXT},
        "versions": [{"name": TEXT}],
    }
}


@dataclass(frozen=True, order=True)
class Kind:
    """One kind in one version, and how its path is made."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def builtin(self) -> bool:
        """Whether the API server itself knows the kind (and normalises values), rather than by a CRD."""
        return "." not in self.group or self.group in _BUILTIN_GROUPS

    @property
    def term(self) -> str:
        """What tells this kind from others in messages and rules.

        The bare kind where the group is the one that the name usually means, ``kind.group`` as in kubectl else: a
        ``Job.batch.volcano.sh`` is no ``Job``.
        """
        return self.kind if _USUAL_GROUPS.get(self.kind) == self.group else f"{self.kind}.{self.group}"

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of the collection or of one object; without a namespace that of all namespaces."""
        path = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            path += f"/namespaces/{namespace}"
        return f"{path}/{self.plural}" + (f"/{name}" if name else "")


# Reads ``/apis/<group>/<version>`` (or a prefix of it); ``None`` when the server has no such group or version.
Discover = Callable[[str], "dict[str, Any] | None"]


def known_kind(kind: str, api_version: str = "") -> Kind | None:
    """The kind from the table, or ``None``; without ``api_version`` in the version that is read by default."""
    group, version = split_api_version(api_version) if api_version else (_USUAL_GROUPS.get(kind), "")
    return _kind(group, kind, version) if group is not None and kind in _KINDS.get(group, ()) else None


def table_kind(kind: str, api_version: str = "") -> Kind:
    """As ``known_kind``, for a kind that the code names itself, which has to be in the table."""
    found = known_kind(kind, api_version)
    if found is None:
        raise AssertionError(f"{kind} {api_version} is not in the table of kinds")
    return found


def _kind(group: str, kind: str, version: str = "") -> Kind:
    return Kind(group, version or default_version(group, kind), kind, _plural(kind), kind not in _CLUSTER_SCOPED)


def _plural(kind: str) -> str:
    """The name of a kind of the table in paths: its plural in English, which only Endpoints is already."""
    if kind == "Endpoints":
        return "endpoints"
    name = re.sub(r"(?<![aeiou])y$", "ie", kind.lower())
    return f"{name}es" if name.endswith("s") else f"{name}s"


def default_version(group: str, kind: str) -> str:
    return _KIND_VERSIONS.get(kind) or _VERSIONS.get(group, "v1")


def split_api_version(api_version: str) -> tuple[str, str]:
    """``networking.istio.io/v1`` -> its group and version; the core group is empty."""
    group, _unused, version = api_version.rpartition("/")
    return group, version


def prunable_kinds(target: str) -> list[Kind]:
    """The kinds among which a prune looks for members of its set."""
    kinds = _kinds_of(lambda group: group == GATEWAY_API or is_of_mesh(group) == (target == MESH))
    return [kind for kind in kinds if may_prune(kind)]


def is_of_mesh(group: str) -> bool:
    """Whether a group is one that every control plane of a mesh serves, and no cluster."""
    return group.endswith(".istio.io") or group == ASM_GROUP


def may_prune(kind: Kind) -> bool:
    return kind.term not in _NEVER_PRUNED


def is_optional(kind: Kind) -> bool:
    """Whether it depends on the version of a mesh that it has the kind, in which version, and who may list it."""
    return kind.group == ASM_GROUP and kind.kind != "IstioGateway"


class UnknownKind(InvalidInput):
    """The API server does not serve this kind, in no version: none of its objects can be there."""


def find_kind(api_version: str, kind: str, discover: Discover) -> Kind:
    """The kind from the table, else as the server describes it.

    Raises ``UnknownKind`` with the nearest names, ``InvalidInput`` where the server has it in other versions.
    """
    known = known_kind(kind, api_version)
    if known:
        return known
    group, version = split_api_version(api_version)
    document = discover(f"/apis/{group}/{version}" if group else f"/api/{version}")
    if document is None:
        raise _no_version(group, version, kind, discover)
    served = entries(document, "resources", "kind")
    for resource in served:
        name = str(resource.get("name") or "")
        if resource["kind"] == kind and name and "/" not in name:
            return Kind(group, version, kind, name, bool(resource.get("namespaced")))
    raise UnknownKind(f"{api_version} has no kind '{kind}'.{_suggestion(kind, group, [one['kind'] for one in served])}")


def check_written(api_version: str, kind: str) -> None:
    """Raises ``UnknownKind`` for a kind that no server has in this group, as far as that is known without any.

    That is one of another group of the table (``v1`` of a VirtualService), and one in another case.
    """
    group, _version = split_api_version(api_version)
    here = _KINDS.get(group, ())
    # ASM has kinds that are not in the table.
    elsewhere = group in _KINDS and group != ASM_GROUP and kind in _USUAL_GROUPS
    if kind not in here and (elsewhere or kind.lower() in map(str.lower, here)):
        raise UnknownKind(f"{api_version} has no kind '{kind}'.{_suggestion(kind, group, [*here])}")


def entries(document: dict[str, Any] | None, key: str, name: str) -> list[dict[str, Any]]:
    """The objects of a list in a document about the API that have ``name`` as a text; a server may send anything."""
    return [one for one in objects((document or {}).get(key)) if isinstance(one.get(name), str)]


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of what should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def defined_kinds(body: dict[str, Any]) -> list[Kind]:
    """The kinds that a CustomResourceDefinition will bring, so that its objects can be in the same task."""
    found = shapes.fit(body, _DEFINITION)[0].get("spec", {})
    names = found.get("names", {})
    return [
        Kind(
            found.get("group", ""),
            version["name"],
            names.get("kind", ""),
            names.get("plural", ""),
            found.get("scope") == "Namespaced",
        )
        for version in found.get("versions", [])
        if version.get("served") and version.get("name")
    ]


def belongs(target: str, kind: Kind) -> bool:
    """Whether objects of the kind can be on an API server of this sort."""
    try:
        check_target(target, kind, ROOT_NAMESPACE)
    except Refused:
        return False
    return True


def check_target(target: str, kind: Kind, namespace: str) -> None:
    """The product's rule of what belongs where. Raises ``Refused`` for a kind aimed at the wrong API server."""
    if target == CLUSTER and is_of_mesh(kind.group):
        raise Refused(
            f"{kind.kind} belongs to the control plane of the mesh, not to a data-plane cluster: apply it with the "
            "module meshops.asm.istio_resource (role define, list asm_istio_resources)."
        )
    if target == MESH and kind.group in _WORKLOAD_GROUPS and kind.term != "Namespace":
        raise Refused(
            f"{kind.kind} belongs to a data-plane cluster, not to the control plane of the mesh, which runs no "
            "workloads: apply it with the module meshops.asm.asm_workload (role deploy, list asm_workloads)."
        )
    if kind.term == "IstioGateway" and namespace != ROOT_NAMESPACE:
        raise Refused(
            f"An IstioGateway must be in the namespace {ROOT_NAMESPACE}, this one is in '{namespace}': the mesh "
            "ignores it anywhere else."
        )


def _kinds_of(wanted: Callable[[str], bool]) -> list[Kind]:
    return [_kind(group, kind) for group, several in _KINDS.items() if wanted(group) for kind in several]


def _no_version(group: str, version: str, kind: str, discover: Discover) -> InvalidInput:
    if not group:
        hint = _suggestion(kind, group, [])
        return InvalidInput(f"The API server serves the core group as v1, not as '{version}'.{hint}")
    served = [entry["version"] for entry in entries(discover(f"/apis/{group}"), "versions", "version")]
    if served:
        return InvalidInput(f"The API server serves {group} as {', '.join(served)}, not as {version}.")
    hint = installation(f"{group}/{version}") or _suggestion(kind, group, [])
    hint = f" {GATEWAY_API_HINT}" if group == GATEWAY_API else hint
    return UnknownKind(f"The API server has no API group '{group}' for the kind '{kind}'.{hint}")


def _suggestion(kind: str, group: str, served: list[str]) -> str:
    """A hint to the nearest name: of this very kind in another group, else of those served here, else of any known.

    Of one name in several groups the group that looks most like the given one is meant.
    """
    known = sorted(_USUAL_GROUPS)
    # In other cases of letters a name is another one to difflib.
    same = [name for name in (*served, *known) if name.lower() == kind.lower()]
    near = same or difflib.get_close_matches(kind, sorted(set(served)) or known, n=1, cutoff=0.6)
    if not near or near[0] in served:
        return f" Did you mean {near[0]}?" if near else ""
    groups = [one for one, names in _KINDS.items() if near[0] in names]
    likeness = {one: difflib.SequenceMatcher(None, one, group).ratio() + one.endswith(f".{group}") for one in groups}
    usual = _kind(max(groups, key=lambda one: likeness[one]), near[0])
    return f" Did you mean {usual.kind} of {usual.api_version}?"

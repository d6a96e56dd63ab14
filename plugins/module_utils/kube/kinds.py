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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils import shapes
from ansible_collections.meshops.asm.plugins.module_utils.errors import InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.shapes import TEXT

MESH, CLUSTER = "mesh", "cluster"

ASM_GROUP = "istio.alibabacloud.com"
_WORKLOAD_GROUPS = frozenset({"", "apps", "batch", "autoscaling", "policy"})
_CLUSTER_SCOPED = "cluster-scoped"

# Group -> kind -> plural; a pair says that the kind is cluster-scoped. Istio's are those of its own CRDs.
_PLURALS: dict[str, dict[str, str | tuple[str, str]]] = {
    "networking.istio.io": {
        "DestinationRule": "destinationrules",
        "EnvoyFilter": "envoyfilters",
        "Gateway": "gateways",
        "ProxyConfig": "proxyconfigs",
        "ServiceEntry": "serviceentries",
        "Sidecar": "sidecars",
        "VirtualService": "virtualservices",
        "WorkloadEntry": "workloadentries",
        "WorkloadGroup": "workloadgroups",
    },
    "security.istio.io": {
        "AuthorizationPolicy": "authorizationpolicies",
        "PeerAuthentication": "peerauthentications",
        "RequestAuthentication": "requestauthentications",
    },
    "telemetry.istio.io": {"Telemetry": "telemetries"},
    "extensions.istio.io": {"TrafficExtension": "trafficextensions", "WasmPlugin": "wasmplugins"},
    ASM_GROUP: {"IstioGateway": "istiogateways"},
    "": {
        "ConfigMap": "configmaps",
        "Endpoints": "endpoints",
        "Event": "events",
        "LimitRange": "limitranges",
        "Namespace": ("namespaces", _CLUSTER_SCOPED),
        "Node": ("nodes", _CLUSTER_SCOPED),
        "PersistentVolume": ("persistentvolumes", _CLUSTER_SCOPED),
        "PersistentVolumeClaim": "persistentvolumeclaims",
        "Pod": "pods",
        "ReplicationController": "replicationcontrollers",
        "ResourceQuota": "resourcequotas",
        "Secret": "secrets",
        "Service": "services",
        "ServiceAccount": "serviceaccounts",
    },
    "apps": {
        "DaemonSet": "daemonsets",
        "Deployment": "deployments",
        "ReplicaSet": "replicasets",
        "StatefulSet": "statefulsets",
    },
    "batch": {"CronJob": "cronjobs", "Job": "jobs"},
    "autoscaling": {"HorizontalPodAutoscaler": "horizontalpodautoscalers"},
    "policy": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "networking.k8s.io": {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"},
    "rbac.authorization.k8s.io": {
        "ClusterRole": ("clusterroles", _CLUSTER_SCOPED),
        "ClusterRoleBinding": ("clusterrolebindings", _CLUSTER_SCOPED),
        "Role": "roles",
        "RoleBinding": "rolebindings",
    },
    "apiextensions.k8s.io": {"CustomResourceDefinition": ("customresourcedefinitions", _CLUSTER_SCOPED)},
}

# The version in which kinds are read when no document says one.
_VERSIONS = {
    "": "v1",
    "autoscaling": "v2",
    "extensions.istio.io": "v1alpha1",
    ASM_GROUP: "v1beta1",
}
_KIND_VERSIONS = {"EnvoyFilter": "v1alpha3", "ProxyConfig": "v1beta1"}

# What a prune looks for, per target: the kinds that these tasks usually hold. Never namespaces, definitions of kinds,
# volumes or nodes: those take data or other people's objects with them.
_NEVER_PRUNED = frozenset(
    {"CustomResourceDefinition", "Endpoints", "Event", "Namespace", "Node", "PersistentVolume", "Pod", "ReplicaSet"}
    | {"PersistentVolumeClaim", "ReplicationController"}
)


_DISCOVERED: shapes.Shape = {"resources": [{"kind": TEXT, "name": TEXT}], "versions": [{"version": TEXT}]}
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
        return "." not in self.group or self.group.endswith(".k8s.io")

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
    group, version = split_api_version(api_version) if api_version else ("", "")
    for candidate, plurals in _PLURALS.items():
        if kind in plurals and (not api_version or candidate == group):
            entry = plurals[kind]
            plural, namespaced = (entry, True) if isinstance(entry, str) else (entry[0], False)
            return Kind(candidate, version or default_version(candidate, kind), kind, plural, namespaced)
    return None


def default_version(group: str, kind: str) -> str:
    return _KIND_VERSIONS.get(kind) or _VERSIONS.get(group, "v1")


def split_api_version(api_version: str) -> tuple[str, str]:
    """``networking.istio.io/v1`` -> its group and version; the core group is empty."""
    group, _unused, version = api_version.rpartition("/")
    return group, version


def istio_kinds() -> list[Kind]:
    """Every Istio kind of the table, in the version that is read by default."""
    return _kinds_of(lambda group: group.endswith(".istio.io"))


def prunable_kinds(target: str) -> list[Kind]:
    """The kinds among which a prune looks for members of its set."""
    mesh_groups = (ASM_GROUP,)
    kinds = _kinds_of(lambda group: (group.endswith(".istio.io") or group in mesh_groups) == (target == MESH))
    return [kind for kind in kinds if may_prune(kind)]


def may_prune(kind: Kind) -> bool:
    return kind.kind not in _NEVER_PRUNED


def find_kind(api_version: str, kind: str, discover: Discover) -> Kind:
    """The kind from the table, else as the server describes it. Raises ``InvalidInput`` with the nearest names."""
    known = known_kind(kind, api_version)
    if known:
        return known
    group, version = split_api_version(api_version)
    document = discover(f"/apis/{group}/{version}" if group else f"/api/{version}")
    if document is None:
        raise InvalidInput(_no_version(group, version, kind, discover))
    resources = shapes.fit(document, _DISCOVERED)[0].get("resources", [])
    for resource in resources:
        if resource.get("kind") == kind and "/" not in resource.get("name", "/"):
            return Kind(group, version, kind, resource["name"], bool(resource.get("namespaced")))
    served = [resource.get("kind", "") for resource in resources]
    raise InvalidInput(f"{api_version} has no kind '{kind}'.{_suggestion(kind, served)}")


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


def check_target(target: str, kind: Kind, namespace: str) -> None:
    """The product's rule of what belongs where. Raises ``Refused`` for a kind aimed at the wrong API server."""
    of_mesh = kind.group.endswith(".istio.io") or kind.group == ASM_GROUP
    if target == CLUSTER and of_mesh:
        raise Refused(
            f"{kind.kind} belongs to the control plane of the mesh, not to a data-plane cluster: apply it with the "
            "module meshops.asm.istio_resource (role define, list asm_istio_resources)."
        )
    if target == MESH and kind.group in _WORKLOAD_GROUPS and kind.kind != "Namespace":
        raise Refused(
            f"{kind.kind} belongs to a data-plane cluster, not to the control plane of the mesh, which runs no "
            "workloads: apply it with the module meshops.asm.asm_workload (role deploy, list asm_workloads)."
        )
    if kind.kind == "IstioGateway" and kind.group == ASM_GROUP and namespace != "istio-system":
        raise Refused(
            f"An IstioGateway must be in the namespace istio-system, this one is in '{namespace}': the mesh ignores "
            "it anywhere else."
        )


def _kinds_of(wanted: Callable[[str], bool]) -> list[Kind]:
    found = [known_kind(kind, "") for group, plurals in _PLURALS.items() if wanted(group) for kind in plurals]
    return [kind for kind in found if kind]


def _no_version(group: str, version: str, kind: str, discover: Discover) -> str:
    found = shapes.fit(discover(f"/apis/{group}"), _DISCOVERED)[0]
    served = [entry["version"] for entry in found.get("versions", []) if "version" in entry]
    if served:
        return f"The API server serves {group} as {', '.join(served)}, not as {version}."
    known = [f"{candidate} of {name}" for name, plurals in _PLURALS.items() for candidate in plurals]
    kinds = {text.split(" ", 1)[0]: text for text in known}
    near = difflib.get_close_matches(kind, kinds, n=1, cutoff=0.6)
    hint = f" Did you mean {kinds[near[0]] or kind}?" if near else ""
    return f"The API server has no API group '{group}' for the kind '{kind}'.{hint}"


def _suggestion(kind: str, served: list[str]) -> str:
    near = difflib.get_close_matches(kind, sorted(set(served)), n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""

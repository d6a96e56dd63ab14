# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of a spec: one row a section. Whatever else knows sections, knows them from here.

At run time preflight, verify, the report of drift and the summary read the rows. ``tools/argument_specs.py`` writes
from them what has to be text: the roles' argument specs, their tasks, and the tables of their READMEs. It loads this
file alone, so that nothing of the collection is imported here.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """One section of a spec: a list of items (of the mesh: one item), each with options of a module.

    The order of the rows is that of the flow, of the tables, and backwards that of the removal.
    """

    variable: str
    # What an item is called in the tables of verify and of the summary.
    noun: str
    # The module that gets an item, and the role that makes it.
    module: str
    role: str
    # Paragraphs for documentation; the first one by itself says what the section is.
    description: tuple[str, ...]
    # How the items' options differ from those of the module, see tools/argument_specs.py: add, drop, require, secrets,
    # suboptions_of; and which that are not required say what a removal is about (named).
    options: Json = field(default_factory=dict)
    # Names of the tasks that make the items in the role and remove them in the role remove, which are written from
    # the row. Without them the roles have tasks of their own, or it ``stays`` for this reason.
    making: str = ""
    removal: str = ""
    removal_if: str = ""
    # Options of the removal alone.
    removal_options: Json = field(default_factory=dict)
    stays: str = ""
    # For which API server ("cluster", "mesh") the items have manifests, which are read on the controller.
    target: str = ""
    # Whether items name clusters of asm_clusters, and whether asm_preflight compares items with the account.
    in_clusters: bool = False
    in_account: bool = False
    # Whether the service keeps the items of all meshes in one list, so that one host after the other writes it.
    for_account: bool = False
    # Whether verify looks for the items (spec/inspection.py says how).
    verified: bool = False
    # What the report of drift calls an item whose manifests are not the user's.
    kind: str = ""
    # Keys of results with an item and with a list of them, which the summary remembers.
    result: str = ""
    results: str = ""
    # Variables that say how the role makes the section.
    settings: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """What asm_preflight and asm_verify call it."""
        return self.variable.removeprefix("asm_")


def _option(kind: str, description: str | list[str], **more: Any) -> Json:
    return {"type": kind, "description": description, **more}


def _called(what: str) -> Json:
    return {"name": _option("str", f"What {what} is called in the output.", required=True)}


SECTIONS = (
    Section(
        variable="asm_mesh",
        noun="mesh",
        module="asm_mesh",
        role="create",
        description=(
            "The mesh, as options of M(meshops.asm.asm_mesh). Credentials are no part of it, they come from the "
            "environment or from C(module_defaults).",
        ),
        options={
            "add": {
                "region": _option(
                    "str", "Region of the mesh and of its clusters. Unset means what the environment says."
                ),
                "api_server_address": _option(
                    "str",
                    [
                        "Which address of the mesh's API server is used by all steps. V(private) is reached inside its "
                        "VPC only.",
                        "V(auto) is V(public) where there is a public one, else V(private).",
                    ],
                    choices=["auto", "public", "private"],
                    default="auto",
                ),
            },
            # What is said in the tasks of an upgrade or a removal.
            "drop": (
                *("new_name", "upgrade", "upgrade_gateways"),
                *("detach_clusters", "release_gateways", "retain_resources"),
            ),
            "secrets": ("ca.key", "ca.root_key", "kiali.arms_auth_tokens"),
        },
        in_account=True,
        verified=True,
        kind="Mesh",
        result="mesh",
        results="meshes",
    ),
    Section(
        variable="asm_clusters",
        noun="cluster",
        module="asm_cluster",
        role="attach",
        description=(
            "The clusters that are the mesh's data plane, each by its plain name or as an item of the option "
            "O(meshops.asm.asm_cluster#module:clusters).",
        ),
        options={"suboptions_of": "clusters", "secrets": ("kubeconfig",), "elements": "raw"},
        in_account=True,
        verified=True,
        kind="Cluster",
        results="clusters",
        settings=("asm_clusters_purge", "asm_reserve_namespace", "asm_release_gateways"),
    ),
    Section(
        variable="asm_user_permissions",
        noun="permission",
        module="asm_user_permission",
        role="create",
        description=(
            "Who may do what with the mesh's control plane, each RAM user or RAM role as options of "
            "M(meshops.asm.asm_user_permission).",
        ),
        options={"add": _called("the user"), "require": ("role",), "drop": ("exclusive",)},
        making="Grant the permissions",
        stays="A permission is for one mesh, and means nothing without it.",
        for_account=True,
        verified=True,
        kind="UserPermission",
        result="permission",
        results="permissions",
    ),
    Section(
        variable="asm_gateways",
        noun="gateway",
        module="asm_gateway",
        role="gateway",
        description=("The gateways of the mesh, each as options of M(meshops.asm.asm_gateway).",),
        options={"require": ("name",)},
        making="Deploy the gateways",
        in_clusters=True,
        in_account=True,
        verified=True,
        kind="IstioGateway",
        result="gateway",
        results="gateways",
    ),
    Section(
        variable="asm_gateway_secrets",
        noun="certificate",
        module="asm_gateway_secret",
        role="gateway",
        description=(
            "The TLS certificates of the gateways, each as options of M(meshops.asm.asm_gateway_secret). Their private "
            "keys belong into a vault.",
        ),
        options={
            "add": {
                "min_days": _option(
                    "int", "M(meshops.asm.asm_verify) names a certificate that ends within this many days.", default=14
                )
            },
            "require": ("gateway",),
            "secrets": ("private_key",),
        },
        making="Put the certificates",
        removal="Remove the certificates",
        verified=True,
        kind="Secret",
        result="gateway_secret",
        results="gateway_secrets",
    ),
    Section(
        variable="asm_namespaces",
        noun="namespace",
        module="asm_namespace",
        role="deploy",
        description=(
            "The namespaces of the applications, each as options of M(meshops.asm.asm_namespace).",
            "Each is made in the control plane, and with the same labels in the data-plane clusters.",
        ),
        options={
            "add": {
                "clusters": _option(
                    "list",
                    "Names of the clusters in which the namespace is needed. Unset means all of O(asm_clusters).",
                    elements="str",
                )
            }
        },
        making="Make the namespaces in the control plane",
        stays="Those of the control plane go with the mesh, those of the clusters stay as the applications in them do.",
        in_clusters=True,
        kind="Namespace",
    ),
    Section(
        variable="asm_waypoints",
        noun="waypoint",
        module="asm_waypoint",
        role="deploy",
        description=("The waypoints of namespaces in ambient mode, each as options of M(meshops.asm.asm_waypoint).",),
        options={"add": _called("the waypoint"), "named": ("service_account",)},
        making="Make the waypoints",
        removal="Remove the waypoints",
        kind="Waypoint",
        result="waypoint",
        results="waypoints",
    ),
    Section(
        variable="asm_sidecar_configs",
        noun="sidecars",
        module="asm_sidecar_config",
        role="deploy",
        description=(
            "What the sidecars of namespaces do otherwise than the mesh says for all, each as options of "
            "M(meshops.asm.asm_sidecar_config).",
            "It is set before the applications are deployed, as a pod gets its sidecar when it is made.",
        ),
        making="Configure the sidecars of the namespaces",
        stays="They are settings of the mesh and go with it.",
        kind="SidecarConfig",
    ),
    Section(
        variable="asm_workloads",
        noun="workload",
        module="asm_workload",
        role="deploy",
        description=("The applications, each a set of manifests, as options of M(meshops.asm.asm_workload).",),
        options={
            "add": {
                **_called("the set of manifests"),
                "clusters": _option(
                    "list", "Names of the clusters of O(asm_clusters) that it goes to.", elements="str"
                ),
            },
            "require": ("clusters",),
        },
        making="Apply the workloads",
        removal="Remove the workloads",
        removal_if="asm_remove_workloads | default(false) | bool",
        target="cluster",
        in_clusters=True,
        verified=True,
    ),
    Section(
        variable="asm_extension_providers",
        noun="provider",
        module="asm_extension_provider",
        role="define",
        description=(
            "Services that decide about requests, for policies with the action C(CUSTOM), each as options of "
            "M(meshops.asm.asm_extension_provider).",
        ),
        options={"drop": ("renew_secrets",), "secrets": ("oidc.client_secret", "oidc.cookie_secret")},
        making="Make the extension providers",
        removal="Remove the extension providers",
        verified=True,
        kind="ExtensionProvider",
        result="provider",
        results="providers",
    ),
    Section(
        variable="asm_istio_resources",
        noun="istio",
        module="istio_resource",
        role="define",
        description=(
            "What is defined in the control plane, each a set of Istio resources, as options of "
            "M(meshops.asm.istio_resource).",
        ),
        options={"add": _called("the set of resources")},
        making="Apply the Istio resources",
        removal="Remove the Istio resources",
        # The mesh goes with them: no request has to survive it.
        removal_options={"order": "fast"},
        target="mesh",
        verified=True,
    ),
    Section(
        variable="asm_gateway_domains",
        noun="domain",
        module="asm_gateway_domain",
        role="define",
        description=(
            "The domains that gateways listen for, where the service makes their Gateways, each as options of "
            "M(meshops.asm.asm_gateway_domain).",
        ),
        options={"require": ("gateway", "namespace")},
        making="Open the domains",
        removal="Remove the domains",
        kind="Domain",
        result="gateway_domain",
        results="gateway_domains",
    ),
    Section(
        variable="asm_gateway_routes",
        noun="route",
        module="asm_gateway_route",
        role="define",
        description=(
            "The routes of gateways, where the service makes their VirtualServices, each as options of "
            "M(meshops.asm.asm_gateway_route).",
        ),
        options={"require": ("gateway",)},
        making="Make the routes",
        removal="Remove the routes",
        kind="Route",
        result="gateway_route",
        results="gateway_routes",
    ),
    Section(
        variable="asm_swim_lane_groups",
        noun="lane group",
        module="asm_swim_lane_group",
        role="define",
        description=(
            "The groups of swim lanes of the mesh, each as options of M(meshops.asm.asm_swim_lane_group).",
            "They come after O(asm_istio_resources), which have the C(Gateway) that a group names.",
        ),
        making="Make the groups of swim lanes",
        removal="Remove the groups of swim lanes",
        kind="ASMSwimLaneGroup",
        result="swim_lane_group",
        results="swim_lane_groups",
    ),
    Section(
        variable="asm_swim_lanes",
        noun="lane",
        module="asm_swim_lane",
        role="define",
        description=(
            "The swim lanes of the groups, each as options of M(meshops.asm.asm_swim_lane).",
            "They are removed in reverse order: a baseline that comes first goes last.",
        ),
        making="Make the swim lanes",
        removal="Remove the swim lanes",
        kind="ASMSwimLane",
        result="swim_lane",
    ),
    Section(
        variable="asm_checks",
        noun="check",
        module="asm_probe",
        role="verify",
        description=(
            "What the traffic must be seen to do, each item as options of M(meshops.asm.asm_probe), with a C(name) and "
            "the C(service) that it is about.",
            "An item that names neither C(gateway) nor C(address) goes through the only gateway of O(asm_gateways).",
        ),
        options={
            "add": {
                **_called("the check"),
                "service": _option(
                    "str",
                    "The service that it is about, as C(name.namespace). Resources that decide about it explain a "
                    "miss.",
                ),
                "wait_timeout": _option(
                    "float", "For how many seconds the check is repeated until all is as expected.", default=30.0
                ),
            },
            "drop": ("stop_file", "wait_timeout", "compare"),
        },
        stays="It makes nothing.",
        in_account=True,
        verified=True,
    ),
)

# Variables of the roles that belong to no section; tools/role_variables.yml describes them.
SETTINGS = ("asm_canary", "asm_remove", "asm_remove_workloads", "asm_base_dir", "asm_wait_timeout")
VARIABLES = (*(name for one in SECTIONS for name in (one.variable, *one.settings)), *SETTINGS)

# Modules that manage something and have no section, with the reason.
ELSEWHERE = {
    "asm_baseline": "It is there as long as a release runs, which makes it and takes it away.",
    "asm_gateway_imported_services": "It says what a proxy is told of, not what it does, and has no name of its own.",
    "asm_host_config": "It says what one host of the inventory needs; what it is in the mesh is Istio resources.",
    "asm_kiali": "There is one in a mesh, and its switch is an option of asm_mesh.",
    "asm_kubeconfig": "A kubeconfig is a file for people and programs, and no part of a mesh.",
    "asm_restart": "A restart is something that happens, and leaves nothing that could be described.",
}

LISTS = SECTIONS[1:]
# Those whose items preflight reads by their names; checks are read as they are when they are carried out.
NAMED = tuple(one for one in LISTS if one.module != "asm_probe")

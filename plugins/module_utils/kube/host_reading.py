# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be read of a mesh and a cluster for a host outside of Kubernetes, and its token.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, NotFound, Unexpected
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_label
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.kube import host_files
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.host_files import Group, Pilot
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import table_kind

# What Istio keeps in clusters: the Service of the control plane, and the root of its certificates.
_REVISION = "istio.io/rev"
_SECURE = 15012
_ROOT, _ROOT_KEY = "istio-ca-root-cert", "root-cert.pem"

Json = dict[str, Any]

# How istiod notes what the sidecar of a host reports of its probe.
_HEALTHY: shapes.Shape = {"status": {"conditions": [{"type": TEXT, "status": TEXT}]}}
_SERVICE: shapes.Shape = {"metadata": {"name": TEXT}, "spec": {"ports": [{"port": NUMBER}]}}


def group(client: KubeClient, mesh: str, namespace: str, name: str) -> Group:
    """A WorkloadGroup of a mesh. Raises ``NotFound`` with the names of those that there are."""
    kind = table_kind("WorkloadGroup")
    found = client.get(kind.path(namespace, name))
    if found is None:
        there = ", ".join(sorted(one["metadata"]["name"] for one in client.list(kind.path(namespace)))) or "none"
        raise NotFound(
            f"Mesh '{mesh}' has no WorkloadGroup {namespace}/{name} (in this namespace: {there}). Make it with "
            "meshops.asm.istio_resource, or in asm_istio_resources.",
            yet=f"WorkloadGroup {namespace}/{name} does not exist yet.",
        )
    return host_files.read_group(found, namespace, name)


def healthy(client: KubeClient, of: Group, name: str) -> bool:
    """Whether the mesh sends requests to a host: a group without a probe has no say in it, else the probe has."""
    if not of.probe:
        return True
    found = shapes.fit(client.get(table_kind("WorkloadEntry").path(of.namespace, name)) or {}, _HEALTHY)[0]
    conditions = found.get("status", {}).get("conditions", [])
    return any(one.get("type") == "Healthy" and one.get("status") == "True" for one in conditions)


def account(client: KubeClient, cluster: str, of: Group) -> Json:
    """The service account of a group. Raises ``NotFound``."""
    found = client.get(_account(of))
    if found is None:
        raise NotFound(
            f"Cluster {cluster} has no ServiceAccount {of.namespace}/{of.account}, which WorkloadGroup "
            f"{of.namespace}/{of.name} names: make it with meshops.asm.asm_workload, or in asm_workloads."
        )
    return found


def new_token(client: KubeClient, of: Group, minutes: int) -> str:
    """A token of the group's service account. Nothing of it is stored in the cluster."""
    body = host_files.token_request(minutes)
    answer = client.create(f"{_account(of)}/token", {**body, "metadata": {"name": of.account}})
    token = shapes.fit(answer, {"status": {"token": TEXT}})[0].get("status", {}).get("token")
    if not token:
        raise Unexpected(f"The API server answered the request for a token of {of.namespace}/{of.account} without one.")
    return str(token)


def pilot(client: KubeClient, cluster: str, given: str) -> Pilot:
    """The control plane as hosts find it; ``given`` is its address, with a port or without.

    Raises ``NotFound`` for what the cluster lacks, ``Unexpected`` for an address that is none.
    """
    service = _service(client, cluster)
    root = client.get(f"/api/v1/namespaces/{ROOT_NAMESPACE}/configmaps/{_ROOT}") or {}
    certificate = (root.get("data") or {}).get(_ROOT_KEY)
    if not certificate:
        raise NotFound(
            f"Cluster {cluster} has no ConfigMap {ROOT_NAMESPACE}/{_ROOT} with the root certificate of the mesh: is it "
            "attached, and not for discovery only?"
        )
    address, port = (given.rpartition(":")[::2]) if is_place(given) else (given, "")
    if not _is_address(address.strip("[]")):
        raise Unexpected(f"'{one_line(given)}' is no address of the control plane: name one with pilot_address.")
    name = f"{service['metadata']['name']}.{ROOT_NAMESPACE}.svc"
    ports = [one["port"] for one in service.get("spec", {}).get("ports", []) if "port" in one]
    usual = _SECURE if _SECURE in ports or not ports else ports[0]
    return Pilot(name, address.strip("[]"), int(port or usual), str(certificate))


def is_place(text: str) -> bool:
    """Whether a text is an IP address and a port, that of IPv6 in brackets."""
    address, _colon, port = text.rpartition(":")
    bracketed = address.startswith("[") and address.endswith("]")
    is_port = port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536
    return is_port and _is_address(address.strip("[]")) and bracketed == (":" in address)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _service(client: KubeClient, cluster: str) -> Json:
    """The Service by which the sidecars of a cluster find the control plane."""
    found = client.list(f"/api/v1/namespaces/{ROOT_NAMESPACE}/services")
    services = [shapes.fit(one, _SERVICE)[0] for one in found if _REVISION in (one["metadata"].get("labels") or {})]
    names = [(one, one["metadata"]["name"]) for one in services]
    pilots = [one for one, name in names if name.startswith("istiod") and is_label(name)]
    if not pilots:
        raise NotFound(
            f"Cluster {cluster} has no Service {ROOT_NAMESPACE}/istiod-<revision>, by which sidecars find the control "
            "plane: is it attached, and not for discovery only?"
        )
    if len(pilots) > 1:
        shown = ", ".join(sorted(one["metadata"]["name"] for one in pilots))
        raise Ambiguous(f"Cluster {cluster} has more than one control plane: {shown}. Hosts join once there is one.")
    return pilots[0]


def _account(of: Group) -> str:
    return f"/api/v1/namespaces/{of.namespace}/serviceaccounts/{of.account}"

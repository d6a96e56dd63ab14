# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidecar of a host outside of Kubernetes is told, out of its WorkloadGroup; whether its token is good. Pure.

The files and variables are those that Istio documents for virtual machines (``istioctl x workload entry configure``).

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_name
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import NUMBER, TEXT
from ansible_collections.meshops.asm.plugins.module_utils.istio.hosts import SERVICES_DOMAIN
from ansible_collections.meshops.asm.plugins.module_utils.kube import texts, validity
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import table_kind

# Who a token must be for, so that the mesh's authority takes it.
AUDIENCE = "istio-ca"
TOKEN_FILE = "/var/run/secrets/tokens/istio-token"  # noqa: S105
_CLUSTER_ENV = "/var/lib/istio/envoy/cluster.env"
_MESH_CONFIG = "/etc/istio/config/mesh"
# Not where Istio's documentation has it: the agent overwrites that one with what it gets from the mesh.
_ROOT_CERT = "/etc/istio/config/root-cert.pem"

# Ports of a host that are never led through its sidecar: ssh, and what the sidecar itself serves.
_UNTOUCHED = "22,15090,15021,15020"
# Variables that a proxy tells the control plane, and nobody else heeds.
_TOLD = re.compile(r"ISTIO_META(JSON)?_[A-Z0-9_]+")
# How a WorkloadGroup adds to the configuration of its proxies, and an entry asks Istio to heed what its sidecar probes.
_PROXY_CONFIG = "proxy.istio.io/config"
_HEALTH_CHECKS = "proxy.istio.io/health-checks-enabled"
_CANONICAL = "service.istio.io/canonical-{}"
_NAME_LABELS = (_CANONICAL.format("name"), "app.kubernetes.io/name", "app")
_VERSION_LABELS = (_CANONICAL.format("revision"), "app.kubernetes.io/version", "version")

Json = dict[str, Any]

_TEXTS: shapes.Shape = {...: TEXT}
_GROUP: shapes.Shape = {
    "metadata": {"annotations": _TEXTS},
    "spec": {
        "metadata": {"labels": _TEXTS, "annotations": _TEXTS},
        "probe": {},
        "template": {
            "serviceAccount": TEXT,
            "labels": _TEXTS,
            "ports": {...: NUMBER},
            "network": TEXT,
            "locality": TEXT,
            "weight": NUMBER,
        },
    },
}
_CLAIMS: shapes.Shape = {"sub": TEXT, "aud": [TEXT], "kubernetes.io": {"serviceaccount": {"uid": TEXT}}}


@dataclass(frozen=True)
class Group:
    """A WorkloadGroup as it is read here."""

    namespace: str
    name: str
    account: str
    labels: Json
    ports: dict[str, int]
    probe: Json
    proxy: Json
    # Fields of the entries of its hosts that are the same for all of them.
    template: Json


@dataclass(frozen=True)
class Host:
    """One host: the name of its WorkloadEntry, its address, the cluster (id) that vouches for it."""

    name: str
    address: str
    cluster_id: str


@dataclass(frozen=True)
class Pilot:
    """The control plane as hosts find it: ``name`` is in its certificate, ``root`` the PEM of who signed that."""

    name: str
    address: str
    port: int
    root: str


def read_group(found: Json, namespace: str, name: str) -> Group:
    """A WorkloadGroup of the API server. Raises ``InvalidInput`` for parts of another type."""
    where = f"WorkloadGroup {namespace}/{name}"
    fitted = shapes.require(found, _GROUP, where)
    spec = fitted.get("spec", {})
    template = spec.get("template", {})
    labels = {**spec.get("metadata", {}).get("labels", {}), **template.get("labels", {})}
    own = (fitted.get("metadata", {}), spec.get("metadata", {}))
    proxy: Json = {}
    for noted in (one.get("annotations", {}) for one in own):
        given = shapes.require(
            texts.load(noted.get(_PROXY_CONFIG, "{}"), f"{where}, {_PROXY_CONFIG}") or {},
            {"proxyMetadata": _TEXTS},
            f"{where}, {_PROXY_CONFIG}",
        )
        metadata = {**proxy.get("proxyMetadata", {}), **given.get("proxyMetadata", {})}
        proxy = {**proxy, **given, "proxyMetadata": metadata}
    return Group(
        namespace,
        name,
        template.get("serviceAccount") or "default",
        labels,
        template.get("ports", {}),
        spec.get("probe", {}),
        proxy,
        {key: template[key] for key in ("ports", "network", "locality", "weight") if template.get(key)},
    )


def files_of(group: Group, host: Host, pilot: Pilot, domain: str = SERVICES_DOMAIN) -> list[Json]:
    """The files of a host besides its token: ``[{path, content}]``. ``domain`` as in ``services_domain``.

    The first one is read by a shell that runs as root, so that a group adds nothing to it but what its proxies tell.
    """
    metadata, given = _metadata(group, host), group.proxy.get("proxyMetadata", {})
    discovery = f"{pilot.name}:{pilot.port}"
    config = {**group.proxy, "discoveryAddress": discovery, "proxyMetadata": {**metadata, **given}}
    if group.probe:
        config["readinessProbe"] = group.probe
    told = {name: value for name, value in given.items() if _TOLD.fullmatch(name)}
    env = {**metadata, **told, **_environment(group, host), "CA_ADDR": discovery}
    if domain != SERVICES_DOMAIN:
        if not is_name(domain):
            raise InvalidInput(f"'{domain}' cannot be what the hosts of Services end with.")
        env["ISTIO_AGENT_FLAGS"] = f"--domain={group.namespace}.{domain}"
    lines = [f"{name}={shlex.quote(str(value))}\n" for name, value in sorted(env.items())]
    return [
        {"path": _CLUSTER_ENV, "content": "".join(lines)},
        # JSON is YAML, too.
        {"path": _MESH_CONFIG, "content": json.dumps({"defaultConfig": config}, indent=2, sort_keys=True) + "\n"},
        {"path": _ROOT_CERT, "content": pilot.root},
    ]


def _environment(group: Group, host: Host) -> Json:
    return {
        "ISTIO_INBOUND_PORTS": ",".join(str(port) for port in sorted(set(group.ports.values()))) or "*",
        "ISTIO_LOCAL_EXCLUDE_PORTS": _UNTOUCHED,
        "ISTIO_NAMESPACE": group.namespace,
        "ISTIO_SERVICE": f"{group.name}.{group.namespace}",
        "ISTIO_SERVICE_CIDR": "*",
        "ISTIO_SVC_IP": host.address,
        "POD_NAME": host.name,
        "CA_ROOT_CA": _ROOT_CERT,
        "XDS_ROOT_CA": _ROOT_CERT,
    }


def _metadata(group: Group, host: Host) -> Json:
    """The variables of the proxy, which it tells the control plane as its node's metadata."""
    app, version = _first(group.labels, _NAME_LABELS, group.name), _first(group.labels, _VERSION_LABELS, "latest")
    labels = {**group.labels, _CANONICAL.format("name"): app, _CANONICAL.format("revision"): version}
    found = {
        "CANONICAL_SERVICE": app,
        "CANONICAL_REVISION": version,
        "POD_NAMESPACE": group.namespace,
        "SERVICE_ACCOUNT": group.account,
        "ISTIO_META_CLUSTER_ID": host.cluster_id,
        "ISTIO_META_DNS_CAPTURE": "true",
        "ISTIO_META_NETWORK": group.template.get("network", ""),
        "ISTIO_META_WORKLOAD_NAME": group.name,
        "ISTIO_METAJSON_LABELS": json.dumps(labels, sort_keys=True),
    }
    if group.ports:
        ports = [{"name": name, "containerPort": port} for name, port in sorted(group.ports.items())]
        found["ISTIO_META_POD_PORTS"] = json.dumps(ports)
    if group.probe:
        # By it Istio knows whose health the sidecar reports.
        found["ISTIO_META_WORKLOAD_ENTRY"] = host.name
    return found


def _first(labels: Json, names: tuple[str, ...], default: str) -> str:
    return next((str(labels[name]) for name in names if name in labels), default)


def entry_of(group: Group, host: Host) -> Json:
    """The WorkloadEntry by which the mesh knows the host."""
    kind = table_kind("WorkloadEntry")
    metadata: Json = {"name": host.name, "namespace": group.namespace}
    if group.probe:
        metadata["annotations"] = {_HEALTH_CHECKS: "true"}
    spec = {**group.template, "address": host.address, "serviceAccount": group.account}
    if group.labels:
        spec["labels"] = group.labels
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


def token_request(minutes: int) -> Json:
    """What asks an API server for a token of a service account."""
    spec = {"audiences": [AUDIENCE], "expirationSeconds": minutes * 60}
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}


def why_new_token(token: str, group: Group, account: Json, *, minutes: int, now: float) -> str:
    """Why a host needs another token than the one that it has; empty when that one is good.

    ``account`` is the service account as the API server has it. A token that was made for longer is good, too.
    """
    if not token:
        return "there is none"
    found = validity.of_user({"token": token})
    claims = shapes.fit(validity.claims_of(token), _CLAIMS)[0]
    if found is None:
        return "it is not readable"
    uid = claims.get("kubernetes.io", {}).get("serviceaccount", {}).get("uid")
    if claims.get("sub") != f"system:serviceaccount:{group.namespace}:{group.account}" or (
        uid != account.get("metadata", {}).get("uid")
    ):
        return "it is of another service account"
    if AUDIENCE not in claims.get("aud", []):
        return "it is not for the mesh"
    return "less than half of its time is left" if found.end - now < minutes * 30 else ""

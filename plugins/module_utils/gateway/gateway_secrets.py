# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a gateway as they are in its clusters, and as the service lists them.

DescribeGatewaySecretDetails tells times to the minute, in a zone that no document names, and no fingerprint. So what
is there is read from the Secrets in the clusters; of the key in them nothing is kept.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, Refused
from ansible_collections.meshops.asm.plugins.module_utils.gateway import certificates, gateways
from ansible_collections.meshops.asm.plugins.module_utils.gateway.certificates import TLS, Certificate
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes

_SECRETS = f"/api/v1/namespaces/{ROOT_NAMESPACE}/secrets"

Json = dict[str, Any]


@dataclass(frozen=True)
class Held:
    """What is under the name of a certificate in one cluster; ``kind`` is the type of the Secret, empty for none."""

    kind: str = ""
    certificate: Certificate | None = None


@dataclass(frozen=True)
class Seen:
    """A certificate by name: what each cluster (by name) has, which clusters (ids) cannot be asked, and the listing."""

    gateway: str
    name: str
    clusters: dict[str, Held] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    listed: Json = field(default_factory=dict)

    @property
    def holders(self) -> list[str]:
        """The clusters that have a Secret of this name."""
        return [cluster for cluster, held in self.clusters.items() if held.kind]

    @property
    def exists(self) -> bool:
        return bool(self.holders)

    @property
    def foreign(self) -> bool:
        """Whether there is a Secret of this name that the service does not list for this gateway."""
        return self.exists and not self.listed

    def lacking(self, wanted: Certificate) -> list[str]:
        """The clusters that do not have this very chain."""
        return [
            cluster
            for cluster, held in self.clusters.items()
            if held.certificate is None or held.certificate.fingerprints != wanted.fingerprints
        ]

    def essence(self) -> Json | None:
        """What a diff shows of it."""
        if not self.exists:
            return None
        shown = {cluster: held.certificate and held.certificate.essence() for cluster, held in self.clusters.items()}
        return {"name": self.name, "gateway": self.gateway, "clusters": shown}

    def view(self, now: datetime) -> Json | None:
        """It in the keys of the modules' results."""
        if not self.exists:
            return None
        there = [held.certificate for held in self.clusters.values() if held.certificate]
        first = min(there, key=lambda one: one.end, default=None)
        shown = {
            cluster: held.certificate and held.certificate.as_result(now) for cluster, held in self.clusters.items()
        }
        return {
            "name": self.name,
            "gateway": self.gateway,
            "status": self.listed.get("State") or "",
            "message": self.listed.get("Message") or "",
            "not_after": first and first.essence()["not_after"],
            "days_left": first and first.days_left(now),
            "clusters": shown,
        }


def refuse_other_kinds(seen: Seen) -> None:
    """Raises ``Refused`` where the name is that of a Secret which is no certificate: it is somebody else's."""
    others = {cluster: held.kind for cluster, held in seen.clusters.items() if held.kind not in ("", TLS)}
    if others:
        where = ", ".join(f"{cluster} ({kind})" for cluster, kind in others.items())
        raise Refused(
            f"The Secret {ROOT_NAMESPACE}/{seen.name} is not of type {TLS} in {where}: it is no certificate, and stays "
            "as it is. Choose another name."
        )


def of_others(seen: Seen) -> str:
    """Says that a Secret is another gateway's, or was made without the service."""
    where = ", ".join(seen.holders)
    return (
        f"The Secret {ROOT_NAMESPACE}/{seen.name} in {where} is not among the certificates that the service lists for "
        f"gateway '{seen.gateway}': another gateway has it, or it was made in another way."
    )


class Reader:
    """Reads certificates of the gateways of one mesh."""

    def __init__(self, cloud: Cloud, mesh: Json, names: dict[str, str]) -> None:
        """``names`` are those of the attached clusters, by id."""
        self._cloud = cloud
        self._mesh = mesh
        self._names = names
        self._clients = gateways.ClusterClients(cloud)
        self._known: set[str] = set()

    def gateways(self) -> dict[str, list[str]]:
        """``{name of a gateway: ids of its clusters that are attached}``, from the control plane."""
        listed = gateways.listed(self._cloud, self._mesh)
        found = {str(one["metadata"]["name"]): self._attached(one) for one in listed}
        self._known = {*found}
        return found

    def _others(self, gateway: str) -> set[str]:
        """The names of the other gateways, of which a reply may tell as well."""
        return self._known - {gateway}

    def _attached(self, gateway: Json) -> list[str]:
        return [one for one in gateways.clusters_of(gateway) if one in self._names]

    def listed(self, gateway: str) -> dict[str, Json]:
        """The service's rows by the names of the certificates (action DescribeGatewaySecretDetails)."""
        identifier = meshes.mesh_id(self._mesh)
        reply = self._cloud.asm("DescribeGatewaySecretDetails", ServiceMeshId=identifier, IstioGatewayName=gateway)
        rows = reply.get("GatewaySecretDetails") or []
        mine = (row for row in rows if row.get("GatewayName") not in self._others(gateway))
        return {str(row["SecretName"]): row for row in mine if row.get("SecretName")}

    def all(self, gateway: str | None, name: str | None) -> list[Seen]:
        """What there is of the listed certificates (or of the one ``name``) of all gateways (or of one), sorted."""
        found = []
        for owner, places in sorted(self.gateways().items()):
            if gateway in (None, owner):
                rows = self.listed(owner)
                wanted = sorted(rows) if name is None else [name]
                found += [self.see(owner, one, places, rows.get(one)) for one in wanted]
        return found

    def see(self, gateway: str, name: str, cluster_ids: list[str], listed: Json | None = None) -> Seen:
        """What the clusters (ids) of a gateway have under this name; ``listed`` is the service's row of it."""
        clients = self._clients.of(cluster_ids)
        held = {self._names[key]: _held(client.get(f"{_SECRETS}/{name}")) for key, (_n, client) in clients.items()}
        unseen = tuple(one for one in cluster_ids if one not in clients)
        return Seen(gateway, name, dict(sorted(held.items())), unseen, listed or {})


def _held(secret: Json | None) -> Held:
    if secret is None:
        return Held()
    kind = str(secret.get("type") or "Opaque")
    return Held(kind, certificates.stored(secret) if kind == TLS else None)


def written(reply: Json, record: str, names: dict[str, str], private_key: str = "") -> None:
    """Holds the record of a write (``SecretCreateRecord``, ``SecretDeleteRecord``) to be a success in every cluster.

    Raises ``AsmError`` with what the service says of each cluster that failed; with the code ``Exists`` where that is
    all that is wrong.
    """
    rows = [row for row in (reply.get(record) or {}).values() if row]
    wrong = [row for row in rows if str(row.get("State") or "success").lower() != "success"]
    if not wrong:
        return
    said = "; ".join(f"{_cluster(row, names)}: {row.get('Message') or 'no reason given'}" for row in wrong)
    exist = all(says_exists(str(row.get("Message") or "")) for row in wrong)
    raise without_key(
        AsmError(
            f"The service could not write the Secret everywhere: {said}.",
            code="Exists" if exist else "SecretNotWritten",
        ),
        private_key,
    )


def _cluster(row: Json, names: dict[str, str]) -> str:
    identifier = str(row.get("ClusterId") or "a cluster")
    return names.get(identifier, identifier)


def says_exists(text: str) -> bool:
    """Whether a code or a message says that something of this name is there; no document names the code."""
    plain = text.lower().replace(" ", "").replace("_", "")
    return "exist" in plain and "notexist" not in plain and "nonexist" not in plain


def without_key(error: AsmError, private_key: str) -> AsmError:
    """The failure, without the words of a service that quotes the private key in them."""
    if private_key and certificates.tells(error.message, private_key):
        error.message = (
            f"The service refused it ({error.code}). Its words are not repeated: they quote the private key."
        )
    return error

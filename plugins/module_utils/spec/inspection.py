# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what a spec asks for is found: one row for each mesh, cluster, gateway, certificate, workload and Istio resource.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from itertools import groupby
from types import EllipsisType
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.checks.running import Finding
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access, clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.columns import columns
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import COUNT, WORD
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line
from ansible_collections.meshops.asm.plugins.module_utils.gateway import certificates, gateways
from ansible_collections.meshops.asm.plugins.module_utils.gateway import described as gateway_described
from ansible_collections.meshops.asm.plugins.module_utils.gateway.gateway_secrets import Held, Reader
from ansible_collections.meshops.asm.plugins.module_utils.kube import comparison, documents, workloads
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER, MESH, table_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, Wishes, make_items, read_live
from ansible_collections.meshops.asm.plugins.module_utils.kube.readiness import WITH_PODS
from ansible_collections.meshops.asm.plugins.module_utils.kube.releases import respect
from ansible_collections.meshops.asm.plugins.module_utils.mesh import described as mesh_described
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes, permissions, providers, proxies
from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import NAMED, SECTIONS

ABSENT = "not there"
_SHOWN_FIELDS = 5
# One word for whoever breaks lines.
_MARK = "<-- not as in the spec".replace(" ", "\N{NO-BREAK SPACE}")

Json = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One thing of the spec: what it is, its name, where it belongs, how it was found, and whether that will do."""

    what: str
    name: str
    where: str
    state: str
    ok: bool

    def as_result(self) -> Json:
        return asdict(self)


_ORDER = [one.noun for one in SECTIONS]
_ITEM: dict[str | EllipsisType, shapes.Shape] = {"name": WORD, "clusters": [WORD], "user": WORD, "role": WORD}
# The sections that are looked for by items with names; of clusters there are the names alone.
_LISTS = [one.option for one in NAMED if one.verified and one.noun != "cluster"]
_SHAPE: shapes.Shape = {
    **{option: [_ITEM] for option in _LISTS},
    "mesh": WORD,
    "clusters": [WORD],
    "gateway_secrets": [{**_ITEM, "gateway": WORD, "min_days": COUNT, "certificate": shapes.TEXT}],
}
# Days that a certificate must still be valid where its item says nothing, as the roles' argument spec has it.
_MIN_DAYS = 14


def read(params: Json) -> Json:
    """The parameters of ``inspect``, each item with its name. Raises ``InvalidInput`` naming what is wrong."""
    found: Json = dict(shapes.require(params, _SHAPE))
    for option in ("clusters", *_LISTS):
        found.setdefault(option, [])
    for option in _LISTS:
        nameless = [f"{option}[{number}] has no name." for number, one in enumerate(found[option]) if "name" not in one]
        if nameless:
            raise InvalidInput(" ".join(nameless))
    if not found.get("mesh"):
        raise InvalidInput("mesh is needed: the name or id of a mesh.")
    return found


def inspect(cloud: Cloud, params: Json) -> list[Row]:
    """The rows of ``{mesh, clusters, user_permissions, gateways, gateway_secrets, workloads, ...}``, see ``sections``.

    Workloads and resources list ``objects``.

    With ``mesh_options`` the settings of the mesh are compared with them, and those of each gateway with its item.

    With ``described`` an item's objects are whole (of Secrets without the values), and their content is compared.

    A control plane or cluster that does not answer makes its rows not ok; only an account that cannot be asked
    raises ``AsmError``.
    """
    params = read(params)
    mesh = meshes.find_mesh(cloud, params["mesh"])
    row = _mesh_row(params["mesh"], mesh, cloud.region)
    rows = [_with_settings(cloud, row, mesh, params.get("mesh_options")), *_proxy_rows(cloud, mesh)]
    attached = clusters.attached(cloud, meshes.mesh_id(mesh)) if mesh else []
    rows += [_cluster_row(name, attached) for name in params["clusters"]]
    rows += [_permission_row(cloud, mesh, item) for item in params["user_permissions"]]
    rows += _provider_rows(cloud, mesh, params["extension_providers"])
    rows += _control_plane_rows(cloud, mesh, attached, params)
    rows += _certificate_rows(cloud, mesh, attached, params["gateway_secrets"])
    rows += _workload_rows(cloud, params["workloads"])
    return sorted(rows, key=lambda row: _ORDER.index(row.what))


def check_rows(findings: list[Finding]) -> list[Row]:
    """A row for each check of the traffic. Pure."""
    return [Row("check", one.check.name, one.check.where, one.state, not one.problems) for one in findings]


def table(rows: list[Row]) -> list[str]:
    """The rows below what they are, for a terminal; what is found alike in several places is one row. Pure."""
    lines: list[str] = []
    for what, those in groupby(map(_seen, _joined(rows)), key=lambda row: row.what):
        cells = [[row.name, row.where, row.state if row.ok else f"{row.state}  {_MARK}"] for row in those]
        lines += [what, *columns(cells, indent="  ")]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def problems(rows: list[Row]) -> list[str]:
    """A sentence for each thing that is not ok. Pure."""
    wrong = [row for row in map(_seen, _joined(rows)) if not row.ok]
    return [f"{row.what} {row.name}{f' ({row.where})' if row.where else ''}: {row.state}" for row in wrong]


def _seen(row: Row) -> Row:
    """The row as a terminal may show it."""
    return Row(row.what, one_line(row.name), one_line(row.where), one_line(row.state), row.ok)


def _joined(rows: list[Row]) -> list[Row]:
    """One row for the same thing in the same state at several places."""
    places: dict[Row, list[str]] = {}
    for row in rows:
        places.setdefault(replace(row, where=""), []).append(row.where)
    return [replace(row, where=", ".join(where)) for row, where in places.items()]


def _mesh_row(name: str, mesh: Json | None, region: str | None) -> Row:
    if mesh is None:
        return Row("mesh", name, region or "", ABSENT, False)
    about = meshes.info(mesh)
    state = meshes.state_progress(mesh)
    shown = f"{about.get('State')}, {about.get('Version')}, {about.get('ServiceMeshId')}"
    return Row("mesh", str(about.get("Name")), str(about.get("RegionId")), state.failed or shown, state.done)


def _with_settings(cloud: Cloud, row: Row, mesh: Json | None, options: Any) -> Row:
    """The row of the mesh, which is not ok either where a setting is not as described."""
    try:
        found = mesh_described.differences(options, mesh_view.whole(cloud, mesh)) if mesh and row.ok and options else []
    except AsmError as error:
        return replace(row, state=error.message, ok=False)
    return replace(row, state=f"{row.state}, not as described: {', '.join(found)}", ok=False) if found else row


def _proxy_rows(cloud: Cloud, mesh: Json | None) -> list[Row]:
    """Whether the proxies have what the control plane says; no row where none is connected."""
    if mesh is None or not meshes.state_progress(mesh).done:
        return []
    try:
        seen = proxies.patient_look(lambda: proxies.look(cloud, meshes.mesh_id(mesh)))
    except AsmError as error:
        return [Row("mesh", "proxies", "", f"not known ({error.code})", True)]
    older = seen.older(str(meshes.info(mesh).get("Version") or ""))
    text = f"{seen.text}; older than the mesh until their pods restart: {older}" if older else seen.text
    return [Row("mesh", "proxies", "", text, not seen.behind)] if seen.total else []


def _cluster_row(name: str, attached: list[Json]) -> Row:
    cluster = clusters.pick(attached, name)
    if cluster is None:
        return Row("cluster", name, "", "not attached", False)
    state = clusters.state_progress(attached, [str(cluster["ClusterId"])])
    return Row(
        "cluster", name, str(cluster.get("RegionId") or ""), state.failed or str(cluster.get("State")), state.done
    )


def _permission_row(cloud: Cloud, mesh: Json | None, item: Json) -> Row:
    """Which role the user has in the mesh, and whether it is the one that is asked for."""
    user, wanted = str(item.get("user") or ""), str(item.get("role") or "")
    try:
        found = permissions.grants(cloud, user) if mesh and user else []
    except AsmError as error:
        return Row("permission", item["name"], user, error.message, False)
    roles = permissions.roles_in(found, meshes.mesh_id(mesh)) if mesh else []
    shown = ", ".join(roles) or "no role"
    fine = roles == [wanted]
    return Row("permission", item["name"], user, shown if fine else f"{shown}, not {wanted}", fine)


def _provider_rows(cloud: Cloud, mesh: Json | None, items: list[Json]) -> list[Row]:
    """Whether the extension providers are there, and as described."""
    try:
        found = providers.providers(cloud, meshes.mesh_id(mesh)) if mesh and items else []
        configs = {one.get("Name"): providers.config_of(one) for one in found}
        told = {one["name"]: _provider_state(one, configs.get(one["name"])) for one in items}
    except AsmError as error:
        return [Row("provider", item["name"], "", error.message, False) for item in items]
    return [Row("provider", name, "", state or "as described", not state) for name, state in told.items()]


def public_providers(items: list[Json]) -> list[Json]:
    """Extension providers of a spec as verify gets them: without their secrets, which stay on the controller."""
    return [providers.public(one) for one in items]


def _provider_state(item: Json, config: Json | None) -> str:
    """What is wrong with a provider; empty for nothing."""
    differs = providers.differences(item, config) if config is not None else []
    return ABSENT if config is None else f"not as described: {', '.join(differs)}" if differs else ""


def _control_plane_rows(cloud: Cloud, mesh: Json | None, attached: list[Json], params: Json) -> list[Row]:
    """The rows of the gateways and of the Istio resources, from the mesh's API server."""
    wanted = [(item, _items(item, MESH)) for item in params["istio_resources"]]
    if not params["gateways"] and not wanted:
        return []
    if mesh is None:
        return _unseen(params["gateways"], wanted, ABSENT)
    try:
        with closing(gateways.control_plane(cloud, mesh)) as kube:
            listed = kube.list(gateways.COLLECTION) if params["gateways"] else []
            read_live(kube, [one for _item, objects in wanted for one in objects], MESH)
            respect(one for _item, objects in wanted for one in objects)
    except AsmError as error:
        return _unseen(params["gateways"], wanted, error.message)
    live = {one["metadata"]["name"]: one for one in listed}
    names = clusters.labels(attached)
    rows = [row for gateway in params["gateways"] for row in _gateway_rows(gateway, live.get(gateway["name"]), names)]
    return rows + [_resource_row(item, one) for item, objects in wanted for one in objects]


def _resource_row(item: Json, one: Item) -> Row:
    if one.live is None:
        return Row("istio", one.short, item["name"], ABSENT, False)
    differs, more = _content(item, one)
    released = f", {one.release}" if one.release else ""
    return Row("istio", one.short, item["name"], f"{differs or f'present{more}'}{released}", not differs)


def _content(item: Json, one: Item) -> tuple[str, str]:
    """What is not as described, and what somebody else has added, each as a text; of fields, not of values."""
    if not item.get("described") or not one.body or not one.live:
        return "", ""
    found = comparison.compare(one.body, one.live, builtin=one.kind.builtin)
    differs = [field for field in found if field.kind != comparison.ADDED]
    added = [field for field in found if field.kind == comparison.ADDED]
    return (
        f"not as described: {_places(differs)}" if differs else "",
        f", added by others: {_places(added)}" if added else "",
    )


def _places(fields: list[comparison.Difference]) -> str:
    shown = [f"{one.field} ({one.by or one.kind})" for one in fields[:_SHOWN_FIELDS]]
    more = len(fields) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _unseen(gateways: list[Json], wanted: list[tuple[Json, list[Item]]], state: str) -> list[Row]:
    """The rows where there is no control plane to be asked."""
    rows = [Row("gateway", one["name"], "", state, False) for one in gateways]
    return rows + [Row("istio", one.short, item["name"], state, False) for item, objects in wanted for one in objects]


def _gateway_rows(gateway: Json, live: Json | None, names: dict[str, str]) -> list[Row]:
    """A row for each cluster of the gateway, with its address there."""
    if live is None:
        return [Row("gateway", gateway["name"], "", ABSENT, False)]
    view = gateways.view(live, names)
    deployed = view["clusters"]
    wanted = [names.get(name, name) for name in gateway.get("clusters") or deployed]
    has_address = view["spec"].get("serviceType", "LoadBalancer") == "LoadBalancer"
    differs = gateway_described.differences(gateway, live, names)
    complaint = view["error_message"]
    told = [name for identifier, name in names.items() if identifier in complaint]
    rows = []
    for cluster in wanted:
        addresses = ", ".join(view["addresses"].get(cluster) or [])
        there, problem = addresses or "deployed", ""
        if cluster not in deployed:
            problem = "not deployed there"
        elif has_address and not addresses:
            problem = complaint or "no address yet"
        elif differs:
            problem = f"{there}, not as described: {', '.join(differs)}"
        elif complaint and (cluster in told or not told):
            # The address may be that of before: what was asked for since then was refused.
            problem = f"{there}, but: {complaint}"
        rows.append(Row("gateway", gateway["name"], cluster, problem or there, not problem))
    return rows


def _certificate_rows(cloud: Cloud, mesh: Json | None, attached: list[Json], wanted: list[Json]) -> list[Row]:
    """A row for each cluster of each certificate: until when it is valid, and whether that is long enough."""
    if mesh is None or not wanted:
        return [Row("certificate", item["name"], item.get("gateway", ""), ABSENT, False) for item in wanted]
    reader = Reader(cloud, mesh, clusters.labels(attached))
    rows: list[Row] = []
    try:
        places = reader.gateways()
    except AsmError as error:
        return [Row("certificate", item["name"], item.get("gateway", ""), error.message, False) for item in wanted]
    for item in wanted:
        gateway = item.get("gateway", "ingressgateway")
        try:
            seen = reader.see(gateway, item["name"], places.get(gateway, []))
        except AsmError as error:
            rows.append(Row("certificate", item["name"], gateway, error.message, False))
            continue
        rows += [_certificate_row(item, cluster, held) for cluster, held in seen.clusters.items()]
        if not seen.clusters:
            state = "not known: no cluster of the gateway can be read" if gateway in places else "no such gateway"
            rows.append(Row("certificate", item["name"], gateway, state, False))
    return rows


def _certificate_row(item: Json, cluster: str, held: Held) -> Row:
    found = held.certificate
    if found is None:
        state = "not readable: no certificate with its key" if held.kind else ABSENT
        return Row("certificate", item["name"], cluster, state, False)
    days, least = found.days_left(datetime.now(timezone.utc)), item.get("min_days", _MIN_DAYS)
    ends = f"ended {-days} days ago" if days < 0 else f"ends in {days} days"
    state = f"{ends}, at {found.essence()['not_after']}"
    described = certificates.read(item.get("certificate", ""))
    if described and described.fingerprints != found.fingerprints:
        return Row("certificate", item["name"], cluster, f"{state}, not as described", False)
    short = f", less than the {least} days of min_days" if 0 <= days < least else ""
    return Row("certificate", item["name"], cluster, f"{state}{short}", days >= max(least, 0))


def _workload_rows(cloud: Cloud, wanted: list[Json]) -> list[Row]:
    rows: list[Row] = []
    names = dict.fromkeys(name for item in wanted for name in item.get("clusters") or [])
    for name in names:
        here = [(item, _items(item, CLUSTER)) for item in wanted if name in (item.get("clusters") or [])]
        objects = [one for _item, listed in here for one in listed]
        try:
            with closing(KubeClient(load(access.cluster_kubeconfig(cloud, name)))) as kube:
                read_live(kube, objects, CLUSTER)
                pods = _pods(kube, objects)
        except AsmError as error:
            rows += [Row("workload", item["name"], name, error.message, False) for item, _listed in here]
            continue
        rows += [row for item, listed in here for row in _object_rows(item, listed, name, pods)]
    return rows


def _pods(kube: KubeClient, objects: list[Item]) -> dict[str, list[Json]]:
    """``{namespace: its living pods}`` for the namespaces that have controllers of pods."""
    kind = table_kind("Pod")
    namespaces = sorted({one.namespace for one in objects if one.kind.term in WITH_PODS})
    return {space: [pod for pod in kube.list(kind.path(space)) if workloads.is_live(pod)] for space in namespaces}


def _object_rows(item: Json, objects: list[Item], cluster: str, pods: dict[str, list[Json]]) -> list[Row]:
    """A row for each controller of pods, and for any other object only when it is missing or differs."""
    rows = []
    for one in objects:
        if one.live is None:
            rows.append(Row("workload", one.short, cluster, ABSENT, False))
            continue
        differs, more = _content(item, one)
        if differs:
            rows.append(Row("workload", one.short, cluster, differs, False))
        elif one.kind.term in WITH_PODS:
            row = _controller_row(item, one, one.live, cluster, pods[one.namespace])
            rows.append(replace(row, state=f"{row.state}{more}"))
    return rows


def _controller_row(item: Json, one: Item, live: Json, cluster: str, pods: list[Json]) -> Row:
    progress = workloads.state_of(one.kind.term, live)
    if not progress.done:
        return Row("workload", one.short, cluster, progress.failed or f"waiting for {progress.what}", False)
    selector = (live.get("spec") or {}).get("selector") or {}
    own = [pod for pod in pods if workloads.selects(selector, pod["metadata"].get("labels") or {})]
    with_sidecar = [pod for pod in own if workloads.has_sidecar(pod)]
    excused = [pod for pod in own if workloads.declines_sidecar(pod) and pod not in with_sidecar]
    # A finished Job keeps no pods that could still get one.
    lacking = len(own) - len(with_sidecar) - len(excused) if one.kind.term != "Job" else 0
    if item.get("require_sidecar") and lacking:
        state = f"ready, but {lacking} of {len(own)} pods have no sidecar"
        return Row("workload", one.short, cluster, state, False)
    sidecars = f", {len(with_sidecar)} with sidecar" if with_sidecar else ""
    noun = "pod" if len(own) == 1 else "pods"
    return Row("workload", one.short, cluster, f"ready, {len(own)} {noun}{sidecars}", True)


def _items(item: Json, target: str) -> list[Item]:
    found = documents.from_definition(item.get("objects") or [])
    return make_items(Wishes(target, found, namespace=""), None)

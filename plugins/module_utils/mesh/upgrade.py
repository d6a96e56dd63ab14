# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh on its way to a newer version: the control plane in one or more steps, then the gateways.

The service decides where a step goes to (DescribeUpgradeVersion); ``ExpectedVersion`` of UpgradeMeshEditionPartially
makes it refuse any other. Gateways follow in a request of their own (``ASMGatewayContinue``).

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    Deadline,
    Progress,
    Steps,
    failed,
    waiting,
)
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.mesh import versions as mesh_versions
from ansible_collections.meshops.asm.plugins.module_utils.mesh.versions import LATEST, is_build_of, numbers


@dataclass(frozen=True)
class Upgrade:
    """What is to be done: the control plane's new version (empty: it stays) and the gateways, as namespace:name."""

    version: str
    gateways: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.version or self.gateways)


def full_names(gateways: list[str] | None) -> list[str]:
    """Names of gateways as the upgrade actions want them: ``namespace:name``. Pure."""
    return [name if ":" in name else f"{ROOT_NAMESPACE}:{name}" for name in gateways or []]


def look(cloud: Cloud, params: dict[str, Any], detail: dict[str, Any]) -> dict[str, Any]:
    """``{offered, newest, gateways}``: where the next step would go to, the newest version of the mesh's edition where
    the options ask for it, and ``{full name: {Status, Version, Message}}``.

    Nothing is asked that the options do not need; all are empty then. Raises ``Refused`` where the service's own check
    (``PreCheck``, which changes nothing) says that this mesh cannot make the step.
    """
    if not params["upgrade"]:
        return {"offered": "", "newest": "", "gateways": {}}
    identifier = str(meshes.info(detail)["ServiceMeshId"])
    names = full_names(params["upgrade_gateways"])
    offer, state = offered(cloud, identifier) if _moves(params, detail) else "", meshes.info(detail).get("State")
    if _is_newer(offer, detail) and state == "running":
        _check_first(cloud, identifier, offer)
    # A version may be listed that this mesh has no way to: then it has the newest that it can have.
    on_its_way = state == "upgrading" or _is_newer(offer, detail)
    return {
        "offered": offer,
        "newest": _newest(cloud, detail) if params["version"] == LATEST and on_its_way else "",
        "gateways": gateway_states(cloud, identifier, detail, names) if names else {},
    }


def _newest(cloud: Cloud, detail: dict[str, Any]) -> str:
    spec = str(detail.get("ClusterSpec") or "") or None
    on_offer = mesh_versions.offered(mesh_versions.offers(cloud), spec)
    return mesh_versions.newest(on_offer, LATEST) or ""


def _check_first(cloud: Cloud, identifier: str, offer: str) -> None:
    try:
        cloud.asm("UpgradeMeshEditionPartially", ServiceMeshId=identifier, ExpectedVersion=offer, PreCheck=True)
    except AsmError as error:
        error.message = f"The service's check before an upgrade to {offer} did not pass: {error.message}"
        raise


def offered(cloud: Cloud, identifier: str) -> str:
    """The version that the service upgrades this mesh to next (action DescribeUpgradeVersion), empty for none."""
    reply = cloud.asm("DescribeUpgradeVersion", ServiceMeshId=identifier)
    return str((reply.get("Version") or {}).get("IstioVersion") or "")


def gateway_states(
    cloud: Cloud, identifier: str, detail: dict[str, Any], names: list[str]
) -> dict[str, dict[str, Any]]:
    """How far these gateways are (action DescribeServiceMeshUpgradeStatus)."""
    reply = cloud.asm(
        "DescribeServiceMeshUpgradeStatus",
        ServiceMeshId=identifier,
        AllIstioGatewayFullNames=",".join(names),
        GuestClusterIds=",".join(detail.get("Clusters") or []) or None,
    )
    return (reply.get("UpgradeDetail") or {}).get("GatewayStatusRecord") or {}


def plan(params: dict[str, Any], detail: dict[str, Any], seen: dict[str, Any]) -> Upgrade:
    """What the options ask for beyond what is there. Pure.

    Raises ``Refused`` when the service offers no way to the version, ``InvalidInput`` when its next step goes past it.
    A version that is not newer is none of this file's business: it is compared as any other option.
    """
    if not params["upgrade"]:
        return Upgrade("", ())
    version = _goal(params, detail, seen)
    if version and meshes.info(detail).get("State") != "upgrading":
        _check_offer(params["name"], str(meshes.info(detail).get("Version")), version, seen["offered"])
        version = seen["offered"] if is_build_of(seen["offered"], version) else version
    reached = version or str(meshes.info(detail).get("Version") or "")
    names = full_names(params["upgrade_gateways"])
    moving = [name for name in names if version or _is_behind(seen["gateways"].get(name) or {}, reached)]
    return Upgrade(version, tuple(moving))


def _goal(params: dict[str, Any], detail: dict[str, Any], seen: dict[str, Any]) -> str:
    """The version that the options move the mesh to; empty: it stays."""
    if not _moves(params, detail):
        return ""
    if params["version"] != LATEST:
        return str(params["version"])
    return str(seen["newest"]) if _is_newer(seen["newest"], detail) else ""


def _moves(params: dict[str, Any], detail: dict[str, Any]) -> bool:
    wanted = params["version"]
    return bool(wanted) and (wanted == LATEST or _is_newer(wanted, detail))


def _is_newer(version: str, detail: dict[str, Any]) -> bool:
    return numbers(str(meshes.info(detail).get("Version") or "")) < numbers(version)


def _check_offer(name: str, now: str, wanted: str, offer: str) -> None:
    # The service has been seen to offer the version that is there.
    if numbers(offer) <= numbers(now):
        raise Refused(
            f"Mesh '{name}' has version {now}, and the service offers no upgrade of it now, so it cannot become "
            f"{wanted}. Look at the versions that DescribeVersions lists for its edition."
        )
    if numbers(offer)[: len(numbers(wanted))] > numbers(wanted):
        raise InvalidInput(
            f"version {wanted} is not on the way: the service upgrades mesh '{name}' from {now} to {offer} next. "
            f"Set version to {offer}."
        )


def _is_behind(gateway: dict[str, Any], version: str) -> bool:
    """Whether a gateway is known to be older than its mesh; the service may show a shorter version for gateways."""
    shown = numbers(str(gateway.get("Version") or ""))
    return gateway.get("Status") != "finished" and shown < numbers(version)[: len(shown)]


def run(cloud: Cloud, identifier: str, upgrade: Upgrade, *, wait: bool, timeout: float) -> Steps:
    """Sends the requests, waiting wherever the next one needs it; ``timeout`` (seconds) bounds all of it together.

    Without ``wait`` the last request's effect is not waited for. An upgrade that is going on already, from an
    interrupted run, is waited for and not asked for again.
    """
    deadline = Deadline(timeout)
    yield deadline.bound(functools.partial(meshes.settled, cloud, identifier))
    version = _version(cloud, identifier)
    while upgrade.version and numbers(version) < numbers(upgrade.version):
        step = offered(cloud, identifier)
        _check_offer(identifier, version, upgrade.version, step)
        deadline.check(f"mesh '{identifier}' to have version {upgrade.version}", last=version)
        cloud.asm("UpgradeMeshEditionPartially", ServiceMeshId=identifier, ExpectedVersion=step)
        if is_build_of(step, upgrade.version) and not upgrade.gateways and not wait:
            return
        yield deadline.bound(functools.partial(version_progress, cloud, identifier, step))
        version = step
    if upgrade.gateways:
        # The version it has: the service must not take this request for one more step of the control plane.
        cloud.asm(
            "UpgradeMeshEditionPartially",
            ServiceMeshId=identifier,
            ExpectedVersion=version,
            ASMGatewayContinue=True,
            UpgradeGatewayRecords=",".join(upgrade.gateways),
        )


def _version(cloud: Cloud, identifier: str) -> str:
    return str(meshes.info(meshes.describe_mesh(cloud, identifier)).get("Version") or "")


def version_progress(cloud: Cloud, identifier: str, version: str) -> Progress:
    """How far the control plane is on its way to ``version``."""
    detail = meshes.describe_mesh(cloud, identifier)
    about = meshes.info(detail)
    progress = meshes.state_progress(detail)
    if progress.done and numbers(str(about.get("Version") or "")) < numbers(version):
        return waiting(f"mesh '{about.get('Name')}' to have version {version}", last=about.get("State"))
    return progress


def gateways_progress(cloud: Cloud, identifier: str, gateways: tuple[str, ...]) -> Progress:
    """How far the gateways are on their way to the version of the mesh; one that failed is a failure of all."""
    detail = meshes.describe_mesh(cloud, identifier)
    states = gateway_states(cloud, identifier, detail, list(gateways))
    left = {name: states.get(name) or {} for name in gateways if not _arrived(states.get(name) or {}, detail)}
    if not left:
        return DONE
    for name, state in left.items():
        if state.get("Status") == "failed":
            said = str(state.get("Message") or "the service gave no reason").rstrip(".")
            return failed(f"Gateway {name} could not be upgraded: {said}.", last="failed")
    percent = 100 * (len(gateways) - len(left)) // len(gateways)
    status = ", ".join(sorted({str(state.get("Status") or "unknown") for state in left.values()}))
    return waiting(f"gateways {', '.join(left)} to be upgraded ({status})", percent, last=status)


def _arrived(gateway: dict[str, Any], detail: dict[str, Any]) -> bool:
    return gateway.get("Status") == "finished" or (
        numbers(str(gateway.get("Version") or "")) == numbers(str(meshes.info(detail).get("Version") or ""))
    )

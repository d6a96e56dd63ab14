# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set of a cluster once it is in a mesh: its network among several, and its switches.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud

Json = dict[str, Any]

FEATURE_OPTIONS: Json = {
    "smc_enabled": {"type": "bool"},
    "network": {
        "type": "dict",
        "options": {
            "name": {"type": "str"},
            "gateway_enabled": {"type": "bool"},
            "gateway": {"type": "str"},
            "gateway_address": {"type": "str"},
        },
    },
}
# Part of a network -> its name in MultiClusterNetworks.
_NETWORK = {
    "name": "Network",
    "gateway_enabled": "EnableGateway",
    "gateway": "GatewayName",
    "gateway_address": "CustomGatewayAddress",
}


@dataclass(frozen=True)
class Features:
    """Of clusters by their id: ``before`` and ``after`` as the user sees them, and the calls that lead there."""

    before: dict[str, Json] = field(default_factory=dict)
    after: dict[str, Json] = field(default_factory=dict)
    calls: tuple[tuple[str, Json], ...] = ()


def wanted(item: Json) -> Json:
    """``{smc_enabled, network}`` of an item of the option ``clusters``, as far as it sets them."""
    network = {key: value for key, value in (item.get("network") or {}).items() if value is not None}
    found = {"smc_enabled": item.get("smc_enabled"), "network": network or None}
    return {key: value for key, value in found.items() if value is not None}


def networks(cloud: Cloud, mesh_id: str) -> dict[str, Json]:
    """The networks of a mesh's clusters by their ids (action DescribeMeshMultiClusterNetwork)."""
    return cloud.asm("DescribeMeshMultiClusterNetwork", ServiceMeshId=mesh_id).get("MultiClusterNetworks") or {}


def network(shown: Json | None) -> Json:
    """One network in the keys of the options; what is not shown is empty."""
    found = {key: (shown or {}).get(source) for key, source in _NETWORK.items()}
    return {key: bool(value) if key == "gateway_enabled" else value or "" for key, value in found.items()}


def changes(chosen: list[tuple[Json, Json]], shown: dict[str, Json]) -> Features:
    """What ``[(cluster as listed, item)]`` ask for beyond what is there. Pure.

    ``shown`` are the networks of all clusters that stay in the mesh.
    """
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    calls: list[tuple[str, Json]] = []
    moved: dict[str, Json] = {}
    for cluster, item in chosen:
        identifier, asked = str(cluster["ClusterId"]), wanted(item)
        placed = network(shown.get(identifier))
        there: Json = {"smc_enabled": _smc(cluster), "network": placed}
        goal: Json = {**there, **asked, "network": {**placed, **asked.get("network", {})}}
        differing = [key for key in asked if goal[key] != there[key]]
        if "smc_enabled" in differing:
            calls.append(
                ("UpdateGuestClusterConfig", {"GuestClusterId": identifier, "SMCEnabled": goal["smc_enabled"]})
            )
        if "network" in differing:
            moved[identifier] = goal["network"]
        if differing:
            before[identifier] = {key: there[key] for key in differing}
            after[identifier] = {key: goal[key] for key in differing}
    if moved:
        # All of them: the documents leave open whether those that are not sent stay.
        everything = {**{key: network(one) for key, one in shown.items()}, **moved}
        sent = {key: {_NETWORK[part]: value for part, value in one.items()} for key, one in everything.items()}
        calls.append(("UpdateMeshMultiClusterNetwork", {"MultiClusterNetworks": sent}))
    return Features(before, after, tuple(calls))


def _smc(cluster: Json) -> bool:
    return bool(((cluster.get("GuestClusterConfig") or {}).get("SMC") or {}).get("Enabled"))

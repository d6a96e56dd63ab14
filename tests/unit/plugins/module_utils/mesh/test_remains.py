# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deleted mesh leaves on the bill."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.mesh.remains import remains, stay

SETTINGS: dict[str, Any] = {
    "load_balancers": {"api_server": "lb-api", "pilot": "lb-pilot"},
    "api_server_eip_id": "eip-api",
    "pilot_eip_id": "",
    "access_log": {"project": "logs"},
    "audit": {"project": "audit"},
    "control_plane_log": {"project": None},
    "security_group_id": "sg-1",
}
OWN = {"SLBExistStatus": "exist", "Reused": False}
STATUS: dict[str, Any] = {
    "ApiServerLoadBalancerStatus": OWN,
    "PilotLoadBalancerStatus": OWN,
    "AccessLogProjectStatus": "not_exist",
    "AuditProjectStatus": "audit project not exist",
    "SgStatus": "not_reused",
}


def shown(*, status: Any = ..., live: Any = (), retained: Any = (), eips: Any = ()) -> dict[str, Any]:
    known = None if eips is None else dict.fromkeys(eips, "Available")
    rows = remains(SETTINGS, STATUS if status is ... else status, live, {"k1": "shop-1"}, list(retained), known)
    return {row["id"]: (row["kind"], row["exists"], row["retained"]) for row in rows}


def test_what_goes_with_the_mesh_is_not_named() -> None:
    assert shown() == {}


def test_a_service_that_says_nothing_leaves_everything_open() -> None:
    found = shown(status={}, eips=None)
    assert set(found) == {"lb-api", "lb-pilot", "eip-api", "logs", "audit", "sg-1"}
    assert {exists for _kind, exists, _retained in found.values()} == {None}


def test_an_eip_that_is_still_listed_is_certain() -> None:
    assert shown(eips=["eip-api", "eip-other"]) == {"eip-api": ("eip", True, False)}


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ({"ApiServerLoadBalancerStatus": {**OWN, "Reused": True}}, "lb-api"),
        ({"AccessLogProjectStatus": "exist"}, "logs"),
        ({"AuditProjectStatus": "audit_project_exist"}, "audit"),
        ({"SgStatus": "reused"}, "sg-1"),
    ],
)
def test_what_others_use_or_what_has_logs_stays(status: dict[str, Any], left: str) -> None:
    assert set(shown(status={**STATUS, **status})) == {left}


def test_what_was_asked_to_stay_is_marked() -> None:
    assert {key: row[2] for key, row in shown(retained=["sg-1", "lb-pilot", "lb-x"]).items()} == {
        "sg-1": True,
        "lb-pilot": True,
    }


def test_a_load_balancer_that_a_gateway_borrowed_stays() -> None:
    prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id"
    spec = {"serviceAnnotations": {prefix: "lb-mine"}, "overrides": {"k1": {"serviceAnnotations": {prefix: "lb-too"}}}}
    live = [{"metadata": {"name": "in"}, "spec": spec}, {"metadata": {"name": "bare"}}]
    assert set(shown(live=live)) == {"lb-mine", "lb-too"}


def test_gateways_that_nobody_looked_at_are_named_by_their_clusters() -> None:
    assert shown(live=None) == {"k1": ("cluster", None, False)}


def test_a_diff_shows_what_stays_by_kind_and_id() -> None:
    rows = remains(SETTINGS, STATUS, [], {}, [], {"eip-api": "Available"})
    assert list(stay(rows)["stay"]) == ["eip eip-api"]
    assert stay([]) == {}

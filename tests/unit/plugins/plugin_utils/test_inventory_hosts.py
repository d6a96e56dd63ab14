# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts, groups and variables from the records of meshes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.plugin_utils.inventory_hosts import group_name, hosts_of

KINDS = ["mesh", "cluster", "gateway"]
ASPECTS = ["region", "state", "version", "tag"]


def record(name: str = "shop", identifier: str = "c1", **mesh: Any) -> dict[str, Any]:
    about = {"id": identifier, "name": name, "region": "cn-hangzhou", "state": "running", "tags": {}, **mesh}
    return {
        "mesh": {"version": "v1.22.6.109-g5ddeaef7-aliyun", **about},
        "clusters": [{"id": "k1", "name": "shop-1", "state": "running", "region": "cn-beijing", "version": "1.32"}],
        "gateways": [{"name": "ingressgateway", "status": "Running", "addresses": {"shop-1": ["203.0.113.10"]}}],
    }


def names(records: list[dict[str, Any]], kinds: list[str] | None = None) -> list[str]:
    return [host.name for host in hosts_of(records, kinds or KINDS, ASPECTS)]


def test_each_kind_has_names_of_its_own() -> None:
    assert names([record()]) == ["shop", "shop.cluster.shop-1", "shop.gateway.ingressgateway"]


def test_meshes_of_one_name_are_told_apart_by_their_ids() -> None:
    found = names([record(), record(identifier="c2"), record("other", "c3")], ["mesh", "cluster"])
    assert found == ["c1", "c1.cluster.shop-1", "c2", "c2.cluster.shop-1", "other", "other.cluster.shop-1"]


def test_clusters_of_one_name_are_told_apart_by_their_ids() -> None:
    twins = record()
    twins["clusters"] = [{"id": "k1", "name": "twin"}, {"id": "k2", "name": "twin"}, {"id": "k3", "name": None}]
    assert names([twins], ["cluster"]) == ["shop.cluster.k1", "shop.cluster.k2", "shop.cluster.k3"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_wanted_kinds_become_hosts(kind: str) -> None:
    (host,) = hosts_of([record()], [kind], [])
    assert host.variables["mesh_kind"] == kind
    assert len(host.groups) == 1


def test_groups_are_those_of_the_host_and_of_its_mesh() -> None:
    mesh, cluster, gateway = hosts_of([record(tags={"team": "shop", "spot": ""}, state="upgrading")], KINDS, ASPECTS)
    shared = {"version_v1_22_6", "tag_team_shop", "tag_spot"}
    assert set(mesh.groups) == {"meshes", "region_cn_hangzhou", "state_upgrading"} | shared
    assert set(cluster.groups) == {"clusters", "region_cn_beijing", "state_running"} | shared
    assert set(gateway.groups) == {"gateways", "region_cn_hangzhou", "state_running"} | shared


def test_what_is_unknown_makes_no_group() -> None:
    (host,) = hosts_of([record(version=None, state=None, region="")], ["mesh"], ASPECTS)
    assert host.groups == ["meshes"]


def test_facts_are_under_the_name_of_the_kind_and_those_of_the_mesh_everywhere() -> None:
    for host in hosts_of([record()], KINDS, ASPECTS):
        kind = host.variables["mesh_kind"]
        assert set(host.variables) == {"mesh_kind", "mesh", kind, "ansible_connection"}
        assert host.variables["mesh"]["id"] == "c1"
        assert host.variables["ansible_connection"] == "local"


def test_no_variable_looks_like_one_of_the_spec() -> None:
    assert not [key for host in hosts_of([record()], KINDS, ASPECTS) for key in host.variables if key[:3] == "asm"]


def test_names_of_groups_are_identifiers() -> None:
    assert group_name("tag", "app.kubernetes.io/name", "a-b c") == "tag_app_kubernetes_io_name_a_b_c"
